"""Array manipulation: changing shapes, joining and splitting arrays."""

import itertools
from builtins import slice as slice_  # Keras uses the name for an op
from collections.abc import Sequence

import numpy as np

from cornu.backends.contract import Backend
from cornu.config import standardize_data_format
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.ops import shape_checks, unknown_sizes
from cornu.ops.batch_coupling import along_axis, joined, of_rank, padded, reshaped, spared, tiled, transposed
from cornu.ops.dispatch import arrays, op
from cornu.typing import Array, ArrayLike, Axis, IntOrInts, Size
from cornu.validation import check_int, check_option, invalid_together

__all__ = [
    "append",
    "array_split",
    "broadcast_to",
    "concatenate",
    "depth_to_space",
    "diff",
    "dsplit",
    "dstack",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "hsplit",
    "hstack",
    "moveaxis",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "rot90",
    "space_to_depth",
    "split",
    "squeeze",
    "stack",
    "swapaxes",
    "tile",
    "transpose",
    "unstack",
    "vsplit",
    "vstack",
]

# --- Shapes -----------------------------------------------------------------------------------------------------------


@op(batch_coupling=reshaped, unknown_sizes=unknown_sizes.reshaped, keras_path="numpy.Reshape")
def reshape(x: ArrayLike, newshape: int | Sequence[Size]) -> Array:
    """Return the elements of an array, in the same order, in a new shape.

    Args:
        x: Array-like.
        newshape: Integer or tuple of integers; one size may be -1 and is inferred from the number of elements. None, as in the
            shape of a symbolic tensor, is the size of ``x`` on the same axis; a single None is inferred like -1.

    Raises:
        ShapeError: If the new shape has another number of elements.

    Example:
        >>> from cornu import ops
        >>> ops.reshape([1, 2, 3, 4], (2, -1)).tolist()
        [[1, 2], [3, 4]]
    """
    backend, x = arrays(x)
    newshape = shape_checks.as_sizes(_with_sizes_of(x, newshape))
    if sum(isinstance(size, int) and size == -1 for size in newshape) > 1:  # a TensorFlow graph reports it only when it runs
        shape_checks.check_reshape(tuple(x.shape), newshape)
    try:
        return backend.reshape(x, newshape)
    except Exception:
        shape_checks.check_reshape(tuple(x.shape), newshape)
        raise


def _with_sizes_of(x: Array, newshape: int | Sequence[Size]) -> int | Sequence[int]:
    """Replace None in a new shape by the size of an array on the same axis, or a single None by -1."""
    if not isinstance(newshape, (list, tuple)) or not any(size is None for size in newshape):
        return newshape  # type: ignore[return-value]
    if sum(size is None or (isinstance(size, int) and size == -1) for size in newshape) == 1:
        return [-1 if size is None else size for size in newshape]
    sizes = (*x.shape, *newshape[len(x.shape) :])
    return [sizes[axis] if size is None else size for axis, size in enumerate(newshape)]  # type: ignore[misc]


@op(keras_path="numpy.Ravel")
def ravel(x: ArrayLike) -> Array:
    """Return the elements of an array as a one-dimensional array.

    Example:
        >>> from cornu import ops
        >>> ops.ravel([[1, 2], [3, 4]]).tolist()
        [1, 2, 3, 4]
    """
    backend, x = arrays(x)
    return backend.reshape(x, (-1,))


@op(batch_coupling=transposed, keras_path="numpy.Transpose")
def transpose(x: ArrayLike, axes: Sequence[int] | None = None) -> Array:
    """Permute the axes of an array.

    Args:
        x: Array-like.
        axes: Sequence of integers, the axes of ``x`` in their new order. Defaults to None (reversed order).

    Example:
        >>> from cornu import ops
        >>> ops.transpose([[1, 2], [3, 4]]).tolist()
        [[1, 3], [2, 4]]
    """
    backend, x = arrays(x)
    rank = len(x.shape)
    order = tuple(reversed(range(rank))) if axes is None else shape_checks.check_axes(tuple(axes), x.shape, "axes")
    if len(order) != rank:
        expected = f"`axes` must contain all {rank} axes."
        raise shape_checks.shape_error("transpose", x.shape, expected, "Pass each axis once.", axes=axes)
    return backend.transpose(x, order)


@op(batch_coupling=spared("axis1", "axis2"), keras_path="numpy.Swapaxes")
def swapaxes(x: ArrayLike, axis1: int, axis2: int) -> Array:
    """Exchange the axes ``axis1`` and ``axis2`` of an array.

    Example:
        >>> from cornu import ops
        >>> ops.swapaxes([[1, 2], [3, 4]], 0, 1).tolist()
        [[1, 3], [2, 4]]
    """
    backend, x = arrays(x)
    order = list(range(len(x.shape)))
    first, second = shape_checks.check_axis(axis1, x.shape, "axis1"), shape_checks.check_axis(axis2, x.shape, "axis2")
    order[first], order[second] = second, first
    return backend.transpose(x, tuple(order))


@op(batch_coupling=spared("source", "destination"), keras_path="numpy.Moveaxis")
def moveaxis(x: ArrayLike, source: IntOrInts, destination: IntOrInts) -> Array:
    """Move axes of an array to new positions; the other axes keep their order.

    Args:
        x: Array-like.
        source: Integer or tuple of integers, the axis or axes to move.
        destination: Integer or tuple of integers of the same length, the new positions.

    Example:
        >>> from cornu import ops
        >>> ops.shape(ops.moveaxis(ops.zeros((2, 3, 4)), 0, -1))
        (3, 4, 2)
    """
    backend, x = arrays(x)
    sources = shape_checks.check_axes(source, x.shape, "source")
    places = shape_checks.check_axes(destination, x.shape, "destination")
    shape_checks.check_same_length("moveaxis", "source", sources, "destination", places)
    order = [axis for axis in range(len(x.shape)) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return backend.transpose(x, tuple(order))


@op(batch_coupling=along_axis(new_axes=True), keras_path="numpy.ExpandDims")
def expand_dims(x: ArrayLike, axis: Axis) -> Array:
    """Insert one or several axes of size 1.

    Args:
        x: Array-like.
        axis: Integer or tuple of integers, the positions of the new axes in the result.

    Example:
        >>> from cornu import ops
        >>> ops.expand_dims([1, 2], -1).tolist()
        [[1], [2]]
    """
    backend, x = arrays(x)
    count = len(axis) if isinstance(axis, (list, tuple)) else 1
    places = shape_checks.check_axes(axis, (1,) * (len(x.shape) + count))
    sizes = iter(x.shape)
    return backend.reshape(x, tuple(1 if i in places else next(sizes) for i in range(len(x.shape) + count)))


@op(batch_coupling=along_axis(), keras_path="numpy.Squeeze")
def squeeze(x: ArrayLike, axis: Axis = None) -> Array:
    """Remove axes of size 1.

    Args:
        x: Array-like.
        axis: Integer or tuple of integers, the axis or axes to remove. Defaults to None (all axes of size 1).

    Raises:
        ShapeError: If the size of a given axis is not 1.

    Example:
        >>> from cornu import ops
        >>> ops.squeeze([[[1, 2]]]).tolist()
        [1, 2]
    """
    backend, x = arrays(x)
    shape = tuple(x.shape)
    places = tuple(i for i, size in enumerate(shape) if size == 1) if axis is None else shape_checks.check_axes(axis, shape)
    if any(shape[place] != 1 for place in places):
        hint = "Choose an axis of size 1, or use `reshape`."
        raise shape_checks.shape_error("squeeze", shape, "Only axes of size 1 can be removed.", hint, axis=axis)
    return backend.reshape(x, tuple(size for i, size in enumerate(shape) if i not in places))


@op(keras_path="numpy.BroadcastTo")
def broadcast_to(x: ArrayLike, shape: IntOrInts) -> Array:
    """Broadcast an array to a shape: repeat it along axes of size 1 and along new leading axes.

    Raises:
        ShapeError: If the array does not broadcast to the shape.

    Example:
        >>> from cornu import ops
        >>> ops.broadcast_to([1, 2], (2, 2)).tolist()
        [[1, 2], [1, 2]]
    """
    backend, x = arrays(x)
    sizes = shape_checks.as_sizes(shape)
    are_known = all(isinstance(size, int) for size in (*x.shape, *sizes))  # not those that TensorFlow computes when it runs
    if are_known and shape_checks.check_broadcast("broadcast_to", tuple(x.shape), sizes) != sizes:
        raise ShapeError(
            f"`broadcast_to` received an array of shape {tuple(x.shape)} and `shape={sizes}`.",
            "Broadcasting can only enlarge an array: no size of it may be larger than that of `shape`.",
            "Change `shape`, or reduce the array.",
        )
    return backend.broadcast_to(x, sizes)


@op(batch_coupling=along_axis(), keras_path="numpy.Flip")
def flip(x: ArrayLike, axis: Axis = None) -> Array:
    """Reverse the order of the elements along the given axes.

    Args:
        x: Array-like.
        axis: Integer or tuple of integers, the axis or axes along which to flip. Defaults to None (all axes).

    Example:
        >>> from cornu import ops
        >>> ops.flip([1, 2, 3]).tolist()
        [3, 2, 1]
    """
    backend, x = arrays(x)
    return backend.flip(x, shape_checks.check_axes(axis, x.shape))


@op(keras_path="numpy.Flipud")
def flipud(x: ArrayLike) -> Array:
    """Reverse the order of the elements along the first axis (flip up/down).

    Example:
        >>> from cornu import ops
        >>> ops.flipud([[1, 2], [3, 4]]).tolist()
        [[3, 4], [1, 2]]
    """
    return flip(x, 0)


@op(batch_coupling="none", keras_path="numpy.Fliplr")
def fliplr(x: ArrayLike) -> Array:
    """Reverse the order of the elements along the second axis (flip left/right).

    Example:
        >>> from cornu import ops
        >>> ops.fliplr([[1, 2], [3, 4]]).tolist()
        [[2, 1], [4, 3]]
    """
    return flip(x, 1)


@op(batch_coupling=spared("axes"), keras_path="numpy.Rot90")
def rot90(array: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """Rotate an array by 90 degrees in the plane of two axes.

    Args:
        array: Array-like.
        k: Integer, number of rotations. Defaults to 1.
        axes: Tuple of two integers, the plane of the rotation, which goes from the first towards the second axis. Defaults to
            ``(0, 1)``.

    Example:
        >>> from cornu import ops
        >>> ops.rot90([[1, 2], [3, 4]]).tolist()
        [[2, 4], [1, 3]]
    """
    backend, x = arrays(array)
    first, second = shape_checks.check_axes(tuple(axes), x.shape, "axes")
    turns = k % 4
    if turns == 2:
        return backend.flip(x, (first, second))
    if turns == 1:
        return swapaxes(backend.flip(x, (second,)), first, second)
    return backend.flip(swapaxes(x, first, second), (second,)) if turns == 3 else x


# --- Joining, repeating, splitting ------------------------------------------------------------------------------------


@op(batch_coupling=joined("xs"), unknown_sizes=unknown_sizes.equal_except("xs"), keras_path="numpy.Concatenate")
def concatenate(xs: Sequence[ArrayLike], axis: int = 0) -> Array:
    """Join arrays along an existing axis.

    Args:
        xs: Sequence of array-likes of the same shape except along ``axis``.
        axis: Integer, the axis along which to join. Defaults to 0.

    Raises:
        ShapeError: If the sizes of another axis differ.

    Example:
        >>> from cornu import ops
        >>> ops.concatenate([[1, 2], [3]]).tolist()
        [1, 2, 3]
    """
    if len(xs) == 0:
        shape_checks.check_concatenate((), axis)
    backend, *parts = arrays(*xs)
    try:
        return backend.concatenate(parts, axis)
    except Exception:
        shape_checks.check_concatenate([tuple(part.shape) for part in parts], axis)
        raise


@op(batch_coupling=joined("x", new_axes=1), unknown_sizes=unknown_sizes.equal("x"), keras_path="numpy.Stack")
def stack(x: Sequence[ArrayLike], axis: int = 0) -> Array:
    """Join arrays of the same shape along a new axis.

    Args:
        x: Sequence of array-likes.
        axis: Integer, the position of the new axis in the result. Defaults to 0.

    Raises:
        ShapeError: If the shapes differ.

    Example:
        >>> from cornu import ops
        >>> ops.stack([[1, 2], [3, 4]], axis=-1).tolist()
        [[1, 3], [2, 4]]
    """
    if len(x) == 0:
        shape_checks.check_concatenate((), axis)
    backend, *parts = arrays(*x)
    shape = tuple(parts[0].shape)
    for part in parts:
        if tuple(part.shape) != shape:
            raise ShapeError(
                f"`stack` received arrays of shapes {shape} and {tuple(part.shape)}.",
                "All must have the same shape.",
                "Reshape or pad them, or join them with `concatenate`.",
            )
    place = shape_checks.check_axis(axis, (*shape, 1))
    wide = (*shape[:place], 1, *shape[place:])
    return backend.concatenate([backend.reshape(part, wide) for part in parts], place)


def _at_least(rank: int, x: Array, backend: Backend) -> Array:
    if len(x.shape) >= rank:
        return x
    shape = tuple(x.shape) or (1,)
    if rank > 1 and len(shape) == 1:
        shape = (1, *shape)
    return backend.reshape(x, (*shape, 1) if rank > 2 else shape)


@op(unknown_sizes=unknown_sizes.equal_except("xs", axis=0, least_rank=2), keras_path="numpy.Vstack")
def vstack(xs: Sequence[ArrayLike]) -> Array:
    """Stack arrays along the first axis; one-dimensional arrays become the rows of a matrix.

    Example:
        >>> from cornu import ops
        >>> ops.vstack([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
    """
    backend, *parts = arrays(*xs)
    return concatenate([_at_least(2, part, backend) for part in parts], 0)


@op(
    batch_coupling=joined("xs", axis=1, least_rank=2),
    unknown_sizes=unknown_sizes.equal_except("xs", axis=1),
    keras_path="numpy.Hstack",
)
def hstack(xs: Sequence[ArrayLike]) -> Array:
    """Stack arrays along the second axis, or one-dimensional arrays along their only axis.

    Example:
        >>> from cornu import ops
        >>> ops.hstack([[1, 2], [3]]).tolist()
        [1, 2, 3]
    """
    backend, *parts = arrays(*xs)
    parts = [_at_least(1, part, backend) for part in parts]
    return concatenate(parts, 0 if len(parts[0].shape) == 1 else 1)


@op(
    batch_coupling=joined("xs", axis=2, least_rank=2, new_axes=1),
    unknown_sizes=unknown_sizes.equal_except("xs", axis=2, least_rank=3),
    keras_path="numpy.Dstack",
)
def dstack(xs: Sequence[ArrayLike]) -> Array:
    """Stack arrays along the third axis, which is added if it is missing.

    Example:
        >>> from cornu import ops
        >>> ops.dstack([[1, 2], [3, 4]]).tolist()
        [[[1, 3], [2, 4]]]
    """
    backend, *parts = arrays(*xs)
    return concatenate([_at_least(3, part, backend) for part in parts], 2)


@op(batch_coupling=joined("x1", "x2"), unknown_sizes=unknown_sizes.equal_except("x1", "x2"), keras_path="numpy.Append")
def append(x1: ArrayLike, x2: ArrayLike, axis: int | None = None) -> Array:
    """Append ``x2`` to ``x1`` along an axis; if ``axis`` is None, both are flattened.

    Example:
        >>> from cornu import ops
        >>> ops.append([1, 2], [3]).tolist()
        [1, 2, 3]
    """
    _, x1, x2 = arrays(x1, x2)
    return concatenate([ravel(x1), ravel(x2)], 0) if axis is None else concatenate([x1, x2], axis)


@op(batch_coupling=along_axis(), unknown_sizes=unknown_sizes.divided, keras_path="numpy.Split")
def split(x: ArrayLike, indices_or_sections: IntOrInts | Array, axis: int = 0) -> list[Array]:
    """Split an array into parts along an axis.

    Args:
        x: Array-like.
        indices_or_sections: Integer, number of parts of equal size; or a list or array of integers, the indices at which to
            split.
        axis: Integer, the axis along which to split. Defaults to 0.

    Returns:
        List of arrays.

    Raises:
        InvalidArgumentError: If the indices are not in ascending order.
        ShapeError: If the size of the axis is not a multiple of the number of parts.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.split([1, 2, 3, 4], [1, 3])]
        [[1], [2, 3], [4]]
    """
    backend, x = arrays(x)
    place = shape_checks.check_axis(axis, x.shape)
    size = x.shape[place]
    if size is None:
        return backend.split(x, _sizes_in_trace(backend.shape(x)[place], indices_or_sections), place)
    if np.ndim(indices_or_sections) == 1:  # type: ignore[arg-type]
        cuts = [slice_(int(cut)).indices(size)[1] for cut in np.asarray(indices_or_sections)]
        if cuts != sorted(cuts):
            raise InvalidArgumentError(
                f"`split` received an array of shape {tuple(x.shape)} and `indices_or_sections={indices_or_sections}`.",
                f"The indices at which axis {axis} is split must be in ascending order.",
                "Sort them, or use slices for overlapping parts: `x[3:8]`.",
            )
    else:
        count = int(indices_or_sections)  # type: ignore[arg-type]
        if count < 1 or size % count:
            expected = f"The size {size} of axis {axis} must be a multiple of the number of parts."
            hint = "Choose another number of parts, or pass the indices at which to split."
            raise shape_checks.shape_error("split", x.shape, expected, hint, indices_or_sections=count)
        cuts = [i * (size // count) for i in range(1, count)]
    return backend.split(x, tuple(np.diff([0, *cuts, size]).tolist()), place)


def _sizes_in_trace(size: Array, indices_or_sections: IntOrInts | Array) -> tuple:
    """Return the sizes of the parts into which an axis is split whose size has a value only when a traced function runs."""
    if np.ndim(indices_or_sections) == 0:  # type: ignore[arg-type]
        count = int(indices_or_sections)  # type: ignore[arg-type]
        return (size // count,) * count
    cuts = [0, *(int(cut) if cut >= 0 else size + int(cut) for cut in np.asarray(indices_or_sections)), size]
    return tuple(stop - start for start, stop in itertools.pairwise(cuts))


@op(batch_coupling=along_axis(), keras_path="numpy.ArraySplit")
def array_split(x: ArrayLike, indices_or_sections: IntOrInts, axis: int = 0) -> list[Array]:
    """Split an array into parts along an axis, which need not be of equal size: the first ones may have one element more.

    See :func:`split` for the arguments.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.array_split([1, 2, 3, 4, 5], 2)]
        [[1, 2, 3], [4, 5]]
    """
    if isinstance(indices_or_sections, (int, np.integer)):
        count = check_int("array_split", "indices_or_sections", indices_or_sections)
        _, x = arrays(x)
        size, more = divmod(x.shape[shape_checks.check_axis(axis, x.shape)], count)
        indices_or_sections = [number * size + min(number, more) for number in range(1, count)]
    return split(x, indices_or_sections, axis)


@op(batch_coupling=of_rank(2), keras_path="numpy.Hsplit")
def hsplit(x: ArrayLike, indices_or_sections: IntOrInts) -> list[Array]:
    """Split an array along its second axis, a one-dimensional one along its only axis (see :func:`split`).

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.hsplit([[1, 2], [3, 4]], 2)]
        [[[1], [3]], [[2], [4]]]
    """
    _, x = arrays(x)
    return split(x, indices_or_sections, 1 if len(x.shape) > 1 else 0)


@op(keras_path="numpy.Vsplit")
def vsplit(x: ArrayLike, indices_or_sections: IntOrInts) -> list[Array]:
    """Split an array along its first axis (see :func:`split`).

    Raises:
        ShapeError: If the array has fewer than two axes.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.vsplit([[1, 2], [3, 4]], 2)]
        [[[1, 2]], [[3, 4]]]
    """
    return _split_of_rank("vsplit", x, indices_or_sections, axis=0, least_rank=2)


@op(batch_coupling=of_rank(3), keras_path="numpy.Dsplit")
def dsplit(x: ArrayLike, indices_or_sections: IntOrInts) -> list[Array]:
    """Split an array along its third axis (see :func:`split`).

    Raises:
        ShapeError: If the array has fewer than three axes.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.dsplit([[[1, 2]]], 2)]
        [[[[1]]], [[[2]]]]
    """
    return _split_of_rank("dsplit", x, indices_or_sections, axis=2, least_rank=3)


def _split_of_rank(name: str, x: ArrayLike, indices_or_sections: IntOrInts, axis: int, least_rank: int) -> list[Array]:
    """Split an array that must have a number of axes."""
    _, x = arrays(x)
    if len(x.shape) < least_rank:
        expected = f"It must have at least {least_rank} axes."
        raise shape_checks.shape_error(name, x.shape, expected, "Use `split` with the `axis`.")
    return split(x, indices_or_sections, axis)


@op(batch_coupling=along_axis(), unknown_sizes=unknown_sizes.counted, keras_path="core.Unstack")
def unstack(x: ArrayLike, num: int | None = None, axis: int = 0) -> list[Array]:
    """Split an array along an axis into a list of arrays without that axis.

    Args:
        x: Array-like.
        num: Integer, size of the axis. Defaults to None (taken from the shape).
        axis: Integer, the axis along which to unstack. Defaults to 0.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.unstack([[1, 2], [3, 4]])]
        [[1, 2], [3, 4]]
    """
    backend, x = arrays(x)
    place = shape_checks.check_axis(axis, x.shape)
    if num is not None and num != x.shape[place]:
        expected = f"The size of axis {axis} is {x.shape[place]}."
        raise shape_checks.shape_error("unstack", x.shape, expected, "Omit `num`.", num=num)
    before = (slice_(None),) * place
    return [backend.getitem(x, (*before, i)) for i in range(x.shape[place])]


@op(batch_coupling=along_axis(), keras_path="numpy.Repeat")
def repeat(x: ArrayLike, repeats: int | Sequence[int] | np.ndarray, axis: int | None = None) -> Array:
    """Repeat each element of an array along an axis; the copies are adjacent.

    Args:
        x: Array-like.
        repeats: Integer, or sequence with one integer for each element along the axis: the number of repetitions.
        axis: Integer, the axis along which to repeat. Defaults to None (the flattened array).

    Example:
        >>> from cornu import ops
        >>> ops.repeat([1, 2], 2).tolist(), ops.repeat([1, 2], [0, 3]).tolist()
        ([1, 1, 2, 2], [2, 2, 2])
    """
    backend, values = arrays(x)
    if axis is None:
        values, axis = backend.reshape(values, (-1,)), 0
    place = shape_checks.check_axis(axis, values.shape)
    shape = backend.shape(values)
    if np.size(repeats) not in (1, shape[place]) or np.min(repeats, initial=0) < 0:
        raise InvalidArgumentError(
            f"`repeat` received an array of shape {shape} and `repeats={repeats!r}`.",
            f"It must be a non-negative integer, or one for each of the {shape[place]} elements along axis {axis}.",
            "Change `repeats`, or choose another `axis`.",
        )
    if np.size(repeats) == 1:
        count = int(np.reshape(repeats, ()))
        wide = backend.reshape(values, (*shape[: place + 1], 1, *shape[place + 1 :]))
        wide = backend.broadcast_to(wide, (*shape[: place + 1], count, *shape[place + 1 :]))
        return backend.reshape(wide, (*shape[:place], shape[place] * count, *shape[place + 1 :]))
    rows = np.repeat(np.arange(shape[place], dtype="int32"), np.asarray(repeats))
    return backend.take(values, backend.asarray(rows), place)


@op(batch_coupling=tiled, keras_path="numpy.Tile")
def tile(x: ArrayLike, repeats: IntOrInts) -> Array:
    """Repeat a whole array along each axis; the copies follow one another.

    Args:
        x: Array-like.
        repeats: Integer (for the last axis) or tuple of integers, the number of repetitions along each axis.

    Example:
        >>> from cornu import ops
        >>> ops.tile([1, 2], 2).tolist()
        [1, 2, 1, 2]
    """
    backend, x = arrays(x)
    counts = shape_checks.check_sizes(repeats, "repeats")
    rank = max(len(counts), len(x.shape))
    counts = (1,) * (rank - len(counts)) + counts
    shape = (1,) * (rank - len(x.shape)) + backend.shape(x)
    thin = [size for pair in zip((1,) * rank, shape, strict=True) for size in pair]
    wide = [size for pair in zip(counts, shape, strict=True) for size in pair]
    try:
        result = backend.broadcast_to(backend.reshape(x, tuple(thin)), tuple(wide))
        return backend.reshape(result, tuple(count * size for count, size in zip(counts, shape, strict=True)))
    except Exception as problem:
        if all(isinstance(count, int) for count in counts):
            raise
        raise InvalidTypeError(
            "`tile` received `repeats` that are computed in a compiled function.",
            "Their values must be known when it is compiled, since the shape of the result depends on them.",
            "Pass integers, or an array that is not an argument of the function.",
        ) from problem


@op(batch_coupling=along_axis(), keras_path="numpy.Roll")
def roll(x: ArrayLike, shift: int | list[int] | tuple[int, ...], axis: Axis = None) -> Array:
    """Shift the elements along an axis; elements that leave at one end reappear at the other.

    Args:
        x: Array-like.
        shift: Integer, or tuple with one integer for each axis: the number of positions.
        axis: Integer or tuple of integers, the axis or axes along which to shift. Defaults to None (the flattened array).

    Example:
        >>> from cornu import ops
        >>> ops.roll([1, 2, 3], 1).tolist()
        [3, 1, 2]
    """
    backend, values = arrays(x)
    if axis is None:
        return backend.reshape(roll(backend.reshape(values, (-1,)), shift, 0), backend.shape(values))
    places = shape_checks.check_axes(axis, values.shape)
    shifts = tuple(shift) if isinstance(shift, (list, tuple)) else (shift,) * len(places)
    shape_checks.check_same_length("roll", "shift", shifts, "axis", places)
    for place, amount in zip(places, shifts, strict=True):
        size = backend.shape(values)[place]
        cut = 0 if isinstance(size, int) and size == 0 else -int(amount) % size
        if not isinstance(cut, int) or cut:
            before = (slice_(None),) * place
            head, tail = backend.getitem(values, (*before, slice_(cut))), backend.getitem(values, (*before, slice_(cut, None)))
            values = backend.concatenate([tail, head], place)
    return values


@op(batch_coupling=padded, keras_path="numpy.Pad")
def pad(
    x: ArrayLike,
    pad_width: int | Sequence[int] | Sequence[Sequence[int]],
    mode: str = "constant",
    constant_values: float | None = None,
) -> Array:
    """Pad an array along each axis.

    Args:
        x: Array-like.
        pad_width: One pair ``(before, after)`` for each axis; or one pair, or one integer, for all axes.
        mode: ``"constant"``, ``"reflect"`` (mirrored without the edge), ``"symmetric"`` (mirrored with the edge) or ``"edge"``
            (the edge repeated). Defaults to ``"constant"``.
        constant_values: Value of constant padding. Defaults to 0.

    Example:
        >>> from cornu import ops
        >>> ops.pad([1, 2, 3], (1, 2)).tolist(), ops.pad([1, 2, 3], 1, mode="reflect").tolist()
        ([0, 1, 2, 3, 0, 0], [2, 1, 2, 3, 2])
    """
    check_option("mode", mode, ("constant", "reflect", "symmetric", "edge"))
    if constant_values is not None and mode != "constant":
        given = {"constant_values": constant_values, "mode": mode}
        expected = 'Only `mode="constant"` uses `constant_values`.'
        raise invalid_together("pad", given, expected, "Remove one of the two arguments.")
    backend, x = arrays(x)
    return backend.pad(x, _pairs(pad_width, tuple(x.shape)), mode, 0 if constant_values is None else constant_values)


def _pairs(pad_width: int | Sequence[int] | Sequence[Sequence[int]], shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    try:
        pairs = np.broadcast_to(np.asarray(pad_width, "int64"), (len(shape), 2)).tolist()
    except Exception:
        pairs = None
    if pairs is None or any(number < 0 for pair in pairs for number in pair):
        expected = f"A pair `(before, after)` of non-negative integers is required for each of the {len(shape)} axes."
        hint = "Pass `(0, 0)` for an axis that is not padded."
        raise shape_checks.shape_error("pad", shape, expected, hint, pad_width=pad_width)
    return tuple((before, after) for before, after in pairs)


# --- Indexing ---------------------------------------------------------------------------------------------------------


@op(batch_coupling=along_axis(), keras_path="numpy.Diff")
def diff(a: ArrayLike, n: int = 1, axis: int = -1) -> Array:
    """Return the differences ``a[i + 1] - a[i]`` of adjacent elements along an axis, applied ``n`` times.

    For booleans, return whether adjacent elements differ.

    Example:
        >>> from cornu import ops
        >>> ops.diff([1, 4, 9]).tolist()
        [3, 5]
    """
    backend, x = arrays(a)
    place = shape_checks.check_axis(axis, x.shape)
    before = (slice_(None),) * place
    subtract = backend.not_equal if backend.dtype(x) == "bool" else backend.subtract
    for _ in range(n):
        x = subtract(backend.getitem(x, (*before, slice_(1, None))), backend.getitem(x, (*before, slice_(None, -1))))
    return x


def _blocks(name: str, x: ArrayLike, block_size: int, data_format: str, divided: slice_, unit: int) -> tuple[Backend, Array]:
    """Return the backend and the images with channels last; validate that the block size divides the given sizes."""
    backend, values = arrays(x)
    if len(values.shape) != 4:
        raise shape_checks.shape_error(name, values.shape, "It requires a batch of images (4 axes).", "Add an axis.")
    if standardize_data_format(data_format) == "channels_first":
        values = backend.transpose(values, (0, 2, 3, 1))
    if block_size < 1 or any(size % unit for size in values.shape[divided]):
        expected = f"With channels last, the sizes {tuple(values.shape[divided])} must be multiples of {unit}."
        raise shape_checks.shape_error(name, values.shape, expected, "Choose another `block_size`.", block_size=block_size)
    return backend, values


@op(batch_coupling=of_rank(4))
def depth_to_space(x: ArrayLike, block_size: int, data_format: str = "channels_last") -> Array:
    """Rearrange channels into blocks of pixels, which enlarges images (sub-pixel convolution; Shi et al., 2016).

    With ``b = block_size`` and ``c = channels / b**2``: ``y[n, i * b + p, j * b + q, k] = x[n, i, j, (p * b + q) * c + k]``.

    Args:
        x: Array-like of shape ``(batch, height, width, channels)``.
        block_size: Integer, side of a block in pixels; ``channels`` must be a multiple of its square.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``"channels_last"``.

    Returns:
        Array of shape ``(batch, height * block_size, width * block_size, channels / block_size**2)``.

    Example:
        >>> from cornu import ops
        >>> ops.depth_to_space([[[[1, 2, 3, 4]]]], 2).tolist()
        [[[[1], [2]], [[3], [4]]]]
    """
    backend, values = _blocks("depth_to_space", x, block_size, data_format, slice_(3, 4), block_size**2)
    batch, height, width, channels = values.shape
    depth = channels // block_size**2
    values = backend.reshape(values, (batch, height, width, block_size, block_size, depth))
    values = backend.reshape(
        backend.transpose(values, (0, 1, 3, 2, 4, 5)), (batch, height * block_size, width * block_size, depth)
    )
    return values if data_format == "channels_last" else backend.transpose(values, (0, 3, 1, 2))


@op(batch_coupling=of_rank(4))
def space_to_depth(x: ArrayLike, block_size: int, data_format: str = "channels_last") -> Array:
    """Rearrange blocks of pixels into channels, which reduces the size of images: the inverse of :func:`depth_to_space`.

    Args:
        x: Array-like of shape ``(batch, height, width, channels)``.
        block_size: Integer, side of a block in pixels; ``height`` and ``width`` must be multiples of it.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``"channels_last"``.

    Returns:
        Array of shape ``(batch, height / block_size, width / block_size, channels * block_size**2)``.

    Example:
        >>> from cornu import ops
        >>> ops.space_to_depth([[[[1], [2]], [[3], [4]]]], 2).tolist()
        [[[[1, 2, 3, 4]]]]
    """
    backend, values = _blocks("space_to_depth", x, block_size, data_format, slice_(1, 3), block_size)
    batch, height, width, depth = values.shape
    rows, columns = height // block_size, width // block_size
    values = backend.reshape(values, (batch, rows, block_size, columns, block_size, depth))
    values = backend.reshape(backend.transpose(values, (0, 1, 3, 2, 4, 5)), (batch, rows, columns, depth * block_size**2))
    return values if data_format == "channels_last" else backend.transpose(values, (0, 3, 1, 2))
