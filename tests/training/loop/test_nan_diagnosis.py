"""Where a NaN came from."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.core.layer import Layer
from cornu.errors import NonFiniteError

X, Y = np.linspace(-1, 3, 8, dtype="float32")[:, None] * [1, 2], np.zeros((8, 1))


class Root(Layer):
    def call(self, inputs):
        return ops.sqrt(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape


def failing(model, on, loss="mse") -> str:
    model.compile("sgd", loss)
    with pytest.raises(NonFiniteError) as caught:
        on(model).fit(X, Y, verbose=0, shuffle=False)
    return str(caught.value)


def test_the_first_layer_that_gave_it_is_named(on):
    stack = [layers.Identity(), Root(name="root"), layers.Dense(3, name="after"), layers.Dense(1)]
    text = failing(cornu.Sequential([cornu.Input((2,)), *stack]), on)
    assert "step 1 resulted in a loss or a weight that is NaN or infinite: the layer 'root' returned the first one." in text
    assert "The learning rate is 0.01; the inputs of the batch are between -2 and 6." in text


def test_a_layer_inside_a_nested_model_is_named_as_get_layer_knows_it(on):
    inner = cornu.Sequential([cornu.Input((2,)), Root(name="root")], name="inner")
    model = cornu.Sequential([cornu.Input((2,)), inner, layers.Dense(1)])
    assert "the layer 'inner/root' returned the first one" in failing(model, on)
    assert model.get_layer("inner/root").name == "root"


def test_a_layer_of_a_functional_model_is_named(on):
    inputs = cornu.Input((2,))
    assert "the layer 'root' returned the first one" in failing(
        cornu.Model(inputs, layers.Dense(1)(Root(name="root")(inputs))), on
    )


def test_a_loss_that_is_nan_by_itself(on):
    def root(y_true, y_pred):
        return ops.sum(ops.sqrt(-1 - y_pred * y_pred), axis=-1)

    text = failing(cornu.Sequential([cornu.Input((2,)), layers.Dense(1)]), on, root)
    assert "the outputs were finite, so the loss or its gradient was not" in text


def test_a_gradient_that_is_nan_while_the_loss_is_not(on):
    def corner(y_true, y_pred):
        return ops.sum(ops.sqrt(y_pred * 0), axis=-1)

    text = failing(cornu.Sequential([cornu.Input((2,)), layers.Dense(1)]), on, corner)
    assert "so the loss or its gradient was not" in text
