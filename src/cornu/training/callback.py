"""The base class of callbacks, ``History`` and ``CallbackList``."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cornu import trees
from cornu.errors import InvalidTypeError, NonFiniteError
from cornu.training.logs import as_number, as_numbers
from cornu.training.model_protocol import TrainableModel

_BATCH_EVENTS = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_predict_batch_begin",
    "on_predict_batch_end",
)


class Callback:
    """Base class of callbacks: override the methods for the events of interest.

    Whenever a method is called, the model has its current weights and may be changed (its weights, ``optimizer.learning_rate``,
    ``stop_training = True``). If a callback overrides none of the ``..._batch_...`` methods, many steps can run in one compiled
    call.

    Attributes:
        model: The model that is being trained, evaluated or used for prediction; None before.
        params: Dict of the parameters of the run: ``"epochs"``, ``"steps"`` and ``"verbose"``; None before.
        shows_progress: Whether the callback displays the progress of the run, in place of the usual display.
        cornu_initial_epoch: Integer, set in :meth:`on_train_begin`: the index of the epoch at which ``fit`` begins instead of
            its ``initial_epoch``; None for that.

    Example:
        >>> from cornu.callbacks import Callback
        >>> class PrintLogs(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, sorted(logs))
        >>> PrintLogs().on_epoch_end(0, {"loss": 0.5, "accuracy": 0.9})
        0 ['accuracy', 'loss']
    """

    model: Any = None  # of the class, too, for a subclass whose constructor does not call that of this class
    params: dict[str, Any] | None = None
    shows_progress = False
    cornu_initial_epoch: int | None = None

    def __init__(self) -> None:
        self.model, self.params = None, None

    def set_model(self, model: TrainableModel | None) -> None:
        """Set the model. Called before the run starts."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Set the parameters of the run. Called before the run starts."""
        self.params = params

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Called at the start of an epoch during training.

        Args:
            epoch: Integer, index of the epoch, starting at 0.
            logs: Empty dict.
        """

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Called at the end of an epoch during training.

        Args:
            epoch: Integer, index of the epoch, starting at 0.
            logs: Dict of the loss and metrics of the epoch. The names of validation values start with ``val_``.
        """

    def on_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called at the start of a training step. Alias of :meth:`on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called at the end of a training step. Alias of :meth:`on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called at the start of a training step.

        Args:
            batch: Integer, index of the step within the epoch, starting at 0.
            logs: Empty dict.
        """
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called at the end of a training step.

        Args:
            batch: Integer, index of the step within the epoch, starting at 0.
            logs: Dict of the means of the loss and metrics since the start of the epoch.
        """
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called at the start of a step of ``evaluate`` or of validation."""

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called at the end of a step of ``evaluate`` or of validation."""

    def on_predict_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called at the start of a step of ``predict``."""

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called at the end of a step of ``predict``; ``logs["outputs"]`` contains the outputs of the batch."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Called at the start of ``fit``."""

    def on_train_end(self, logs: dict | None = None) -> None:
        """Called at the end of ``fit``; ``logs`` are those of the last epoch."""

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Called at the start of ``evaluate`` or of the validation of an epoch."""

    def on_test_end(self, logs: dict | None = None) -> None:
        """Called at the end of ``evaluate`` or of the validation of an epoch; ``logs`` are its loss and metrics."""

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Called at the start of ``predict``."""

    def on_predict_end(self, logs: dict | None = None) -> None:
        """Called at the end of ``predict``."""

    def on_non_finite(self, error: NonFiniteError) -> bool:
        """Called when a step resulted in a non-finite loss or weight, after the step was undone.

        Args:
            error: The error that ``fit`` raises.

        Returns:
            True to end training without raising the error, else False.
        """
        return False

    def wants_batches(self) -> bool:
        """Return whether the callback must be called at every step: whether a class or the object replaces such a method."""
        return any(getattr(getattr(self, event), "__func__", None) is not getattr(Callback, event) for event in _BATCH_EVENTS)


EVENTS = tuple(name for name in vars(Callback) if name.startswith("on_") and name != "on_non_finite")
"""Names of the methods of Keras's callbacks."""


class History(Callback):
    """Callback that records the logs of every epoch. ``fit`` returns the one among its callbacks, or creates one.

    Single numbers are recorded as Python numbers; other values, such as strings and arrays, as they are.

    Attributes:
        epoch: List of the indices of the epochs.
        history: Dict from the name of a log to a list with one value per epoch, such as ``history["val_accuracy"]``. It
            continues in the next training.

    Example:
        >>> from cornu.callbacks import History
        >>> history = History()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: list[int] = []
        self.history: dict[str, list] = {}

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Forget the indices of the epochs of an earlier training."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Append the logs of an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(as_number(value))


class CallbackList(Callback):
    """Several callbacks that are called as one, by the methods of :class:`Callback`.

    Args:
        callbacks: Callback, or list of callbacks in the order in which they are called. Defaults to None.
        add_history: Whether to add a :class:`History` if there is none. Defaults to False.
        model: Model passed to ``set_model`` of the callbacks. Defaults to None.
        **params: Passed as a dict to ``set_params`` of the callbacks, if there are any.

    Raises:
        InvalidTypeError: If an element is not a callback.

    Example:
        >>> from cornu.callbacks import CallbackList, History
        >>> history = History()
        >>> callbacks = CallbackList([history], epochs=1)
        >>> callbacks.on_epoch_end(0, {"loss": 0.5})
        >>> history.history, history.params
        ({'loss': [0.5]}, {'epochs': 1})
    """

    def __init__(
        self,
        callbacks: Iterable[Any] | Callback | None = None,
        add_history: bool = False,
        model: TrainableModel | None = None,
        **params: Any,
    ):
        super().__init__()
        self.callbacks = [_checked(callback) for callback in trees.leaves(callbacks)]
        if add_history and self.history is None:
            self.callbacks.append(History())
        self._refresh()
        self.set_model(model)
        self.set_params(params)

    @property
    def history(self) -> History | None:
        """The last :class:`History` among the callbacks, or None."""
        return next((callback for callback in reversed(self.callbacks) if isinstance(callback, History)), None)

    def set_model(self, model: TrainableModel | None) -> None:
        """Set the model of all callbacks, and the ``history`` of the model; nothing for None."""
        if model is None:
            return
        self.model = model
        history = self.history
        if history is not None:
            vars(model)["history"] = history  # not a change of the structure of the model, as of other attributes
        for callback in self.callbacks:
            callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Set the parameters of all callbacks; nothing for an empty dict."""
        self.params = params
        for callback in self.callbacks if params else ():
            callback.set_params(params)

    def _refresh(self) -> None:
        self._wants_batches = any(callback.wants_batches() for callback in self.callbacks)
        self.shows_progress = any(callback.shows_progress for callback in self.callbacks)
        found = [callback.cornu_initial_epoch for callback in self.callbacks if callback.cornu_initial_epoch is not None]
        self.cornu_initial_epoch = found[-1] if found else None

    def wants_batches(self) -> bool:
        """Return whether a callback must be called at every step."""
        return self._wants_batches

    def call(self, event: str, *args: Any) -> None:
        """Call the method of that name of every callback, with the same logs, which callbacks may change for the next ones."""
        for callback in self.callbacks:
            method: Callable = getattr(callback, event)
            method(*args)
        if self.callbacks and event not in _BATCH_EVENTS:  # a callback may have been given a method for batches
            self._refresh()

    def on_non_finite(self, error: NonFiniteError) -> bool:
        """Pass an error to ``on_non_finite`` of every callback; return whether one of them returned True."""
        return any([callback.on_non_finite(error) for callback in self.callbacks])


def _forwarding(event: str) -> Callable[..., None]:
    """Return the method of :class:`CallbackList` that calls a method of every callback, with logs of Python numbers."""
    if "epoch" in event or "batch" in event:

        def forward_number(self: CallbackList, number: int, logs: Mapping[str, Any] | None = None) -> None:
            self.call(event, number, as_numbers(logs))

        return functools.wraps(getattr(Callback, event))(forward_number)

    def forward(self: CallbackList, logs: Mapping[str, Any] | None = None) -> None:
        self.call(event, as_numbers(logs))

    return functools.wraps(getattr(Callback, event))(forward)


for _event in EVENTS:
    setattr(CallbackList, _event, _forwarding(_event))


def _checked(callback: Any) -> Callback:
    """Return a callback, or raise ``InvalidTypeError`` if it is not one."""
    if isinstance(callback, Callback):
        return callback
    name = callback.__name__ if isinstance(callback, type) else type(callback).__name__
    raise InvalidTypeError(
        f"`callbacks` contains {callback!r}.",
        "Callbacks must be instances of a subclass of `cornu.callbacks.Callback`.",
        f"Pass an instance: `{name}()`." if isinstance(callback, type) else f"Let `{name}` inherit from `Callback`.",
    )
