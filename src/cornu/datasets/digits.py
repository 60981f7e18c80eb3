"""Digits: 1,797 grayscale images of handwritten digits with 8 x 8 pixels, part of scikit-learn. No download.

E. Alpaydin, C. Kaynak: "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository (1998), test set.
"""

import importlib.util

import numpy as np

from cornu.datasets.reading import Split
from cornu.errors import InvalidArgumentError, MissingPackageError

_SEED = 1998


def load_data(test_fraction: float = 0.2) -> tuple[Split, Split]:
    """Load the digits dataset of scikit-learn, split into a training set and a test set.

    The split is stratified (each digit has the same fraction in both sets), shuffled and always the same.

    Args:
        test_fraction: Float between 0 and 1, fraction of the images in the test set. Defaults to 0.2: 1,438 training images
            and 359 test images.

    Returns:
        Tuple of NumPy arrays ``(x_train, y_train), (x_test, y_test)``.

        ``x_train``, ``x_test``: ``uint8`` images of shape ``(n, 8, 8)``, with values **from 0 (background) to 16 (ink)**.
        Divide by 16 to scale them to [0, 1].
        ``y_train``, ``y_test``: ``uint8`` labels of shape ``(n,)``, integers from 0 to 9.

    Raises:
        InvalidArgumentError: If ``test_fraction`` is not between 0 and 1.
        MissingPackageError: If scikit-learn is not installed.

    Example:
        >>> from cornu.datasets import digits
        >>> (x_train, y_train), (x_test, y_test) = digits.load_data()
        >>> x_train.shape, x_test.shape, int(x_train.max())
        ((1438, 8, 8), (359, 8, 8), 16)
    """
    if not 0 < test_fraction < 1:
        raise InvalidArgumentError(
            f"`digits.load_data` received test_fraction={test_fraction!r}.",
            "`test_fraction` must be a float between 0 and 1, the fraction of the images in the test set.",
            "Pass, for example, `test_fraction=0.2`.",
        )
    if importlib.util.find_spec("sklearn") is None:
        raise MissingPackageError(
            "Cannot load the digits dataset.",
            "It is part of the package scikit-learn, which is not installed.",
            "Run `pip install scikit-learn`.",
        )
    from sklearn.datasets import load_digits

    images, labels = map(np.asarray, load_digits(return_X_y=True))
    images, labels = images.reshape(-1, 8, 8).astype("uint8"), labels.astype("uint8")
    train, test = _split(labels, test_fraction)
    return (images[train], labels[train]), (images[test], labels[test])


def _split(labels: np.ndarray, test_fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the training and test images."""
    rng = np.random.RandomState(_SEED)  # the generator whose stream NumPy guarantees never to change
    train, test = [], []
    for digit in range(10):
        members = rng.permutation(np.flatnonzero(labels == digit))
        count = round(test_fraction * len(members))
        test.append(members[:count])
        train.append(members[count:])
    return rng.permutation(np.concatenate(train)), rng.permutation(np.concatenate(test))
