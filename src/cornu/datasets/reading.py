"""Helpers shared by the dataset readers: NumPy archives, label checks, splits, and errors that name the file."""

import errno
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from cornu.datasets import pickled_arrays
from cornu.errors import DataError, InvalidArgumentError
from cornu.io.archives import read_exactly

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


_LARGEST = 256 * 2**20
"""Maximum number of bytes of a pickled array; the larger of those of IMDB has 16 MiB."""


def read_npz(path: Path, expected: Mapping[str, tuple[tuple[int | None, ...], str]]) -> dict[str, np.ndarray]:
    """Read arrays of a NumPy archive, after comparing their headers with the expected shapes and dtypes.

    Args:
        path: Path of the archive.
        expected: Mapping of names to pairs ``(shape, dtypes)``. A size of None is not compared; ``dtypes`` are names with
            spaces between them. ``"object"`` stands for a pickled array of lists of integers.

    Raises:
        ValueError: If an array is another one.
        pickle.UnpicklingError: If a pickle contains anything but lists of integers.
    """
    with zipfile.ZipFile(path) as archive:
        return {name: _read_member(archive, name, *shape_and_dtypes) for name, shape_and_dtypes in expected.items()}


def _read_member(archive: zipfile.ZipFile, name: str, shape: tuple[int | None, ...], dtypes: str) -> np.ndarray:
    with archive.open(f"{name}.npy") as member:
        if np.lib.format.read_magic(member) != (1, 0):  # later versions may declare a header of gigabytes
            raise ValueError(f"`{name}` has an unknown header version")
        found, is_fortran, dtype = np.lib.format.read_array_header_1_0(member)
        fits = len(found) == len(shape) and all(size in (None, each) for size, each in zip(shape, found, strict=True))
        if not fits or dtype.name not in dtypes.split():
            wanted = f"{dtypes.partition(' ')[0]} of shape {str(shape).replace('None', 'n')}"
            raise ValueError(f"`{name}` is {dtype} of shape {found}, but {wanted} was expected")
        if dtype.hasobject:
            size = archive.getinfo(f"{name}.npy").file_size - member.tell()
            if size > _LARGEST:
                raise ValueError(f"`{name}` has more than {_LARGEST:,} bytes")
            return pickled_arrays.lists_of_integers(read_exactly(member, size), found[0])
        content = read_exactly(member, math.prod(found) * dtype.itemsize)
    return np.frombuffer(content, dtype).reshape(found, order="F" if is_fortran else "C")


def shuffled(generator: np.random.RandomState, *arrays: np.ndarray) -> list[np.ndarray]:
    """Return arrays with their rows in an order drawn from a generator, the same for all of them, as in Keras.

    NumPy guarantees that the numbers of ``RandomState`` never change.

    Raises:
        ValueError: If they have different lengths.
    """
    if len({*map(len, arrays)}) > 1:
        raise ValueError(f"its arrays have different lengths: {', '.join(map(str, map(len, arrays)))}")
    order = np.arange(len(arrays[0]))
    generator.shuffle(order)
    return [array[order] for array in arrays]


def split_off(test_split: float, x: np.ndarray, y: np.ndarray) -> tuple[Split, Split]:
    """Return the first rows as the training set, and the fraction ``test_split`` at the end as the test set."""
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])


def check_test_split(test_split: float) -> None:
    """Raise ``InvalidArgumentError`` if the fraction of a test set is not in [0, 1)."""
    if not 0 <= test_split < 1:
        raise InvalidArgumentError(
            f"`load_data` received `test_split={test_split!r}`.",
            "It must be at least 0 and less than 1: the fraction of the samples in the test set.",
            "Pass, for example, `test_split=0.2`.",
        )


INTEGERS, FLOATS, TEXTS = "int64 int32 uint8", "float64 float32", "object"
"""Dtypes for :func:`read_npz`: labels, numbers, and lists of integers."""
