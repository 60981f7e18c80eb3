"""Dense layers: compared with real Keras, and their errors."""

import functools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cornu import Input, layers, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.testing.layer_checks import check_layer

AGAINST_KERAS = {
    "dense": ("Dense", {"units": 3}, (2, 4)),
    "dense with relu": ("Dense", {"units": 3, "activation": "relu"}, (4, 5)),
    "dense without bias": ("Dense", {"units": 2, "use_bias": False, "kernel_regularizer": "l2"}, (3, 4)),
    "dense over steps": ("Dense", {"units": 3, "activation": "softmax"}, (2, 4, 5)),
    "activation": ("Activation", {"activation": "gelu"}, (2, 5)),
    "identity": ("Identity", {}, (2, 3)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=case[2])


def test_dense_counts_as_the_books_do() -> None:
    layer = layers.Dense(10)
    layer.build((None, 784))
    assert layer.count_params() == 7850


def test_dense_takes_integers_of_any_kind(backend: str) -> None:
    x = np.arange(6, dtype="uint8").reshape(2, 3)
    for units in (np.int64(4), np.uint8(4), 4):
        layer = layers.Dense(units, kernel_initializer="ones").to_backend(backend)
        assert layer.units == 4 and isinstance(layer.units, int)
        assert np.asarray(layer(x)).tolist() == [[3.0] * 4, [12.0] * 4]


@pytest.mark.parametrize("units", [0, -3, 2.5, 4.0, "10", None, True, float("nan")])
def test_dense_refuses_what_is_no_number_of_units(units: Any) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        layers.Dense(units)
    assert f"`Dense` received `units={units!r}`. It must be an integer greater than or equal to 1." in str(raised.value)


def test_dense_refuses_a_single_sample() -> None:
    with pytest.raises(ShapeError, match=r"'mine' received an input of shape \(4,\).*at least 2 dimensions.*`x\[None\]`"):
        layers.Dense(3, name="mine")(np.ones(4))


def test_dense_refuses_other_features_than_it_was_built_for() -> None:
    layer = layers.Dense(3, name="top")
    layer(np.ones((2, 4)))
    with pytest.raises(ShapeError) as raised:
        layer(np.ones((2, 5)))
    assert str(raised.value) == (
        "The layer 'top' received an input of shape (None, 5). It was built for 4 features, but the input has 5. "
        "Pass an input with 4 features, or create a new layer for 5."
    )


def test_dense_refuses_an_unknown_number_of_features() -> None:
    with pytest.raises(ShapeError, match="The size of the last axis must be known"):
        layers.Dense(3)(Input((None,)))


def test_after_a_refusal_it_can_still_be_built() -> None:
    layer = layers.Dense(3)
    with pytest.raises(ShapeError):
        layer(np.ones(4))
    assert not layer.built
    assert layer(np.ones((1, 4))).shape == (1, 3)


def test_a_layer_can_be_the_activation(backend: str) -> None:
    layer = layers.Dense(2, activation=layers.LeakyReLU(0.5), kernel_initializer="ones").to_backend(backend)
    assert np.asarray(layer(np.array([[-4.0]]))).tolist() == [[-2.0, -2.0]]
    again = layers.Dense.from_config(json.loads(json.dumps(layer.get_config())))
    assert again.activation.negative_slope == 0.5


def test_the_config_follows_a_changed_attribute() -> None:
    layer = layers.Dense(2)
    layer.activation = layers.Dense(1, activation="relu").activation
    assert layer.get_config()["activation"] == "relu"


@pytest.mark.parametrize("activation, coupling", [("relu", "none"), (None, "none"), (lambda x: x, "unknown")])
def test_only_known_activations_are_said_to_treat_samples_alone(activation: Any, coupling: str) -> None:
    assert layers.Dense(2, activation=activation).batch_coupling == coupling
    assert layers.Conv2D(2, 3, activation=activation).batch_coupling == coupling
    if activation is not None:
        assert layers.Activation(activation).batch_coupling == coupling


def test_a_users_call_takes_the_promise_of_its_base_back() -> None:
    class Centred(layers.Dense):
        def call(self, inputs: Any) -> Any:
            return super().call(inputs - ops.mean(inputs, axis=0))

    class Doubled(layers.Dense):
        batch_coupling = "none"

        def __init__(self, units: int, **kwargs: Any):
            super().__init__(units, **kwargs)

        def call(self, inputs: Any) -> Any:
            return 2 * super().call(inputs)

    class Named(layers.Dense):
        def __init__(self, **kwargs: Any):
            super().__init__(3, **kwargs)

    assert Centred(3).effective_batch_coupling() == "unknown"
    assert Doubled(3).effective_batch_coupling() == "none"
    assert Named().effective_batch_coupling() == "none"


def test_neutral_entries_of_configs_of_keras_are_ignored() -> None:
    written_by_keras = layers.Dense(3).get_config() | {"quantization_config": None}
    assert layers.Dense.from_config(written_by_keras).units == 3


def test_other_unknown_entries_are_refused() -> None:
    with pytest.raises(InvalidTypeError, match="lora_size"):
        layers.Dense.from_config(layers.Dense(3).get_config() | {"lora_size": 4})


def test_a_config_of_real_keras_makes_the_same_layer() -> None:
    import keras

    for name, arguments in [("Dense", {"units": 3}), ("Conv2D", {"filters": 2, "kernel_size": 3}), ("BatchNormalization", {})]:
        written = json.loads(json.dumps(getattr(keras.layers, name)(name="mine", **arguments).get_config()))
        layer = getattr(layers, name).from_config(written)
        assert layer.name == "mine"
        assert getattr(layer, next(iter(arguments), "momentum")) in (3, 2, 0.99)


# --- Activity regularizer ---------------------------------------------------------------------------------------------------


def test_the_activity_penalty_is_that_of_keras(backend: str) -> None:
    import keras

    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    theirs = keras.layers.Dense(2, activity_regularizer="l2")
    theirs(x)
    mine = layers.Dense(2, activity_regularizer="l2").to_backend(backend)
    mine.build((None, 3))
    mine.set_weights([np.asarray(weight.value) for weight in theirs.weights])
    mine(x)
    assert float(mine.losses[0]) == pytest.approx(float(theirs.losses[0]), rel=1e-5)


def test_the_activity_regularizer_stands_in_the_config() -> None:
    layer = layers.Dense(2, activity_regularizer="l2")
    again = layers.Dense.from_config(json.loads(json.dumps(layer.get_config())))
    assert type(again.activity_regularizer).__name__ == "L2"


@pytest.mark.parametrize("base", [layers.Dense, functools.partial(layers.EinsumDense, "ab,bc->ac")])
def test_a_subclass_may_pass_on_whether_it_is_called_for_training(base: Callable) -> None:
    layer = base(3)
    x = np.ones((2, 4), "float32")
    expected = ops.convert_to_numpy(layer(x))
    for training in (True, False, None):
        np.testing.assert_array_equal(layer(x, training=training), expected)
        np.testing.assert_array_equal(layer.call(x, training=training), expected)
