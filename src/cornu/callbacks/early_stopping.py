"""Ending training when a value has stopped becoming better."""

from typing import Any

from cornu.callbacks.monitor_callback import Monitor


class EarlyStopping(Monitor):
    """Ends training when a watched value has not become better for some epochs.

    Args:
        monitor: Name of the value in the logs.
        min_delta: How much better a value must be to count as better.
        patience: For how many epochs to wait for a better value.
        verbose: 1 tells when training ends.
        mode: ``"min"``, ``"max"``, or ``"auto"``: known from the metric or its name.
        baseline: A value that must be beaten too; until it is, becoming better does not end the waiting.
        restore_best_weights: Whether the model ends with the weights of its best epoch instead of its last.
        start_from_epoch: How many epochs pass before the value is watched.

    Example:
        >>> from cornu.callbacks import EarlyStopping
        >>> stopping = EarlyStopping("val_accuracy", patience=3, restore_best_weights=True)
        >>> # model.fit(x, y, validation_split=0.2, epochs=100, callbacks=[stopping])
    """

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
        self._start()

    def _start(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best: float | None = None
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forgets an earlier training."""
        self._start()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Looks at the value."""
        current = self.value_in(logs, "training will not end early")
        if current is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)  # without any better epoch, the first one is the best
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
        """Gives the model its best weights, if that is wanted."""
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                print(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
