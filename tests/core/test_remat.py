"""Rematerialization: the same values, computed again in the backward pass."""

import contextlib
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import RematScope, layers, ops, remat, value_and_grad
from cornu.core import remat as module
from cornu.errors import InvalidArgumentError

X = np.random.default_rng(0).normal(size=(24, 6)).astype("float32")


def counting(monkeypatch: pytest.MonkeyPatch, backend: str) -> list:
    """The functions that the engine was asked to rematerialize."""
    engine, calls = cornu.backends.get(backend), []
    original = engine.remat
    monkeypatch.setattr(engine, "remat", lambda f: calls.append(f) or original(f))
    return calls


def trained(backend: str, scope: Any) -> tuple:
    cornu.utils.set_random_seed(0)
    with scope:
        model = cornu.Sequential(
            [
                cornu.Input((6,)),
                layers.Dense(8, activation="relu", kernel_regularizer="l2", name="first"),
                layers.BatchNormalization(),
                layers.Dropout(0.3, seed=1),
                layers.Dense(8, activation="tanh", activity_regularizer="l1"),
                layers.Dense(1),
            ]
        ).to_backend(backend)
    model.compile("adam", "mse")
    history = model.fit(X, X[:, :1], epochs=2, batch_size=8, verbose=0, shuffle=False)
    return model.get_weights(), history.history["loss"]


SCOPES: dict[str, dict] = {
    "full": {"mode": "full"},
    "activations": {"mode": "activations"},
    "larger_than": {"mode": "larger_than", "output_size_threshold": 10},
    "list_of_layers": {"mode": "list_of_layers", "layer_names": ["first"]},
}


@pytest.mark.parametrize("name", SCOPES)
def test_training_gives_the_same_weights(name: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = trained(backend, contextlib.nullcontext())
    calls = counting(monkeypatch, backend)
    found = trained(backend, RematScope(**SCOPES[name]))
    assert calls
    for one, other in zip([*found[0], *found[1]], [*wanted[0], *wanted[1]], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_layers_remember_the_scope_of_their_creation(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with RematScope(mode="larger_than", output_size_threshold=100):
        with RematScope(mode=None):
            never = layers.Dense(64)
        small, large = layers.Dense(2), layers.Dense(64)
    calls = counting(monkeypatch, backend)
    for layer, count in ((never, 0), (small, 0), (large, 1)):
        calls.clear()
        layer.to_backend(backend)(X)
        value_and_grad(lambda layer=layer: ops.sum(layer(X)), layer.trainable_variables)
        assert len(calls) == count, layer.name


def test_a_function_is_run_again_for_its_gradient(backend: str) -> None:
    runs = []

    def wave(x: Any, scale: float) -> Any:
        runs.append(1)
        return {"y": ops.sin(x["a"]) * scale, "z": ops.cos(x["a"])}

    def loss(x: Any) -> Any:
        found = remat(wave)({"a": x}, scale=2.0)
        return ops.sum(found["y"] * found["z"])

    with cornu.config.placement_scope(backend):
        value, gradient = value_and_grad(loss, ops.array(X))
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), 2 * np.cos(2 * X), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(float(value), np.sin(2 * X).sum(), rtol=1e-4)
    assert len(runs) == (2 if backend in ("torch", "tensorflow") else 1)  # JAX traces it once, NumPy keeps the values


def test_integers_and_masks_pass(backend: str) -> None:
    layer = layers.Embedding(5, 3, mask_zero=True).to_backend(backend)
    layer.build((None, 2))

    def loss() -> Any:
        vectors = remat(lambda indices: layer(indices))(layer.backend.asarray(np.array([[1, 0]])))
        assert cornu.core.masks.mask_of(vectors) is not None
        return ops.sum(vectors**2)

    table = layer.embeddings.numpy()
    _, [gradient] = value_and_grad(loss, [layer.embeddings])
    wanted = np.zeros_like(table)
    wanted[:2] = 2 * table[:2]
    np.testing.assert_allclose(ops.convert_to_numpy(gradient), wanted, rtol=1e-5)


def test_eager_calls_and_symbols_are_as_without() -> None:
    with RematScope():
        layer = layers.BatchNormalization()
    layer(X, training=True)
    np.testing.assert_allclose(layer.moving_mean.numpy(), 0.01 * X.mean(0), rtol=1e-4, atol=1e-6)
    assert remat(layer)(cornu.Input((6,))).shape == (None, 6)


def test_less_memory_is_kept_on_jax() -> None:
    jax = pytest.importorskip("jax")

    def deep(x: Any) -> Any:
        for _ in range(4):
            x = ops.tanh(ops.tanh(ops.tanh(x)))
        return x

    def kept(f: Any) -> int:
        with cornu.config.placement_scope("jax"):
            _, pullback = jax.vjp(f, jax.numpy.ones((100,)))
        return sum(leaf.size for leaf in jax.tree.leaves(pullback) if hasattr(leaf, "size"))

    assert kept(remat(deep)) <= 100 < kept(deep)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="mode"):
        RematScope(mode="half")
    assert module.RematScope is RematScope
