"""Fashion-MNIST: 70,000 grey pictures of ten kinds of clothing, 28 x 28 pixels, made to take MNIST's place.

Han Xiao, Kashif Rasul, Roland Vollgraf: "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms"
(2017). Keras names no checksums for its copies of the four files. So they come from the authors' own repository here, whose
sums are known.
"""

import gzip
from pathlib import Path

import numpy as np

from cornu.datasets.reading import Split, check_labels, naming
from cornu.io.archives import read_exactly
from cornu.io.cache import Source, get_path

CLASS_NAMES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
COUNTS = {"train": 60000, "t10k": 10000}

_PLACE = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
_PUBLISHED = {
    "train-images-idx3-ubyte.gz": (26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
    "train-labels-idx1-ubyte.gz": (29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
    "t10k-images-idx3-ubyte.gz": (4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
    "t10k-labels-idx1-ubyte.gz": (5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
}


def load_data() -> tuple[Split, Split]:
    """Loads Fashion-MNIST: 60,000 pictures to train with and 10,000 to test with.

    The four files belong into ``fashion-mnist`` in the cache folder (see :mod:`cornu.datasets`). Because MNIST's own files
    have the same names, files that lie in the cache folder itself are used only if their checksums are Fashion-MNIST's.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``. Pictures are ``uint8`` of shape ``(60000, 28, 28)`` and ``(10000, 28,
        28)`` from 0 to 255; labels are ``uint8`` of shape ``(60000,)`` and ``(10000,)`` from 0 to 9, named by
        ``CLASS_NAMES``.

    Raises:
        DataError: A file is nowhere and cannot be downloaded, or it is not what it should be.

    Example:
        >>> from cornu.datasets import fashion_mnist
        >>> fashion_mnist.CLASS_NAMES[9]
        'Ankle boot'
        >>> (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()  # doctest: +SKIP
    """
    return _load_split("train"), _load_split("t10k")


def _load_split(part: str) -> Split:
    pictures = _read_idx(_obtain(f"{part}-images-idx3-ubyte.gz"), (COUNTS[part], 28, 28))
    path = _obtain(f"{part}-labels-idx1-ubyte.gz")
    labels = _read_idx(path, (COUNTS[part],))
    with naming(path, "labels of Fashion-MNIST"):
        check_labels(labels, len(CLASS_NAMES))
    return pictures, labels


def _obtain(file: str) -> Path:
    size, sha256 = _PUBLISHED[file]
    return get_path(Source(f"fashion-mnist/{file}", _PLACE + file, sha256, size, shared_name=file))


def _read_idx(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """An array of bytes from a packed IDX file: two zeros, 8 for bytes, the number of sizes, the sizes, the bytes."""
    header = b"\0\0\x08" + bytes([len(shape)]) + np.array(shape, ">u4").tobytes()
    with naming(path, f"a gzip-compressed IDX file of bytes of shape {shape}"), gzip.open(path) as file:
        if (found := file.read(len(header))) != header:
            raise ValueError(f"it begins with {found[:16].hex(' ')} instead of {header[:16].hex(' ')}")
        return np.frombuffer(read_exactly(file, int(np.prod(shape))), "uint8").reshape(shape)
