"""The ops that Keras has in the namespace ``keras.ops.numpy`` as well: those with the names of NumPy's functions.

An op belongs to it if its path in files begins with ``numpy``. The functions that create arrays, and ``vectorize``, have no
such path. ``cornu.ops`` imports this module last, when all ops are defined.
"""

from cornu import namespaces
from cornu.ops import conversion, creation, logic, mapping, window_functions
from cornu.ops.dispatch import OPS_BY_KERAS_PATH

_ops = {op.__name__: op for path, op in OPS_BY_KERAS_PATH.items() if path.startswith("numpy.")}
_ops |= {name: getattr(module, name) for module in (creation, window_functions) for name in module.__all__}
_ops |= {"array": conversion.array, "select": logic.select, "vectorize": mapping.vectorize}
globals().update(_ops)

__all__ = sorted(_ops)

__getattr__ = namespaces.missing_names_of(__name__, __all__)
