"""Layers as JSON can hold them, and back."""

from collections.abc import Mapping
from typing import Any

from cornu import registry
from cornu.core.layer import Layer


def serialize(layer: Layer) -> dict[str, Any]:
    """A layer as a file holds it: its class by name, and its config. Its weights are not in it.

    Args:
        layer: The layer.

    Example:
        >>> from cornu import layers
        >>> form = layers.serialize(layers.Dense(3))
        >>> form["module"], form["class_name"], form["config"]["units"]
        ('keras.layers', 'Dense', 3)
    """
    return registry.serialize(layer)


def deserialize(config: dict[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """A new layer from what :func:`serialize` gave.

    Args:
        config: A dict with ``class_name`` and ``config``.
        custom_objects: Classes and functions of your own by name.

    Raises:
        UnsafeModelError: The config names something that is not in the table of what a config may name.

    Example:
        >>> from cornu import layers
        >>> layers.deserialize({"class_name": "Dense", "config": {"units": 3}}).units
        3
    """
    return registry.deserialize(config, "layers", custom_objects)
