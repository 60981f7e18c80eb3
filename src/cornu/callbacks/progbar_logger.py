"""Callback that displays the progress of a training loop."""

from typing import Any

from cornu.training.callback import Callback
from cornu.training.loop.progress import Progress

__all__ = ["ProgbarLogger"]


class ProgbarLogger(Callback):
    """Callback that displays the progress of training, evaluation and prediction, for custom training loops.

    ``fit``, ``evaluate`` and ``predict`` have a display without this callback; with it, they leave the display to it.

    Attributes:
        seen: Number of steps of the current pass so far.
        target: Number of steps of a pass, or None if it is unknown before the first one ends.
        epochs: Number of epochs.
        verbose: What is displayed, see ``fit``.

    Example:
        >>> from cornu.callbacks import CallbackList, ProgbarLogger
        >>> callbacks = CallbackList([ProgbarLogger()], epochs=1, steps=1, verbose=0)
        >>> callbacks.on_epoch_begin(0)
        >>> callbacks.on_train_batch_end(0, {"loss": 0.5})
        >>> callbacks.on_epoch_end(0, {"loss": 0.5})
    """

    shows_progress = True

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.target: int | None = None
        self.verbose = self.epochs = 1
        self._progress = Progress(0)
        self._is_training = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Set the parameters of the run, and the attributes that follow from them."""
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else verbose
        self.epochs, self.target = params.get("epochs", 1), params.get("steps")

    def _begin(self, heading: str) -> None:
        self.seen = 0
        self._progress = Progress(self.verbose)
        self._progress.begin(heading, self.target)

    def _update(self, batch: int, logs: dict) -> None:
        self.seen = batch + 1
        self._progress.update(self.seen, logs)

    def _end(self, logs: dict) -> None:
        self.target = self.seen if self.target is None else self.target
        self._progress.end(logs)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Show no progress of the validation from now on."""
        self._is_training = True

    def on_train_end(self, logs: dict | None = None) -> None:
        """Restore the terminal."""
        self._is_training = False
        self._progress.stop()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Start the display of an epoch."""
        self._begin(f"Epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Show the step and the logs."""
        self._update(batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """End the display of the epoch."""
        self._end(logs or {})

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Start the display of an evaluation."""
        if not self._is_training:
            self._begin("Evaluating")

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Show the step and the logs of an evaluation."""
        if not self._is_training:
            self._update(batch, logs or {})

    def on_test_end(self, logs: dict | None = None) -> None:
        """End the display of an evaluation."""
        if not self._is_training:
            self._end(logs or {})

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Start the display of a prediction."""
        self._begin("Predicting")

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Show the step of a prediction."""
        self._update(batch, {})

    def on_predict_end(self, logs: dict | None = None) -> None:
        """End the display of a prediction."""
        self._end({})
