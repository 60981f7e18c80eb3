"""The table of vectors: against real Keras, its mask, and numbers that are not in it."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import cornu
from cornu import Input, Sequential, backends, layers, ops
from cornu.core.call_context import CallContext
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.testing.layer_checks import check_layer

WORDS = np.array([[1, 2, 0], [4, 1, 1]], dtype="int32")
TABLE = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")


def masked_sum(layer: layers.Layer, words: Any) -> Any:
    """What the layer after it gets as a mask."""
    seen = []

    class Last(layers.Layer):
        def call(self, inputs: Any, mask: Any = None) -> Any:
            seen.append(None if mask is None else np.asarray(mask).tolist())
            return inputs

    Sequential([Input((None,), dtype="int32"), layer, Last()])(words)
    return seen[-1]


def test_it_gives_the_rows_of_its_table(backend: str) -> None:
    layer = layers.Embedding(5, 2, weights=TABLE).to_backend(backend)
    np.testing.assert_array_equal(np.asarray(layer(WORDS)), TABLE[WORDS])


def test_the_gradient_adds_up_where_a_word_comes_often(backend: str) -> None:
    engine = backends.get(backend)
    layer = layers.Embedding(5, 2, weights=TABLE).to_backend(backend)
    upstream = np.random.default_rng(1).normal(size=(2, 3, 2)).astype("float32")

    def loss(trained: list) -> Any:
        return ops.sum(layer.stateless_call(trained, [], engine.asarray(WORDS))[0] * engine.asarray(upstream))

    _, (gradient,) = engine.compile(engine.value_and_grad(loss))([layer.embeddings.value])
    wanted = np.zeros_like(TABLE)
    np.add.at(wanted, WORDS, upstream)
    np.testing.assert_allclose(np.asarray(gradient), wanted, 1e-6, 1e-6)


@pytest.mark.parametrize("mask_zero", [False, True])
def test_it_keeps_the_contract(mask_zero: bool) -> None:
    check_layer(layers.Embedding, {"input_dim": 5, "output_dim": 3, "mask_zero": mask_zero}, input_data=WORDS)


@pytest.mark.parametrize("more", [{}, {"mask_zero": True, "embeddings_regularizer": "l2", "embeddings_constraint": "non_neg"}])
def test_weights_and_config_are_those_of_keras(more: dict) -> None:
    import keras

    theirs, mine = keras.layers.Embedding(5, 2, name="it", **more), layers.Embedding(5, 2, name="it", **more)
    wanted = json.loads(json.dumps(theirs.get_config()))
    assert json.loads(json.dumps(layers.Embedding.from_config(wanted).get_config())) == json.loads(
        json.dumps(mine.get_config())
    )
    neutral = {"quantization_config": None, "activity_regularizer": None}
    assert neutral | json.loads(json.dumps(mine.get_config())) == wanted
    theirs.build((None, 3)), mine.build((None, 3))
    assert [(v.path, v.shape) for v in mine.weights] == [(v.path, tuple(v.shape)) for v in theirs.weights]


def test_the_table_starts_small_and_uniform() -> None:
    layer = layers.Embedding(100, 50)
    layer.build()
    table = layer.get_weights()[0]
    assert np.abs(table).max() <= 0.05
    assert abs(table.std() - 0.1 / np.sqrt(12)) < 1e-3


@pytest.mark.parametrize("weights", [TABLE, [TABLE], TABLE.tolist()], ids=["array", "list of one", "rows"])
def test_the_table_may_be_given(weights: Any) -> None:
    layer = layers.Embedding(5, 2, weights=weights)
    np.testing.assert_array_equal(layer.embeddings.numpy(), TABLE)
    assert "weights" not in layer.get_config()


def test_a_table_of_another_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(5, 2\).*\(5, 3\)"):
        layers.Embedding(5, 3, weights=TABLE)


def test_zero_is_padding_if_it_shall_be() -> None:
    assert masked_sum(layers.Embedding(5, 2, mask_zero=True), WORDS) == [[True, True, False], [True, True, True]]
    assert masked_sum(layers.Embedding(5, 2), WORDS) is None


def test_shapes_of_any_rank_and_unknown_sizes() -> None:
    layer = layers.Embedding(5, 2)
    assert layer(Input((None,), dtype="int32")).shape == (None, None, 2)
    assert layer.compute_output_shape((None, 4, 3)) == (None, 4, 3, 2)
    assert layer(np.array([1, 2])).shape == (2, 2)


def test_floats_that_are_whole_are_taken(backend: str) -> None:
    layer = layers.Embedding(5, 2, weights=TABLE).to_backend(backend)
    np.testing.assert_array_equal(np.asarray(layer(WORDS.astype("float32"))), TABLE[WORDS])


def test_in_mixed_precision_the_words_are_not_rounded() -> None:
    table = np.arange(2000, dtype="float32").reshape(1000, 2) / 2000
    layer = layers.Embedding(1000, 2, weights=table, dtype="mixed_bfloat16")
    outputs = layer(np.array([[257.0, 999.0]], dtype="float32"))
    assert backends.of(outputs).dtype(outputs) == "bfloat16"
    np.testing.assert_allclose(np.asarray(outputs).astype("float32"), table[[[257, 999]]], 4e-3)


@pytest.mark.parametrize(("word", "advice"), [(5, r"Use `Embedding\(6, 2\)`"), (-1, "Start the indices at 0")])
def test_a_word_outside_of_the_table_is_refused(word: int, advice: str, backend: str) -> None:
    layer = layers.Embedding(5, 2).to_backend(backend)
    with pytest.raises(DataError, match=rf"received the index {word}.*5 rows, for the indices 0 to 4.*{advice}"):
        layer(np.array([[1, word]]))


def test_compiled_a_word_outside_of_the_table_is_nan(engine_name: str) -> None:
    engine = backends.get(engine_name)
    layer = layers.Embedding(5, 2, weights=TABLE).to_backend(engine_name)
    words = engine.asarray(np.array([[5, 1, -1]]))
    call: Callable = engine.compile(
        lambda words: layer.stateless_call([layer.embeddings.value], [], words, call_context=CallContext())[0]
    )
    outputs = np.asarray(call(words))
    assert np.isnan(outputs[0, [0, 2]]).all()
    np.testing.assert_array_equal(outputs[0, 1], TABLE[1])


@pytest.mark.parametrize("arguments", [(0, 2), (5, -1), ("words", 2)])
def test_sizes_must_be_positive(arguments: tuple) -> None:
    with pytest.raises(InvalidArgumentError, match="integer greater than or equal to 1"):
        layers.Embedding(*arguments)


def test_old_code_may_say_how_long_its_texts_are() -> None:
    layer = layers.Embedding(5, 2, input_length=3)
    assert "input_length" not in layer.get_config()


class WithPositions(layers.Layer):
    """An embedding of words, and one of their positions."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.positions = layers.Embedding(50, 4), layers.Embedding(9, 4)

    def call(self, x: Any) -> Any:
        return self.words(x) + self.positions(ops.arange(0, ops.shape(x)[-1], 1))


def test_positions_of_a_length_that_is_unknown_in_a_model(backend: str) -> None:
    with cornu.config.placement_scope(backend):
        x = cornu.Input((None,), dtype="int32")
        y = WithPositions()(x)
        assert y.shape == (None, None, 4)
        model = cornu.Model(x, layers.GlobalAveragePooling1D()(y))
        model.compile("sgd", "mse")
        model.fit(np.ones((4, 7), "int32"), np.zeros((4, 4)), verbose=0)
        assert model.predict(np.ones((4, 9), "int32"), verbose=0).shape == (4, 4)


def test_positions_up_to_a_size_of_a_symbolic_tensor_are_explained() -> None:
    x = cornu.Input((None,), dtype="int32")
    with pytest.raises(InvalidTypeError, match=r"`arange` received start=0 and stop=None.*ops.cumsum\(ops.ones_like\(x\)"):
        layers.Embedding(9, 4)(ops.arange(ops.shape(x)[1]))
