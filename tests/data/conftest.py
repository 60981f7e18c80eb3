"""Fixtures of the tests of data: random pixels."""

from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def pixels(rng) -> Callable[..., np.ndarray]:
    """A function that returns random pixels of a shape."""

    def make(*shape: int, dtype: str = "uint8") -> np.ndarray:
        return rng.integers(0, np.iinfo(dtype).max + 1, shape, dtype=dtype)

    return make
