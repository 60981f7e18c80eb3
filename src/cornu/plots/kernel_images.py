"""Plots of the kernels of convolution layers."""

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.errors import InvalidArgumentError, ShapeError
from cornu.plots.canvas import INK, new_figure, save_figure

__all__ = ["kernels"]

_GAP = 0.15
"""Space between kernels, as a fraction of their size."""

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def kernels(weights_or_layer: Any, channel: int = 0, path: str | os.PathLike | None = None) -> "Figure":
    """Plot the kernels of a convolution layer as small images on a common scale.

    Zero is medium gray, the largest absolute weight is white and its negative is black. Kernels with three input channels are
    shown in color, with the channels as red, green and blue.

    Args:
        weights_or_layer: Array-like of shape ``(height, width, channels, filters)``, a layer with such a ``kernel``, or a
            model, whose first such layer is plotted.
        channel: Integer, index of the input channel to plot if there are neither one nor three channels. Defaults to 0.
        path: Path of the PNG file to write. Defaults to None (no file).

    Returns:
        A ``matplotlib.figure.Figure``. The index of a kernel is the sum of the labels of its row and its column.

    Raises:
        InvalidArgumentError: If the model has no such layer, the layer is not built, or the channel does not exist.
        ShapeError: If the weights do not have four axes.

    Example:
        >>> import numpy as np
        >>> from cornu.plots import kernels
        >>> figure = kernels(np.random.default_rng(0).normal(size=(3, 3, 1, 32)))
        >>> figure.axes[0].get_title(loc="left")
        '32 kernels of 3 x 3'
    """
    weights = _kernel_of(weights_or_layer)
    height, width, channels, filters = weights.shape
    weights = weights if channels in (1, 3) else _one_channel(weights, channel)
    largest = float(np.abs(weights).max()) or 1.0
    columns = min(math.ceil(math.sqrt(1.6 * filters * height / width)), filters)
    rows = math.ceil(filters / columns)
    across, down = width * (1 + _GAP), height * (1 + _GAP)
    figure = new_figure(7, 0.7 + 5.7 * rows * down / (columns * across))
    axes = figure.subplots()
    for number, kernel in enumerate(np.moveaxis(weights, -1, 0)):
        _draw_kernel(axes, kernel / (2 * largest) + 0.5, left=number % columns * across, top=number // columns * down)
    axes.set(
        xlim=(-0.02, columns * across - width * _GAP + 0.02), ylim=(rows * down - height * _GAP + 0.02, -0.02), aspect="equal"
    )
    which = "" if channels in (1, 3) else f", input channel {channel} of {channels}"
    axes.set_title(f"{filters} kernels of {height} x {width}{which}", loc="left", fontsize=11, color=INK)
    axes.set_xticks([index * across + width / 2 for index in range(columns)], [str(index) for index in range(columns)])
    axes.set_yticks([index * down + height / 2 for index in range(rows)], [str(index * columns) for index in range(rows)])
    axes.tick_params(length=0, labelsize=8, colors="#666666")
    axes.spines[:].set_visible(False)
    _add_color_bar(figure, axes, largest, channels)
    return save_figure(figure, path)


def _kernel_of(given: Any) -> np.ndarray:
    """Return the kernel of an array, layer or model as ``float32`` of shape ``(height, width, channels, filters)``."""
    if hasattr(given, "flatten_layers") or hasattr(given, "kernel"):
        layers = list(given.flatten_layers()) if hasattr(given, "flatten_layers") else []
        found = [getattr(layer, "kernel", None) for layer in (given, *layers)]
        found = [kernel for kernel in found if kernel is not None and len(kernel.shape) == 4]
        if not found:
            raise InvalidArgumentError(
                f"`{getattr(given, 'name', type(given).__name__)}` has no kernel with four axes.",
                "A layer with a 2D convolution kernel, which is created when the layer is built, is required.",
                "Pass such a layer, or a model that contains one, after it has been built or called once.",
            )
        given = found[0]
    weights = np.asarray(given).astype("float32")
    if weights.ndim != 4 or 0 in weights.shape:
        raise ShapeError(
            f"The weights have shape {weights.shape}.",
            "The kernel of a 2D convolution has shape (height, width, channels, filters).",
            "Pass the kernel of a `Conv2D` layer: `layer.kernel`.",
        )
    return weights


def _one_channel(weights: np.ndarray, channel: int) -> np.ndarray:
    channels = weights.shape[2]
    if not 0 <= channel < channels:
        raise InvalidArgumentError(
            f"`kernels` received channel={channel}.",
            f"The kernels have {channels} input channels.",
            f"Pass a channel from 0 to {channels - 1}.",
        )
    return weights[:, :, channel : channel + 1]


def _draw_kernel(axes: "Axes", image: np.ndarray, left: float, top: float) -> None:
    """Draw one kernel with its upper left corner at a position, framed because its corners may be as white as the page."""
    from matplotlib.patches import Rectangle

    height, width, _ = image.shape
    extent = (left, left + width, top + height, top)
    axes.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=1, extent=extent)
    axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor="#777777", linewidth=0.6))


def _add_color_bar(figure: "Figure", axes: "Axes", largest: float, channels: int) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    bar_axes = axes.inset_axes((1.02, 0, 0.025, 1))
    bar = figure.colorbar(ScalarMappable(Normalize(-largest, largest), "gray"), cax=bar_axes)
    bar.set_ticks([-largest, 0, largest], labels=[f"{-largest:.2g}", "0", f"{largest:.2g}"])
    bar.set_label("weight" if channels != 3 else "weight of red, green and blue", fontsize=9, color=INK)
    bar_axes.tick_params(labelsize=8, colors=INK)
