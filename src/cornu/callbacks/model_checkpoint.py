"""Saving the model while it trains."""

import os
import warnings
from typing import Any

import numpy as np

from cornu import validation
from cornu.callbacks.monitor_callback import Monitor
from cornu.errors import InvalidArgumentError, did_you_mean


class ModelCheckpoint(Monitor):
    """Saves the model, or its weights, at the end of each epoch or every so many steps.

    A file is complete or not there, also when the process is killed while it saves. Weights that are not finite are
    never saved.

    Args:
        filepath: Where to. May hold ``{epoch:02d}``, ``{batch}`` and names of logs, like ``"{val_loss:.2f}.keras"``; epochs
            and batches count from 1. Its folder is made if it is missing.
        monitor: Name of the value in the logs that says which model is best.
        verbose: 1 tells what is saved.
        save_best_only: Whether to save only a model that is better than those before.
        save_weights_only: Whether to save the weights alone.
        mode: ``"min"``, ``"max"``, or ``"auto"``: known from the metric or its name.
        save_freq: ``"epoch"``, or a number of steps.
        initial_value_threshold: A value that the first best model must beat, such as the best one of an earlier training.

    Raises:
        InvalidArgumentError: ``save_freq`` is something else; or when saving, the path names a log that does not exist.

    Example:
        >>> from cornu.callbacks import ModelCheckpoint
        >>> best = ModelCheckpoint("best.keras", monitor="val_accuracy", save_best_only=True)
        >>> # model.fit(x, y, validation_split=0.2, epochs=20, callbacks=[best])
    """

    def __init__(
        self,
        filepath: str | os.PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor=monitor, mode=mode, best=initial_value_threshold)
        if save_freq != "epoch" and not (validation.is_int(save_freq) and save_freq >= 1):
            raise InvalidArgumentError(
                f"`ModelCheckpoint` was given save_freq={save_freq!r}.",
                "It must be 'epoch' or a whole number of steps.",
                "Pass `save_freq='epoch'`, or `save_freq=100`.",
            )
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq = save_freq if save_freq == "epoch" else int(save_freq)
        self._epoch = 0
        self._steps_since_saving = 0

    def wants_batches(self) -> bool:
        """Whether it saves every so many steps."""
        return self.save_freq != "epoch"

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Remembers the number of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Saves if enough steps were made since the last time."""
        self._steps_since_saving += 1
        if isinstance(self.save_freq, int) and self._steps_since_saving >= self.save_freq:
            self._steps_since_saving = 0
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Saves, if it is to save each epoch."""
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: dict[str, Any]) -> None:
        path = self._path(epoch, logs)
        if not self._is_wanted(epoch, logs, path) or not self._is_finite(path):
            return
        if self.save_best_only:
            self.best = logs.get(self.monitor, self.best)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        self._tell(epoch, f"finished saving model to {path}")

    def _path(self, epoch: int, logs: dict[str, Any]) -> str:
        try:
            return self.filepath.format(epoch=epoch + 1, **logs)
        except KeyError as error:
            name = error.args[0]
            raise InvalidArgumentError(
                f"`ModelCheckpoint` was given filepath={self.filepath!r}.",
                f"There is no log of the name {name!r}; there are {', '.join(['epoch', *logs])}.",
                did_you_mean(name, ["epoch", *logs]) or "Name one of them.",
            ) from None

    def _is_wanted(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        if not self.save_best_only:
            self._tell(epoch, f"saving model to {path}")
            return True
        current = self.value_in(logs, "the model is saved as if it were the best")
        if current is None:
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self.is_better(current, self.best):
            self._tell(epoch, f"{self.monitor} did not improve from {best}")
            return False
        self._tell(epoch, f"{self.monitor} improved from {best} to {current:.5f}, saving model to {path}")
        return True

    def _is_finite(self, path: str) -> bool:
        bad = [variable.path for variable in self.model.variables if not _all_finite(variable.numpy())]
        if bad:
            warnings.warn(f"`ModelCheckpoint`: {bad[0]!r} is not finite, so {path!r} is not written.", stacklevel=4)
        return not bad

    def _tell(self, epoch: int, text: str) -> None:
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: {text}")


def _all_finite(array: np.ndarray) -> bool:
    return array.dtype.kind not in "fV" or bool(np.isfinite(array.astype("float32")).all())
