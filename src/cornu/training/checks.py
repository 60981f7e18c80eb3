"""What is looked at before the first step: that the data fits the model and the losses. Each check names the user's own things."""

from typing import Any

import numpy as np

from cornu import backends, losses, trees
from cornu.errors import DataError, InvalidArgumentError, NonFiniteError, ShapeError
from cornu.training.objective import Objective, aligned
from cornu.training.step import Batch


def whole_number(function: str, argument: str, value: Any, least: int) -> None:
    """Refuses what is not a whole number of at least ``least``; None passes."""
    if value is None:
        return
    if isinstance(value, bool) or int(value) != value or value < least:
        raise InvalidArgumentError(
            f"`{function}` was given {argument}={value!r}.",
            f"It must be a whole number of at least {least}.",
            f"Pass `{argument}=32`.",
        )


def no_targets_beside_batches(function: str, data: Batch) -> None:
    """Refuses ``y`` beside an ``x`` that gives batches, which hold their own targets."""
    if data.y is not None or data.sample_weight is not None:
        raise DataError(
            f"`{function}` was given `y` or `sample_weight` beside an `x` that gives batches.",
            "Batches bring their targets with them: `(x, y)` or `(x, y, sample_weight)`.",
            "Leave `y` and `sample_weight` out.",
        )


def as_arrays(function: str, batch: Batch) -> Batch:
    """The batch as arrays of numbers of equal, positive length."""
    x, y, weight = (
        trees.map(lambda leaf, name=name: _as_array(function, name, leaf), _lists_to_arrays(part))
        for name, part in zip(("x", "y", "sample_weight"), batch[:3], strict=True)
    )
    lengths = {name: len(leaf) for name, part in (("x", x), ("y", y), ("sample_weight", weight)) for leaf in trees.leaves(part)}
    if len(set(lengths.values())) > 1:
        raise DataError(
            f"`{function}` was given {', '.join(f'{count} rows in `{name}`' for name, count in lengths.items())}.",
            "They must have the same number of rows, one for each sample.",
            "Check how the arrays were made or cut.",
        )
    if not trees.leaves(x) or 0 in lengths.values():
        raise DataError(f"`{function}` was given no samples.", "It needs at least one.", "Check how the data was loaded.")
    return Batch(x, y, weight, None)


def _lists_to_arrays(part: Any) -> Any:
    """Nested lists of numbers are data, lists of arrays are several inputs."""
    if isinstance(part, (list, tuple)) and not any(backends.owner(leaf) for leaf in trees.leaves(part)):
        return np.asarray(part)
    return part


def _as_array(function: str, name: str, leaf: Any) -> Any:
    if not hasattr(leaf, "dtype") or backends.owner(leaf) is None:
        leaf = np.asarray(leaf)
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind not in "biuf":
        raise DataError(
            f"`{function}` was given `{name}` with the dtype {leaf.dtype}.",
            "Data must be numbers.",
            "Turn names into class numbers: `np.unique(labels, return_inverse=True)[1]`."
            if leaf.dtype.kind in "USO"
            else "Convert it.",
        )
    return leaf


def inputs(function: str, model: Any, x: Any) -> None:
    """Refuses NaN, and arrays of other shapes than the model's inputs; builds a model that has seen no data yet."""
    for leaf in trees.leaves(x):
        finite(function, "x", leaf)
    if not model.built:
        model.build(trees.map(lambda leaf: (None, *np.shape(leaf)[1:]), x))
    if model.functional is None:
        return
    for tensor, leaf in zip(model.functional.input_tensors, model.functional.in_order(x), strict=True):
        if not _fits(np.shape(leaf), tensor.shape):
            raise ShapeError(
                f"`{function}`: the samples in `x` are {_times(np.shape(leaf)[1:])}.",
                f"This model was built for {_times(tensor.shape[1:])}.",
                f"Resize the data, or build the model with `Input({tuple(np.shape(leaf)[1:])})`.",
            )


def _fits(shape: tuple, expected: tuple) -> bool:
    if len(shape) + 1 == len(expected) and expected[-1] == 1:
        shape = (*shape, 1)
    return len(shape) == len(expected) and all(e is None or s == e for s, e in zip(shape[1:], expected[1:], strict=True))


def _times(shape: tuple) -> str:
    return " x ".join("any" if size is None else str(size) for size in shape) or "single numbers"


def finite(function: str, name: str, array: Any) -> None:
    """Refuses NaN and infinity in float data."""
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or np.isfinite(array.sum(dtype=np.float64)):
        return
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        raise NonFiniteError(
            f"`{function}`: `{name}` holds {len(bad)} values that are NaN or infinite, the first in sample {bad[0][0]}.",
            "All numbers must be finite.",
            "Clean the data, for example with `np.nan_to_num`.",
        )


def targets(function: str, model: Any, objective: Objective, batch: Batch) -> None:
    """Refuses targets that do not fit the outputs and the losses."""


def with_class_weight(function: str, batch: Batch, class_weight: dict | None) -> Batch:
    """The batch with a weight for each sample from the weight of its class."""
    if class_weight is None:
        return batch
    y = np.asarray(trees.leaves(batch.y)[0])
    classes = y.argmax(-1) if y.ndim > 1 and y.shape[-1] > 1 else y.reshape(len(y)).astype(int)
    factors = np.array([class_weight.get(int(c), 1.0) for c in classes], dtype=np.float32)
    weight = factors if batch.sample_weight is None else factors * np.asarray(trees.leaves(batch.sample_weight)[0])
    return batch._replace(sample_weight=weight)


def sample_count(batch: Batch) -> int:
    """Number of samples of a batch of arrays."""
    return sample_count_of(batch.x)


def sample_count_of(x: Any) -> int:
    """Number of rows of a tree of arrays."""
    return len(trees.leaves(x)[0])


def rows(batch: Batch, which: slice) -> Batch:
    """Some rows of all arrays."""
    return trees.map(lambda array: array[which], batch)


_ = (losses, ShapeError, aligned)
