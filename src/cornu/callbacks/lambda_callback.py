"""Callback defined by functions."""

from collections.abc import Callable
from typing import Any

from cornu.errors import did_you_mean, warn
from cornu.training.callback import EVENTS, Callback

__all__ = ["LambdaCallback"]


class LambdaCallback(Callback):
    """Callback that calls functions during training.

    Args:
        on_epoch_begin: Function ``(epoch, logs)``, called at the beginning of each epoch. Defaults to None.
        on_epoch_end: Function ``(epoch, logs)``, called at the end of each epoch. Defaults to None.
        on_train_begin: Function ``(logs)``, called at the beginning of training. Defaults to None.
        on_train_end: Function ``(logs)``, called at the end of training. Defaults to None.
        on_train_batch_begin: Function ``(batch, logs)``, called at the beginning of each batch. Defaults to None.
        on_train_batch_end: Function ``(batch, logs)``, called at the end of each batch. Defaults to None.
        **kwargs: Functions for other methods of :class:`Callback`, by the names of the methods, and other attributes. A name
            that resembles that of a method is warned about.

    Example:
        >>> from cornu.callbacks import LambdaCallback
        >>> print_loss = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> # model.fit(x, y, callbacks=[print_loss])
    """

    def __init__(
        self,
        on_epoch_begin: Callable | None = None,
        on_epoch_end: Callable | None = None,
        on_train_begin: Callable | None = None,
        on_train_end: Callable | None = None,
        on_train_batch_begin: Callable | None = None,
        on_train_batch_end: Callable | None = None,
        **kwargs: Any,
    ):
        super().__init__()
        named = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in {**named, **kwargs}.items():
            if not hasattr(Callback, name) and (hint := did_you_mean(name, EVENTS)):
                warn(f"`LambdaCallback` received `{name}`, which is not a method of callbacks and will not be called. {hint}")
            if function is not None:
                setattr(self, name, function)
