"""Reductions and cumulative operations that leave out NaN.

Each is derived from the reduction of the same name. The gradient at a NaN is 0.
"""

import math

from cornu.backends.contract import Backend
from cornu.ops import reductions
from cornu.ops.batch_coupling import along_axis, quantiles
from cornu.ops.dispatch import arrays, computed_in_float32, floats, has_floats, op
from cornu.ops.sorting import interpolated, sorted_rows
from cornu.typing import Array, ArrayLike, Axis, DType

__all__ = [
    "nanargmax",
    "nanargmin",
    "nancumprod",
    "nancumsum",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanpercentile",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
]


def _replaced(x: ArrayLike, value: float) -> tuple[Backend, Array, Array]:
    """Return the backend, an array with a value in place of NaN, and where it has a NaN."""
    backend, x = arrays(x)
    is_nan = backend.isnan(x)
    return backend, (backend.where(is_nan, value, x) if has_floats(backend, x) else x), is_nan


def _nan_where_all(backend: Backend, result: Array, is_nan: Array, axis: Axis, keepdims: bool) -> Array:
    """Return a result with NaN where all elements that it was computed from are NaN."""
    if not has_floats(backend, result):
        return result
    return backend.where(reductions.all(is_nan, axis, keepdims), math.nan, result)


@op(batch_coupling=along_axis(), keras_path="numpy.Nansum")
def nansum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the sum of the elements that are not NaN over the given axes (see :func:`sum` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.nansum([1.0, float("nan"), 2.0]).tolist()
        3.0
    """
    return reductions.sum(_replaced(x, 0.0)[1], axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Nanprod")
def nanprod(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the product of the elements that are not NaN over the given axes (see :func:`sum` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.nanprod([2.0, float("nan"), 3.0]).tolist()
        6.0
    """
    return reductions.prod(_replaced(x, 1.0)[1], axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Nanmean")
@computed_in_float32
def nanmean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the mean of the elements that are not NaN over the given axes; NaN if there are none.

    See :func:`sum` for the arguments.

    Example:
        >>> from cornu import ops
        >>> ops.nanmean([1.0, float("nan"), 2.0]).tolist()
        1.5
    """
    _, x = floats(x)
    backend, values, is_nan = _replaced(x, 0.0)
    return _mean(backend, values, is_nan, axis, keepdims)


def _mean(backend: Backend, values: Array, is_nan: Array, axis: Axis, keepdims: bool) -> Array:
    """Return the mean of values that are 0 where they do not count; NaN if none counts."""
    count = reductions.sum(backend.cast(backend.logical_not(is_nan), backend.dtype(values)), axis, keepdims)
    mean = backend.divide(reductions.sum(values, axis, keepdims), backend.maximum(count, 1.0))
    return backend.where(backend.equal(count, 0), math.nan, mean)


@op(batch_coupling=along_axis(), keras_path="numpy.Nanvar")
@computed_in_float32
def nanvar(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the variance of the elements that are not NaN over the given axes; NaN if there are none.

    The divisor is the number of these elements. See :func:`sum` for the arguments.

    Example:
        >>> from cornu import ops
        >>> ops.nanvar([1.0, float("nan"), 3.0]).tolist()
        1.0
    """
    _, x = floats(x)
    backend, values, is_nan = _replaced(x, 0.0)
    distance = backend.subtract(values, _mean(backend, values, is_nan, axis, True))
    return _mean(backend, backend.square(backend.where(is_nan, 0.0, distance)), is_nan, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Nanstd")
@computed_in_float32
def nanstd(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the standard deviation of the elements that are not NaN, the square root of :func:`nanvar`.

    Example:
        >>> from cornu import ops
        >>> ops.nanstd([1.0, float("nan"), 5.0]).tolist()
        2.0
    """
    return reductions.safe_sqrt(nanvar(x, axis, keepdims))


@op(batch_coupling=along_axis(), keras_path="numpy.Nanmax")
def nanmax(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the maximum of the elements that are not NaN over the given axes; NaN if there are none.

    See :func:`sum` for the arguments.

    Example:
        >>> from cornu import ops
        >>> ops.nanmax([1.0, float("nan"), 2.0]).tolist()
        2.0
    """
    backend, values, is_nan = _replaced(x, -math.inf)
    return _nan_where_all(backend, reductions.max(values, axis, keepdims), is_nan, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Nanmin")
def nanmin(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the minimum of the elements that are not NaN over the given axes; NaN if there are none.

    See :func:`sum` for the arguments.

    Example:
        >>> from cornu import ops
        >>> ops.nanmin([1.0, float("nan"), 2.0]).tolist()
        1.0
    """
    backend, values, is_nan = _replaced(x, math.inf)
    return _nan_where_all(backend, reductions.min(values, axis, keepdims), is_nan, axis, keepdims)


def _index_where_any(backend: Backend, index: Array, is_nan: Array, axis: int | None, keepdims: bool) -> Array:
    """Return indices with -1 where all elements are NaN."""
    return backend.where(reductions.all(is_nan, axis, keepdims), -1, index)


@op(batch_coupling=along_axis(), keras_path="numpy.Nanargmax")
def nanargmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the largest element that is not NaN along an axis; -1 if all are NaN.

    Args:
        x: Array-like.
        axis: Integer, the axis. Defaults to None (the flattened array).
        keepdims: Whether to keep the reduced axes with size 1. Defaults to False.

    Returns:
        Array of dtype ``int32``.

    Example:
        >>> from cornu import ops
        >>> ops.nanargmax([1.0, float("nan"), 2.0]).tolist()
        2
    """
    backend, values, is_nan = _replaced(x, -math.inf)
    return _index_where_any(backend, reductions.argmax(values, axis, keepdims), is_nan, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Nanargmin")
def nanargmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the smallest element that is not NaN along an axis (see :func:`nanargmax`).

    Example:
        >>> from cornu import ops
        >>> ops.nanargmin([1.0, float("nan"), 2.0]).tolist()
        0
    """
    backend, values, is_nan = _replaced(x, math.inf)
    return _index_where_any(backend, reductions.argmin(values, axis, keepdims), is_nan, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Nancumsum")
def nancumsum(x: ArrayLike, axis: int | None = None, dtype: DType = None) -> Array:
    """Return the cumulative sum along an axis, with NaN counted as 0 (see :func:`cumsum` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.nancumsum([1.0, float("nan"), 2.0]).tolist()
        [1.0, 1.0, 3.0]
    """
    return reductions.cumsum(_replaced(x, 0.0)[1], axis, dtype)


@op(batch_coupling=along_axis(), keras_path="numpy.Nancumprod")
def nancumprod(x: ArrayLike, axis: int | None = None, dtype: DType = None) -> Array:
    """Return the cumulative product along an axis, with NaN counted as 1 (see :func:`cumsum` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.nancumprod([2.0, float("nan"), 3.0]).tolist()
        [2.0, 2.0, 6.0]
    """
    return reductions.cumprod(_replaced(x, 1.0)[1], axis, dtype)


@op(batch_coupling=quantiles, keras_path="numpy.Nanquantile")
@computed_in_float32
def nanquantile(x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    """Return the quantiles of the elements that are not NaN along the given axes; NaN if there are none.

    See :func:`quantile` for the arguments and the methods.

    Example:
        >>> from cornu import ops
        >>> float(ops.nanquantile([1.0, float("nan"), 2.0, 3.0], 0.5))
        2.0
    """
    backend, x, q = floats(x, q)
    rows, shape_with_axes = sorted_rows(backend, x, axis)
    count = backend.sum(backend.cast(backend.logical_not(backend.isnan(rows)), backend.dtype(x)), 0)
    inner, last = tuple(count.shape), backend.maximum(backend.subtract(count, 1.0), 0.0)
    quantiles_first = backend.reshape(backend.cast(q, backend.dtype(x)), (-1, *(1,) * len(inner)))
    place = backend.multiply(quantiles_first, last)
    result = interpolated(backend, place, method, lambda index: backend.take_along_axis(rows, index, 0))
    return backend.reshape(result, (*q.shape, *(shape_with_axes if keepdims else inner)))


@op(batch_coupling=quantiles, keras_path="numpy.Nanpercentile")
def nanpercentile(x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    """Return the percentiles ``nanquantile(x, q / 100)``, with ``q`` between 0 and 100 (see :func:`nanquantile`).

    Example:
        >>> from cornu import ops
        >>> float(ops.nanpercentile([1.0, float("nan"), 3.0], 50))
        2.0
    """
    backend, x, q = floats(x, q)
    return nanquantile(x, backend.divide(q, 100.0), axis, method, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Nanmedian")
def nanmedian(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the median of the elements that are not NaN, ``nanquantile(x, 0.5)`` (see :func:`nanquantile`).

    Example:
        >>> from cornu import ops
        >>> float(ops.nanmedian([1.0, float("nan"), 9.0, 4.0]))
        4.0
    """
    return nanquantile(x, 0.5, axis, "linear", keepdims)
