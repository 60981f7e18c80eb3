"""Whose array a value is."""

import numpy as np
import pytest

from cornu import backends, layers, ops
from cornu.errors import InvalidTypeError


def sparse_of_jax():
    return pytest.importorskip("jax.experimental.sparse").BCOO.fromdense(np.eye(3, dtype="float32"))


def sparse_of_tensorflow():
    return pytest.importorskip("tensorflow").sparse.from_dense(np.eye(3, dtype="float32"))


def ragged_of_tensorflow():
    return pytest.importorskip("tensorflow").ragged.constant([[1.0], [2.0, 3.0]])


@pytest.mark.parametrize("make", [sparse_of_jax, sparse_of_tensorflow, ragged_of_tensorflow])
@pytest.mark.parametrize("use", [layers.Dense(2), ops.relu, lambda x: ops.matmul(x, x)], ids=["layer", "op", "product"])
def test_sparse_and_ragged_arrays_are_refused(make, use):
    with pytest.raises(
        InvalidTypeError, match=r"of the engine '\w+' was received. Cornu computes with dense arrays. Convert it"
    ):
        use(make())


def test_slices_of_gradients_are_arrays():
    tf = pytest.importorskip("tensorflow")
    slices = tf.IndexedSlices(tf.ones((1, 2)), tf.constant([1]), tf.constant([3, 2]))
    assert backends.owner(slices) == "tensorflow"
