"""Helpers from which elementwise ops are made."""

from cornu.ops.dispatch import arrays, floats, operands
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


def broadcast_shape(x: ArrayLike | None) -> tuple[int, ...]:
    """Return the shape of an array, and ``()`` for a Python number."""
    return tuple(getattr(x, "shape", ()))
