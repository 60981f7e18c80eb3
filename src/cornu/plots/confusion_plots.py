"""Confusion matrices: the counts, and a plot of them."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cornu.errors import DataError, ShapeError
from cornu.plots.canvas import INK, new_figure, save_figure
from cornu.typing import ArrayLike

__all__ = ["confusion_counts", "confusion_matrix"]

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_CLASSES_WITH_COUNTS = 25
"""Maximum number of classes for which the counts are written into the cells; with more they would be illegible."""


def confusion_counts(y_true: ArrayLike, y_pred: ArrayLike, classes: int | None = None) -> np.ndarray:
    """Compute the confusion matrix of a classification.

    Args:
        y_true: Array-like of true labels: integers of shape ``(n,)`` or ``(n, 1)``, or one-hot vectors of shape
            ``(n, classes)``.
        y_pred: Array-like of predictions: integers of shape ``(n,)`` or ``(n, 1)``; class probabilities of shape
            ``(n, classes)``, of which the largest is chosen; or binary probabilities of shape ``(n,)`` or ``(n, 1)``, with a
            threshold of 0.5.
        classes: Integer, number of classes. Defaults to the largest class plus one.

    Returns:
        ``int64`` NumPy array of shape ``(classes, classes)``. The element in row ``i`` and column ``j`` is the number of
        samples of class ``i`` that are predicted as class ``j``.

    Raises:
        ShapeError: If the numbers of predictions and labels differ, or if an array has more than two axes.
        DataError: If a class is negative, too large or not an integer, or if there are no samples.

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
            "Pass the labels of the samples that were predicted.",
        )
    if len(true) == 0:
        raise DataError("`y_true` is empty.", "At least one sample is required.", "Pass at least one label.")
    highest = int(max(true.max(), predicted.max()))
    classes = highest + 1 if classes is None else classes
    if highest >= classes:
        raise DataError(
            f"The data contain class {highest}.",
            f"There are {classes} classes, so classes must be from 0 to {classes - 1}.",
            "Pass a name for every class, and number the classes from 0.",
        )
    return np.bincount(true * classes + predicted, minlength=classes**2).reshape(classes, classes)


def _classes_of(values: ArrayLike, argument: str) -> np.ndarray:
    """Return classes as ``int64`` of shape ``(n,)``, from classes, one-hot labels or probabilities."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] > 1:
        return array.argmax(axis=1)
    if array.ndim not in (1, 2):
        raise ShapeError(
            f"`{argument}` has shape {array.shape}.",
            "It must contain classes, of shape (n,) or (n, 1), or a value for each class, of shape (n, classes).",
            "Reshape it so that the samples are along the first axis and the classes along the second.",
        )
    array = array.reshape(-1)
    if argument == "y_pred" and array.dtype.kind == "f" and np.any(array % 1):
        return (array >= 0.5).astype("int64")
    integers = array.astype("int64")
    if np.any(integers != array) or np.any(integers < 0):
        invalid = array[(integers != array) | (integers < 0)][0]
        raise DataError(
            f"`{argument}` contains the class {invalid}.",
            "Classes must be non-negative integers.",
            "Number the classes 0, 1, 2 ...",
        )
    return integers


def confusion_matrix(
    y_true: ArrayLike, y_pred: ArrayLike, class_names: Sequence[str] | None = None, path: str | os.PathLike | None = None
) -> "Figure":
    """Plot a confusion matrix, with a row for each true class and a column for each predicted class.

    Each cell shows the count; its color shows the count divided by the number of samples of the true class.

    Args:
        y_true: Array-like of true classes, or one-hot labels (see :func:`confusion_counts`).
        y_pred: Array-like of predicted classes, or probabilities (see :func:`confusion_counts`).
        class_names: Sequence of strings, a name for each class. Defaults to the indices of the classes.
        path: Path of the PNG file to write. Defaults to None (no file).

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        ShapeError: If the numbers of predictions and labels differ.
        DataError: If a class has no name, or is not a non-negative integer.

    Example:
        >>> from cornu.plots import confusion_matrix
        >>> figure = confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], ["cat", "dog"])
        >>> figure.axes[0].get_title(loc="left")
        'accuracy 75.0 % (3 of 4)'
    """
    counts = confusion_counts(y_true, y_pred, None if class_names is None else len(class_names))
    names = [str(number) for number in range(len(counts))] if class_names is None else [str(name) for name in class_names]
    size = 2.2 + 0.42 * min(len(names), _MAX_CLASSES_WITH_COUNTS)
    longest = 0.075 * max(len(name) for name in names)
    figure = new_figure(max(size + longest + 0.9, 4), max(size + longest, 3))
    axes = figure.subplots()
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    axes.set_title(_accuracy_text(counts), loc="left", fontsize=11, color=INK)
    axes.set_xlabel("predicted", fontsize=10, color=INK)
    axes.set_ylabel("true", fontsize=10, color=INK)
    _name_ticks(axes, names)
    if len(names) <= _MAX_CLASSES_WITH_COUNTS:
        _write_counts(axes, counts, fractions)
    bar = figure.colorbar(image, shrink=0.8, format=lambda fraction, _: f"{100 * fraction:.0f} %")
    bar.set_label("fraction of the true class", fontsize=9, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set_visible(False)  # type: ignore[operator]
    return save_figure(figure, path)


def _accuracy_text(counts: np.ndarray) -> str:
    right, total = int(np.trace(counts)), int(counts.sum())
    return f"accuracy {100 * right / total:.1f} % ({right:,} of {total:,})"


def _name_ticks(axes: "Axes", names: list[str]) -> None:
    """Label both axes with class names, skipping some if there are too many and rotating long ones."""
    step = -(-len(names) // (2 * _MAX_CLASSES_WITH_COUNTS))
    positions = range(0, len(names), step)
    rotated = max(len(name) for name in names) > 3
    axes.set_xticks(
        positions,
        [names[position] for position in positions],
        rotation=40 if rotated else 0,
        ha="right" if rotated else "center",
    )
    if rotated:
        for label in axes.get_xticklabels():
            label.set_rotation_mode("anchor")
    axes.set_yticks(positions, [names[position] for position in positions])
    axes.tick_params(length=0, labelsize=9 if len(names) <= _MAX_CLASSES_WITH_COUNTS else 6, colors=INK)
    axes.spines[:].set_visible(False)


def _write_counts(axes: "Axes", counts: np.ndarray, fractions: np.ndarray) -> None:
    """Write the nonzero counts into their cells, dark on light and light on dark."""
    size = 9 if counts.max() < 1000 else 7
    for row, column in zip(*np.nonzero(counts), strict=True):
        color = "white" if fractions[row, column] > 0.55 else INK
        axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", fontsize=size, color=color)
