"""Threads: several that use one model, or make and train their own at the same time, get what one thread alone gets."""

import contextvars
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import cornu
from cornu import config, layers, registry, seeds, serialization
from cornu.core import dtype_policy
from cornu.core.naming import auto_name
from cornu.core.seed_generator import SeedGenerator
from cornu.models import load_model

THREADS = 8
X = np.random.default_rng(0).normal(size=(6, 8)).astype("float32")
TARGETS = np.eye(3, dtype="float32")[np.arange(6) % 3]


@pytest.fixture
def on_engine(backend):
    """The engine that models are made on, in all threads."""
    before = config.backend()
    config.set_backend(backend)
    yield backend
    config.set_backend(before)


@pytest.fixture(autouse=True)
def threads_that_change_often():
    """Threads take turns a hundred times as often as usual, so that a race shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(before)


def at_once(work, count=THREADS):
    """What ``work(number)`` returns in each of some threads that begin together; the first exception is raised.

    Each runs in a copy of the caller's context, so that ``seeds.using`` around it holds in all of them.
    """
    start, found, errors = threading.Barrier(count), [None] * count, []

    def run(number):
        start.wait()
        try:
            found[number] = work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=contextvars.copy_context().run, args=(run, number)) for number in range(count)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    if errors:
        raise errors[0]
    return found


class Branches(cornu.Model):
    """A subclassed model, whose layers are built when they are first called."""

    def __init__(self):
        super().__init__()
        self.hidden, self.bypass = layers.Dense(8, activation="relu"), layers.Dense(8)
        self.norm, self.out = layers.BatchNormalization(), layers.Dense(3)

    def call(self, x, training=None):
        return self.out(self.norm(self.hidden(x) + self.bypass(x), training=training))


def dense():
    return cornu.Sequential([cornu.Input((8,)), layers.Dense(8, activation="relu"), layers.Dropout(0.3), layers.Dense(3)])


def unbuilt():
    return cornu.Sequential([layers.Dense(8, activation="relu"), layers.Dense(3)])


def convolutional():
    shape = [cornu.Input((8,)), layers.Reshape((4, 2, 1)), layers.Conv2D(3, 2), layers.MaxPooling2D((2, 1))]
    return cornu.Sequential([*shape, layers.Flatten(), layers.Dense(3, activation="softmax")])


def recurrent():
    return cornu.Sequential([cornu.Input((8,)), layers.Reshape((4, 2)), layers.LSTM(4), layers.Dense(3)])


def subclassed():
    return Branches()


KINDS = [dense, unbuilt, convolutional, recurrent, subclassed]


def trained(kind, number):
    """The weights, outputs and losses of a model of its own that was trained."""
    with seeds.using((7, number)):
        model = kind()
        model.compile(optimizer="adam", loss="mse", metrics=["mae"])
        history = model.fit(X, TARGETS, epochs=2, batch_size=4, verbose=0)
    return [model.predict(X, verbose=0), *model.get_weights(), np.array(history.history["loss"])]


def assert_same(found, expected):
    for array, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(array, other, rtol=2e-5, atol=2e-6)


# --- Models -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_one_model_is_used_for_the_first_time_by_several_threads(on_engine, kind):
    for trial in range(3):
        with seeds.using((7, trial)):
            expected = kind().predict(X, verbose=0)
        with seeds.using((7, trial)):
            model = kind()
            outputs = at_once(lambda number, model=model: model.predict(X[: 1 + number % 6], verbose=0))
        for number, output in enumerate(outputs):
            np.testing.assert_allclose(output, expected[: 1 + number % 6], rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_one_model_is_called_for_the_first_time_by_several_threads(on_engine, kind):
    with seeds.using((8, 0)):
        expected = np.array(kind().predict(X, verbose=0))
    with seeds.using((8, 0)):
        model = kind()
        outputs = at_once(lambda number: cornu.ops.convert_to_numpy(model(X)))
    for output in outputs:
        np.testing.assert_allclose(output, expected, rtol=2e-5, atol=2e-6)


def test_models_are_trained_for_the_first_time_each_in_a_thread_of_its_own(on_engine):
    kinds = [dense, convolutional, subclassed]
    expected = [trained(kind, number) for number, kind in enumerate(kinds)]
    for number, found in enumerate(at_once(lambda number: trained(kinds[number % 3], number % 3))):
        assert_same(found, expected[number % 3])


def test_models_are_used_for_the_first_time_each_in_a_thread_of_its_own(on_engine):
    for trial in range(6):
        with seeds.using((9, trial)):
            models = [dense() for _ in range(THREADS)]
            outputs = at_once(lambda number, models=models: models[number].predict(X, verbose=0))
        for model, output in zip(models, outputs, strict=True):
            hidden = np.maximum(X @ model.get_weights()[0] + model.get_weights()[1], 0)
            np.testing.assert_allclose(output, hidden @ model.get_weights()[2] + model.get_weights()[3], rtol=2e-5, atol=2e-6)


def test_a_module_of_pytorch_is_called_by_several_threads_some_of_which_train():
    torch = pytest.importorskip("torch")

    class Slow(torch.nn.Module):
        def forward(self, x):
            time.sleep(1e-3)  # others have their turn
            return x if self.training else 2 * x

    layer = layers.TorchModuleWrapper(Slow())

    def factors(number):
        return {float(layer(torch.ones(1), training=number % 2 == 1)) for _ in range(5)}

    assert at_once(factors) == [{2.0}, {1.0}] * (THREADS // 2)


# --- Startup ----------------------------------------------------------------------------------------------------------


FIRST_USE = """
import threading
import numpy as np
import cornu
start, outputs = threading.Barrier(8), []
def work():
    start.wait()
    model = cornu.Sequential([cornu.Input((8,)), cornu.layers.Dense(3, kernel_initializer="ones")])
    outputs.append(model.predict(np.ones((2, 8), "float32"), verbose=0))
threads = [threading.Thread(target=work) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(outputs), {float(value) for output in outputs for value in output.ravel()}, cornu.config.backend())
"""


def test_an_engine_is_imported_when_several_threads_need_it_first(backend):
    environment = {**os.environ, "CORNU_BACKEND": backend}
    finished = subprocess.run([sys.executable, "-c", FIRST_USE], capture_output=True, text=True, env=environment, check=False)
    assert (finished.stdout.strip(), finished.returncode) == (f"8 {{8.0}} {backend}", 0), finished.stderr


# --- Scoped state -----------------------------------------------------------------------------------------------------


class Doubling(layers.Layer):
    def call(self, x):
        return 2 * x


class Tripling(layers.Layer):
    def call(self, x):
        return 3 * x


def test_threads_that_load_with_different_custom_objects_of_one_name_get_their_own(tmp_path):
    path = tmp_path / "model.keras"
    cornu.Sequential([cornu.Input((2,)), Doubling(), layers.Dense(1)]).save(path)
    kinds = [Doubling, Tripling]

    def loaded(number):
        kind = kinds[number % 2]
        models = [load_model(path, custom_objects={"Doubling": kind}) for _ in range(5)]
        return [type(model.layers[0]) for model in models]

    for number, found in enumerate(at_once(loaded)):
        assert found == [kinds[number % 2]] * 5


def test_a_scope_of_custom_objects_is_seen_by_its_own_thread_alone():
    inside = threading.Barrier(2)

    def found(number):
        with registry.custom_object_scope({"mine": [abs, round][number]}):
            inside.wait()
            function = serialization.get("activations", "mine")
            inside.wait()
        return function

    assert at_once(found, 2) == [abs, round]


def test_one_scope_of_custom_objects_may_be_used_by_several_threads():
    scope, inside = registry.custom_object_scope({"shared": abs}), threading.Barrier(4)

    def found(number):
        with registry.custom_object_scope({"own": round}):
            with scope:
                inside.wait()
            inside.wait()
            return registry.find("activations", "own"), registry.find("activations", "shared")

    assert at_once(found, 4) == [(round, None)] * 4


def test_objects_that_are_registered_while_others_are_looked_up():
    def work(number):
        for count in range(200):
            if number % 2:
                name = f"Busy>f{number}_{count}"
                registry.register_keras_serializable("Busy", f"f{number}_{count}")(lambda x: x)
                registry.custom_names.pop(registry.get_custom_objects().pop(name))
            else:
                assert registry.find_by_own_name("no such name") is None

    at_once(work)


def test_what_is_registered_in_one_thread_is_found_in_all():
    def register(number):
        registry.register_keras_serializable("Threads", f"f{number}")(lambda x: x + number)

    at_once(register)
    try:
        assert [serialization.get("activations", f"Threads>f{number}")(1) for number in range(THREADS)] == list(
            range(1, THREADS + 1)
        )
    finally:
        for number in range(THREADS):
            registry.custom_names.pop(registry._custom.pop(f"Threads>f{number}"))


def test_one_thing_that_stands_at_two_places_is_one_in_each_thread():
    layer = layers.Dense(3)
    with serialization.object_sharing_scope([layer]):
        config = serialization.serialize([layer, layer])

    def made(number):
        with serialization.object_sharing_scope():
            return serialization.deserialize(config)

    pairs = at_once(made)
    assert all(one is other for one, other in pairs) and len({id(one) for one, _ in pairs}) == THREADS


def test_no_two_threads_are_given_one_key():
    keys = at_once(lambda number: [seeds.next_key() for _ in range(500)])
    assert len({key for part in keys for key in part}) == 500 * THREADS


def test_no_two_threads_are_given_one_key_of_a_generator_with_a_seed():
    generator = SeedGenerator(3)
    keys = at_once(lambda number: [generator.next() for _ in range(500)])
    assert len({key for part in keys for key in part}) == 500 * THREADS


def test_each_thread_draws_from_the_key_that_it_uses():
    def drawn(number):
        with seeds.using((5, number % 2)):
            return [seeds.next_key() for _ in range(200)]

    seeds.set_seed(1)
    alone = [drawn(0), drawn(1)]
    assert at_once(drawn) == alone * (THREADS // 2)
    assert seeds.next_key() == (1, 0)


def test_loading_in_one_thread_does_not_move_the_seeds_of_another(tmp_path):
    path = tmp_path / "model.keras"
    dense().save(path)
    seeds.set_seed(1)
    done = threading.Event()

    def work(number):
        if number:
            keys = [seeds.next_key()]
            while not done.is_set():
                keys.append(seeds.next_key())
            return keys
        for _ in range(5):
            load_model(path)
        done.set()
        return None

    keys = at_once(work, 2)[1]
    assert keys == [(1, count) for count in range(len(keys))]


def test_a_seed_that_is_set_counts_in_threads_that_begin_later_and_in_those_that_run():
    ready, is_set = threading.Barrier(2), threading.Barrier(2)

    def work(number):
        ready.wait()
        if number == 0:
            cornu.utils.set_random_seed(11)
        is_set.wait()
        return seeds.next_key()

    assert sorted(at_once(work, 2)) == [(11, 0), (11, 1)]
    assert at_once(lambda number: seeds.next_key(), 1) == [(11, 2)]


def test_no_two_layers_are_given_one_name():
    names = at_once(lambda number: [auto_name("thread") for _ in range(200)])
    assert len({name for part in names for name in part}) == 200 * THREADS


def test_a_dtype_policy_that_a_block_sets_holds_in_its_own_thread_alone():
    policies, inside = ["mixed_bfloat16", "float64", "float16", None], threading.Barrier(4)

    def computed(number):
        with dtype_policy.dtype_policy_scope(policies[number]):
            inside.wait()
            layer = layers.Dense(1)
            inside.wait()
        return layer.compute_dtype, dtype_policy.dtype_policy().name

    assert at_once(computed, 4) == [(kind, "float32") for kind in ("bfloat16", "float64", "float16", "float32")]


def test_a_dtype_policy_and_a_device_that_are_set_hold_in_all_threads():
    try:
        at_once(lambda number: (dtype_policy.set_dtype_policy("float64"), config.set_device("cpu")), 1)
        assert at_once(lambda number: (layers.Dense(1).compute_dtype, config.device()), 2) == [("float64", "cpu")] * 2
    finally:
        dtype_policy.set_dtype_policy(None)
        config.set_device(None)


# --- Variables --------------------------------------------------------------------------------------------------------


def test_several_threads_read_one_value_of_a_variable_that_is_not_drawn_yet(on_engine):
    for _ in range(20):
        variable = cornu.Variable("glorot_uniform", (16, 16))
        values = at_once(lambda number, variable=variable: cornu.ops.convert_to_numpy(variable.value))
        assert all((value == values[0]).all() for value in values)


def test_a_value_that_is_assigned_is_not_replaced_by_one_that_is_drawn_meanwhile():
    drawing, assigned = threading.Event(), threading.Event()

    def slow(shape, dtype=None):
        drawing.set()
        assert assigned.wait(10)
        return np.zeros(shape, dtype)

    variable = cornu.Variable(slow, (2,))

    def work(number):
        if number == 0:
            return variable.numpy()
        assert drawing.wait(10)
        variable.assign([1.0, 2.0])
        assigned.set()
        return None

    assert at_once(work, 2)[0].tolist() == variable.numpy().tolist() == [1.0, 2.0]
