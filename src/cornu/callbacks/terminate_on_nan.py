"""Ending training quietly when the loss is no number."""

from cornu.errors import NonFiniteError
from cornu.training.callback import Callback

__all__ = ["TerminateOnNaN"]


class TerminateOnNaN(Callback):
    """Ends training when a step gives a loss or a weight that is NaN or infinite. The model keeps the weights from before it.

    Without this callback ``fit`` undoes the step as well, and raises a ``NonFiniteError`` that says where the NaN came from.

    Args:
        raise_error: Whether to raise that error here too.

    Example:
        >>> from cornu.callbacks import TerminateOnNaN
        >>> ending = TerminateOnNaN()
        >>> # model.fit(x, y, epochs=100, callbacks=[ending])
    """

    def __init__(self, raise_error: bool = False):
        super().__init__()
        self.raise_error = raise_error
        self._steps_before = 0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Remembers how many steps were made before this epoch."""
        self._steps_before = self._steps()

    def on_non_finite(self, error: NonFiniteError) -> bool:
        """Says so and ends training."""
        if self.raise_error:
            return False
        print(f"Batch {self._steps() - self._steps_before}: Invalid loss, terminating training")
        self.model.stop_training = True
        return True

    def _steps(self) -> int:
        return int(self.model.optimizer.variables[0])
