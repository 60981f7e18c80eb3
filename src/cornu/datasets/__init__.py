"""Small datasets of images, texts and numbers, with the names used by Keras.

Files are searched for in Cornu's cache folder (environment variable ``CORNU_DATASETS``; defaults to the user's cache folder)
and in that of Keras, and are downloaded once if they are in neither. ``digits`` is part of scikit-learn and needs no download.
"""

from cornu import namespaces
from cornu.datasets import (
    boston_housing,
    california_housing,
    cifar10,
    cifar100,
    digits,
    fashion_mnist,
    imdb,
    mnist,
    reuters,
)

__all__ = [
    "boston_housing",
    "california_housing",
    "cifar10",
    "cifar100",
    "digits",
    "fashion_mnist",
    "imdb",
    "mnist",
    "reuters",
]

__getattr__ = namespaces.missing_names_of(__name__, __all__)
