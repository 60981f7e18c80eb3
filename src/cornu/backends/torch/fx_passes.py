"""What is done to a list of kernel calls before it is run again and again: fewer calls, the same numbers.

A list is a graph of ``torch.fx``. Each function below changes it in place.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch._subclasses.fake_tensor import FakeTensor
from torch.fx import Graph, GraphModule, Node
from torch.fx.node import map_aggregate, map_arg
from torch.utils._python_dispatch import TorchDispatchMode

from cornu.backends.torch import custom_ops, fx_fusions
from cornu.backends.torch.fx_nodes import (
    changed,
    given_back,
    is_mutable,
    is_plain_call,
    is_random,
    is_view,
    memory_of,
    replace,
    source,
)

_aten = torch.ops.aten

_NOTHING_HERE = (_aten.detach.default, _aten.alias.default)
"""Calls that matter to autograd alone, which has done its work."""


def optimize(written: GraphModule, own: int = 0) -> GraphModule:
    """The list as it is run; it may write into the first ``own`` of its arguments."""
    graph = written.graph
    without_bookkeeping(graph)
    copy_mutated_constants(graph)
    common_subexpression_elimination(graph)
    fx_fusions.biases_into_kernels(graph)
    fx_fusions.relu_after_pooling(graph)
    graph.eliminate_dead_code()
    fold_constants(written)
    graph.eliminate_dead_code()
    # From here on calls write into what was there before, which `changed` does not see of plain functions.
    fx_fusions.products_into_sums(graph)
    fx_fusions.rows_into_zeros(graph)
    fx_fusions.kernel_gradients_by_products(graph)
    update_in_place(graph, own)
    batch_updates(graph)
    if own:
        unalias_outputs(graph)
    bypass_dispatch(graph)
    written.recompile()
    return written


def without_bookkeeping(graph: Graph) -> None:
    """Leaves out calls that do nothing here, and lets none depend on how numbers lie in memory or on what is switched on."""
    for node in list(graph.nodes):
        if node.target in _NOTHING_HERE:
            replace(node, node.args[0])
        elif node.target in custom_ops.LISTED:
            node.target = custom_ops.LISTED[node.target]
        elif node.target in (_aten.view.default, _aten._unsafe_view.default):
            node.target = _aten.reshape.default


def common_subexpression_elimination(graph: Graph) -> None:
    """Makes a call with the same arguments as an earlier one that one. What is drawn or written into is left alone."""
    touched = memory_of(changed(graph))
    first: dict[Any, Node] = {}
    for node in list(graph.nodes):
        if node.op != "call_function" or is_random(node):
            continue
        if any(source(each) in touched for each in (node, *node.all_input_nodes)):
            continue
        key = _key((node.target, node.args, node.kwargs))
        if key in first:
            replace(node, first[key])
        else:
            first[key] = node


def _key(value: Any) -> Any:
    """Something hashable that is equal for equal arguments; 1, 1.0 and True are not equal, nor are 0.0 and -0.0."""
    if isinstance(value, (list, tuple)):
        return tuple(map(_key, value))
    if isinstance(value, dict):
        return tuple((name, _key(part)) for name, part in value.items())
    return type(value), repr(value) if isinstance(value, float) else value


_LIKE: dict[Any, int] = {_aten.zeros_like.default: 0, _aten.ones_like.default: 1}
"""Calls that read the shape of a tensor and not its numbers, and what they fill it with."""


def copy_mutated_constants(graph: Graph) -> None:
    """Lets each run have a copy of a kept tensor that is written into, or given back: the next run finds it as it was."""
    first: dict[Any, Node] = {}
    for node in [node for node in graph.nodes if node.op == "get_attr"]:  # there is one wherever a tensor is read
        if first.setdefault(node.target, node) is not node:
            replace(node, first[node.target])
    used = memory_of([*changed(graph), *given_back(graph)])
    for node in [node for node in first.values() if node in used]:
        with graph.inserting_after(node):
            copy = graph.call_function(_aten.clone.default, (node,))
        copy.meta["val"] = node.meta.get("val")
        node.replace_all_uses_with(copy, delete_user_cb=lambda user, copy=copy: user is not copy)


def fold_constants(written: GraphModule) -> None:
    """Makes now, once, what depends on no argument. What is written into, and what is given back, is made anew each time."""
    graph, constants = written.graph, {}
    kept = memory_of([*changed(graph), *given_back(graph)])
    for node in list(graph.nodes):
        inputs = [] if node.target in _LIKE else node.all_input_nodes
        if node.op == "get_attr":
            constants[node] = getattr(written, node.target)
        elif is_plain_call(node) and source(node) not in kept and all(each in constants for each in inputs):
            constants[node] = _value(node, constants)
            name = f"_constant_{len(constants)}"
            written.register_buffer(name, constants[node], persistent=False)
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
    """Gives no two results the same memory: they are arguments of the next run, which writes into some of them."""
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
    """A function that writes new values into the old ones, for several at once.

    Attributes:
        function: The function.
        lists: How many of its arguments, from the left, are lists with an entry for each of the several.
        changed: Which of these it writes into.
    """

    function: Callable
    lists: int
    changed: tuple[int, ...]


_IN_PLACE = {custom_ops.adam: _InPlace(custom_ops.adam_, 4, (0, 2, 3))}
"""Kernels that give new tensors, and the functions that write into the old ones."""


def update_in_place(graph: Graph, own: int) -> None:
    """Writes new values into the arguments that they replace, where nobody reads the old ones any more."""
    nodes = list(graph.nodes)
    place = {node: number for number, node in enumerate(nodes)}
    free, given = nodes[:own], [_source_of_new(result) for result in nodes[-1].args[0]]
    for node in [node for node in nodes if node.target in _IN_PLACE]:
        function, lists, changed = _IN_PLACE[node.target]
        old = [node.args[number] for number in changed]
        new = {user.args[1]: user for user in node.users}
        if not all(
            argument in free and given.count(new.get(number)) == 1 and _last_read(argument, place) <= place[node]
            for number, argument in enumerate(old)
        ):
            continue
        with graph.inserting_before(node):
            call = graph.call_function(function, (*([argument] for argument in node.args[:lists]), *node.args[lists:]))
        place[call] = place[node]
        for number, argument in enumerate(old):
            replace(new[number], argument)
        graph.erase_node(node)


def batch_updates(graph: Graph) -> None:
    """Makes calls of such a function that follow on each other one: a call costs more than a small weight's update."""
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
"""For a call of some form the function that makes it soonest; None if there is no other than the call's own."""

_MOST_FORMS = 4096
"""So many are remembered, and then found anew: who makes one model after another does not fill the memory."""


def bypass_dispatch(graph: Graph) -> None:
    """Calls what PyTorch's users call, ``torch.div`` for ``aten.div.Tensor``: it reads its arguments in half the time.

    On a network so small that this is what takes the time (16 and 32 units, batches of 10) a step takes 0.7 times as long.
    """
    for node in graph.nodes:
        if isinstance(node.target, torch._ops.OpOverload) and node.target.namespace == "aten" and not is_mutable(node):
            form = node.target, _key(map_arg((node.args, node.kwargs), _form))
            if form not in _DIRECT:
                calls = _called_by(node.target, node)
                same = (each for each in _functions(node.target) if calls and _called_by(each, node) == calls)
                _remember(form, next(same, None))
            node.target = _DIRECT[form] or node.target


def _remember(form: Any, function: Callable | None) -> None:
    if len(_DIRECT) >= _MOST_FORMS:
        _DIRECT.clear()
    _DIRECT[form] = function


def _form(node: Node) -> tuple:
    """What of a tensor may decide which kernel a function calls."""
    tensor = node.meta.get("val")
    return tuple(str(getattr(tensor, name, None)) for name in ("dtype", "ndim", "device"))


def _functions(kernel: Any) -> list[Callable]:
    """Functions of PyTorch's that may do the same as a kernel."""
    name = "to" if kernel is _aten._to_copy.default else kernel._schema.name.removeprefix("aten::")
    return [found for found in (getattr(torch, name, None), getattr(torch.Tensor, name, None)) if callable(found)]


class _Recorded(TorchDispatchMode):
    """Writes down which kernels are called, and with what."""

    def __init__(self, given: list[torch.Tensor]):
        super().__init__()
        self._given, self.calls = given, []

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        told = map_aggregate((args, kwargs or {}), self._described)
        self.calls.append((func, _key(told)))
        return func(*args, **(kwargs or {}))

    def _described(self, value: Any) -> Any:
        """A tensor that was given by its place among them; one that was made by its form."""
        if not isinstance(value, torch.Tensor):
            return value
        place = next((place for place, each in enumerate(self._given) if each is value), None)
        return (tuple(value.shape), str(value.dtype)) if place is None else place


def _called_by(function: Callable, node: Node) -> list | None:
    """What a function calls, given the arguments of a call; None if it does not take them. Computes nothing."""
    args, kwargs = map_arg((node.args, node.kwargs), lambda each: each.meta.get("val"))
    given = [each.meta["val"] for each in node.all_input_nodes if isinstance(each.meta.get("val"), torch.Tensor)]
    mode = next((each.fake_mode for each in given if isinstance(each, FakeTensor)), None)
    if mode is None:
        return None
    with mode, torch.no_grad(), _Recorded(given) as recorded:
        try:
            function(*args, **kwargs)
        except Exception:  # it takes other arguments
            return None
    return recorded.calls


def _source_of_new(result: Any) -> Any:
    """The new value that a result is, or is a view of."""
    while isinstance(result, Node) and is_view(result) and result.all_input_nodes[0].target not in _IN_PLACE:
        result = result.all_input_nodes[0]
    return result


def _last_read(node: Node, place: dict[Node, int]) -> int:
    """The place of the last node that reads a tensor or a view of it; giving it back is reading it."""
    last = place[node]
    for user in node.users:
        last = max(last, place[user], _last_read(user, place) if is_view(user) else 0)
    return last
