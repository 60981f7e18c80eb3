"""Ops of `math.py`, `trigonometry.py` and `logic.py`: values, gradients, dtypes, broadcasting and errors."""

import keras
import numpy as np
import pytest

from cornu import backends, config, ops
from cornu.errors import BackendError, InvalidArgumentError, InvalidTypeError, ShapeError

ANYWHERE, POSITIVE, INSIDE, ABOVE_ONE = (-3.0, 3.0), (0.1, 5.0), (-0.95, 0.95), (1.1, 6.0)

UNARY = {
    "abs": ANYWHERE,
    "absolute": ANYWHERE,
    "negative": ANYWHERE,
    "sign": ANYWHERE,
    "square": ANYWHERE,
    "exp": ANYWHERE,
    "exp2": ANYWHERE,
    "expm1": ANYWHERE,
    "log": POSITIVE,
    "log1p": POSITIVE,
    "log2": POSITIVE,
    "log10": POSITIVE,
    "sqrt": POSITIVE,
    "rsqrt": POSITIVE,
    "cbrt": ANYWHERE,
    "reciprocal": POSITIVE,
    "sin": ANYWHERE,
    "cos": ANYWHERE,
    "tan": INSIDE,
    "arcsin": INSIDE,
    "arccos": INSIDE,
    "arctan": ANYWHERE,
    "sinh": ANYWHERE,
    "cosh": ANYWHERE,
    "tanh": ANYWHERE,
    "arcsinh": ANYWHERE,
    "arccosh": ABOVE_ONE,
    "arctanh": INSIDE,
    "erf": ANYWHERE,
    "erfc": ANYWHERE,
    "erfinv": INSIDE,
    "sigmoid": ANYWHERE,
    "floor": ANYWHERE,
    "ceil": ANYWHERE,
    "trunc": ANYWHERE,
    "round": ANYWHERE,
    "deg2rad": ANYWHERE,
    "rad2deg": ANYWHERE,
    "isnan": ANYWHERE,
    "isfinite": ANYWHERE,
    "isinf": ANYWHERE,
    "isposinf": ANYWHERE,
    "isneginf": ANYWHERE,
    "logical_not": ANYWHERE,
    "nan_to_num": ANYWHERE,
}

SMOOTH = [
    *("exp2", "log2", "log10", "cbrt", "reciprocal", "arcsinh", "arccosh", "arctanh", "erfc", "erfinv", "deg2rad", "rad2deg"),
    *("exp", "log", "sqrt", "rsqrt", "tanh", "sigmoid", "erf", "square", "abs", "expm1", "log1p", "arcsin", "sinh"),
]

BINARY = [
    *("add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "mod", "maximum", "minimum", "arctan2", "hypot"),
    *("logaddexp", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "divide_no_nan", "isclose"),
    *("logical_and", "logical_or", "logical_xor"),
]


@pytest.mark.parametrize("name", UNARY)
def test_unary_op_gives_what_keras_gives(name, make, check, rng):
    x = rng.uniform(*UNARY[name], size=(3, 4)).astype("float32")
    check(getattr(ops, name)(make(x)), getattr(keras.ops, name)(x), rtol=2e-5)


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "sin", "erf", "sigmoid", "floor", "tanh", "log2", "deg2rad", "isnan"])
def test_integers_are_taken_as_floats(name, make, check):
    x = np.arange(1, 6, dtype="int32")
    check(getattr(ops, name)(make(x)), getattr(keras.ops, name)(x.astype("float32")), rtol=2e-5)


@pytest.mark.parametrize("name", ["abs", "negative", "sign", "square", "round"])
def test_integers_stay_whole_where_they_can(name, make, check):
    x = np.arange(-2, 4, dtype="int32")
    check(getattr(ops, name)(make(x)), getattr(keras.ops, name)(x))


@pytest.mark.parametrize("name", SMOOTH)
def test_gradient_is_that_of_keras(name, check_gradients, rng):
    x = rng.uniform(*UNARY[name], size=(7,)).astype("float32")
    check_gradients(getattr(ops, name), getattr(keras.ops, name), x)


@pytest.mark.parametrize("name", BINARY)
def test_binary_op_broadcasts_as_in_keras(name, make, check, rng):
    x, y = rng.normal(size=(3, 1, 4)).astype("float32"), rng.normal(size=(2, 4)).astype("float32")
    check(getattr(ops, name)(make(x), make(y)), getattr(keras.ops, name)(x, y), rtol=2e-5)


@pytest.mark.parametrize("name", ["hypot", "divide_no_nan", "logaddexp", "arctan2", "maximum", "divide", "multiply"])
def test_gradients_of_binary_op_are_those_of_keras(name, check_gradients, rng):
    x, y = rng.normal(size=(3, 1)).astype("float32"), rng.normal(size=(4,)).astype("float32")
    check_gradients(getattr(ops, name), getattr(keras.ops, name), x, y)


def test_power_of_floats(make, check, rng):
    x, y = rng.uniform(0.5, 2, size=5).astype("float32"), rng.normal(size=5).astype("float32")
    check(ops.power(make(x), make(y)), x**y)


def test_python_numbers_take_on_the_dtype_beside_them(make, check):
    check(ops.multiply(make(np.float16([1, 2])), 2.5), np.float16([2.5, 5]))
    check(ops.add(1, make(np.int32([1, 2]))), np.int32([2, 3]))


def test_a_single_number_of_numpy_is_like_one_of_python(make, check):
    check(ops.multiply(make(np.float32([1, 2])), np.sqrt(4.0)), np.float32([2, 4]))


def test_a_float_beside_integers_gives_floats(make, check):
    check(ops.multiply(make(np.int32([1, 2])), 0.5), np.float32([0.5, 1]))
    check(ops.divide(make(np.int32([1, 2])), make(np.int32([2, 2]))), np.float32([0.5, 1]))


def test_lists_go_to_the_backend_of_the_array_beside_them(make, check):
    check(ops.add([1.0, 2.0], make(np.float32([1, 2]))), np.float32([2, 4]))


def test_numpy_arrays_go_to_the_engine_beside_them(engine_name):
    result = ops.add(np.float32([1]), backends.get(engine_name).asarray([2.0]))
    assert backends.owner(result) == engine_name
    assert backends.owner(ops.add(np.float32([1]), [2.0])) == config.backend()


def test_shapes_that_do_not_broadcast_are_named(make):
    with pytest.raises(
        ShapeError, match=r"`add` received arrays of shapes \(2, 3\) and \(4, 3\).*on axis -2 they have 2 and 4"
    ):
        ops.add(make(np.zeros((2, 3), "float32")), make(np.zeros((4, 3), "float32")))
    with pytest.raises(ShapeError, match=r"`where` received arrays of shapes \(2,\), \(3,\) and \(\)"):
        ops.where(make([True, False]), make([1.0, 2.0, 3.0]), 0.0)


def test_what_is_no_array_is_refused():
    with pytest.raises(InvalidTypeError, match=r"An op received None where it expects an array"):
        ops.add(None, 1.0)
    with pytest.raises(InvalidTypeError, match=r"An op received 'three'"):
        ops.exp("three")


def test_divide_no_nan_has_gradient_zero_at_zero(gradient):
    first, second = gradient(lambda x, y: ops.sum(ops.divide_no_nan(x, y)), np.float32([1, 4]), np.float32([0, 2]))
    np.testing.assert_allclose(first, [0, 0.5])
    np.testing.assert_allclose(second, [0, -1])


def test_arcsinh_is_right_far_out_and_at_zero(make, check, gradient):
    x = np.float32([0, 1e-6, -1e-6, 1e6, -1e30])
    check(ops.arcsinh(make(x)), np.arcsinh(x))
    np.testing.assert_allclose(gradient(lambda x: ops.sum(ops.arcsinh(x)), x), 1 / np.hypot(1, x.astype("float64")), rtol=1e-5)


def test_erfinv_at_its_ends(make, check):
    check(ops.erfinv(make(np.float32([-1, 1, 0, 2, 0.999]))), np.float32([-np.inf, np.inf, 0, np.nan, 2.32675]), rtol=1e-4)


def test_hypot_does_not_overflow(make, check):
    check(ops.hypot(make(np.float32([3e30, 0])), make(np.float32([4e30, 0]))), np.float32([5e30, 0]))


def test_hypot_at_infinity_is_numpys(make, check):
    x, y = np.float32([np.inf, np.nan, -np.inf, 1, np.nan]), np.float32([np.inf, np.inf, 2, -np.inf, 1])
    check(ops.hypot(make(x), make(y)), np.hypot(x, y))


@pytest.mark.parametrize("name", ["hypot", "mod", "divide_no_nan", "true_divide"])
def test_errors_name_the_op_that_was_called(make, name):
    with pytest.raises(ShapeError, match=rf"`{name}` received arrays of shapes \(2, 3\) and \(4, 3\)"):
        getattr(ops, name)(make(np.ones((2, 3), "float32")), make(np.ones((4, 3), "float32")))


def test_round_to_decimals(make, check):
    x = np.float32([1.2345, -1.2355, 1234.5])
    for decimals in (2, -2, 0):
        check(ops.round(make(x), decimals), np.round(x, decimals))


def test_special_numbers_are_told_apart(make, check):
    x = np.float32([np.nan, np.inf, -np.inf, 1])
    for name in ("isnan", "isinf", "isfinite", "isposinf", "isneginf"):
        check(getattr(ops, name)(make(x)), getattr(np, name)(x))
    check(ops.nan_to_num(make(x)), np.nan_to_num(x))
    check(ops.nan_to_num(make(x), nan=1.0, posinf=2.0, neginf=3.0), np.float32([1, 2, 3, 1]))


def test_isclose_with_special_numbers(make, check):
    x, y = np.float32([1, np.nan, np.inf, np.inf, 1]), np.float32([1.000001, np.nan, np.inf, -np.inf, np.inf])
    check(ops.isclose(make(x), make(y)), np.isclose(x, y))
    check(ops.isclose(make(x), make(y), equal_nan=True), np.isclose(x, y, equal_nan=True))


def test_clip_takes_none_for_no_bound(make, check, rng):
    x = rng.normal(size=9).astype("float32")
    check(ops.clip(make(x), -0.5, 0.5), np.clip(x, np.float32(-0.5), np.float32(0.5)))
    check(ops.clip(make(x), None, 0.5), np.minimum(x, np.float32(0.5)))


def test_where_chooses(make, check, rng):
    x, y = rng.normal(size=(2, 3)).astype("float32"), rng.normal(size=3).astype("float32")
    check(ops.where(make(x > 0), make(x), make(y)), np.where(x > 0, x, y))
    check(ops.where(make(x > 0), 1.0, 0.0), np.where(x > 0, np.float32(1), np.float32(0)))
    check(ops.where(make(x > 0), 1, 0), np.where(x > 0, np.int32(1), np.int32(0)))


def test_where_needs_both_choices_or_none(make):
    with pytest.raises(InvalidArgumentError, match=r"`where` was called without `x2`. Either both or none"):
        ops.where(make([True]), 1.0)


def test_where_alone_tells_the_places(make, check, engine):
    for condition in (np.array([True, False, True]), np.array([[0, 2], [3, 0]]), np.array([False])):
        found = ops.where(make(condition))
        for indices, expected in zip(found, np.nonzero(condition), strict=True):
            check(indices, expected.astype("int32"))
    if engine.NAME != "numpy":
        with pytest.raises(InvalidArgumentError, match=r"`where` was used in compiled code.*Pass `x1` and `x2`"):
            engine.compile(ops.where)(make([True]))


def test_select_takes_the_first_that_holds(make, check):
    x = np.arange(5, dtype="float32")
    result = ops.select([make(x < 1), make(x < 3)], [make(x), make(-x)], 9.0)
    check(result, np.select([x < 1, x < 3], [x, -x], np.float32(9)))
    with pytest.raises(InvalidArgumentError, match=r"1 conditions and 2 choices"):
        ops.select([make(x < 1)], [make(x), make(x)])


def test_arrays_of_two_engines_are_refused(engine_name):
    backends.register_array_type(_Stranger, "other")
    with pytest.raises(BackendError, match=f"'{engine_name}' and 'other'|'other' and '{engine_name}'"):
        ops.add(backends.get(engine_name).asarray([1.0]), _Stranger())


class _Stranger:
    pass
