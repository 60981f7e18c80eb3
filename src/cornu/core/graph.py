"""Symbolic tensors, and the graph that calling layers and ops on them records.

A symbolic tensor has a shape and a dtype and no numbers. When a layer or an op meets one, it is not computed: a
:class:`Node` remembers what was called with what. A functional model is the nodes between its inputs and its outputs, run
on arrays later.
"""

import itertools
import re
from collections.abc import Callable, Iterable
from typing import Any

from cornu import backends, config, trees
from cornu.backends.contract import ArraySpec
from cornu.core.naming import auto_name
from cornu.core.operators import ArrayOperators
from cornu.errors import CornuError, InvalidTypeError
from cornu.ops.dispatch import register_recorder

Shape = tuple[int | None, ...]


class SymbolicTensor(ArrayOperators):
    """A place in a graph: the shape and dtype of an array that will be there when the graph runs.

    Args:
        shape: Its shape; None for a size that is not known, such as the batch's.
        dtype: Name of its dtype.
        name: Its name.

    Attributes:
        node: The call that gives it; None for a mere description of an array.
        index: Which of the node's outputs it is.
    """

    def __init__(self, shape: Iterable[int | None], dtype: str | None = None, name: str | None = None):
        self.shape: Shape = tuple(shape)
        self.dtype = dtype or config.floatx()
        self.name = name or "symbolic_tensor"
        self.node: Node | None = None
        self.index = 0

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<SymbolicTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise InvalidTypeError(
            f"A symbolic tensor ({self.name}, shape {self.shape}) was given to a function that computes with numbers.",
            "It stands for an array that is not there yet; only layers and `cornu.ops` can take it.",
            "Use the function of that name in `cornu.ops`, or put the code into the `call` of a layer.",
        )

    def __bool__(self) -> bool:
        raise InvalidTypeError(
            f"The truth value of a symbolic tensor ({self.name}) was asked for.",
            "Its value is known only when the model runs.",
            "Use `cornu.ops.where` or `cornu.ops.cond` instead of `if`.",
        )

    def __iter__(self) -> Any:
        raise InvalidTypeError(
            f"A symbolic tensor ({self.name}) was iterated over.",
            "It has no elements until the model runs.",
            "Use `cornu.ops.unstack` or index it.",
        )


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


class Node:
    """One call of an operation (a layer or an :class:`OpCall`) on symbolic tensors.

    Attributes:
        operation: What was called.
        args, kwargs: With what.
        inputs: The symbolic tensors among the arguments.
        outputs: A tree of the symbolic tensors it gave.
    """

    def __init__(self, operation: Any, args: tuple, kwargs: dict, outputs: Any):
        self.operation, self.args, self.kwargs, self.outputs = operation, args, kwargs, outputs
        self.inputs = symbolic_leaves((args, kwargs))
        for index, tensor in enumerate(trees.leaves(outputs)):
            tensor.node, tensor.index = self, index
        operation._inbound_nodes.append(self)

    def run(self, values: dict[int, Any], call: Callable) -> None:
        """Calls the operation on the values of its inputs and enters those of its outputs.

        Args:
            values: ``id(symbolic tensor)`` to value.
            call: ``(operation, args, kwargs) -> outputs``.
        """
        args, kwargs = trees.map(lambda leaf: values[id(leaf)] if is_symbolic(leaf) else leaf, (self.args, self.kwargs))
        results = trees.leaves(call(self.operation, args, kwargs))
        values.update(zip(map(id, trees.leaves(self.outputs)), results, strict=True))


def is_symbolic(value: Any) -> bool:
    """Whether a value is a symbolic tensor."""
    return isinstance(value, SymbolicTensor)


def symbolic_leaves(tree: Any) -> list[SymbolicTensor]:
    """The symbolic tensors in a tree."""
    return [leaf for leaf in trees.leaves(tree) if isinstance(leaf, SymbolicTensor)]


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


def infer(function: Callable, args: tuple, kwargs: dict, place: config.Place | None = None) -> Any:
    """Symbolic tensors as a function of arrays would give them, found by an abstract run at a place (or the default one).

    Where a size is unknown the function runs twice, with two sizes in its place; the sizes of the result that differ are
    unknown. The two are no sizes that are known, so that an error can be told to mean them.
    """
    known = {size for tensor in symbolic_leaves((args, kwargs)) for size in tensor.shape}
    one, other = itertools.islice((size for size in itertools.count(29, 2) if size not in known), 2)
    first = _abstract_run(function, args, kwargs, one, place or config.place())
    if None not in known:
        return first
    return trees.map(_common, first, _abstract_run(function, args, kwargs, other, place or config.place()))


def _common(one: SymbolicTensor, other: SymbolicTensor) -> SymbolicTensor:
    return SymbolicTensor((a if a == b else None for a, b in zip(one.shape, other.shape, strict=True)), one.dtype)


def _abstract_run(function: Callable, args: tuple, kwargs: dict, unknown: int, place: config.Place) -> Any:
    tensors = symbolic_leaves((args, kwargs))
    specs = [ArraySpec(tuple(unknown if size is None else size for size in t.shape), t.dtype) for t in tensors]

    def on_arrays(*arrays: Any) -> list:
        values = dict(zip(map(id, tensors), arrays, strict=True))
        filled = trees.map(lambda leaf: values[id(leaf)] if is_symbolic(leaf) else leaf, (args, kwargs))
        form.append(function(*filled[0], **filled[1]))
        leaves = trees.leaves(form[-1])
        for leaf in leaves:
            if not hasattr(leaf, "shape"):
                raise _no_array(leaf)
        return leaves

    form: list = []
    try:
        with config.running_on(*place):
            found = backends.get(place.backend).abstract_eval(on_arrays, *specs)
    except CornuError as error:
        # The stand-in for an unknown size must not reach the user: they wrote None.
        told = type(error)(*(_as_given(part, unknown) for part in (error.arrived, error.expected, error.advice)))
        _take_over_notes(told, error, unknown)
        raise told from None
    except Exception as error:  # of the engine, or of the user's code
        _take_over_notes(error, error, unknown)
        error.add_note(f"Cornu ran this code to find the shape of its outputs, with {unknown} in the place of each None.")
        raise
    return trees.unflatten(form[-1], [SymbolicTensor(spec.shape, spec.dtype) for spec in found])


def _no_array(given: Any) -> InvalidTypeError:
    return InvalidTypeError(
        f"What was run to find the shape of its outputs gave {given!r:.80}.",
        "It must give an array, or a list, tuple or dict of arrays.",
        "Make an array of it, such as with `cornu.ops.array`.",
    )


def _as_given(text: str, unknown: int) -> str:
    """A text with None where the stand-in for an unknown size is."""
    return re.sub(rf"\b{unknown}\b", "None", text)


def _take_over_notes(told: Exception, error: Exception, unknown: int) -> None:
    """Gives an exception the notes of another, or its own, with None where the stand-in for an unknown size is."""
    told.__notes__ = [_as_given(note, unknown) for note in getattr(error, "__notes__", ())]


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
