"""Special functions, element by element."""

import math
from collections.abc import Sequence

from cornu.backends.contract import Backend
from cornu.ops.dispatch import floats, op
from cornu.ops.elementwise import unary_float
from cornu.typing import Array, ArrayLike

__all__ = ["erf", "erfc", "erfinv", "i0", "sinc"]


@op(batch_coupling="none", keras_path="math.Erf")
def erf(x: ArrayLike) -> Array:
    """Return the error function, elementwise.

    The error function is ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.erf(1.0)):.4f}"
        '0.8427'
    """
    return unary_float("erf", x)


@op(batch_coupling="none", keras_path="math.Erfc")
def erfc(x: ArrayLike) -> Array:
    """Return the complementary error function ``1 - erf(x)``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.erfc(1.0)):.4f}"
        '0.1573'
    """
    backend, x = floats(x)
    return backend.subtract(1.0, backend.erf(x))


@op(batch_coupling="none", keras_path="math.Erfinv")
def erfinv(x: ArrayLike) -> Array:
    """Return the inverse error function, elementwise, for ``x`` between -1 and 1.

    The closed-form approximation of Winitzki ("A handy approximation for the error function and its inverse", 2008) is refined
    by three Halley iterations. The result is infinite at -1 and 1, and NaN outside.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.erfinv(ops.erf(0.7))):.4f}"
        '0.7000'
    """
    backend, x = floats(x)
    a = 0.147
    inside = backend.less(backend.abs(x), 1)
    y = backend.where(inside, x, 0.0)
    fixed = backend.stop_gradient(y)
    logarithm = backend.log1p(backend.negative(backend.square(fixed)))
    half = backend.add(backend.multiply(logarithm, 0.5), 2 / (math.pi * a))
    root = backend.sqrt(backend.subtract(backend.square(half), backend.divide(logarithm, a)))
    start = backend.sqrt(backend.maximum(backend.subtract(root, half), 0.0))
    result = backend.multiply(backend.sign(fixed), start)
    for target in (fixed, fixed, y):  # only the last step is differentiated: its gradient is that of the result
        slope = backend.multiply(backend.exp(backend.negative(backend.square(result))), 2 / math.sqrt(math.pi))
        step = backend.divide(backend.subtract(backend.erf(result), target), slope)
        result = backend.subtract(result, backend.divide(step, backend.add(backend.multiply(result, step), 1.0)))
    result = backend.where(inside, result, math.nan)
    return backend.where(backend.equal(x, 1), math.inf, backend.where(backend.equal(x, -1), -math.inf, result))


@op(batch_coupling="none", keras_path="numpy.Sinc")
def sinc(x: ArrayLike) -> Array:
    """Return ``sin(pi * x) / (pi * x)``, elementwise, and 1 at 0.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.sinc(0.5)):.4f}"
        '0.6366'
    """
    backend, x = floats(x)
    angle = backend.multiply(x, math.pi)
    is_near = backend.less(backend.abs(angle), 0.01)
    near = backend.subtract(1.0, backend.divide(backend.square(angle), 6.0))  # the Taylor series, whose gradient is finite
    far = backend.where(is_near, 1.0, angle)
    return backend.where(is_near, near, backend.divide(backend.sin(far), far))


_I0_INSIDE = (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813)
_I0_OUTSIDE = (
    *(0.39894228, 0.01328592, 0.00225319, -0.00157565, 0.00916281),
    *(-0.02057706, 0.02635537, -0.01647633, 0.00392377),
)


@op(batch_coupling="none", keras_path="numpy.I0")
def i0(x: ArrayLike) -> Array:
    """Return the modified Bessel function of the first kind and order 0, elementwise.

    The relative error is below 2e-7: polynomials 9.8.1 and 9.8.2 of Abramowitz and Stegun, "Handbook of Mathematical
    Functions".

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.i0(1.0)):.4f}"
        '1.2661'
    """
    backend, x = floats(x)
    size = backend.divide(backend.abs(x), 3.75)
    is_inside = backend.less(size, 1)
    inside = polynomial(backend, backend.square(backend.where(is_inside, size, 1.0)), _I0_INSIDE)
    far = backend.where(is_inside, 1.0, size)
    root = backend.multiply(backend.sqrt(far), math.sqrt(3.75))
    factor = backend.divide(backend.exp(backend.multiply(far, 3.75)), root)
    outside = backend.multiply(factor, polynomial(backend, backend.divide(1.0, far), _I0_OUTSIDE))
    return backend.where(is_inside, inside, outside)


def polynomial(backend: Backend, x: Array, coefficients: Sequence[float]) -> Array:
    """Return ``coefficients[0] + coefficients[1] * x + ...``, by Horner's scheme."""
    result = backend.multiply(x, coefficients[-1])
    for coefficient in reversed(coefficients[1:-1]):
        result = backend.multiply(backend.add(result, coefficient), x)
    return backend.add(result, coefficients[0])
