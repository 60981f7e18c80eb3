"""What the readers of all data sets share: bounded reading, checks, and errors that name the file."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np

from cornu.errors import DataError

Split = tuple[np.ndarray, np.ndarray]
"""Pictures and their labels."""


class Readable(Protocol):
    """A file, or what reads like one."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes."""
        ...


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


def read_exactly(file: Readable, size: int) -> bytearray:
    """Reads all of a file that must hold exactly so many bytes; no more than that is ever kept.

    Args:
        file: What to read; an unpacking file checks its own sum at its end, which this reaches.
        size: The number of bytes.

    Raises:
        EOFError: It holds fewer.
        ValueError: It holds more.

    Example:
        >>> import io
        >>> read_exactly(io.BytesIO(b"abc"), 3)
        bytearray(b'abc')
    """
    content = bytearray()
    while len(content) < size:
        chunk = file.read(min(size - len(content), 2**20))
        if not chunk:
            raise EOFError(f"it ends after {len(content):,} of {size:,} bytes")
        content += chunk
    if file.read(1):
        raise ValueError(f"it holds more than the {size:,} bytes expected")
    return content


def check_labels(labels: np.ndarray, classes: int) -> None:
    """Raises a ``ValueError`` if a label is not one of ``0 ... classes - 1``.

    Example:
        >>> check_labels(np.array([0, 9], "uint8"), classes=10)
    """
    if labels.max() >= classes:
        raise ValueError(f"it holds the label {labels.max()}, and labels go from 0 to {classes - 1}")
