"""The base class: reductions, weights, masks, dtypes, shapes."""

import functools
import inspect

import keras
import numpy as np
import pytest

import cornu
import cornu.metrics  # its functions enter the tables
from cornu import backends, losses, ops, registry
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.losses.alignment import align, broadcast_weight
from cornu.losses.loss import per_sample


class Furthest(losses.Loss):
    def call(self, y_true, y_pred):
        return ops.max(ops.abs(y_true - y_pred), axis=-1)


@pytest.fixture
def rows():
    rng = np.random.default_rng(7)
    return rng.normal(size=(4, 3, 2)).astype("float32"), rng.normal(size=(4, 3, 2)).astype("float32")


def test_a_loss_of_ones_own_needs_only_call(rows, backend):
    y_true, y_pred = rows
    value = Furthest()(y_true, backends.get(backend).asarray(y_pred))
    np.testing.assert_allclose(float(value), np.abs(y_true - y_pred).max(axis=-1).mean(), rtol=1e-6)
    assert Furthest(name="far").name == "far"
    assert Furthest().name.startswith("furthest")


def test_a_loss_of_ones_own_does_not_promise_to_judge_samples_alone():
    assert not Furthest().is_per_sample
    assert not losses.LossFunctionWrapper(lambda y_true, y_pred: ops.mean(y_pred)).is_per_sample
    assert losses.LossFunctionWrapper("mse").is_per_sample


def test_a_function_may_declare_that_it_returns_a_value_for_each_sample():
    @per_sample
    def furthest(y_true, y_pred):
        return ops.max(ops.abs(y_true - y_pred), axis=-1)

    assert losses.LossFunctionWrapper(furthest).is_per_sample
    assert losses.LossFunctionWrapper(furthest).is_mean_over_samples


FUNCTIONS = {
    f.__name__: f
    for kind in ("losses", "metrics.functions")
    for f in registry.registered(kind).values()
    if inspect.isfunction(f)
}


TAKE_CLASSES = ("categorical_generalized_cross_entropy", "circle")
"""Functions of class indices; the second compares the samples with one another."""


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_functions_that_declare_it_return_a_value_for_each_sample_alone(name):
    """Compared with one call for each sample, for every function in the tables; the others return one value for all."""
    function, rng = FUNCTIONS[name], np.random.default_rng(3)
    y_pred = rng.dirichlet(np.ones(4), 3).astype("float32")
    y_true = np.eye(4, dtype="float32")[[2, 0, 3]]
    if name.startswith("sparse") or name in TAKE_CLASSES:
        y_true = np.array([2, 0, 3])
    if name == "ctc":
        y_true, y_pred = np.array([[1, 2], [3, 0], [2, 2]]), rng.normal(size=(3, 5, 4)).astype("float32")
    function = functools.partial(function, q=0.5) if "generalized" in name else function
    together = np.asarray(function(y_true, y_pred))
    if not getattr(FUNCTIONS[name], "is_per_sample", False):
        assert together.shape == () or name in TAKE_CLASSES
        return
    alone = [np.asarray(function(y_true[i : i + 1], y_pred[i : i + 1])) for i in range(3)]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-6)


def test_what_a_function_declares_does_not_depend_on_its_file(monkeypatch):
    monkeypatch.setattr(losses.huber, "__module__", "somewhere.else")
    monkeypatch.setattr(losses.dice, "__module__", "cornu.losses.regression")
    assert losses.LossFunctionWrapper(losses.huber).is_per_sample
    assert not losses.LossFunctionWrapper(losses.dice).is_per_sample


def test_config_of_ones_own_loss_needs_no_code():
    class Scaled(losses.Loss):
        def __init__(self, factor=2.0, name="scaled"):
            super().__init__(name=name)
            self.factor = factor

    config = Scaled(factor=3.0).get_config()
    assert config == {"factor": 3.0, "name": "scaled"}
    assert Scaled.from_config(config).factor == 3.0


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 3)])
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "none"])
def test_weights_of_samples_and_of_values(rows, shape, reduction, backend):
    y_true, y_pred = rows
    weight = np.random.default_rng(3).uniform(size=shape).astype("float32")
    value = losses.MeanSquaredError(reduction=reduction)(y_true, backends.get(backend).asarray(y_pred), weight)
    values = np.square(y_true - y_pred).mean(axis=-1) * weight.reshape(*shape, *[1] * (2 - len(shape)))
    expected = {"sum_over_batch_size": values.mean(), "sum": values.sum(), "none": values}[reduction]
    np.testing.assert_allclose(np.asarray(value), expected, rtol=1e-5)


@pytest.mark.parametrize("shape", [(4, 1), (4, 3)])
def test_weights_of_values_count_as_in_keras(rows, shape):
    weight = np.random.default_rng(3).uniform(size=shape).astype("float32")
    ours = losses.MeanAbsoluteError()(*rows, weight)
    np.testing.assert_allclose(ours, keras.losses.MeanAbsoluteError()(*rows, weight), rtol=1e-5)


def test_mean_with_sample_weight_is_a_weighted_mean(rows):
    weight = np.array([1.0, 2.0, 0.0, 5.0], "float32")
    values = np.square(rows[0] - rows[1]).mean(axis=-1)
    ours = losses.MeanSquaredError(reduction="mean_with_sample_weight")(*rows, weight)
    np.testing.assert_allclose(float(ours), np.average(values.mean(axis=1), weights=weight), rtol=1e-5)
    padded = losses.MeanSquaredError(reduction="mean_with_sample_weight")(*rows, weight, sample_mask=[1, 1, 1, 0])
    np.testing.assert_allclose(float(padded), np.average(values.mean(axis=1)[:3], weights=weight[:3]), rtol=1e-5)


def test_a_mask_may_also_name_values(rows):
    mask = np.random.default_rng(1).integers(0, 2, size=(4, 3))
    values = np.square(rows[0] - rows[1]).mean(axis=-1)
    np.testing.assert_allclose(float(losses.MeanSquaredError()(*rows, sample_mask=mask)), values[mask == 1].mean(), rtol=1e-5)


def test_nothing_to_count_gives_zero(rows):
    assert float(losses.MeanSquaredError()(*rows, sample_mask=[0, 0, 0, 0])) == 0
    assert float(losses.MeanSquaredError(reduction="mean_with_sample_weight")(*rows, [0.0] * 4)) == 0


@pytest.mark.parametrize("shapes", [((4,), (4, 1)), ((4, 1), (4,)), ((4, 3), (4, 3, 1)), ((4, 3, 1), (4, 3)), ((4, 1), (4, 1))])
def test_a_last_axis_of_size_one_comes_or_goes(shapes, backend):
    rng = np.random.default_rng(0)
    y_true, y_pred = (rng.normal(size=shape).astype("float32") for shape in shapes)
    ours = losses.MeanSquaredError(reduction="none")(y_true, backends.get(backend).asarray(y_pred))
    theirs = keras.losses.MeanSquaredError(reduction="none")(y_true, y_pred)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_classes_lie_along_any_axis_on_every_engine(axis, backend):
    """Keras computes it on PyTorch only."""
    rng = np.random.default_rng(0)
    labels, probabilities = rng.integers(0, 4, (5, 3)), rng.dirichlet(np.ones(4), (5, 3)).astype("float32")
    y_pred = backends.get(backend).asarray(np.moveaxis(probabilities, -1, axis))
    ours = losses.SparseCategoricalCrossentropy(axis=axis)(labels, y_pred)
    wanted = -np.log(np.take_along_axis(probabilities, labels[..., None], -1)).mean()
    np.testing.assert_allclose(float(ours), wanted, rtol=1e-5)


def test_labels_are_cast_and_results_have_the_dtype_asked_for(backend):
    y_pred = backends.get(backend).asarray(np.array([[1.0], [2.0]], "float32"))
    for labels in (np.array([[1], [0]]), np.array([[True], [False]]), [[1], [0]]):
        assert ops.dtype(losses.MeanSquaredError()(labels, y_pred)) == "float32"
    assert ops.dtype(losses.MeanSquaredError(dtype="float16")([[1], [0]], y_pred)) == "float16"


def test_python_lists_are_taken(backend, monkeypatch):
    assert float(losses.MeanSquaredError()([0.0, 1.0], [1.0, 1.0])) == 0.5


def test_errors_say_what_to_do(rows):
    with pytest.raises(InvalidArgumentError, match="Did you mean 'sum'"):
        losses.MeanSquaredError(reduction="summ")
    with pytest.raises(ShapeError, match=r"`sample_weight` has shape \(5,\).*\(4, 3\).*shape \(4,\)"):
        losses.MeanSquaredError()(*rows, np.ones(5, "float32"))
    with pytest.raises(ShapeError, match=r"`sample_mask` has shape \(4,\).*[Oo]ne value for each sample"):
        losses.LossFunctionWrapper(lambda y_true, y_pred: ops.mean(y_pred))(*rows, sample_mask=np.ones(4))
    with pytest.raises(ShapeError, match=r"`y_true` has shape \(3,\) and `y_pred` has shape \(3, 3\)"):
        losses.MeanSquaredError()(np.zeros(3), np.zeros((3, 3)))
    with pytest.raises(InvalidArgumentError, match="received `fn=None`"):
        losses.LossFunctionWrapper(None)
    with pytest.raises(NotImplementedError, match="has no `call"):
        losses.Loss()(*rows)


def test_align_and_broadcast_weight_keep_what_fits():
    y_true, _ = align(np.float32(1.0), np.zeros((2, 3), "float32"))
    assert y_true.shape == ()
    assert broadcast_weight("w", np.ones((2, 1, 1)), np.zeros((2, 3))).shape == (2, 3)


@pytest.mark.parametrize("labels, predictions", [((12, 7), (12, 4)), ((3, 2), (4, 2))])
def test_sizes_that_do_not_fit_are_told_alike_on_every_backend(labels, predictions, backend):
    b = backends.get(backend)
    with pytest.raises(ShapeError, match=r"`y_true` has shape .* compares them element by element") as caught:
        losses.MeanSquaredError()(b.asarray(np.ones(labels, "float32")), b.asarray(np.ones(predictions, "float32")))
    assert str(labels) in str(caught.value)


class Total(losses.Loss):
    """Overrides the whole call, as some code for Keras does."""

    def __call__(self, y_true, y_pred, sample_weight=None):
        return ops.sum(y_pred)


class Doubled(losses.MeanSquaredError):
    def call(self, y_true, y_pred):
        return 2 * super().call(y_true, y_pred)


class Promised(losses.MeanSquaredError):
    is_per_sample = True

    def call(self, y_true, y_pred):
        return super().call(y_true, y_pred)


def test_a_loss_that_overrides_the_computation_promises_nothing_unless_it_says_so():
    assert losses.MeanSquaredError().is_per_sample
    assert not Total().is_per_sample
    assert not Doubled().is_per_sample
    assert Promised().is_per_sample


def test_a_model_trains_with_a_loss_that_overrides_call(backend):
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)]).to_backend(backend)
    model.compile("sgd", loss=Total())
    found = model.evaluate(np.ones((5, 2)), np.ones((5, 1)), batch_size=5, verbose=0)
    np.testing.assert_allclose(found, 5 * sum(model.get_weights()[0])[0], rtol=1e-5)
    model.fit(np.ones((5, 2)), np.ones((5, 1)), batch_size=2, verbose=0)


def test_the_dtype_of_a_loss_cannot_be_set():
    with pytest.raises(AttributeError, match="dtype"):
        losses.MeanSquaredError().dtype = "float16"


def test_arguments_that_a_loss_has_not_are_no_attributes():
    with pytest.raises(AttributeError, match="'MeanSquaredError' object has no attribute 'from_logits'"):
        losses.MeanSquaredError().from_logits  # noqa: B018


def test_a_config_holds_every_argument_of_a_loss():
    assert losses.LogCosh().get_config() == {"name": "log_cosh", "reduction": "sum_over_batch_size"}
    config = losses.CosineSimilarity(axis=2, dtype="float16").get_config()
    assert config == {"name": "cosine_similarity", "reduction": "sum_over_batch_size", "axis": 2, "dtype": "float16"}
    assert losses.CosineSimilarity.from_config(config).axis == 2


PUBLIC = sorted(name for name in losses.__all__ if inspect.isclass(getattr(losses, name)) and name != "LossFunctionWrapper")


@pytest.mark.parametrize("name", PUBLIC)
def test_losses_have_the_public_attributes_of_keras(name):
    ours, theirs = getattr(losses, name)(), getattr(keras.losses, name)()
    for attribute in (each for each in dir(theirs) if not each.startswith("_")):
        value = getattr(theirs, attribute)
        assert hasattr(ours, attribute), attribute
        if not callable(value):
            assert getattr(ours, attribute) == value or attribute == "name"


# --- Half precision ----------------------------------------------------------------------------------------------------

REDUCTIONS = ["sum_over_batch_size", "mean", "mean_with_sample_weight", "sum"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("kind", ["plain", "weights", "mask", "weights and mask"])
def test_losses_in_half_precision_are_reduced_in_float32(kind: str, reduction: str, dtype: str, default_backend: str) -> None:
    """More values than ``float16`` counts, whose sum it does not hold unless it is small. Values by NumPy in 64 bits."""
    if (dtype, default_backend) == ("bfloat16", "numpy"):
        pytest.skip("NumPy has no bfloat16")
    engine, rng, count = backends.get(default_backend), np.random.default_rng(0), 70_001
    scale = 1e-3 if reduction == "sum" else 30.0
    halved = engine.cast(engine.asarray((rng.normal(size=(count, 1)) * scale).astype("float32")), dtype)
    values = np.abs(engine.to_numpy(engine.cast(halved, "float32")).astype("float64"))[:, 0]
    weight = rng.integers(0, 4, count) / 4.0 if "weights" in kind else np.ones(count)
    real = rng.random(count) < 0.9 if "mask" in kind else np.ones(count, bool)
    sums = (values * weight * real).sum()
    divisor = {"sum": 1.0, "mean_with_sample_weight": (weight * real).sum()}.get(reduction, real.sum())
    loss = losses.MeanAbsoluteError(reduction=reduction, dtype=dtype)
    arguments = {"sample_weight": engine.asarray(weight.astype("float32"))} if "weights" in kind else {}
    arguments |= {"sample_mask": engine.asarray(real.astype("float32"))} if "mask" in kind else {}
    found = loss(engine.cast(engine.asarray(np.zeros((count, 1), "float32")), dtype), halved, **arguments)
    assert engine.dtype(found) == dtype
    precision = {"float16": 2**-11, "bfloat16": 2**-8}[dtype]
    assert float(engine.to_numpy(engine.cast(found, "float32"))) == pytest.approx(sums / divisor, rel=2 * precision)
