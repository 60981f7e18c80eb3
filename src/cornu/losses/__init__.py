"""Loss functions and loss classes, which measure the error of predictions as a scalar that training minimizes."""

from cornu import namespaces, registry
from cornu.losses.crossentropy import *
from cornu.losses.ctc import *
from cornu.losses.lookup import *
from cornu.losses.loss import *
from cornu.losses.margin import *
from cornu.losses.metric_learning import *
from cornu.losses.overlap import *
from cornu.losses.probabilistic import *
from cornu.losses.regression import *

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
