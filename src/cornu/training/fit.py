"""Implementation of ``fit`` and ``evaluate``: the loop over epochs."""

import functools
import heapq
import numbers
import operator
from collections.abc import Collection, Iterable
from typing import Any

from cornu import backends, config
from cornu.core.layer_placement import placement_of
from cornu.errors import NonFiniteError, warn
from cornu.training.batch import Batch, sample_count
from cornu.training.callback import Callback, CallbackList, History
from cornu.training.compile_state import TrainingSetup
from cornu.training.data_adapters.data_adapter import DataAdapter
from cornu.training.data_validation import array_checks
from cornu.training.loop import nan_diagnosis
from cornu.training.loop.epoch_loop import Loop
from cornu.training.loop.progress import Progress, Verbose
from cornu.training.model_protocol import TrainableModel
from cornu.training.prepare_data import make_adapter

_UNFREEZE = "If layers were frozen, set `layer.trainable = True` for those to train, and call `compile` again."


def fit(
    model: TrainableModel,
    compiled: TrainingSetup,
    adapter: DataAdapter,
    validation: DataAdapter | None,
    epochs: range,
    validation_freq: int | Collection[int],
    callbacks: Iterable[Any] | Callback | None,
    verbose: Verbose,
) -> History:
    """Train a model (see ``Model.fit``).

    Args:
        model: The model.
        compiled: Training setup of the model.
        adapter: Training data.
        validation: Validation data, or None.
        epochs: Range of the indices of the epochs, starting at 0.
        validation_freq: Number of epochs between validations, or a collection of epochs (counted from 1).
        callbacks: The callbacks.
        verbose: See :class:`~cornu.training.loop.progress.Progress`.

    Returns:
        The history.
    """
    epochs = _limited(epochs)
    callback_list = CallbackList(
        callbacks, add_history=True, model=model, epochs=epochs.stop, steps=adapter.steps, verbose=verbose
    )
    progress = Progress(0 if callback_list.shows_progress else verbose)
    if model.weights and not model.trainable_variables:
        warn(f"`fit`: the model {model.name!r} has no trainable weights, so it learns nothing. {_UNFREEZE}")
    if model.stop_training:  # setting any attribute makes the next call traverse the structure of the model
        model.stop_training = False
    multi_step = compiled.train_function(adapter.spec)
    progress.announce(
        f"Training on {backends.device_of(placement_of(model))} with {placement_of(model).backend}, {model.dtype_policy.name}."
    )
    callback_list.call("on_train_begin", {})
    restored = callback_list.cornu_initial_epoch
    epochs = epochs if restored is None else range(restored, epochs.stop)
    explain = functools.partial(nan_diagnosis.explain, "fit", model, compiled.optimizer, compiled.calls_model)
    steps_per_event = compiled.execution.steps_per_execution
    loop = Loop(multi_step, compiled.state_sync(training=True), callback_list, "train", progress, explain, steps_per_event)
    logs: dict[str, Any] = {}
    with progress:
        for epoch in epochs:
            if not adapter.ready():
                warn(_exhausted_text(epoch - epochs.start, len(epochs)))
                break
            compiled.reset_metrics()
            callback_list.call("on_epoch_begin", epoch, {})
            progress.begin(f"Epoch {epoch + 1}/{epochs.stop}", adapter.steps)
            try:
                logs = loop.epoch(adapter)
            except NonFiniteError as error:
                if not callback_list.on_non_finite(error):
                    raise
                logs, model.stop_training = loop.logs, True
            if validation is not None and _is_due(validation_freq, epoch):
                measured = _validated(compiled, validation, callback_list)
                logs = dict(heapq.merge(logs.items(), measured.items(), key=operator.itemgetter(0)))
            callback_list.call("on_epoch_end", epoch, logs)
            progress.end(logs)  # together with what callbacks added
            if model.stop_training:
                break
    compiled.optimizer.finalize_variable_values(model.trainable_variables)
    callback_list.call("on_train_end", logs)
    return model.history


def _limited(epochs: range) -> range:
    """Return the epochs, cut with a warning if there are more than ``config.max_epochs()``."""
    limit = config.max_epochs()
    if limit is None or epochs.stop <= limit:
        return epochs
    warn(f"`config.max_epochs` limits the number of epochs to {limit}.")
    return range(epochs.start, limit)


def _validated(compiled: TrainingSetup, adapter: DataAdapter, callbacks: CallbackList) -> dict[str, float]:
    """Return the logs of the validation data, with their prefix; an empty dict, with a warning, if the data is exhausted."""
    if not adapter.ready():
        text = (
            "`fit`: the validation data is exhausted: an iterator can be iterated over only once. This epoch is not validated. "
        )
        warn(text + "Pass arrays, or an iterable that can be iterated over repeatedly, such as a list of batches.")
        return {}
    return {f"val_{name}": value for name, value in measure(compiled, adapter, callbacks, Progress(0)).items()}


def _exhausted_text(made: int, wanted: int) -> str:
    """Return the warning for training data that ended before the last epoch."""
    return (
        f"`fit`: the data ended after {made} of {wanted} epochs, so training stops: an iterator can be iterated over only "
        "once. Pass an infinite iterator with `steps_per_epoch`, or an iterable that can be iterated over repeatedly, such as "
        "a list."
    )


def measure(compiled: TrainingSetup, adapter: DataAdapter, callbacks: CallbackList, progress: Progress) -> dict[str, float]:
    """Evaluate a model on data without training it.

    Returns:
        The logs: dict of the loss and metrics.
    """
    compiled.reset_metrics()
    if callbacks.model.stop_evaluating:
        callbacks.model.stop_evaluating = False
    callbacks.call("on_test_begin", {})
    function, steps_per_event = compiled.test_function(adapter.spec), compiled.execution.steps_per_execution
    loop = Loop(function, compiled.state_sync(training=False), callbacks, "test", progress, steps_per_event=steps_per_event)
    with progress:
        progress.begin("Evaluating", adapter.steps)
        logs = loop.epoch(adapter)
        progress.end(logs)
    callbacks.call("on_test_end", logs)
    return logs


def one_batch(
    function: str, model: TrainableModel, compiled: TrainingSetup, data: Batch, class_weight: dict | None, training: bool
) -> dict[str, float]:
    """Run one step on one batch, for ``train_on_batch`` and ``test_on_batch``, with metrics of this batch only.

    Returns:
        The logs: dict of the loss and metrics.
    """
    data = array_checks.as_arrays(function, data)
    adapter = make_adapter(function, model, compiled, data, sample_count(data), False, class_weight)
    compiled.ensure_built(adapter.spec, sample_count(data))
    compiled.reset_metrics()
    multi_step = compiled.train_function(adapter.spec) if training else compiled.test_function(adapter.spec)
    explain = (
        functools.partial(nan_diagnosis.explain, function, model, compiled.optimizer, compiled.calls_model)
        if training
        else None
    )
    events = "train" if training else "test"
    loop = Loop(multi_step, compiled.state_sync(training), CallbackList(model=model), events, Progress(0), explain)
    return loop.epoch(adapter)


def _is_due(frequency: int | Collection[int], epoch: int) -> bool:
    """Return whether to validate after an epoch."""
    return (epoch + 1) % frequency == 0 if isinstance(frequency, (int, numbers.Integral)) else epoch + 1 in frequency
