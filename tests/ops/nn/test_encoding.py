"""One-hot labels and vectors of norm 1 on the host."""

import keras
import numpy as np
import pytest

from cornu import backends
from cornu.errors import InvalidArgumentError
from cornu.ops.nn import encoding


@pytest.mark.parametrize(
    ("numbers", "classes"), [([0, 2, 1], None), ([[0], [3]], 5), (np.arange(4).reshape(2, 2), 4), ([1.0, 0.0], 2), (2, 4)]
)
def test_one_hot_labels_are_those_of_keras(numbers, classes):
    found = encoding.to_categorical(numbers, classes)
    expected = keras.utils.to_categorical(numbers, classes)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("numbers", "classes"), [([0, 3], 3), ([-1, 0], 2), ([0.5], 2)])
def test_numbers_that_are_no_classes_are_refused(numbers, classes):
    with pytest.raises(InvalidArgumentError, match="must be integers from 0 to"):
        encoding.to_categorical(numbers, classes)


def test_labels_of_an_engine_stay_there(engine_name):
    found = encoding.to_categorical(backends.get(engine_name).asarray([0, 2]), 3)
    assert backends.owner(found) == engine_name
    np.testing.assert_array_equal(np.asarray(found), [[1, 0, 0], [0, 0, 1]])


def test_no_labels_give_no_rows():
    assert encoding.to_categorical([], 3).shape == (0, 3)


@pytest.mark.parametrize("order", [1, 2, np.inf])
@pytest.mark.parametrize("axis", [-1, 1])
def test_vectors_are_normalized_as_by_keras(order, axis):
    x = np.random.default_rng(0).normal(size=(3, 4))
    x[1] = 0
    found = encoding.normalize_vectors(x, axis, order)
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, keras.utils.normalize(x, axis, order), rtol=1e-12)


def test_vectors_along_the_first_axis_have_norm_1():
    """Keras divides the rows by the norms of the columns."""
    x = np.random.default_rng(0).normal(size=(3, 3))
    np.testing.assert_allclose(np.linalg.norm(encoding.normalize_vectors(x, axis=0), axis=0), 1)


def test_arrays_of_a_backend_stay_there(backend):
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    found = encoding.normalize_vectors(backends.get(backend).asarray(x))
    assert backends.owner(found) == backend
    np.testing.assert_allclose(backends.get(backend).to_numpy(found), encoding.normalize_vectors(x), rtol=1e-5)
