import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.errors import InvalidTypeError, ShapeError

INTEGERS = ["int8", "int16", "int32", "uint8", "uint16", "uint32"]


def corners(dtype, rng, backend):
    if backend == "jax" and dtype.endswith("64"):
        pytest.skip("JAX has no 64 bits unless they are switched on")
    if dtype == "bool":
        return np.array([True, False])
    limits = np.iinfo(dtype)
    return np.concatenate([rng.integers(limits.min, limits.max, 20, dtype), np.array([limits.min, limits.max, 0, 1, 2], dtype)])


@pytest.fixture
def same(engine):
    def compare(found, expected):
        assert engine.dtype(found) == expected.dtype.name
        np.testing.assert_array_equal(engine.to_numpy(found), expected)

    return compare


@pytest.mark.parametrize("dtype", [*INTEGERS, "int64", "uint64", "bool"])
@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_xor"])
def test_functions_of_bits_are_those_of_numpy(name, dtype, backend, make, same, rng):
    x = corners(dtype, rng, backend)
    x, y = x[:, None], x[::-1].copy()
    one, other = make(x, dtype), make(y, dtype)
    same(getattr(ops, name)(one, other), getattr(np, name)(x, y))
    same(ops.bitwise_invert(other), np.invert(y))
    same(ops.bitwise_not(other), np.invert(y))


@pytest.mark.parametrize("dtype", [*INTEGERS, "int64", "uint64"])
@pytest.mark.parametrize("name", ["left_shift", "right_shift", "bitwise_left_shift", "bitwise_right_shift"])
def test_shifts_are_those_of_numpy(name, dtype, backend, make, same, rng):
    x = corners(dtype, rng, backend)
    function, expected = getattr(ops, name), getattr(np, name)
    own = make(x, dtype)
    count = np.arange(len(x)).astype(x.dtype) * 3
    same(function(own, make(count, x.dtype.name)), expected(x, count))
    for number in (0, 3, 7):
        same(function(own, number), expected(x, x.dtype.type(number)))
    outside = np.where(x < 0, -1, 0).astype(x.dtype) if "right" in name else np.zeros_like(x)
    for number in (-1, 64, 1000):
        same(function(own, number), outside)


def test_dtypes_are_promoted_as_in_keras(make, same):
    x, y = np.array([200, 7], "uint8"), np.array([-3, 300], "int16")
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        same(getattr(ops, name)(make(x), make(y)), np.asarray(getattr(keras.ops, name)(x, y)))
    same(ops.bitwise_left_shift(make(x), 1), np.asarray(keras.ops.bitwise_left_shift(x, 1)))


@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"])
def test_floats_have_no_such_bits(name, make):
    with pytest.raises(InvalidTypeError, match=r"` received `y` of dtype float32. Its elements must be integers or booleans"):
        getattr(ops, name)(make([1, 2]), make([1.0, 2.0]))
    with pytest.raises(ShapeError, match=r"received arrays of shapes \(2,\) and \(3,\)"):
        getattr(ops, name)(make([1, 2]), make([1, 2, 3]))


@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"])
def test_shapes_are_known_before(name):
    """Those of both arrays together, where Keras returns that of the first and refuses numbers in functions of bits."""
    x, y = (cornu.Input(batch_shape=shape, dtype="int32") for shape in ((None, 1, 4), (2, 3, 1)))
    for found, shape in ((getattr(ops, name)(x, y), (2, 3, 4)), (getattr(ops, name)(x, 1), (None, 1, 4))):
        assert (found.shape, found.dtype) == (shape, "int32")
    theirs = [keras.KerasTensor(shape, "int32") for shape in ((None, 1, 4), (2, 3, 1))]
    assert getattr(keras.ops, name)(*theirs).shape == (None, 1, 4)


@pytest.mark.parametrize("source", ["float32", "int16", "uint8", "complex64", "bool"])
@pytest.mark.parametrize("target", ["float32", "int32", "uint8", "int16", "complex64", "bool", "float16"])
def test_views_are_those_of_numpy(source, target, make, engine, rng):
    x = rng.integers(0, 2 if source == "bool" else 100, (3, 16)).astype(source)
    found = engine.to_numpy(ops.view(make(x, source), target))
    assert (found.dtype, found.shape) == (target, x.view(target).shape)
    expected = x.view("uint8") != 0 if target == "bool" else x.view(target)
    np.testing.assert_array_equal(found.view("uint8"), expected.view("uint8"))


def test_a_view_has_whole_elements(make):
    with pytest.raises(ShapeError, match=r"`view` received an array of shape \(2, 3\) and `dtype='int16'`"):
        ops.view(make(np.ones((2, 3), "uint8")), "int16")
    assert ops.view(cornu.Input((3, 4)), "uint8").shape == (None, 3, 16)
    x = make([1.0])
    assert ops.view(x) is x


SPECIAL = [0.0, -0.0, 1.0, -1.0, 1e-45, -1e-45, 3.4e38, np.inf, -np.inf, np.nan, 1.17549435e-38, 2.5]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_nextafter_is_the_neighbor(dtype, make, engine, backend):
    if dtype == "bfloat16" and backend == "numpy":
        pytest.skip("NumPy has no bfloat16")
    with np.errstate(all="ignore"):
        x, y = (part.ravel() for part in np.meshgrid(np.array(SPECIAL), np.array(SPECIAL)))
        one, other = make(x, dtype), make(y, dtype)
        x, y, found = map(engine.to_numpy, (one, other, ops.nextafter(one, other)))
        expected = np.asarray(jnp.nextafter(x, y)) if dtype == "bfloat16" else np.nextafter(x, y)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.astype("float64"), expected.astype("float64"))
    np.testing.assert_array_equal(np.signbit(found[x != y]), np.signbit(expected[x != y]))


def test_nextafter_of_integers_is_one_of_floats(make, same):
    same(ops.nextafter(make([1, 2]), make([2, 1])), np.nextafter(np.float32([1, 2]), np.float32([2, 1])))
