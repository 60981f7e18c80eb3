"""Models: ``Model``, ``Sequential``, saving, loading and cloning."""

from cornu import namespaces, registry
from cornu.models.cloning import *
from cornu.models.distillation import distiller as distiller  # not exported, but files may name it
from cornu.models import feature_space as feature_space  # not exported, but files may name it
from cornu.models.load import *
from cornu.models.model import *
from cornu.models.save import *
from cornu.models.sequential import *

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
