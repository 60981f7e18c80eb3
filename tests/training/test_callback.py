"""Callbacks: when they are called, with what, and what is taken for one."""

from typing import Any

import keras
import numpy as np
import pytest

import cornu
from cornu import Variable, backends, layers, ops
from cornu.callbacks import Callback, CSVLogger, EarlyStopping, History, LambdaCallback, ModelCheckpoint, ReduceLROnPlateau
from cornu.errors import InvalidTypeError
from cornu.training.callback import EVENTS, CallbackList

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


@pytest.mark.parametrize("steps", [2, 3])
def test_batch_events_come_once_in_an_execution_as_in_keras(steps):
    def events_of(library):
        class Numbers(library.callbacks.Callback):
            def on_train_batch_begin(self, batch, logs=None):
                numbers.append(("train begin", batch))

            def on_train_batch_end(self, batch, logs=None):
                numbers.append(("train end", batch))

            def on_test_batch_end(self, batch, logs=None):
                numbers.append(("test end", batch))

        numbers: list[tuple] = []
        model = library.Sequential([library.Input((4,)), library.layers.Dense(1)])
        model.compile("sgd", "mse", steps_per_execution=steps)
        arguments = {"batch_size": 2, "verbose": 0, "callbacks": [Numbers()]}
        model.fit(X, Y, epochs=2, **arguments)
        model.evaluate(X, Y, **arguments)
        return numbers

    assert events_of(cornu) == events_of(keras)


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
    assert CallbackList([WithEpochs(), WithBatches()]).wants_batches()
    assert not CallbackList([WithEpochs()]).wants_batches()
    assert CallbackList(CallbackList([WithBatches()])).wants_batches()


@pytest.mark.parametrize("event", ["on_train_batch_end", "on_batch_begin", "on_epoch_end"])
def test_a_method_of_an_instance_is_called(event, classifier):
    class Own(Callback):
        def __init__(self):
            super().__init__()
            setattr(self, event, lambda number, logs=None: called.append(number))

    called: list[int] = []
    classifier().to_backend("numpy").fit(X, Y, 6, epochs=2, verbose=0, callbacks=[Own()])
    assert called == ([0, 1] if event == "on_epoch_end" else [0, 1, 0, 1])


@pytest.mark.parametrize("event", ["on_train_begin", "on_epoch_begin"])
def test_a_method_may_be_given_to_the_instance_during_training(event, classifier):
    class Late(Callback):
        def begin(self, *args):
            self.on_train_batch_end = lambda batch, logs=None: called.append(batch)

    called: list[int] = []
    late = type("Late", (Late,), {event: Late.begin})()
    classifier().to_backend("numpy").fit(X, Y, 6, verbose=0, callbacks=[late])
    assert called == [0, 1]


def test_a_constructor_need_not_call_that_of_the_base_class(classifier):
    class Careless(Callback):
        def __init__(self):
            self.seen = (self.model, self.params)

        def on_epoch_end(self, epoch, logs=None):
            self.seen = (self.model, self.params["epochs"])

    careless, model = Careless(), classifier().to_backend("numpy")
    assert careless.seen == (None, None) == (Callback().model, Callback().params)
    model.fit(X, Y, verbose=0, callbacks=[careless])
    assert careless.seen == (model, 1)


# --- Logs -------------------------------------------------------------------------------------------------------------


def test_logs_may_be_kept_and_changed(classifier):
    class Keeping(Callback):
        def __init__(self):
            super().__init__()
            self.kept = []

        def on_train_batch_end(self, batch, logs=None):
            self.kept.append(logs)
            logs["mine"] = batch

        def on_epoch_end(self, epoch, logs=None):
            self.kept.append(logs)

    keeping = Keeping()
    history = classifier().to_backend("numpy").fit(X, Y, 6, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[keeping])
    batch = {"loss", "accuracy", "mine"}
    epoch = {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert [set(logs) for logs in keeping.kept] == [batch, batch, epoch] * 2
    assert [logs["mine"] for logs in keeping.kept if "mine" in logs] == [0, 1, 0, 1]
    assert set(history.history) == epoch


NUMBERS = {
    "np.float16": np.float16,
    "np.float32": np.float32,
    "np.int64": lambda value: np.int64(value * 16),
    "0-d array": np.array,
    "variable": Variable,
    "int": lambda value: int(value * 16),
    "bool": lambda value: value == 0.9375,
    **{
        name: (lambda value, name=name: backends.get(name).asarray(value, "float32"))
        for name in cornu.config.installed_backends()
    },
}
SCORES = [0.125, 0.9375, 0.5, 0.375, 0.25, 0.1875]


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_of_all_kinds_are_monitored_recorded_and_written(kind, tmp_path, capsys):
    class Score(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_f1"] = NUMBERS[kind](SCORES[epoch])
            self.model.set_weights([np.full((1, 1), epoch + 1.0)])

    x = np.ones((4, 1), "float32")
    model = cornu.Sequential([cornu.Input((1,)), layers.Dense(1, use_bias=False)])
    model.compile(cornu.optimizers.SGD(0.5), "mse")
    settings: dict[str, Any] = {"monitor": "val_f1", "mode": "max"}
    path = tmp_path / "best-{val_f1:.1f}.weights.h5"
    callbacks = [
        Score(),
        ModelCheckpoint(path, save_best_only=True, save_weights_only=True, **settings),
        ReduceLROnPlateau(patience=1, factor=0.5, **settings),
        EarlyStopping(patience=2, **settings),
        CSVLogger(tmp_path / "log.csv"),
    ]
    history = model.fit(x, x, epochs=6, verbose=2, callbacks=callbacks).history
    expected = [float(NUMBERS[kind](score)) for score in SCORES[:4]]
    assert history["val_f1"] == expected
    assert {type(value) for value in history["val_f1"]} <= {float, int, bool}
    assert history["learning_rate"] == [0.5, 0.5, 0.5, 0.25]
    model.load_weights(tmp_path / f"best-{expected[1]:.1f}.weights.h5")
    assert model.get_weights()[0].tolist() == [[2.0]]
    rows = [line.split(",")[3] for line in (tmp_path / "log.csv").read_text().splitlines()]
    assert rows == ["val_f1", *(str(value) for value in history["val_f1"])]
    assert capsys.readouterr().out.count(f"val_f1: {expected[3]:.4f}" if expected[3] else "val_f1: 0.0000") >= 1


@pytest.mark.parametrize("value", ["high", np.array([1.0, 2.0]), [1, 2]], ids=repr)
def test_what_is_not_a_number_is_recorded_and_an_error_only_where_it_is_monitored(value, classifier, tmp_path):
    adding = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=value))
    model = classifier().to_backend("numpy")
    history = model.fit(X, Y, verbose=0, callbacks=[adding, EarlyStopping("loss"), CSVLogger(tmp_path / "log.csv")]).history
    assert history["mine"][0] is value
    before = model.get_weights()
    for monitoring in (
        EarlyStopping("mine"),
        ReduceLROnPlateau("mine"),
        ModelCheckpoint("a.keras", "mine", save_best_only=True),
    ):
        name = type(monitoring).__name__
        with pytest.raises(InvalidTypeError, match=rf"`{name}` monitors 'mine', .*single number.*such as the mean"):
            model.fit(X, Y, verbose=0, callbacks=[adding, monitoring])
    assert all(np.isfinite(weight).all() for weight in model.get_weights()) and len(before) == len(model.get_weights())


def test_what_callbacks_add_is_displayed(classifier, capsys):
    adding = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=np.float32(0.5)))
    classifier().to_backend("numpy").fit(X, Y, verbose=2, callbacks=[adding])
    assert " - mine: 0.5000" in capsys.readouterr().out


# --- Stopping ---------------------------------------------------------------------------------------------------------


def test_evaluation_stops_where_it_is_told_to(classifier):
    class Stopping(Callback):
        batches = 0

        def on_test_batch_end(self, batch, logs=None):
            self.batches += 1
            self.model.stop_evaluating = batch == 1

    model, stopping = classifier().to_backend("numpy"), Stopping()
    found = model.evaluate(X, Y, 4, verbose=0, callbacks=[stopping])
    assert stopping.batches == 2
    assert found == pytest.approx(model.evaluate(X[:8], Y[:8], 4, verbose=0))
    history = model.fit(X, Y, 4, epochs=2, verbose=0, validation_data=(X, Y), callbacks=[stopping])
    assert stopping.batches == 6  # the validation of each epoch stops, too, and training goes on
    assert len(history.epoch) == 2


@pytest.mark.parametrize("as_batches", [False, True])
def test_prediction_stops_where_it_is_told_to(as_batches, classifier):
    class Stopping(Callback):
        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 1

    model = classifier().to_backend("numpy")
    data = ((X[start : start + 4],) for start in range(0, 12, 4)) if as_batches else X
    found = model.predict(data, **({} if as_batches else {"batch_size": 4}), verbose=0, callbacks=[Stopping()])
    np.testing.assert_allclose(found, model.predict(X, verbose=0)[:8], rtol=1e-5)
    assert model.predict(X, 4, verbose=0).shape == (12, 3)


# --- Lists of callbacks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS)
def test_a_list_forwards_every_event_as_keras_does(event):
    def seen_by(library):
        seen = []

        class Noting(library.callbacks.Callback):
            pass

        setattr(Noting, event, lambda self, *args, **kwargs: seen.append([*args, *kwargs.values()]))
        callbacks = library.callbacks.CallbackList([Noting(), Noting()])
        arguments = [3] if "epoch" in event or "batch" in event else []
        for kind in ("train", "test", "predict"):
            if event == f"on_{kind}_end":
                getattr(callbacks, f"on_{kind}_begin")()
        getattr(callbacks, event)(*arguments, {"loss": np.float32(0.5), "name": "a"})
        getattr(callbacks, event)(*arguments, logs=None) if not event.endswith(("n_end", "t_end")) else None
        return seen

    assert seen_by(cornu) == seen_by(keras)


def test_a_list_sets_model_and_parameters(classifier):
    callback, model = Callback(), classifier()
    callbacks = cornu.callbacks.CallbackList([callback], add_history=True, model=model, epochs=3, verbose=0)
    assert callback.model is model is callbacks.model
    assert callback.params == {"epochs": 3, "verbose": 0} == callbacks.params
    assert isinstance(callbacks.callbacks[1], History) and model.history is callbacks.callbacks[1] is callbacks.history
    other = classifier()
    callbacks.set_model(other)
    callbacks.set_params({"epochs": 5})
    assert (callback.model, callback.params) == (other, {"epochs": 5})
    empty = cornu.callbacks.CallbackList()
    assert empty.callbacks == [] and empty.history is None and empty.model is None


def test_a_history_of_ones_own_is_the_one_that_is_returned(classifier):
    history, model = History(), classifier().to_backend("numpy")
    for _ in range(2):
        assert model.fit(X, Y, verbose=0, callbacks=[history]) is history is model.history
    assert history.epoch == [0]
    assert len(history.history["loss"]) == 2


def test_a_list_serves_a_training_loop_of_ones_own(classifier, capsys):
    model = classifier().to_backend("numpy")
    stopping = EarlyStopping("loss", patience=1, min_delta=10.0)
    callbacks = cornu.callbacks.CallbackList(
        [stopping], add_history=True, add_progbar=True, model=model, epochs=4, steps=2, verbose=2
    )
    callbacks.on_train_begin()
    for epoch in range(4):
        callbacks.on_epoch_begin(epoch)
        for batch in range(2):
            callbacks.on_train_batch_begin(batch)
            logs = {"loss": ops.array(model.train_on_batch(X, Y)[0])}
            callbacks.on_train_batch_end(batch, logs)
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    callbacks.on_train_end(logs)
    assert callbacks.history.epoch == [0, 1]
    assert [type(value) for value in callbacks.history.history["loss"]] == [float, float]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" s - ")[0].rsplit(" - ", 1)[0] for line in lines] == ["Epoch 1/4 - 2 steps", "Epoch 2/4 - 2 steps"]


@pytest.mark.parametrize("use", ["fit", "evaluate", "predict"])
def test_progress_is_displayed_once(use, classifier, capsys):
    model = classifier().to_backend("numpy")
    arguments = (X,) if use == "predict" else (X, Y)
    getattr(model, use)(*arguments, verbose=2, callbacks=[cornu.callbacks.ProgbarLogger()])
    assert capsys.readouterr().out.count(" - 1 steps - ") == 1


def test_the_validation_of_a_training_has_no_display_of_its_own(classifier, capsys):
    progress = cornu.callbacks.ProgbarLogger()
    classifier().to_backend("numpy").fit(X, Y, verbose=2, validation_data=(X, Y), callbacks=[progress])
    assert capsys.readouterr().out.count(" steps - ") == 1


@pytest.mark.parametrize(
    ("given", "text"),
    [(Callback, r"Pass an instance: `Callback\(\)`."), (print, "inherit from `Callback`"), ("early", "inherit from")],
)
def test_what_is_no_callback_is_refused(given, text):
    with pytest.raises(InvalidTypeError, match=text):
        CallbackList([given])


def test_history_keeps_one_value_an_epoch():
    history = History()
    history.on_epoch_end(0, {"loss": 2.0})
    history.on_epoch_end(1, {"loss": 1.0, "val_loss": 3.0})
    assert (history.epoch, history.history) == ([0, 1], {"loss": [2.0, 1.0], "val_loss": [3.0]})
