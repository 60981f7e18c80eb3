"""CIFAR-10: 60,000 color images of 32 x 32 pixels in 10 classes.

Alex Krizhevsky: "Learning Multiple Layers of Features from Tiny Images" (2009).
"""

import numpy as np

from cornu.datasets import cifar
from cornu.datasets.reading import Split, naming
from cornu.io.cache import Source, get_path
from cornu.io.download import Checksum

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
IMAGES_PER_BATCH = 10000
SOURCE = Source(
    name="cifar-10-python.tar.gz",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    checksum=Checksum("6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"),
    size=170_498_071,
    also=(
        "cifar-10-batches-py.tar.gz",
        "cifar-10-batches-py",
        "cifar-10-batches-py-target_archive",
        "cifar-10-batches-py-target",
    ),
)

_TRAIN = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5")


def load_data() -> tuple[Split, Split]:
    """Load the CIFAR-10 dataset: 50,000 training images and 10,000 test images in 10 classes.

    The archive ``cifar-10-python.tar.gz`` (Keras: ``cifar-10-batches-py.tar.gz``) or the unpacked folder
    ``cifar-10-batches-py`` is read from the cache folder (see :mod:`cornu.datasets`) if it exists, and downloaded otherwise.

    Returns:
        Tuple of NumPy arrays ``(x_train, y_train), (x_test, y_test)``.

        ``x_train``: ``uint8`` images of shape ``(50000, 32, 32, 3)``, with values from 0 to 255.
        ``y_train``: ``uint8`` labels of shape ``(50000, 1)``, integers from 0 to 9 that index ``CLASS_NAMES``.
        ``x_test``: ``uint8`` images of shape ``(10000, 32, 32, 3)``, with values from 0 to 255.
        ``y_test``: ``uint8`` labels of shape ``(10000, 1)``, integers from 0 to 9 that index ``CLASS_NAMES``.

        Images have shape ``(n, 3, 32, 32)`` if ``cornu.config.image_data_format()`` is ``"channels_first"``.

    Raises:
        DataError: If the file does not exist and cannot be downloaded, or if it is not CIFAR-10.

    Example:
        >>> from cornu.datasets import cifar10
        >>> cifar10.CLASS_NAMES[3]
        'cat'
        >>> (x_train, y_train), (x_test, y_test) = cifar10.load_data()  # doctest: +SKIP
    """
    path = get_path(SOURCE)
    splits = {}
    with naming(path, "CIFAR-10 in its Python version (cifar-10-python.tar.gz)"):
        for name, batch in cifar.batches(path, (*_TRAIN, "test_batch")):
            splits[name] = (
                cifar.images(batch, IMAGES_PER_BATCH),
                cifar.labels(batch, "labels", IMAGES_PER_BATCH, len(CLASS_NAMES)),
            )
    x_train, y_train = (np.concatenate(parts) for parts in zip(*(splits[name] for name in _TRAIN), strict=True))
    return (x_train, y_train), splits["test_batch"]
