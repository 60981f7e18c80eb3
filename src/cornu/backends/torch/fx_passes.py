"""Optimization passes over a traced graph (``torch.fx``): fewer and faster calls, the same results.

Each function below changes a graph in place.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch.fx import Graph, GraphModule, Node
from torch.fx.node import map_aggregate, map_arg

from cornu.backends.torch import custom_ops, fx_fusions
from cornu.backends.torch.compat import FakeTensor, OpOverload, TorchDispatchMode, schema
from cornu.backends.torch.fx_nodes import (
    inputs_of_mutations,
    is_mutable,
    is_plain_call,
    is_random,
    is_view,
    memory_of,
    outputs,
    replace,
    source,
)

_aten = torch.ops.aten

_AUTOGRAD_ONLY = (_aten.detach.default, _aten.alias.default)
"""Calls that matter to autograd only, which is finished once the graph is traced."""


def optimize(traced: GraphModule, own: int = 0) -> GraphModule:
    """Return the graph with all passes applied; it may overwrite the first ``own`` of its arguments."""
    graph = traced.graph
    normalize(graph)
    copy_mutated_constants(graph)
    common_subexpression_elimination(graph)
    fx_fusions.biases_into_kernels(graph)
    fx_fusions.relu_after_pooling(graph)
    graph.eliminate_dead_code()
    fold_constants(traced)
    graph.eliminate_dead_code()
    # The passes below add mutating calls, some of them plain functions that `inputs_of_mutations` does not detect.
    fx_fusions.products_into_sums(graph)
    fx_fusions.rows_into_zeros(graph)
    fx_fusions.kernel_gradients_by_products(graph)
    update_in_place(graph, own)
    batch_updates(graph)
    if own:
        unalias_outputs(graph)
    bypass_dispatch(graph)
    traced.recompile()
    return traced


def normalize(graph: Graph) -> None:
    """Remove calls without effect, and replace calls that depend on the memory layout or on whether gradients are enabled."""
    for node in list(graph.nodes):
        if node.target in _AUTOGRAD_ONLY:
            replace(node, node.args[0])
        elif node.target in custom_ops.REPLACEMENTS:
            node.target = custom_ops.REPLACEMENTS[node.target]
        elif node.target in (_aten.view.default, _aten._unsafe_view.default):
            node.target = _aten.reshape.default


def common_subexpression_elimination(graph: Graph) -> None:
    """Replace a call by an earlier one with the same arguments; calls that are random or involved in mutations are kept."""
    mutated = memory_of(inputs_of_mutations(graph))
    first: dict[Any, Node] = {}
    for node in list(graph.nodes):
        if node.op != "call_function" or is_random(node):
            continue
        if any(source(each) in mutated for each in (node, *node.all_input_nodes)):
            continue
        key = _key((node.target, node.args, node.kwargs))
        if key in first:
            replace(node, first[key])
        else:
            first[key] = node


def _key(value: Any) -> Any:
    """Return a hashable key that is equal for equal arguments; 1, 1.0 and True are different, and so are 0.0 and -0.0."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_key, value))
    if isinstance(value, dict):
        return tuple((name, _key(part)) for name, part in value.items())
    return type(value), repr(value) if isinstance(value, float) else value


_LIKE: dict[Any, int] = {_aten.zeros_like.default: 0, _aten.ones_like.default: 1}
"""Operators that read only the shape of their argument, and their fill value."""


def copy_mutated_constants(graph: Graph) -> None:
    """Copy constants that are mutated or returned, so that each run starts with their original values."""
    first: dict[Any, Node] = {}
    for node in [node for node in graph.nodes if node.op == "get_attr"]:  # there is one for each read of a tensor
        if first.setdefault(node.target, node) is not node:
            replace(node, first[node.target])
    used = memory_of([*inputs_of_mutations(graph), *outputs(graph)])
    for node in [node for node in first.values() if node in used]:
        with graph.inserting_after(node):
            copy = graph.call_function(_aten.clone.default, (node,))
        copy.meta["val"] = node.meta.get("val")
        node.replace_all_uses_with(copy, delete_user_cb=lambda user, copy=copy: user is not copy)


def fold_constants(traced: GraphModule) -> None:
    """Compute once, now, what depends on no argument; values that are mutated or returned are still computed in each run."""
    graph, constants = traced.graph, {}
    excluded = memory_of([*inputs_of_mutations(graph), *outputs(graph)])
    for node in list(graph.nodes):
        inputs = [] if node.target in _LIKE else node.all_input_nodes
        if node.op == "get_attr":
            constants[node] = getattr(traced, node.target)
        elif is_plain_call(node) and source(node) not in excluded and all(each in constants for each in inputs):
            constants[node] = _value(node, constants)
            name = f"_constant_{len(constants)}"
            traced.register_buffer(name, constants[node], persistent=False)
            with graph.inserting_before(node):
                constant = graph.get_attr(name)
            constants[constant] = constants[node]
            replace(node, constant)


def _value(node: Node, constants: dict[Node, torch.Tensor]) -> torch.Tensor:
    with torch.no_grad():
        if node.target in _LIKE:
            like = node.meta["val"]
            return torch.full(like.shape, _LIKE[node.target], dtype=like.dtype, device=like.device)
        args, kwargs = map_arg((node.args, node.kwargs), constants.__getitem__)
        return node.target(*args, **kwargs)  # type: ignore[operator]


def unalias_outputs(graph: Graph) -> None:
    """Copy results that share memory with an earlier one: they are arguments of the next run, which overwrites some."""
    output = next(node for node in graph.nodes if node.op == "output")
    seen: set[Node] = set()
    results = []
    for result in output.args[0]:  # type: ignore[union-attr]
        if _source_of_new(result) in seen:
            with graph.inserting_before(output):
                copy = graph.call_function(_aten.clone.default, (result,))
            copy.meta["val"] = result.meta["val"]
            result = copy
        seen.add(_source_of_new(result))
        results.append(result)
    output.args = (results,)


class _InPlace(NamedTuple):
    """An in-place variant of an operator that updates several tensors in one call.

    Attributes:
        function: Function that performs the updates.
        lists: Number of its arguments, from the left, that are lists with one item per update.
        mutated: Indices of the lists whose items it overwrites.
    """

    function: Callable
    lists: int
    mutated: tuple[int, ...]


_IN_PLACE = {custom_ops.adam: _InPlace(custom_ops.adam_, 4, (0, 2, 3))}
"""Operators that return new tensors, and their in-place variants."""


def update_in_place(graph: Graph, own: int) -> None:
    """Write new values to the arguments that they replace, where the old values are not read again."""
    nodes = list(graph.nodes)
    position = {node: number for number, node in enumerate(nodes)}
    writable, results = nodes[:own], [_source_of_new(result) for result in nodes[-1].args[0]]
    for node in [node for node in nodes if node.target in _IN_PLACE]:
        function, lists, mutated = _IN_PLACE[node.target]
        old = [node.args[number] for number in mutated]
        new = {user.args[1]: user for user in node.users}
        if not all(
            argument in writable and results.count(new.get(number)) == 1 and _last_read(argument, position) <= position[node]
            for number, argument in enumerate(old)
        ):
            continue
        with graph.inserting_before(node):
            call = graph.call_function(function, (*([argument] for argument in node.args[:lists]), *node.args[lists:]))
        position[call] = position[node]
        for number, argument in enumerate(old):
            replace(new[number], argument)
        graph.erase_node(node)


def batch_updates(graph: Graph) -> None:
    """Merge consecutive calls of an in-place variant: a call takes longer than the update of a small weight."""
    lists_of = {each.function: each.lists for each in _IN_PLACE.values()}
    for node in list(graph.nodes):
        before, lists = node.prev, lists_of.get(node.target)
        if lists is None or before.target is not node.target or before.args[lists:] != node.args[lists:]:
            continue
        if before.args[0][0].meta["val"].dtype != node.args[0][0].meta["val"].dtype:
            continue
        node.args = (*([*a, *b] for a, b in zip(before.args[:lists], node.args[:lists], strict=True)), *node.args[lists:])
        graph.erase_node(before)


_DIRECT: dict[Any, Callable | None] = {}
"""Fastest equivalent function by call signature; None if there is none but the operator itself."""

_MAX_DIRECT = 4096
"""Maximum number of cached entries; then the cache is cleared, so that creating many models does not fill the memory."""


def bypass_dispatch(graph: Graph) -> None:
    """Replace operators by public functions, ``aten.div.Tensor`` by ``torch.div``: these parse arguments in half the time.

    For a network small enough for this to dominate (16 and 32 units, batches of 10) a step takes 0.7 times as long.
    """
    for node in graph.nodes:
        if isinstance(node.target, OpOverload) and node.target.namespace == "aten" and not is_mutable(node):
            key = node.target, _key(map_arg((node.args, node.kwargs), _tensor_kind))
            if key not in _DIRECT:
                calls = _called_by(node.target, node)
                same = (each for each in _candidates(node.target) if calls and _called_by(each, node) == calls)
                _cache_direct(key, next(same, None))
            node.target = _DIRECT[key] or node.target


def _cache_direct(key: Any, function: Callable | None) -> None:
    if len(_DIRECT) >= _MAX_DIRECT:
        _DIRECT.clear()
    _DIRECT[key] = function


def _tensor_kind(node: Node) -> tuple:
    """Return the properties of a tensor that may determine which operators a function calls."""
    tensor = node.meta.get("val")
    return tuple(str(getattr(tensor, name, None)) for name in ("dtype", "ndim", "device"))


def _candidates(operator: Any) -> list[Callable]:
    """Return public functions of PyTorch that may be equivalent to an operator."""
    name = "to" if operator is _aten._to_copy.default else schema(operator).name.removeprefix("aten::")
    return [function for function in (getattr(torch, name, None), getattr(torch.Tensor, name, None)) if callable(function)]


class _CallRecorder(TorchDispatchMode):
    """Dispatch mode that records which operators are called with which arguments."""

    def __init__(self, inputs: list[torch.Tensor]):
        super().__init__()
        self._inputs, self.calls = inputs, []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        described = map_aggregate((args, kwargs or {}), self._described)
        self.calls.append((func, _key(described)))
        return func(*args, **(kwargs or {}))

    def _described(self, value: Any) -> Any:
        """Describe an input by its index, any other tensor by its shape and dtype."""
        if not isinstance(value, torch.Tensor):
            return value
        index = next((index for index, each in enumerate(self._inputs) if each is value), None)
        return (tuple(value.shape), str(value.dtype)) if index is None else index


def _called_by(function: Callable, node: Node) -> list | None:
    """Return the operators that a function calls with the arguments of a node, computing nothing; None if it rejects them."""
    args, kwargs = map_arg((node.args, node.kwargs), lambda each: each.meta.get("val"))
    inputs = [each.meta["val"] for each in node.all_input_nodes if isinstance(each.meta.get("val"), torch.Tensor)]
    mode = next((each.fake_mode for each in inputs if isinstance(each, FakeTensor)), None)
    if mode is None:
        return None
    with mode, torch.no_grad(), _CallRecorder(inputs) as recorder:
        try:
            function(*args, **kwargs)
        except Exception:  # it has another signature
            return None
    return recorder.calls


def _source_of_new(result: Any) -> Any:
    """Return the new value that a result is, or is a view of."""
    while isinstance(result, Node) and is_view(result) and result.all_input_nodes[0].target not in _IN_PLACE:
        result = result.all_input_nodes[0]
    return result


def _last_read(node: Node, position: dict[Node, int]) -> int:
    """Return the position of the last node that reads a tensor or a view of it; the output node counts."""
    last = position[node]
    for user in node.users:
        last = max(last, position[user], _last_read(user, position) if is_view(user) else 0)
    return last
