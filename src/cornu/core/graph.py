"""Symbolic tensors, and the graph that calling layers and ops on them records.

A symbolic tensor has a shape and a dtype and no numbers. When a layer or an op meets one, it is not computed: a
:class:`Node` remembers what was called with what. A functional model is the nodes between its inputs and its outputs, run
on arrays later.
"""

from collections.abc import Callable
from typing import Any

from cornu import trees
from cornu.core.naming import auto_name
from cornu.core.shape_inference import infer
from cornu.core.symbolic_tensor import Node, SymbolicTensor
from cornu.errors import InvalidTypeError
from cornu.ops.dispatch import register_recorder


class OpCall:
    """An op as a graph's operation: the function and the name of this use of it.

    Args:
        op: A function of ``cornu.ops``.
        name: The name of the operation in its model; made from the op's name by default.
    """

    def __init__(self, op: Callable, name: str | None = None):
        self.op, self.name = op, name or auto_name(op.__name__)
        self._inbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The op's result for arrays."""
        return self.op(*args, **kwargs)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Symbolic tensors as the op would give them."""
        return infer(self.op, args, kwargs)


def record(operation: Any, args: tuple, kwargs: dict, specs: Any) -> Any:
    """Records a call and gives new symbolic tensors of the form of its specs."""
    outputs = trees.map(lambda spec: SymbolicTensor(spec.shape, spec.dtype), specs)
    Node(operation, args, kwargs, outputs)
    return outputs


def _record_op(op: Callable, args: tuple, kwargs: dict) -> Any:
    operation = OpCall(op)
    return record(operation, args, kwargs, operation.compute_output_spec(*args, **kwargs))


register_recorder(SymbolicTensor, _record_op)


# --- Inferring shapes by running --------------------------------------------------------------------------------------


# --- Graphs -----------------------------------------------------------------------------------------------------------


def nodes_between(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> list[Node]:
    """The nodes that lead from inputs to outputs in the order in which they can run.

    The order is Keras's, so that a model's layers and weights stand in the same order: the farthest from the outputs
    first, then in the order in which a walk from the outputs meets their operations.

    Args:
        inputs: Where the walk stops.
        outputs: Where it starts.

    Returns:
        The nodes, those of the inputs included.

    Raises:
        InvalidTypeError: An output cannot be reached from the inputs.
    """
    finished = _walk_back(inputs, outputs)
    met = {}
    for node in _in_order_of_meeting(inputs, outputs):
        met.setdefault(id(node.operation), len(met))
    depth: dict[int, int] = {}
    operation_depth: dict[int, int] = {}
    for node in reversed(finished):
        operation = id(node.operation)
        here = max(depth.get(id(node), 0), operation_depth.get(operation, 0))
        depth[id(node)] = operation_depth[operation] = here
        for tensor in _inner_inputs(node, inputs):
            parent = id(tensor.node)
            depth[parent] = max(depth.get(parent, 0), here + 1)
    position = {id(node): number for number, node in enumerate(finished)}
    return sorted(finished, key=lambda n: (-depth[id(n)], met[id(n.operation)], position[id(n)]))


def _inner_inputs(node: Node, inputs: list[SymbolicTensor]) -> list[SymbolicTensor]:
    """What a node takes from other nodes; an input of the graph takes nothing, whatever it was made of."""
    is_input = any(tensor.node is node for tensor in inputs)
    return [] if is_input else node.inputs


def _walk_back(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> list[Node]:
    """All nodes behind the outputs, each after those it takes from. A stack instead of recursion: graphs may be deep."""
    finished: list[Node] = []
    done: set[int] = set()
    stack = [(tensor.node, False) for tensor in reversed(outputs)]
    while stack:
        node, expanded = stack.pop()
        if node is None:
            raise InvalidTypeError(
                "The outputs depend on a symbolic tensor that no layer gave.",
                "A model is what lies between its `inputs` and its `outputs`.",
                "Make the inputs with `cornu.Input(shape)` and derive the outputs from them.",
            )
        if id(node) in done:
            continue
        if expanded:
            done.add(id(node))
            finished.append(node)
            continue
        stack.append((node, True))
        stack.extend((tensor.node, False) for tensor in reversed(_inner_inputs(node, inputs)))
    return finished


def _in_order_of_meeting(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> list[Node]:
    met: dict[int, Node] = {}
    stack = [tensor.node for tensor in reversed(outputs)]
    while stack:
        node = stack.pop()
        if node is not None and id(node) not in met:
            met[id(node)] = node
            stack.extend(tensor.node for tensor in reversed(_inner_inputs(node, inputs)))
    return list(met.values())


def run(nodes: list[Node], inputs: list[SymbolicTensor], arrays: list, outputs: Any, call: Callable) -> Any:
    """Runs a graph.

    Args:
        nodes: What :func:`nodes_between` gave.
        inputs: The symbolic inputs.
        arrays: Their values, in the same order.
        outputs: A tree of symbolic tensors.
        call: ``(operation, args, kwargs) -> outputs``: how an operation is called.

    Returns:
        The tree of the outputs' values.
    """
    values = dict(zip(map(id, inputs), arrays, strict=True))
    for node in nodes:
        if not all(id(tensor) in values for tensor in trees.leaves(node.outputs)):
            node.run(values, call)
    return trees.map(lambda tensor: values[id(tensor)], outputs)


def operations_of(nodes: list[Node]) -> list[Any]:
    """The operations of some nodes, each once."""
    return list({id(node.operation): node.operation for node in nodes}.values())
