"""Several callbacks as one, for custom training loops."""

from collections.abc import Iterable
from typing import Any

from cornu import trees
from cornu.callbacks.progbar_logger import ProgbarLogger
from cornu.training import callback
from cornu.training.callback import Callback, History
from cornu.training.model_protocol import TrainableModel

__all__ = ["CallbackList"]


class CallbackList(callback.CallbackList):
    """Several callbacks that are called as one, by the methods of :class:`Callback`, for custom training loops.

    Args:
        callbacks: Callback, or list of callbacks in the order in which they are called. Defaults to None.
        add_history: Whether to add a :class:`History` if there is none. Defaults to False.
        add_progbar: Whether to add a :class:`ProgbarLogger` if there is none. Defaults to False.
        model: Model passed to ``set_model`` of the callbacks. Defaults to None.
        **params: Passed as a dict to ``set_params`` of the callbacks, if there are any.

    Attributes:
        callbacks: List of the callbacks.

    Raises:
        InvalidTypeError: If an element is not a callback.

    Example:
        >>> from cornu.callbacks import CallbackList
        >>> callbacks = CallbackList(add_history=True, epochs=1)
        >>> callbacks.on_train_begin()
        >>> callbacks.on_epoch_begin(0)
        >>> callbacks.on_epoch_end(0, {"loss": 0.5})
        >>> callbacks.history.history
        {'loss': [0.5]}
    """

    def __init__(
        self,
        callbacks: Iterable[Any] | Callback | None = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: TrainableModel | None = None,
        **params: Any,
    ):
        given = trees.leaves(callbacks)
        if add_history and not any(isinstance(each, History) for each in given):
            given.append(History())
        if add_progbar and not any(isinstance(each, ProgbarLogger) for each in given):
            given.append(ProgbarLogger())
        super().__init__(given, model=model, **params)
