"""Half precision: sums and squares that do not fit into 16 bits, in ops whose result does. Values by NumPy in 64 bits."""

from collections.abc import Callable

import numpy as np
import pytest

from cornu import ops

LARGE = (np.random.default_rng(0).normal(size=(3, 5000)) * 300).astype("float16")
EQUAL = np.zeros((2, 70_000), "float16")
WIDE = LARGE.astype("float64")
IMAGE = np.full((1, 40, 40, 1), 500, "float16")


def log_sum(x: np.ndarray) -> np.ndarray:
    return np.log(np.exp(x).sum(1))


CASES = {
    "var": (lambda x: ops.var(x / 10, axis=1), LARGE, (WIDE / 10).var(1)),
    "std": (lambda x: ops.std(x, axis=1), LARGE, WIDE.std(1)),
    "norm": (lambda x: ops.norm(x, axis=1), LARGE, np.linalg.norm(WIDE, axis=1)),
    "norm of order 3": (lambda x: ops.norm(x, ord=3, axis=1), LARGE, np.linalg.norm(WIDE, 3, axis=1)),
    "norm of a matrix": (lambda x: ops.norm(x, ord="fro"), LARGE, np.linalg.norm(WIDE)),
    "logsumexp": (lambda x: ops.logsumexp(x, axis=1), EQUAL, log_sum(EQUAL.astype("float64"))),
    "softmax": (ops.softmax, EQUAL, np.full(EQUAL.shape, 1 / 70_000)),
    "softmax over two axes": (lambda x: ops.softmax(x, axis=(0, 1)), EQUAL, np.full(EQUAL.shape, 1 / 140_000)),
    "log_softmax": (ops.log_softmax, EQUAL, np.full(EQUAL.shape, -np.log(70_000))),
    "median": (lambda x: ops.median(x, axis=1), LARGE, np.median(WIDE, axis=1)),
    "quantile": (lambda x: ops.quantile(x, 0.9999, axis=1), LARGE, np.quantile(WIDE, 0.9999, axis=1)),
    "average_pool": (lambda x: ops.average_pool(x, 40), IMAGE, np.full((1, 1, 1, 1), 500)),
    "average_pool, same": (lambda x: ops.average_pool(x, 40, padding="same"), IMAGE, np.full((1, 1, 1, 1), 500)),
    "attention": (
        lambda x: ops.dot_product_attention(x, x, x),
        np.full((1, 4, 1, 8), 200, "float16"),
        np.full((1, 4, 1, 8), 200),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_fits_is_finite_and_right(name: str, make: Callable, check: Callable) -> None:
    function, values, expected = CASES[name]
    check(function(make(values)), expected.astype("float16"), rtol=2e-3, atol=2e-6)


def test_the_crossentropy_of_certain_predictions_is_finite(make: Callable, check: Callable) -> None:
    """In 16 bits the bound of the probabilities, 1 - 1e-7, would be 1."""
    target, output = np.float16([0, 1, 1, 0]), np.float16([0, 1, 0, 1])
    expected = np.float16([0, 0, -np.log(1e-7), -np.log(1e-7)])
    check(ops.binary_crossentropy(make(target), make(output)), expected, rtol=2e-2, atol=1e-5)


@pytest.mark.parametrize("name", ["std", "norm", "logsumexp", "softmax"])
def test_gradients_have_the_dtype_of_the_array(name: str, gradient: Callable) -> None:
    function, values, _ = CASES[name]
    found = gradient(lambda x: ops.sum(ops.cast(function(x), "float32")), values[:, :300])
    assert found.dtype == "float16" and np.isfinite(found).all()
