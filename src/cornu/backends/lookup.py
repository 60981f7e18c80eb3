"""Find a backend by its name or by its arrays."""

import importlib
import threading
from types import ModuleType
from typing import Any

import numpy as np

from cornu import config
from cornu.backends import memory
from cornu.errors import BackendError, one_of

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

TRACING_BACKENDS = ("onnx",)
"""Backends that compute nothing but write down what would be computed, for the export of models."""

_BACKEND_OF_PACKAGE = {"jax": "jax", "jaxlib": "jax", "numpy": "numpy", "tensorflow": "tensorflow", "torch": "torch"}
"""Which backend owns the array types that a package defines."""

_loaded: dict[str, ModuleType] = {}

_loading = threading.RLock()
"""Held while an engine is imported: what its module sets up is set up before another thread is given it."""

_owner_names: dict[type, str | None] = {}


def get(name: str | None = None) -> ModuleType:
    """The backend of a name, imported on first use.

    Args:
        name: ``"jax"``, ``"torch"``, ``"tensorflow"`` or ``"numpy"``; by default what ``cornu.config.backend()`` says.

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
            _loaded[name] = importlib.import_module(module_name(name))
    return _loaded[name]


def module_name(name: str) -> str:
    """Return the full name of the module that holds the backend of a name.

    Example:
        >>> from cornu import backends
        >>> backends.get("numpy").__name__ == backends.module_name("numpy")
        True
    """
    return f"cornu.backends.{name}.backend"


def place(name: str, device: str | None = None) -> config.Placement:
    """A backend and a device of it, checked.

    Args:
        name: Name of the backend.
        device: Name of a device as a user may write it; default ``config.device()``.

    Raises:
        InvalidArgumentError: There is no such backend, or it has no such device.

    Example:
        >>> from cornu import backends
        >>> backends.place("numpy", "cpu")
        Place(backend='numpy', device='cpu:0')
    """
    asked = config.Placement(name, config.device(name) if device is None else device)
    get(name)
    return asked if asked.device is None else config.Placement(name, device_of(asked))


def device_of(place: config.Placement) -> str:
    """The full name of the device that a place means.

    Raises:
        InvalidArgumentError: The backend has no such device.

    Example:
        >>> from cornu import backends, config
        >>> backends.device_of(config.Place("numpy"))
        'cpu:0'
    """
    with config.placement_scope(*place):
        return get(place.backend).devices()[0]


def array_at(place: config.Placement, x: Any, dtype: str | None = None) -> Any:
    """An array made at a place (see ``contract.asarray``).

    Example:
        >>> from cornu import backends, config
        >>> backends.array_at(config.Place("numpy"), [1, 2])
        array([1, 2], dtype=int32)
    """
    with config.placement_scope(*place):
        return get(place.backend).asarray(x, dtype)


def name_of(backend: ModuleType) -> str:
    """Return the name that a backend declares."""
    return backend.NAME


def register_array_type(array_type: type, name: str) -> None:
    """Says that arrays of a type belong to a backend, for types that are not defined in the engine's own package."""
    _owner_names[array_type] = name


def owner(value: Any) -> str | None:
    """Name of the backend a value is an array of, or None for Python data and anything else."""
    kind = type(value)
    if kind not in _owner_names:
        roots = (base.__module__.partition(".")[0] for base in kind.__mro__)
        _owner_names[kind] = next((_BACKEND_OF_PACKAGE[root] for root in roots if root in _BACKEND_OF_PACKAGE), None)
    return _owner_names[kind]


def home(array: Any) -> ModuleType:
    """Return the backend that an array is of, whatever the default backend is: for a NumPy array the NumPy backend.

    Example:
        >>> import numpy as np
        >>> from cornu import backends
        >>> backends.home(np.ones(2)).__name__
        'cornu.backends.numpy.backend'
    """
    return get(owner(array))


def of(*values: Any) -> ModuleType:
    """Return the backend that computes with these values.

    An engine's array decides. NumPy arrays and Python data go to the engine's array beside them, and without one to the default
    backend, which is that of the running model inside a call. An array that is recorded decides over all: the others are
    constants beside it.

    Args:
        values: Arrays, numbers, or lists of them.

    Returns:
        A backend.

    Raises:
        BackendError: Arrays of two engines are among the values.

    Example:
        >>> import numpy as np
        >>> from cornu import backends
        >>> backends.of(np.ones(2)) is backends.get()
        True
    """
    found = None
    for value in values:
        name = _of_list(value) if isinstance(value, (list, tuple)) else _decided_by(value)
        if name is None or name == found:
            continue
        if found is not None and _weight(name) == _weight(found):
            raise BackendError(
                f"One operation was given arrays of the backends {found!r} and {name!r}.",
                "All arrays of an operation must be of one backend.",
                "Move one with `cornu.ops.convert_to_tensor(x, backend=...)`, or a whole model with `model.to_backend(...)`.",
            )
        if found is None or _weight(name) > _weight(found):
            found = name
    return get(found)


def holds_arrays(values: list | tuple) -> bool:
    """Whether arrays are among the values of a list, or of a list inside it, and not Python data alone."""
    return any(holds_arrays(value) if isinstance(value, (list, tuple)) else owner(value) is not None for value in values)


def _decided_by(value: Any) -> str | None:
    """Name of the backend that a value asks for; None for NumPy arrays, which go anywhere, and for Python data."""
    return None if isinstance(value, (np.ndarray, np.generic)) else owner(value)


def _weight(name: str) -> int:
    """Whose arrays decide where those of two backends meet: the heavier one's."""
    return 2 if name in TRACING_BACKENDS else 0 if name == "numpy" else 1


def _of_list(values: list | tuple) -> str | None:
    """Name of the backend that the values of a list ask for; None if they are NumPy arrays and Python data alone."""
    names = [_of_list(value) if isinstance(value, (list, tuple)) else _decided_by(value) for value in values]
    return max((name for name in names if name is not None), key=_weight, default=None)
