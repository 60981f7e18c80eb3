"""Layers and ops inside functions that another engine traces, such as those of ``tf.data``."""

import warnings

import numpy as np
import pytest

import cornu
from cornu import layers, ops

tf = pytest.importorskip("tensorflow")

X = np.arange(24, dtype="float32").reshape(6, 4)


def mapped(function, x=X, batch=2):
    """The batches of a dataset after a function."""
    return [part.numpy() for part in tf.data.Dataset.from_tensor_slices(x).batch(batch).map(function)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Rescaling(0.5, offset=1.0),
        lambda: layers.Softmax(),
        lambda: layers.ReLU(),
        lambda: layers.UnitNormalization(),
        lambda: cornu.Sequential([layers.Rescaling(2.0), layers.Lambda(ops.abs), layers.ReLU()]),
    ],
    ids=["Rescaling", "Softmax", "ReLU", "UnitNormalization", "Sequential"],
)
@pytest.mark.parametrize("wrap", [lambda layer: layer, lambda layer: lambda x: layer(x)], ids=["layer", "lambda"])
def test_a_layer_runs_in_the_pipeline_whatever_its_engine(make, wrap, default_backend):
    layer = make()
    found = np.concatenate(mapped(wrap(layer)))
    np.testing.assert_allclose(found, ops.convert_to_numpy(layer(X)), rtol=1e-6)


def test_a_layer_with_weights_computes_with_its_values(default_backend):
    layer = layers.Dense(3)
    layer.build((None, 4))
    np.testing.assert_allclose(np.concatenate(mapped(layer)), ops.convert_to_numpy(layer(X)), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("engine", [name for name in cornu.config.installed_backends() if name != "tensorflow"])
def test_a_layer_of_another_engine_is_as_before_afterwards(engine):
    layer = layers.BatchNormalization().to_backend(engine)
    layer.build((None, 4))
    before = layer.get_weights()
    mapped(lambda x: layer(x, training=True))
    for mine, theirs in zip(layer.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert layer.place.backend == cornu.backends.owner(layer(X)) == engine


def test_a_layer_made_in_the_pipeline_runs(default_backend):
    found = np.concatenate(mapped(lambda x: layers.Rescaling(1 / 4)(x)))
    np.testing.assert_allclose(found, X / 4)


def test_images_of_bytes_become_floats(default_backend):
    found = mapped(layers.Rescaling(1 / 255), (X * 10).astype("uint8"))
    assert found[0].dtype == np.float32
    np.testing.assert_allclose(np.concatenate(found), X * 10 / 255, rtol=1e-6)


def test_a_tensor_with_values_goes_to_the_engine_of_the_layer(default_backend):
    assert cornu.backends.owner(layers.Rescaling(2.0)(tf.constant(X))) == default_backend


def test_an_unknown_size_is_a_tensor(default_backend):
    found = mapped(lambda x: ops.reshape(x, (ops.shape(x)[0], 2, 2)), batch=4)
    assert [part.shape for part in found] == [(4, 2, 2), (2, 2, 2)]


USES_OF_SIZES = {
    "reshape": lambda x, size: ops.reshape(x, (size, 2, 2)),
    "zeros": lambda x, size: ops.zeros((size, 4)) + x,
    "ones of a vector of sizes": lambda x, size: ops.ones(tf.shape(x)) + x,
    "normal": lambda x, size: cornu.random.normal((size, 4), seed=1) + x,
    "uniform of a vector of sizes": lambda x, size: cornu.random.uniform(tf.shape(x), seed=1) + x,
    "truncated normal": lambda x, size: cornu.random.truncated_normal((size, 4), seed=1) + x,
}


@pytest.mark.parametrize("use", USES_OF_SIZES)
def test_ops_take_a_tensor_as_a_size(use, monkeypatch):
    monkeypatch.setattr(cornu.config._backend, "_default", "tensorflow")
    found = mapped(lambda x: USES_OF_SIZES[use](x, ops.shape(x)[0]), batch=4)
    assert [len(part) for part in found] == [4, 2]


def test_known_sizes_are_integers():
    seen = []

    @tf.function
    def f(x):
        seen.append(ops.shape(x))
        return seen[-1][0] * 10

    assert int(f.get_concrete_function(tf.TensorSpec((None, 3)))(tf.ones((5, 3)))) == 50
    assert seen[0][1] == 3 and isinstance(seen[0][1], int)


def test_sizes_outside_of_a_trace_are_integers(backend):
    assert ops.shape(cornu.backends.get(backend).asarray(X)) == (6, 4)


def test_autograph_does_not_translate_layers_and_ops():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapped(lambda x: ops.relu(layers.Rescaling(2.0)(x)))


def test_a_layer_runs_in_a_function_that_jax_traces():
    jax = pytest.importorskip("jax")
    layer = layers.Dense(3).to_backend("tensorflow")
    layer.build((None, 4))
    np.testing.assert_allclose(jax.jit(lambda x: layer(x))(X), ops.convert_to_numpy(layer(X)), rtol=1e-5)
