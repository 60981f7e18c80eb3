"""Where the variables of a model stand in a weights file: at the paths that Keras 3 gives them.

Keras names a layer in a file by where it stands in its owner and not by its own name: ``layers/dense`` and ``layers/dense_1``
in a model with a graph, by the attribute in a subclass (``encoder/cell``), by the class in a list (``blocks/conv2d_1``).
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from cornu.core.layer import Layer
from cornu.core.variable import Variable
from cornu.errors import NotBuiltError
from cornu.optimizers import Optimizer
from cornu.registry import public_name, to_snake_case

_FILED_UNDER = {"GroupQueryAttention": "GroupedQueryAttention"}
"""Public names of layers whose class has another name in Keras: files go by that one."""


class VariableGroup(NamedTuple):
    """An owner of variables and where they stand.

    Attributes:
        path: The path in the file; its variables are ``path/vars/0``, ``path/vars/1`` and so on. Empty for the model itself.
        owner: A layer or an optimizer.
        variables: The variables that it owns itself.
    """

    path: str
    owner: Any
    variables: list[Variable]


def variable_groups(model: Layer) -> list[VariableGroup]:
    """The places of a model, of all layers inside it and of its optimizer, each owner once, in Keras's order.

    Args:
        model: A model or layer.

    Returns:
        The places.

    Example:
        >>> import cornu
        >>> from cornu import layers
        >>> from cornu.saving.weight_paths import variable_groups
        >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")])
        >>> [(place.path, place.owner.name) for place in places_of(model)[1:]]
        [('layers/dense', 'a'), ('layers/dense_1', 'b')]
    """
    return list(_walk(model, "", set()))


def _walk(owner: Any, path: str, seen: set[int]) -> Iterator[VariableGroup]:
    if id(owner) in seen:
        return
    seen.add(id(owner))
    yield VariableGroup(path, owner, owner.variables if isinstance(owner, Optimizer) else owner._cornu_own_variables())
    if isinstance(owner, Layer):
        for name, child in _children(owner):
            yield from _walk_child(child, f"{path}/{name}".lstrip("/"), seen, set())


def _walk_child(child: Any, path: str, seen: set[int], containers: set[int]) -> Iterator[VariableGroup]:
    if isinstance(child, (Layer, Optimizer)):
        yield from _walk(child, path, seen)
    elif isinstance(child, (list, tuple, dict)) and id(child) not in containers:
        containers.add(id(child))
        used: dict[str, int] = {}
        for part in child.values() if isinstance(child, dict) else child:
            if isinstance(part, (Layer, Optimizer, list, tuple, dict)):
                kind = "container" if isinstance(part, (list, tuple, dict)) else _kind(part)
                yield from _walk_child(part, f"{path}/{_numbered(kind, used)}", seen, containers)


def _kind(part: Any) -> str:
    name = public_name(type(part))
    return to_snake_case(_FILED_UNDER.get(name, name))


def _numbered(kind: str, used: dict[str, int]) -> str:
    number = used[kind] = used.get(kind, -1) + 1
    return f"{kind}_{number}" if number else kind


def _children(owner: Layer) -> list[tuple[str, Any]]:
    """Names and values of the attributes to look into: the layers of a graph first, then by name, private ones last."""
    found = {name: value for name in _names(owner) if _may_hold(value := _attribute(owner, name))}
    if owner.cornu_graph is not None:
        found = {"layers": found.pop("layers"), **found}
    return list(found.items())


def _names(owner: Layer) -> list[str]:
    names = {name for name in dir(owner) if not name.startswith("__")} - _house_names(type(owner))
    names |= set(vars(owner)) - _set_by_every_layer()  # a name of ours that the user took
    if owner.cornu_graph is not None or hasattr(owner, "compile_from_config"):
        names |= {"layers", "optimizer"}
    return sorted(names, key=lambda name: f"~{name}" if name.startswith("_") else name)


@functools.cache
def _set_by_every_layer() -> frozenset[str]:
    return frozenset(vars(Layer(name="any")))


@functools.cache
def _house_names(kind: type) -> frozenset[str]:
    """The attributes that Cornu's base classes have for their own use."""
    bases = [base for base in kind.__mro__ if "_cornu_is_base" in vars(base)]
    return _set_by_every_layer().union(*map(dir, bases))


def _attribute(owner: Layer, name: str) -> Any:
    try:
        return getattr(owner, name)
    except Exception:  # a property that cannot be asked for now holds no layer
        return None


def _may_hold(value: Any) -> bool:
    return isinstance(value, (Layer, Optimizer, list, tuple, dict))


def need_built(model: Layer, function: str) -> None:
    if not model.built:
        raise NotBuiltError(
            f"`{function}` was called on the model {model.name!r}, which is not built.",
            "It has no weights yet.",
            "Call it on data, or `model.build((None, ...))` with its input's shape, or begin it with `cornu.Input(shape)`.",
        )
