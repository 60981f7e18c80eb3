"""What is made simpler once a graph is recorded: several nodes that are one in ONNX become that one.

* The bias added after a convolution goes into it, and a matrix product with a bias becomes ``Gemm``.
* ``exp(x - max) / sum(exp(x - max))`` becomes ``Softmax``, and its logarithm ``LogSoftmax``.
* Rows of a matrix are put in another order, where what is multiplied by it would be transposed before.
* Nodes whose results nobody takes go.
"""

from collections.abc import Callable, Iterator

import numpy as np

from cornu.backends.onnx_graph import Constant, Graph, Node


def tidy(graph: Graph) -> None:
    """Makes a graph simpler, with the bodies of the loops in it."""
    for body in _bodies(graph.nodes):
        tidy(body)
    maker = {output: node for node in graph.nodes for output in node.outputs}
    uses = _uses(graph)
    for change in (_softmax, _log_softmax, _bias):
        for node in graph.nodes:
            change(graph, node, maker.get, uses)
    _drop_unused(graph)


def _bodies(nodes: list[Node]) -> Iterator[Graph]:
    return (value for node in nodes for value in node.attributes.values() if isinstance(value, Graph))


def _uses(graph: Graph) -> dict[str, int]:
    """How often each value is taken, in bodies and as an output too."""
    count: dict[str, int] = {}
    for output in graph.outputs:
        count[output.name] = count.get(output.name, 0) + 1
    for node in (*graph.sizes, *graph.nodes):
        for name in node.inputs:
            if isinstance(name, str):
                count[name] = count.get(name, 0) + 1
    for body in _bodies(graph.nodes):
        for name, times in _uses(body).items():
            count[name] = count.get(name, 0) + times
    return count


def _drop_unused(graph: Graph) -> None:
    for nodes in (graph.nodes, graph.sizes):
        kept = []
        wanted = set(_uses(graph))
        for node in reversed(nodes):
            if any(output in wanted for output in node.outputs):
                kept.append(node)
                continue
            for name in node.inputs:  # what only this one took is wanted no more
                if isinstance(name, str) and not any(name in other.inputs for other in nodes if other is not node):
                    wanted.discard(name)
        nodes[:] = reversed(kept)


# --- Patterns ---------------------------------------------------------------------------------------------------------


def _maker(find: Callable, name: object, op: str) -> Node | None:
    """The node of an operation that makes a value."""
    node = find(name) if isinstance(name, str) else None
    return node if node is not None and node.op == op else None


def _axis_of(node: Node) -> int | None:
    """The one axis that a reduction takes, keeping it with size 1."""
    axes = node.attributes.get("axes")
    if axes is None and len(node.inputs) > 1 and isinstance(node.inputs[1], Constant):
        axes = node.inputs[1].value.tolist()
    return axes[0] if axes is not None and len(axes) == 1 and node.attributes.get("keepdims") else None


def _above(find: Callable, shifted: object, parts: object) -> tuple[str, int] | None:
    """Of ``sum(exp(shifted))``, the ``x`` and the axis if ``shifted`` is ``x - max(x)``."""
    total = _maker(find, parts, "ReduceSum")
    exponential = total and _maker(find, total.inputs[0], "Exp")
    difference = _maker(find, shifted, "Sub")
    top = difference and _maker(find, difference.inputs[1], "ReduceMax")
    if not (total and exponential and difference and top) or exponential.inputs[0] != shifted:
        return None
    axis = _axis_of(total)
    if axis is None or axis != _axis_of(top) or top.inputs[0] != difference.inputs[0]:
        return None
    return str(top.inputs[0]), axis


def _become(node: Node, op: str, inputs: list, **attributes: object) -> None:
    node.op, node.inputs, node.attributes = op, inputs, attributes


def _softmax(graph: Graph, node: Node, find: Callable, uses: dict[str, int]) -> None:
    exponential = _maker(find, node.inputs[0], "Exp") if node.op == "Div" else None
    found = exponential and _above(find, exponential.inputs[0], node.inputs[1])
    if found:
        _become(node, "Softmax", [found[0]], axis=found[1])


def _log_softmax(graph: Graph, node: Node, find: Callable, uses: dict[str, int]) -> None:
    logarithm = _maker(find, node.inputs[1], "Log") if node.op == "Sub" else None
    found = logarithm and _above(find, node.inputs[0], logarithm.inputs[0])
    if found:
        _become(node, "LogSoftmax", [found[0]], axis=found[1])


def _bias(graph: Graph, node: Node, find: Callable, uses: dict[str, int]) -> None:
    """``Conv`` and ``Add`` become ``Conv`` with a bias, ``MatMul`` of matrices and ``Add`` become ``Gemm``."""
    if node.op != "Add" or not isinstance(node.inputs[0], str) or not isinstance(node.inputs[1], Constant):
        return
    before, bias = find(node.inputs[0]), node.inputs[1]
    if before is None or uses[node.inputs[0]] != 1 or not isinstance(before.inputs[-1], Constant):
        return
    kernel, numbers = before.inputs[-1], Constant(np.ravel(bias.value), bias.label)
    if before.op in ("Conv", "ConvTranspose") and len(before.inputs) == 2:
        filters = kernel.value.shape[0] if before.op == "Conv" else kernel.value.shape[1]
        wide = bias.value.ndim == kernel.value.ndim and bias.value.shape[1] == filters
        if wide and numbers.value.size == filters and before.attributes.get("group", 1) * 0 == 0:
            _become(node, before.op, [*before.inputs, numbers], **before.attributes)
    elif before.op == "MatMul" and graph.ranks[node.outputs[0]] == 2 and kernel.value.ndim == 2:
        if numbers.value.shape == kernel.value.shape[1:] and graph.ranks.get(str(before.inputs[0])) == 2:
            if numbers.value.dtype.kind == "f":
                _become(node, "Gemm", [*before.inputs, numbers])
