"""Callbacks: when they are called, with what, and what is taken for one."""

from typing import Any

import numpy as np
import pytest

from cornu.callbacks import Callback, History
from cornu.errors import InvalidTypeError
from cornu.training.callback import CallbackList

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 4)).astype("float32"), RNG.integers(0, 3, 12)


class Recording(Callback):
    """Writes down every event, its number and the names of its logs."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple] = []

    def wants_batches(self) -> bool:
        return True

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_") or name == "on_non_finite":
            return super().__getattribute__(name)
        return lambda *args: self.events.append((name, *[sorted(arg) if isinstance(arg, dict) else arg for arg in args]))


STEP = [("on_train_batch_begin", 0, []), ("on_train_batch_end", 0, ["accuracy", "loss"])]
SECOND = [("on_train_batch_begin", 1, []), ("on_train_batch_end", 1, ["accuracy", "loss"])]
MEASURED = [
    ("on_test_begin", []),
    ("on_test_batch_begin", 0, []),
    ("on_test_batch_end", 0, ["accuracy", "loss"]),
    ("on_test_end", ["accuracy", "loss"]),
]
LOGS = ["accuracy", "loss", "val_accuracy", "val_loss"]


def test_the_events_of_fit(classifier):
    recording = Recording()
    model = classifier().to_backend("numpy")
    model.fit(X, Y, 6, 3, verbose=0, initial_epoch=1, callbacks=[recording], validation_data=(X[:4], Y[:4]))
    epochs = [[("on_epoch_begin", epoch, []), *STEP, *SECOND, *MEASURED, ("on_epoch_end", epoch, LOGS)] for epoch in (1, 2)]
    assert recording.events == [("on_train_begin", []), *epochs[0], *epochs[1], ("on_train_end", LOGS)]
    assert recording.params == {"epochs": 3, "steps": 2, "verbose": 0}
    assert recording.model is model


def test_the_events_of_evaluate(classifier):
    recording = Recording()
    classifier().to_backend("numpy").evaluate(X[:4], Y[:4], verbose=0, callbacks=[recording])
    assert recording.events == MEASURED


def test_the_events_of_predict(classifier):
    recording = Recording()
    classifier().to_backend("numpy").predict(X, 8, verbose=0, callbacks=[recording])
    assert recording.events == [
        ("on_predict_begin", []),
        ("on_predict_batch_begin", 0, []),
        ("on_predict_batch_end", 0, ["outputs"]),
        ("on_predict_batch_begin", 1, []),
        ("on_predict_batch_end", 1, ["outputs"]),
        ("on_predict_end", []),
    ]


def test_the_outputs_that_predict_tells_hold_no_padding(classifier):
    class Shapes(Callback):
        def on_predict_batch_end(self, batch, logs=None):
            shapes.append(logs["outputs"].shape)

    shapes: list[tuple] = []
    classifier().to_backend("numpy").predict(X, 8, verbose=0, callbacks=[Shapes()])
    assert shapes == [(8, 3), (4, 3)]


def test_callbacks_are_called_in_their_order(classifier):
    class Named(Callback):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def on_epoch_end(self, epoch, logs=None):
            called.append(self.name)

    called: list[str] = []
    classifier().to_backend("numpy").fit(X, Y, verbose=0, callbacks=[Named("a"), Named("b")])
    assert called == ["a", "b"]


def test_old_names_of_batch_events(classifier):
    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            called.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            called.append(("end", batch))

    called: list[tuple] = []
    classifier().to_backend("numpy").fit(X, Y, 6, verbose=0, callbacks=[Old()])
    assert called == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1)]


def test_a_callback_changes_the_logs_of_those_after_it(classifier):
    class Adding(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["epochs_so_far"] = epoch + 1.0

    history = classifier().to_backend("numpy").fit(X, Y, epochs=2, verbose=0, callbacks=[Adding()]).history
    assert history["epochs_so_far"] == [1.0, 2.0]


def test_a_single_callback_needs_no_list(classifier):
    recording = Recording()
    classifier().to_backend("numpy").fit(X, Y, verbose=0, callbacks=recording)
    assert recording.events


def test_only_callbacks_with_batch_events_want_batches():
    class WithBatches(Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    class WithEpochs(Callback):
        def on_epoch_end(self, epoch, logs=None):
            pass

    assert WithBatches().wants_batches()
    assert not WithEpochs().wants_batches() and not History().wants_batches()
    assert CallbackList([WithEpochs(), WithBatches()], None, {}).wants_batches()
    assert not CallbackList([WithEpochs()], None, {}).wants_batches()


@pytest.mark.parametrize(
    ("given", "text"),
    [(Callback, r"Pass an instance: `Callback\(\)`."), (print, "inherit from `Callback`"), ("early", "inherit from")],
)
def test_what_is_no_callback_is_refused(given, text):
    with pytest.raises(InvalidTypeError, match=text):
        CallbackList([given], None, {})


def test_history_keeps_one_value_an_epoch():
    history = History()
    history.on_epoch_end(0, {"loss": 2.0})
    history.on_epoch_end(1, {"loss": 1.0, "val_loss": 3.0})
    assert (history.epoch, history.history) == ([0, 1], {"loss": [2.0, 1.0], "val_loss": [3.0]})
