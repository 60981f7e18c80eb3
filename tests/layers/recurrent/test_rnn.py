"""Recurrent layers against real Keras: outputs, states and gradients; and what they say to mistakes."""

import functools
import inspect
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cornu import Input, Model, Sequential, backends, layers, ops, optimizers
from cornu.core.call_context import CallContext
from cornu.core.naming import reset_names
from cornu.core.random_key import RandomKey
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.testing.layer_checks import check_layer

BATCH, STEPS, FEATURES = 4, 5, 3

MASK = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1], [1, 1, 1, 1, 1]], dtype=bool)
"""Padding on the right, on the left, in between, and none."""

ALL = {"return_sequences": True, "return_state": True}

QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""The oracle's functions run once: most of their time is the compiler's."""

CASES: dict[str, Callable] = {
    "simple": lambda kit: kit.SimpleRNN(4, **ALL),
    "simple, last output, relu, no bias": lambda kit: kit.SimpleRNN(4, activation="relu", use_bias=False),
    "lstm": lambda kit: kit.LSTM(4, **ALL),
    "lstm, last output, no bias": lambda kit: kit.LSTM(4, use_bias=False),
    "lstm, other activations": lambda kit: kit.LSTM(4, activation="softsign", recurrent_activation="hard_sigmoid"),
    "lstm, written out": lambda kit: kit.LSTM(4, unroll=True, **ALL),
    "lstm, backwards": lambda kit: kit.LSTM(4, go_backwards=True, **ALL),
    "gru": lambda kit: kit.GRU(4, **ALL),
    "gru, last output, no bias": lambda kit: kit.GRU(4, use_bias=False),
    "gru, reset before": lambda kit: kit.GRU(4, reset_after=False, **ALL),
    "gru, reset before, backwards, no bias": lambda kit: kit.GRU(4, reset_after=False, use_bias=False, go_backwards=True),
    "a stack": lambda kit: kit.RNN([kit.LSTMCell(3), kit.GRUCell(4), kit.SimpleRNNCell(2)], **ALL),
}

MASKED: dict[str, Callable] = {
    "simple": lambda kit: kit.SimpleRNN(4, zero_output_for_mask=True, **ALL),
    "lstm": lambda kit: kit.LSTM(4, **ALL),
    "lstm, last output, backwards": lambda kit: kit.LSTM(4, go_backwards=True),
    "gru, backwards": lambda kit: kit.GRU(4, go_backwards=True, zero_output_for_mask=True, **ALL),
    "gru, last output or zero": lambda kit: kit.GRU(4, zero_output_for_mask=True),
    "a stack": lambda kit: kit.RNN([kit.GRUCell(3), kit.LSTMCell(4)], **ALL),
}

STATES: dict[str, tuple[Callable, list]] = {
    "lstm": (lambda kit: kit.LSTM(4, **ALL), [4, 4]),
    "gru": (lambda kit: kit.GRU(3), [3]),
}


# --- The oracle -----------------------------------------------------------------------------------------------------------


def random(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def sequences() -> np.ndarray:
    return random(BATCH, STEPS, FEATURES)


def initial_state(sizes: list) -> list:
    return [random(BATCH, size, seed=10 + number) for number, size in enumerate(sizes)]


def random_like(leaves: list) -> list:
    return [random(*leaf.shape, seed=100 + number) for number, leaf in enumerate(leaves)]


def in_keras(make: Callable, inputs: list, mask: Any = None) -> tuple:
    """Weights, outputs and states, and the gradient for weights, input and initial state of Keras's layer."""
    import jax
    import keras

    layer = make(keras.layers)
    layer.build((None, STEPS, FEATURES))
    weights = random_like(layer.weights)
    layer.set_weights(weights)
    state = [variable.value for variable in layer.non_trainable_variables]

    def loss(trained: list, inputs: list) -> Any:
        states = {"initial_state": inputs[1:]} if len(inputs) > 1 else {}
        outputs = jax.tree.leaves(layer.stateless_call(trained, state, inputs[0], mask=mask, **states)[0])
        return sum((leaf * up).sum() for leaf, up in zip(outputs, random_like(outputs), strict=True)), outputs

    function = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))
    gradients, outputs = function.lower(weights, inputs).compile(QUICKLY)(weights, inputs)
    return weights, [np.asarray(leaf) for leaf in outputs], [np.asarray(leaf) for leaf in jax.tree.leaves(gradients)]


def in_cornu(make: Callable, backend: str, weights: list, inputs: list, mask: Any = None) -> tuple:
    engine = backends.get(backend)
    layer = make(layers).to_backend(backend)
    layer.build((None, STEPS, FEATURES))
    layer.set_weights(weights)
    trained, arrays = [variable.value for variable in layer.trainable_variables], [engine.asarray(x) for x in inputs]

    def loss(values: list) -> Any:
        trained, (x, *states) = values
        call = {"mask": mask} | ({"initial_state": states} if states else {})
        state = [variable.value for variable in layer.non_trainable_variables]
        outputs = layer.stateless_call(trained, state, x, call_context=CallContext(), **call)[0]
        found = list(flat(outputs))
        parts = [ops.sum(leaf * engine.asarray(up)) for leaf, up in zip(found, random_like(found), strict=True)]
        return sum(parts), found

    (_, outputs), gradients = engine.compile(engine.value_and_grad(loss, has_aux=True))([trained, arrays])
    return [engine.to_numpy(leaf) for leaf in outputs], [engine.to_numpy(leaf) for leaf in flat(gradients)]


def flat(tree: Any) -> list:
    return [leaf for part in tree for leaf in flat(part)] if isinstance(tree, (list, tuple)) else [tree]


def assert_near(found: list, wanted: list, what: str) -> None:
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, 1e-5, 2e-6 * max(np.abs(theirs).max(), 1), err_msg=what)


@functools.cache
def keras_answer(table: str, name: str) -> tuple:
    if table == "states":
        make, sizes = STATES[name]
        return in_keras(make, [sequences(), *initial_state(sizes)])
    return in_keras(CASES[name], [sequences()]) if table == "cases" else in_keras(MASKED[name], [sequences()], MASK)


# --- Values ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_results_are_those_of_keras(name: str, backend: str) -> None:
    weights, outputs, gradients = keras_answer("cases", name)
    mine = in_cornu(CASES[name], backend, weights, [sequences()])
    assert_near(mine[0], outputs, "outputs")
    assert_near(mine[1], gradients, "gradients")


@pytest.mark.parametrize("name", MASKED)
def test_results_with_a_mask_are_those_of_keras(name: str, backend: str) -> None:
    weights, outputs, gradients = keras_answer("masked", name)
    mine = in_cornu(MASKED[name], backend, weights, [sequences()], MASK)
    assert_near(mine[0], outputs, "outputs")
    assert_near(mine[1], gradients, "gradients")


@pytest.mark.parametrize("name", STATES)
def test_results_with_an_initial_state_are_those_of_keras(name: str, backend: str) -> None:
    make, sizes = STATES[name]
    weights, outputs, gradients = keras_answer("states", name)
    mine = in_cornu(make, backend, weights, [sequences(), *initial_state(sizes)])
    assert_near(mine[0], outputs, "outputs")
    assert_near(mine[1], gradients, "gradients")


def lstm_by_hand(x: np.ndarray, kernel: np.ndarray, recurrent_kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    def sigmoid(z: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-z))

    h = c = np.zeros((len(x), len(recurrent_kernel)))
    for step in range(x.shape[1]):
        i, f, g, o = np.split(x[:, step] @ kernel + h @ recurrent_kernel + bias, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
    return h


def test_an_lstm_is_the_textbooks(backend: str) -> None:
    layer = layers.LSTM(4).to_backend(backend)
    layer.build((None, STEPS, FEATURES))
    weights = random_like(layer.weights)
    layer.set_weights(weights)
    np.testing.assert_allclose(layer(sequences()), lstm_by_hand(sequences(), *weights), 1e-5, 1e-6)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_it_keeps_the_contract(kind: str) -> None:
    check_layer(getattr(layers, kind), {"units": 2, "dropout": 0.2, "recurrent_dropout": 0.3}, input_shape=(3, 4, 2))


def test_written_out_steps_give_the_loops_numbers(backend: str) -> None:
    layer = layers.GRU(3, return_sequences=True).to_backend(backend)
    looped = layer(sequences(), mask=MASK)
    layer.unroll = True
    np.testing.assert_allclose(layer(sequences(), mask=MASK), looped, 1e-6, 1e-6)


def test_integers_are_taken_as_floats(backend: str) -> None:
    layer = layers.LSTM(2).to_backend(backend)
    x = np.arange(12, dtype="int32").reshape(2, 2, 3)
    np.testing.assert_allclose(layer(x), layer(x.astype("float32")), 1e-6)


# --- Masks ----------------------------------------------------------------------------------------------------------------


def test_padding_changes_nothing(backend: str) -> None:
    layer = layers.LSTM(3).to_backend(backend)
    x, short = sequences(), sequences()[:, :3]
    padded = np.concatenate([x[:, :3], np.full((BATCH, 2, FEATURES), 9, "float32")], axis=1)
    mask = np.array([[True] * 3 + [False] * 2] * BATCH)
    np.testing.assert_allclose(layer(padded, mask=mask), layer(short), 1e-6, 1e-6)


def test_an_embeddings_mask_reaches_the_layers_after_it(backend: str) -> None:
    model = Sequential(
        [
            Input((None,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.GRU(3, return_sequences=True),
            layers.LSTM(2),
        ]
    )
    model.to_backend(backend)
    words = np.array([[3, 4, 5]], dtype="int32")
    padded = np.array([[3, 4, 5, 0, 0]], dtype="int32")
    np.testing.assert_allclose(np.asarray(model(padded)), np.asarray(model(words)), 1e-6, 1e-6)


def test_padding_of_zero_output_is_zero(backend: str) -> None:
    layer = layers.SimpleRNN(3, return_sequences=True, zero_output_for_mask=True).to_backend(backend)
    outputs = np.asarray(layer(sequences(), mask=MASK))
    assert (outputs[~MASK] == 0).all()
    assert (outputs[MASK] != 0).all()


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"mask of shape \(4, 4\).*must be of shape \(4, 5\)"):
        layers.GRU(2)(sequences(), mask=MASK[:, :4])


# --- Dropout --------------------------------------------------------------------------------------------------------------


def only_dropout(**arguments: Any) -> layers.SimpleRNN:
    """A layer that returns its inputs times what dropout leaves of them, summed over the steps."""
    return layers.SimpleRNN(
        400,
        activation=None,
        kernel_initializer="identity",
        recurrent_initializer="identity",
        return_sequences=True,
        **arguments,
    )


def test_dropout_drops_its_part_of_the_inputs_the_same_at_all_steps(backend: str) -> None:
    layer = only_dropout(dropout=0.25).to_backend(backend)
    outputs = np.asarray(layer(np.ones((8, 2, 400), "float32"), training=True))
    first, second = outputs[:, 0], outputs[:, 1] - outputs[:, 0]
    np.testing.assert_allclose(first, second, 1e-6)
    np.testing.assert_allclose(np.unique(first), [0, 1 / 0.75], 1e-6)
    assert abs((first == 0).mean() - 0.25) < 0.03  # 4 standard deviations


def test_recurrent_dropout_drops_its_part_of_the_state(backend: str) -> None:
    layer = only_dropout(recurrent_dropout=0.4).to_backend(backend)
    outputs = np.asarray(layer(np.ones((8, 3, 400), "float32"), training=True))
    assert (outputs[:, 0] == 1).all()
    kept = outputs[:, 1] - 1
    np.testing.assert_allclose(np.unique(kept), [0, 1 / 0.6], 1e-5)
    assert abs((kept == 0).mean() - 0.4) < 0.035
    np.testing.assert_allclose((outputs[:, 2] - 1) == 0, kept == 0)


def test_without_training_nothing_is_dropped(backend: str) -> None:
    layer = only_dropout(dropout=0.5, recurrent_dropout=0.5).to_backend(backend)
    assert (np.asarray(layer(np.ones((1, 2, 400), "float32"))) == [[[1], [2]]]).all()


def test_dropout_follows_the_key_of_a_compiled_call(backend: str) -> None:
    engine = backends.get(backend)
    layer = layers.LSTM(3, dropout=0.5, recurrent_dropout=0.5).to_backend(backend)
    layer(sequences())
    trained = [variable.value for variable in layer.trainable_variables]

    def run(key: Any) -> Any:
        state = [variable.value for variable in layer.non_trainable_variables]
        return layer.stateless_call(trained, state, sequences(), training=True, call_context=CallContext(key=RandomKey(key)))[0]

    one, again, other = (np.asarray(engine.compile(run)(engine.asarray(key, "uint32"))) for key in ((1, 2), (1, 2), (1, 3)))
    assert (one == again).all()
    assert not np.allclose(one, other)


# --- States ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_a_stateful_layer_goes_on_where_it_stopped(kind: str, backend: str) -> None:
    layer = getattr(layers, kind)(3, stateful=True).to_backend(backend)
    whole = getattr(layers, kind)(3).to_backend(backend)
    x = sequences()
    first = np.asarray(layer(x[:, :2]))
    whole.build((None, STEPS, FEATURES))
    whole.set_weights(layer.get_weights()[:3])
    np.testing.assert_allclose(np.asarray(layer(x[:, 2:])), np.asarray(whole(x)), 1e-5, 1e-6)
    layer.reset_states()
    np.testing.assert_allclose(np.asarray(layer(x[:, :2])), first, 1e-6)


def test_states_are_variables_that_are_not_trained_and_not_saved() -> None:
    layer = layers.LSTM(3, stateful=True, name="memory")
    layer.build((4, None, 2))
    states = [variable for variable in layer.non_trainable_variables if "seed_generator" not in variable.path]
    assert [(v.path, v.shape) for v in states] == [("memory/rnn_state", (4, 3))] * 2
    assert layer.states == states
    assert layer.own_variables == []
    assert layer.batch_coupling == "unknown"


def test_a_compiled_stateful_layer_hands_its_state_back(backend: str) -> None:
    layer = layers.GRU(3, stateful=True).to_backend(backend)
    layer.build((BATCH, None, FEATURES))
    trained, state = (
        [variable.value for variable in part] for part in (layer.trainable_variables, layer.non_trainable_variables)
    )
    _, after = layer.stateless_call(trained, state, sequences())
    assert (np.asarray(layer.states[0].value) == 0).all()
    layer(sequences())
    place = [variable is layer.states[0] for variable in layer.non_trainable_variables].index(True)
    np.testing.assert_allclose(np.asarray(after[place]), np.asarray(layer.states[0].value), 1e-6)


def test_a_stateful_model_learns_and_keeps_its_state() -> None:
    model = Sequential([Input(batch_shape=(2, 3, 1)), layers.SimpleRNN(2, stateful=True), layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    model.fit(random(4, 3, 1), random(4, 1), batch_size=2, verbose=0, shuffle=False)
    assert (np.asarray(model.layers[0].states[0].value) != 0).all()


def test_a_stateful_layer_refuses_another_batch_size() -> None:
    layer = layers.GRU(2, stateful=True)
    layer(sequences())
    with pytest.raises(ShapeError, match=r"batch of 3 samples.*holds the states of 4.*Input\(batch_shape"):
        layer(sequences()[:3])


def test_compiled_a_stateful_layer_needs_to_know_its_batch_size() -> None:
    model = Sequential([layers.GRU(2, stateful=True)])
    model.build((None, 3, 1))
    model.compile(optimizer="sgd", loss="mse")
    with pytest.raises(ShapeError, match=r"unknown number.*Input\(batch_shape"):
        model.fit(random(4, 3, 1), random(4, 2), verbose=0)


def test_the_states_of_an_encoder_start_a_decoder() -> None:
    questions, answers = Input((None, 3)), Input((None, 2))
    _, *states = layers.LSTM(4, return_state=True)(questions)
    decoded = layers.LSTM(4, return_sequences=True)(answers, initial_state=states)
    model = Model([questions, answers], decoded)
    assert decoded.shape == (None, None, 4)
    assert model([random(2, 5, 3), random(2, 7, 2)]).shape == (2, 7, 4)


@pytest.mark.parametrize("states", [[(4, 3)], [(4, 3), (4, 2)], [(3, 3), (4, 3)], [(4, 3)] * 3])
def test_initial_states_that_do_not_fit_are_refused(states: list) -> None:
    with pytest.raises(ShapeError, match=r"`initial_state` of \d arrays.*needs 2 of shapes \[\(4, 3\), \(4, 3\)\]"):
        layers.LSTM(3)(sequences(), initial_state=[np.zeros(shape, "float32") for shape in states])


def test_symbolic_initial_states_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"needs 1 of shapes \[\(batch, 3\)\]"):
        layers.GRU(3)(Input((5, 2)), initial_state=[Input((4,))])


# --- Cells ----------------------------------------------------------------------------------------------------------------


class Leaky(layers.Layer):
    """A user's cell: two states, an output that differs from both."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units, self.state_size, self.output_size = units, [units, 1], 2 * units

    def build(self, input_shape: tuple) -> None:
        self.kernel = self.add_weight((input_shape[-1], self.units), name="kernel")

    def call(self, inputs: Any, states: list) -> tuple:
        mean, count = states
        mean = 0.5 * mean + ops.matmul(inputs, self.kernel)
        return ops.concatenate([mean, -mean], axis=-1), [mean, count + 1]


def test_a_users_cell_runs_and_learns(backend: str) -> None:
    layer = layers.RNN(Leaky(2), **ALL).to_backend(backend)
    x = sequences()
    outputs, mean, count = (np.asarray(leaf) for leaf in layer(x))
    wanted = np.zeros((BATCH, 2))
    for step in range(STEPS):
        wanted = 0.5 * wanted + x[:, step] @ layer.get_weights()[0]
        np.testing.assert_allclose(outputs[:, step], np.concatenate([wanted, -wanted], 1), 1e-5, 1e-6)
    np.testing.assert_allclose(mean, wanted, 1e-5, 1e-6)
    assert (count == STEPS).all()


def test_padding_repeats_the_output_of_a_users_cell(backend: str) -> None:
    layer = layers.RNN(Leaky(2), **ALL).to_backend(backend)
    outputs, _, count = (np.asarray(leaf) for leaf in layer(sequences(), mask=MASK))
    np.testing.assert_allclose(outputs[0, 3], outputs[0, 2])
    assert (outputs[1, 0] == 0).all()
    assert count[:, 0].tolist() == MASK.sum(axis=1).tolist()


def test_a_layer_with_a_users_cell_keeps_the_contract() -> None:
    check_layer(lambda: layers.RNN(Leaky(2)), input_shape=(2, 3, 2), skip=["config", "backends"])


def test_a_cell_may_be_no_layer(backend: str) -> None:
    class Sum:
        state_size = FEATURES

        def call(self, inputs: Any, states: list, training: bool = False) -> tuple:
            return states[0] + inputs, states[0] + inputs

    layer = layers.RNN(Sum()).to_backend(backend)
    np.testing.assert_allclose(np.asarray(layer(sequences())), sequences().sum(axis=1), 1e-5, 1e-6)
    assert layer.batch_coupling == "unknown"


def test_a_changed_lstm_cell_is_run_as_it_is_written() -> None:
    class Doubled(layers.LSTMCell):
        def call(self, inputs: Any, states: Any, training: bool | None = False) -> tuple:
            output, states = super().call(inputs, states, training)
            return 2 * output, states

    layer, plain = layers.RNN(Doubled(3)), layers.RNN(layers.LSTMCell(3))
    layer(sequences()), plain(sequences())
    plain.set_weights(layer.get_weights())
    np.testing.assert_allclose(np.asarray(layer(sequences())), 2 * np.asarray(plain(sequences())), 1e-6)


def test_hooks_do_not_see_the_inside_of_the_loop() -> None:
    seen = []
    layer = layers.RNN(Leaky(2))
    layer(sequences())
    trained = [variable.value for variable in layer.trainable_variables]
    context = CallContext(hooks=(lambda layer, inputs, outputs: (seen.append(layer), outputs)[1],))
    state = [variable.value for variable in layer.non_trainable_variables]
    layer.stateless_call(trained, state, sequences(), call_context=context)
    assert seen == [layer]


def test_a_loss_inside_of_the_loop_is_refused() -> None:
    cell = Leaky(2, activity_regularizer="l2")
    with pytest.raises(InvalidArgumentError, match=r"added a loss in its `call`.*cannot leave the loop"):
        layers.RNN(cell)(sequences())


@pytest.mark.parametrize("cell", [layers.Dense(3), 5, [layers.LSTMCell]])
def test_what_is_no_cell_is_refused(cell: Any) -> None:
    with pytest.raises(InvalidTypeError, match=r"A cell needs a method `call\(inputs, states\)` and a `state_size`"):
        layers.RNN(cell)


def test_a_layer_is_no_cell() -> None:
    with pytest.raises(InvalidTypeError, match=r"recurrent layer 'inner' as a cell.*without `StackedRNNCells`"):
        layers.RNN([layers.LSTM(3, name="inner")])


# --- Shapes, names, configs -----------------------------------------------------------------------------------------------


def test_unknown_sizes_stay_unknown() -> None:
    outputs, h, c = layers.LSTM(4, **ALL)(Input((None, 3)))
    assert (outputs.shape, h.shape, c.shape) == ((None, None, 4), (None, 4), (None, 4))
    stacked = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_state=True)
    assert stacked.compute_output_shape((None, None, 5)) == ((None, 2), [(None, 3), (None, 3)], [(None, 2)])


@pytest.mark.parametrize("make", CASES.values(), ids=CASES.keys())
def test_weights_have_the_paths_and_shapes_of_keras(make: Callable) -> None:
    import keras

    keras.utils.clear_session(free_memory=False)
    reset_names()
    theirs, mine = make(keras.layers), make(layers)
    for layer in (theirs, mine):
        layer.build((None, STEPS, FEATURES))
    assert [(v.path, v.shape) for v in mine.weights] == [(v.path, tuple(v.shape)) for v in theirs.weights]


FULL = {
    "units": 3,
    "kernel_regularizer": "l2",
    "recurrent_constraint": "max_norm",
    "bias_initializer": "ones",
    "dropout": 0.1,
    "recurrent_dropout": 0.2,
    "activity_regularizer": "l2",
    "go_backwards": True,
    "stateful": True,
    "zero_output_for_mask": True,
}


@pytest.mark.parametrize("arguments", [{"units": 3}, FULL], ids=["few", "many"])
@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_configs_are_those_of_keras(kind: str, arguments: dict) -> None:
    import keras

    theirs = json.loads(json.dumps(getattr(keras.layers, kind)(**arguments, name="it").get_config()))
    mine = json.loads(json.dumps(getattr(layers, kind)(**arguments, name="it").get_config()))
    if kind == "SimpleRNN":  # of which Keras forgets two arguments
        assert mine.pop("seed") is None
        theirs["activity_regularizer"] = mine["activity_regularizer"]
    assert mine == theirs
    assert json.loads(json.dumps(getattr(layers, kind).from_config(theirs).get_config())) | {"seed": None} == theirs | {
        "seed": None
    }


@pytest.mark.parametrize("kind", ["SimpleRNNCell", "LSTMCell", "GRUCell"])
def test_configs_of_cells_are_those_of_keras(kind: str) -> None:
    import keras

    theirs = json.loads(json.dumps(getattr(keras.layers, kind)(3, dropout=0.2, name="it").get_config()))
    assert json.loads(json.dumps(getattr(layers, kind)(3, dropout=0.2, name="it").get_config())) == theirs


def test_a_config_of_stacked_cells_makes_the_same_layer() -> None:
    import keras

    theirs = keras.layers.RNN([keras.layers.LSTMCell(3, name="a"), keras.layers.GRUCell(2, name="b")], go_backwards=True)
    mine = layers.RNN.from_config(json.loads(json.dumps(theirs.get_config())))
    assert [type(cell).__name__ for cell in mine.cell.cells] == ["LSTMCell", "GRUCell"]
    assert json.loads(json.dumps(mine.get_config())) == json.loads(json.dumps(theirs.get_config()))


class Named(layers.LSTM):
    """A user's subclass with a constructor of its own."""

    def __init__(self, size: int, **kwargs: Any):
        super().__init__(2 * size, **kwargs)
        self.size = size


class Extended(layers.LSTM):
    """A user's subclass in Keras's manner."""

    def __init__(self, units: int, extra: int = 0, **kwargs: Any):
        super().__init__(units, **kwargs)
        self.extra = extra

    def get_config(self) -> dict:
        return {**super().get_config(), "extra": self.extra}


def test_subclasses_come_back_from_their_configs() -> None:
    named = Named.from_config(Named(2, name="it").get_config())
    assert (named.size, named.units, named.name) == (2, 4, "it")
    extended = Extended.from_config(Extended(3, extra=5, activation="relu").get_config())
    assert (extended.units, extended.extra, extended.activation.__name__) == (3, 5, "relu")


class Renamed(layers.GRU):
    """A subclass that changes nothing."""


class Called(layers.SimpleRNN):
    """A subclass with a `call` of its own."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return 2 * super().call(*args, **kwargs)


class NamedAgain(Named):
    """A subclass of a subclass that has a constructor of its own."""


class Larger(layers.LSTM):
    """A subclass with the arguments of its base, changed on the way, and no `get_config`."""

    def __init__(self, units: int, activation: Any = "tanh", **kwargs: Any):
        super().__init__(units + 1, activation, **kwargs)


class OwnCell(layers.LSTMCell):
    """A cell with a constructor of its own."""

    def __init__(self, size: int, **kwargs: Any):
        super().__init__(2 * size, **kwargs)
        self.size = size


def test_a_subclass_without_a_constructor_has_the_config_of_its_base() -> None:
    for kind, base in ((Renamed, layers.GRU), (Called, layers.SimpleRNN)):
        arguments = {"dropout": 0.25, "return_sequences": True, "activation": "relu", "name": "it"}
        assert kind(3, **arguments).get_config() == base(3, **arguments).get_config()
        assert kind.from_config(kind(3, **arguments).get_config()).get_config() == base(3, **arguments).get_config()


BASE = {"name": "it", "trainable": True, "dtype": layers.LSTM(1).get_config()["dtype"]}


def test_a_subclass_with_a_constructor_has_its_arguments_in_the_config() -> None:
    assert Named(2, name="it").get_config() == NamedAgain(2, name="it").get_config() == {**BASE, "size": 2}
    assert OwnCell(2, name="it").get_config() == {**BASE, "size": 2}
    assert Named(2, dropout=0.5, name="it").get_config() == {**BASE, "size": 2, "dropout": 0.5}
    assert Larger(3, name="it").get_config() == {**BASE, "units": 3, "activation": "tanh"}
    assert Larger.from_config(Larger(3, name="it").get_config()).units == 4


def test_a_subclass_with_a_get_config_has_all_arguments_of_its_base_in_it() -> None:
    config = Extended(3, extra=5, activation="relu", name="it").get_config()
    assert config == {**layers.LSTM(3, activation="relu", name="it").get_config(), "extra": 5}


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "SimpleRNNCell", "LSTMCell", "GRUCell"])
def test_configs_do_not_depend_on_the_file_that_holds_the_class(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Derived(getattr(layers, kind)):
        """A subclass."""

    made = [kind(3, dropout=0.2, name="it") for kind in (getattr(layers, kind), Derived)]
    before = [layer.get_config() for layer in made]
    for base in type(made[0]).__mro__[:3]:
        if base.__module__.startswith("cornu.layers"):
            monkeypatch.setattr(base, "__module__", f"cornu.layers.another.{base.__name__}")
    assert [layer.get_config() for layer in made] == before


def test_the_arguments_can_be_read_from_the_layer_and_set() -> None:
    layer = layers.GRU(3, dropout=0.25)
    assert (layer.units, layer.dropout, layer.reset_after, layer.activation.__name__) == (3, 0.25, True, "tanh")
    layer.dropout = 0.0
    assert layer.cell.dropout == 0.0
    assert not hasattr(layer, "unit_forget_bias")


def test_the_forget_gate_starts_open() -> None:
    layer = layers.LSTM(2)
    layer.build((None, 3, 1))
    assert layer.cell.bias.numpy().tolist() == [0, 0, 1, 1, 0, 0, 0, 0]
    plain = layers.LSTM(2, unit_forget_bias=False, bias_initializer="ones")
    plain.build((None, 3, 1))
    assert plain.cell.bias.numpy().tolist() == [1] * 8


def test_a_trained_layer_remembers_what_came_first() -> None:
    x = np.random.default_rng(0).integers(0, 2, (256, 8, 1)).astype("float32")
    model = Sequential([Input((8, 1)), layers.GRU(8), layers.Dense(1, activation="sigmoid")])
    model.compile(optimizer=optimizers.Adam(0.03), loss="binary_crossentropy")
    history = model.fit(x, x[:, 0], batch_size=32, epochs=15, verbose=0).history["loss"]
    assert history[0] > 0.6
    assert history[-1] < 0.1


# --- Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "LSTMCell"])
@pytest.mark.parametrize("units", [0, -3, 2.5, "4"])
def test_units_must_be_positive(kind: str, units: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"`{kind}` received `units=.*integer greater than or equal to 1"):
        getattr(layers, kind)(units)


@pytest.mark.parametrize("argument", ["dropout", "recurrent_dropout"])
def test_dropout_must_leave_something(argument: str) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"`{argument}=1.0`.*\[0, 1\)"):
        layers.GRU(2, **{argument: 1.0})


def test_a_missing_axis_is_named() -> None:
    with pytest.raises(
        ShapeError, match=r"shape \(4, 5\).*\(batch, steps, features\).*Add the feature axis, `x\[\.\.\., None\]`"
    ):
        layers.LSTM(2)(random(4, 5))


def test_images_are_refused_with_advice() -> None:
    with pytest.raises(ShapeError, match="Reshape each step to a vector"):
        layers.LSTM(2)(random(2, 3, 4, 4))


def test_a_list_of_states_beside_the_input_is_refused_with_advice() -> None:
    with pytest.raises(ShapeError, match=r"`layer\(x, initial_state=\[\.\.\.\]\)`"):
        layers.GRU(2)([sequences(), random(4, 2)])


def test_another_number_of_features_is_refused() -> None:
    layer = layers.GRU(2)
    layer(sequences())
    with pytest.raises(ShapeError, match="built for 3 features, but the input has 7"):
        layer(random(2, 5, 7))


def test_unknown_arguments_are_refused() -> None:
    with pytest.raises(InvalidTypeError, match="Did you mean 'return_sequences'"):
        layers.LSTM(2, return_sequence=True)


@pytest.mark.parametrize(
    "layer, cell", [(layers.SimpleRNN, layers.SimpleRNNCell), (layers.LSTM, layers.LSTMCell), (layers.GRU, layers.GRUCell)]
)
def test_the_cell_receives_every_argument_of_its_layer(layer: type, cell: type) -> None:
    """Each of the layer's arguments differs from its default and from the others of its kind."""
    values = {
        "units": 3,
        "activation": "relu",
        "recurrent_activation": "hard_sigmoid",
        "use_bias": False,
        "unit_forget_bias": False,
        "reset_after": False,
        "dropout": 0.125,
        "recurrent_dropout": 0.25,
        "seed": 7,
    }
    for place, part in enumerate(("kernel", "recurrent", "bias"), start=1):
        values[f"{part}_initializer"] = {"class_name": "Constant", "config": {"value": float(place)}}
        values[f"{part}_regularizer"] = {"class_name": "L2", "config": {"l2": place / 8}}
        values[f"{part}_constraint"] = {"class_name": "MaxNorm", "config": {"max_value": float(place), "axis": 0}}
    names = inspect.signature(cell).parameters.keys() - {"kwargs"}
    assert names <= inspect.signature(layer).parameters.keys() and names <= values.keys()
    given = {name: values[name] for name in names}
    made, expected = layer(**given, dtype="float64", trainable=False).cell, cell(**given, dtype="float64", trainable=False)
    assert {**made.get_config(), "name": ""} == {**expected.get_config(), "name": ""}
    assert len(names) >= 15


class Adder(layers.Layer):
    """A cell whose state is not a list."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape: tuple) -> None:
        self.kernel = self.add_weight((input_shape[-1], self.units), "ones", name="kernel")

    def call(self, inputs: Any, states: list) -> tuple:
        outputs = ops.matmul(inputs, self.kernel) + states[0]
        return outputs, [outputs]


@pytest.mark.parametrize(
    ("cells", "shapes"),
    [
        (lambda: [Adder(3), Adder(2)], [(1, 2), (1, 3), (1, 2)]),
        (lambda: [Adder(3)], [(1, 3), (1, 3)]),
        (lambda: [layers.LSTMCell(3), Adder(2)], [(1, 2), [(1, 3), (1, 3)], (1, 2)]),
        (lambda: [layers.GRUCell(3), layers.GRUCell(2)], [(1, 2), [(1, 3)], [(1, 2)]]),
        (lambda: [layers.LSTMCell(3)], [(1, 3), (1, 3), (1, 3)]),
    ],
)
def test_each_cell_of_a_stack_returns_its_state_in_its_own_form(backend: str, cells: Callable, shapes: list) -> None:
    layer = layers.RNN(layers.StackedRNNCells(cells()), return_state=True).to_backend(backend)
    outputs = layer(random(1, 3, 2))
    assert [[tuple(one.shape) for one in each] if isinstance(each, list) else tuple(each.shape) for each in outputs] == shapes
    inputs = Input(batch_shape=(1, 3, 2))
    model = Model(inputs, layer(inputs)).to_backend(backend)
    flat = [one for each in outputs for one in (each if isinstance(each, list) else [each])]
    found = [one for each in model(random(1, 3, 2)) for one in (each if isinstance(each, list) else [each])]
    assert [tuple(one.shape) for one in found] == [tuple(one.shape) for one in flat]


def test_states_are_not_among_the_weights() -> None:
    model = Sequential([Input(batch_shape=(2, 1, 3)), layers.LSTM(4, stateful=True), layers.Dense(1)])
    plain = Sequential([Input((6, 3)), layers.LSTM(4), layers.Dense(1)])
    assert model.count_params() == plain.count_params() == 133
    assert [w.shape for w in model.get_weights()] == [w.shape for w in plain.get_weights()]
    assert model.layers[0].non_trainable_weights == []
    assert len(model.non_trainable_variables) == 3  # which compiled code passes on: with the state of the random generator
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    assert "Total parameters: 133" in lines[0]
    assert "Non-trainable parameters: 0" in lines[0]


def test_predict_continues_with_the_states_of_the_last_batch(backend: str) -> None:
    whole = Sequential([Input((6, 3)), layers.LSTM(4), layers.Dense(1)]).to_backend(backend)
    steps = Sequential([Input(batch_shape=(1, 1, 3)), layers.LSTM(4, stateful=True), layers.Dense(1)]).to_backend(backend)
    steps.set_weights(whole.get_weights())
    x = random(1, 6, 3)
    found = [steps.predict(x[:, step : step + 1], verbose=0) for step in range(6)][-1]
    np.testing.assert_allclose(found, whole.predict(x, verbose=0), atol=1e-5)
    steps.layers[0].reset_state()
    found = [np.asarray(steps(x[:, step : step + 1])) for step in range(6)][-1]  # each call moves the states once
    np.testing.assert_allclose(found, whole.predict(x, verbose=0), atol=1e-5)


@pytest.mark.parametrize("make", [functools.partial(layers.LSTM, 2), lambda: layers.Bidirectional(layers.LSTM(2))])
def test_a_layer_is_built_with_the_shapes_of_its_states_too(make: Callable) -> None:
    expected, layer, by_name = make(), make(), make()
    expected.build((None, 4, 3))
    layer.build((None, 4, 3), [(None, 2), (None, 2)])
    by_name.build(sequences_shape=(None, 4, 3), initial_state_shape=None)
    shapes = [weight.shape for weight in expected.weights]
    assert shapes == [weight.shape for weight in layer.weights] == [weight.shape for weight in by_name.weights]


def test_a_subclass_may_name_the_arguments_of_its_call_otherwise() -> None:
    class Doubled(layers.GRU):
        def call(self, inputs: Any, mask: Any = None) -> Any:
            return super().call(2 * inputs, mask=mask)

    x = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    layer, plain = Doubled(2), layers.GRU(2)
    plain.build(x.shape)
    layer(x)
    layer.set_weights(plain.get_weights())
    np.testing.assert_allclose(layer(x), plain(2 * x), rtol=1e-5, atol=1e-6)
