"""Where a layer's random numbers come from."""

import keras
import numpy as np
import pytest

from cornu import backends, layers, ops, seeds
from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.core.random_key import RandomKey
from cornu.core.seed_generator import SeedGenerator
from cornu.errors import InvalidTypeError

X = np.ones((4, 50), "float32")


def test_without_a_seed_keys_follow_from_the_common_one():
    def drawn():
        seeds.set_seed(3)
        first, second = SeedGenerator(), SeedGenerator()
        return [generator.next() for generator in (first, second, first, second)]

    keys = drawn()
    assert len(set(keys)) == 4 and keys == drawn()


def test_a_seed_of_its_own_gives_its_own_keys():
    assert [SeedGenerator(5).next(), SeedGenerator(5).next()] == [(5, 1), (5, 1)]
    generator = SeedGenerator(5)
    assert generator.next() != generator.next()


def test_inside_a_pure_call_the_keys_follow_from_the_key_of_the_call(backend):
    layer = layers.Dropout(0.5).to_backend(backend)
    key = layer.backend.asarray(np.array([1, 2], "uint32"))

    def call():
        return np.asarray(
            layer.stateless_call(
                [], [layer.seed_generator.state.value], X, training=True, call_context=CallContext(key=RandomKey(key))
            )[0]
        )

    np.testing.assert_array_equal(call(), call())


def test_two_layers_of_one_call_draw_different_numbers(backend):
    first, second = layers.Dropout(0.5).to_backend(backend), layers.Dropout(0.5).to_backend(backend)
    key = first.backend.asarray(np.array([1, 2], "uint32"))
    with call_context.entered(CallContext(training=True, key=RandomKey(key))):
        assert (np.asarray(first(X)) != np.asarray(second(X))).any()


def test_the_same_seed_drops_the_same():
    one, other = layers.Dropout(0.5, seed=1), layers.Dropout(0.5, seed=1)
    np.testing.assert_array_equal(np.asarray(one(X, training=True)), np.asarray(other(X, training=True)))
    assert (np.asarray(one(X, training=True)) != np.asarray(layers.Dropout(0.5, seed=1)(X, training=True))).any()


@pytest.mark.parametrize("seed", ["a", 1.5, True, [1]])
def test_a_seed_is_an_integer(seed):
    with pytest.raises(InvalidTypeError, match=r"A seed must be an integer or None\. Pass, for example, `seed=1`"):
        layers.Dropout(0.5, seed=seed)
    assert SeedGenerator(np.int64(3)).seed == 3


def test_a_config_makes_a_generator_of_the_same_seed():
    generator = SeedGenerator(5, name="mine")
    assert generator.get_config() == keras.random.SeedGenerator(5, name="mine").get_config() == {"seed": 5, "name": "mine"}
    assert SeedGenerator.from_config(generator.get_config()).next(ordered=False) == generator.next()


def test_compiled_calls_count_like_eager_calls_and_draw_reproducible_values(default_backend):
    """Eager values are drawn on the host, compiled ones by the generator of the engine."""
    engine = backends.get()
    layer = layers.GaussianNoise(1.0, seed=3)
    x = ops.ones((2, 3))
    layer(x)

    def two_calls(state):
        first, (state,) = layer.stateless_call([], [state], x, training=True)
        second, (state,) = layer.stateless_call([], [state], x, training=True)
        return ops.stack([first, second]), state

    eager, state = two_calls(layer.variables[0].value)
    compiled, after = engine.compile(two_calls)(layer.variables[0].value)
    again, _ = engine.compile(two_calls)(layer.variables[0].value)
    for drawn in (eager, compiled):
        first, second = ops.convert_to_numpy(drawn)
        assert (first != second).all()
    np.testing.assert_array_equal(ops.convert_to_numpy(again), ops.convert_to_numpy(compiled))
    assert ops.convert_to_numpy(after).tolist() == ops.convert_to_numpy(state).tolist() == [3, 2]
    layer(x, training=True)
    assert layer.variables[0].numpy().tolist() == [3, 1]
