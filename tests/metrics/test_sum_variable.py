"""Sums and counts of metrics beyond 2**24, from where ``float32`` lacks integers, and those of half precision."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import backends, config, layers, metrics, ops
from cornu.metrics.sum_variable import SumVariable, bucket_sums, with_exact_sums

LARGE = 2**24
"""The first integer whose successor ``float32`` does not have."""

ONE_MORE: dict[str, tuple[Any, tuple, list[str]]] = {
    "sum": (lambda: metrics.Sum(), ([1.0],), ["total"]),
    "mean": (lambda: metrics.Mean(), ([1.0],), ["total", "count"]),
    "weighted mean": (lambda: metrics.Mean(), ([1.0], [1.0]), ["total", "count"]),
    "wrapper": (lambda: metrics.MeanAbsoluteError(), ([[0.0]], [[1.0]]), ["total", "count"]),
    "accuracy": (lambda: metrics.BinaryAccuracy(), ([[1.0]], [[0.9]]), ["total", "count"]),
    "rmse": (lambda: metrics.RootMeanSquaredError(), ([[0.0]], [[1.0]]), ["total", "count"]),
    "true positives": (lambda: metrics.TruePositives(), ([[1.0]], [[0.9]]), ["true_positives"]),
    "false positives": (lambda: metrics.FalsePositives(), ([[0.0]], [[0.9]]), ["false_positives"]),
    "true negatives": (lambda: metrics.TrueNegatives(), ([[0.0]], [[0.1]]), ["true_negatives"]),
    "precision": (lambda: metrics.Precision(), ([[1.0]], [[0.9]]), ["true_positives"]),
    "f1": (lambda: metrics.F1Score(threshold=0.5), ([[1.0]], [[0.9]]), ["true_positives", "intermediate_weights"]),
    "r2": (lambda: metrics.R2Score(), ([[1.0]], [[0.0]]), ["num_samples", "count", "total_mse", "sum", "squared_sum"]),
    "iou": (lambda: metrics.IoU(2, [1], dtype="float32"), ([1], [1]), []),
}
"""A metric, a sample that adds 1 to some of its variables, and the names of these."""


@pytest.mark.parametrize("name", ONE_MORE)
def test_a_large_sum_still_grows_by_one(name: str, default_backend: str) -> None:
    make, sample, attributes = ONE_MORE[name]
    metric = make()
    metric.update_state(*sample)
    variables = [getattr(metric, attribute) for attribute in attributes]
    for variable in variables:
        variable.assign(np.full(variable.shape, LARGE, "float32"))
    for _ in range(6):
        metric.update_state(*sample)
    for variable in variables:
        np.testing.assert_array_equal(variable.numpy(), np.full(variable.shape, LARGE + 6, "float32"))


@pytest.mark.parametrize("name", ["mean", "true positives", "f1"])
def test_a_large_sum_grows_by_one_in_compiled_code(name: str, default_backend: str) -> None:
    """An optimizer of expressions must not simplify ``(a + b) - a``."""
    make, sample, attributes = ONE_MORE[name]
    engine, metric = backends.get(default_backend), make()
    metric.update_state(*sample)
    for variable in (getattr(metric, attribute) for attribute in attributes):
        variable.assign(np.full(variable.shape, LARGE, "float32"))
    arrays = [engine.asarray(np.asarray(each, "float32")) for each in sample]
    step = engine.compile(lambda state, *given: metric.stateless_update_state(state, *given))
    variables = with_exact_sums(metric.variables)
    state = [variable.value for variable in variables]
    for _ in range(6):
        state = step(state, *arrays)
    found = {variable.name: engine.to_numpy(value) for variable, value in zip(variables, state, strict=True)}
    for attribute in attributes:
        assert float(found[attribute].reshape(-1)[0]) == LARGE + 6


class Total(metrics.Metric):
    """As people write metrics: a sum of the labels."""

    def __init__(self, name: str = "total", **kwargs: Any):
        super().__init__(name=name, **kwargs)
        self.total = self.add_weight(name="total", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        self.total.assign_add(ops.sum(ops.cast(y_true, self.dtype)))

    def result(self) -> Any:
        return self.total.value


def test_evaluation_and_training_sum_without_loss(default_backend: str) -> None:
    model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1)])
    model.compile("sgd", loss=lambda y_true, y_pred: ops.mean(0.0 * y_pred, axis=-1), metrics=[Total()])
    x, y = np.zeros((9, 1), "float32"), np.ones((9, 1), "float32")
    y[0] = LARGE
    assert model.evaluate(x, y, batch_size=1, verbose=0)[1] == LARGE + 8
    assert model.fit(x, y, batch_size=1, shuffle=False, verbose=0).history["total"] == [LARGE + 8]


def test_signed_sums_keep_what_remains(default_backend: str) -> None:
    metric = metrics.Sum()
    for value in (float(LARGE), 1.0, 1.0, -3.0, 0.5, 0.5, -4.0):
        metric.update_state([value])
    assert float(metric.result()) == LARGE - 4


def test_infinity_stays_infinity_and_nan_stays_nan(default_backend: str) -> None:
    metric = metrics.Mean()
    for value in (np.inf, 1.0, 2.0):
        metric.update_state(np.float32([value]))
    assert float(metric.result()) == np.inf
    metric.update_state(np.float32([np.nan]))
    assert np.isnan(float(metric.result()))
    metric.reset_state()
    metric.update_state([3.0])
    assert float(metric.result()) == 3.0


def test_an_overflow_is_infinite(default_backend: str) -> None:
    metric = metrics.Sum()
    for _ in range(3):
        metric.update_state(np.float32([3e38]))
    assert float(metric.result()) == np.inf


def test_a_new_value_forgets_what_remained(default_backend: str) -> None:
    metric = metrics.Sum()
    metric.update_state([float(LARGE)])
    metric.update_state([1.0])
    metric.total.assign(0.0)
    metric.update_state([0.0])
    assert float(metric.result()) == 0.0
    metric.update_state([float(LARGE)])
    metric.update_state([1.0])
    metric.reset_state()
    metric.update_state([0.0])
    assert float(metric.result()) == 0.0


def test_the_variables_are_those_of_keras_alone() -> None:
    mean = metrics.Mean(name="m")
    assert [variable.name for variable in mean.variables] == ["total", "count"]
    others = with_exact_sums(mean.variables)[2:]
    assert [variable.path for variable in others] == ["m/total_exact", "m/count_exact"]
    model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    model.fit(np.zeros((4, 1)), np.zeros((4, 1)), verbose=0)
    assert len(model.metrics_variables) == 4


def test_a_pure_update_of_the_variables_alone_leaves_the_metric_alone(default_backend: str) -> None:
    metric = metrics.Sum()
    metric.update_state([float(LARGE)])
    metric.update_state([1.0])
    [total] = metric.stateless_update_state([backends.get(default_backend).asarray(5.0)], [1.0])
    assert float(total) == 6.0
    metric.update_state([1.0])
    assert float(metric.result()) == LARGE + 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda metric: pickle.loads(pickle.dumps(metric))])
def test_copies_keep_what_remained(copied: Any) -> None:
    metric = metrics.Sum()
    metric.update_state([float(LARGE)])
    metric.update_state([1.0])
    twin = copied(metric)
    twin.update_state([1.0])
    assert float(twin.result()) == LARGE + 2
    assert float(metric.result()) == LARGE


def test_what_remained_moves_with_the_variable() -> None:
    metric = metrics.Sum()
    metric.update_state([float(LARGE)])
    metric.update_state([1.0])
    metric.to_backend("numpy")
    metric.update_state([1.0])
    assert float(metric.result()) == LARGE + 2 and metric.total.exact.place.backend == "numpy"


def test_integer_variables_are_plain() -> None:
    metric = metrics.MeanIoU(2)
    assert not isinstance(metric.total_cm, SumVariable) and with_exact_sums(metric.variables) == metric.variables


# --- Many values in one update -----------------------------------------------------------------------------------------


def test_more_ones_than_float32_counts_in_one_batch(default_backend: str) -> None:
    engine, count = backends.get(default_backend), LARGE + 2**16
    buckets = engine.asarray(np.concatenate([np.ones(4, "int32"), np.zeros(count, "int32")]))
    found = engine.to_numpy(bucket_sums(buckets, engine.asarray(np.ones(count + 4, "float32")), 3))
    np.testing.assert_array_equal(found, np.float32([count, 4, 0]))


def test_sums_of_columns_and_of_few_buckets(default_backend: str) -> None:
    rng = np.random.default_rng(0)
    buckets, values = rng.integers(0, 5, 9000).astype("int32"), rng.normal(size=(9000, 2)).astype("float32")
    expected = np.stack([values[buckets == each].astype("float64").sum(0) for each in range(5)])
    engine = backends.get(default_backend)
    found = bucket_sums(engine.asarray(buckets), engine.asarray(values), 5)
    np.testing.assert_allclose(engine.to_numpy(found), expected, rtol=1e-5, atol=1e-4)


def test_a_small_count_next_to_a_large_one_is_exact(default_backend: str) -> None:
    """The negatives are no difference of large numbers."""
    metric = metrics.TrueNegatives(thresholds=[0.3, 0.7])
    metric.update_state([[0.0]] * 3, [[0.1], [0.5], [0.9]], sample_weight=[1.0, 3.0, 2.0**25])
    np.testing.assert_array_equal(backends.home(metric.result()).to_numpy(metric.result()), [1.0, 4.0])


# --- Half precision ----------------------------------------------------------------------------------------------------

HALF: dict[str, tuple[Any, tuple, float]] = {
    "sum": (lambda dtype: metrics.Sum(dtype=dtype), (np.full(3000, 4.0),), 12000.0),
    "count": (lambda dtype: metrics.Mean(dtype=dtype), (np.tile([0.5, 1.5], 40_000),), 1.0),
    "large values": (lambda dtype: metrics.Mean(dtype=dtype), (np.full(100, 60_000.0),), 60_000.0),
    "mse": (lambda dtype: metrics.MeanSquaredError(dtype=dtype), (np.zeros((9, 4)), np.full((9, 4), 200.0)), 40_000.0),
    "rmse": (lambda dtype: metrics.RootMeanSquaredError(dtype=dtype), (np.zeros((9, 4)), np.full((9, 4), 300.0)), 300.0),
    "accuracy": (lambda dtype: metrics.BinaryAccuracy(dtype=dtype), (np.ones((70_000, 1)), np.ones((70_000, 1))), 1.0),
    "f1": (lambda dtype: metrics.F1Score("micro", 0.5, dtype=dtype), (np.ones((70_000, 1)), np.ones((70_000, 1))), 1.0),
}


def skip_if_missing(dtype: str, backend: str) -> None:
    if (dtype, backend) == ("bfloat16", "numpy"):
        pytest.skip("NumPy has no bfloat16")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", HALF)
def test_metrics_of_half_precision_sum_in_float32(name: str, dtype: str, default_backend: str) -> None:
    skip_if_missing(dtype, default_backend)
    make, values, expected = HALF[name]
    engine, metric = backends.get(default_backend), make(dtype)
    metric.update_state(*(engine.asarray(each, "float32") for each in values))
    found = metric.result()
    assert engine.dtype(found) == dtype
    assert float(engine.to_numpy(engine.cast(found, "float32"))) == pytest.approx(expected, rel=4e-3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["mse", "rmse", "accuracy"])
def test_predictions_in_half_precision_do_not_overflow(name: str, dtype: str, default_backend: str) -> None:
    skip_if_missing(dtype, default_backend)
    make, values, expected = HALF[name]
    engine, metric = backends.get(default_backend), make(None)
    scale = 2 if name == "mse" else 1
    metric.update_state(*(engine.cast(engine.asarray(each * scale, "float32"), dtype) for each in values))
    assert float(metric.result()) == pytest.approx(expected * scale**2, rel=4e-3)


@pytest.mark.parametrize("name", ["TruePositives", "Precision", "AUC", "R2Score"])
def test_counts_are_kept_in_float32_under_a_floatx_of_half_precision(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config._floatx, "_default", "float16")
    metric = getattr(metrics, name)()
    metric.update_state(np.ones((4000, 1), "float32"), np.tile(np.float32([[0.9], [0.2]]), (2000, 1)))
    assert {variable.dtype for variable in metric.variables} == {"float32"}
    assert ops.dtype(metric.result()) == "float16"
