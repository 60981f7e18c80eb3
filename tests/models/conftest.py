"""Real Keras as the oracle of models: the same model in both libraries, with the same weights."""

from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import layers, utils


@pytest.fixture(autouse=True)
def fresh_names() -> None:
    """Automatic names start again in both libraries."""
    utils.clear_session(free_memory=False)  # which takes seconds where all tests run in one process
    keras.utils.clear_session(free_memory=False)


@pytest.fixture(params=[cornu, keras], ids=["cornu", "keras"])
def library(request: pytest.FixtureRequest) -> Any:
    """Both libraries, one after the other: what a test says of Cornu holds for Keras too."""
    return request.param


class Twins:
    """A model made twice by one function of the library, with the same random weights."""

    def __init__(self, make: Any, seed: int = 0):
        self.ours, self.theirs = make(cornu), make(keras)
        rng = np.random.default_rng(seed)
        values = [rng.normal(size=weight.shape).astype("float32") for weight in self.theirs.weights]
        self.theirs.set_weights(values)
        self.ours.set_weights(values)

    def same_structure(self) -> None:
        assert names(self.ours.layers) == names(self.theirs.layers)
        for kind in ("weights", "trainable_weights", "non_trainable_weights"):
            ours, theirs = getattr(self.ours, kind), getattr(self.theirs, kind)
            assert [(w.path, tuple(w.shape)) for w in ours] == [(w.path, tuple(w.shape)) for w in theirs], kind

    def same_outputs(self, x: Any) -> None:
        ours, theirs = flat(self.ours(x)), flat(self.theirs(x))
        for mine, other in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(np.asarray(mine), np.asarray(other), rtol=2e-5, atol=1e-5)

    def same(self, x: Any) -> None:
        self.same_structure()
        self.same_outputs(x)


def names(layers: list) -> list[str]:
    """Names of layers; ops are not among them in either library."""
    return [layer.name for layer in layers]


def flat(tree: Any) -> list:
    if isinstance(tree, dict):
        return [leaf for name in sorted(tree) for leaf in flat(tree[name])]
    if isinstance(tree, (list, tuple)):
        return [leaf for part in tree for leaf in flat(part)]
    return [tree]


@pytest.fixture
def twins() -> type[Twins]:
    return Twins


@pytest.fixture
def deep() -> cornu.Model:
    """A residual network with 123 layers, in three stages of eight blocks."""
    inputs = cornu.Input((4,), name="x")
    x = layers.Dense(4, name="stem")(inputs)
    for block in (f"stage{stage}_block{number}" for stage in (1, 2, 3) for number in range(1, 9)):
        y = layers.BatchNormalization(name=f"{block}_bn")(layers.Dense(4, name=f"{block}_dense_1")(x))
        y = layers.Dense(4, name=f"{block}_dense_2")(layers.ReLU(name=f"{block}_relu")(y))
        x = layers.Add(name=f"{block}_add")([x, y])
    return cornu.Model(inputs, layers.Dense(2, name="head")(x), name="deep")
