"""Digits: 1,797 tiny grey pictures of handwritten digits, 8 x 8 pixels, which come with scikit-learn. No download.

E. Alpaydin, C. Kaynak: "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository (1998), its test part.
"""

import importlib.util

import numpy as np

from cornu.datasets.reading import Split
from cornu.errors import InvalidArgumentError, MissingPackageError

_SEED = 1998


def load_data(test_fraction: float = 0.2) -> tuple[Split, Split]:
    """Loads the digits, always split in the same way.

    The split is drawn class by class, so each digit has its share in both parts, and both parts are shuffled.

    Args:
        test_fraction: The share of the pictures to test with, between 0 and 1.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``. Pictures are ``uint8`` of shape ``(n, 8, 8)`` **from 0 (paper) to 16
        (ink)**: divide by 16 to scale them. Labels are ``uint8`` of shape ``(n,)`` from 0 to 9. By default there are 1,438
        and 359 of them.

    Raises:
        InvalidArgumentError: ``test_fraction`` is not between 0 and 1.
        MissingPackageError: scikit-learn is not installed.

    Example:
        >>> from cornu.datasets import digits
        >>> (x_train, y_train), (x_test, y_test) = digits.load_data()
        >>> x_train.shape, x_test.shape, int(x_train.max())
        ((1438, 8, 8), (359, 8, 8), 16)
    """
    if not 0 < test_fraction < 1:
        raise InvalidArgumentError(
            f"`test_fraction={test_fraction!r}` was given.",
            "It is the share of the pictures to test with, a number between 0 and 1.",
            "Pass 0.2 for a fifth of them.",
        )
    if importlib.util.find_spec("sklearn") is None:
        raise MissingPackageError(
            "`digits.load_data()` was called.",
            "The digits come with the package scikit-learn, which is not installed.",
            "Run `pip install scikit-learn`.",
        )
    from sklearn.datasets import load_digits

    pictures, labels = map(np.asarray, load_digits(return_X_y=True))
    pictures, labels = pictures.reshape(-1, 8, 8).astype("uint8"), labels.astype("uint8")
    train, test = _split(labels, test_fraction)
    return (pictures[train], labels[train]), (pictures[test], labels[test])


def _split(labels: np.ndarray, test_fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the training and of the test pictures."""
    numbers = np.random.RandomState(_SEED)  # the one generator of NumPy that is promised never to change
    train, test = [], []
    for digit in range(10):
        members = numbers.permutation(np.flatnonzero(labels == digit))
        count = round(test_fraction * len(members))
        test.append(members[:count])
        train.append(members[count:])
    return numbers.permutation(np.concatenate(train)), numbers.permutation(np.concatenate(test))
