"""Saving and loading of models and weights, and registration of custom objects.

A file contains only data. It can refer to Cornu's own objects and to objects registered here; it can never import a module, run
code, read another file or access the network. Models are saved with ``model.save`` and loaded with ``cornu.models.load_model``.
"""

from cornu.io.atomic import atomic_write
from cornu.registry import custom_object_scope, register_keras_serializable
from cornu.saving.keras_objects import deserialize_keras_object, serialize_keras_object

__all__ = [
    "atomic_write",
    "custom_object_scope",
    "deserialize_keras_object",
    "register_keras_serializable",
    "serialize_keras_object",
]
