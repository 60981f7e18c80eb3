"""What may be called while a model trains: the base class of callbacks, and ``History``."""

from collections.abc import Callable
from typing import Any

from cornu import trees
from cornu.errors import InvalidTypeError, NonFiniteError

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
    """The base of callbacks: override the methods whose moments you want.

    The model holds the current weights whenever a method is called, and may be changed by it (its weights,
    ``optimizer.learning_rate``,
    ``stop_training = True``). A callback that overrides none of the ``..._batch_...`` methods lets many steps run in one go.

    Attributes:
        model: The model that trains.
        params: ``{"epochs", "steps", "verbose"}``.

    Example:
        >>> from cornu.callbacks import Callback
        >>> class Tell(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(epoch, sorted(logs))
    """

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Is told the model before training begins."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Is told the parameters of the run before it begins."""
        self.params = params

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """An epoch begins; epochs count from 0."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """An epoch ended; ``logs`` holds its loss and metrics, those of validation with the prefix ``val_``."""

    def on_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Another name for :meth:`on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Another name for :meth:`on_train_batch_end`."""

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """A training step begins; steps count from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """A training step ended; ``logs`` holds the means since the epoch began."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """A step of ``evaluate`` begins."""

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """A step of ``evaluate`` ended."""

    def on_predict_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """A step of ``predict`` begins."""

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """A step of ``predict`` ended."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """``fit`` begins."""

    def on_train_end(self, logs: dict | None = None) -> None:
        """``fit`` ends."""

    def on_test_begin(self, logs: dict | None = None) -> None:
        """``evaluate``, or the validation of an epoch, begins."""

    def on_test_end(self, logs: dict | None = None) -> None:
        """``evaluate``, or the validation of an epoch, ended."""

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """``predict`` begins."""

    def on_predict_end(self, logs: dict | None = None) -> None:
        """``predict`` ended."""

    def on_non_finite(self, error: NonFiniteError) -> bool:
        """A step gave a NaN loss or weight, and was undone. Return True to end training quietly instead of with the error."""
        return False

    def wants_batches(self) -> bool:
        """Whether it must be called at every step."""
        return any(getattr(type(self), event) is not getattr(Callback, event) for event in _BATCH_EVENTS)


class History(Callback):
    """Remembers the logs of every epoch. ``fit`` makes one and gives it back.

    Attributes:
        epoch: The epochs that were trained.
        history: Name of a log to its values, one an epoch: ``history["val_accuracy"]``.

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
        self.history: dict[str, list[float]] = {}

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Appends the logs of an epoch."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)


class CallbackList:
    """Several callbacks called as one.

    Args:
        callbacks: The callbacks, in the order in which they are called: one, or a list of them.
        model: The model they are told of.
        params: The parameters they are told.

    Raises:
        InvalidTypeError: Something among them is no callback.

    Example:
        >>> from cornu.callbacks import CallbackList, History
        >>> history = History()
        >>> CallbackList([history], model=None, params={}).call("on_epoch_end", 0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    def __init__(self, callbacks: Any, model: Any, params: dict[str, Any]):
        self.callbacks = [_checked(callback) for callback in trees.leaves(callbacks)]
        self.model = model
        self._wants_batches = any(callback.wants_batches() for callback in self.callbacks)
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params(params)

    def wants_batches(self) -> bool:
        """Whether one of them must be called at every step."""
        return self._wants_batches

    def call(self, event: str, *args: Any) -> None:
        """Calls the method of that name of every callback."""
        for callback in self.callbacks:
            method: Callable = getattr(callback, event)
            method(*args)

    def handle_non_finite(self, error: NonFiniteError) -> bool:
        """Tells every callback of a NaN and gives whether one of them takes it."""
        return any([callback.on_non_finite(error) for callback in self.callbacks])


def _checked(callback: Any) -> Callback:
    if isinstance(callback, Callback):
        return callback
    name = callback.__name__ if isinstance(callback, type) else type(callback).__name__
    raise InvalidTypeError(
        f"`callbacks` holds {callback!r}.",
        "It must hold callbacks: objects of a class that inherits from `cornu.callbacks.Callback`.",
        f"Make one: `{name}()`." if isinstance(callback, type) else f"Let `{name}` inherit from `Callback`.",
    )
