"""Comparisons, logical operations and selection, element by element."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.dtypes import LARGEST
from cornu.errors import InvalidArgumentError
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import aligned
from cornu.ops.dispatch import arrays, floats, has_floats, op, operands
from cornu.ops.elementwise import binary, broadcast_shape, comparison, unary, unary_float
from cornu.ops.reductions import all, values_of
from cornu.ops.shape_checks import check_broadcast
from cornu.typing import Array, ArrayLike

__all__ = [
    "allclose",
    "equal",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "nan_to_num",
    "not_equal",
    "select",
    "where",
]


@op(batch_coupling="none", keras_path="numpy.Isnan")
def isnan(x: ArrayLike) -> Array:
    """Return True where ``x`` is NaN, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isnan([1.0, float("inf"), float("nan")]).tolist()
        [False, False, True]
    """
    return unary_float("isnan", x)


@op(batch_coupling="none", keras_path="numpy.Isfinite")
def isfinite(x: ArrayLike) -> Array:
    """Return True where ``x`` is neither NaN nor infinite, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isfinite([1.0, float("inf"), float("nan")]).tolist()
        [True, False, False]
    """
    return unary_float("isfinite", x)


@op(batch_coupling="none", keras_path="numpy.Isinf")
def isinf(x: ArrayLike) -> Array:
    """Return True where ``x`` is positive or negative infinity, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isinf([1.0, float("inf"), float("nan")]).tolist()
        [False, True, False]
    """
    backend, x = floats(x)
    return backend.equal(backend.abs(x), math.inf)


@op(batch_coupling="none", keras_path="numpy.Isposinf")
def isposinf(x: ArrayLike) -> Array:
    """Return True where ``x`` is positive infinity, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isposinf([float("inf"), -float("inf")]).tolist()
        [True, False]
    """
    backend, x = floats(x)
    return backend.equal(x, math.inf)


@op(batch_coupling="none", keras_path="numpy.Isneginf")
def isneginf(x: ArrayLike) -> Array:
    """Return True where ``x`` is negative infinity, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isneginf([float("inf"), -float("inf")]).tolist()
        [False, True]
    """
    backend, x = floats(x)
    return backend.equal(x, -math.inf)


@op(batch_coupling="none", keras_path="numpy.NanToNum")
def nan_to_num(x: ArrayLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """Replace NaN and infinities by finite values; integers and booleans are returned unchanged.

    Args:
        x: Array-like.
        nan: Value that replaces NaN. Defaults to 0.0.
        posinf: Value that replaces positive infinity. Defaults to None (the largest finite value of the dtype).
        neginf: Value that replaces negative infinity. Defaults to None (the lowest finite value of the dtype).

    Example:
        >>> from cornu import ops
        >>> ops.nan_to_num([1.0, float("nan")]).tolist()
        [1.0, 0.0]
    """
    backend, x = arrays(x)
    if not has_floats(backend, x):
        return x
    largest = LARGEST[backend.dtype(x)]
    x = backend.where(backend.isnan(x), nan, x)
    x = backend.where(backend.equal(x, math.inf), largest if posinf is None else posinf, x)
    return backend.where(backend.equal(x, -math.inf), -largest if neginf is None else neginf, x)


@op(batch_coupling="none", keras_path="numpy.LogicalNot")
def logical_not(x: ArrayLike) -> Array:
    """Return True where ``x`` is False or 0, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.logical_not([True, False]).tolist()
        [False, True]
    """
    return unary("logical_not", x)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Equal")
def equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 == x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.equal([1, 2], [1, 3]).tolist()
        [True, False]
    """
    return comparison("equal", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.NotEqual")
def not_equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 != x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.not_equal([1, 2], [1, 3]).tolist()
        [False, True]
    """
    return comparison("not_equal", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Less")
def less(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 < x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.less([1, 2, 3], 2).tolist()
        [True, False, False]
    """
    return comparison("less", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.LessEqual")
def less_equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 <= x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.less_equal([1, 2, 3], 2).tolist()
        [True, True, False]
    """
    return comparison("less_equal", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Greater")
def greater(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 > x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.greater([1, 2, 3], 2).tolist()
        [False, False, True]
    """
    return comparison("greater", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.GreaterEqual")
def greater_equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 >= x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.greater_equal([1, 2, 3], 2).tolist()
        [False, True, True]
    """
    return comparison("greater_equal", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.LogicalAnd")
def logical_and(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return True where both values are True (or nonzero), elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.logical_and([True, True], [True, False]).tolist()
        [True, False]
    """
    return binary("logical_and", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.LogicalOr")
def logical_or(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return True where at least one value is True (or nonzero), elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.logical_or([True, False], [False, False]).tolist()
        [True, False]
    """
    return binary("logical_or", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.LogicalXor")
def logical_xor(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return True where exactly one value is True (or nonzero), elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.logical_xor([True, True], [True, False]).tolist()
        [False, True]
    """
    return binary("logical_xor", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast("x1", "x2"), keras_path="numpy.Isclose")
def isclose(x1: ArrayLike, x2: ArrayLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """Return True where two arrays are equal within a tolerance, elementwise.

    Finite values are close if ``abs(x1 - x2) <= atol + rtol * abs(x2)``; infinities are close if they are equal.

    Args:
        x1: Array-like.
        x2: Array-like of reference values.
        rtol: Float, relative tolerance. Defaults to 1e-5.
        atol: Float, absolute tolerance. Defaults to 1e-8.
        equal_nan: Whether NaN compares equal to NaN. Defaults to False.

    Example:
        >>> from cornu import ops
        >>> ops.isclose([1.0, 2.0], [1.000001, 2.1]).tolist()
        [True, False]
    """
    backend, x1, x2 = floats(x1, x2)
    same = binary("equal", x1, x2)
    allowed = backend.add(backend.multiply(backend.abs(x2), rtol), atol)
    finite = backend.logical_and(backend.isfinite(x1), backend.isfinite(x2))
    difference = backend.where(finite, backend.subtract(backend.where(finite, x1, 0.0), backend.where(finite, x2, 0.0)), 0.0)
    near = backend.logical_and(finite, backend.less_equal(backend.abs(difference), allowed))
    result = backend.logical_or(same, near)
    if equal_nan:
        result = backend.logical_or(result, backend.logical_and(backend.isnan(x1), backend.isnan(x2)))
    return result


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Where")
def where(condition: ArrayLike, x1: ArrayLike | None = None, x2: ArrayLike | None = None) -> Any:
    """Return the elements of ``x1`` where the condition is True, and those of ``x2`` elsewhere.

    Without ``x1`` and ``x2``, return the indices of the True elements. Their number depends on the values of the condition, so
    that this form cannot be used in compiled code.

    Args:
        condition: Array-like of booleans.
        x1: Array-like, values where the condition is True. Defaults to None.
        x2: Array-like, values where the condition is False. Defaults to None.

    Returns:
        Array; or, without ``x1`` and ``x2``, a tuple with one ``int32`` array of indices for each axis of the condition.

    Raises:
        InvalidArgumentError: If only one of ``x1`` and ``x2`` is given, or none of them in compiled code.
        ShapeError: If the shapes do not broadcast.

    Example:
        >>> from cornu import ops
        >>> ops.where([True, False], [1, 2], [10, 20]).tolist()
        [1, 20]
        >>> ops.where([True, False, True])[0].tolist()
        [0, 2]
    """
    if x1 is None and x2 is None:
        backend, condition = arrays(condition)
        values = values_of("where", backend, condition, "Pass `x1` and `x2`.")
        return tuple(backend.asarray(indices, "int32") for indices in np.nonzero(values))
    if x1 is None or x2 is None:
        raise InvalidArgumentError(
            f"`where` was called without `{'x1' if x1 is None else 'x2'}`.",
            "Either both or none of `x1` and `x2` must be given.",
            "Call `where(condition, x1, x2)`, or `where(condition)` for the indices of the True elements.",
        )
    backend, condition, x1, x2 = operands(condition, x1, x2)
    if not hasattr(condition, "shape"):
        condition = backend.asarray(condition, "bool")
    if not hasattr(x1, "shape") and not hasattr(x2, "shape"):  # two Python scalars: neither determines a dtype
        x1, x2 = backend.asarray(x1), backend.asarray(x2)
    try:
        return backend.where(condition, x1, x2)
    except Exception:
        check_broadcast("where", broadcast_shape(condition), broadcast_shape(x1), broadcast_shape(x2))
        raise


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast("condlist", "choicelist", "default"))
def select(condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: ArrayLike = 0) -> Array:
    """Return, for each element, the choice of the first condition that is True.

    Args:
        condlist: List of arrays of booleans.
        choicelist: List of arrays of the same length as ``condlist``.
        default: Value where no condition is True. Defaults to 0.

    Example:
        >>> from cornu import ops
        >>> ops.select([[True, False, False], [True, True, False]], [[1, 2, 3], [10, 20, 30]]).tolist()
        [1, 20, 0]
    """
    if len(condlist) != len(choicelist):
        raise InvalidArgumentError(
            f"`select` received {len(condlist)} conditions and {len(choicelist)} choices.",
            "`condlist` and `choicelist` must have the same length.",
            "Pass one choice for each condition.",
        )
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = where(condition, choice, result)
    return result  # type: ignore[return-value]


@op(unknown_sizes=unknown_sizes.broadcast("x1", "x2"), keras_path="numpy.AllClose")
def allclose(x1: ArrayLike, x2: ArrayLike, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """Return whether all elements of two arrays are equal within a tolerance (see :func:`isclose` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.allclose([1.0, 2.0], [1.0, 2.000001]).tolist()
        True
    """
    return all(isclose(x1, x2, rtol, atol, equal_nan))
