"""Learning curves, kernels and grids of pictures as matplotlib figures.

Each function gives the figure back and saves it if it is told where. None uses pyplot, so no window opens and nothing is
left behind.
"""

import math
import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cornu.core import layer_tree
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.plots.canvas import BLUE, INK, ORANGE, PALE, finished, new_figure, quiet_frame

_GAP = 0.15
"""Space between kernels, as a share of their size."""

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def learning_curves(history: Any, path: str | os.PathLike | None = None) -> "Figure":
    """Draws how the loss and each metric went from epoch to epoch, in training and in validation.

    Args:
        history: What ``fit`` gave back, or its ``history`` dictionary: name to the values of the epochs.
        path: Where to save the picture as PNG; None does not save it.

    Returns:
        A ``matplotlib.figure.Figure`` with a panel for each name; ``val_loss`` is in the panel of ``loss``.

    Raises:
        InvalidTypeError: ``history`` is neither.
        DataError: There is nothing in it.

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
    return finished(figure, path)


def _curves_of(history: Any) -> dict[str, list[float]]:
    curves = getattr(history, "history", history)
    if not isinstance(curves, Mapping):
        raise InvalidTypeError(
            f"`history` is {type(history).__name__}.",
            "It is what `model.fit(...)` gave back, or a dictionary of names to the values of the epochs.",
            "Write `history = model.fit(...)`, and pass `history`.",
        )
    filled = {str(name): [float(value) for value in values] for name, values in curves.items() if len(values)}
    if not filled:
        raise DataError(
            "`history` is empty.",
            "It holds at least one epoch.",
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
    quiet_frame(axes)


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


def picture_grid(
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
        >>> from cornu.plots import picture_grid
        >>> figure = picture_grid(np.eye(4)[None].repeat(3, axis=0), ["one", "two", "three"])
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
