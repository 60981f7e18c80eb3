"""Files: how models and weights are written and read, and the names that files may use.

A file is data only. It can name what stands in Cornu's own tables and what you registered here; it can never import a module,
run code, read another file or reach the network. Models are written by ``model.save`` and read by ``cornu.models.load_model``.
"""

from cornu import registry
from cornu.io.atomic import atomic_write as atomic_write
from cornu.registry import (
    custom_object_scope as custom_object_scope,
    register_keras_serializable as register_keras_serializable,
)
from cornu.saving.keras_objects import *

__all__ = registry.exported_names(globals())
