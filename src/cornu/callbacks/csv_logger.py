"""Callback that writes the logs of all epochs to a CSV file."""

import csv
import os
from collections.abc import Iterable
from typing import Any, TextIO

from cornu.callbacks.output_paths import naming_path
from cornu.training.callback import Callback
from cornu.training.logs import as_number

__all__ = ["CSVLogger"]


class CSVLogger(Callback):
    """Callback that appends the logs of each epoch as a row to a CSV file. The row is written when the epoch ends.

    Args:
        filename: Path of the CSV file.
        separator: String that separates values. Defaults to ``","``.
        append: Whether to append to an existing file instead of overwriting it. Defaults to False.

    Attributes:
        csv_file: The open file during training, else None.
        writer: ``csv.DictWriter`` of the file from the first row on, else None.
        keys: List of the names of the logs in the columns, else None.
        append_header: Whether the first row of a training is preceded by a header.

    Raises:
        MissingFileError: When training begins, if the file cannot be written.

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

    csv_file: TextIO | None = None

    def __init__(self, filename: str | os.PathLike, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename, self.sep, self.append = os.fspath(filename), separator, append
        self.keys: list[str] | None = None
        self.append_header = True
        self.writer: csv.DictWriter | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Create or truncate the file, unless ``append`` is True."""
        self._open()

    def _open(self) -> TextIO:
        self._close()
        if self.append and os.path.exists(self.filename):
            self.append_header = os.path.getsize(self.filename) == 0
        with naming_path("CSVLogger", "filename", self.filename):
            self.csv_file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115 (open while training)
        self.keys = self.writer = None
        return self.csv_file

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Write a row of logs, after a header row if the file is empty."""
        logs, file = logs or {}, self.csv_file or self._open()
        if self.keys is None:
            self.keys = _columns(logs)
        if self.writer is None:
            self.writer = csv.DictWriter(file, ["epoch", *self.keys], delimiter=self.sep)
            if self.append_header:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch, **{key: _as_cell(logs.get(key, "NA")) for key in self.keys}})
        file.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = self.writer = None

    def __del__(self) -> None:
        """Close the file of a training that an exception ended."""
        self._close()


def _columns(logs: dict) -> list[str]:
    """Return the column names: those of the logs and of validation, which may run in later epochs only."""
    names = sorted(logs)
    if not any(name.startswith("val_") for name in names):
        names += [f"val_{name}" for name in names]
    return names


def _as_cell(value: Any) -> Any:
    value = as_number(value)
    if isinstance(value, Iterable) and not isinstance(value, str):
        return f'"[{", ".join(map(str, value))}]"'
    return value
