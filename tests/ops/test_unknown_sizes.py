"""Sizes of symbolic tensors that are not known: the inferred shapes are those of Keras and those of computed results."""

import itertools

import keras
import numpy as np
import pytest

import cornu
from cornu import config, ops, trees
from cornu.errors import CornuError, ShapeError

BOTH = (None, None, 3), (None, 2, None)

CASES = {
    **{
        name: ((lambda o, x, y, name=name: getattr(o, name)(x, y)), *BOTH)
        for name in (
            *[
                "add",
                "subtract",
                "multiply",
                "divide",
                "true_divide",
                "divide_no_nan",
                "floor_divide",
                "mod",
                "power",
                "maximum",
                "minimum",
            ],
            *[
                "arctan2",
                "hypot",
                "logaddexp",
                "equal",
                "not_equal",
                "less",
                "less_equal",
                "greater",
                "greater_equal",
                "isclose",
            ],
            *["logical_and", "logical_or", "logical_xor"],
        )
    },
    "add with ones": (lambda o, x: o.add(x, np.ones((100, 4), "float32")), (None, None, 4)),
    "add with a row": (lambda o, x: o.add(x, np.ones((1, 4), "float32")), (None, None, 4)),
    "where": (lambda o, x, y: o.where(o.greater(x, 0), x, y), *BOTH),
    "clip": (lambda o, x: o.clip(x, 0.0, np.ones((5, 1), "float32")), (None, 5, 3)),
    "matmul": (lambda o, x, y: o.matmul(x, y), (None, 2, None), (None, 3, 4)),
    "matmul with weights": (lambda o, x: o.matmul(x, np.ones((3, 4), "float32")), (None, 5, None)),
    "dot": (lambda o, x: o.dot(x, np.ones((3, 4), "float32")), (None, 5, None)),
    "inner": (lambda o, x: o.inner(x, np.ones((4, 3), "float32")), (None, 5, None)),
    "tensordot": (lambda o, x: o.tensordot(x, np.ones((3, 4), "float32"), 1), (None, 5, None)),
    "einsum": (lambda o, x, y: o.einsum("bij,bjk->bik", x, y), (None, 2, None), (None, 3, 4)),
    "concatenate unknown": (lambda o, x, y: o.concatenate([x, y], 1), (None, None, 3), (None, 6, 3)),
    "first steps": (lambda o, x: x[:, :5], (None, None, 3)),
    "first step": (lambda o, x: x[:, :1], (None, None, 3)),
    "last steps": (lambda o, x: x[:, -2:], (None, None, 3)),
    "all but the last": (lambda o, x: x[:, :-1], (None, None, 3)),
    "backwards": (lambda o, x: x[:, ::-1], (None, None, 3)),
    "a late step": (lambda o, x: x[:, 70], (None, None, 3)),
    "a step from the end": (lambda o, x: x[..., -70, :], (None, None, 3)),
    "a new axis": (lambda o, x: x[:, None, 0], (None, None, 3)),
    "known steps": (lambda o, x: x[:, 1:4], (None, 6, 3)),
    "slice": (lambda o, x: o.slice(x, (0, 40, 0), (1, 50, 2)), (None, None, 3)),
    "slice to the end": (lambda o, x: o.slice(x, (0, 1), (-1, -1)), (None, 3)),
    "slice_update": (lambda o, x: o.slice_update(x, (0, 1, 0), np.ones((1, 50, 3), "float32")), (None, None, 3)),
    "split": (lambda o, x: o.split(x, 2, axis=1), (None, None, 4)),
    "split in three": (lambda o, x: o.split(x, 3, axis=1), (None, None, 4)),
    "split known": (lambda o, x: o.split(x, 2, axis=2), (None, None, 4)),
    "unstack": (lambda o, x: o.unstack(x, 3, axis=1), (None, None, 4)),
    "reshape": (lambda o, x: o.reshape(x, (-1, 2, 6)), (None, 4, 3)),
    "reshape to pairs": (lambda o, x: o.reshape(x, (-1, 2)), (None, 3)),
    "reshape to a known shape": (lambda o, x: o.reshape(x, (8, 3)), (None, 3)),
    "reshape with its own shape": (lambda o, x: o.reshape(x, (*o.shape(x)[:2], 2, 3)), (None, None, 6)),
    "reshape of the samples": (lambda o, x: o.reshape(x, (o.shape(x)[0], 2, 12)), (None, 4, 6)),
    "diag": (lambda o, x: o.diag(x), (None, 3)),
    "diagonal": (lambda o, x: o.diagonal(x, axis1=1, axis2=2), (None, None, 3)),
    "trace": (lambda o, x: o.trace(x, axis1=1, axis2=2), (None, None, 3)),
    "linspace": (lambda o, x: o.linspace(x, np.ones((2, 3), "float32"), num=4), (None, 3)),
    "logspace": (lambda o, x: o.logspace(x, np.ones((2, 3), "float32"), num=4), (None, 3)),
    "sum": (lambda o, x: o.sum(x, 1), (None, None, 3)),
    "max": (lambda o, x: o.max(x, 1, keepdims=True), (None, None, 3)),
    "argmax": (lambda o, x: o.argmax(x, 1), (None, None, 3)),
    "top_k": (lambda o, x: o.top_k(x, 2), (None, None)),
    "flip": (lambda o, x: o.flip(x, 1), (None, None, 3)),
    "pad": (lambda o, x: o.pad(x, ((0, 0), (1, 2), (0, 0))), (None, None, 3)),
    "tile": (lambda o, x: o.tile(x, (1, 2, 1)), (None, None, 3)),
    "repeat": (lambda o, x: o.repeat(x, 2, 1), (None, None, 3)),
    "transpose": (lambda o, x: o.transpose(x, (0, 2, 1)), (None, None, 3)),
    "softmax": (lambda o, x: o.softmax(x), (None, None, 3)),
    "one_hot": (lambda o, x: o.one_hot(o.cast(x, "int32"), 7), (None, None)),
    "average": (lambda o, x: o.average(x, 1, np.ones(5, "float32")), (None, None, 3)),
    "resize": (lambda o, x: o.image.resize(x, (8, 9)), (None, None, None, 3)),
    "conv": (lambda o, x: o.conv(x, np.ones((3, 3, 3, 4), "float32"), padding="same"), (None, None, None, 3)),
    "max_pool": (lambda o, x: o.max_pool(x, 2), (None, None, None, 3)),
    "expand_dims": (lambda o, x: o.expand_dims(x, 1), (None, None, 3)),
    "cumsum": (lambda o, x: o.cumsum(x, 1), (None, None, 3)),
    "take": (lambda o, x: o.take(x, [0, 40], axis=1), (None, None, 3)),
}
"""For each name a function of the ops and of symbolic tensors, and the shapes of these."""


MORE_KNOWN = {
    "concatenate": ((None, 11, 3), *(lambda o, x, y: o.concatenate([x, y], 1), (None, 5, None), (None, 6, 3))),
    "append": ((None, 11, 3), *(lambda o, x, y: o.append(x, y, 1), (None, 5, None), (None, 6, 3))),
    "vstack": ((None, 2, 3), *(lambda o, x, y: o.vstack([x, y]), (None, None, 3), (4, 2, 3))),
    "hstack": ((None, 11, 3), *(lambda o, x, y: o.hstack([x, y]), (None, 5, None), (None, 6, 3))),
    "dstack": ((None, 6, 7), *(lambda o, x, y: o.dstack([x, y]), (None, None, 4), (None, 6, 3))),
    "stack": ((None, 2, 2, 3), *(lambda o, x, y: o.stack([x, y], 1), (None, 2, None), (None, 2, 3))),
    "categorical_crossentropy": ((None, 5), *(lambda o, x, y: o.categorical_crossentropy(x, y), (None, None, 3), (None, 5, 3))),
    "binary_crossentropy": ((None, 5, 3), *(lambda o, x, y: o.binary_crossentropy(x, y), (None, None, 3), (None, 5, None))),
}
"""Ops of equal shapes: a size that one array knows is known. Keras takes the first shape, or makes an error."""


def shapes(results):
    return [tuple(x.shape) for x in trees.leaves(results)]


def inferred(function, of_inputs):
    return shapes(function(ops, *(cornu.Input(batch_shape=shape) for shape in of_inputs)))


@pytest.mark.parametrize("name", CASES)
def test_the_shapes_are_those_of_keras(name):
    function, *of_inputs = CASES[name]
    theirs = function(keras.ops, *(keras.KerasTensor(shape, "float32") for shape in of_inputs))
    assert inferred(function, of_inputs) == shapes(keras.tree.flatten(theirs))


@pytest.mark.parametrize("name", MORE_KNOWN)
def test_a_size_that_one_of_several_arrays_knows_is_known(name):
    expected, function, *of_inputs = MORE_KNOWN[name]
    assert inferred(function, of_inputs) == [expected]


def computed(function, of_inputs):
    """Shapes of results for several sizes in place of the unknown ones, where they fit together."""
    unknown = sum(shape.count(None) for shape in of_inputs)
    for sizes in itertools.product((8, 2, 3, 5, 6, 100), repeat=unknown):
        left = iter(sizes)
        arrays = [np.ones([next(left) if size is None else size for size in shape], "float32") for shape in of_inputs]
        try:
            yield shapes(function(ops, *arrays))
        except (CornuError, ValueError, IndexError):
            continue


@pytest.mark.parametrize("name", [*CASES, *MORE_KNOWN])
def test_computed_shapes_fit_the_inferred_ones(name, monkeypatch):
    function, *of_inputs = CASES.get(name) or MORE_KNOWN[name][1:]
    expected = inferred(function, of_inputs)
    monkeypatch.setattr(config._backend, "_default", "numpy")
    found = list(itertools.islice(computed(function, of_inputs), 3))
    assert found
    for result in found:
        for shape, known in zip(result, expected, strict=True):
            assert len(shape) == len(known)
            assert all(size in (None, real) for size, real in zip(known, shape, strict=True)), (shape, known)


@pytest.mark.parametrize(
    ("function", "of_inputs", "said"),
    [
        (lambda x, y: x + y, ((None, None, 3), (None, 2, 4)), "on axis -1 they have 3 and 4"),
        (lambda x, y: ops.matmul(x, y), ((None, 2, 5), (None, 3, None)), "They are 5 and 3"),
        (lambda x: ops.split(x, 3, axis=2), ((None, None, 4),), "The size 4 of axis 2"),
    ],
)
def test_known_sizes_that_differ_are_an_error(function, of_inputs, said):
    with pytest.raises(ShapeError, match=said):
        function(*(cornu.Input(batch_shape=shape) for shape in of_inputs))


def test_a_model_reshapes_to_its_own_unknown_sizes(default_backend):
    x = cornu.Input((None, 6))
    batch, steps, _ = ops.shape(x)
    model = cornu.Model(x, ops.reshape(x, (batch, steps, 2, 3)))
    data = np.arange(48, dtype="float32").reshape(2, 4, 6)
    np.testing.assert_array_equal(np.asarray(model(data)), data.reshape(2, 4, 2, 3))


def test_a_model_slices_and_splits_axes_of_any_size(default_backend):
    x = cornu.Input((None, 3))
    model = cornu.Model(x, [x[:, :5], *ops.split(x, 2, axis=1)])
    for size in (2, 8):
        first, left, right = (np.asarray(y) for y in model(np.ones((1, size, 3), "float32")))
        assert (first.shape[1], left.shape[1], right.shape[1]) == (min(size, 5), size // 2, size // 2)
