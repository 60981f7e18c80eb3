"""From a user's data to validated data adapters."""

import functools
from typing import Any

import numpy as np

from cornu import trees
from cornu.core import batch_coupling
from cornu.core.layer_placement import placement_of
from cornu.errors import DataError, InvalidArgumentError
from cornu.training.batch import Batch, rows, sample_count, spec_of
from cornu.training.compile_state import CompileState
from cornu.training.data_adapters.array_data_adapter import ArrayDataAdapter
from cornu.training.data_adapters.data_adapter import is_batches
from cornu.training.data_adapters.iterable_data_adapter import IterableDataAdapter
from cornu.training.data_validation import arguments, array_checks, class_weights, inputs, targets
from cornu.training.data_validation.outputs import outputs_of

DataAdapter = ArrayDataAdapter | IterableDataAdapter


def make_adapter(
    function: str,
    model: Any,
    compiled: CompileState,
    data: Batch,
    batch_size: int | None,
    shuffle: bool = False,
    class_weight: dict | None = None,
    steps: int | None = None,
) -> DataAdapter:
    """Validate what a user gave, and adapt it: return a feed that carries the specification of its data.

    A model that has no shapes yet is built, since inputs can be validated against shapes only. Losses and metrics stay as they
    are: ``compiled.ensure_built(feed.spec)`` builds them. Batches are validated as they come, the first one here.

    Args:
        function: Name of the function the user called, for errors; data for ``"fit"`` is what is trained on.
        model: The model.
        compiled: What ``compile`` settled.
        data: ``x``, ``y`` and ``sample_weight`` as the user gave them.
        batch_size: Samples a step; default 32, or what makes ``steps`` of the data. Ready batches have their own size.
        shuffle: Whether each epoch has an order of its own.
        class_weight: Class to weight.
        steps: Batches an epoch; None for all there are.

    Raises:
        DataError: The data cannot be used (see ``checks``).
    """
    trained = function == "fit"

    def validated(batch: Batch, number: int = 0) -> Batch:
        where = f"{function} (batch {number})" if number else function
        batch = array_checks.as_arrays(where, batch)
        inputs.check(where, model, batch.x, hint=trained and number < 2)
        spec = spec_of(batch)
        losses, signature = compiled.losses_for(spec), compiled.signature_for(spec)
        outputs = outputs_of(model, signature.output_names, trees.leaves(signature.outputs))
        targets.check(where, losses, outputs, batch)
        return class_weights.with_class_weight(where, batch, class_weight, outputs, losses)

    padding = functools.partial(may_pad, model, compiled)
    if is_batches(data.x):
        arguments.no_targets_beside_batches(function, data)
        adapter = IterableDataAdapter(
            data.x, steps, validated, placement_of(model), padding, resumable=trained, shuffle=shuffle
        )
        adapter.sample()
        return adapter
    batch = validated(data)
    size = int(batch_size or (-(-sample_count(batch) // steps) if steps else 32))
    return ArrayDataAdapter(batch, size, shuffle, placement_of(model), padding, steps, resumable=trained)


def may_pad(model: Any, compiled: CompileState) -> bool:
    """Whether a batch may be filled up: whether all layers, losses and metrics leave the padding out."""
    layers_may = batch_coupling.effective_coupling(model) != "unknown"
    return layers_may and compiled.compiled_loss.padding_is_safe and compiled.compiled_metrics.padding_is_safe


def split(data: Batch, fraction: float) -> tuple[Batch, Batch]:
    """Cuts the last part off arrays, for validation.

    Args:
        data: ``x``, ``y`` and ``sample_weight`` as the user gave them.
        fraction: How much to cut off, between 0 and 1.

    Returns:
        The data to train on and the data to measure on.

    Raises:
        DataError: ``x`` gives batches.
        InvalidArgumentError: One of the two would be empty.
    """
    if is_batches(data.x):
        raise DataError(
            f"`fit` was given validation_split={fraction} beside an `x` that gives batches.",
            "Only arrays can be cut.",
            "Pass the data to measure on as `validation_data`.",
        )
    data = array_checks.as_arrays("fit", data)
    count = sample_count(data)
    first = 0
    if isinstance(fraction, (int, float, np.floating)) and 0 < fraction < 1:
        first = int(count * (1.0 - fraction))
    if not 0 < first < count:
        raise InvalidArgumentError(
            f"`fit` was given validation_split={fraction!r} and {count} samples.",
            "Both parts must hold at least one sample.",
            "Pass a number between 0 and 1, such as `validation_split=0.2`, or more data.",
        )
    return rows(data, slice(0, first)), rows(data, slice(first, count))
