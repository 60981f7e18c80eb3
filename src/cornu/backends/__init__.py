"""Array engines behind one contract, selected by the type of the array.

Only this package imports engines, each on first use. ``contract.py`` specifies the functions that each of the packages
``jax``, ``torch``, ``tensorflow`` and ``numpy`` provides in its module ``backend``. ``onnx`` records operations instead of
computing them, to export models.
"""

from cornu import registry
from cornu.backends.lookup import *

__all__ = registry.exported_names(globals())
