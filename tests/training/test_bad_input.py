"""Mistakes in the user's code: an error in three parts, and the model stays at its last good step, on every engine."""

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.callbacks import Callback, EarlyStopping
from cornu.errors import CornuError, InvalidTypeError, ShapeError

RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(20, 3)).astype("float32"), RNG.normal(size=(20, 1)).astype("float32")
WEIGHTS = [RNG.normal(size=shape).astype("float32") / 2 for shape in [(3, 4), (4,), (4, 1), (1,)]]


class Net(cornu.Model):
    """Two dense layers with fixed initial weights."""

    def __init__(self):
        super().__init__()
        self.first, self.second = layers.Dense(4, activation="tanh"), layers.Dense(1)
        self.calls = [0]

    def call(self, inputs):
        return self.second(self.first(inputs))

    def fails(self):
        """Count the calls, and return whether it is the third."""
        self.calls[0] += 1
        return self.calls[0] == 3


def made(kind, backend, **options):
    model = kind()
    model.to_backend(backend)
    model.build((None, 3))
    model.set_weights(WEIGHTS)
    model.compile(**{"optimizer": cornu.optimizers.SGD(0.1, momentum=0.5), "loss": "mse", "metrics": ["mae"], **options})
    return model


def state_of(model):
    return [variable.numpy() for variable in [*model.variables, *model.optimizer.variables, *model.metrics_variables]]


def same_state(model, wanted):
    found, expected = state_of(model), state_of(wanted)
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


def after_two_steps(backend):
    """A model whose epoch ended after two steps of four samples."""
    model = made(Net, backend)
    model.fit(X[:8], Y[:8], batch_size=4, verbose=0, shuffle=False)
    return model


class RaisesInStep(Net):
    def train_step(self, data):
        logs = super().train_step(data)
        if self.fails():
            raise KeyError("mine")
        return logs


class ReturnsNoneLater(Net):
    def train_step(self, data):
        logs = super().train_step(data)
        return None if self.fails() else logs


class RaisesInFunction(Net):
    def make_train_function(self, force=False):
        super().make_train_function(force)
        step = self.train_function

        def function(*args):
            found = step(*args)
            if self.fails():
                raise KeyError("mine")
            return found

        self.train_function = function


class RaisesInCall(Net):
    def call(self, inputs):
        if self.fails():
            raise KeyError("mine")
        return super().call(inputs)


@pytest.mark.parametrize("kind", [RaisesInStep, ReturnsNoneLater, RaisesInFunction, RaisesInCall])
def test_a_step_that_fails_later_leaves_the_last_good_step(backend, kind):
    model = made(kind, backend, run_eagerly=kind is not RaisesInFunction)
    model.calls[0] = -100  # what runs before training does not count
    with pytest.raises((KeyError, InvalidTypeError), match=r"mine|returned None. It must return a dict"):
        model.fit(X, Y, batch_size=4, verbose=0, shuffle=False, callbacks=[CountsFromHere()])
    same_state(model, after_two_steps(backend))
    model.fit(X, Y, batch_size=4, verbose=0)


class CountsFromHere(Callback):
    def on_train_begin(self, logs=None):
        self.model.calls[0] = 0


class RaisesAtBatch(Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            raise KeyError("mine")


class RaisesAtEpoch(Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise KeyError("mine")


@pytest.mark.parametrize("kind", [Net, ReturnsNoneLater, RaisesInFunction])
@pytest.mark.parametrize("callback", [RaisesAtBatch, RaisesAtEpoch])
def test_a_callback_that_raises_leaves_the_last_step(backend, callback, kind):
    model = made(kind, backend)
    model.calls[0] = -100
    rows = slice(0, 8) if callback is RaisesAtEpoch else slice(0, 20)
    with pytest.raises(KeyError, match="mine"):
        model.fit(X[rows], Y[rows], batch_size=4, verbose=0, shuffle=False, callbacks=[callback()])
    same_state(model, after_two_steps(backend))


class NoLogs(Net):
    def train_step(self, data):
        super().train_step(data)


class VectorLoss(Net):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return (y - y_pred) ** 2


class VectorInStep(Net):
    def train_step(self, data):
        x, y = data
        loss, gradients = cornu.value_and_grad(lambda: (y - self(x)) ** 2, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss}


class ScalarLogs(Net):
    def train_step(self, data):
        return super().train_step(data)["loss"]


@pytest.mark.parametrize(
    ("kind", "error", "text"),
    [
        (NoLogs, InvalidTypeError, r"`NoLogs.train_step` returned None. It must return a dict .* `return \{\"loss\": loss\}`"),
        (ScalarLogs, InvalidTypeError, r"`ScalarLogs.train_step` returned .* It must return a dict"),
        (VectorLoss, ShapeError, r"`VectorLoss.compute_loss` returned an array of shape \(4, 1\).* a scalar.*ops.mean"),
        (VectorInStep, ShapeError, r"shape \(4, 1\).*scalar"),
    ],
)
def test_a_step_that_is_wrong_is_refused_before_training(backend, kind, error, text):
    model = made(kind, backend)
    model.metrics[0].update_state(3.0)
    with pytest.raises(error, match=text):
        model.fit(X, Y, batch_size=4, verbose=0)
    if kind is not VectorInStep:  # on some engines it fails in the first step, for which the metrics were reset
        assert float(model.metrics[0].result()) == 3.0
    for found, wanted in zip(model.get_weights(), WEIGHTS, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert all(float(np.abs(variable.numpy()).max()) == 0 for variable in model.optimizer.variables[2:])


def test_a_monitored_value_that_a_step_does_not_return_is_a_warning(backend):
    class Mine(Net):
        def train_step(self, data):
            return {"mine": super().train_step(data)["loss"]}

    model = made(Mine, backend)
    with pytest.warns(UserWarning, match="'loss' is not in the logs, which contain mine; training will not end early"):
        history = model.fit(X, Y, epochs=2, verbose=0, callbacks=[EarlyStopping("loss")]).history
    assert list(history) == ["mine"] and len(history["mine"]) == 2


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("steps_per_execution", "many", "steps_per_execution='many'.*positive integer"),
        ("steps_per_execution", 0, "steps_per_execution=0.*positive integer"),
        ("run_eagerly", "yes", "run_eagerly='yes'.*True or False"),
        ("jit_compile", 3, "jit_compile=3.*True or False or 'auto'"),
        ("optimizer", 3, "3"),
        ("optimizer", "sdg", "Did you mean 'sgd'"),
    ],
)
def test_an_attribute_of_a_wrong_type_is_refused_and_changes_nothing(backend, name, value, text):
    model = made(Net, backend)
    model.train_on_batch(X, Y)
    before, kept = state_of(model), getattr(model, name)
    with pytest.raises(CornuError, match=text):
        setattr(model, name, value)
    assert getattr(model, name) is kept
    for one, other in zip(state_of(model), before, strict=True):
        np.testing.assert_array_equal(one, other)
    model.train_on_batch(X, Y)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, r"`Net.train_function` is 3, and the model is on \w+. It must be a function that can be called as"),
        (lambda: None, r"`Net.train_function` is a function with the arguments \(\), .* called as `function\("),
        (lambda a, b, c: None, r"a function with the arguments \(a, b, c\), .* Let `make_train_function` set"),
    ],
)
def test_a_train_function_of_a_wrong_form_is_refused_before_training(backend, value, text):
    model = made(Net, backend)
    model.train_function = value
    with pytest.raises(InvalidTypeError, match=text):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], WEIGHTS[0])


def test_a_make_function_that_sets_nothing_is_refused_before_training(backend):
    class Forgets(Net):
        def make_test_function(self, force=False):
            return lambda *args: {}

    text = r"`Forgets.test_function` is None.*`make_test_function` set `self.test_function`"
    with pytest.raises(InvalidTypeError, match=text):
        made(Forgets, backend).fit(X, Y, verbose=0, validation_data=(X, Y))


def test_a_function_that_returns_no_state_is_refused_and_changes_nothing():
    class Drops(Net):
        def make_train_function(self, force=False):
            super().make_train_function(force)
            step = self.train_function
            self.train_function = lambda state, iterator: step(state, iterator)[0]

    model = made(Drops, "jax")
    text = r"`Drops.train_function` returned .* a state .* 4 lists with \[4, 0, 6, 4\] arrays"
    with pytest.raises(InvalidTypeError, match=text):
        model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], WEIGHTS[0])


def test_the_numpy_engine_runs_a_wrapped_function():
    model = made(RaisesInFunction, "numpy")
    model.calls[0] = -100
    wanted = made(Net, "numpy")
    for each in (model, wanted):
        each.fit(X, Y, batch_size=8, verbose=0, shuffle=False)
    same_state(model, wanted)
    assert model.calls[0] == -97


def test_layers_that_add_a_vector_to_the_loss_count_its_sum(backend):
    class Adds(layers.Layer):
        def call(self, inputs):
            self.add_loss(ops.mean(inputs**2, axis=-1))
            return inputs

    model = cornu.Sequential([cornu.Input((3,)), Adds()]).to_backend(backend)
    model.compile("sgd", "mse")
    expected = (X**2).mean(axis=-1).sum() + 0
    assert model.evaluate(X, X, batch_size=20, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", ["mse", lambda: 1.0])
def test_a_loss_of_a_layer_that_is_no_number_is_refused_with_the_name_of_the_layer(backend, loss):
    class Adds(layers.Layer):
        def call(self, inputs):
            self.add_loss(loss)
            return inputs

    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(3)]).to_backend(backend)
    before = model.get_weights()
    with pytest.raises(InvalidTypeError, match=r"`add_loss` of the layer 'adder' received .* must be a number or an array"):
        model.add(Adds(name="adder"))
    for one, other in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def returns_none():
    ops.mean(X)


@pytest.mark.parametrize(
    ("function", "options", "text"),
    [
        (returns_none, {}, "`value_and_grad` returned None. It must return the loss, a scalar. End it with `return loss`"),
        (lambda: (ops.mean(X), X), {}, "returned 2 values. Without `has_aux=True` it must return the loss alone"),
        (lambda: 1.0, {"has_aux": True}, "an object of type float. With `has_aux=True` it must return a tuple of the loss"),
        (3.0, {}, "`value_and_grad` received 3.0 as its function.*Pass a function, such as `lambda: loss_fn"),
    ],
)
def test_functions_without_a_gradient(backend, function, options, text):
    model = made(Net, backend)
    with pytest.raises(InvalidTypeError, match=text):
        cornu.value_and_grad(function, model.trainable_variables, **options)


def test_a_model_without_return(backend):
    class Silent(Net):
        def call(self, inputs):
            self.second(self.first(inputs))

    model = made(Silent, backend)
    with pytest.raises(InvalidTypeError, match=r"'silent.*' returned None.*End `Silent\.call` with `return`"):
        model.fit(X, Y, verbose=0)
