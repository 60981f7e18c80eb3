"""Every metric compared with that of real Keras: results, weights, padding, compiled updates, names and configs."""

import inspect
from collections.abc import Callable

import keras
import numpy as np
import pytest

from cornu import backends, config, metrics, ops
from cornu.errors import InvalidArgumentError

SHAPE = (12, 4)


def data(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions of a kind."""
    rng = np.random.default_rng(seed)
    real, other = rng.normal(size=(2, *SHAPE)).astype("float32")
    positive = rng.uniform(0.05, 0.95, size=SHAPE).astype("float32")
    share = positive / positive.sum(axis=-1, keepdims=True)
    classes = rng.integers(0, SHAPE[1], size=SHAPE[0]).astype("int32")
    one_hot = np.eye(SHAPE[1], dtype="float32")[classes]
    kinds = {
        "real": (other, real),
        "positive": (rng.uniform(0.2, 3, size=SHAPE).astype("float32"), 3 * positive),
        "binary": (rng.integers(0, 2, size=SHAPE).astype("int32"), positive),
        "binary column": (rng.integers(0, 2, size=(SHAPE[0], 1)).astype("int32"), positive[:, :1]),
        "binary row": (rng.integers(0, 2, size=SHAPE[0]).astype("int32"), positive[:, 0]),
        "binary logits": (rng.integers(0, 2, size=SHAPE).astype("int32"), real),
        "signs": (rng.choice([-1.0, 1.0], size=SHAPE).astype("float32"), real),
        "one-hot": (one_hot, share),
        "classes": (classes, share),
        "class column": (classes[:, None], share),
        "classes twice": (classes, rng.integers(0, SHAPE[1], size=SHAPE[0]).astype("int32")),
        "best": (classes, np.argsort(-positive, axis=-1).astype("int32")),
        "images": (rng.integers(0, 4, size=(12, 3, 2)), rng.dirichlet(np.ones(4), size=(12, 3, 2)).astype("float32")),
    }
    return kinds[kind]


CASES = [
    ("Accuracy", {}, "classes twice"),
    ("BinaryAccuracy", {}, "binary"),
    ("BinaryAccuracy", {"threshold": 0.3}, "binary column"),
    ("BinaryAccuracy", {}, "binary row"),
    ("CategoricalAccuracy", {}, "one-hot"),
    ("SparseCategoricalAccuracy", {}, "classes"),
    ("SparseCategoricalAccuracy", {}, "class column"),
    ("SparseCategoricalAccuracy", {}, "images"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one-hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "classes"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "images"),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, "best"),
    ("MeanSquaredError", {}, "real"),
    ("RootMeanSquaredError", {}, "real"),
    ("MeanAbsoluteError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("LogCoshError", {}, "real"),
    ("CosineSimilarity", {}, "real"),
    ("PearsonCorrelation", {}, "real"),
    ("ConcordanceCorrelation", {}, "real"),
    ("ConcordanceCorrelation", {}, "positive"),
    ("R2Score", {}, "real"),
    ("R2Score", {"class_aggregation": None}, "real"),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "real"),
    ("KLDivergence", {}, "one-hot"),
    ("Poisson", {}, "positive"),
    ("BinaryCrossentropy", {}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "binary logits"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "one-hot"),
    ("SparseCategoricalCrossentropy", {}, "classes"),
    ("Hinge", {}, "signs"),
    ("SquaredHinge", {}, "signs"),
    ("CategoricalHinge", {}, "one-hot"),
    ("TruePositives", {}, "binary"),
    ("TrueNegatives", {"thresholds": 0.4}, "binary"),
    ("FalsePositives", {"thresholds": [0.7, 0.2, 0.4]}, "binary"),
    ("FalseNegatives", {"thresholds": [0.2, 0.7]}, "binary column"),
    ("Precision", {}, "binary"),
    ("Precision", {"thresholds": [0.6, 0.3]}, "binary"),
    ("Precision", {"top_k": 2}, "one-hot"),
    ("Precision", {"class_id": 1}, "one-hot"),
    ("Precision", {"top_k": 2, "class_id": 1, "thresholds": 0.2}, "one-hot"),
    ("Recall", {}, "binary row"),
    ("Recall", {"thresholds": [0.0, 0.5, 1.0]}, "binary"),
    ("Recall", {"top_k": 2}, "one-hot"),
    ("Recall", {"class_id": 2, "thresholds": 0.2}, "one-hot"),
    ("SensitivityAtSpecificity", {"specificity": 0.4}, "binary"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.4, "num_thresholds": 30}, "binary"),
    ("PrecisionAtRecall", {"recall": 0.3, "num_thresholds": 1}, "binary"),
    ("RecallAtPrecision", {"precision": 0.5, "class_id": 1}, "binary"),
    ("AUC", {}, "binary"),
    ("AUC", {"num_thresholds": 10}, "binary row"),
    ("AUC", {"curve": "PR"}, "binary"),
    ("AUC", {"curve": "PR", "summation_method": "majoring"}, "binary"),
    ("AUC", {"curve": "PRGAIN"}, "binary"),
    ("AUC", {"summation_method": "minoring", "thresholds": [0.5, 0.2, 0.9]}, "binary column"),
    ("AUC", {"from_logits": True}, "binary logits"),
    ("AUC", {"multi_label": True}, "binary"),
    ("AUC", {"multi_label": True, "num_labels": 4, "curve": "PR", "label_weights": [0.1, 0.2, 0.3, 0.4]}, "binary"),
    ("AUC", {"label_weights": [0.1, 0.2, 0.3, 0.4]}, "binary"),
    ("F1Score", {}, "one-hot"),
    ("F1Score", {"average": "micro"}, "one-hot"),
    ("F1Score", {"average": "weighted"}, "one-hot"),
    ("FBetaScore", {"average": "macro", "beta": 2.0, "threshold": 0.4}, "binary"),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, "classes twice"),
    ("IoU", {"num_classes": 4, "target_class_ids": [1], "ignore_class": 2}, "classes twice"),
    ("BinaryIoU", {"threshold": 0.4}, "binary row"),
    ("MeanIoU", {"num_classes": 4}, "classes twice"),
    ("MeanIoU", {"num_classes": 4, "sparse_y_pred": False}, "classes"),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [1, 3]}, "one-hot"),
    ("OneHotMeanIoU", {"num_classes": 4}, "one-hot"),
]
NEEDED = {"IoU": {"num_classes": 3, "target_class_ids": [1]}, "OneHotIoU": {"num_classes": 3, "target_class_ids": [1]}}
CLASSES = sorted({name for name, _, _ in CASES} | {"Mean", "Sum", "MeanMetricWrapper", "Metric"})
each_case = pytest.mark.parametrize(("name", "arguments", "kind"), CASES)


def weights(name: str, seed: int) -> np.ndarray:
    """Weights of samples, integers where Keras cuts off the rest."""
    weight = np.random.default_rng(seed).integers(0, 4, size=SHAPE[0])
    return weight if "IoU" in name else weight.astype("float32") / 2


def two_batches(name: str, kind: str) -> list[tuple]:
    return [(*data(kind, 1), None), (*data(kind, 2), weights(name, 2))]


@pytest.fixture(scope="module")
def oracle() -> Callable:
    """The results of real Keras for the two batches of a case, asked once for all backends."""
    known: dict[str, np.ndarray] = {}

    def ask(name: str, arguments: dict, kind: str) -> np.ndarray:
        key = repr((name, arguments, kind))
        if key not in known:
            known[key] = theirs(name, arguments, two_batches(name, kind))
        return known[key]

    return ask


def theirs(name: str, arguments: dict, batches: list) -> np.ndarray:
    """The results of real Keras for some batches of ``(y_true, y_pred, sample_weight)``."""
    metric = getattr(keras.metrics, name)(**arguments)
    for y_true, y_pred, weight in batches:
        if weight is not None and y_true.ndim > 2:  # Keras does not broadcast weights over further axes
            weight = np.broadcast_to(weight.reshape(-1, 1, 1), y_true.shape)
        metric.update_state(y_true, y_pred, sample_weight=weight)
    return np.asarray(metric.result())


@pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning")  # from inside real Keras
@each_case
def test_result_of_two_batches_is_that_of_keras(name, arguments, kind, default_backend, oracle):
    metric, engine = getattr(metrics, name)(**arguments), backends.get(default_backend)
    for y_true, y_pred, weight in two_batches(name, kind):
        metric.update_state(engine.asarray(y_true), engine.asarray(y_pred), sample_weight=weight)
    result = metric.result()
    assert backends.owner(result) == default_backend
    assert ops.dtype(result) == "float32"
    np.testing.assert_allclose(engine.to_numpy(result), oracle(name, arguments, kind), rtol=1e-5, atol=1e-6)


def _dtype_of_weights(name):
    """Return the dtype of sample weights: integers for metrics that count in integers."""
    return "int32" if "IoU" in name else "float32"


@each_case
def test_a_sample_of_weight_zero_is_not_there(name, arguments, kind, monkeypatch):
    monkeypatch.setattr(config._backend, "_default", "numpy")
    y_true, y_pred = data(kind, 3)
    all_of_them, some = getattr(metrics, name)(**arguments), getattr(metrics, name)(**arguments)
    assert all_of_them.ignores_zero_weight
    dtype = _dtype_of_weights(name)
    all_of_them.update_state(y_true, y_pred, sample_weight=np.array([1] * 7 + [0] * 5, dtype))
    some.update_state(y_true[:7], y_pred[:7], sample_weight=np.ones(7, dtype))
    for ours, expected in zip(all_of_them.variables, some.variables, strict=True):
        np.testing.assert_allclose(ours.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)


@each_case
def test_updates_compile_and_do_not_touch_the_metric(name, arguments, kind, default_backend):
    y_true, y_pred = data(kind, 4)
    engine, weight = backends.get(default_backend), np.linspace(0, 2, SHAPE[0]).astype(_dtype_of_weights(name))
    metric, eager = getattr(metrics, name)(**arguments), getattr(metrics, name)(**arguments)
    metric.build(y_true.shape, y_pred.shape)
    state = metric.stateless_reset_state()
    update = engine.compile(lambda state, *batch: metric.stateless_update_state(state, *batch))
    for _ in range(2):
        state = update(state, *(engine.asarray(x) for x in (y_true, y_pred, weight)))
        eager.update_state(y_true, y_pred, weight)
    result = engine.compile(metric.stateless_result)(state)
    np.testing.assert_allclose(np.asarray(result), np.asarray(eager.result()), rtol=1e-5, atol=1e-6)
    assert all(not np.any(variable.numpy()) for variable in metric.variables)


@pytest.mark.parametrize("name", CLASSES)
def test_classes_have_the_arguments_of_keras(name):
    ours, expected = (inspect.signature(getattr(module, name).__init__).parameters for module in (metrics, keras.metrics))
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in expected.values()]


@pytest.mark.parametrize("name", sorted(set(metrics.__all__) & {name for name in vars(keras.metrics) if name.islower()}))
def test_functions_have_the_arguments_of_keras(name):
    ours, expected = (inspect.signature(getattr(module, name)).parameters for module in (metrics, keras.metrics))
    if name != "deserialize":
        assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in expected.values()]


@each_case
def test_config_of_keras_is_read_and_ours_is_read_by_keras(name, arguments, kind):
    config_of_keras = keras.metrics.serialize(getattr(keras.metrics, name)(name="mine", **arguments))
    ours = metrics.deserialize(config_of_keras).get_config()
    for argument, value in config_of_keras["config"].items():
        if argument not in ("dtype", "label_weights"):
            assert ours[argument] == value
    written = metrics.serialize(getattr(metrics, name)(name="mine", **arguments))
    back = keras.metrics.deserialize(written)
    assert type(back).__name__ == name
    assert back.get_config()["name"] == "mine"
    for argument, value in arguments.items():
        assert metrics.deserialize(written).get_config()[argument] == value


SHORT = ["mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "bce", "BCE"]
NAMED = sorted({name for name, _, _ in CASES} - {"IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"})
NAMED = [name for name in NAMED if not name.endswith(("Specificity", "Sensitivity", "AtRecall", "AtPrecision"))]


@pytest.mark.parametrize("name", [*NAMED, *SHORT, "f1_score", "f_beta_score", "binary_accuracy", "auc", "mean_squared_error"])
def test_names_mean_what_they_mean_in_keras(name):
    assert type(metrics.get(name)).__name__ == type(keras.metrics.get(name)).__name__


@pytest.mark.parametrize(("y_true_shape", "y_pred_shape"), [((8,), (8, 1)), ((8, 1), (8, 1)), ((8,), (8, 3)), ((8, 1), (8, 3))])
@pytest.mark.parametrize("more", [(), (7, 6)])
@pytest.mark.parametrize("identifier", ["accuracy", "acc"])
def test_accuracy_by_shape_is_that_of_keras(y_true_shape, y_pred_shape, more, identifier):
    from keras.src.trainers.compile_utils import get_metric

    y_true_shape = (y_true_shape[0], *more, *y_true_shape[1:])
    y_pred_shape = (y_pred_shape[0], *more, *y_pred_shape[1:])
    for true in (y_true_shape, y_pred_shape):
        expected = get_metric(identifier, np.zeros(true), np.zeros(y_pred_shape))
        ours = metrics.resolve(identifier, None, true, y_pred_shape)
        assert type(ours).__name__ == type(expected).__name__
        assert ours.name == expected.name == identifier


def test_unknown_names_get_a_suggestion():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'binary_accuracy'"):
        metrics.get("binary_acuracy")
