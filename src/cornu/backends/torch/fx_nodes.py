"""What one asks of the nodes of a list of kernel calls, a graph of ``torch.fx``."""

import operator
from typing import Any

import torch
from torch.fx import Graph, Node

_aten = torch.ops.aten


def is_mutable(node: Node) -> bool:
    return isinstance(node.target, torch._ops.OpOverload) and node.target._schema.is_mutable


def is_random(node: Node) -> bool:
    """Whether it gives something else each time; Cornu's own kernels draw from a key."""
    return torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())


def is_plain_call(node: Node) -> bool:
    """Whether a node gives one tensor, the same for the same arguments, and changes nothing."""
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload) or is_mutable(node):
        return False
    return node.target.namespace == "aten" and not is_random(node) and isinstance(node.meta.get("val"), torch.Tensor)


def is_view(node: Node) -> bool:
    """Whether its result may lie in the memory of an argument. A piece of several results lies where these do."""
    returns = getattr(getattr(node.target, "_schema", None), "returns", ())
    is_piece = node.target is operator.getitem or node.target is _aten.reshape.default
    return is_piece or any(result.alias_info is not None for result in returns)


def source(node: Node) -> Node:
    """The node in whose memory a node's result lies."""
    while is_view(node) and node.all_input_nodes:
        node = node.all_input_nodes[0]
    return node


def changed(graph: Graph) -> list[Node]:
    """What calls write into, and what else these are given: what must not be moved past one another."""
    return [each for node in graph.nodes if is_mutable(node) for each in node.all_input_nodes]


def given_back(graph: Graph) -> list[Node]:
    """What the list gives: it is read after all that stands in it."""
    return next(node for node in graph.nodes if node.op == "output").all_input_nodes


def memory_of(nodes: list[Node]) -> set[Node]:
    return {source(node) for node in nodes}


def replace(node: Node, other: Any) -> None:
    """Puts another node, and what is known of the value, in the place of one. Every call needs its ``meta["val"]``."""
    other.meta.setdefault("val", node.meta.get("val"))
    node.replace_all_uses_with(other)
    node.graph.erase_node(node)
