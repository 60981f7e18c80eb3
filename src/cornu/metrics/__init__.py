"""Metrics, which evaluate a model and are accumulated over batches."""

from cornu import namespaces, registry
from cornu.losses import (
    binary_crossentropy as binary_crossentropy,
    binary_focal_crossentropy as binary_focal_crossentropy,
    categorical_crossentropy as categorical_crossentropy,
    categorical_focal_crossentropy as categorical_focal_crossentropy,
    categorical_hinge as categorical_hinge,
    hinge as hinge,
    huber as huber,
    kl_divergence as kl_divergence,
    log_cosh as log_cosh,
    mean_absolute_error as mean_absolute_error,
    mean_absolute_percentage_error as mean_absolute_percentage_error,
    mean_squared_error as mean_squared_error,
    mean_squared_logarithmic_error as mean_squared_logarithmic_error,
    poisson as poisson,
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
    squared_hinge as squared_hinge,
)
from cornu.metrics.auc import *
from cornu.metrics.classification import *
from cornu.metrics.confusion import *
from cornu.metrics.correlation import *
from cornu.metrics.fscore import *
from cornu.metrics.iou import *
from cornu.metrics.lookup import *
from cornu.metrics.margin import *
from cornu.metrics.metric import *
from cornu.metrics.probabilistic import *
from cornu.metrics.reduction import *
from cornu.metrics.regression import *

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
