"""Tables of the objects that a string such as ``"relu"``, a config or a model file may name.

Each object is registered where it is defined, with the decorator :func:`register`, or by users with
:func:`register_keras_serializable`. Reading a config only looks names up: it never imports a module, and never calls anything
that is not in a table. Plain Python, without arrays.
"""

import inspect
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, Self, TypeVar

from cornu import autograph
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.scopes import Scope

T = TypeVar("T")

tables: dict[str, dict[str, Any]] = {}
public_names: dict[Any, tuple[str, str]] = {}
_custom: dict[str, Any] = {}
custom_names: dict[Any, str] = {}
lock = threading.Lock()
"""Held while the four tables above, which belong to the process, are changed or iterated over."""

_scoped: Scope[tuple[Mapping[str, Any], ...]] = Scope("custom objects, innermost first", ())


def register(kind: str, *, aliases: Iterable[str] = (), keras_path: tuple[str, str] | None = None) -> Callable[[T], T]:
    """Make a decorator that enters a class or function into the table of a kind, so that strings and files may name it.

    It is entered under its own name and that name in snake case. If an object is registered in several kinds, the first
    registration (the decorator nearest to the definition) decides how files name it.

    Args:
        kind: Name of the table: the public module that exports the object, such as ``"layers"``.
        aliases: More names, such as ``("mse", "MSE")``. Defaults to none.
        keras_path: Module and name of the object in files. Defaults to Keras's public module for the kind, and the name of the
            object.

    Returns:
        The decorator, which returns the decorated object itself.

    Example:
        >>> from cornu import registry
        >>> @registry.register("shifts", aliases=("inc",))
        ... def increment(x):
        ...     return x + 1
        >>> registry.find("shifts", "inc")(1), registry.public_names[increment]
        (2, ('keras.shifts', 'increment'))
        >>> del registry.tables["shifts"], registry.public_names[increment]
    """

    def enter(thing: T) -> T:
        autograph.not_converted(thing)
        name = thing.__name__  # type: ignore[attr-defined]
        with lock:
            table = tables.setdefault(kind, {})
            path = public_names.setdefault(thing, keras_path or (module_of(kind), name))
            table.setdefault(to_snake_case(name), thing)  # after a function of that name, such as `mean_squared_error`
            table.update(dict.fromkeys((name, path[1], *aliases), thing))
        return thing

    return enter


def exported_names(namespace: Mapping[str, Any], *modules: str) -> list[str]:
    """Return the public names of a package: what its ``__init__`` imports, without its modules.

    Args:
        namespace: The ``globals()`` of the package.
        modules: Names of the modules that are public as well.

    Example:
        >>> from cornu import registry
        >>> registry.exported_names({"Dense": object, "dense": registry, "nn": registry, "_key": 1}, "nn")
        ['Dense', 'nn']
    """
    return sorted(
        name
        for name, value in namespace.items()
        if name in modules or not (name.startswith("_") or isinstance(value, ModuleType))
    )


def registered(kind: str) -> dict[str, Any]:
    """Return a copy of the table of a kind, a dict from names to classes and functions.

    Args:
        kind: Name of the table.

    Example:
        >>> import cornu.constraints
        >>> from cornu import registry
        >>> "NonNeg" in registry.registered("constraints")
        True
    """
    with lock:
        return dict(tables.get(kind, {}))


def is_builtin(thing: Any) -> bool:
    """Return whether a class or function is built in, that is, defined in a file of this package.

    Example:
        >>> from cornu import layers, registry
        >>> registry.is_builtin(layers.Dense), registry.is_builtin(print)
        (True, False)
    """
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "cornu"


def public_name(cls: type) -> str:
    """Return the name of a class in files: that of Keras if the class is registered, else its own.

    Example:
        >>> from cornu import models
        >>> from cornu.registry import public_name
        >>> public_name(models.Model)
        'Functional'
    """
    return public_names.get(cls, (None, cls.__name__))[1]


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable:
    """Make a decorator that registers a custom class or function, so that files and strings may name it.

    Args:
        package: First part of the registered name ``"package>name"``. Defaults to ``"Custom"``.
        name: Second part of the registered name. Defaults to the name of the class or function.

    Returns:
        The decorator, which returns the decorated object itself.

    Raises:
        InvalidArgumentError: If the decorated class has no method ``get_config``, so that its objects could not be written.

    Example:
        >>> from cornu.registry import register_keras_serializable
        >>> @register_keras_serializable(package="Mine")
        ... def double(x):
        ...     return 2 * x
        >>> from cornu.serialization import get
        >>> get("activations", "Mine>double")(4)
        8
    """

    def enter(thing: Any) -> Any:
        registered_name = f"{package}>{name or thing.__name__}"
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise InvalidArgumentError(
                f"`register_keras_serializable` received the class `{thing.__name__}`, which has no `get_config`.",
                "The method `get_config` must return the arguments from which `from_config` creates an equal object.",
                "Define `get_config`, or derive the class from `Layer`, `Loss` or another class of Cornu that has it.",
            )
        with lock:
            _custom[registered_name] = thing
            custom_names[thing] = registered_name
        return thing

    return enter


class CustomObjectScope:
    """Context manager inside which configs and strings may also name custom objects, in this thread only.

    Inside a nested scope the objects of the outer scopes can be named as well.

    Args:
        custom_objects: Dict of names to classes and functions, such as ``{"MyLayer": MyLayer}``, or None.

    Raises:
        InvalidTypeError: If ``custom_objects`` is not a dict.

    Example:
        >>> from cornu import registry
        >>> with registry.custom_object_scope({"twice": lambda x: 2 * x}):
        ...     registry.find("activations", "twice")(3)
        6
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None):
        if custom_objects is not None and not isinstance(custom_objects, Mapping):
            raise InvalidTypeError(
                f"`custom_objects` is {custom_objects!r:.80}.",
                "It must be a dict from names to classes and functions.",
                "Pass, for example, `{'MyLayer': MyLayer}`.",
            )
        self.custom_objects = custom_objects or {}
        self._block = _scoped.derive(lambda outer: (self.custom_objects, *outer))

    def __enter__(self) -> Self:
        self._block.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._block.__exit__(*exception)


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """Return the dict of the custom objects that configs and strings may name in every thread. It may be written to.

    :func:`register_keras_serializable` adds to it; :func:`custom_object_scope` does not.

    Example:
        >>> from cornu import registry, serialization
        >>> registry.get_custom_objects()["triple"] = lambda x: 3 * x
        >>> serialization.get("activations", "triple")(2)
        6
        >>> del registry.get_custom_objects()["triple"]
    """
    return _custom


def get_registered_name(obj: Any) -> str:
    """Return the name under which a class or function was registered, or its own name if it was not.

    Args:
        obj: Class or function.

    Example:
        >>> from cornu.registry import get_registered_name, register_keras_serializable
        >>> @register_keras_serializable("Mine")
        ... def half(x):
        ...     return x / 2
        >>> get_registered_name(half), get_registered_name(print)
        ('Mine>half', 'print')
    """
    own_name: str = obj.__name__
    return custom_names.get(obj, own_name)


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> Any:
    """Return the custom object of a name, or None if there is none.

    Args:
        name: String, the registered name, or a key of one of the dicts.
        custom_objects: Dict of names to objects, searched after the scopes and the registered objects. Defaults to None.
        module_objects: Dict of names to objects, searched last. Defaults to None.

    Example:
        >>> from cornu.registry import get_registered_object
        >>> get_registered_object("one", custom_objects={"one": 1})
        1
    """
    places = (*_scoped.get(), _custom, custom_objects or {}, module_objects or {})
    return next((place[name] for place in places if name in place), None)


def find(kind: str | None, name: str, registered_name: str | None = None) -> Any:
    """Return the object of a name, or None: custom objects first, then those in the table of the kind."""
    if not isinstance(name, str):  # in a damaged file it can be anything
        return None
    for key in (registered_name, name) if isinstance(registered_name, str) else (name,):
        found = get_registered_object(key)
        if found is not None:
            return found
    return tables.get(kind or "", {}).get(name)


def find_by_own_name(name: str) -> Any:
    """Return the registered object whose name without its package is ``name``, or None.

    Keras 3.6 and earlier wrote only this part of the name of a function.
    """
    return next((thing for key, thing in list(_custom.items()) if key.endswith(f">{name}")), None)  # users change the dict


def module_of(kind: str) -> str:
    """Return the module that files name for a kind: that of Keras, so that Keras can read the files."""
    return "keras" if kind in ("models", "dtype_policies") else f"keras.{kind}"


def to_snake_case(name: str) -> str:
    """Return a class name in snake case, as Keras writes it.

    Example:
        >>> from cornu.registry import to_snake_case
        >>> [to_snake_case(name) for name in ("Dense", "Conv2DTranspose", "MaxPooling2D", "LSTM", "ReLU")]
        ['dense', 'conv2d_transpose', 'max_pooling2d', 'lstm', 're_lu']
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
