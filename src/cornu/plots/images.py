"""Grids of images."""

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.errors import DataError, ShapeError
from cornu.plots.canvas import INK, finished, new_figure

__all__ = ["image_grid"]

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def image_grid(
    images: Any, titles: Sequence[str] | None = None, columns: int | None = None, path: str | os.PathLike | None = None
) -> "Figure":
    """Draws pictures side by side, each with its title.

    Grey pictures share one scale, from 0 (or the smallest value, if that is below) for black to the largest value for
    white. Colours are taken from 0 to 1, or from 0 to 255 if a value is above 1.

    Args:
        images: Pictures of shape ``(n, height, width)`` or ``(n, height, width, channels)`` with 1, 3 or 4 channels; or a
            list of pictures that may differ in size.
        titles: A text for each picture; None for no titles.
        columns: How many stand in a row; by default the grid is a little wider than high.
        path: Where to save the picture as PNG; None does not save it.

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        DataError: There are no pictures.
        ShapeError: Something in it is no picture, or there are not as many titles as pictures.

    Example:
        >>> import numpy as np
        >>> from cornu.plots import image_grid
        >>> figure = image_grid(np.eye(4)[None].repeat(3, axis=0), ["one", "two", "three"])
        >>> [axes.get_title() for axes in figure.axes]
        ['one', 'two', 'three']
    """
    pictures = [_picture(image) for image in images]
    _check_grid(pictures, titles)
    columns = columns or min(math.ceil(math.sqrt(1.6 * len(pictures))), len(pictures))
    rows = math.ceil(len(pictures) / columns)
    figure = new_figure(max(1.3 * columns, 2), (1.3 if titles is None else 1.55) * rows)
    values = [picture for picture in pictures if picture.ndim == 2]
    lowest, highest = min((0.0, *(value.min() for value in values))), max((0.0, *(value.max() for value in values)))
    full = 255 if any(picture.max() > 1 for picture in pictures if picture.ndim == 3) else 1
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, picture in zip(panels, pictures, strict=False):
        shown = picture if picture.ndim == 2 else np.clip(picture / full, 0, 1)
        axes.imshow(shown, cmap="gray", vmin=lowest, vmax=highest or 1, interpolation="nearest")
    for axes, title in zip(panels, titles or (), strict=False):
        axes.set_title(str(title), fontsize=9, color=INK, pad=3)
    for axes in panels:
        axes.set_axis_off()
    for axes in panels[len(pictures) :]:
        axes.remove()
    return finished(figure, path)


def _picture(image: Any) -> np.ndarray:
    """A picture as ``float32`` of shape ``(height, width)`` or ``(height, width, 3 or 4)``."""
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (3, 4)) or 0 in array.shape:
        raise ShapeError(
            f"`images` holds something of shape {array.shape}.",
            "A picture has the shape (height, width) or (height, width, channels) with 1, 3 or 4 channels.",
            "Pass a batch of pictures; for a single one, `picture[None]`.",
        )
    return array.astype("float32")


def _check_grid(pictures: list[np.ndarray], titles: Sequence[str] | None) -> None:
    if not pictures:
        raise DataError("`images` is empty.", "A grid has at least one picture.", "Pass some pictures.")
    if titles is not None and len(titles) != len(pictures):
        raise ShapeError(
            f"There are {len(titles)} titles and {len(pictures)} pictures.",
            "Each picture has one title.",
            "Pass as many titles as pictures, or `titles=None`.",
        )
