"""Fashion-MNIST: 70,000 grayscale images of 28 x 28 pixels in 10 classes of clothing, a drop-in replacement for MNIST.

Han Xiao, Kashif Rasul, Roland Vollgraf: "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms"
(2017). Keras publishes no checksums for its copies of the four files, so they are downloaded from the repository of the
authors, whose checksums are known.
"""

import gzip
from pathlib import Path

import numpy as np

from cornu.datasets.reading import Split, check_labels, naming
from cornu.io.archives import read_exactly
from cornu.io.cache import Source, get_path
from cornu.io.download import Checksum

CLASS_NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
COUNTS = {"train": 60000, "t10k": 10000}

_BASE_URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
_PUBLISHED = {
    "train-images-idx3-ubyte.gz": (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "train-labels-idx1-ubyte.gz": (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "t10k-images-idx3-ubyte.gz": (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    "t10k-labels-idx1-ubyte.gz": (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
}


def load_data() -> tuple[Split, Split]:
    """Load the Fashion-MNIST dataset: 60,000 training images and 10,000 test images in 10 classes.

    The four files are read from the folder ``fashion-mnist`` in the cache folder (see :mod:`cornu.datasets`), and downloaded if
    they do not exist. Because the files of MNIST have the same names, files directly in the cache folder are used only if their
    checksums match Fashion-MNIST.

    Returns:
        Tuple of NumPy arrays ``(x_train, y_train), (x_test, y_test)``.

        ``x_train``: ``uint8`` images of shape ``(60000, 28, 28)``, with values from 0 to 255.
        ``y_train``: ``uint8`` labels of shape ``(60000,)``, integers from 0 to 9 that index ``CLASS_NAMES``.
        ``x_test``: ``uint8`` images of shape ``(10000, 28, 28)``, with values from 0 to 255.
        ``y_test``: ``uint8`` labels of shape ``(10000,)``, integers from 0 to 9 that index ``CLASS_NAMES``.

    Raises:
        DataError: If a file does not exist and cannot be downloaded, or has other contents than expected.

    Example:
        >>> from cornu.datasets import fashion_mnist
        >>> fashion_mnist.CLASS_NAMES[9]
        'Ankle boot'
        >>> (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()  # doctest: +SKIP
    """
    return _load_split("train"), _load_split("t10k")


def _load_split(part: str) -> Split:
    images = _read_idx(_get_file(f"{part}-images-idx3-ubyte.gz"), (COUNTS[part], 28, 28))
    path = _get_file(f"{part}-labels-idx1-ubyte.gz")
    labels = _read_idx(path, (COUNTS[part],))
    with naming(path, "labels of Fashion-MNIST"):
        check_labels(labels, len(CLASS_NAMES))
    return images, labels


def _get_file(file: str) -> Path:
    size, sha256 = _PUBLISHED[file]
    return get_path(Source(f"fashion-mnist/{file}", _BASE_URL + file, Checksum(sha256), size, shared_name=file))


def _read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Read a ``uint8`` array from a gzip-compressed IDX file: two zeros, 8 for ``uint8``, the rank, the shape, the values."""
    header = b"\0\0\x08" + bytes([len(shape)]) + np.array(shape, ">u4").tobytes()
    with naming(path, f"a gzip-compressed IDX file of bytes of shape {shape}"), gzip.open(path) as file:
        if (found := file.read(len(header))) != header:
            raise ValueError(f"it begins with {found[:16].hex(' ')} instead of {header[:16].hex(' ')}")
        return np.frombuffer(read_exactly(file, int(np.prod(shape))), "uint8").reshape(shape)
