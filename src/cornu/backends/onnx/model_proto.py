"""Convert a recorded graph to the protobuf message of an ONNX file."""

import hashlib
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from cornu.backends.onnx.graph_builder import Constant, Graph, Node, OnnxArray
from cornu.backends.onnx.symbolic_sizes import Size

OPSET = 17
"""Version of the ONNX operator set."""
_IR_VERSION = 8
"""Version of the file format that was released with that opset."""


class _Weights:
    """Constants of a model by their names in the file; equal constants with the same label are stored once."""

    def __init__(self, graph: Graph):
        self.tensors: list[onnx.TensorProto] = []
        self._graph, self._names = graph, {}

    def name_of(self, constant: Constant) -> str:
        """Return the name of a constant; a new one is added."""
        value = np.asarray(constant.value, order="C")
        key = constant.label, value.dtype.name, value.shape, hashlib.blake2b(value.tobytes()).digest()
        if key not in self._names:
            name = self._names[key] = self._graph.unique(constant.label or "constant")
            self.tensors.append(numpy_helper.from_array(value, name))
        return self._names[key]


def model_proto(graph: Graph, name: str, version: str, metadata: dict[str, str]) -> onnx.ModelProto:
    """Return the message of a recorded model.

    Args:
        graph: Graph of the model.
        name: Name of the model.
        version: Version of Cornu, the producer of the file.
        metadata: Further metadata of the file, strings by name.
    """
    weights = _Weights(graph)
    body = _graph_proto(graph, name, weights)
    body.initializer.extend(weights.tensors)
    model = helper.make_model(
        body,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="cornu",
        producer_version=version,
    )
    helper.set_model_props(model, metadata)
    return model


def _graph_proto(graph: Graph, name: str, weights: _Weights) -> onnx.GraphProto:
    nodes = [_node_proto(node, weights) for node in (*graph.sizes, *graph.nodes)]
    inputs, outputs = ([_value_info(graph, array) for array in arrays] for arrays in (graph.inputs, graph.outputs))
    return helper.make_graph(nodes, name, inputs, outputs)


def _node_proto(node: Node, weights: _Weights) -> onnx.NodeProto:
    inputs = [weights.name_of(taken) if isinstance(taken, Constant) else taken for taken in node.inputs]
    attributes = {name: _attribute(node, name, value, weights) for name, value in node.attributes.items()}
    return helper.make_node(node.op, inputs, node.outputs, node.name, **attributes)


def _attribute(node: Node, name: str, value: Any, weights: _Weights) -> Any:
    if isinstance(value, Graph):
        return _graph_proto(value, f"{node.name}/{name}", weights)
    if isinstance(value, np.dtype):
        return helper.np_dtype_to_tensor_dtype(value)
    return [int(item) for item in value] if isinstance(value, (list, tuple)) else value


def _value_info(graph: Graph, array: OnnxArray) -> onnx.ValueInfoProto:
    shape = [graph.size_names.get(size.form) if isinstance(size, Size) else int(size) for size in array.shape]
    return helper.make_tensor_value_info(array.name, helper.np_dtype_to_tensor_dtype(array.dtype), shape)
