"""Serialization of layers to JSON-compatible dicts, and deserialization."""

from collections.abc import Mapping
from typing import Any

from cornu import serialization
from cornu.core.layer import Layer

__all__ = ["deserialize", "serialize"]


def serialize(layer: Layer) -> dict[str, Any]:
    """Return a layer as a JSON-compatible dict: the name of its class and its config, without weights.

    Args:
        layer: Layer to serialize.

    Example:
        >>> from cornu import layers
        >>> form = layers.serialize(layers.Dense(3))
        >>> form["module"], form["class_name"], form["config"]["units"]
        ('keras.layers', 'Dense', 3)
    """
    return serialization.serialize(layer)


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """Create a layer from a dict returned by :func:`serialize`.

    Args:
        config: Dict with the keys ``class_name`` and ``config``.
        custom_objects: Dict of custom classes and functions by name. Defaults to None.

    Raises:
        UnsafeModelError: If the config refers to an object that is not registered.

    Example:
        >>> from cornu import layers
        >>> layers.deserialize({"class_name": "Dense", "config": {"units": 3}}).units
        3
    """
    return serialization.deserialize(config, "layers", custom_objects)
