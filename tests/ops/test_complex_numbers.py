import keras
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError


@pytest.fixture
def draw(rng):
    return lambda *shape: rng.normal(size=shape).astype("float32")


@pytest.fixture
def numbers(draw):
    return draw(2, 3) + 1j * draw(2, 3)


@pytest.fixture
def same(engine):
    def compare(found, expected, atol=1e-5):
        assert engine.dtype(found) == np.asarray(expected).dtype.name
        np.testing.assert_allclose(engine.to_numpy(found), expected, rtol=1e-4, atol=atol)

    return compare


ELEMENTWISE = ["real", "imag", "conj", "conjugate", "angle", "isreal", "abs", "exp", "log", "sqrt", "sin", "tanh", "square"]


@pytest.mark.parametrize("name", [*ELEMENTWISE, "negative", "reciprocal", "sum", "mean", "prod"])
def test_functions_of_complex_numbers_are_those_of_numpy(name, make, same, numbers):
    same(getattr(ops, name)(make(numbers)), getattr(np, name)(numbers.astype("complex64")))


@pytest.mark.parametrize("name", ["real", "imag", "conj", "angle", "isreal"])
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_functions_of_real_numbers_are_those_of_keras(name, dtype, make, same):
    x = np.array([-2, 0, 3], dtype)
    same(getattr(ops, name)(make(x)), getattr(keras.ops, name)(x))


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "power"])
def test_complex_numbers_next_to_others(name, make, same, numbers, draw):
    for other in (numbers[::-1].astype("complex64"), draw(2, 3), np.int32([1, 2, 3]), 2, 2.5, 1 + 2j):
        expected = getattr(np, name)(numbers, other).astype("complex64")
        same(getattr(ops, name)(make(numbers), make(other) if isinstance(other, np.ndarray) else other), expected, 1e-4)


def test_products_of_complex_matrices(make, same, numbers):
    z = numbers.astype("complex64")
    same(ops.matmul(make(z), make(z.T)), z @ z.T)
    same(ops.einsum("ij,kj->ik", make(z), make(z)), z @ z.T)
    same(ops.vdot(make(z), make(z)), np.vdot(z, z))
    same(ops.multiply(make(z.real), 1j), 1j * z.real)


def test_casts_take_the_real_part(make, same, numbers):
    same(ops.cast(make(numbers), "float32"), numbers.real.astype("float32"))
    same(ops.cast(make(numbers.real), "complex64"), numbers.real.astype("complex64"))
    same(ops.ones_like(make([1, 2]), "complex64"), np.ones(2, "complex64"))


def test_two_views_of_complex_numbers(make, same, draw):
    x = draw(2, 3, 2)
    z = ops.view_as_complex(make(x))
    same(z, x[..., 0] + 1j * x[..., 1])
    same(ops.view_as_real(z), x)
    with pytest.raises(ShapeError, match=r"`view_as_complex` .* shape \(3,\).*last axis must have size 2"):
        ops.view_as_complex(make(x[0, :, 0]))
    with pytest.raises(InvalidTypeError, match=r"`view_as_complex` received an array of dtype complex64"):
        ops.view_as_complex(ops.concatenate([ops.expand_dims(z, -1)] * 2, -1))


def test_polar_is_that_of_keras(make, same, draw):
    size, angle = np.abs(draw(2, 3)), draw(3)
    same(ops.polar(make(size), make(angle)), keras.ops.polar(size, angle))
    assert ops.nn.polar is ops.polar


def test_gradients_pass_through_complex_numbers(gradient, engine, draw):
    x, y = draw(3), draw(3)

    def energy(x, y):
        z = engine.complex(x, y)
        product = ops.multiply(ops.exp(z), ops.conj(ops.square(z)))
        return ops.sum(ops.square(ops.abs(product))) + ops.sum(ops.angle(z)) + ops.sum(ops.imag(ops.sqrt(z)))

    def expected(x, y):
        z = x + 1j * y
        return np.sum(np.abs(np.exp(z) * np.conj(z * z)) ** 2) + np.sum(np.angle(z)) + np.sum(np.imag(np.sqrt(z)))

    found = gradient(energy, x, y)
    x, y = x.astype("float64"), y.astype("float64")
    for i in range(3):
        step = 1e-6 * np.eye(3)[i]
        np.testing.assert_allclose(found[0][i], (expected(x + step, y) - expected(x - step, y)) / 2e-6, rtol=1e-3)
        np.testing.assert_allclose(found[1][i], (expected(x, y + step) - expected(x, y - step)) / 2e-6, rtol=1e-3)


def test_shapes_and_dtypes_are_known_before():
    x = cornu.Input((4, 2))
    z = ops.view_as_complex(x)
    assert (z.shape, z.dtype) == ((None, 4), "complex64")
    assert (ops.abs(z).dtype, ops.angle(z).dtype, ops.isreal(z).dtype) == ("float32", "float32", "bool")
    assert ops.view_as_real(z).shape == (None, 4, 2)
    assert (ops.real(z).dtype, ops.imag(z).dtype, ops.conj(z).dtype) == ("float32", "float32", "complex64")


def test_layers_hold_real_numbers():
    with pytest.raises(InvalidArgumentError, match=r"`dtype='complex64'` was given. Layers compute with real numbers"):
        cornu.layers.Dense(1, dtype="complex64")


def test_complex_dtypes_are_promoted_as_in_keras():
    for dtypes in (("complex64", "float32"), ("int32", "complex64"), ("complex64", "bfloat16")):
        assert cornu.backend.result_type(*dtypes) == "complex64"
    assert cornu.backend.result_type("complex64", "float64") == "complex128"
