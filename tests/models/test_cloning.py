import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError
from cornu.models import clone_model


def with_branches():
    x = cornu.Input((4,), name="x")
    same = layers.Dense(4, activation="tanh", name="same")
    inner = cornu.Sequential([cornu.Input((4,)), layers.Dense(2, name="deep")], name="inner")
    return cornu.Model(x, layers.Concatenate()([inner(same(same(x))), x * 2.0]), name="branches")


def test_a_clone_has_the_same_layers_and_other_weights():
    model = with_branches()
    clone = clone_model(model)
    assert [layer.name for layer in clone.layers] == [layer.name for layer in model.layers]
    assert not any(mine is other for mine, other in zip(clone.layers, model.layers, strict=True))
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])
    clone.set_weights(model.get_weights())
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    np.testing.assert_allclose(clone.predict(x), model.predict(x), rtol=1e-6)


def test_a_sequential_model_is_cloned():
    model = cornu.Sequential([cornu.Input((4,), name="x"), layers.Dense(3)], name="stack")
    clone = clone_model(model)
    assert (clone.name, clone.output_shape, len(clone.layers)) == ("stack", (None, 3), 1)


@pytest.mark.parametrize("make", [with_branches, lambda: cornu.Sequential([cornu.Input((4,)), layers.Dense(3)])])
def test_the_clone_of_a_frozen_model_is_frozen(make):
    model = make()
    model.trainable = False
    clone = clone_model(model)
    assert not clone.trainable and clone.trainable_weights == []
    assert clone_model(make()).trainable


def test_a_model_that_is_not_built_is_cloned():
    clone = clone_model(cornu.Sequential([layers.Dense(3)]))
    assert not clone.built


def test_a_subclassed_model_is_cloned_by_its_config():
    class Own(cornu.Model):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(units)

        def call(self, x):
            return self.dense(x)

    clone = clone_model(Own(7))
    assert clone.dense.units == 7


def test_the_clone_is_compiled_as_the_model_is():
    model = with_branches()
    model.compile(cornu.optimizers.SGD(0.25), "mse", metrics=["mae"])
    clone = clone_model(model)
    assert clone.optimizer is not model.optimizer
    assert clone.get_compile_config() == model.get_compile_config()


def test_clone_function_gives_the_layers():
    def wider(layer):
        config = layer.get_config()
        return type(layer).from_config(config | {"units": 9} if isinstance(layer, layers.Dense) else config)

    clone = clone_model(cornu.Sequential([cornu.Input((4,)), layers.Dense(3), layers.ReLU()]), clone_function=wider)
    assert clone.output_shape == (None, 9)


def test_call_function_calls_the_layers():
    def with_dropout(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        return layers.Dropout(0.5)(outputs) if isinstance(layer, layers.Dense) else outputs

    clone = clone_model(with_branches(), call_function=with_dropout)
    assert sum(isinstance(layer, layers.Dropout) for layer in clone.layers) == 2


@pytest.mark.parametrize(("recursive", "is_cloned_inside"), [(True, True), (False, False)])
def test_recursive_reaches_into_nested_models(recursive, is_cloned_inside):
    seen = []

    def note(layer):
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    clone_model(with_branches(), clone_function=note, recursive=recursive)
    assert ("deep" in seen) == is_cloned_inside


def test_the_clone_can_begin_with_other_tensors():
    x = cornu.Input((4,), name="other")
    assert clone_model(with_branches(), input_tensors=x).inputs[0] is x


@pytest.mark.parametrize(
    ("model", "arguments"),
    [
        (cornu.Sequential([layers.Dense(3)]), {"call_function": print}),
        (cornu.Model(), {"clone_function": print}),
        (layers.Dense(3), {}),
    ],
)
def test_arguments_that_do_not_go_with_the_model_are_refused(model, arguments):
    with pytest.raises(InvalidArgumentError, match="`clone_model` received"):
        clone_model(model, **arguments)


def test_input_tensors_have_the_structure_of_the_inputs():
    a, b = cornu.Input((3,)), cornu.Input((3,))
    model = cornu.Model({"a": a, "b": b}, layers.Subtract()([a, b]))
    with pytest.raises(InvalidArgumentError, match=r"of the structure \['\*', '\*'\].*\{'a': '\*', 'b': '\*'\}"):
        clone_model(model, input_tensors=[cornu.Input((3,)), cornu.Input((3,))])
    b, a = cornu.Input((3,)), cornu.Input((3,))
    clone = clone_model(model, input_tensors={"b": b, "a": a})
    data = {"a": np.full((1, 3), 5.0), "b": np.ones((1, 3))}
    assert np.asarray(clone(data)).tolist() == np.asarray(model(data)).tolist() == [[4.0] * 3]
