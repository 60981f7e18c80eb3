"""Functions of NumPy or of another engine, and reading of values, in steps, losses, metrics and layers, on every engine."""

import importlib
import re
import warnings

import numpy as np
import pytest

import cornu
from cornu import config, layers, losses, ops
from cornu.errors import InvalidTypeError, TracedValueError, line_of_user, place_of

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(12, 3)).astype("float32"), RNG.normal(size=(12, 1)).astype("float32")

CALLS = {
    "numpy": ("numpy", lambda library: lambda y, p: ops.mean(library.square(y - p)), "square"),
    "jax": ("jax.numpy", lambda library: lambda y, p: ops.mean(library.square(y - p)), "square"),
    "torch": ("torch", lambda library: lambda y, p: ops.mean(library.square(y - p)), "square"),
    "tensorflow": ("tensorflow", lambda library: lambda y, p: library.reduce_mean((y - p) ** 2), "mean"),
}
"""Backend to the library for its arrays, a function that calls it, and the op to use in its place."""


class Net(cornu.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1)

    def call(self, inputs):
        return self.dense(inputs)


def in_loss(function):
    return Net(), {"loss": function}


def in_loss_class(function):
    class Mine(losses.Loss):
        def call(self, y_true, y_pred):
            return function(y_true, y_pred)

    return Net(), {"loss": Mine()}


def in_compute_loss(function):
    class Mine(Net):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return function(y, y_pred)

    return Mine(), {}


def in_train_step(function):
    class Mine(Net):
        def train_step(self, data):
            x, y = data
            loss, gradients = cornu.value_and_grad(lambda: function(y, self(x)), self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            return {"loss": loss}

    return Mine(), {}


def in_layer(function):
    class Mine(layers.Layer):
        def call(self, inputs):
            return inputs * function(inputs, inputs + 1) if self.is_on else inputs

    layer = Mine()
    layer.is_on = False  # so that the model can be built and predict
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(3), layer, layers.Dense(1)])
    return model, {"switch": layer}


PLACES = [in_loss, in_loss_class, in_compute_loss, in_train_step, in_layer]


def fails_as_before(place, function, engine, error, text):
    """Train a model with a function that cannot run, and check the error and that nothing changed."""
    model, options = place(function)
    model.to_backend(engine)
    model.build((None, 3))
    switch = options.pop("switch", None)
    model.compile(**{"optimizer": "sgd", "loss": "mse", **options})
    weights, outputs = model.get_weights(), model.predict(X, verbose=0)
    if switch is not None:
        switch.is_on = True
        model.forget_compiled_functions()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that steps run operation by operation
        with pytest.raises(error, match=text):
            model.fit(X, Y, batch_size=4, verbose=0)
    if switch is not None:
        switch.is_on = False
        model.forget_compiled_functions()
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(model.predict(X, verbose=0), outputs, rtol=1e-6)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("library", CALLS)
def test_functions_of_another_library_are_named_with_what_to_use(backend, library, place):
    if library == backend:
        pytest.skip("It is the library of the engine.")
    if backend == "numpy" and library != "torch":
        pytest.skip("Arrays of the NumPy engine know which functions they are passed to.")
    module, call, op = CALLS[library]
    function = call(pytest.importorskip(module))
    called = re.escape(f"`library.{'reduce_mean' if library == 'tensorflow' else 'square'}`")
    text = (
        rf"line \d+ of `test_foreign_calls.py`, calls {called}, which is for arrays of {library}; the model is on "
        rf"{backend}\. .*`cornu\.ops`.* Use `cornu\.ops\.{op}`, which works on every engine"
    )
    fails_as_before(place, function, backend, InvalidTypeError, text)


def reads_with_float(y, p):
    return float(ops.mean((y - p) ** 2))


def reads_with_item(y, p):
    return ops.mean((y - p) ** 2).item()


def reads_with_numpy(y, p):
    return np.mean((y - p).numpy() ** 2)


@pytest.mark.parametrize("place", [in_loss, in_compute_loss, in_train_step])
@pytest.mark.parametrize("function", [reads_with_float, reads_with_item])
def test_a_loss_without_a_gradient_is_refused(backend, function, place):
    text = r"reads the values of an array|returned a (Python number|NumPy array)\. .* have no gradient"
    fails_as_before(place, function, backend, (TracedValueError, InvalidTypeError), text)


@pytest.mark.parametrize("place", [in_loss, in_compute_loss, in_train_step, in_layer])
def test_methods_that_read_values_are_named_with_their_line(backend, place):
    if backend == "numpy":
        pytest.skip("Arrays of NumPy have no method `numpy`.")
    text = rf"`reads_with_numpy`, line \d+ of `test_foreign_calls.py`, reads the values of an array of {backend}\. .* no values"
    fails_as_before(place, reads_with_numpy, backend, TracedValueError, text)


def test_a_symbolic_call_names_the_function_too(backend):
    if backend == "numpy":
        pytest.skip("NumPy functions run on the NumPy engine.")

    class Mine(layers.Layer):
        def call(self, inputs):
            return np.asarray(inputs).mean()

    with config.placement_scope(backend):
        layer = Mine(name="mine")
        if backend == "jax":  # which reads the values operation by operation
            layer(cornu.Input((3,)))
            return
        with pytest.raises(
            InvalidTypeError, match=r"`Mine.call`, line \d+ .* calls `np.asarray`.* Functions of `cornu.ops`"
        ) as caught:
            layer(cornu.Input((3,)))
    assert any("'mine'" in note for note in caught.value.__notes__)


def test_other_errors_of_the_user_are_unchanged(backend):
    def mine(y_true, y_pred):
        np.zeros(3).reshape(2, 2)  # whose arguments are no arrays of the engine
        return ops.mean(y_pred)

    model = Net().to_backend(backend)
    model.compile("sgd", mine)
    with pytest.raises(ValueError, match="cannot reshape") as caught:
        model.fit(X, Y, verbose=0)
    assert not isinstance(caught.value, InvalidTypeError)


def test_place_of_names_the_innermost_function_that_has_a_name():
    def named():
        return [(lambda: 1 / 0)() for _ in range(1)]

    with pytest.raises(ZeroDivisionError) as caught:
        named()
    line = line_of_user(caught.value)
    assert line is not None
    assert re.fullmatch(r"`named`, line \d+ of `test_foreign_calls.py`", place_of(line))


def test_lines_of_libraries_are_skipped():
    with pytest.raises(ValueError, match="invalid literal") as caught:
        importlib.import_module("decimal")
        np.array(["x"]).astype("int64")
    line = line_of_user(caught.value)
    assert line is not None and line.tb_frame.f_code.co_name == "test_lines_of_libraries_are_skipped"


# --- Operators that an engine refuses -------------------------------------------------------------------------------------


def fitted(backend, loss):
    with cornu.config.placement_scope(backend):
        model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2)])
        model.compile("sgd", loss)
        return model.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "int32"), verbose=0).history["loss"]


def test_integers_times_a_float_in_a_loss_work_or_are_explained(backend):
    def loss(y_true, y_pred):
        half = ops.argmax(y_pred, -1) * 0.5
        return ops.mean(y_pred, -1) + half

    if backend != "tensorflow":
        assert np.isfinite(fitted(backend, loss)).all()
        return
    with pytest.raises(InvalidTypeError, match=r"computes `ops.argmax\(y_pred, -1\) \* 0.5`.*`cornu.ops.multiply\(ops.argmax"):
        fitted(backend, loss)


def test_an_array_of_numpy_in_a_loss_works_or_is_explained(backend):
    def loss(y_true, y_pred):
        return ops.mean(y_pred * np.array([1.0, 2.0]), -1)

    if backend != "torch":
        assert np.isfinite(fitted(backend, loss)).all()
        return
    with pytest.raises(InvalidTypeError, match=r"computes `y_pred \* np.array.*Use `cornu.ops.multiply\(y_pred, np.array"):
        fitted(backend, loss)


def test_what_the_explanation_names_works(backend):
    def loss(y_true, y_pred):
        weighted = ops.multiply(y_pred, np.array([1.0, 2.0]))
        return ops.mean(weighted, -1) + ops.multiply(ops.argmax(y_pred, -1), 0.5)

    assert np.isfinite(fitted(backend, loss)).all()
