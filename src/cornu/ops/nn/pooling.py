"""Pooling over windows."""

from cornu import config
from cornu.dtypes import HALVES
from cornu.ops.batch_coupling import of_rank
from cornu.ops.dispatch import floats, op
from cornu.ops.nn.windows import check_rank, from_channels_last, to_channels_last, window_arguments
from cornu.typing import Array, ArrayLike, IntOrInts
from cornu.validation import check_ints

__all__ = ["average_pool", "max_pool"]


def _pool(
    name: str, inputs: ArrayLike, pool_size: IntOrInts, strides: IntOrInts | None, padding: str, data_format: str | None
) -> Array:
    data_format = config.standardize_data_format(data_format)
    backend, x = floats(inputs)
    check_rank(name, x)
    x = to_channels_last(backend, x, data_format)
    window = check_ints(name, "pool_size", pool_size, len(x.shape) - 2)
    strides = window if strides is None else strides
    strides, pairs, _ = window_arguments(name, x, window, strides, padding, 1, "pool_size")
    if name == "max_pool":
        return from_channels_last(backend, backend.max_pool(x, window, strides, pairs), data_format)
    dtype = backend.dtype(x)
    if dtype in HALVES:  # in which the sum of a window overflows
        x = backend.cast(backend.avg_pool(backend.cast(x, "float32"), window, strides, pairs), dtype)
        return from_channels_last(backend, x, data_format)
    return from_channels_last(backend, backend.avg_pool(x, window, strides, pairs), data_format)


@op(batch_coupling=of_rank(3), keras_path="nn.MaxPool")
def max_pool(
    inputs: ArrayLike,
    pool_size: IntOrInts,
    strides: IntOrInts | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """Max pooling: return the maximum of each window. Of equal maxima, only the first receives the gradient.

    ``y[n, p, c] = max over k of x[n, p * strides + k, c]``.

    Args:
        inputs: Array-like of shape ``(batch, *spatial, channels)``, with one to three spatial axes.
        pool_size: Integer or tuple of integers, size of the window along each spatial axis.
        strides: Integer or tuple of integers, the step of the window along each spatial axis. Defaults to ``pool_size``.
        padding: ``"valid"`` (no padding) or ``"same"`` (pad so that the output has the size of the input divided by the
            strides, rounded up). Defaults to ``"valid"``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of shape ``(batch, *output, channels)``.

    Raises:
        InvalidArgumentError: If an argument has an unknown value.
        ShapeError: If the window is larger than the input.

    Example:
        >>> from cornu import ops
        >>> ops.max_pool([[[1.0], [4.0], [2.0], [3.0]]], 2).tolist()
        [[[4.0], [3.0]]]
    """
    return _pool("max_pool", inputs, pool_size, strides, padding, data_format)


@op(batch_coupling=of_rank(3), keras_path="nn.AveragePool")
def average_pool(
    inputs: ArrayLike,
    pool_size: IntOrInts,
    strides: IntOrInts | None = None,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """Average pooling: return the mean of each window, without padded elements (see :func:`max_pool` for the arguments).

    ``y[n, p, c] = mean over k of x[n, p * strides + k, c]``.

    Example:
        >>> from cornu import ops
        >>> ops.average_pool([[[1.0], [4.0], [2.0], [3.0]]], 2).tolist()
        [[[2.5], [2.5]]]
    """
    return _pool("average_pool", inputs, pool_size, strides, padding, data_format)
