"""Functions on arrays of any backend, with the names, arguments and defaults of ``keras.ops``.

The array decides where it is computed (see ``dispatch.py``).
"""

from cornu import namespaces, registry
from cornu.ops import image as image, linalg as linalg, nn as nn, random as random
from cornu.ops.axis_patterns import *
from cornu.ops.bits import *
from cornu.ops.complex_numbers import *
from cornu.ops.control_flow import *
from cornu.ops.conversion import *
from cornu.ops.creation import *
from cornu.ops.fft import *
from cornu.ops.gradients import *
from cornu.ops.indexing import *
from cornu.ops.linalg import *
from cornu.ops.logic import *
from cornu.ops.manipulation import *
from cornu.ops.mapping import *
from cornu.ops.math import *
from cornu.ops.nan_reductions import *
from cornu.ops.nn import *
from cornu.ops.reductions import *
from cornu.ops.segments import *
from cornu.ops.sets import *
from cornu.ops.sorting import *
from cornu.ops.special import *
from cornu.ops.statistics import *
from cornu.ops.trigonometry import *
from cornu.ops.window_functions import *
from cornu.ops import numpy as numpy

__all__ = registry.exported_names(globals(), "image", "linalg", "nn", "numpy", "random")

__getattr__ = namespaces.missing_names_of(__name__, __all__)
