"""Array engines behind one contract, selected by the type of the array.

Only this package imports engines, each on first use. ``contract.py`` specifies the functions that each of the packages
``jax``, ``torch``, ``tensorflow`` and ``numpy`` provides in its module ``backend``. ``onnx`` records operations instead of
computing them, to export models.
"""

from cornu.backends.lookup import (
    TRACING_BACKENDS,
    array_at,
    device_of,
    get,
    holds_arrays,
    home,
    module_name,
    name_of,
    of,
    owner,
    place,
    register_array_type,
)

__all__ = [
    "TRACING_BACKENDS",
    "array_at",
    "device_of",
    "get",
    "holds_arrays",
    "home",
    "module_name",
    "name_of",
    "of",
    "owner",
    "place",
    "register_array_type",
]
