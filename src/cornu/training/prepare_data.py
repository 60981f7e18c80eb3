"""Conversion of the user's data to validated data adapters."""

from collections.abc import Iterator

import numpy as np

from cornu.core.layer_placement import placement_of
from cornu.errors import DataError, InvalidArgumentError, warn
from cornu.training.batch import Batch, limited_steps, rows, sample_count
from cornu.training.compile_state import TrainingSetup
from cornu.training.data_adapters.array_data_adapter import ArrayDataAdapter
from cornu.training.data_adapters.data_adapter import DataAdapter, is_batches
from cornu.training.data_adapters.iterable_data_adapter import IterableDataAdapter
from cornu.training.data_validation import arguments, array_checks
from cornu.training.model_protocol import TrainableModel


def make_adapter(
    function: str,
    model: TrainableModel,
    compiled: TrainingSetup,
    data: Batch,
    batch_size: int | None,
    shuffle: bool = False,
    class_weight: dict | None = None,
    steps: int | None = None,
) -> DataAdapter:
    """Validate the user's data and return an adapter for it, which has the specification of the data.

    A model without known shapes is built, since inputs can only be validated against shapes. Losses and metrics are not built:
    ``compiled.ensure_built(adapter.spec)`` does this. Batches of an iterable are validated when they are drawn, the first one
    here.

    Args:
        function: Name of the function the user called, for errors; ``"fit"`` means that the data is used for training.
        model: The model.
        compiled: Training setup of the model.
        data: ``x``, ``y`` and ``sample_weight`` as passed by the user.
        batch_size: Samples per step. Defaults to 32, or to the size that makes ``steps`` batches of the data. Ignored if
            ``x`` yields batches.
        shuffle: Whether to shuffle the data before each epoch.
        class_weight: Dict from class to weight, or None.
        steps: Batches per epoch; None for all batches.

    Raises:
        DataError: If the data is invalid (see ``data_validation``).
    """
    trained = function == "fit"

    def validated(batch: Batch, number: int = 0) -> Batch:
        where = f"{function} (batch {number})" if number else function
        return compiled.validated(where, batch, class_weight, hint=trained and number < 2)

    if is_batches(data.x):
        arguments.check_no_targets(function, data)
        adapter = IterableDataAdapter(
            data.x,
            limited_steps(steps),
            validated,
            placement_of(model),
            compiled.may_pad,
            resumable=trained,
            shuffle=shuffle,
            steps_per_chunk=compiled.execution.steps_per_execution,
        )
        adapter.sample()
        return adapter
    batch = validated(array_checks.as_arrays(function, data))  # of equal lengths also for a model with its own step
    size = int(batch_size or (-(-sample_count(batch) // steps) if steps else 32))
    limit = limited_steps(steps)
    return ArrayDataAdapter(batch, size, shuffle, placement_of(model), compiled.may_pad, limit, resumable=trained)


def split(data: Batch, fraction: float) -> tuple[Batch, Batch]:
    """Split the last part off arrays, for validation.

    Args:
        data: ``x``, ``y`` and ``sample_weight`` as passed by the user.
        fraction: Fraction of the samples to split off, between 0 and 1.

    Returns:
        The training data and the validation data.

    Raises:
        DataError: If ``x`` yields batches.
        InvalidArgumentError: If one of the two parts would be empty.
    """
    if is_batches(data.x):
        raise DataError(
            f"`fit` received validation_split={fraction} together with an `x` that yields batches.",
            "`validation_split` is supported for arrays only.",
            "Pass the data for validation as `validation_data`.",
        )
    data = array_checks.as_arrays("fit", data)
    count = sample_count(data)
    first = 0
    if isinstance(fraction, (int, float, np.floating)) and 0 < fraction < 1:
        first = int(count * (1.0 - fraction))
    if not 0 < first < count:
        raise InvalidArgumentError(
            f"`fit` received validation_split={fraction!r} and {count} samples.",
            "Both parts must contain at least one sample.",
            "Pass a number between 0 and 1, such as `validation_split=0.2`, or more data.",
        )
    training, validation = rows(data, slice(0, first)), rows(data, slice(first, count))
    for (name, labels), (_, other) in zip(_class_labels(training), _class_labels(validation), strict=True):
        _warn_of_new_classes(name, labels, other)
    return training, validation


def _class_labels(data: Batch) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays of labels that may be class indices, with their names."""
    for name, array in array_checks.named_leaves("y", data.y):
        if array.dtype.kind in "iu" and array.size == len(array):
            yield name, np.asarray(array)


def _warn_of_new_classes(name: str, training: np.ndarray, validation: np.ndarray) -> None:
    """Warn if the labels for validation contain classes that the labels for training do not contain.

    Labels are taken for classes if there are at least five samples for each of them on average.
    """
    known, tested = np.unique(training), np.unique(validation)
    new = np.setdiff1d(tested, known)
    if len(new) and 5 * len(np.union1d(known, tested)) <= len(training) + len(validation):
        warn(
            f"`fit`: `validation_split` takes the last {len(validation)} samples, and `{name}` contains {_format_labels(new)} "
            "only there. If these are classes, shuffle the samples first: "
            "`order = np.random.permutation(len(x)); x, y = x[order], y[order]`."
        )


def _format_labels(labels: np.ndarray) -> str:
    """Return labels in words: ``the label 2``, ``the labels 2, 3 and others``."""
    shown = ", ".join(str(label) for label in labels[:3]) + (" and others" if len(labels) > 3 else "")
    return f"the label{'s' if len(labels) > 1 else ''} {shown}"
