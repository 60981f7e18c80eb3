"""What is done to a list of kernel calls before it is run again and again: fewer calls, the same numbers.

A list is a graph of ``torch.fx``. Each function below changes it in place.
"""

from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node

from cornu.backends import torch_kernels

_aten = torch.ops.aten

_NOTHING_HERE = (_aten.detach.default, _aten.alias.default)
"""Calls that matter to autograd alone, which has done its work."""


def tidied(written: GraphModule, own: int = 0) -> GraphModule:
    """The list as it is run; it may write into the first ``own`` of its arguments."""
    graph = written.graph
    without_bookkeeping(graph)
    merge_equal_calls(graph)
    biases_into_kernels(graph)
    graph.eliminate_dead_code()
    update_in_place(graph, own)
    written.recompile()
    return written


def without_bookkeeping(graph: Graph) -> None:
    """Leaves out calls that do nothing here, and lets none depend on how numbers lie in memory."""
    for node in list(graph.nodes):
        if node.target in _NOTHING_HERE:
            _replace(node, node.args[0])
        elif node.target in (_aten.view.default, _aten._unsafe_view.default):
            node.target = _aten.reshape.default


def merge_equal_calls(graph: Graph) -> None:
    """Makes a call with the same arguments as an earlier one that one. What is written into is left alone."""
    written = {node for node in graph.nodes if _is_mutable(node)}
    touched = written | {argument for node in written for argument in node.all_input_nodes}
    first: dict[Any, Node] = {}
    for node in list(graph.nodes):
        if node.op != "call_function" or node in touched:
            continue
        key = _key((node.target, node.args, node.kwargs))
        if key in first:
            _replace(node, first[key])
        else:
            first[key] = node


def _key(value: Any) -> Any:
    """Something hashable that is equal for equal arguments; 1, 1.0 and True are not equal."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_key, value))
    if isinstance(value, dict):
        return tuple((name, _key(part)) for name, part in value.items())
    return type(value), value


def _is_mutable(node: Node) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


def biases_into_kernels(graph: Graph) -> None:
    """Lets a convolution or a matrix product add the bias that is added to its result alone."""
    for node in list(graph.nodes):
        if node.target is not _aten.add.Tensor or node.kwargs or not _is_vector(node.args[1]):
            continue
        product, bias = node.args
        if len(product.users) > 1:
            continue
        if product.target is _aten.mm.default:
            with graph.inserting_before(node):
                _replace(node, graph.call_function(_aten.addmm.default, (bias, *product.args)))
        elif _is_convolution_without_bias(product) and bias.op == "placeholder":
            product.args[0].update_arg(2, bias)
            _replace(node, product)


def _is_vector(value: Any) -> bool:
    return isinstance(value, Node) and len(value.meta["val"].shape) == 1


def _is_convolution_without_bias(node: Node) -> bool:
    """Whether it is a convolution that nobody else uses, its channels moved to the end."""
    if node.target is not _aten.permute.default or node.args[1][-1] != 1:  # type: ignore[index]
        return False
    source: Any = node.args[0]
    return source.target is _aten.convolution.default and source.args[2] is None and len(source.users) == 1


_IN_PLACE = {torch_kernels.adam: (torch_kernels.adam_, (0, 2, 3))}
"""Kernels that give new tensors, those that write into the old ones, and which arguments these are."""


def update_in_place(graph: Graph, own: int) -> None:
    """Writes new values into the arguments that they replace, where nobody reads the old ones any more."""
    nodes = list(graph.nodes)
    place = {node: number for number, node in enumerate(nodes)}
    free, results = nodes[:own], nodes[-1].args[0]
    for node in [node for node in nodes if node.target in _IN_PLACE]:
        kernel, changed = _IN_PLACE[node.target]
        old = [node.args[number] for number in changed]
        new = {user.args[1]: user for user in node.users}
        if not all(
            argument in free and results.count(new.get(number)) == 1 and _last_read(argument, place) <= place[node]
            for number, argument in enumerate(old)
        ):
            continue
        with graph.inserting_before(node):
            graph.call_function(kernel, node.args)
        for number, argument in enumerate(old):
            _replace(new[number], argument)
        graph.erase_node(node)


def _last_read(node: Node, place: dict[Node, int]) -> int:
    """The place of the last call that reads a tensor or a view of it; results are no calls."""
    last = place[node]
    for user in node.users:
        if user.op == "call_function":
            last = max(last, _last_read(user, place) if _is_view(user) else place[user])
    return last


def _is_view(node: Node) -> bool:
    """Whether its result may lie in the memory of an argument."""
    returns = getattr(getattr(node.target, "_schema", None), "returns", ())
    return node.target is _aten.reshape.default or any(result.alias_info is not None for result in returns)


def _replace(node: Node, other: Any) -> None:
    other.meta.setdefault("val", node.meta.get("val"))
    node.replace_all_uses_with(other)
    node.graph.erase_node(node)
