"""Placement of layers on backends and devices, and moving layers between them."""

from typing import Any

from cornu import backends, config
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
