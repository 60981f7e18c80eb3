"""Matching of a weights file with a model: mismatches are reported as a table, before any array is loaded."""

from collections.abc import Collection
from typing import NamedTuple, Protocol

import numpy as np

from cornu.core.variable import Variable
from cornu.errors import ModelFormatError, warn
from cornu.optimizers import Optimizer
from cornu.saving.h5_file import DatasetSpec
from cornu.saving.weight_paths import VariableGroup

_VALID_KINDS = {"float": "f", "bfloat": "f", "int": "iu", "uint": "iu", "bool": "biu"}
"""NumPy dtype kinds in a file that are valid for the dtype of a variable."""

_MAX_ROWS = 12


class StoredWeights(Protocol):
    """The arrays of a file, by the paths of the groups that own them."""

    places: dict[str, dict[str, DatasetSpec]]

    def check_sizes(self, wanted: list[tuple[str, str]]) -> None:
        """Raise an error if the declared size of the arrays at these paths and indices is implausible."""
        ...

    def read(self, path: str, number: str) -> np.ndarray:
        """Return one array."""
        ...


class Mismatch(NamedTuple):
    """Difference between a file and a model.

    Attributes:
        path: String, path of the group and name of the layer.
        in_file: String, shapes and dtypes of the arrays in the file.
        in_model: String, shapes and dtypes of the variables of the model.
        hint: String, a possible cause, or ``""``.
    """

    path: str
    in_file: str
    in_model: str
    hint: str


def load_into(
    groups: list[VariableGroup],
    file: StoredWeights,
    source: str,
    model_name: str,
    skip_mismatch: bool = False,
    left_out: Collection[str] = (),
) -> None:
    """Assign the arrays of a file to the variables of a model. If an error is raised, no variable is changed.

    Args:
        groups: List returned by ``variable_groups``.
        file: The arrays of the file.
        source: String, name of the file in error messages.
        model_name: String, name of the model.
        skip_mismatch: Whether to skip groups that differ, with a warning. Defaults to False.
        left_out: Paths of groups of the model whose arrays in the file are not wanted. Defaults to none.

    Raises:
        ModelFormatError: If the file does not match the model, or an array is damaged.
    """
    stored = _with_current_paths(file.places)
    pairs: list[tuple[Variable, str, str]] = []
    own: list[tuple[VariableGroup, str, list[str]]] = []
    mismatches = []
    for group in groups:
        path, found = stored.get(group.path, (group.path, {}))
        if not group.is_loaded() or (isinstance(group.owner, Optimizer) and not found):
            continue
        if group.loads_itself():
            own.append((group, path, list(found)))
            continue
        variables = _variables_to_read(group, found, source)
        mismatch = _find_mismatch(group, found, variables, stored)
        if mismatch is not None:
            mismatches.append(mismatch)
        else:
            pairs += [(variable, path, str(number)) for number, variable in enumerate(variables)]
    if mismatches and not skip_mismatch:
        raise _mismatch_error(mismatches, source, model_name, len(groups))
    if mismatches:
        warn(f"These weights of {source} were skipped:\n{_table(mismatches)}")
    _warn_of_unexpected(set(stored) - {group.path for group in groups} - set(left_out), stored, source, model_name)
    file.check_sizes(
        [*((path, number) for _, path, number in pairs), *((path, name) for _, path, names in own for name in names)]
    )
    values = [_cast_to_variable(variable, file.read(path, number), path, number, source) for variable, path, number in pairs]
    _warn_of_not_finite(pairs, values, source)
    for group, path, names in own:
        _load_itself(group, {name: file.read(path, name) for name in names}, source, skip_mismatch)
    for (variable, _, _), value in zip(pairs, values, strict=True):
        variable.assign(value)


def _load_itself(group: VariableGroup, store: dict[str, np.ndarray], source: str, skip_mismatch: bool) -> None:
    """Let an owner with a ``load_own_variables`` of its own load its group; restore its variables if that raises an error."""
    owner, before = group.owner, [variable.numpy() for variable in group.variables]
    try:
        owner.load_own_variables(store)  # type: ignore[union-attr]
    except Exception as error:
        for variable, value in zip(group.variables, before, strict=True):
            variable.assign(value)
        if not skip_mismatch:
            error.add_note(f"This happened in `load_own_variables` of {owner.name!r}, which loads {source}.")
            raise
        warn(f"{owner.name!r} did not load its part of {source}: {error}")


def _with_current_paths(groups: dict[str, dict[str, DatasetSpec]]) -> dict[str, tuple[str, dict[str, DatasetSpec]]]:
    """Map current paths to paths in the file and their arrays. Keras 2.13 used another name for ``layers``."""
    return {path.replace("_layer_checkpoint_dependencies", "layers"): (path, found) for path, found in groups.items()}


# --- Comparing --------------------------------------------------------------------------------------------------------


def _variables_to_read(group: VariableGroup, found: dict[str, DatasetSpec], source: str) -> list[Variable]:
    """Return the variables of a group to read: all, except for an optimizer that is missing or had not been trained."""
    if not isinstance(group.owner, Optimizer) or len(found) == len(group.variables):
        return group.variables
    before_training = [each for each in group.variables if each.path.rpartition("/")[2] in ("iteration", "learning_rate")]
    if len(found) in (0, len(before_training)):
        return before_training[: len(found)]
    warn(
        f"{source} contains {len(found)} optimizer arrays, but {group.owner.name!r} has {len(group.variables)}: "
        "its state is not loaded."
    )
    return []


def _find_mismatch(
    group: VariableGroup, found: dict[str, DatasetSpec], variables: list[Variable], stored: dict
) -> Mismatch | None:
    if isinstance(group.owner, Optimizer) and not variables:
        return None
    numbers = {str(number) for number in range(len(variables))}
    fits = set(found) == numbers and all(_matches(variable, found[str(number)]) for number, variable in enumerate(variables))
    if fits:
        return None
    expected = [variable.shape for variable in group.variables]
    in_file = ", ".join(_describe(found[number]) for number in sorted(found)) or "-"
    in_model = ", ".join(f"{variable.shape} {variable.dtype}" for variable in group.variables) or "-"
    hint = "" if getattr(group.owner, "built", True) else "not built yet"
    if not found:
        same = [path for path, (_, other) in stored.items() if _shapes_of(other) == expected]
        hint = f"the file has these shapes at `{same[0]}`" if same else hint
    return Mismatch(f"{group.path} ({group.owner.name})", in_file, in_model, hint)


def _matches(variable: Variable, found: DatasetSpec) -> bool:
    kind = next(kinds for name, kinds in _VALID_KINDS.items() if variable.dtype.startswith(name))
    return found.shape == variable.shape and found.dtype != "" and _kind_of(found) in kind


def _kind_of(found: DatasetSpec) -> str:
    return "f" if found.dtype == "bfloat16" else np.dtype(found.dtype).kind


def _shapes_of(found: dict[str, DatasetSpec]) -> list[tuple[int, ...]]:
    return [found[number].shape for number in sorted(found, key=lambda name: (len(name), name))]


def _describe(found: DatasetSpec) -> str:
    return f"{found.shape} {found.dtype or 'not numerical'}"


def _table(mismatches: list[Mismatch]) -> str:
    rows = [("path (layer)", "file", "model", "")] + [tuple(mismatch) for mismatch in mismatches[:_MAX_ROWS]]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows]
    more = len(mismatches) - _MAX_ROWS
    return "\n".join(["  " + line for line in lines] + ([f"  ... and {more} more"] if more > 0 else []))


def _mismatch_error(mismatches: list[Mismatch], source: str, model_name: str, groups: int) -> ModelFormatError:
    return ModelFormatError(
        f"{source} does not match the model {model_name!r}; "
        f"{len(mismatches)} of {groups} groups differ:\n{_table(mismatches)}\n",
        "The arrays of each layer must have the shapes of its variables.",
        "Build the model as it was saved, or pass `skip_mismatch=True` to `load_weights`. The model has not been changed.",
    )


def _warn_of_unexpected(unexpected: set[str], stored: dict, source: str, model_name: str) -> None:
    """Warn of layer weights in the file that are not in the model. Keras also stores optimizers, metrics and random states."""
    layers = sorted(path for path in unexpected if stored[path][1] and not _is_not_a_layer(path))
    if layers:
        named = ", ".join(layers[:5]) + (", ..." if len(layers) > 5 else "")
        warn(f"{source} also contains weights that are not in the model {model_name!r}: {named}.")


def _is_not_a_layer(path: str) -> bool:
    first, last = path.partition("/")[0], path.rpartition("/")[2]
    return first in ("optimizer", "metrics", "_metrics", "_loss_tracker", "_compile_metrics") or "seed_generator" in last


# --- Values -----------------------------------------------------------------------------------------------------------


def _cast_to_variable(variable: Variable, array: np.ndarray, path: str, number: str, source: str) -> np.ndarray:
    """Return the array in the variable's dtype and native byte order; raise an error if integers are out of range."""
    if variable.dtype == "bfloat16":
        return array.astype(np.float32)
    value = array.astype(variable.dtype)
    if value.dtype.kind in "iu" and not np.array_equal(value, array):
        raise ModelFormatError(
            f"{source}: `{path}/vars/{number}` contains integers that are out of range for {variable.dtype}.",
            f"The variable {variable.path!r} has dtype {variable.dtype}.",
            "The file was written by another model, or is damaged.",
        )
    return value


def _warn_of_not_finite(pairs: list, values: list[np.ndarray], source: str) -> None:
    bad = [path for (_, path, _), value in zip(pairs, values, strict=True) if value.dtype.kind == "f" and not _is_finite(value)]
    if bad:
        warn(f"{source}: weights of {', '.join(dict.fromkeys(bad))} are NaN or infinite.")


def _is_finite(value: np.ndarray) -> bool:
    return bool(np.isfinite(value).all())
