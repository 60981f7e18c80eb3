"""The graph of a functional model: what lies between its inputs and its outputs."""

from typing import Any

from cornu import backends, ops, registry, trees
from cornu.core import graph
from cornu.core.graph import Node, OpCall, SymbolicTensor
from cornu.core.input import InputLayer
from cornu.core.layer import Layer
from cornu.errors import InvalidArgumentError, InvalidTypeError, ModelFormatError, ShapeError, did_you_mean


class Functional:
    """A graph with named inputs and outputs. A model that is not subclassed holds one.

    Args:
        inputs: Tree of symbolic tensors.
        outputs: Tree of symbolic tensors.

    Raises:
        InvalidTypeError: Something else than symbolic tensors is among them, or an output does not depend on the inputs.
        InvalidArgumentError: Two layers have the same name.
    """

    def __init__(self, inputs: Any, outputs: Any):
        for argument, tree in (("inputs", inputs), ("outputs", outputs)):
            for leaf in trees.leaves(tree):
                if not graph.is_symbolic(leaf):
                    raise InvalidTypeError(
                        f"`Model` was given {argument}={leaf!r}.",
                        "Inputs and outputs are symbolic tensors: what `cornu.Input` gives, and what layers called on it give.",
                        "Write `x = cornu.Input((28, 28, 1)); y = layer(x); cornu.Model(x, y)`.",
                    )
        self.inputs, self.outputs = inputs, outputs
        self.input_tensors = trees.leaves(inputs)
        self.output_tensors = trees.leaves(outputs)
        self.nodes = graph.nodes_between(self.input_tensors, self.output_tensors)
        self._check_inputs_are_enough()
        self.operations = graph.operations_of(self.nodes)
        self._check_names()

    def _check_inputs_are_enough(self) -> None:
        known = {id(tensor) for tensor in self.input_tensors}
        for node in self.nodes:
            if isinstance(node.operation, InputLayer) and not known & {id(t) for t in trees.leaves(node.outputs)}:
                raise InvalidTypeError(
                    f"The outputs depend on the input {node.operation.name!r}.",
                    f"It is not among the model's inputs {[t.node.operation.name for t in self.input_tensors]}.",
                    "Add it to `inputs`.",
                )

    def _check_names(self) -> None:
        names = [operation.name for operation in self.operations]
        for name in names:
            if names.count(name) > 1:
                raise InvalidArgumentError(
                    f"Two layers of the model are named {name!r}.",
                    "A model's layers must have different names.",
                    "Rename one of them.",
                )

    @property
    def layers(self) -> list[Layer]:
        """The layers, in Keras's order; ops are not among them."""
        return [operation for operation in self.operations if isinstance(operation, Layer)]

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs."""
        return [tensor.node.operation.name for tensor in self.input_tensors]

    @property
    def output_names(self) -> list[str]:
        """Names of the layers that give the outputs."""
        return [tensor.node.operation.name for tensor in self.output_tensors]

    @property
    def batch_coupling(self) -> str:
        """How samples of a batch meet in the graph's ops (its layers speak for themselves): elementwise ops keep them apart."""
        ops_used = [operation.op for operation in self.operations if isinstance(operation, OpCall)]
        return "none" if all(op.__module__ == ops.elementwise.__name__ for op in ops_used) else "unknown"

    # --- Running ------------------------------------------------------------------------------------------------------------------

    def run(self, inputs: Any) -> Any:
        """The outputs for arrays."""
        arrays = [fit_to(tensor, array) for tensor, array in zip(self.input_tensors, self.in_order(inputs), strict=True)]
        return graph.run(self.nodes, self.input_tensors, arrays, self.outputs, _call)

    def infer(self, inputs: Any) -> Any:
        """The outputs' shapes and dtypes, as symbolic tensors, for symbolic tensors."""
        return graph.run(self.nodes, self.input_tensors, self.in_order(inputs), self.outputs, _infer)

    def in_order(self, inputs: Any) -> list:
        """Inputs as a list in the order of the graph's: they may come as a dict by the names of the input layers.

        Raises:
            ShapeError: Their number is not that of the model's inputs.
        """
        if isinstance(inputs, dict) and not isinstance(self.inputs, dict):
            missing = [name for name in self.input_names if name not in inputs]
            if missing:
                raise InvalidArgumentError(
                    f"The model was given inputs named {list(inputs)}.",
                    f"It has the inputs {self.input_names}.",
                    did_you_mean(missing[0], inputs) or "Use the names of the model's input layers.",
                )
            return [inputs[name] for name in self.input_names]
        leaves = trees.leaves({name: inputs[name] for name in self.inputs} if isinstance(self.inputs, dict) else inputs)
        if len(leaves) != len(self.input_tensors):
            raise ShapeError(
                f"The model was given {len(leaves)} inputs.",
                f"It has {len(self.input_tensors)}: {self.input_names}.",
                "Give one array for each.",
            )
        return leaves

    # --- Config -------------------------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Layers, their calls, inputs and outputs in Keras 3's form."""
        places = self._places()
        calls: dict[int, list[Node]] = {}
        for node in self.nodes:
            calls.setdefault(id(node.operation), []).append(node)
        layers = [_operation_config(operation, calls[id(operation)], places) for operation in self.operations]
        return {
            "layers": layers,
            "input_layers": _tree_of_places(self.inputs, places),
            "output_layers": _tree_of_places(self.outputs, places),
        }

    def _places(self) -> dict[int, list]:
        """Where each tensor comes from: name of the operation, number of its call in this graph, number of the output."""
        count: dict[int, int] = {}
        places = {}
        for node in self.nodes:
            number = count.get(id(node.operation), 0)
            count[id(node.operation)] = number + 1
            for tensor in trees.leaves(node.outputs):
                places[id(tensor)] = [node.operation.name, number, tensor.index]
        return places

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Functional":
        """The graph of a config, with new layers.

        Raises:
            ModelFormatError: A call takes what no other call gives.
        """
        waiting = []
        tensors: dict[tuple, SymbolicTensor] = {}
        for entry in config["layers"]:
            operation = _operation_from(entry)
            if isinstance(operation, InputLayer):
                tensors[(entry["name"], 0, 0)] = operation.graph_output
            waiting += [(entry["name"], number, operation, call) for number, call in enumerate(entry["inbound_nodes"])]
        while waiting:
            left = []
            for name, number, operation, call in waiting:
                try:
                    args, kwargs = _with_tensors((call["args"], call["kwargs"]), tensors)
                except KeyError:
                    left.append((name, number, operation, call))
                    continue
                outputs = operation(*args, **kwargs)
                tensors.update({(name, number, tensor.index): tensor for tensor in trees.leaves(outputs)})
            if len(left) == len(waiting):
                raise ModelFormatError(
                    f"The config calls {sorted({name for name, *_ in left})} on tensors that no layer gives.",
                    "Each call must take what an earlier call or an input gives.",
                    "The file is damaged or was edited.",
                )
            waiting = left
        return cls(_tensors_at(config["input_layers"], tensors), _tensors_at(config["output_layers"], tensors))


def _call(operation: Any, args: tuple, kwargs: dict) -> Any:
    return operation(*args, **kwargs)


def _infer(operation: Any, args: tuple, kwargs: dict) -> Any:
    return operation.compute_output_spec(*args, **kwargs)


def fit_to(tensor: SymbolicTensor, array: Any) -> Any:
    """An array as an input has it: in its dtype, and with a last axis of size 1 where only that is missing."""
    if len(array.shape) + 1 == tensor.ndim and tensor.shape[-1] == 1:
        array = ops.expand_dims(array, -1)
    return array if backends.of(array).dtype(array) == tensor.dtype else ops.cast(array, tensor.dtype)


# --- Configs of operations --------------------------------------------------------------------------------------------------------


def _operation_config(operation: Any, nodes: list[Node], places: dict[int, list]) -> dict[str, Any]:
    if isinstance(operation, InputLayer):
        return {**registry.serialize(operation), "name": operation.name, "inbound_nodes": []}
    if isinstance(operation, OpCall):
        return _op_config(operation, nodes[0], places)
    calls = [{"args": _with_places(list(node.args), places), "kwargs": _with_places(node.kwargs, places)} for node in nodes]
    return {**registry.serialize(operation), "name": operation.name, "inbound_nodes": calls}


def _op_config(operation: OpCall, node: Node, places: dict[int, list]) -> dict[str, Any]:
    """An op's config has its call: tensors and all other arguments stand where they stood."""
    class_name = "".join(part.capitalize() for part in operation.op.__name__.split("_"))
    call = {"args": _with_places(list(node.args), places), "kwargs": _with_places(node.kwargs, places)}
    return {
        "module": "keras.src.ops.numpy",
        "class_name": class_name,
        "config": {"name": operation.name},
        "registered_name": class_name,
        "name": operation.name,
        "inbound_nodes": [call],
    }


def _operation_from(entry: dict[str, Any]) -> Any:
    if ".ops" in str(entry.get("module")):
        name = registry.to_snake_case(entry["class_name"])
        op = registry.allowed("ops").get(name)
        if op is None:
            raise ModelFormatError(
                f"The config names the op {entry['class_name']!r}.", "Cornu has no such op.", "Export the model without it."
            )
        return OpCall(op, entry["name"])
    return registry.deserialize(entry, kind=("layers", "models"))


def _with_places(tree: Any, places: dict[int, list]) -> Any:
    """A call's arguments with each tensor replaced by where it comes from."""
    if graph.is_symbolic(tree):
        config = {"shape": list(tree.shape), "dtype": tree.dtype, "keras_history": places[id(tree)]}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(tree, dict):
        return {name: _with_places(value, places) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_with_places(value, places) for value in tree]
    return registry.serialize(tree)


def _with_tensors(tree: Any, tensors: dict[tuple, SymbolicTensor]) -> Any:
    if isinstance(tree, dict):
        if tree.get("class_name") == "__keras_tensor__":
            return tensors[tuple(tree["config"]["keras_history"])]
        return {name: _with_tensors(value, tensors) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_with_tensors(value, tensors) for value in tree)
    return tree


def _tree_of_places(tree: Any, places: dict[int, list]) -> Any:
    return trees.map(lambda tensor: places[id(tensor)], tree)


def _tensors_at(places: Any, tensors: dict[tuple, SymbolicTensor]) -> Any:
    """The tensors at a tree of places ``[name, call, output]``."""
    if isinstance(places, dict):
        return {name: _tensors_at(place, tensors) for name, place in places.items()}
    if len(places) == 3 and isinstance(places[0], str):
        return tensors[tuple(places)]
    return [_tensors_at(place, tensors) for place in places]
