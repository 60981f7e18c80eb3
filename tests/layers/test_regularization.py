"""Noise and penalties: their statistics, their seeds, and what they say to mistakes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import Input, Model, backends, layers, seeds
from cornu.core.call_context import CallContext
from cornu.core.random_key import RandomKey
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.testing.layer_checks import check_layer

ALL = {
    "AlphaDropout": ({"rate": 0.4}, (2, 5)),
    "Dropout": ({"rate": 0.4}, (2, 5)),
    "SpatialDropout1D": ({"rate": 0.4}, (2, 3, 5)),
    "SpatialDropout2D": ({"rate": 0.4}, (2, 3, 2, 5)),
    "SpatialDropout3D": ({"rate": 0.4}, (2, 3, 2, 2, 5)),
    "GaussianNoise": ({"stddev": 0.4}, (2, 5)),
    "GaussianDropout": ({"rate": 0.4}, (2, 5)),
    "ActivityRegularization": ({"l1": 0.1, "l2": 0.2}, (2, 5)),
}


@pytest.mark.parametrize("name", ALL)
def test_it_keeps_the_contract(name: str) -> None:
    check_layer(getattr(layers, name), ALL[name][0], input_shape=ALL[name][1])


@pytest.mark.parametrize("name", ALL)
def test_outside_of_training_it_changes_nothing(name: str, backend: str) -> None:
    arguments, shape = ALL[name]
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    layer = getattr(layers, name)(**arguments).to_backend(backend)
    np.testing.assert_array_equal(np.asarray(layer(x)), x)
    np.testing.assert_array_equal(np.asarray(layer(x, training=False)), x)


@pytest.mark.parametrize("name", ALL)
def test_the_config_is_that_of_keras(name: str) -> None:
    import keras

    theirs = getattr(keras.layers, name)(**ALL[name][0]).get_config()
    mine = getattr(layers, name)(**ALL[name][0]).get_config()
    own = {"name", "dtype", "trainable", "activity_regularizer"}
    one_dimensional = {"data_format"} if name.endswith("1D") else set()
    assert {k: v for k, v in mine.items() if k not in own | one_dimensional} == {
        k: v for k, v in theirs.items() if k not in own
    }


# --- Dropout ----------------------------------------------------------------------------------------------------------------


def test_dropout_drops_its_part_and_keeps_the_mean(backend: str) -> None:
    y = np.asarray(layers.Dropout(0.3, seed=1).to_backend(backend)(np.ones((200, 100)), training=True))
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)


def test_dropout_drops_anew_at_each_call(backend: str) -> None:
    layer = layers.Dropout(0.5, seed=1).to_backend(backend)
    x = np.ones((1, 100))
    assert np.asarray(layer(x, training=True)).tolist() != np.asarray(layer(x, training=True)).tolist()


def test_the_same_seed_drops_the_same(backend: str) -> None:
    x = np.ones((1, 100))
    one, other = (layers.Dropout(0.5, seed=7).to_backend(backend)(x, training=True) for _ in range(2))
    np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def test_without_a_seed_it_follows_the_process_seed(backend: str) -> None:
    x = np.ones((1, 100))
    found = []
    for _ in range(2):
        seeds.set_seed(3)
        layer = layers.Dropout(0.5).to_backend(backend)
        found.append(np.asarray(layer(x, training=True)).tolist())
    assert found[0] == found[1]


def test_in_compiled_code_it_follows_the_key_of_the_call(backend: str) -> None:
    engine = backends.get(backend)
    layer = layers.Dropout(0.5).to_backend(backend)

    def drop(key: tuple) -> list:
        context = CallContext(key=RandomKey(engine.asarray(np.array(key, "uint32"))))
        state = [variable.value for variable in layer.non_trainable_variables]
        return np.asarray(layer.stateless_call([], state, np.ones((1, 100)), training=True, call_context=context)[0]).tolist()

    assert drop((1, 2)) == drop((1, 2)) != drop((1, 3))


def test_two_dropouts_of_one_call_drop_differently(backend: str) -> None:
    class Two(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.other = layers.Dropout(0.5), layers.Dropout(0.5)

        def call(self, inputs: Any) -> Any:
            return self.one(inputs) - self.other(inputs)

    engine = backends.get(backend)
    context = CallContext(key=RandomKey(engine.asarray(np.array((1, 2), "uint32"))))
    layer = Two().to_backend(backend)
    state = [variable.value for variable in layer.non_trainable_variables]
    difference = layer.stateless_call([], state, np.ones((1, 100)), training=True, call_context=context)[0]
    assert np.asarray(difference).any()


def test_a_noise_shape_drops_together(backend: str) -> None:
    layer = layers.Dropout(0.5, noise_shape=(None, 1, None), seed=1).to_backend(backend)
    y = np.asarray(layer(np.ones((3, 4, 20)), training=True))
    assert (y == y[:, :1]).all()
    assert 0 < (y == 0).mean() < 1


@pytest.mark.parametrize("rate", [0, 0.0])
def test_a_rate_of_zero_drops_nothing(rate: float, backend: str) -> None:
    assert np.asarray(layers.Dropout(rate).to_backend(backend)(np.ones((1, 3)), training=True)).tolist() == [[1.0] * 3]


@pytest.mark.parametrize("rate, words", [(1, "[0, 1)"), (-0.1, "[0, 1)"), (50, "For 50 percent, pass `rate=0.5`"), ("0.5", "")])
@pytest.mark.parametrize("name", ["Dropout", "SpatialDropout2D", "GaussianDropout"])
def test_other_rates_are_refused(name: str, rate: Any, words: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        getattr(layers, name)(rate)
    assert f"`{name}` received `rate={rate!r}`. It must be in [0, 1)" in str(raised.value)
    assert words in str(raised.value)


def test_a_noise_shape_of_another_rank_is_refused() -> None:
    with pytest.raises(ShapeError, match="must have one size for each axis"):
        layers.Dropout(0.5, noise_shape=(None, 1))(np.ones((2, 3, 4)))


def test_a_noise_shape_must_be_a_tuple() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`noise_shape='all'`. It must be a tuple"):
        layers.Dropout(0.5, noise_shape="all")


# --- Whole channels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, shape, arguments, axes",
    [
        ("SpatialDropout1D", (3, 4, 20), {}, (1,)),
        ("SpatialDropout2D", (3, 4, 5, 20), {}, (1, 2)),
        ("SpatialDropout2D", (3, 20, 4, 5), {"data_format": "channels_first"}, (2, 3)),
        ("SpatialDropout3D", (3, 2, 4, 5, 20), {}, (1, 2, 3)),
    ],
)
def test_whole_channels_are_dropped(name: str, shape: tuple, arguments: dict, axes: tuple, backend: str) -> None:
    layer = getattr(layers, name)(0.5, seed=1, **arguments).to_backend(backend)
    y = np.asarray(layer(np.ones(shape), training=True))
    assert (y.min(axes) == y.max(axes)).all()
    assert len(np.unique(y.max(axes))) == 2


def test_images_without_channels_are_refused() -> None:
    with pytest.raises(ShapeError, match="It needs 4 dimensions"):
        layers.SpatialDropout2D(0.5)(np.ones((2, 3, 4)))


# --- Gaussian noise -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, mean, deviation",
    [
        (lambda: layers.GaussianNoise(0.5, seed=1), 2.0, 0.5),
        (lambda: layers.GaussianDropout(0.2, seed=1), 2.0, 2 * np.sqrt(0.2 / 0.8)),
    ],
)
def test_the_noise_has_its_mean_and_deviation(make: Callable, mean: float, deviation: float, backend: str) -> None:
    y = np.asarray(make().to_backend(backend)(np.full((200, 200), 2.0), training=True))
    assert y.mean() == pytest.approx(mean, abs=0.02)
    assert y.std() == pytest.approx(deviation, rel=0.02)


def test_a_negative_deviation_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="`stddev=-1`"):
        layers.GaussianNoise(-1)


# --- Penalties ----------------------------------------------------------------------------------------------------


def test_the_penalty_is_that_of_keras(backend: str) -> None:
    import keras

    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    theirs = keras.layers.ActivityRegularization(l1=0.1, l2=0.3)
    theirs(x)
    mine = layers.ActivityRegularization(l1=0.1, l2=0.3).to_backend(backend)
    mine(x)
    assert float(mine.losses[0]) == pytest.approx(float(theirs.losses[0]), rel=1e-5)


def test_padded_samples_bring_no_penalty(backend: str) -> None:
    engine = backends.get(backend)
    layer = layers.ActivityRegularization(l2=1.0).to_backend(backend)
    context = CallContext(sample_mask=engine.asarray(np.array([1, 0], "float32")))
    x = np.array([[1.0, 2.0], [50.0, 50.0]])
    losses = layer.stateless_call([], [], x, return_losses=True, call_context=context)[2]
    assert float(losses[0]) == 5.0


def test_choices_for_a_batch_of_one_size_hold_for_no_other():
    assert layers.Dropout(0.5, noise_shape=(None, 1, 3)).batch_coupling == "none"
    assert layers.Dropout(0.5, noise_shape=(64, 1, 3)).batch_coupling == "unknown"


def test_predict_draws_another_mask_for_each_batch(backend: str) -> None:
    """Keras on JAX drops the same features of all batches."""
    x = Input((20,))
    model = Model(x, layers.Dropout(0.5, seed=1)(x, training=True)).to_backend(backend)
    outputs = model.predict(np.ones((4, 20)), batch_size=2, verbose=0)
    assert (outputs[:2] != outputs[2:]).any()


def test_stateless_calls_draw_new_values_from_the_state_that_they_return(backend: str) -> None:
    layer = layers.Dropout(0.5, seed=1).to_backend(backend)
    layer.build((None, 50))
    x = np.ones((1, 50), "float32")
    step = layer.backend.compile(lambda state: layer.stateless_call([], state, x, training=True))
    first, state = step([layer.seed_generator.state.value])
    again, _ = step([layer.seed_generator.state.value])
    second, _ = step(state)
    first, again, second = (layer.backend.to_numpy(outputs) for outputs in (first, again, second))
    np.testing.assert_array_equal(first, again)
    assert (first != second).any() and set(np.unique(first)) == {0.0, 2.0}


def test_the_state_of_the_seed_is_a_variable_but_no_weight() -> None:
    import keras

    def counts(module: Any) -> tuple:
        layer = module.layers.Dropout(0.5)
        layer.build((None, 3))
        return len(layer.variables), len(layer.non_trainable_variables), len(layer.weights), layer.count_params()

    assert counts(cornu) == counts(keras) == (1, 1, 0, 0)


# --- Alpha dropout ----------------------------------------------------------------------------------------------------------


def test_alpha_dropout_keeps_mean_and_variance_and_replaces_a_share(backend: str) -> None:
    x = np.random.default_rng(0).normal(size=(200, 100)).astype("float32")
    y = np.asarray(layers.AlphaDropout(0.3, seed=1).to_backend(backend)(x, training=True))
    assert abs(y.mean()) < 0.03
    assert abs(y.std() - 1) < 0.03
    scale = (0.7 * (1 + 0.3 * 1.7580993**2)) ** -0.5
    replaced = np.isclose(y, scale * (-1.7580993 + 1.7580993 * 0.3), atol=1e-4)
    assert abs(replaced.mean() - 0.3) < 0.02
    np.testing.assert_allclose(y[~replaced], scale * (x[~replaced] + 1.7580993 * 0.3), rtol=1e-4, atol=1e-5)


def test_alpha_dropout_replaces_the_same_features_at_all_steps(backend: str) -> None:
    x = np.ones((2, 3, 50), "float32")
    y = np.asarray(layers.AlphaDropout(0.5, noise_shape=(None, 1, None), seed=1).to_backend(backend)(x, training=True))
    np.testing.assert_array_equal(y[:, 0], y[:, 2])
    assert len(np.unique(y)) == 2
