import numpy as np
import pytest

from cornu import backends, ops
from cornu.ops import dispatch


class Stands:
    """A stand-in for an array, as a variable is."""

    def __init__(self, value):
        self.value = value

    def __cornu_array__(self):
        return self.value


class Symbol:
    """A stand-in for a symbolic tensor."""


@pytest.fixture
def recorded():
    calls = []
    dispatch.register_recorder(Symbol, lambda op, args, kwargs: calls.append((op, args, kwargs)) or "recorded")
    yield calls
    del dispatch._recorders[Symbol]


def test_what_stands_for_an_array_is_asked_for_it(make, check):
    check(ops.add(Stands(make(np.float32([1]))), Stands(make(np.float32([2])))), np.float32([3]))
    check(ops.concatenate([Stands(make(np.float32([1]))), make(np.float32([2]))]), np.float32([1, 2]))
    check(ops.sum(x=Stands(make(np.float32([1, 2])))), np.float32(3))


def test_an_op_with_a_symbol_is_recorded(recorded):
    symbol = Symbol()
    assert ops.add(symbol, 1) == "recorded"
    assert ops.sum(x=symbol, axis=0) == "recorded"
    assert recorded == [(ops.add, (symbol, 1), {}), (ops.sum, (), {"x": symbol, "axis": 0})]


def test_a_symbol_in_a_list_is_found(recorded):
    assert ops.concatenate([np.zeros(1), Symbol()], axis=0) == "recorded"


def test_a_type_met_before_can_still_be_registered():
    class Late:
        shape = (1,)

    with pytest.raises(Exception, match=r"dtype object"):
        ops.abs(Late())
    dispatch.register_recorder(Late, lambda op, args, kwargs: "recorded")
    assert ops.abs(Late()) == "recorded"


def test_an_op_keeps_its_name_and_words():
    assert ops.relu.__name__ == "relu"
    assert ops.relu.__doc__.startswith("``max(x, 0)``")


def test_arrays_of_python_data_are_of_the_default_backend():
    backend, x, y = dispatch.arrays([1.0], 2)
    assert backend is backends.get()
    assert backend.dtype(x), backend.dtype(y) == ("float32", "int32")


def test_floats_keep_their_dtype(make, engine):
    _, x, y = dispatch.floats(make(np.float16([1])), make(np.int32([1])))
    assert (engine.dtype(x), engine.dtype(y)) == ("float16", "float32")
