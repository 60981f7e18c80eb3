"""Layers around layers: against real Keras where it can be asked, and what they say to mistakes."""

import functools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cornu import Input, Model, Sequential, backends, layers, ops
from cornu.core.call_context import CallContext
from cornu.core.naming import reset_names
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.testing.layer_checks import check_layer

MASK = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1]], dtype=bool)
"""Padding on the right, on the left and in between."""

ALL = {"return_sequences": True, "return_state": True}

QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""The oracle's functions run once: most of their time is the compiler's."""

CASES: dict[str, tuple[Callable, tuple, Any]] = {
    "both, side by side": (lambda kit: kit.Bidirectional(kit.LSTM(2, **ALL)), (3, 5, 2), None),
    "both, summed": (lambda kit: kit.Bidirectional(kit.GRU(2), merge_mode="sum"), (3, 5, 2), None),
    "both, multiplied": (lambda kit: kit.Bidirectional(kit.SimpleRNN(2, **ALL), merge_mode="mul"), (3, 5, 2), None),
    "both, mean": (lambda kit: kit.Bidirectional(kit.GRU(2, return_sequences=True), merge_mode="ave"), (3, 5, 2), None),
    "both, a pair": (lambda kit: kit.Bidirectional(kit.SimpleRNN(2, return_sequences=True), merge_mode=None), (3, 5, 2), None),
    "both, masked": (lambda kit: kit.Bidirectional(kit.LSTM(2, **ALL)), (3, 5, 2), MASK),
    "both, masked, last outputs": (lambda kit: kit.Bidirectional(kit.GRU(2)), (3, 5, 2), MASK),
    "both, different": (
        lambda kit: kit.Bidirectional(kit.LSTM(2), backward_layer=kit.LSTM(3, activation="relu", go_backwards=True)),
        (3, 5, 2),
        None,
    ),
    "each step, dense": (lambda kit: kit.TimeDistributed(kit.Dense(3)), (3, 5, 2), None),
    "each step, images": (lambda kit: kit.TimeDistributed(kit.Conv2D(2, 2)), (2, 3, 4, 4, 2), None),
    "each step, sequences": (lambda kit: kit.TimeDistributed(kit.LSTM(2)), (3, 5, 4, 2), np.tile(MASK[:, :, None], (1, 1, 4))),
    "each step, batch normalization": (lambda kit: kit.TimeDistributed(kit.BatchNormalization()), (3, 4, 2), None),
}


# --- The oracle -----------------------------------------------------------------------------------------------------------


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def random_like(leaves: list) -> list:
    """Numbers for each leaf, all different; positive for weights, of which some are variances."""
    return [np.abs(random(*leaf.shape, seed=100 + number)) + 0.1 for number, leaf in enumerate(leaves)]


def flat(tree: Any) -> list:
    return [leaf for part in tree for leaf in flat(part)] if isinstance(tree, (list, tuple)) else [tree]


@functools.cache
def in_keras(name: str) -> tuple:
    import jax
    import keras

    make, shape, mask = CASES[name]
    layer = make(keras.layers)
    layer.build((None, *shape[1:]))
    layer.set_weights(random_like(layer.weights))
    trained, state = ([v.value for v in part] for part in (layer.trainable_variables, layer.non_trainable_variables))
    call = {} if mask is None else {"mask": mask}

    def loss(trained: list, x: Any) -> Any:
        outputs = jax.tree.leaves(layer.stateless_call(trained, state, x, **call)[0])
        return sum((leaf * up).sum() for leaf, up in zip(outputs, random_like(outputs), strict=True)), outputs

    function = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))
    gradients, outputs = function.lower(trained, random(*shape)).compile(QUICKLY)(trained, random(*shape))
    return [np.asarray(leaf) for leaf in outputs], [np.asarray(leaf) for leaf in jax.tree.leaves(gradients)]


def in_cornu(name: str, backend: str) -> tuple:
    make, shape, mask = CASES[name]
    engine = backends.get(backend)
    layer = make(layers).to_backend(backend)
    layer.build((None, *shape[1:]))
    layer.set_weights(random_like(layer.weights))
    trained, state = ([v.value for v in part] for part in (layer.trainable_variables, layer.non_trainable_variables))
    call = {} if mask is None else {"mask": mask}

    def loss(values: list) -> Any:
        outputs = flat(layer.stateless_call(values[0], state, values[1], call_context=CallContext(), **call)[0])
        return sum(ops.sum(leaf * engine.asarray(up)) for leaf, up in zip(outputs, random_like(outputs), strict=True)), outputs

    function = engine.compile(engine.value_and_grad(loss, has_aux=True))
    (_, outputs), gradients = function([trained, engine.asarray(random(*shape))])
    return [engine.to_numpy(leaf) for leaf in outputs], [engine.to_numpy(leaf) for leaf in flat(gradients)]


@pytest.mark.parametrize("name", CASES)
def test_results_are_those_of_keras(name: str, backend: str) -> None:
    for mine, theirs in zip(in_cornu(name, backend), in_keras(name), strict=True):
        for one, other in zip(mine, theirs, strict=True):
            np.testing.assert_allclose(one, other, 1e-5, 3e-6 * max(np.abs(other).max(), 1))


# --- In both directions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("merge_mode", ["concat", None])
def test_both_directions_keep_the_contract(merge_mode: str | None) -> None:
    check_layer(
        lambda: layers.Bidirectional(layers.GRU(2, return_sequences=True), merge_mode=merge_mode),
        input_shape=(3, 4, 2),
        skip=["config"],  # that of a built layer says for which shapes the layers inside are built; see below
    )


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("both")])
def test_paths_shapes_and_configs_are_those_of_keras(name: str) -> None:
    import keras

    keras.utils.clear_session(free_memory=False)
    reset_names()
    make, shape, _ = CASES[name]
    theirs, mine = make(keras.layers), make(layers)
    assert without_null(mine.get_config()) == without_null(theirs.get_config())
    again = layers.Bidirectional.from_config(json.loads(json.dumps(theirs.get_config())))
    assert without_null(again.get_config()) == without_null(theirs.get_config())
    for layer in (theirs, mine):
        layer.build((None, *shape[1:]))
    assert [(v.path, v.shape) for v in mine.weights] == [(v.path, tuple(v.shape)) for v in theirs.weights]


def without_null(config: Any) -> Any:
    """A config as a file holds it, without what is null (of which Keras and Cornu write different ones) or not Keras's."""
    if isinstance(config, dict):
        return {name: without_null(value) for name, value in config.items() if value is not None and name != "seed"}
    return json.loads(json.dumps(config))


def test_the_layer_that_is_given_is_not_used() -> None:
    given = layers.LSTM(2)
    layer = layers.Bidirectional(given)
    layer.build((None, 3, 1))
    assert not given.built
    assert layer.backward_layer.go_backwards
    assert layer.count_params() == 2 * 4 * 2 * (1 + 2 + 1)


def test_no_name_is_used_up() -> None:
    reset_names()
    layers.Bidirectional(layers.RNN([layers.LSTMCell(2), layers.LSTMCell(3)]))
    assert [layers.RNN(layers.LSTMCell(2)).name, layers.LSTMCell(2).name] == ["rnn_1", "lstm_cell_3"]


def test_stacked_cells_and_functions_of_ones_own_go_in_both_directions(backend: str) -> None:
    def half(x: Any) -> Any:
        return x / 2

    layer = layers.Bidirectional(layers.RNN([layers.LSTMCell(2, activation=half), layers.GRUCell(3)])).to_backend(backend)
    assert layer(random(2, 4, 1)).shape == (2, 6)
    assert len({id(weight) for weight in layer.weights}) == 12


def test_padding_is_zero_in_both_directions(backend: str) -> None:
    layer = layers.Bidirectional(layers.LSTM(2, return_sequences=True)).to_backend(backend)
    outputs = np.asarray(layer(random(3, 5, 2), mask=MASK))
    assert (outputs[~MASK] == 0).all()
    assert (outputs[MASK] != 0).all()


def test_initial_states_are_shared_out(backend: str) -> None:
    layer = layers.Bidirectional(layers.GRU(2, return_state=True)).to_backend(backend)
    x, states = random(3, 5, 2), [random(3, 2, seed=1), random(3, 2, seed=2)]
    _, forward, backward = layer(x, initial_state=states)
    _, alone = layer.forward_layer(x, initial_state=states[:1])
    np.testing.assert_allclose(np.asarray(forward), np.asarray(alone), 1e-6)
    _, alone = layer.backward_layer(x, initial_state=states[1:])
    np.testing.assert_allclose(np.asarray(backward), np.asarray(alone), 1e-6)


def test_an_odd_number_of_initial_states_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"`initial_state` of 3 arrays.*even number"):
        layers.Bidirectional(layers.LSTM(2))(random(3, 5, 2), initial_state=[random(3, 2)] * 3)


def test_stateful_layers_go_on_and_are_reset(backend: str) -> None:
    layer = layers.Bidirectional(layers.GRU(2, stateful=True)).to_backend(backend)
    x = random(2, 3, 1)
    first, second = np.asarray(layer(x)), np.asarray(layer(x))
    assert not np.allclose(first, second)
    layer.reset_states()
    np.testing.assert_allclose(np.asarray(layer(x)), first, 1e-6)
    assert len(layer.states) == 2


def test_weights_may_be_given() -> None:
    one = layers.Bidirectional(layers.GRU(2))
    one.build((None, 3, 1))
    other = layers.Bidirectional(layers.GRU(2), weights=one.get_weights())
    other.build((None, 3, 1))
    for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_model_reads_in_both_directions() -> None:
    words = Input((None,), dtype="int32")
    hidden = layers.Bidirectional(layers.LSTM(4, return_sequences=True))(layers.Embedding(9, 3, mask_zero=True)(words))
    model = Model(words, layers.Dense(2)(layers.Bidirectional(layers.GRU(3))(hidden)))
    short, padded = np.array([[3, 4, 5]]), np.array([[3, 4, 5, 0, 0]])
    assert model.output_shape == (None, 2)
    np.testing.assert_allclose(np.asarray(model(padded)), np.asarray(model(short)), 1e-5, 1e-6)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"layer": 5}, InvalidTypeError, "received `layer=5`.*must be a layer"),
        ({"layer": layers.LSTM}, InvalidTypeError, "if it is a class, call it"),
        ({"layer": layers.Dense(2)}, InvalidTypeError, "a `Dense` as `layer`.*has no `go_backwards`"),
        ({"layer": layers.LSTM(2), "merge_mode": "add"}, InvalidArgumentError, "'concat', 'sum', 'mul', 'ave'"),
        ({"layer": layers.LSTM(2), "backward_layer": layers.LSTM(2)}, InvalidArgumentError, "One layer must process"),
        (
            {"layer": layers.LSTM(2), "backward_layer": layers.LSTM(2, go_backwards=True, return_sequences=True)},
            InvalidArgumentError,
            "`return_sequences=False` and a `backward_layer` with `return_sequences=True`",
        ),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict, error: type, text: str) -> None:
    with pytest.raises(error, match=text):
        layers.Bidirectional(**arguments)


# --- At each step ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", [lambda: layers.Dense(2), lambda: layers.BatchNormalization()], ids=["dense", "batch"])
def test_each_step_keeps_the_contract(inner: Callable) -> None:
    check_layer(lambda: layers.TimeDistributed(inner()), input_shape=(3, 4, 2), skip=["config"])


def test_the_config_of_each_step_is_that_of_keras() -> None:
    import keras

    theirs = keras.layers.TimeDistributed(keras.layers.Dense(3, name="inner"), name="it")
    mine = layers.TimeDistributed(layers.Dense(3, name="inner"), name="it")
    assert without_null(mine.get_config()) == without_null(theirs.get_config())
    assert layers.TimeDistributed.from_config(mine.get_config()).layer.units == 3
    mine.build((None, 4, 2))
    assert [v.path for v in mine.weights] == ["it/inner/kernel", "it/inner/bias"]


def test_a_model_runs_at_each_step(backend: str) -> None:
    images = Sequential([Input((6, 6, 1)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()])
    layer = layers.TimeDistributed(images).to_backend(backend)
    x = random(2, 3, 6, 6, 1)
    outputs = np.asarray(layer(x))
    np.testing.assert_allclose(outputs[:, 1], np.asarray(images(x[:, 1])), 1e-5, 1e-6)
    assert layer(Input((None, 6, 6, 1))).shape == (None, None, 2)


def test_each_step_drops_something_else() -> None:
    layer = layers.TimeDistributed(layers.Dropout(0.5))
    outputs = np.asarray(layer(np.ones((1, 2, 64), "float32"), training=True))
    assert (outputs[0, 0] != outputs[0, 1]).any()


def test_the_padding_of_a_batch_is_left_out_at_each_step(backend: str) -> None:
    engine = backends.get(backend)
    layer = layers.TimeDistributed(layers.Dense(2, activity_regularizer="l2")).to_backend(backend)
    x = random(3, 4, 2)
    layer(x[:2])
    alone = layer.layer.losses[0] if layer.layer.losses else layer.losses[0]
    context = CallContext(sample_mask=engine.asarray(np.array([1, 1, 0], "float32")))
    trained = [variable.value for variable in layer.trainable_variables]
    *_, losses = layer.stateless_call(trained, [], x, return_losses=True, call_context=context)
    np.testing.assert_allclose(np.asarray(losses[0]), np.asarray(alone), 1e-6)


def test_the_mask_of_words_becomes_one_of_sentences(backend: str) -> None:
    texts = np.array([[[3, 4, 0], [5, 0, 0], [0, 0, 0]]], dtype="int32")
    words = Input((None, 3), dtype="int32")
    sentences = layers.TimeDistributed(layers.GRU(4))(layers.Embedding(9, 2, mask_zero=True)(words))
    model = Model(words, [sentences, layers.GRU(2)(sentences)]).to_backend(backend)
    vectors, text = model(texts)
    np.testing.assert_allclose(np.asarray(text), np.asarray(model.layers[-1](vectors[:, :2])), 1e-6, 1e-6)


def test_the_layer_inside_may_make_the_mask(backend: str) -> None:
    words = Input((None, 3), dtype="int32")
    sentences = layers.TimeDistributed(layers.Embedding(9, 2, mask_zero=True))(words)
    model = Model(words, layers.TimeDistributed(layers.GRU(2))(sentences)).to_backend(backend)
    padded, short = np.array([[[3, 4, 0]]], "int32"), np.array([[[3, 4]]], "int32")
    inner = Model(words, sentences)
    gru = model.layers[-1].layer
    np.testing.assert_allclose(np.asarray(model(padded))[0], np.asarray(gru(np.asarray(inner(short))[0])), 1e-5, 1e-6)


def test_a_mask_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"mask of shape \(3, 4\).*must begin with \(3, 5\)"):
        layers.TimeDistributed(layers.Dense(2))(random(3, 5, 2), mask=MASK[:, :4])


def test_too_few_axes_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"at least 3 dimensions.*Add the feature axis"):
        layers.TimeDistributed(layers.Dense(2))(random(3, 5))


# --- Wrappers with another dtype policy than the layer inside ---------------------------------------------------------

MIXTURES = {
    "each step": lambda kit, inner: kit.TimeDistributed(kit.Dense(2, dtype=inner), dtype="mixed_float16"),
    "both directions": lambda kit, inner: kit.Bidirectional(kit.LSTM(2, dtype=inner), dtype="mixed_float16"),
    "both, a pair": lambda kit, inner: kit.Bidirectional(kit.GRU(2, dtype=inner), merge_mode=None, dtype="mixed_float16"),
    "a cell": lambda kit, inner: kit.RNN(kit.LSTMCell(2, dtype=inner), return_state=True, dtype="mixed_float16"),
}


@pytest.mark.parametrize("inner", ["float32", "mixed_float16"])
@pytest.mark.parametrize("name", MIXTURES)
def test_outputs_have_the_dtype_of_the_wrapper_as_in_keras(name: str, inner: str, backend: str) -> None:
    import keras

    x = np.random.default_rng(4).normal(size=(2, 5, 3)).astype("float32")
    theirs, ours = MIXTURES[name](keras.layers, inner), MIXTURES[name](layers, inner)
    expected = theirs(x)
    ours.to_backend(backend)(x)
    ours.set_weights([np.asarray(weight.value) for weight in theirs.weights])
    symbolic = ours(Input((5, 3)))
    for found, spec, wanted in zip(*map(_as_list, (ours(x), symbolic, expected)), strict=True):
        assert ops.dtype(found) == spec.dtype == str(wanted.dtype) == "float16"
        np.testing.assert_allclose(backends.of(found).to_numpy(found), np.asarray(wanted), rtol=1e-2, atol=2e-3)


def test_integers_of_each_step_stay_integers(backend: str) -> None:
    layer = layers.TimeDistributed(layers.Lambda(lambda x: ops.argmax(x, axis=-1)), dtype="mixed_float16").to_backend(backend)
    assert ops.dtype(layer(np.ones((2, 3, 4), "float32"))) == "int32"


def _as_list(outputs: Any) -> list:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
