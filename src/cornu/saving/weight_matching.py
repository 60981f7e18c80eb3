"""A weights file against a model: what fits is read, what does not is shown side by side. Nothing is read before all fits."""

import warnings
from typing import Any, NamedTuple

import numpy as np

from cornu.core.variable import Variable
from cornu.errors import ModelFormatError
from cornu.optimizers import Optimizer
from cornu.saving.weight_paths import VariableGroup
from cornu.saving.weights_h5 import DatasetSpec, WeightsFile

_KINDS = {"float": "f", "bfloat": "f", "int": "iu", "uint": "iu", "bool": "biu"}
"""Which kinds of numbers in a file a variable of a dtype takes."""

_MAX_ROWS = 12


class Mismatch(NamedTuple):
    """A place where file and model differ.

    Attributes:
        path: Where.
        in_file: What the file declares there.
        in_model: What the model has there.
        hint: What may help.
    """

    path: str
    in_file: str
    in_model: str
    hint: str


def load_into(
    places: list[VariableGroup], file: WeightsFile, source: str, model_name: str, skip_mismatch: bool = False
) -> None:
    """Gives the variables of some places the values that a file holds. All or nothing: an error leaves all as they were.

    Args:
        places: What ``places_of`` gave.
        file: The file.
        source: What to call it in errors.
        model_name: Name of the model.
        skip_mismatch: Whether to leave out, with a warning, the places that differ.

    Raises:
        ModelFormatError: File and model differ, or the numbers are damaged.
    """
    stored = _with_todays_names(file.places)
    pairs: list[tuple[Variable, str, str]] = []
    misfits = []
    for place in places:
        path, found = stored.get(place.path, (place.path, {}))
        count = _count_to_read(place, found, source)
        misfit = _misfit(place, found, count, stored)
        if misfit is not None:
            misfits.append(misfit)
        else:
            pairs += [(variable, path, str(number)) for number, variable in enumerate(place.variables[:count])]
    if misfits and not skip_mismatch:
        raise _refusal(misfits, source, model_name, len(places))
    if misfits:
        warnings.warn(f"These weights of {source} were left out:\n{_table(misfits)}", stacklevel=4)
    _warn_of_unexpected(set(stored) - {place.path for place in places}, stored, source, model_name)
    file.check_size([(path, number) for _, path, number in pairs])
    values = [_as_variable_has_it(variable, file.read(path, number), path, number, source) for variable, path, number in pairs]
    _warn_of_not_finite(pairs, values, source)
    for (variable, _, _), value in zip(pairs, values, strict=True):
        variable.assign(value)


def _with_todays_names(places: dict[str, dict[str, DatasetSpec]]) -> dict[str, tuple[str, dict[str, DatasetSpec]]]:
    """Path to the file's own path and what is there. Keras 2.13 wrote ``_layer_checkpoint_dependencies`` for ``layers``."""
    return {path.replace("_layer_checkpoint_dependencies", "layers"): (path, found) for path, found in places.items()}


# --- Comparing --------------------------------------------------------------------------------------------------------


def _count_to_read(place: VariableGroup, found: dict[str, DatasetSpec], source: str) -> int:
    """How many variables of a place the file gives values: all, but for an optimizer that has not trained or is not there."""
    if not isinstance(place.owner, Optimizer):
        return len(place.variables)
    slots = [variable for variable in place.variables if variable.path.rpartition("/")[2] not in ("iteration", "learning_rate")]
    before_training = len(place.variables) - len(slots)
    if len(found) in (0, before_training, len(place.variables)):
        return len(found)
    warnings.warn(
        f"{source} holds {len(found)} arrays of an optimizer, {place.owner.name!r} has {len(place.variables)}: it starts anew.",
        stacklevel=5,
    )
    return 0


def _misfit(place: VariableGroup, found: dict[str, DatasetSpec], count: int, stored: dict) -> Mismatch | None:
    if isinstance(place.owner, Optimizer) and count == 0:
        return None
    numbers = {str(number) for number in range(count)}
    fits = set(found) == numbers and all(
        _takes(variable, found[str(number)]) for number, variable in enumerate(place.variables[:count])
    )
    if fits:
        return None
    expected = [variable.shape for variable in place.variables]
    in_file = ", ".join(_text_of(found[number]) for number in sorted(found)) or "-"
    in_model = ", ".join(f"{variable.shape} {variable.dtype}" for variable in place.variables) or "-"
    hint = "" if place.owner.built else "not built yet"
    if not found:
        same = [path for path, (_, other) in stored.items() if _shapes_of(other) == expected]
        hint = f"the file has these shapes at `{same[0]}`" if same else hint
    return Mismatch(f"{place.path} ({place.owner.name})", in_file, in_model, hint)


def _takes(variable: Variable, found: DatasetSpec) -> bool:
    kind = next(kinds for name, kinds in _KINDS.items() if variable.dtype.startswith(name))
    return found.shape == variable.shape and found.dtype != "" and _kind_of(found) in kind


def _kind_of(found: DatasetSpec) -> str:
    return "f" if found.dtype == "bfloat16" else np.dtype(found.dtype).kind


def _shapes_of(found: dict[str, DatasetSpec]) -> list[tuple[int, ...]]:
    return [found[number].shape for number in sorted(found, key=lambda name: (len(name), name))]


def _text_of(found: DatasetSpec) -> str:
    return f"{found.shape} {found.dtype or 'no plain numbers'}"


def _table(misfits: list[Mismatch]) -> str:
    rows = [("place (layer)", "file", "model", "")] + [tuple(misfit) for misfit in misfits[:_MAX_ROWS]]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, [*widths, 0], strict=True)).rstrip() for row in rows]
    more = len(misfits) - _MAX_ROWS
    return "\n".join(["  " + line for line in lines] + ([f"  ... and {more} more"] if more > 0 else []))


def _refusal(misfits: list[Mismatch], source: str, model_name: str, places: int) -> ModelFormatError:
    return ModelFormatError(
        f"{source} does not fit the model {model_name!r}; {len(misfits)} of {places} places differ:\n{_table(misfits)}\n",
        "Each layer must find arrays of its own shapes at its place.",
        "Build the model as it was when it was saved, or pass `skip_mismatch=True` to `load_weights`. The model is as it was.",
    )


def _warn_of_unexpected(unexpected: set[str], stored: dict, source: str, model_name: str) -> None:
    """Weights that the model has no place for. Only layers count: Keras also stores optimizers, metrics and random states."""
    layers = sorted(path for path in unexpected if stored[path][1] and not _is_no_layer(path))
    if layers:
        named = ", ".join(layers[:5]) + (", ..." if len(layers) > 5 else "")
        warnings.warn(f"{source} also holds weights that the model {model_name!r} has no place for: {named}.", stacklevel=5)


def _is_no_layer(path: str) -> bool:
    first, last = path.partition("/")[0], path.rpartition("/")[2]
    return first in ("optimizer", "metrics", "_metrics", "_loss_tracker", "_compile_metrics") or "seed_generator" in last


# --- Values -----------------------------------------------------------------------------------------------------------


def _as_variable_has_it(variable: Variable, array: np.ndarray, path: str, number: str, source: str) -> np.ndarray:
    """The numbers in the variable's dtype and this machine's byte order. Whole numbers that do not fit are refused."""
    if variable.dtype == "bfloat16":
        return array.astype(np.float32)
    value = array.astype(variable.dtype)
    if value.dtype.kind in "iu" and not np.array_equal(value, array):
        raise ModelFormatError(
            f"{source}: `{path}/vars/{number}` holds whole numbers that {variable.dtype} does not.",
            f"The variable {variable.path!r} is of the dtype {variable.dtype}.",
            "The file was written by another model, or is damaged.",
        )
    return value


def _warn_of_not_finite(pairs: list, values: list[np.ndarray], source: str) -> None:
    bad = [path for (_, path, _), value in zip(pairs, values, strict=True) if value.dtype.kind == "f" and not _is_finite(value)]
    if bad:
        warnings.warn(f"{source}: weights of {', '.join(dict.fromkeys(bad))} are NaN or infinite.", stacklevel=5)


def _is_finite(value: Any) -> bool:
    return bool(np.isfinite(value).all())
