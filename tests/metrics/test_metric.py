"""The base class: a custom metric, pure forms, reset, names and what is resolved."""

import inspect

import keras
import numpy as np
import pytest

import cornu
from cornu import backends, losses, metrics, ops, seeds
from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.errors import InvalidArgumentError, ShapeError


class Largest(metrics.Metric):
    """As in Keras's documentation."""

    def __init__(self, name="largest", dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.value = self.add_weight(name="value", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.value.assign(ops.maximum(self.value, ops.max(y_pred)))

    def result(self):
        return self.value.value


class Extremes(metrics.Metric):
    """Returns its variables, not their values."""

    def __init__(self, name="extremes", **kwargs):
        super().__init__(name=name, **kwargs)
        self.low, self.high = (
            self.add_weight(name="low", initializer="zeros"),
            self.add_weight(name="high", initializer="zeros"),
        )

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.low.assign(ops.minimum(self.low, ops.min(y_pred)))
        self.high.assign(ops.maximum(self.high, ops.max(y_pred)))

    def result(self):
        return {"low": self.low, "high": self.high}


@pytest.mark.parametrize("custom", [False, True])
def test_variables_in_a_result_are_logged_with_their_values(custom, backend):
    class Own(cornu.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return super().compute_loss(x, y, y_pred, sample_weight, training)

    x = cornu.Input((1,))
    model = (Own if custom else cornu.Model)(x, cornu.layers.Activation("linear")(x)).to_backend(backend)
    model.compile("sgd", "mse", metrics=[Extremes()])
    values = np.array([[-3.0], [1.0], [2.0], [5.0]], "float32")
    logs = model.evaluate(values, values, batch_size=2, verbose=0, return_dict=True)
    assert (logs["low"], logs["high"]) == (-3.0, 5.0)


class Both(metrics.Metric):
    def __init__(self, name="both"):
        super().__init__(name=name)
        self.parts = [metrics.Mean(name="mean"), metrics.Sum(name="sum")]

    def update_state(self, values):
        for part in self.parts:
            part.update_state(values)

    def result(self):
        return {part.name: part.result() for part in self.parts}


def test_a_metric_of_ones_own(default_backend):
    metric = Largest()
    metric.update_state(None, np.array([1.0, 5.0], "float32"))
    metric.update_state(None, np.array([3.0], "float32"))
    assert float(metric.result()) == 5.0
    metric.reset_state()
    assert float(metric.result()) == 0.0
    assert float(metric(None, np.array([3.0], "float32"))) == 3.0


def test_a_metric_of_ones_own_does_not_promise_to_skip_weight_zero():
    class Other(metrics.Mean):
        def update_state(self, values, sample_weight=None):
            super().update_state(values)

    class Renamed(metrics.Mean):
        pass

    assert not Largest().ignores_zero_weight
    assert not Other().ignores_zero_weight
    assert Renamed().ignores_zero_weight
    assert not metrics.MeanMetricWrapper(lambda y_true, y_pred: y_pred).ignores_zero_weight
    assert metrics.MeanMetricWrapper(losses.huber).ignores_zero_weight
    assert metrics.MeanMetricWrapper(losses.Huber()).ignores_zero_weight
    assert not metrics.MeanMetricWrapper(losses.dice).ignores_zero_weight


def test_metrics_inside_metrics_bring_their_variables():
    both = Both()
    assert [variable.name for variable in both.variables] == ["total", "count", "total"]
    both.update_state([1.0, 3.0])
    assert {name: float(value) for name, value in both.result().items()} == {"mean": 2.0, "sum": 4.0}
    state = both.stateless_update_state(both.stateless_reset_state(), np.array([5.0, 7.0], "float32"))
    assert {name: float(value) for name, value in both.stateless_result(state).items()} == {"mean": 6.0, "sum": 12.0}


def test_pure_forms_leave_the_metric_alone(default_backend):
    engine, mean = backends.get(default_backend), metrics.Mean()
    mean.update_state([4.0])
    state = mean.stateless_update_state([engine.asarray(1.0), engine.asarray(1.0)], engine.asarray([3.0]))
    assert [float(value) for value in state] == [4.0, 2.0]
    assert float(mean.stateless_result(state)) == 2.0
    assert [float(value) for value in mean.stateless_reset_state()] == [0.0, 0.0]
    assert float(mean.result()) == 4.0
    assert {backends.owner(value) for value in state} == {default_backend}


def test_variables_move_to_another_backend():
    mean = metrics.Mean()
    mean.update_state([4.0])
    mean.to_backend("numpy")
    assert backends.owner(mean.result()) == "numpy"
    assert float(mean.result()) == 4.0


def test_config_of_ones_own_metric_needs_no_code():
    assert Largest(name="top").get_config() == {"name": "top", "dtype": "float32"}
    assert Largest.from_config({"name": "top"}).name == "top"


def test_names_are_made_from_the_class():
    assert metrics.Precision().name.startswith("precision")
    assert metrics.Precision(name="p").name == "p"
    assert repr(metrics.Sum(name="s")) == "<Sum name=s>"


def test_mean_takes_numbers_lists_and_weights():
    mean = metrics.Mean()
    for values, weight in ((2.0, None), ([4.0, 6.0], None), ([[1.0, 3.0], [5.0, 7.0]], [1.0, 0.0]), (100.0, 0)):
        mean.update_state(values, sample_weight=weight)
    assert float(mean.result()) == (2 + 4 + 6 + 2) / 4


def test_mean_of_nothing_is_zero():
    assert float(metrics.Mean().result()) == 0.0


def test_weight_zero_silences_nan():
    mean = metrics.Mean()
    mean.update_state([2.0, np.nan], sample_weight=[1, 0])
    assert float(mean.result()) == 2.0


def test_wrapper_takes_a_loss_by_its_values():
    metric = metrics.MeanMetricWrapper(losses.Huber(delta=0.5))
    metric.update_state(np.array([[0.0], [0.0]]), np.array([[1.0], [9.0]], "float32"), sample_weight=[1.0, 0.0])
    assert float(metric.result()) == 0.375
    assert metric.name == "huber_loss"


def test_wrapper_config_names_the_function():
    metric = metrics.MeanMetricWrapper(metrics.binary_accuracy, name="b", threshold=0.3)
    config = metric.get_config()
    function = {"module": "builtins", "class_name": "function", "config": "binary_accuracy", "registered_name": "function"}
    assert config == {"fn": function, "name": "b", "dtype": "float32", "threshold": 0.3}
    again = metrics.deserialize(metrics.serialize(metric))
    assert float(again(np.array([1.0]), np.array([0.4], "float32"))) == 1.0


def test_ignored_classes_are_not_counted():
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=-1)
    metric.update_state([1, -1], [[0.5, 0.5], [0.1, 0.9]])
    metric.update_state([0, -1], [[0.25, 0.75], [0.1, 0.9]], sample_weight=[1.0, 1.0])
    np.testing.assert_allclose(float(metric.result()), np.log([2, 4]).mean(), rtol=1e-5)


def test_lists_beside_arrays_do_not_choose_the_backend():
    y_pred = backends.get("numpy").asarray([[0.9], [0.2]])
    for metric in (metrics.BinaryAccuracy(), metrics.AUC(), metrics.MeanSquaredError(), metrics.F1Score()):
        metric.build((2, 1), (2, 1))
        metric.to_backend("numpy")
        metric.update_state([[1], [0]], y_pred, sample_weight=[1.0, 2.0])
        assert {backends.owner(variable.value) for variable in metric.variables} == {"numpy"}


def test_resolve_makes_a_metric_of_everything():
    def mine(y_true, y_pred):
        return y_pred[:, 0]

    auc = metrics.AUC()
    assert metrics.resolve(auc) is auc
    assert metrics.resolve("mse").name == "mse"
    assert metrics.resolve("AUC").name == "AUC"
    assert metrics.resolve("huber").fn is losses.huber
    assert metrics.resolve(mine).name == "mine"
    assert isinstance(metrics.resolve(metrics.Recall), metrics.Recall)


def test_resolve_builds_what_depends_on_shapes():
    metric = metrics.resolve(metrics.F1Score(), None, (None, 3), (None, 3))
    assert [variable.shape for variable in metric.variables] == [(3,)] * 4


def test_crossentropy_takes_over_the_logits_of_the_loss():
    loss = losses.SparseCategoricalCrossentropy(from_logits=True)
    metric = metrics.resolve("ce", loss, (None,), (None, 3))
    assert type(metric) is metrics.SparseCategoricalCrossentropy
    assert metric.kwargs["from_logits"]


def test_variables_made_in_an_update_are_refused_in_compiled_code():
    class Late(metrics.Metric):
        def update_state(self, values):
            self.late = self.add_weight(name="late")

    with pytest.raises(InvalidArgumentError, match=r"created new variables in `update_state`.*`build"):
        Late().stateless_update_state([], 1.0)


def test_errors_say_what_to_do():
    class Early(metrics.Metric):
        def __init__(self):
            self.inner = metrics.Mean()

    with pytest.raises(InvalidArgumentError, match="before `super"):
        Early()
    with pytest.raises(InvalidArgumentError, match="received 1 arrays for its 2 variables"):
        metrics.Mean().stateless_result([0.0])
    with pytest.raises(NotImplementedError, match="has no `update_state"):
        metrics.Metric(name="m").update_state(1)
    with pytest.raises(NotImplementedError, match="has no `result"):
        metrics.Metric(name="m").result()
    with pytest.raises(InvalidArgumentError, match="without the shapes"):
        metrics.resolve("accuracy")
    with pytest.raises(InvalidArgumentError, match="received `fn=3`"):
        metrics.MeanMetricWrapper(3)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: metrics.Precision(thresholds=1.5), r"`thresholds=1.5`.*between 0 and 1"),
    (lambda: metrics.AUC(num_thresholds=1), "2 or more"),
    (lambda: metrics.AUC(curve="ROK"), "Did you mean 'ROC'"),
    (lambda: metrics.AUC(summation_method="major"), "Did you mean 'majoring'"),
    (lambda: metrics.AUC(num_labels=3), "multi_label=True"),
    (lambda: metrics.F1Score(average="mikro"), "Did you mean 'micro'"),
    (lambda: metrics.FBetaScore(beta=0), "positive"),
    (lambda: metrics.F1Score(threshold=2), "between 0 and 1"),
    (lambda: metrics.IoU(2, [2]), "from 0 to 1"),
    (lambda: metrics.R2Score("uniform"), "uniform_average"),
    (lambda: metrics.R2Score(num_regressors=-1), "greater than or equal to 0"),
    (lambda: metrics.RecallAtPrecision(2.0), "`precision=2.0`"),
    (lambda: metrics.RecallAtPrecision(0.5, num_thresholds=0), "greater than or equal to 1"),
])  # fmt: skip
def test_arguments_are_checked(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    "metric", [metrics.F1Score(), metrics.R2Score(), metrics.AUC(multi_label=True), metrics.Recall(class_id=0)]
)
def test_predictions_of_a_wrong_rank_are_refused(metric):
    with pytest.raises(ShapeError, match=r"of shape \(3,\)"):
        metric.update_state(np.zeros(3), np.zeros(3))


def test_iou_refuses_labels_and_predictions_that_do_not_match():
    with pytest.raises(ShapeError, match="sparse_y_pred"):
        metrics.MeanIoU(3)(np.zeros(4, int), np.zeros((4, 3)))


def test_adjusted_r2_is_that_of_the_formula():
    y_true, y_pred = np.random.default_rng(0).normal(size=(2, 9, 1)).astype("float32")
    plain = float(metrics.R2Score()(y_true, y_pred))
    adjusted = float(metrics.R2Score(num_regressors=3)(y_true, y_pred))
    np.testing.assert_allclose(adjusted, 1 - (1 - plain) * 8 / 5, rtol=1e-5)
    assert float(metrics.R2Score(num_regressors=8)(y_true, y_pred)) == pytest.approx(plain)


def test_rows_of_the_confusion_matrix_are_labels(default_backend):
    metric = metrics.MeanIoU(num_classes=3, dtype="float32")
    metric.update_state([0, 0, 1, 2, 7], [0, 1, 1, 0, 1], sample_weight=[1.0, 0.5, 1.0, 2.0, 9.0])
    np.testing.assert_array_equal(metric.total_cm.numpy(), [[1, 0.5, 0], [0, 1, 0], [2, 0, 0]])


def test_making_a_metric_draws_no_random_number():
    seeds.set_seed(3)
    metrics.AUC()
    assert seeds.next_key() == (3, 0)


def test_variables_and_metrics_in_containers_belong_to_a_metric():
    metric = metrics.Mean()
    metric.more = {"a": metrics.Mean(), "b": [metrics.Mean(), [metrics.Sum()]]}
    assert len(metric.variables) == 7
    metric.more["c"] = metric.more["a"]  # each is counted once
    assert len(metric.variables) == 7
    metric.more["b"].append(metrics.Sum())
    assert len(metric.variables) == 8


def test_the_dtype_of_a_metric_cannot_be_set():
    with pytest.raises(AttributeError, match="dtype"):
        metrics.Mean().dtype = "float16"


@pytest.mark.parametrize("dtype", [None, "float16", "bfloat16", "int32"])
@pytest.mark.parametrize(
    "name", ["MeanAbsoluteError", "RootMeanSquaredError", "Precision", "AUC", "F1Score", "R2Score", "BinaryAccuracy", "Sum"]
)
def test_results_have_the_values_and_dtypes_of_keras(name, dtype):
    rng = np.random.default_rng(0)
    y_true, y_pred = (rng.random((6, 3)) > 0.5).astype("float32"), rng.random((6, 3)).astype("float32")
    data = (y_pred,) if name == "Sum" else (y_true, y_pred)
    ours, theirs = getattr(metrics, name)(dtype=dtype), getattr(keras.metrics, name)(dtype=dtype)
    assert ours.dtype == theirs.dtype
    found, expected = ours(*data), theirs(*data)
    assert ops.dtype(found) == keras.backend.standardize_dtype(expected.dtype)
    np.testing.assert_allclose(np.asarray(found, "float64"), np.asarray(expected, "float64"), atol=2e-2)


def test_counts_of_iou_are_exact_integers(default_backend):
    metric = metrics.MeanIoU(num_classes=2)
    metric.total_cm.assign([[2**24, 0], [0, 0]])
    metric.update_state(np.zeros(3, int), np.zeros(3, int))
    assert metric.total_cm.dtype == "int32"
    assert metric.total_cm.numpy().tolist() == [[2**24 + 3, 0], [0, 0]]
    assert ops.dtype(metric.result()) == "float32"


def test_iou_says_that_it_truncates_fractions():
    metric = metrics.MeanIoU(num_classes=2)
    with pytest.warns(UserWarning, match=r"'mean_io_u.*' received `sample_weight`.*truncated.*`dtype='float32'`"):
        metric.update_state([0, 1], [0, 1], sample_weight=np.float32([0.5, 2.5]))
    assert metric.total_cm.numpy().tolist() == [[0, 0], [0, 2]]


def test_the_last_batch_is_padded_with_a_metric_that_counts_integers(default_backend):
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3)])
    model.compile("sgd", "mse", metrics=[metrics.OneHotMeanIoU(3)])
    x, y = np.random.default_rng(0).normal(size=(5, 2)), np.eye(3)[[0, 1, 2, 1, 0]]
    found = model.evaluate(x, y, batch_size=2, verbose=0, return_dict=True)
    expected = metrics.OneHotMeanIoU(3)(y, model.predict(x, verbose=0))
    np.testing.assert_allclose(next(value for name, value in found.items() if name != "loss"), float(expected), rtol=1e-5)


def test_top_k_of_one_sample_without_a_batch(default_backend):
    data = np.array([0, 1, 1, 0, 0]), np.array([0.2, 0.1, 0.5, 0, 0.2])
    for name in ("Precision", "Recall"):
        found = getattr(metrics, name)(top_k=3)(*data)
        np.testing.assert_allclose(float(found), float(getattr(keras.metrics, name)(top_k=3)(*data)), rtol=1e-6)


@pytest.mark.parametrize("weights", [[-1, -2, -3, -4], [1, -2, 3, -4], [1, 2, 3, 4]])
def test_auc_of_negative_weights_is_that_of_keras(weights):
    data = np.array([0, 0, 1, 1]), np.array([0, 0.5, 0.3, 0.9])
    for curve in ("PR", "ROC"):
        ours, theirs = (module.AUC(num_thresholds=3, curve=curve) for module in (metrics, keras.metrics))
        found, expected = (each(*data, sample_weight=np.array(weights)) for each in (ours, theirs))
        np.testing.assert_allclose(float(found), float(expected), rtol=1e-5)


def test_the_curve_of_auc_is_a_member_of_an_enumeration():
    metric = metrics.AUC(curve="pr", summation_method="Majoring")
    assert (str(metric.curve), metric.summation_method.value) == ("AUCCurve.PR", "majoring")
    again = metrics.AUC(curve=metric.curve, summation_method=metric.summation_method)
    assert again.get_config()["curve"] == "PR"
    assert again.curve is metric.curve


@pytest.mark.parametrize("arguments", [{"beta": 2}, {"beta": -1.0}, {"threshold": 1}, {"threshold": 2.0}])
def test_fbeta_takes_floats(arguments):
    with pytest.raises(InvalidArgumentError, match=rf"`{next(iter(arguments))}=.*`\. It must be a"):
        metrics.FBetaScore(**arguments)


def test_ignored_classes_do_not_count_in_the_crossentropy():
    """Keras counts them as zeros unless there are sample weights; its loss leaves them out."""
    y_true, y_pred = np.array([-1, 2, 1]), np.float32([[0.05, 0.95, 0], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3]])
    found = metrics.SparseCategoricalCrossentropy(ignore_class=-1)(y_true, y_pred)
    weighted = keras.metrics.SparseCategoricalCrossentropy(ignore_class=-1)(y_true, y_pred, sample_weight=np.ones(3))
    np.testing.assert_allclose(float(found), float(weighted), rtol=1e-5)
    np.testing.assert_allclose(float(found), float(losses.SparseCategoricalCrossentropy(ignore_class=-1)(y_true, y_pred)), 1e-5)


NEEDED = {
    "IoU": {"num_classes": 3, "target_class_ids": [1]},
    "OneHotIoU": {"num_classes": 3, "target_class_ids": [1]},
    "MeanIoU": {"num_classes": 3},
    "OneHotMeanIoU": {"num_classes": 3},
    "SensitivityAtSpecificity": {"specificity": 0.4},
    "SpecificityAtSensitivity": {"sensitivity": 0.4},
    "PrecisionAtRecall": {"recall": 0.4},
    "RecallAtPrecision": {"precision": 0.4},
}
PUBLIC = sorted(name for name in metrics.__all__ if inspect.isclass(getattr(metrics, name)) and name != "MeanMetricWrapper")


@pytest.mark.parametrize("name", PUBLIC)
def test_metrics_have_the_public_attributes_of_keras(name):
    ours, theirs = (getattr(module, name)(**NEEDED.get(name, {})) for module in (metrics, keras.metrics))
    for attribute in (each for each in dir(theirs) if not each.startswith("_")):
        value = getattr(theirs, attribute)
        assert hasattr(ours, attribute), attribute
        if isinstance(value, (bool, int, float, str, type(None))) and attribute != "name":
            assert getattr(ours, attribute) == value
        elif attribute == "thresholds":
            np.testing.assert_allclose(ours.thresholds, value, atol=1e-6)


@pytest.mark.parametrize("mixed", [None, "mixed_float16"])
def test_a_metric_that_a_layer_updates_is_bound_like_any_variable(default_backend, mixed):
    class Counted(cornu.layers.Layer):
        def __init__(self):
            super().__init__(dtype=mixed)
            self.mean = metrics.Mean()

        def call(self, inputs):
            self.mean.update_state(inputs + 1024.5)
            return inputs

    layer, x = Counted(), backends.get(default_backend).asarray(np.float32([[1], [2]]))
    variables = layer.mean.variables

    def update(values, x):
        context = CallContext(values=dict(zip(map(id, variables), values, strict=True)))
        with call_context.entered(context):
            layer(x)
        return [context.values[id(variable)] for variable in variables]

    state = backends.get(default_backend).compile(update)([variable.value for variable in variables], x)
    assert [variable.dtype for variable in variables] == ["float32", "float32"]
    assert float(variables[1].value) == 0
    assert float(layer.mean.stateless_result(state)) == pytest.approx(1026, abs=0 if mixed is None else 1)
    assert float(state[1]) == 2
    assert all(not np.any(np.asarray(value)) for value in layer.mean.stateless_reset_state())
