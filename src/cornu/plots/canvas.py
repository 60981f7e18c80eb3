"""Helpers shared by all plots: creating, styling and saving figures."""

import os
from typing import TYPE_CHECKING

from cornu.io.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, INK, PALE = "#0072B2", "#D55E00", "#222222", "#D9D9D9"
"""Two colors that are distinguishable with color blindness (Okabe and Ito), a text color and a color for grid lines."""

DOTS_PER_INCH = 150


def new_figure(width: float, height: float) -> "Figure":
    """Create an empty figure with a constrained layout, independent of pyplot and its windows.

    Args:
        width: Float, width in inches.
        height: Float, height in inches.

    Example:
        >>> new_figure(4, 3).get_size_inches().tolist()
        [4.0, 3.0]
    """
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=DOTS_PER_INCH, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    return figure


def style_axes(axes: "Axes") -> None:
    """Hide the top and right spines, and lighten the others and the ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(colors=INK, labelsize=9, color="#888888")


def save_figure(figure: "Figure", path: str | os.PathLike | None) -> "Figure":
    """Save a figure atomically as a PNG file, and return it.

    Args:
        figure: ``matplotlib.figure.Figure`` instance.
        path: Path of the file, or None to save no file.
    """
    if path is not None:
        with atomic_write(path) as temporary:
            figure.savefig(temporary, format="png")
    return figure
