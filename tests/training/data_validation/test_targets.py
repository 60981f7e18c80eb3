"""Whether labels and weights fit the outputs and the losses: one clear error on every backend, before a weight changes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import layers, losses
from cornu.errors import CornuError, DataError, InvalidArgumentError, InvalidTypeError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(9, 4)).astype("float32")
CLASSES = RNG.integers(0, 3, 9)
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
QUANTITIES = RNG.normal(size=9).astype("float32")


def network(units: int, activation: str | None, loss: Any, **arguments: Any) -> Any:
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(units, activation, name="out")])
    model.compile("sgd", loss, **arguments)
    return model


def sparse(loss: Any = "sparse_categorical_crossentropy") -> Any:
    return network(3, "softmax", loss)


def one_hot() -> Any:
    return network(3, "softmax", "categorical_crossentropy")


def yes_or_no(loss: str = "binary_crossentropy") -> Any:
    return network(1, "sigmoid", loss)


def regression(units: int = 1) -> Any:
    return network(units, None, "mse")


def with_label(value: Any, place: int = 5, dtype: str = "int64") -> np.ndarray:
    y = CLASSES.astype(dtype)
    y[place] = value
    return y


REFUSED: dict[str, tuple[Callable, Any, type[CornuError], str]] = {
    "label n": (
        sparse,
        with_label(3),
        DataError,
        "`fit`: `y` contains the label 3 in sample 5. The output 'out' has 3 units, so labels range from 0 to 2. "
        "Number the classes from 0, or use 4 units in the last layer.",
    ),
    "labels from 1": (sparse, np.arange(9) % 3 + 1, DataError, "The labels start at 1: subtract 1, `y - 1`."),
    "labels that are numbers of something": (
        sparse,
        CLASSES + 5000,
        DataError,
        "9 of 9 labels are out of range. The output 'out' has 3 units, so labels range from 0 to 2. "
        "Number the classes from 0: `names, y = np.unique(y, return_inverse=True)`.",
    ),
    "label -1": (
        sparse,
        with_label(-1),
        DataError,
        "the label -1 in sample 5. The output 'out' has 3 units, so labels range from 0 to 2. If -1 marks unknown labels, use "
        "`losses.SparseCategoricalCrossentropy(ignore_class=-1)`.",
    ),
    "label n of a robust loss": (
        lambda: sparse(losses.CategoricalGeneralizedCrossEntropy(0.5)),
        with_label(3),
        DataError,
        "`y` contains the label 3 in sample 5. The output 'out' has 3 units",
    ),
    "one-hot labels of a robust loss": (
        lambda: sparse(losses.CategoricalGeneralizedCrossEntropy(0.5)),
        ONE_HOT,
        ShapeError,
        "`y` has 3 columns, one for each class. The loss 'categorical_generalized_cross_entropy' expects the class index",
    ),
    "one-hot labels of embeddings": (
        lambda: network(4, None, losses.Circle()),
        ONE_HOT,
        ShapeError,
        "the labels in `y` are 3 values. The loss 'circle' expects one class index for each sample. If the labels are one-hot, "
        "use `y.argmax(axis=-1)`.",
    ),
    "label 0.5 of embeddings": (
        lambda: network(4, None, losses.Circle()),
        with_label(0.5, dtype="float32"),
        DataError,
        "`y` contains the label 0.5 in sample 5. The loss 'circle' expects class indices",
    ),
    "label -7": (sparse, with_label(-7), DataError, "the label -7 in sample 5. The output 'out' has 3 units"),
    "label 255": (
        sparse,
        with_label(255, dtype="uint8"),
        DataError,
        "the label 255 in sample 5. The output 'out' has 3 units, so labels range from 0 to 2. If 255 marks unknown labels "
        "(-1 becomes 255 in `uint8`), use `losses.SparseCategoricalCrossentropy(ignore_class=255)`.",
    ),
    "many labels": (sparse, CLASSES * 50, DataError, "labels are out of range. The output 'out' has 3 units"),
    "label 0.5": (
        sparse,
        with_label(0.5, dtype="float32"),
        DataError,
        "`y` contains the label 0.5 in sample 5. The loss 'sparse_categorical_crossentropy' expects class indices: "
        "integers from 0 to 2. For class probabilities, use `loss='categorical_crossentropy'`; for regression, `loss='mse'`.",
    ),
    "label NaN": (
        sparse,
        with_label(np.nan, dtype="float32"),
        DataError,
        "`y` contains a value that is NaN or infinite, in sample 5.",
    ),
    "an ignored class besides a wrong one": (
        lambda: sparse(losses.SparseCategoricalCrossentropy(ignore_class=-1)),
        np.array([0, 1, -1, -1, 2, 7, 0, 1, 2]),
        DataError,
        "the label 7 in sample 5.",
    ),
    "one-hot for sparse": (
        sparse,
        ONE_HOT,
        ShapeError,
        "`y` has 3 columns, one for each class. The loss 'sparse_categorical_crossentropy' expects the class index "
        "instead: an integer from 0 to 2. Use `loss='categorical_crossentropy'`, or `y.argmax(axis=-1)`.",
    ),
    "two labels for one": (
        sparse,
        np.zeros((9, 2), int),
        ShapeError,
        "the labels in `y` are 2 values, and the output 'out' is 3 values",
    ),
    "class numbers for one-hot": (
        one_hot,
        CLASSES,
        ShapeError,
        "the labels in `y` are single values, and the output 'out' is 3 values: the loss 'categorical_crossentropy' compares "
        "them element by element. If they are class indices, use `loss='sparse_categorical_crossentropy'`, or "
        "`y = cornu.utils.to_categorical(y, 3)`.",
    ),
    "a column of class numbers for one-hot": (
        one_hot,
        CLASSES[:, None],
        ShapeError,
        "use `loss='sparse_categorical_crossentropy'`",
    ),
    "one-hot of other classes": (
        one_hot,
        np.eye(5)[CLASSES],
        ShapeError,
        "the labels in `y` are 5 values, and the output 'out' is 3",
    ),
    "class numbers for mse": (
        lambda: regression(3),
        CLASSES,
        ShapeError,
        "If they are class indices, write `y = cornu.utils.to_categorical(y, 3)`.",
    ),
    "class numbers for yes or no": (
        yes_or_no,
        with_label(2),
        DataError,
        "The loss 'binary_crossentropy' expects values of 0 and 1, or probabilities between them. For 3 classes, use "
        "`loss='sparse_categorical_crossentropy'` and a last layer of 3 units with softmax",
    ),
    "-1 and 1 for yes or no": (
        yes_or_no,
        np.tile([-1, 1, 1], 3),
        DataError,
        "Map labels of -1 and 1 to 0 and 1, `(y + 1) / 2`, or use `loss='hinge'`.",
    ),
    "images for yes or no": (yes_or_no, np.arange(9) * 255 // 8, DataError, "Scale images to the range 0 to 1: `y / 255`."),
    "quantities for yes or no": (yes_or_no, QUANTITIES * 3, DataError, "For regression, use `loss='mse'`."),
    "one-hot for yes or no": (
        yes_or_no,
        np.eye(2)[CLASSES % 2],
        ShapeError,
        "Use 2 units in the last layer, or convert one column per class to indices: `y.argmax(axis=-1)`.",
    ),
    "softmax with one unit": (
        lambda: network(1, "softmax", "binary_crossentropy"),
        CLASSES % 2,
        InvalidArgumentError,
        "the output 'out' has one unit with softmax. The softmax of a single unit is always 1, so nothing "
        "can be learned. For two classes, use `Dense(1, activation='sigmoid')` with `loss='binary_crossentropy'`",
    ),
    "softmax with one unit and sparse labels": (
        lambda: network(1, "softmax", "sparse_categorical_crossentropy"),
        CLASSES,
        InvalidArgumentError,
        "one unit with softmax",
    ),
    "softmax with one unit and mse": (
        lambda: network(1, "softmax", "mse"),
        QUANTITIES,
        InvalidArgumentError,
        "one unit with softmax",
    ),
    "sigmoid with two units": (
        lambda: network(2, "sigmoid", "binary_crossentropy"),
        CLASSES % 2,
        ShapeError,
        "`y` contains one class index per sample, and the output 'out' has two units with sigmoid. Sigmoid treats each "
        "unit independently, so two units are two separate binary outputs. For two classes, use `Dense(1, "
        "activation='sigmoid')`",
    ),
    "sigmoid with two units and sparse labels": (
        lambda: network(2, "sigmoid", "sparse_categorical_crossentropy"),
        CLASSES % 2,
        ShapeError,
        "two units with sigmoid",
    ),
    "five numbers for one": (
        regression,
        np.zeros((9, 5)),
        ShapeError,
        "the labels in `y` are 5 values, and the output 'out' is 1 value: the loss 'mse' compares them element by element. "
        "Use 5 units in the last layer.",
    ),
    "one number for five": (
        lambda: regression(5),
        np.zeros((9, 1)),
        ShapeError,
        "the labels in `y` are 1 value, and the output 'out' is 5 values",
    ),
    "no y": (
        sparse,
        None,
        DataError,
        "`fit` received no `y`. The loss 'sparse_categorical_crossentropy' compares the output 'out' with it. Pass the labels",
    ),
    "a list of arrays for one output": (lambda: regression(2), [np.zeros(2)] * 9, DataError, "`y` as a list of 9 arrays."),
    "a list of two arrays for one output": (
        regression,
        [QUANTITIES, QUANTITIES],
        DataError,
        "`y` as a list of 2 arrays. The model has one output, 'out'.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_fit_refuses(name, on):
    build, y, error, text = REFUSED[name]
    model = on(build())
    before = model.get_weights()
    with pytest.raises(error) as caught:
        model.fit(X, y, verbose=0)
    assert text in str(caught.value)
    assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize("function", ["evaluate", "train_on_batch", "test_on_batch"])
def test_other_functions_refuse_too(function):
    with pytest.raises(DataError, match=f"`{function}`: `y` contains the label 3"):
        getattr(sparse(), function)(X, with_label(3))


ACCEPTED: dict[str, tuple[Callable, Any]] = {
    "class numbers": (sparse, CLASSES),
    "a column of class numbers": (sparse, CLASSES[:, None]),
    "class numbers as floats": (sparse, CLASSES.astype("float64")),
    "an ignored class": (
        lambda: sparse(losses.SparseCategoricalCrossentropy(ignore_class=255)),
        with_label(255, dtype="uint8"),
    ),
    "one-hot": (one_hot, ONE_HOT),
    "probabilities": (one_hot, RNG.dirichlet([1, 1, 1], 9)),
    "crossentropy of class numbers": (lambda: sparse("crossentropy"), CLASSES),
    "crossentropy of one-hot": (lambda: sparse("crossentropy"), ONE_HOT),
    "flat labels for one unit": (yes_or_no, CLASSES % 2),
    "a column for one unit": (yes_or_no, (CLASSES % 2)[:, None]),
    "truth values": (yes_or_no, CLASSES > 1),
    "probabilities for one unit": (yes_or_no, RNG.random(9)),
    "hinge": (lambda: yes_or_no("hinge"), np.tile([-1, 1, 1], 3)),
    "two sigmoids for two questions": (lambda: network(2, "sigmoid", "binary_crossentropy"), np.eye(2)[CLASSES % 2]),
    "class numbers of a robust loss": (lambda: sparse(losses.CategoricalGeneralizedCrossEntropy(0.5)), CLASSES),
    "any numbers of classes of embeddings": (lambda: network(4, None, losses.Circle(gamma=2.0)), CLASSES + 1000),
    "quantities": (regression, QUANTITIES),
    "a column of quantities": (regression, QUANTITIES[:, None]),
    "a column for an output without one": (lambda: flat_output(), QUANTITIES[:, None]),
    "a function of the user": (lambda: regression_by(lambda y, p: cornu.ops.mean(p - y[:, :1], axis=-1)), np.zeros((9, 7))),
}


def flat_output() -> Any:
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(1), layers.Reshape(())])
    model.compile("sgd", "mse")
    return model


def regression_by(loss: Callable) -> Any:
    return network(1, None, loss)


@pytest.mark.parametrize("name", ACCEPTED)
def test_fit_accepts(name):
    build, y = ACCEPTED[name]
    assert np.isfinite(build().to_backend("numpy").fit(X, y, verbose=0).history["loss"]).all()


LABELS_OF_KERAS = {
    "many classes": ("Circle", {"gamma": 4.0}, 2, CLASSES * 1000 - 7),
    "a column, more embeddings than classes": ("Circle", {"gamma": 4.0}, 6, CLASSES[:, None]),
    "floats": ("Circle", {"gamma": 4.0}, 4, CLASSES.astype("float32")),
    "classes": ("CategoricalGeneralizedCrossEntropy", {"q": 0.3}, 3, CLASSES),
    "more units than classes": ("CategoricalGeneralizedCrossEntropy", {}, 5, CLASSES.astype("float32")),
}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # from inside real Keras
@pytest.mark.parametrize("engine", ["jax", "torch"])
@pytest.mark.parametrize("case", LABELS_OF_KERAS)
def test_labels_of_circle_and_generalized_crossentropy_train_as_in_keras(case, engine):
    pytest.importorskip(engine)
    import keras

    name, arguments, units, y = LABELS_OF_KERAS[case]
    trained = []
    for k in (cornu, keras):
        last = k.layers.UnitNormalization() if name == "Circle" else k.layers.Softmax()
        model = k.Sequential([k.Input((4,)), k.layers.Dense(units), last])
        rng = np.random.default_rng(5)
        model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
        model.compile(k.optimizers.SGD(0.1), getattr(k.losses, name)(**arguments))
        if k is cornu:
            model.to_backend(engine)
        history = model.fit(X, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
        trained.append([*model.get_weights(), history.history["loss"]])
    for mine, theirs in zip(*trained, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-5)


def test_generalized_crossentropy_of_a_column_of_classes_is_that_of_the_classes():
    """Keras compares each prediction with the labels of all samples."""
    import keras

    shares = RNG.dirichlet(np.ones(3), len(CLASSES)).astype("float32")
    theirs = keras.losses.CategoricalGeneralizedCrossEntropy()
    mine = cornu.losses.CategoricalGeneralizedCrossEntropy()
    np.testing.assert_allclose(mine(CLASSES[:, None], shares), mine(CLASSES, shares), rtol=1e-6)
    np.testing.assert_allclose(mine(CLASSES, shares), np.asarray(theirs(CLASSES, shares)), rtol=1e-6)
    assert abs(float(theirs(CLASSES[:, None], shares)) - float(mine(CLASSES, shares))) > 1e-3


def test_labels_of_every_place_of_an_image():
    x, y = RNG.random((4, 6, 6, 1)), RNG.integers(0, 3, (4, 6, 6))
    model = cornu.Sequential([cornu.Input((6, 6, 1)), layers.Conv2D(3, 3, padding="same", activation="softmax", name="map")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.to_backend("numpy").fit(x, y, verbose=0)
    model.fit(x, y[..., None], verbose=0)
    y[2, 3, 4] = 9
    with pytest.raises(DataError, match=r"the label 9 in sample 2, at \[3, 4\]. The output 'map' has 3 units"):
        model.fit(x, y)
    with pytest.raises(ShapeError, match=r"the labels in `y` are 5 x 6, and the output 'map' is 6 x 6 x 3: .* labels of 6 x 6"):
        model.fit(x, y[:, :5])


def test_softmax_as_a_layer_of_its_own_is_seen():
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(1), layers.Softmax(name="last")])
    model.compile("sgd", "mse")
    with pytest.raises(InvalidArgumentError, match="the output 'last' has one unit with softmax"):
        model.fit(X, QUANTITIES)


def test_softmax_inside_a_nested_model_is_seen():
    inner = cornu.Sequential([cornu.Input((4,)), layers.Dense(1, "softmax")], name="inner")
    model = cornu.Sequential([cornu.Input((4,)), inner])
    model.compile("sgd", "mse")
    with pytest.raises(InvalidArgumentError, match="the output 'inner' has one unit with softmax"):
        model.fit(X, QUANTITIES)


def test_a_subclassed_model_is_checked_too(on):
    class Own(cornu.Model):
        def __init__(self):
            super().__init__()
            self.last = layers.Dense(3, "softmax")

        def call(self, inputs):
            return self.last(inputs)

    model = on(Own())
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(DataError, match=r"the label 3 in sample 5. The output 'output_1' has 3 units"):
        model.fit(X, with_label(3))


# --- Several outputs ----------------------------------------------------------------------------------------------------------


def two_outputs(loss: Any = "mse") -> Any:
    inputs = cornu.Input((4,))
    model = cornu.Model(inputs, [layers.Dense(1, name="size")(inputs), layers.Dense(2, name="place")(inputs)])
    model.compile("sgd", loss)
    return model


PLACES = RNG.normal(size=(9, 2))

WRONG = {
    "one array": (
        QUANTITIES,
        "`fit` received `y` as one array. The model has 2 outputs, ['size', 'place']. Pass a list or a dict",
    ),
    "three arrays": ([QUANTITIES] * 3, "`y` as a list of 3 arrays. The model has 2 outputs"),
    "a name": (
        {"size": QUANTITIES, "plaec": PLACES},
        "`y` with the keys ['size', 'plaec']. The model's outputs are ['size', 'place']. Did you mean 'place'?",
    ),
    "a missing name": (
        {"size": QUANTITIES},
        "`fit` received no `y['place']`. The loss 'mse' compares the output 'place' with it.",
    ),
    "None": ([QUANTITIES, None], "`fit` received no `y[1]`."),
    "the order": ([PLACES, QUANTITIES], "the labels in `y[0]` are 2 values, and the output 'size' is 1 value"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_targets_for_several_outputs(name):
    y, text = WRONG[name]
    with pytest.raises(CornuError) as caught:
        two_outputs().fit(X, y)
    assert text in str(caught.value)


@pytest.mark.parametrize("y", [[QUANTITIES, PLACES], (QUANTITIES, PLACES), {"place": PLACES, "size": QUANTITIES}])
def test_targets_come_in_lists_and_dicts(y):
    model = two_outputs().to_backend("numpy")
    assert model.evaluate(X, y, verbose=0) == model.evaluate(X, [QUANTITIES, PLACES], verbose=0)


def test_one_judged_output_takes_one_array():
    assert two_outputs(loss=[None, "mse"]).to_backend("numpy").fit(X, PLACES, verbose=0).history["loss"]


def test_a_model_that_gives_a_dict_takes_its_keys(on):
    inputs = cornu.Input((4,))
    model = on(cornu.Model(inputs, {"zeta": layers.Dense(1)(inputs), "alpha": layers.Dense(2)(inputs)}))
    model.compile("sgd", {"zeta": "mse", "alpha": "mae"}, metrics={"alpha": ["mse"]})
    history = model.fit(X, {"alpha": PLACES, "zeta": QUANTITIES}, verbose=0).history
    assert list(history) == ["alpha_loss", "alpha_mse", "loss", "zeta_loss"]
    np.testing.assert_allclose(history["loss"][0], history["zeta_loss"][0] + history["alpha_loss"][0], 1e-6)


# --- Weights of samples -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [np.ones((9, 2)), np.ones((9, 4)), np.ones((9, 1, 2))])
def test_weights_of_a_wrong_shape(weight, on):
    text = r"the weights in `sample_weight` are .* The loss requires one weight per sample. Pass `sample_weight` with the shape"
    with pytest.raises(ShapeError, match=text):
        on(sparse()).fit(X, CLASSES, sample_weight=weight)


def test_weights_of_a_wrong_shape_for_a_loss_of_the_user(on):
    model = on(regression_by(lambda y_true, y_pred: cornu.ops.mean(y_pred, axis=-1)))
    before = model.get_weights()
    with pytest.raises(ShapeError, match="`sample_weight` has shape"):
        model.fit(X, QUANTITIES, sample_weight=np.ones((9, 2)), verbose=0)
    assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))


def test_weights_for_an_unknown_output():
    with pytest.raises(DataError, match=r"`sample_weight` with the keys \['siez'\].* Did you mean 'size'\?"):
        two_outputs().fit(X, [QUANTITIES, PLACES], sample_weight={"siez": np.ones(9)})


@pytest.mark.parametrize(
    "weight", [QUANTITIES**2, (QUANTITIES**2)[:, None], (QUANTITIES**2).tolist()], ids=["flat", "column", "list"]
)
def test_weights_come_flat_or_as_a_column(weight, on):
    model = on(network(3, "softmax", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"]))
    values = -np.log(model.predict(X, verbose=0)[np.arange(9), CLASSES])
    right = model.predict(X, verbose=0).argmax(axis=-1) == CLASSES
    flat = np.ravel(weight)
    expected = [(values * flat).mean(), (right * flat).sum() / flat.sum()]
    np.testing.assert_allclose(model.evaluate(X, CLASSES, 4, sample_weight=weight, verbose=0), expected, 1e-5)


def test_weights_of_every_step_of_a_sequence(on):
    x, y, weight = RNG.normal(size=(5, 3, 4)), RNG.normal(size=(5, 3, 1)), RNG.random((5, 3))
    model = on(cornu.Sequential([cornu.Input((3, 4)), layers.Dense(1)]))
    model.compile("sgd", "mse", weighted_metrics=["mae"])
    error = (model.predict(x, verbose=0) - y)[..., 0]
    expected = [(error**2 * weight).mean(), (np.abs(error) * weight).sum() / weight.sum()]
    np.testing.assert_allclose(model.evaluate(x, y, 2, sample_weight=weight, verbose=0), expected, 1e-5)


# --- Weights of classes -------------------------------------------------------------------------------------------------------

CLASS_WEIGHTS = {
    "an unknown class": (
        {3: 1.0},
        InvalidArgumentError,
        "`class_weight` with the class 3. The classes are the integers from 0 to 2.",
    ),
    "a negative class": ({-1: 1.0}, InvalidArgumentError, "with the class -1"),
    "a name": (
        {"cat": 1.0},
        InvalidArgumentError,
        "with the class 'cat'. The classes are the integers from 0 to 2. Use the class indices that occur in `y`.",
    ),
    "half a class": ({0.5: 1.0}, InvalidArgumentError, "with the class 0.5"),
    "no number": (
        {0: None},
        InvalidArgumentError,
        "`class_weight` with None for the class 0. A weight must be a finite number.",
    ),
    "NaN": ({0: np.nan}, InvalidArgumentError, "with nan for the class 0"),
    "a list": (
        [1.0, 2.0, 3.0],
        InvalidTypeError,
        "`class_weight` as list. It must be a dict from class index to weight. Convert a list or an array "
        "with `dict(enumerate(class_weight))`.",
    ),
}


@pytest.mark.parametrize("name", CLASS_WEIGHTS)
def test_wrong_class_weights(name):
    class_weight, error, text = CLASS_WEIGHTS[name]
    with pytest.raises(error) as caught:
        sparse().fit(X, CLASSES, class_weight=class_weight)
    assert text in str(caught.value)


def test_class_weights_without_labels():
    with pytest.raises(DataError, match=r"`fit` received `class_weight` and no `y`."):
        network(3, None, None).fit(X, class_weight={0: 1.0})


def test_class_weights_with_several_outputs():
    with pytest.raises(
        InvalidArgumentError,
        match=r"`class_weight`, and the model has 2 outputs. `class_weight` is supported for models with one output",
    ):
        two_outputs().fit(X, [QUANTITIES, PLACES], class_weight={0: 1.0})


def test_class_weights_with_one_unit_know_two_classes():
    yes_or_no().to_backend("numpy").fit(X, CLASSES % 2, class_weight={0: 1.0, 1: 2.0}, verbose=0)
    with pytest.raises(InvalidArgumentError, match=r"the class 2. The classes are the integers from 0 to 1."):
        yes_or_no().fit(X, CLASSES % 2, class_weight={2: 1.0})


def test_class_weights_of_images_of_labels():
    model = cornu.Sequential([cornu.Input((6, 6, 1)), layers.Conv2D(3, 1, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ShapeError, match=r"the labels in `y` are 6 x 6. `class_weight` requires one class per sample."):
        model.fit(RNG.random((2, 6, 6, 1)), np.zeros((2, 6, 6)), class_weight={0: 1.0})


@pytest.mark.parametrize("y", [CLASSES, CLASSES[:, None], CLASSES.astype("float32")], ids=["flat", "column", "floats"])
def test_class_weights_are_weights_of_samples(y, on):
    factors = np.array([2.0, 1.0, 0.25])[CLASSES]
    model, twin = on(sparse()), on(sparse())
    twin.set_weights(model.get_weights())
    model.fit(X, y, 4, verbose=0, shuffle=False, class_weight={0: 2, np.int64(2): np.float32(0.25)})
    twin.fit(X, CLASSES, 4, verbose=0, shuffle=False, sample_weight=factors)
    for mine, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, 1e-6)


def test_class_weights_of_one_hot_labels(on):
    model, twin = on(one_hot()), on(one_hot())
    twin.set_weights(model.get_weights())
    model.fit(X, ONE_HOT, 4, verbose=0, shuffle=False, class_weight={1: 3.0})
    twin.fit(X, ONE_HOT, 4, verbose=0, shuffle=False, sample_weight=np.where(CLASSES == 1, 3.0, 1.0))
    for mine, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, 1e-6)


def test_class_weights_multiply_weights_of_samples():
    model, twin = sparse().to_backend("numpy"), sparse().to_backend("numpy")
    twin.set_weights(model.get_weights())
    weight = QUANTITIES**2
    model.fit(X, CLASSES, 4, verbose=0, shuffle=False, class_weight={1: 3.0}, sample_weight=weight)
    twin.fit(X, CLASSES, 4, verbose=0, shuffle=False, sample_weight=weight * np.where(CLASSES == 1, 3, 1))
    for mine, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, 1e-6)


def test_class_weights_hold_for_batches():
    model, twin = sparse().to_backend("numpy"), sparse().to_backend("numpy")
    twin.set_weights(model.get_weights())
    batches = [(X[:5], CLASSES[:5]), (X[5:], CLASSES[5:])]
    model.fit(batches, verbose=0, class_weight={1: 3.0})
    twin.fit(X, CLASSES, 5, verbose=0, shuffle=False, class_weight={1: 3.0})
    for mine, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, 1e-6)
