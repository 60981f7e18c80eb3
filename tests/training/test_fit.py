"""``fit``, ``evaluate`` and steps on single batches, as a user calls them (what they compute: ``test_against_keras.py``)."""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import config, layers, losses, metrics, ops, optimizers
from cornu.callbacks import Callback
from cornu.core.layer import Layer
from cornu.errors import InvalidArgumentError, NonFiniteError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(37, 4)).astype("float32"), RNG.integers(0, 3, 37)


def batches(size: int = 8) -> list[tuple]:
    return [(X[start : start + size], Y[start : start + size]) for start in range(0, len(X), size)]


class Counted(Layer):
    """A layer that counts how often its code runs: once a call on NumPy, once a compilation on JAX."""

    batch_coupling = "none"

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.runs: list[int] = []

    def call(self, inputs: Any) -> Any:
        self.runs.append(len(self.runs))
        return inputs

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape


# --- Compiling --------------------------------------------------------------------------------------------------------------


def test_nothing_compiles_twice(classifier, engine_name):
    counted = Counted()
    model = classifier(counted, optimizer="adam").to_backend(engine_name)
    model.fit(X, Y, 8, 1, verbose=0, validation_split=0.3)
    first = len(counted.runs)
    model.fit(X, Y, 8, 3, verbose=0, validation_split=0.3)
    assert len(counted.runs) == first


FIRST_EPOCH = """
import sys
import jax, numpy
from cornu import Input, Sequential, layers
programs = []
jax.monitoring.register_event_duration_secs_listener(lambda event, *_, **__: programs.append(event))
model = Sequential([Input((3,)), layers.Dense(5, "relu"), layers.Dense(4, "relu"), layers.Dense(2, "softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(numpy.ones((40, 3), "float32"), numpy.zeros(40, "int32"), 8, verbose=0)
print(sum("backend_compile" in event for event in programs), "scipy" in sys.modules)
"""


def test_the_first_epoch_of_a_process_waits_for_nothing_but_its_block(monkeypatch):
    """One program for the block, on a CPU one more to ask XLA for an option; no library that the engine does without."""
    pytest.importorskip("jax")
    monkeypatch.setenv("CORNU_BACKEND", "jax")
    found = subprocess.run([sys.executable, "-c", FIRST_EPOCH], capture_output=True, text=True, check=False)
    assert found.stdout.split() in (["1", "False"], ["2", "False"]), found.stderr


def test_the_smaller_last_batch_compiles_nothing(classifier, engine_name):
    runs = []
    for count in (32, 37):
        counted = Counted()
        classifier(counted).to_backend(engine_name).fit(X[:count], Y[:count], 8, 2, verbose=0)
        runs.append(len(counted.runs))
    assert runs[0] == runs[1]


def with_ops(counted: Any) -> Any:
    inputs = cornu.Input((4, 4, 1))
    x = ops.relu(layers.Conv2D(3, 3, name="conv")(counted(inputs)))
    x = ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, 12))
    x = ops.concatenate([x, ops.mean(x, axis=-1, keepdims=True)], axis=1)
    return cornu.Model(inputs, ops.softmax(layers.Dense(3, name="dense")(x)))


def with_layers(counted: Any) -> Any:
    inputs = cornu.Input((4, 4, 1))
    x = layers.ReLU()(layers.Conv2D(3, 3, name="conv")(counted(inputs)))
    x = layers.Flatten()(layers.Permute((2, 1, 3))(x))
    x = layers.Concatenate()([x, layers.Reshape((1,))(layers.GlobalAveragePooling1D()(layers.Reshape((12, 1))(x)))])
    return cornu.Model(inputs, layers.Softmax()(layers.Dense(3, name="dense")(x)))


@pytest.mark.parametrize("micro_batch_size", [None, 4])
def test_ops_between_layers_train_as_layers_do(engine_name, micro_batch_size):
    """Case S2: the last batch is filled up, so nothing compiles twice; large batches are cut; the weights are the same."""
    x = np.random.default_rng(1).normal(size=(37, 4, 4, 1)).astype("float32")
    found = {}
    for make in (with_ops, with_layers):
        cornu.utils.set_random_seed(3)
        for count in (32, 37):
            counted = Counted()
            model = make(counted).to_backend(engine_name)
            assert model.effective_batch_coupling() == "none"
            model.compile("sgd", "sparse_categorical_crossentropy", micro_batch_size=micro_batch_size)
            model.set_weights([np.random.default_rng(i).normal(size=w.shape) for i, w in enumerate(model.get_weights())])
            model.fit(x[:count], Y[:count], 8, 2, verbose=0, shuffle=False)
            found[make, count] = len(counted.runs), model.get_weights()
    for make in (with_ops, with_layers):
        assert found[make, 32][0] == found[make, 37][0]
    for mine, expected in zip(found[with_ops, 37][1], found[with_layers, 37][1], strict=True):
        np.testing.assert_allclose(mine, expected, rtol=2e-5, atol=1e-6)


def test_ops_that_mix_samples_are_not_padded(on):
    inputs = cornu.Input((4,))
    model = on(cornu.Model(inputs, inputs - ops.mean(inputs, axis=0, keepdims=True)))
    model.compile("sgd", "mse")
    expected = np.concatenate([part - part.mean(axis=0) for part in (X[:8], X[8:11])])
    assert model.effective_batch_coupling() == "unknown"
    assert model.evaluate(X[:11], expected, batch_size=8, verbose=0) < 1e-10
    model.compile("sgd", "mse", micro_batch_size=4)
    with pytest.raises(InvalidArgumentError, match="does not declare that samples are independent"):
        model.fit(X, X, 8, verbose=0)


def test_batches_compile_once(classifier, engine_name):
    counted = Counted()
    model = classifier(counted).to_backend(engine_name)
    model.fit(batches(), verbose=0)
    first = len(counted.runs)
    model.fit(batches(), epochs=2, verbose=0)
    assert len(counted.runs) == first


def test_steps_that_go_on_compile_once(classifier, engine_name):
    runs = []
    for epochs in (1, 4):
        counted = Counted()
        classifier(counted).to_backend(engine_name).fit(X[:32], Y[:32], 8, epochs, verbose=0, steps_per_epoch=2)
        runs.append(len(counted.runs))
    assert runs[0] == runs[1]


def test_batch_callbacks_compile_nothing_more(classifier, engine_name):
    class Each(Callback):
        def on_train_batch_end(self, batch, logs=None):
            pass

    counted = Counted()
    model = classifier(counted).to_backend(engine_name)
    model.fit(X, Y, 8, verbose=0)
    first = len(counted.runs)
    model.fit(X, Y, 8, verbose=0, callbacks=[Each()])
    assert len(counted.runs) == first


def test_a_new_learning_rate_compiles_nothing(classifier, engine_name):
    counted = Counted()
    model = classifier(counted).to_backend(engine_name)
    model.fit(X, Y, 8, verbose=0)
    first = len(counted.runs)
    model.optimizer.learning_rate = 0.5
    model.fit(X, Y, 8, verbose=0)
    assert len(counted.runs) == first


# --- The same everywhere ----------------------------------------------------------------------------------------------------


def convnet() -> Any:
    stack = [layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D(), layers.Flatten()]
    return cornu.Sequential([cornu.Input((8, 8, 1)), *stack, layers.Dense(6, "tanh"), layers.Dense(3, "softmax")])


def trained_convnet(backend: str) -> tuple[list, list, dict]:
    cornu.utils.set_random_seed(11)
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(45, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 45)
    model = convnet().to_backend(backend)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = model.get_weights()
    history = model.fit(x, y, batch_size=8, epochs=2, validation_split=0.2, verbose=0).history
    return before, model.get_weights(), history


def test_the_same_seed_trains_the_same_on_every_backend(close, engine_name):
    (before, after, history), (other_before, other_after, other_history) = map(trained_convnet, ("numpy", engine_name))
    close(before, other_before, 0, 0)
    close(after, other_after, 1e-4, 1e-4)
    for log, values in history.items():
        np.testing.assert_allclose(values, other_history[log], 1e-4, err_msg=log)


def test_a_model_can_change_its_backend_while_it_is_trained(classifier, close, engine_name):
    stayed, moved = (classifier(optimizer="adam").to_backend(engine_name) for _ in range(2))
    moved.set_weights(stayed.get_weights())
    for model in (stayed, moved):
        model.fit(X, Y, 8, verbose=0, shuffle=False)
    moved.to_backend("numpy")
    for model in (stayed, moved):
        model.fit(X, Y, 8, verbose=0, shuffle=False)
    close(stayed.get_weights(), moved.get_weights(), 1e-4, 1e-5)


def test_the_smaller_last_batch_counts_as_what_it_is(on, close):
    """Padded with BatchNormalization, it must equal the smaller batch itself."""
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(11, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 11)
    together, alone = on(convnet()), on(convnet())
    alone.set_weights(together.get_weights())
    for model in (together, alone):
        model.compile("sgd", "sparse_categorical_crossentropy")
    together.fit(x, y, 8, verbose=0, shuffle=False)
    alone.train_on_batch(x[:8], y[:8])
    alone.train_on_batch(x[8:], y[8:])
    close(together.get_weights(), alone.get_weights(), 1e-5, 1e-6)


def test_what_couples_samples_is_not_padded(on):
    class Sizes(Layer):
        def call(self, inputs):
            return inputs * 0 + float(inputs.shape[0])

        def compute_output_shape(self, input_shape):
            return input_shape

    model = on(cornu.Sequential([cornu.Input((1,)), Sizes()]))
    model.compile("sgd", "mse")
    sizes = np.array([4.0] * 8 + [3.0] * 3)
    assert model.evaluate(np.zeros((11, 1)), sizes, batch_size=4, verbose=0) == 0


def test_a_loss_that_couples_samples_is_not_padded(on):
    def largest(y_true, y_pred):
        return ops.max(y_pred) - ops.min(y_pred) + 0 * y_true[:, 0]

    model = on(cornu.Sequential([cornu.Input((1,)), layers.Identity()]))
    model.compile("sgd", largest)
    x = np.arange(1.0, 12)[:, None]
    assert model.evaluate(x, x, batch_size=4, verbose=0) == pytest.approx((3 * 4 + 3 * 4 + 2 * 3) / 11)


def test_a_metric_that_counts_padding_is_not_padded(on):
    class Count(metrics.Metric):
        def __init__(self, name="count"):
            super().__init__(name=name)
            self.total = self.add_weight(name="total")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.total.assign_add(float(y_pred.shape[0]))

        def result(self):
            return self.total.value

    model = on(cornu.Sequential([cornu.Input((1,)), layers.Identity()]))
    model.compile("sgd", "mse", metrics=[Count()])
    assert model.evaluate(np.ones((11, 1)), np.ones(11), batch_size=4, verbose=0)[1] == 11


# --- Return values ----------------------------------------------------------------------------------------------------------


def test_history(classifier, on):
    model = on(classifier())
    history = model.fit(X, Y, 8, 3, verbose=0, validation_split=0.2)
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.epoch == [0, 1, 2]
    assert all(len(values) == 3 and all(type(value) is float for value in values) for values in history.history.values())
    assert history.model is model and history.params == {"epochs": 3, "steps": 4, "verbose": 0}
    assert model.history is history


def test_the_loss_falls(classifier, on):
    history = on(classifier(optimizer="adam")).fit(X, np.abs(X[:, 0]) > 0.7, 8, 20, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


def test_forms_of_evaluate(classifier):
    model = classifier().to_backend("numpy")
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0, return_dict=True) == {"loss": loss, "accuracy": accuracy}
    assert model.metrics_names == ["loss", "compile_metrics"]
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[])
    assert model.evaluate(X, Y, verbose=0) == loss


def test_evaluate_does_not_depend_on_the_batch_size(classifier, on):
    model = on(classifier())
    expected = model.evaluate(X, Y, batch_size=37, verbose=0)
    for size in (1, 8, 100):
        np.testing.assert_allclose(model.evaluate(X, Y, batch_size=size, verbose=0), expected, 1e-5)


def test_evaluate_changes_nothing(on, close):
    model = on(convnet())
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.evaluate(RNG.normal(size=(9, 8, 8, 1)), RNG.integers(0, 3, 9), verbose=0)
    close(model.get_weights(), before, 0, 0)


def test_evaluate_of_some_steps(classifier, close):
    model = classifier().to_backend("numpy")
    close(model.evaluate(X, Y, 8, steps=2, verbose=0), model.evaluate(X[:16], Y[:16], 16, verbose=0))


def test_names_of_logs_are_told_apart(on):
    inputs = cornu.Input((4,))
    model = on(cornu.Model(inputs, [layers.Dense(1, name="a")(inputs), layers.Dense(1, name="b")(inputs)]))
    shared = metrics.MeanSquaredError(name="error")
    model.compile("sgd", "mse", metrics=[["mae"], ["mae", shared]], weighted_metrics=[["mae"], None])
    y = [X[:, :1], X[:, 1:2]]
    names = ["a_loss", "a_mae", "a_weighted_mae", "b_error", "b_loss", "b_mae", "loss"]
    assert list(model.fit(X, y, verbose=0).history) == names
    assert model.metrics_names == ["loss", "compile_metrics", "a_loss", "b_loss"]
    assert list(model.evaluate(X, y, verbose=0, return_dict=True)) == names
    model.compile("sgd", "mse", metrics=[None, [shared]])
    assert list(model.fit(X, y, verbose=0).history) == ["a_loss", "b_error", "b_loss", "loss"]


def test_two_metrics_of_one_name(classifier):
    model = classifier(metrics=["accuracy", metrics.SparseCategoricalAccuracy(name="accuracy")]).to_backend("numpy")
    history = model.fit(X, Y, verbose=0).history
    assert list(history) == ["accuracy", "accuracy_1", "loss"]
    assert history["accuracy"] == history["accuracy_1"]


# --- Single batches ---------------------------------------------------------------------------------------------------------


def test_train_on_batch_is_a_step_of_fit(classifier, on, close):
    together, alone = on(classifier(optimizer="adam")), on(classifier(optimizer="adam"))
    alone.set_weights(together.get_weights())
    together.fit(X, Y, 10, verbose=0, shuffle=False)
    for start in range(0, 37, 10):
        alone.train_on_batch(X[start : start + 10], Y[start : start + 10])
    close(together.get_weights(), alone.get_weights(), 1e-5, 1e-6)


def test_metrics_of_single_batches_are_those_of_the_batch(classifier, on, close):
    model = on(classifier())
    model.test_on_batch(X[:20], Y[:20])
    close(model.test_on_batch(X[20:], Y[20:]), model.evaluate(X[20:], Y[20:], verbose=0))


def test_forms_of_single_batches(classifier):
    model = classifier().to_backend("numpy")
    assert list(model.train_on_batch(X, Y, return_dict=True)) == ["accuracy", "loss"]
    assert len(model.train_on_batch(X, Y, sample_weight=np.ones(37), class_weight={0: 2.0})) == 2
    assert list(model.test_on_batch(X, Y, sample_weight=np.ones(37), return_dict=True)) == ["accuracy", "loss"]
    assert model.predict_on_batch(X).shape == (37, 3)


def test_single_batches_as_in_keras(close):
    import keras

    def steps(library: Any, model: Any) -> list:
        model.compile(library.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
        weight = np.linspace(0.5, 2, 20)
        logs = [model.train_on_batch(X[:20], Y[:20], sample_weight=weight), model.train_on_batch(X[20:], Y[20:])]
        logs += [model.test_on_batch(X[:20], Y[:20]), model.test_on_batch(X, Y), model.train_on_batch(X, Y)]
        model.reset_metrics()
        logs += [model.test_on_batch(X[:5], Y[:5]), model.evaluate(X, Y, verbose=0), model.train_on_batch(X[:5], Y[:5])]
        return [[float(value) for value in log] for log in logs]

    def build(library: Any) -> Any:
        return library.Sequential([library.Input((4,)), library.layers.Dense(5, "tanh"), library.layers.Dense(3, "softmax")])

    theirs, mine = build(keras), build(cornu)
    mine.set_weights([np.array(weight.value) for weight in theirs.weights])
    close(steps(cornu, mine.to_backend("numpy")), steps(keras, theirs), 2e-5)
    close(mine.get_weights(), [np.array(weight.value) for weight in theirs.weights], 2e-5)


# --- Data that comes in batches ---------------------------------------------------------------------------------------------


class Lengthy:
    def __len__(self) -> int:
        return len(batches())

    def __getitem__(self, number: int) -> tuple:
        return batches()[number]


def endless() -> Any:
    while True:
        yield from batches()


def batches_on(name: str) -> Any:
    asarray = cornu.backends.get(name).asarray
    return [(asarray(x), asarray(y)) for x, y in batches()]


KINDS: dict[str, tuple[Callable, dict]] = {
    "a list": (batches, {}),
    "an object with length and items": (Lengthy, {}),
    "an endless generator": (endless, {"steps_per_epoch": 5}),
    "a generator of all epochs": (lambda: iter(batches() * 3), {"steps_per_epoch": 5}),
    "lists of lists": (lambda: [([list(row) for row in x], list(y)) for x, y in batches()] and batches(), {}),
    **{f"batches on {name}": (lambda name=name: batches_on(name), {}) for name in config.installed_backends()},
}


@pytest.mark.parametrize("kind", KINDS)
def test_batches_train_as_arrays_do(kind, classifier, on, close):
    make, arguments = KINDS[kind]
    of_arrays, of_batches = on(classifier()), on(classifier())
    of_batches.set_weights(of_arrays.get_weights())
    history = of_arrays.fit(X, Y, 8, 3, verbose=0, shuffle=False).history
    found = of_batches.fit(make(), epochs=3, verbose=0, shuffle=False, **arguments).history
    close(of_batches.get_weights(), of_arrays.get_weights())
    close(found["loss"], history["loss"])


def test_a_loader_of_pytorch_trains_as_arrays_do(classifier, on, close):
    data = pytest.importorskip("torch.utils.data")
    tensors = [pytest.importorskip("torch").from_numpy(array.copy()) for array in (X, Y)]
    loader = data.DataLoader(data.TensorDataset(*tensors), batch_size=8)
    of_arrays, of_loader = on(classifier()), on(classifier())
    of_loader.set_weights(of_arrays.get_weights())

    of_arrays.fit(X, Y, 8, 3, verbose=0, shuffle=False, validation_data=(X, Y))
    of_loader.fit(loader, epochs=3, verbose=0, validation_data=loader)

    close(of_loader.get_weights(), of_arrays.get_weights())
    for log, values in of_arrays.history.history.items():
        np.testing.assert_allclose(of_loader.history.history[log], values, 1e-5, err_msg=log)
    close(of_loader.evaluate(loader, verbose=0), of_arrays.evaluate(X, Y, verbose=0))
    close(of_loader.predict(loader, verbose=0), of_arrays.predict(X, verbose=0))


@pytest.mark.parametrize("elements", [lambda x, y: (x, y), lambda x, y: (x, y, np.ones(len(x), "float32"))])
def test_a_dataset_of_tensorflows_trains_on_every_backend(elements, classifier, on, close):
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(elements(X, Y)).batch(8)
    of_arrays, of_data = on(classifier()), on(classifier())
    of_data.set_weights(of_arrays.get_weights())
    expected = of_arrays.fit(X, Y, 8, 2, verbose=0, shuffle=False, validation_data=(X, Y)).history
    found = of_data.fit(data, epochs=2, verbose=0, validation_data=data).history
    close(of_data.get_weights(), of_arrays.get_weights())
    for log, values in expected.items():
        np.testing.assert_allclose(found[log], values, 1e-4, err_msg=log)
    close(of_data.evaluate(data, verbose=0), of_arrays.evaluate(X, Y, verbose=0))
    close(of_data.predict(data, verbose=0), of_arrays.predict(X, verbose=0))


def test_a_dataset_of_unknown_length_trains(classifier, on):
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices(({"flower": X}, Y)).filter(lambda x, y: True).batch(8).repeat()
    model = cornu.Model(flower := cornu.Input((4,), name="flower"), layers.Dense(3, "softmax")(flower))
    on(model).compile("sgd", "sparse_categorical_crossentropy")
    assert len(model.fit(data, epochs=2, steps_per_epoch=3, verbose=0).history["loss"]) == 2


class Noting:
    """Yields batches, and records which threads drew them."""

    def __init__(self, **attributes: int):
        self.threads: set[threading.Thread] = set()
        vars(self).update(attributes)

    def __iter__(self) -> Any:
        for each in batches():
            self.threads.add(threading.current_thread())
            yield each


class Watching(Callback):
    """Wants every batch, of whatever is done."""

    def wants_batches(self) -> bool:
        return True


USES = {
    "fit": lambda model, data, callbacks: model.fit(data, verbose=0, callbacks=callbacks),
    "evaluate": lambda model, data, callbacks: model.evaluate(data, verbose=0, callbacks=callbacks),
    "predict": lambda model, data, callbacks: model.predict(data, verbose=0, callbacks=callbacks),
}


@pytest.mark.parametrize("use", USES)
def test_a_thread_draws_batches_and_ends(use, classifier, all_are_slow):
    data = Noting()
    USES[use](classifier().to_backend("numpy"), data, [])
    others = data.threads - {threading.current_thread()}
    assert [thread.is_alive() for thread in others] == [False]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(("attributes", "callbacks"), [({"workers": 0}, []), ({}, [Watching()])], ids=["workers", "callback"])
def test_with_no_workers_or_with_a_callback_at_every_batch_no_thread_draws(
    use, attributes, callbacks, classifier, all_are_slow
):
    data = Noting(**attributes)
    USES[use](classifier().to_backend("numpy"), data, callbacks)
    assert data.threads == {threading.current_thread()}


def test_training_that_fails_leaves_no_thread(classifier, all_are_slow):
    data = Noting()
    poisoned = ((x if number < 2 else x * np.nan, y) for number, (x, y) in enumerate(data))
    with pytest.raises(NonFiniteError, match=r"batch 3"):
        classifier().to_backend("numpy").fit(poisoned, verbose=0)
    assert len(data.threads) == 2
    assert not any(thread.is_alive() for thread in data.threads - {threading.current_thread()})


def test_an_iterator_gives_the_steps_that_were_asked_for_and_no_more(classifier, all_are_slow):
    numbers = iter(range(100))
    counted = (each for each, _ in zip(endless(), numbers, strict=False))
    classifier().to_backend("numpy").fit(counted, epochs=3, steps_per_epoch=2, verbose=0)
    assert next(numbers) == 6


def test_random_batches_are_the_same_by_a_thread(classifier, close, all_are_slow):
    class Augmented:
        def __init__(self, workers: int):
            self.workers = workers

        def __iter__(self) -> Any:
            for x, y in batches():
                noise = np.random.normal(size=x.shape) + np.asarray(ops.random.normal(x.shape))
                yield x + noise, y

    found = []
    for workers in (0, 1):
        cornu.utils.set_random_seed(3)
        with config.placement_scope("numpy"):
            model = classifier(layers.Dropout(0.5))
            model.fit(Augmented(workers), epochs=2, verbose=0)
        found.append(model.get_weights())
    close(*found)


def test_batches_bring_weights(classifier, close):
    weight = np.linspace(0.2, 3, 37)
    of_arrays, of_batches = classifier().to_backend("numpy"), classifier().to_backend("numpy")
    of_batches.set_weights(of_arrays.get_weights())
    of_arrays.fit(X, Y, 20, verbose=0, shuffle=False, sample_weight=weight)
    of_batches.fit([(X[:20], Y[:20], weight[:20]), (X[20:], Y[20:], weight[20:])], verbose=0)
    close(of_batches.get_weights(), of_arrays.get_weights())


@pytest.mark.parametrize("measured", [lambda: (X, Y), batches, Lengthy, lambda: list(map(list, batches()))])
def test_kinds_of_validation_data(measured, classifier, close):
    model = classifier().to_backend("numpy")
    history = model.fit(X, Y, 8, 2, verbose=0, validation_data=measured()).history
    close([history["val_loss"][1], history["val_accuracy"][1]], model.evaluate(X, Y, verbose=0))


def test_validation_by_a_generator_goes_on(classifier):
    model = classifier().to_backend("numpy")
    history = model.fit(X, Y, 8, 3, verbose=0, validation_data=endless(), validation_steps=2).history
    assert len(history["val_loss"]) == 3


def test_validation_by_an_iterator_happens_once(classifier):
    model = classifier().to_backend("numpy")
    with pytest.warns(UserWarning, match="the validation data is exhausted: an iterator can be iterated over only once"):
        history = model.fit(X, Y, 8, 2, verbose=0, validation_data=iter(batches())).history
    assert (len(history["loss"]), len(history["val_loss"])) == (2, 1)


def test_a_generator_without_steps_trains_one_epoch(classifier):
    model = classifier().to_backend("numpy")
    with pytest.warns(UserWarning, match="`fit`: the data ended after 1 of 3 epochs, so training stops"):
        history = model.fit(iter(batches()), epochs=3, verbose=0)
    assert history.epoch == [0]


def test_a_generator_that_ends_early_ends_training(classifier):
    model = classifier().to_backend("numpy")
    with pytest.warns(UserWarning) as caught:
        history = model.fit(iter(batches()), epochs=3, steps_per_epoch=3, verbose=0)
    assert [str(warning.message).partition(".")[0] for warning in caught] == [
        "The data ended after 2 of the 3 requested batches",
        "`fit`: the data ended after 2 of 3 epochs, so training stops: an iterator can be iterated over only once",
    ]
    assert history.epoch == [0, 1]


def test_a_bad_batch_leaves_the_steps_before_it(classifier, close):
    good, bad = classifier().to_backend("numpy"), classifier().to_backend("numpy")
    bad.set_weights(good.get_weights())
    good.fit(batches()[:3], verbose=0)
    with pytest.raises(cornu.errors.DataError, match=r"`fit` \(batch 4\): `y` contains the label 9 in sample 2"):
        bad.fit([*batches()[:3], (X[:4], np.array([0, 1, 9, 1]))], verbose=0)
    close(bad.get_weights(), good.get_weights())


# --- When -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("frequency", "count"), [(1, 6), (2, 3), (4, 1), ([1, 6], 2), ({3}, 1), (range(2, 5), 3)])
def test_validation_freq(frequency, count, classifier):
    model = classifier().to_backend("numpy")
    history = model.fit(X, Y, 8, 6, verbose=0, validation_split=0.2, validation_freq=frequency).history
    assert len(history["val_loss"]) == count


def test_initial_epoch(classifier):
    history = classifier().to_backend("numpy").fit(X, Y, 8, epochs=5, initial_epoch=3, verbose=0)
    assert history.epoch == [3, 4]


@pytest.mark.parametrize("arguments", [{"epochs": 0}, {"epochs": 2, "initial_epoch": 2}])
def test_no_epochs(arguments, classifier, close):
    model = classifier().to_backend("numpy")
    before = model.get_weights()
    assert model.fit(X, Y, verbose=0, **arguments).history == {}
    close(model.get_weights(), before, 0, 0)


def test_validation_split_takes_the_last_part(classifier, close):
    model = classifier().to_backend("numpy")
    history = model.fit(X, Y, 8, verbose=0, validation_split=0.25).history
    close([history["val_loss"][0]], model.evaluate(X[27:], Y[27:], verbose=0)[:1])


def test_validation_split_cuts_weights_too(classifier, close):
    model, twin = classifier().to_backend("numpy"), classifier().to_backend("numpy")
    twin.set_weights(model.get_weights())
    weight = np.linspace(0.2, 3, 37)
    found = model.fit(X, Y, 8, verbose=0, shuffle=False, validation_split=0.25, sample_weight=weight).history
    measured = (X[27:], Y[27:], weight[27:])
    wanted = twin.fit(X[:27], Y[:27], 8, verbose=0, shuffle=False, validation_data=measured, sample_weight=weight[:27]).history
    close(list(found.values()), list(wanted.values()))


# --- What is trained --------------------------------------------------------------------------------------------------------


def test_frozen_layers_stay_as_they_are(on, close):
    model = on(cornu.Sequential([cornu.Input((4,)), layers.Dense(5), layers.Dense(3, "softmax")]))
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    after = model.get_weights()
    close(after[:2], before[:2], 0, 0)
    assert np.abs(after[2] - before[2]).max() > 0


def test_layers_thawed_after_fit_are_trained_after_compile(on):
    model = on(cornu.Sequential([cornu.Input((4,)), layers.Dense(5), layers.Dense(3, "softmax")]))
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = True
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    assert all(np.abs(old - new).max() > 0 for old, new in zip(before, model.get_weights(), strict=True))


def test_losses_of_layers_are_added(on):
    class Penalty(Layer):
        batch_coupling = "none"

        def call(self, inputs):
            self.add_loss(2.5)
            return inputs

        def compute_output_shape(self, input_shape):
            return input_shape

    model = on(cornu.Sequential([cornu.Input((4,)), Penalty(), layers.Dense(3, "softmax")]))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[losses.sparse_categorical_crossentropy])
    loss, alone = model.evaluate(X, Y, verbose=0)
    assert loss == pytest.approx(alone + 2.5)


def test_a_model_without_a_loss_trains_on_those_of_its_layers(on):
    model = on(cornu.Sequential([cornu.Input((4,)), layers.Dense(3, kernel_regularizer="l2")]))
    model.compile("sgd")
    before = np.abs(model.get_weights()[0]).sum()
    history = model.fit(X, verbose=0, epochs=2).history
    assert history["loss"][1] < history["loss"][0]
    assert np.abs(model.get_weights()[0]).sum() < before


def test_a_model_without_any_loss_is_refused(on):
    model = on(cornu.Sequential([cornu.Input((4,)), layers.Dense(3)]))
    model.compile("sgd")
    with pytest.raises(cornu.errors.InvalidArgumentError, match="`fit` was called on a model that has no loss"):
        model.fit(X, verbose=0)


def test_dropout_draws_anew_each_step_and_again_with_the_same_seed(on):
    results = []
    for _ in range(2):
        cornu.utils.set_random_seed(5)
        model = on(cornu.Sequential([cornu.Input((4,)), layers.Dropout(0.5), layers.Dense(1, use_bias=False)]))
        model.compile("sgd", "mse")
        results.append([model.train_on_batch(np.ones((3, 4)), np.zeros(3)) for _ in range(4)])
    assert results[0] == results[1]
    assert len(set(results[0])) > 1


def test_many_inputs_and_outputs_train(on):
    a, b = cornu.Input((4,), name="a"), cornu.Input((2,), name="b")
    both = layers.Dense(5)(layers.Concatenate()([a, b]))
    model = on(cornu.Model({"a": a, "b": b}, {"one": layers.Dense(1)(both), "two": layers.Dense(2)(both)}))
    model.compile("adam", "mse")
    x, y = {"b": X[:, :2], "a": X}, {"two": X[:, :2], "one": X[:, 0]}
    assert list(model.fit(x, y, 8, verbose=0, validation_split=0.3).history) == [
        *("loss", "one_loss", "two_loss"),
        *("val_loss", "val_one_loss", "val_two_loss"),
    ]
    outputs = model.predict(x, verbose=0)
    assert outputs["one"].shape == (37, 1) and outputs["two"].shape == (37, 2)


# --- Limits for trying a program --------------------------------------------------------------------------------------------


@pytest.fixture
def limits():
    yield
    config.set_max_epochs(None)
    config.set_max_steps_per_epoch(None)


def test_the_number_of_epochs_can_be_limited(classifier, limits):
    config.set_max_epochs(2)
    model = classifier().to_backend("numpy")
    with pytest.warns(UserWarning, match="`config.max_epochs` limits the number of epochs to 2."):
        assert model.fit(X, Y, epochs=5, verbose=0).epoch == [0, 1]
    assert model.fit(X, Y, epochs=2, verbose=0).epoch == [0, 1]


@pytest.mark.parametrize("of_batches", [True, False])
def test_the_number_of_batches_can_be_limited(of_batches, classifier, limits):
    config.set_max_steps_per_epoch(2)
    model = classifier().to_backend("numpy")
    text = "`config.max_steps_per_epoch` limits the number of batches to 2."
    data = (batches(),) if of_batches else (X, Y)
    size = {} if of_batches else {"batch_size": 8}
    with pytest.warns(UserWarning, match=text):
        expected = np.mean([model.evaluate(*batch, verbose=0)[0] for batch in batches()[:2]])
    with pytest.warns(UserWarning, match=text):
        assert model.evaluate(*data, verbose=0, **size)[0] == pytest.approx(expected, rel=1e-5)
    with pytest.warns(UserWarning, match=text):
        assert model.predict(data[0], verbose=0, **size).shape == (16, 3)
    with pytest.warns(UserWarning, match=text):
        assert model.fit(*data, verbose=0, **size).params["steps"] == 2


MASKED = np.array([[1, 2, 0, 0], [3, 0, 0, 0], [4, 5, 6, 1], [0, 0, 0, 0], [2, 2, 0, 0]])


def _masked_model(backend: str) -> cornu.Model:
    inputs = cornu.Input((4,), dtype="int32")
    x = layers.Embedding(7, 3, mask_zero=True)(inputs)
    sizes, kinds = layers.Dense(2, name="sizes")(x), layers.Dense(3, activation="softmax", name="kinds")(x)
    return cornu.Model(inputs, [sizes, kinds]).to_backend(backend)


def test_metrics_of_several_outputs_leave_out_masked_steps(backend: str) -> None:
    rng, valid = np.random.default_rng(0), MASKED != 0
    y = [rng.normal(size=(5, 4, 2)).astype("float32"), rng.integers(0, 3, (5, 4))]
    weights = [rng.uniform(0.5, 2, 5).astype("float32"), rng.uniform(0.5, 2, (5, 4)).astype("float32")]
    model = _masked_model(backend)
    model.compile(
        optimizers.SGD(0.0),
        ["mse", "sparse_categorical_crossentropy"],
        metrics=[["mae"], ["accuracy"]],
        weighted_metrics=[["mse"], ["accuracy"]],
    )
    sizes, kinds = model.predict(MASKED, verbose=0)
    squares, hits = ((sizes - y[0]) ** 2).mean(-1), (kinds.argmax(-1) == y[1]).astype("float32")
    each = [weights[0][:, None] * valid, weights[1] * valid]
    expected = {
        "sizes_mae": np.abs(sizes - y[0]).mean(-1)[valid].mean(),
        "kinds_accuracy": hits[valid].mean(),
        "sizes_mse": (squares * each[0]).sum() / each[0].sum(),
        "kinds_weighted_accuracy": (hits * each[1]).sum() / each[1].sum(),
    }
    evaluated = model.evaluate(MASKED, y, batch_size=2, sample_weight=weights, verbose=0, return_dict=True)
    fitted = model.fit(MASKED, y, batch_size=2, sample_weight=weights, verbose=0).history
    for name, value in expected.items():
        np.testing.assert_allclose(evaluated[name], value, rtol=1e-4, err_msg=name)
        np.testing.assert_allclose(fitted[name][-1], value, rtol=1e-4, err_msg=name)


def test_losses_targets_and_weights_have_the_form_of_nested_outputs(backend: str) -> None:
    x = cornu.Input((2,))
    outputs = {"a": (layers.Dense(1, name="p")(x), layers.Dense(2, name="q")(x)), "b": layers.Dense(1, name="r")(x)}
    model = cornu.Model(x, outputs).to_backend(backend)
    model.compile(
        optimizers.SGD(0.0),
        loss={"a": ("mse", "mae"), "b": ["mse"]},
        loss_weights={"a": (1.0, 2.0), "b": 3.0},
        metrics={"a": (["mae"], ["mse"]), "b": ["mae"]},
    )
    rng = np.random.default_rng(0)
    data = rng.normal(size=(4, 2)).astype("float32")
    y = {"a": (rng.normal(size=(4, 1)), rng.normal(size=(4, 2))), "b": rng.normal(size=(4, 1))}
    history = {name: values[0] for name, values in model.fit(data, y, verbose=0).history.items()}
    found = model.predict(data, verbose=0)
    errors = [found["a"][0] - y["a"][0], found["a"][1] - y["a"][1], found["b"] - y["b"]]
    parts = [(errors[0] ** 2).mean(), np.abs(errors[1]).mean(), (errors[2] ** 2).mean()]
    names = ["a/p_loss", "a/q_loss", "b_loss"]
    np.testing.assert_allclose([history[name] for name in names], parts, rtol=1e-5)
    np.testing.assert_allclose(history["loss"], parts[0] + 2 * parts[1] + 3 * parts[2], rtol=1e-5)
    np.testing.assert_allclose(history["p_mae"], np.abs(errors[0]).mean(), rtol=1e-5)
    np.testing.assert_allclose(history["q_mse"], (errors[1] ** 2).mean(), rtol=1e-5)
