"""What a step of the form ``step(state, data)`` returns in error: the text names the step, and nothing is changed."""

import jax
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import InvalidTypeError, ShapeError

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(12, 3)).astype("float32"), RNG.normal(size=(12, 1)).astype("float32")


class Net(cornu.Model):
    """A model for JAX, whose steps return what a function makes of the logs and the state."""

    change = staticmethod(lambda logs, state: (logs, state))

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)

    def loss_of(self, trainable, non_trainable, x, y):
        outputs, non_trainable = self.stateless_call(trainable, non_trainable, x, training=True)
        return self.compute_loss(x, y, outputs), non_trainable

    def train_step(self, state, data):
        trainable, non_trainable, optimizer, metrics = state
        differentiated = jax.value_and_grad(self.loss_of, has_aux=True)
        (loss, non_trainable), gradients = differentiated(trainable, non_trainable, *data)
        trainable, optimizer = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        return self.change({"loss": loss}, (trainable, non_trainable, optimizer, metrics))

    def test_step(self, state, data):
        trainable, non_trainable, metrics = state
        loss, non_trainable = self.loss_of(trainable, non_trainable, *data)
        return self.change({"loss": loss}, (trainable, non_trainable, metrics))

    def predict_step(self, state, data):
        outputs, non_trainable = self.stateless_call(*state, data[0] if isinstance(data, tuple) else data)
        return self.change(outputs, non_trainable)


def made(change):
    model = type("Mine", (Net,), {"change": staticmethod(change)})()
    model.to_backend("jax")
    model.build((None, 3))
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    return model


FORM = r"It must return `\(logs, state\)`, with a state of the form that it received"
NO_STATE = r"A method of two arguments receives `\(state, data\)`. For the data alone, write `def \w+_step\(self, data\)`"
SIZES = r"a state of the form that it received: \d lists with \[2, 0, (2, )?2\] arrays"

CHANGES = [
    (
        lambda logs, state: (state, logs),
        InvalidTypeError,
        rf"returned the state before the logs\. {FORM}\. Write `return logs, state`",
    ),
    (
        lambda logs, state: None,
        InvalidTypeError,
        rf"returned None\. {FORM}\. End it with `return`, for example `return logs, \(",
    ),
    (lambda logs, state: logs, InvalidTypeError, rf"returned \{{'loss': .*{FORM}.*{NO_STATE}"),
    (lambda logs, state: (logs, *state), InvalidTypeError, rf"returned a tuple of \d elements\. {FORM}"),
    (lambda logs, state: (logs, None), InvalidTypeError, rf"returned None as its state\. .*{SIZES}"),
    (lambda logs, state: (logs, state[:2]), InvalidTypeError, rf"returned a state of 2 lists with \[2, 0\] arrays.*{SIZES}"),
    (lambda logs, state: (logs, (state[0][:1], *state[1:])), InvalidTypeError, rf"lists with \[1, 0, .* arrays.*{SIZES}"),
    (
        lambda logs, state: (logs, (state[0][::-1], *state[1:])),
        ShapeError,
        r"an array of shape \(1,\) as the value of the variable '.*/kernel' in its state\. The variable has shape \(3, 1\)\.",
    ),
    (
        lambda logs, state: (logs, ([state[0][0].T, state[0][1]], *state[1:])),
        ShapeError,
        r"an array of shape \(1, 3\) as the value of the variable '.*/kernel' in its state",
    ),
    (
        lambda logs, state: (logs, ([None, state[0][1]], *state[1:])),
        InvalidTypeError,
        r"returned None as the value of the variable '.*/kernel' in its state\. It must be an array",
    ),
]


@pytest.mark.parametrize("kind", ["train_step", "test_step"])
@pytest.mark.parametrize(("change", "error", "text"), CHANGES)
def test_a_wrong_state_is_refused_and_changes_nothing(kind, change, error, text):
    model = made(change)
    weights = model.get_weights()
    run = model.fit if kind == "train_step" else model.evaluate
    with pytest.raises(error, match=rf"`Mine.{kind}` {'returned ' if error is ShapeError else ''}.*{text}"):
        run(X, Y, batch_size=4, verbose=0)
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_wrong_state_of_a_function_is_refused_and_changes_nothing():
    class Mine(Net):
        def make_train_function(self, force=False):
            super().make_train_function(force)
            step = self.train_function

            def function(state, iterator):
                logs, (trainable, *others) = step(state, iterator)
                return logs, (trainable[::-1], *others)

            self.train_function = function

    model = Mine()
    model.to_backend("jax")
    model.build((None, 3))
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    weights = model.get_weights()
    with pytest.raises(
        ShapeError, match=r"`Mine.train_function` returned an array of shape \(1,\) as .* '.*/kernel' in its state"
    ):
        model.fit(X, Y, batch_size=4, verbose=0)
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_prediction_without_its_state_is_refused():
    model = made(lambda outputs, state: [outputs])
    with pytest.raises(
        InvalidTypeError,
        match=r"`Mine.predict_step` returned a list of 1 elements\. .* `\(outputs, state\)`",
    ):
        model.predict(X, verbose=0)


def test_values_of_another_dtype_are_cast_as_when_they_are_assigned():
    model = made(lambda logs, state: (logs, ([array.astype("float16") for array in state[0]], *state[1:])))
    exact = made(lambda logs, state: (logs, state))
    exact.set_weights(model.get_weights())
    for each in (model, exact):
        each.fit(X, Y, batch_size=4, verbose=0, shuffle=False)
    assert model.dense.kernel.dtype == "float32"
    np.testing.assert_allclose(model.get_weights()[0], exact.get_weights()[0], atol=5e-3)
