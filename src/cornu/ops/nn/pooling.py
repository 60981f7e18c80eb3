"""Pooling over windows."""

import numpy as np

from cornu import config
from cornu.backends.contract import Backend
from cornu.dtypes import HALVES
from cornu.ops.batch_coupling import of_rank
from cornu.ops.dispatch import floats, op
from cornu.ops.nn.windows import check_rank, from_channels_last, to_channels_last, window_arguments
from cornu.ops.reductions import in_sum_dtype
from cornu.typing import Array, ArrayLike, IntOrInts
from cornu.validation import check_ints

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]


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
        pooled = backend.max_pool(x, window, strides, pairs)
    else:
        pooled = in_sum_dtype(backend, lambda x: backend.avg_pool(x, window, strides, pairs), x)
    return from_channels_last(backend, pooled, data_format)


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


@op(batch_coupling=of_rank(3), keras_path="nn.AdaptiveAveragePool")
def adaptive_average_pool(inputs: ArrayLike, output_size: IntOrInts, data_format: str | None = None) -> Array:
    """Average pooling over windows that divide the input into a given number of parts along each spatial axis.

    Part ``i`` of ``n`` covers the indices from ``floor(i * size / n)`` to ``ceil((i + 1) * size / n)``, so neighboring parts
    may overlap.

    Args:
        inputs: Array-like of shape ``(batch, *spatial, channels)``, with one to three spatial axes.
        output_size: Integer or tuple of integers, the number of parts along each spatial axis.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of shape ``(batch, *output_size, channels)``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer.

    Example:
        >>> from cornu import ops
        >>> ops.adaptive_average_pool([[[1.0], [4.0], [1.0], [3.0], [5.0]]], 2).tolist()
        [[[2.0], [3.0]]]
    """
    return _adaptive_pool("adaptive_average_pool", inputs, output_size, data_format)


@op(batch_coupling=of_rank(3), keras_path="nn.AdaptiveMaxPool")
def adaptive_max_pool(inputs: ArrayLike, output_size: IntOrInts, data_format: str | None = None) -> Array:
    """Max pooling over windows that divide the input into a given number of parts; see :func:`adaptive_average_pool`.

    Example:
        >>> from cornu import ops
        >>> ops.adaptive_max_pool([[[1.0], [4.0], [2.0], [3.0], [5.0]]], 2).tolist()
        [[[4.0], [5.0]]]
    """
    return _adaptive_pool("adaptive_max_pool", inputs, output_size, data_format)


def _adaptive_pool(name: str, inputs: ArrayLike, output_size: IntOrInts, data_format: str | None) -> Array:
    data_format = config.standardize_data_format(data_format)
    backend, x = floats(inputs)
    check_rank(name, x)
    x = to_channels_last(backend, x, data_format)
    dtype = backend.dtype(x)
    x = backend.cast(x, "float32") if dtype in HALVES else x
    for axis, parts in enumerate(check_ints(name, "output_size", output_size, len(x.shape) - 2), start=1):
        pooled = _largest_of_parts if name == "adaptive_max_pool" else _means_of_parts
        x = pooled(backend, x, axis, [_part(number, parts, x.shape[axis]) for number in range(parts)])
    return from_channels_last(backend, backend.cast(x, dtype), data_format)


def _part(number: int, parts: int, size: int) -> tuple[int, int]:
    """Return the first index of a part of an axis, and the index after its last."""
    return number * size // parts, -(-(number + 1) * size // parts)


def _means_of_parts(backend: Backend, x: Array, axis: int, parts: list[tuple[int, int]]) -> Array:
    """Return the means of parts of an axis, as a product with a matrix."""
    weights = np.zeros((len(parts), x.shape[axis]))
    for row, (start, stop) in zip(weights, parts, strict=True):
        row[start:stop] = 1 / (stop - start)
    product = backend.tensordot(x, backend.asarray(weights, backend.dtype(x)), ([axis], [1]))
    last = len(x.shape) - 1
    return backend.transpose(product, (*range(axis), last, *range(axis, last)))


def _largest_of_parts(backend: Backend, x: Array, axis: int, parts: list[tuple[int, int]]) -> Array:
    """Return the maxima of parts of an axis. Shorter parts repeat their last element."""
    length = max(stop - start for start, stop in parts)
    indices = np.array([[min(start + step, stop - 1) for step in range(length)] for start, stop in parts], dtype="int32")
    return backend.max(backend.take(x, backend.asarray(indices), axis), axis + 1)
