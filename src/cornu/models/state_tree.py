"""The values of all variables of a model as nested dicts, as Keras returns them."""

from typing import Any

from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError, one_of, warn
from cornu.models.model_protocol import SavableModel, optimizer_of


def state_tree_of(model: SavableModel, value_format: str) -> dict[str, Any]:
    """Return the values of the variables of a model, its optimizer and its metrics, nested by the parts of their paths.

    Args:
        model: Model.
        value_format: ``"backend_tensor"`` or ``"numpy_array"``.

    Raises:
        InvalidArgumentError: If ``value_format`` is neither, or two variables have the same path.
    """
    if value_format not in ("backend_tensor", "numpy_array"):
        raise one_of("value_format", value_format, ("backend_tensor", "numpy_array"))
    tree: dict[str, Any] = {}
    for kind, variables in _groups(model).items():
        tree[kind] = {}
        for path, variable in _by_path(variables).items():
            *parents, name = path.split("/")
            inner = tree[kind]
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[name] = variable.value if value_format == "backend_tensor" else variable.numpy()
    return tree


def assign_state_tree(model: SavableModel, tree: dict[str, Any]) -> None:
    """Assign the values of nested dicts to the variables of the same paths.

    Args:
        model: Model.
        tree: Dict as returned by :func:`state_tree_of`; a part of it is enough.

    Raises:
        InvalidArgumentError: If it contains another key than these four. No variable is changed.
    """
    groups = {kind: _by_path(variables) for kind, variables in _groups(model).items()}
    assignments: list[tuple[Variable, Any]] = []
    unknown: list[str] = []
    for kind, inner in tree.items():
        if kind not in groups:
            raise one_of("state_tree", kind, groups)
        for path, value in _flat(inner).items():
            if path in groups[kind]:
                assignments.append((groups[kind][path], value))
            else:
                unknown.append(path)
    for variable, value in assignments:
        variable.assign(value)
    if unknown:
        warn(
            f"`set_state_tree` received values for {unknown[0]!r} and {len(unknown) - 1} others, which {model.name!r} does not "
            "have. They are ignored. The names of layers and optimizers must be those of the model that was read.",
        )


def _groups(model: SavableModel) -> dict[str, list[Variable]]:
    optimizer = optimizer_of(model)
    return {
        "trainable_variables": model.trainable_variables,
        "non_trainable_variables": model.non_trainable_variables,
        "optimizer_variables": [] if optimizer is None else optimizer.variables,
        "metrics_variables": model.metrics_variables,
    }


def _by_path(variables: list[Variable]) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    for variable in variables:
        if found.setdefault(variable.path, variable) is not variable:
            raise InvalidArgumentError(
                f"Two variables have the path {variable.path!r}.",
                "In a tree of the state each variable needs a path of its own.",
                "Give the layers different names.",
            )
    return found


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the values of nested dicts by their paths."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= _flat(value, f"{prefix}{name}/") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found
