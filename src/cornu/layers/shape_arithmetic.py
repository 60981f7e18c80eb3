"""Shape computations shared by the layers, and their errors. Plain Python; None stands for an unknown size."""

import math
from collections.abc import Iterable, Sequence
from typing import Any, cast

from cornu.core.input_spec import InputSpec
from cornu.core.layer import Layer
from cornu.errors import ShapeError
from cornu.ops.nn.windows import effective_size, padded_output_size
from cornu.ops.shape_checks import check_axis
from cornu.typing import Shape, Size

SPATIAL_NAMES = {1: ("steps",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""Names of the spatial axes, by their number."""


# --- Errors -----------------------------------------------------------------------------------------------------------


def shape_error(layer: Layer, shape: Shape | list, expected: str, advice: str) -> ShapeError:
    """Return the exception for an invalid input shape of a layer."""
    return ShapeError(f"The layer {layer.name!r} received an input of shape {shape}.", expected, advice)


def mask_error(layer: Layer, shape: Shape, mask: Shape, expected: str, advice: str) -> ShapeError:
    """Return the exception for a mask that does not fit the input of a layer."""
    received = f"an input of shape {tuple(shape)} and a mask of shape {tuple(mask)}"
    return ShapeError(f"The layer {layer.name!r} received {received}.", expected, advice)


def check_rank(layer: Layer, shape: Shape, names: Sequence[str]) -> None:
    """Raise a :class:`ShapeError` unless a shape has one size for each name.

    Args:
        layer: Layer that checks its input.
        shape: Shape of the input.
        names: Names of the axes, the batch axis first.
    """
    if len(shape) == len(names):
        return
    raise shape_error(layer, shape, f"It needs {len(names)} dimensions ({', '.join(names)}).", _rank_advice(shape, names))


def _rank_advice(shape: Shape, names: Sequence[str]) -> str:
    if len(shape) == len(names) - 1 and "channels" in names:
        if shape[-1] in (1, 3, 4) and len(names) > 3:  # looks like a single image without a batch axis
            return "For a single image, add the batch axis: `x[None]`. If the channel axis is missing, add it: `x[..., None]`."
        index = "x[:, None]" if names[1] == "channels" else "x[..., None]"
        return f"Add the channel axis: `{index}`."
    if len(shape) == len(names) - 1:
        return "Add the missing axis. For a single sample, add the batch axis: `x[None]`."
    return "Reshape the input, or use the layer for inputs of this rank."


def find_axis(axis: int, shape: Shape, argument: str = "axis") -> int:
    """Return an axis of a shape as a non-negative integer.

    Raises:
        InvalidArgumentError: If the shape does not have the axis.
    """
    return check_axis(axis, cast(tuple[int, ...], shape), argument)


def check_least_rank(layer: Layer, shape: Shape, names: Sequence[str]) -> None:
    """Raise a :class:`ShapeError` if a shape has fewer sizes than there are names."""
    if len(shape) >= len(names):
        return
    advice = "For a single sample, add the batch axis: `x[None]`. For one value per sample, add the last axis: `x[:, None]`."
    raise shape_error(layer, shape, f"It needs at least {len(names)} dimensions ({', '.join(names)}).", advice)


def check_size(layer: Layer, shape: Shape, axis: int, built_for: Size, what: str) -> int:
    """Return the size of an axis on which the weights of a layer depend.

    Args:
        layer: Layer that checks its input.
        shape: Shape of the input.
        axis: Integer, the axis.
        built_for: Size that the weights have, or None before they are created.
        what: What the size counts, such as ``"channels"``.

    Raises:
        ShapeError: If the size is unknown, or differs from that of the weights.
    """
    size = shape[axis]
    if size is None:
        where = "the last axis" if axis == -1 else f"axis {axis}"
        advice = "Specify this size in the input shape of the model, for example `cornu.Input((28, 28, 1))`."
        raise shape_error(layer, shape, f"The size of {where} must be known, since the weights depend on it.", advice)
    if built_for is not None and size != built_for:
        advice = f"Pass an input with {built_for} {what}, or create a new layer for {size}."
        raise shape_error(layer, shape, f"It was built for {built_for} {what}, but the input has {size}.", advice)
    return size


# --- What `input_spec` shows ------------------------------------------------------------------------------------------


def _spatial_input_spec(layer: Any) -> InputSpec:
    """Batch, channels and the spatial axes."""
    return InputSpec(ndim=layer.rank + 2)


spatial_input_spec = property(_spatial_input_spec)
"""The trait ``cornu_input_spec`` of layers for sequences, images and volumes, which have a ``rank``."""


def built_input_spec(layer: Layer, *axes: int) -> InputSpec | None:
    """Return the rank of the input that a layer was built for, and the sizes of some axes; None if it is not built."""
    shape = layer._cornu.input_shapes
    return None if shape is None else InputSpec(ndim=len(shape), axes={axis: shape[axis] for axis in axes})


# --- Windows over images ----------------------------------------------------------------------------------------------


def axis_names(rank: int, data_format: str) -> tuple[str, ...]:
    """Return the names of the axes of a batch of images."""
    return make_shape(data_format, "batch", SPATIAL_NAMES[rank], "channels")


def make_shape(data_format: str, batch: Any, spatial: Iterable, channels: Any) -> tuple:
    """Return a shape from its parts."""
    return (batch, channels, *spatial) if data_format == "channels_first" else (batch, *spatial, channels)


def channel_axis(data_format: str) -> int:
    """Return the position of the channel axis."""
    return 1 if data_format == "channels_first" else -1


def spatial_sizes(shape: Shape, data_format: str) -> Shape:
    """Return the sizes of the spatial axes."""
    return tuple(shape[2:]) if data_format == "channels_first" else tuple(shape[1:-1])


def text(sizes: Iterable) -> str:
    """Return sizes as a string, such as ``28 x 28``."""
    return " x ".join("?" if size is None else str(size) for size in sizes)


def conv_output_shape(
    layer: Layer,
    spatial: Shape,
    window: Sequence[int],
    strides: Sequence[int],
    padding: str,
    dilation: Sequence[int] | None = None,
) -> Shape:
    """Return the number of window positions along each spatial axis.

    Raises:
        ShapeError: If, without padding, the window does not fit into the input.
    """
    dilation = dilation or (1,) * len(spatial)
    outputs = tuple(map(padded_output_size, (padding,) * len(spatial), spatial, window, strides, dilation))
    if any(size is not None and size < 1 for size in outputs):
        spread = f" (dilated to {text(map(effective_size, window, dilation))} by `dilation_rate`)" if max(dilation) > 1 else ""
        raise ShapeError(
            f"The layer {layer.name!r} received inputs with spatial size {text(spatial)}.",
            f"Its window of {text(window)}{spread} must fit into the input, since `padding='valid'`.",
            "Use `padding='same'`, a smaller window, larger inputs, or fewer downsampling layers before this one.",
        )
    return outputs


def product(sizes: Iterable[Size]) -> Size:
    """Return the product of sizes, or None if one is unknown."""
    sizes = list(sizes)
    return None if None in sizes else math.prod(size for size in sizes if size is not None)
