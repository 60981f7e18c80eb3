"""California housing: median prices of homes in 20,640 block groups of the census of 1990.

Kelley Pace, Ronald Barry: "Sparse Spatial Autoregressions" (1997).
"""

import numpy as np

from cornu.datasets.reading import FLOATS, Split, check_test_split, naming, read_npz, shuffled, split_off
from cornu.errors import one_of
from cornu.io.cache import Source, get_path
from cornu.io.download import Checksum

SOURCE = Source(
    name="california_housing.npz",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/california_housing.npz",
    checksum=Checksum("1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"),
    size=743_530,
)
_COUNTS = {"small": 600, "large": None}


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[Split, Split]:
    """Load the California housing dataset: 8 features of block groups, and the median price of their homes in dollars.

    The features are the longitude, the latitude, the median age of the homes, the numbers of rooms, of bedrooms, of inhabitants
    and of households, and the median income.

    Args:
        version: ``"large"`` (20,640 block groups) or ``"small"`` (the first 600 of them). Defaults to ``"large"``.
        path: String, name of the file in the cache folder (see :mod:`cornu.datasets`), or path of the file. Defaults to
            ``"california_housing.npz"``.
        test_split: Float in [0, 1), fraction of the block groups in the test set. Defaults to 0.2.
        seed: Integer, seed of the order of the block groups. Defaults to 113.

    Returns:
        Tuple of ``float32`` NumPy arrays ``(x_train, y_train), (x_test, y_test)``; features of shape ``(n, 8)``.

    Raises:
        InvalidArgumentError: If ``version`` or ``test_split`` is invalid.
        DataError: If the file does not exist and cannot be downloaded, or if it is another one.

    Example:
        >>> from cornu.datasets import california_housing
        >>> (x_train, y_train), (x_test, y_test) = california_housing.load_data("small")  # doctest: +SKIP
        >>> x_train.shape, x_test.shape  # doctest: +SKIP
        ((480, 8), (120, 8))
    """
    check_test_split(test_split)
    if version not in _COUNTS:
        raise one_of("version", version, tuple(_COUNTS))
    found = get_path(SOURCE._replace(name=path))
    with naming(found, "the California housing dataset in the form of Keras's california_housing.npz"):
        arrays = read_npz(found, {"x": ((None, 8), FLOATS), "y": ((None,), FLOATS)})
        x, y = shuffled(np.random.RandomState(seed), arrays["x"][: _COUNTS[version]], arrays["y"][: _COUNTS[version]])
    return split_off(test_split, x, y)
