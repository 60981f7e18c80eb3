"""The arithmetic of shapes that layers share, and its refusals. Plain Python; None stands for a size that is not known."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, cast

from cornu.core.layer import Layer
from cornu.errors import ShapeError
from cornu.ops.checks import check_axis
from cornu.ops.window import effective_size, padded_output_size

Size = int | None
Shape = tuple[Size, ...]

SPATIAL_NAMES = {1: ("steps",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""What the spatial axes are called, by their number."""


# --- Refusals ---------------------------------------------------------------------------------------------------------


def refusal(layer: Layer, shape: object, expected: str, advice: str) -> ShapeError:
    """The exception for an input shape that a layer cannot take."""
    return ShapeError(f"The layer {layer.name!r} got an input of shape {shape}.", expected, advice)


def check_rank(layer: Layer, shape: Shape, names: Sequence[str]) -> None:
    """Raises a :class:`ShapeError` unless a shape has as many sizes as there are names.

    Args:
        layer: Who asks.
        shape: Shape of its input.
        names: What the axes are called, the batch first.
    """
    if len(shape) == len(names):
        return
    raise refusal(layer, shape, f"It needs {len(names)} dimensions ({', '.join(names)}).", _rank_advice(shape, names))


def _rank_advice(shape: Shape, names: Sequence[str]) -> str:
    if len(shape) == len(names) - 1 and "channels" in names:
        if shape[-1] in (1, 3, 4) and len(names) > 3:  # as one picture without a batch would look
            return (
                "If it is one picture, add the batch axis: `x[None]`; if the channel axis is missing, add it: `x[..., None]`."
            )
        index = "x[:, None]" if names[1] == "channels" else "x[..., None]"
        return f"Add the channel axis: `{index}`."
    if len(shape) == len(names) - 1:
        return "Add the missing axis: for a single sample the batch's, `x[None]`."
    return "Reshape the input, or use the layer for inputs of this rank."


def find_axis(axis: int, shape: Shape, argument: str = "axis") -> int:
    """An axis of a shape, counted from the start.

    Raises:
        InvalidArgumentError: The shape has no such axis.
    """
    return check_axis(axis, cast(tuple[int, ...], shape), argument)


def check_least_rank(layer: Layer, shape: Shape, names: Sequence[str]) -> None:
    """Raises a :class:`ShapeError` if a shape has fewer sizes than there are names."""
    if len(shape) >= len(names):
        return
    advice = "For a single sample add the batch axis: `x[None]`; for one number a sample add the last: `x[:, None]`."
    raise refusal(layer, shape, f"It needs at least {len(names)} dimensions ({', '.join(names)}).", advice)


def check_size(layer: Layer, shape: Shape, axis: int, built_for: Size, what: str) -> int:
    """The size of an axis that a layer's weights depend on.

    Args:
        layer: Who asks.
        shape: Shape of its input.
        axis: Which axis.
        built_for: The size that the weights have, or None if there are none yet.
        what: What the size counts: ``"channels"``.

    Raises:
        ShapeError: The size is not known, or another than the weights are made for.
    """
    size = shape[axis]
    if size is None:
        where = "the last axis" if axis == -1 else f"axis {axis}"
        advice = "Give the model's input a shape without None there: `cornu.Input((28, 28, 1))`, for instance."
        raise refusal(layer, shape, f"The size of {where} must be known, since the weights depend on it.", advice)
    if built_for is not None and size != built_for:
        advice = f"Give it {built_for} {what}, or make a new layer for {size}."
        raise refusal(layer, shape, f"It was built for {built_for} {what}, and these are {size}.", advice)
    return size


# --- Windows over pictures --------------------------------------------------------------------------------------------


def picture_names(rank: int, data_format: str) -> tuple[str, ...]:
    """What the axes of a batch of pictures are called."""
    return join(data_format, "batch", SPATIAL_NAMES[rank], "channels")


def join(data_format: str, batch: Any, spatial: Iterable, channels: Any) -> tuple:
    """A shape from its parts."""
    return (batch, channels, *spatial) if data_format == "channels_first" else (batch, *spatial, channels)


def channel_axis(data_format: str) -> int:
    """Where the channels stand."""
    return 1 if data_format == "channels_first" else -1


def spatial_sizes(shape: Shape, data_format: str) -> Shape:
    """The sizes between batch and channels."""
    return tuple(shape[2:]) if data_format == "channels_first" else tuple(shape[1:-1])


def text(sizes: Iterable) -> str:
    """Sizes in words: ``28 x 28``."""
    return " x ".join("?" if size is None else str(size) for size in sizes)


def after_window(
    layer: Layer,
    spatial: Shape,
    window: Sequence[int],
    strides: Sequence[int],
    padding: str,
    dilation: Sequence[int] | None = None,
) -> Shape:
    """How many places a window takes on each spatial axis.

    Raises:
        ShapeError: Without padding, the window does not fit into the picture.
    """
    dilation = dilation or (1,) * len(spatial)
    outputs = tuple(map(padded_output_size, (padding,) * len(spatial), spatial, window, strides, dilation))
    if any(size is not None and size < 1 for size in outputs):
        spread = f" (spread to {text(map(effective_size, window, dilation))} by `dilation_rate`)" if max(dilation) > 1 else ""
        raise ShapeError(
            f"The layer {layer.name!r} got pictures of size {text(spatial)}.",
            f"Its window of {text(window)}{spread} must fit into them, since `padding='valid'`.",
            "Use `padding='same'`, a smaller window, larger pictures, or fewer layers before it that shrink them.",
        )
    return outputs


def product(sizes: Iterable[Size]) -> Size:
    """The product of sizes, or None if one is not known."""
    sizes = list(sizes)
    return None if None in sizes else math.prod(size for size in sizes if size is not None)
