"""What the tests of training share: small data, small models, and the same model in real Keras with the same weights."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import layers


def random_data(count: int, *shape: int, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Samples from the normal distribution, and class numbers that depend on them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, *shape)).astype("float32")
    y = (np.abs(x.reshape(count, -1)[:, :2].sum(axis=1)) * 2).astype("int64") % classes
    return x, y


def classifier(*hidden: Any, features: int = 4, classes: int = 3, loss: Any = "sparse_categorical_crossentropy", **arguments: Any) -> Any:
    """A compiled network from numbers to classes."""
    stack = [cornu.Input((features,)), *(hidden or [layers.Dense(5, "relu")]), layers.Dense(classes, "softmax")]
    model = cornu.Sequential(stack)
    model.compile(**{"optimizer": "sgd", "loss": loss, "metrics": ["accuracy"], **arguments})
    return model


@pytest.fixture
def on(backend: str) -> Callable:
    """A function that moves a model to the backend of the test."""
    return lambda model: model.to_backend(backend)


def close(found: list, wanted: list, rtol: float = 1e-5, atol: float = 1e-6) -> None:
    assert len(found) == len(wanted)
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol, atol)
