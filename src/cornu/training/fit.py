"""``fit`` and ``evaluate``: from a user's data to feeds, and epoch after epoch through the loop."""

import functools
import numbers
import warnings
from typing import Any

import numpy as np

from cornu import backends, trees
from cornu.core import batch_coupling
from cornu.core.layer_placement import placement_of
from cornu.errors import DataError, InvalidArgumentError, NonFiniteError
from cornu.training.callback import CallbackList, History
from cornu.training.compile_state import Compiled
from cornu.training.data_adapters.iterable_data_adapter import ArrayFeed, BatchFeed, is_batches
from cornu.training.data_validation import array_checks, inputs, targets
from cornu.training.loop import nan_diagnosis
from cornu.training.loop.epoch_loop import Loop
from cornu.training.loop.progress import Progress
from cornu.training.step.train_step import Batch, spec_of

Feed = ArrayFeed | BatchFeed


def make_feed(
    function: str,
    model: Any,
    compiled: Compiled,
    data: Batch,
    batch_size: int | None,
    shuffle: bool = False,
    class_weight: dict | None = None,
    steps: int | None = None,
) -> Feed:
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
        outputs = targets.outputs_of(model, signature.output_names, trees.leaves(signature.outputs))
        targets.check(where, losses, outputs, batch)
        return targets.with_class_weight(where, batch, class_weight, outputs, losses)

    padding = functools.partial(may_pad, model, compiled)
    if is_batches(data.x):
        array_checks.no_targets_beside_batches(function, data)
        feed = BatchFeed(data.x, steps, validated, placement_of(model), padding, goes_on=trained, shuffle=shuffle)
        feed.sample()
        return feed
    batch = validated(data)
    size = batch_size or (-(-array_checks.sample_count(batch) // steps) if steps else 32)
    return ArrayFeed(batch, size, shuffle, placement_of(model), padding, steps, goes_on=trained)


def may_pad(model: Any, compiled: Compiled) -> bool:
    """Whether a batch may be filled up: whether all layers, losses and metrics leave the padding out."""
    layers_may = batch_coupling.effective_coupling(model) != "unknown"
    return layers_may and compiled.objective.padding_is_safe and compiled.scores.padding_is_safe


def fit(
    model: Any,
    compiled: Compiled,
    feed: Feed,
    validation: Feed | None,
    epochs: range,
    validation_freq: Any,
    callbacks: Any,
    verbose: Any,
) -> History:
    """Trains a model (see ``Model.fit``).

    Args:
        model: The model.
        compiled: What ``compile`` settled, built.
        feed: What it trains on.
        validation: What it is measured on, or None.
        epochs: Numbers of the epochs to train, counted from 0.
        validation_freq: Measure every so many epochs, or in the epochs (counted from 1) of a list.
        callbacks: The callbacks.
        verbose: See :class:`~cornu.training.loop.progress.Progress`.

    Returns:
        The history.
    """
    model.history = history = History()  # also there if training ends with an exception
    progress = Progress(verbose)
    params = {"epochs": epochs.stop, "steps": feed.steps, "verbose": verbose}
    everybody = CallbackList([callbacks, history], model, params)
    model.stop_training = False
    progress.announce(
        f"Training on {backends.device_of(placement_of(model))} with {placement_of(model).backend}, {model.dtype_policy.name}."
    )
    everybody.call("on_train_begin", {})
    explain = functools.partial(nan_diagnosis.explain, "fit", model, compiled.optimizer)
    loop = Loop(compiled.train_block(feed.spec), compiled.keeper(training=True), everybody, "train", progress, explain)
    logs: dict[str, Any] = {}
    with progress:
        for epoch in epochs:
            if not feed.ready():
                warnings.warn(_ended_text(epoch - epochs.start, len(epochs)), stacklevel=3)
                break
            compiled.scores.reset()
            everybody.call("on_epoch_begin", epoch, {})
            progress.begin(f"Epoch {epoch + 1}/{epochs.stop}", feed.steps)
            try:
                logs = loop.epoch(feed)
            except NonFiniteError as error:
                if not everybody.forgive(error):
                    raise
                break
            if validation is not None and _is_due(validation_freq, epoch):
                logs |= _validated(compiled, validation, everybody)
            progress.end(logs)
            everybody.call("on_epoch_end", epoch, logs)
            if model.stop_training:
                break
    compiled.optimizer.finalize_variable_values(model.trainable_variables)
    everybody.call("on_train_end", logs)
    return history


def _validated(compiled: Compiled, feed: Feed, callbacks: CallbackList) -> dict[str, float]:
    """The logs of the validation data, with their prefix; none, and a warning, if it is used up."""
    if not feed.ready():
        text = "`fit`: the validation data ended: an iterator gives its batches only once. This epoch is not validated. "
        warnings.warn(
            text + "Pass arrays, or something that can be iterated over anew, such as a list of batches.", stacklevel=4
        )
        return {}
    return {f"val_{name}": value for name, value in measure(compiled, feed, callbacks, Progress(0)).items()}


def _ended_text(made: int, wanted: int) -> str:
    return (
        f"`fit`: the data ended after {made} of {wanted} epochs, and so does training: an iterator gives its batches once. "
        "Let it give them for ever and pass `steps_per_epoch`, or pass what can be iterated over anew, such as a list."
    )


def measure(compiled: Compiled, feed: Feed, callbacks: CallbackList, progress: Progress) -> dict[str, float]:
    """Runs a model over data without training it.

    Returns:
        The logs: loss and metrics.
    """
    compiled.scores.reset()
    callbacks.call("on_test_begin", {})
    loop = Loop(compiled.test_block(feed.spec), compiled.keeper(training=False), callbacks, "test", progress)
    with progress:
        progress.begin("Evaluating", feed.steps)
        logs = loop.epoch(feed)
        progress.end(logs)
    callbacks.call("on_test_end", logs)
    return logs


def one_batch(
    function: str, model: Any, compiled: Compiled, data: Batch, class_weight: dict | None, training: bool
) -> dict[str, float]:
    """One step on one batch, for ``train_on_batch`` and ``test_on_batch``; the metrics are those of this batch.

    Returns:
        The logs.
    """
    data = array_checks.as_arrays(function, data)
    feed = make_feed(function, model, compiled, data, array_checks.sample_count(data), False, class_weight)
    compiled.ensure_built(feed.spec)
    compiled.scores.reset()
    block = compiled.train_block(feed.spec) if training else compiled.test_block(feed.spec)
    explain = functools.partial(nan_diagnosis.explain, function, model, compiled.optimizer) if training else None
    events = "train" if training else "test"
    loop = Loop(block, compiled.keeper(training), CallbackList([], model, {}), events, Progress(0), explain)
    return loop.epoch(feed)


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
    count = array_checks.sample_count(data)
    first = 0
    if isinstance(fraction, (int, float, np.floating)) and 0 < fraction < 1:
        first = int(count * (1.0 - fraction))
    if not 0 < first < count:
        raise InvalidArgumentError(
            f"`fit` was given validation_split={fraction!r} and {count} samples.",
            "Both parts must hold at least one sample.",
            "Pass a number between 0 and 1, such as `validation_split=0.2`, or more data.",
        )
    return array_checks.rows(data, slice(0, first)), array_checks.rows(data, slice(first, count))


def _is_due(frequency: Any, epoch: int) -> bool:
    return (epoch + 1) % frequency == 0 if isinstance(frequency, numbers.Integral) else epoch + 1 in frequency
