"""Discretization and CategoryEncoding against real Keras."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cornu
from cornu import layers
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, NotBuiltError, ShapeError

RNG = np.random.default_rng(0)
MODES = ("one_hot", "multi_hot", "count")
SHAPES = [(3,), (3, 1), (3, 5)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("mode", ["int", *MODES])
def test_bins_are_those_of_keras(mode: str, shape: tuple, like_keras: Callable) -> None:
    x = np.resize([-1.5, 0.0, 0.5, 1.0, 3.0, np.inf, -np.inf, 0.99999994], shape).astype("float32")
    arguments = {"bin_boundaries": [0.0, 1.0, 2.5], "output_mode": mode}
    ours, theirs = like_keras("Discretization", arguments, x)
    symbolic = ours(cornu.Input(shape[1:]))
    assert (symbolic.shape, symbolic.dtype) == ((lambda y: (y.shape, y.dtype))(theirs(keras.Input(shape[1:]))))


def test_nan_is_in_the_last_bin_as_in_keras(like_keras: Callable) -> None:
    like_keras("Discretization", {"bin_boundaries": [0.0, 1.0, 2.0]}, np.float32([np.nan, np.inf, -np.inf, 1.0]))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "arguments", "x"),
    [
        ("StringLookup", {"vocabulary": ["a", "b"]}, "a"),
        ("IntegerLookup", {"vocabulary": [1, 2]}, 1),
        ("CategoryEncoding", {"num_tokens": 3}, 1),
        ("Discretization", {"bin_boundaries": [0.0, 1.0]}, 0.5),
        ("HashedCrossing", {"num_bins": 3}, (1, 2)),
    ],
)
@pytest.mark.parametrize("shape", [(), (1,), (2,), (1, 1), (2, 1)], ids=str)
def test_every_rank_is_encoded_as_by_keras(mode: str, name: str, arguments: dict, x: Any, shape: tuple) -> None:
    if name == "HashedCrossing" and mode != "one_hot":
        return
    ours, theirs = (getattr(library.layers, name)(output_mode=mode, **arguments) for library in (cornu, keras))
    if shape:
        x = tuple(np.full(shape, one) for one in x) if name == "HashedCrossing" else np.full(shape, x)
    found, wanted = np.asarray(ours(x)), np.asarray(theirs(x))
    assert (found.shape, found.tolist()) == (wanted.shape, wanted.tolist())
    if name != "HashedCrossing":
        assert ours.compute_output_shape(shape) == found.shape


@settings(max_examples=20, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 700), min_size=1, max_size=5),
    bins=st.integers(2, 12),
    epsilon=st.sampled_from([0.005, 0.01, 0.1, 0.3]),
    seed=st.integers(0, 99),
)
def test_boundaries_of_batches_are_those_of_keras(sizes: list, bins: int, epsilon: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    batches = [rng.normal(size=size).astype("float32") for size in sizes]
    ours, theirs = (library.layers.Discretization(num_bins=bins, epsilon=epsilon) for library in (cornu, keras))
    for layer in (ours, theirs):
        layer.adapt(iter(batches))
    np.testing.assert_allclose(ours.bin_boundaries, theirs.bin_boundaries, rtol=1e-4, atol=1e-3)  # in float32


def test_bins_hold_about_the_same_number_of_values() -> None:
    x = RNG.gamma(2.0, size=10000)
    layer = layers.Discretization(num_bins=5)
    layer.adapt(x)
    counts = np.bincount(np.asarray(layer(x)))
    assert counts.shape == (5,)
    assert np.abs(counts - 2000).max() < 250


def test_adapting_again_replaces_the_boundaries() -> None:
    layer, other = layers.Discretization(num_bins=3), layers.Discretization(num_bins=3)
    layer.adapt(np.arange(100.0))
    layer.adapt(np.arange(100.0) + 7)
    other.adapt(np.arange(100.0) + 7)
    assert layer.bin_boundaries == other.bin_boundaries
    assert layers.Discretization.from_config(layer.get_config()).bin_boundaries == other.bin_boundaries


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("mode", MODES)
def test_categories_are_encoded_as_by_keras(mode: str, shape: tuple, like_keras: Callable) -> None:
    ours, theirs = like_keras("CategoryEncoding", {"num_tokens": 5, "output_mode": mode}, RNG.integers(0, 5, shape))
    symbolic = ours(cornu.Input(shape[1:], dtype="int32"))
    wanted = theirs(keras.Input(shape[1:], dtype="int32"))
    assert (symbolic.shape, symbolic.dtype) == (wanted.shape, wanted.dtype)


def test_counts_are_weighted(backend: str) -> None:
    x, weights = np.array([[0, 1], [0, 0], [1, 2], [3, 1]]), np.array([[0.1, 0.2], [0.1, 0.1], [0.2, 0.3], [0.4, 0.2]])
    ours, theirs = (library.layers.CategoryEncoding(4, output_mode="count") for library in (cornu, keras))
    found = ours.to_backend(backend)(x, count_weights=weights)
    np.testing.assert_allclose(np.asarray(found), np.asarray(theirs(x, count_weights=weights)), rtol=1e-6)


@pytest.mark.parametrize("name", ["CategoryEncoding", "Discretization"])
def test_it_runs_in_pipelines_and_models_whatever_the_engine(name: str, default_backend: str) -> None:
    tf = pytest.importorskip("tensorflow")
    x = np.array([[0, 1], [1, 2], [2, 2]], "float32")
    layer = layers.CategoryEncoding(3) if name == "CategoryEncoding" else layers.Discretization([0.5, 1.5], output_mode="count")
    wanted = np.asarray(layer(x))
    assert (
        np.concatenate([y.numpy() for y in tf.data.Dataset.from_tensor_slices(x).batch(2).map(layer)]).tolist()
        == wanted.tolist()
    )
    assert cornu.Sequential([cornu.Input((2,)), layer]).predict(x, verbose=0).tolist() == wanted.tolist()


WRONG: dict[str, tuple[Callable, type, str]] = {
    "neither": (lambda: layers.Discretization(), InvalidArgumentError, "received neither"),
    "both": (lambda: layers.Discretization([1.0], num_bins=2), InvalidArgumentError, "received both"),
    "bins": (lambda: layers.Discretization(num_bins=-1), InvalidArgumentError, "`num_bins=-1`"),
    "epsilon": (lambda: layers.Discretization(num_bins=2, epsilon=2), InvalidArgumentError, "between 0 and 1, not 0"),
    "order": (lambda: layers.Discretization([3.0, 1.0]), InvalidArgumentError, "in ascending order"),
    "no boundaries": (lambda: layers.Discretization(num_bins=2)([[1.0]]), NotBuiltError, "before it had boundaries"),
    "fixed": (lambda: layers.Discretization([1.0]).adapt([1.0]), InvalidArgumentError, "Create it with `num_bins`"),
    "strings": (lambda: layers.Discretization(num_bins=2).adapt(["a"]), InvalidTypeError, "must be numbers"),
    "no data": (lambda: layers.Discretization(num_bins=2).adapt([]), DataError, "received no data"),
    "sparse": (lambda: layers.Discretization([1.0], sparse=True), InvalidArgumentError, "Cornu has no sparse arrays"),
    "no number": (lambda: layers.CategoryEncoding(), InvalidArgumentError, "`num_tokens=None`"),
    "mode": (lambda: layers.CategoryEncoding(3, output_mode="int"), InvalidArgumentError, "`output_mode='int'`"),
    "too large": (lambda: layers.CategoryEncoding(3)([[0, 3]]), DataError, "values such as 3"),
    "negative": (lambda: layers.CategoryEncoding(3)([[0, -1]]), DataError, "values such as -1"),
    "fractions": (lambda: layers.CategoryEncoding(3)([[0.5]]), DataError, "values such as 0.5"),
    "weights": (
        lambda: layers.CategoryEncoding(3)([[0]], count_weights=[[1.0]]), InvalidArgumentError, "Only counts have weights"),
    "other weights": (
        lambda: layers.CategoryEncoding(3, "count")([[0, 1]], count_weights=[[1.0]]), ShapeError, "Pass one weight for each"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_mistakes_are_explained(case: tuple) -> None:
    function, kind, text = case
    with pytest.raises(kind, match=text):
        function()
