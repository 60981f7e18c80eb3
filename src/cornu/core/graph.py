"""The graph recorded by calling layers and ops on symbolic tensors.

A symbolic tensor has a shape and a dtype but no values. A layer or op that is called on one is not computed; instead a
:class:`Node` records the call. A functional model consists of the nodes between its inputs and its outputs, which are run on
arrays later.
"""

from collections.abc import Callable
from typing import Any

from cornu import trees
from cornu.core import mask_propagation
from cornu.core.naming import auto_name
from cornu.core.shape_inference import infer_op
from cornu.core.symbolic_tensor import Node, Operation, SymbolicTensor
from cornu.errors import InvalidTypeError
from cornu.ops.dispatch import register_recorder
from cornu.typing import Tree


class OpCall:
    """An op as an operation of a graph: the function and the name of this use of it.

    Args:
        op: Function of ``cornu.ops``.
        name: Name of the operation in its model. Defaults to a name derived from the op.
    """

    def __init__(self, op: Callable, name: str | None = None):
        self.op, self.name = op, name or auto_name(op.__name__)
        self._inbound_nodes: list[Node] = []

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without the nodes: the graph of a model creates them again."""
        return {"op": self.op, "name": self.name}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the result of the op for arrays."""
        return mask_propagation.clear_masks(args, kwargs, self.op(*args, **kwargs))

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors with the shape and dtype of the op's results."""
        return infer_op(self.op, args, kwargs)


def record(operation: Operation, args: tuple, kwargs: dict, specs: Tree) -> Any:
    """Record a call and return new symbolic tensors with the structure, shapes and dtypes of its specs."""
    outputs = trees.map(lambda spec: SymbolicTensor(spec.shape, spec.dtype, name=auto_name("keras_tensor")), specs)
    Node(operation, args, kwargs, outputs)
    return outputs


def _record_op(op: Callable, args: tuple, kwargs: dict) -> Any:
    operation = OpCall(op)
    return record(operation, args, kwargs, operation.compute_output_spec(*args, **kwargs))


register_recorder(SymbolicTensor, _record_op)


def nodes_between(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> list[Node]:
    """Return the nodes on the paths from inputs to outputs, in an order in which they can run.

    The order is that of Keras, so that layers and weights of a model have the same order: nodes farthest from the outputs come
    first, then the order in which a traversal from the outputs visits their operations.

    Args:
        inputs: Symbolic tensors at which the traversal stops.
        outputs: Symbolic tensors at which it starts.

    Returns:
        List of nodes, including those of the inputs.

    Raises:
        InvalidTypeError: If an output does not depend only on the inputs.
    """
    finished, depth = _depths(inputs, outputs)
    visited = {}
    for node in _in_visit_order(inputs, outputs):
        visited.setdefault(id(node.operation), len(visited))
    position = {id(node): number for number, node in enumerate(finished)}
    return sorted(finished, key=lambda n: (-depth[id(n)], visited[id(n.operation)], position[id(n)]))


def run_order(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> list[Node]:
    """Return the nodes on the paths from inputs to outputs in the order in which Keras runs them.

    It differs from that of :func:`nodes_between` among nodes that are equally far from the outputs. That matters for layers
    with state that are called several times, such as a shared ``BatchNormalization``.

    Args:
        inputs: Symbolic tensors at which the traversal stops.
        outputs: Symbolic tensors at which it starts.

    Returns:
        List of nodes, including those of the inputs.
    """
    finished, depth = _depths(inputs, outputs)
    first_met = {node: number for number, node in enumerate(depth)}
    return sorted(finished, key=lambda n: (-depth[id(n)], first_met[id(n)]))


def _depths(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> tuple[list[Node], dict[int, int]]:
    """Return the nodes that the outputs depend on, each after its predecessors, and their distances from the outputs by ``id``.

    The distances are in the order in which a traversal from the outputs meets the nodes.
    """
    finished = _walk_back(inputs, outputs)
    depth: dict[int, int] = {}
    operation_depth: dict[int, int] = {}
    for node in reversed(finished):
        operation = id(node.operation)
        here = max(depth.get(id(node), 0), operation_depth.get(operation, 0))
        depth[id(node)] = operation_depth[operation] = here
        for tensor in _inner_inputs(node, inputs):
            parent = id(tensor.node)
            depth[parent] = max(depth.get(parent, 0), here + 1)
    return finished, depth


def _inner_inputs(node: Node, inputs: list[SymbolicTensor]) -> list[SymbolicTensor]:
    """Return the inputs of a node; none for a node of a graph input, whatever that was computed from."""
    is_input = any(tensor.node is node for tensor in inputs)
    return [] if is_input else node.inputs


def _walk_back(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> list[Node]:
    """Return all nodes that the outputs depend on, each after its predecessors. Iterative, since graphs may be deep."""
    finished: list[Node] = []
    done: set[int] = set()
    stack = [(tensor.node, False) for tensor in reversed(outputs)]
    while stack:
        node, expanded = stack.pop()
        if node is None:
            raise InvalidTypeError(
                "The outputs depend on a symbolic tensor that no layer returned.",
                "A model consists of the layers between its `inputs` and its `outputs`.",
                "Create the inputs with `cornu.Input(shape)` and compute the outputs from them.",
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


def _in_visit_order(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> list[Node]:
    """Return the nodes in the order in which a depth-first traversal from the outputs visits them."""
    visited: dict[int, Node] = {}
    stack = [tensor.node for tensor in reversed(outputs)]
    while stack:
        node = stack.pop()
        if node is not None and id(node) not in visited:
            visited[id(node)] = node
            stack.extend(tensor.node for tensor in reversed(_inner_inputs(node, inputs)))
    return list(visited.values())


def run(nodes: list[Node], inputs: list[SymbolicTensor], arrays: list, outputs: Tree, call: Callable) -> Any:
    """Run a graph.

    Args:
        nodes: Nodes returned by :func:`nodes_between`.
        inputs: Symbolic inputs.
        arrays: Values of the inputs, in the same order.
        outputs: Tree of symbolic tensors.
        call: Function ``(operation, args, kwargs) -> outputs`` that calls an operation.

    Returns:
        The tree of the values of the outputs.
    """
    values = dict(zip(map(id, inputs), arrays, strict=True))
    for node in nodes:
        if not all(id(tensor) in values for tensor in trees.leaves(node.outputs)):
            node.run(values, call)
    return trees.map(lambda tensor: values[id(tensor)], outputs)


def get_source_inputs(tensor: SymbolicTensor) -> list[SymbolicTensor]:
    """Return the inputs from which a symbolic tensor is computed, in the order of their first use.

    Args:
        tensor: Symbolic tensor.

    Example:
        >>> import cornu
        >>> one, two = cornu.Input((3,), name="one"), cornu.Input((3,), name="two")
        >>> [tensor.node.operation.name for tensor in cornu.utils.get_source_inputs(one + 2 * two)]
        ['one', 'two']
    """
    if tensor.node is None:
        return [tensor]
    return [leaf for node in _walk_back([], [tensor]) if not node.inputs for leaf in trees.leaves(node.outputs)]


def operations_of(nodes: list[Node]) -> list[Any]:
    """Return the operations of the nodes, each once."""
    return list({id(node.operation): node.operation for node in nodes}.values())
