"""Helpers from which elementwise ops are made."""

import operator

import numpy as np

from cornu.backends.contract import Backend
from cornu.dtypes import is_integer
from cornu.ops.dispatch import arrays, floats, has_floats, operands
from cornu.ops.shape_checks import check_broadcast
from cornu.typing import Array, ArrayLike

# --- One argument -----------------------------------------------------------------------------------------------------


def unary(name: str, x: ArrayLike) -> Array:
    """Apply a primitive of one argument to an array of any dtype."""
    backend, x = arrays(x)
    return getattr(backend, name)(x)


def unary_float(name: str, x: ArrayLike) -> Array:
    """Apply a primitive of one argument to an array that is cast to floats if it has another dtype."""
    backend, x = floats(x)
    return getattr(backend, name)(x)


# --- Two or three arguments (broadcasting) ----------------------------------------------------------------------------


def binary(primitive: str, x1: ArrayLike, x2: ArrayLike, op_name: str | None = None) -> Array:
    """Apply a primitive to two arrays. If they do not broadcast, the error names the op that the user called."""
    backend, x1, x2 = operands(x1, x2)
    try:
        return getattr(backend, primitive)(x1, x2)
    except Exception:
        check_broadcast(op_name or primitive, broadcast_shape(x1), broadcast_shape(x2))
        raise


def comparison(primitive: str, x1: ArrayLike, x2: ArrayLike) -> Array:
    """Compare two arrays as :func:`binary` does, and integers with a Python integer that their dtype does not represent."""
    found = _out_of_range(x1, x2)
    if found is None:
        return binary(primitive, x1, x2)
    backend, x, side = found  # all elements are on the other side of the number
    holds = getattr(operator, _OPERATORS[primitive])(*((side, 0) if isinstance(x1, int) else (0, side)))
    return backend.full(tuple(x.shape), holds, "bool")


_OPERATORS = {
    **{"equal": "eq", "not_equal": "ne", "less": "lt"},
    **{"less_equal": "le", "greater": "gt", "greater_equal": "ge"},
}
"""The functions of the module ``operator`` for the primitives that compare."""


def extremum(primitive: str, x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the larger or smaller values of two arrays; a Python integer is limited to the range of an array of integers."""
    found = _out_of_range(x1, x2)
    if found is None:
        return binary(primitive, x1, x2)
    backend, x, side = found
    limits = np.iinfo(backend.dtype(x))
    return binary(primitive, x, int(limits.max if side > 0 else limits.min))


def _out_of_range(x1: ArrayLike, x2: ArrayLike) -> tuple[Backend, Array, int] | None:
    """Return, for a Python integer and an array of integers whose dtype does not represent it, where it is.

    Returns:
        The backend, the array, and 1 or -1 for an integer above or below the range of the dtype; None for other operands.
    """
    if isinstance(x1, int) == isinstance(x2, int):
        return None
    values, number = (x2, x1) if isinstance(x1, int) else (x1, x2)
    backend, x = arrays(values)
    if has_floats(backend, x) or not is_integer(backend.dtype(x)):
        return None
    limits = np.iinfo(backend.dtype(x))
    side = int(number > limits.max) - int(number < limits.min)  # type: ignore[operator]
    return (backend, x, side) if side else None


def broadcast_shape(x: ArrayLike | None) -> tuple[int, ...]:
    """Return the shape of an array, and ``()`` for a Python number."""
    return tuple(getattr(x, "shape", ()))
