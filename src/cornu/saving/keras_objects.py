"""Serialization of objects to configs in the format of Keras 3, and deserialization."""

from collections.abc import Mapping
from typing import Any

from cornu import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    registry,
    regularizers,
    serialization,
)

__all__ = ["deserialize_keras_object", "serialize_keras_object"]

_REGISTERING_MODULES = (activations, constraints, initializers, layers, losses, metrics, optimizers, regularizers)
"""Modules that register their objects when they are imported, which must happen before a file is read."""


def serialize_keras_object(obj: Any) -> Any:
    """Serialize an object to a config that can be written as JSON, in the format of Keras 3.

    Args:
        obj: Layer, loss, optimizer or other Keras object, a registered function, or a container of these.

    Returns:
        For an object or a function, a dict with the keys ``"module"``, ``"class_name"``, ``"config"`` and
        ``"registered_name"``; for a built model also ``"build_config"`` and, if it is compiled, ``"compile_config"``.

    Raises:
        InvalidTypeError: If the object cannot be serialized.

    Example:
        >>> from cornu import layers, saving
        >>> saving.serialize_keras_object(layers.Dense(3))["class_name"]
        'Dense'
    """
    return serialization.serialize(obj, activations_by_name=False)


def deserialize_keras_object(config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True) -> Any:
    """Create an object from a config returned by :func:`serialize_keras_object`.

    Args:
        config: Config, usually a dict, or the name of a custom object.
        custom_objects: Dict that maps names to custom classes or functions, such as ``{"MyLayer": MyLayer}``. Defaults to None.
        safe_mode: Accepted for compatibility with Keras; ignored. Cornu never runs code contained in a config.

    Returns:
        The deserialized object.

    Raises:
        UnsafeModelError: If the config refers to an object that is not registered.

    Example:
        >>> from cornu import layers, saving
        >>> config = saving.serialize_keras_object(layers.Dense(3, name="last"))
        >>> saving.deserialize_keras_object(config).name
        'last'
    """
    with registry.custom_object_scope(custom_objects):
        named = registry.get_registered_object(config) if isinstance(config, str) else None
        return serialization.deserialize(config) if named is None else named
