"""Paths of the variables of a model in a weights file, as assigned by Keras 3.

The path of a layer depends on its position in its owner and not on its name: ``layers/dense`` and ``layers/dense_1`` in a
functional model, the attribute in a subclass (``encoder/cell``), the class of the layer in a list (``blocks/conv2d_1``).
"""

import functools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from cornu.core.adapted_weight import stored_variables
from cornu.core.layer import Layer
from cornu.core.layer_protocol import LayerLike
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError, NotBuiltError
from cornu.losses import Loss
from cornu.metrics import Metric
from cornu.optimizers import Optimizer
from cornu.registry import public_name, to_snake_case

_KERAS_CLASS_NAMES = {"GroupQueryAttention": "GroupedQueryAttention"}
"""Names in Keras of the classes whose public names differ; files use the names in Keras."""


Owner: TypeAlias = LayerLike | Optimizer | Metric | Loss
"""What may own a group in a file: a metric or a loss only if it defines ``save_own_variables``, as in Keras."""

_BASES = (Layer, Optimizer, Metric, Loss)


class VariableGroup(NamedTuple):
    """Variables of one owner and their path in a file.

    Attributes:
        path: String, path in the file; the variables are ``path/vars/0``, ``path/vars/1``, etc. Empty for the model itself.
        owner: Layer or optimizer, or a metric or loss that defines ``save_own_variables``.
        variables: List of the owner's own variables, without those of its sublayers.
    """

    path: str
    owner: Owner
    variables: list[Variable]

    def to_store(self) -> dict[str, Any]:
        """Return what a file stores in the group: variables or arrays by name, as the owner's ``save_own_variables`` chooses.

        Raises:
            InvalidArgumentError: If the name of one contains ``/``.
        """
        if not _overrides(self.owner, "save_own_variables"):
            return {str(number): variable for number, variable in enumerate(self.variables)}
        store: dict[str, Any] = {}
        self.owner.save_own_variables(store)  # type: ignore[union-attr]
        wrong = next((name for name in store if not isinstance(name, str) or "/" in name), None)
        if wrong is not None:
            raise InvalidArgumentError(
                f"`save_own_variables` of {self.owner.name!r} stored something under the name {wrong!r}.",
                "A name must be a string without `/`.",
                "Use `_` in place of `/`.",
            )
        return store

    def loads_itself(self) -> bool:
        """Return whether the class of the owner defines ``load_own_variables``."""
        return _overrides(self.owner, "load_own_variables")

    def is_loaded(self) -> bool:
        """Return whether a file is read for the group: not for a metric or loss that only saves, as in Keras."""
        return self.loads_itself() or not isinstance(self.owner, (Metric, Loss))


def _overrides(owner: Owner, method: str) -> bool:
    """Return whether the class of an owner defines a method itself, or one that its base class does not have."""
    base = next(kind for kind in _BASES if isinstance(owner, kind))
    return getattr(type(owner), method, None) is not getattr(base, method, None)


def _is_owner(value: Any) -> bool:
    return isinstance(value, (Layer, Optimizer)) or (
        isinstance(value, (Metric, Loss)) and _overrides(value, "save_own_variables")
    )


def variable_groups(model: LayerLike, without: Iterable[LayerLike | Optimizer] = ()) -> list[VariableGroup]:
    """Return the variable groups of a model, its layers, its optimizer and what else saves variables, in the order of Keras.

    Args:
        model: Model or layer.
        without: Layers or optimizers to leave out, with everything inside them. Defaults to none.

    Returns:
        List of ``VariableGroup``, one for each owner.

    Example:
        >>> import cornu
        >>> from cornu import layers
        >>> from cornu.saving.weight_paths import variable_groups
        >>> model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="a"), layers.Dense(2, name="b")])
        >>> [(group.path, group.owner.name) for group in variable_groups(model)[1:]]
        [('layers/dense', 'a'), ('layers/dense_1', 'b')]
    """
    return list(_walk(model, "", set(map(id, without))))


def _walk(owner: Owner, path: str, seen: set[int]) -> Iterator[VariableGroup]:
    if id(owner) in seen:
        return
    seen.add(id(owner))
    yield VariableGroup(path, owner, _variables_of(owner))
    for name, child in _children(owner) if isinstance(owner, Layer) else _inner_owners(owner):
        yield from _walk_child(child, f"{path}/{name}".lstrip("/"), seen, set())


def _variables_of(owner: Owner) -> list[Variable]:
    if isinstance(owner, Layer):
        return stored_variables(owner)
    return [] if isinstance(owner, Loss) else owner.variables


def _inner_owners(owner: Owner) -> list[tuple[str, Any]]:
    """Return the attributes of an optimizer, metric or loss that may hold owners. Keras writes inner optimizers a second time.

    The recorded arguments of the constructor may name the same owners once more.
    """
    return [(name, value) for name, value in sorted(vars(owner).items()) if _may_hold(value) and name != "_cornu_arguments"]


def _walk_child(child: Any, path: str, seen: set[int], containers: set[int]) -> Iterator[VariableGroup]:
    if _is_owner(child):
        yield from _walk(child, path, seen)
    elif isinstance(child, (list, tuple, dict)) and id(child) not in containers:
        containers.add(id(child))
        used: dict[str, int] = {}
        for part in child.values() if isinstance(child, dict) else child:
            if _is_owner(part) or isinstance(part, (list, tuple, dict)):
                kind = "container" if isinstance(part, (list, tuple, dict)) else _kind(part)
                yield from _walk_child(part, f"{path}/{_numbered(kind, used)}", seen, containers)


def _kind(part: Owner) -> str:
    name = public_name(type(part))
    return to_snake_case(_KERAS_CLASS_NAMES.get(name, name))


def _numbered(kind: str, used: dict[str, int]) -> str:
    number = used[kind] = used.get(kind, -1) + 1
    return f"{kind}_{number}" if number else kind


def _children(owner: Layer) -> list[tuple[str, Any]]:
    """Return names and values of the attributes to traverse: the layers of a graph first, then by name, private ones last."""
    found = {name: value for name in _names(owner) if _may_hold(value := _attribute(owner, name))}
    if owner.cornu_graph is not None:
        found = {"layers": found.pop("layers"), **found}
    return list(found.items())


def _names(owner: Layer) -> list[str]:
    names = {name for name in dir(owner) if not name.startswith("__")} - _base_class_names(type(owner))
    names |= set(vars(owner)) - _common_instance_names()  # a name of the base classes that the user reassigned
    if owner.cornu_graph is not None or hasattr(owner, "compile_from_config"):
        names |= {"layers", "optimizer"}
    return sorted(names, key=lambda name: f"~{name}" if name.startswith("_") else name)


@functools.cache
def _common_instance_names() -> frozenset[str]:
    return frozenset(vars(Layer(name="any")))


@functools.cache
def _base_class_names(kind: type) -> frozenset[str]:
    """Return the names of the attributes defined by Cornu's base classes."""
    bases = [base for base in kind.__mro__ if "_cornu_is_base" in vars(base)]
    return _common_instance_names().union(*map(dir, bases))


def _attribute(owner: Layer, name: str) -> Any:
    try:
        return getattr(owner, name)
    except Exception:  # a property that raises an error has no layer
        return None


def _may_hold(value: Any) -> bool:
    return _is_owner(value) or isinstance(value, (list, tuple, dict))


def need_built(model: LayerLike, function: str) -> None:
    """Raise a ``NotBuiltError`` if a model is not built and no layer inside it has weights.

    Args:
        model: Model.
        function: String, name of the function that the user called.
    """
    if not model.built and not model.variables:
        raise NotBuiltError(
            f"`{function}` was called on the model {model.name!r}, which is not built.",
            "The model must have weights.",
            "Call it on data, call `model.build((None, ...))` with its input shape, or add a `cornu.Input(shape)`.",
        )
