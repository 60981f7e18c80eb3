"""Callback that saves the model during training."""

import os
from typing import Any, Literal

import numpy as np

from cornu.callbacks.monitor_callback import Monitor, checked_frequency
from cornu.callbacks.output_paths import prepare_folder
from cornu.errors import InvalidArgumentError, did_you_mean, warn
from cornu.training.logs import as_numbers

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(Monitor):
    """Callback that saves the model or its weights at the end of each epoch, or after a number of steps.

    Files are written atomically, so a file is complete even if the process is killed. Weights that are not finite are never
    saved.

    Args:
        filepath: Path of the file. It may contain the format fields ``{epoch:02d}``, ``{batch}`` and names of logs, such as
            ``"{val_loss:.2f}.keras"``. Epochs and batches are counted from 1. Missing folders are created.
        monitor: String, name of the value in the logs that determines the best model. Defaults to ``"val_loss"``.
        verbose: 0 for no output, or 1 to print a message for each save. Defaults to 0.
        save_best_only: Whether to save the model only if the monitored value has improved. Defaults to False.
        save_weights_only: Whether to save the weights only (``model.save_weights``) instead of the model (``model.save``).
            Defaults to False.
        mode: String: ``"min"`` if smaller values are better, ``"max"`` if larger values are, or ``"auto"`` to infer it from the
            metric or its name. Defaults to ``"auto"``.
        save_freq: ``"epoch"``, or an integer number of steps between saves. Defaults to ``"epoch"``.
        initial_value_threshold: Float, initial best value of ``monitor``, such as that of an earlier training. Defaults to
            None.

    Raises:
        InvalidArgumentError: If ``save_freq`` is invalid; when training begins, if ``filepath`` cannot be formatted; when
            saving, if it contains the name of a log that does not exist.
        MissingFileError: When training begins, if files cannot be written to the folder.

    Example:
        >>> from cornu.callbacks import ModelCheckpoint
        >>> best = ModelCheckpoint("best.keras", monitor="val_accuracy", save_best_only=True)
        >>> # model.fit(x, y, validation_split=0.2, epochs=20, callbacks=[best])
    """

    without_value = "the model is saved regardless"

    def __init__(
        self,
        filepath: str | os.PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Literal["epoch"] | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor=monitor, mode=mode, best=initial_value_threshold)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq = checked_frequency("ModelCheckpoint", "save_freq", save_freq, "epoch")
        self._epoch = 0
        self._steps_since_saving = 0

    def wants_batches(self) -> bool:
        """Return whether the callback saves after a number of steps instead of epochs."""
        return self.save_freq != "epoch"

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Check ``filepath``, as far as the names of logs are not needed, and create its folder."""
        self._path(_AnyLogs(epoch=1, batch=1, loss=1.0, val_loss=1.0))
        prepare_folder("ModelCheckpoint", "filepath", self.filepath, os.path.dirname(self.filepath.partition("{")[0]))

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Record the index of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Save the model if ``save_freq`` steps have passed since the last save."""
        self._steps_since_saving += 1
        if isinstance(self.save_freq, int) and self._steps_since_saving >= self.save_freq:
            self._steps_since_saving = 0
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save the model if ``save_freq`` is ``"epoch"``."""
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: dict[str, Any]) -> None:
        logs = as_numbers(logs)
        path = self._path({"epoch": epoch + 1, **logs})
        if not self._should_save(epoch, logs, path) or not self._is_finite(path):
            return
        if self.save_best_only:
            self.best = logs.get(self.monitor, self.best)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path)
        self._log(epoch, f"finished saving model to {path}")

    def _path(self, values: dict[str, Any]) -> str:
        try:
            return self.filepath.format_map(values)
        except KeyError as error:
            name = error.args[0]
            raise InvalidArgumentError(
                f"`ModelCheckpoint` received filepath={self.filepath!r}.",
                f"There is no log named {name!r}; the logs are {', '.join(values)}.",
                did_you_mean(name, values) or "Use one of these names.",
            ) from None
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise InvalidArgumentError(
                f"`ModelCheckpoint` received filepath={self.filepath!r}, which cannot be formatted: {error}.",
                "Braces must contain a name and the format of its value, such as {epoch:02d} or {val_loss:.2f}.",
                "Correct it; write {{ and }} for braces in the path.",
            ) from error

    def _should_save(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        if not self.save_best_only:
            self._log(epoch, f"saving model to {path}")
            return True
        current = self.get_monitor_value(logs)
        if current is None:
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self.is_better(current, self.best):
            self._log(epoch, f"{self.monitor} did not improve from {best}")
            return False
        self._log(epoch, f"{self.monitor} improved from {best} to {current:.5f}, saving model to {path}")
        return True

    def _is_finite(self, path: str) -> bool:
        bad = [variable.path for variable in self.model.variables if not _all_finite(variable.numpy())]
        if bad:
            warn(f"`ModelCheckpoint`: {bad[0]!r} is not finite, so {path!r} is not written.")
        return not bad

    def _log(self, epoch: int, text: str) -> None:
        if self.verbose:
            print(f"\nEpoch {epoch + 1}: {text}")


class _AnyLogs(dict):
    """Some values by name, and for every other name one that any format accepts."""

    def __missing__(self, name: str) -> "_AnyLogs":
        return self

    def __getattr__(self, name: str) -> "_AnyLogs":
        return self

    def __format__(self, spec: str) -> str:
        return ""


def _all_finite(array: np.ndarray) -> bool:
    return array.dtype.kind not in "fV" or bool(np.isfinite(array.astype("float32")).all())
