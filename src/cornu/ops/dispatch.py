"""Dispatch of ops by the types of their arguments.

An op accepts three kinds of arguments: arrays of a backend (the backend computes), array-like objects such as variables (they
are converted to their array), and symbolic tensors (the op is recorded instead of computed). Higher tiers register the last
kind, so this module depends on neither variables nor graphs.

Inside an op, :func:`arrays`, :func:`operands` and :func:`floats` return the backend and the arguments as its arrays.
"""

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from cornu import backends, config
from cornu.dtypes import is_float
from cornu.errors import InvalidTypeError

_recorders: dict[type, Callable] = {}

OPS_BY_KERAS_PATH: dict[str, Callable] = {}
"""Functions that files may refer to, by module and class in Keras: ``"numpy.Add"``."""

_plain: set[type] = set()
"""Cache of types that are neither recorded nor have ``__cornu_array__``, for fast dispatch of common calls."""

_homes: dict[type, ModuleType] = {}
"""Cache of the backends of array types, except ``numpy.ndarray``, whose backend depends on the default backend."""

_float_dtypes: dict[Any, bool] = {}
"""Cache of whether a dtype object of an engine is a floating-point one."""

_weak: set[type] = {bool, int, float}
"""Types of Python scalars, which take the dtype of the array next to them."""

_HOST_SCALARS = (np.float64, np.int64)
"""NumPy scalar types that are treated as Python scalars, as in ``x * np.sqrt(2)``."""


def register_recorder(kind: type, record: Callable) -> None:
    """Register a type: calls of an op with an argument of it call ``record(op, args, kwargs)`` instead of the op."""
    _recorders[kind] = record
    _plain.discard(kind)


def op(function: Callable | None = None, *, batch_coupling: Any = "unknown", keras_path: str | None = None) -> Callable:
    """Convert a function on arrays to an op, which also accepts symbolic tensors and objects that represent an array.

    An object represents an array if its type has a method ``__cornu_array__()``, which returns the array. Lists and tuples
    among the arguments are inspected one level deep (``concatenate([a, b])``).

    Args:
        function: Function to convert. Without it, a decorator is returned: ``@op(batch_coupling="none")``.
        batch_coupling: How the result for a sample depends on the rest of the batch: ``"none"``, ``"unknown"`` or a rule
            (``ops/batch_coupling.py``). Defaults to ``"unknown"``.
        keras_path: Module and class by which files refer to the op, such as ``"numpy.Add"``; None for an op that files may not
            refer to. Defaults to None.
    """
    if function is None:
        return functools.partial(op, batch_coupling=batch_coupling, keras_path=keras_path)

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for value in (*args, *kwargs.values()) if kwargs else args:
            kind = type(value)
            if kind in _plain:
                continue
            if kind is not tuple and kind is not list:
                return _dispatch(wrapper, function, args, kwargs)
            for item in value:
                if type(item) not in _plain:
                    return _dispatch(wrapper, function, args, kwargs)
        return function(*args, **kwargs)

    vars(wrapper)["batch_coupling"] = batch_coupling
    return wrapper if keras_path is None else named_in_files(keras_path)(wrapper)


def named_in_files(keras_path: str) -> Callable:
    """Make a decorator that registers a function as an operation that graphs in files may refer to.

    Args:
        keras_path: Module and class by which files refer to it, such as ``"numpy.Add"``.
    """

    def register(function: Callable) -> Callable:
        OPS_BY_KERAS_PATH[keras_path] = function
        return function

    return register


def is_recorded(value: Any) -> bool:
    """Return whether a call with this argument is recorded instead of computed."""
    return type(value) in _recorders


def _dispatch(wrapper: Callable, function: Callable, args: tuple, kwargs: dict) -> Any:
    for value in (*args, *kwargs.values()):
        for item in value if isinstance(value, (list, tuple)) else (value,):
            kind = type(item)
            if kind in _plain:
                continue
            record = _recorders.get(kind)
            if record is not None:
                return record(wrapper, args, kwargs)
            if not (isinstance(item, (list, tuple)) or hasattr(kind, "__cornu_array__")):
                _plain.add(kind)
    unwrapped = [unwrap(value) for value in args]
    named = {name: unwrap(value) for name, value in kwargs.items()}
    if config.backend() != "numpy" and _represents_numpy((*args, *kwargs.values()), (*unwrapped, *named.values())):
        with config.placement_scope("numpy"):
            return function(*unwrapped, **named)
    return function(*unwrapped, **named)


def _represents_numpy(value: Any, unwrapped: Any) -> bool:
    """Return whether a value represents an array of the NumPy backend, as its variables do; NumPy data does not."""
    if type(unwrapped) in (list, tuple):
        return any(map(_represents_numpy, value, unwrapped))
    return unwrapped is not value and isinstance(unwrapped, np.ndarray)


def unwrap(value: Any) -> Any:
    """Return the array that a value represents, or the value itself; lists and tuples are unwrapped one level deep."""
    if hasattr(type(value), "__cornu_array__"):
        return value.__cornu_array__()
    if type(value) in (list, tuple):
        return type(value)(unwrap(item) if hasattr(type(item), "__cornu_array__") else item for item in value)
    return value


def arrays(*values: Any) -> tuple:
    """Return the backend for some values, and each value as an array of it.

    Args:
        values: Arrays, Python scalars, or lists of them.

    Returns:
        ``(backend, *arrays)``. See :func:`cornu.backends.of` for the backend.

    Raises:
        BackendError: The values contain arrays of two engines.
        InvalidTypeError: A value cannot be converted to an array.

    Example:
        >>> import numpy as np
        >>> from cornu import backends
        >>> from cornu.ops.dispatch import arrays
        >>> backend, x, y = arrays(np.float32([1, 2]), [3.0, 4.0])
        >>> backend is backends.get(), x.tolist(), y.tolist()
        (True, [1.0, 2.0], [3.0, 4.0])
    """
    backend = None
    for value in values:
        kind = type(value)
        home = _homes.get(kind) or (_numpy_home() if kind is np.ndarray else None)
        if home is None or (backend is not None and home is not backend):
            return _convert_arrays(values)
        backend = home
    return (backend, *values)


def _numpy_home() -> ModuleType | None:
    """Return the NumPy backend if it is the current one, so that NumPy arrays are its own; None where they are data."""
    return backends.get("numpy") if config.backend() == "numpy" else None


def _convert_arrays(values: tuple) -> tuple:
    backend = backends.of(*values)
    return (backend, *[_as_native(backend, value) for value in values])


def _as_native(backend: ModuleType, value: Any) -> Any:
    """Convert a value to an array of a backend, and cache the type if it is one already."""
    if backends.owner(value) != backends.name_of(backend):
        return as_array(backend, value)
    if not isinstance(value, (np.ndarray, np.generic)):
        _homes[type(value)] = backend
    return value


def operands(*values: Any) -> tuple:
    """Return what :func:`arrays` does, but leave Python scalars next to an array, whose dtype they take, unchanged."""
    backend = None
    for value in values:
        kind = type(value)
        if kind in _weak:
            continue
        home = _homes.get(kind) or (_numpy_home() if kind is np.ndarray else None)
        if home is None or (backend is not None and home is not backend):
            return _convert_operands(values)
        backend = home
    return (backend, *values) if backend is not None else _convert_arrays(values)


def _convert_operands(values: tuple) -> tuple:
    backend = backends.of(*values)
    return (backend, *[_operand(backend, value) for value in values])


def _operand(backend: ModuleType, value: Any) -> Any:
    kind = type(value)
    if kind in _weak:
        return value
    return value.item() if kind in _HOST_SCALARS else _as_native(backend, value)


def floats(*values: Any) -> tuple:
    """Return what :func:`arrays` does, with integers and booleans cast to ``config.floatx()``."""
    backend, *converted = arrays(*values)
    return (backend, *[x if has_floats(backend, x) else backend.cast(x, config.floatx()) for x in converted])


def has_floats(backend: ModuleType, x: Any) -> bool:
    """Return whether an array has a floating-point dtype; cached by dtype, because the name of a dtype is slow to find."""
    known = _float_dtypes.get(x.dtype)
    if known is None:
        known = _float_dtypes[x.dtype] = is_float(backend.dtype(x))
    return known


def as_array(backend: ModuleType, value: Any, dtype: str | None = None) -> Any:
    """Convert a value to an array of a backend, with its own dtype or another one.

    Raises:
        InvalidTypeError: The value is None, a string or another object that cannot be converted.
    """
    if value is None or isinstance(value, (str, bytes, dict, set)):
        raise InvalidTypeError(
            f"Received {value!r} where an array is required.",
            "The argument must be an array, a number or a list of numbers.",
            "Check the arguments and their order.",
        )
    return backend.asarray(value, dtype)
