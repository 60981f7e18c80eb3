"""Reductions over the slices of an array that belong to the same segment."""

from typing import Any

import numpy as np

from cornu.backends.contract import Backend
from cornu.dtypes import is_integer, sum_dtype
from cornu.ops.dispatch import arrays, op
from cornu.ops.indexing import scatter_update
from cornu.ops.reductions import in_sum_dtype, largest_integer
from cornu.ops.shape_checks import shapes_error
from cornu.typing import Array, ArrayLike

__all__ = ["segment_max", "segment_min", "segment_prod", "segment_sum"]


def _segments(name: str, data: ArrayLike, segment_ids: ArrayLike, count: int | None) -> tuple[Backend, Array, Array, int]:
    """Return the backend, the data, the index of the segment of each slice, and the number of segments.

    An ID out of range becomes that number.

    Raises:
        InvalidArgumentError: If the number of segments is not given and depends on values that are not known yet.
        ShapeError: If there is not one ID for each slice.
    """
    backend, data, segment_ids = arrays(data, segment_ids)
    if count is None:
        count = largest_integer(name, backend, segment_ids, "Pass `num_segments`.") + 1
    parts, numbers = tuple(data.shape), tuple(segment_ids.shape)
    if len(numbers) != 1 or not parts or (numbers[0] != parts[0] and None not in (numbers[0], parts[0])):
        expected = "There must be one segment ID for each slice of `data` along its first axis."
        raise shapes_error(name, {"data": parts, "segment_ids": numbers}, expected, "Check the first axis of both arguments.")
    places = backend.cast(segment_ids, "int32")
    is_outside = backend.logical_or(backend.less(places, 0), backend.greater_equal(places, count))
    return backend, data, backend.where(is_outside, count, places), count


@op
def segment_sum(data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False) -> Array:
    """Return the sums of the slices of an array that have the same segment ID.

    ``result[j]`` is the sum of ``data[i]`` over all ``i`` with ``segment_ids[i] == j``. IDs out of range are ignored.

    Args:
        data: Array-like, the values to sum along the first axis.
        segment_ids: Array-like of integers of shape ``(n,)``, the segment of each slice of ``data``.
        num_segments: Integer, number of segments. Defaults to the largest ID plus one (not available in compiled code).
        sorted: Accepted for compatibility with Keras; ignored.

    Example:
        >>> from cornu import ops
        >>> ops.segment_sum([1, 2, 4], [0, 2, 0], 3).tolist()
        [5, 0, 2]
    """
    backend, data, places, count = _segments("segment_sum", data, segment_ids, num_segments)
    zeros = backend.full((count, *backend.shape(data)[1:]), 0, sum_dtype(backend.dtype(data)))
    return in_sum_dtype(backend, lambda data: backend.index_add(zeros, places, data), data)


def _combined(
    name: str, reduction: str, data: ArrayLike, segment_ids: ArrayLike, count: int | None, neutral: tuple[Any, Any]
) -> Array:
    """Return the slices of each segment combined by a reduction of :func:`scatter_update`.

    Args:
        name: Name of the op.
        reduction: The reduction.
        data, segment_ids, count: Arguments of the op.
        neutral: Value of an empty segment, for floats and for integers of the range of their dtype.
    """
    backend, data, places, count = _segments(name, data, segment_ids, count)
    dtype = backend.dtype(data)
    of_floats, of_integers = neutral
    value = of_integers(np.iinfo(dtype)) if is_integer(dtype) else of_floats
    start = backend.full((count + 1, *backend.shape(data)[1:]), value, dtype)  # the last one is for IDs out of range
    combined = scatter_update(start, backend.reshape(places, (-1, 1)), data, reduction)
    return backend.getitem(combined, slice(0, count))


@op
def segment_max(data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False) -> Array:
    """Return the maxima of the slices of an array that have the same segment ID (see :func:`segment_sum` for the arguments).

    The maximum of an empty segment is ``-inf``, or for integers the smallest integer.

    Example:
        >>> from cornu import ops
        >>> ops.segment_max([1.0, 2.0, 4.0], [0, 2, 0], 3).tolist()
        [4.0, -inf, 2.0]
    """
    return _combined("segment_max", "max", data, segment_ids, num_segments, (-np.inf, lambda limits: int(limits.min)))


@op
def segment_min(data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False) -> Array:
    """Return the minima of the slices of an array that have the same segment ID (see :func:`segment_sum` for the arguments).

    The minimum of an empty segment is ``inf``, or for integers the largest integer.

    Example:
        >>> from cornu import ops
        >>> ops.segment_min([1.0, 2.0, 4.0], [0, 2, 0], 3).tolist()
        [1.0, inf, 2.0]
    """
    return _combined("segment_min", "min", data, segment_ids, num_segments, (np.inf, lambda limits: int(limits.max)))


@op
def segment_prod(data: ArrayLike, segment_ids: ArrayLike, num_segments: int | None = None, sorted: bool = False) -> Array:
    """Return the products of the slices of an array that have the same segment ID; see :func:`segment_sum` for the arguments.

    The product of an empty segment is 1.

    Example:
        >>> from cornu import ops
        >>> ops.segment_prod([3, 2, 4], [0, 2, 0], 3).tolist()
        [12, 1, 2]
    """
    return _combined("segment_prod", "mul", data, segment_ids, num_segments, (1.0, lambda limits: 1))
