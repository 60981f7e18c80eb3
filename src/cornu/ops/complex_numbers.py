"""Complex numbers, element by element. Arrays of them have the dtype ``complex64`` or ``complex128``.

Layers hold real numbers; complex ones occur within a computation, which can be differentiated with respect to real arrays.
"""

from cornu.backends.contract import Backend
from cornu.dtypes import is_complex, sum_dtype
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import aligned, of_rank
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.shape_checks import check_broadcast, check_real, shape_error
from cornu.typing import Array, ArrayLike
from cornu.validation import result_type

__all__ = ["angle", "conj", "conjugate", "imag", "isreal", "polar", "real", "view_as_complex", "view_as_real"]


@op(batch_coupling="none", keras_path="numpy.Real")
def real(x: ArrayLike) -> Array:
    """Return the real part, elementwise: real numbers themselves.

    Example:
        >>> from cornu import ops
        >>> ops.real(ops.view_as_complex([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [1.0, 3.0]
    """
    backend, x = arrays(x)
    return backend.complex_parts(x)[0] if is_complex(backend.dtype(x)) else x


@op(batch_coupling="none", keras_path="numpy.Imag")
def imag(x: ArrayLike) -> Array:
    """Return the imaginary part, elementwise: 0 for real numbers.

    Example:
        >>> from cornu import ops
        >>> ops.imag(ops.view_as_complex([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [2.0, 4.0]
    """
    backend, x = arrays(x)
    return backend.complex_parts(x)[1] if is_complex(backend.dtype(x)) else backend.full(backend.shape(x), 0, backend.dtype(x))


@op(batch_coupling="none", keras_path="numpy.Conjugate")
def conjugate(x: ArrayLike) -> Array:
    """Return the complex conjugate ``real - i * imag``, elementwise: real numbers themselves.

    Example:
        >>> from cornu import ops
        >>> ops.imag(ops.conjugate(ops.view_as_complex([[1.0, 2.0]]))).tolist()
        [-2.0]
    """
    backend, x = arrays(x)
    if not is_complex(backend.dtype(x)):
        return x
    first, second = backend.complex_parts(x)
    return backend.complex(first, backend.negative(second))


@op(batch_coupling="none", keras_path="numpy.Conj")
def conj(x: ArrayLike) -> Array:
    """Return the complex conjugate: a short name for :func:`conjugate`.

    Example:
        >>> from cornu import ops
        >>> ops.conj([1.0, 2.0]).tolist()
        [1.0, 2.0]
    """
    return conjugate(x)


@op(batch_coupling="none", keras_path="numpy.Angle")
def angle(x: ArrayLike) -> Array:
    """Return the angle of complex numbers in the plane, elementwise, in radians from ``-pi`` to ``pi``.

    Example:
        >>> from cornu import ops
        >>> [round(value, 4) for value in ops.angle(ops.view_as_complex([[0.0, 2.0], [-1.0, 0.0]])).tolist()]
        [1.5708, 3.1416]
    """
    backend, x = floats(x)
    return backend.arctan2(imag(x), real(x))


@op(batch_coupling="none", keras_path="numpy.Isreal")
def isreal(x: ArrayLike) -> Array:
    """Return whether the imaginary part is 0, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isreal(ops.view_as_complex([[1.0, 2.0], [3.0, 0.0]])).tolist()
        [False, True]
    """
    backend, x = arrays(x)
    return backend.equal(imag(x), False if backend.dtype(x) == "bool" else 0)


@op(batch_coupling=of_rank(2), keras_path="math.ViewAsComplex")
def view_as_complex(x: ArrayLike) -> Array:
    """Return complex numbers, given their real and imaginary parts in the last axis.

    Args:
        x: Array-like of real numbers, of shape ``(..., 2)``.

    Returns:
        Array of shape ``(...,)``; ``complex128`` for ``float64``, otherwise ``complex64``.

    Raises:
        ShapeError: If the last axis does not have size 2.
        InvalidTypeError: If the values are complex already.

    Example:
        >>> from cornu import ops
        >>> z = ops.view_as_complex([[3.0, 4.0]])
        >>> ops.abs(z).tolist()
        [5.0]
    """
    backend, x = floats(x)
    if len(x.shape) < 1 or x.shape[-1] != 2:
        expected = "Its last axis must have size 2, for the real and the imaginary part."
        raise shape_error("view_as_complex", x.shape, expected, "Use `ops.stack([real, imag], axis=-1)` to join two arrays.")
    return _joined(backend, "view_as_complex", *(backend.getitem(x, (..., part)) for part in (0, 1)))


@op(batch_coupling="none", keras_path="math.ViewAsReal")
def view_as_real(x: ArrayLike) -> Array:
    """Return the real and imaginary parts of complex numbers, in a new last axis.

    Args:
        x: Array-like of shape ``(...,)``.

    Returns:
        Array of shape ``(..., 2)``.

    Example:
        >>> from cornu import ops
        >>> ops.view_as_real(ops.view_as_complex([[3.0, 4.0]])).tolist()
        [[3.0, 4.0]]
    """
    backend, x = arrays(x)
    return backend.concatenate([backend.reshape(part, (*backend.shape(part), 1)) for part in (real(x), imag(x))], -1)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="nn.Polar")
def polar(abs_: ArrayLike, angle: ArrayLike) -> Array:
    """Return complex numbers in polar coordinates: ``abs_ * (cos(angle) + i * sin(angle))``.

    Args:
        abs_: Array-like, the absolute values.
        angle: Array-like, the angles in radians.

    Returns:
        Complex array of the shape to which both broadcast.

    Example:
        >>> from cornu import ops
        >>> ops.real(ops.polar([2.0], [0.0])).tolist()
        [2.0]
    """
    backend, abs_, angle = floats(abs_, angle)
    check_broadcast("polar", tuple(abs_.shape), tuple(angle.shape))
    return _joined(backend, "polar", *(backend.multiply(abs_, part(angle)) for part in (backend.cos, backend.sin)))


def _joined(backend: Backend, name: str, first: Array, second: Array) -> Array:
    """Return complex numbers with two parts, which have the same shape."""
    dtype = result_type(backend.dtype(first), backend.dtype(second))
    check_real(name, dtype)
    return backend.complex(*(backend.cast(part, sum_dtype(dtype)) for part in (first, second)))
