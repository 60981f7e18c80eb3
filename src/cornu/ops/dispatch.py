"""How an op finds out what to do: from what its arguments are.

Three kinds of arguments come to an op: arrays of a backend (the backend computes), things that stand for an array, such as a
variable (they are asked for it), and symbolic tensors (the op is recorded instead of computed). The floors above register
the last two kinds, so this module knows neither variables nor graphs.

Inside an op, :func:`arrays`, :func:`operands` and :func:`floats` give the backend that decides and the arguments as its arrays.
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
"""The functions that a file may name, by module and class of Keras: ``"numpy.Add"``."""

_plain: set[type] = set()
"""Types met before that are neither recorded nor stand for an array, so that the usual call is looked at quickly."""

_homes: dict[type, ModuleType] = {}
"""The backends of types of arrays that were met before; not of ``numpy.ndarray``, which belongs where the call runs."""

_float_dtypes: dict[Any, bool] = {}
"""Whether a dtype, as an engine writes it, is one of floats."""

_weak: set[type] = {bool, int, float}
"""Numbers that take on the dtype of the array beside them."""

_HOST_SCALARS = (np.float64, np.int64)
"""What NumPy gives for a single number of the host, as in ``x * np.sqrt(2)``: a number like Python's."""


def register_recorder(kind: type, record: Callable) -> None:
    """Says what happens when an op meets an argument of a kind: ``record(op, args, kwargs)`` instead of the op."""
    _recorders[kind] = record
    _plain.discard(kind)


def op(function: Callable | None = None, *, batch_coupling: Any = "unknown", keras_path: str | None = None) -> Callable:
    """Makes a function on arrays an op: it also takes what stands for an array, and symbolic tensors.

    A thing stands for an array if its type has a method ``__cornu_array__()`` that gives one.
    Arguments are looked at themselves and, for lists and tuples, one level deep (``concatenate([a, b])``).

    Args:
        function: The function. Without it, a decorator is returned: ``@op(batch_coupling="none")``.
        batch_coupling: How the samples of a batch meet in it: ``"none"``, ``"unknown"`` or a rule (``ops/batch_coupling.py``).
        keras_path: Module and class by which files name the op, as ``"numpy.Add"``; None for an op that no file may name.
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
                return _look_closely(wrapper, function, args, kwargs)
            for item in value:
                if type(item) not in _plain:
                    return _look_closely(wrapper, function, args, kwargs)
        return function(*args, **kwargs)

    vars(wrapper)["batch_coupling"] = batch_coupling
    return wrapper if keras_path is None else named_in_files(keras_path)(wrapper)


def named_in_files(keras_path: str) -> Callable:
    """Make a decorator that lets files name a function as an operation of a graph.

    Args:
        keras_path: Module and class by which they name it, as ``"numpy.Add"``.
    """

    def register(function: Callable) -> Callable:
        OPS_BY_KERAS_PATH[keras_path] = function
        return function

    return register


def is_recorded(value: Any) -> bool:
    """Return whether a call with this argument is recorded instead of computed."""
    return type(value) in _recorders


def _look_closely(wrapper: Callable, function: Callable, args: tuple, kwargs: dict) -> Any:
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
    taken = [unwrap(value) for value in args]
    named = {name: unwrap(value) for name, value in kwargs.items()}
    if config.backend() != "numpy" and _lends_numpy((*args, *kwargs.values()), (*taken, *named.values())):
        with config.placement_scope("numpy"):
            return function(*taken, **named)
    return function(*taken, **named)


def _lends_numpy(given: Any, taken: Any) -> bool:
    """Whether a value stood for a NumPy array, as a variable of the NumPy backend does: an array of its, not data."""
    if type(taken) in (list, tuple):
        return any(map(_lends_numpy, given, taken))
    return taken is not given and isinstance(taken, np.ndarray)


def unwrap(value: Any) -> Any:
    """The array a value stands for, or the value itself; lists and tuples one level deep."""
    if hasattr(type(value), "__cornu_array__"):
        return value.__cornu_array__()
    if type(value) in (list, tuple):
        return type(value)(unwrap(item) if hasattr(type(item), "__cornu_array__") else item for item in value)
    return value


def arrays(*values: Any) -> tuple:
    """The backend that decides about some values, and each value as an array of it.

    Args:
        values: Arrays, numbers, or lists of them.

    Returns:
        ``(backend, *arrays)``. See :func:`cornu.backends.of` for the backend.

    Raises:
        BackendError: Arrays of two engines are among the values.
        InvalidTypeError: A value is no array and cannot become one.

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
        home = _homes.get(kind) or (_home_of_numpy() if kind is np.ndarray else None)
        if home is None or (backend is not None and home is not backend):
            return _arrays_of_several(values)
        backend = home
    return (backend, *values)


def _home_of_numpy() -> ModuleType | None:
    """The NumPy backend where it runs or is the default, so that NumPy arrays are its own; None where they are data."""
    return backends.get("numpy") if config.backend() == "numpy" else None


def _arrays_of_several(values: tuple) -> tuple:
    backend = backends.of(*values)
    return (backend, *[_at_home(backend, value) for value in values])


def _at_home(backend: ModuleType, value: Any) -> Any:
    """The value as an array of a backend; remembers the types of arrays that are at home there."""
    if backends.owner(value) != backends.name_of(backend):
        return as_array(backend, value)
    if not isinstance(value, (np.ndarray, np.generic)):
        _homes[type(value)] = backend
    return value


def operands(*values: Any) -> tuple:
    """As :func:`arrays`, but a Python number beside an array stays a number, which takes on the array's dtype."""
    backend = None
    for value in values:
        kind = type(value)
        if kind in _weak:
            continue
        home = _homes.get(kind) or (_home_of_numpy() if kind is np.ndarray else None)
        if home is None or (backend is not None and home is not backend):
            return _operands_of_several(values)
        backend = home
    return (backend, *values) if backend is not None else _arrays_of_several(values)


def _operands_of_several(values: tuple) -> tuple:
    backend = backends.of(*values)
    return (backend, *[_operand(backend, value) for value in values])


def _operand(backend: ModuleType, value: Any) -> Any:
    kind = type(value)
    if kind in _weak:
        return value
    return value.item() if kind in _HOST_SCALARS else _at_home(backend, value)


def floats(*values: Any) -> tuple:
    """As :func:`arrays`, with whole numbers and booleans turned into floats of ``config.floatx()``."""
    backend, *found = arrays(*values)
    return (backend, *[x if has_floats(backend, x) else backend.cast(x, config.floatx()) for x in found])


def has_floats(backend: ModuleType, x: Any) -> bool:
    """Whether an array is of floats; remembers it by dtype, since an engine's name of a dtype takes long to find."""
    known = _float_dtypes.get(x.dtype)
    if known is None:
        known = _float_dtypes[x.dtype] = is_float(backend.dtype(x))
    return known


def as_array(backend: ModuleType, value: Any, dtype: str | None = None) -> Any:
    """A value as an array of a backend, of its own dtype or another one.

    Raises:
        InvalidTypeError: The value is text, nothing or another thing that no array can be made of.
    """
    if value is None or isinstance(value, (str, bytes, dict, set)):
        raise InvalidTypeError(
            f"{value!r} was given where an array was expected.",
            "An array, a number or a list of numbers was expected.",
            "Check the arguments, their order too.",
        )
    return backend.asarray(value, dtype)
