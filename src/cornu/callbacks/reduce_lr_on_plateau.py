"""Reduce the learning rate when a metric stops improving."""

import inspect
from typing import Any

import numpy as np

from cornu.callbacks.monitor_callback import Monitor, learning_rate_of
from cornu.errors import InvalidArgumentError, InvalidTypeError, did_you_mean


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by a factor when a watched value has not become better for some epochs.

    The logs of the epoch hold the learning rate it was trained with as ``learning_rate``.

    Args:
        monitor: Name of the value in the logs.
        factor: What the learning rate is multiplied by, below 1.
        patience: For how many epochs to wait for a better value.
        verbose: 1 tells each change.
        mode: ``"min"``, ``"max"``, or ``"auto"``: known from the metric or its name.
        min_delta: How much better a value must be to count as better.
        cooldown: For how many epochs after a change not to count.
        min_lr: The smallest learning rate.
        **kwargs: Nothing: other names are an error.

    Raises:
        InvalidArgumentError: The factor is not below 1.
        InvalidTypeError: There is no argument of that name.

    Example:
        >>> from cornu.callbacks import ReduceLROnPlateau
        >>> slower = ReduceLROnPlateau("val_loss", factor=0.2, patience=5, min_lr=1e-5)
        >>> # model.fit(x, y, validation_split=0.2, epochs=100, callbacks=[slower])
    """

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
        _refuse(kwargs)
        if factor >= 1:
            raise InvalidArgumentError(
                f"`ReduceLROnPlateau` was given factor={factor}.", "It must be below 1.", "Pass `factor=0.1`."
            )
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self._start()

    def _start(self) -> None:
        self.best: float | None = None
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forgets an earlier training."""
        self._start()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Looks at the value."""
        rate = learning_rate_of(self.model)
        if logs is not None:
            logs["learning_rate"] = rate
        current = self.value_in(logs, "the learning rate stays as it is")
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
        """Whether a change was made so lately that epochs do not count yet."""
        return self.cooldown_counter > 0


def _refuse(kwargs: dict[str, Any]) -> None:
    known = list(inspect.signature(ReduceLROnPlateau.__init__).parameters)[1:-1]
    for name in kwargs:
        raise InvalidTypeError(
            f"`ReduceLROnPlateau` was given an argument `{name}`.",
            f"Its arguments are {', '.join(known)}.",
            "Its name is `min_delta` now." if name == "epsilon" else did_you_mean(name, known) or "Leave it out.",
        )
