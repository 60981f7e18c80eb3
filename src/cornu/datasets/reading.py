"""What the readers of all data sets share: bounded reading, checks, and errors that name the file."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cornu.errors import DataError

Split = tuple[np.ndarray, np.ndarray]
"""Pictures and their labels."""


@contextmanager
def naming(path: Path, what: str) -> Iterator[None]:
    """Turns every sign of a damaged or wrong file into one error that names it.

    Args:
        path: The file being read.
        what: What it should be, such as ``"MNIST (mnist.npz)"``.

    Raises:
        DataError: The block found something wrong with the file.

    Example:
        >>> with naming(Path("mnist.npz"), "MNIST"):
        ...     raise EOFError("it ends too early")
        Traceback (most recent call last):
        cornu.errors.DataError: `mnist.npz` cannot be read: it ends too early. It should be MNIST. Remove it, and it is ...
    """
    try:
        yield
    except Exception as error:  # the readers of Python raise a dozen kinds on damaged files, and document few of them
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise  # the disk or the rights to it; EINVAL is a directory inside the file that points out of it
        reason = str(error.args[0]) if error.args else type(error).__name__
        raise DataError(
            f"`{path}` cannot be read: {reason}.",
            f"It should be {what}.",
            "Remove it, and it is downloaded anew; or put the right file in its place.",
        ) from error


def check_labels(labels: np.ndarray, classes: int) -> None:
    """Raises a ``ValueError`` if a label is not one of ``0 ... classes - 1``.

    Example:
        >>> check_labels(np.array([0, 9], "uint8"), classes=10)
    """
    if labels.max() >= classes:
        raise ValueError(f"it holds the label {labels.max()}, and labels go from 0 to {classes - 1}")
