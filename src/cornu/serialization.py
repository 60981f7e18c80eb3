"""Turn objects into configs that JSON can hold, and configs back into objects."""

import contextlib
import enum
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

from cornu import autograph, registry
from cornu.errors import InvalidArgumentError, InvalidTypeError, UnsafeModelError, did_you_mean
from cornu.scopes import Scope
from cornu.typing import Config

_shared: Scope[tuple[list[int], dict[Any, Any]] | None] = Scope("objects that occur several times in a config", None)


def get(kind: str, identifier: "Identifier") -> Any:
    """Return the object for an argument such as ``activation="relu"``.

    Args:
        kind: Name of the table to search, such as ``"activations"``.
        identifier: String, config dict, class, object, callable or None.

    Returns:
        A function, or for the name of a class an object created with default arguments; an object or a function itself, and
        None for None.

    Raises:
        InvalidArgumentError: If the name is not in the table.
        InvalidTypeError: If ``identifier`` is of another type.

    Example:
        >>> import cornu.activations
        >>> from cornu.serialization import get
        >>> get("activations", "relu").__name__
        'relu'
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize(identifier, kind=kind)
    if isinstance(identifier, str):
        thing = registry.find(kind, identifier)
        if thing is None:
            raise _unknown(kind, identifier)
        return thing() if inspect.isclass(thing) else thing
    if inspect.isclass(identifier):
        return identifier()
    if callable(identifier) or isinstance(identifier, Configurable):
        return identifier
    raise InvalidTypeError(
        f"{identifier!r} was received where one of the {kind} was expected.",
        "It must be a name, a function, an object or a config.",
        f"Pass a name such as {next(iter(registry.registered(kind)), '...')!r}.",
    )


def _unknown(kind: str, name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{name!r} was received.",
        f"None of the {kind} has this name.",
        f"{did_you_mean(name, registry.registered(kind))} For a custom object, pass the object itself, "
        "or `custom_objects={...}` when loading.".lstrip(),
    )


@autograph.not_converted
class Configurable:
    """Base class of objects whose constructor arguments are recorded as their config.

    A subclass needs neither ``get_config`` nor ``from_config``, but may override them, as in Keras.

    Example:
        >>> from cornu.serialization import Configurable
        >>> class Circle(Configurable):
        ...     def __init__(self, radius, color=None):
        ...         self.radius = radius
        >>> Circle(2).get_config()
        {'radius': 2, 'color': None}
    """

    _cornu_arguments: dict[str, Any] | None

    def __new__(cls, *args: Any, **kwargs: Any):
        """Record the arguments before a constructor can change them."""
        instance = super().__new__(cls)
        instance._cornu_arguments = _bind(cls, args, kwargs)
        return instance

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments in JSON-serializable form.

        Raises:
            InvalidTypeError: If the constructor takes ``*args``, so that its arguments have no names.
        """
        if self._cornu_arguments is None:
            raise InvalidTypeError(
                f"`{type(self).__name__}.__init__` takes `*args`.",
                "A config requires a name for each argument.",
                "Name the arguments, or define `get_config`.",
            )
        return {name: serialize(value) for name, value in self._cornu_arguments.items()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Create an object from a config.

        Args:
            config: Dict returned by :meth:`get_config`.
        """
        return cls(**{name: deserialize(value) for name, value in config.items()})


class ArgumentAttributes(Configurable):
    """Base class of objects whose constructor arguments can be read as attributes, as in Keras.

    An attribute that the class or the constructor defines takes precedence.

    Example:
        >>> from cornu.serialization import ArgumentAttributes
        >>> class Circle(ArgumentAttributes):
        ...     def __init__(self, radius, color=None):
        ...         pass
        >>> Circle(2).radius
        2
    """

    def __getattr__(self, name: str) -> Any:
        arguments = vars(self).get("_cornu_arguments") or {}
        if name in arguments:
            return arguments[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)


Identifier: TypeAlias = str | Config | Callable[..., Any] | Configurable | None
"""A name, a config, a class, an object or a function; None for none."""


@functools.cache
def constructor_of(cls: type) -> inspect.Signature:
    """Return the signature of the constructor of a class; cached, since finding it takes longer than creating most objects.

    Example:
        >>> from cornu import layers
        >>> from cornu.serialization import constructor_of
        >>> list(constructor_of(layers.Flatten).parameters)[:2]
        ['self', 'data_format']
    """
    return inspect.signature(cls.__init__)


def _bind(cls: type, args: tuple, kwargs: dict) -> dict[str, Any] | None:
    """Return the constructor arguments by name, including defaults; None if they do not all have names or do not fit."""
    signature = constructor_of(cls)
    try:
        bound = signature.bind(None, *args, **kwargs)
    except TypeError:
        return None  # the constructor itself raises the TypeError
    bound.apply_defaults()
    arguments = dict(list(bound.arguments.items())[1:])
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL and arguments.pop(name, ()):
            return None
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments.update(arguments.pop(name, {}))
    return arguments


def serialize(thing: Any) -> Any:
    """Return the JSON-serializable form of an object, as Keras 3 writes it.

    Args:
        thing: Plain value, object with a config, function, or a container of these.

    Returns:
        A plain value unchanged, a dict ``{"module", "class_name", "config", "registered_name"}`` for an object, and the name of
        a built-in function.

    Raises:
        InvalidTypeError: If the object has no such form.

    Example:
        >>> from cornu import constraints, serialization
        >>> serialization.serialize(constraints.MaxNorm(2))["class_name"]
        'MaxNorm'
    """
    if thing is None or isinstance(thing, (bool, int, float, str)):
        return thing
    if isinstance(thing, enum.Enum):
        return thing.value
    if isinstance(thing, Mapping):
        return {name: serialize(value) for name, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return type(thing)(serialize(value) for value in thing)
    if isinstance(thing, Configurable):
        return _serialize_object(thing)
    if hasattr(thing, "tolist"):  # NumPy scalars and arrays
        return thing.tolist()
    if thing in registry.public_names:
        return registry.public_names[thing][1]
    if callable(thing):
        name = registry.custom_names.get(thing, getattr(thing, "__name__", type(thing).__name__))
        return {"module": "builtins", "class_name": "function", "config": name.rpartition(">")[2], "registered_name": name}
    raise InvalidTypeError(
        f"{thing!r} was found in a config.",
        "A config can contain numbers, strings, lists, dicts, functions and objects with a `get_config`.",
        "Derive its class from `cornu.serialization.Configurable`, or define a `get_config` that omits it.",
    )


def _serialize_object(thing: Any) -> dict[str, Any]:
    cls = type(thing)
    module, name = registry.public_names.get(cls, (None, cls.__name__))
    if module is None:
        registered_name = registry.custom_names.get(cls, cls.__name__)
        form = {"module": None, "class_name": cls.__name__, "config": thing.get_config(), "registered_name": registered_name}
    else:
        form = {
            "module": module,
            "class_name": name,
            "config": thing.get_config(),
            "registered_name": name if module.startswith("keras.src") else None,
        }
    built_for = thing.get_build_config() if hasattr(thing, "get_build_config") else None
    shared = _shared.get()
    if shared is not None and id(thing) in shared[0]:
        form["shared_object_id"] = shared[0].index(id(thing))
    return form | ({"build_config": built_for} if built_for else {})


@contextlib.contextmanager
def object_sharing_scope(things: Iterable[Any] = ()) -> Iterator[None]:
    """Return a context manager inside which an object that occurs several times in a config is deserialized as one object.

    Args:
        things: Objects that occur several times in what will be serialized.

    Example:
        >>> from cornu import layers, serialization
        >>> layer = layers.Dense(3)
        >>> with serialization.object_sharing_scope([layer]):
        ...     configs = serialization.serialize([layer, layer])
        >>> with serialization.object_sharing_scope():
        ...     first, second = serialization.deserialize(configs)
        >>> first is second
        True
    """
    with _shared.set_to(([id(thing) for thing in things], {})):
        yield


def deserialize(config: Any, kind: str | tuple[str, ...] | None = None, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the object for a config returned by :func:`serialize`.

    Args:
        config: Config dict, or a container of configs; other values are returned unchanged.
        kind: Name or names of the tables to search. Defaults to the table that the ``module`` of the config names.
        custom_objects: Dict of names to custom classes and functions, such as ``{"MyLayer": MyLayer}``. Defaults to None.

    Raises:
        UnsafeModelError: If the config names an object that is not registered.

    Example:
        >>> from cornu import constraints, serialization
        >>> config = serialization.serialize(constraints.MaxNorm(2))
        >>> serialization.deserialize(config).max_value
        2
    """
    if custom_objects:
        with registry.custom_object_scope(custom_objects):
            return deserialize(config, kind)
    if isinstance(config, (list, tuple)):
        return type(config)(deserialize(value, kind) for value in config)
    if not isinstance(config, dict):
        return config
    if "class_name" not in config or "config" not in config:
        return {name: deserialize(value) for name, value in config.items()}
    if config["class_name"] in ("__tensor__", "__numpy__"):  # an array as Keras writes it; this tier keeps only its values
        return config["config"]["value"]
    return _deserialize_object(config, kind)


def _deserialize_object(config: dict[str, Any], kind: str | tuple[str, ...] | None) -> Any:
    name, inner = config["class_name"], config["config"]
    if name == "function":
        name, inner = inner, None
    kinds = [kind] if isinstance(kind, str) else list(kind or _kinds_of(config.get("module")))
    registered_name = config.get("registered_name")
    are_names = isinstance(name, str) and isinstance(registered_name, (str, type(None)))
    found = (registry.find(kind, name, registered_name) for kind in kinds) if are_names else ()
    thing = next((thing for thing in found if thing is not None), None)
    if thing is None or inspect.isclass(thing) == (inner is None):
        raise UnsafeModelError(
            f"The config names {name!r}" + (f" (module {config['module']!r})." if config.get("module") else "."),
            f"It is not one of the {kinds[0] if kinds else 'objects'} that a config may name.",
            f"{did_you_mean(name, registry.registered(kinds[0]) if kinds else [])} If it is a custom object, pass "
            f"`custom_objects={{{name!r}: ...}}` or register it with `register_keras_serializable`.".lstrip(),
        )
    return thing if inner is None else _once(config, thing)


def _once(config: dict[str, Any], cls: type[Configurable]) -> Any:
    """Return the object for a config; inside :func:`object_sharing_scope`, one object for each ``shared_object_id``."""
    shared = _shared.get()
    known = shared[1] if shared is not None else {}
    key = config.get("shared_object_id")
    if isinstance(key, int) and type(known.get(key)) is cls:
        return known[key]
    made = cls.from_config(config["config"])
    if isinstance(key, int):
        known[key] = made
    return made


def _kinds_of(module: str | None) -> list[str]:
    """Return the kinds that the name of a module in a file can denote: ``"layers"`` for ``"keras.src.layers.core"``."""
    parts = str(module).split(".")
    with registry.lock:
        kinds = list(registry.tables)
    named = [kind for kind in kinds if kind.rpartition(".")[2] in parts]
    if "schedules" in parts:
        return ["optimizers.schedules"]
    return sorted(named, key=len, reverse=True) or kinds


class Get(Protocol):
    """Signature of ``get``."""

    def __call__(self, identifier: Identifier) -> Any: ...  # noqa: D102


class Serialize(Protocol):
    """Signature of ``serialize``; the argument is named after the kind, such as ``loss``."""

    def __call__(self, thing: Any, /) -> Any: ...  # noqa: D102


class Deserialize(Protocol):
    """Signature of ``deserialize``."""

    def __call__(  # noqa: D102
        self, config: Identifier, custom_objects: Mapping[str, Any] | None = None
    ) -> Any: ...


class LookupFunctions(NamedTuple):
    """The functions by which a public module finds, writes and reads its objects."""

    get: Get
    serialize: Serialize
    deserialize: Deserialize


def lookup_functions(
    kind: str, argument: str, example: str, *, config_argument: str = "config", default: Callable | None = None
) -> LookupFunctions:
    """Make the functions ``get``, ``serialize`` and ``deserialize`` of a public module, with their docstrings.

    Args:
        kind: Name of the table and, below ``cornu``, of the module, such as ``"losses"``.
        argument: Name of the argument of ``serialize``, as in Keras, such as ``"loss"``.
        example: Code of an object for the docstrings, without the module: ``"Huber()"``.
        config_argument: Name of the first argument of ``deserialize``, as in Keras. Defaults to ``"config"``.
        default: Object for the identifier None. Defaults to None.

    Example:
        >>> import cornu.constraints
        >>> from cornu.serialization import lookup_functions
        >>> get, serialize, deserialize = lookup_functions("constraints", "constraint", "MaxNorm(2)")
        >>> deserialize(serialize(get("max_norm"))).max_value
        2
    """

    def get_object(identifier: Identifier) -> Any:
        return default if identifier is None else get(kind, identifier)

    def deserialize_object(config: Identifier, custom_objects: Mapping[str, Any] | None = None) -> Any:
        with registry.custom_object_scope(custom_objects):
            return get_object(config)

    made = LookupFunctions(get_object, _with_argument(argument, serialize), _with_argument(config_argument, deserialize_object))
    package, _, module = f"cornu.{kind}".rpartition(".")
    words = {
        "package": package,
        "module": module,
        "noun": argument.replace("_", " "),
        "argument": argument,
        "config_argument": config_argument,
        "default": getattr(default, "__name__", default),
        "example": example,
        "name": example.partition("(")[0],
    }
    for name, function, docstring in zip(made._fields, made, _DOCSTRINGS, strict=True):
        described = {"__name__": name, "__qualname__": name, "__doc__": inspect.cleandoc(docstring).format(**words)}
        for attribute, value in described.items():
            setattr(function, attribute, value)
    return made


def _with_argument(name: str, function: Callable) -> Callable:
    """Return a function whose first argument has another name."""
    signature = inspect.signature(function)
    first, *others = signature.parameters.values()
    signature = signature.replace(parameters=[first.replace(name=name), *others])

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*signature.bind(*args, **kwargs).args)

    vars(call)["__signature__"] = signature
    return call


_DOCSTRINGS = (
    """Return the {noun} for a name, a config, a class or an object.

    Args:
        identifier: String, config dict, class, callable, object, or None (which returns {default}).

    Returns:
        A new object for a class and for the name of one; an object or a function unchanged.

    Raises:
        InvalidArgumentError: No {noun} has this name.
        InvalidTypeError: ``identifier`` is of another type.

    Example:
        >>> from {package} import {module}
        >>> {argument} = {module}.get("{name}")
    """,
    """Return the JSON-serializable form of ``{argument}``: a dict, or the name of a built-in function.

    Args:
        {argument}: Object or function to serialize.

    Raises:
        InvalidTypeError: It has no such form.

    Example:
        >>> from {package} import {module}
        >>> config = {module}.serialize({module}.{example})
    """,
    """Return the {noun} for a config or a name.

    Args:
        {config_argument}: Form returned by :func:`serialize`.
        custom_objects: Dict of names to custom classes and functions. Defaults to None.

    Raises:
        InvalidArgumentError: No {noun} has this name.
        UnsafeModelError: The config names something that is not registered.

    Example:
        >>> from {package} import {module}
        >>> config = {module}.serialize({module}.{example})
        >>> {module}.serialize({module}.deserialize(config)) == config
        True
    """,
)
"""Docstrings of ``get``, ``serialize`` and ``deserialize``."""
