"""Small datasets of labeled images, with the names used by Keras.

Files are searched for in Cornu's cache folder (environment variable ``CORNU_DATASETS``; defaults to the user's cache folder)
and in that of Keras, and are downloaded once if they are in neither. ``digits`` is part of scikit-learn and needs no download.
"""

from cornu import namespaces
from cornu.datasets import cifar10, cifar100, digits, fashion_mnist, mnist

__all__ = ["cifar10", "cifar100", "digits", "fashion_mnist", "mnist"]

__getattr__ = namespaces.missing_names_of(__name__, __all__)
