"""Cloning of models: a new model with the same layers and new weights."""

from collections.abc import Callable
from typing import Any

from cornu import trees
from cornu.core import graph
from cornu.core.graph import OpCall
from cornu.core.input import Input, InputLayer
from cornu.core.layer import Layer
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError
from cornu.models.model import Model
from cornu.models.sequential import Sequential
from cornu.typing import Tree

__all__ = ["clone_model"]


def clone_model(
    model: Model,
    input_tensors: Tree = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable | None = None,
    recursive: bool = False,
) -> Model:
    """Create a model with the same layers and new weights. The clone of a compiled model is compiled.

    Args:
        model: Model to clone.
        input_tensors: Symbolic tensors to use as the inputs of the clone, with the structure of the model's inputs. Defaults
            to None (new inputs).
        clone_function: Function from a layer to the layer that replaces it. Defaults to creating a layer of the same
            config.
        call_function: Function called as ``(layer, *args, **kwargs)`` in place of the layer, for functional models. Defaults
            to None.
        recursive: Whether to clone nested models layer by layer instead of as a whole by ``clone_function``. Defaults to
            False.

    Returns:
        The clone.

    Raises:
        InvalidArgumentError: If an argument is not supported for this kind of model.

    Example:
        >>> import cornu
        >>> from cornu import layers
        >>> from cornu.models import clone_model
        >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="only")])
        >>> clone = clone_model(model)
        >>> clone.get_layer("only") is model.get_layer("only"), clone.output_shape
        (False, (None, 3))
    """
    _check(model, input_tensors, clone_function, call_function)
    _check_structure(model, input_tensors)
    cloner = _Cloner(clone_function or _same_again, call_function, recursive)
    if isinstance(model, Sequential):
        clone = cloner.sequential(model, input_tensors)
    elif model.cornu_graph is not None:
        clone = cloner.functional(model, input_tensors)
    else:
        clone = type(model).from_config(model.get_config())
    config = model.get_compile_config()
    if config is not None:
        clone.compile_from_config(config)
    return clone


def _check(model: Any, input_tensors: Tree, clone_function: Callable | None, call_function: Callable | None) -> None:
    """Raise ``InvalidArgumentError`` for arguments that ``clone_model`` does not support for this kind of model."""
    if not isinstance(model, Model):
        raise InvalidArgumentError(f"`clone_model` received {model!r}.", "`model` must be a model.", "Pass a `Model`.")
    if isinstance(model, Sequential) and call_function is not None:
        raise InvalidArgumentError(
            "`clone_model` received `call_function` for a `Sequential` model.",
            "`call_function` is supported for functional models only.",
            "Use `clone_function`, or create the model with `cornu.Model(inputs, outputs)`.",
        )
    if model.cornu_graph is None and not isinstance(model, Sequential) and (input_tensors or clone_function or call_function):
        raise InvalidArgumentError(
            f"`clone_model` received functions or tensors for the subclassed model {model.name!r}.",
            "The layers of a subclassed model and their calls are only known to its own code.",
            "Call `clone_model(model)` without them.",
        )


def _check_structure(model: Model, input_tensors: Tree) -> None:
    """Raise ``InvalidArgumentError`` unless the tensors have the structure of the model's inputs."""
    graph_of_layers = model.cornu_graph
    if input_tensors is None or graph_of_layers is None:
        return
    expected, given = _structure(graph_of_layers.inputs), _structure(input_tensors)
    if given != expected:
        raise InvalidArgumentError(
            f"`clone_model` received `input_tensors` of the structure {given}.",
            f"They must have the structure of the inputs of {model.name!r}: {expected}.",
            "Pass one tensor for each input, in the same lists and dicts.",
        )


def _structure(tree: Tree) -> Any:
    """Return a tree with `*` for each leaf; lists and tuples are alike, and a list of one tensor is like the tensor."""
    if isinstance(tree, (list, tuple)) and len(tree) == 1:
        return _structure(tree[0])
    if isinstance(tree, dict):
        return {name: _structure(tree[name]) for name in sorted(tree)}
    return [_structure(part) for part in tree] if isinstance(tree, (list, tuple)) else "*"


def _same_again(layer: Layer) -> Layer:
    """Create a layer of the same config."""
    return type(layer).from_config(layer.get_config())


class _Cloner:
    """Clones models; a layer that occurs several times has one clone."""

    def __init__(self, clone_function: Callable, call_function: Callable | None, recursive: bool):
        self._clone_function, self._call_function, self._recursive = clone_function, call_function, recursive
        self._clones: dict[int, Layer] = {}

    def sequential(self, model: Sequential, input_tensors: Tree) -> Model:
        """Return a clone of a sequential model."""
        clones = [self._clone_of(layer) for layer in model.layers]
        if input_tensors is not None:
            beginning = list(trees.leaves(input_tensors))
        else:
            beginning = [_same_input(tensor) for tensor in model.cornu_graph.input_tensors] if model.built else []
        return Sequential([*beginning, *clones], name=model.name, trainable=model.trainable)

    def functional(self, model: Model, input_tensors: Tree) -> Model:
        """Return a clone of a functional model."""
        source = model.cornu_graph
        inputs = trees.map(_same_input, source.inputs) if input_tensors is None else input_tensors
        tensors = source.in_order(inputs)
        outputs = graph.run(source.nodes, source.input_tensors, tensors, source.outputs, self._call)
        return Model(inputs, outputs, name=model.name, trainable=model.trainable)

    def _call(self, operation: Layer | OpCall, args: tuple, kwargs: dict) -> Any:
        if not isinstance(operation, Layer):
            return operation.op(*args, **kwargs)
        clone = self._clone_of(operation)
        return clone(*args, **kwargs) if self._call_function is None else self._call_function(clone, *args, **kwargs)

    def _clone_of(self, layer: Layer) -> Layer:
        if id(layer) not in self._clones:
            self._clones[id(layer)] = self._new(layer)
        return self._clones[id(layer)]

    def _new(self, layer: Layer) -> Layer:
        if self._recursive and isinstance(layer, Sequential):
            return self.sequential(layer, None)
        if self._recursive and isinstance(layer, Model) and layer.cornu_graph is not None:
            return self.functional(layer, None)
        return self._clone_function(layer)


def _same_input(tensor: SymbolicTensor) -> SymbolicTensor:
    """Create an input like a symbolic input, with the same name."""
    name = tensor.node.operation.name if tensor.node and isinstance(tensor.node.operation, InputLayer) else None
    optional = tensor.node is not None and getattr(tensor.node.operation, "optional", False)
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name, optional=optional)
