import jax.numpy as jnp
import numpy as np
import pytest

from cornu import config
from cornu.dtypes import is_float, is_integer, wider_float
from cornu.errors import InvalidArgumentError
from cornu.validation import standardize_dtype


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("float32", "float32"),
        (np.float16, "float16"),
        (np.dtype("int64"), "int64"),
        (jnp.float32, "float32"),
        (jnp.bfloat16, "bfloat16"),
        (jnp.dtype("bfloat16"), "bfloat16"),
        (int, "int32"),
        (float, "float32"),
        (bool, "bool"),
        (np.bool_, "bool"),
        (None, "float32"),
    ],
)
def test_a_dtype_has_one_name_however_it_is_written(given, name):
    assert standardize_dtype(given) == name


def test_no_dtype_is_floatx():
    config.set_floatx("float16")
    try:
        assert standardize_dtype(None) == standardize_dtype(float) == "float16"
    finally:
        config.set_floatx("float32")


def test_an_unknown_dtype_is_named():
    with pytest.raises(InvalidArgumentError, match=r"`dtype='flot32'` was given.*Did you mean 'float32'"):
        standardize_dtype("flot32")


def test_kinds():
    assert is_float("bfloat16") and not is_float("int8")
    assert is_integer("uint8") and not is_integer("bool")


def test_wider_float_holds_both():
    assert wider_float("float16", "float64") == "float64"
    assert wider_float("bfloat16", "bfloat16") == "bfloat16"
    assert wider_float("bfloat16", "float16") == "float32"
