"""The names and arguments of the ops, and ops in compiled functions."""

import inspect

import keras
import numpy as np
import pytest

from cornu import backends, ops, random
from cornu.backends.contract import ArraySpec

OWN_ARGUMENTS = {
    "convert_to_tensor": ("backend",),
    "layer_normalization": ("rms_scaling",),
}
"""Arguments that may only be named: a backend, and what Keras takes by ``**kwargs``."""


WITHOUT_KWARGS = ("layer_normalization",)
"""Functions of which Keras takes old arguments by ``**kwargs``: `rms_scaling`."""


def arguments(function):
    return [(parameter.name, parameter.default) for parameter in inspect.signature(function).parameters.values()]


@pytest.mark.parametrize("name", sorted(set(ops.__all__) & set(dir(keras.ops)) - {"image", "linalg", "nn", "numpy"}))
def test_arguments_are_those_of_keras(name):
    own = OWN_ARGUMENTS.get(name, ())
    dropped = {"kwargs"} if name in WITHOUT_KWARGS else set()
    found = [one for one in arguments(getattr(ops, name)) if one[0] not in own]
    assert found == [one for one in arguments(getattr(keras.ops, name)) if one[0] not in dropped]


@pytest.mark.parametrize("module", ["image", "linalg", "nn"])
def test_the_modules_have_the_same_functions_as_those_of_keras(module):
    for name in set(getattr(ops, module).__all__) & set(dir(getattr(keras.ops, module))):
        assert arguments(getattr(getattr(ops, module), name))[:2] == arguments(getattr(getattr(keras.ops, module), name))[:2]


@pytest.mark.parametrize("module", ["image", "linalg", "nn", "numpy"])
def test_ops_are_in_each_module_where_keras_has_them(module):
    assert set(ops.__all__) & set(dir(getattr(keras.ops, module))) <= set(getattr(ops, module).__all__)


@pytest.mark.parametrize("name", ["resize", "rgb_to_grayscale"])
def test_arguments_of_image_ops_are_those_of_keras(name):
    assert arguments(getattr(ops.image, name)) == arguments(getattr(keras.ops.image, name))


@pytest.mark.parametrize("name", sorted(set(random.__all__) - {"SeedGenerator"}))
def test_arguments_of_random_ops_are_those_of_keras(name):
    assert arguments(getattr(ops.random, name)) == arguments(getattr(keras.random, name))


def test_every_name_is_one_of_keras():
    assert set(ops.__all__) - set(dir(keras.ops)) == {"random"}


def test_every_function_says_what_it_does():
    for name in ops.__all__:
        assert getattr(ops, name).__doc__, name


COMPILED = {
    "softmax": lambda x: ops.softmax(x),
    "sums": lambda x: ops.add(ops.logsumexp(x, 0), ops.std(x, 0)),
    "norm": lambda x: ops.norm(x, axis=1),
    "one_hot": lambda x: ops.one_hot(ops.argmax(x, 1), 4),
    "loss": lambda x: ops.sparse_categorical_crossentropy([0, 1, 2], x, from_logits=True),
    "normalization": lambda x: ops.batch_normalization(x, *ops.moments(x, 0), -1),
    "convolution": lambda x: ops.conv(ops.reshape(x, (1, 3, 4, 1)), ops.expand_dims(x, (2, 3)), padding="same"),
    "pooling": lambda x: ops.max_pool(ops.reshape(x, (1, 3, 4, 1)), 2, padding="same"),
    "resize": lambda x: ops.image.resize(ops.reshape(x, (3, 4, 1)), (5, 5)),
    "shapes": lambda x: ops.roll(ops.repeat(ops.pad(x, 1), 2, 0), 3, 1),
    "triangle": lambda x: ops.where(ops.greater(ops.tril(x), 0), x, 0.0),
    "quantile": lambda x: ops.quantile(x, [0.1, 0.9], 0),
    "slices": lambda x: ops.slice_update(x, (ops.argmax(x), 0), ops.slice(x, (ops.argmin(x), 0), (1, 4))),
    "dropout": lambda x: ops.random.dropout(x, 0.5, seed=(1, 2)),
    "shuffle": lambda x: ops.random.shuffle(x, seed=3),
}


@pytest.mark.parametrize("name", COMPILED)
def test_ops_can_be_compiled_and_their_shapes_told_before(name, engine, make, check, rng):
    x = rng.normal(size=(3, 4)).astype("float32")
    expected = engine.to_numpy(COMPILED[name](make(x)))
    check(engine.compile(COMPILED[name])(make(x)), expected)
    spec = engine.abstract_eval(COMPILED[name], ArraySpec((3, 4), "float32"))
    assert (tuple(spec.shape), spec.dtype) == (expected.shape, expected.dtype.name)


@pytest.mark.parametrize("name", sorted(set(COMPILED) - {"dropout", "shuffle"}))
def test_the_numbers_are_the_same_on_every_backend(name, engine_name, rng):
    x = rng.normal(size=(3, 4)).astype("float32")
    one, other = (np.asarray(COMPILED[name](backends.get(engine).asarray(x))) for engine in ("numpy", engine_name))
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
