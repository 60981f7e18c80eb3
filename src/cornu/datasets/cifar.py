"""Safe readers of the batches of CIFAR-10 and CIFAR-100, which are pickle files.

Before a pickle is loaded as data, it is scanned for the one instruction that can allocate a disproportionate amount of memory.
"""

import pickle
import pickletools
from collections.abc import Collection, Iterator
from pathlib import Path

import numpy as np

from cornu import config
from cornu.datasets import pickled_arrays
from cornu.datasets.reading import check_labels
from cornu.io.archives import archive_files, folder_files


def unpickle(content: bytes | bytearray) -> dict:
    """Load the dictionary in a CIFAR batch.

    Args:
        content: Bytes of the file.

    Returns:
        Dictionary with string keys. Byte arrays are objects with the attributes ``shape`` and ``content``.

    Raises:
        pickle.UnpicklingError: If the pickle contains anything that a CIFAR batch does not need.
        ValueError: If the pickle does not contain a dictionary.

    Example:
        >>> unpickle(pickle.dumps({b"labels": [6, 9]}, protocol=2))
        Traceback (most recent call last):
        _pickle.UnpicklingError: it refers to `_codecs.encode`, which is not allowed in a file of data
        >>> unpickle(pickle.dumps({b"labels": [6, 9]}, protocol=4))
        {'labels': [6, 9]}
    """
    _check_memory_slots(content)
    batch = pickled_arrays.load(content)
    if not isinstance(batch, dict):
        raise ValueError(f"it contains a {type(batch).__name__} instead of a dictionary")
    return {key.decode() if isinstance(key, bytes) else key: value for key, value in batch.items()}


def _check_memory_slots(content: bytes | bytearray) -> None:
    """Raise an error if a memo index exceeds the number of instructions before it.

    Python's unpickler allocates every slot below the largest memo index, so ten bytes could allocate gigabytes.
    """
    for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(argument or 0) > count + 1:
            raise pickle.UnpicklingError(f"it uses the memo index {argument} at instruction {count + 1}")


def batches(path: Path, names: Collection[str]) -> Iterator[tuple[str, dict]]:
    """Iterate over the batches in a ``.tar.gz`` archive, or in the folder it was unpacked to. Nothing is written to the disk.

    Args:
        path: Path of the archive or folder.
        names: File names without their folders.

    Yields:
        Tuples ``(name, batch)``, in the order of the archive.

    Raises:
        KeyError: If a file is missing.
        ValueError: If the archive unpacks to much more than the size of a dataset.
    """
    missing = set(names)
    for name, content in folder_files(path, missing) if path.is_dir() else archive_files(path, missing):
        missing.remove(name)
        yield name, unpickle(content)
    if missing:
        raise KeyError(f"it contains no file `{min(missing)}`")


def images(batch: dict, count: int) -> np.ndarray:
    """Return the images of a batch, in the format of ``cornu.config.image_data_format()``.

    Args:
        batch: Dictionary returned by :func:`unpickle`.
        count: Integer, expected number of images.

    Returns:
        ``uint8`` NumPy array of shape ``(count, 32, 32, 3)`` for ``"channels_last"``, or ``(count, 3, 32, 32)`` for
        ``"channels_first"``.

    Raises:
        ValueError: If the images do not have this number or size.
    """
    data = batch["data"]
    content = data.content if isinstance(data, pickled_arrays.PickledArray) and data.dtype == "u1" else None
    if not isinstance(content, bytes):
        raise ValueError("its images are not arrays of bytes")
    if data.shape != (count, 3072) or len(content) != count * 3072:
        raise ValueError(f"its images have shape {getattr(data, 'shape', None)} instead of {(count, 3072)}")
    planes = np.frombuffer(content, "uint8").reshape(count, 3, 32, 32)
    return planes.copy() if config.image_data_format() == "channels_first" else planes.transpose(0, 2, 3, 1).copy()


def labels(batch: dict, key: str, count: int, classes: int) -> np.ndarray:
    """Return the labels of a batch.

    Args:
        batch: Dictionary returned by :func:`unpickle`.
        key: String, key of the labels in the batch.
        count: Integer, expected number of labels.
        classes: Integer, number of classes. Labels are in ``[0, classes - 1]``.

    Returns:
        ``uint8`` NumPy array of shape ``(count, 1)``.

    Raises:
        ValueError: If the labels do not have this number, are not integers or are out of range.

    Example:
        >>> labels({"labels": [6, 9]}, "labels", count=2, classes=10).tolist()
        [[6], [9]]
    """
    values = batch[key]
    if not isinstance(values, list) or len(values) != count or not all(type(value) is int for value in values):
        raise ValueError(f"its `{key}` are not a list of {count:,} integers")
    array = np.array(values)
    if array.min() < 0:
        raise ValueError(f"it contains the label {array.min()}, but labels must be from 0 to {classes - 1}")
    check_labels(array, classes)
    return array.astype("uint8").reshape(count, 1)
