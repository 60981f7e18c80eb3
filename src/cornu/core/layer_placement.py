"""Placement of layers on backends and devices, and moving layers between them."""

from typing import Any

from cornu import backends, config
from cornu.backends import layer_methods
from cornu.core import call_context, layer_tree, structure_fingerprint
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_record import record_of
from cornu.errors import BackendError


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


def follow_layers(layer: LayerLike) -> None:
    """Move a new layer to the backend and device of the layers inside it that have variables, if that is one."""
    places = {record_of(inner).placement for inner in _with_variables(layer)}
    if len(places) == 1 and (place := places.pop()) != record_of(layer).placement:
        move(layer, place)


def check_placement(layer: LayerLike, function: str) -> None:
    """Raise ``BackendError`` if layers inside a layer have their variables on another backend or device.

    Args:
        layer: The layer.
        function: Name of the function that the user called.
    """
    place = record_of(layer).placement
    other = next((inner for inner in _with_variables(layer) if _differ(record_of(inner).placement, place)), None)
    if other is not None:
        elsewhere = record_of(other).placement
        raise BackendError(
            f"`{function}` was called on {layer.name!r}, which is on {_described(place)}, while the layer {other.name!r} inside"
            f" it is on {_described(elsewhere)}.",
            "A model and its layers must be on one backend and device.",
            f"Move the whole model: `model.to_backend({elsewhere.backend!r})`.",
        )


def _with_variables(layer: LayerLike) -> list[Any]:
    """Return the layers inside a layer that own variables."""
    return [inner for inner in layer_tree.flatten(layer) if inner is not layer and layer_tree.own_variables(inner)]


def _differ(one: config.Placement, other: config.Placement) -> bool:
    """Return whether two placements are surely different: None for a device is the best one, which the other may name."""
    return one.backend != other.backend or (None not in (one.device, other.device) and one.device != other.device)


def _described(place: config.Placement) -> str:
    return place.backend if place.device is None else f"{place.backend}, {place.device}"
