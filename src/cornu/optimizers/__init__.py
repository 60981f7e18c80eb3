"""Optimizers, which update weights to minimize the loss."""

from cornu import namespaces, registry
from cornu.optimizers import schedules as schedules
from cornu.optimizers.adadelta import *
from cornu.optimizers.adafactor import *
from cornu.optimizers.adagrad import *
from cornu.optimizers.adam import *
from cornu.optimizers.ftrl import *
from cornu.optimizers.lion import *
from cornu.optimizers.lookup import *
from cornu.optimizers.loss_scale_optimizer import *
from cornu.optimizers.multi_optimizer import *
from cornu.optimizers.muon import *
from cornu.optimizers.optimizer import *
from cornu.optimizers.rmsprop import *
from cornu.optimizers.schedule_free_adamw import *
from cornu.optimizers.sgd import *

__all__ = registry.exported_names(globals(), "schedules")

__getattr__ = namespaces.missing_names_of(__name__, __all__)
