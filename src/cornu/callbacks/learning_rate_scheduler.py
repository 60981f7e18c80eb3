"""Callback that sets the learning rate of each epoch."""

import inspect
import numbers
from collections.abc import Callable

import numpy as np

from cornu.callbacks.monitor_callback import learning_rate_of
from cornu.errors import InvalidTypeError, returned_none
from cornu.training.callback import Callback

__all__ = ["LearningRateScheduler"]


class LearningRateScheduler(Callback):
    """Callback that sets the learning rate at the beginning of each epoch and adds it to the logs as ``learning_rate``.

    Args:
        schedule: Function ``(epoch, learning_rate) -> learning_rate`` or ``(epoch) -> learning_rate``. Epochs are counted
            from 0.
        verbose: 0 for no output, or 1 to print the learning rate of each epoch. Defaults to 0.

    Raises:
        InvalidTypeError: During training, if the function does not return a scalar.

    Example:
        >>> from cornu.callbacks import LearningRateScheduler
        >>> halving = LearningRateScheduler(lambda epoch, learning_rate: learning_rate / 2)
        >>> # model.fit(x, y, epochs=5, callbacks=[halving])
    """

    def __init__(self, schedule: Callable, verbose: int = 0):
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set the learning rate of the epoch."""
        current = learning_rate_of(self)
        found = self.schedule(epoch, current) if _accepts_learning_rate(self.schedule) else self.schedule(epoch)
        if found is None:
            raise returned_none(self.schedule, f"the learning rate of epoch {epoch}", "return learning_rate")
        if not isinstance(found, numbers.Real) and np.ndim(found) != 0:
            raise InvalidTypeError(
                f"The schedule of `LearningRateScheduler` returned {found!r} for epoch {epoch}.",
                "It must return a float.",
                "Check the return value of the function.",
            )
        self.model.optimizer.learning_rate = float(found)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(found)}.")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Add the learning rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = learning_rate_of(self)


def _accepts_learning_rate(function: Callable) -> bool:
    """Return whether a function accepts both the epoch and the learning rate."""
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    return True
