"""Utilities to test custom layers."""

from cornu import namespaces, registry
from cornu.testing.harness import *
from cornu.testing.layer_checks import *

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
