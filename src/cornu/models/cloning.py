"""A second model of the same layers, with weights of its own."""

from collections.abc import Callable
from typing import Any

from cornu import trees
from cornu.core import graph
from cornu.core.input import Input, InputLayer
from cornu.core.layer import Layer
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import InvalidArgumentError
from cornu.models.model import Model
from cornu.models.sequential import Sequential

__all__ = ["clone_model"]


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable | None = None,
    recursive: bool = False,
) -> Model:
    """Makes a model of the same layers, with new weights. If the model is compiled, so is the clone.

    Args:
        model: The model.
        input_tensors: Symbolic tensors for the clone to begin with, in the form of the model's inputs; new ones by default.
        clone_function: Gives the layer to put in the place of a layer; by default a new one of the same config.
        call_function: Called as ``(layer, *args, **kwargs)`` in place of the layer, for models with a graph.
        recursive: Whether nested models are cloned layer by layer too, instead of by ``clone_function`` as a whole.

    Returns:
        The clone.

    Raises:
        InvalidArgumentError: An argument does not go with this kind of model.

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


def _check(model: Any, input_tensors: Any, clone_function: Any, call_function: Any) -> None:
    if not isinstance(model, Model):
        raise InvalidArgumentError(f"`clone_model` was given {model!r}.", "It clones models.", "Pass a `Model`.")
    if isinstance(model, Sequential) and call_function is not None:
        raise InvalidArgumentError(
            "`clone_model` was given `call_function` for a `Sequential` model.",
            "Its layers are listed and not called.",
            "Use `clone_function`, or make a model with `cornu.Model(inputs, outputs)`.",
        )
    if model.cornu_graph is None and not isinstance(model, Sequential) and (input_tensors or clone_function or call_function):
        raise InvalidArgumentError(
            f"`clone_model` was given functions or tensors for the subclassed model {model.name!r}.",
            "Its layers and their calls are hidden in its code.",
            "Call `clone_model(model)` alone.",
        )


def _same_again(layer: Layer) -> Layer:
    return type(layer).from_config(layer.get_config())


class _Cloner:
    """Clones models; a layer that is met twice has one clone."""

    def __init__(self, clone_function: Callable, call_function: Callable | None, recursive: bool):
        self._clone_function, self._call_function, self._recursive = clone_function, call_function, recursive
        self._clones: dict[int, Layer] = {}

    def sequential(self, model: Sequential, input_tensors: Any) -> Model:
        clones = [self._clone_of(layer) for layer in model.layers]
        if input_tensors is not None:
            beginning = list(trees.leaves(input_tensors))
        else:
            beginning = [_same_input(tensor) for tensor in model.cornu_graph.input_tensors] if model.built else []
        return Sequential([*beginning, *clones], name=model.name, trainable=model.trainable)

    def functional(self, model: Model, input_tensors: Any) -> Model:
        source = model.cornu_graph
        inputs = trees.map(_same_input, source.inputs) if input_tensors is None else input_tensors
        tensors = trees.leaves(inputs)
        outputs = graph.run(source.nodes, source.input_tensors, tensors, source.outputs, self._call)
        return Model(inputs, outputs, name=model.name, trainable=model.trainable)

    def _call(self, operation: Any, args: tuple, kwargs: dict) -> Any:
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
    name = tensor.node.operation.name if tensor.node and isinstance(tensor.node.operation, InputLayer) else None
    return Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=name)
