"""Read and write elements by index."""

import math
from builtins import slice as slice_
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu.backends.contract import Backend
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import along_axis, indexed, spared, taken
from cornu.ops.dispatch import arrays, has_floats, op, zero_of
from cornu.ops.reductions import flat_if_none, values_of
from cornu.ops.shape_checks import (
    as_sizes,
    check_axis,
    check_block,
    check_integer_dtype,
    check_key,
    check_places,
    shape_error,
    shapes_error,
)
from cornu.typing import Array, ArrayLike
from cornu.validation import check_option

__all__ = [
    "diag",
    "diagflat",
    "diagonal",
    "get_item",
    "nonzero",
    "scatter",
    "scatter_update",
    "slice",
    "slice_update",
    "take",
    "take_along_axis",
    "unravel_index",
]


@op(batch_coupling=indexed, unknown_sizes=unknown_sizes.indexed, keras_path="numpy.GetItem")
def get_item(x: ArrayLike, key: Any) -> Array:
    """Return ``x[key]``; the key consists of integers, slices, None, ``...`` and integer or boolean arrays, as in NumPy.

    Example:
        >>> from cornu import ops
        >>> ops.get_item([[1, 2], [3, 4]], (..., 0)).tolist()
        [1, 3]
    """
    backend, x = arrays(x)
    try:
        return backend.getitem(x, key)
    except Exception:
        check_key(key)
        raise


@op(batch_coupling=taken, keras_path="numpy.Take")
def take(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Array:
    """Return the elements at the given indices along an axis.

    Args:
        x: Array-like.
        indices: Array-like of integers. Negative indices count from the end; indices out of range are clipped.
        axis: Integer, the axis along which to index. Defaults to None (the flattened array).

    Example:
        >>> from cornu import ops
        >>> ops.take([[1, 2, 3], [4, 5, 6]], [2, 0], axis=1).tolist()
        [[3, 1], [6, 4]]
    """
    backend, x, indices = arrays(x, indices)
    if has_floats(backend, indices):
        check_integer_dtype("take", "indices", backend.dtype(indices))
    x, place = flat_if_none(backend, x, axis)
    return backend.take(x, indices, place)


@op(
    batch_coupling=along_axis("x", "indices"),
    unknown_sizes=unknown_sizes.equal_except("x", "indices", ignored=1),
    keras_path="numpy.TakeAlongAxis",
)
def take_along_axis(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Array:
    """Return elements along an axis at indices that vary with the other axes.

    For two axes and ``axis=1``: ``result[i, j] = x[i, indices[i, j]]``.

    Args:
        x: Array-like.
        indices: Array-like of integers, of the shape of ``x`` except along ``axis`` (such as the result of :func:`argsort`).
        axis: Integer, the axis along which to index. Defaults to None (the flattened array).

    Example:
        >>> from cornu import ops
        >>> ops.take_along_axis([[3, 1, 2]], [[1, 2, 0]], axis=1).tolist()
        [[1, 2, 3]]
    """
    backend, x, indices = arrays(x, indices)
    if has_floats(backend, indices):
        check_integer_dtype("take_along_axis", "indices", backend.dtype(indices))
    if axis is None:
        return backend.take_along_axis(backend.reshape(x, (-1,)), backend.reshape(indices, (-1,)), 0)
    place = check_axis(axis, x.shape)
    _check_along(tuple(x.shape), tuple(indices.shape), place)
    return backend.take_along_axis(x, indices, place)


def _check_along(shape: tuple[int, ...], indices: tuple[int, ...], place: int) -> None:
    rests = [(*sizes[:place], *sizes[place + 1 :]) for sizes in (shape, indices)]
    if len(shape) != len(indices) or any(1 not in pair and pair[0] != pair[1] for pair in zip(*rests, strict=True)):
        expected = f"All sizes except those on axis {place} must be equal, or one of them must be 1."
        hint = "Reshape `indices`, or use `take` to select whole slices."
        raise shapes_error("take_along_axis", {"x": shape, "indices": indices}, expected, hint)


def _window(backend: Backend, start: ArrayLike, length: int, size: int) -> Array:
    """Return the indices ``start .. start + length`` into an axis; a start out of range is clipped."""
    start = backend.minimum(backend.maximum(backend.asarray(start), 0), size - length)
    return backend.add(backend.arange(0, length, 1, "int32"), start)


@op(unknown_sizes=unknown_sizes.block, keras_path="core.Slice")
def slice(inputs: ArrayLike, start_indices: Sequence[ArrayLike] | np.ndarray, shape: Sequence[int]) -> Array:
    """Return a block of an array.

    Args:
        inputs: Array-like.
        start_indices: Sequence with the start index of the block on each axis; integers or computed values.
        shape: Tuple of integers, shape of the block; -1 for the rest of an axis from the start index on, which must then be a
            number.

    Example:
        >>> from cornu import ops
        >>> ops.slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, 2)).tolist()
        [[2, 3], [5, 6]]
    """
    backend, x = arrays(inputs)
    sizes = as_sizes(shape)
    check_block("slice", tuple(x.shape), len(start_indices), sizes)
    starts = [start_indices[axis] for axis in range(len(x.shape))]
    for axis, (start, length) in enumerate(zip(starts, sizes, strict=True)):
        if length == -1:
            x = backend.getitem(x, (*(slice_(None),) * axis, slice_(_known_start(backend, start), None)))
            continue
        size = x.shape[axis]
        if isinstance(start, (int, np.integer)) and size is not None:
            first = max(0, min(int(start), size - length))
            x = backend.getitem(x, (*(slice_(None),) * axis, slice_(first, first + length)))
        else:
            x = backend.take(x, _window(backend, start, length, backend.shape(x)[axis]), axis)
    return x


def _known_start(backend: Backend, start: ArrayLike) -> int:
    """Return the value of the start of a block that ends with the axis, since the size of the block depends on it."""
    if isinstance(start, (int, np.integer)):
        return max(0, int(start))
    advice = "Pass the start as an integer, or the size of the block."
    return max(0, int(values_of("slice", backend, backend.asarray(start), advice)))


@op(unknown_sizes=unknown_sizes.updated_block, keras_path="core.SliceUpdate")
def slice_update(inputs: ArrayLike, start_indices: Sequence[ArrayLike] | np.ndarray, updates: ArrayLike) -> Array:
    """Return a copy of an array with one block replaced.

    Args:
        inputs: Array-like.
        start_indices: Sequence with the start index of the block on each axis; integers or computed values.
        updates: Array-like, the new block.

    Example:
        >>> from cornu import ops
        >>> ops.slice_update([[1, 2, 3], [4, 5, 6]], (0, 1), [[0, 0]]).tolist()
        [[1, 0, 0], [4, 5, 6]]
    """
    backend, x, block = arrays(inputs, updates)
    block = backend.cast(block, backend.dtype(x))
    check_block("slice_update", tuple(x.shape), len(start_indices), tuple(block.shape))
    inside = None
    for axis, (size, length) in enumerate(zip(backend.shape(x), backend.shape(block), strict=True)):
        start = backend.minimum(backend.maximum(backend.cast(backend.asarray(start_indices[axis]), "int32"), 0), size - length)
        place = backend.subtract(backend.arange(0, size, 1, "int32"), start)
        block = backend.take(block, backend.minimum(backend.maximum(place, 0), length - 1), axis)
        here = backend.logical_and(backend.greater_equal(place, 0), backend.less(place, length))
        here = backend.reshape(here, tuple(-1 if i == axis else 1 for i in range(len(x.shape))))
        inside = here if inside is None else backend.logical_and(inside, here)
    return block if inside is None else backend.where(inside, block, x)


def _rows(backend: Backend, indices: Array, shape: tuple[int, ...]) -> tuple[Array, int]:
    """Convert index vectors into the first axes of a shape to flat row indices; return these and the number of axes."""
    depth = indices.shape[-1]
    parts = [backend.cast(backend.getitem(indices, (..., axis)), "int32") for axis in range(depth)]
    flat = parts[0]  # a negative one counts from the end of the rows too
    for part, size in zip(parts[1:], shape[1:depth], strict=True):
        inside = backend.where(backend.less(part, 0), backend.add(part, size), part)
        flat = backend.add(backend.multiply(flat, size), inside)
    return backend.reshape(flat, (-1,)), depth


@op(keras_path="core.Scatter")
def scatter(indices: ArrayLike, values: ArrayLike, shape: Sequence[int]) -> Array:
    """Return an array of zeros to which values are added at the given indices.

    ``result[indices[i]] += values[i]`` for each ``i``.

    Args:
        indices: Array-like of integers of shape ``(n, depth)``, indices into the first ``depth`` axes of the result.
        values: Array-like of shape ``(n, *shape[depth:])``.
        shape: Tuple of integers, shape of the result.

    Example:
        >>> from cornu import ops
        >>> ops.scatter([[0], [2], [0]], [1, 5, 2], (4,)).tolist()
        [3, 0, 5, 0]
    """
    backend, indices, values = arrays(indices, values)
    shape = tuple(shape)
    check_places("scatter", shape, tuple(indices.shape), "values", tuple(values.shape))
    check_integer_dtype("scatter", "indices", backend.dtype(indices))
    rows, depth = _rows(backend, indices, shape)
    zeros = backend.full((math.prod(shape[:depth]), *shape[depth:]), 0, backend.dtype(values))
    return backend.reshape(backend.index_add(zeros, rows, backend.reshape(values, (-1, *shape[depth:]))), shape)


@op(keras_path="core.ScatterUpdate")
def scatter_update(inputs: ArrayLike, indices: ArrayLike, updates: ArrayLike, reduction: str | None = None) -> Array:
    """Return a copy of an array with the values at the given indices replaced.

    Args:
        inputs: Array-like.
        indices: Array-like of integers of shape ``(n, depth)``, indices into the first ``depth`` axes of ``inputs``.
        updates: Array-like of shape ``(n, *inputs.shape[depth:])``, the new values.
        reduction: None to replace the old values (the indices must then be unique), or how to combine them with the new ones:
            ``"add"``, ``"max"``, ``"min"`` or ``"mul"``. Defaults to None.

    Example:
        >>> from cornu import ops
        >>> ops.scatter_update([1, 2, 3], [[1]], [9]).tolist()
        [1, 9, 3]
        >>> ops.scatter_update([1, 2, 3], [[1], [1]], [9, 5], reduction="max").tolist()
        [1, 9, 3]
    """
    check_option("reduction", reduction, (None, "add", *_COMBINED))
    backend, x, indices, updates = arrays(inputs, indices, updates)
    if backend.dtype(x) == "bool":
        return backend.cast(scatter_update(backend.cast(x, "int32"), indices, backend.cast(updates, "bool"), reduction), "bool")
    check_places("scatter_update", tuple(x.shape), tuple(indices.shape), "updates", tuple(updates.shape))
    check_integer_dtype("scatter_update", "indices", backend.dtype(indices))
    shape = backend.shape(x)
    rows, depth = _rows(backend, indices, shape)
    flat = backend.reshape(x, (math.prod(shape[:depth]), *shape[depth:]))
    values = backend.cast(backend.reshape(updates, (-1, *shape[depth:])), backend.dtype(x))
    if reduction == "add":
        return backend.reshape(backend.index_add(flat, rows, values), shape)
    size = backend.shape(flat)[0]
    hits = backend.index_add(backend.full((size,), 0, "int32"), rows, backend.full(backend.shape(rows), 1, "int32"))
    hit = backend.reshape(backend.greater(hits, 0), (-1,) + (1,) * (len(shape) - depth))
    if reduction is None:
        return backend.reshape(backend.index_add(backend.where(hit, 0, flat), rows, values), shape)
    combine = getattr(backend, _COMBINED[reduction])
    rows, values = _combined(backend, combine, rows, values, size)
    combined = backend.index_add(backend.full(backend.shape(flat), 0, backend.dtype(x)), rows, values)
    return backend.reshape(backend.where(hit, combine(flat, combined), flat), shape)


_COMBINED = {"max": "maximum", "min": "minimum", "mul": "multiply"}
"""The primitives that combine values written to the same index, by the name of the reduction."""


def _combined(backend: Backend, combine: Callable, rows: Array, updates: Array, size: int) -> tuple[Array, Array]:
    """Combine the updates of the same row by an associative function, in a number of steps logarithmic in their number.

    Returns:
        Tuple ``(rows, updates)``. Each row occurs once, with the combination of its updates; the others are ``size``.
    """
    rows = backend.where(backend.less(rows, 0), backend.add(rows, size), rows)
    order = backend.argsort(rows, 0)
    rows, updates = backend.take(rows, order, 0), backend.take(updates, order, 0)
    count = backend.shape(rows)[0]
    places = backend.arange(0, count, 1, "int32")
    reach = 1
    while reach < (
        count if isinstance(count, int) else 2**31 - 1
    ):  # each update holds the combination of `reach` neighbors of its row; double them
        earlier = backend.maximum(backend.subtract(places, reach), 0)
        is_same = backend.logical_and(backend.equal(backend.take(rows, earlier, 0), rows), backend.greater_equal(places, reach))
        is_same = backend.reshape(is_same, (-1,) + (1,) * (len(updates.shape) - 1))
        updates = backend.where(is_same, combine(updates, backend.take(updates, earlier, 0)), updates)
        reach *= 2
    later = backend.take(rows, backend.minimum(backend.add(places, 1), count - 1), 0)
    is_last = backend.logical_or(backend.not_equal(rows, later), backend.equal(places, count - 1))
    return backend.where(is_last, rows, size), updates


@op(batch_coupling=spared("axis1", "axis2"), keras_path="numpy.Diagonal")
def diagonal(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Return a diagonal of two axes as the last axis of the result: the elements ``x[i, i + offset]``.

    Args:
        x: Array-like.
        offset: Integer, offset from the main diagonal; positive values are above it. Defaults to 0.
        axis1: Integer, the axis of the rows. Defaults to 0.
        axis2: Integer, the axis of the columns. Defaults to 1.

    Example:
        >>> from cornu import ops
        >>> ops.diagonal([[1, 2], [3, 4]]).tolist()
        [1, 4]
    """
    backend, x = arrays(x)
    rows, columns = check_axis(axis1, x.shape, "axis1"), check_axis(axis2, x.shape, "axis2")
    if rows == columns:
        raise InvalidArgumentError(
            f"`axis1={axis1}` and `axis2={axis2}` were given for an array of shape {tuple(x.shape)}.",
            "A diagonal requires two different axes.",
            "Choose another axis for one of the two.",
        )
    rest = tuple(axis for axis in range(len(x.shape)) if axis not in (rows, columns))
    sizes = backend.shape(x)
    height, width = sizes[rows], sizes[columns]
    first, column = max(0, -offset), max(0, offset)
    steps: Any
    if isinstance(height, int) and isinstance(width, int):
        steps = np.arange(max(0, min(height - first, width - column)), dtype="int32")
    else:  # sizes in a trace
        count = backend.maximum(0, backend.minimum(height - first, width - column))
        steps = backend.arange(0, count, 1, "int32")
    flat = backend.reshape(backend.transpose(x, (*rest, rows, columns)), (*(sizes[axis] for axis in rest), height * width))
    return backend.take(flat, backend.asarray((steps + first) * width + steps + column), len(rest))


@op(keras_path="numpy.Diag")
def diag(x: ArrayLike, k: int = 0) -> Array:
    """Return the ``k``-th diagonal of a matrix, or the matrix with a one-dimensional array on its ``k``-th diagonal.

    Example:
        >>> from cornu import ops
        >>> ops.diag([1, 2]).tolist(), ops.diag([[1, 2], [3, 4]]).tolist()
        ([[1, 0], [0, 2]], [1, 4])
    """
    backend, x = arrays(x)
    if len(x.shape) == 2:
        return diagonal(x, k)
    if len(x.shape) != 1:
        raise shape_error("diag", x.shape, "It must have one or two axes.", "Use `diagonal` for an array with more axes.")
    size = x.shape[0] + abs(k)
    column = backend.reshape(backend.pad(x, ((max(0, -k), max(0, k)),)), (size, 1))
    mask = np.eye(size, k=k, dtype=bool)
    return backend.where(backend.asarray(mask), column, zero_of(backend, x))


@op(keras_path="numpy.Diagflat")
def diagflat(x: ArrayLike, k: int = 0) -> Array:
    """Return a matrix with the elements of a flattened array on its ``k``-th diagonal.

    Example:
        >>> from cornu import ops
        >>> ops.diagflat([[1], [2]]).tolist()
        [[1, 0], [0, 2]]
    """
    backend, x = arrays(x)
    return diag(backend.reshape(x, (-1,)), k)


@op(keras_path="numpy.Nonzero")
def nonzero(x: ArrayLike) -> tuple[Array, ...]:
    """Return the indices of the elements that are not 0, one array of indices for each axis.

    The length of the result depends on the values, so this op cannot be used in compiled code.

    Args:
        x: Array-like with at least one axis.

    Returns:
        Tuple of arrays of shape ``(n,)`` and dtype ``int32``.

    Raises:
        InvalidArgumentError: If it is used in compiled code.
        ShapeError: If the array is a scalar.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.nonzero([[1, 0], [0, 3]])]
        [[0, 1], [0, 1]]
    """
    backend, x = arrays(x)
    if not len(x.shape):
        raise ShapeError(
            "`nonzero` received a scalar.", "It must be an array with at least one axis.", "Pass `ops.reshape(x, (1,))`."
        )
    values = values_of("nonzero", backend, x, "Use `where(condition, x, y)`, whose result has a fixed shape.")
    return tuple(backend.asarray(part.astype("int32")) for part in np.nonzero(values))


@op(batch_coupling="none", keras_path="numpy.UnravelIndex")
def unravel_index(indices: ArrayLike, shape: Sequence[int]) -> tuple[Array, ...]:
    """Convert indices into a flattened array to indices into an array of a shape, one for each axis.

    Args:
        indices: Array-like of integers; negative ones count from the end.
        shape: Tuple of integers, the shape of the array.

    Returns:
        Tuple of arrays of the shape and dtype of ``indices``.

    Raises:
        InvalidTypeError: If the indices are not integers.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.unravel_index([1, 5], (2, 3))]
        [[0, 1], [1, 2]]
    """
    backend, rest = arrays(indices)
    check_integer_dtype("unravel_index", "indices", backend.dtype(rest))
    sizes = as_sizes(shape)
    found = []
    rest = backend.where(backend.less(rest, 0), backend.add(rest, math.prod(sizes)), rest)
    for size in reversed(sizes):
        found.append(backend.remainder(rest, size))
        rest = backend.floor_divide(rest, size)
    return tuple(reversed(found))
