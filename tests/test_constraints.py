"""Constraints compared with those of real Keras."""

import keras
import numpy as np
import pytest

from cornu import backends, constraints, ops
from cornu.errors import InvalidArgumentError

CASES = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.7, "axis": 1}),
    ("MaxNorm", {"max_value": 1.5, "axis": [0, 1, 2]}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": [0, 1]}),
    ("MinMaxNorm", {"min_value": 1.2, "max_value": 1.6}),
    ("MinMaxNorm", {"min_value": 1.2, "max_value": 1.6, "rate": 0.3, "axis": 2}),
]


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_value_is_that_of_keras(name, arguments, default_backend):
    weight = np.random.default_rng(1).normal(size=(3, 2, 4, 5)).astype("float32")
    ours = getattr(constraints, name)(**arguments)(backends.get(default_backend).asarray(weight))
    theirs = getattr(keras.constraints, name)(**arguments)(keras.ops.array(weight))
    assert backends.owner(ours) == default_backend
    assert ops.dtype(ours) == "float32"
    np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_config_of_keras_is_read_and_ours_is_read_by_keras(name, arguments):
    theirs = keras.constraints.serialize(getattr(keras.constraints, name)(**arguments))
    ours = constraints.deserialize(theirs)
    assert ours.get_config() == theirs["config"]
    assert keras.constraints.deserialize(constraints.serialize(ours)).get_config() == theirs["config"]


@pytest.mark.parametrize("name", ["max_norm", "non_neg", "unit_norm", "min_max_norm", "MaxNorm"])
def test_names_mean_what_they_mean_in_keras(name):
    assert type(constraints.get(name)).__name__ == type(keras.constraints.get(name)).__name__


def test_get_gives_functions_and_none_back():
    assert constraints.get(abs) is abs
    assert constraints.get(None) is None


def test_unknown_names_get_a_suggestion():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'max_norm'"):
        constraints.get("max_nrom")
