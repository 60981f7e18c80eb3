"""Training with and without Cornu's fast paths results in the same weights, up to rounding."""

import importlib
import os

import numpy as np
import pytest

import cornu
from cornu import backends, config, layers, optimizers
from cornu.backends import fused_ops
from cornu.errors import InvalidArgumentError

RNG = np.random.default_rng(5)
IMAGES = RNG.normal(size=(40, 12, 12, 3)).astype("float32")
NUMBERS = RNG.integers(0, 30, (40, 7))
CLASSES = RNG.integers(0, 4, 40)


pytestmark = pytest.mark.usefixtures("set_fast_paths")  # which sets them back


def convolutional():
    return [
        cornu.Input((12, 12, 3)),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.Conv2D(34, 3, 2, padding="same", activation="relu"),
        layers.AveragePooling2D(2, padding="same"),
        layers.Flatten(),
        layers.Dense(6, activation="tanh"),
        layers.Dense(4, activation="softmax"),
    ]


def normalised():
    return [
        cornu.Input((12, 12, 3)),
        layers.Conv2D(4, 3, use_bias=False),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
        layers.BatchNormalization(),
        layers.MaxPooling2D(2),
        layers.Conv2D(6, 2, groups=2),
        layers.Conv2DTranspose(3, 3, 2),
        layers.GlobalAveragePooling2D(),
        layers.Dense(4, activation="softmax"),
    ]


def recurrent():
    return [
        cornu.Input((7,)),
        layers.Embedding(30, 5),
        layers.LSTM(6, return_sequences=True),
        layers.GRU(4),
        layers.Dense(4, activation="softmax"),
    ]


NETWORKS = [(convolutional, IMAGES), (normalised, IMAGES), (recurrent, NUMBERS)]


def trained(backend, stack, x, fast):
    config.set_fast_paths(fast)
    cornu.utils.set_random_seed(2)
    model = cornu.Sequential(stack()).to_backend(backend)
    model.compile(optimizers.Adam(0.01, epsilon=1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, CLASSES, batch_size=16, epochs=3, verbose=0).history  # the last batch is a smaller one
    return [*model.get_weights(), model.predict(x, verbose=0)], history


@pytest.mark.parametrize(("stack", "x"), NETWORKS, ids=lambda each: getattr(each, "__name__", ""))
def test_the_same_weights_come_out(engine_name, stack, x):
    if engine_name == "jax" and stack is normalised and os.environ["XLA_FLAGS"]:
        pytest.skip(
            "XLA without optimizations rounds differently where the gradient of pooling repeats it: `make test-optimized`"
        )
    fast, logs = trained(engine_name, stack, x, True)
    plain, their_logs = trained(engine_name, stack, x, False)
    for mine, expected in zip(fast, plain, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(logs["loss"], their_logs["loss"], rtol=1e-5)
    assert logs["loss"][-1] < logs["loss"][0]


def test_the_environment_switches_them_off_unless_one_says_otherwise(monkeypatch):
    assert config.fast_paths() is True
    monkeypatch.setenv("CORNU_FAST_PATHS", "0")
    assert config.fast_paths() is False
    config.set_fast_paths(True)
    assert config.fast_paths() is True


def test_what_is_no_yes_or_no_is_refused(monkeypatch):
    with pytest.raises(InvalidArgumentError, match=r"`set_fast_paths` received on='off'.*Pass False"):
        config.set_fast_paths("off")
    monkeypatch.setenv("CORNU_FAST_PATHS", "false")
    with pytest.raises(InvalidArgumentError, match=r"`CORNU_FAST_PATHS='false'` was given\. It must be one of '0', '1'"):
        config.fast_paths()


def test_a_model_that_has_run_before_follows_the_switch(engine_name, monkeypatch):
    model = cornu.Sequential([cornu.Input((12, 12, 3)), layers.Conv2D(4, 3), layers.MaxPooling2D(), layers.Softmax()])
    model.to_backend(engine_name)
    expected = model.predict(IMAGES, verbose=0)
    asked = []
    monkeypatch.setattr(fused_ops, "find", lambda *_: asked.append("traced anew"))
    config.set_fast_paths(False)
    np.testing.assert_allclose(model.predict(IMAGES, verbose=0), expected, rtol=1e-5, atol=1e-6)
    assert asked


def test_no_shortcut_is_found(engine_name):
    x = backends.get(engine_name).asarray([1.0])
    names = [
        name for name in ("softmax", "adam", "lstm", "recurrence", "normalized_batch", "affine_warp") if fused_ops.find(name, x)
    ]
    config.set_fast_paths(False)
    assert names
    assert not any(fused_ops.find(name, x) for name in names)


def test_batches_stay_whole(engine_name):
    assert backends.get(engine_name).micro_batch_activations()
    config.set_fast_paths(False)
    assert backends.get(engine_name).micro_batch_activations() is None


def test_convolution_and_pooling_on_jax_are_its_own(monkeypatch):
    pytest.importorskip("jax")
    for file, names in {"convolution": ("conv", "conv_transpose"), "pooling": ("max_pool", "sum_pool")}.items():
        module = importlib.import_module(f"cornu.backends.jax.{file}")
        for name in names:
            monkeypatch.setattr(module, name, lambda *_: pytest.fail("a fast path was used"))
    trained("jax", convolutional, IMAGES, False)


def test_pytorch_runs_line_by_line(monkeypatch):
    pytest.importorskip("torch")
    fx_passes = importlib.import_module("cornu.backends.torch.fx_passes")
    monkeypatch.setattr(fx_passes, "optimize", lambda *_: pytest.fail("a graph was optimized"))
    trained("torch", convolutional, IMAGES, False)
