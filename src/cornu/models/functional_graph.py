"""The graph of a functional model, from its inputs to its outputs."""

import collections
import functools
from collections.abc import Callable
from typing import Any

from cornu import backends, ops, trees
from cornu.core import graph, masks, symbolic_tensor
from cornu.core.graph import OpCall
from cornu.core.input import Input, InputLayer
from cornu.core.input_spec import InputSpec
from cornu.core.layer import Layer
from cornu.core.symbolic_tensor import Node, Operation, SymbolicTensor
from cornu.errors import InvalidArgumentError, InvalidTypeError, ModelFormatError, ShapeError, did_you_mean, warn
from cornu.models import graph_config
from cornu.ops import batch_coupling
from cornu.typing import Array, Tree


class FunctionalGraph:
    """A graph with named inputs and outputs. Every model that is not subclassed has one.

    Args:
        inputs: Tree of symbolic tensors.
        outputs: Tree of symbolic tensors.

    Raises:
        InvalidTypeError: If a leaf is not a symbolic tensor, or an output does not depend on the inputs.
        InvalidArgumentError: If two layers have the same name.
    """

    def __init__(self, inputs: Tree, outputs: Tree):
        for argument, tree in (("inputs", inputs), ("outputs", outputs)):
            for leaf in trees.leaves(tree):
                if not symbolic_tensor.is_symbolic(leaf):
                    raise InvalidTypeError(
                        f"`Model` received {argument}={leaf!r}.",
                        "Inputs and outputs must be symbolic tensors, returned by `cornu.Input` and by layers called on them.",
                        "Write `x = cornu.Input((28, 28, 1)); y = layer(x); cornu.Model(x, y)`.",
                    )
        self.inputs, self.outputs = _on_input_layers(inputs, outputs)
        inputs, outputs = self.inputs, self.outputs
        self.input_tensors = trees.leaves(inputs)
        self.output_tensors = trees.leaves(outputs)
        self.nodes = graph.nodes_between(self.input_tensors, self.output_tensors)
        self._run_order = graph.run_order(self.input_tensors, self.output_tensors)
        self._check_inputs_are_enough()
        self.operations = graph.operations_of(self.nodes)
        self._check_names()

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles: the calls as a flat list, since following them could recurse too deeply."""
        calls = [(node.operation, node.args, node.kwargs, node.outputs) for node in self.nodes]
        place = {id(node): number for number, node in enumerate(self.nodes)}
        order = [place[id(node)] for node in self._run_order]
        return {"inputs": self.inputs, "outputs": self.outputs, "calls": calls, "order": order}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.inputs, self.outputs = state["inputs"], state["outputs"]
        self.input_tensors, self.output_tensors = trees.leaves(self.inputs), trees.leaves(self.outputs)
        self.nodes = []
        for operation, *call in state["calls"]:
            vars(operation).setdefault("_inbound_nodes", [])  # it may refer to this graph, and have no state yet
            self.nodes.append(Node(operation, *call))
        self._run_order = [self.nodes[number] for number in state["order"]]
        self.operations = graph.operations_of(self.nodes)

    def _check_inputs_are_enough(self) -> None:
        """Raise ``InvalidTypeError`` if the outputs depend on an input layer that is not among the inputs."""
        known = {id(tensor) for tensor in self.input_tensors}
        for node in self.nodes:
            if isinstance(node.operation, InputLayer) and not known & {id(t) for t in trees.leaves(node.outputs)}:
                raise InvalidTypeError(
                    f"The outputs depend on the input {node.operation.name!r}.",
                    f"It is not among the model's inputs {[t.node.operation.name for t in self.input_tensors]}.",
                    "Add it to `inputs`.",
                )

    def _check_names(self) -> None:
        """Raise ``InvalidArgumentError`` if two layers have the same name."""
        for name, count in collections.Counter(operation.name for operation in self.operations).items():
            if count > 1:
                raise InvalidArgumentError(
                    f"Two layers of the model are named {name!r}.",
                    "A model's layers must have different names.",
                    "Rename one of them.",
                )

    @property
    def layers(self) -> list[Layer]:
        """List of the layers, in Keras's order, without ops."""
        return [operation for operation in self.operations if isinstance(operation, Layer)]

    @functools.cached_property
    def _consumers(self) -> dict[int, list]:
        found: dict[int, list] = {}
        for node in self.nodes:
            for tensor in {id(taken): taken for taken in node.inputs}.values():
                found.setdefault(id(tensor), []).append(node.operation)
        return found

    def consumers(self, tensor: SymbolicTensor) -> list:
        """Return the layers and ops that take a tensor as input."""
        return self._consumers.get(id(tensor), [])

    @property
    def input_names(self) -> list[str]:
        """Names of the input layers."""
        return [tensor.node.operation.name for tensor in self.input_tensors]

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that return the outputs."""
        return [tensor.node.operation.name for tensor in self.output_tensors]

    @functools.cached_property
    def batch_coupling(self) -> str:
        """How calls of ops couple the samples of a batch (layers have a ``batch_coupling`` of their own)."""
        calls = [(node.operation.op, node.args, node.kwargs) for node in self.nodes if isinstance(node.operation, OpCall)]
        found = {batch_coupling.of_call(*call) for call in calls}
        found |= {"unknown" for operation in self.operations if not isinstance(operation, (Layer, OpCall))}  # of a user
        return "unknown" if "unknown" in found else "none"

    # --- Running ------------------------------------------------------------------------------------------------------

    def run(self, inputs: Tree, mask: Tree = None) -> Any:
        """Return the outputs for arrays; a list of one output as that output, as in Keras.

        The masks of the arrays may be given as a tree of the same structure, with None for none.
        """
        found = [None] * len(self.input_tensors) if mask is None else self._masks_in_order(mask)
        triples = zip(self.input_tensors, self.in_order(inputs), found, strict=True)
        arrays = [fit_to(tensor, array, mask) for tensor, array, mask in triples]
        return _only(graph.run(self._run_order, self.input_tensors, arrays, self.outputs, _call))

    def infer(self, inputs: Tree) -> Any:
        """Return the shapes and dtypes of the outputs, as symbolic tensors, for symbolic tensors."""
        pairs = zip(self.input_tensors, self.in_order(inputs), strict=True)
        specs = [
            None if spec is None else SymbolicTensor(_shape_for(tensor, spec.shape), tensor.dtype) for tensor, spec in pairs
        ]
        return _only(graph.run(self._run_order, self.input_tensors, specs, self.outputs, _infer))

    def in_order(self, inputs: Tree) -> list:
        """Return inputs, which may be a dict by the names of the input layers, as a list in the order of the graph's inputs.

        Raises:
            ShapeError: If the number of inputs differs from that of the model.
            InvalidArgumentError: If a dict lacks an input, or None is passed for an input that is not optional.
        """
        if isinstance(inputs, dict):
            names = trees.keys(self.inputs) if isinstance(self.inputs, dict) else self.input_names
            unused = [name for name in inputs if name not in names]
            if unused and all(name in inputs for name in names):
                warn(f"The model received the inputs {unused}, which it does not have: {names}.")
            inputs = [_by_name(inputs, name, names) for name in names]
        leaves = trees.all_leaves(inputs) if self._has_optional else trees.leaves(inputs)
        if len(leaves) != len(self.input_tensors):
            raise ShapeError(
                f"The model received {len(leaves)} inputs.",
                f"It has {len(self.input_tensors)}: {self.input_names}.",
                "Pass one array for each.",
            )
        for tensor, leaf in zip(self.input_tensors, leaves, strict=True) if self._has_optional else ():
            if leaf is None and not tensor.node.operation.optional:
                raise _missing(tensor.node.operation.name)
        return leaves

    @functools.cached_property
    def _has_optional(self) -> bool:
        """Whether None may be passed for an input."""
        return any(tensor.node.operation.optional for tensor in self.input_tensors)

    def _masks_in_order(self, mask: Tree) -> list:
        """Return the masks of the inputs as a list in the order of the graph's inputs; check their number."""
        if isinstance(mask, dict):
            names = trees.keys(self.inputs) if isinstance(self.inputs, dict) else self.input_names
            return [mask.get(name) for name in names]
        found = masks.flatten(mask)
        if len(found) != len(self.input_tensors):
            raise ShapeError(
                f"The model received `mask` with {len(found)} masks.",
                f"It has {len(self.input_tensors)} inputs: {self.input_names}.",
                "Pass one mask for each input, or None for an input without one.",
            )
        return found

    # --- Config -------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the layers, their calls, inputs and outputs in Keras 3's format."""
        places = self._places()
        calls: dict[int, list[Node]] = {}
        for node in self.nodes:
            calls.setdefault(id(node.operation), []).append(node)
        layers = [graph_config.operation_config(operation, calls[id(operation)], places) for operation in self.operations]
        return {
            "layers": layers,
            "input_layers": graph_config.tree_of_places(self.inputs, places),
            "output_layers": graph_config.tree_of_places(self.outputs, places),
        }

    def _places(self) -> dict[int, list]:
        """Return the origin of each tensor: operation name, index of the call in this graph, index of the output."""
        count: dict[int, int] = {}
        places = {}
        for node in self.nodes:
            number = count.get(id(node.operation), 0)
            count[id(node.operation)] = number + 1
            for tensor in trees.leaves(node.outputs):
                places[id(tensor)] = [node.operation.name, number, tensor.index]
        return places


def ends_from_config(config: dict[str, Any]) -> tuple[Tree, Tree]:
    """Return the inputs and outputs of a graph that is created from a config, with new layers."""
    tensors: dict[tuple, SymbolicTensor] = {}
    calls, first_calls = [], {}
    for entry in config["layers"]:
        operation = graph_config.operation_from(entry)
        first_calls[entry["name"]] = graph_config.first_call(operation)
        if isinstance(operation, InputLayer):
            tensors[(entry["name"], 0, 0)] = operation.graph_output
        calls += [_Call(entry, number, operation, tensors) for number in range(len(entry["inbound_nodes"]))]
    _make_all(calls, tensors)
    inputs, outputs = (graph_config.tensors_at(config[key], tensors, first_calls) for key in ("input_layers", "output_layers"))
    return inputs, outputs


class _Call:
    """One call of a config, which can be executed when its input tensors exist."""

    def __init__(self, entry: dict[str, Any], number: int, operation: Callable, tensors: dict[tuple, SymbolicTensor]):
        self.entry, self.number, self.operation, self.tensors = entry, number, operation, tensors
        self.form = entry["inbound_nodes"][number]

    def missing(self) -> tuple | None:
        """Return the origin of an input tensor that does not exist yet, or None."""
        return next((place for place in graph_config.places_in(self.form) if place not in self.tensors), None)

    def make(self) -> list[tuple]:
        """Execute the call and return the origins of its outputs."""
        with graph_config.config_errors(self.entry):
            args = graph_config.value_from(list(self.form["args"]), self.tensors)
            kwargs = graph_config.value_from(self.form["kwargs"], self.tensors)
            kwargs = {name: value for name, value in kwargs.items() if value is not None}
            if isinstance(self.operation, Layer):
                graph_config.check_arguments(self.operation, args, kwargs)
            outputs = self.operation(*args, **kwargs)
        found = {(self.entry["name"], self.number, tensor.index): tensor for tensor in trees.leaves(outputs)}
        self.tensors.update(found)
        return list(found)


def _make_all(calls: list[_Call], tensors: dict[tuple, SymbolicTensor]) -> None:
    """Execute calls in order, each as soon as its inputs exist."""
    waiting: dict[tuple, list[_Call]] = {}
    ready = collections.deque(calls)
    while ready:
        call = ready.popleft()
        missing = call.missing()
        if missing is not None:
            waiting.setdefault(missing, []).append(call)
            continue
        freed = [other for place in call.make() for other in waiting.pop(place, [])]
        ready.extendleft(reversed(freed))
    if waiting:
        names = sorted({call.entry["name"] for calls in waiting.values() for call in calls})
        raise ModelFormatError(
            f"The config calls {names[:5]} on tensors that no layer returns.",
            "The arguments of each call must be inputs or outputs of earlier calls.",
            "The file is damaged or was edited.",
        )


def _call(operation: Operation, args: tuple, kwargs: dict) -> Any:
    return operation(*args, **kwargs)


def _on_input_layers(inputs: Tree, outputs: Tree) -> tuple[Any, Any]:
    """Return inputs and outputs of a graph that starts with input layers.

    Inputs that were returned by a layer are replaced, and the calls between them and the outputs are recorded again, on the
    same layers.
    """
    replaced = {id(tensor): _input_like(tensor) for tensor in trees.leaves(inputs)}
    new_inputs = trees.map(lambda tensor: replaced[id(tensor)], inputs)
    if all(new is old for new, old in zip(trees.leaves(new_inputs), trees.leaves(inputs), strict=True)):
        return inputs, outputs
    for node in graph.nodes_between(trees.leaves(inputs), trees.leaves(outputs)):
        tensors = trees.leaves(node.outputs)
        if not all(id(tensor) in replaced for tensor in tensors):
            args, kwargs = trees.map(lambda leaf: replaced.get(id(leaf), leaf), (node.args, node.kwargs))
            recorded = graph.record(node.operation, args, kwargs, node.outputs)
            replaced.update(zip(map(id, tensors), trees.leaves(recorded), strict=True))
    return new_inputs, trees.map(lambda tensor: replaced[id(tensor)], outputs)


def _input_like(tensor: SymbolicTensor) -> SymbolicTensor:
    """Return an input with the shape and dtype of a tensor, or the tensor itself if it is an input."""
    if tensor.node is not None and isinstance(tensor.node.operation, InputLayer):
        return tensor
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype)


def _only(outputs: Any) -> Any:
    """Return the output of a list or tuple of one, and other outputs unchanged."""
    return outputs[0] if isinstance(outputs, (list, tuple)) and len(outputs) == 1 else outputs


def _missing(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"The model received None for its input {name!r}.",
        "This input is not optional.",
        "Pass an array, or create the input with `Input(..., optional=True)`.",
    )


def _by_name(inputs: dict[str, Any], name: str, names: list[str]) -> Any:
    """Return an entry of a dict of inputs."""
    if name not in inputs:
        given = next((other for other in inputs if other not in names), None)
        raise InvalidArgumentError(
            f"The model received inputs named {list(inputs)}.",
            f"It has the inputs {names}.",
            did_you_mean(given or "", names) or "Use the names of the model's inputs.",
        )
    return inputs[name]


def _infer(operation: Operation, args: tuple, kwargs: dict) -> Any:
    """Return the outputs of a call as symbolic tensors that know the call, from which their masks are computed."""
    specs = operation.compute_output_spec(*args, **kwargs)
    outputs = trees.map(lambda spec: SymbolicTensor(spec.shape, spec.dtype), specs)
    return Node(operation, args, kwargs, outputs, recorded=False).outputs


def fit_to(tensor: SymbolicTensor, array: Array | None, mask: Any = None) -> Any:
    """Cast an array to the dtype of an input, and add or remove a last axis of size 1 if that is the only difference.

    The result has the given mask, by default that of the array. None, for an optional input, is returned.
    """
    if array is None:
        return None
    given, rank = array, len(_shape_for(tensor, tuple(array.shape)))
    if tensor.dtype == "string":  # in an array of NumPy or TensorFlow, of which ops have no strings
        return array if rank == len(array.shape) else array[..., None] if rank > len(array.shape) else array[..., 0]
    if rank != len(array.shape):
        array = ops.expand_dims(array, -1) if rank > len(array.shape) else ops.squeeze(array, -1)
    if backends.home(array).dtype(array) != tensor.dtype:
        array = ops.cast(array, tensor.dtype)
    if mask is None or mask is masks.mask_of(array):
        return masks.carry_over(given, array)
    return masks.with_mask(array, mask)


def _shape_for(tensor: SymbolicTensor, shape: tuple) -> tuple:
    """Return a shape with a last axis of size 1 added or removed if that is the only difference from an input."""
    if len(shape) + 1 == tensor.ndim and tensor.shape[-1] == 1:
        return (*shape, 1)
    return shape[:-1] if len(shape) == tensor.ndim + 1 and shape[-1] == 1 else shape


def input_specs_of(graph: FunctionalGraph) -> list[InputSpec] | None:
    """Return what a graph requires of its inputs, as in Keras: by sorted keys for a dict; None for nested dicts."""
    inputs = graph.inputs
    if not isinstance(inputs, dict):
        return [_spec_of(tensor, tensor.node.operation.name) for tensor in graph.input_tensors]
    if not all(map(symbolic_tensor.is_symbolic, inputs.values())):
        return None
    return [_spec_of(inputs[name], name) for name in sorted(inputs)]


def _spec_of(tensor: SymbolicTensor, name: str) -> InputSpec:
    optional = getattr(tensor.node.operation, "optional", False)
    return InputSpec(shape=(None, *tensor.shape[1:]), allow_last_axis_squeeze=True, name=name, optional=optional)
