"""Boston housing: prices of 506 homes around Boston in the 1970s.

David Harrison, Daniel Rubinfeld: "Hedonic Housing Prices and the Demand for Clean Air" (1978). One of the features, B, was made
from the fraction of Black inhabitants and assumes that segregation raises prices: use ``california_housing`` instead, unless
this is the subject.
"""

import numpy as np

from cornu.datasets.reading import FLOATS, Split, check_test_split, naming, read_npz, shuffled, split_off
from cornu.io.cache import Source, get_path
from cornu.io.download import Checksum

SOURCE = Source(
    name="boston_housing.npz",
    url="https://storage.googleapis.com/tensorflow/tf-keras-datasets/boston_housing.npz",
    checksum=Checksum("f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"),
    size=57_026,
)


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> tuple[Split, Split]:
    """Load the Boston housing dataset: 13 features of 506 homes, and their prices in thousands of dollars.

    Args:
        path: String, name of the file in the cache folder (see :mod:`cornu.datasets`), or path of the file. Defaults to
            ``"boston_housing.npz"``.
        test_split: Float in [0, 1), fraction of the homes in the test set. Defaults to 0.2.
        seed: Integer, seed of the order of the homes. Defaults to 113.

    Returns:
        Tuple of ``float64`` NumPy arrays ``(x_train, y_train), (x_test, y_test)``; features of shape ``(n, 13)``.

    Raises:
        InvalidArgumentError: If ``test_split`` is out of range.
        DataError: If the file does not exist and cannot be downloaded, or if it is another one.

    Example:
        >>> from cornu.datasets import boston_housing
        >>> (x_train, y_train), (x_test, y_test) = boston_housing.load_data()  # doctest: +SKIP
        >>> x_train.shape, x_test.shape  # doctest: +SKIP
        ((404, 13), (102, 13))
    """
    check_test_split(test_split)
    found = get_path(SOURCE._replace(name=path))
    with naming(found, "the Boston housing dataset in the form of Keras's boston_housing.npz"):
        arrays = read_npz(found, {"x": ((None, 13), FLOATS), "y": ((None,), FLOATS)})
        x, y = shuffled(np.random.RandomState(seed), arrays["x"], arrays["y"])
    return split_off(test_split, x, y)
