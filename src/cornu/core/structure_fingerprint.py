"""Fingerprint of a model's structure, to detect in microseconds whether layers or variables were replaced.

Compiled functions are built for specific variables and layers, which a user may replace at any time, by setting an attribute
or changing a list. ``predict`` therefore checks the structure before every call; traversing all layers would take longer than
predicting one image.
"""

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cornu.core import layer_tree, structure_changes
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_tree import PLAIN

_BOOKKEEPING = ("_inbound_nodes", "_cornu", "_cornu_arguments", "_forward")
"""Internal attributes of ``Layer`` and ``Model``. A variable in them is also an attribute, or was created in ``build``."""


def attribute_set(name: str) -> None:
    """Record that an attribute of some layer was set."""
    if name not in _BOOKKEEPING:
        structure_changes.record()


class StructureFingerprint:
    """Snapshot of the contents of a layer and all layers inside it.

    Args:
        layer: The layer.
    """

    def __init__(self, layer: LayerLike):
        self._latest = structure_changes.latest()
        layers = list(layer_tree.flatten(layer))
        inside = {id(inner) for inner in layers} | {id(variable) for variable in layer.variables}
        users = [value for inner in layers for name, value in list(vars(inner).items()) if name not in _BOOKKEEPING]
        self._containers = [found for value in users if _is_container(value) for found in _containers(value, inside)]
        self._contents = self._read()
        parts = [value for inner in layers[1:] for value in list(vars(inner).values()) if not isinstance(value, PLAIN)]
        self._parts = [*layers, *layer.variables, *parts, *(inner._cornu.placement for inner in layers[1:])]
        self._plain = [
            (name, value)
            for inner in layers[1:]
            for name, value in list(vars(inner).items())
            if isinstance(value, PLAIN) and name not in _BOOKKEEPING
        ]

    def holds(self) -> bool:
        """Return whether since then no attribute of any layer was set and no list or dict of layers or variables changed."""
        return self._latest == structure_changes.latest() and _same(self._read(), self._contents)

    def is_like(self, earlier: "StructureFingerprint") -> bool:
        """Return whether it has the same layers and variables as an earlier one, and inner layers with the same attributes.

        The attributes of the layer itself are ignored, since ``fit`` sets its history on the model.
        """
        return self._plain == earlier._plain and _same(self._parts, earlier._parts)

    def _read(self) -> list:
        return [value for container in self._containers for value in container()]


def _same(some: list, others: list) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))


def _is_container(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict))


def _containers(container: list | tuple | dict, wanted: set[int]) -> Iterator[Callable[[], Iterable]]:
    """Yield functions that return the contents of the lists and dicts, at any depth, that are empty or hold a wanted object."""
    values = list(container.values()) if isinstance(container, dict) else container
    if not isinstance(container, tuple) and (not values or any(id(value) in wanted for value in values)):
        yield container.values if isinstance(container, dict) else container.__iter__
    for value in values:
        if _is_container(value):
            yield from _containers(value, wanted)
