"""Traversal of a layer: the layers inside it, at any depth, and their variables."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cornu.core import layer_errors
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_record import record_of
from cornu.core.seed_generator import SeedGenerator
from cornu.core.variable import Variable
from cornu.errors import returned_none

_NOT_OWNED = ("_cornu", "_cornu_arguments", "_inbound_nodes")
"""Attributes whose contents do not belong to the layer."""


def owned(layer: LayerLike, kind: type) -> list:
    """Return the objects of a class among a layer's attributes, also in lists, tuples and dicts, each once, in order."""
    return list({id(leaf): leaf for leaf in _held(layer) if isinstance(leaf, kind)}.values())


def _held(layer: LayerLike) -> Iterator[Any]:
    """Yield the attributes of a layer, and in the place of lists, tuples and dicts what is in them."""
    for name, value in list(vars(layer).items()):  # another thread may set an attribute meanwhile
        if name in _NOT_OWNED:
            continue
        if isinstance(value, (list, tuple, dict)):
            yield from _contents(value)
        else:
            yield value


def metrics(layer: LayerLike) -> list:
    """Return the metrics among the attributes of a layer and of all layers inside it, each once."""
    found = {
        id(leaf): leaf for inner in flatten(layer) for leaf in _held(inner) if getattr(type(leaf), "cornu_is_metric", False)
    }
    return list(found.values())


def _contents(container: list | tuple | dict) -> Iterator[Any]:
    """Yield what a container holds, at any depth; dicts in their own order, as Keras tracks the layers in them."""
    for value in container.values() if isinstance(container, dict) else container:
        if isinstance(value, (list, tuple, dict)):
            yield from _contents(value)
        else:
            yield value


def own_variables(layer: LayerLike) -> list[Variable]:
    """Return the variables among a layer's attributes and those it created, the ones created as trainable first."""
    record = record_of(layer)
    made = [*record.trained, *record.state]
    found = {id(variable): variable for variable in [*made, *owned(layer, Variable)]}
    return sorted(found.values(), key=lambda variable: not variable.made_trainable)


def seed_states(layer: LayerLike) -> list[Variable]:
    """Return the states of the seed generators among a layer's attributes."""
    return [generator.state for generator in owned(layer, SeedGenerator)]


def seed_generators(layer: LayerLike) -> list[SeedGenerator]:
    """Return the seed generators among the attributes of a layer and of all layers inside it, each once."""
    found = [generator for inner in flatten(layer) for generator in owned(inner, SeedGenerator)]
    return list({id(generator): generator for generator in found}.values())


def flatten(layer: LayerLike) -> Iterator[Any]:
    """Yield the layer itself and all layers inside it, at any depth, each once."""
    seen: set[int] = set()
    stack = [layer]
    while stack:
        layer = stack.pop()
        if id(layer) not in seen:
            seen.add(id(layer))
            yield layer
            stack.extend(reversed(layer._cornu_sublayers()))


def collect(own: list[Variable], layer: LayerLike, inside: Callable[[Any], list[Variable]]) -> list[Variable]:
    """Return the variables of a layer and of the layers inside it, each once.

    Args:
        own: Variables owned by the layer itself.
        layer: The layer.
        inside: Callable that returns the variables of a layer inside it.
    """
    found = {id(variable): variable for variable in own}
    for inner in layer._cornu_sublayers():
        found.update((id(variable), variable) for variable in inside(inner))
    return list(found.values())


def regularization_losses(layer: LayerLike) -> list:
    """Return the penalties of the regularizers of a layer's trainable variables."""
    return [_penalty(each, each.regularizer) for each in layer.trainable_variables if each.regularizer is not None]


def _penalty(variable: Variable, regularizer: Callable) -> Any:
    """Return the penalty of the regularizer of a variable; raise an error that names the regularizer if it is None."""
    penalty = regularizer(variable.value)
    if penalty is None:
        raise returned_none(regularizer, f"the penalty of {variable.path!r}, a scalar", "return 0.01 * ops.sum(x**2)")
    return penalty


def set_weights(layer: LayerLike, weights: list) -> None:
    """Set the values of a layer's variables; change none if a shape or the number of arrays differs.

    Raises:
        ShapeError: If the number of arrays or a shape differs.
    """
    variables = layer.weights
    shapes = [tuple(np.shape(value)) for value in weights]
    expected = [variable.shape for variable in variables]
    if shapes != expected:
        raise layer_errors.wrong_weights(layer, shapes, expected)
    for variable, value in zip(variables, weights, strict=True):
        variable.assign(value)
