"""Dispatch of ops on the types of their arguments.

An op accepts three kinds of arguments: arrays of a backend (the backend computes), objects that represent an array, such as
variables (they are converted to it), and symbolic tensors (the op is recorded instead of computed). Higher tiers register the
last two kinds, so this module depends neither on variables nor on graphs.

Inside an op, :func:`arrays`, :func:`operands` and :func:`floats` return the selected backend and the arguments as its arrays.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import autograph, backends, config
from cornu.backends.contract import Backend
from cornu.dtypes import HALVES, is_complex, is_float
from cornu.errors import InvalidTypeError
from cornu.typing import Array, ArrayLike, Tree

_recorders: dict[type, Callable] = {}

OPS_BY_KERAS_PATH: dict[str, Callable] = {}
"""The functions that a file may name, by their module and class in Keras, such as ``"numpy.Add"``."""

_plain: set[type] = set()
"""Types seen before that are neither recorded nor represent an array, to make the check of a usual call fast."""

_backends_by_type: dict[type, Backend] = {}
"""The backends of array types seen before, except ``numpy.ndarray``, whose backend depends on where the call runs."""

_float_dtypes: dict[Any, bool] = {}
"""Whether a dtype object of an engine is a floating-point or complex dtype."""

_weak: set[type] = {bool, int, float, complex}
"""Types of Python scalars, which adopt the dtype of the array that they are combined with."""

_HOST_SCALARS = (np.float64, np.int64)
"""Types of NumPy scalars, as in ``x * np.sqrt(2)``, that are treated like Python scalars."""


def register_recorder(kind: type, record: Callable) -> None:
    """Register a type of arguments for which an op calls ``record(op, args, kwargs)`` instead of computing."""
    _recorders[kind] = record
    _plain.discard(kind)


def op(
    function: Callable | None = None,
    *,
    batch_coupling: str | Callable = "unknown",
    unknown_sizes: Callable | None = None,
    keras_path: str | None = None,
) -> Callable:
    """Turn a function on arrays into an op, which also accepts objects that represent an array, and symbolic tensors.

    An object represents an array if its type has a method ``__cornu_array__()`` that returns one. Arguments are inspected
    one level deep in lists and tuples (``concatenate([a, b])``).

    Args:
        function: Function on arrays. If None, a decorator is returned: ``@op(batch_coupling="none")``.
        batch_coupling: How the samples of a batch affect each other: ``"none"``, ``"unknown"`` or a rule of
            ``ops/batch_coupling.py``. Defaults to ``"unknown"``.
        unknown_sizes: Rule of ``ops/unknown_sizes.py`` for sizes of symbolic tensors that are not known. Defaults to None, for
            an op that works for all sizes.
        keras_path: Module and class that name the op in files, such as ``"numpy.Add"``. Defaults to None, for an op that
            files may not name.

    Returns:
        The op, or a decorator.
    """
    if function is None:
        return functools.partial(op, batch_coupling=batch_coupling, unknown_sizes=unknown_sizes, keras_path=keras_path)

    @autograph.not_converted
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

    vars(wrapper).update(batch_coupling=batch_coupling, unknown_sizes=unknown_sizes)
    return wrapper if keras_path is None else named_in_files(keras_path)(wrapper)


def computed_in_float32(function: Callable) -> Callable:
    """Let a function compute in ``float32`` if its first argument has half precision, in which sums overflow.

    Args:
        function: Function of an array and further arguments, the body of an op.

    Returns:
        The function. If the first argument has half precision, so have its results, apart from integers and complex numbers.
    """

    first = next(iter(inspect.signature(function).parameters))

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        x, *others = args or (kwargs.pop(first),)
        backend, values = floats(x)
        dtype = backend.dtype(values)
        if dtype not in HALVES:
            return function(values, *others, **kwargs)
        results = function(backend.cast(values, "float32"), *others, **kwargs)
        if isinstance(results, tuple):
            return tuple(backend.cast(x, dtype) if backend.dtype(x) == "float32" else x for x in results)
        return backend.cast(results, dtype)

    return wrapper


def named_in_files(keras_path: str) -> Callable:
    """Return a decorator that allows files to name a function as an operation of a graph.

    Args:
        keras_path: Module and class that name it in files, such as ``"numpy.Add"``.
    """

    def register(function: Callable) -> Callable:
        OPS_BY_KERAS_PATH[keras_path] = function
        return function

    return register


def is_recorded(value: Any) -> bool:
    """Return whether a call with this argument is recorded instead of computed."""
    return type(value) in _recorders


def _dispatch(wrapper: Callable, function: Callable, args: tuple, kwargs: dict) -> Any:
    """Record the call if an argument is symbolic; otherwise compute it with the arrays that the arguments represent."""
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
    """Return whether a value represents a NumPy array, as a variable of the NumPy backend does."""
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


def arrays(*values: ArrayLike) -> tuple[Backend, *tuple[Array, ...]]:
    """Select the backend for some values, and convert each value to an array of it.

    Args:
        *values: Arrays, numbers, or lists of them.

    Returns:
        ``(backend, *arrays)``. :func:`cornu.backends.of` describes how the backend is selected.

    Raises:
        BackendError: The values contain arrays of two engines.
        InvalidTypeError: A value is not an array and cannot be converted to one.

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
        owner = _backends_by_type.get(kind) or (_numpy_backend() if kind is np.ndarray else None)
        if owner is None or (backend is not None and owner is not backend):
            return _arrays_of_several(values)
        backend = owner
    return (backend, *values)  # type: ignore[return-value]


def _numpy_backend() -> Backend | None:
    """Return the NumPy backend if NumPy arrays belong to it, that is, if it is the current one; None if they are data."""
    return backends.get("numpy") if config.backend() == "numpy" else None


def _arrays_of_several(values: tuple) -> tuple[Backend, *tuple[Array, ...]]:
    backend = backends.of(*values)
    return (backend, *[_as_own_array(backend, value) for value in values])


def _as_own_array(backend: Backend, value: ArrayLike) -> Array:
    """Return a value as an array of a backend, and cache the type if it is an array type of that backend."""
    if backends.owner(value) != backends.name_of(backend):
        return as_array(backend, value)
    if not isinstance(value, (np.ndarray, np.generic)):
        _backends_by_type[type(value)] = backend
    return value  # type: ignore[return-value]


def operands(*values: ArrayLike) -> tuple[Backend, *tuple[Array, ...]]:
    """Select the backend as :func:`arrays` does, but keep Python numbers, which adopt the dtype of the arrays."""
    backend = None
    for value in values:
        kind = type(value)
        if kind in _weak:
            continue
        owner = _backends_by_type.get(kind) or (_numpy_backend() if kind is np.ndarray else None)
        if owner is None or (backend is not None and owner is not backend):
            return _operands_of_several(values)
        backend = owner
    return (backend, *values) if backend is not None else _arrays_of_several(values)  # type: ignore[return-value]


def _operands_of_several(values: tuple) -> tuple[Backend, *tuple[Array, ...]]:
    backend = backends.of(*values)
    return (backend, *[_operand(backend, value) for value in values])


def _operand(backend: Backend, value: Any) -> Any:
    kind = type(value)
    if kind in _weak:
        return value
    return value.item() if kind in _HOST_SCALARS else _as_own_array(backend, value)


def floats(*values: ArrayLike) -> tuple[Backend, *tuple[Array, ...]]:
    """Convert values as :func:`arrays` does, and cast integers and booleans to floats.

    Next to floats they are cast to the dtype of the first of these, otherwise to ``config.floatx()``.
    """
    backend, *found = arrays(*values)
    are_floats = [has_floats(backend, x) for x in found]
    if all(are_floats):
        return (backend, *found)
    dtype = backend.dtype(found[are_floats.index(True)]) if any(are_floats) else config.floatx()
    return (backend, *[x if is_one else backend.cast(x, dtype) for x, is_one in zip(found, are_floats, strict=True)])


def has_floats(backend: Backend, x: Array) -> bool:
    """Return whether an array has a floating-point or complex dtype, cached since the name of a dtype is slow to find."""
    known = _float_dtypes.get(x.dtype)
    if known is None:
        name = backend.dtype(x)
        known = _float_dtypes[x.dtype] = is_float(name) or is_complex(name)
    return known


def without_booleans(backend: Backend, x: Array) -> Array:
    """Cast booleans to ``int32``, for functions whose result is a number."""
    return x if has_floats(backend, x) or backend.dtype(x) != "bool" else backend.cast(x, "int32")


def zero_of(backend: Backend, x: Array) -> bool | int:
    """Return the Python scalar that stands for 0 next to an array without changing its dtype: False next to booleans."""
    return False if backend.dtype(x) == "bool" else 0


def as_array(backend: Backend, value: Tree, dtype: str | None = None) -> Array:
    """Convert a value to an array of a backend.

    Args:
        backend: Backend of the result.
        value: Array, number, or list of them.
        dtype: Dtype of the result. Defaults to that of the value.

    Raises:
        InvalidTypeError: The value is None, a string, a dict or a set, which cannot be converted.
    """
    if value is None or isinstance(value, (str, bytes, dict, set)):
        raise InvalidTypeError(
            f"An op received {value!r} where it expects an array.",
            "An array, a number or a list of numbers was expected.",
            "Check the arguments and their order.",
        )
    return backend.asarray(value, dtype)
