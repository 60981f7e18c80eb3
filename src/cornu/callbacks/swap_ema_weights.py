"""Callback that evaluates a model with the moving averages of its weights."""

from typing import Any

from cornu.errors import InvalidArgumentError
from cornu.training.callback import Callback

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Callback that replaces the weights by their exponential moving averages (EMA) during evaluation and prediction.

    The averages are those of an optimizer with ``use_ema=True``. Afterwards the weights are restored, so that training is the
    same as without the callback.

    Args:
        swap_on_epoch: Whether the weights are also replaced from the end of an epoch to the begin of the next one, so that
            callbacks such as ``ModelCheckpoint``, later in the list, save the averages. Defaults to False.

    Raises:
        InvalidArgumentError: When training or evaluation begins, if the optimizer has no averages.

    Example:
        >>> import numpy as np
        >>> import cornu
        >>> from cornu import layers
        >>> from cornu.callbacks import SwapEMAWeights
        >>> model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
        >>> model.compile(cornu.optimizers.SGD(use_ema=True), "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> _ = model.fit(x, y, validation_data=(x, y), verbose=0, callbacks=[SwapEMAWeights()])
    """

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._kept: list[Any] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Check that there are averages."""
        self._check()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Restore the weights."""
        self._restore()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Replace the weights by their averages, with ``swap_on_epoch``."""
        if self.swap_on_epoch:
            self._replace()

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Replace the weights by their averages."""
        self._replace()

    def on_test_end(self, logs: dict | None = None) -> None:
        """Restore the weights."""
        self._restore()

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Replace the weights by their averages."""
        self._replace()

    def on_predict_end(self, logs: dict | None = None) -> None:
        """Restore the weights."""
        self._restore()

    def _check(self) -> None:
        """Raise ``InvalidArgumentError`` if the optimizer has no averages."""
        optimizer = self.model.optimizer
        if not getattr(optimizer, "use_ema", False):
            raise InvalidArgumentError(
                f"`SwapEMAWeights` is used with {type(optimizer).__name__}, which keeps no moving averages of the weights.",
                "The optimizer must keep them.",
                f"Compile the model with `optimizer={type(optimizer).__name__}(use_ema=True)`.",
            )

    def _replace(self) -> None:
        """Replace the weights by their averages, unless they are replaced already."""
        self._check()
        if self._kept is None:
            self._kept = [variable.numpy() for variable in self.model.trainable_variables]
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)

    def _restore(self) -> None:
        """Restore the weights that averages have replaced."""
        if self._kept is not None:
            for variable, value in zip(self.model.trainable_variables, self._kept, strict=True):
                variable.assign(value)
            self._kept = None
