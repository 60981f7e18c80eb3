"""What the tests of linear algebra share: matrices, and gradients compared with finite differences."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from cornu import backends, config


@pytest.fixture
def draw(rng: np.random.Generator) -> Callable:
    """Draws an array from the normal distribution."""
    return lambda *shape: rng.normal(size=shape).astype("float32")


@pytest.fixture
def check_differences(engine: ModuleType, gradient: Callable) -> Callable:
    """Asserts that the gradient of an op, its results weighted at random, is that of central differences in ``float64``."""

    def compare(function: Callable, *values: np.ndarray, rtol: float = 2e-3, atol: float = 2e-3) -> None:
        def loss(own: ModuleType, arrays: list) -> object:
            results = function(*arrays)
            total = 0.0
            for number, part in enumerate(results if isinstance(results, tuple) else (results,)):
                weights = np.random.default_rng(number).normal(size=tuple(part.shape))
                total = total + own.sum(own.multiply(part, own.asarray(weights, own.dtype(part))))
            return total

        found = gradient(lambda *arrays: loss(engine, list(arrays)), *values)
        found = found if isinstance(found, list) else [found]
        numpy, exact = backends.get("numpy"), [value.astype("float64") for value in values]
        for position, value in enumerate(exact):
            expected = np.zeros(value.shape)
            for index in np.ndindex(*value.shape):
                sides = []
                for step in (1e-6, -1e-6):
                    moved = [array.copy() for array in exact]
                    moved[position][index] += step
                    with config.placement_scope("numpy"):
                        sides.append(float(loss(numpy, moved)))
                expected[index] = (sides[0] - sides[1]) / 2e-6
            np.testing.assert_allclose(found[position], expected, rtol=rtol, atol=atol)

    return compare
