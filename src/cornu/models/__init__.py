"""Models: layers that are made of layers, and can be trained."""

from cornu import registry
from cornu.models.cloning import *
from cornu.models.load import *
from cornu.models.model import *
from cornu.models.save import *
from cornu.models.sequential import *

__all__ = registry.exported_names(globals())
