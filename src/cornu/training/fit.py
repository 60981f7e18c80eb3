"""``fit`` and ``evaluate``: from a user's data to feeds, and epoch after epoch through the loop."""

import functools
import numbers
import warnings
from typing import Any

from cornu import backends
from cornu.core.layer_placement import placement_of
from cornu.errors import NonFiniteError
from cornu.training.batch import Batch, sample_count
from cornu.training.callback import CallbackList, History
from cornu.training.compile_state import CompileState
from cornu.training.data_validation import array_checks
from cornu.training.loop import nan_diagnosis
from cornu.training.loop.epoch_loop import Loop
from cornu.training.loop.progress import Progress
from cornu.training.prepare_data import DataAdapter, make_adapter


def fit(
    model: Any,
    compiled: CompileState,
    adapter: DataAdapter,
    validation: DataAdapter | None,
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
    params = {"epochs": epochs.stop, "steps": adapter.steps, "verbose": verbose}
    callback_list = CallbackList([callbacks, history], model, params)
    model.stop_training = False
    progress.announce(
        f"Training on {backends.device_of(placement_of(model))} with {placement_of(model).backend}, {model.dtype_policy.name}."
    )
    callback_list.call("on_train_begin", {})
    explain = functools.partial(nan_diagnosis.explain, "fit", model, compiled.optimizer)
    loop = Loop(
        compiled.train_function(adapter.spec), compiled.state_sync(training=True), callback_list, "train", progress, explain
    )
    logs: dict[str, Any] = {}
    with progress:
        for epoch in epochs:
            if not adapter.ready():
                warnings.warn(_ended_text(epoch - epochs.start, len(epochs)), stacklevel=3)
                break
            compiled.compiled_metrics.reset()
            callback_list.call("on_epoch_begin", epoch, {})
            progress.begin(f"Epoch {epoch + 1}/{epochs.stop}", adapter.steps)
            try:
                logs = loop.epoch(adapter)
            except NonFiniteError as error:
                if not callback_list.handle_non_finite(error):
                    raise
                break
            if validation is not None and _is_due(validation_freq, epoch):
                logs |= _validated(compiled, validation, callback_list)
            progress.end(logs)
            callback_list.call("on_epoch_end", epoch, logs)
            if model.stop_training:
                break
    compiled.optimizer.finalize_variable_values(model.trainable_variables)
    callback_list.call("on_train_end", logs)
    return history


def _validated(compiled: CompileState, adapter: DataAdapter, callbacks: CallbackList) -> dict[str, float]:
    """The logs of the validation data, with their prefix; none, and a warning, if it is used up."""
    if not adapter.ready():
        text = "`fit`: the validation data ended: an iterator gives its batches only once. This epoch is not validated. "
        warnings.warn(
            text + "Pass arrays, or something that can be iterated over anew, such as a list of batches.", stacklevel=4
        )
        return {}
    return {f"val_{name}": value for name, value in measure(compiled, adapter, callbacks, Progress(0)).items()}


def _ended_text(made: int, wanted: int) -> str:
    return (
        f"`fit`: the data ended after {made} of {wanted} epochs, and so does training: an iterator gives its batches once. "
        "Let it give them for ever and pass `steps_per_epoch`, or pass what can be iterated over anew, such as a list."
    )


def measure(compiled: CompileState, adapter: DataAdapter, callbacks: CallbackList, progress: Progress) -> dict[str, float]:
    """Runs a model over data without training it.

    Returns:
        The logs: loss and metrics.
    """
    compiled.compiled_metrics.reset()
    callbacks.call("on_test_begin", {})
    loop = Loop(compiled.test_function(adapter.spec), compiled.state_sync(training=False), callbacks, "test", progress)
    with progress:
        progress.begin("Evaluating", adapter.steps)
        logs = loop.epoch(adapter)
        progress.end(logs)
    callbacks.call("on_test_end", logs)
    return logs


def one_batch(
    function: str, model: Any, compiled: CompileState, data: Batch, class_weight: dict | None, training: bool
) -> dict[str, float]:
    """One step on one batch, for ``train_on_batch`` and ``test_on_batch``; the metrics are those of this batch.

    Returns:
        The logs.
    """
    data = array_checks.as_arrays(function, data)
    adapter = make_adapter(function, model, compiled, data, sample_count(data), False, class_weight)
    compiled.ensure_built(adapter.spec)
    compiled.compiled_metrics.reset()
    multi_step = compiled.train_function(adapter.spec) if training else compiled.test_function(adapter.spec)
    explain = functools.partial(nan_diagnosis.explain, function, model, compiled.optimizer) if training else None
    events = "train" if training else "test"
    loop = Loop(multi_step, compiled.state_sync(training), CallbackList([], model, {}), events, Progress(0), explain)
    return loop.epoch(adapter)


def _is_due(frequency: Any, epoch: int) -> bool:
    return (epoch + 1) % frequency == 0 if isinstance(frequency, numbers.Integral) else epoch + 1 in frequency
