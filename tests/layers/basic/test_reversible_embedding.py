"""The embedding of both ends of a language model against real Keras."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import Input, backends, layers, ops
from cornu.core import masks
from cornu.core.call_context import CallContext
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.testing import check_layer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of weights in Keras

INDICES = np.array([[1, 0, 4], [2, 2, 3]])

CASES: dict[str, dict] = {
    "tied": {},
    "not tied": {"tie_weights": False},
    "capped": {"logit_soft_cap": 0.5},
    "capped, not tied": {"logit_soft_cap": 2.0, "tie_weights": False, "reverse_dtype": "float32"},
}


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def built(kit: Any, arguments: dict) -> Any:
    layer = kit.layers.ReversibleEmbedding(5, 3, **arguments)
    layer.build((None, None))
    layer.set_weights([random(*weight.shape, seed=number) for number, weight in enumerate(layer.weights)])
    return layer


@pytest.mark.parametrize("name", CASES)
def test_both_directions_and_their_gradients_are_those_of_keras(name: str, backend: str) -> None:
    import jax
    import keras

    theirs, vectors = built(keras, CASES[name]), random(2, 3, 3, seed=5)
    trained = [variable.value for variable in theirs.trainable_variables]

    def their_loss(trained: list) -> Any:
        there = theirs.stateless_call(trained, [], INDICES)[0]
        back = theirs.stateless_call(trained, [], there + vectors, reverse=True)[0]
        return (back**2).sum(), (there, back)

    their_gradients, their_outputs = jax.grad(their_loss, has_aux=True)(trained)
    engine, mine = backends.get(backend), built(cornu, CASES[name]).to_backend(backend)
    assert [(v.name, v.shape) for v in mine.weights] == [(v.name, v.shape) for v in theirs.weights]

    def my_loss(values: list) -> Any:
        there = mine.stateless_call(values, [], engine.asarray(INDICES), call_context=CallContext())[0]
        moved = there + engine.asarray(vectors)
        back = mine.stateless_call(values, [], moved, reverse=True, call_context=CallContext())[0]
        return ops.sum(back**2), [there, back]

    function = engine.compile(engine.value_and_grad(my_loss, has_aux=True))
    (_, outputs), gradients = function([variable.value for variable in mine.trainable_variables])
    for found, wanted in zip([*outputs, *gradients], [*their_outputs, *their_gradients], strict=True):
        np.testing.assert_allclose(engine.to_numpy(found), wanted, rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_configs_are_those_of_keras(name: str) -> None:
    import keras

    neutral = {"name", "dtype", "quantization_config", "activity_regularizer"}
    found, wanted = (json.loads(json.dumps(built(kit, CASES[name]).get_config())) for kit in (cornu, keras))
    assert {n: v for n, v in found.items() if n not in neutral} == {n: v for n, v in wanted.items() if n not in neutral}


def language_model(kit: Any) -> Any:
    layer = kit.layers.ReversibleEmbedding(5, 3, mask_zero=True, tie_weights=False)
    inputs = kit.Input((None,), dtype="int32")
    return kit.Model(inputs, layer(kit.layers.Dense(3)(layer(inputs)), reverse=True))


def test_a_model_with_both_directions_learns_as_in_keras(backend: str) -> None:
    import keras

    theirs, mine = language_model(keras), language_model(cornu).to_backend(backend)
    mine.set_weights(theirs.get_weights())
    for model, kit in ((theirs, keras), (mine, cornu)):
        model.compile("sgd", kit.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(INDICES, INDICES, epochs=3, verbose=0, shuffle=False)
    for found, wanted in zip(mine.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_files_go_to_keras_and_back(name: str, tmp_path: Path) -> None:
    import keras

    path = tmp_path / name
    for writer, reader in ((cornu, keras), (keras, cornu)):
        model, again = language_model(writer), language_model(reader)
        wanted = model.predict(INDICES, verbose=0)
        if name.endswith(".keras"):
            model.save(path)
            again = reader.saving.load_model(path)
        else:
            model.save_weights(path)
            again.load_weights(path)
        np.testing.assert_allclose(again.predict(INDICES, verbose=0), wanted, rtol=1e-5, atol=1e-6)


def test_vectors_have_a_mask_and_scores_have_none(backend: str) -> None:
    layer = layers.ReversibleEmbedding(5, 3, mask_zero=True).to_backend(backend)
    vectors = layer(INDICES)
    np.testing.assert_array_equal(ops.convert_to_numpy(masks.mask_of(vectors)), INDICES != 0)
    assert masks.mask_of(layer(vectors, reverse=True)) is None


def test_the_reverse_dtype_is_that_of_the_scores() -> None:
    layer = layers.ReversibleEmbedding(5, 3, dtype="mixed_bfloat16", reverse_dtype="float32")
    vectors = layer(Input((4,)))
    assert (vectors.dtype, layer(vectors, reverse=True).dtype) == ("bfloat16", "float32")
    assert str(layer(layer(INDICES), reverse=True).dtype) == "float32"


def test_lora_adapts_the_tied_table() -> None:
    layer = layers.ReversibleEmbedding(5, 3, lora_rank=2)
    layer(INDICES)
    layer.lora_embeddings_b.assign(random(2, 3))
    table = layer.embeddings.numpy()
    np.testing.assert_allclose(ops.convert_to_numpy(layer(np.eye(3, dtype="float32"), reverse=True)), table.T, rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(INDICES)), table[INDICES], rtol=1e-6)


def test_negative_vectors_are_no_indices() -> None:
    assert layers.ReversibleEmbedding(5, 3)(-np.ones((2, 3), "float32"), reverse=True).shape == (2, 5)


def test_it_keeps_the_contract() -> None:
    check_layer(layers.ReversibleEmbedding, {"input_dim": 5, "output_dim": 3}, input_data=INDICES)
    check_layer(
        layers.ReversibleEmbedding,
        {"input_dim": 5, "output_dim": 3, "tie_weights": False, "logit_soft_cap": 1.5},
        input_shape=(2, 4, 3),
        call_kwargs={"reverse": True},
        skip=["weights", "training"],  # the table is not used in this direction
    )


def test_mistakes_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="a positive number"):
        layers.ReversibleEmbedding(5, 3, logit_soft_cap=0)
    with pytest.raises(ShapeError, match="It was built for 3 features, but the input has 4"):
        layers.ReversibleEmbedding(5, 3)(np.ones((2, 4), "float32"), reverse=True)
