"""Validation of shapes and axes, so that an error has the same text on every backend.

Where the backend detects an error itself, an op calls these functions only afterwards, to raise a
clearer one.
"""

import math
import operator
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np

from cornu import backends
from cornu.backends.contract import Backend
from cornu.dtypes import is_complex, is_integer
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.typing import Axis, IntOrInts, Size
from cornu.validation import invalid_dtype, invalid_together

Shape = tuple[int, ...]


def shapes_text(shapes: Sequence[Shape]) -> str:
    """Format shapes for a message: ``(2, 3) and (4,)``.

    Example:
        >>> from cornu.ops.shape_checks import shapes_text
        >>> shapes_text([(2, 3), (4,)])
        '(2, 3) and (4,)'
    """
    texts = [str(tuple(shape)) for shape in shapes]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def shape_error(
    name: str, shape: Sequence[Size], expected: str, hint: str, argument: str = "", **given: int | str | Sequence | None
) -> ShapeError:
    """Return the exception for the shape of the array that an op received, to be raised by the caller.

    Args:
        name: Name of the op.
        shape: Shape of the array.
        expected: String, what was expected.
        hint: String, how to fix the problem.
        argument: Name of the argument. Defaults to ``""`` (the op has one array).
        **given: Another argument, which the shape does not fit.

    Example:
        >>> from cornu.ops.shape_checks import shape_error
        >>> shape_error("unstack", (2, 3), "The size of axis 0 is 2.", "Omit `num`.", num=4).received
        '`unstack` received an array of shape (2, 3) and `num=4`.'
    """
    what = f"`{argument}`" if argument else "an array"
    more = "".join(f" and `{other}={value!r:.80}`" for other, value in given.items())
    return ShapeError(f"`{name}` received {what} of shape {tuple(shape)}{more}.", expected, hint)


def shapes_error(name: str, shapes: Mapping[str, Sequence[Size]], expected: str, hint: str) -> ShapeError:
    """Return the exception for shapes of several arrays that do not fit each other, to be raised by the caller.

    Args:
        name: Name of the op.
        shapes: Dict from the names of the arguments to the shapes of the arrays.
        expected: String, what was expected.
        hint: String, how to fix the problem.

    Example:
        >>> from cornu.ops.shape_checks import shapes_error
        >>> shapes_error("solve", {"a": (3, 3), "b": (2,)}, "", "").received
        '`solve` received `a` of shape (3, 3) and `b` of shape (2,).'
    """
    *first, last = (f"`{argument}` of shape {tuple(shape)}" for argument, shape in shapes.items())
    return ShapeError(f"`{name}` received {', '.join(first)} and {last}.", expected, hint)


def as_sizes(shape: int | Sequence[Size]) -> Shape:
    """Return a size, or a sequence of sizes, as a tuple of integers.

    Sizes that are already ``int`` are kept as the same objects: the sizes of recorded arrays store what they depend on. So are
    scalar arrays that have a value only when a traced function runs.

    Example:
        >>> from cornu.ops.shape_checks import as_sizes
        >>> as_sizes(3), as_sizes([2, -1])
        ((3,), (2, -1))
    """
    sizes: Any = shape
    if hasattr(shape, "dtype") and backends.owner(shape) is not None and not _is_traced(shape):
        sizes = backends.home(shape).to_numpy(shape)
        sizes = sizes.tolist() if sizes.ndim and sizes.dtype.kind in "iu" else [sizes]
    elif _is_traced(shape):  # such as `tf.shape(x)`
        sizes = [sizes[number] for number in range(int(sizes.shape[0]))] if len(sizes.shape) else [shape]
    elif not isinstance(shape, (list, tuple)) and np.ndim(shape) == 0:  # type: ignore[arg-type]
        sizes = [shape]
    try:
        return tuple(size if isinstance(size, int) or _is_traced(size) else operator.index(size) for size in sizes)
    except (TypeError, ValueError):
        raise InvalidTypeError(
            f"The shape {shape!r} was given.",
            "A size must be an integer.",
            "For a size that varies, use the shape of an array: `x.shape[0]`.",
        ) from None


def backend_of_sizes(shape: IntOrInts) -> Backend | None:
    """Return the backend that traces a function in which a size of a shape is computed; None if all sizes are known.

    Args:
        shape: A size, or a sequence of sizes.

    Example:
        >>> from cornu.ops.shape_checks import backend_of_sizes
        >>> backend_of_sizes((2, 3)) is None
        True
    """
    sizes = shape if isinstance(shape, (list, tuple)) else (shape,)
    return next((backends.home(size) for size in sizes if _is_traced(size)), None)


def _is_traced(size: Any) -> bool:
    """Return whether a value is an array without values, in a function that an engine traces."""
    is_array = hasattr(size, "dtype") and backends.owner(size) is not None  # TensorFlow's `TensorShape` has no dtype
    return is_array and backends.home(size).is_traced(size)


def check_sizes(shape: IntOrInts, argument: str = "shape") -> Shape:
    """Validate the shape of an array to create: one size or several, none of them negative.

    Raises:
        ShapeError: If a size is negative.
        InvalidTypeError: If a size is not an integer.

    Example:
        >>> from cornu.ops.shape_checks import check_sizes
        >>> check_sizes([2, 0])
        (2, 0)
    """
    sizes = as_sizes(shape)
    if any(isinstance(size, int) and size < 0 for size in sizes):
        raise ShapeError(
            f"`{argument}={shape!r}` was given.", "A size must be 0 or greater.", f"Check how `{argument}` was computed."
        )
    return sizes


def check_axis(axis: Axis, shape: Shape, argument: str = "axis") -> int:
    """Validate an axis and return it counted from the start.

    Args:
        axis: Integer; negative values count from the end.
        shape: Tuple of integers, shape of the array.
        argument: String, name of the argument in the message. Defaults to ``"axis"``.

    Returns:
        Integer from 0 to ``len(shape) - 1``.

    Raises:
        InvalidArgumentError: If the array has no such axis.
        InvalidTypeError: If the axis is not an integer.

    Example:
        >>> from cornu.ops.shape_checks import check_axis
        >>> check_axis(-1, (4, 5, 6))
        2
    """
    try:
        number = operator.index(axis)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidTypeError(
            f"`{argument}={axis!r}` was given.", "An axis must be an integer.", f"Pass `{argument}=-1` for the last axis."
        ) from None
    rank = len(shape)
    if -rank <= number < rank:
        return number % rank
    have = f"must be between {-rank} and {rank - 1}" if rank else "cannot be chosen: a scalar has no axes"
    raise InvalidArgumentError(
        f"`{argument}={number}` was given for an array of shape {tuple(shape)}.",
        f"`{argument}` {have}.",
        "Choose one of the array's axes, or check its shape." if rank else f"Omit `{argument}`.",
    )


def check_axes(axis: Axis, shape: Shape, argument: str = "axis") -> tuple[int, ...]:
    """Validate axes and return them counted from the start: all axes for None, one for an integer, each for a list.

    Raises:
        InvalidArgumentError: If the array has no such axis, or an axis is repeated.
    """
    if axis is None:
        return tuple(range(len(shape)))
    found = tuple(check_axis(item, shape, argument) for item in (axis if isinstance(axis, (list, tuple)) else (axis,)))
    if len(set(found)) < len(found):
        raise InvalidArgumentError(
            f"`{argument}={axis!r}` was given for an array of shape {tuple(shape)}.",
            "Each axis may be given only once.",
            f"Remove the repeated axis from `{argument}`.",
        )
    return found


def check_broadcast(name: str, *shapes: Shape) -> Shape:
    """Return the shape to which the given shapes broadcast.

    Args:
        name: String, name of the op in the message.
        shapes: Shapes of the arrays.

    Raises:
        ShapeError: If the shapes do not broadcast.

    Example:
        >>> from cornu.ops.shape_checks import check_broadcast
        >>> check_broadcast("add", (2, 1), (3,))
        (2, 3)
    """
    sizes = []
    for place, column in enumerate(zip_longest(*(reversed(shape) for shape in shapes), fillvalue=1), start=1):
        wanted = set(column) - {1}
        if len(wanted) > 1:
            raise ShapeError(
                f"`{name}` received arrays of shapes {shapes_text(shapes)}.",
                "Counted from the last axis, their sizes must be equal, or one of them must be 1.",
                f"Reshape, transpose or slice one of them: on axis {-place} they have {' and '.join(map(str, column))}.",
            )
        sizes.append(wanted.pop() if wanted else 1)
    return tuple(reversed(sizes))


def check_same_shape(name: str, first_name: str, first: Shape, second_name: str, second: Shape) -> None:
    """Raise a :class:`ShapeError` unless two arguments have the same shape."""
    if tuple(first) != tuple(second):
        hint = f"Reshape `{first_name}`, or check how `{second_name}` was computed."
        raise shapes_error(name, {first_name: first, second_name: second}, "Both must have the same shape.", hint)


def check_same_length(name: str, first_name: str, first: Sequence, second_name: str, second: Sequence) -> None:
    """Raise an :class:`InvalidArgumentError` unless two arguments have the same number of elements."""
    if len(first) != len(second):
        hint = f"Pass one element of `{second_name}` for each element of `{first_name}`."
        raise invalid_together(name, {first_name: first, second_name: second}, "Both must have the same length.", hint)


def check_concatenate(shapes: Sequence[Shape], axis: int | None) -> None:
    """Validate that arrays of the given shapes can be concatenated along an axis.

    Raises:
        InvalidArgumentError: If there are no arrays, or no such axis.
        ShapeError: If the shapes differ on another axis.
    """
    if not shapes:
        raise InvalidArgumentError("`concatenate` received no arrays.", "At least one is required.", "Pass a list of arrays.")
    place = check_axis(axis, shapes[0])
    rests = {(*shape[:place], *shape[place + 1 :]) for shape in shapes}
    if len(rests) > 1 or len({len(shape) for shape in shapes}) > 1:
        raise ShapeError(
            f"`concatenate` received arrays of shapes {shapes_text(shapes)} and `axis={axis}`.",
            "All sizes except those on that axis must be equal.",
            "Reshape, pad or slice the arrays, or choose another `axis`.",
        )


def check_reshape(shape: Shape, newshape: Shape) -> None:
    """Raise a :class:`ShapeError` unless an array can be reshaped; at most one new size may be -1."""
    count, known = math.prod(shape), math.prod(size for size in newshape if size != -1)
    free = sum(size == -1 for size in newshape)
    if free > 1 or any(size < -1 for size in newshape):
        problem, advice = "At most one size may be -1, and no other size may be negative.", "Pass all sizes except one."
    elif free and (known == 0 or count % known):
        problem, advice = f"The size -1 would be {count} / {known}, which is not an integer.", "Change the other sizes."
    elif not free and count != known:
        problem, advice = f"The array has {count} elements and the new shape has {known}.", "Change the new shape, or use -1."
    else:
        return
    raise ShapeError(f"`reshape` received an array of shape {tuple(shape)} and `newshape={tuple(newshape)}`.", problem, advice)


def check_real(name: str, dtype: str) -> None:
    """Validate that an argument of an op is no array of complex numbers.

    Raises:
        InvalidTypeError: If it is.
    """
    if is_complex(dtype):
        hint = "Pass the real and the imaginary part, `ops.real(x)` and `ops.imag(x)`, separately."
        raise invalid_dtype(name, dtype, "real numbers", hint)


def check_integer_dtype(name: str, argument: str, dtype: str) -> None:
    """Raise an :class:`InvalidTypeError` unless the dtype of indices is an integer dtype (or bool)."""
    if not (is_integer(dtype) or dtype == "bool"):
        hint = f'Cast them first: `ops.cast({argument}, "int32")`.'
        raise invalid_dtype(name, dtype, "integers or booleans", hint, argument)


def check_not_empty(name: str, shape: Shape, axes: Sequence[int]) -> None:
    """Raise a :class:`ShapeError` if an array is empty along any of the given axes."""
    if any(shape[axis] == 0 for axis in axes):
        raise shape_error(name, shape, "It must have at least one element along the axis.", "Check how the array was computed.")


def check_key(key: Any) -> None:
    """Raise an :class:`InvalidTypeError` if an item of the key in ``x[key]`` is of a type that cannot index an array."""
    for item in key if isinstance(key, tuple) else (key,):
        if isinstance(item, (float, str, bytes, dict, set)):
            raise InvalidTypeError(
                f"`get_item` received the index {item!r}.",
                "An index must be an integer, a slice, None, `...` or an array of integers or booleans.",
                f"Write {int(item)}." if isinstance(item, float) and item.is_integer() else "Check how the index was computed.",
            )


def check_block(name: str, shape: Sequence[Size], starts: int, block: Shape) -> None:
    """Raise a :class:`ShapeError` unless a block of the given sizes, with one start index for each axis, fits into an array.

    A size of -1, for the rest of the axis, fits, and so does any size on an axis whose size is unknown (None).
    """
    if starts == len(shape) == len(block) and all(
        length is None or size is None or -1 <= length <= size for length, size in zip(block, shape, strict=True)
    ):
        return
    raise ShapeError(
        f"`{name}` received an array of shape {tuple(shape)}, {starts} `start_indices` and a block of shape {tuple(block)}.",
        "There must be one start index and one size for each axis, and the block must fit into the array.",
        "To take a whole axis, pass 0 and the size of that axis.",
    )


def check_places(name: str, shape: Shape, indices: Shape, values_name: str, values: Shape) -> None:
    """Raise a :class:`ShapeError` unless index vectors fit a shape and there is one value for each of them."""
    depth = indices[-1] if indices else 0
    wanted = (*indices[:-1], *shape[depth:])
    fits = len(values) == len(wanted) and all(None in pair or pair[0] == pair[1] for pair in zip(values, wanted, strict=True))
    if indices and 0 < depth <= len(shape) and fits:
        return
    raise ShapeError(
        f"`{name}` received `indices` of shape {tuple(indices)} and `{values_name}` of shape {tuple(values)}, "
        f"for an array of shape {tuple(shape)}.",
        "The last size of `indices` is the number of axes that each index addresses, "
        f"and `{values_name}` has one entry, of the rest of the array's shape, for each index.",
        f"`{values_name}` must have the shape {wanted}."
        if 0 < depth <= len(shape)
        else "Write indices into one axis as `[[0], [2]]`.",
    )


def check_matmul(first: Shape, second: Shape) -> None:
    """Raise a :class:`ShapeError` unless arrays of two shapes can be multiplied as matrices."""
    if not first or not second:
        problem, advice = "Both must have at least one axis.", "Use `multiply` to multiply by a scalar."
    elif first[-1] != second[-2 if len(second) > 1 else 0]:
        inner = second[-2 if len(second) > 1 else 0]
        problem = "The last size of the first array must equal the second-to-last size of the second (or its only size)."
        advice = f"They are {first[-1]} and {inner}: transpose or reshape one of the two."
    else:
        check_broadcast("matmul", first[:-2], second[:-2])
        return
    raise ShapeError(f"`matmul` received arrays of shapes {shapes_text([first, second])}.", problem, advice)
