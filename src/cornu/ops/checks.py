"""Checks of shapes and axes, so that a mistake is told in the same words on every backend.

Plain Python on shapes. Where a backend finds the mistake itself, an op asks here only after it did, to say it better.
"""

import math
import operator
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.ops.dtypes import is_integer

Shape = tuple[int, ...]


def shapes_text(shapes: Sequence[Shape]) -> str:
    """Shapes as words: ``(2, 3) and (4,)``.

    Example:
        >>> from cornu.ops.checks import shapes_text
        >>> shapes_text([(2, 3), (4,)])
        '(2, 3) and (4,)'
    """
    texts = [str(tuple(shape)) for shape in shapes]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def as_sizes(shape: Any) -> Shape:
    """A size, or several of them, as a tuple of whole numbers.

    Those that are ``int`` already stay the objects they are: sizes of arrays that are recorded know what they depend on.

    Example:
        >>> from cornu.ops.checks import as_sizes
        >>> as_sizes(3), as_sizes([2, -1])
        ((3,), (2, -1))
    """
    sizes = (shape,) if np.ndim(shape) == 0 else shape
    try:
        return tuple(size if isinstance(size, int) else int(size) for size in sizes)
    except (TypeError, ValueError):
        raise InvalidTypeError(
            f"The shape {shape!r} was given.",
            "A size is a whole number.",
            "Take a size that varies from an array: `x.shape[0]`.",
        ) from None


def check_sizes(shape: Any, argument: str = "shape") -> Shape:
    """The shape of an array to be made: a size or several, none of them negative.

    Raises:
        InvalidArgumentError: A size is negative.
        InvalidTypeError: A size is no number.

    Example:
        >>> from cornu.ops.checks import check_sizes
        >>> check_sizes([2, 0])
        (2, 0)
    """
    sizes = as_sizes(shape)
    if any(size < 0 for size in sizes):
        raise InvalidArgumentError(
            f"`{argument}={shape!r}` was given.", "A size is 0 or more.", f"Check how `{argument}` was computed."
        )
    return sizes


def check_axis(axis: Any, shape: Shape, argument: str = "axis") -> int:
    """An axis counted from the start.

    Args:
        axis: A whole number; negative ones count from the end.
        shape: Shape of the array.
        argument: What the axis is called where the user gave it.

    Returns:
        A number from 0 to ``len(shape) - 1``.

    Raises:
        InvalidArgumentError: The array has no such axis.
        InvalidTypeError: It is no whole number.

    Example:
        >>> from cornu.ops.checks import check_axis
        >>> check_axis(-1, (4, 5, 6))
        2
    """
    try:
        number = operator.index(axis)
    except TypeError:
        raise InvalidTypeError(
            f"`{argument}={axis!r}` was given.", "An axis is a whole number.", f"Pass `{argument}=-1` for the last one."
        ) from None
    rank = len(shape)
    if -rank <= number < rank:
        return number % rank
    have = f"must be between {-rank} and {rank - 1}" if rank else "cannot be chosen: a single number has none"
    raise InvalidArgumentError(
        f"`{argument}={number}` was given for an array of shape {tuple(shape)}.",
        f"`{argument}` {have}.",
        "Choose one of the array's axes, or check its shape." if rank else f"Leave `{argument}` out.",
    )


def check_axes(axis: Any, shape: Shape, argument: str = "axis") -> tuple[int, ...]:
    """Axes counted from the start: of None all, of a number one, of a list each, no axis twice.

    Raises:
        InvalidArgumentError: The array has no such axis, or one is named twice.
    """
    if axis is None:
        return tuple(range(len(shape)))
    found = tuple(check_axis(item, shape, argument) for item in (axis if isinstance(axis, (list, tuple)) else (axis,)))
    if len(set(found)) < len(found):
        raise InvalidArgumentError(
            f"`{argument}={axis!r}` was given for an array of shape {tuple(shape)}.",
            "Each axis may be named once.",
            f"Leave the repeated one out of `{argument}`.",
        )
    return found


def check_broadcast(name: str, *shapes: Shape) -> Shape:
    """The shape that arrays of some shapes broadcast to.

    Args:
        name: Name of the op, for the message.
        shapes: Shapes of the arrays.

    Raises:
        ShapeError: They do not broadcast.

    Example:
        >>> from cornu.ops.checks import check_broadcast
        >>> check_broadcast("add", (2, 1), (3,))
        (2, 3)
    """
    sizes = []
    for place, column in enumerate(zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1), start=1):
        wanted = set(column) - {1}
        if len(wanted) > 1:
            raise ShapeError(
                f"`{name}` was given arrays of shapes {shapes_text(shapes)}.",
                "Counted from the last axis, their sizes must be equal, or one of them 1.",
                f"Reshape, transpose or cut one of them: on axis {-place} they have {' and '.join(map(str, column))}.",
            )
        sizes.append(wanted.pop() if wanted else 1)
    return tuple(reversed(sizes))


def check_same_shape(name: str, first_name: str, first: Shape, second_name: str, second: Shape) -> None:
    """Raises a :class:`ShapeError` unless two arguments have the same shape."""
    if tuple(first) != tuple(second):
        raise ShapeError(
            f"`{name}` was given `{first_name}` of shape {tuple(first)} and `{second_name}` of shape {tuple(second)}.",
            "Both must have the same shape.",
            f"Reshape `{first_name}`, or check what `{second_name}` was computed from.",
        )


def check_concatenate(shapes: Sequence[Shape], axis: Any) -> None:
    """Raises unless arrays of some shapes can be joined along an axis.

    Raises:
        InvalidArgumentError: There is nothing to join, or no such axis.
        ShapeError: The shapes differ elsewhere than on the axis.
    """
    if not shapes:
        raise InvalidArgumentError("`concatenate` was given no arrays.", "It needs one at least.", "Pass a list of arrays.")
    place = check_axis(axis, shapes[0])
    rests = {(*shape[:place], *shape[place + 1 :]) for shape in shapes}
    if len(rests) > 1 or len({len(shape) for shape in shapes}) > 1:
        raise ShapeError(
            f"`concatenate` was given arrays of shapes {shapes_text(shapes)} and `axis={axis}`.",
            "All sizes but those on that axis must be equal.",
            "Reshape, pad or cut the arrays, or choose another `axis`.",
        )


def check_reshape(shape: Shape, newshape: Shape) -> None:
    """Raises a :class:`ShapeError` unless an array can be reshaped; one new size may be -1."""
    count, known = math.prod(shape), math.prod(size for size in newshape if size != -1)
    free = sum(size == -1 for size in newshape)
    if free > 1 or any(size < -1 for size in newshape):
        problem, advice = "At most one size may be -1, and no other negative.", "Name all sizes but one."
    elif free and (known == 0 or count % known):
        problem, advice = f"The size -1 stands for {count} / {known}, which is no whole number.", "Change the other sizes."
    elif not free and count != known:
        problem, advice = f"The array has {count} numbers and the new shape holds {known}.", "Change the new shape, or use -1."
    else:
        return
    raise ShapeError(f"`reshape` was given an array of shape {tuple(shape)} and `newshape={tuple(newshape)}`.", problem, advice)


def check_whole(name: str, argument: str, dtype: str) -> None:
    """Raises an :class:`InvalidTypeError` unless the dtype of some indices is one of whole numbers."""
    if not (is_integer(dtype) or dtype == "bool"):
        raise InvalidTypeError(
            f"`{name}` was given `{argument}` of dtype {dtype}.",
            "Indices are whole numbers.",
            f'Cast them first: `ops.cast({argument}, "int32")`.',
        )


def check_not_empty(name: str, shape: Shape, axes: Sequence[int]) -> None:
    """Raises a :class:`ShapeError` if there is no number along some axes of an array."""
    if any(shape[axis] == 0 for axis in axes):
        raise ShapeError(
            f"`{name}` was given an array of shape {tuple(shape)}.",
            "It needs one number at least along the axis.",
            "Check what the array was cut from.",
        )


def check_key(key: Any) -> None:
    """Raises an :class:`InvalidTypeError` if something in ``x[key]`` is of a kind that picks nothing from an array."""
    for item in key if isinstance(key, tuple) else (key,):
        if isinstance(item, (float, str, bytes, dict, set)):
            raise InvalidTypeError(
                f"`get_item` was given the index {item!r}.",
                "An index is a whole number, a slice, None, `...` or an array of whole numbers or booleans.",
                f"Write {int(item)}." if isinstance(item, float) and item.is_integer() else "Check what the index was made of.",
            )


def check_block(name: str, shape: Shape, starts: int, block: Shape) -> None:
    """Raises a :class:`ShapeError` unless a block of some sizes, at as many starts, fits into an array."""
    if starts == len(shape) == len(block) and all(length <= size for length, size in zip(block, shape, strict=True)):
        return
    raise ShapeError(
        f"`{name}` was given an array of shape {tuple(shape)}, {starts} `start_indices` and a block of shape {tuple(block)}.",
        "There must be a start and a size for each axis, and the block must fit into the array.",
        "Write 0 and the whole size for an axis that is taken whole.",
    )


def check_places(name: str, shape: Shape, indices: Shape, values_name: str, values: Shape) -> None:
    """Raises a :class:`ShapeError` unless index vectors fit a shape, and there is a value for each of them."""
    depth = indices[-1] if indices else 0
    wanted = (*indices[:-1], *shape[depth:])
    if indices and 0 < depth <= len(shape) and tuple(values) == wanted:
        return
    raise ShapeError(
        f"`{name}` was given `indices` of shape {tuple(indices)} and `{values_name}` of shape {tuple(values)}, "
        f"for an array of shape {tuple(shape)}.",
        "The last size of `indices` is the number of axes that an index names, "
        f"and `{values_name}` has one entry, of the rest of the array's shape, for each index.",
        f"`{values_name}` must have the shape {wanted}."
        if 0 < depth <= len(shape)
        else "Write an index of one axis as `[[0], [2]]`.",
    )


def check_matmul(first: Shape, second: Shape) -> None:
    """Raises a :class:`ShapeError` unless arrays of two shapes can be multiplied as matrices."""
    if not first or not second:
        problem, advice = "Both must have one axis at least.", "Use `multiply` for a single number."
    elif first[-1] != second[-2 if len(second) > 1 else 0]:
        inner = second[-2 if len(second) > 1 else 0]
        problem = "The last size of the first must be the second-last of the second (or its only one)."
        advice = f"They are {first[-1]} and {inner}: transpose or reshape one of the two."
    else:
        check_broadcast("matmul", first[:-2], second[:-2])
        return
    raise ShapeError(f"`matmul` was given arrays of shapes {shapes_text([first, second])}.", problem, advice)
