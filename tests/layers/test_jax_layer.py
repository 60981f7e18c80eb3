"""Functions of JAX, modules of Flax and SavedModels as layers: against plain JAX, Keras's layers, and the exported model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import layers, ops, serialization
from cornu.errors import BackendError, InvalidArgumentError, InvalidTypeError, UnsafeModelError

jax = pytest.importorskip("jax")
linen = pytest.importorskip("flax.linen")
jnp = jax.numpy
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 5)).astype("float32"), RNG.normal(size=(12, 2)).astype("float32")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of weights in Keras


def call_fn(params: Any, state: Any, rng: Any, inputs: Any, training: Any) -> Any:
    mean = jnp.mean(inputs, 0) if training else state["mean"]
    outputs = jnp.tanh((inputs - mean) @ params["w"]) + params["b"]
    return outputs, {"mean": 0.9 * state["mean"] + 0.1 * mean}


def init_fn(rng: Any, inputs: Any) -> Any:
    w = jax.random.normal(rng, (inputs.shape[-1], 2))
    return {"w": w, "b": jnp.zeros(2)}, {"mean": jnp.zeros(inputs.shape[-1])}


PARAMS = {"w": RNG.normal(size=(5, 2)).astype("float32"), "b": RNG.normal(size=2).astype("float32")}
STATE = {"mean": RNG.normal(size=5).astype("float32")}


def trained(kit: Any, layer: Any) -> Any:
    model = kit.Sequential([kit.Input((5,)), layer])
    model.compile(kit.optimizers.SGD(0.1), "mse")
    model.fit(X, Y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    return model


def test_a_function_of_jax_trains_as_in_keras() -> None:
    import keras

    theirs = trained(keras, keras.layers.JaxLayer(call_fn, params=PARAMS, state=STATE))
    mine = trained(cornu, layers.JaxLayer(call_fn, params=PARAMS, state=STATE))
    assert [w.shape for w in mine.weights] == [tuple(w.shape) for w in theirs.weights]
    for found, wanted in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mine.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


def test_init_fn_makes_the_weights() -> None:
    layer = layers.JaxLayer(call_fn, init_fn)
    assert layer(X).shape == (12, 2)
    assert [weight.shape for weight in layer.weights] == [(2,), (5, 2), (5,)]
    assert [weight.shape for weight in layer.trainable_variables] == [(2,), (5, 2)]


def test_a_function_without_weights_needs_nothing_else() -> None:
    layer = layers.JaxLayer(lambda inputs: jnp.sin(inputs))
    np.testing.assert_allclose(np.asarray(layer(X)), np.sin(X), rtol=1e-5, atol=1e-6)
    assert layer.weights == [] and layer(cornu.Input((5,))).shape == (None, 5)


def test_a_seed_makes_training_reproducible() -> None:
    def noisy(params: Any, rng: Any, inputs: Any) -> Any:
        noise = 0.0 if rng is None else jax.random.normal(rng, inputs.shape)
        return (inputs + noise) @ params

    runs = [trained(cornu, layers.JaxLayer(noisy, params=PARAMS["w"], seed=seed)).get_weights()[0] for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert np.any(runs[0] != runs[2])
    plain = layers.JaxLayer(noisy, params=PARAMS["w"])
    np.testing.assert_allclose(np.asarray(plain(X)), X @ PARAMS["w"], rtol=1e-5, atol=1e-6)


class Net(linen.Module):
    @linen.compact
    def __call__(self, inputs: Any, training: bool) -> Any:
        x = linen.BatchNorm(use_running_average=not training, momentum=0.9)(linen.Dense(4)(inputs))
        return linen.Dense(2)(linen.Dropout(0.0, deterministic=not training)(jnp.tanh(x)))


def test_a_module_of_flax_trains_as_in_keras() -> None:
    import keras

    variables = jax.tree.map(np.asarray, Net().init(jax.random.PRNGKey(0), X, training=False))
    theirs = trained(keras, keras.layers.FlaxLayer(Net(), variables=variables))
    mine = trained(cornu, layers.FlaxLayer(Net(), variables=variables))
    for found, wanted in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mine.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-4, atol=1e-5)


def test_a_module_of_flax_initializes_itself_and_takes_another_method() -> None:
    def doubled(module: Any, inputs: Any) -> Any:
        return 2 * module(inputs)

    layer = layers.FlaxLayer(linen.Dense(3), method=doubled)
    outputs = layer(X)
    kernel = next(weight for weight in layer.weights if len(weight.shape) == 2).numpy()
    np.testing.assert_allclose(np.asarray(outputs), 2 * X @ kernel, rtol=1e-4, atol=1e-5)


def test_dropout_of_flax_draws_in_training_only() -> None:
    class Drop(linen.Module):
        @linen.compact
        def __call__(self, inputs: Any, training: bool) -> Any:
            return linen.Dropout(0.5, deterministic=not training)(inputs)

    layer = layers.FlaxLayer(Drop(), seed=1)
    ones = np.ones((20, 20), "float32")
    assert np.all(np.asarray(layer(ones)) == 1.0)
    assert 0.3 < np.mean(np.asarray(layer(ones, training=True)) == 0.0) < 0.7


def test_on_another_engine_it_says_what_to_do() -> None:
    layer = layers.JaxLayer(lambda inputs: inputs).to_backend("numpy")
    with pytest.raises(BackendError, match=r"holds a function of JAX and is on the backend 'numpy'.*to_backend\('jax'\)"):
        layer(X)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: layers.JaxLayer(lambda x: x), InvalidArgumentError, r"a function of the arguments \['x'\]"),
        (lambda: layers.JaxLayer(lambda inputs, mode: 1), InvalidArgumentError, "`call_fn` a function of the arguments"),
        (lambda: layers.JaxLayer(call_fn, lambda inputs, params: 1), InvalidArgumentError, "`init_fn` a function"),
        (lambda: layers.JaxLayer(call_fn), InvalidArgumentError, "neither `init_fn` nor `params` nor `state`"),
        (lambda: layers.FlaxLayer(lambda inputs: inputs), InvalidTypeError, "must be a `flax.linen.Module`"),
    ],
)
def test_mistakes_are_refused(make: Any, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        make()


# --- Files ----------------------------------------------------------------------------------------------------------------


def test_a_file_keeps_the_weights_and_is_refused_as_a_model(tmp_path: Path) -> None:
    model = trained(cornu, layers.JaxLayer(call_fn, params=PARAMS, state=STATE, name="mine"))
    model.save(tmp_path / "m.keras")
    with pytest.raises(UnsafeModelError, match=r"holds a function of JAX.*Build the model in Python.*load_weights"):
        cornu.saving.load_model(tmp_path / "m.keras")
    again = cornu.Sequential([cornu.Input((5,)), layers.JaxLayer(call_fn, params=PARAMS, state=STATE)])
    again.load_weights(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize("name", ["JaxLayer", "FlaxLayer", "TFSMLayer", "TorchModuleWrapper"])
def test_no_config_makes_such_a_layer(name: str) -> None:
    config = {"name": "x", "filepath": "/etc", "call_fn": "os.system", "module": "os"}
    form = {"module": "keras.layers", "class_name": name, "config": config, "registered_name": None}
    with pytest.raises(UnsafeModelError, match=r"It cannot be created from a config.*Build the model in Python"):
        serialization.deserialize(form)


# --- SavedModel -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def exported(tmp_path: Path) -> tuple:
    tf = pytest.importorskip("tensorflow")
    module = tf.Module()
    module.weight = tf.Variable(RNG.normal(size=(5, 3)).astype("float32"))
    specification = [tf.TensorSpec((None, 5), "float32")]
    module.serve = tf.function(lambda x: tf.tanh(x @ module.weight), specification)
    module.train = tf.function(lambda x: x @ module.weight, specification)
    tf.saved_model.save(module, str(tmp_path / "saved"))
    return module.weight.numpy(), str(tmp_path / "saved")


def test_a_saved_model_is_a_layer(exported: tuple) -> None:
    weight, path = exported
    wanted = np.tanh(X @ weight)
    layer = layers.TFSMLayer(path, call_training_endpoint="train")
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X)), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(X, training=True)), X @ weight, rtol=1e-5, atol=1e-5)
    whole = cornu.Sequential([cornu.Input((5,)), layer, layers.Dense(2)]).to_backend("tensorflow")
    kernel, bias = whole.get_weights()
    np.testing.assert_allclose(whole.predict(X, verbose=0), wanted @ kernel + bias, rtol=1e-5, atol=1e-5)
    whole.compile("sgd", "mse")
    whole.fit(X, Y, batch_size=12, epochs=1, verbose=0)
    error = (X @ weight) @ kernel + bias - Y
    np.testing.assert_allclose(whole.get_weights()[1], bias - 0.01 * error.mean(0), rtol=1e-4, atol=1e-5)


def test_a_missing_endpoint_and_another_engine_are_refused(exported: tuple) -> None:
    with pytest.raises(InvalidArgumentError, match=r"`call_endpoint='other'`.*Its signatures are \["):
        layers.TFSMLayer(exported[1], call_endpoint="other")
    with pytest.raises(BackendError, match="holds a SavedModel and is on the backend 'jax'"):
        layers.TFSMLayer(exported[1]).to_backend("jax")(X)
