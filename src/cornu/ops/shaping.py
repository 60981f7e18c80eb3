"""Changing the shape of arrays, joining and splitting them, and taking parts."""

import math
from builtins import slice as slice_  # Keras uses the name for an op
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.backends.contract import Array
from cornu.config import standardize_data_format
from cornu.errors import InvalidArgumentError, ShapeError, one_of
from cornu.ops.batch_coupling import along_axis, indexed, joined, of_rank, padded, reshaped, spared, taken, tiled, transposed
from cornu.ops.checks import (
    as_sizes,
    check_axes,
    check_axis,
    check_block,
    check_broadcast,
    check_concatenate,
    check_key,
    check_places,
    check_reshape,
    check_sizes,
    check_whole,
)
from cornu.ops.dispatch import arrays, has_floats, op

# --- The same numbers in another shape --------------------------------------------------------------------------------


@op(batch_coupling=reshaped, keras_path="numpy.Reshape")
def reshape(x: Array, newshape: Any) -> Array:
    """The same numbers, in the same order, in another shape.

    Args:
        x: An array.
        newshape: A tuple of sizes; one may be -1, which stands for what is left.

    Raises:
        ShapeError: The new shape does not hold as many numbers.

    Example:
        >>> from cornu import ops
        >>> ops.reshape([1, 2, 3, 4], (2, -1)).tolist()
        [[1, 2], [3, 4]]
    """
    backend, x = arrays(x)
    newshape = as_sizes(newshape)
    if newshape.count(-1) > 1:  # in a graph of TensorFlow's nobody else would notice before it runs
        check_reshape(tuple(x.shape), newshape)
    try:
        return backend.reshape(x, newshape)
    except Exception:
        check_reshape(tuple(x.shape), newshape)
        raise


@op(keras_path="numpy.Ravel")
def ravel(x: Array) -> Array:
    """All numbers in one row.

    Example:
        >>> from cornu import ops
        >>> ops.ravel([[1, 2], [3, 4]]).tolist()
        [1, 2, 3, 4]
    """
    backend, x = arrays(x)
    return backend.reshape(x, (-1,))


@op(batch_coupling=transposed, keras_path="numpy.Transpose")
def transpose(x: Array, axes: Sequence[int] | None = None) -> Array:
    """The axes in another order.

    Args:
        x: An array.
        axes: The old axes in their new order; None turns the order round.

    Example:
        >>> from cornu import ops
        >>> ops.transpose([[1, 2], [3, 4]]).tolist()
        [[1, 3], [2, 4]]
    """
    backend, x = arrays(x)
    rank = len(x.shape)
    order = tuple(reversed(range(rank))) if axes is None else check_axes(tuple(axes), x.shape, "axes")
    if len(order) != rank:
        raise ShapeError(
            f"`transpose` was given `axes={tuple(axes or ())}` for an array of shape {tuple(x.shape)}.",
            f"All {rank} axes must be named.",
            "Name each axis once.",
        )
    return backend.transpose(x, order)


@op(batch_coupling=spared("axis1", "axis2"), keras_path="numpy.Swapaxes")
def swapaxes(x: Array, axis1: int, axis2: int) -> Array:
    """The array with two axes exchanged.

    Example:
        >>> from cornu import ops
        >>> ops.swapaxes([[1, 2], [3, 4]], 0, 1).tolist()
        [[1, 3], [2, 4]]
    """
    backend, x = arrays(x)
    order = list(range(len(x.shape)))
    first, second = check_axis(axis1, x.shape, "axis1"), check_axis(axis2, x.shape, "axis2")
    order[first], order[second] = second, first
    return backend.transpose(x, tuple(order))


@op(batch_coupling=spared("source", "destination"), keras_path="numpy.Moveaxis")
def moveaxis(x: Array, source: Any, destination: Any) -> Array:
    """The array with some axes at other places, the rest in their order.

    Args:
        x: An array.
        source: The axis or axes to move.
        destination: Where they go, as many.

    Example:
        >>> from cornu import ops
        >>> ops.shape(ops.moveaxis(ops.zeros((2, 3, 4)), 0, -1))
        (3, 4, 2)
    """
    backend, x = arrays(x)
    sources, places = check_axes(source, x.shape, "source"), check_axes(destination, x.shape, "destination")
    if len(sources) != len(places):
        raise InvalidArgumentError(
            f"`moveaxis` was given `source={source!r}` and `destination={destination!r}`.",
            "There must be as many of both.",
            "Name a place for each axis.",
        )
    order = [axis for axis in range(len(x.shape)) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return backend.transpose(x, tuple(order))


@op(batch_coupling=along_axis(new_axes=True), keras_path="numpy.ExpandDims")
def expand_dims(x: Array, axis: Any) -> Array:
    """The array with a new axis of size 1, or several.

    Args:
        x: An array.
        axis: Where the new axis stands in the result; a number or a tuple of numbers.

    Example:
        >>> from cornu import ops
        >>> ops.expand_dims([1, 2], -1).tolist()
        [[1], [2]]
    """
    backend, x = arrays(x)
    count = len(axis) if isinstance(axis, (list, tuple)) else 1
    places = check_axes(axis, (1,) * (len(x.shape) + count))
    sizes = iter(x.shape)
    return backend.reshape(x, tuple(1 if i in places else next(sizes) for i in range(len(x.shape) + count)))


@op(batch_coupling=along_axis(), keras_path="numpy.Squeeze")
def squeeze(x: Array, axis: Any = None) -> Array:
    """The array without axes of size 1.

    Args:
        x: An array.
        axis: The axis or axes to leave out; None is all of size 1.

    Raises:
        ShapeError: The size of a named axis is not 1.

    Example:
        >>> from cornu import ops
        >>> ops.squeeze([[[1, 2]]]).tolist()
        [1, 2]
    """
    backend, x = arrays(x)
    shape = tuple(x.shape)
    places = tuple(i for i, size in enumerate(shape) if size == 1) if axis is None else check_axes(axis, shape)
    if any(shape[place] != 1 for place in places):
        raise ShapeError(
            f"`squeeze` was given `axis={axis!r}` for an array of shape {shape}.",
            "Only axes of size 1 can be left out.",
            "Choose one of size 1, or use `reshape`.",
        )
    return backend.reshape(x, tuple(size for i, size in enumerate(shape) if i not in places))


@op(keras_path="numpy.BroadcastTo")
def broadcast_to(x: Array, shape: Any) -> Array:
    """The array repeated along axes of size 1 (and new ones in front) up to a shape.

    Raises:
        ShapeError: The array does not broadcast to the shape.

    Example:
        >>> from cornu import ops
        >>> ops.broadcast_to([1, 2], (2, 2)).tolist()
        [[1, 2], [1, 2]]
    """
    backend, x = arrays(x)
    shape = (shape,) if np.ndim(shape) == 0 else tuple(shape)
    if check_broadcast("broadcast_to", tuple(x.shape), shape) != shape:
        raise ShapeError(
            f"`broadcast_to` was given an array of shape {tuple(x.shape)} and `shape={shape}`.",
            "An array can only grow: no size of it may be larger than that of `shape`.",
            "Change `shape`, or reduce the array.",
        )
    return backend.broadcast_to(x, shape)


@op(batch_coupling=along_axis(), keras_path="numpy.Flip")
def flip(x: Array, axis: Any = None) -> Array:
    """The array in reverse order along an axis, several, or (None) all.

    Example:
        >>> from cornu import ops
        >>> ops.flip([1, 2, 3]).tolist()
        [3, 2, 1]
    """
    backend, x = arrays(x)
    return backend.flip(x, check_axes(axis, x.shape))


@op(keras_path="numpy.Flipud")
def flipud(x: Array) -> Array:
    """The array upside down: its first axis reversed.

    Example:
        >>> from cornu import ops
        >>> ops.flipud([[1, 2], [3, 4]]).tolist()
        [[3, 4], [1, 2]]
    """
    return flip(x, 0)


@op(batch_coupling="none", keras_path="numpy.Fliplr")
def fliplr(x: Array) -> Array:
    """The array with its second axis reversed.

    Example:
        >>> from cornu import ops
        >>> ops.fliplr([[1, 2], [3, 4]]).tolist()
        [[2, 1], [4, 3]]
    """
    return flip(x, 1)


@op(batch_coupling=spared("axes"), keras_path="numpy.Rot90")
def rot90(array: Array, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """The array turned by 90 degrees, ``k`` times, from the first towards the second of two axes.

    Example:
        >>> from cornu import ops
        >>> ops.rot90([[1, 2], [3, 4]]).tolist()
        [[2, 4], [1, 3]]
    """
    backend, x = arrays(array)
    first, second = check_axes(tuple(axes), x.shape, "axes")
    order = list(range(len(x.shape)))
    order[first], order[second] = second, first
    turns = k % 4
    if turns == 2:
        return backend.flip(x, (first, second))
    if turns == 1:
        return backend.transpose(backend.flip(x, (second,)), tuple(order))
    return backend.flip(backend.transpose(x, tuple(order)), (second,)) if turns == 3 else x


# --- Joining, repeating, splitting ------------------------------------------------------------------------------------


@op(batch_coupling=joined("xs"), keras_path="numpy.Concatenate")
def concatenate(xs: Sequence[Array], axis: int = 0) -> Array:
    """Arrays joined along an axis that they have.

    Args:
        xs: The arrays, of the same shape but for that axis.
        axis: The axis.

    Raises:
        ShapeError: Other sizes differ.

    Example:
        >>> from cornu import ops
        >>> ops.concatenate([[1, 2], [3]]).tolist()
        [1, 2, 3]
    """
    if len(xs) == 0:
        check_concatenate((), axis)
    backend, *parts = arrays(*xs)
    try:
        return backend.concatenate(parts, axis)
    except Exception:
        check_concatenate([tuple(part.shape) for part in parts], axis)
        raise


@op(batch_coupling=joined("x", new_axes=1), keras_path="numpy.Stack")
def stack(x: Sequence[Array], axis: int = 0) -> Array:
    """Arrays of one shape joined along a new axis.

    Raises:
        ShapeError: The shapes differ.

    Example:
        >>> from cornu import ops
        >>> ops.stack([[1, 2], [3, 4]], axis=-1).tolist()
        [[1, 3], [2, 4]]
    """
    if len(x) == 0:
        check_concatenate((), axis)
    backend, *parts = arrays(*x)
    shape = tuple(parts[0].shape)
    for part in parts:
        if tuple(part.shape) != shape:
            raise ShapeError(
                f"`stack` was given arrays of shapes {shape} and {tuple(part.shape)}.",
                "All must have the same shape.",
                "Reshape or pad them, or join them with `concatenate`.",
            )
    place = check_axis(axis, (*shape, 1))
    wide = (*shape[:place], 1, *shape[place:])
    return backend.concatenate([backend.reshape(part, wide) for part in parts], place)


def _at_least(rank: int, x: Array, backend: Any) -> Array:
    if len(x.shape) >= rank:
        return x
    shape = tuple(x.shape) or (1,)
    if rank > 1 and len(shape) == 1:
        shape = (1, *shape)
    return backend.reshape(x, (*shape, 1) if rank > 2 else shape)


@op(keras_path="numpy.Vstack")
def vstack(xs: Sequence[Array]) -> Array:
    """Arrays joined along the first axis; rows of numbers become rows of a matrix.

    Example:
        >>> from cornu import ops
        >>> ops.vstack([[1, 2], [3, 4]]).tolist()
        [[1, 2], [3, 4]]
    """
    backend, *parts = arrays(*xs)
    return concatenate([_at_least(2, part, backend) for part in parts], 0)


@op(batch_coupling=joined("xs", axis=1, least_rank=2), keras_path="numpy.Hstack")
def hstack(xs: Sequence[Array]) -> Array:
    """Arrays joined along the second axis, or rows of numbers along their only one.

    Example:
        >>> from cornu import ops
        >>> ops.hstack([[1, 2], [3]]).tolist()
        [1, 2, 3]
    """
    backend, *parts = arrays(*xs)
    parts = [_at_least(1, part, backend) for part in parts]
    return concatenate(parts, 0 if len(parts[0].shape) == 1 else 1)


@op(batch_coupling=joined("xs", axis=2, least_rank=2, new_axes=1), keras_path="numpy.Dstack")
def dstack(xs: Sequence[Array]) -> Array:
    """Arrays joined along the third axis, which is made if need be.

    Example:
        >>> from cornu import ops
        >>> ops.dstack([[1, 2], [3, 4]]).tolist()
        [[[1, 3], [2, 4]]]
    """
    backend, *parts = arrays(*xs)
    return concatenate([_at_least(3, part, backend) for part in parts], 2)


@op(batch_coupling=joined("x1", "x2"), keras_path="numpy.Append")
def append(x1: Array, x2: Array, axis: int | None = None) -> Array:
    """``x2`` joined to the end of ``x1`` along an axis; of None, both flattened.

    Example:
        >>> from cornu import ops
        >>> ops.append([1, 2], [3]).tolist()
        [1, 2, 3]
    """
    _, x1, x2 = arrays(x1, x2)
    return concatenate([ravel(x1), ravel(x2)], 0) if axis is None else concatenate([x1, x2], axis)


@op(batch_coupling=along_axis(), keras_path="numpy.Split")
def split(x: Array, indices_or_sections: Any, axis: int = 0) -> list[Array]:
    """The array cut into parts along an axis.

    Args:
        x: An array.
        indices_or_sections: How many parts of one size; or a list of the places to cut at.
        axis: The axis.

    Raises:
        InvalidArgumentError: The places to cut at are not in order.
        ShapeError: The size cannot be divided by the number of parts.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.split([1, 2, 3, 4], [1, 3])]
        [[1], [2, 3], [4]]
    """
    backend, x = arrays(x)
    place = check_axis(axis, x.shape)
    size = x.shape[place]
    if isinstance(indices_or_sections, (list, tuple, np.ndarray)):
        cuts = [slice_(int(cut)).indices(size)[1] for cut in indices_or_sections]
        if cuts != sorted(cuts):
            raise InvalidArgumentError(
                f"`split` was given an array of shape {tuple(x.shape)} and `indices_or_sections={indices_or_sections}`.",
                f"The places to cut axis {axis} at must be in order.",
                "Sort them, or take parts that overlap with slices: `x[3:8]`.",
            )
    else:
        count = int(indices_or_sections)
        if count < 1 or size % count:
            raise ShapeError(
                f"`split` was given an array of shape {tuple(x.shape)} and `indices_or_sections={count}`.",
                f"The size {size} of axis {axis} must be a multiple of the number of parts.",
                "Choose another number of parts, or pass the places to cut at.",
            )
        cuts = [i * (size // count) for i in range(1, count)]
    return backend.split(x, tuple(np.diff([0, *cuts, size]).tolist()), place)


@op(batch_coupling=along_axis(), keras_path="core.Unstack")
def unstack(x: Array, num: int | None = None, axis: int = 0) -> list[Array]:
    """The parts of an array along an axis, without that axis.

    Args:
        x: An array.
        num: How many there are; may be left out.
        axis: The axis.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.unstack([[1, 2], [3, 4]])]
        [[1, 2], [3, 4]]
    """
    backend, x = arrays(x)
    place = check_axis(axis, x.shape)
    if num is not None and num != x.shape[place]:
        raise ShapeError(
            f"`unstack` was given `num={num}` for an array of shape {tuple(x.shape)}.",
            f"The size of axis {axis} is {x.shape[place]}.",
            "Leave `num` out.",
        )
    before = (slice_(None),) * place
    return [backend.getitem(x, (*before, i)) for i in range(x.shape[place])]


@op(batch_coupling=along_axis(), keras_path="numpy.Repeat")
def repeat(x: Array, repeats: Any, axis: int | None = None) -> Array:
    """Each part of an array several times, one copy beside the other.

    Args:
        x: An array.
        repeats: How often; a number, or one for each part.
        axis: The axis; None is the flattened array.

    Example:
        >>> from cornu import ops
        >>> ops.repeat([1, 2], 2).tolist(), ops.repeat([1, 2], [0, 3]).tolist()
        ([1, 1, 2, 2], [2, 2, 2])
    """
    backend, x = arrays(x)
    if axis is None:
        x, axis = backend.reshape(x, (-1,)), 0
    place = check_axis(axis, x.shape)
    shape = tuple(x.shape)
    if np.size(repeats) not in (1, shape[place]) or np.min(repeats, initial=0) < 0:
        raise InvalidArgumentError(
            f"`repeat` was given an array of shape {shape} and `repeats={repeats!r}`.",
            f"It must be a number from 0 on, or one for each of the {shape[place]} parts of axis {axis}.",
            "Change `repeats`, or choose another `axis`.",
        )
    if np.size(repeats) == 1:
        count = int(np.reshape(repeats, ()))
        wide = backend.reshape(x, (*shape[: place + 1], 1, *shape[place + 1 :]))
        wide = backend.broadcast_to(wide, (*shape[: place + 1], count, *shape[place + 1 :]))
        return backend.reshape(wide, (*shape[:place], shape[place] * count, *shape[place + 1 :]))
    rows = np.repeat(np.arange(shape[place], dtype="int32"), np.asarray(repeats))
    return backend.take(x, backend.asarray(rows), place)


@op(batch_coupling=tiled, keras_path="numpy.Tile")
def tile(x: Array, repeats: Any) -> Array:
    """The whole array several times along each axis, one copy behind the other.

    Args:
        x: An array.
        repeats: How often along each axis; a number is that of the last one.

    Example:
        >>> from cornu import ops
        >>> ops.tile([1, 2], 2).tolist()
        [1, 2, 1, 2]
    """
    backend, x = arrays(x)
    counts = check_sizes(repeats, "repeats")
    rank = max(len(counts), len(x.shape))
    counts = (1,) * (rank - len(counts)) + counts
    shape = (1,) * (rank - len(x.shape)) + tuple(x.shape)
    thin = [size for pair in zip((1,) * rank, shape, strict=True) for size in pair]
    wide = [size for pair in zip(counts, shape, strict=True) for size in pair]
    result = backend.broadcast_to(backend.reshape(x, tuple(thin)), tuple(wide))
    return backend.reshape(result, tuple(count * size for count, size in zip(counts, shape, strict=True)))


@op(batch_coupling=along_axis(), keras_path="numpy.Roll")
def roll(x: Array, shift: Any, axis: Any = None) -> Array:
    """The array moved along an axis; what leaves at one end comes in at the other.

    Args:
        x: An array.
        shift: By how much; a number, or one for each axis.
        axis: The axis or axes; None is the flattened array.

    Example:
        >>> from cornu import ops
        >>> ops.roll([1, 2, 3], 1).tolist()
        [3, 1, 2]
    """
    backend, x = arrays(x)
    if axis is None:
        return backend.reshape(roll(backend.reshape(x, (-1,)), shift, 0), tuple(x.shape))
    places = check_axes(axis, x.shape)
    shifts = tuple(shift) if isinstance(shift, (list, tuple)) else (shift,) * len(places)
    if len(shifts) != len(places):
        raise InvalidArgumentError(
            f"`roll` was given `shift={shift!r}` and `axis={axis!r}`.",
            "There must be as many of both.",
            "Pass one number to move all axes alike.",
        )
    for place, amount in zip(places, shifts, strict=True):
        size = x.shape[place]
        cut = -int(amount) % size if size else 0
        if cut:
            before = (slice_(None),) * place
            head, tail = backend.getitem(x, (*before, slice_(cut))), backend.getitem(x, (*before, slice_(cut, None)))
            x = backend.concatenate([tail, head], place)
    return x


@op(batch_coupling=padded, keras_path="numpy.Pad")
def pad(x: Array, pad_width: Any, mode: str = "constant", constant_values: float | None = None) -> Array:
    """The array with a border around it.

    Args:
        x: An array.
        pad_width: ``(before, after)`` for each axis; or one such pair, or one number, for all of them.
        mode: ``"constant"``, ``"reflect"`` (mirrored, without the edge), ``"symmetric"`` (with it) or ``"edge"``.
        constant_values: The number of a constant border; default 0.

    Example:
        >>> from cornu import ops
        >>> ops.pad([1, 2, 3], (1, 2)).tolist(), ops.pad([1, 2, 3], 1, mode="reflect").tolist()
        ([0, 1, 2, 3, 0, 0], [2, 1, 2, 3, 2])
    """
    modes = ("constant", "reflect", "symmetric", "edge")
    if mode not in modes:
        raise one_of("mode", mode, modes)
    if constant_values is not None and mode != "constant":
        raise InvalidArgumentError(
            f"`pad` was given `constant_values={constant_values!r}` and `mode={mode!r}`.",
            "Only a constant border has a value.",
            "Leave one of the two out.",
        )
    backend, x = arrays(x)
    return backend.pad(x, _pairs(pad_width, tuple(x.shape)), mode, 0 if constant_values is None else constant_values)


def _pairs(pad_width: Any, shape: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    try:
        pairs = np.broadcast_to(np.asarray(pad_width, "int64"), (len(shape), 2)).tolist()
    except Exception:
        pairs = None
    if pairs is None or any(number < 0 for pair in pairs for number in pair):
        raise ShapeError(
            f"`pad` was given an array of shape {shape} and `pad_width={pad_width!r}`.",
            f"A pair `(before, after)` of numbers from 0 on is needed for each of the {len(shape)} axes.",
            "Write `(0, 0)` for an axis that stays as it is.",
        )
    return tuple((before, after) for before, after in pairs)


# --- Parts ------------------------------------------------------------------------------------------------------------


@op(batch_coupling=indexed, keras_path="numpy.GetItem")
def get_item(x: Array, key: Any) -> Array:
    """``x[key]``: numbers, slices, None, ``...``, and arrays of whole numbers or booleans as in NumPy.

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
def take(x: Array, indices: Array, axis: int | None = None) -> Array:
    """The parts of an array named by whole numbers.

    Args:
        x: An array.
        indices: Which parts; negative ones count from the end, ones outside are taken for the nearest.
        axis: The axis; None is the flattened array.

    Example:
        >>> from cornu import ops
        >>> ops.take([[1, 2, 3], [4, 5, 6]], [2, 0], axis=1).tolist()
        [[3, 1], [6, 4]]
    """
    backend, x, indices = arrays(x, indices)
    if has_floats(backend, indices):
        check_whole("take", "indices", backend.dtype(indices))
    if axis is None:
        return backend.take(backend.reshape(x, (-1,)), indices, 0)
    return backend.take(x, indices, check_axis(axis, x.shape))


@op(batch_coupling=along_axis("x", "indices"), keras_path="numpy.TakeAlongAxis")
def take_along_axis(x: Array, indices: Array, axis: int | None = None) -> Array:
    """For each place of ``indices`` the number of ``x`` at that place, but with this index on the axis.

    Args:
        x: An array.
        indices: Whole numbers, of the shape of ``x`` but for the axis (as :func:`argsort` gives them).
        axis: The axis; None is the flattened array.

    Example:
        >>> from cornu import ops
        >>> ops.take_along_axis([[3, 1, 2]], [[1, 2, 0]], axis=1).tolist()
        [[1, 2, 3]]
    """
    backend, x, indices = arrays(x, indices)
    if has_floats(backend, indices):
        check_whole("take_along_axis", "indices", backend.dtype(indices))
    if axis is None:
        return backend.take_along_axis(backend.reshape(x, (-1,)), backend.reshape(indices, (-1,)), 0)
    place = check_axis(axis, x.shape)
    _check_along(tuple(x.shape), tuple(indices.shape), place)
    return backend.take_along_axis(x, indices, place)


def _check_along(shape: tuple[int, ...], indices: tuple[int, ...], place: int) -> None:
    rests = [(*sizes[:place], *sizes[place + 1 :]) for sizes in (shape, indices)]
    if len(shape) != len(indices) or any(1 not in pair and pair[0] != pair[1] for pair in zip(*rests, strict=True)):
        raise ShapeError(
            f"`take_along_axis` was given an array of shape {shape} and `indices` of shape {indices}.",
            f"All sizes but those on axis {place} must be equal, or one of them 1.",
            "Reshape `indices`, or use `take` to name whole parts.",
        )


def _window(backend: Any, start: Any, length: int, size: int) -> Array:
    """The indices ``start .. start + length`` inside an axis; a start that leads outside is moved back."""
    start = backend.minimum(backend.maximum(start, 0), size - length)
    return backend.add(backend.arange(0, length, 1, "int32"), start)


@op(keras_path="core.Slice")
def slice(inputs: Array, start_indices: Any, shape: Any) -> Array:
    """A block of an array.

    Args:
        inputs: An array.
        start_indices: Where the block begins, one number for each axis; they may be computed ones.
        shape: Size of the block on each axis.

    Example:
        >>> from cornu import ops
        >>> ops.slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, 2)).tolist()
        [[2, 3], [5, 6]]
    """
    backend, x = arrays(inputs)
    check_block("slice", tuple(x.shape), len(start_indices), as_sizes(shape))
    starts = [start_indices[axis] for axis in range(len(x.shape))]
    for axis, (start, length) in enumerate(zip(starts, shape, strict=True)):
        if isinstance(start, (int, np.integer)):
            first = max(0, min(int(start), x.shape[axis] - length))
            x = backend.getitem(x, (*(slice_(None),) * axis, slice_(first, first + length)))
        else:
            x = backend.take(x, _window(backend, start, length, x.shape[axis]), axis)
    return x


@op(keras_path="core.SliceUpdate")
def slice_update(inputs: Array, start_indices: Any, updates: Array) -> Array:
    """A copy of an array with another block in place of one of its own.

    Args:
        inputs: An array.
        start_indices: Where the block begins, one number for each axis; they may be computed ones.
        updates: The block.

    Example:
        >>> from cornu import ops
        >>> ops.slice_update([[1, 2, 3], [4, 5, 6]], (0, 1), [[0, 0]]).tolist()
        [[1, 0, 0], [4, 5, 6]]
    """
    backend, x, updates = arrays(inputs, updates)
    check_block("slice_update", tuple(x.shape), len(start_indices), tuple(updates.shape))
    inside = None
    for axis, (size, length) in enumerate(zip(x.shape, tuple(updates.shape), strict=True)):
        start = backend.minimum(backend.maximum(backend.cast(backend.asarray(start_indices[axis]), "int32"), 0), size - length)
        place = backend.subtract(backend.arange(0, size, 1, "int32"), start)
        updates = backend.take(updates, backend.minimum(backend.maximum(place, 0), length - 1), axis)
        here = backend.logical_and(backend.greater_equal(place, 0), backend.less(place, length))
        here = backend.reshape(here, tuple(-1 if i == axis else 1 for i in range(len(x.shape))))
        inside = here if inside is None else backend.logical_and(inside, here)
    return updates if inside is None else backend.where(inside, updates, x)


def _rows(backend: Any, indices: Array, shape: tuple[int, ...]) -> tuple[Array, int]:
    """Index vectors into the first axes of a shape as numbers of rows, and how many of its axes they cover."""
    depth = indices.shape[-1]
    steps = np.cumprod((1, *shape[1:depth][::-1]))[::-1].astype("int32")
    flat = backend.sum(backend.multiply(backend.cast(indices, "int32"), backend.asarray(steps)), len(indices.shape) - 1)
    return backend.reshape(flat, (-1,)), depth


@op(keras_path="core.Scatter")
def scatter(indices: Array, values: Array, shape: Any) -> Array:
    """An array of zeros with values added at some places.

    Args:
        indices: Whole numbers of shape ``(n, depth)``: places on the first ``depth`` axes.
        values: What to add, of shape ``(n, *shape[depth:])``.
        shape: Shape of the result.

    Example:
        >>> from cornu import ops
        >>> ops.scatter([[0], [2], [0]], [1, 5, 2], (4,)).tolist()
        [3, 0, 5, 0]
    """
    backend, indices, values = arrays(indices, values)
    shape = tuple(shape)
    check_places("scatter", shape, tuple(indices.shape), "values", tuple(values.shape))
    check_whole("scatter", "indices", backend.dtype(indices))
    rows, depth = _rows(backend, indices, shape)
    zeros = backend.full((math.prod(shape[:depth]), *shape[depth:]), 0, backend.dtype(values))
    return backend.reshape(backend.index_add(zeros, rows, backend.reshape(values, (-1, *shape[depth:]))), shape)


@op(keras_path="core.ScatterUpdate")
def scatter_update(inputs: Array, indices: Array, updates: Array, reduction: str | None = None) -> Array:
    """A copy of an array with other numbers at some places.

    Args:
        inputs: An array.
        indices: Whole numbers of shape ``(n, depth)``: places on its first ``depth`` axes.
        updates: The new numbers, of shape ``(n, *inputs.shape[depth:])``.
        reduction: None replaces the old numbers (each place may then come once); ``"add"`` adds to them.

    Example:
        >>> from cornu import ops
        >>> ops.scatter_update([1, 2, 3], [[1]], [9]).tolist()
        [1, 9, 3]
    """
    if reduction not in (None, "add"):
        raise InvalidArgumentError(
            f"`reduction={reduction!r}` was given.", 'It must be None or "add".', "Leave it out to replace the old numbers."
        )
    backend, x, indices, updates = arrays(inputs, indices, updates)
    shape = tuple(x.shape)
    check_places("scatter_update", shape, tuple(indices.shape), "updates", tuple(updates.shape))
    check_whole("scatter_update", "indices", backend.dtype(indices))
    rows, depth = _rows(backend, indices, shape)
    flat = backend.reshape(x, (math.prod(shape[:depth]), *shape[depth:]))
    updates = backend.cast(backend.reshape(updates, (-1, *shape[depth:])), backend.dtype(x))
    if reduction is None:
        hits = backend.index_add(backend.full((flat.shape[0],), 0, "int32"), rows, backend.full((rows.shape[0],), 1, "int32"))
        hit = backend.reshape(backend.greater(hits, 0), (-1,) + (1,) * (len(shape) - depth))
        flat = backend.where(hit, 0, flat)
    return backend.reshape(backend.index_add(flat, rows, updates), shape)


@op(batch_coupling=spared("axis1", "axis2"), keras_path="numpy.Diagonal")
def diagonal(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """A diagonal of two axes, as the last axis of the result.

    Args:
        x: An array.
        offset: 0 is the main diagonal, above it positive.
        axis1: The axis of the rows.
        axis2: The axis of the columns.

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
            "A diagonal lies between two axes.",
            "Choose another axis for one of them.",
        )
    rest = tuple(axis for axis in range(len(x.shape)) if axis not in (rows, columns))
    height, width = x.shape[rows], x.shape[columns]
    first, column = max(0, -offset), max(0, offset)
    steps = np.arange(max(0, min(height - first, width - column)), dtype="int32")
    flat = backend.reshape(backend.transpose(x, (*rest, rows, columns)), (*(x.shape[axis] for axis in rest), height * width))
    return backend.take(flat, backend.asarray((steps + first) * width + steps + column), len(rest))


@op(keras_path="numpy.Diag")
def diag(x: Array, k: int = 0) -> Array:
    """The diagonal of a matrix, or the matrix that has a row of numbers on its diagonal.

    Example:
        >>> from cornu import ops
        >>> ops.diag([1, 2]).tolist(), ops.diag([[1, 2], [3, 4]]).tolist()
        ([[1, 0], [0, 2]], [1, 4])
    """
    backend, x = arrays(x)
    if len(x.shape) == 2:
        return diagonal(x, k)
    if len(x.shape) != 1:
        raise ShapeError(
            f"`diag` was given an array of shape {tuple(x.shape)}.",
            "It must have one axis or two.",
            "Use `diagonal` for an array of more axes.",
        )
    size = x.shape[0] + abs(k)
    column = backend.reshape(backend.pad(x, ((max(0, -k), max(0, k)),)), (size, 1))
    mask = np.eye(size, k=k, dtype=bool)
    return backend.where(backend.asarray(mask), column, 0)


@op(batch_coupling=along_axis(), keras_path="numpy.Diff")
def diff(a: Array, n: int = 1, axis: int = -1) -> Array:
    """The differences of neighbours along an axis, ``n`` times.

    Example:
        >>> from cornu import ops
        >>> ops.diff([1, 4, 9]).tolist()
        [3, 5]
    """
    backend, x = arrays(a)
    place = check_axis(axis, x.shape)
    before = (slice_(None),) * place
    for _ in range(n):
        x = backend.subtract(backend.getitem(x, (*before, slice_(1, None))), backend.getitem(x, (*before, slice_(None, -1))))
    return x


def _blocks(name: str, x: Any, block_size: int, data_format: str, divided: slice_, unit: int) -> tuple:
    """The backend, the pictures with channels last, and the block size, which must divide some of their sizes."""
    backend, x = arrays(x)
    if len(x.shape) != 4:
        raise ShapeError(
            f"`{name}` was given an array of shape {tuple(x.shape)}.", "It takes batches of pictures.", "Add an axis."
        )
    if standardize_data_format(data_format) == "channels_first":
        x = backend.transpose(x, (0, 2, 3, 1))
    if block_size < 1 or any(size % unit for size in x.shape[divided]):
        raise ShapeError(
            f"`{name}` was given an array of shape {tuple(x.shape)} (channels last) and `block_size={block_size}`.",
            f"The sizes {tuple(x.shape[divided])} must be multiples of {unit}.",
            "Choose another `block_size`.",
        )
    return backend, x


@op(batch_coupling=of_rank(4))
def depth_to_space(x: Array, block_size: int, data_format: str = "channels_last") -> Array:
    """Pictures made larger by laying channels out as pixels (the sub-pixel convolution of Shi et al., 2016).

    Args:
        x: ``(batch, height, width, channels)``.
        block_size: The pixels of a block's side; the channels are divided by its square.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Returns:
        ``(batch, height * block_size, width * block_size, channels / block_size**2)``.

    Example:
        >>> from cornu import ops
        >>> ops.depth_to_space([[[[1, 2, 3, 4]]]], 2).tolist()
        [[[[1], [2]], [[3], [4]]]]
    """
    backend, x = _blocks("depth_to_space", x, block_size, data_format, slice_(3, 4), block_size**2)
    batch, height, width, channels = x.shape
    depth = channels // block_size**2
    x = backend.reshape(x, (batch, height, width, block_size, block_size, depth))
    x = backend.reshape(backend.transpose(x, (0, 1, 3, 2, 4, 5)), (batch, height * block_size, width * block_size, depth))
    return x if data_format == "channels_last" else backend.transpose(x, (0, 3, 1, 2))


@op(batch_coupling=of_rank(4))
def space_to_depth(x: Array, block_size: int, data_format: str = "channels_last") -> Array:
    """Pictures made smaller by laying the pixels of blocks out as channels: undoes :func:`depth_to_space`.

    Args:
        x: ``(batch, height, width, channels)``.
        block_size: The pixels of a block's side.
        data_format: ``"channels_last"`` or ``"channels_first"``.

    Returns:
        ``(batch, height / block_size, width / block_size, channels * block_size**2)``.

    Example:
        >>> from cornu import ops
        >>> ops.space_to_depth([[[[1], [2]], [[3], [4]]]], 2).tolist()
        [[[[1, 2, 3, 4]]]]
    """
    backend, x = _blocks("space_to_depth", x, block_size, data_format, slice_(1, 3), block_size)
    batch, height, width, depth = x.shape
    rows, columns = height // block_size, width // block_size
    x = backend.reshape(x, (batch, rows, block_size, columns, block_size, depth))
    x = backend.reshape(backend.transpose(x, (0, 1, 3, 2, 4, 5)), (batch, rows, columns, depth * block_size**2))
    return x if data_format == "channels_last" else backend.transpose(x, (0, 3, 1, 2))
