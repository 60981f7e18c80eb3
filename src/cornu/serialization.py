"""Turn objects into configs that JSON can hold, and configs back into objects."""

import contextlib
import copy
import enum
import functools
import inspect
from collections import ChainMap
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar, cast

import numpy as np

from cornu import autograph, registry
from cornu.errors import (
    InvalidArgumentError,
    InvalidTypeError,
    ModelFormatError,
    UnsafeModelError,
    did_you_mean,
    not_constructed,
    wrong_argument,
)
from cornu.scopes import Scope
from cornu.typing import Array, Config, CustomObjects

Constructor = TypeVar("Constructor", bound=Callable[..., None])

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
    if callable(identifier) or hasattr(identifier, "get_config"):
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

    def __reduce__(self) -> tuple:
        """Return how copies and pickles are made: from the state, without arguments of the constructor."""
        return object.__new__, (type(self),), self.__getstate__()

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
        by_name = registry.is_builtin(type(self))
        return {name: serialize(value, by_name) for name, value in self._cornu_arguments.items()}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: CustomObjects = None) -> Any:
        """Create an object from a config.

        Args:
            config: Dict returned by :meth:`get_config`.
            custom_objects: Dict of names to custom classes and functions that the config names. Defaults to None.
        """
        with registry.custom_object_scope(custom_objects):
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

    _cornu_kind: str
    """What the objects are called in errors."""

    _cornu_made_by_init: tuple[str, ...] = ()
    """Attributes that the constructor of the base class sets, which an object lacks only if that was not called."""

    def __getattr__(self, name: str) -> Any:
        arguments = vars(self).get("_cornu_arguments") or {}
        if name in arguments:
            return arguments[name]
        if name in self._cornu_made_by_init:
            raise not_constructed(type(self).__name__, self._cornu_kind)
        return object.__getattribute__(self, name)  # raises the error of Python, or of a property, again


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


def accept(signature: inspect.Signature, constructor: Constructor) -> Constructor:
    """Return a constructor that accepts the arguments of a signature and passes them by name to another constructor.

    Args:
        signature: The signature. It includes ``self``; its last parameter may be ``**kwargs``.
        constructor: A constructor that accepts the arguments of the signature by name.

    Example:
        >>> import inspect
        >>> from cornu.serialization import accept
        >>> def construct(self, **kwargs):
        ...     print(kwargs)
        >>> accept(inspect.signature(lambda self, units, **kwargs: None), construct)(None, 3, name="a")
        {'name': 'a', 'units': 3}
    """

    @functools.wraps(constructor)
    def construct(*args: Any, **kwargs: Any) -> None:
        arguments = signature.bind(*args, **kwargs).arguments
        constructor(**{**arguments.pop("kwargs", {}), **arguments})

    vars(construct)["__signature__"] = signature
    return cast(Constructor, construct)


def with_signature(names: str, *sources: type, more: bool = True) -> Callable[[Constructor], Constructor]:
    """Give a constructor with ``**kwargs`` the signature of Keras's, in which all arguments have names and positions.

    Args:
        names: Names of the arguments in their order, separated by spaces.
        *sources: The classes to whose constructors ``**kwargs`` is passed on. They, or their base classes, define the arguments
            that the constructor does not define itself.
        more: Whether the constructor also accepts other arguments of these classes, by name. Defaults to True.

    Example:
        >>> import inspect
        >>> from cornu.serialization import with_signature
        >>> class Shape:
        ...     def __init__(self, color="red", **kwargs):
        ...         self.color = color
        >>> class Circle(Shape):
        ...     @with_signature("radius color", Shape)
        ...     def __init__(self, radius, **kwargs):
        ...         super().__init__(**kwargs)
        >>> str(inspect.signature(Circle)), Circle(2, "blue").color
        ("(radius, color='red', **kwargs)", 'blue')
    """

    def decorate(constructor: Constructor) -> Constructor:
        own = dict(inspect.signature(constructor).parameters)
        classes = [base for source in sources for base in source.__mro__]
        known = ChainMap(own, *(dict(constructor_of(kind).parameters) for kind in classes))
        parameters = [known[name].replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names.split()]
        return accept(inspect.Signature([own["self"], *parameters, *([own["kwargs"]] if more else [])]), constructor)

    return decorate


def _bind(cls: type, args: tuple, kwargs: dict) -> dict[str, Any] | None:
    """Return the constructor arguments by name, including defaults; None if they do not all have names or do not fit."""
    signature = constructor_of(cls)
    try:
        bound = signature.bind(None, *args, **kwargs)
    except TypeError as error:
        if not args and not kwargs:  # copies and pickles make objects without arguments
            return None
        raise _wrong_arguments(cls, signature, kwargs, error) from None
    if cls.__init__ is object.__init__ and (args or kwargs):  # its signature accepts anything
        raise wrong_argument(cls.__name__, next(iter(kwargs), repr(args[0]) if args else ""), [])
    bound.apply_defaults()
    arguments = dict(list(bound.arguments.items())[1:])
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL and arguments.pop(name, ()):
            return None
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments.update(arguments.pop(name, {}))
    return arguments


def _wrong_arguments(cls: type, signature: inspect.Signature, given: dict, error: TypeError) -> InvalidTypeError:
    """Return the error for arguments that the constructor of a class does not accept, based on Python's error."""
    named = [p for p in list(signature.parameters.values())[1:] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    known = [parameter.name for parameter in named]
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        return wrong_argument(cls.__name__, unknown, known)
    needed = [parameter.name for parameter in named if parameter.default is parameter.empty]
    requires = f"It requires {', '.join(f'`{name}`' for name in needed)}." if needed else "It requires no arguments."
    return InvalidTypeError(
        f"`{cls.__name__}` cannot be called like this: {error}.", requires, f"Its arguments are {', '.join(known) or 'none'}."
    )


def serialize(thing: Any, activations_by_name: bool = True) -> Any:
    """Return the JSON-serializable form of an object, as Keras 3 writes it.

    Args:
        thing: Plain value, array, object with a ``get_config``, function, or a container of these.
        activations_by_name: Whether a built-in activation function is represented by its name, as in the configs of built-in
            layers, instead of a dict as any other function. Defaults to True.

    Returns:
        A plain value unchanged; for an object or a function, a dict ``{"module", "class_name", "config", "registered_name"}``.

    Raises:
        InvalidTypeError: If the object has no such form.

    Example:
        >>> from cornu import constraints, serialization
        >>> serialization.serialize(constraints.MaxNorm(2))["class_name"]
        'MaxNorm'
    """
    if thing is None or (isinstance(thing, (bool, int, float, str)) and not isinstance(thing, np.generic)):
        return thing
    if isinstance(thing, enum.Enum):
        return thing.value
    if hasattr(thing, "get_config") and not inspect.isclass(thing):
        return _serialize_object(thing)
    if isinstance(thing, Mapping):
        return {name: serialize(value, activations_by_name) for name, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        parts = [serialize(value, activations_by_name) for value in thing]
        return parts if isinstance(thing, list) else tuple(parts)
    if isinstance(thing, (bytes, slice, type(...))):
        return _serialize_value(thing)
    if isinstance(thing, (np.ndarray, np.generic)) or _tensors.is_tensor(thing):
        return _serialize_array(thing)
    if callable(thing):
        return _serialize_function(thing, activations_by_name)
    raise InvalidTypeError(
        f"{thing!r} was found in a config.",
        "A config can contain numbers, strings, arrays, lists, dicts, functions and objects with a `get_config`.",
        "Define `get_config` in its class, or leave it out of the config that contains it.",
    )


def _serialize_value(thing: bytes | slice | Any) -> Config:
    """Return the form of a value that JSON does not have."""
    if isinstance(thing, slice):
        bounds = {"start": thing.start, "stop": thing.stop, "step": thing.step}
        return {"class_name": "__slice__", "config": serialize(bounds)}
    if thing is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    try:
        return {"class_name": "__bytes__", "config": {"value": thing.decode("utf-8")}}
    except UnicodeDecodeError:
        raise InvalidTypeError(
            f"{thing!r:.80} was found in a config.",
            "Bytes in a config must be text in UTF-8.",
            "Encode them as text, for example with `base64.b64encode`.",
        ) from None


def _serialize_array(thing: Any) -> Any:
    is_numpy = isinstance(thing, (np.ndarray, np.generic))
    array = np.asarray(thing if is_numpy else _tensors.to_numpy(thing))
    value = array.astype("float32").tolist() if array.dtype.name == "bfloat16" else array.tolist()
    if is_numpy and array.ndim == 0:
        return value
    return {"class_name": "__numpy__" if is_numpy else "__tensor__", "config": {"value": value, "dtype": array.dtype.name}}


def _serialize_function(thing: Callable, activations_by_name: bool) -> Any:
    known = isinstance(thing, Hashable)
    module, name = registry.public_names.get(thing, (None, "")) if known else (None, "")
    if activations_by_name and module == "keras.activations":
        return name
    own_name = getattr(thing, "__name__", type(thing).__name__)
    name = name or (registry.custom_names.get(thing, own_name) if known else own_name)
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}


def _serialize_object(thing: Any) -> dict[str, Any]:
    cls = type(thing)
    module, name = registry.public_names.get(cls, (None, cls.__name__))
    config = thing.get_config()
    if not isinstance(config, dict):
        raise InvalidTypeError(
            f"`{cls.__name__}.get_config` returned {config!r:.80}.",
            "It must return a dict of the arguments of the constructor.",
            "Return, for example, `{**super().get_config(), 'units': self.units}`.",
        )
    form = {"module": module, "class_name": name, "config": serialize(config, activations_by_name=False)}
    if module is None:
        form["registered_name"] = registry.custom_names.get(cls, cls.__name__)
    else:
        form["registered_name"] = name if module.startswith("keras.src") else None
    for entry, method in (("build_config", "get_build_config"), ("compile_config", "get_compile_config")):
        found = getattr(thing, method)() if hasattr(thing, method) else None
        form |= {entry: serialize(found, activations_by_name=False)} if found else {}
    shared = _shared.get()
    if shared is not None and id(thing) in shared[0]:
        form["shared_object_id"] = shared[0].index(id(thing))
    return form


class TensorFunctions(NamedTuple):
    """What this module needs to know of arrays of engines, which it does not import.

    Attributes:
        is_tensor: Function that returns whether a value is an array of an engine.
        to_numpy: Function from such an array to a NumPy array.
        from_numpy: Function from a NumPy array and the name of a dtype to an array of the default engine.
    """

    is_tensor: Callable[[Any], bool]
    to_numpy: Callable[[Any], np.ndarray]
    from_numpy: Callable[[np.ndarray, str], Array]


_tensors = TensorFunctions(lambda _: False, np.asarray, lambda array, dtype: array.astype(dtype))


def set_tensor_functions(functions: TensorFunctions) -> None:
    """Set the functions for arrays of engines; the module that defines these functions calls it."""
    global _tensors
    _tensors = functions


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
    if isinstance(config["class_name"], str) and config["class_name"] in _VALUE_READERS:
        return _VALUE_READERS[config["class_name"]](config["config"])
    return _deserialize_object(config, kind)


def array_from(config: Config) -> np.ndarray:
    """Return the NumPy array of the config of a ``"__numpy__"`` or ``"__tensor__"`` form; ``bfloat16`` as ``float32``.

    Raises:
        ModelFormatError: If the dtype is not numeric.

    Example:
        >>> from cornu.serialization import array_from
        >>> array_from({"value": [1, 2], "dtype": "float32"})
        array([1., 2.], dtype=float32)
    """
    dtype = str(config["dtype"])
    array = np.asarray(config["value"], dtype="float32" if dtype == "bfloat16" else np.dtype(dtype))
    if array.dtype.kind not in "biufc":
        raise ModelFormatError(
            f"The config contains an array of dtype {dtype!r}.", "Arrays must be numeric.", "Do not trust this file."
        )
    return array


_VALUE_READERS: dict[str, Callable[[Config], Any]] = {
    "__bytes__": lambda config: config["value"].encode("utf-8"),
    "__ellipsis__": lambda config: Ellipsis,
    "__numpy__": array_from,
    "__slice__": lambda config: slice(config["start"], config["stop"], config["step"]),
    "__tensor__": lambda config: _tensors.from_numpy(array_from(config), str(config["dtype"])),
}
"""Readers of the forms of values that JSON does not have, by ``class_name``."""


def _deserialize_object(config: dict[str, Any], kind: str | tuple[str, ...] | None) -> Any:
    name, inner, registered_name = config["class_name"], config["config"], config.get("registered_name")
    if name == "function":
        name, inner, registered_name = inner, None, None if registered_name == "function" else registered_name
    kinds = [kind] if isinstance(kind, str) else list(kind or _kinds_of(config.get("module")))
    are_names = isinstance(name, str) and isinstance(registered_name, (str, type(None)))
    found = [registry.find(kind, name, registered_name) for kind in kinds] if are_names else []
    if are_names and inner is None:
        found.append(registry.find_by_own_name(name))
    thing = next((thing for thing in found if thing is not None and inspect.isclass(thing) != (inner is None)), None)
    if thing is None:
        raise UnsafeModelError(
            f"The config names {name!r}" + (f" (module {config['module']!r})." if config.get("module") else "."),
            f"It is not one of the {kinds[0] if kinds else 'objects'} that a config may name.",
            f"{did_you_mean(name, registry.registered(kinds[0]) if kinds else [])} If it is a custom object, pass "
            f"`custom_objects={{{name!r}: ...}}` or register it with `register_keras_serializable`.".lstrip(),
        )
    return thing if inner is None else _once(config, thing)


def _once(config: dict[str, Any], cls: type) -> Any:
    """Return the object for a config; inside :func:`object_sharing_scope`, one object for each ``shared_object_id``."""
    shared = _shared.get()
    known = shared[1] if shared is not None else {}
    key = config.get("shared_object_id")
    if isinstance(key, int) and type(known.get(key)) is cls:
        return known[key]
    if not hasattr(cls, "from_config"):
        raise InvalidTypeError(
            f"The config names the class `{cls.__name__}`, which has no `from_config`.",
            "The class method `from_config` must create an object from the dict that `get_config` returned.",
            "Define `from_config` in the class, for example `return cls(**config)`.",
        )
    made = cls.from_config(copy.copy(config["config"]))  # a copy, since a `from_config` may change its argument
    if config.get("build_config") and _builds_itself(cls):
        made.build_from_config(config["build_config"])
    if config.get("compile_config"):
        made.compile_from_config(config["compile_config"])
    if isinstance(key, int):
        known[key] = made
    return made


def _builds_itself(cls: type) -> bool:
    """Return whether a user's class defines ``build_from_config``; built-in layers are built when the model calls them."""
    owner = next((base for base in cls.__mro__ if "build_from_config" in vars(base)), None)
    return owner is not None and not registry.is_builtin(owner)


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
    kind: str,
    argument: str,
    example: str,
    *,
    config_argument: str = "config",
    default: Callable | None = None,
    more_kinds: tuple[str, ...] = (),
) -> LookupFunctions:
    """Make the functions ``get``, ``serialize`` and ``deserialize`` of a public module, with their docstrings.

    Args:
        kind: Name of the table and, below ``cornu``, of the module, such as ``"losses"``.
        argument: Name of the argument of ``serialize``, as in Keras, such as ``"loss"``.
        example: Code of an object for the docstrings, without the module: ``"Huber()"``.
        config_argument: Name of the first argument of ``deserialize``, as in Keras. Defaults to ``"config"``.
        default: Object for the identifier None. Defaults to None.
        more_kinds: Names of the tables that a config may refer to besides that of the kind. Defaults to none.

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
            return deserialize(config, (kind, *more_kinds)) if isinstance(config, dict) else get_object(config)

    def serialize_object(thing: Any) -> Any:
        return serialize(thing, activations_by_name=kind == "activations")

    serializer, deserializer = _with_argument(argument, serialize_object), _with_argument(config_argument, deserialize_object)
    made = LookupFunctions(get_object, serializer, deserializer)
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
        described = {"__name__": name, "__qualname__": name, "__module__": f"cornu.{kind}"}  # by which pickles find it
        for attribute, value in {**described, "__doc__": inspect.cleandoc(docstring).format(**words)}.items():
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
