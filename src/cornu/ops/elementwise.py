"""Elementwise mathematics: one number of the result for each number of the arguments."""

import math
from builtins import abs as builtin_abs
from typing import Any

from cornu.backends.contract import Array
from cornu.errors import InvalidArgumentError
from cornu.ops.batch_coupling import aligned
from cornu.ops.checks import check_broadcast
from cornu.ops.dispatch import arrays, floats, op, operands
from cornu.ops.dtypes import LARGEST

# --- Of one array -----------------------------------------------------------------------------------------------------


def _of_any(name: str, x: Any) -> Array:
    backend, x = arrays(x)
    return getattr(backend, name)(x)


def _of_floats(name: str, x: Any) -> Array:
    backend, x = floats(x)
    return getattr(backend, name)(x)


@op(batch_coupling="none", keras_path="numpy.Abs")
def abs(x: Array) -> Array:
    """The absolute value.

    Example:
        >>> from cornu import ops
        >>> ops.abs([-2, 3]).tolist()
        [2, 3]
    """
    return _of_any("abs", x)


@op(batch_coupling="none", keras_path="numpy.Absolute")
def absolute(x: Array) -> Array:
    """The absolute value; another name of :func:`abs`.

    Example:
        >>> from cornu import ops
        >>> ops.absolute([-2, 3]).tolist()
        [2, 3]
    """
    return _of_any("abs", x)


@op(batch_coupling="none", keras_path="numpy.Negative")
def negative(x: Array) -> Array:
    """``-x``.

    Example:
        >>> from cornu import ops
        >>> ops.negative([1, -2]).tolist()
        [-1, 2]
    """
    return _of_any("negative", x)


@op(batch_coupling="none", keras_path="numpy.Sign")
def sign(x: Array) -> Array:
    """-1, 0 or 1: the sign of each number. Its gradient is 0.

    Example:
        >>> from cornu import ops
        >>> ops.sign([-3.0, 0.0, 5.0]).tolist()
        [-1.0, 0.0, 1.0]
    """
    return _of_any("sign", x)


@op(batch_coupling="none", keras_path="numpy.Square")
def square(x: Array) -> Array:
    """``x * x``.

    Example:
        >>> from cornu import ops
        >>> ops.square([2, -3]).tolist()
        [4, 9]
    """
    return _of_any("square", x)


@op(batch_coupling="none", keras_path="numpy.Exp")
def exp(x: Array) -> Array:
    """``e`` to the power ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.exp(1.0)):.4f}"
        '2.7183'
    """
    return _of_floats("exp", x)


@op(batch_coupling="none", keras_path="numpy.Exp2")
def exp2(x: Array) -> Array:
    """2 to the power ``x``.

    Example:
        >>> from cornu import ops
        >>> ops.exp2([3.0]).tolist()
        [8.0]
    """
    backend, x = floats(x)
    return backend.power(2.0, x)


@op(batch_coupling="none", keras_path="numpy.Expm1")
def expm1(x: Array) -> Array:
    """``exp(x) - 1``, exact for small ``x`` too.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.expm1(1.0)):.4f}"
        '1.7183'
    """
    return _of_floats("expm1", x)


@op(batch_coupling="none", keras_path="numpy.Log")
def log(x: Array) -> Array:
    """The natural logarithm.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log(10.0)):.4f}"
        '2.3026'
    """
    return _of_floats("log", x)


@op(batch_coupling="none", keras_path="numpy.Log1p")
def log1p(x: Array) -> Array:
    """``log(1 + x)``, exact for small ``x`` too.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log1p(1.0)):.4f}"
        '0.6931'
    """
    return _of_floats("log1p", x)


@op(batch_coupling="none", keras_path="numpy.Log2")
def log2(x: Array) -> Array:
    """The logarithm to base 2.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log2(8.0)):.4f}"
        '3.0000'
    """
    backend, x = floats(x)
    return backend.divide(backend.log(x), math.log(2))


@op(batch_coupling="none", keras_path="numpy.Log10")
def log10(x: Array) -> Array:
    """The logarithm to base 10.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log10(1000.0)):.4f}"
        '3.0000'
    """
    backend, x = floats(x)
    return backend.divide(backend.log(x), math.log(10))


@op(batch_coupling="none", keras_path="numpy.Sqrt")
def sqrt(x: Array) -> Array:
    """The square root. Its gradient at 0 is infinite.

    Example:
        >>> from cornu import ops
        >>> ops.sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """
    return _of_floats("sqrt", x)


@op(batch_coupling="none", keras_path="math.Rsqrt")
def rsqrt(x: Array) -> Array:
    """``1 / sqrt(x)``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.rsqrt(4.0)):.4f}"
        '0.5000'
    """
    return _of_floats("rsqrt", x)


@op(batch_coupling="none", keras_path="numpy.Cbrt")
def cbrt(x: Array) -> Array:
    """The cube root, of negative numbers too.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.cbrt([-8.0, 27.0])).tolist()
        [-2.0, 3.0]
    """
    backend, x = floats(x)
    return backend.multiply(backend.sign(x), backend.power(backend.abs(x), 1 / 3))


@op(batch_coupling="none", keras_path="numpy.Reciprocal")
def reciprocal(x: Array) -> Array:
    """``1 / x``.

    Example:
        >>> from cornu import ops
        >>> ops.reciprocal([2.0, 4.0]).tolist()
        [0.5, 0.25]
    """
    backend, x = floats(x)
    return backend.divide(1.0, x)


@op(batch_coupling="none", keras_path="numpy.Sin")
def sin(x: Array) -> Array:
    """The sine of an angle in radians.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.sin(1.0)):.4f}"
        '0.8415'
    """
    return _of_floats("sin", x)


@op(batch_coupling="none", keras_path="numpy.Cos")
def cos(x: Array) -> Array:
    """The cosine of an angle in radians.

    Example:
        >>> from cornu import ops
        >>> ops.cos(0.0).tolist()
        1.0
    """
    return _of_floats("cos", x)


@op(batch_coupling="none", keras_path="numpy.Tan")
def tan(x: Array) -> Array:
    """The tangent of an angle in radians.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.tan(1.0)):.4f}"
        '1.5574'
    """
    return _of_floats("tan", x)


@op(batch_coupling="none", keras_path="numpy.Arcsin")
def arcsin(x: Array) -> Array:
    """The angle, in radians, whose sine is ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arcsin(0.5)):.4f}"
        '0.5236'
    """
    return _of_floats("arcsin", x)


@op(batch_coupling="none", keras_path="numpy.Arccos")
def arccos(x: Array) -> Array:
    """The angle, in radians, whose cosine is ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arccos(0.5)):.4f}"
        '1.0472'
    """
    return _of_floats("arccos", x)


@op(batch_coupling="none", keras_path="numpy.Arctan")
def arctan(x: Array) -> Array:
    """The angle, in radians, whose tangent is ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arctan(1.0)):.4f}"
        '0.7854'
    """
    return _of_floats("arctan", x)


@op(batch_coupling="none", keras_path="numpy.Sinh")
def sinh(x: Array) -> Array:
    """The hyperbolic sine.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.sinh(1.0)):.4f}"
        '1.1752'
    """
    return _of_floats("sinh", x)


@op(batch_coupling="none", keras_path="numpy.Cosh")
def cosh(x: Array) -> Array:
    """The hyperbolic cosine.

    Example:
        >>> from cornu import ops
        >>> ops.cosh(0.0).tolist()
        1.0
    """
    return _of_floats("cosh", x)


@op(batch_coupling="none", keras_path="numpy.Tanh")
def tanh(x: Array) -> Array:
    """The hyperbolic tangent: an activation between -1 and 1.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.tanh(1.0)):.4f}"
        '0.7616'
    """
    return _of_floats("tanh", x)


@op(batch_coupling="none", keras_path="numpy.Arcsinh")
def arcsinh(x: Array) -> Array:
    """The number whose hyperbolic sine is ``x``.

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
    """The positive number whose hyperbolic cosine is ``x``; NaN below 1.

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
    """The number whose hyperbolic tangent is ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arctanh(0.5)):.4f}"
        '0.5493'
    """
    backend, x = floats(x)
    return backend.multiply(backend.subtract(backend.log1p(x), backend.log1p(backend.negative(x))), 0.5)


@op(batch_coupling="none", keras_path="math.Erf")
def erf(x: Array) -> Array:
    """The error function: twice the area of the bell curve ``exp(-t * t) / sqrt(pi)`` from 0 to ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.erf(1.0)):.4f}"
        '0.8427'
    """
    return _of_floats("erf", x)


@op(batch_coupling="none", keras_path="math.Erfc")
def erfc(x: Array) -> Array:
    """``1 - erf(x)``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.erfc(1.0)):.4f}"
        '0.1573'
    """
    backend, x = floats(x)
    return backend.subtract(1.0, backend.erf(x))


@op(batch_coupling="none", keras_path="math.Erfinv")
def erfinv(x: Array) -> Array:
    """The number whose error function is ``x``, between -1 and 1.

    Winitzki's closed formula ("A handy approximation for the error function and its inverse", 2008) is near; three of Halley's
    steps make it exact.

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
    for target in (fixed, fixed, y):  # the gradient of the last step is that of the whole
        slope = backend.multiply(backend.exp(backend.negative(backend.square(result))), 2 / math.sqrt(math.pi))
        step = backend.divide(backend.subtract(backend.erf(result), target), slope)
        result = backend.subtract(result, backend.divide(step, backend.add(backend.multiply(result, step), 1.0)))
    result = backend.where(inside, result, math.nan)
    return backend.where(backend.equal(x, 1), math.inf, backend.where(backend.equal(x, -1), -math.inf, result))


@op(batch_coupling="none", keras_path="nn.Sigmoid")
def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``: an activation between 0 and 1.

    Example:
        >>> from cornu import ops
        >>> ops.sigmoid([0.0, 1000.0]).tolist()
        [0.5, 1.0]
    """
    return _of_floats("sigmoid", x)


@op(batch_coupling="none", keras_path="numpy.Floor")
def floor(x: Array) -> Array:
    """The largest whole number that is not above ``x``, as a float.

    Example:
        >>> from cornu import ops
        >>> ops.floor([1.8, -1.2]).tolist()
        [1.0, -2.0]
    """
    return _of_floats("floor", x)


@op(batch_coupling="none", keras_path="numpy.Ceil")
def ceil(x: Array) -> Array:
    """The smallest whole number that is not below ``x``, as a float.

    Example:
        >>> from cornu import ops
        >>> ops.ceil([1.2, -1.2]).tolist()
        [2.0, -1.0]
    """
    return _of_floats("ceil", x)


@op(batch_coupling="none", keras_path="numpy.Trunc")
def trunc(x: Array) -> Array:
    """The whole part, as a float: rounded towards 0.

    Example:
        >>> from cornu import ops
        >>> ops.trunc([1.8, -1.8]).tolist()
        [1.0, -1.0]
    """
    backend, x = floats(x)
    return backend.where(backend.less(x, 0), backend.ceil(x), backend.floor(x))


@op(batch_coupling="none", keras_path="numpy.Round")
def round(x: Array, decimals: int = 0) -> Array:
    """The nearest number of so many decimals; halves go to the even digit.

    Args:
        x: An array.
        decimals: Digits behind the point; negative ones round before it.

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
    """Degrees as radians.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.deg2rad(180.0)):.4f}"
        '3.1416'
    """
    backend, x = floats(x)
    return backend.multiply(x, math.pi / 180)


@op(batch_coupling="none", keras_path="numpy.Rad2deg")
def rad2deg(x: Array) -> Array:
    """Radians as degrees.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.rad2deg(3.14159265)):.4f}"
        '180.0000'
    """
    backend, x = floats(x)
    return backend.multiply(x, 180 / math.pi)


@op(batch_coupling="none", keras_path="numpy.Isnan")
def isnan(x: Array) -> Array:
    """True where a number is NaN ("not a number").

    Example:
        >>> from cornu import ops
        >>> ops.isnan([1.0, float("inf"), float("nan")]).tolist()
        [False, False, True]
    """
    return _of_floats("isnan", x)


@op(batch_coupling="none", keras_path="numpy.Isfinite")
def isfinite(x: Array) -> Array:
    """True where a number is neither NaN nor infinite.

    Example:
        >>> from cornu import ops
        >>> ops.isfinite([1.0, float("inf"), float("nan")]).tolist()
        [True, False, False]
    """
    return _of_floats("isfinite", x)


@op(batch_coupling="none", keras_path="numpy.Isinf")
def isinf(x: Array) -> Array:
    """True where a number is infinite, of either sign.

    Example:
        >>> from cornu import ops
        >>> ops.isinf([1.0, float("inf"), float("nan")]).tolist()
        [False, True, False]
    """
    backend, x = floats(x)
    return backend.equal(backend.abs(x), math.inf)


@op(batch_coupling="none", keras_path="numpy.Isposinf")
def isposinf(x: Array) -> Array:
    """True where a number is plus infinity.

    Example:
        >>> from cornu import ops
        >>> ops.isposinf([float("inf"), -float("inf")]).tolist()
        [True, False]
    """
    backend, x = floats(x)
    return backend.equal(x, math.inf)


@op(batch_coupling="none", keras_path="numpy.Isneginf")
def isneginf(x: Array) -> Array:
    """True where a number is minus infinity.

    Example:
        >>> from cornu import ops
        >>> ops.isneginf([float("inf"), -float("inf")]).tolist()
        [False, True]
    """
    backend, x = floats(x)
    return backend.equal(x, -math.inf)


@op(batch_coupling="none", keras_path="numpy.NanToNum")
def nan_to_num(x: Array, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Array:
    """The array with other numbers in place of NaN and infinities.

    Args:
        x: An array.
        nan: Stands for NaN.
        posinf: Stands for plus infinity; None is a very large number of the dtype.
        neginf: Stands for minus infinity; None is a very small (negative) one.

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
    """True where ``x`` is false or 0.

    Example:
        >>> from cornu import ops
        >>> ops.logical_not([True, False]).tolist()
        [False, True]
    """
    return _of_any("logical_not", x)


# --- Of two or three arrays, which broadcast --------------------------------------------------------------------------


def _of_two(primitive: str, x1: Any, x2: Any, op_name: str | None = None) -> Array:
    """A primitive of two arrays; where they do not broadcast, the error names the op that the user called."""
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
    """``x1 + x2``.

    Raises:
        ShapeError: The shapes do not broadcast.

    Example:
        >>> from cornu import ops
        >>> ops.add([[1, 2]], [[10], [20]]).tolist()
        [[11, 12], [21, 22]]
    """
    return _of_two("add", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Subtract")
def subtract(x1: Array, x2: Array) -> Array:
    """``x1 - x2``.

    Example:
        >>> from cornu import ops
        >>> ops.subtract([5, 3], 1).tolist()
        [4, 2]
    """
    return _of_two("subtract", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Multiply")
def multiply(x1: Array, x2: Array) -> Array:
    """``x1 * x2``, elementwise (:func:`matmul` multiplies matrices).

    Example:
        >>> from cornu import ops
        >>> ops.multiply([1, 2], [3, 4]).tolist()
        [3, 8]
    """
    return _of_two("multiply", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Divide")
def divide(x1: Array, x2: Array) -> Array:
    """``x1 / x2``; of whole numbers as floats.

    Example:
        >>> from cornu import ops
        >>> ops.divide([1, 3], 2).tolist()
        [0.5, 1.5]
    """
    return _of_two("divide", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.TrueDivide")
def true_divide(x1: Array, x2: Array) -> Array:
    """``x1 / x2``; another name of :func:`divide`.

    Example:
        >>> from cornu import ops
        >>> ops.true_divide([1, 3], 2).tolist()
        [0.5, 1.5]
    """
    return _of_two("divide", x1, x2, "true_divide")


@op(batch_coupling=aligned, keras_path="numpy.DivideNoNan")
def divide_no_nan(x1: Array, x2: Array) -> Array:
    """``x1 / x2``, and 0 (with gradient 0) where ``x2`` is 0.

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
    """``x1 // x2``: the quotient rounded down.

    Example:
        >>> from cornu import ops
        >>> ops.floor_divide([7, -7], 2).tolist()
        [3, -4]
    """
    return _of_two("floor_divide", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Mod")
def mod(x1: Array, x2: Array) -> Array:
    """``x1 % x2``: the remainder, with the sign of ``x2``.

    Example:
        >>> from cornu import ops
        >>> ops.mod([7, -7], 3).tolist()
        [1, 2]
    """
    return _of_two("remainder", x1, x2, "mod")


@op(batch_coupling=aligned, keras_path="numpy.Power")
def power(x1: Array, x2: Array) -> Array:
    """``x1 ** x2``.

    Example:
        >>> from cornu import ops
        >>> ops.power([2.0, 3.0], 2.0).tolist()
        [4.0, 9.0]
    """
    return _of_two("power", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Maximum")
def maximum(x1: Array, x2: Array) -> Array:
    """The larger of two numbers, NaN if one is. Where they are equal, each gets half of the gradient.

    Example:
        >>> from cornu import ops
        >>> ops.maximum([1, 5], [3, 2]).tolist()
        [3, 5]
    """
    return _of_two("maximum", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Minimum")
def minimum(x1: Array, x2: Array) -> Array:
    """The smaller of two numbers, NaN if one is. Where they are equal, each gets half of the gradient.

    Example:
        >>> from cornu import ops
        >>> ops.minimum([1, 5], [3, 2]).tolist()
        [1, 2]
    """
    return _of_two("minimum", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Arctan2")
def arctan2(x1: Array, x2: Array) -> Array:
    """The angle, in radians, of the point with ordinate ``x1`` and abscissa ``x2``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.arctan2(1.0, -1.0)):.4f}"
        '2.3562'
    """
    _, x1, x2 = floats(x1, x2)
    return _of_two("arctan2", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Hypot")
def hypot(x1: Array, x2: Array) -> Array:
    """``sqrt(x1**2 + x2**2)``, without overflow; infinite if one of them is, whatever the other one is.

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
    """``log(exp(x1) + exp(x2))``, without overflow.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.logaddexp(1000.0, 1000.0)):.4f}"
        '1000.6932'
    """
    _, x1, x2 = floats(x1, x2)
    return _of_two("logaddexp", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Equal")
def equal(x1: Array, x2: Array) -> Array:
    """``x1 == x2``.

    Example:
        >>> from cornu import ops
        >>> ops.equal([1, 2], [1, 3]).tolist()
        [True, False]
    """
    return _of_two("equal", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.NotEqual")
def not_equal(x1: Array, x2: Array) -> Array:
    """``x1 != x2``.

    Example:
        >>> from cornu import ops
        >>> ops.not_equal([1, 2], [1, 3]).tolist()
        [False, True]
    """
    return _of_two("not_equal", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Less")
def less(x1: Array, x2: Array) -> Array:
    """``x1 < x2``.

    Example:
        >>> from cornu import ops
        >>> ops.less([1, 2, 3], 2).tolist()
        [True, False, False]
    """
    return _of_two("less", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.LessEqual")
def less_equal(x1: Array, x2: Array) -> Array:
    """``x1 <= x2``.

    Example:
        >>> from cornu import ops
        >>> ops.less_equal([1, 2, 3], 2).tolist()
        [True, True, False]
    """
    return _of_two("less_equal", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Greater")
def greater(x1: Array, x2: Array) -> Array:
    """``x1 > x2``.

    Example:
        >>> from cornu import ops
        >>> ops.greater([1, 2, 3], 2).tolist()
        [False, False, True]
    """
    return _of_two("greater", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.GreaterEqual")
def greater_equal(x1: Array, x2: Array) -> Array:
    """``x1 >= x2``.

    Example:
        >>> from cornu import ops
        >>> ops.greater_equal([1, 2, 3], 2).tolist()
        [False, True, True]
    """
    return _of_two("greater_equal", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.LogicalAnd")
def logical_and(x1: Array, x2: Array) -> Array:
    """True where both are true (or not 0).

    Example:
        >>> from cornu import ops
        >>> ops.logical_and([True, True], [True, False]).tolist()
        [True, False]
    """
    return _of_two("logical_and", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.LogicalOr")
def logical_or(x1: Array, x2: Array) -> Array:
    """True where one or both are true (or not 0).

    Example:
        >>> from cornu import ops
        >>> ops.logical_or([True, False], [False, False]).tolist()
        [True, False]
    """
    return _of_two("logical_or", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.LogicalXor")
def logical_xor(x1: Array, x2: Array) -> Array:
    """True where exactly one is true (or not 0).

    Example:
        >>> from cornu import ops
        >>> ops.logical_xor([True, True], [True, False]).tolist()
        [False, True]
    """
    return _of_two("logical_xor", x1, x2)


@op(batch_coupling=aligned, keras_path="numpy.Isclose")
def isclose(x1: Array, x2: Array, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Array:
    """True where two numbers are nearly the same.

    Args:
        x1: An array.
        x2: The array it is compared with.
        rtol: Allowed difference, as a part of the size of ``x2``.
        atol: Allowed difference on top of it.
        equal_nan: Whether NaN is the same as NaN.

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
    """The array with numbers below ``x_min`` and above ``x_max`` replaced by these bounds.

    Args:
        x: An array.
        x_min: Lower bound, or None for none.
        x_max: Upper bound, or None for none.

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
    """``x1`` where the condition holds, else ``x2``.

    Args:
        condition: An array of booleans.
        x1: Numbers to take where it is true.
        x2: Numbers to take where it is false.

    Raises:
        InvalidArgumentError: One of the two is left out.
        ShapeError: The shapes do not broadcast.

    Example:
        >>> from cornu import ops
        >>> ops.where([True, False], [1, 2], [10, 20]).tolist()
        [1, 20]
    """
    if x1 is None or x2 is None:
        raise InvalidArgumentError(
            "`where` was called without `x1` or `x2`.",
            "Both are needed: how many places a condition holds at is not known before it is computed.",
            "Call `where(condition, x1, x2)`.",
        )
    backend, condition, x1, x2 = operands(condition, x1, x2)
    if not hasattr(x1, "shape") and not hasattr(x2, "shape"):  # two numbers: nothing gives them a dtype
        x1, x2 = backend.asarray(x1), backend.asarray(x2)
    try:
        return backend.where(condition, x1, x2)
    except Exception:
        check_broadcast("where", _shape(condition), _shape(x1), _shape(x2))
        raise


@op(batch_coupling=aligned)
def select(condlist: list[Array], choicelist: list[Array], default: Any = 0) -> Array:
    """For each place the choice whose condition is the first to hold there.

    Args:
        condlist: Arrays of booleans.
        choicelist: As many arrays.
        default: Taken where no condition holds.

    Example:
        >>> from cornu import ops
        >>> ops.select([[True, False, False], [True, True, False]], [[1, 2, 3], [10, 20, 30]]).tolist()
        [1, 20, 0]
    """
    if len(condlist) != len(choicelist):
        raise InvalidArgumentError(
            f"`select` was given {len(condlist)} conditions and {len(choicelist)} choices.",
            "There must be as many of both.",
            "Add the missing ones.",
        )
    result = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = where(condition, choice, result)
    return result
