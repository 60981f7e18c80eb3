"""Plots of image grids."""

import math
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cornu.errors import DataError, ShapeError
from cornu.plots.canvas import INK, new_figure, save_figure
from cornu.typing import ArrayLike

__all__ = ["image_grid"]

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def image_grid(
    images: Iterable[ArrayLike],
    titles: Sequence[str] | None = None,
    columns: int | None = None,
    path: str | os.PathLike | None = None,
) -> "Figure":
    """Plot images in a grid, each with an optional title.

    Grayscale images share one scale: black is 0, or the smallest value if it is negative, and white is the largest value. The
    values of color images are assumed to be in [0, 1], or in [0, 255] if a value is greater than 1.

    Args:
        images: Array-like of shape ``(n, height, width)`` or ``(n, height, width, channels)`` with 1, 3 or 4 channels, or a
            list of images that may differ in size.
        titles: Sequence of strings, a title for each image. Defaults to None (no titles).
        columns: Integer, number of images per row. Defaults to a grid that is slightly wider than high.
        path: Path of the PNG file to write. Defaults to None (no file).

    Returns:
        A ``matplotlib.figure.Figure``.

    Raises:
        DataError: If there are no images.
        ShapeError: If an element is not an image, or if the numbers of titles and images differ.

    Example:
        >>> import numpy as np
        >>> from cornu.plots import image_grid
        >>> figure = image_grid(np.eye(4)[None].repeat(3, axis=0), ["one", "two", "three"])
        >>> [axes.get_title() for axes in figure.axes]
        ['one', 'two', 'three']
    """
    arrays = [_as_image(image) for image in images]
    _check_grid(arrays, titles)
    columns = columns or min(math.ceil(math.sqrt(1.6 * len(arrays))), len(arrays))
    rows = math.ceil(len(arrays) / columns)
    figure = new_figure(max(1.3 * columns, 2), (1.3 if titles is None else 1.55) * rows)
    values = [array for array in arrays if array.ndim == 2]
    lowest, highest = min((0.0, *(value.min() for value in values))), max((0.0, *(value.max() for value in values)))
    full = 255 if any(array.max() > 1 for array in arrays if array.ndim == 3) else 1
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, array in zip(panels, arrays, strict=False):
        shown = array if array.ndim == 2 else np.clip(array / full, 0, 1)
        axes.imshow(shown, cmap="gray", vmin=lowest, vmax=highest or 1, interpolation="nearest")
    for axes, title in zip(panels, titles or (), strict=False):
        axes.set_title(str(title), fontsize=9, color=INK, pad=3)
    for axes in panels:  # with a frame, since white cells of an image would merge with the background
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set(color="#888888", linewidth=0.6)
    for axes in panels[len(arrays) :]:
        axes.remove()
    return save_figure(figure, path)


def _as_image(image: ArrayLike) -> np.ndarray:
    """Return an image as ``float32`` of shape ``(height, width)`` or ``(height, width, 3 or 4)``."""
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (3, 4)) or 0 in array.shape:
        raise ShapeError(
            f"`images` contains an array of shape {array.shape}.",
            "An image must have shape (height, width) or (height, width, channels) with 1, 3 or 4 channels.",
            "Pass a batch of images; for a single image, `image[None]`.",
        )
    return array.astype("float32")


def _check_grid(images: list[np.ndarray], titles: Sequence[str] | None) -> None:
    if not images:
        raise DataError("`images` is empty.", "At least one image is required.", "Pass at least one image.")
    if titles is not None and len(titles) != len(images):
        raise ShapeError(
            f"There are {len(titles)} titles and {len(images)} images.",
            "There must be one title for each image.",
            "Pass a title for each image, or `titles=None`.",
        )
