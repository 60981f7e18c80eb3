"""In what dtype a layer computes, and in what dtype it keeps its variables."""

import pytest

from cornu import config, layers
from cornu.core import dtype_policy
from cornu.core.dtype_policy import DTypePolicy
from cornu.errors import InvalidArgumentError


@pytest.fixture(autouse=True)
def as_before():
    yield
    dtype_policy.set_dtype_policy(None)
    config.set_floatx("float32")


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"])
def test_both_dtypes_are_those_of_keras(name):
    import keras

    ours, theirs = DTypePolicy(name), keras.dtype_policies.DTypePolicy(name)
    assert (ours.compute_dtype, ours.variable_dtype) == (theirs.compute_dtype, theirs.variable_dtype)


def test_an_unknown_policy_is_told_with_a_guess():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'mixed_float16'"):
        layers.Dense(2, dtype="mixed_flot16")


def test_layers_follow_the_policy_that_is_set_and_floatx_otherwise():
    dtype_policy.set_dtype_policy("mixed_bfloat16")
    assert layers.Dense(1).compute_dtype == "bfloat16"
    dtype_policy.set_dtype_policy(None)
    config.set_floatx("float64")
    assert (layers.Dense(1).compute_dtype, layers.Dense(1).variable_dtype) == ("float64", "float64")


def test_a_policy_goes_through_the_config_of_a_layer():
    layer = layers.Dense(2, dtype=DTypePolicy("mixed_float16"))
    config_of_it = layer.get_config()
    assert config_of_it["dtype"]["config"] == {"name": "mixed_float16"}
    assert layers.Dense.from_config(config_of_it).dtype_policy.name == "mixed_float16"
