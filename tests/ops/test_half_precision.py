"""Half precision: sums and squares that do not fit into 16 bits, in ops whose result does. Values by NumPy in 64 bits."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cornu import backends, layers, ops
from cornu.core.dtype_policy import dtype_policy_scope

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


# --- Rounded once: the result in 64 bits, to the precision of the dtype --------------------------------------------------

RNG = np.random.default_rng(11)
VALUES = RNG.normal(size=(3000, 4)) * 0.25 + 0.125
POSITIVE = np.abs(VALUES) + 0.01
NEAR_ONE = 1 + RNG.normal(size=(300, 4)) * 0.02
EPSILON = {"float16": 2.0**-10, "bfloat16": 2.0**-7}


def exact_softmax(x: np.ndarray, axis: int) -> np.ndarray:
    return np.exp(x - x.max(axis, keepdims=True)) / np.exp(x - x.max(axis, keepdims=True)).sum(axis, keepdims=True)


def normalized(x: np.ndarray, axis: int) -> np.ndarray:
    return (x - x.mean(axis, keepdims=True)) / np.sqrt(x.var(axis, keepdims=True) + 1e-3)


def called(layer: layers.Layer, x: Any, **kwargs: Any) -> Any:
    return layer.to_backend(backends.owner(x))(x, **kwargs)


ROUNDED: dict[str, tuple[Callable, Callable, np.ndarray]] = {
    "sum": (lambda x: ops.sum(x, axis=0), lambda x: x.sum(0), VALUES),
    "sum of all": (ops.sum, np.sum, VALUES),
    "sum of rows": (lambda x: ops.sum(ops.transpose(x), axis=1), lambda x: x.sum(0), VALUES),
    "mean": (lambda x: ops.mean(x, axis=0), lambda x: x.mean(0), VALUES),
    "average": (lambda x: ops.average(x, axis=0, weights=x), lambda x: (x * x).sum(0) / x.sum(0), POSITIVE),
    "prod": (lambda x: ops.prod(x, axis=0), lambda x: x.prod(0), NEAR_ONE),
    "cumsum": (lambda x: ops.cumsum(x, axis=0), lambda x: x.cumsum(0), POSITIVE),
    "cumprod": (lambda x: ops.cumprod(x, axis=0), lambda x: x.cumprod(0), NEAR_ONE),
    "var": (lambda x: ops.var(x, axis=0), lambda x: x.var(0), VALUES),
    "std": (lambda x: ops.std(x, axis=0), lambda x: x.std(0), VALUES),
    "moments": (lambda x: ops.moments(x, axes=[0])[1], lambda x: x.var(0), VALUES),
    "norm": (lambda x: ops.norm(x, axis=0), lambda x: np.linalg.norm(x, axis=0), VALUES),
    "logsumexp": (lambda x: ops.logsumexp(x, axis=0), lambda x: np.log(np.exp(x).sum(0)), VALUES),
    "softmax": (lambda x: ops.softmax(x, axis=0), lambda x: exact_softmax(x, 0), VALUES),
    "log_softmax": (lambda x: ops.log_softmax(x, axis=0), lambda x: np.log(exact_softmax(x, 0)), VALUES),
    "segment_sum": (
        lambda x: ops.segment_sum(x, np.arange(3000) % 2, 2),
        lambda x: np.stack([x[::2].sum(0), x[1::2].sum(0)]),
        POSITIVE,
    ),
    "trace": (lambda x: ops.trace(ops.reshape(x[:2500], (100, 100))), lambda x: np.trace(x[:2500].reshape(100, 100)), POSITIVE),
    "batch normalization": (
        lambda x: called(layers.BatchNormalization(), x, training=True),
        lambda x: normalized(x, 0),
        VALUES,
    ),
    "layer normalization": (lambda x: called(layers.LayerNormalization(axis=1), x), lambda x: normalized(x, 1), VALUES),
    "layer_normalization": (
        lambda x: ops.layer_normalization(x, epsilon=1e-3),
        lambda x: normalized(x, 1),
        VALUES,
    ),
    "global average": (
        lambda x: called(layers.GlobalAveragePooling1D(), ops.expand_dims(x, 0)),
        lambda x: x.mean(0, keepdims=True),
        VALUES,
    ),
    "average pooling": (
        lambda x: called(layers.AveragePooling1D(1000), ops.expand_dims(x, 0)),
        lambda x: x.reshape(1, 3, 1000, 4).mean(2),
        VALUES,
    ),
}
"""An op or layer, its value by NumPy in 64 bits, and its argument."""


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ROUNDED)
def test_results_are_rounded_once(name: str, dtype: str, backend: str, engine: ModuleType) -> None:
    """Accumulated in 16 bits, the errors of thousands of roundings would add up."""
    if (dtype, backend) == ("bfloat16", "numpy"):
        pytest.skip("NumPy has no bfloat16")
    function, exact, values = ROUNDED[name]
    x = engine.cast(engine.asarray(values.astype("float32")), dtype)
    with dtype_policy_scope(dtype):
        found = function(x)
    assert engine.dtype(found) == dtype
    expected = exact(engine.to_numpy(engine.cast(x, "float32")).astype("float64"))
    found = engine.to_numpy(engine.cast(found, "float32")).astype("float64")
    np.testing.assert_allclose(found, expected, rtol=0.51 * EPSILON[dtype], atol=EPSILON[dtype] * 2e-3)
