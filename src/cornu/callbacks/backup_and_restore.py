"""Callback that saves the state of training, and continues from it after an interruption."""

import json
import os
from pathlib import Path
from typing import Literal

from cornu import validation
from cornu.callbacks.monitor_callback import checked_frequency
from cornu.callbacks.output_paths import prepare_folder
from cornu.errors import ModelFormatError, warn
from cornu.io.atomic import atomic_write, publish
from cornu.saving import safe_json
from cornu.saving.h5_file import H5File
from cornu.training.callback import Callback

__all__ = ["BackupAndRestore"]

_METADATA = "training_metadata"
"""Name of the attribute of a file of weights that contains the epoch, so that both are replaced at once."""


class BackupAndRestore(Callback):
    """Callback that saves weights, optimizer state and epoch during training; the next ``fit`` continues from them.

    A backup replaces the previous one atomically, so a killed process leaves a complete one. It is deleted when training ends.
    Training continues at the beginning of an epoch: the one that was interrupted.

    Args:
        backup_dir: Path of a folder for the files of this callback: ``latest.weights.h5`` and ``training_metadata.json``.
            Missing folders are created.
        save_freq: ``"epoch"`` for a backup after each epoch, or an integer number of steps between backups. Defaults to
            ``"epoch"``.
        double_checkpoint: Whether to also keep the backup before the latest, which is used if that one is damaged. Defaults to
            False.
        delete_checkpoint: Whether to delete the backup when training ends. Defaults to True.

    Raises:
        InvalidArgumentError: If ``backup_dir`` is empty or ``save_freq`` is invalid.
        MissingFileError: When training begins, if ``backup_dir`` is no folder in which files can be written.
        ModelFormatError: When training begins, if the backup is damaged or belongs to another model.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import cornu
        >>> from cornu import layers
        >>> from cornu.callbacks import BackupAndRestore
        >>> model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.ones((4, 2)), np.ones((4, 1))
        >>> backup = BackupAndRestore(tempfile.mkdtemp(), delete_checkpoint=False)
        >>> _ = model.fit(x, y, epochs=2, verbose=0, callbacks=[backup])
        >>> len(model.fit(x, y, epochs=5, verbose=0, callbacks=[backup]).epoch)
        3
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike,
        save_freq: Literal["epoch"] | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        super().__init__()
        if not backup_dir:
            raise validation.invalid_value(self, "backup_dir", backup_dir, "the path of a folder", "backup")
        self.save_freq = checked_frequency("BackupAndRestore", "save_freq", save_freq, "epoch")
        self.backup_dir = os.fspath(backup_dir)
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        folder = Path(backup_dir)
        self._files = folder / "latest.weights.h5", folder / "training_metadata.json"
        self._previous = folder / "latest.weights.h5.bkp", folder / "training_metadata.json.bkp"
        self._next = folder / "next.weights.h5"
        self._epoch = self._steps_since_saving = 0

    def wants_batches(self) -> bool:
        """Return whether the callback saves after a number of steps instead of epochs."""
        return self.save_freq != "epoch"

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Restore the latest backup, if there is one, and create the folder."""
        prepare_folder("BackupAndRestore", "backup_dir", self.backup_dir)
        self.cornu_initial_epoch = None
        found = [files for files in (self._files, self._previous) if files[0].exists()]
        for place, files in enumerate(found, start=1):
            try:
                self.cornu_initial_epoch = self._restored(*files)
                return
            except (OSError, ModelFormatError) as error:
                if place == len(found):
                    raise
                warn(f"`BackupAndRestore` restores the backup before the latest, which cannot be read: {error}")

    def _restored(self, weights: Path, metadata: Path) -> int | None:
        """Restore a backup and return its epoch; None if it has none."""
        with H5File(weights, weights.name) as file:
            text = file.text(_METADATA)
        if text is None and metadata.exists():  # a backup of Keras
            text = metadata.read_text("utf-8")
        epoch = None if text is None else safe_json.read_json(text.encode(), metadata.name).get("epoch")
        if epoch is not None and not (validation.is_int(epoch) and epoch >= 0):
            raise ModelFormatError(
                f"{metadata.name} contains the epoch {epoch!r}.", "It must be an integer.", "Delete the backup."
            )
        with open(weights, "rb") as file:
            self.model.load_weights(file)
        return epoch

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Record the index of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Save a backup if ``save_freq`` steps have passed since the last one."""
        self._steps_since_saving += 1
        if isinstance(self.save_freq, int) and self._steps_since_saving >= self.save_freq:
            self._save(self._epoch, batch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save a backup if ``save_freq`` is ``"epoch"``."""
        if self.save_freq == "epoch":
            self._save(epoch + 1, 0)

    def _save(self, epoch: int, batch: int) -> None:
        import h5py

        self._steps_since_saving = 0
        os.makedirs(self.backup_dir, exist_ok=True)
        metadata = json.dumps({"epoch": epoch, "batch": batch})
        self.model.save_weights(self._next)
        with h5py.File(self._next, "r+") as file:
            file.attrs[_METADATA] = metadata
        if self.double_checkpoint:
            for file, backup in zip(self._files, self._previous, strict=True):
                if file.exists():
                    os.replace(file, backup)
        publish(self._next, self._files[0])
        with atomic_write(self._files[1]) as temporary:
            temporary.write_text(metadata, "utf-8")

    def on_train_end(self, logs: dict | None = None) -> None:
        """Delete the backup if ``delete_checkpoint`` is True, and the folder unless it contains other files."""
        if self.delete_checkpoint and os.path.isdir(self.backup_dir):
            for file in (*self._files, *self._previous, self._next):
                file.unlink(missing_ok=True)
            if not os.listdir(self.backup_dir):
                os.rmdir(self.backup_dir)
