"""Optimizations of a recorded graph: several nodes that correspond to one ONNX operator are fused.

* The bias added after a convolution is fused into it, and a matrix product with a bias becomes ``Gemm``.
* ``exp(x - max) / sum(exp(x - max))`` becomes ``Softmax``, and its logarithm ``LogSoftmax``.
* Nodes without used results are removed.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from cornu.backends.onnx.graph_builder import Constant, Graph, Node


def optimize(graph: Graph) -> None:
    """Optimize a graph in place, including the bodies of its loops."""
    for body in _bodies(graph.nodes):
        optimize(body)
    makers = {output: node for node in graph.nodes for output in node.outputs}
    uses = _uses(graph)
    for change in (_softmax, _log_softmax, _bias):
        for node in graph.nodes:
            change(graph, node, makers, uses)
    _drop_unused(graph)
    _name_outputs(graph)


def _bodies(nodes: Iterable[Node]) -> list[Graph]:
    return [value for node in nodes for value in node.attributes.values() if isinstance(value, Graph)]


def _taken(node: Node) -> list[str]:
    """Return the values that a node reads, also in its body."""
    inside = [name for body in _bodies([node]) for name in _uses(body)]
    return [name for name in (*node.inputs, *inside) if isinstance(name, str)]


def _uses(graph: Graph) -> Counter:
    """Count the uses of each value, including as an output."""
    everything = [name for node in (*graph.sizes, *graph.nodes) for name in _taken(node)]
    return Counter([*everything, *(output.name for output in graph.outputs)])


def _drop_unused(graph: Graph) -> None:
    """Remove nodes without used results, from the last to the first."""
    wanted = {output.name for output in graph.outputs}
    for nodes in (graph.nodes, graph.sizes):
        kept = []
        for node in reversed(nodes):
            if wanted.intersection(node.outputs):
                kept.append(node)
                wanted.update(_taken(node))
        nodes[:] = reversed(kept)


def _name_outputs(graph: Graph) -> None:
    """Name the outputs where they are computed, unless a value has another output name already."""
    names = {output.name for output in graph.outputs}
    makers = {output: node for node in graph.nodes for output in node.outputs}
    new = {}
    for node in graph.nodes:
        if node.op == "Identity" and node.outputs[0] in names and node.inputs[0] in makers and node.inputs[0] not in new:
            new[node.inputs[0]] = node.outputs[0]
            node.inputs = [node.outputs[0]]
    graph.nodes[:] = [node for node in graph.nodes if node.op != "Identity" or node.inputs != node.outputs]
    _rename(graph, new)


def _rename(graph: Graph, new: dict[str, str]) -> None:
    for node in graph.nodes:
        node.inputs = [new.get(name, name) if isinstance(name, str) else name for name in node.inputs]
        node.outputs = [new.get(name, name) for name in node.outputs]
    for body in _bodies(graph.nodes):
        _rename(body, new)


# --- Patterns ---------------------------------------------------------------------------------------------------------


def _maker(makers: dict[str, Node], name: str | Constant, op: str) -> Node | None:
    """Return the node that computes a value, if it has this operator; else None."""
    node = makers.get(name) if isinstance(name, str) else None
    return node if node is not None and node.op == op else None


def _become(graph: Graph, node: Node, op: str, inputs: list, attributes: dict[str, Any]) -> None:
    """Replace the operator, inputs and attributes of a node."""
    place = node.name.rpartition("/")[0]
    node.op, node.inputs, node.attributes = op, inputs, attributes
    node.name = graph.unique(f"{place}/{op}" if place else op)


def _axis_of(node: Node) -> int | None:
    """Return the axis of a reduction over one axis with ``keepdims``; else None."""
    axes = node.attributes.get("axes")
    if axes is None and len(node.inputs) > 1:
        axes = node.inputs[1].value.tolist()
    return axes[0] if axes is not None and len(axes) == 1 and node.attributes["keepdims"] else None


def _below_top(makers: dict[str, Node], shifted: str | Constant, total: Node) -> tuple[str, int] | None:
    """Return ``x`` and the axis if ``shifted`` is ``x - max(x)`` and ``total`` is ``sum(exp(shifted))``; else None."""
    exponential = _maker(makers, total.inputs[0], "Exp")
    difference = _maker(makers, shifted, "Sub")
    top = _maker(makers, difference.inputs[1], "ReduceMax") if difference is not None else None
    if exponential is None or difference is None or top is None or exponential.inputs[0] != shifted:
        return None
    axis = _axis_of(total)
    same = axis == _axis_of(top) and top.inputs[0] == difference.inputs[0]
    return (top.inputs[0], axis) if same and axis is not None else None


def _softmax(graph: Graph, node: Node, makers: dict[str, Node], uses: Counter) -> None:
    """Fuse ``exp(x - max(x)) / sum(exp(x - max(x)))`` to ``Softmax``."""
    if node.op != "Div":
        return
    exponential, total = _maker(makers, node.inputs[0], "Exp"), _maker(makers, node.inputs[1], "ReduceSum")
    if exponential is None or total is None:
        return
    found = _below_top(makers, exponential.inputs[0], total)
    if found is not None:
        _become(graph, node, "Softmax", [found[0]], {"axis": found[1]})


def _log_softmax(graph: Graph, node: Node, makers: dict[str, Node], uses: Counter) -> None:
    """Fuse ``(x - max(x)) - log(sum(exp(x - max(x))))`` to ``LogSoftmax``."""
    logarithm = _maker(makers, node.inputs[1], "Log") if node.op == "Sub" else None
    total = _maker(makers, logarithm.inputs[0], "ReduceSum") if logarithm is not None else None
    found = _below_top(makers, node.inputs[0], total) if total is not None else None
    if found is not None:
        _become(graph, node, "LogSoftmax", [found[0]], {"axis": found[1]})


def _bias(graph: Graph, node: Node, makers: dict[str, Node], uses: Counter) -> None:
    """Fuse a product with constants, which has no other use, and an added constant: ``Conv`` with a bias, or ``Gemm``."""
    if node.op != "Add" or not isinstance(node.inputs[0], str) or not isinstance(node.inputs[1], Constant):
        return
    product, bias = makers.get(node.inputs[0]), node.inputs[1]
    if product is None or uses[node.inputs[0]] != 1 or len(product.inputs) != 2 or not isinstance(product.inputs[1], Constant):
        return
    inputs, kernel = [*product.inputs, Constant(bias.value.ravel(), bias.label)], product.inputs[1].value
    if product.op in ("Conv", "ConvTranspose"):
        filters = kernel.shape[0 if product.op == "Conv" else 1]
        if bias.value.shape == (1, filters, *(1,) * (kernel.ndim - 2)):
            node.name, node.op, node.inputs, node.attributes = product.name, product.op, inputs, product.attributes
    elif product.op == "MatMul" and kernel.dtype.kind == "f" and bias.value.size == kernel.shape[-1]:
        matrices = kernel.ndim == 2 and isinstance(product.inputs[0], str) and graph.ranks[product.inputs[0]] == 2
        if matrices and graph.ranks[node.outputs[0]] == 2:
            _become(graph, node, "Gemm", inputs, {})
