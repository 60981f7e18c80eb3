"""Linear algebra: what Keras has in ``keras.ops.linalg``, and products of arrays."""

from cornu import namespaces, registry
from cornu.ops.gradients import jvp as jvp
from cornu.ops.linalg.decompositions import *
from cornu.ops.linalg.equations import *
from cornu.ops.linalg.norms import *
from cornu.ops.linalg.products import *

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
