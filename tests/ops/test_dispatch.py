"""The dispatch of ops on the types of their arguments, and ops of `conversion.py` that depend on it."""

import inspect
import re

import numpy as np
import pytest

import cornu
from cornu import backends, config, layers, losses, metrics, ops
from cornu.ops import dispatch


class Stands:
    """A stand-in for an array, as a variable is."""

    def __init__(self, value):
        self.value = value

    def __cornu_array__(self):
        return self.value


class Symbol:
    """A stand-in for a symbolic tensor."""


@pytest.fixture
def recorded():
    calls = []
    dispatch.register_recorder(Symbol, lambda op, args, kwargs: calls.append((op, args, kwargs)) or "recorded")
    yield calls
    del dispatch._recorders[Symbol]


def test_what_stands_for_an_array_is_asked_for_it(make, check):
    check(ops.add(Stands(make(np.float32([1]))), Stands(make(np.float32([2])))), np.float32([3]))
    check(ops.concatenate([Stands(make(np.float32([1]))), make(np.float32([2]))]), np.float32([1, 2]))
    check(ops.sum(x=Stands(make(np.float32([1, 2])))), np.float32(3))


def test_an_op_with_a_symbol_is_recorded(recorded):
    symbol = Symbol()
    assert ops.add(symbol, 1) == "recorded"
    assert ops.sum(x=symbol, axis=0) == "recorded"
    assert recorded == [(ops.add, (symbol, 1), {}), (ops.sum, (), {"x": symbol, "axis": 0})]


def test_a_symbol_in_a_list_is_found(recorded):
    assert ops.concatenate([np.zeros(1), Symbol()], axis=0) == "recorded"


def test_a_type_met_before_can_still_be_registered():
    class Late:
        shape = (1,)

    with pytest.raises(Exception, match=r"dtype object"):
        ops.abs(Late())
    dispatch.register_recorder(Late, lambda op, args, kwargs: "recorded")
    assert ops.abs(Late()) == "recorded"


def test_an_op_keeps_its_name_and_words():
    assert ops.relu.__name__ == "relu"
    assert ops.relu.__doc__.startswith("Rectified linear unit")


def test_arrays_of_python_data_are_of_the_default_backend():
    backend, x, y = dispatch.arrays([1.0], 2)
    assert backend is backends.get()
    assert backend.dtype(x), backend.dtype(y) == ("float32", "int32")


def test_floats_keep_their_dtype(make, engine):
    _, x, y, z = dispatch.floats(make(np.float16([1])), make(np.int32([1])), make(np.float32([1])))
    assert (engine.dtype(x), engine.dtype(y), engine.dtype(z)) == ("float16", "float16", "float32")
    assert engine.dtype(dispatch.floats(make(np.int32([1])))[1]) == "float32"


# --- Where NumPy data goes --------------------------------------------------------------------------------------------


@pytest.fixture
def by_default(engine_name, monkeypatch):
    """An engine that is the default backend."""
    monkeypatch.setattr(config._backend, "_default", engine_name)
    return engine_name


ROWS = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")


def test_numpy_arrays_go_to_the_default_engine(by_default):
    for result in (ops.mean(ROWS), ops.add(ROWS, ROWS), ops.concatenate([ROWS, ROWS]), ops.matmul(ROWS, [1.0, 2.0, 3.0])):
        assert backends.owner(result) == by_default
    np.testing.assert_allclose(np.asarray(ops.mean(ROWS)), ROWS.mean(), rtol=1e-6)
    np.testing.assert_allclose(np.asarray(ops.matmul(ROWS, [1.0, 2.0, 3.0])), ROWS @ np.float32([1, 2, 3]), rtol=1e-6)


def test_a_resized_numpy_image_is_an_array_of_the_default_engine(by_default):
    image = np.zeros((4, 4, 3), "float32")
    assert backends.owner(ops.image.resize(image, (8, 8))) == by_default


def test_numpy_arrays_stay_where_numpy_is_the_default(monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "numpy")
    assert type(ops.mean(ROWS)) is type(ops.multiply(ROWS, 2)) is np.ndarray
    assert ops.mean(ROWS.astype("float64")).dtype == "float64"


def test_inside_a_call_numpy_and_python_data_go_where_it_runs(backend, monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "jax")
    with config.placement_scope(backend):
        assert backends.owner(ops.exp(ROWS)) == backends.owner(ops.exp([1.0])) == backend
    assert backends.owner(ops.exp(ROWS)) == "jax"


def test_an_array_of_an_engine_decides_over_numpy_data(engine_name, monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "jax" if engine_name != "jax" else "numpy")
    own = backends.get(engine_name).asarray(ROWS)
    assert backends.owner(ops.add(own, ROWS)) == backends.owner(ops.stack([ROWS, own])) == engine_name


def test_64_bits_of_numpy_data_are_those_of_convert_to_tensor(by_default):
    for data in (np.float64([1.5, 2.5]), np.int64([1, 2]), np.uint8([1, 2]), np.array([True])):
        assert ops.dtype(ops.reshape(data, (-1,))) == ops.dtype(ops.convert_to_tensor(data))
    assert ops.dtype(ops.mean(np.float64([1.5]))) == "float32"


def test_converted_to_numpy_it_is_numpy(by_default):
    assert type(ops.convert_to_numpy(ROWS)) is np.ndarray


def test_a_layer_on_any_backend_finds_its_numpy_constants_there(backend, monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "jax")

    class Shifted(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight((3,), "ones", name="scale")

        def call(self, x):
            self.seen = ops.exp(ROWS[0])
            return x * self.scale + self.seen

    layer = Shifted().to_backend(backend)
    outputs = layer(ROWS)
    assert backends.owner(outputs) == backends.owner(layer.seen) == backend
    np.testing.assert_allclose(np.asarray(outputs), ROWS + np.exp(ROWS[0]), rtol=1e-5)


def test_a_variable_of_the_numpy_backend_keeps_its_arrays_there():
    variable = cornu.Variable([1.0, 2.0], backend="numpy")
    for result in (variable + 1, 2 * variable, ops.concatenate([variable, [3.0]]), ops.logspace(variable, 3.0, 4)):
        assert backends.owner(result) == "numpy"
    variable.assign_add(np.float32([1, 1]))
    assert backends.owner(variable.value) == "numpy" and variable.numpy().tolist() == [2.0, 3.0]


def test_inside_a_gradient_of_the_numpy_backend_numpy_arrays_are_its_own():
    def f(x):
        return ops.sum(ops.multiply(ops.multiply(x, ops.exp(ROWS)), ops.cast(ops.greater(x, 0), "float32")))

    value, gradient = backends.get("numpy").value_and_grad(f)(ROWS)
    np.testing.assert_allclose(value, (ROWS * np.exp(ROWS))[ROWS > 0].sum(), rtol=1e-5)
    np.testing.assert_allclose(gradient, np.exp(ROWS) * (ROWS > 0), rtol=1e-5)


def test_a_loss_of_numpy_arrays_is_of_the_default_engine(by_default):
    loss = losses.MeanSquaredError()(ROWS, ROWS + 1)
    assert backends.owner(loss) == by_default
    assert float(loss) == pytest.approx(1, rel=1e-5)


def test_a_loss_goes_where_labels_or_predictions_are(engine_name, monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "jax" if engine_name != "jax" else "torch")
    own = backends.get(engine_name).asarray(np.abs(ROWS))
    for loss in (losses.MeanSquaredError(), losses.BinaryCrossentropy(), losses.CategoricalCrossentropy()):
        for given in ((own, ROWS), (ROWS, own), (np.abs(ROWS).tolist(), own)):
            assert backends.owner(loss(*given, sample_weight=[1.0, 2.0], sample_mask=np.array([1, 0]))) == engine_name


def test_a_metric_takes_numpy_data_to_its_own_backend(backend, monkeypatch):
    made = [metrics.MeanSquaredError(), metrics.AUC(), metrics.MeanIoU(2, sparse_y_pred=True), metrics.F1Score(threshold=0.5)]
    monkeypatch.setattr(config._backend, "_default", "torch" if backend != "torch" else "jax")
    labels, weights = np.float32([[0, 1], [1, 0], [1, 1]]), np.float64([1, 2, 3])
    for metric in made:
        given = (labels, labels) if isinstance(metric, metrics.MeanIoU) else (labels, np.abs(labels - 0.2))
        whole = np.broadcast_to(weights[:, None], labels.shape).astype("int64")
        weight = whole if isinstance(metric, metrics.MeanIoU) else weights
        metric.update_state(*given, sample_weight=weight)
        expected = np.asarray(metric.result())
        metric.reset_state()
        metric.to_backend(backend)
        metric.update_state(*given, sample_weight=weight)
        assert backends.owner(metric.result()) == backend
        np.testing.assert_allclose(np.asarray(metric.result()), expected, rtol=1e-5)


HOMES = (ops, ops.image, ops.linalg)
ALL_OPS = {name: getattr(home, name) for home in HOMES for name in home.__all__ if inspect.isfunction(getattr(home, name))}


@pytest.mark.parametrize("name", ALL_OPS)
def test_the_first_argument_may_be_passed_by_name(name):
    """Wrappers of ops take every argument by the name in the signature; what else an op requires does not matter here."""
    parameters = inspect.signature(ALL_OPS[name]).parameters
    first = next(iter(parameters.values()), None)
    if first is None or first.kind is first.VAR_POSITIONAL:
        pytest.skip("the op has no named first argument")
    try:
        ALL_OPS[name](**{first.name: np.eye(3, dtype="float32")})
    except Exception as error:
        missing = re.search(r"missing .*required .*argument.?: (.*)", str(error))
        names = set(re.findall(r"'(\w+)'", missing[1])) if missing else set()
        assert names <= {*parameters} - {first.name}, error
        assert "unexpected keyword" not in str(error)
