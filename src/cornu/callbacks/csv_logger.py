"""Callback that writes the logs of all epochs to a CSV file."""

import csv
import os
from collections.abc import Iterable
from typing import Any

from cornu.training.callback import Callback

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Callback that appends the logs of each epoch as a row to a CSV file. The row is written when the epoch ends.

    Args:
        filename: Path of the CSV file.
        separator: String that separates values. Defaults to ``","``.
        append: Whether to append to an existing file instead of overwriting it. Defaults to False.

    Raises:
        OSError: When training begins, if the file cannot be written.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> import cornu
        >>> from cornu import layers
        >>> from cornu.callbacks import CSVLogger
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "log.csv"
        >>> model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> _ = model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, callbacks=[CSVLogger(path)])
        >>> path.read_text().splitlines()[0]
        'epoch,loss,val_loss'
    """

    def __init__(self, filename: str | os.PathLike, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Create or truncate the file, unless ``append`` is True."""
        self.keys = None
        if not self.append:
            with open(self.filename, "w"):  # fails now instead of after the first epoch
                pass

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write a row of logs, after a header row if the file is empty."""
        logs = logs or {}
        first = self.keys is None
        if self.keys is None:
            self.keys = _columns(logs)
        is_new = not os.path.exists(self.filename) or os.path.getsize(self.filename) == 0
        with open(self.filename, "a", newline="") as file:
            writer = csv.writer(file, delimiter=self.sep)
            if first and is_new:
                writer.writerow(["epoch", *self.keys])
            writer.writerow([epoch, *(_as_cell(logs.get(key, "NA")) for key in self.keys)])


def _columns(logs: dict) -> list[str]:
    """Return the column names: those of the logs and of validation, which may run in later epochs only."""
    names = sorted(logs)
    if not any(name.startswith("val_") for name in names):
        names += [f"val_{name}" for name in names]
    return names


def _as_cell(value: Any) -> Any:
    if isinstance(value, Iterable) and not isinstance(value, str):
        return f'"[{", ".join(map(str, value))}]"'
    return value
