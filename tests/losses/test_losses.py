"""Every loss compared with that of real Keras: values, gradients, weights, names and configs."""

import inspect

import jax
import keras
import numpy as np
import pytest

from cornu import backends, losses, ops
from cornu.errors import InvalidArgumentError, ShapeError

SHAPE = (5, 4)


def data(kind: str, shape: tuple[int, ...] = SHAPE, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels and predictions of a kind."""
    rng = np.random.default_rng(seed)
    real = rng.normal(size=shape).astype("float32")
    positive = rng.uniform(0.05, 0.95, size=shape).astype("float32")
    share = positive / positive.sum(axis=-1, keepdims=True)
    classes = rng.integers(0, shape[-1], size=shape[:-1]).astype("int32")
    kinds = {
        "real": (rng.normal(size=shape).astype("float32"), real),
        "vectors": (rng.normal(size=(*shape, 3)).astype("float32"), rng.normal(size=(*shape, 3)).astype("float32")),
        "positive": (rng.uniform(0.2, 3, size=shape).astype("float32"), 3 * positive),
        "binary": (rng.integers(0, 2, size=shape).astype("int32"), positive),
        "binary logits": (rng.integers(0, 2, size=shape).astype("int32"), real),
        "signs": (rng.choice([-1.0, 1.0], size=shape).astype("float32"), real),
        "one-hot": (np.eye(shape[-1], dtype="float32")[classes], share),
        "one-hot logits": (np.eye(shape[-1], dtype="float32")[classes], real),
        "classes": (classes, share),
        "classes logits": (classes, real),
        "sequences": (
            np.int32([[1, 2, 2], [3, 1, 0], [2, 0, 0], [0, 0, 0], [3, 3, 3]]),
            rng.normal(size=(shape[0], 9, 4)).astype("float32"),
        ),
        "shares": (rng.dirichlet(np.ones(shape[-1]), size=shape[:-1]).astype("float32"), share),
    }
    return kinds[kind]


CASES = [
    ("MeanSquaredError", {}, "real"),
    ("MeanAbsoluteError", {}, "real"),
    ("MeanAbsolutePercentageError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "real"),
    ("Huber", {}, "real"),
    ("Huber", {"delta": 0.3}, "real"),
    ("LogCosh", {}, "real"),
    ("CosineSimilarity", {}, "real"),
    ("CosineSimilarity", {"axis": 1}, "vectors"),
    ("Hinge", {}, "signs"),
    ("Hinge", {}, "binary logits"),
    ("SquaredHinge", {}, "signs"),
    ("SquaredHinge", {}, "binary logits"),
    ("CategoricalHinge", {}, "one-hot logits"),
    ("BinaryCrossentropy", {}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True}, "binary logits"),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "binary"),
    ("BinaryFocalCrossentropy", {}, "binary"),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5}, "binary"),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "binary logits"),
    ("CategoricalCrossentropy", {}, "one-hot"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.2}, "one-hot logits"),
    ("CategoricalFocalCrossentropy", {}, "one-hot"),
    ("CategoricalFocalCrossentropy", {"alpha": [0.1, 0.2, 0.3, 0.4], "gamma": 1.5, "from_logits": True}, "one-hot logits"),
    ("SparseCategoricalCrossentropy", {}, "classes"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "classes logits"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "classes"),
    ("CategoricalGeneralizedCrossEntropy", {}, "classes"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.2}, "classes"),
    ("CTC", {}, "sequences"),
    ("KLDivergence", {}, "shares"),
    ("Poisson", {}, "positive"),
    ("Dice", {"axis": [1]}, "binary"),
    ("Dice", {}, "binary"),
    ("Tversky", {"alpha": 0.3, "beta": 0.6, "axis": [1]}, "binary"),
    ("Tversky", {}, "binary"),
]
FOR_SAMPLES = [case for case in CASES if case[0] not in ("CTC", "Dice", "Tversky") or case[1]]

FUNCTIONS = sorted(name for name in losses.__all__ if name.islower() and name in vars(keras.losses))
FUNCTIONS = [name for name in FUNCTIONS if name not in ("get", "serialize", "deserialize")]
CLASSES = sorted({name for name, _, _ in CASES})
each_case = pytest.mark.parametrize(("name", "arguments", "kind"), CASES)
each_case_for_samples = pytest.mark.parametrize(("name", "arguments", "kind"), FOR_SAMPLES)


@each_case
def test_value_is_that_of_keras(name, arguments, kind, default_backend):
    y_true, y_pred = data(kind)
    engine = backends.get(default_backend)
    ours = getattr(losses, name)(reduction=None, **arguments)(engine.asarray(y_true), engine.asarray(y_pred))
    theirs = getattr(keras.losses, name)(reduction=None, **arguments)(y_true, y_pred)
    assert backends.owner(ours) == default_backend
    assert ops.dtype(ours) == "float32"
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-6)


@each_case_for_samples
def test_mean_with_sample_weights_is_that_of_keras(name, arguments, kind, backend):
    y_true, y_pred = data(kind)
    weight = np.random.default_rng(3).uniform(0.1, 2, size=y_pred.shape[0]).astype("float32")
    ours = getattr(losses, name)(**arguments)(y_true, backends.get(backend).asarray(y_pred), weight)
    each_row = weight.reshape(-1, *[1] * (y_pred.ndim - 2))  # Keras does not broadcast weights over further axes
    theirs = getattr(keras.losses, name)(**arguments)(y_true, y_pred, each_row)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-6)


MEANS = ["sum_over_batch_size", "sum", "mean", "mean_with_sample_weight"]
REDUCTIONS = [("MeanSquaredError", {}, reduction) for reduction in (*MEANS, "none", None)]
REDUCTIONS += [("SparseCategoricalCrossentropy", {"ignore_class": 1}, reduction) for reduction in MEANS]


@pytest.mark.parametrize(("name", "arguments", "reduction"), REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_reductions_are_those_of_keras(name, arguments, reduction, weighted, backend):
    y_true, y_pred = data("classes" if arguments else "real")
    weight = np.random.default_rng(3).uniform(0.1, 2, size=y_pred.shape[0]).astype("float32") if weighted else None
    ours = getattr(losses, name)(reduction=reduction, **arguments)(y_true, backends.get(backend).asarray(y_pred), weight)
    theirs = getattr(keras.losses, name)(reduction=reduction, **arguments)(y_true, y_pred, weight)
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-6)


@each_case
def test_gradient_is_that_of_keras(name, arguments, kind, backend):
    y_true, y_pred = data(kind, seed=5)
    engine, loss = backends.get(backend), getattr(losses, name)(**arguments)
    ours = engine.value_and_grad(lambda p: loss(y_true, p))(engine.asarray(y_pred))[1]
    reference = getattr(keras.losses, name)(**arguments)
    theirs = jax.grad(lambda p: reference(y_true, p))(y_pred)
    np.testing.assert_allclose(engine.to_numpy(ours), np.asarray(theirs), rtol=1e-4, atol=1e-5)


@each_case_for_samples
def test_padding_counts_nowhere(name, arguments, kind, backend):
    y_true, y_pred = data(kind)
    engine, loss = backends.get(backend), getattr(losses, name)(**arguments)
    weight = np.random.default_rng(3).uniform(0.1, 2, size=len(y_pred)).astype("float32")
    mask = np.array([1, 1, 1, 0, 0])
    short = loss(y_true[:3], engine.asarray(y_pred[:3]), weight[:3])
    padded = loss(y_true, engine.asarray(y_pred), weight, sample_mask=mask)
    np.testing.assert_allclose(np.asarray(padded), np.asarray(short), rtol=1e-5)
    assert loss.is_per_sample == (name not in ("Dice", "Tversky"))


def test_padding_may_hold_nan(backend):
    y_pred = backends.get(backend).asarray([[1.0], [np.nan]])
    assert float(losses.MeanSquaredError()([[3.0], [0.0]], y_pred, sample_mask=[True, False])) == 4.0


def test_losses_compile(backend):
    engine, (y_true, y_pred) = backends.get(backend), data("classes")
    loss = losses.SparseCategoricalCrossentropy(ignore_class=1)
    compiled = engine.compile(lambda t, p, w, m: loss(t, p, w, m))
    arrays = [engine.asarray(x) for x in (y_true, y_pred, np.arange(5, dtype="float32"), np.array([1, 1, 1, 1, 0], "float32"))]
    np.testing.assert_allclose(float(compiled(*arrays)), float(loss(*arrays)), rtol=1e-6)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_the_arguments_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name)).parameters for module in (losses, keras.losses))
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


@pytest.mark.parametrize("name", [*CLASSES, "Loss"])
def test_classes_have_the_arguments_of_keras(name):
    ours, theirs = (inspect.signature(getattr(module, name).__init__).parameters for module in (losses, keras.losses))
    assert [(p.name, p.default) for p in ours.values()] == [(p.name, p.default) for p in theirs.values()]


@each_case
def test_config_of_keras_is_read_and_ours_is_read_by_keras(name, arguments, kind):
    theirs = keras.saving.serialize_keras_object(getattr(keras.losses, name)(reduction="sum", **arguments))
    ours = losses.deserialize(theirs)
    assert theirs["config"].items() <= ours.get_config().items()
    assert losses.serialize(ours)["config"] == ours.get_config()
    if name not in UNKNOWN_TO_KERAS:
        assert keras.losses.deserialize(losses.serialize(ours)).get_config() == theirs["config"]


@each_case
def test_a_loss_made_again_from_its_config_is_the_same(name, arguments, kind):
    loss, (y_true, y_pred) = getattr(losses, name)(reduction="sum", **arguments), data(kind)
    again = losses.deserialize(losses.serialize(loss))
    np.testing.assert_array_equal(again(y_true, y_pred), loss(y_true, y_pred))


UNKNOWN_TO_KERAS = ("CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy", "circle", "Circle")
"""Losses that Keras does not find by their names."""

SHORT = ["mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE", "bce", "BCE", "kld", "KLD"]


@pytest.mark.parametrize("name", [*FUNCTIONS, *CLASSES, *SHORT])
def test_names_mean_what_they_mean_in_keras(name):
    ours = losses.get(name)
    theirs = getattr(keras.losses, name) if name in UNKNOWN_TO_KERAS else keras.losses.get(name)
    theirs = theirs() if inspect.isclass(theirs) else theirs
    assert getattr(ours, "__name__", type(ours).__name__) == getattr(theirs, "__name__", type(theirs).__name__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_serialized_by_name(name):
    assert losses.deserialize(losses.serialize(losses.get(name))) is getattr(losses, name)


def test_unknown_names_get_a_suggestion():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'mean_squared_error'"):
        losses.get("mean_square_error")


def test_resolve_makes_a_loss_of_everything():
    def mine(y_true, y_pred):
        return y_pred[:, 0]

    loss = losses.Huber()
    assert losses.resolve(None) is None
    assert losses.resolve(loss) is loss
    assert losses.resolve("mse").name == "mse"
    assert losses.resolve(mine).name == "mine"
    assert losses.resolve(losses.Huber).name == "huber_loss"
    assert float(losses.resolve(mine)(np.zeros((2, 1)), np.array([[1.0], [3.0]]))) == 2.0


@pytest.mark.parametrize(("y_true_shape", "y_pred_shape"), [((8,), (8, 1)), ((8, 1), (8, 1)), ((8,), (8, 3)), ((8, 1), (8, 3))])
@pytest.mark.parametrize("more", [(), (7, 6)])
def test_crossentropy_by_shape_is_that_of_keras(y_true_shape, y_pred_shape, more):
    from keras.src.trainers.compile_utils import get_loss

    y_true_shape = (y_true_shape[0], *more, *y_true_shape[1:])
    y_pred_shape = (y_pred_shape[0], *more, *y_pred_shape[1:])
    for true in (y_true_shape, y_pred_shape):
        theirs = get_loss("crossentropy", np.zeros(true), np.zeros(y_pred_shape))
        assert losses.resolve("crossentropy", true, y_pred_shape).fn.__name__ == theirs.fn.__name__


def test_crossentropy_without_shapes_is_refused():
    with pytest.raises(InvalidArgumentError, match="'ce' was received without the shapes"):
        losses.resolve("ce")


def test_one_class_is_refused():
    with pytest.raises(ShapeError, match=r"\(2, 1\)\. It requires at least two classes.*binary_crossentropy"):
        losses.categorical_crossentropy([[1.0], [1.0]], [[0.5], [0.5]])


# --- Embeddings -----------------------------------------------------------------------------------------------------------


def embeddings(count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(count, 3)).astype("float32")
    return np.arange(count) // 2, vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("arguments", [{}, {"gamma": 8.0, "margin": 0.2}, {"remove_diagonal": False}], ids=str)
def test_circle_loss_is_that_of_keras(arguments, backend):
    labels, vectors = embeddings()
    ours = losses.circle(labels, backends.get(backend).asarray(vectors), **arguments)
    np.testing.assert_allclose(np.asarray(ours), keras.losses.circle(labels, vectors, **arguments), rtol=1e-5, atol=1e-5)
    ours = losses.Circle(**arguments)(labels, backends.get(backend).asarray(vectors))
    np.testing.assert_allclose(float(ours), float(keras.losses.Circle(**arguments)(labels, vectors)), rtol=1e-5)


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum"])
def test_the_mean_of_the_circle_loss_leaves_out_samples_without_a_loss(reduction, backend):
    labels, vectors = np.array([0, 1, 1, 2, 3], "int32"), embeddings()[1][:5]
    ours = losses.Circle(reduction=reduction)(labels, backends.get(backend).asarray(vectors))
    theirs = keras.losses.Circle(reduction=reduction)(labels, vectors)
    np.testing.assert_allclose(float(ours), float(theirs), rtol=1e-5)


def test_circle_loss_with_references_is_that_of_keras(backend):
    labels, vectors = embeddings()
    references = {"ref_labels": labels[:4], "ref_embeddings": vectors[:4], "remove_diagonal": False}
    ours = losses.circle(labels, backends.get(backend).asarray(vectors), **references)
    np.testing.assert_allclose(np.asarray(ours), keras.losses.circle(labels, vectors, **references), rtol=1e-5, atol=1e-5)


def test_the_gradient_of_circle_loss_is_that_of_keras():
    labels, vectors = embeddings()
    ours = jax.grad(lambda x: ops.sum(losses.circle(labels, x, gamma=4.0)))(vectors)
    theirs = jax.grad(lambda x: keras.ops.sum(keras.losses.circle(labels, x, gamma=4.0)))(vectors)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_mistakes_in_losses_are_named():
    with pytest.raises(ShapeError, match=r"`circle` received `y_pred` of shape \(2, 3, 4\). It requires one embedding"):
        losses.circle([0, 1], np.ones((2, 3, 4)))
    with pytest.raises(InvalidArgumentError, match=r"`CategoricalGeneralizedCrossEntropy` received `q=1.5`"):
        losses.CategoricalGeneralizedCrossEntropy(q=1.5)


def test_the_circle_loss_of_an_empty_batch_is_empty():
    assert losses.circle(np.zeros((0,), "int32"), np.zeros((0, 4), "float32")).shape == (0,)
