"""Callbacks: objects that monitor training, save models, adjust the learning rate or stop training."""

from cornu import namespaces, registry
from cornu.callbacks.backup_and_restore import *
from cornu.callbacks.callback_list import *
from cornu.callbacks.csv_logger import *
from cornu.callbacks.early_stopping import *
from cornu.callbacks.lambda_callback import *
from cornu.callbacks.learning_rate_scheduler import *
from cornu.callbacks.model_checkpoint import *
from cornu.callbacks.progbar_logger import *
from cornu.callbacks.reduce_lr_on_plateau import *
from cornu.callbacks.remote_monitor import *
from cornu.callbacks.swap_ema_weights import *
from cornu.callbacks.tensorboard import *
from cornu.callbacks.terminate_on_nan import *
from cornu.training.callback import Callback as Callback, History as History

__all__ = registry.exported_names(globals())

__getattr__ = namespaces.missing_names_of(__name__, __all__)
