"""The bits of integers and floats: bitwise functions, shifts, casts of bits, and the neighbors of a float."""

import numpy as np

from cornu.backends.contract import Backend
from cornu.dtypes import HALVES, is_complex
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import aligned, of_rank
from cornu.ops.complex_numbers import view_as_complex, view_as_real
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.shape_checks import check_broadcast, check_integer_dtype, shape_error
from cornu.typing import Array, ArrayLike, DType
from cornu.validation import result_type, standardize_dtype

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "left_shift",
    "nextafter",
    "right_shift",
    "view",
]

_broadcasting = {"batch_coupling": aligned, "unknown_sizes": unknown_sizes.broadcast()}
"""Declarations of the ops of two arrays."""


def _integers(name: str, x: ArrayLike, y: ArrayLike) -> tuple[Backend, Array, Array]:
    """Return the backend, and two arrays of integers or booleans cast to their common dtype."""
    backend, x, y = arrays(x, y)
    for argument, value in (("x", x), ("y", y)):
        check_integer_dtype(name, argument, backend.dtype(value))
    check_broadcast(name, tuple(x.shape), tuple(y.shape))
    dtype = result_type(backend.dtype(x), backend.dtype(y))
    return backend, backend.cast(x, dtype), backend.cast(y, dtype)


@op(**_broadcasting, keras_path="numpy.BitwiseAnd")
def bitwise_and(x: ArrayLike, y: ArrayLike) -> Array:
    """Return the bits that are set in both integers, elementwise.

    Args:
        x, y: Array-likes of integers or booleans.

    Raises:
        InvalidTypeError: If an array has another dtype.

    Example:
        >>> from cornu import ops
        >>> ops.bitwise_and([6, 5], 3).tolist()
        [2, 1]
    """
    backend, x, y = _integers("bitwise_and", x, y)
    return backend.bitwise_and(x, y)


@op(**_broadcasting, keras_path="numpy.BitwiseOr")
def bitwise_or(x: ArrayLike, y: ArrayLike) -> Array:
    """Return the bits that are set in at least one of two integers, elementwise (see :func:`bitwise_and` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.bitwise_or([6, 4], 3).tolist()
        [7, 7]
    """
    backend, x, y = _integers("bitwise_or", x, y)
    return backend.bitwise_or(x, y)


@op(**_broadcasting, keras_path="numpy.BitwiseXor")
def bitwise_xor(x: ArrayLike, y: ArrayLike) -> Array:
    """Return the bits that are set in exactly one of two integers, elementwise (see :func:`bitwise_and` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.bitwise_xor([6, 4], 3).tolist()
        [5, 7]
    """
    backend, x, y = _integers("bitwise_xor", x, y)
    return backend.bitwise_xor(x, y)


@op(batch_coupling="none", keras_path="numpy.BitwiseInvert")
def bitwise_invert(x: ArrayLike) -> Array:
    """Return integers with all bits inverted, elementwise: ``-x - 1``.

    Args:
        x: Array-like of integers or booleans.

    Raises:
        InvalidTypeError: If the array has another dtype.

    Example:
        >>> from cornu import ops
        >>> ops.bitwise_invert([0, 5]).tolist()
        [-1, -6]
    """
    backend, x = arrays(x)
    dtype = backend.dtype(x)
    check_integer_dtype("bitwise_invert", "x", dtype)
    return backend.logical_not(x) if dtype == "bool" else backend.subtract(backend.negative(x), 1)


@op(batch_coupling="none", keras_path="numpy.BitwiseNot")
def bitwise_not(x: ArrayLike) -> Array:
    """Return integers with all bits inverted: another name of :func:`bitwise_invert`.

    Example:
        >>> from cornu import ops
        >>> ops.bitwise_not([0, 5]).tolist()
        [-1, -6]
    """
    return bitwise_invert(x)


# --- Shifts -----------------------------------------------------------------------------------------------------------


@op(**_broadcasting, keras_path="numpy.BitwiseLeftShift")
def bitwise_left_shift(x: ArrayLike, y: ArrayLike) -> Array:
    """Shift the bits of integers to the left, elementwise: ``x * 2**y``, without the bits that do not fit.

    Args:
        x: Array-like of integers.
        y: Array-like of integers, the number of bits. If it is negative, or not less than the number of bits of ``x``, the
            result is 0.

    Raises:
        InvalidTypeError: If an array does not contain integers.

    Example:
        >>> from cornu import ops
        >>> ops.bitwise_left_shift([1, 3], 2).tolist()
        [4, 12]
    """
    backend, x, y, outside = _shift("bitwise_left_shift", x, y)
    return backend.where(outside, 0, backend.left_shift(x, backend.where(outside, 0, y)))


@op(**_broadcasting, keras_path="numpy.LeftShift")
def left_shift(x: ArrayLike, y: ArrayLike) -> Array:
    """Shift the bits of integers to the left: another name of :func:`bitwise_left_shift`.

    Example:
        >>> from cornu import ops
        >>> ops.left_shift([1, 3], 2).tolist()
        [4, 12]
    """
    return bitwise_left_shift(x, y)


@op(**_broadcasting, keras_path="numpy.BitwiseRightShift")
def bitwise_right_shift(x: ArrayLike, y: ArrayLike) -> Array:
    """Shift the bits of integers to the right, elementwise: ``floor(x / 2**y)``.

    Args:
        x: Array-like of integers.
        y: Array-like of integers, the number of bits. If it is negative, or not less than the number of bits of ``x``, the
            result is 0, or -1 for negative ``x``.

    Raises:
        InvalidTypeError: If an array does not contain integers.

    Example:
        >>> from cornu import ops
        >>> ops.bitwise_right_shift([12, -3], 1).tolist()
        [6, -2]
    """
    backend, x, y, outside = _shift("bitwise_right_shift", x, y)
    dtype = backend.dtype(x)
    found = backend.right_shift(x, backend.where(outside, np.iinfo(dtype).bits - 1, y))
    return backend.where(outside, 0, found) if dtype.startswith("u") else found


@op(**_broadcasting, keras_path="numpy.RightShift")
def right_shift(x: ArrayLike, y: ArrayLike) -> Array:
    """Shift the bits of integers to the right: another name of :func:`bitwise_right_shift`.

    Example:
        >>> from cornu import ops
        >>> ops.right_shift([12, -3], 1).tolist()
        [6, -2]
    """
    return bitwise_right_shift(x, y)


def _shift(name: str, x: ArrayLike, y: ArrayLike) -> tuple[Backend, Array, Array, Array]:
    """Return the backend, two arrays of integers of one dtype, and where the second is no valid number of bits."""
    if isinstance(y, int):  # a number adopts the dtype of the array
        backend, x = arrays(x)
        y = backend.full((), y if 0 <= y < 64 else 64, backend.dtype(x))
    backend, *both = _integers(name, x, y)
    if backend.dtype(both[0]) == "bool":
        both = [backend.cast(value, "int32") for value in both]
    bits = np.iinfo(backend.dtype(both[0])).bits
    return backend, both[0], both[1], backend.logical_or(backend.less(both[1], 0), backend.greater_equal(both[1], bits))


# --- Casts of bits ----------------------------------------------------------------------------------------------------


@op(batch_coupling=of_rank(2), keras_path="numpy.View")
def view(x: ArrayLike, dtype: DType = None) -> Array:
    """Return the bits of the elements as elements of another dtype.

    Args:
        x: Array-like.
        dtype: Dtype of the result. Defaults to that of ``x``.

    Returns:
        Array of the shape of ``x``, except that the last axis is longer or shorter if the elements have other sizes in bytes.

    Raises:
        ShapeError: If the bytes along the last axis do not fill whole elements.

    Example:
        >>> from cornu import ops
        >>> ops.view([1.0, -1.0], "int32").tolist()
        [1065353216, -1082130432]
    """
    backend, x = arrays(x)
    source = backend.dtype(x)
    target = source if dtype is None else standardize_dtype(dtype)
    if target == source:
        return x
    _check_whole(tuple(x.shape), source, target)
    own = x
    if is_complex(source):
        pairs = view_as_real(x)
        own = backend.reshape(pairs, (*pairs.shape[:-2], -1))
    elif source == "bool":
        own = backend.cast(x, "uint8")
    if is_complex(target):
        parts = backend.bitcast(own, "float64" if target == "complex128" else "float32")
        return view_as_complex(backend.reshape(parts, (*parts.shape[:-1], -1, 2)))
    if target == "bool":
        return backend.not_equal(backend.bitcast(own, "uint8"), 0)
    return backend.bitcast(own, target)


def _check_whole(shape: tuple[int, ...], source: str, target: str) -> None:
    size, wanted = _bytes_of(source), _bytes_of(target)
    if size != wanted and (not shape or shape[-1] * size % wanted):
        expected = f"The last axis must have a multiple of {wanted} bytes; an element of the array has {size}."
        hint = "Reshape or pad the array, or choose a dtype of the same size."
        raise shape_error("view", shape, expected, hint, dtype=target)


def _bytes_of(dtype: str) -> int:
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


@op(**_broadcasting, keras_path="numpy.Nextafter")
def nextafter(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the float next to ``x1`` in the direction of ``x2``, elementwise. It has no gradient.

    The bits of floats of one sign are in the order of their absolute values.

    Args:
        x1: Array-like.
        x2: Array-like.

    Returns:
        Array of floats: ``x2`` where both are equal, and NaN where one of them is NaN.

    Example:
        >>> from cornu import ops
        >>> float(ops.nextafter(1.0, 2.0)) - 1.0
        1.1920928955078125e-07
    """
    backend, x1, x2 = floats(x1, x2)
    check_broadcast("nextafter", tuple(x1.shape), tuple(x2.shape))
    dtype = result_type(backend.dtype(x1), backend.dtype(x2))
    integers = "int16" if dtype in HALVES else dtype.replace("float", "int")
    one, other = (backend.bitcast(backend.cast(x, dtype), integers) for x in (x1, x2))
    limits = np.iinfo(integers)
    size, wanted = (backend.bitwise_and(x, backend.asarray(limits.max, integers)) for x in (one, other))
    to_zero = backend.logical_or(backend.greater(size, wanted), backend.not_equal(backend.less(one, 0), backend.less(other, 0)))
    smallest = backend.where(backend.less(other, 0), backend.asarray(limits.min + 1, integers), 1)
    moved = backend.where(backend.equal(size, 0), smallest, backend.add(one, backend.where(to_zero, -1, 1)))
    are_equal = backend.logical_or(backend.equal(one, other), backend.equal(backend.maximum(size, wanted), 0))
    found = backend.bitcast(backend.cast(backend.where(are_equal, other, moved), integers), dtype)
    return backend.where(backend.logical_or(backend.isnan(x1), backend.isnan(x2)), np.nan, found)
