"""What the tests of training share: small models, and how close two lists of arrays are."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.training.data_adapters import prefetch


@pytest.fixture
def on(backend: str) -> Callable:
    """A function that moves a model to the backend of the test."""
    return lambda model: model.to_backend(backend)


@pytest.fixture
def classifier() -> Callable:
    """Makes a compiled network from 4 numbers to 3 classes; arguments are those of ``compile``."""

    def make(*hidden: Any, **arguments: Any) -> Any:
        stack = [cornu.Input((4,)), *(hidden or [layers.Dense(5, "relu")]), layers.Dense(3, "softmax", name="probabilities")]
        model = cornu.Sequential(stack)
        settled = {"optimizer": "sgd", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}
        model.compile(**{**settled, **arguments})
        return model

    return make


@pytest.fixture
def close() -> Callable:
    """Holds two lists of arrays or numbers against each other."""

    def hold(found: list, wanted: list, rtol: float = 1e-5, atol: float = 1e-6) -> None:
        assert len(found) == len(wanted)
        for mine, theirs in zip(found, wanted, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol, atol)

    return hold


@pytest.fixture
def all_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a thread draw from every source after the first batch, however quick it is."""
    monkeypatch.setattr(prefetch, "_SLOW_SECONDS", -1.0)
