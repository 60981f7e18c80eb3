"""Callback that stops training when a value has stopped improving."""

from typing import Any

from cornu.callbacks.monitor_callback import Monitor

__all__ = ["EarlyStopping"]


class EarlyStopping(Monitor):
    """Callback that stops training when a monitored value has not improved for a number of epochs.

    Args:
        monitor: String, name of the value in the logs. Defaults to ``"val_loss"``.
        min_delta: Float, minimum change that counts as an improvement. Defaults to 0.
        patience: Integer, number of epochs without improvement after which training stops. Defaults to 0.
        verbose: 0 for no output, or 1 to print a message when training stops. Defaults to 0.
        mode: String: ``"min"`` if smaller values are better, ``"max"`` if larger values are, or ``"auto"`` to infer it from the
            metric or its name. Defaults to ``"auto"``.
        baseline: Float that the value must also beat: until then an improvement does not reset the number of epochs without
            improvement. Defaults to None.
        restore_best_weights: Whether to restore the weights of the best epoch when training ends. Defaults to False, which
            keeps the weights of the last epoch.
        start_from_epoch: Integer, number of epochs before monitoring starts. Defaults to 0.

    Attributes:
        stopped_epoch: Index of the epoch after which training stopped, or 0.
        best_epoch: Index of the best epoch.

    Example:
        >>> from cornu.callbacks import EarlyStopping
        >>> stopping = EarlyStopping("val_accuracy", patience=3, restore_best_weights=True)
        >>> # model.fit(x, y, validation_split=0.2, epochs=100, callbacks=[stopping])
    """

    without_value = "training will not end early"

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ):
        super().__init__(monitor=monitor, mode=mode, min_delta=min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Reset the state."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Compare the monitored value with the best one, and stop training after ``patience`` epochs."""
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)  # if no epoch improves, the first one is the best
        self.wait += 1
        if self.is_better(current, self.best):
            self.best = current
            self._keep(epoch)
            if self.baseline is None or self.is_better(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep(self, epoch: int) -> None:
        self.best_epoch = epoch
        if self.restore_best_weights:
            self.best_weights = self.model.get_weights()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Restore the best weights if ``restore_best_weights`` is True."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
