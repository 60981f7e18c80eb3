"""Symbolic tensors and the order of a graph."""

import keras
import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.core import graph, symbolic_tensor
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidTypeError, ShapeError


def test_ops_on_symbolic_tensors_know_shape_and_dtype():
    x = cornu.Input((4, 3))
    assert (x + 1).shape == (None, 4, 3) and (x @ np.ones((3, 5), "float32")).shape == (None, 4, 5)
    assert (x > 0).dtype == "bool" and x[:, 0].shape == (None, 3)
    assert ops.concatenate([x, x], axis=1).shape == (None, 8, 3)
    assert ops.reshape(x, (-1, 12)).shape == (None, 12)


def test_sizes_that_depend_on_the_unknown_one_are_unknown():
    x = cornu.Input((None, 3))
    assert ops.concatenate([x, x], axis=1).shape == (None, None, 3)
    assert ops.mean(x, axis=1).shape == (None, 3) and ops.transpose(x, (2, 0, 1)).shape == (3, None, None)


def test_an_op_records_its_node():
    x = cornu.Input((3,))
    y = ops.exp(x)
    assert y.node.operation.op is ops.exp and y.node.inputs == [x] and y.index == 0


def test_an_op_with_several_outputs_numbers_them():
    parts = ops.split(cornu.Input((4,)), 2, axis=1)
    assert [part.index for part in parts] == [0, 1] and parts[0].node is parts[1].node
    assert [part.shape for part in parts] == [(None, 2), (None, 2)]


def test_a_symbolic_tensor_of_a_shape_alone_has_no_node():
    tensor = SymbolicTensor([None, 3])
    assert (tensor.shape, tensor.dtype, tensor.ndim, tensor.node) == ((None, 3), "float32", 2, None)
    assert "shape=(None, 3)" in repr(tensor)


@pytest.mark.parametrize("use", [bool, list, np.asarray, lambda t: [*t]], ids=["bool", "list", "array", "star"])
def test_numbers_cannot_be_asked_for(use):
    with pytest.raises(InvalidTypeError):
        use(cornu.Input((3,)))


def test_each_node_comes_after_what_it_takes():
    x = cornu.Input((3,))
    a, b = layers.Dense(3)(x), layers.Dense(3)(x)
    y = layers.Add()([layers.Dense(3)(a), b])
    nodes = graph.nodes_between([x], [y, a])
    place = {id(node): number for number, node in enumerate(nodes)}
    for node in nodes[1:]:
        assert all(place[id(tensor.node)] < place[id(node)] for tensor in node.inputs)


def test_a_graph_of_two_thousand_ops_is_walked_without_recursion():
    x = y = SymbolicTensor((None, 2))
    x.node = symbolic_tensor.Node(layers.Identity(), (), {}, x)
    operation = layers.Identity()
    for _ in range(2000):
        y = graph.record(operation, (y,), {}, y)
    assert len(graph.nodes_between([x], [y])) == 2001


def test_python_numbers_and_numpy_arrays_stay_in_the_call():
    x = cornu.Input((2,))
    model = cornu.Model(x, ops.where(x > 0, x * np.float32([1.0, 10.0]), -1.0))
    assert np.asarray(model(np.float32([[2, 3], [-2, 3]]))).tolist() == [[2, 30], [-1, 30]]


def test_a_variable_may_stand_in_a_graph():
    v = cornu.Variable([1.0, 2.0])
    x = cornu.Input((2,))
    model = cornu.Model(x, x * v)
    assert np.asarray(model(np.float32([[3, 4]]))).tolist() == [[3, 8]]
    v.assign([0.0, 1.0])
    assert np.asarray(model(np.float32([[3, 4]]))).tolist() == [[0, 4]]


def test_errors_mean_the_users_sizes_and_say_none_for_what_is_unknown():
    x = cornu.Input((29, 31))
    with pytest.raises(ShapeError, match=r"`matmul` received arrays of shapes \(None, 29, 31\) and \(29, 5\)"):
        ops.matmul(x, np.ones((29, 5), "float32"))


def test_what_gives_no_array_is_told(backend):
    class Numbers(layers.Layer):
        def call(self, inputs):
            return [1, inputs]

    layer = Numbers()
    layer.to_backend(backend)
    with pytest.raises(InvalidTypeError, match=r"returned 1. It must return an array, or a list, tuple or dict of arrays"):
        layer(cornu.Input((3,)))


def test_the_source_inputs_are_those_of_keras():
    for module in (cornu, keras):
        one, two, three = (module.Input((2,), name=name) for name in ("one", "two", "three"))
        hidden = module.layers.Dense(2)(two)
        found = module.utils.get_source_inputs(module.layers.Add()([hidden, one]) * hidden)
        assert {id(tensor) for tensor in found} == {id(one), id(two)}
        assert len(found) == 2
        assert [id(tensor) for tensor in module.utils.get_source_inputs(three)] == [id(three)]
