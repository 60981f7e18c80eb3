"""Convolutional LSTM layers against real Keras: outputs, states, gradients and files; and what they say to mistakes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cornu import Input, Model, Sequential, backends, layers, ops, saving
from cornu.core.call_context import CallContext
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.testing import check_layer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of weights in Keras

ALL = {"return_sequences": True, "return_state": True}
PLAIN, MIDDLE = (3, 4, 6, 5, 2), (3, 4, 2, 6, 5)

MASK = np.array([[1, 1, 0, 0], [0, 1, 0, 1], [1, 1, 1, 1]], dtype=bool)

AGAINST_KERAS: dict[str, tuple] = {
    "1d": ("ConvLSTM1D", {"filters": 3, "kernel_size": 3}, (3, 4, 6, 2)),
    "1d, strides": (
        "ConvLSTM1D",
        {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same", "return_sequences": True},
        (2, 3, 5, 2),
    ),
    "2d": ("ConvLSTM2D", {"filters": 3, "kernel_size": (3, 2)}, PLAIN),
    "2d, dilated, backwards, no bias": (
        "ConvLSTM2D",
        {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "use_bias": False, "go_backwards": True},
        PLAIN,
    ),
    "2d, other activations": (
        "ConvLSTM2D",
        {"filters": 2, "kernel_size": 2, "activation": "relu", "recurrent_activation": "hard_sigmoid"},
        PLAIN,
    ),
    "2d, channels first": (
        "ConvLSTM2D",
        {"filters": 2, "kernel_size": 3, "data_format": "channels_first", "return_sequences": True},
        MIDDLE,
    ),
    "3d": ("ConvLSTM3D", {"filters": 2, "kernel_size": 2, "padding": "same"}, (2, 3, 3, 4, 3, 2)),
}


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_values_gradients_weights_and_configs_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case, atol=1e-5)


WITH_STATES: dict[str, tuple[dict, bool, bool]] = {
    "states": ({**ALL}, False, False),
    "masked": ({**ALL, "go_backwards": True}, True, False),
    "masked, last output": ({"return_state": True}, True, False),
    "initial state": ({**ALL}, False, True),
    "unrolled": ({**ALL, "unroll": True}, True, False),
}


@pytest.mark.parametrize("name", WITH_STATES)
def test_states_and_masks_are_those_of_keras(name: str, backend: str) -> None:
    import jax
    import keras

    arguments, masked, given = WITH_STATES[name]
    x = random(*PLAIN)
    states = [random(3, 5, 4, 2, seed=seed) for seed in (1, 2)] if given else None
    # With a mask, Keras's loop raises an error (a mask of (batch, 1) against a state of five axes); its unrolled one does not.
    theirs = keras.layers.ConvLSTM2D(2, 2, **{**arguments, "unroll": arguments.get("unroll", masked)})
    theirs.build((None, *PLAIN[1:]))
    weights = [random(*weight.shape, seed=10 + number) for number, weight in enumerate(theirs.weights)]
    state = [variable.value for variable in theirs.non_trainable_variables]
    call = {"mask": MASK if masked else None, "initial_state": states}

    def their_loss(trained: list, x: Any) -> Any:
        outputs = theirs.stateless_call(trained, state, x, **call)[0]
        return sum((leaf**2 * 0.5).sum() for leaf in outputs), outputs

    their_gradients, their_outputs = jax.grad(their_loss, argnums=(0, 1), has_aux=True)(weights, x)

    engine = backends.get(backend)
    mine = layers.ConvLSTM2D(2, 2, **arguments).to_backend(backend)
    mine.build((None, *PLAIN[1:]))
    own_state = [variable.value for variable in mine.non_trainable_variables]

    def my_loss(values: list) -> Any:
        outputs = mine.stateless_call(values[0], own_state, values[1], call_context=CallContext(), **call)[0]
        return sum(ops.sum(leaf**2 * 0.5) for leaf in outputs), list(outputs)

    function = engine.compile(engine.value_and_grad(my_loss, has_aux=True))
    (_, outputs), gradients = function([[engine.asarray(w) for w in weights], engine.asarray(x)])
    for found, wanted in zip(outputs, their_outputs, strict=True):
        np.testing.assert_allclose(engine.to_numpy(found), wanted, 1e-5, 1e-5)
    for found, wanted in zip([*gradients[0], gradients[1]], [*their_gradients[0], their_gradients[1]], strict=True):
        np.testing.assert_allclose(engine.to_numpy(found), wanted, 1e-4, 1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("all_steps", [True, False])
def test_masked_outputs_may_be_zero(all_steps: bool, backend: str) -> None:
    plain = layers.ConvLSTM2D(2, 2, return_sequences=all_steps).to_backend(backend)
    repeated = ops.convert_to_numpy(plain(random(*PLAIN), mask=MASK))
    layer = layers.ConvLSTM2D(2, 2, return_sequences=all_steps, zero_output_for_mask=True).to_backend(backend)
    layer.build((None, *PLAIN[1:]))
    layer.set_weights(plain.get_weights())
    valid = MASK[..., None, None, None] if all_steps else MASK[:, -1, None, None, None]
    np.testing.assert_allclose(ops.convert_to_numpy(layer(random(*PLAIN), mask=MASK)), np.where(valid, repeated, 0), 1e-6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.ConvLSTM1D(2, 2, dropout=0.2, recurrent_dropout=0.3, seed=1),
        lambda: layers.ConvLSTM1D(2, 2, data_format="channels_first", return_sequences=True),
    ],
    ids=["dropout", "channels first"],
)
def test_it_keeps_the_contract(make: Callable) -> None:
    check_layer(make, input_shape=(3, 4, 4, 4))


# --- State and dropout ----------------------------------------------------------------------------------------------------


def test_a_stateful_layer_goes_on_where_it_stopped(backend: str) -> None:
    whole = layers.ConvLSTM2D(2, 3, padding="same").to_backend(backend)
    x = random(2, 6, 4, 4, 1)
    wanted = whole(x)
    parts = layers.ConvLSTM2D(2, 3, padding="same", stateful=True).to_backend(backend)
    parts.build((2, 3, 4, 4, 1))
    parts.set_weights(whole.get_weights())
    parts(x[:, :3])
    np.testing.assert_allclose(ops.convert_to_numpy(parts(x[:, 3:])), ops.convert_to_numpy(wanted), rtol=1e-5, atol=1e-6)
    parts.reset_state()
    assert not np.any(parts.states[0].numpy())
    assert [weight.name for weight in parts.weights] == ["kernel", "recurrent_kernel", "bias"]


def inputs_kept(backend: str, **arguments: Any) -> np.ndarray:
    """The inputs that each gate sees: kernels of 1 x 1 pick the pixel, the activations are linear, and the state is 0."""
    layer = layers.ConvLSTM2D(1, 1, activation=None, recurrent_activation=None, use_bias=False, seed=3, **arguments)
    layer.to_backend(backend)
    layer.build((None, 1, 40, 40, 1))
    kernel = np.zeros((1, 1, 1, 4), "float32")
    kernel[..., [0, 2, 3]] = 1.0  # i * g * o
    layer.set_weights([kernel, np.zeros_like(kernel)])
    return ops.convert_to_numpy(layer(np.ones((1, 1, 40, 40, 1), "float32"), training=True))


def test_each_gate_drops_its_own_part_of_the_inputs(backend: str) -> None:
    found = inputs_kept(backend, dropout=0.5)
    # The output is i * g * o = 8 where all of three gates keep the pixel, once in 8, and i * g * c's tanh is linear here.
    assert set(np.unique(found)) == {0.0, 8.0}
    assert 0.08 < np.mean(found > 0) < 0.17


def test_recurrent_dropout_drops_the_same_at_all_steps(backend: str) -> None:
    layer = layers.ConvLSTM1D(
        1, 1, activation=None, recurrent_activation=None, use_bias=False, recurrent_dropout=0.5, seed=3, return_state=True
    ).to_backend(backend)
    layer.build((None, 1, 200, 1))
    layer.set_weights([np.zeros((1, 1, 4), "float32"), np.array([[[0.0, 1.0, 0.0, 0.0]]], "float32")])
    state = [np.ones((1, 200, 1), "float32")] * 2
    one = ops.convert_to_numpy(layer(np.zeros((1, 1, 200, 1), "float32"), initial_state=state, training=True)[2])
    assert set(np.unique(one)) == {0.0, 2.0}  # c = f * c with f = 2 where h is kept
    assert 0.35 < np.mean(one > 0) < 0.65


def test_without_training_nothing_is_dropped(backend: str) -> None:
    layer = layers.ConvLSTM1D(2, 2, dropout=0.5, recurrent_dropout=0.5).to_backend(backend)
    x = random(2, 3, 4, 1)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x)), ops.convert_to_numpy(layer(x)))
    assert np.any(ops.convert_to_numpy(layer(x, training=True)) != ops.convert_to_numpy(layer(x)))


# --- Training and files ---------------------------------------------------------------------------------------------------


def movie(kit: Any, **arguments: Any) -> Any:
    return kit.Sequential(
        [
            kit.Input((4, 5, 5, 1)),
            kit.layers.ConvLSTM2D(3, 3, padding="same", return_sequences=True, **arguments),
            kit.layers.ConvLSTM2D(2, 2, strides=2),
            kit.layers.Flatten(),
            kit.layers.Dense(1),
        ]
    )


def test_fit_finds_the_weights_of_keras(backend: str) -> None:
    import keras

    import cornu

    x, y = random(12, 4, 5, 5, 1), random(12, 1, seed=1)
    theirs, mine = movie(keras), movie(cornu).to_backend(backend)
    mine.set_weights(theirs.get_weights())
    for model in (theirs, mine):
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
    for found, wanted in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_files_go_to_keras_and_back(name: str, tmp_path: Path) -> None:
    import keras

    import cornu

    x, path = random(2, 4, 5, 5, 1), tmp_path / name
    theirs, mine = movie(keras, dropout=0.1), movie(cornu, dropout=0.1)
    for one, other, kit in ((theirs, mine, cornu), (mine, movie(keras, dropout=0.1), keras)):
        wanted = one.predict(x, verbose=0)
        if name.endswith(".keras"):
            one.save(path)
            again = kit.saving.load_model(path)
        else:
            one.save_weights(path)
            other.load_weights(path)
            again = other
        np.testing.assert_allclose(again.predict(x, verbose=0), wanted, rtol=1e-5, atol=1e-6)
        if name.endswith(".keras"):
            configs = [json.loads(json.dumps(model.layers[0].get_config())) for model in (one, again)]
            assert all({**config, "dtype": None} == {**configs[0], "dtype": None} for config in configs)
            mine.set_weights(theirs.get_weights())


def test_a_saved_encoder_and_decoder_come_back(tmp_path: Path) -> None:
    past, first = Input((3, 4, 4, 1)), Input((3, 4, 4, 1))
    _, h, c = layers.ConvLSTM2D(2, 3, padding="same", return_state=True)(past)
    model = Model([past, first], layers.ConvLSTM2D(2, 3, padding="same")(first, initial_state=[h, c]))
    x = [random(2, 3, 4, 4, 1), random(2, 3, 4, 4, 1, seed=1)]
    model.save(tmp_path / "m.keras")
    again = saving.load_model(tmp_path / "m.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6)


# --- Mistakes -------------------------------------------------------------------------------------------------------------


def test_images_of_unknown_size_are_refused() -> None:
    with pytest.raises(ShapeError, match="spatial sizes must be known: the states are images of these sizes"):
        layers.ConvLSTM2D(2, 3)(Input((4, None, 5, 1)))


def test_a_single_image_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"It needs 5 dimensions \(batch, time, height, width, channels\)"):
        layers.ConvLSTM2D(2, 3)(np.ones((2, 5, 5, 1), "float32"))


def test_other_channels_are_refused() -> None:
    layer = layers.ConvLSTM2D(2, 3)
    layer.build((None, 4, 5, 5, 3))
    with pytest.raises(ShapeError, match="It was built for 3 channels, but the input has 1"):
        layer(np.ones((1, 4, 5, 5, 1), "float32"))


def test_a_state_of_another_size_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"It needs 2 of shapes \[\(1, 3, 3, 2\), \(1, 3, 3, 2\)\]"):
        layers.ConvLSTM2D(2, 3)(np.ones((1, 4, 5, 5, 1), "float32"), initial_state=[np.ones((1, 5, 5, 2), "float32")] * 2)


@pytest.mark.parametrize("arguments", [{"filters": 0}, {"kernel_size": (2, 2, 2)}, {"strides": 2, "dilation_rate": 2}])
def test_wrong_arguments_are_refused(arguments: dict) -> None:
    with pytest.raises(InvalidArgumentError):
        layers.ConvLSTM2D(**{"filters": 2, "kernel_size": 2, **arguments})


def test_a_window_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match="must fit into the input"):
        Sequential([Input((4, 2, 2, 1)), layers.ConvLSTM2D(2, 3)])
