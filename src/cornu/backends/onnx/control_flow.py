"""Loops and conditionals in ONNX: their bodies are recorded as separate graphs, which may use values of the outer graph."""

from collections.abc import Callable
from typing import Any

from cornu import trees
from cornu.backends.contract import Shape
from cornu.backends.onnx.graph_builder import PRIMITIVES, Graph, OnnxArray, current, recording
from cornu.backends.onnx.operands import as_array
from cornu.typing import Tree


def _arrays(tree: Tree) -> list[OnnxArray]:
    return [as_array(leaf) for leaf in trees.leaves(tree)]


def _new(graph: Graph, name: str, like: OnnxArray, shape: Shape | None = None) -> OnnxArray:
    """Add an input to a body."""
    return graph.add_input(graph.path_of(name), like.shape if shape is None else shape, like.dtype.name)


def _results(names: list[str], arrays: list[OnnxArray], lead: tuple = ()) -> list[OnnxArray]:
    """Return the outputs of a node with a body, as arrays with the shapes and dtypes of the outputs of the body."""
    for name, array in zip(names, arrays, strict=True):
        current().ranks[name] = len(lead) + array.ndim
    return [OnnxArray((*lead, *array.shape), array.dtype.name, name) for name, array in zip(names, arrays, strict=True)]


def scan(f: Callable, init: Tree, xs: Tree, reverse: bool = False) -> tuple[Any, Any]:
    """ONNX's ``Scan``: the contract's ``scan``."""
    graph, states, parts = current(), _arrays(init), _arrays(xs)
    body = Graph(graph.path_of, graph)
    with recording(body):
        carry = [_new(body, "state", state) for state in states]
        steps = [_new(body, "step", part, part.shape[1:]) for part in parts]
        carry_after, y = f(trees.unflatten(init, carry), trees.unflatten(xs, steps))
        after, ys = _arrays(carry_after), _arrays(y)
        for array in (*after, *ys):
            body.add_output(array)
    attributes = {"body": body, "num_scan_inputs": len(parts)}
    if reverse:
        attributes |= {"scan_input_directions": [1] * len(parts), "scan_output_directions": [1] * len(ys)}
    inputs = [graph.plain(array) for array in (*states, *parts)]
    names = graph.emit("Scan", inputs, len(after) + len(ys), attributes)
    length = parts[0].shape[0]
    last = _results(names[: len(after)], states)
    return trees.unflatten(carry_after, last), trees.unflatten(y, _results(names[len(after) :], ys, (length,)))


def while_loop(cond: Callable, body: Callable, init: Tree) -> Any:
    """ONNX's ``Loop``: the contract's ``while_loop``."""
    graph, states = current(), _arrays(init)
    inner = Graph(graph.path_of, graph)
    first = as_array(cond(init))
    with recording(inner):
        inner.add_input(graph.path_of("round"), (), "int64")
        inner.add_input(graph.path_of("go_on"), (), "bool")
        carry = [_new(inner, "state", state) for state in states]
        value = body(trees.unflatten(init, carry))
        for array in (as_array(cond(value)), *_arrays(value)):
            inner.add_output(array)
    inputs = ["", graph.plain(first), *[graph.plain(state) for state in states]]
    return trees.unflatten(init, _results(graph.emit("Loop", inputs, len(states), {"body": inner}), states))


def cond(pred: OnnxArray, true_fn: Callable, false_fn: Callable, *operands: Tree) -> Any:
    """ONNX's ``If``: the contract's ``cond``. For a constant condition, only that branch is recorded."""
    pred = as_array(pred)
    if pred.value is not None:
        return (true_fn if pred.value else false_fn)(*operands)
    branches, found = [], []
    for function in (true_fn, false_fn):
        branch = Graph(current().path_of, current())
        with recording(branch):
            found.append(function(*operands))
            for array in _arrays(found[-1]):
                branch.add_output(array)
        branches.append(branch)
    flag = current().plain(PRIMITIVES["reshape"](pred, ()))
    attributes = {"then_branch": branches[0], "else_branch": branches[1]}
    results = _arrays(found[0])
    return trees.unflatten(found[0], _results(current().emit("If", [flag], len(results), attributes), results))
