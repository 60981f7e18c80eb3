"""Saving and loading of models and weights, and registration of custom objects.

A file contains only data. It can refer to Cornu's own objects and to objects registered here; it can never import a module, run
code, read another file or access the network. Models are saved with ``model.save`` and loaded with ``cornu.models.load_model``.
"""

from cornu import namespaces, registry
from cornu.io.atomic import atomic_write as atomic_write
from cornu.registry import (
    CustomObjectScope as CustomObjectScope,
    custom_object_scope as custom_object_scope,
    get_custom_objects as get_custom_objects,
    get_registered_name as get_registered_name,
    get_registered_object as get_registered_object,
    register_keras_serializable as register_keras_serializable,
)
from cornu.saving.keras_objects import *

__getattr__, __dir__, _from_models = namespaces.attach(__name__)  # which are of a higher tier

__all__ = [*registry.exported_names(globals()), *_from_models]
