"""Find the backend for a name, or for the types of arrays."""

import importlib
import threading
from typing import Any, Literal, cast, overload

import numpy as np

from cornu import config
from cornu.backends import memory
from cornu.backends.contract import Backend, TracingBackend
from cornu.errors import BackendError, InvalidTypeError, one_of
from cornu.typing import ArrayLike

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
    "register_variable_type",
]

TRACING_BACKENDS = ("onnx",)
"""Backends that record operations instead of computing them, to export models."""

_BACKEND_OF_PACKAGE = {"jax": "jax", "jaxlib": "jax", "numpy": "numpy", "tensorflow": "tensorflow", "torch": "torch"}
"""Backend of the array types that a package defines."""

_SPARSE_METHODS = ("todense", "with_values")
"""Methods of the types of an engine for sparse and ragged arrays, by which they are recognized."""

_loaded: dict[str, Backend] = {}

_loading = threading.RLock()
"""Held while an engine is imported, so that other threads receive its backend only when it is set up."""

_owner_names: dict[type, str | None] = {}

_variable_types: list[type] = []


@overload
def get(name: Literal["onnx"]) -> TracingBackend: ...
@overload
def get(name: str | None = None) -> Backend: ...
def get(name: str | None = None) -> Backend:
    """Return the backend with this name; it is imported on first use.

    Args:
        name: ``"jax"``, ``"torch"``, ``"tensorflow"`` or ``"numpy"``. Defaults to ``cornu.config.backend()``.

    Returns:
        A module with the functions of ``cornu.backends.contract``.

    Raises:
        InvalidArgumentError: There is no such backend.

    Example:
        >>> from cornu import backends
        >>> backends.get("numpy").to_numpy([1, 2]).tolist()
        [1, 2]
    """
    name = name or config.backend()
    if name not in _loaded:
        if name not in config.BACKENDS and name not in TRACING_BACKENDS:
            raise one_of("backend", name, config.BACKENDS)
        with _loading:
            if name not in (*TRACING_BACKENDS, "numpy"):
                memory.retain_freed_memory()
            backend = importlib.import_module(module_name(name))
            if name not in _loaded:
                for kind in _variable_types:
                    _accept_variables(backend, kind)
            _loaded[name] = cast(Backend, backend)
    return _loaded[name]


def module_name(name: str) -> str:
    """Return the full name of the module of a backend.

    Example:
        >>> from cornu import backends
        >>> backends.get("numpy").__name__ == backends.module_name("numpy")
        True
    """
    return f"cornu.backends.{name}.backend"


def place(name: str, device: str | None = None) -> config.Placement:
    """Return a validated pair of backend and device.

    Args:
        name: Name of the backend.
        device: Name of a device in any form that users may pass. Defaults to ``config.device(name)``.

    Raises:
        InvalidArgumentError: There is no such backend, or it has no such device.

    Example:
        >>> from cornu import backends
        >>> backends.place("numpy", "cpu")
        Placement(backend='numpy', device='cpu:0')
    """
    requested = config.Placement(name, config.device(name) if device is None else device)
    get(name)
    return requested if requested.device is None else config.Placement(name, device_of(requested))


def device_of(place: config.Placement) -> str:
    """Return the full name of the device of a placement.

    Raises:
        InvalidArgumentError: The backend has no such device.

    Example:
        >>> from cornu import backends, config
        >>> backends.device_of(config.Placement("numpy"))
        'cpu:0'
    """
    with config.placement_scope(*place):
        return get(place.backend).devices()[0]


def array_at(place: config.Placement, x: ArrayLike, dtype: str | None = None) -> Any:
    """Convert data to an array on the backend and device of a placement (see ``contract.asarray``).

    Example:
        >>> from cornu import backends, config
        >>> backends.array_at(config.Placement("numpy"), [1, 2])
        array([1, 2], dtype=int32)
    """
    with config.placement_scope(*place):
        return get(place.backend).asarray(x, dtype)


def name_of(backend: Backend) -> str:
    """Return the name of a backend."""
    return backend.NAME


def register_array_type(array_type: type, name: str | None) -> None:
    """Register a type as the array type of a backend, for types that are not defined in the engine's package.

    The name is None for a type of the engine's package whose objects are no arrays.
    """
    _owner_names[array_type] = name


def register_variable_type(kind: type) -> None:
    """Make the class of variables known to the engines that must know it, now or when they are loaded.

    The backend of such an engine has a function ``accept_variables(kind)``.
    """
    with _loading:
        _variable_types.append(kind)
        for backend in _loaded.values():
            _accept_variables(backend, kind)


def _accept_variables(backend: Any, kind: type) -> None:
    if hasattr(backend, "accept_variables"):
        backend.accept_variables(kind)


def owner(value: Any) -> str | None:
    """Return the name of the backend that a value is an array of; None for Python data and other objects.

    Raises:
        InvalidTypeError: The value is a sparse or ragged array of an engine.
    """
    kind = type(value)
    if kind not in _owner_names:
        roots = (base.__module__.partition(".")[0] for base in kind.__mro__)
        name = next((_BACKEND_OF_PACKAGE[root] for root in roots if root in _BACKEND_OF_PACKAGE), None)
        if name is not None and any(hasattr(kind, method) for method in _SPARSE_METHODS):
            raise InvalidTypeError(
                f"A `{kind.__name__}` of the engine {name!r} was received.",
                "Cornu computes with dense arrays.",
                "Convert it to a dense array first, such as with `x.todense()`, `tf.sparse.to_dense(x)` or `x.to_tensor()`.",
            )
        _owner_names[kind] = name
    return _owner_names[kind]


def home(array: Any) -> Backend:
    """Return the backend of an array, independent of the default backend: the NumPy backend for a NumPy array.

    Example:
        >>> import numpy as np
        >>> from cornu import backends
        >>> backends.home(np.ones(2)).__name__
        'cornu.backends.numpy.backend'
    """
    return get(owner(array))


def of(*values: Any) -> Backend:
    """Return the backend that computes with these values.

    The array of an engine determines the backend. NumPy arrays and Python data are converted to it; without an engine's array
    they belong to the default backend, which is the one of the model inside a call. A recorded array takes precedence over
    all others, which become constants of the graph.

    Args:
        values: Arrays, Python scalars, or lists of them.

    Returns:
        The backend.

    Raises:
        BackendError: The values contain arrays of two engines.

    Example:
        >>> import numpy as np
        >>> from cornu import backends
        >>> backends.of(np.ones(2)) is backends.get()
        True
    """
    found = None
    for value in values:
        name = _of_list(value) if isinstance(value, (list, tuple)) else _required_backend(value)
        if name is None or name == found:
            continue
        if found is not None and _precedence(name) == _precedence(found):
            raise BackendError(
                f"An operation received arrays of the backends {found!r} and {name!r}.",
                "All arrays of an operation must belong to one backend.",
                "Convert one with `cornu.ops.convert_to_tensor(x, backend=...)`, or move a model with `model.to_backend(...)`.",
            )
        if found is None or _precedence(name) > _precedence(found):
            found = name
    return get(found)


def holds_arrays(values: list | tuple) -> bool:
    """Return whether a list, or a list nested in it, contains an array, and not only Python data."""
    return any(holds_arrays(value) if isinstance(value, (list, tuple)) else owner(value) is not None for value in values)


def _required_backend(value: Any) -> str | None:
    """Return the backend that a value requires; None for NumPy arrays, which any backend converts, and for Python data."""
    return None if isinstance(value, (np.ndarray, np.generic)) else owner(value)


def _precedence(name: str) -> int:
    """Return the precedence of a backend where arrays of two backends are combined: the higher one determines the backend."""
    return 2 if name in TRACING_BACKENDS else 0 if name == "numpy" else 1


def _of_list(values: list | tuple) -> str | None:
    """Return the backend that the values of a list require; None if they are only NumPy arrays and Python data."""
    names = [_of_list(value) if isinstance(value, (list, tuple)) else _required_backend(value) for value in values]
    return max((name for name in names if name is not None), key=_precedence, default=None)
