"""Placement of layers on backends and devices, and moving layers between them."""

from typing import Any

from cornu import backends, config
from cornu.backends import layer_methods
from cornu.core import call_context, layer_tree, structure_fingerprint
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_record import record_of


def placement_of(layer: LayerLike) -> config.Placement:
    """Return the backend and device that a layer computes on: its own, or those of the running call if that overrides them."""
    context = call_context.current()
    if context is None or context.backend_name is None:
        return record_of(layer).placement
    return config.Placement(context.backend_name, config.device(context.backend_name))


def backend_of(layer: LayerLike) -> Any:
    """Return the backend that a layer computes on."""
    return backends.get(placement_of(layer).backend)


def engine_attribute(layer: LayerLike, name: str) -> Any:
    """Return the attribute of this name that layers have on the engine of a layer (see ``backends/layer_methods.py``).

    Raises:
        AttributeError: If there is none.
    """
    if any(
        name in vars(kind) for kind in type(layer).__mro__
    ):  # a property of this name raised an AttributeError, which says more
        return object.__getattribute__(layer, name)
    record = vars(layer).get("_cornu")
    if record is None:  # the constructor of the base class has not run
        raise AttributeError(f"{type(layer).__name__!r} object has no attribute {name!r}", name=name, obj=layer)
    return layer_methods.attribute(layer, backends.get(record.placement.backend), name)


def move(layer: LayerLike, placement: config.Placement) -> None:
    """Move a layer, all layers inside it and all their variables to a backend and device."""
    layers = list(layer_tree.flatten(layer))
    for inner in layers:
        record_of(inner).placement = placement
    structure_fingerprint.attribute_set("placement")
    for variable in [*layer.variables, *(held for metric in layer_tree.metrics(layer) for held in metric.variables)]:
        variable.to_backend(*placement)
    for inner in layers:
        inner._cornu_after_move()
