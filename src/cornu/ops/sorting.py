"""Sorting, searching and quantiles."""

import math
from typing import Any

from cornu.backends.contract import Array
from cornu.errors import InvalidArgumentError, ShapeError, one_of
from cornu.ops.batch_coupling import along_axis, first_alone, looked_up, of_rank, predicted, quantiles
from cornu.ops.checks import check_axes, check_axis
from cornu.ops.dispatch import arrays, floats, op


@op(batch_coupling=along_axis(), keras_path="numpy.Argsort")
def argsort(x: Array, axis: int | None = -1) -> Array:
    """The indices that sort an array, as ``int32``; equal numbers keep their order.

    Args:
        x: An array.
        axis: The axis; None is the flattened array.

    Example:
        >>> from cornu import ops
        >>> ops.argsort([3, 1, 2]).tolist()
        [1, 2, 0]
    """
    backend, x = arrays(x)
    if axis is None:
        x, axis = backend.reshape(x, (-1,)), 0
    return backend.argsort(x, check_axis(axis, x.shape))


@op(batch_coupling=along_axis(), keras_path="numpy.Sort")
def sort(x: Array, axis: int | None = -1) -> Array:
    """The numbers in order, smallest first (see :func:`argsort` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.sort([3, 1, 2]).tolist()
        [1, 2, 3]
    """
    backend, x = arrays(x)
    if axis is None:
        x, axis = backend.reshape(x, (-1,)), 0
    place = check_axis(axis, x.shape)
    return backend.take_along_axis(x, backend.argsort(x, place), place)


@op(batch_coupling=of_rank(2), keras_path="math.TopK")
def top_k(x: Array, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """The ``k`` largest along the last axis and their indices.

    Args:
        x: An array.
        k: How many.
        sorted: They come sorted, largest first, in any case.

    Returns:
        ``(values, indices)``, the indices as ``int32``.

    Raises:
        InvalidArgumentError: There are not as many.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.top_k([4, 9, 1, 7], 2)]
        [[9, 7], [1, 3]]
    """
    backend, x = arrays(x)
    if len(x.shape) == 0 or not 0 <= k <= x.shape[-1]:
        raise InvalidArgumentError(
            f"`top_k` was given `k={k}` for an array of shape {tuple(x.shape)}.",
            "`k` must lie between 0 and the size of the last axis.",
            "Choose a smaller `k`." if len(x.shape) else "Pass an array with an axis.",
        )
    return backend.top_k(x, k)


@op(batch_coupling=predicted, keras_path="math.InTopK")
def in_top_k(targets: Array, predictions: Array, k: int) -> Array:
    """Whether the score of the right class is among the ``k`` largest; of equal scores all count.

    Args:
        targets: Numbers of the right classes, of shape ``(batch,)``.
        predictions: Scores, of shape ``(batch, classes)``.
        k: How many.

    Returns:
        Booleans of shape ``(batch,)``; False where the class does not exist or its score is not finite.

    Example:
        >>> from cornu import ops
        >>> ops.in_top_k([0, 2], [[0.1, 0.7, 0.2], [0.1, 0.4, 0.5]], 1).tolist()
        [False, True]
    """
    backend, targets, predictions = arrays(targets, predictions)
    classes = predictions.shape[-1]
    exists = backend.logical_and(backend.greater_equal(targets, 0), backend.less(targets, classes))
    own = backend.take_along_axis(predictions, backend.reshape(backend.where(exists, targets, 0), (-1, 1)), 1)
    above = backend.sum(backend.greater(predictions, own), 1)
    finite = backend.isfinite(backend.reshape(own, (-1,)))
    return backend.logical_and(backend.less(above, k), backend.logical_and(exists, finite))


@op(batch_coupling=looked_up, keras_path="numpy.SearchSorted")
def searchsorted(sorted_sequence: Array, values: Array, side: str = "left") -> Array:
    """Where numbers would have to be put in so that a sorted row stays sorted.

    Args:
        sorted_sequence: Numbers in order, of shape ``(n,)``.
        values: Any numbers.
        side: ``"left"``: before equal ones; ``"right"``: behind them.

    Example:
        >>> from cornu import ops
        >>> ops.searchsorted([1, 3, 5], [0, 3, 9]).tolist()
        [0, 1, 3]
    """
    if side not in ("left", "right"):
        raise one_of("side", side, ("left", "right"))
    backend, row, values = arrays(sorted_sequence, values)
    if len(row.shape) != 1:
        raise ShapeError(
            f"`searchsorted` was given `sorted_sequence` of shape {tuple(row.shape)}.",
            "It must be one row of numbers, of shape `(n,)`.",
            "Call it once for each row.",
        )
    wide = backend.reshape(values, (*values.shape, 1))
    before = backend.less(row, wide) if side == "left" else backend.less_equal(row, wide)
    return backend.sum(before, len(values.shape))


@op(batch_coupling=first_alone, keras_path="numpy.Digitize")
def digitize(x: Array, bins: Array) -> Array:
    """The number of the bin each number falls into: 0 below the first bound, ``len(bins)`` from the last on.

    Example:
        >>> from cornu import ops
        >>> ops.digitize([0.5, 1.0, 9.0], [1.0, 2.0]).tolist()
        [0, 1, 2]
    """
    return searchsorted(bins, x, "right")


_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


@op(batch_coupling=quantiles, keras_path="numpy.Quantile")
def quantile(x: Array, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Array:
    """The number below which a part of all numbers lies.

    Args:
        x: An array.
        q: The part, from 0 to 1; or a list of such.
        axis: The axis or axes; None is all of them.
        method: What to take between two neighbours: ``"linear"``, ``"lower"``, ``"higher"``, ``"midpoint"`` or ``"nearest"``.
        keepdims: Whether these axes stay, with size 1.

    Returns:
        The quantile; for a list ``q`` one after the other along a new first axis.

    Example:
        >>> from cornu import ops
        >>> float(ops.quantile([1.0, 2.0, 3.0, 10.0], 0.5))
        2.5
    """
    if method not in _METHODS:
        raise one_of("method", method, _METHODS)
    backend, x, q = floats(x, q)
    places = check_axes(axis, x.shape)
    rest = tuple(i for i in range(len(x.shape)) if i not in places)
    count = math.prod(x.shape[i] for i in places)
    flat = backend.reshape(backend.transpose(x, (*places, *rest)), (count, *(x.shape[i] for i in rest)))
    rows = backend.take_along_axis(flat, backend.argsort(flat, 0), 0)
    place = backend.multiply(backend.cast(q, backend.dtype(x)), float(count - 1))
    low, high = (backend.take(rows, backend.cast(end(place), "int32"), 0) for end in (backend.floor, backend.ceil))
    if method == "nearest":
        result = backend.take(rows, backend.cast(backend.round(place), "int32"), 0)
    elif method in ("lower", "higher"):
        result = low if method == "lower" else high
    else:
        weight = backend.full(tuple(place.shape), 0.5, backend.dtype(x)) if method == "midpoint" else _fraction(backend, place)
        weight = backend.reshape(weight, tuple(place.shape) + (1,) * len(rest))
        result = backend.add(backend.multiply(low, backend.subtract(1.0, weight)), backend.multiply(high, weight))
    if keepdims:
        result = backend.reshape(result, (*place.shape, *(1 if i in places else n for i, n in enumerate(x.shape))))
    return result


def _fraction(backend: Any, x: Array) -> Array:
    return backend.subtract(x, backend.floor(x))


@op(batch_coupling=quantiles, keras_path="numpy.Percentile")
def percentile(x: Array, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Array:
    """As :func:`quantile`, with ``q`` from 0 to 100.

    Example:
        >>> from cornu import ops
        >>> ops.percentile([1.0, 2.0, 3.0], 50).tolist()
        2.0
    """
    backend, x, q = floats(x, q)
    return quantile(x, backend.divide(q, 100.0), axis, method, keepdims)


@op(batch_coupling=along_axis(), keras_path="numpy.Median")
def median(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    """The middle one of the sorted numbers, or the mean of both middle ones (see :func:`quantile`).

    Example:
        >>> from cornu import ops
        >>> ops.median([1.0, 9.0, 4.0]).tolist()
        4.0
    """
    return quantile(x, 0.5, axis, "linear", keepdims)
