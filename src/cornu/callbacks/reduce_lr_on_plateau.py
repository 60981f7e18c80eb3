"""Callback that reduces the learning rate when a value has stopped improving."""

import inspect
from typing import Any

import numpy as np

from cornu.callbacks.monitor_callback import Monitor, learning_rate_of
from cornu.errors import InvalidTypeError, did_you_mean
from cornu.validation import invalid_value

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(Monitor):
    """Callback that multiplies the learning rate by a factor when a monitored value has not improved for a number of epochs.

        learning_rate = max(learning_rate * factor, min_lr)

    The learning rate with which an epoch was trained is added to its logs as ``learning_rate``.

    Args:
        monitor: String, name of the value in the logs. Defaults to ``"val_loss"``.
        factor: Float less than 1 by which the learning rate is multiplied. Defaults to 0.1.
        patience: Integer, number of epochs without improvement after which the learning rate is reduced. Defaults to 10.
        verbose: 0 for no output, or 1 to print a message for each change. Defaults to 0.
        mode: String: ``"min"`` if smaller values are better, ``"max"`` if larger values are, or ``"auto"`` to infer it from the
            metric or its name. Defaults to ``"auto"``.
        min_delta: Float, minimum change that counts as an improvement. Defaults to 1e-4.
        cooldown: Integer, number of epochs after a change during which epochs without improvement are not counted. Defaults
            to 0.
        min_lr: Float, lower bound of the learning rate. Defaults to 0.
        **kwargs: Not supported; unknown arguments raise an error.

    Raises:
        InvalidArgumentError: If ``factor`` is not less than 1.
        InvalidTypeError: If there is an unknown argument.

    Example:
        >>> from cornu.callbacks import ReduceLROnPlateau
        >>> reduce_lr = ReduceLROnPlateau("val_loss", factor=0.2, patience=5, min_lr=1e-5)
        >>> # model.fit(x, y, validation_split=0.2, epochs=100, callbacks=[reduce_lr])
    """

    without_value = "the learning rate is not reduced"

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(monitor=monitor, mode=mode, min_delta=min_delta)
        _check_unknown_arguments(kwargs)
        if factor >= 1:
            raise invalid_value(self, "factor", factor, "less than 1", 0.1)
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Reset the state, and check that the optimizer has a learning rate that can be set."""
        self._reset()
        self.model.optimizer.learning_rate = learning_rate_of(self)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Reduce the learning rate if the monitored value has not improved for ``patience`` epochs."""
        rate = learning_rate_of(self)
        if logs is not None:
            logs["learning_rate"] = rate
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_better(current, self.best):
            self.best, self.wait = current, 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and rate > np.float32(self.min_lr):
                self._reduce(epoch, rate)

    def _reduce(self, epoch: int, rate: float) -> None:
        rate = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = rate
        self.cooldown_counter, self.wait = self.cooldown, 0
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.")

    def in_cooldown(self) -> bool:
        """Return whether the callback is in the cooldown period after a change."""
        return self.cooldown_counter > 0


def _check_unknown_arguments(kwargs: dict[str, Any]) -> None:
    known = list(inspect.signature(ReduceLROnPlateau.__init__).parameters)[1:-1]
    for name in kwargs:
        raise InvalidTypeError(
            f"`ReduceLROnPlateau` received an unknown argument `{name}`.",
            f"The valid arguments are {', '.join(known)}.",
            "It is now named `min_delta`." if name == "epsilon" else did_you_mean(name, known) or "Remove the argument.",
        )
