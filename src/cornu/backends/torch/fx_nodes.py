"""Queries and replacements of the nodes of a traced graph (``torch.fx``), shared by the passes."""

import operator
from typing import Any

import torch
from torch.fx import Graph, Node

from cornu.backends.torch.compat import OpOverload, schema

_aten = torch.ops.aten


def is_mutable(node: Node) -> bool:
    """Return whether a node calls an operator that mutates an argument."""
    return isinstance(node.target, OpOverload) and schema(node.target).is_mutable


def is_random(node: Node) -> bool:
    """Return whether each call returns other values; Cornu's random operators do not, they depend on a key."""
    return torch.Tag.nondeterministic_seeded in getattr(node.target, "tags", ())


def is_plain_call(node: Node) -> bool:
    """Return whether a node calls a pure, deterministic operator of PyTorch that returns one tensor."""
    if node.op != "call_function" or not isinstance(node.target, OpOverload) or is_mutable(node):
        return False
    return node.target.namespace == "aten" and not is_random(node) and isinstance(node.meta.get("val"), torch.Tensor)


def is_view(node: Node) -> bool:
    """Return whether the result may share the memory of an argument; an item of a tuple of results shares its memory."""
    returns = getattr(schema(node.target), "returns", ())
    may_alias = node.target is operator.getitem or node.target is _aten.reshape.default
    return may_alias or any(result.alias_info is not None for result in returns)


def source(node: Node) -> Node:
    """Return the node whose memory the result of a node uses."""
    while is_view(node) and node.all_input_nodes:
        node = node.all_input_nodes[0]
    return node


def inputs_of_mutations(graph: Graph) -> list[Node]:
    """Return all inputs of mutating calls, mutated or not: calls must not be reordered across these."""
    return [each for node in graph.nodes if is_mutable(node) for each in node.all_input_nodes]


def outputs(graph: Graph) -> list[Node]:
    """Return the results of the graph, which are read after all its calls."""
    return next(node for node in graph.nodes if node.op == "output").all_input_nodes


def memory_of(nodes: list[Node]) -> set[Node]:
    """Return the nodes whose memory these nodes use."""
    return {source(node) for node in nodes}


def replace(node: Node, other: Any) -> None:
    """Replace a node by another one and copy ``meta["val"]`` to it, which every call needs."""
    other.meta.setdefault("val", node.meta.get("val"))
    node.replace_all_uses_with(other)
    node.graph.erase_node(node)
