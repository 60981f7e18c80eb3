"""Callback defined by functions."""

from collections.abc import Callable
from typing import Any

from cornu.errors import InvalidTypeError, did_you_mean
from cornu.training.callback import Callback

__all__ = ["LambdaCallback"]

_EVENTS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class LambdaCallback(Callback):
    """Callback that calls functions during training.

    Args:
        on_epoch_begin: Function ``(epoch, logs)``, called at the beginning of each epoch. Defaults to None.
        on_epoch_end: Function ``(epoch, logs)``, called at the end of each epoch. Defaults to None.
        on_train_begin: Function ``(logs)``, called at the beginning of training. Defaults to None.
        on_train_end: Function ``(logs)``, called at the end of training. Defaults to None.
        on_train_batch_begin: Function ``(batch, logs)``, called at the beginning of each batch. Defaults to None.
        on_train_batch_end: Function ``(batch, logs)``, called at the end of each batch. Defaults to None.
        **kwargs: Functions for other methods of :class:`Callback`, by the names of the methods.

    Raises:
        InvalidTypeError: If :class:`Callback` has no method of such a name.

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
        self._functions = {name: function for name, function in {**named, **kwargs}.items() if function is not None}
        for name, function in self._functions.items():
            if name not in _EVENTS:
                raise InvalidTypeError(
                    f"`LambdaCallback` received an unknown argument `{name}`.",
                    f"The valid arguments are {', '.join(_EVENTS)}.",
                    did_you_mean(name, _EVENTS) or "Use one of these names.",
                )
            setattr(self, name, function)

    def wants_batches(self) -> bool:
        """Return whether any of the functions is called for batches."""
        return any("batch" in name for name in self._functions)
