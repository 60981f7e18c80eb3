"""Functions of integers, element by element."""

from typing import Any

from cornu.backends.contract import Backend
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import aligned
from cornu.ops.dispatch import arrays, op
from cornu.ops.shape_checks import check_broadcast, check_integer_dtype
from cornu.typing import Array, ArrayLike

__all__ = ["gcd", "lcm"]


def _integers(name: str, x1: ArrayLike, x2: ArrayLike) -> tuple[Backend, Array, Array]:
    """Return the backend and two arrays of integers of the same dtype and shape."""
    backend, x1, x2 = arrays(x1, x2)
    for argument, x in (("x1", x1), ("x2", x2)):
        check_integer_dtype(name, argument, backend.dtype(x))
    check_broadcast(name, tuple(x1.shape), tuple(x2.shape))
    blank = backend.multiply(backend.multiply(x1, 0), backend.multiply(x2, 0))  # of the common dtype and shape
    return backend, backend.add(blank, x1), backend.add(blank, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Gcd")
def gcd(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the greatest common divisor, elementwise, by Euclid's algorithm; 0 where both values are 0.

    Args:
        x1, x2: Array-likes of integers.

    Raises:
        InvalidTypeError: If an array does not have an integer dtype.

    Example:
        >>> from cornu import ops
        >>> ops.gcd([12, -4], [18, 6]).tolist()
        [6, 2]
    """
    backend, x1, x2 = _integers("gcd", x1, x2)

    def is_left(pair: Any) -> Array:
        return backend.any(backend.not_equal(pair[1], 0))

    def step(pair: Any) -> tuple[Array, Array]:
        first, second = pair
        done = backend.equal(second, 0)
        rest = backend.remainder(first, backend.where(done, 1, second))
        return backend.where(done, first, second), backend.where(done, 0, rest)

    return backend.while_loop(is_left, step, (backend.abs(x1), backend.abs(x2)))[0]


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Lcm")
def lcm(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the least common multiple ``abs(x1 * x2) / gcd(x1, x2)``, elementwise; 0 where a value is 0.

    Args:
        x1, x2: Array-likes of integers.

    Raises:
        InvalidTypeError: If an array does not have an integer dtype.

    Example:
        >>> from cornu import ops
        >>> ops.lcm([4, 0], [6, 3]).tolist()
        [12, 0]
    """
    backend, x1, x2 = _integers("lcm", x1, x2)
    divisor = backend.maximum(gcd(x1, x2), 1)
    return backend.multiply(backend.floor_divide(backend.abs(x1), divisor), backend.abs(x2))
