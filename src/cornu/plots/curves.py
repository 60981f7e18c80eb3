"""Plots of learning curves."""

import math
import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from cornu.errors import DataError, InvalidTypeError
from cornu.plots.canvas import BLUE, INK, ORANGE, PALE, new_figure, save_figure, style_axes

__all__ = ["learning_curves"]

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class HasHistory(Protocol):
    """What ``fit`` returns: an object that holds the values of each epoch by name."""

    @property
    def history(self) -> Mapping[str, Sequence[float]]:
        """The values of each epoch, by name."""
        ...


def learning_curves(history: Mapping[str, Sequence[float]] | HasHistory, path: str | os.PathLike | None = None) -> "Figure":
    """Plot the loss and each metric over the epochs, for training and validation.

    Args:
        history: ``History`` object returned by ``fit``, or its ``history`` dict that maps names to lists of one value per
            epoch.
        path: Path of the PNG file to write. Defaults to None (no file).

    Returns:
        A ``matplotlib.figure.Figure`` with one subplot for each name; ``val_loss`` is in the subplot of ``loss``.

    Raises:
        InvalidTypeError: If ``history`` is not one of these.
        DataError: If ``history`` is empty.

    Example:
        >>> from cornu.plots import learning_curves
        >>> figure = learning_curves({"loss": [0.9, 0.5], "val_loss": [0.8, 0.6], "accuracy": [0.6, 0.8]})
        >>> [axes.get_title(loc="left") for axes in figure.axes]
        ['loss', 'accuracy']
    """
    curves = _curves_of(history)
    names = [name for name in curves if name.removeprefix("val_") not in curves or not name.startswith("val_")]
    columns = 2 if len(names) == 4 else min(len(names), 3)
    rows = math.ceil(len(names) / columns)
    figure = new_figure(max(4.2 * columns, 5), 3.2 * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, name in zip(panels, names, strict=False):
        _draw_curves(axes, name, curves[name], curves.get(f"val_{name}"))
    for axes in panels[len(names) :]:
        axes.remove()
    return save_figure(figure, path)


def _curves_of(history: Mapping[str, Sequence[float]] | HasHistory) -> dict[str, list[float]]:
    curves = getattr(history, "history", history)
    if not isinstance(curves, Mapping):
        raise InvalidTypeError(
            f"`history` is of type {type(history).__name__}.",
            "It must be the object returned by `model.fit(...)`, or a dict that maps names to lists of values.",
            "Write `history = model.fit(...)`, and pass `history`.",
        )
    filled = {str(name): [float(value) for value in values] for name, values in curves.items() if len(values)}
    if not filled:
        raise DataError(
            "`history` is empty.",
            "It must contain at least one epoch.",
            "Call `model.fit(...)` with `epochs` of 1 or more first.",
        )
    return filled


def _draw_curves(axes: "Axes", name: str, training: Sequence[float], validation: Sequence[float] | None) -> None:
    from matplotlib.ticker import MaxNLocator

    mark = "o" if len(training) <= 20 else ""
    style = {"linewidth": 1.8, "marker": mark, "markersize": 4}
    axes.plot(range(1, len(training) + 1), training, color=BLUE, label="training", **style)
    if validation is not None:
        axes.plot(range(1, len(validation) + 1), validation, color=ORANGE, linestyle="--", label="validation", **style)
        axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    axes.set_xlim(0.6, len(training) + 0.4)
    axes.set_xlabel("epoch", fontsize=10, color=INK)
    axes.set_title(textwrap.fill(name.replace("_", " "), 45), loc="left", fontsize=11, color=INK)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(axis="y", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    style_axes(axes)
