"""Window arithmetic: sizes and padding of convolutions and pooling. Plain Python on integers.

With input size I, window K, dilation D, stride S and total padding P, the window covers ``K_eff = (K - 1) * D + 1`` positions,
and the output has the size ``floor((I - K_eff + P) / S) + 1``.
"""

from collections.abc import Sequence

import numpy as np

from cornu.backends.contract import Backend
from cornu.errors import ShapeError
from cornu.ops.shape_checks import shape_error
from cornu.typing import Array, IntOrInts
from cornu.validation import check_ints, standardize_padding


def effective_size(window: int, dilation: int = 1) -> int:
    """Return the number of positions that a dilated window covers: ``(window - 1) * dilation + 1``.

    Example:
        >>> from cornu.ops.nn.windows import effective_size
        >>> effective_size(3, 2)
        5
    """
    return (window - 1) * dilation + 1


def output_size(size: int | None, window: int, stride: int, padding: tuple[int, int] = (0, 0), dilation: int = 1) -> int | None:
    """Return the output size along one axis; it may be 0 or less if the window does not fit.

    Args:
        size: Integer, input size, or None if unknown.
        window: Integer, size of the window.
        stride: Integer, step of the window.
        padding: Tuple of two integers, the padding before and after. Defaults to ``(0, 0)``.
        dilation: Integer, distance between two elements of the window. Defaults to 1.

    Returns:
        Integer, ``floor((size - effective window + padding) / stride) + 1``, or None for an unknown size.

    Example:
        >>> from cornu.ops.nn.windows import output_size
        >>> output_size(28, 5, 2)
        12
    """
    if size is None:
        return None
    return (size - effective_size(window, dilation) + sum(padding)) // stride + 1


def padding_pair(padding: str, size: int, window: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Return the padding before and after along one axis.

    If the total of ``"same"`` is odd, the extra element is added after the input, as in TensorFlow and Keras. ``"causal"``
    adds all padding before the input, so that no output depends on later inputs.

    Args:
        padding: ``"valid"``, ``"same"`` or ``"causal"``.
        size: Integer, input size.
        window: Integer, size of the window.
        stride: Integer, step of the window.
        dilation: Integer, distance between two elements of the window. Defaults to 1.

    Example:
        >>> from cornu.ops.nn.windows import padding_pair
        >>> padding_pair("same", 5, 2, 1), padding_pair("causal", 5, 3, 1)
        ((0, 1), (2, 0))
    """
    reach = effective_size(window, dilation)
    if padding == "causal":
        return (reach - 1, 0)
    if padding == "valid":
        return (0, 0)
    wanted = -(-size // stride)
    total = max((wanted - 1) * stride + reach - size, 0)
    return (total // 2, total - total // 2)


def padded_output_size(padding: str, size: int | None, window: int, stride: int, dilation: int = 1) -> int | None:
    """Return the output size along one axis for a padding mode, or None for an unknown size.

    Example:
        >>> from cornu.ops.nn.windows import padded_output_size
        >>> padded_output_size("same", 28, 3, 2), padded_output_size("valid", None, 3, 1)
        (14, None)
    """
    if size is None:
        return None
    return output_size(size, window, stride, padding_pair(padding, size, window, stride, dilation), dilation)


def check_fits(
    name: str, sizes: Sequence[int | None], outputs: Sequence[int | None], reaches: Sequence[int], window: str
) -> None:
    """Raise a :class:`ShapeError` if the window is larger than the input, so that the output would be empty.

    Args:
        name: String, name of the op or layer in the message.
        sizes: Spatial sizes of the input.
        outputs: Spatial sizes of the output.
        reaches: Effective sizes of the window.
        window: String, name of the window argument in the message.

    Example:
        >>> from cornu.ops.nn.windows import check_fits
        >>> check_fits("conv", (4, 4), (2, 2), (3, 3), "kernel")
    """
    for axis, output in enumerate(outputs):
        if output is not None and output < 1:
            raise ShapeError(
                f"`{name}` received an input of spatial size {_by(sizes)} and a `{window}` that covers {_by(reaches)}.",
                f"The input must be at least as large; on spatial axis {axis}, {sizes[axis]} is less than {reaches[axis]}.",
                'Use a larger input, fewer preceding pooling layers or strides, a smaller window, or `padding="same"`.',
            )


def _by(sizes: Sequence[int | None]) -> str:
    return " x ".join(str(size) for size in sizes)


def transpose_output_size(
    padding: str, size: int | None, window: int, stride: int, dilation: int = 1, output_padding: int | None = None
) -> int | None:
    """Return the output size of a transposed convolution along one axis, as defined by Keras.

    Args:
        padding: ``"valid"`` or ``"same"``.
        size: Integer, input size, or None if unknown.
        window: Integer, size of the window.
        stride: Integer, stride of the transposed convolution: the upsampling factor.
        dilation: Integer, distance between two elements of the window. Defaults to 1.
        output_padding: Integer added to the smallest possible size. Defaults to None: ``"same"`` returns ``size * stride`` and
            ``"valid"`` returns ``(size - 1) * stride + max(effective window, stride)``.

    Example:
        >>> from cornu.ops.nn.windows import transpose_output_size
        >>> transpose_output_size("same", 7, 3, 2), transpose_output_size("valid", 7, 3, 2)
        (14, 15)
    """
    if size is None:
        return None
    reach = effective_size(window, dilation)
    if padding == "valid":
        extra = max(stride - reach, 0) if output_padding is None else output_padding
        return (size - 1) * stride + reach + extra
    return size * stride if output_padding is None else (size - 1) * stride + reach % 2 + output_padding


def transpose_padding_before(
    padding: str, window: int, stride: int, dilation: int = 1, output_padding: int | None = None
) -> int:
    """Return the padding before the input of the convolution that is transposed, along one axis.

    A transposed convolution adds each input element to a window of the output; this number of positions is cropped at the
    start of the output. (See :func:`transpose_output_size` for the arguments.)

    Example:
        >>> from cornu.ops.nn.windows import transpose_padding_before
        >>> transpose_padding_before("same", 3, 1), transpose_padding_before("valid", 3, 1)
        (1, 0)
    """
    if padding == "valid":
        return 0
    reach = effective_size(window, dilation)
    total = stride + reach - 2 if output_padding is None else reach + reach % 2 - 2 + output_padding
    return reach - 1 - min(-(-total // 2), reach - 1)


def to_channels_last(backend: Backend, x: Array, data_format: str) -> Array:
    """Move the channels from axis 1 to the last axis if ``data_format`` is ``"channels_first"``."""
    if data_format == "channels_last":
        return x
    rank = len(x.shape)
    return backend.transpose(x, (0, *range(2, rank), 1))


def from_channels_last(backend: Backend, x: Array, data_format: str) -> Array:
    """Move the channels from the last axis to axis 1 if ``data_format`` is ``"channels_first"``."""
    if data_format == "channels_last":
        return x
    rank = len(x.shape)
    return backend.transpose(x, (0, rank - 1, *range(1, rank - 1)))


def check_rank(name: str, x: Array) -> None:
    """Check that an input has a batch axis, one to three spatial axes, and channels."""
    if not 3 <= len(x.shape) <= 5:
        expected = "They must have a batch axis, one to three spatial axes, and channels."
        hint = "Add the missing axis with `expand_dims`: -1 for the channel of grayscale images, 0 for the batch."
        raise shape_error(name, x.shape, expected, hint, "inputs")


def window_arguments(
    name: str, x: Array, window: tuple[int, ...], strides: IntOrInts, padding: str, dilation: IntOrInts, argument: str
) -> tuple:
    """Return strides, padding and dilation for each spatial axis, validated against the input."""
    rank = len(window)
    padding = standardize_padding(padding)
    strides = check_ints(name, "strides", strides, rank)
    dilation = check_ints(name, "dilation_rate", dilation, rank)
    sizes = tuple(x.shape[1:-1])
    axes = list(zip(sizes, window, strides, dilation, strict=True))
    pairs = tuple(padding_pair(padding, *axis) for axis in axes)
    outputs = [output_size(i, k, s, pair, d) for (i, k, s, d), pair in zip(axes, pairs, strict=True)]
    check_fits(name, sizes, outputs, [effective_size(k, d) for _, k, _, d in axes], argument)
    return strides, pairs, dilation


def windows_along(backend: Backend, x: Array, axis: int, size: int, stride: int, dilation: int) -> Array:
    """Return the windows along an axis, which is replaced by two: the number of the window, and the place in it.

    Args:
        backend: Backend of the array.
        x: Array.
        axis: Integer, the axis.
        size, stride, dilation: Integers, number of elements, step and distance of the elements of a window.
    """
    starts = np.arange(0, x.shape[axis] - effective_size(size, dilation) + 1, stride)
    places = starts[:, np.newaxis] + dilation * np.arange(size)
    return backend.take(x, backend.asarray(places.astype("int32")), axis)
