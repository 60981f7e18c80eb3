"""``fit`` and ``evaluate``: from a user's data to feeds, and epoch after epoch through the loop."""

import functools
from collections.abc import Iterable
from typing import Any

from cornu.errors import InvalidArgumentError, NonFiniteError
from cornu.training import checks, diagnosis
from cornu.training.callback import Callback, CallbackList, History
from cornu.training.compiled import Compiled
from cornu.training.feeds import ArrayFeed, BatchFeed, is_batches
from cornu.training.loop import Loop
from cornu.training.progress import Progress
from cornu.training.step import Batch

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
    """Makes a feed of what a user gave, checks it, and prepares what was compiled for its shapes.

    Args:
        function: Name of the function the user called, for errors.
        model: The model.
        compiled: What ``compile`` settled.
        data: ``x``, ``y`` and ``sample_weight`` as the user gave them.
        batch_size: Samples a step; default 32. Batches that come ready have their own size.
        shuffle: Whether each epoch has an order of its own.
        class_weight: Class to weight.
        steps: Batches an epoch, for data that gives batches.

    Raises:
        DataError: The data cannot be used (see ``checks``).
    """
    checks.whole_number(function, "batch_size", batch_size, least=1)

    def prepare(batch: Batch) -> Batch:
        batch = checks.as_arrays(function, batch)
        checks.inputs(function, model, batch.x)
        compiled.prepare(batch)
        checks.targets(function, model, compiled.objective, batch)
        return checks.with_class_weight(function, batch, class_weight)

    if is_batches(data.x):
        checks.no_targets_beside_batches(function, data)
        feed = BatchFeed(data.x, steps, prepare, model.backend, pad=True)
        prepare(feed.sample())
        feed.pad = may_pad(model, compiled)
        return feed
    batch = prepare(data)
    pad = may_pad(model, compiled)
    return ArrayFeed(batch.x, batch.y, batch.sample_weight, batch_size or 32, shuffle, model.backend, pad, steps)


def may_pad(model: Any, compiled: Compiled) -> bool:
    """Whether a batch may be filled up: whether all layers, losses and metrics leave the padding out."""
    layers_may = model.batch_coupling_of_all() != "unknown"
    return layers_may and compiled.objective.padding_is_safe and compiled.scores.padding_is_safe


def fit(
    model: Any,
    compiled: Compiled,
    feed: Feed,
    validation: Feed | None,
    epochs: range,
    validation_freq: Any,
    callbacks: Iterable[Callback] | None,
    verbose: Any,
) -> History:
    """Trains a model (see ``Model.fit``).

    Args:
        model: The model.
        compiled: What ``compile`` settled, prepared.
        feed: What it trains on.
        validation: What it is measured on, or None.
        epochs: Numbers of the epochs to train, counted from 0.
        validation_freq: Measure every so many epochs, or in the epochs (counted from 1) of a list.
        callbacks: The callbacks.
        verbose: See :class:`~cornu.training.progress.Progress`.

    Returns:
        The history.
    """
    history, progress = History(), Progress(verbose)
    params = {"epochs": epochs.stop, "steps": feed.steps, "verbose": verbose}
    everybody = CallbackList([*(callbacks or []), history], model, params)
    model.stop_training = False
    progress.announce(f"Training on {model.backend.devices()[0]} with {model.backend_name}, {model.dtype_policy.name}.")
    everybody.call("on_train_begin", None)
    explain = functools.partial(diagnosis.explain, model, compiled.optimizer)
    loop = Loop(compiled.train_block(), compiled.keeper(training=True), everybody, "train", progress, explain)
    logs: dict[str, Any] = {}
    for epoch in epochs:
        compiled.scores.reset()
        everybody.call("on_epoch_begin", epoch, None)
        progress.begin(f"Epoch {epoch + 1}/{epochs.stop}", feed.steps)
        try:
            logs = loop.epoch(feed)
        except NonFiniteError as error:
            if not everybody.forgive(error):
                raise
            break
        if validation is not None and _is_due(validation_freq, epoch):
            measured = measure(compiled, validation, everybody, Progress(0))
            logs = {**logs, **{f"val_{name}": value for name, value in measured.items()}}
        progress.end(logs)
        everybody.call("on_epoch_end", epoch, logs)
        if model.stop_training:
            break
    compiled.optimizer.finalize_variable_values(model.trainable_variables)
    everybody.call("on_train_end", logs)
    return history


def measure(compiled: Compiled, feed: Feed, callbacks: CallbackList, progress: Progress) -> dict[str, float]:
    """Runs a model over data without training it.

    Returns:
        The logs: loss and metrics.
    """
    compiled.scores.reset()
    callbacks.call("on_test_begin", None)
    progress.begin("Evaluating", feed.steps)
    loop = Loop(compiled.test_block(), compiled.keeper(training=False), callbacks, "test", progress)
    logs = loop.epoch(feed)
    progress.end(logs)
    callbacks.call("on_test_end", logs)
    return logs


def one_batch(
    function: str, model: Any, compiled: Compiled, data: Batch, class_weight: dict | None, training: bool
) -> dict[str, float]:
    """One step on one batch, for ``train_on_batch`` and ``test_on_batch``; the metrics go on from where they are.

    Returns:
        The logs.
    """
    feed = make_feed(
        function, model, compiled, data, checks.sample_count(checks.as_arrays(function, data)), False, class_weight
    )
    block = compiled.train_block() if training else compiled.test_block()
    explain = functools.partial(diagnosis.explain, model, compiled.optimizer) if training else None
    loop = Loop(block, compiled.keeper(training), CallbackList([], model, {}), "train", Progress(0), explain)
    return loop.epoch(feed)


def split(data: Batch, fraction: float) -> tuple[Batch, Batch]:
    """Cuts the last part off arrays, for validation.

    Args:
        data: ``x``, ``y`` and ``sample_weight``, checked.
        fraction: How much to cut off, between 0 and 1.

    Returns:
        The data to train on and the data to measure on.

    Raises:
        InvalidArgumentError: One of the two would be empty.
    """
    count = checks.sample_count(data)
    first = int(count * (1.0 - fraction))
    if not 0 < fraction < 1 or not 0 < first < count:
        raise InvalidArgumentError(
            f"`fit` was given validation_split={fraction} and {count} samples.",
            "Both parts must hold at least one sample.",
            "Pass a number between 0 and 1, such as `validation_split=0.2`, or more data.",
        )
    return checks.rows(data, slice(0, first)), checks.rows(data, slice(first, count))


def _is_due(frequency: Any, epoch: int) -> bool:
    if isinstance(frequency, (list, tuple, set)):
        return epoch + 1 in frequency
    return (epoch + 1) % frequency == 0
