"""Neural network operations, under the names of ``keras.ops.nn``."""

from cornu import namespaces, registry
from cornu.ops.complex_numbers import polar as polar
from cornu.ops.manipulation import depth_to_space as depth_to_space, space_to_depth as space_to_depth
from cornu.ops.math import sigmoid as sigmoid
from cornu.ops.nn.activations import *
from cornu.ops.nn.attention import *
from cornu.ops.nn.convolution import *
from cornu.ops.nn.crossentropy import *
from cornu.ops.nn.ctc import *
from cornu.ops.nn.encoding import *
from cornu.ops.nn.normalization import *
from cornu.ops.nn.patches import *
from cornu.ops.nn.pooling import *
from cornu.ops.statistics import psnr as psnr

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
