"""Ops of several modules on arrays whose sizes TensorFlow knows only when a traced function runs, as in ``tf.data``."""

import numpy as np
import pytest

from cornu import config, ops

tf = pytest.importorskip("tensorflow")

X = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")

CASES = {
    "argsort": lambda x: ops.argsort(x, axis=0),
    "categorical": lambda x: ops.shape(ops.random.categorical(x, 3, seed=1)),
    "cumprod": lambda x: ops.cumprod(x, axis=0),
    "diagonal": lambda x: ops.diagonal(x, offset=1),
    "eye": lambda x: ops.eye(ops.shape(x)[0], ops.shape(x)[1], k=-1),
    "full": lambda x: ops.full(ops.shape(x), 2.0),
    "in_top_k": lambda x: ops.in_top_k([0, 1, 2, 4], x, 2),
    "map": lambda x: ops.map(lambda row: row * 2 + ops.mean(row), x),
    "median": lambda x: ops.median(x, axis=1),
    "meshgrid": lambda x: ops.stack(ops.meshgrid(x[:, 0], x[0])),
    "normal": lambda x: ops.shape(ops.random.normal(ops.shape(x), seed=1)),
    "quantile": lambda x: ops.quantile(x, [0.3, 0.9], axis=0, keepdims=True),
    "randint": lambda x: ops.shape(ops.random.randint(ops.shape(x), 0, 9, seed=1)),
    "scan": lambda x: ops.scan(lambda total, row: (total + row, total * row), x[0], x, reverse=True)[1],
    "slice": lambda x: ops.slice(x, (1, 2), (2, -1)),
    "slice from a computed start": lambda x: ops.slice(x, (ops.argmax(x[:, 0]), 9), (2, 3)),
    "split": lambda x: ops.split(x, 2, axis=0)[1],
    "split at indices": lambda x: ops.split(x, [1, -1], axis=1)[1],
    "split at the end": lambda x: ops.split(x, [1, -1], axis=0)[2],
    "shuffle": lambda x: ops.sort(ops.random.shuffle(x, seed=1), 0),
    "top_k": lambda x: ops.top_k(x, 2)[0],
    "trace": lambda x: ops.trace(x),
    "uniform": lambda x: ops.shape(ops.random.uniform(ops.shape(x), seed=1)),
    "zeros": lambda x: ops.zeros((2, ops.shape(x)[0])),
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
    "bincount": lambda x: ops.bincount(ops.cast(x > 0, "int32"), minlength=3),
    "tile": lambda x: ops.tile(x, [2, 1]),
    "cross": lambda x: ops.cross(x[:, :3], x[:, 2:]),
    "scatter_update": lambda x: ops.scatter_update(x, [[1], [3]], x[:2]),
    "scatter_update by maximum": lambda x: ops.scatter_update(x, [[1], [3], [1]], x[:3], reduction="max"),
    "scatter_update of elements": lambda x: ops.scatter_update(x, [[1, 0], [3, 2]], x[0, :2]),
    "slice_update": lambda x: ops.slice_update(x, (1, 2), x[:2, :2]),
    "rearrange": lambda x: ops.rearrange(x, "a b -> (b a)"),
    "rearrange in parts": lambda x: ops.rearrange(x, "(a c) b -> a (b c)", c=2),
    "segment_sum": lambda x: ops.segment_sum(x, [0, 1, 0, 2], 3),
    "segment_max": lambda x: ops.segment_max(x, [0, 1, 0, 2], 3),
    "ctc_loss": lambda x: ops.ctc_loss([[1, 2]], ops.reshape(x, (1, *ops.shape(x))), [2], [4]),
    "triu": lambda x: ops.triu(x, -1),
    "triu of a batch": lambda x: ops.triu(ops.stack([x, x])),
}


@pytest.mark.parametrize("shape", [(None, 5), (4, None), (None, None)], ids=str)
@pytest.mark.parametrize("name", CASES)
def test_sizes_may_be_unknown_while_a_function_is_traced(name, shape):
    traced = tf.function(CASES[name], input_signature=[tf.TensorSpec(shape)], autograph=False)
    with config.placement_scope("tensorflow"):  # where sizes that are known leave the choice to the default backend
        expected = CASES[name](tf.constant(X))
    np.testing.assert_allclose(traced(X), expected, rtol=1e-6)
