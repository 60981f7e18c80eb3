"""Arithmetic, powers, logarithms and rounding, element by element."""

import math
from builtins import abs as builtin_abs
from typing import Any

from cornu import registry
from cornu.backends.contract import Backend
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import aligned
from cornu.ops.dispatch import arrays, floats, has_floats, op, operands, without_booleans
from cornu.ops.elementwise import binary, extremum, unary, unary_float
from cornu.ops.shape_checks import check_broadcast, check_integer_dtype
from cornu.typing import Array, ArrayLike

__all__ = [
    "abs",
    "absolute",
    "add",
    "cbrt",
    "ceil",
    "clip",
    "divide",
    "divide_no_nan",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "gcd",
    "heaviside",
    "lcm",
    "ldexp",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "power",
    "reciprocal",
    "round",
    "rsqrt",
    "sigmoid",
    "sign",
    "signbit",
    "sqrt",
    "square",
    "subtract",
    "true_divide",
    "trunc",
]


@op(batch_coupling="none", keras_path="numpy.Abs")
def abs(x: ArrayLike) -> Array:
    """Return the absolute value, elementwise. Its gradient at 0 is 0.

    Example:
        >>> from cornu import ops
        >>> ops.abs([-2, 3]).tolist()
        [2, 3]
    """
    return unary("abs", x)


@op(batch_coupling="none", keras_path="numpy.Absolute")
def absolute(x: ArrayLike) -> Array:
    """Return the absolute value, elementwise. Alias of :func:`abs`.

    Example:
        >>> from cornu import ops
        >>> ops.absolute([-2, 3]).tolist()
        [2, 3]
    """
    return unary("abs", x)


@op(batch_coupling="none", keras_path="numpy.Fabs")
def fabs(x: ArrayLike) -> Array:
    """Return the absolute value as a float, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.fabs([-2, 3]).tolist()
        [2.0, 3.0]
    """
    return unary_float("abs", x)


@op(batch_coupling="none", keras_path="numpy.Negative")
def negative(x: ArrayLike) -> Array:
    """Return ``-x``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.negative([1, -2]).tolist()
        [-1, 2]
    """
    return unary("negative", x)


@op(batch_coupling="none", keras_path="numpy.Sign")
def sign(x: ArrayLike) -> Array:
    """Return the sign, elementwise: -1, 0 or 1. Its gradient is 0.

    Example:
        >>> from cornu import ops
        >>> ops.sign([-3.0, 0.0, 5.0]).tolist()
        [-1.0, 0.0, 1.0]
    """
    return unary("sign", x)


@op(batch_coupling="none", keras_path="numpy.Signbit")
def signbit(x: ArrayLike) -> Array:
    """Return whether the sign is negative, elementwise; True for ``-0.0`` as well. The sign of NaN is taken as positive.

    Example:
        >>> from cornu import ops
        >>> ops.signbit([-3.0, 0.0, -0.0]).tolist()
        [True, False, True]
    """
    backend, x = arrays(x)
    below = backend.less(x, 0)
    if not has_floats(backend, x):
        return below
    zero = backend.equal(x, 0)  # of which only the reciprocals have different signs
    reciprocal = backend.divide(1.0, backend.where(zero, x, 1.0))
    return backend.logical_or(below, backend.logical_and(zero, backend.less(reciprocal, 0)))


@op(batch_coupling="none", keras_path="numpy.Square")
def square(x: ArrayLike) -> Array:
    """Return ``x * x``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.square([2, -3]).tolist()
        [4, 9]
    """
    backend, x = arrays(x)
    return backend.square(without_booleans(backend, x))


@op(batch_coupling="none", keras_path="numpy.Exp")
def exp(x: ArrayLike) -> Array:
    """Return the exponential ``e**x``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.exp(1.0)):.4f}"
        '2.7183'
    """
    return unary_float("exp", x)


@op(batch_coupling="none", keras_path="numpy.Exp2")
def exp2(x: ArrayLike) -> Array:
    """Return ``2**x``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.exp2([3.0]).tolist()
        [8.0]
    """
    backend, x = floats(x)
    return backend.power(2.0, x)


@op(batch_coupling="none", keras_path="numpy.Expm1")
def expm1(x: ArrayLike) -> Array:
    """Return ``exp(x) - 1``, elementwise, accurate also for small ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.expm1(1.0)):.4f}"
        '1.7183'
    """
    return unary_float("expm1", x)


@op(batch_coupling="none", keras_path="numpy.Log")
def log(x: ArrayLike) -> Array:
    """Return the natural logarithm, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log(10.0)):.4f}"
        '2.3026'
    """
    return unary_float("log", x)


@op(batch_coupling="none", keras_path="numpy.Log1p")
def log1p(x: ArrayLike) -> Array:
    """Return ``log(1 + x)``, elementwise, accurate also for small ``x``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log1p(1.0)):.4f}"
        '0.6931'
    """
    return unary_float("log1p", x)


@op(batch_coupling="none", keras_path="numpy.Log2")
def log2(x: ArrayLike) -> Array:
    """Return the base-2 logarithm ``log(x) / log(2)``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log2(8.0)):.4f}"
        '3.0000'
    """
    backend, x = floats(x)
    return backend.divide(backend.log(x), math.log(2))


@op(batch_coupling="none", keras_path="numpy.Log10")
def log10(x: ArrayLike) -> Array:
    """Return the base-10 logarithm ``log(x) / log(10)``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log10(1000.0)):.4f}"
        '3.0000'
    """
    backend, x = floats(x)
    return backend.divide(backend.log(x), math.log(10))


@op(batch_coupling="none", keras_path="numpy.Sqrt")
def sqrt(x: ArrayLike) -> Array:
    """Return the square root ``x**(1/2)``, elementwise. Its gradient at 0 is infinite.

    Example:
        >>> from cornu import ops
        >>> ops.sqrt([4.0, 9.0]).tolist()
        [2.0, 3.0]
    """
    return unary_float("sqrt", x)


@op(batch_coupling="none", keras_path="math.Rsqrt")
def rsqrt(x: ArrayLike) -> Array:
    """Return the reciprocal of the square root, ``1 / sqrt(x)``, elementwise.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.rsqrt(4.0)):.4f}"
        '0.5000'
    """
    return unary_float("rsqrt", x)


@op(batch_coupling="none", keras_path="numpy.Cbrt")
def cbrt(x: ArrayLike) -> Array:
    """Return the cube root ``sign(x) * abs(x)**(1/3)``, elementwise, which is defined for negative values as well.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.cbrt([-8.0, 27.0])).tolist()
        [-2.0, 3.0]
    """
    backend, x = floats(x)
    return backend.multiply(backend.sign(x), backend.power(backend.abs(x), 1 / 3))


@op(batch_coupling="none", keras_path="numpy.Reciprocal")
def reciprocal(x: ArrayLike) -> Array:
    """Return the reciprocal ``1 / x``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.reciprocal([2.0, 4.0]).tolist()
        [0.5, 0.25]
    """
    backend, x = floats(x)
    return backend.divide(1.0, x)


@registry.register("activations")
@op(batch_coupling="none", keras_path="nn.Sigmoid")
def sigmoid(x: ArrayLike) -> Array:
    """Return the logistic sigmoid ``1 / (1 + exp(-x))``, elementwise: an activation function with values in ``[0, 1]``.

    Example:
        >>> from cornu import ops
        >>> ops.sigmoid([0.0, 1000.0]).tolist()
        [0.5, 1.0]
    """
    return unary_float("sigmoid", x)


@op(batch_coupling="none", keras_path="numpy.Floor")
def floor(x: ArrayLike) -> Array:
    """Return the largest integer not greater than ``x``, elementwise, as a float.

    Example:
        >>> from cornu import ops
        >>> ops.floor([1.8, -1.2]).tolist()
        [1.0, -2.0]
    """
    return unary_float("floor", x)


@op(batch_coupling="none", keras_path="numpy.Ceil")
def ceil(x: ArrayLike) -> Array:
    """Return the smallest integer not less than ``x``, elementwise, as a float.

    Example:
        >>> from cornu import ops
        >>> ops.ceil([1.2, -1.2]).tolist()
        [2.0, -1.0]
    """
    return unary_float("ceil", x)


@op(batch_coupling="none", keras_path="numpy.Trunc")
def trunc(x: ArrayLike) -> Array:
    """Return ``x`` rounded towards 0 to an integer, elementwise, in the dtype of ``x``.

    Example:
        >>> from cornu import ops
        >>> ops.trunc([1.8, -1.8]).tolist()
        [1.0, -1.0]
    """
    backend, x = arrays(x)
    return backend.where(backend.less(x, 0), backend.ceil(x), backend.floor(x)) if has_floats(backend, x) else x


@op(batch_coupling="none", keras_path="numpy.Round")
def round(x: ArrayLike, decimals: int = 0) -> Array:
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
    if not has_floats(backend, x):
        return x if decimals >= 0 else _round_integers(backend, x, 10**-decimals)
    if decimals == 0:
        return backend.round(x)
    scale = 10.0 ** builtin_abs(decimals)
    if decimals > 0:
        return backend.divide(backend.round(backend.multiply(x, scale)), scale)
    return backend.multiply(backend.round(backend.divide(x, scale)), scale)


def _round_integers(backend: Backend, x: Array, unit: int) -> Array:
    """Round integers to multiples of a unit, without floats, which do not represent all of them."""
    dtype = backend.dtype(x)
    wide = backend.cast(x, "uint32" if dtype == "uint32" else "int64" if dtype.endswith("int64") else "int32")
    if unit > 10**9:
        return backend.cast(backend.multiply(wide, 0), dtype)
    quotient = backend.floor_divide(wide, unit)
    rest = backend.subtract(wide, backend.multiply(quotient, unit))
    is_odd = backend.equal(backend.remainder(quotient, 2), 1)
    half = unit // 2
    is_up = backend.logical_or(backend.greater(rest, half), backend.logical_and(backend.equal(rest, half), is_odd))
    return backend.cast(backend.multiply(backend.add(quotient, is_up), unit), dtype)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Add")
def add(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 + x2``, elementwise.

    Raises:
        ShapeError: If the shapes do not broadcast.

    Example:
        >>> from cornu import ops
        >>> ops.add([[1, 2]], [[10], [20]]).tolist()
        [[11, 12], [21, 22]]
    """
    return binary("add", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Subtract")
def subtract(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 - x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.subtract([5, 3], 1).tolist()
        [4, 2]
    """
    return binary("subtract", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Multiply")
def multiply(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 * x2``, elementwise (see :func:`matmul` for the matrix product).

    Example:
        >>> from cornu import ops
        >>> ops.multiply([1, 2], [3, 4]).tolist()
        [3, 8]
    """
    return binary("multiply", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Divide")
def divide(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 / x2``, elementwise. The quotient of integers is a float.

    Example:
        >>> from cornu import ops
        >>> ops.divide([1, 3], 2).tolist()
        [0.5, 1.5]
    """
    return binary("divide", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.TrueDivide")
def true_divide(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 / x2``, elementwise. Alias of :func:`divide`.

    Example:
        >>> from cornu import ops
        >>> ops.true_divide([1, 3], 2).tolist()
        [0.5, 1.5]
    """
    return binary("divide", x1, x2, "true_divide")


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.DivideNoNan")
def divide_no_nan(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 / x2``, elementwise, and 0 (with gradient 0) where ``x2`` is 0.

    Example:
        >>> from cornu import ops
        >>> ops.divide_no_nan([3.0, 1.0], [2.0, 0.0]).tolist()
        [1.5, 0.0]
    """
    backend, x1, x2 = floats(x1, x2)
    zero = backend.equal(x2, 0)
    return backend.where(zero, 0.0, binary("divide", x1, backend.where(zero, 1.0, x2), "divide_no_nan"))


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.FloorDivide")
def floor_divide(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``floor(x1 / x2)``, the quotient rounded down, elementwise: ``x1 // x2``.

    Example:
        >>> from cornu import ops
        >>> ops.floor_divide([7, -7], 2).tolist()
        [3, -4]
    """
    return _of_numbers("floor_divide", x1, x2, "floor_divide")


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Mod")
def mod(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the remainder ``x1 % x2 = x1 - floor(x1 / x2) * x2``, elementwise, with the sign of ``x2``.

    Example:
        >>> from cornu import ops
        >>> ops.mod([7, -7], 3).tolist()
        [1, 2]
    """
    return _of_numbers("remainder", x1, x2, "mod")


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Fmod")
def fmod(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the remainder ``x1 - trunc(x1 / x2) * x2``, elementwise, with the sign of ``x1`` (:func:`mod`: that of ``x2``).

    Example:
        >>> from cornu import ops
        >>> ops.fmod([7, -7], 3).tolist()
        [1, -1]
    """
    rest = mod(absolute(x1), absolute(x2))
    backend, x1, rest = operands(x1, rest)
    return backend.where(backend.less(x1, 0), backend.negative(rest), rest)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Ldexp")
def ldexp(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 * 2**x2``, elementwise.

    Args:
        x1: Array-like, the factors.
        x2: Array-like of integers, the exponents.

    Raises:
        InvalidTypeError: If the exponents are not integers.

    Example:
        >>> from cornu import ops
        >>> ops.ldexp([0.5, 3.0], [2, -1]).tolist()
        [2.0, 1.5]
    """
    backend, exponents = arrays(x2)
    check_integer_dtype("ldexp", "x2", backend.dtype(exponents))
    _, x1, exponents = floats(x1, exponents)
    return binary("multiply", x1, backend.power(2.0, exponents), "ldexp")


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Heaviside")
def heaviside(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the Heaviside step function, elementwise: 0 where ``x1 < 0``, 1 where ``x1 > 0``, and ``x2`` where ``x1`` is 0.

    Example:
        >>> from cornu import ops
        >>> ops.heaviside([-1.5, 0.0, 2.0], 0.5).tolist()
        [0.0, 0.5, 1.0]
    """
    backend, x1, x2 = floats(x1, x2)
    step = backend.cast(backend.greater(x1, 0), backend.dtype(x1))
    step = backend.where(backend.isnan(x1), x1, step)
    check_broadcast("heaviside", tuple(x1.shape), tuple(x2.shape))
    return backend.where(backend.equal(x1, 0), x2, step)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Power")
def power(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``x1 ** x2``, elementwise.

    Example:
        >>> from cornu import ops
        >>> ops.power([2.0, 3.0], 2.0).tolist()
        [4.0, 9.0]
    """
    return _of_numbers("power", x1, x2, "power")


def _of_numbers(primitive: str, x1: ArrayLike, x2: ArrayLike, op_name: str) -> Array:
    """Apply a primitive to two arrays; if both are booleans, they are cast to ``int32``."""
    backend, x1, x2 = operands(x1, x2)
    if all(isinstance(x, bool) or (hasattr(x, "dtype") and backend.dtype(x) == "bool") for x in (x1, x2)):
        x1 = backend.cast(backend.asarray(x1), "int32")
    return binary(primitive, x1, x2, op_name)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Maximum")
def maximum(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the elementwise maximum, NaN where either value is NaN. Equal values each receive half of the gradient.

    Example:
        >>> from cornu import ops
        >>> ops.maximum([1, 5], [3, 2]).tolist()
        [3, 5]
    """
    return extremum("maximum", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Minimum")
def minimum(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the elementwise minimum, NaN where either value is NaN. Equal values each receive half of the gradient.

    Example:
        >>> from cornu import ops
        >>> ops.minimum([1, 5], [3, 2]).tolist()
        [1, 2]
    """
    return extremum("minimum", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Fmax")
def fmax(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the elementwise maximum, and the other value where one is NaN (:func:`maximum` returns NaN there).

    Example:
        >>> from cornu import ops
        >>> ops.fmax([1.0, float("nan")], [3.0, 2.0]).tolist()
        [3.0, 2.0]
    """
    return _without_nan("maximum", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Fmin")
def fmin(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the elementwise minimum, and the other value where one is NaN (:func:`minimum` returns NaN there).

    Example:
        >>> from cornu import ops
        >>> ops.fmin([1.0, float("nan")], [3.0, 2.0]).tolist()
        [1.0, 2.0]
    """
    return _without_nan("minimum", x1, x2)


def _without_nan(primitive: str, x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return an extremum of two arrays, after replacing each NaN by the other value."""
    backend, x1, x2 = arrays(x1, x2)
    check_broadcast(primitive, tuple(x1.shape), tuple(x2.shape))
    first, second = backend.where(backend.isnan(x1), x2, x1), backend.where(backend.isnan(x2), x1, x2)
    return extremum(primitive, first, second)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Logaddexp")
def logaddexp(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``log(exp(x1) + exp(x2))``, elementwise, without overflow.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.logaddexp(1000.0, 1000.0)):.4f}"
        '1000.6932'
    """
    _, x1, x2 = floats(x1, x2)
    return binary("logaddexp", x1, x2)


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Logaddexp2")
def logaddexp2(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return ``log2(2**x1 + 2**x2)``, elementwise, without overflow.

    Example:
        >>> from cornu import ops
        >>> ops.logaddexp2(1000.0, 1000.0).tolist()
        1001.0
    """
    backend, x1, x2 = floats(x1, x2)
    natural = binary("logaddexp", backend.multiply(x1, math.log(2)), backend.multiply(x2, math.log(2)), "logaddexp2")
    return backend.divide(natural, math.log(2))


@op(batch_coupling=aligned, unknown_sizes=unknown_sizes.broadcast(), keras_path="numpy.Clip")
def clip(x: ArrayLike, x_min: ArrayLike, x_max: ArrayLike) -> Array:
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
    backend, first, *_ = operands(x, *(bound for bound in (x_min, x_max) if bound is not None))
    x = without_booleans(backend, backend.asarray(first))
    if x_min is not None:
        x = extremum("maximum", x, x_min)
    if x_max is not None:
        x = extremum("minimum", x, x_max)
    return x


def _as_integers(name: str, x1: ArrayLike, x2: ArrayLike) -> tuple[Backend, Array, Array]:
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
    backend, x1, x2 = _as_integers("gcd", x1, x2)

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
    backend, x1, x2 = _as_integers("lcm", x1, x2)
    divisor = backend.maximum(gcd(x1, x2), 1)
    return backend.multiply(backend.floor_divide(backend.abs(x1), divisor), backend.abs(x2))
