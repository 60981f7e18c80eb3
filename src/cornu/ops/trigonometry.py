"""Trigonometric and hyperbolic functions, element by element."""

import math

from cornu import registry
from cornu.backends.contract import Backend
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import aligned
from cornu.ops.dispatch import floats, op, operands
from cornu.ops.elementwise import binary, unary_float
from cornu.typing import Array, ArrayLike

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sin",
    "sinh",
    "tan",
    "tanh",
]


@op(batch_coupling="none", keras_path="numpy.Sin")
def sin(x: ArrayLike) -> Array:
    """Return the sine, elementwise, with ``x`` in radians.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.sin(1.0)):.4f}"
        '0.8415'
    """
    return unary_float("sin", x)


@op(batch_coupling="none", keras_path="numpy.Cos")
def cos(x: ArrayLike) -> Array:
    """Return the cosine, elementwise, with ``x`` in radians.

    Example:
        >>> from cornu import ops
        >>> ops.cos(0.0).tolist()
        1.0
    """
    return unary_float("cos", x)


@op(batch_coupling="none", keras_path="numpy.Tan")
def tan(x: ArrayLike) -> Array:
    """Return the tangent ``sin(x) / cos(x)``, elementwise, with ``x`` in radians.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.tan(1.0)):.4f}"
        '1.5574'
    """
    return unary_float("tan", x)


@op(batch_coupling="none", keras_path="numpy.Arcsin")
def arcsin(x: ArrayLike) -> Array:
    """Return the inverse sine, elementwise, in radians: values in ``[-pi/2, pi/2]``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arcsin(0.5)):.4f}"
        '0.5236'
    """
    return unary_float("arcsin", x)


@op(batch_coupling="none", keras_path="numpy.Arccos")
def arccos(x: ArrayLike) -> Array:
    """Return the inverse cosine, elementwise, in radians: values in ``[0, pi]``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arccos(0.5)):.4f}"
        '1.0472'
    """
    return unary_float("arccos", x)


@op(batch_coupling="none", keras_path="numpy.Arctan")
def arctan(x: ArrayLike) -> Array:
    """Return the inverse tangent, elementwise, in radians: values in ``[-pi/2, pi/2]``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arctan(1.0)):.4f}"
        '0.7854'
    """
    return unary_float("arctan", x)


@op(batch_coupling="none", keras_path="numpy.Sinh")
def sinh(x: ArrayLike) -> Array:
    """Return the hyperbolic sine ``(exp(x) - exp(-x)) / 2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.sinh(1.0)):.4f}"
        '1.1752'
    """
    return unary_float("sinh", x)


@op(batch_coupling="none", keras_path="numpy.Cosh")
def cosh(x: ArrayLike) -> Array:
    """Return the hyperbolic cosine ``(exp(x) + exp(-x)) / 2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.cosh(0.0).tolist()
        1.0
    """
    return unary_float("cosh", x)


@registry.register("activations")
@op(batch_coupling="none", keras_path="numpy.Tanh")
def tanh(x: ArrayLike) -> Array:
    """Return the hyperbolic tangent ``sinh(x) / cosh(x)``, elementwise: an activation function with values in ``[-1, 1]``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.tanh(1.0)):.4f}"
        '0.7616'
    """
    return unary_float("tanh", x)


@op(batch_coupling="none", keras_path="numpy.Arcsinh")
def arcsinh(x: ArrayLike) -> Array:
    """Return the inverse hyperbolic sine ``log(x + sqrt(x**2 + 1))``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arcsinh(ops.sinh(-2.0))):.4f}"
        '-2.0000'
    """
    backend, x = floats(x)
    below = backend.less(x, 0)
    size = backend.where(below, backend.negative(x), x)  # not `abs`, whose gradient at 0 is 0
    near = backend.minimum(size, 1e4)
    square = backend.square(near)
    small = backend.log1p(backend.add(near, backend.divide(square, backend.add(backend.sqrt(backend.add(square, 1.0)), 1.0))))
    large = backend.add(backend.log(backend.maximum(size, 1e4)), math.log(2))
    result = backend.where(backend.less(size, 1e4), small, large)
    return backend.where(below, backend.negative(result), result)


@op(batch_coupling="none", keras_path="numpy.Arccosh")
def arccosh(x: ArrayLike) -> Array:
    """Return the inverse hyperbolic cosine ``log(x + sqrt(x**2 - 1))``, elementwise: non-negative, and NaN for ``x < 1``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arccosh(2.0)):.4f}"
        '1.3170'
    """
    backend, x = floats(x)
    above = backend.subtract(x, 1.0)
    return backend.log1p(backend.add(above, backend.multiply(backend.sqrt(above), backend.sqrt(backend.add(x, 1.0)))))


@op(batch_coupling="none", keras_path="numpy.Arctanh")
def arctanh(x: ArrayLike) -> Array:
    """Return the inverse hyperbolic tangent ``log((1 + x) / (1 - x)) / 2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arctanh(0.5)):.4f}"
        '0.5493'
    """
    backend, x = floats(x)
    return backend.multiply(backend.subtract(backend.log1p(x), backend.log1p(backend.negative(x))), 0.5)


@op(batch_coupling="none", keras_path="numpy.Deg2rad")
def deg2rad(x: ArrayLike) -> Array:
    """Convert degrees to radians, elementwise: ``x * pi / 180``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.deg2rad(180.0)):.4f}"
        '3.1416'
    """
    backend, x = floats(x)
    return backend.multiply(x, math.pi / 180)


@op(batch_coupling="none", keras_path="numpy.Rad2deg")
def rad2deg(x: ArrayLike) -> Array:
    """Convert radians to degrees, elementwise: ``x * 180 / pi``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.rad2deg(3.14159265)):.4f}"
        '180.0000'
    """
    backend, x = floats(x)
    return backend.multiply(x, 180 / math.pi)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Arctan2")
def arctan2(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the inverse tangent of ``x1 / x2``, elementwise, in the quadrant of the point ``(x2, x1)``, in radians.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arctan2(1.0, -1.0)):.4f}"
        '2.3562'
    """
    _, x1, x2 = floats(x1, x2)
    return binary("arctan2", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Hypot")
def hypot(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``sqrt(x1**2 + x2**2)``, elementwise, without overflow; infinite if either value is infinite.

    Example:
        >>> from cornu import ops
        >>> ops.hypot(3.0, 4.0).tolist()
        5.0
    """
    backend, x1, x2 = _as_floats(x1, x2)
    x1, x2 = backend.abs(x1), backend.abs(x2)
    large, small = binary("maximum", x1, x2, "hypot"), backend.minimum(x1, x2)
    infinite = backend.logical_or(backend.equal(x1, math.inf), backend.equal(x2, math.inf))
    ratio = backend.divide(small, backend.where(backend.logical_or(infinite, backend.equal(large, 0)), 1.0, large))
    length = backend.multiply(large, backend.sqrt(backend.add(backend.square(ratio), 1.0)))
    return backend.where(infinite, math.inf, length)


def _as_floats(x1: ArrayLike, x2: ArrayLike) -> tuple[Backend, Array, Array]:
    """Convert two values as :func:`floats` does, but a Python number next to an array to the dtype of the array."""
    backend, x1, x2 = operands(x1, x2)
    if hasattr(x1, "dtype") and hasattr(x2, "dtype"):
        _, x1, x2 = floats(x1, x2)
        return backend, x1, x2
    if hasattr(x1, "dtype"):
        _, x1 = floats(x1)
        return backend, x1, backend.asarray(x2, backend.dtype(x1))
    _, x2 = floats(x2)
    return backend, backend.asarray(x1, backend.dtype(x2)), x2
