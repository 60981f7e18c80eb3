"""Small collections of labelled pictures to learn and to measure with, under Keras's names.

They are looked for in Cornu's cache folder (the environment's ``CORNU_DATASETS``, by default the user's cache) and in
Keras's; what is in neither is downloaded once. ``digits`` comes with scikit-learn and needs no download.
"""

from cornu.datasets import cifar10, cifar100, digits, fashion_mnist, mnist

__all__ = ["cifar10", "cifar100", "digits", "fashion_mnist", "mnist"]
