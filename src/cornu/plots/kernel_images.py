"""Learning curves, kernels and grids of pictures as matplotlib figures.

Each function gives the figure back and saves it if it is told where. None uses pyplot, so no window opens and nothing is
left behind.
"""

import math
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.core import layer_tree
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.plots.canvas import INK, finished, new_figure

__all__ = ["kernels"]

_GAP = 0.15
"""Space between kernels, as a share of their size."""

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def kernels(weights_or_layer: Any, channel: int = 0, path: str | os.PathLike | None = None) -> "Figure":
    """Draws the kernels of a convolution as small pictures, all on one scale.

    Middle grey is 0, white the largest weight of any sign, black its negative. Kernels for three channels are drawn in
    colour: each channel of the weights is one of red, green and blue.

    Args:
        weights_or_layer: Weights of shape ``(height, width, channels, filters)``, a layer that has such a ``kernel``, or a
            model, whose first such layer is drawn.
        channel: Which input channel is drawn if there are neither one nor three.
        path: Where to save the picture as PNG; None does not save it.

    Returns:
        A ``matplotlib.figure.Figure``. The number of a kernel is the sum of the numbers of its row and its column.

    Raises:
        InvalidArgumentError: There is no such layer in the model, it is not built, or there is no such channel.
        ShapeError: The weights have other than four axes.

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
    axes.set_xticks([place * across + width / 2 for place in range(columns)], [str(place) for place in range(columns)])
    axes.set_yticks([place * down + height / 2 for place in range(rows)], [str(place * columns) for place in range(rows)])
    axes.tick_params(length=0, labelsize=8, colors="#666666")
    axes.spines[:].set_visible(False)
    _weight_bar(figure, axes, largest, channels)
    return finished(figure, path)


def _kernel_of(given: Any) -> np.ndarray:
    """The kernel in what the user gave, as ``float32`` of shape ``(height, width, channels, filters)``."""
    if hasattr(given, "flatten_layers") or hasattr(given, "kernel"):
        layers = list(layer_tree.flatten(given)) if hasattr(given, "flatten_layers") else []
        found = [getattr(layer, "kernel", None) for layer in (given, *layers)]
        found = [kernel for kernel in found if kernel is not None and len(kernel.shape) == 4]
        if not found:
            raise InvalidArgumentError(
                f"`{getattr(given, 'name', type(given).__name__)}` has no kernel of four axes.",
                "A two-dimensional convolution that is built has one.",
                "Pass such a layer, or a model with one, after it was built or called once.",
            )
        given = found[0]
    weights = np.asarray(given).astype("float32")
    if weights.ndim != 4 or 0 in weights.shape:
        raise ShapeError(
            f"The weights have the shape {weights.shape}.",
            "The kernels of a two-dimensional convolution have (height, width, channels, filters).",
            "Pass the kernel of a `Conv2D`, such as `layer.kernel`.",
        )
    return weights


def _one_channel(weights: np.ndarray, channel: int) -> np.ndarray:
    channels = weights.shape[2]
    if not 0 <= channel < channels:
        raise InvalidArgumentError(
            f"`channel={channel}` was given.",
            f"The kernels have {channels} input channels.",
            f"Choose one from 0 to {channels - 1}.",
        )
    return weights[:, :, channel : channel + 1]


def _draw_kernel(axes: "Axes", picture: np.ndarray, left: float, top: float) -> None:
    """One kernel with its upper left corner at a place, and a line around it, for its corners may be as white as the page."""
    from matplotlib.patches import Rectangle

    height, width, _ = picture.shape
    place = (left, left + width, top + height, top)
    axes.imshow(picture.squeeze(-1) if picture.shape[-1] == 1 else picture, cmap="gray", vmin=0, vmax=1, extent=place)
    axes.add_patch(Rectangle((left, top), width, height, fill=False, edgecolor="#777777", linewidth=0.6))


def _weight_bar(figure: "Figure", axes: "Axes", largest: float, channels: int) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    beside = axes.inset_axes((1.02, 0, 0.025, 1))
    bar = figure.colorbar(ScalarMappable(Normalize(-largest, largest), "gray"), cax=beside)
    bar.set_ticks([-largest, 0, largest], labels=[f"{-largest:.2g}", "0", f"{largest:.2g}"])
    bar.set_label("weight" if channels != 3 else "weight of red, green and blue", fontsize=9, color=INK)
    beside.tick_params(labelsize=8, colors=INK)
