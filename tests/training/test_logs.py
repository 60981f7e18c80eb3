"""What becomes a number in the logs, and what stays as it is."""

import datetime
import fractions

import numpy as np
import pytest

from cornu import Variable, backends, config
from cornu.training.logs import as_number, as_numbers

DTYPES = ["float16", "bfloat16", "float32", "float64", "int8", "uint8", "int32", "bool"]


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, dtype) for name in config.installed_backends() for dtype in DTYPES if (name, dtype) != ("numpy", "bfloat16")],
)
def test_arrays_of_every_engine_are_floats(name, dtype):
    found = as_number(backends.get(name).asarray(1, dtype))
    assert (type(found), found) == (float, 1.0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", "int8", "int64", "uint8", "uint64", "bool"])
@pytest.mark.parametrize("make", [lambda scalar: scalar, np.asarray], ids=["scalar", "array"])
def test_numbers_of_numpy_are_floats(dtype, make):
    found = as_number(make(np.dtype(dtype).type(1)))
    assert (type(found), found) == (float, 1.0)


def test_a_tensor_with_a_gradient_is_a_float():
    torch = pytest.importorskip("torch")
    assert as_number(torch.tensor(0.5, requires_grad=True) * 2) == 1.0


def test_variables_are_floats(backend):
    assert as_number(Variable(0.5, backend=backend)) == 0.5


@pytest.mark.parametrize("value", [0.5, 3, True])
def test_numbers_of_python_stay(value):
    assert as_number(value) is value


def test_other_real_numbers_are_floats():
    assert as_number(fractions.Fraction(1, 4)) == 0.25


NOT_NUMBERS = [
    "high",
    np.str_("high"),
    None,
    np.ones(2),
    np.ones(1),
    [1.0],
    {"a": 1},
    1j,
    np.datetime64("2020"),
    datetime.date(2020, 1, 1),
]


@pytest.mark.parametrize("value", NOT_NUMBERS, ids=repr)
def test_what_is_not_a_single_number_stays(value):
    assert as_number(value) is value


def test_logs_are_new_and_flat():
    logs = {"loss": np.float32(0.5), "each": {"a": np.int64(2), "b": "x"}}
    assert as_numbers(logs) == {"loss": 0.5, "a": 2.0, "b": "x"}
    assert type(logs["loss"]) is np.float32
    assert as_numbers(None) == {}
