"""Reading the batches of CIFAR-10 and CIFAR-100, which are pickles, without letting a pickle do anything.

A pickle is a small program. It can call only what it can name, and here the three names by which NumPy arrays are pickled stand
for recorders that keep what they are given; every other name is refused. Before it runs it is looked through for the one
instruction that takes memory out of proportion.
"""

import io
import pickle
import pickletools
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from cornu import config
from cornu.datasets.reading import check_labels
from cornu.io.archives import archive_files, folder_files


class _Dtype:
    """Stands for ``numpy.dtype`` in a pickle."""

    def __init__(self, name: bytes | str = "", *_):
        self.name = name.decode() if isinstance(name, bytes) else name

    def __setstate__(self, state: object) -> None: ...


class _Array:
    """Stands for ``numpy.ndarray``, and for the function that makes one, in a pickle: what was to become an array of bytes."""

    shape: tuple[int, ...] = ()
    content: bytes = b""

    def __init__(self, *_): ...

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, _, content = state
        if not isinstance(dtype, _Dtype) or dtype.name not in ("u1", "|u1") or not isinstance(content, bytes):
            raise ValueError("its pictures are not arrays of bytes")
        self.shape, self.content = shape, content


_ALLOWED_NAMES = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
}


class _DataOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) not in _ALLOWED_NAMES:
            raise pickle.UnpicklingError(f"it names `{module}.{name}`, which a file of pictures has no use for")
        return _ALLOWED_NAMES[module, name]


def unpickle(content: bytes | bytearray) -> dict:
    """The dictionary in a CIFAR batch.

    Args:
        content: The file.

    Returns:
        The dictionary, with text for its keys. Arrays of bytes are objects with ``shape`` and ``content``.

    Raises:
        pickle.UnpicklingError: The pickle asks for anything that such a batch does not need.

    Example:
        >>> unpickle(pickle.dumps({b"labels": [6, 9]}, protocol=2))
        Traceback (most recent call last):
        _pickle.UnpicklingError: it names `_codecs.encode`, which a file of pictures has no use for
        >>> unpickle(pickle.dumps({b"labels": [6, 9]}, protocol=4))
        {'labels': [6, 9]}
    """
    _check_memory_slots(content)
    batch = _DataOnly(io.BytesIO(content), encoding="bytes").load()
    if not isinstance(batch, dict):
        raise ValueError(f"it holds a {type(batch).__name__} instead of a dictionary")
    return {key.decode() if isinstance(key, bytes) else key: value for key, value in batch.items()}


def _check_memory_slots(content: bytes | bytearray) -> None:
    """Refuses memory slots that were never counted up to.

    Python's unpickler makes room for every slot below the one it is told to use, so ten bytes could take gigabytes.
    """
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > count + 1:
            raise pickle.UnpicklingError(f"it uses the memory slot {argument} at its {count + 1}th instruction")


def batches(path: Path, names: Collection[str]) -> Iterator[tuple[str, dict]]:
    """The batches in a ``.tar.gz``, or in the folder it was unpacked to, one after the other. Nothing is written to the disk.

    Args:
        path: The archive or the folder.
        names: The files' own names; folders in front of them do not matter.

    Yields:
        Name and content, in the order of the archive.

    Raises:
        KeyError: A file is missing.
        ValueError: The archive unpacks to much more than a data set.
    """
    missing = set(names)
    for name, content in folder_files(path, missing) if path.is_dir() else archive_files(path, missing):
        missing.remove(name)
        yield name, unpickle(content)
    if missing:
        raise KeyError(f"there is no file `{min(missing)}` in it")


def pictures(batch: dict, count: int) -> np.ndarray:
    """The pictures of a batch, in the layout of ``cornu.config.image_data_format()``.

    Args:
        batch: What :func:`unpickle` gave.
        count: How many there must be.

    Returns:
        ``uint8`` of shape ``(count, 32, 32, 3)``, or ``(count, 3, 32, 32)`` if channels come first.

    Raises:
        ValueError: They are not as many, or not of that size.
    """
    data = batch["data"]
    if not isinstance(data, _Array) or data.shape != (count, 3072) or len(data.content) != count * 3072:
        raise ValueError(f"its pictures are of shape {getattr(data, 'shape', None)} instead of {(count, 3072)}")
    planes = np.frombuffer(data.content, "uint8").reshape(count, 3, 32, 32)
    return planes.copy() if config.image_data_format() == "channels_first" else planes.transpose(0, 2, 3, 1).copy()


def labels(batch: dict, key: str, count: int, classes: int) -> np.ndarray:
    """The labels of a batch.

    Args:
        batch: What :func:`unpickle` gave.
        key: Which labels.
        count: How many there must be.
        classes: They go from 0 to ``classes - 1``.

    Returns:
        ``uint8`` of shape ``(count, 1)``.

    Raises:
        ValueError: They are not as many, or out of range.

    Example:
        >>> labels({"labels": [6, 9]}, "labels", count=2, classes=10).tolist()
        [[6], [9]]
    """
    values = batch[key]
    if not isinstance(values, list) or len(values) != count or not all(type(value) is int for value in values):
        raise ValueError(f"its `{key}` are not a list of {count:,} whole numbers")
    array = np.array(values)
    if array.min() < 0:
        raise ValueError(f"it holds the label {array.min()}, and labels go from 0 to {classes - 1}")
    check_labels(array, classes)
    return array.astype("uint8").reshape(count, 1)
