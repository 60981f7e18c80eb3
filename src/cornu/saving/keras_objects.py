"""Objects as configs in Keras's form, and back."""

from collections.abc import Mapping
from typing import Any

from cornu import activations, constraints, initializers, layers, losses, metrics, optimizers, regularizers, serialization

__all__ = ["deserialize_keras_object", "serialize_keras_object"]

_FILL_THE_TABLES = (activations, constraints, initializers, layers, losses, metrics, optimizers, regularizers)
"""Imported so that the tables of what a file may name are full before a file is read."""


def serialize_keras_object(obj: Any) -> Any:
    """A layer, loss, optimizer or other object as plain values that JSON can hold, in Keras 3's form.

    Args:
        obj: The object, a registered function, or a container of such.

    Returns:
        ``{"module", "class_name", "config", "registered_name"}`` for an object.

    Raises:
        InvalidTypeError: There is no such form for it.

    Example:
        >>> from cornu import layers, saving
        >>> saving.serialize_keras_object(layers.Dense(3))["class_name"]
        'Dense'
    """
    return serialization.serialize(obj)


def deserialize_keras_object(config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True) -> Any:
    """The object that :func:`serialize_keras_object` made plain values of.

    Args:
        config: The plain values.
        custom_objects: Names of your own: ``{"MyLayer": MyLayer}``.
        safe_mode: Kept for Keras's sake. Cornu never runs code that stands in a config, whatever it says.

    Returns:
        The object.

    Raises:
        UnsafeModelError: The config names something that is in no table.

    Example:
        >>> from cornu import layers, saving
        >>> config = saving.serialize_keras_object(layers.Dense(3, name="last"))
        >>> saving.deserialize_keras_object(config).name
        'last'
    """
    return serialization.deserialize(config, custom_objects=custom_objects)
