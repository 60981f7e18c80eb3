"""Changing the learning rate between epochs."""

import inspect
import numbers
from collections.abc import Callable

import numpy as np

from cornu.callbacks.monitor_callback import learning_rate_of
from cornu.errors import InvalidTypeError
from cornu.training.callback import Callback

__all__ = ["LearningRateScheduler"]


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch. The logs of the epoch hold it as ``learning_rate``.

    Args:
        schedule: Function ``(epoch, learning_rate) -> learning_rate`` or ``(epoch) -> learning_rate``; epochs count from 0.
        verbose: 1 tells each change.

    Raises:
        InvalidTypeError: When called: the function gives no number.

    Example:
        >>> from cornu.callbacks import LearningRateScheduler
        >>> halving = LearningRateScheduler(lambda epoch, learning_rate: learning_rate / 2)
        >>> # model.fit(x, y, epochs=5, callbacks=[halving])
    """

    def __init__(self, schedule: Callable, verbose: int = 0):
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Sets the learning rate of the epoch."""
        current = learning_rate_of(self.model)
        found = self.schedule(epoch, current) if _takes_two(self.schedule) else self.schedule(epoch)
        if not isinstance(found, numbers.Real) and np.ndim(found) != 0:
            raise InvalidTypeError(
                f"The schedule of `LearningRateScheduler` gave {found!r} for epoch {epoch}.",
                "It must give a number.",
                "Check what the function returns.",
            )
        self.model.optimizer.learning_rate = float(found)
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {float(found)}.")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Adds the learning rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = learning_rate_of(self.model)


def _takes_two(function: Callable) -> bool:
    """Whether a function takes the learning rate beside the epoch."""
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    return True
