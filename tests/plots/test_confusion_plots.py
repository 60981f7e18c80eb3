"""Confusions are counted as scikit-learn counts them, and drawn as shares of the true class."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix as sklearn_counts

from cornu.errors import DataError, ShapeError
from cornu.plots import confusion_counts, confusion_matrix


def test_counts_are_those_of_scikit_learn(rng):
    true, predicted = rng.integers(0, 7, 200), rng.integers(0, 7, 200)
    np.testing.assert_array_equal(confusion_counts(true, predicted), sklearn_counts(true, predicted))


def test_labels_and_predictions_may_have_any_of_their_forms(rng):
    true, predicted = rng.integers(0, 5, 50), rng.integers(0, 5, 50)
    scores = np.eye(5)[predicted] * 0.5 + rng.uniform(0, 0.4, (50, 5))
    expected = sklearn_counts(true, predicted)
    for labels in (true, true[:, None], true.astype("float32"), np.eye(5)[true], true.tolist()):
        np.testing.assert_array_equal(confusion_counts(labels, scores), expected)
        np.testing.assert_array_equal(confusion_counts(labels, predicted), expected)


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_one_probability_is_that_of_class_one(shape):
    probabilities = np.array([0.2, 0.5, 0.49, 1.0]).reshape(shape)
    assert confusion_counts([0, 0, 1, 1], probabilities).tolist() == [[1, 1], [1, 1]]


def test_classes_that_never_occur_have_zeros():
    assert confusion_counts([0], [1], classes=3).tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("true", "predicted", "error", "message"),
    [
        ([0, 1], [0], ShapeError, "`y_true` has 2 samples and `y_pred` has 1"),
        ([], [], DataError, "`y_true` is empty"),
        ([0, -1], [0, 0], DataError, "`y_true` contains the class -1"),
        ([0, 0.5], [0, 0], DataError, "`y_true` contains the class 0.5"),
        ([0, 3], [0, 0], DataError, "contain class 3. There are 2 classes"),
        (np.zeros((2, 3, 4)), [0, 0], ShapeError, r"`y_true` has shape \(2, 3, 4\)"),
    ],
)
def test_what_cannot_be_counted_is_refused(true, predicted, error, message):
    with pytest.raises(error, match=message):
        confusion_counts(true, predicted, classes=2)


def test_colors_are_shares_and_numbers_are_counts():
    figure = confusion_matrix([0, 0, 0, 0, 1], [0, 0, 0, 1, 1], ["cat", "dog"])
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25], [0, 1]])
    texts = {text.get_position(): text.get_text() for text in axes.texts}
    assert texts == {(0, 0): "3", (1, 0): "1", (1, 1): "1"}
    assert [label.get_text() for label in axes.get_xticklabels()] == ["cat", "dog"]
    assert axes.get_xlabel() == "predicted"
    assert axes.get_ylabel() == "true"


def test_a_class_without_samples_has_no_share():
    shares = confusion_matrix([0], [0], ["cat", "dog"]).axes[0].images[0].get_array()
    np.testing.assert_array_equal(shares, [[1, 0], [0, 0]])


def test_a_hundred_classes_are_drawn_without_numbers(rng):
    classes = rng.integers(0, 100, 1000)
    axes = confusion_matrix(classes, classes, [f"class {number}" for number in range(100)]).axes[0]
    assert not axes.texts
    assert 20 <= len(axes.get_xticklabels()) <= 50


def test_a_class_without_a_name_is_refused():
    with pytest.raises(DataError, match=r"contain class 2.*Pass a name for every class"):
        confusion_matrix([0, 2], [0, 1], ["cat", "dog"])
