"""MNIST: 70,000 grey pictures of handwritten digits, 28 x 28 pixels.

Yann LeCun, Corinna Cortes, Christopher Burges: "The MNIST database of handwritten digits" (1998).
"""

import zipfile
from pathlib import Path

import numpy as np

from cornu.datasets.reading import Split, check_labels, naming
from cornu.io.archives import read_exactly
from cornu.io.cache import Source, cache_folder, get_path

SOURCE = Source(
    name="mnist.npz",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    sha256="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    size=11_490_434,
)
SHAPES = {"x_train": (60000, 28, 28), "y_train": (60000,), "x_test": (10000, 28, 28), "y_test": (10000,)}


def load_data(path: str = "mnist.npz") -> tuple[Split, Split]:
    """Loads MNIST: 60,000 pictures to train with and 10,000 to test with.

    Args:
        path: Name of the file in the cache folder (see :mod:`cornu.datasets`), or a path to it.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``. Pictures are ``uint8`` of shape ``(60000, 28, 28)`` and ``(10000, 28,
        28)`` with 0 for the white paper and 255 for ink; labels are ``uint8`` of shape ``(60000,)`` and ``(10000,)`` from 0
        to 9.

    Raises:
        DataError: The file is nowhere and cannot be downloaded, or it is not MNIST.

    Example:
        >>> from cornu.datasets import mnist
        >>> (x_train, y_train), (x_test, y_test) = mnist.load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train.shape  # doctest: +SKIP
        ((60000, 28, 28), (60000,))
    """
    own = cache_folder() / path
    found = own if own.exists() else get_path(SOURCE._replace(name=path))
    with naming(found, "MNIST in the form of Keras's mnist.npz"):
        arrays = _read(found)
        check_labels(arrays["y_train"], 10)
        check_labels(arrays["y_test"], 10)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def _read(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        return {name: _read_member(archive, name, shape) for name, shape in SHAPES.items()}


def _read_member(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """One array of the archive, whose header is compared with what is expected before anything is read."""
    with archive.open(f"{name}.npy") as member:
        if np.lib.format.read_magic(member) != (1, 0):  # later ones may announce a header of gigabytes
            raise ValueError(f"`{name}` has a header of an unknown kind")
        found, is_fortran, dtype = np.lib.format.read_array_header_1_0(member)
        if (found, dtype) != (shape, np.dtype("uint8")):
            raise ValueError(f"`{name}` is {dtype} of shape {found}, and uint8 of shape {shape} was expected")
        content = read_exactly(member, int(np.prod(shape)))
    return np.frombuffer(content, "uint8").reshape(shape, order="F" if is_fortran else "C")
