"""The loop: whatever happens in between, the model holds its last good step and can go on."""

from typing import Any

import numpy as np
import pytest

import cornu
from cornu import layers, ops
from cornu.callbacks import Callback
from cornu.core.layer import Layer
from cornu.core.variable import Variable
from cornu.errors import NonFiniteError
from cornu.training.batch import Batch, spec_of
from cornu.training.loop import epoch_loop

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(96, 4)).astype("float32"), RNG.integers(0, 3, 96)
SIZE = 8


class Logarithm(Layer):
    """Returns NaN for a negative first number."""

    batch_coupling = "none"

    def call(self, inputs: Any) -> Any:
        return ops.log(inputs)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape


def twins(on: Any, make: Any, **arguments: Any) -> tuple[Any, Any]:
    """Two models with the same weights."""
    one, other = on(make(**arguments)), on(make(**arguments))
    other.set_weights(one.get_weights())
    return one, other


def steps(model: Any, count: int, x: np.ndarray = X) -> None:
    for start in range(0, count * SIZE, SIZE):
        model.train_on_batch(x[start : start + SIZE], Y[start : start + SIZE])


class Failing(Callback):
    """Raises at the n-th call of an event."""

    def __init__(self, event: str, at: int, error: type[BaseException] = RuntimeError):
        super().__init__()
        self.left, self.error = at, error
        setattr(self, event, self.fail)

    def fail(self, *args: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.error("on purpose")

    def wants_batches(self) -> bool:
        return True


# --- Exceptions -------------------------------------------------------------------------------------------------------------

FAILURES = {
    "on_train_begin": (1, 0),
    "on_epoch_begin": (2, 12),
    "on_train_batch_begin": (6, 5),
    "on_train_batch_end": (6, 6),
    "on_epoch_end": (1, 12),
    "on_test_begin": (1, 12),
    "on_test_batch_begin": (1, 12),
    "on_test_batch_end": (1, 12),
    "on_test_end": (1, 12),
    "on_train_end": (1, 24),
}


@pytest.mark.parametrize("event", FAILURES)
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_exception_in_a_callback_leaves_the_last_step(event, error, classifier, close):
    at, made = FAILURES[event]
    model, twin = twins(lambda model: model.to_backend("numpy"), classifier, optimizer="adam")
    with pytest.raises(error, match="on purpose"):
        callbacks = [Failing(event, at, error)]
        model.fit(X, Y, SIZE, 2, verbose=0, shuffle=False, validation_data=(X[:8], Y[:8]), callbacks=callbacks)
    for _ in range(made // 12):
        steps(twin, 12)
    steps(twin, made % 12)
    close(model.get_weights(), twin.get_weights())
    close([v.numpy() for v in model.optimizer.variables], [v.numpy() for v in twin.optimizer.variables] if made else [0, 0.001])
    assert np.isfinite(model.fit(X, Y, SIZE, verbose=0).history["loss"][0])


def test_an_exception_in_a_callback_of_compiled_steps(classifier, close, engine_name):
    model, twin = twins(lambda model: model.to_backend(engine_name), classifier)
    with pytest.raises(RuntimeError, match="on purpose"):
        model.fit(X, Y, SIZE, verbose=0, shuffle=False, callbacks=[Failing("on_train_batch_end", 6)])
    steps(twin, 6)
    close(model.get_weights(), twin.get_weights())
    model.fit(X, Y, SIZE, verbose=0)


def test_an_exception_in_a_generator_leaves_the_last_step(classifier, on, close):
    def generator():
        for start in range(0, 5 * SIZE, SIZE):
            yield X[start : start + SIZE], Y[start : start + SIZE]
        raise OSError("disk on fire")

    model, twin = twins(on, classifier)
    with pytest.raises(OSError, match="disk on fire"):
        model.fit(generator(), verbose=0)
    steps(twin, 5)
    close(model.get_weights(), twin.get_weights())
    model.fit(X, Y, SIZE, verbose=0)


def test_a_key_pressed_while_the_model_is_handed_its_state(classifier, close, monkeypatch):
    """All variables are of the same step, though the interrupt came between two of them."""
    model, twin = twins(lambda model: model.to_backend("numpy"), classifier, optimizer="adam")
    model.train_on_batch(X[:SIZE], Y[:SIZE])
    handed, set_unchecked = [], Variable.set_unchecked

    def interrupted(variable: Variable, array: Any) -> None:
        handed.append(variable)
        if len(handed) == 40:
            raise KeyboardInterrupt
        set_unchecked(variable, array)

    monkeypatch.setattr(Variable, "set_unchecked", interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[SIZE:], Y[SIZE:], SIZE, verbose=0, shuffle=False)
    steps(twin, int(model.optimizer.iterations.numpy()))
    close(model.get_weights(), twin.get_weights())
    close([v.numpy() for v in model.optimizer.variables], [v.numpy() for v in twin.optimizer.variables])


# --- NaN --------------------------------------------------------------------------------------------------------------------


def with_logarithm() -> Any:
    model = cornu.Sequential([cornu.Input((4,)), Logarithm(name="logarithm"), layers.Dense(3, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


POISONED = np.abs(X) + 0.1
POISONED[9 * SIZE + 3, 1] = -1


@pytest.mark.parametrize("data", ["arrays", "batches"])
def test_nan_undoes_the_step_and_says_where_it_came_from(data, on, close):
    model, twin = twins(on, with_logarithm)
    batches = [(POISONED[start : start + SIZE], Y[start : start + SIZE]) for start in range(0, 96, SIZE)]
    with pytest.raises(NonFiniteError) as caught:
        model.fit(*((POISONED, Y, SIZE) if data == "arrays" else (batches,)), verbose=0, shuffle=False)
    assert (
        "`fit`: step 10 resulted in a loss or a weight that is NaN or infinite: the layer 'logarithm' returned the first one"
        in str(caught.value)
    )
    assert "The learning rate is 0.001; the inputs of the batch are between -1 and" in str(caught.value)
    steps(twin, 9, POISONED)
    close(model.get_weights(), twin.get_weights())
    close([v.numpy() for v in model.optimizer.variables], [v.numpy() for v in twin.optimizer.variables])
    assert np.isfinite(model.fit(X**2 + 0.1, Y, SIZE, verbose=0).history["loss"][0])


def test_a_huge_learning_rate(classifier, on, close):
    class Faster(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.optimizer.learning_rate = 1e38

    model, twin = twins(on, classifier)
    with pytest.raises(NonFiniteError) as caught:
        model.fit(X, Y, SIZE, 3, verbose=0, shuffle=False, callbacks=[Faster()])
    assert "The learning rate is 1e+38" in str(caught.value)
    assert "Lower the learning rate or scale the inputs. The model has the weights from before that step." in str(caught.value)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    twin.fit(X, Y, SIZE, 2, verbose=0, shuffle=False)
    number = int(str(caught.value).partition("step ")[2].partition(" ")[0])
    twin.optimizer.learning_rate = 1e38
    steps(twin, number - 25)
    close(model.get_weights(), twin.get_weights())


def test_nan_in_a_single_step(on, close):
    model = on(with_logarithm())
    before = model.get_weights()
    with pytest.raises(NonFiniteError, match=r"`train_on_batch`: step 1 .* the layer 'logarithm' returned the first one"):
        model.train_on_batch(POISONED, Y)
    close(model.get_weights(), before, 0, 0)


def test_nan_that_a_callback_takes(on, close):
    class Taking(Callback):
        def on_non_finite(self, error):
            self.error = error
            return True

        def on_train_end(self, logs=None):
            self.ended = True

    model, twin = twins(on, with_logarithm)
    taking = Taking()
    history = model.fit(POISONED, Y, SIZE, 4, verbose=0, shuffle=False, callbacks=[taking])
    assert history.epoch == [0] and np.isnan(history.history["loss"]).all()
    assert taking.ended and isinstance(taking.error, NonFiniteError)
    steps(twin, 9, POISONED)
    close(model.get_weights(), twin.get_weights())


def test_measuring_gives_nan_as_it_is(on):
    assert np.isnan(on(with_logarithm()).evaluate(POISONED, Y, verbose=0)[0])


def test_nan_and_another_exception_at_once_leave_the_last_finite_step(on, close):
    def generator():
        for start in range(0, 10 * SIZE, SIZE):
            yield POISONED[start : start + SIZE], Y[start : start + SIZE]
        raise OSError("disk on fire")

    model, twin = twins(on, with_logarithm)
    with pytest.raises((OSError, NonFiniteError)):
        model.fit(generator(), verbose=0)
    steps(twin, 9, POISONED)
    close(model.get_weights(), twin.get_weights())


# --- What callbacks may do --------------------------------------------------------------------------------------------------


def test_weights_changed_in_a_callback_are_kept(classifier, on, close):
    class Changing(Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 3:
                self.model.set_weights([weight * 0.5 for weight in self.model.get_weights()])

    model, twin = twins(on, classifier)
    model.fit(X[: 5 * SIZE], Y[: 5 * SIZE], SIZE, verbose=0, shuffle=False, callbacks=[Changing()])
    steps(twin, 4)
    twin.set_weights([weight * 0.5 for weight in twin.get_weights()])
    twin.train_on_batch(X[4 * SIZE : 5 * SIZE], Y[4 * SIZE : 5 * SIZE])
    close(model.get_weights(), twin.get_weights())


def test_a_learning_rate_set_in_a_callback_holds(classifier, on, close):
    class Stopping(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.optimizer.learning_rate = 0.0 if epoch else 0.1

    model, twin = twins(on, classifier)
    model.fit(X, Y, SIZE, 3, verbose=0, shuffle=False, callbacks=[Stopping()])
    twin.optimizer.learning_rate = 0.1
    twin.fit(X, Y, SIZE, 1, verbose=0, shuffle=False)
    close(model.get_weights(), twin.get_weights())


@pytest.mark.parametrize("event", ["on_train_batch_end", "on_epoch_end"])
def test_training_stops_where_it_is_told_to(event, classifier, on, close):
    class Stopping(Callback):
        def stop(self, number, logs=None):
            if number == 2:
                self.model.stop_training = True

    Stopper = type("Stopper", (Stopping,), {event: Stopping.stop})
    model, twin = twins(on, classifier)
    history = model.fit(X, Y, SIZE, 5, verbose=0, shuffle=False, callbacks=[Stopper()])
    if event == "on_epoch_end":
        assert history.epoch == [0, 1, 2]
        twin.fit(X, Y, SIZE, 3, verbose=0, shuffle=False)
    else:
        assert history.epoch == [0]
        steps(twin, 3)
    close(model.get_weights(), twin.get_weights())
    assert model.fit(X, Y, SIZE, 2, verbose=0).epoch == [0, 1]


def test_batches_stop_where_they_are_told_to(classifier):
    class Stopping(Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model = classifier().to_backend("numpy")
    given = []
    batches = ((given.append(start), (X[start : start + SIZE], Y[start : start + SIZE]))[1] for start in range(0, 96, SIZE))
    model.fit(batches, epochs=3, verbose=0, callbacks=[Stopping()])
    assert given == [0, SIZE]


def test_the_model_holds_the_state_whenever_a_callback_runs(classifier, on, close):
    class Reading(Callback):
        def __init__(self):
            super().__init__()
            self.seen = []

        def on_train_batch_end(self, batch, logs=None):
            self.seen.append((self.model.get_weights(), int(self.model.optimizer.iterations.numpy()), logs["loss"]))

    model, twin = twins(on, classifier)
    reading = Reading()
    model.fit(X[: 3 * SIZE], Y[: 3 * SIZE], SIZE, verbose=0, shuffle=False, callbacks=[reading])
    losses = []
    for number, (weights, iterations, loss) in enumerate(reading.seen):
        rows = slice(number * SIZE, (number + 1) * SIZE)
        losses.append(twin.train_on_batch(X[rows], Y[rows])[0])
        close(weights, twin.get_weights())
        assert iterations == number + 1
        assert loss == pytest.approx(np.mean(losses), rel=1e-5)


# --- How steps are grouped --------------------------------------------------------------------------------------------------


def test_many_steps_run_in_one_call(classifier, monkeypatch):
    monkeypatch.setattr(epoch_loop, "_SECONDS_PER_CALL", 60.0)
    model = classifier().to_backend("numpy")
    model.fit(X, Y, SIZE, verbose=0)
    compiled = model._compiled
    multi_step, ranges = compiled.train_function(spec_of(Batch(X, Y, None, None))), []

    def watched(state, data, indices, start, stop):
        ranges.append((start, stop))
        return multi_step(state, data, indices, start, stop)

    monkeypatch.setattr(compiled, "train_function", lambda spec: watched)
    model.fit(X, Y, SIZE, verbose=0)
    assert ranges == [(0, 1), (1, 2), (2, 12)]  # the first compiles, the second is measured
    ranges.clear()
    model.fit(X, Y, SIZE, verbose=0, callbacks=[Failing("on_train_batch_end", 10**6)])
    assert ranges == [(number, number + 1) for number in range(12)]


def test_grouping_changes_nothing(classifier, on, close):
    grouped, single = twins(on, classifier, optimizer="adam")
    histories = []
    for model, callbacks in ((grouped, []), (single, [Failing("on_train_batch_end", 10**6)])):
        cornu.utils.set_random_seed(7)
        histories.append(list(model.fit(X, Y, SIZE, 2, verbose=0, callbacks=callbacks).history.values()))
    close(*histories)
    close(grouped.get_weights(), single.get_weights())
