"""Helpers shared by the dataset readers: label checks, and errors that name the file."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cornu.errors import DataError

Split = tuple[np.ndarray, np.ndarray]
"""Images and their labels."""


@contextmanager
def naming(path: Path, what: str) -> Iterator[None]:
    """Context manager that converts any error caused by a damaged or wrong file into a ``DataError`` that names the file.

    Args:
        path: Path of the file being read.
        what: String, the expected contents, such as ``"MNIST (mnist.npz)"``.

    Raises:
        DataError: If the block raises an error other than an error of the disk or of permissions.

    Example:
        >>> with naming(Path("mnist.npz"), "MNIST"):
        ...     raise EOFError("it ends too early")
        Traceback (most recent call last):
        cornu.errors.DataError: `mnist.npz` cannot be read: it ends too early. It should be MNIST. Remove the file ...
    """
    try:
        yield
    except Exception as error:  # Python's readers raise a dozen exception types on damaged files, few of them documented
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # a disk or permission error; EINVAL means an offset inside the file points outside of it
        reason = str(error.args[0]) if error.args else type(error).__name__
        raise DataError(
            f"`{path}` cannot be read: {reason}.",
            f"It should be {what}.",
            "Remove the file so that it is downloaded again, or replace it with the correct one.",
        ) from error


def check_labels(labels: np.ndarray, classes: int) -> None:
    """Raise a ``ValueError`` if a label is greater than ``classes - 1``.

    Example:
        >>> check_labels(np.array([0, 9], "uint8"), classes=10)
    """
    if labels.max() >= classes:
        raise ValueError(f"it contains the label {labels.max()}, but labels must be from 0 to {classes - 1}")
