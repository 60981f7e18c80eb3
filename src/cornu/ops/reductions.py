"""Reductions (sums, means, extrema and quantities derived from them) over all or some axes, and cumulative operations."""

import builtins
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.backends.contract import Backend
from cornu.dtypes import HALVES, wider_float
from cornu.errors import InvalidArgumentError
from cornu.ops import shape_checks, unknown_sizes
from cornu.ops.batch_coupling import along_axis
from cornu.ops.dispatch import arrays, computed_in_float32, floats, op
from cornu.typing import Array, ArrayLike, Axis, DType
from cornu.validation import standardize_dtype

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "bincount",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "logsumexp",
    "max",
    "mean",
    "min",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
]


def _reduce(primitive: str, x: ArrayLike, axis: Axis, keepdims: bool) -> Array:
    """Call a reduction of the backend, and raise a clearer error than the backend's if the axis is invalid."""
    backend, x = arrays(x)
    axis = tuple(axis) if isinstance(axis, list) else axis
    if isinstance(axis, tuple):  # TensorFlow reports a repeated axis only when its graph runs
        shape_checks.check_axes(axis, x.shape)
    try:
        return getattr(backend, primitive)(x, axis, keepdims)
    except Exception:
        shape_checks.check_axes(axis, x.shape)
        raise


@op(batch_coupling=along_axis(), keras_path="numpy.Sum")
def sum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the sum of the elements over the given axes.

    Args:
        x: Array-like.
        axis: Integer or tuple of integers, the axis or axes along which to reduce. Defaults to None (all axes).
        keepdims: Whether to keep the reduced axes with size 1. Defaults to False.

    Returns:
        Array of the dtype of ``x``; of booleans and small integers, of dtype ``int32`` or, if they are unsigned, ``uint32``.

    Raises:
        InvalidArgumentError: If the array has no such axis.

    Example:
        >>> from cornu import ops
        >>> ops.sum([[1, 2], [3, 4]], axis=0).tolist()
        [4, 6]
    """
    return _reduce("sum", x, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Mean")
def mean(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the mean ``sum(x) / n`` over the given axes (see :func:`sum` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.mean([[1.0, 2.0], [3.0, 6.0]], axis=0).tolist()
        [2.0, 4.0]
    """
    return _reduce("mean", x, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Prod")
def prod(x: ArrayLike, axis: Axis = None, keepdims: bool = False, dtype: DType = None) -> Array:
    """Return the product of the elements over the given axes (see :func:`sum` for the other arguments).

    Args:
        dtype: Dtype of the computation and of the result. Defaults to None (that of :func:`sum`).

    Example:
        >>> from cornu import ops
        >>> ops.prod([2, 3, 4]).tolist()
        24
    """
    backend, values = arrays(x)
    if dtype is not None:
        values = backend.cast(values, standardize_dtype(dtype))
    result = in_sum_dtype(backend, lambda x: _reduce("prod", x, axis, keepdims), values)
    return result if dtype is None else backend.cast(result, standardize_dtype(dtype))


@op(batch_coupling=along_axis(), keras_path="numpy.Max")
def max(x: ArrayLike, axis: Axis = None, keepdims: bool = False, initial: ArrayLike | None = None) -> Array:
    """Return the maximum over the given axes (see :func:`sum` for the other arguments). Equal maxima share the gradient.

    Args:
        initial: Lower bound of the result, required for an empty array. Defaults to None.

    Example:
        >>> from cornu import ops
        >>> ops.max([[1, 9], [3, 4]], axis=1).tolist()
        [9, 4]
    """
    return _extremum("max", "maximum", x, axis, keepdims, initial)


@op(batch_coupling=along_axis(), keras_path="numpy.Min")
def min(x: ArrayLike, axis: Axis = None, keepdims: bool = False, initial: ArrayLike | None = None) -> Array:
    """Return the minimum over the given axes (see :func:`sum` for the other arguments). Equal minima share the gradient.

    Args:
        initial: Upper bound of the result, required for an empty array. Defaults to None.

    Example:
        >>> from cornu import ops
        >>> ops.min([[1, 9], [3, 4]], axis=1).tolist()
        [1, 3]
    """
    return _extremum("min", "minimum", x, axis, keepdims, initial)


def _extremum(name: str, primitive: str, x: ArrayLike, axis: Axis, keepdims: bool, initial: ArrayLike | None) -> Array:
    """Return the largest or the smallest element; of an ``initial`` value as well, which the named primitive compares."""
    backend, x = arrays(x)
    if initial is None:
        shape_checks.check_not_empty(name, x.shape, shape_checks.check_axes(axis, x.shape))
        return _reduce(name, x, axis, keepdims)
    if math.prod(x.shape) == 0:
        return backend.full(tuple(_reduce("sum", x, axis, keepdims).shape), initial, backend.dtype(x))
    limit = backend.cast(backend.asarray(initial), backend.dtype(x))
    return getattr(backend, primitive)(_reduce(name, x, axis, keepdims), limit)


@op(batch_coupling=along_axis(), keras_path="numpy.Amax")
def amax(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the maximum over the given axes. Alias of :func:`max`.

    Example:
        >>> from cornu import ops
        >>> ops.amax([1, 9, 3]).tolist()
        9
    """
    return max(x, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Amin")
def amin(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the minimum over the given axes. Alias of :func:`min`.

    Example:
        >>> from cornu import ops
        >>> ops.amin([1, 9, 3]).tolist()
        1
    """
    return min(x, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Ptp")
def ptp(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the range ``max(x) - min(x)`` over the given axes (see :func:`sum` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.ptp([1, 9, 3]).tolist()
        8
    """
    backend, x = arrays(x)
    return backend.subtract(_reduce("max", x, axis, keepdims), _reduce("min", x, axis, keepdims))


@op(batch_coupling=along_axis(), keras_path="numpy.All")
def all(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return whether all elements along the given axes are True (or nonzero); see :func:`sum` for the arguments.

    Example:
        >>> from cornu import ops
        >>> ops.all([[True, False], [True, True]], axis=1).tolist()
        [False, True]
    """
    return _reduce("all", x, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Any")
def any(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return whether any element along the given axes is True (or nonzero); see :func:`sum` for the arguments.

    Example:
        >>> from cornu import ops
        >>> ops.any([[True, False], [False, False]], axis=1).tolist()
        [True, False]
    """
    return _reduce("any", x, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.CountNonzero")
def count_nonzero(x: ArrayLike, axis: Axis = None) -> Array:
    """Return the number of nonzero elements over the given axes, as ``int32``.

    Example:
        >>> from cornu import ops
        >>> ops.count_nonzero([0, 7, 0, 5]).tolist()
        2
    """
    backend, x = arrays(x)
    return _reduce("sum", backend.not_equal(x, 0), axis, False)


@op(batch_coupling=along_axis(), keras_path="numpy.Argmax")
def argmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the first maximum along an axis, as ``int32``.

    Args:
        x: Array-like.
        axis: Integer, the axis along which to search. Defaults to None (the flattened array).
        keepdims: Whether to keep the reduced axis (all axes if ``axis`` is None) with size 1. Defaults to False.

    Example:
        >>> from cornu import ops
        >>> ops.argmax([[1, 9, 3], [7, 5, 7]], axis=1).tolist()
        [1, 0]
    """
    return _place("argmax", x, axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Argmin")
def argmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the first minimum along an axis, as ``int32`` (see :func:`argmax` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.argmin([[4, 9, 3], [7, 5, 7]], axis=1).tolist()
        [2, 1]
    """
    return _place("argmin", x, axis, keepdims)


def _place(name: str, x: ArrayLike, axis: int | None, keepdims: bool) -> Array:
    backend, x = arrays(x)
    shape_checks.check_not_empty(name, x.shape, shape_checks.check_axes(axis, x.shape))
    function = getattr(backend, name)
    if axis is None:
        result, shape = function(backend.reshape(x, (-1,)), 0), (1,) * len(x.shape)
    else:
        axis = shape_checks.check_axis(axis, x.shape)
        result, shape = function(x, axis), (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return backend.reshape(result, shape) if keepdims else result


def in_sum_dtype(backend: Backend, function: Callable[[Array], Array], x: Array) -> Array:
    """Apply a function in ``float32`` to an array of half precision, in which each addition or product would be rounded."""
    dtype = backend.dtype(x)
    return backend.cast(function(backend.cast(x, "float32")), dtype) if dtype in HALVES else function(x)


def _flat_or_cast(x: ArrayLike, axis: int | None, dtype: DType) -> tuple[Backend, Array, int]:
    backend, values = arrays(x)
    if dtype is not None:
        values = backend.cast(values, standardize_dtype(dtype))
    return backend, *flat_if_none(backend, values, axis)


def flat_if_none(backend: Backend, x: Array, axis: int | None) -> tuple[Array, int]:
    """Return an array and the number of one of its axes, or for None the flat array and 0."""
    return (backend.reshape(x, (-1,)), 0) if axis is None else (x, shape_checks.check_axis(axis, x.shape))


@op(batch_coupling=along_axis(), keras_path="numpy.Cumsum")
def cumsum(x: ArrayLike, axis: int | None = None, dtype: DType = None) -> Array:
    """Return the cumulative sum along an axis.

    Args:
        x: Array-like.
        axis: Integer, the axis along which to sum. Defaults to None (the flattened array).
        dtype: Dtype of the computation and of the result. Defaults to None (the dtype of ``x``).

    Example:
        >>> from cornu import ops
        >>> ops.cumsum([1, 2, 3]).tolist()
        [1, 3, 6]
    """
    backend, x, axis = _flat_or_cast(x, axis, dtype)
    return in_sum_dtype(backend, lambda x: backend.cumsum(x, axis), x)


@op(batch_coupling=along_axis(), keras_path="numpy.Cumprod")
def cumprod(x: ArrayLike, axis: int | None = None, dtype: DType = None) -> Array:
    """Return the cumulative product along an axis (see :func:`cumsum` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.cumprod([1, 2, 3]).tolist()
        [1, 2, 6]
    """
    backend, x, axis = _flat_or_cast(x, axis, dtype)
    return in_sum_dtype(backend, lambda x: backend.cumprod(x, axis), x)


@op(batch_coupling=along_axis(), keras_path="numpy.Var")
@computed_in_float32
def var(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the variance ``mean((x - mean(x))**2)`` over the given axes (see :func:`sum` for the arguments).

    The divisor is the number of elements ``n``, not ``n - 1``. Half-precision values are accumulated in ``float32``.

    Example:
        >>> from cornu import ops
        >>> float(ops.var([1.0, 3.0]))
        1.0
    """
    backend, values = floats(x)
    distance = backend.subtract(values, _reduce("mean", values, axis, True))
    return _reduce("mean", backend.square(distance), axis, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Std")
@computed_in_float32
def std(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the standard deviation ``sqrt(var(x))`` over the given axes (see :func:`var`). Its gradient is 0 where it is 0.

    Example:
        >>> from cornu import ops
        >>> ops.std([1.0, 5.0]).tolist()
        2.0
    """
    return safe_sqrt(var(x, axis, keepdims))


@op(batch_coupling="none")
def safe_sqrt(x: ArrayLike) -> Array:
    """Return the square root, elementwise, with gradient 0 (instead of infinity) at 0, for norms and deviations.

    Example:
        >>> from cornu import ops
        >>> ops.reductions.safe_sqrt([0.0, 4.0]).tolist()
        [0.0, 2.0]
    """
    backend, x = floats(x)
    zero = backend.equal(x, 0)
    return backend.where(zero, 0.0, backend.sqrt(backend.where(zero, 1.0, x)))


@op(batch_coupling=along_axis("x", "weights"), unknown_sizes=unknown_sizes.weighted, keras_path="numpy.Average")
def average(x: ArrayLike, axis: Axis = None, weights: ArrayLike | None = None) -> Array:
    """Return the weighted mean ``sum(x * weights) / sum(weights)`` over the given axes.

    Args:
        x: Array-like.
        axis: Integer or tuple of integers, the axis or axes along which to average. Defaults to None (all axes).
        weights: Array-like of the shape of ``x``, or 1D with the size of ``x`` along ``axis``. Defaults to None (equal
            weights).

    Example:
        >>> from cornu import ops
        >>> float(ops.average([1.0, 2.0, 6.0], weights=[1.0, 1.0, 2.0]))
        3.75
    """
    if weights is None:
        return mean(x, axis)
    backend, x, parts = floats(x, weights)
    if len(parts.shape) != len(x.shape):
        place = shape_checks.check_axis(axis, x.shape)
        parts = backend.reshape(parts, tuple(-1 if i == place else 1 for i in range(len(x.shape))))
    shape = shape_checks.check_broadcast("average", tuple(x.shape), tuple(parts.shape))
    dtype = wider_float(backend.dtype(x), backend.dtype(parts))
    if dtype in HALVES:
        x, parts = backend.cast(x, "float32"), backend.cast(parts, "float32")
    total = _reduce("sum", backend.multiply(x, parts), axis, False)
    result = backend.divide(total, _reduce("sum", backend.broadcast_to(parts, shape), axis, False))
    return backend.cast(result, dtype) if dtype in HALVES else result


@op(batch_coupling=along_axis(), keras_path="math.Logsumexp")
@computed_in_float32
def logsumexp(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return ``log(sum(exp(x)))`` over the given axes, without overflow (see :func:`sum` for the arguments).

    Its gradient is ``softmax(x)``.

    Example:
        >>> from cornu import ops
        >>> float(ops.logsumexp([1000.0, 1000.0])) > 1000.6
        True
    """
    backend, x = floats(x)
    top = backend.stop_gradient(_reduce("max", x, axis, True))
    top = backend.where(backend.isfinite(top), top, 0.0)  # if all elements are -infinity, the sum is 0, not NaN
    total = _reduce("sum", backend.exp(backend.subtract(x, top)), axis, True)
    result = backend.add(backend.log(total), top)
    if keepdims:
        return result
    places = shape_checks.check_axes(axis, x.shape)
    return backend.reshape(result, tuple(size for i, size in enumerate(x.shape) if i not in places))


@op(keras_path="numpy.Bincount")
def bincount(x: ArrayLike, weights: ArrayLike | None = None, minlength: int = 0, sparse: bool = False) -> Array:
    """Count the occurrences of each non-negative integer along the last axis.

    The length of the result depends on the values, so this op cannot be used in compiled code.

    Args:
        x: Array-like of integers of shape ``(n,)`` or ``(batch, n)``.
        weights: Array-like of the shape of ``x``, the weight of each occurrence. Defaults to None (weights of 1).
        minlength: Integer, minimum length of the result. Defaults to 0.
        sparse: Not supported.

    Returns:
        Array of shape ``(length,)`` or ``(batch, length)``, of dtype ``int32`` or the dtype of the weights.

    Example:
        >>> from cornu import ops
        >>> ops.bincount([1, 3, 1]).tolist()
        [0, 2, 0, 1]
    """
    backend, x = arrays(x)
    shape_checks.check_integer_dtype("bincount", "x", backend.dtype(x))
    if None in tuple(x.shape):  # an engine with sizes that are known later can make an array of a length known later
        length: Any = backend.maximum(backend.add(backend.max(backend.cast(x, "int32")), 1), minlength)
    else:
        length = builtins.max(minlength, largest_integer("bincount", backend, x, "Sum a `one_hot` instead.") + 1)
    if weights is None:
        weights = backend.full(backend.shape(x), 1, "int32")
    else:
        _, weights, _ = arrays(weights, x)
        shape_checks.check_same_shape("bincount", "x", x.shape, "weights", weights.shape)
    *batch, count = backend.shape(x)
    rows = math.prod(batch)
    first = backend.multiply(backend.reshape(backend.arange(0, rows, 1, "int32"), (rows, 1)), length)
    values = backend.reshape(backend.cast(x, "int32"), (rows, count))
    places = backend.where(backend.less(values, 0), rows * length, backend.add(values, first))  # out of range: not counted
    zeros = backend.full((rows * length,), 0, backend.dtype(weights))
    counts = backend.index_add(zeros, backend.reshape(places, (-1,)), backend.reshape(weights, (-1,)))
    return backend.reshape(counts, (*batch, length))


def largest_integer(name: str, backend: Backend, x: Array, advice: str) -> int:
    """Return the maximum of an array of integers, or -1 for an empty array."""
    return int(np.max(values_of(name, backend, x, advice).astype("int64"), initial=-1))


def values_of(name: str, backend: Backend, x: Array, advice: str) -> np.ndarray:
    """Return the values of an array for an op whose result has a shape that depends on them.

    Raises:
        InvalidArgumentError: If the array has no values yet.
    """
    try:
        return backend.to_numpy(x)
    except TypeError as problem:  # an array that has no value yet
        raise InvalidArgumentError(
            f"`{name}` was used in compiled code, or on a symbolic tensor.",
            "The size of the result depends on the values of the array, which are not known there.",
            advice,
        ) from problem
