"""Convolutions and pooling in one, two or three dimensions, with the arguments of Keras.

Internally the channels come last; ``data_format="channels_first"`` transposes the input and the result.
"""

from cornu import config
from cornu.backends.contract import Backend
from cornu.dtypes import wider_float
from cornu.errors import ShapeError
from cornu.ops.batch_coupling import of_rank
from cornu.ops.dispatch import floats, op
from cornu.ops.nn import windows
from cornu.ops.shape_checks import shapes_error
from cornu.typing import Array, ArrayLike, IntOrInts
from cornu.validation import check_ints, standardize_padding

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]


def _inputs_and_kernel(name: str, inputs: ArrayLike, kernel: ArrayLike, data_format: str) -> tuple[Backend, Array, Array]:
    """Return the backend, the inputs with channels last, and the kernel; both arrays have the same dtype and rank."""
    backend, x, weights = floats(inputs, kernel)
    first, second = backend.dtype(x), backend.dtype(weights)
    if first != second:
        wide = wider_float(first, second)
        x, weights = backend.cast(x, wide), backend.cast(weights, wide)
    windows.check_rank(name, x)
    if len(weights.shape) != len(x.shape):
        hint = "Pass `inputs` of shape (batch, *spatial, channels) and a kernel of shape (*window, channels, filters)."
        raise shapes_error(name, {"inputs": x.shape, "kernel": weights.shape}, "Both must have the same number of axes.", hint)
    return backend, windows.to_channels_last(backend, x, data_format), weights


def _check_channels(name: str, channels: int, kernel: tuple[int, ...], groups: bool) -> None:
    """Raise a :class:`ShapeError` unless a kernel matches the channels; with ``groups``, in equal groups of them."""
    wanted, filters = kernel[-2], kernel[-1]
    if channels == wanted:
        return
    if not groups or wanted == 0 or channels % wanted:
        expected = "They must be equal" + (", or the inputs' channels a multiple of the kernel's (groups)." if groups else ".")
        raise ShapeError(
            f"`{name}` received inputs with {channels} channels and a kernel of shape {tuple(kernel)} for {wanted}.",
            expected,
            "Check `data_format` and the channels of the inputs.",
        )
    if filters % (channels // wanted):
        raise ShapeError(
            f"`{name}` received a kernel of shape {tuple(kernel)}: {channels // wanted} groups and {filters} filters.",
            "The number of filters must be a multiple of the number of groups.",
            "Change the number of filters.",
        )


@op(batch_coupling=of_rank(3), keras_path="nn.Conv")
def conv(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: IntOrInts = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: IntOrInts = 1,
) -> Array:
    """Convolution: slide a kernel over the spatial axes and sum the products at each position (a cross-correlation).

    ``y[n, p, f] = sum over k and c of x[n, p * strides + k * dilation_rate, c] * kernel[k, c, f]``, where ``x`` is padded.

    Args:
        inputs: Array-like of shape ``(batch, *spatial, channels)``, with one to three spatial axes.
        kernel: Array-like of shape ``(*window, channels, filters)``. If it has fewer channels than the inputs, these are split
            into groups, and each group computes an equal part of the filters.
        strides: Integer or tuple of integers, the step of the window along each spatial axis. Defaults to 1.
        padding: ``"valid"`` (no padding) or ``"same"`` (pad so that the output has the size of the input divided by the
            strides, rounded up). Defaults to ``"valid"``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        dilation_rate: Integer or tuple of integers, the distance between two elements of the window. Defaults to 1.

    Returns:
        Array of shape ``(batch, *output, filters)``.

    Raises:
        InvalidArgumentError: If an argument has an unknown value.
        ShapeError: If the channels do not match, or the window is larger than the input.

    Example:
        >>> from cornu import ops
        >>> ops.conv(ops.ones((1, 4, 4, 1)), ops.ones((3, 3, 1, 2))).shape
        (1, 2, 2, 2)
    """
    data_format = config.standardize_data_format(data_format)
    backend, x, kernel = _inputs_and_kernel("conv", inputs, kernel, data_format)
    _check_channels("conv", x.shape[-1], tuple(kernel.shape), groups=True)
    window = tuple(kernel.shape[:-2])
    strides, pairs, dilation = windows.window_arguments("conv", x, window, strides, padding, dilation_rate, "kernel")
    result = backend.conv(x, kernel, strides, pairs, dilation, x.shape[-1] // kernel.shape[-2])
    return windows.from_channels_last(backend, result, data_format)


@op(batch_coupling=of_rank(3), keras_path="nn.DepthwiseConv")
def depthwise_conv(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: IntOrInts = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: IntOrInts = 1,
) -> Array:
    """Depthwise convolution: convolve each channel separately (see :func:`conv` for the other arguments).

    ``y[n, p, c * multiplier + m] = sum over k of x[n, p * strides + k * dilation_rate, c] * kernel[k, c, m]``.

    Args:
        inputs: Array-like of shape ``(batch, *spatial, channels)``.
        kernel: Array-like of shape ``(*window, channels, multiplier)``, with ``multiplier`` filters for each channel.

    Returns:
        Array of shape ``(batch, *output, channels * multiplier)``; the filters of one channel are adjacent.

    Example:
        >>> from cornu import ops
        >>> ops.depthwise_conv(ops.ones((1, 4, 4, 3)), ops.ones((3, 3, 3, 2))).shape
        (1, 2, 2, 6)
    """
    return _depthwise("depthwise_conv", inputs, kernel, strides, padding, data_format, dilation_rate)


def _depthwise(
    name: str,
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: IntOrInts,
    padding: str,
    data_format: str | None,
    dilation_rate: IntOrInts,
) -> Array:
    data_format = config.standardize_data_format(data_format)
    backend, x, kernel = _inputs_and_kernel(name, inputs, kernel, data_format)
    _check_channels(name, x.shape[-1], tuple(kernel.shape), groups=False)
    window, channels = tuple(kernel.shape[:-2]), x.shape[-1]
    strides, pairs, dilation = windows.window_arguments(name, x, window, strides, padding, dilation_rate, "kernel")
    kernel = backend.reshape(kernel, (*window, 1, channels * kernel.shape[-1]))
    result = backend.conv(x, kernel, strides, pairs, dilation, channels)
    return windows.from_channels_last(backend, result, data_format)


@op(batch_coupling=of_rank(3), keras_path="nn.SeparableConv")
def separable_conv(
    inputs: ArrayLike,
    depthwise_kernel: ArrayLike,
    pointwise_kernel: ArrayLike,
    strides: IntOrInts = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: IntOrInts = 1,
) -> Array:
    """Separable convolution: a depthwise convolution, then a pointwise one that mixes the channels (Chollet, 2016).

    ``y = conv(depthwise_conv(x, depthwise_kernel), pointwise_kernel)`` (see :func:`conv` for the other arguments).

    Args:
        inputs: Array-like of shape ``(batch, *spatial, channels)``.
        depthwise_kernel: Array-like of shape ``(*window, channels, multiplier)``.
        pointwise_kernel: Array-like of shape ``(*ones, channels * multiplier, filters)``.

    Returns:
        Array of shape ``(batch, *output, filters)``.

    Example:
        >>> from cornu import ops
        >>> ops.separable_conv(ops.ones((1, 4, 4, 3)), ops.ones((3, 3, 3, 2)), ops.ones((1, 1, 6, 5))).shape
        (1, 2, 2, 5)
    """
    middle = _depthwise("separable_conv", inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(middle, pointwise_kernel, data_format=data_format)


@op(batch_coupling=of_rank(3), keras_path="nn.ConvTranspose")
def conv_transpose(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: IntOrInts = 1,
    padding: str = "valid",
    output_padding: IntOrInts | None = None,
    data_format: str | None = None,
    dilation_rate: IntOrInts = 1,
) -> Array:
    """Transposed convolution: add each input element, multiplied by the kernel, to a window of the output, which upsamples.

    It is the transpose of the linear map of :func:`conv`: the gradient of a convolution with respect to its input.

    Args:
        inputs: Array-like of shape ``(batch, *spatial, channels)``.
        kernel: Array-like of shape ``(*window, filters, channels)``.
        strides: Integer or tuple of integers, approximately the upsampling factor along each spatial axis. Defaults to 1.
        padding: ``"valid"`` or ``"same"``. Defaults to ``"valid"``.
        output_padding: Integer or tuple of integers added to the smallest possible output size. Defaults to None (chosen
            automatically; see ``ops.window.transpose_output_size``).
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        dilation_rate: Integer or tuple of integers, the distance between two elements of the window. Defaults to 1.

    Returns:
        Array of shape ``(batch, *output, filters)``.

    Raises:
        InvalidArgumentError: If an argument has an unknown value.
        ShapeError: If the channels do not match, or the output would be empty.

    Example:
        >>> from cornu import ops
        >>> ops.conv_transpose(ops.ones((1, 2, 2, 3)), ops.ones((3, 3, 5, 3)), strides=2, padding="same").shape
        (1, 4, 4, 5)
    """
    data_format = config.standardize_data_format(data_format)
    backend, x, kernel = _inputs_and_kernel("conv_transpose", inputs, kernel, data_format)
    _check_channels("conv_transpose", x.shape[-1], (*kernel.shape[:-2], *kernel.shape[:-3:-1]), groups=False)
    padding, window = standardize_padding(padding), tuple(kernel.shape[:-2])
    rank = len(window)
    strides = check_ints("conv_transpose", "strides", strides, rank)
    dilation = check_ints("conv_transpose", "dilation_rate", dilation_rate, rank)
    extras: tuple = (None,) * rank
    if output_padding is not None:
        extras = check_ints("conv_transpose", "output_padding", output_padding, rank, least=0)
    axes = list(zip(x.shape[1:-1], window, strides, dilation, extras, strict=True))
    wanted = [windows.transpose_output_size(padding, *axis) for axis in axes]
    windows.check_fits(
        "conv_transpose", x.shape[1:-1], wanted, [windows.effective_size(k, d) for _, k, _, d, _ in axes], "kernel"
    )
    pairs, sizes = [], []
    for (size, k, s, d, extra), out in zip(axes, wanted, strict=True):
        before = windows.transpose_padding_before(padding, k, s, d, extra)
        reached = (size - 1) * s + windows.effective_size(k, d) - before  # output positions covered by the windows
        pairs.append((before, max(reached - out, 0)))
        sizes.append(out if out - reached < s else reached)
    result = backend.conv_transpose(x, kernel, tuple(sizes), strides, tuple(pairs), dilation)
    if sizes != wanted:  # positions that no window covers
        ends = [(0, out - size) for out, size in zip(wanted, sizes, strict=True)]
        result = backend.pad(result, ((0, 0), *ends, (0, 0)))
    return windows.from_channels_last(backend, result, data_format)
