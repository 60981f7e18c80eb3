"""The config of a functional graph in Keras 3's format: layers, ops, their calls and the tensors between them.

An op declares its name in files where it is defined (see :func:`cornu.ops.dispatch.op`). :data:`OPS` contains these ops; a name
in a file can refer to no other function.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cornu import backends, ops, serialization, trees
from cornu.core import graph, symbolic_tensor
from cornu.core.graph import OpCall
from cornu.core.input import InputLayer
from cornu.core.layer import Layer
from cornu.core.operation import Operation as SomeOperation
from cornu.core.symbolic_tensor import Node, Operation, SymbolicTensor
from cornu.errors import CornuError, InvalidArgumentError, ModelFormatError, UnsafeModelError, did_you_mean
from cornu.ops.dispatch import OPS_BY_KERAS_PATH
from cornu.typing import Tree

_CALLED_WITH = {
    "x1",
    "x2",
    "constant_values",
    "depthwise_kernel",
    "indices",
    "kernel",
    "key",
    "output",
} | {*("pointwise_kernel", "predictions", "q", "start_indices", "updates", "values")}
"""Parameters, in addition to the first of an op, that Keras stores as call arguments; all others are stored in the config."""

_MORE_CALLED_WITH = {
    ops.average: ("weights",),
    ops.cdist: ("y",),
    ops.digitize: ("bins",),
    ops.full_like: ("fill_value",),
    ops.geomspace: ("stop",),
    ops.isclose: ("rtol", "atol"),
    **dict.fromkeys((ops.solve, ops.solve_triangular, ops.lstsq), ("b",)),
    **dict.fromkeys((ops.bitwise_and, ops.bitwise_or, ops.bitwise_xor), ("y",)),
    **dict.fromkeys((ops.bitwise_left_shift, ops.bitwise_right_shift, ops.left_shift, ops.right_shift), ("y",)),
    ops.ctc_decode: ("sequence_lengths",),
    ops.ctc_loss: ("target_length", "output_length"),
    ops.polar: ("angle",),
    ops.rearrange: ("pattern",),
}


def _home_of(keras_path: str) -> tuple[str, str]:
    """Return the module and class name of an op in Keras."""
    module, _, class_name = keras_path.partition(".")
    return module, class_name


OPS: dict[tuple[str, str], Callable] = {_home_of(path): op for path, op in OPS_BY_KERAS_PATH.items()}
"""Dict from Keras's module and class name to op, for all ops a config may name: functions of arrays, without side effects."""

_HOMES = {op: home for home, op in OPS.items()}


# --- Configs of operations --------------------------------------------------------------------------------------------


def operation_config(operation: Operation, nodes: list[Node], places: dict[int, list]) -> dict[str, Any]:
    """Return the config of a layer or op of a graph, with its calls.

    Args:
        operation: A layer or an :class:`OpCall`.
        nodes: Its calls in the graph.
        places: Origin of each tensor: dict from ``id(tensor)`` to ``[operation name, call index, output index]``.

    Raises:
        InvalidArgumentError: If the op cannot be saved.
    """
    if isinstance(operation, InputLayer):
        return {**serialization.serialize(operation), "name": operation.name, "inbound_nodes": []}
    if isinstance(operation, OpCall):
        return _op_config(operation, nodes[0], places)
    calls = [{"args": with_places(list(node.args), places), "kwargs": with_places(node.kwargs, places)} for node in nodes]
    return {**serialization.serialize(operation), "name": operation.name, "inbound_nodes": calls}


def _op_config(operation: OpCall, node: Node, places: dict[int, list]) -> dict[str, Any]:
    if operation.op not in _HOMES:
        raise InvalidArgumentError(
            f"The model contains a call of the op `{operation.op.__name__}`.",
            "Only ops that Keras's file format supports can be saved.",
            "Move the call into the `call` method of a custom layer.",
        )
    module, class_name = _HOMES[operation.op]
    arguments = inspect.signature(operation.op).bind(*node.args, **node.kwargs).arguments
    called, config = [], {}
    named = arguments.pop("axes_lengths", {})  # of `rearrange`, the only op with `**kwargs`
    for name, value in arguments.items():
        if name == "operands":  # of `einsum`, the only op with `*args`
            called.extend(value)
        elif name in _call_parameters(operation.op):
            called.append(value)
        else:
            config[name] = with_places(value, places)
    return {
        "module": f"keras.src.ops.{module}",
        "class_name": class_name,
        "config": {"name": operation.name, **config},
        "registered_name": class_name,
        "name": operation.name,
        "inbound_nodes": [{"args": with_places(called, places), "kwargs": named}],
    }


def _call_parameters(op: Callable) -> list[str]:
    """Return the parameters of an op that are stored as call arguments and not in the config, in order."""
    names = list(inspect.signature(op).parameters)
    more = _MORE_CALLED_WITH.get(op, ())
    return [name for name in names if name in _CALLED_WITH or name in more or (name == names[0] and op is not ops.einsum)]


def operation_from(entry: dict[str, Any]) -> Any:
    """Create the layer or op of a config.

    Returns:
        A layer, or a function of the call arguments.

    Raises:
        ModelFormatError: If the config is invalid.
        UnsafeModelError: If it names something that a file must not name.
    """
    if not str(entry.get("module")).startswith("keras.src.ops."):
        return layer_from(entry)
    home = (str(entry["module"]).rpartition(".")[2], str(entry.get("class_name")))
    if home not in OPS:
        raise UnsafeModelError(
            f"The config names the op {home[1]!r} (module {entry['module']!r}).",
            "It is not one of the ops that a config may name.",
            did_you_mean(home[1], [name for _, name in OPS]) or "Save the model without it.",
        )
    return _op_from(OPS[home], entry)


def _op_from(op: Callable, entry: dict[str, Any]) -> Callable:
    config = {name: value_from(value) for name, value in entry["config"].items() if name != "name"}
    operation = OpCall(op, str(entry["name"]))

    def call(*args: Any, **kwargs: Any) -> Any:
        if op is ops.einsum:
            args, named = (config["subscripts"], *args), kwargs
        else:
            args, named = (), {**config, **dict(zip(_call_parameters(op), args, strict=False)), **kwargs}
        return graph.record(operation, args, named, operation.compute_output_spec(*args, **named))

    return call


def layer_from(entry: Any, kind: str | tuple[str, ...] = ("layers", "models")) -> Any:
    """Create the layer, or a user's ``Operation``, of a config. Errors name the layer.

    Args:
        entry: The config.
        kind: Names of the registry tables that the config may refer to.

    Raises:
        ModelFormatError: If the config is invalid.
        UnsafeModelError: If it names something that a file must not name.
    """
    with config_errors(entry):
        layer = serialization.deserialize(entry, kind=kind)
    if not isinstance(layer, SomeOperation):
        raise unusable(entry, f"it is a {type(layer).__name__}, where a layer was expected")
    return layer


@contextlib.contextmanager
def config_errors(entry: Any) -> Iterator[None]:
    """Convert any exception raised inside the context to a ``ModelFormatError`` that names the object of the config.

    A config may contain anything, so creating an object from it may fail in any way.

    Args:
        entry: The config.
    """
    try:
        yield
    except Exception as error:
        raise unusable(entry, error) from error


def unusable(entry: Any, reason: str | Exception) -> ModelFormatError:
    """Return the error for a config from which no layer or model can be created.

    Args:
        entry: The config.
        reason: The reason, as a string or an exception.
    """
    name = class_name = None
    if isinstance(entry, dict):
        inner = entry.get("config")
        name = entry.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
        class_name = entry.get("class_name")
    if isinstance(reason, ModelFormatError):
        if f"{name!r}" in reason.received:
            return reason
        return type(reason)(f"In {name!r} ({class_name}): {reason.received}", reason.expected, reason.hint)
    why = str(reason) if isinstance(reason, (str, CornuError)) else f"{type(reason).__name__}: {reason}"
    return ModelFormatError(
        f"The config of {name!r} ({class_name}) cannot be used: {why[:500].rstrip('.')}.",
        "It must be the config of a layer as Keras and Cornu write it.",
        "Its class has changed since, or the file is damaged, was edited, or was written by another version.",
    )


def check_arguments(layer: Layer, args: list, kwargs: dict[str, Any]) -> None:
    """Check that a layer accepts the arguments of a call; a symbolic call would only fail when the model runs.

    Raises:
        TypeError: If the layer does not accept them.
    """
    named = {name: value for name, value in kwargs.items() if name not in ("training", "mask")}
    inspect.signature(layer.call).bind(*args, **named)


# --- Values in calls --------------------------------------------------------------------------------------------------


def with_places(tree: Any, places: dict[int, list]) -> Any:
    """Return the arguments of a call in a serializable form, with each tensor replaced by its origin."""
    if symbolic_tensor.is_symbolic(tree):
        config = {"shape": list(tree.shape), "dtype": tree.dtype, "keras_history": places[id(tree)]}
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(tree, dict):
        return {name: with_places(value, places) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [with_places(value, places) for value in tree]
    if backends.owner(tree) is not None and np.ndim(tree) > 0:  # a constant of the graph, whatever the engine
        tree = ops.convert_to_numpy(tree)
    return serialization.serialize(tree)


def value_from(tree: Any, tensors: dict[tuple, SymbolicTensor] | None = None) -> Any:
    """Restore the arguments serialized by :func:`with_places`. Lists without tensors become tuples.

    Args:
        tree: Serialized values.
        tensors: Dict from origin to tensor.
    """
    if isinstance(tree, dict):
        form, config = tree.get("class_name"), tree.get("config", {})
        if form == "__keras_tensor__":
            return (tensors or {})[tuple(config["keras_history"])]
        if form in ("__numpy__", "__tensor__"):
            return serialization.array_from(config)
        if form in ("__slice__", "__ellipsis__", "__bytes__"):
            return serialization.deserialize(tree)
        return {name: value_from(value, tensors) for name, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        values = [value_from(value, tensors) for value in tree]
        return values if symbolic_tensor.symbolic_leaves(values) else tuple(values)
    return tree


def places_in(tree: Any) -> list[tuple]:
    """Return the origins of all tensors among the serialized arguments of a call."""
    if isinstance(tree, dict):
        if tree.get("class_name") == "__keras_tensor__":
            return [tuple(tree["config"]["keras_history"])]
        return [place for value in tree.values() for place in places_in(value)]
    if isinstance(tree, (list, tuple)):
        return [place for value in tree for place in places_in(value)]
    return []


def first_call(operation: Operation) -> int:
    """Return the number of the first call of a layer or op among the inputs and outputs of a config."""
    return operation.cornu_first_call if isinstance(operation, Layer) else 0


def tree_of_places(tree: Tree, places: dict[int, list]) -> Any:
    """Return the origins of a tree of tensors, with the calls of each operation counted from its :func:`first_call`."""

    def place_of(tensor: SymbolicTensor) -> list:
        name, number, index = places[id(tensor)]
        return [name, number + first_call(tensor.node.operation), index]  # type: ignore[union-attr]

    return trees.map(place_of, tree)


def tensors_at(places: Any, tensors: dict[tuple, SymbolicTensor], first_calls: dict[str, int]) -> Any:
    """Return the tensors for a tree of origins.

    Args:
        places: Tree of lists ``[operation name, call number, output index]``, as :func:`tree_of_places` returns it.
        tensors: Dict from name, call index (from 0) and output index to tensor.
        first_calls: Dict from the name of an operation to its :func:`first_call`.
    """
    if isinstance(places, dict):
        return {name: tensors_at(place, tensors, first_calls) for name, place in places.items()}
    if isinstance(places, list) and len(places) == 3 and isinstance(places[0], str):
        name, number, index = places
        # Files of Cornu 0.1 count all calls from 0.
        origin = (name, max(number - first_calls.get(name, 0), 0), index)
        if origin not in tensors:
            raise ModelFormatError(
                f"The config names the tensor {list(places)!r}.",
                "It is not an output of any call.",
                "The file is damaged or was edited.",
            )
        return tensors[origin]
    found = [tensors_at(place, tensors, first_calls) for place in places]
    return tuple(found) if isinstance(places, tuple) else found
