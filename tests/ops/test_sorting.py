import keras
import numpy as np
import pytest

from cornu import ops
from cornu.errors import InvalidArgumentError, ShapeError


@pytest.fixture
def x(rng):
    return rng.integers(0, 4, size=(3, 5)).astype("float32")


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_sorting_is_that_of_numpy(axis, make, check, x):
    check(ops.sort(make(x), axis), np.sort(x, axis))
    check(ops.argsort(make(x), axis), np.argsort(x, axis, kind="stable").astype("int32"))


def test_a_scalar_is_sorted_as_an_array_of_one(make, check):
    check(ops.argsort(make(3)), keras.ops.argsort(keras.ops.array(3)))


def test_top_k(make, check, rng):
    x = rng.permutation(20).reshape(2, 10).astype("float32")
    for found, wanted in zip(ops.top_k(make(x), 3), keras.ops.top_k(x, 3), strict=True):
        check(found, wanted)
    with pytest.raises(
        InvalidArgumentError, match=r"`top_k` received `k=11` for an array of shape \\(2, 10\\)".replace("\\\\", "\\")
    ):
        ops.top_k(make(x), 11)


def test_in_top_k(make, check, rng):
    scores, targets = rng.integers(0, 5, size=(20, 6)).astype("float32"), rng.integers(-1, 7, size=20).astype("int32")
    expected = [0 <= t < 6 and (row > row[t]).sum() < 2 for row, t in zip(scores, targets, strict=True)]
    check(ops.in_top_k(make(targets), make(scores), 2), np.bool_(expected))


def test_in_top_k_excludes_scores_that_are_not_finite(make, check):
    scores = np.float32([[np.nan, 1, 2], [np.inf, 1, 2], [-np.inf, 1, 2], [5, np.inf, np.nan]])
    check(ops.in_top_k(make(np.int32([0, 0, 0, 0])), make(scores), 3), np.bool_([False, False, False, True]))


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(side, make, check, x):
    row = np.float32([0, 1, 1, 3])
    check(ops.searchsorted(make(row), make(x), side), np.searchsorted(row, x, side).astype("int32"))


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_sorts_nan_last(side, make, check):
    row, x = np.float32([0, 1, np.nan, np.nan]), np.float32([np.nan, np.inf, -np.inf, 1])
    for part in (row[:2], row):
        check(ops.searchsorted(make(part), make(x), side), np.searchsorted(part, x, side).astype("int32"))
    check(ops.digitize(make(x), make(row[:2])), np.digitize(x, row[:2]).astype("int32"))


def test_digitize(make, check, x):
    bins = np.float32([0.5, 1, 3])
    check(ops.digitize(make(x), make(bins)), np.digitize(x, bins).astype("int32"))


@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("axis", [None, 1, (0, 2)], ids=str)
def test_quantile_is_that_of_numpy(method, axis, make, check, rng):
    x = rng.normal(size=(3, 4, 2)).astype("float32")
    for q in (0.3, [0.0, 0.55, 1.0]):
        for keepdims in (False, True):
            expected = np.quantile(x, np.float32(q), axis, method=method, keepdims=keepdims)
            check(ops.quantile(make(x), q, axis, method, keepdims), expected)


def test_percentile_and_median(make, check, rng):
    x = rng.normal(size=(3, 4)).astype("float32")
    check(ops.percentile(make(x), 25, 1), np.percentile(x, 25, 1).astype("float32"))
    check(ops.median(make(x), 1), np.median(x, 1))
    check(ops.median(make(x[:, :3])), np.median(x[:, :3]))


def test_median_gradient_goes_to_the_middle(gradient):
    np.testing.assert_allclose(gradient(ops.median, np.float32([5, 1, 4, 2])), [0, 0, 0.5, 0.5])


def test_an_unknown_method_is_named(make):
    with pytest.raises(InvalidArgumentError, match=r"`method='linar'` was given.*Did you mean 'linear'"):
        ops.quantile(make([1.0]), 0.5, method="linar")


def test_only_a_row_is_searched(make):
    with pytest.raises(ShapeError, match=r"`sorted_sequence` of shape \(2, 3\). It must be one-dimensional"):
        ops.searchsorted(make(np.ones((2, 3), "float32")), [1.0])
