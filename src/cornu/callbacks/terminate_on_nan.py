"""Callback that stops training when the loss is not finite."""

from cornu.errors import NonFiniteError
from cornu.training.callback import Callback

__all__ = ["TerminateOnNaN"]


class TerminateOnNaN(Callback):
    """Callback that stops training when a step produces a NaN or infinite loss or weight. The step is undone.

    Without this callback ``fit`` also undoes the step, and raises a ``NonFiniteError`` that states the origin of the NaN.

    Args:
        raise_error: Whether to raise that error instead of stopping training without an error. Defaults to False.

    Example:
        >>> from cornu.callbacks import TerminateOnNaN
        >>> terminate = TerminateOnNaN()
        >>> # model.fit(x, y, epochs=100, callbacks=[terminate])
    """

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error
        self._steps_before = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Record the number of steps before this epoch."""
        self._steps_before = self._steps()

    def on_non_finite(self, error: NonFiniteError) -> bool:
        """Print a message and stop training; return whether the error is handled."""
        if self.raise_error:
            return False
        print(f"Batch {self._steps() - self._steps_before}: Invalid loss, terminating training")
        self.model.stop_training = True
        return True

    def _steps(self) -> int:
        return int(self.model.optimizer.variables[0])
