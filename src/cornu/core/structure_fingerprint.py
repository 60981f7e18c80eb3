"""Whether layers still hold what they held: told in microseconds, so that ``predict`` can ask before every call.

Compiled functions are made for certain variables and layers, which a user may replace at any time: by an attribute, or inside
a list. Walking through all of them takes longer than predicting a picture.
"""

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from cornu.core import layer_tree

_PLAIN = (str, int, float, type(None))
"""Attributes that are compared by value."""

_BOOKKEEPING = ("_inbound_nodes", "_cornu", "_cornu_arguments", "_forward")
"""What ``Layer`` and ``Model`` note for themselves. A variable among it is an attribute, too, or was made in ``build``."""

_changes = itertools.count(1)
_latest = 0


def attribute_set(name: str) -> None:
    """Takes note that some layer was given an attribute."""
    global _latest
    if name not in _BOOKKEEPING:
        _latest = next(_changes)


class StructureFingerprint:
    """What a layer and all layers inside it hold now.

    Args:
        layer: The layer.
    """

    def __init__(self, layer: Any):
        self._latest = _latest
        layers = list(layer_tree.flatten(layer))
        inside = {id(inner) for inner in layers} | {id(variable) for variable in layer.variables}
        users = [value for inner in layers for name, value in vars(inner).items() if name not in _BOOKKEEPING]
        self._containers = [found for value in users if _is_container(value) for found in _containers(value, inside)]
        self._contents = self._read()
        parts = [value for inner in layers[1:] for value in vars(inner).values() if not isinstance(value, _PLAIN)]
        self._parts = [*layers, *layer.variables, *parts, *(inner._cornu.placement for inner in layers[1:])]
        self._plain = [
            (name, value)
            for inner in layers[1:]
            for name, value in vars(inner).items()
            if isinstance(value, _PLAIN) and name not in _BOOKKEEPING
        ]

    def holds(self) -> bool:
        """Whether no attribute of any layer was set since, and no list or dict that holds layers or variables has changed."""
        return self._latest == _latest and _same(self._read(), self._contents)

    def is_like(self, earlier: "StructureFingerprint") -> bool:
        """Whether it shows the same layers and variables as an earlier one, and inner layers with the same attributes.

        The attributes of the layer itself do not count: ``fit`` leaves its history in a model.
        """
        return self._plain == earlier._plain and _same(self._parts, earlier._parts)

    def _read(self) -> list:
        return [value for container in self._containers for value in container()]


def _same(some: list, others: list) -> bool:
    return len(some) == len(others) and all(map(operator.is_, some, others))


def _is_container(value: Any) -> bool:
    return isinstance(value, (list, tuple, dict))


def _containers(container: list | tuple | dict, wanted: set[int]) -> Iterator[Callable[[], Iterable]]:
    """Functions that give the contents of the lists and dicts, at any depth, in which something wanted is, or nothing yet."""
    values = list(container.values()) if isinstance(container, dict) else container
    if not isinstance(container, tuple) and (not values or any(id(value) in wanted for value in values)):
        yield container.values if isinstance(container, dict) else container.__iter__
    for value in values:
        if _is_container(value):
            yield from _containers(value, wanted)
