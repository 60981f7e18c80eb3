"""Array engines behind one contract, found by the type of the array.

This package is the only place that imports an engine, and it does so when the first array of that engine turns up.
``contract.py`` lists what each of the modules ``jax``, ``torch``, ``tensorflow`` and ``numpy`` provides. ``onnx`` records
instead of computing: that is how models are exported.
"""

from cornu import registry
from cornu.backends.lookup import *

__all__ = registry.exported_names(globals())
