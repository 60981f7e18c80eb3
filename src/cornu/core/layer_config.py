"""Configs of layers: the arguments of the constructor, the base arguments, and entries that only Keras's configs have."""

from collections.abc import Callable, Sequence
from typing import Any, TypedDict

from cornu.core.dtype_policy import DTypePolicy
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_record import record_of
from cornu.core.shape_trees import as_shapes
from cornu.registry import is_builtin
from cornu.serialization import constructor_of, deserialize, serialize
from cornu.typing import Config, DType, Regularizer, Shape, Size


class LayerArguments(TypedDict, total=False):
    """The arguments of ``Layer``, which the constructors of its subclasses accept as ``**kwargs``."""

    activity_regularizer: Regularizer
    trainable: bool
    dtype: DType | DTypePolicy | Config
    name: str | None
    autocast: bool
    input_shape: tuple | None
    input_dim: int | None
    batch_size: int | None
    batch_input_shape: tuple | None


BASE_ARGUMENTS = tuple(LayerArguments.__annotations__)
"""Names of the arguments of ``Layer``."""


def batch_shape_from(
    input_shape: tuple | None, input_dim: int | None, batch_size: int | None, batch_input_shape: Sequence[Size] | None
) -> Shape | None:
    """Return the shape of the input, the batch size first, from the arguments of a layer; None if they do not tell it."""
    if batch_input_shape is not None:
        return tuple(batch_input_shape)
    shape = input_shape if input_dim is None else (input_dim,)
    sizes = (shape,) if isinstance(shape, int) else shape
    return None if sizes is None else (batch_size, *sizes)


def config_of(layer: LayerLike, captured: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the config of a layer.

    Args:
        layer: The layer.
        captured: Callable that returns the recorded constructor arguments in a JSON-serializable form.
    """
    base = {"name": layer.name, "trainable": layer.trainable, "dtype": serialize(layer.dtype_policy)}
    if layer.activity_regularizer is not None:
        base["activity_regularizer"] = serialize(layer.activity_regularizer)
    arguments = _arguments_of(layer, captured)
    hidden = {*base, *BASE_ARGUMENTS} - ({"input_dim"} & vars(layer).keys())  # `Embedding` has an `input_dim` of its own
    return base | {name: value for name, value in arguments.items() if name not in hidden}


def _arguments_of(layer: LayerLike, captured: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the serialized constructor arguments of a layer, without those of the base class that are added separately."""
    attributes, kind = vars(layer), type(layer)
    if not is_builtin(owner_of(kind, "get_config")):
        # A user's `get_config` adds its own entries to those of the base, as in Keras.
        ours = next(base for base in kind.__mro__ if is_builtin(base))
        names = constructor_of(ours).parameters
        return {name: serialize(attributes[name]) for name in names if name in attributes}
    arguments = captured()
    if is_builtin(owner_of(kind, "__init__")):  # it stores each argument, in its final form, as an attribute of the same name
        return {name: serialize(attributes.get(name, value)) for name, value in arguments.items()}
    return arguments


def owner_of(kind: type, name: str) -> type:
    """Return the class that defines an attribute of a class: the first class in its method resolution order that has it."""
    return next(base for base in kind.__mro__ if name in base.__dict__)


def without_neutral(kind: type, config: dict[str, Any]) -> dict[str, Any]:
    """Return a config without the entries of Keras that Cornu has no argument for and that have no effect.

    An entry has no effect if it is None or False (``quantization_config: None``). Other unknown entries are rejected later.
    """
    if not is_builtin(owner_of(kind, "__init__")):
        return config
    known = {name for base in kind.__mro__ for name in constructor_of(base).parameters}
    return {n: v for n, v in config.items() if n in known or not (v is None or v is False)}


def split_config(kind: type, config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a config into the arguments that the constructor accepts and the base arguments to set afterwards."""
    accepted = constructor_of(kind).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in accepted.values()):
        return config, {}
    base = {name: config[name] for name in ("name", "trainable", "dtype") if name in config and name not in accepted}
    return {name: value for name, value in config.items() if name not in base}, base


def set_base(layer: LayerLike, base: dict[str, Any]) -> None:
    """Set the base arguments that the constructor of a layer does not accept (see :func:`split_config`)."""
    layer.name = base.get("name", layer.name)
    if base.get("trainable", layer.trainable) != layer.trainable:  # it also sets that of layers inside, which may be frozen
        layer.trainable = base["trainable"]
    if "dtype" in base:
        layer.dtype_policy = deserialize(base["dtype"], "dtype_policies")


# --- Building -----------------------------------------------------------------------------------------------------------


def build_config_of(layer: LayerLike) -> dict[str, Any] | None:
    """Return the shapes that a layer was built for, in Keras's format; None if it is not built."""
    shapes = record_of(layer).build_shapes
    if shapes is None or len(shapes) == 1:
        return shapes and {"input_shape": next(iter(shapes.values()))}
    return {"shapes_dict": {name: shape for name, shape in shapes.items() if shape is not None}}


def build_from(layer: LayerLike, config: dict[str, Any]) -> None:
    """Build a layer for the shapes of a config returned by :func:`build_config_of`. A shape may be a list, as in JSON."""
    if "input_shape" in config:
        layer.build(as_shapes(config["input_shape"]))
    elif "shapes_dict" in config:
        layer.build(**{name: as_shapes(shape) for name, shape in config["shapes_dict"].items()})
