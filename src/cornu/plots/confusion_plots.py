"""Which class was taken for which: the counts, and a picture of them."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.errors import DataError, ShapeError
from cornu.plots.canvas import INK, finished, new_figure

__all__ = ["confusion_counts", "confusion_matrix"]

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_WITH_NUMBERS = 25
"""With more classes the counts would be too small to read, and the colours have to do."""


def confusion_counts(y_true: Any, y_pred: Any, classes: int | None = None) -> np.ndarray:
    """How often each class was taken for each.

    Args:
        y_true: True classes of shape ``(n,)`` or ``(n, 1)``, or one-hot of shape ``(n, classes)``.
        y_pred: Predicted classes; or probabilities of shape ``(n, classes)``, of which the largest counts; or of shape
            ``(n, 1)`` or ``(n,)``, where 0.5 and more is class 1.
        classes: Number of classes; by default as many as occur.

    Returns:
        ``int64`` of shape ``(classes, classes)``: row ``i``, column ``j`` counts samples of class ``i`` that were taken for
        ``j``.

    Raises:
        ShapeError: There are not as many predictions as labels, or they have more than two axes.
        DataError: A class is negative, too large or no whole number, or there are no samples.

    Example:
        >>> from cornu.plots import confusion_counts
        >>> confusion_counts([0, 0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]]).tolist()
        [[1, 1], [0, 2]]
    """
    true, predicted = _classes_of(y_true, "y_true"), _classes_of(y_pred, "y_pred")
    if len(true) != len(predicted):
        raise ShapeError(
            f"`y_true` has {len(true):,} samples and `y_pred` has {len(predicted):,}.",
            "There must be one prediction for each label.",
            "Predict for the same pictures whose labels you pass.",
        )
    if len(true) == 0:
        raise DataError("`y_true` is empty.", "Confusions are counted over at least one sample.", "Pass some labels.")
    highest = int(max(true.max(), predicted.max()))
    classes = highest + 1 if classes is None else classes
    if highest >= classes:
        raise DataError(
            f"Class {highest} occurs.",
            f"There are {classes} classes, so they go from 0 to {classes - 1}.",
            "Pass a name for every class, and labels that count from 0.",
        )
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _classes_of(values: Any, argument: str) -> np.ndarray:
    """Classes as ``int64`` of shape ``(n,)``, from classes, one-hot labels or probabilities."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] > 1:
        return array.argmax(axis=1)
    if array.ndim not in (1, 2):
        raise ShapeError(
            f"`{argument}` has the shape {array.shape}.",
            "It holds classes, of shape (n,) or (n, 1), or a number for each class, of shape (n, classes).",
            "Take the axis of the samples first, and flatten the others.",
        )
    array = array.reshape(-1)
    if argument == "y_pred" and array.dtype.kind == "f" and np.any(array % 1):
        return (array >= 0.5).astype("int64")
    whole = array.astype("int64")
    if np.any(whole != array) or np.any(whole < 0):
        odd = array[(whole != array) | (whole < 0)][0]
        raise DataError(
            f"`{argument}` holds the class {odd}.",
            "Classes are whole numbers from 0 on.",
            "Number the classes 0, 1, 2 ...",
        )
    return whole


def confusion_matrix(
    y_true: Any, y_pred: Any, class_names: Sequence[str] | None = None, path: str | os.PathLike | None = None
) -> "Figure":
    """Draws which class was taken for which: a row for each true class, a column for each predicted one.

    The colour is the share of the true class, so that rare classes count as much as frequent ones; the number is the count.

    Args:
        y_true: True classes, or one-hot labels (see :func:`confusion_counts`).
        y_pred: Predicted classes, or probabilities.
        class_names: A name for each class; by default their numbers.
        path: Where to save the picture as PNG; None does not save it.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        ShapeError: There are not as many predictions as labels.
        DataError: A class has no name, or is no whole number from 0 on.

    Example:
        >>> from cornu.plots import confusion_matrix
        >>> figure = confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], ["cat", "dog"])
        >>> figure.axes[0].get_title(loc="left")
        'accuracy 75.0 % (3 of 4)'
    """
    counts = confusion_counts(y_true, y_pred, None if class_names is None else len(class_names))
    names = [str(number) for number in range(len(counts))] if class_names is None else [str(name) for name in class_names]
    size = 2.2 + 0.42 * min(len(names), _MOST_WITH_NUMBERS)
    longest = 0.075 * max(len(name) for name in names)
    figure = new_figure(max(size + longest + 0.9, 4), max(size + longest, 3))
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_title(_accuracy_text(counts), loc="left", fontsize=11, color=INK)
    axes.set_xlabel("predicted", fontsize=10, color=INK)
    axes.set_ylabel("true", fontsize=10, color=INK)
    _name_ticks(axes, names)
    if len(names) <= _MOST_WITH_NUMBERS:
        _write_counts(axes, counts, shares)
    bar = figure.colorbar(image, shrink=0.8, format=lambda share, _: f"{100 * share:.0f} %")
    bar.set_label("share of the true class", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return finished(figure, path)


def _accuracy_text(counts: np.ndarray) -> str:
    right, total = int(np.trace(counts)), int(counts.sum())
    return f"accuracy {100 * right / total:.1f} % ({right:,} of {total:,})"


def _name_ticks(axes: "Axes", names: list[str]) -> None:
    """Names at both axes; a few only where there are too many, and slanted where they are long."""
    step = -(-len(names) // (2 * _MOST_WITH_NUMBERS))
    places = range(0, len(names), step)
    slanted = max(len(name) for name in names) > 3
    axes.set_xticks(
        places, [names[place] for place in places], rotation=40 if slanted else 0, ha="right" if slanted else "center"
    )
    if slanted:
        for label in axes.get_xticklabels():
            label.set_rotation_mode("anchor")
    axes.set_yticks(places, [names[place] for place in places])
    axes.tick_params(length=0, labelsize=9 if len(names) <= _MOST_WITH_NUMBERS else 6, colors=INK)
    axes.spines[:].set_visible(False)


def _write_counts(axes: "Axes", counts: np.ndarray, shares: np.ndarray) -> None:
    """The counts in their cells, dark on light and light on dark; zeros are left out."""
    size = 9 if counts.max() < 1000 else 7
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "white" if shares[row, column] > 0.55 else INK
        axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", fontsize=size, color=colour)
