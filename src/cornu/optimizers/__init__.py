"""Optimizers, which update weights to minimize the loss."""

from cornu import registry
from cornu.optimizers import schedules
from cornu.optimizers.adadelta import Adadelta
from cornu.optimizers.adagrad import Adagrad
from cornu.optimizers.adam import Adam, AdamW
from cornu.optimizers.adamax import Adamax
from cornu.optimizers.lion import Lion
from cornu.optimizers.lookup import deserialize, get, serialize
from cornu.optimizers.nadam import Nadam
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.rmsprop import RMSprop
from cornu.optimizers.sgd import SGD

_CLASSES = [SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax, Nadam, Lion]

registry.register("optimizers", _CLASSES, aliases={cls.__name__.lower(): cls for cls in _CLASSES})


__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
