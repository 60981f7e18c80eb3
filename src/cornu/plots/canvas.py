"""What all figures share: an empty figure in Cornu's look, and saving it."""

import os
from typing import TYPE_CHECKING

from cornu.io.atomic import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, INK, PALE = "#0072B2", "#D55E00", "#222222", "#D9D9D9"
"""Two colours that callback_list can tell apart (of Okabe and Ito), one for text, one for lines in the background."""

DOTS_PER_INCH = 150


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure that makes room for its own labels.

    It belongs to no window and to no global state.

    Args:
        width: In inches.
        height: In inches.

    Example:
        >>> new_figure(4, 3).get_size_inches().tolist()
        [4.0, 3.0]
    """
    from matplotlib.figure import Figure

    figure = Figure((width, height), dpi=DOTS_PER_INCH, facecolor="white")
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    return figure


def quiet_frame(axes: "Axes") -> None:
    """Takes away what carries no information: the upper and right line of the frame, and dark ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#888888")
    axes.tick_params(colors=INK, labelsize=9, color="#888888")


def finished(figure: "Figure", path: str | os.PathLike | None) -> "Figure":
    """The figure, saved as a PNG file if there is a path. The file is there whole or not at all.

    Args:
        figure: The figure.
        path: Where to save it, or None.
    """
    if path is not None:
        with atomic_write(path) as temporary:
            figure.savefig(temporary, format="png")
    return figure
