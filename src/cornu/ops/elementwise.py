"""Elementwise mathematical operations: each element of the result depends on one element of each argument."""

import math
from builtins import abs as builtin_abs
from typing import Any

from cornu.backends.contract import Array
from cornu.dtypes import LARGEST
from cornu.errors import InvalidArgumentError
from cornu.ops.batch_coupling import aligned
from cornu.ops.dispatch import arrays, floats, op, operands
from cornu.ops.shape_checks import check_broadcast

# --- One argument -----------------------------------------------------------------------------------------------------


def _of_any(name: str, x: Any) -> Array:
    backend, x = arrays(x)
    return getattr(backend, name)(x)


def _of_floats(name: str, x: Any) -> Array:
    backend, x = floats(x)
    return getattr(backend, name)(x)


@op(batch_coupling="none", keras_path="numpy.Abs")
def abs(x: Array) -> Array:
    """Return the absolute value, elementwise. Its gradient at 0 is 0.

    Example:
        >>> from cornu import ops
        >>> ops.abs([-2, 3]).tolist()
        [2, 3]
    """
    return _of_any("abs", x)


@op(batch_coupling="none", keras_path="numpy.Absolute")
def absolute(x: Array) -> Array:
    """Return the absolute value, elementwise. Alias of :func:`abs`.

    Example:
        >>> from cornu import ops
        >>> ops.absolute([-2, 3]).tolist()
        [2, 3]
    """
    return _of_any("abs", x)


@op(batch_coupling="none", keras_path="numpy.Negative")
def negative(x: Array) -> Array:
    """Return ``-x``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.negative([1, -2]).tolist()
        [-1, 2]
    """
    return _of_any("negative", x)


@op(batch_coupling="none", keras_path="numpy.Sign")
def sign(x: Array) -> Array:
    """Return the sign, elementwise: -1, 0 or 1. Its gradient is 0.

    Example:
        >>> from cornu import ops
        >>> ops.sign([-3.0, 0.0, 5.0]).tolist()
        [-1.0, 0.0, 1.0]
    """
    return _of_any("sign", x)


@op(batch_coupling="none", keras_path="numpy.Square")
def square(x: Array) -> Array:
    """Return ``x * x``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.square([2, -3]).tolist()
        [4, 9]
    """
    return _of_any("square", x)


@op(batch_coupling="none", keras_path="numpy.Exp")
def exp(x: Array) -> Array:
    """Return the exponential ``e**x``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.exp(1.0)):.4f}"
        '2.7183'
    """
    return _of_floats("exp", x)


@op(batch_coupling="none", keras_path="numpy.Exp2")
def exp2(x: Array) -> Array:
    """Return ``2**x``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.exp2([3.0]).tolist()
        [8.0]
    """
    backend, x = floats(x)
    return backend.power(2.0, x)


@op(batch_coupling="none", keras_path="numpy.Expm1")
def expm1(x: Array) -> Array:
    """Return ``exp(x) - 1``, elementwise, accurate also for small ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.expm1(1.0)):.4f}"
        '1.7183'
    """
    return _of_floats("expm1", x)


@op(batch_coupling="none", keras_path="numpy.Log")
def log(x: Array) -> Array:
    """Return the natural logarithm, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log(10.0)):.4f}"
        '2.3026'
    """
    return _of_floats("log", x)


@op(batch_coupling="none", keras_path="numpy.Log1p")
def log1p(x: Array) -> Array:
    """Return ``log(1 + x)``, elementwise, accurate also for small ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log1p(1.0)):.4f}"
        '0.6931'
    """
    return _of_floats("log1p", x)


@op(batch_coupling="none", keras_path="numpy.Log2")
def log2(x: Array) -> Array:
    """Return the base-2 logarithm ``log(x) / log(2)``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log2(8.0)):.4f}"
        '3.0000'
    """
    backend, x = floats(x)
    return backend.divide(backend.log(x), math.log(2))


@op(batch_coupling="none", keras_path="numpy.Log10")
def log10(x: Array) -> Array:
    """Return the base-10 logarithm ``log(x) / log(10)``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log10(1000.0)):.4f}"
        '3.0000'
    """
    backend, x = floats(x)
    return backend.divide(backend.log(x), math.log(10))


@op(batch_coupling="none", keras_path="numpy.Sqrt")
def sqrt(x: Array) -> Array:
    """Return the square root ``x**(1/2)``, elementwise. Its gradient at 0 is infinite.

    Example:
        >>> from cornu import ops
        >>> ops.sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """
    return _of_floats("sqrt", x)


@op(batch_coupling="none", keras_path="math.Rsqrt")
def rsqrt(x: Array) -> Array:
    """Return the reciprocal of the square root, ``1 / sqrt(x)``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.rsqrt(4.0)):.4f}"
        '0.5000'
    """
    return _of_floats("rsqrt", x)


@op(batch_coupling="none", keras_path="numpy.Cbrt")
def cbrt(x: Array) -> Array:
    """Return the cube root ``sign(x) * abs(x)**(1/3)``, elementwise, which is defined for negative values as well.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.cbrt([-8.0, 27.0])).tolist()
        [-2.0, 3.0]
    """
    backend, x = floats(x)
    return backend.multiply(backend.sign(x), backend.power(backend.abs(x), 1 / 3))


@op(batch_coupling="none", keras_path="numpy.Reciprocal")
def reciprocal(x: Array) -> Array:
    """Return the reciprocal ``1 / x``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.reciprocal([2.0, 4.0]).tolist()
        [0.5, 0.25]
    """
    backend, x = floats(x)
    return backend.divide(1.0, x)


@op(batch_coupling="none", keras_path="numpy.Sin")
def sin(x: Array) -> Array:
    """Return the sine, elementwise, with ``x`` in radians.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.sin(1.0)):.4f}"
        '0.8415'
    """
    return _of_floats("sin", x)


@op(batch_coupling="none", keras_path="numpy.Cos")
def cos(x: Array) -> Array:
    """Return the cosine, elementwise, with ``x`` in radians.

    Example:
        >>> from cornu import ops
        >>> ops.cos(0.0).tolist()
        1.0
    """
    return _of_floats("cos", x)


@op(batch_coupling="none", keras_path="numpy.Tan")
def tan(x: Array) -> Array:
    """Return the tangent ``sin(x) / cos(x)``, elementwise, with ``x`` in radians.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.tan(1.0)):.4f}"
        '1.5574'
    """
    return _of_floats("tan", x)


@op(batch_coupling="none", keras_path="numpy.Arcsin")
def arcsin(x: Array) -> Array:
    """Return the inverse sine, elementwise, in radians: values in ``[-pi/2, pi/2]``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arcsin(0.5)):.4f}"
        '0.5236'
    """
    return _of_floats("arcsin", x)


@op(batch_coupling="none", keras_path="numpy.Arccos")
def arccos(x: Array) -> Array:
    """Return the inverse cosine, elementwise, in radians: values in ``[0, pi]``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arccos(0.5)):.4f}"
        '1.0472'
    """
    return _of_floats("arccos", x)


@op(batch_coupling="none", keras_path="numpy.Arctan")
def arctan(x: Array) -> Array:
    """Return the inverse tangent, elementwise, in radians: values in ``[-pi/2, pi/2]``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arctan(1.0)):.4f}"
        '0.7854'
    """
    return _of_floats("arctan", x)


@op(batch_coupling="none", keras_path="numpy.Sinh")
def sinh(x: Array) -> Array:
    """Return the hyperbolic sine ``(exp(x) - exp(-x)) / 2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.sinh(1.0)):.4f}"
        '1.1752'
    """
    return _of_floats("sinh", x)


@op(batch_coupling="none", keras_path="numpy.Cosh")
def cosh(x: Array) -> Array:
    """Return the hyperbolic cosine ``(exp(x) + exp(-x)) / 2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.cosh(0.0).tolist()
        1.0
    """
    return _of_floats("cosh", x)


@op(batch_coupling="none", keras_path="numpy.Tanh")
def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent ``sinh(x) / cosh(x)``, elementwise: an activation function with values in ``[-1, 1]``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.tanh(1.0)):.4f}"
        '0.7616'
    """
    return _of_floats("tanh", x)


@op(batch_coupling="none", keras_path="numpy.Arcsinh")
def arcsinh(x: Array) -> Array:
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
def arccosh(x: Array) -> Array:
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
def arctanh(x: Array) -> Array:
    """Return the inverse hyperbolic tangent ``log((1 + x) / (1 - x)) / 2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arctanh(0.5)):.4f}"
        '0.5493'
    """
    backend, x = floats(x)
    return backend.multiply(backend.subtract(backend.log1p(x), backend.log1p(backend.negative(x))), 0.5)


@op(batch_coupling="none", keras_path="math.Erf")
def erf(x: Array) -> Array:
    """Return the error function, elementwise.

    The error function is ``2 / sqrt(pi)`` times the integral of ``exp(-t**2)`` from 0 to ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.erf(1.0)):.4f}"
        '0.8427'
    """
    return _of_floats("erf", x)


@op(batch_coupling="none", keras_path="math.Erfc")
def erfc(x: Array) -> Array:
    """Return the complementary error function ``1 - erf(x)``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.erfc(1.0)):.4f}"
        '0.1573'
    """
    backend, x = floats(x)
    return backend.subtract(1.0, backend.erf(x))


@op(batch_coupling="none", keras_path="math.Erfinv")
def erfinv(x: Array) -> Array:
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


@op(batch_coupling="none", keras_path="nn.Sigmoid")
def sigmoid(x: Array) -> Array:
    """Return the logistic sigmoid ``1 / (1 + exp(-x))``, elementwise: an activation function with values in ``[0, 1]``.

    Example:
        >>> from cornu import ops
        >>> ops.sigmoid([0.0, 1000.0]).tolist()
        [0.5, 1.0]
    """
    return _of_floats("sigmoid", x)


@op(batch_coupling="none", keras_path="numpy.Floor")
def floor(x: Array) -> Array:
    """Return the largest integer not greater than ``x``, elementwise, as a float.

    Example:
        >>> from cornu import ops
        >>> ops.floor([1.8, -1.2]).tolist()
        [1.0, -2.0]
    """
    return _of_floats("floor", x)


@op(batch_coupling="none", keras_path="numpy.Ceil")
def ceil(x: Array) -> Array:
    """Return the smallest integer not less than ``x``, elementwise, as a float.

    Example:
        >>> from cornu import ops
        >>> ops.ceil([1.2, -1.2]).tolist()
        [2.0, -1.0]
    """
    return _of_floats("ceil", x)


@op(batch_coupling="none", keras_path="numpy.Trunc")
def trunc(x: Array) -> Array:
    """Return ``x`` rounded towards 0 to an integer, elementwise, as a float.

    Example:
        >>> from cornu import ops
        >>> ops.trunc([1.8, -1.8]).tolist()
        [1.0, -1.0]
    """
    backend, x = floats(x)
    return backend.where(backend.less(x, 0), backend.ceil(x), backend.floor(x))


@op(batch_coupling="none", keras_path="numpy.Round")
def round(x: Array, decimals: int = 0) -> Array:
    """Round to the given number of decimals, elementwise; halves are rounded to the even digit.

    Args:
        x: Array-like.
        decimals: Integer, number of digits after the decimal point. A negative value rounds to the left of the point. Defaults
            to 0.

    Example:
        >>> from cornu import ops
        >>> ops.round([0.5, 1.5, -2.6]).tolist()
        [0.0, 2.0, -3.0]
    """
    backend, x = arrays(x)
    if decimals == 0:
        return backend.round(x)
    scale = 10.0 ** builtin_abs(decimals)
    if decimals > 0:
        return backend.divide(backend.round(backend.multiply(x, scale)), scale)
    return backend.multiply(backend.round(backend.divide(x, scale)), scale)


@op(batch_coupling="none", keras_path="numpy.Deg2rad")
def deg2rad(x: Array) -> Array:
    """Convert degrees to radians, elementwise: ``x * pi / 180``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.deg2rad(180.0)):.4f}"
        '3.1416'
    """
    backend, x = floats(x)
    return backend.multiply(x, math.pi / 180)


@op(batch_coupling="none", keras_path="numpy.Rad2deg")
def rad2deg(x: Array) -> Array:
    """Convert radians to degrees, elementwise: ``x * 180 / pi``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.rad2deg(3.14159265)):.4f}"
        '180.0000'
    """
    backend, x = floats(x)
    return backend.multiply(x, 180 / math.pi)


@op(batch_coupling="none", keras_path="numpy.Isnan")
def isnan(x: Array) -> Array:
    """Return True where ``x`` is NaN, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isnan([1.0, float("inf"), float("nan")]).tolist()
        [False, False, True]
    """
    return _of_floats("isnan", x)


@op(batch_coupling="none", keras_path="numpy.Isfinite")
def isfinite(x: Array) -> Array:
    """Return True where ``x`` is neither NaN nor infinite, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isfinite([1.0, float("inf"), float("nan")]).tolist()
        [True, False, False]
    """
    return _of_floats("isfinite", x)


@op(batch_coupling="none", keras_path="numpy.Isinf")
def isinf(x: Array) -> Array:
    """Return True where ``x`` is positive or negative infinity, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isinf([1.0, float("inf"), float("nan")]).tolist()
        [False, True, False]
    """
    backend, x = floats(x)
    return backend.equal(backend.abs(x), math.inf)


@op(batch_coupling="none", keras_path="numpy.Isposinf")
def isposinf(x: Array) -> Array:
    """Return True where ``x`` is positive infinity, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isposinf([float("inf"), -float("inf")]).tolist()
        [True, False]
    """
    backend, x = floats(x)
    return backend.equal(x, math.inf)


@op(batch_coupling="none", keras_path="numpy.Isneginf")
def isneginf(x: Array) -> Array:
    """Return True where ``x`` is negative infinity, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.isneginf([float("inf"), -float("inf")]).tolist()
        [False, True]
    """
    backend, x = floats(x)
    return backend.equal(x, -math.inf)


@op(batch_coupling="none", keras_path="numpy.NanToNum")
def nan_to_num(x: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """Replace NaN and infinities by finite values.

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
    backend, x = floats(x)
    largest = LARGEST[backend.dtype(x)]
    x = backend.where(backend.isnan(x), nan, x)
    x = backend.where(backend.equal(x, math.inf), largest if posinf is None else posinf, x)
    return backend.where(backend.equal(x, -math.inf), -largest if neginf is None else neginf, x)


@op(batch_coupling="none", keras_path="numpy.LogicalNot")
def logical_not(x: Array) -> Array:
    """Return True where ``x`` is False or 0, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.logical_not([True, False]).tolist()
        [False, True]
    """
    return _of_any("logical_not", x)


# --- Two or three arguments (broadcasting) ----------------------------------------------------------------------------


def _of_two(primitive: str, x1: Any, x2: Any, op_name: str | None = None) -> Array:
    """Apply a primitive to two arrays. If they do not broadcast, the error names the op that the user called."""
    backend, x1, x2 = operands(x1, x2)
    try:
        return getattr(backend, primitive)(x1, x2)
    except Exception:
        check_broadcast(op_name or primitive, _shape(x1), _shape(x2))
        raise


def _shape(x: Any) -> tuple[int, ...]:
    return tuple(getattr(x, "shape", ()))


@op(batch_coupling=aligned, keras_path="numpy.Add")
def add(x1: Array, x2: Array) -> Array:
    """Return ``x1 + x2``, elementwise.

    Raises:
        ShapeError: If the shapes do not broadcast.

    Example:
        >>> from cornu import ops
        >>> ops.add([[1, 2]], [[10], [20]]).tolist()
        [[11, 12], [21, 22]]
    """
    return _of_two("add", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Subtract")
def subtract(x1: Array, x2: Array) -> Array:
    """Return ``x1 - x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.subtract([5, 3], 1).tolist()
        [4, 2]
    """
    return _of_two("subtract", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Multiply")
def multiply(x1: Array, x2: Array) -> Array:
    """Return ``x1 * x2``, elementwise (see :func:`matmul` for the matrix product).

    Example:
        >>> from cornu import ops
        >>> ops.multiply([1, 2], [3, 4]).tolist()
        [3, 8]
    """
    return _of_two("multiply", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Divide")
def divide(x1: Array, x2: Array) -> Array:
    """Return ``x1 / x2``, elementwise. The quotient of integers is a float.

    Example:
        >>> from cornu import ops
        >>> ops.divide([1, 3], 2).tolist()
        [0.5, 1.5]
    """
    return _of_two("divide", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.TrueDivide")
def true_divide(x1: Array, x2: Array) -> Array:
    """Return ``x1 / x2``, elementwise. Alias of :func:`divide`.

    Example:
        >>> from cornu import ops
        >>> ops.true_divide([1, 3], 2).tolist()
        [0.5, 1.5]
    """
    return _of_two("divide", x1, x2, "true_divide")


@op(batch_coupling=aligned, keras_path="numpy.DivideNoNan")
def divide_no_nan(x1: Array, x2: Array) -> Array:
    """Return ``x1 / x2``, elementwise, and 0 (with gradient 0) where ``x2`` is 0.

    Example:
        >>> from cornu import ops
        >>> ops.divide_no_nan([3.0, 1.0], [2.0, 0.0]).tolist()
        [1.5, 0.0]
    """
    backend, x1, x2 = floats(x1, x2)
    zero = backend.equal(x2, 0)
    return backend.where(zero, 0.0, _of_two("divide", x1, backend.where(zero, 1.0, x2), "divide_no_nan"))


@op(batch_coupling=aligned, keras_path="numpy.FloorDivide")
def floor_divide(x1: Array, x2: Array) -> Array:
    """Return ``floor(x1 / x2)``, the quotient rounded down, elementwise: ``x1 // x2``.

    Example:
        >>> from cornu import ops
        >>> ops.floor_divide([7, -7], 2).tolist()
        [3, -4]
    """
    return _of_two("floor_divide", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Mod")
def mod(x1: Array, x2: Array) -> Array:
    """Return the remainder ``x1 % x2 = x1 - floor(x1 / x2) * x2``, elementwise, with the sign of ``x2``.

    Example:
        >>> from cornu import ops
        >>> ops.mod([7, -7], 3).tolist()
        [1, 2]
    """
    return _of_two("remainder", x1, x2, "mod")


@op(batch_coupling=aligned, keras_path="numpy.Power")
def power(x1: Array, x2: Array) -> Array:
    """Return ``x1 ** x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.power([2.0, 3.0], 2.0).tolist()
        [4.0, 9.0]
    """
    return _of_two("power", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Maximum")
def maximum(x1: Array, x2: Array) -> Array:
    """Return the elementwise maximum, NaN where either value is NaN. Equal values each receive half of the gradient.

    Example:
        >>> from cornu import ops
        >>> ops.maximum([1, 5], [3, 2]).tolist()
        [3, 5]
    """
    return _of_two("maximum", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Minimum")
def minimum(x1: Array, x2: Array) -> Array:
    """Return the elementwise minimum, NaN where either value is NaN. Equal values each receive half of the gradient.

    Example:
        >>> from cornu import ops
        >>> ops.minimum([1, 5], [3, 2]).tolist()
        [1, 2]
    """
    return _of_two("minimum", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Arctan2")
def arctan2(x1: Array, x2: Array) -> Array:
    """Return the inverse tangent of ``x1 / x2``, elementwise, in the quadrant of the point ``(x2, x1)``, in radians.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arctan2(1.0, -1.0)):.4f}"
        '2.3562'
    """
    _, x1, x2 = floats(x1, x2)
    return _of_two("arctan2", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Hypot")
def hypot(x1: Array, x2: Array) -> Array:
    """Return ``sqrt(x1**2 + x2**2)``, elementwise, without overflow; infinite if either value is infinite.

    Example:
        >>> from cornu import ops
        >>> ops.hypot(3.0, 4.0).tolist()
        5.0
    """
    backend, x1, x2 = floats(x1, x2)
    x1, x2 = backend.abs(x1), backend.abs(x2)
    large, small = _of_two("maximum", x1, x2, "hypot"), backend.minimum(x1, x2)
    infinite = backend.logical_or(backend.equal(x1, math.inf), backend.equal(x2, math.inf))
    ratio = backend.divide(small, backend.where(backend.logical_or(infinite, backend.equal(large, 0)), 1.0, large))
    length = backend.multiply(large, backend.sqrt(backend.add(backend.square(ratio), 1.0)))
    return backend.where(infinite, math.inf, length)


@op(batch_coupling=aligned, keras_path="numpy.Logaddexp")
def logaddexp(x1: Array, x2: Array) -> Array:
    """Return ``log(exp(x1) + exp(x2))``, elementwise, without overflow.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.logaddexp(1000.0, 1000.0)):.4f}"
        '1000.6932'
    """
    _, x1, x2 = floats(x1, x2)
    return _of_two("logaddexp", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Equal")
def equal(x1: Array, x2: Array) -> Array:
    """Return ``x1 == x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.equal([1, 2], [1, 3]).tolist()
        [True, False]
    """
    return _of_two("equal", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.NotEqual")
def not_equal(x1: Array, x2: Array) -> Array:
    """Return ``x1 != x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.not_equal([1, 2], [1, 3]).tolist()
        [False, True]
    """
    return _of_two("not_equal", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Less")
def less(x1: Array, x2: Array) -> Array:
    """Return ``x1 < x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.less([1, 2, 3], 2).tolist()
        [True, False, False]
    """
    return _of_two("less", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.LessEqual")
def less_equal(x1: Array, x2: Array) -> Array:
    """Return ``x1 <= x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.less_equal([1, 2, 3], 2).tolist()
        [True, True, False]
    """
    return _of_two("less_equal", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Greater")
def greater(x1: Array, x2: Array) -> Array:
    """Return ``x1 > x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.greater([1, 2, 3], 2).tolist()
        [False, False, True]
    """
    return _of_two("greater", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.GreaterEqual")
def greater_equal(x1: Array, x2: Array) -> Array:
    """Return ``x1 >= x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.greater_equal([1, 2, 3], 2).tolist()
        [False, True, True]
    """
    return _of_two("greater_equal", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.LogicalAnd")
def logical_and(x1: Array, x2: Array) -> Array:
    """Return True where both values are True (or nonzero), elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.logical_and([True, True], [True, False]).tolist()
        [True, False]
    """
    return _of_two("logical_and", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.LogicalOr")
def logical_or(x1: Array, x2: Array) -> Array:
    """Return True where at least one value is True (or nonzero), elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.logical_or([True, False], [False, False]).tolist()
        [True, False]
    """
    return _of_two("logical_or", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.LogicalXor")
def logical_xor(x1: Array, x2: Array) -> Array:
    """Return True where exactly one value is True (or nonzero), elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.logical_xor([True, True], [True, False]).tolist()
        [False, True]
    """
    return _of_two("logical_xor", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Isclose")
def isclose(x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
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
    same = _of_two("equal", x1, x2)
    allowed = backend.add(backend.multiply(backend.abs(x2), rtol), atol)
    finite = backend.logical_and(backend.isfinite(x1), backend.isfinite(x2))
    difference = backend.where(finite, backend.subtract(backend.where(finite, x1, 0.0), backend.where(finite, x2, 0.0)), 0.0)
    near = backend.logical_and(finite, backend.less_equal(backend.abs(difference), allowed))
    result = backend.logical_or(same, near)
    if equal_nan:
        result = backend.logical_or(result, backend.logical_and(backend.isnan(x1), backend.isnan(x2)))
    return result


@op(batch_coupling=aligned, keras_path="numpy.Clip")
def clip(x: Array, x_min: Array, x_max: Array) -> Array:
    """Limit the values of an array to an interval: ``minimum(maximum(x, x_min), x_max)``.

    Args:
        x: Array-like.
        x_min: Lower bound, or None for no lower bound.
        x_max: Upper bound, or None for no upper bound.

    Example:
        >>> from cornu import ops
        >>> ops.clip([-1.0, 0.5, 7.0], 0, 1).tolist()
        [0.0, 0.5, 1.0]
    """
    if x_min is not None:
        x = _of_two("maximum", x, x_min)
    if x_max is not None:
        x = _of_two("minimum", x, x_max)
    return _of_any("asarray", x)


@op(batch_coupling=aligned, keras_path="numpy.Where")
def where(condition: Array, x1: Array | None = None, x2: Array | None = None) -> Array:
    """Return the elements of ``x1`` where the condition is True, and those of ``x2`` elsewhere.

    Args:
        condition: Array-like of booleans.
        x1: Array-like, values where the condition is True.
        x2: Array-like, values where the condition is False.

    Raises:
        InvalidArgumentError: If ``x1`` or ``x2`` is missing.
        ShapeError: If the shapes do not broadcast.

    Example:
        >>> from cornu import ops
        >>> ops.where([True, False], [1, 2], [10, 20]).tolist()
        [1, 20]
    """
    if x1 is None or x2 is None:
        raise InvalidArgumentError(
            "`where` was called without `x1` or `x2`.",
            "Both are required: the number of True elements of a condition is not known before it is computed.",
            "Call `where(condition, x1, x2)`.",
        )
    backend, condition, x1, x2 = operands(condition, x1, x2)
    if not hasattr(x1, "shape") and not hasattr(x2, "shape"):  # two Python scalars: neither determines a dtype
        x1, x2 = backend.asarray(x1), backend.asarray(x2)
    try:
        return backend.where(condition, x1, x2)
    except Exception:
        check_broadcast("where", _shape(condition), _shape(x1), _shape(x2))
        raise


@op(batch_coupling=aligned)
def select(condlist: list[Array], choicelist: list[Array], default: Any = 0) -> Array:
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
    return result
