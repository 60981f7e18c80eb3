"""Regularizers compared with those of real Keras, and their gradients."""

import keras
import numpy as np
import pytest

from cornu import backends, config, regularizers
from cornu.errors import InvalidArgumentError, ShapeError

CASES = [
    ("L1", {"l1": 0.3}),
    ("L2", {"l2": 0.3}),
    ("L1L2", {"l1": 0.2, "l2": 0.3}),
    ("OrthogonalRegularizer", {"factor": 0.3}),
    ("OrthogonalRegularizer", {"factor": 0.3, "mode": "columns"}),
]


@pytest.fixture
def weight():
    return np.random.default_rng(1).normal(size=(4, 3)).astype("float32")


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_penalty_is_that_of_keras(name, arguments, weight, default_backend):
    ours = getattr(regularizers, name)(**arguments)(backends.get(default_backend).asarray(weight))
    theirs = getattr(keras.regularizers, name)(**arguments)(keras.ops.array(weight))
    assert np.shape(ours) == ()
    assert backends.owner(ours) == default_backend
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_gradient_agrees_with_finite_differences(name, arguments, weight, default_backend):
    engine, penalty = backends.get(default_backend), getattr(regularizers, name)(**arguments)
    gradient = engine.to_numpy(engine.value_and_grad(penalty)(engine.asarray(weight))[1])
    direction = np.random.default_rng(2).normal(size=weight.shape)
    step = 1e-5
    with config.placement_scope("numpy"):  # which computes in float64
        plus, minus = (float(penalty(weight.astype("float64") + sign * step * direction)) for sign in (1, -1))
    np.testing.assert_allclose((gradient * direction).sum(), (plus - minus) / (2 * step), rtol=1e-4)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_config_of_keras_is_read_and_ours_is_read_by_keras(name, arguments):
    theirs = keras.regularizers.serialize(getattr(keras.regularizers, name)(**arguments))
    ours = regularizers.deserialize(theirs)
    assert ours.get_config() == theirs["config"]
    assert keras.regularizers.deserialize(regularizers.serialize(ours)).get_config() == theirs["config"]


@pytest.mark.parametrize("name", ["l1", "l2", "L1", "L2", "L1L2", "orthogonal_regularizer"])
def test_names_mean_what_they_mean_in_keras(name):
    ours, theirs = regularizers.get(name), keras.regularizers.get(name)
    assert type(ours).__name__ == type(theirs).__name__
    for argument, value in theirs.get_config().items():
        assert ours.get_config()[argument] == (value if isinstance(value, str) else pytest.approx(value))


def test_l1_l2_by_name_has_the_factors_of_the_documentation():
    assert regularizers.get("l1_l2").get_config() == {"l1": 0.01, "l2": 0.01}


def test_get_gives_functions_and_none_back():
    assert regularizers.get(abs) is abs
    assert regularizers.get(None) is None


def test_errors_say_what_to_do():
    with pytest.raises(InvalidArgumentError, match=r"l1=-1.*at least 0"):
        regularizers.L1(-1)
    with pytest.raises(InvalidArgumentError, match="l2=nan"):
        regularizers.L2(float("nan"))
    with pytest.raises(InvalidArgumentError, match="l2='x'"):
        regularizers.L1L2(l2="x")
    with pytest.raises(InvalidArgumentError, match="Did you mean 'rows'"):
        regularizers.OrthogonalRegularizer(mode="row")
    with pytest.raises(ShapeError, match=r"\(2, 3, 4\).*matrices"):
        regularizers.OrthogonalRegularizer()(np.zeros((2, 3, 4), "float32"))
    with pytest.raises(InvalidArgumentError, match="Did you mean 'l1'"):
        regularizers.get("l11")
