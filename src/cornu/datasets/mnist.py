"""MNIST: 70,000 grayscale images of handwritten digits with 28 x 28 pixels.

Yann LeCun, Corinna Cortes, Christopher Burges: "The MNIST database of handwritten digits" (1998).
"""

from cornu.datasets.reading import Split, check_labels, naming, read_npz
from cornu.io.cache import Source, get_path
from cornu.io.download import Checksum

SOURCE = Source(
    name="mnist.npz",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    checksum=Checksum("731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"),
    size=11_490_434,
)
SHAPES = {"x_train": (60000, 28, 28), "y_train": (60000,), "x_test": (10000, 28, 28), "y_test": (10000,)}


def load_data(path: str = "mnist.npz") -> tuple[Split, Split]:
    """Load the MNIST dataset: 60,000 training images and 10,000 test images of handwritten digits.

    Args:
        path: String, name of the file in the cache folder (see :mod:`cornu.datasets`), or path of the file. Defaults to
            ``"mnist.npz"``.

    Returns:
        Tuple of NumPy arrays ``(x_train, y_train), (x_test, y_test)``.

        ``x_train``: ``uint8`` images of shape ``(60000, 28, 28)``, from 0 (background) to 255 (ink).
        ``y_train``: ``uint8`` labels of shape ``(60000,)``, integers from 0 to 9.
        ``x_test``: ``uint8`` images of shape ``(10000, 28, 28)``, from 0 (background) to 255 (ink).
        ``y_test``: ``uint8`` labels of shape ``(10000,)``, integers from 0 to 9.

    Raises:
        DataError: If the file does not exist and cannot be downloaded, or if it is not MNIST.

    Example:
        >>> from cornu.datasets import mnist
        >>> (x_train, y_train), (x_test, y_test) = mnist.load_data()  # doctest: +SKIP
        >>> x_train.shape, y_train.shape  # doctest: +SKIP
        ((60000, 28, 28), (60000,))
    """
    found = get_path(SOURCE._replace(name=path))
    with naming(found, "MNIST in the form of Keras's mnist.npz"):
        arrays = read_npz(found, {name: (shape, "uint8") for name, shape in SHAPES.items()})
        check_labels(arrays["y_train"], 10)
        check_labels(arrays["y_test"], 10)
    return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])
