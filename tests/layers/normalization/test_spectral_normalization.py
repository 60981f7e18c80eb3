"""Spectral normalization against real Keras and against singular values by NumPy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import backends, layers, ops
from cornu.core.call_context import CallContext
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.testing import check_layer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of weights in Keras

CASES: dict[str, tuple] = {
    "dense": (lambda kit: kit.layers.Dense(4, activation="tanh"), (3, 5), 1),
    "convolution": (lambda kit: kit.layers.Conv2D(4, 2), (2, 4, 5, 3), 3),
}


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def built(kit: Any, name: str) -> Any:
    make, shape, iterations = CASES[name]
    layer = kit.layers.SpectralNormalization(make(kit), power_iterations=iterations)
    layer.build((None, *shape[1:]))
    layer.set_weights([random(*weight.shape, seed=number) for number, weight in enumerate(layer.weights)])
    return layer


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_outputs_gradients_and_state_are_those_of_keras(name: str, training: bool, backend: str) -> None:
    import jax
    import keras

    x, theirs = random(*CASES[name][1], seed=9), built(keras, name)
    trained, state = ([v.value for v in part] for part in (theirs.trainable_variables, theirs.non_trainable_variables))

    def their_loss(trained: list) -> Any:
        outputs, after = theirs.stateless_call(trained, state, x, training=training)
        return (outputs**2).sum(), (outputs, after)

    their_gradients, their_outputs = jax.grad(their_loss, has_aux=True)(trained)
    engine, mine = backends.get(backend), built(cornu, name).to_backend(backend)
    assert [(v.name, v.shape) for v in mine.weights] == [(v.name, tuple(v.shape)) for v in theirs.weights]
    fixed = [variable.value for variable in mine.non_trainable_variables]

    def my_loss(values: list) -> Any:
        outputs, after = mine.stateless_call(values, fixed, engine.asarray(x), training=training, call_context=CallContext())
        return ops.sum(outputs**2), (outputs, after)

    function = engine.compile(engine.value_and_grad(my_loss, has_aux=True))
    (_, (outputs, after)), gradients = function([variable.value for variable in mine.trainable_variables])
    found, wanted = [outputs, *after, *gradients], [their_outputs[0], *their_outputs[1], *their_gradients]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(engine.to_numpy(one), other, rtol=1e-4, atol=1e-5 * max(np.abs(other).max(), 1))


def test_a_call_in_training_stores_the_kernel_with_the_largest_singular_value_1(backend: str) -> None:
    layer = layers.SpectralNormalization(layers.Conv1D(4, 2), power_iterations=200).to_backend(backend)
    x = random(2, 5, 3)
    layer.build((None, 5, 3))
    before = layer.layer.kernel.numpy()
    layer(x)
    np.testing.assert_array_equal(layer.layer.kernel.numpy(), before)
    layer(x, training=True)
    sigma = np.linalg.svd(before.reshape(-1, 4), compute_uv=False)[0]
    np.testing.assert_allclose(layer.layer.kernel.numpy(), before / sigma, rtol=1e-4, atol=1e-6)


def test_a_kernel_of_zeros_stays(backend: str) -> None:
    layer = layers.SpectralNormalization(layers.Dense(2, kernel_initializer="zeros")).to_backend(backend)
    layer.build((None, 3))
    vector = layer.vector_u.numpy()
    assert not np.any(ops.convert_to_numpy(layer(np.ones((1, 3), "float32"), training=True)))
    np.testing.assert_array_equal(layer.vector_u.numpy(), vector)


def test_an_embedding_keeps_its_dtype() -> None:
    layer = layers.SpectralNormalization(layers.Embedding(4, 3))
    found = layer(np.array([[1, 2]]), training=True)
    assert str(found.dtype) == "float32"  # Keras casts the vectors to the dtype of the indices
    np.testing.assert_allclose(ops.convert_to_numpy(found)[0], layer.layer.embeddings.numpy()[[1, 2]], rtol=1e-6)


def model_of(kit: Any) -> Any:
    inner = kit.layers.SpectralNormalization(kit.layers.Dense(3))
    return kit.Sequential([kit.Input((4,)), inner, kit.layers.Dense(1)])


def test_fit_finds_the_weights_of_keras(backend: str) -> None:
    import keras

    theirs, mine = model_of(keras), model_of(cornu).to_backend(backend)
    mine.set_weights(theirs.get_weights())
    for model in (theirs, mine):
        model.compile("sgd", "mse")
        model.fit(random(10, 4), random(10, 1, seed=1), batch_size=4, epochs=2, shuffle=False, verbose=0)
    for found, wanted in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_files_go_to_keras_and_back(name: str, tmp_path: Path) -> None:
    import keras

    x, path = random(3, 4), tmp_path / name
    for writer, reader in ((cornu, keras), (keras, cornu)):
        model, again = model_of(writer), model_of(reader)
        wanted = model.predict(x, verbose=0)
        if name.endswith(".keras"):
            model.save(path)
            again = reader.saving.load_model(path)
        else:
            model.save_weights(path)
            again.load_weights(path)
        np.testing.assert_allclose(again.predict(x, verbose=0), wanted, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(again.get_weights()[1], model.get_weights()[1])


def test_it_keeps_the_contract() -> None:
    # The config of a built layer says for which shape the layer inside is built; see below. By definition, `u` and `v` have no
    # gradient, so that the gradients are not those of finite differences, but those of Keras.
    skip = ["config", "gradients"]
    check_layer(lambda: layers.SpectralNormalization(layers.Dense(3)), input_shape=(3, 4), skip=skip)


def test_the_config_makes_the_same_layer() -> None:
    layer = layers.SpectralNormalization(layers.Dense(3, activation="relu"), power_iterations=2, name="mine")
    again = layers.SpectralNormalization.from_config(layer.get_config())
    assert (again.name, again.power_iterations, again.layer.units) == ("mine", 2, 3)
    assert again.get_config() == layer.get_config()


def test_mistakes_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="power_iterations"):
        layers.SpectralNormalization(layers.Dense(3), power_iterations=0)
    with pytest.raises(InvalidTypeError, match="It must be a layer"):
        layers.SpectralNormalization("dense")
    with pytest.raises(InvalidArgumentError, match="It must have an attribute `kernel` or `embeddings`"):
        layers.SpectralNormalization(layers.Dropout(0.5))(random(2, 3))
