"""Sorting, searching and quantiles."""

import math
from collections.abc import Callable

from cornu.backends.contract import Backend
from cornu.errors import InvalidArgumentError
from cornu.ops.batch_coupling import along_axis, first_alone, looked_up, of_rank, predicted, quantiles
from cornu.ops.dispatch import arrays, computed_in_float32, floats, op
from cornu.ops.reductions import flat_if_none
from cornu.ops.shape_checks import check_axes, shape_error
from cornu.typing import Array, ArrayLike, Axis
from cornu.validation import check_option

__all__ = [
    "argpartition",
    "argsort",
    "digitize",
    "in_top_k",
    "median",
    "percentile",
    "quantile",
    "searchsorted",
    "sort",
    "top_k",
]


@op(batch_coupling=along_axis(), keras_path="numpy.Argsort")
def argsort(x: ArrayLike, axis: int | None = -1) -> Array:
    """Return the indices that sort an array in ascending order, as ``int32``. The sort is stable.

    A scalar is treated as an array of one element.

    Args:
        x: Array-like.
        axis: Integer, the axis along which to sort, or None for the flattened array. Defaults to -1.

    Example:
        >>> from cornu import ops
        >>> ops.argsort([3, 1, 2]).tolist()
        [1, 2, 0]
    """
    backend, values = arrays(x)
    return backend.argsort(*flat_if_none(backend, values, axis if len(values.shape) else None))


@op(batch_coupling=along_axis(), keras_path="numpy.Argpartition")
def argpartition(x: ArrayLike, kth: int, axis: int | None = -1) -> Array:
    """Return indices that put the ``kth`` smallest element into its place, smaller ones before and larger ones after it.

    The elements are sorted: this is :func:`argsort`, which fulfills the condition for each ``kth``.

    Args:
        x: Array-like.
        kth: Integer, index of the element in the sorted array; a negative value counts from the end.
        axis: Integer, the axis, or None for the flattened array. Defaults to -1.

    Raises:
        InvalidArgumentError: If the axis has no element ``kth``.

    Example:
        >>> from cornu import ops
        >>> ops.argpartition([3, 1, 2], 1).tolist()
        [1, 2, 0]
    """
    order = argsort(x, axis)
    size = order.shape[0 if axis is None else axis]
    if not -size <= kth < size:
        raise InvalidArgumentError(
            f"`argpartition` received `kth={kth}` for an axis of size {size}.",
            f"`kth` must be between {-size} and {size - 1}.",
            "Choose another `kth`.",
        )
    return order


@op(batch_coupling=along_axis(), keras_path="numpy.Sort")
def sort(x: ArrayLike, axis: int | None = -1) -> Array:
    """Return a sorted copy of an array, in ascending order (see :func:`argsort` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.sort([3, 1, 2]).tolist()
        [1, 2, 3]
    """
    backend, values = arrays(x)
    values, place = flat_if_none(backend, values, axis)
    return backend.take_along_axis(values, backend.argsort(values, place), place)


@op(batch_coupling=of_rank(2), keras_path="math.TopK")
def top_k(x: ArrayLike, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """Return the ``k`` largest elements along the last axis and their indices.

    Args:
        x: Array-like.
        k: Integer, number of elements.
        sorted: Accepted for compatibility with Keras; the elements are always sorted in descending order.

    Returns:
        Tuple ``(values, indices)``; the indices are ``int32``.

    Raises:
        InvalidArgumentError: If ``k`` is larger than the size of the last axis.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.top_k([4, 9, 1, 7], 2)]
        [[9, 7], [1, 3]]
    """
    backend, x = arrays(x)
    if len(x.shape) == 0 or k < 0 or (x.shape[-1] is not None and k > x.shape[-1]):
        raise InvalidArgumentError(
            f"`top_k` received `k={k}` for an array of shape {tuple(x.shape)}.",
            "`k` must be between 0 and the size of the last axis.",
            "Choose a smaller `k`." if len(x.shape) else "Pass an array with at least one axis.",
        )
    return backend.top_k(x, k)


@op(batch_coupling=predicted, keras_path="math.InTopK")
def in_top_k(targets: ArrayLike, predictions: ArrayLike, k: int) -> Array:
    """Return whether the score of the target class is among the ``k`` largest; ties count as being among them.

    Args:
        targets: Array-like of integers of shape ``(batch,)``, the target classes.
        predictions: Array-like of shape ``(batch, classes)``, the scores.
        k: Integer, number of scores to consider.

    Returns:
        Array of booleans of shape ``(batch,)``; False where the class does not exist or its score is not finite.

    Example:
        >>> from cornu import ops
        >>> ops.in_top_k([0, 2], [[0.1, 0.7, 0.2], [0.1, 0.4, 0.5]], 1).tolist()
        [False, True]
    """
    backend, targets, predictions = arrays(targets, predictions)
    classes = backend.shape(predictions)[-1]
    exists = backend.logical_and(backend.greater_equal(targets, 0), backend.less(targets, classes))
    own = backend.take_along_axis(predictions, backend.reshape(backend.where(exists, targets, 0), (-1, 1)), 1)
    above = backend.sum(backend.greater(predictions, own), 1)
    finite = backend.isfinite(backend.reshape(own, (-1,)))
    return backend.logical_and(backend.less(above, k), backend.logical_and(exists, finite))


@op(batch_coupling=looked_up, keras_path="numpy.SearchSorted")
def searchsorted(sorted_sequence: ArrayLike, values: ArrayLike, side: str = "left") -> Array:
    """Return the indices at which values would be inserted to keep a sequence sorted, as ``int32``; NaN is sorted last.

    Args:
        sorted_sequence: Array-like of shape ``(n,)``, in ascending order.
        values: Array-like of any shape.
        side: ``"left"`` (insert before equal elements) or ``"right"`` (insert after them). Defaults to ``"left"``.

    Example:
        >>> from cornu import ops
        >>> ops.searchsorted([1, 3, 5], [0, 3, 9]).tolist()
        [0, 1, 3]
    """
    check_option("side", side, ("left", "right"))
    backend, row, values = arrays(sorted_sequence, values)
    if len(row.shape) != 1:
        expected = "It must be one-dimensional, of shape `(n,)`."
        raise shape_error("searchsorted", row.shape, expected, "Call `searchsorted` once for each sequence.", "sorted_sequence")
    wide = backend.reshape(values, (*values.shape, 1))
    ordered, is_nan = (backend.less, backend.less_equal)[side == "right"](row, wide), backend.not_equal(wide, wide)
    counted = backend.equal(row, row) if side == "left" else True
    before = backend.logical_or(ordered, backend.logical_and(is_nan, counted))
    return backend.sum(before, len(values.shape))


@op(batch_coupling=first_alone, keras_path="numpy.Digitize")
def digitize(x: ArrayLike, bins: ArrayLike) -> Array:
    """Return the index of the bin of each value: 0 below the first edge, ``len(bins)`` from the last edge on.

    The index ``i`` satisfies ``bins[i - 1] <= x < bins[i]``. That of NaN is ``len(bins)``.

    Args:
        x: Array-like.
        bins: Array-like of shape ``(n,)``, the bin edges in ascending order.

    Example:
        >>> from cornu import ops
        >>> ops.digitize([0.5, 1.0, 9.0], [1.0, 2.0]).tolist()
        [0, 1, 2]
    """
    return searchsorted(bins, x, "right")


_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@op(batch_coupling=quantiles, keras_path="numpy.Quantile")
@computed_in_float32
def quantile(x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    """Return the quantiles of the elements along the given axes.

    The quantile of ``n`` sorted elements is the element at the position ``q * (n - 1)``, counted from 0. With
    ``method="linear"``, a position ``i + f`` between two elements yields ``(1 - f) * x[i] + f * x[i + 1]``.

    Args:
        x: Array-like.
        q: Float between 0 and 1, or array-like of such values.
        axis: Integer or tuple of integers, the axis or axes along which to reduce. Defaults to None (all axes).
        method: How to choose a value between two neighboring elements: ``"linear"``, ``"lower"``, ``"higher"``, ``"midpoint"``
            or ``"nearest"``. Defaults to ``"linear"``.
        keepdims: Whether to keep the reduced axes with size 1. Defaults to False.

    Returns:
        Array of quantiles; for an array-like ``q``, stacked along a new first axis.

    Example:
        >>> from cornu import ops
        >>> float(ops.quantile([1.0, 2.0, 3.0, 10.0], 0.5))
        2.5
    """
    backend, x, q = floats(x, q)
    rows, shape_with_axes = sorted_rows(backend, x, axis)
    count = backend.shape(rows)[0]
    last = float(count - 1) if isinstance(count, int) else backend.cast(count - 1, backend.dtype(x))
    place = backend.multiply(backend.cast(q, backend.dtype(x)), last)
    result = interpolated(backend, place, method, lambda index: backend.take(rows, index, 0), len(rows.shape) - 1)
    return backend.reshape(result, (*place.shape, *shape_with_axes)) if keepdims else result


def sorted_rows(backend: Backend, x: Array, axis: Axis) -> tuple[Array, tuple]:
    """Sort the elements along some axes.

    Args:
        backend: Backend of the array.
        x: Array.
        axis: Integer or tuple of integers, the axis or axes along which to sort; None for all axes.

    Returns:
        Array whose first axis has the sorted elements, NaN last, and whose other axes are the rest of the axes of ``x``; and
        the shape of ``x`` with size 1 on the sorted axes.
    """
    places, sizes = check_axes(axis, x.shape), backend.shape(x)
    rest = tuple(i for i in range(len(x.shape)) if i not in places)
    count = math.prod(sizes[i] for i in places)
    flat = backend.reshape(backend.transpose(x, (*places, *rest)), (count, *(sizes[i] for i in rest)))
    rows = backend.take_along_axis(flat, backend.argsort(flat, 0), 0)
    return rows, tuple(1 if i in places else size for i, size in enumerate(sizes))


def interpolated(backend: Backend, place: Array, method: str, take: Callable[[Array], Array], inner_axes: int = 0) -> Array:
    """Return the elements at positions that may lie between two elements.

    Args:
        backend: Backend of the arrays.
        place: Array of the positions.
        method: How to choose a value between two neighboring elements (see :func:`quantile`).
        take: Function that returns the elements at integer positions.
        inner_axes: Number of axes that the elements have in addition to those of the positions. Defaults to 0.

    Raises:
        InvalidArgumentError: If the method is unknown.
    """
    check_option("method", method, _METHODS)
    if method == "nearest":
        return take(backend.cast(backend.round(place), "int32"))
    low, high = (take(backend.cast(end(place), "int32")) for end in (backend.floor, backend.ceil))
    if method in ("lower", "higher"):
        return low if method == "lower" else high
    fraction = backend.subtract(place, backend.floor(place))
    weight = backend.full(tuple(place.shape), 0.5, backend.dtype(place)) if method == "midpoint" else fraction
    weight = backend.reshape(weight, tuple(place.shape) + (1,) * inner_axes)
    return backend.add(backend.multiply(low, backend.subtract(1.0, weight)), backend.multiply(high, weight))


@op(batch_coupling=quantiles, keras_path="numpy.Percentile")
def percentile(x: ArrayLike, q: ArrayLike, axis: Axis = None, method: str = "linear", keepdims: bool = False) -> Array:
    """Return the percentiles ``quantile(x, q / 100)``, with ``q`` between 0 and 100 (see :func:`quantile`).

    Example:
        >>> from cornu import ops
        >>> ops.percentile([1.0, 2.0, 3.0], 50).tolist()
        2.0
    """
    backend, x, q = floats(x, q)
    return quantile(x, backend.divide(q, 100.0), axis, method, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Median")
def median(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the median ``quantile(x, 0.5)``: the middle element, or the mean of the middle two (see :func:`quantile`).

    Example:
        >>> from cornu import ops
        >>> ops.median([1.0, 9.0, 4.0]).tolist()
        4.0
    """
    return quantile(x, 0.5, axis, "linear", keepdims)
