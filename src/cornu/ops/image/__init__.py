"""Image operations, under the names of ``keras.ops.image``."""

from cornu import namespaces, registry
from cornu.ops.image import bounding_boxes as bounding_boxes
from cornu.ops.image.color import *
from cornu.ops.image.cropping import *
from cornu.ops.image.filters import *
from cornu.ops.image.patches import *
from cornu.ops.image.resizing import *
from cornu.ops.image.sampling import *
from cornu.ops.image.warping import *

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
