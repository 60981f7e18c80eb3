"""Low-rank adaptation against real Keras: outputs, gradients, training, configs and files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import backends, layers, ops
from cornu.core.call_context import CallContext
from cornu.errors import InvalidArgumentError, NotBuiltError
from cornu.testing import check_layer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of weights in Keras

KINDS: dict[str, tuple[str, dict, tuple]] = {
    "dense": ("Dense", {"units": 4, "activation": "tanh", "kernel_regularizer": "l2"}, (3, 5)),
    "einsum": ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": (None, 2, 4), "bias_axes": "e"}, (3, 2, 5)),
    "embedding": ("Embedding", {"input_dim": 7, "output_dim": 3}, (3, 4)),
    "conv1d": ("Conv1D", {"filters": 4, "kernel_size": 2, "use_bias": False}, (2, 6, 3)),
    "conv2d, groups": ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 2}, (2, 5, 5, 4)),
    "conv3d": ("Conv3D", {"filters": 2, "kernel_size": 2}, (2, 3, 3, 3, 2)),
}


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def inputs_of(kind: str) -> np.ndarray:
    name, _, shape = KINDS[kind]
    return np.random.default_rng(0).integers(0, 7, shape) if name == "Embedding" else random(*shape)


def adapted(kit: Any, kind: str) -> Any:
    """A layer with LoRA, enabled after it was built, and distinct random weights."""
    name, arguments, shape = KINDS[kind]
    layer = getattr(kit.layers, name)(**arguments)
    layer.build((None, *shape[1:]))
    layer.enable_lora(2, lora_alpha=3)
    layer.set_weights([random(*weight.shape, seed=10 + number) for number, weight in enumerate(layer.weights)])
    return layer


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_and_gradients_are_those_of_keras(kind: str, backend: str) -> None:
    import jax
    import keras

    x, theirs = inputs_of(kind), adapted(keras, kind)
    trained = [variable.value for variable in theirs.trainable_variables]
    frozen = [variable.value for variable in theirs.non_trainable_variables]

    def their_loss(trained: list) -> Any:
        outputs, _, losses = theirs.stateless_call(trained, frozen, x, return_losses=True)
        return (outputs**2).sum() + sum(losses), outputs

    their_gradients, their_outputs = jax.grad(their_loss, has_aux=True)(trained)

    engine, mine = backends.get(backend), adapted(cornu, kind).to_backend(backend)
    assert [v.name for v in mine.trainable_variables] == [v.name for v in theirs.trainable_variables]
    assert [(v.name, v.shape, v.dtype) for v in mine.weights] == [(v.name, v.shape, v.dtype) for v in theirs.weights]
    fixed = [variable.value for variable in mine.non_trainable_variables]

    def my_loss(values: list) -> Any:
        outputs, _, losses = mine.stateless_call(
            values, fixed, engine.asarray(x), return_losses=True, call_context=CallContext()
        )
        return ops.sum(outputs**2) + sum(losses), outputs

    function = engine.compile(engine.value_and_grad(my_loss, has_aux=True))
    (_, outputs), gradients = function([variable.value for variable in mine.trainable_variables])
    np.testing.assert_allclose(engine.to_numpy(outputs), their_outputs, rtol=1e-5, atol=1e-5)
    for found, wanted in zip(gradients, their_gradients, strict=True):
        np.testing.assert_allclose(engine.to_numpy(found), wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("kind", KINDS)
def test_configs_are_those_of_keras(kind: str) -> None:
    import keras

    def config_of(kit: Any, **lora: Any) -> dict:
        config = getattr(kit.layers, KINDS[kind][0])(**KINDS[kind][1], **lora).get_config()
        return {n: v for n, v in json.loads(json.dumps(config)).items() if n in ("lora_rank", "lora_alpha")}

    assert config_of(cornu) == config_of(keras) == {}
    assert config_of(cornu, lora_rank=2) == config_of(keras, lora_rank=2) == {"lora_rank": 2, "lora_alpha": 2}
    assert config_of(cornu, lora_rank=2, lora_alpha=5) == {"lora_rank": 2, "lora_alpha": 5}


@pytest.mark.parametrize("kind", ["dense", "embedding", "conv1d"])
def test_the_arguments_of_the_constructor_adapt_the_layer(kind: str) -> None:
    name, arguments, shape = KINDS[kind]
    layer = getattr(layers, name)(**arguments, lora_rank=2, lora_alpha=6)
    assert not layer.lora_enabled
    layer.build((None, *shape[1:]))
    assert (layer.lora_enabled, layer.lora_rank, layer.lora_alpha) == (True, 2, 6)
    weight = layer.cornu_adapted_weight
    a, b = (getattr(layer, f"lora_{weight}_{letter}") for letter in "ab")
    base = next(variable for variable in layer.weights if variable.name == weight)
    b.assign(random(*b.shape))
    np.testing.assert_allclose(getattr(layer, weight).numpy(), base.numpy() + 3.0 * a.numpy() @ b.numpy(), rtol=1e-5)
    again = type(layer).from_config(layer.get_config())
    again.build((None, *shape[1:]))
    assert [variable.shape for variable in again.weights] == [variable.shape for variable in layer.weights]


def test_a_table_may_be_given_too() -> None:
    table = random(3, 2)
    layer = layers.Embedding(3, 2, weights=table, lora_rank=1)
    np.testing.assert_allclose(layer.embeddings.numpy(), table)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(np.array([[2]]))), table[None, [2]])


def test_it_keeps_the_contract() -> None:
    check_layer(layers.Dense, {"units": 3, "lora_rank": 2}, input_shape=(3, 4))
    check_layer(layers.Embedding, {"input_dim": 4, "output_dim": 3, "lora_rank": 2}, input_data=np.array([[1, 2], [0, 3]]))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16", "float64"])
def test_the_outputs_have_the_dtype_of_the_layer(policy: str) -> None:
    layer = layers.Dense(3, dtype=policy, lora_rank=2).to_backend("numpy" if policy == "float64" else "jax")
    assert str(layer(random(2, 4)).dtype) == layer.compute_dtype
    assert layer.lora_kernel_a.dtype == "float32"


# --- Training -------------------------------------------------------------------------------------------------------------


def model_of(kit: Any) -> Any:
    return kit.Sequential(
        [kit.Input((6, 2)), kit.layers.Conv1D(3, 2), kit.layers.Flatten(), kit.layers.Dense(4), kit.layers.Dense(1)]
    )


def adapt(model: Any) -> None:
    model.layers[0].enable_lora(2)
    model.layers[2].enable_lora(3, lora_alpha=6)


def test_fit_finds_the_weights_of_keras(backend: str) -> None:
    import keras

    x, y = random(12, 6, 2), random(12, 1, seed=1)
    theirs, mine = model_of(keras), model_of(cornu).to_backend(backend)
    for model in (theirs, mine):
        model.set_weights([random(*weight.shape, seed=number) * 0.3 for number, weight in enumerate(model.weights)])
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=5, epochs=1, shuffle=False, verbose=0)
        adapt(model)
        for number, weight in enumerate(model.weights):
            if "lora" in weight.name:
                weight.assign(random(*weight.shape, seed=50 + number) * 0.3)
        model.compile(kit_of(model).optimizers.Adam(0.01), "mse")
    frozen = mine.layers[2].get_weights()[0]
    for model in (theirs, mine):
        model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0)
    for found, wanted in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=2e-4)
    np.testing.assert_array_equal(mine.layers[2].get_weights()[0], frozen)
    assert np.any(mine.layers[2].kernel.numpy() != frozen)


def kit_of(model: Any) -> Any:
    import keras

    return keras if isinstance(model, keras.Model) else cornu


def test_the_frozen_weight_stays_frozen() -> None:
    layer = adapted(cornu, "dense")
    layer.trainable = False
    assert layer.trainable_variables == []
    layer.trainable = True  # Keras would train the frozen kernel from here on
    assert [variable.name for variable in layer.trainable_variables] == ["bias", "lora_kernel_a", "lora_kernel_b"]


# --- Files ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
@pytest.mark.parametrize("way", ["to Keras", "from Keras", "both Cornu"])
def test_files_hold_the_sum(name: str, way: str, tmp_path: Path) -> None:
    import keras

    writer, reader = {"to Keras": (cornu, keras), "from Keras": (keras, cornu), "both Cornu": (cornu, cornu)}[way]
    x, path, model = random(4, 6, 2), tmp_path / name, model_of(writer)
    adapt(model)
    for number, weight in enumerate(model.weights):
        weight.assign(random(*weight.shape, seed=number))
    wanted = model.predict(x, verbose=0)
    plain = model_of(reader)
    if name.endswith(".keras"):
        model.save(path)
        found = reader.saving.load_model(path)
        assert found.layers[2].lora_rank == 3
    else:
        model.save_weights(path)
        plain.load_weights(path)  # a model without LoRA reads the same file
        np.testing.assert_allclose(plain.predict(x, verbose=0), wanted, rtol=1e-4, atol=1e-4)
        found = model_of(reader)
        adapt(found)
        found.load_weights(path)
    np.testing.assert_allclose(found.predict(x, verbose=0), wanted, rtol=1e-4, atol=1e-4)


def test_a_loaded_layer_can_be_trained(tmp_path: Path) -> None:
    model = model_of(cornu)
    adapt(model)
    model.save(tmp_path / "m.keras")
    again = cornu.saving.load_model(tmp_path / "m.keras")
    layer = again.layers[2]
    assert np.any(layer.lora_kernel_a.numpy()), "with both matrices 0, as in Keras, their gradients would be 0"
    assert not np.any(layer.lora_kernel_b.numpy())
    again.compile("sgd", "mse")
    again.fit(random(8, 6, 2), random(8, 1), epochs=1, verbose=0)
    assert np.any(layer.lora_kernel_b.numpy())


def test_own_variables_are_stored_as_in_a_file() -> None:
    layer, store = adapted(cornu, "dense"), {}
    layer.save_own_variables(store)
    assert list(store) == ["0", "1"]
    expected = layer.kernel.numpy()
    np.testing.assert_allclose(ops.convert_to_numpy(store["0"]), expected)
    layer.load_own_variables({name: ops.convert_to_numpy(value) for name, value in store.items()})
    np.testing.assert_allclose(layer.kernel.numpy(), expected, rtol=1e-6)


def test_copies_are_independent() -> None:
    import copy

    layer = adapted(cornu, "dense")
    again = copy.deepcopy(layer)
    again.lora_kernel_b.assign(np.zeros((2, 4), "float32"))
    assert np.any(layer.kernel.numpy() != again.kernel.numpy())


# --- Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: layers.Dense(2).enable_lora(2), NotBuiltError, "which is not built. It adapts weights"),
        (lambda: adapted(cornu, "dense").enable_lora(2), InvalidArgumentError, "whose kernel is adapted already"),
        (lambda: built(kernel_constraint="non_neg").enable_lora(2), InvalidArgumentError, "has a `kernel_constraint`"),
        (lambda: built().enable_lora(0), InvalidArgumentError, "rank"),
        (lambda: layers.Dense(2, lora_rank=-1), InvalidArgumentError, "lora_rank"),
        (lambda: layers.Conv1D(2, 2, lora_rank="4"), InvalidArgumentError, "lora_rank"),
    ],
)
def test_mistakes_are_refused(make: Callable, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        make()


def built(**arguments: Any) -> layers.Dense:
    layer = layers.Dense(2, **arguments)
    layer.build((None, 3))
    return layer


def test_a_refused_adaptation_changes_nothing() -> None:
    layer = built()
    with pytest.raises(InvalidArgumentError):
        layer.enable_lora(2, b_initializer="no such initializer")
    assert [variable.name for variable in layer.trainable_variables] == ["kernel", "bias"]
    layer.enable_lora(2)
    assert [variable.name for variable in layer.weights] == ["kernel", "bias", "lora_kernel_a", "lora_kernel_b"]
