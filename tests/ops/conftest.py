"""What the tests of ops share: arrays of a backend, and values and gradients compared with real Keras on JAX."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cornu import backends, config, trees


@pytest.fixture(autouse=True)
def numpy_keeps_its_arrays(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the NumPy backend is tested it is the default too: elsewhere a NumPy array is data for the default backend."""
    if "backend" in request.fixturenames and request.getfixturevalue("backend") == "numpy":
        monkeypatch.setattr(config._backend, "_default", "numpy")


@pytest.fixture
def engine(backend: str) -> ModuleType:
    """The backend's module."""
    return backends.get(backend)


@pytest.fixture
def make(engine: ModuleType) -> Callable:
    """Turns data into an array of the backend."""
    return engine.asarray


@pytest.fixture
def check(backend: str, engine: ModuleType) -> Callable:
    """Asserts that a result is of the backend and has the dtype, the shape and the numbers of another array."""

    def compare(result: Any, expected: Any, rtol: float = 1e-5, atol: float = 1e-6, dtype: bool = True) -> None:
        assert backends.owner(result) == backend, f"the result is a {type(result)}"
        expected = np.asarray(expected)
        if dtype:
            assert engine.dtype(result) == expected.dtype.name
        assert tuple(result.shape) == expected.shape
        np.testing.assert_allclose(engine.to_numpy(result).astype("float64"), expected.astype("float64"), rtol=rtol, atol=atol)

    return compare


@pytest.fixture
def gradient(engine: ModuleType) -> Callable:
    """Gradients of a function of arrays that returns one number, as NumPy arrays: one, or a list for several arguments."""

    def of(function: Callable, *values: Any) -> Any:
        arrays = tuple(engine.asarray(value) for value in values)
        _, found = engine.value_and_grad(lambda given: function(*given))(arrays)
        found = [engine.to_numpy(part) for part in trees.leaves(found)]
        return found if len(found) > 1 else found[0]

    return of


@pytest.fixture
def check_gradients(engine: ModuleType, gradient: Callable) -> Callable:
    """Asserts that the gradients of an op, its result weighted at random, are those of another function on JAX."""

    def compare(ours: Callable, theirs: Callable, *values: np.ndarray, rtol: float = 1e-4, atol: float = 1e-5) -> None:
        weights = np.random.default_rng(9).normal(size=jax.eval_shape(theirs, *values).shape).astype("float32")
        found = gradient(lambda *given: engine.sum(engine.multiply(ours(*given), engine.asarray(weights))), *values)
        expected = jax.grad(lambda given: jnp.sum(theirs(*given) * weights))(tuple(jnp.asarray(value) for value in values))
        for part, wanted in zip(found if isinstance(found, list) else [found], expected, strict=True):
            np.testing.assert_allclose(part, wanted, rtol=rtol, atol=atol)

    return compare


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that starts the same for every test."""
    return np.random.default_rng(7)
