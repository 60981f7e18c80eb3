"""Files: how models and weights are written and read, and the names that files may use.

A file is data only. It can name what stands in Cornu's own tables and what you registered here; it can never import a module,
run code, read another file or reach the network. Models are written by ``model.save`` and read by ``cornu.models.load_model``.
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
