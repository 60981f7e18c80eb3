"""A callback made of functions."""

from collections.abc import Callable
from typing import Any

from cornu.errors import InvalidTypeError, did_you_mean
from cornu.training.callback import Callback

__all__ = ["LambdaCallback"]

_EVENTS = tuple(name for name in vars(Callback) if name.startswith("on_"))


class LambdaCallback(Callback):
    """Calls functions at moments of training.

    Args:
        on_epoch_begin: Called as ``(epoch, logs)``.
        on_epoch_end: Called as ``(epoch, logs)``.
        on_train_begin: Called as ``(logs)``.
        on_train_end: Called as ``(logs)``.
        on_train_batch_begin: Called as ``(batch, logs)``.
        on_train_batch_end: Called as ``(batch, logs)``.
        **kwargs: The same for the other methods of :class:`Callback`, by their names.

    Raises:
        InvalidTypeError: A name is none of these.

    Example:
        >>> from cornu.callbacks import LambdaCallback
        >>> tell = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> # model.fit(x, y, callbacks=[tell])
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
        self._given = {name: function for name, function in {**named, **kwargs}.items() if function is not None}
        for name, function in self._given.items():
            if name not in _EVENTS:
                raise InvalidTypeError(
                    f"`LambdaCallback` was given `{name}`.",
                    f"Its arguments are {', '.join(_EVENTS)}.",
                    did_you_mean(name, _EVENTS) or "Use one of these names.",
                )
            setattr(self, name, function)

    def wants_batches(self) -> bool:
        """Whether one of the functions is for batches."""
        return any("batch" in name for name in self._given)
