import keras
import numpy as np
import pytest

from cornu import ops
from cornu.errors import InvalidArgumentError


@pytest.fixture
def draw(rng):
    return lambda *shape: rng.normal(size=shape).astype("float32")


VECTOR_ORDERS = [None, 2, 1, 0, 3, np.inf, -np.inf]
MATRIX_ORDERS = [None, "fro", 1, -1, 2, -2, "nuc", np.inf, -np.inf]


@pytest.mark.parametrize("order", VECTOR_ORDERS, ids=str)
def test_norm_of_vectors_is_that_of_numpy(order, make, check, draw):
    x = draw(3, 4)
    for keepdims in (False, True):
        check(ops.norm(make(x), order, axis=1, keepdims=keepdims), np.linalg.norm(x, order, 1, keepdims).astype("float32"))
    check(ops.norm(make(x[0]), order), np.float32(np.linalg.norm(x[0], order)))


@pytest.mark.parametrize("order", MATRIX_ORDERS, ids=str)
def test_norm_of_matrices_is_that_of_numpy(order, make, check, draw):
    x = draw(2, 3, 4)
    for keepdims in (False, True):
        for axis in ((1, 2), (2, 0)):
            expected = np.linalg.norm(x, order, axis, keepdims)
            check(ops.norm(make(x), order, axis=axis, keepdims=keepdims), expected)


def test_norm_of_a_whole_array(make, check, draw):
    x = draw(2, 3, 4)
    check(ops.norm(make(x)), np.linalg.norm(x))
    with pytest.raises(InvalidArgumentError, match=r"Pass one axis or two as `axis`"):
        ops.norm(make(x), 1)
    with pytest.raises(InvalidArgumentError, match=r"`ord=3` was given. It must be one of 'fro', 2, -2, 'nuc', 1"):
        ops.norm(make(x), 3, axis=(0, 1))


@pytest.mark.parametrize("order", [2, -2, "nuc"])
def test_gradient_of_a_norm_of_singular_values_is_that_of_keras(order, check_gradients, draw):
    check_gradients(lambda x: ops.norm(x, order, (1, 2)), lambda x: keras.ops.norm(x, order, (1, 2)), draw(2, 3, 4))


def test_norm_of_singular_values_in_half_precision(make, check, draw):
    x = draw(3, 3).astype("float16")
    check(ops.norm(make(x), 2), np.float16(np.linalg.norm(x.astype("float64"), 2)), rtol=2e-3)


@pytest.mark.parametrize("order", [None, 2, 3])
def test_norm_of_zeros_has_gradient_zero(order, gradient):
    np.testing.assert_array_equal(gradient(lambda x: ops.norm(x, order), np.zeros(3, "float32")), np.zeros(3))


@pytest.mark.parametrize("order", [None, 2, 1, 3, np.inf])
def test_norm_gradient_is_that_of_keras(order, check_gradients, draw):
    check_gradients(lambda x: ops.norm(x, order, 1), lambda x: keras.ops.norm(x, order, 1), draw(3, 4))


@pytest.mark.parametrize("order", [None, 1, 2, "nuc", np.inf])
def test_norm_of_complex_matrices_is_that_of_numpy(order, make, check, draw):
    x = draw(3, 4) + 1j * draw(3, 4)
    check(ops.norm(make(x), order, axis=(0, 1)), np.float32(np.linalg.norm(x, order)))
