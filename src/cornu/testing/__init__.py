"""Utilities to test custom layers."""

from cornu import registry
from cornu.testing.harness import *
from cornu.testing.layer_checks import *

__all__ = registry.exported_names(globals())
