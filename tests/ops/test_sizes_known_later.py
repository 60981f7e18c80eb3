"""Ops of several modules on arrays whose sizes TensorFlow knows only when a traced function runs, as in ``tf.data``."""

import numpy as np
import pytest

from cornu import ops

tf = pytest.importorskip("tensorflow")

X = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")

CASES = {
    "arange": lambda x: ops.arange(ops.shape(x)[0]),
    "broadcast_to": lambda x: ops.broadcast_to(x[:1], ops.shape(x)),
    "getitem": lambda x: ops.get_item(x, tf.constant([0, -1])),
    "repeat": lambda x: ops.repeat(x, 2, axis=0),
    "repeat all": lambda x: ops.repeat(x, 3),
    "roll": lambda x: ops.roll(x, 1, 0),
    "roll back": lambda x: ops.roll(x, (-3, 7), (0, 1)),
    "roll all": lambda x: ops.roll(x, 6),
    "take": lambda x: ops.take(x, [0, -1], axis=0),
    "take of int64": lambda x: ops.take(x, tf.constant([1, -2], "int64"), axis=1),
    "take_along_axis": lambda x: ops.take_along_axis(x, ops.argsort(x, axis=1), axis=1),
    "tril": lambda x: ops.tril(x, 1),
    "triu": lambda x: ops.triu(x, -1),
    "triu of a batch": lambda x: ops.triu(ops.stack([x, x])),
}


@pytest.mark.parametrize("shape", [(None, 5), (4, None), (None, None)], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_sizes_may_be_unknown_while_a_function_is_traced(name, shape):
    traced = tf.function(CASES[name], input_signature=[tf.TensorSpec(shape)], autograph=False)
    np.testing.assert_array_equal(traced(X), CASES[name](tf.constant(X)))
