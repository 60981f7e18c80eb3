"""Normalization against real Keras: statistics, results, gradients, weights and configs."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cornu
from cornu import layers
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, NotBuiltAttributeError, ShapeError
from cornu.testing.layer_checks import check_layer

X = np.random.default_rng(0).normal(2, 3, (40, 3, 4)).astype("float32")
X[:, 1] *= 7

AXES = [-1, 1, (1, 2), None, [2], (-1, 1)]


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
def test_statistics_and_results_are_those_of_keras(axis: Any, invert: bool, default_backend: str) -> None:
    ours, theirs = (library.layers.Normalization(axis, invert=invert) for library in (cornu, keras))
    for layer in (ours, theirs):
        layer.adapt(X)
    assert [(w.name, w.shape, w.dtype) for w in ours.weights] == [(w.name, w.shape, w.dtype) for w in theirs.weights]
    assert not ours.trainable_weights
    for mine, wanted in ((ours.mean, theirs.mean), (ours.variance, theirs.variance), (ours(X[:5]), theirs(X[:5]))):
        assert np.shape(mine) == wanted.shape
        np.testing.assert_allclose(np.asarray(mine), np.asarray(wanted), rtol=2e-5, atol=2e-6)
    own, wanted = ours.get_config(), theirs.get_config()
    assert {**own, "name": 0} == {**wanted, "name": 0, "axis": list(wanted["axis"])}


AGAINST_KERAS = {
    "scalars": ("Normalization", {"mean": 3.0, "variance": 2.0}, (5, 3, 4)),
    "one for each channel": ("Normalization", {"mean": [1.0, 2, 3, 4], "variance": [2.0, 3, 4, 5]}, (5, 3, 4)),
    "inverse": ("Normalization", {"mean": 3.0, "variance": 2.0, "invert": True}, (5, 3, 4)),
    "another axis": ("Normalization", {"axis": 1, "mean": [1.0, 2, 3], "variance": [1.0, 2, 3]}, (5, 3, 4)),
    "no variance": ("Normalization", {"mean": 3.0, "variance": 0.0}, (5, 4)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_given_statistics(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(case[0], case[1], case[2])


def test_weights_that_were_set(backend: str) -> None:
    """Keras computes with them only after they were loaded from a file."""
    layer = layers.Normalization((1, 2)).to_backend(backend)
    layer.build((None, 3, 4))
    layer.set_weights([X[0], np.abs(X[1]), 3])
    np.testing.assert_allclose(np.asarray(layer(X)), (X - X[0]) / np.sqrt(np.abs(X[1])), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("arguments", [{"mean": 3.0, "variance": 2.0}, {}], ids=["given", "weights"])
def test_it_keeps_the_contract(arguments: dict) -> None:
    check_layer(layers.Normalization, arguments, input_shape=(3, 4))


@settings(max_examples=20, deadline=None)
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    axes=st.sets(st.integers(1, 3)),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
    offset=st.floats(-1000, 1000),
    seed=st.integers(0, 99),
)
def test_batches_of_any_sizes_have_the_statistics_of_all(shape: list, axes: set, sizes: list, offset: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    batches = [rng.normal(offset, 2, (size, *shape)) for size in sizes]
    kept = sorted(axis for axis in axes if axis <= len(shape))
    layer = layers.Normalization(kept or None).to_backend("numpy")
    layer.adapt(iter(batches))
    data = np.concatenate(batches)
    reduced = tuple(axis for axis in range(data.ndim) if axis not in kept)
    np.testing.assert_allclose(np.asarray(layer.mean), data.mean(reduced, keepdims=True), rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(np.asarray(layer.variance), data.var(reduced, keepdims=True), rtol=1e-5, atol=1e-6)


def test_data_far_from_zero_has_the_right_variance() -> None:
    """Sums of squares in ``float32`` would lose all digits."""
    x = 1e6 + np.random.default_rng(0).normal(size=(1000, 2))
    layer = layers.Normalization()
    layer.adapt(x)
    np.testing.assert_allclose(np.ravel(layer.variance), x.var(0), rtol=1e-5)


def test_it_adapts_to_datasets_and_runs_in_them(default_backend: str) -> None:
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.from_tensor_slices((X, np.zeros(40))).batch(16)
    layer, wanted = layers.Normalization(), layers.Normalization()
    layer.adapt(dataset)
    wanted.adapt(X)
    np.testing.assert_allclose(np.asarray(layer.mean), np.asarray(wanted.mean), rtol=1e-6)
    found = np.concatenate([batch.numpy() for batch in dataset.map(lambda x, y: layer(x))])
    np.testing.assert_allclose(found, np.asarray(wanted(X)), rtol=1e-5, atol=1e-5)


def test_adapting_again_replaces_the_statistics() -> None:
    layer = layers.Normalization()
    layer.adapt(X)
    layer.adapt(X[:, :, ::-1] + 5)
    np.testing.assert_allclose(np.ravel(layer.mean), X[:, :, ::-1].mean((0, 1)) + 5, rtol=1e-5)


WRONG: dict[str, tuple[Callable, type, str]] = {
    "only the mean": (lambda: layers.Normalization(mean=1), InvalidArgumentError, "`mean` without `variance`"),
    "only the variance": (lambda: layers.Normalization(variance=1), InvalidArgumentError, "`variance` without `mean`"),
    "no such axis": (
        lambda: layers.Normalization(axis=5).adapt(X),
        InvalidArgumentError,
        r"shape \(None, 3, 4\). It must have the axes of `axis=\(5,\)`",
    ),
    "the batch axis": (lambda: layers.Normalization().adapt(np.arange(5.0)), ShapeError, "Pass `axis=None`"),
    "an unknown size": (lambda: layers.Normalization()(cornu.Input((None,))), ShapeError, "must be known"),
    "other sizes": (lambda: layers.Normalization(mean=[1, 2], variance=[1, 2])(X), ShapeError, "must broadcast to the shape"),
    "both": (lambda: layers.Normalization(mean=1, variance=1).adapt(X), InvalidArgumentError, "created with `mean`"),
    "strings": (lambda: layers.Normalization().adapt(["a"]), InvalidTypeError, "must be numbers"),
    "no data": (lambda: layers.Normalization().adapt(np.zeros((0, 3))), DataError, "received no data"),
    "too early": (lambda: layers.Normalization().mean, NotBuiltAttributeError, "Call `adapt"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_mistakes_are_explained(case: tuple) -> None:
    function, kind, text = case
    with pytest.raises(kind, match=text):
        function()


def test_inputs_with_another_number_of_features_are_refused() -> None:
    layer = layers.Normalization()
    layer.adapt(np.ones((4, 2)))
    with pytest.raises(ShapeError, match=r"input of shape \(4, 3\).*variances of the shape \(1, 2\)"):
        layer(np.ones((4, 3)))
