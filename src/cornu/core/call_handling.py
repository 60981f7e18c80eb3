"""Processing of the arguments of a layer call before the call, and of its outputs after it."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from cornu import backends, ops, trees
from cornu.core import layer_errors, masks
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import placement_of
from cornu.core.layer_protocol import LayerLike
from cornu.errors import returned_none
from cornu.ops.dispatch import unwrap
from cornu.typing import Array, Tree


class ForeignTraceError(Exception):
    """Raised when a layer receives an array without values, because a function of another engine is being traced.

    ``layer_call.call`` catches it and calls the layer on that engine.

    Attributes:
        backend: Name of the backend of the array.
    """

    def __init__(self, backend: str):
        self.backend = backend
        super().__init__(backend)


def to_input(layer: LayerLike, value: Any) -> Any:
    """Convert an array argument to the backend and compute dtype of a layer; return other arguments unchanged.

    Strings stay as they are, for the layer inside that computes with them in Python.
    """
    given = value = unwrap(value)
    owner = backends.owner(value)
    if owner is None or isinstance(value, np.generic) or (owner == "numpy" and are_strings(value)):
        return value
    name = placement_of(layer).backend
    backend = backends.get(name)
    if owner != name:
        home = backends.home(value)
        if home.is_traced(value):
            raise ForeignTraceError(owner)
        if home.dtype(value) == "string":
            return home.to_numpy(value)
        value = backend.asarray(value)
    dtype = backend.dtype(value)
    if layer.autocast and "float" in dtype and dtype != layer.compute_dtype:
        value = backend.cast(value, layer.compute_dtype)
    return masks.carry_over(given, value)


def are_strings(array: np.ndarray) -> bool:
    """Return whether an array contains strings, of which NumPy has several dtypes."""
    kind = array.dtype.kind
    return kind in "UST" or (kind == "O" and all(isinstance(item, (str, bytes)) for item in array.flat))


def to_inputs(layer: LayerLike, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Convert the arrays among the arguments of a call, after checking that all positional arguments are tensors."""

    def convert(value: Any) -> Any:
        return to_input(layer, value)

    check_positional(layer, args)
    if layer.cornu_runs_on_host:
        return args, kwargs
    return trees.map(convert, args), trees.map(convert, kwargs) if kwargs else kwargs


def check_positional(layer: LayerLike, args: tuple) -> None:
    """Raise an error unless all positional arguments of a call are tensors or None, also in lists and dicts."""
    for place, argument in enumerate(args):
        for leaf in trees.leaves(argument):
            if not hasattr(leaf, "shape"):
                if place == 0:
                    raise layer_errors.no_arrays(layer, argument)
                names = [*parameters_of(type(layer)), *(f"args[{number}]" for number in range(len(args)))]
                raise layer_errors.not_positional(layer, names[place], leaf)


def to_layer_device(layer: LayerLike, arguments: Tree) -> Any:
    """Move the arrays of an outermost call to the device of the layer, if the layer was assigned one."""
    backend, device = placement_of(layer)
    if device is None:
        return arguments

    def moved(value: Any) -> Any:
        value = unwrap(value)
        if backends.owner(value) != backend:
            return value
        return masks.carry_over(value, backends.get(backend).to_device(value, device))

    return trees.map(moved, arguments)


@functools.cache
def parameters_of(kind: type) -> dict[str, Any]:
    """Return the parameters of a class's ``call``, in order, as a dict from name to default value."""
    parameters = list(inspect.signature(kind.call).parameters.values())[1:]
    return {parameter.name: parameter.default for parameter in parameters}


def name_training(layer: LayerLike, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Return the arguments with a positional ``training``, as in ``dropout(x, training)``, turned into a keyword argument."""
    names = list(parameters_of(type(layer)))
    place = names.index("training") if "training" in names else len(args)
    if place >= len(args):
        return args, kwargs
    named = dict(zip(names[place:], args[place:], strict=False))
    return args[:place], {**kwargs, **named}


def training_of(layer: LayerLike, context: CallContext, kwargs: dict) -> Any:
    """Return the training mode of a call: as passed by the caller, else that of the enclosing call, else the layer's default.

    Removes ``training`` from the arguments, since not every ``call`` accepts it.
    """
    given = kwargs.pop("training", None)
    if given is not None:
        return given
    default = parameters_of(type(layer)).get("training")
    return context.training if context.training is not None or default is inspect.Parameter.empty else default


def activity_loss(layer: LayerLike, context: CallContext, output: Array) -> Any:
    """Return the activity regularizer's penalty per sample, as in Keras: the penalty of the batch divided by the batch size."""
    count = output.shape[0] if len(output.shape) else 1
    count = 1 if count == 0 else count  # an empty batch has no penalty
    if context.sample_mask is not None:
        mask = ops.cast(context.sample_mask, backends.home(output).dtype(output))
        output = output * masks.expand_mask(mask, len(output.shape))
        count = ops.maximum(ops.sum(mask), 1)
    regularizer = cast(Callable, layer.activity_regularizer)
    penalty = regularizer(output)
    if penalty is None:
        expected = f"the penalty of the outputs of {layer.name!r}, a scalar"
        raise returned_none(regularizer, expected, "return 0.01 * ops.sum(x**2)")
    return penalty / count
