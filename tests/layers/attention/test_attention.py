"""Attention: against real Keras with every argument, masks, files both ways, a Transformer's block, and mistakes."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cornu import Input, Model, backends, config, layers, ops, seeds
from cornu.core.call_context import CallContext
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.models import load_model, model_from_json
from cornu.testing.layer_checks import check_layer

AGAINST_KERAS = {
    "attention": ("Attention", {}, [(2, 3, 4), (2, 5, 4)]),
    "attention with a key": ("Attention", {"use_scale": True}, [(2, 3, 4), (2, 5, 6), (2, 5, 4)]),
    "attention by concatenation": ("Attention", {"score_mode": "concat"}, [(2, 3, 4), (2, 5, 4)]),
    "attention by scaled concatenation": ("Attention", {"score_mode": "concat", "use_scale": True}, [(2, 3, 4), (2, 5, 4)]),
    "attention with more axes": ("Attention", {}, [(2, 6, 3, 4), (2, 6, 5, 4)]),
    "additive": ("AdditiveAttention", {}, [(2, 3, 4), (2, 5, 4)]),
    "additive with a key": ("AdditiveAttention", {"seed": 3}, [(2, 3, 4), (2, 5, 6), (2, 5, 4)]),
    "additive without scale": ("AdditiveAttention", {"use_scale": False, "dropout": 0.5}, [(2, 3, 4), (2, 5, 4)]),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=case[2])


class Over(layers.Layer):
    """A layer with many heads on a list ``[query, value, key]``, or on one tensor, as a layer with one argument."""

    batch_coupling = "none"
    kind: type[layers.Layer] = layers.MultiHeadAttention

    def __init__(self, arguments: dict, call: dict | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.arguments, self.call_arguments = arguments, call or {}
        self.inner = self.kind(**arguments, name="inner", dtype=self.dtype_policy)

    def get_config(self) -> dict:
        return {**super().get_config(), "arguments": self.arguments, "call": self.call_arguments}

    def build(self, input_shape: Any) -> None:
        self.inner.build(*(input_shape if isinstance(input_shape, list) else [input_shape] * 2))

    def call(self, inputs: Any) -> Any:
        return self.inner(*(inputs if isinstance(inputs, list) else [inputs] * 2), **self.call_arguments)


class OverGroups(Over):
    kind = layers.GroupQueryAttention


PLAIN = {"num_heads": 2, "key_dim": 3}
GROUPS = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}

CONTRACT = {
    "self": (Over, PLAIN, (2, 4, 5)),
    "cross": (Over, {**PLAIN, "value_dim": 4, "output_shape": [6, 2]}, [(2, 3, 4), (2, 5, 6), (2, 5, 7)]),
    "causal with scores": (
        Over,
        {**PLAIN, "value_dim": 4},
        (2, 4, 5),
        {"return_attention_scores": True, "use_causal_mask": True},
    ),
    "over axes": (Over, {**PLAIN, "attention_axes": [2], "use_gate": True}, (2, 3, 4, 5)),
    "with dropout": (Over, {**PLAIN, "dropout": 0.5, "seed": 1}, (2, 4, 5)),
    "groups": (OverGroups, {**GROUPS, "use_gate": True}, (2, 4, 5)),
}


@pytest.mark.parametrize("case", CONTRACT.values(), ids=CONTRACT.keys())
def test_many_heads_keep_the_contract(case: tuple) -> None:
    kind, arguments, shape, *call = case
    check_layer(kind, {"arguments": arguments, "call": call[0] if call else {}}, input_shape=shape)


# --- Many heads against Keras -----------------------------------------------------------------------------------------

RNG = np.random.default_rng(7)
CROSS, SELF, IMAGES = [(2, 3, 4), (2, 5, 6)], [(2, 4, 5)] * 2, [(2, 3, 4, 5)] * 2
VALUE_MASK = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 0, 1]], bool)
KEY_MASK = np.array([[0, 1, 1, 1, 1], [1, 1, 1, 1, 1]], bool)
SCORES = {"return_attention_scores": True}


def mask(*shape: int) -> np.ndarray:
    allowed = RNG.random(shape) > 0.4
    allowed[..., 0] = True  # what becomes of a query that sees no key has a test of its own
    return allowed


MANY = {
    "self": ("MultiHeadAttention", PLAIN, SELF, {}),
    "self with scores": ("MultiHeadAttention", PLAIN, SELF, SCORES),
    "cross": ("MultiHeadAttention", PLAIN, CROSS, {}),
    "cross with a key and scores": ("MultiHeadAttention", PLAIN, [*CROSS, (2, 5, 7)], SCORES),
    "value_dim with scores": ("MultiHeadAttention", {**PLAIN, "value_dim": 5}, CROSS, SCORES),
    "output_shape": ("MultiHeadAttention", {**PLAIN, "output_shape": 7}, CROSS, {}),
    "output_shape of two": ("MultiHeadAttention", {**PLAIN, "output_shape": (7, 2)}, CROSS, {}),
    "without bias": ("MultiHeadAttention", {**PLAIN, "use_bias": False}, CROSS, {}),
    "gate": ("MultiHeadAttention", {**PLAIN, "use_gate": True}, CROSS, {}),
    "gate with scores": ("MultiHeadAttention", {**PLAIN, "value_dim": 5, "use_gate": True}, CROSS, SCORES),
    "causal": ("MultiHeadAttention", PLAIN, SELF, {"use_causal_mask": True}),
    "causal cross with scores": ("MultiHeadAttention", PLAIN, CROSS, {"use_causal_mask": True, **SCORES}),
    "value_mask": ("MultiHeadAttention", PLAIN, CROSS, {"value_mask": VALUE_MASK}),
    "value_mask with scores": ("MultiHeadAttention", PLAIN, CROSS, {"value_mask": VALUE_MASK, **SCORES}),
    "key_mask": ("MultiHeadAttention", PLAIN, CROSS, {"key_mask": KEY_MASK}),
    "all masks": (
        "MultiHeadAttention",
        PLAIN,
        CROSS,
        {"key_mask": KEY_MASK | VALUE_MASK, "value_mask": VALUE_MASK, "attention_mask": mask(2, 3, 5) | VALUE_MASK[:, None]},
    ),
    "attention_mask": ("MultiHeadAttention", PLAIN, CROSS, {"attention_mask": mask(2, 3, 5)}),
    "attention_mask with scores": ("MultiHeadAttention", PLAIN, CROSS, {"attention_mask": mask(2, 3, 5), **SCORES}),
    "attention_mask of numbers": ("MultiHeadAttention", PLAIN, CROSS, {"attention_mask": mask(2, 3, 5).astype("float32")}),
    "attention_mask without batch": ("MultiHeadAttention", PLAIN, CROSS, {"attention_mask": mask(3, 5), **SCORES}),
    "attention_mask of heads": ("MultiHeadAttention", PLAIN, CROSS, {"attention_mask": mask(2, 2, 3, 5), **SCORES}),
    "attention_mask repeated": ("MultiHeadAttention", PLAIN, CROSS, {"attention_mask": mask(2, 1, 1, 5), **SCORES}),
    "attention_mask repeated, no scores": ("MultiHeadAttention", PLAIN, CROSS, {"attention_mask": mask(2, 1, 5)}),
    "sliding_window": ("MultiHeadAttention", {**PLAIN, "sliding_window": 2}, SELF, SCORES),
    "sliding_window causal": ("MultiHeadAttention", {**PLAIN, "sliding_window": 2}, CROSS, {"use_causal_mask": True}),
    "axis 1": ("MultiHeadAttention", {**PLAIN, "attention_axes": 1}, IMAGES, SCORES),
    "axis 2": ("MultiHeadAttention", {**PLAIN, "attention_axes": (2,)}, IMAGES, SCORES),
    "axis -2": ("MultiHeadAttention", {**PLAIN, "attention_axes": (-2,)}, IMAGES, {}),
    "both axes": ("MultiHeadAttention", {**PLAIN, "attention_axes": (1, 2)}, IMAGES, SCORES),
    "all axes": ("MultiHeadAttention", PLAIN, [(2, 3, 2, 5), (2, 2, 4, 6)], SCORES),
    "axis 2 with a mask": (
        "MultiHeadAttention",
        {**PLAIN, "attention_axes": (2,), "use_gate": True},
        IMAGES,
        {"attention_mask": mask(2, 3, 4, 4), **SCORES},
    ),
    "axis 1, causal, value_mask": (
        "MultiHeadAttention",
        {**PLAIN, "attention_axes": (1,)},
        IMAGES,
        {"value_mask": np.array([[1, 1, 0], [1, 0, 1]], bool), "use_causal_mask": True, **SCORES},
    ),
    "dropout without training": ("MultiHeadAttention", {**PLAIN, "dropout": 0.5}, CROSS, {}),
    "frozen": ("MultiHeadAttention", {**PLAIN, "trainable": False}, CROSS, {}),
    "groups": ("GroupQueryAttention", GROUPS, CROSS, {}),
    "groups with scores": ("GroupQueryAttention", GROUPS, [*CROSS, (2, 5, 7)], SCORES),
    "groups with a gate": ("GroupQueryAttention", {**GROUPS, "use_gate": True, "use_bias": False}, CROSS, SCORES),
    "groups causal": ("GroupQueryAttention", {**GROUPS, "sliding_window": 2}, SELF, {"use_causal_mask": True}),
    "groups with masks": (
        "GroupQueryAttention",
        GROUPS,
        CROSS,
        {
            "value_mask": VALUE_MASK,
            "key_mask": KEY_MASK | VALUE_MASK,
            "attention_mask": mask(2, 3, 5) | VALUE_MASK[:, None],
        },
    ),
    "one group": ("GroupQueryAttention", {**GROUPS, "num_key_value_heads": 1}, SELF, SCORES),
    "groups with query_mask": (
        "GroupQueryAttention",
        GROUPS,
        CROSS,
        {"query_mask": np.array([[1, 1, 0], [1, 0, 0]], bool), **SCORES},
    ),
}


ON_ENGINES = (
    *("self", "cross with a key and scores", "value_dim with scores", "gate", "causal", "all masks", "attention_mask of heads"),
    *("sliding_window", "axis 2 with a mask", "both axes", "groups with scores", "groups with masks", "groups causal"),
)
"""Cases that differ in what they compute, so that each engine has all kinds of them; the reference has all cases."""

PLACES = [
    *((name, "numpy") for name in MANY),
    *((name, engine) for engine in config.installed_backends() if engine != "numpy" for name in ON_ENGINES),
]


def arrays_of(shapes: list) -> list:
    rng = np.random.default_rng(0)
    drawn = [rng.normal(size=shape).astype("float32") for shape in dict.fromkeys(shapes)]
    return [drawn[list(dict.fromkeys(shapes)).index(shape)] for shape in shapes]


def numbers_for(count: int, shapes: list) -> list:
    rng = np.random.default_rng(count)
    return [rng.normal(size=shape).astype("float32") for shape in shapes]


@pytest.fixture(scope="module")
def keras_said() -> Callable:
    """The results of Keras for a case: config, weights and their values, shape, outputs and gradients. Each computed once."""
    import jax
    import keras

    known: dict[str, Any] = {}

    def ask(name: str) -> Any:
        if name in known:
            return known[name]
        kind, arguments, shapes, call = MANY[name]
        layer, inputs = getattr(keras.layers, kind)(**arguments), arrays_of(shapes)
        written = json.loads(json.dumps(layer.get_config()))
        layer.build(*shapes)
        values = numbers_for(1, [weight.shape for weight in layer.weights])
        layer.set_weights(values)
        trained = [np.asarray(variable.value) for variable in layer.trainable_variables]
        state = [np.asarray(variable.value) for variable in layer.non_trainable_variables]

        def loss(trained: list, inputs: list) -> Any:
            outputs = jax.tree.leaves(layer.stateless_call(trained, state, *inputs, **call)[0])
            factors = numbers_for(2, [output.shape for output in outputs])
            return sum((output * factor).sum() for output, factor in zip(outputs, factors, strict=True)), outputs

        gradients, outputs = jax.jit(jax.grad(loss, argnums=(0, 1), has_aux=True))(trained, inputs)
        weights = [(weight.path.partition("/")[2], tuple(weight.shape)) for weight in layer.weights]
        shape = (None, *outputs[0].shape[1:])  # by its own arithmetic of shapes Keras refuses some that it computes
        known[name] = written, weights, values, shape, outputs, jax.tree.leaves(gradients)
        return known[name]

    return ask


@pytest.mark.parametrize("name, backend", PLACES)
def test_many_heads_are_those_of_keras(name: str, backend: str, keras_said: Callable) -> None:
    config_of_keras, weights, values, shape, wanted, wanted_gradients = keras_said(name)
    kind, arguments, shapes, call = MANY[name]
    engine = backends.get(backend)
    layer = getattr(layers, kind)(**arguments).to_backend(backend)
    mine = json.loads(json.dumps(layer.get_config()))
    layer.build(*shapes)

    assert {k: v for k, v in mine.items() if k not in ("name", "dtype")} == {
        k: v for k, v in config_of_keras.items() if k not in ("name", "dtype")
    }
    assert [(weight.path.partition("/")[2], weight.shape) for weight in layer.weights] == weights
    assert layer.compute_output_shape(*[(None, *shape[1:]) for shape in shapes]) == tuple(shape)
    layer.set_weights(values)
    trained = [variable.value for variable in layer.trainable_variables]
    state = [variable.value for variable in layer.non_trainable_variables]

    def loss(arguments: list) -> Any:
        trained, inputs = arguments
        found = layer.stateless_call(trained, state, *inputs, call_context=CallContext(), **call)[0]
        outputs = list(found) if isinstance(found, tuple) else [found]
        factors = numbers_for(2, [output.shape for output in outputs])
        return sum(ops.sum(o * engine.asarray(f)) for o, f in zip(outputs, factors, strict=True)), outputs

    function = engine.compile(engine.value_and_grad(loss, has_aux=True))
    (_, outputs), gradients = function([trained, [engine.asarray(x) for x in arrays_of(shapes)]])
    for one, other in zip(outputs, wanted, strict=True):
        np.testing.assert_allclose(engine.to_numpy(one), other, rtol=2e-5, atol=5e-6)
    for one, other in zip([*gradients[0], *gradients[1]], wanted_gradients, strict=True):
        rounding = 3e-6 * np.abs(other).max()  # of sums over places, in another order on each engine
        np.testing.assert_allclose(engine.to_numpy(one), other, rtol=3e-5, atol=max(2e-5, rounding))


@pytest.mark.parametrize("kind, arguments", [("MultiHeadAttention", PLAIN), ("GroupQueryAttention", GROUPS)])
@pytest.mark.parametrize("call", [{}, SCORES], ids=["", "scores"])
def test_a_query_that_sees_no_key_gets_what_it_gets_in_keras(kind: str, arguments: dict, call: dict, backend: str) -> None:
    theirs, mine, inputs = pair(kind, arguments, CROSS, backend)
    call = {**call, "attention_mask": np.zeros((2, 3, 5), bool)}
    same(mine(*inputs, **call), theirs(*inputs, **call))


@pytest.mark.parametrize("arguments", [PLAIN, {**PLAIN, "value_dim": 5}])
def test_outputs_are_the_same_whether_scores_are_wanted_or_not(arguments: dict, backend: str) -> None:
    layer = layers.MultiHeadAttention(**arguments).to_backend(backend)
    inputs, call = arrays_of(CROSS), {"value_mask": VALUE_MASK, "use_causal_mask": True}
    wanted = np.asarray(layer(*inputs, **call, return_attention_scores=True)[0])
    np.testing.assert_allclose(np.asarray(layer(*inputs, **call))[0], wanted[0], rtol=1e-5, atol=1e-6)


def pair(kind: str, arguments: dict, shapes: list, backend: str) -> tuple:
    """Keras's layer and ours with the same random weights, and inputs."""
    import keras

    theirs, mine = getattr(keras.layers, kind)(**arguments), getattr(layers, kind)(**arguments).to_backend(backend)
    for layer in (theirs, mine):
        layer.build(*shapes) if "Query" in kind or "Multi" in kind else layer.build(shapes)
    values = numbers_for(1, [weight.shape for weight in theirs.weights])
    theirs.set_weights(values)
    mine.set_weights(values)
    return theirs, mine, arrays_of(shapes)


def same(mine: Any, theirs: Any) -> None:
    for one, other in zip(*[x if isinstance(x, tuple) else (x,) for x in (mine, theirs)], strict=True):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=2e-5, atol=5e-6)


# --- One head: masks and scores ---------------------------------------------------------------------------------------

ONE_HEAD = {"Attention": {"use_scale": True}, "AdditiveAttention": {}}
QUERY_MASK = np.array([[1, 1, 0], [1, 0, 0]], bool)
MASKS = {
    "none": {},
    "both": {"mask": [QUERY_MASK, VALUE_MASK]},
    "the query's": {"mask": [QUERY_MASK, None]},
    "the value's": {"mask": [None, VALUE_MASK]},
    "three": {"mask": [QUERY_MASK, VALUE_MASK, KEY_MASK]},
    "no value": {"mask": [None, VALUE_MASK & False]},
    "causal": {"use_causal_mask": True},
    "causal and both": {"mask": [QUERY_MASK, VALUE_MASK], "use_causal_mask": True},
}


@pytest.mark.parametrize("kind", ONE_HEAD)
@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("scores", [False, True])
def test_masks_of_one_head_are_those_of_keras(kind: str, name: str, scores: bool, backend: str) -> None:
    theirs, mine, inputs = pair(kind, ONE_HEAD[kind], [(2, 3, 4), (2, 5, 6), (2, 5, 4)], backend)
    call = {**MASKS[name], "return_attention_scores": scores}
    same(mine(inputs, **call), theirs(inputs, **call))


# --- Implied masks ----------------------------------------------------------------------------------------------------

WORDS = np.array([[3, 1, 4, 0, 0], [2, 6, 0, 0, 0]])
OTHER_WORDS = np.array([[1, 5, 0], [2, 2, 2]])


def reader(space: Any, kind: str, backend: str | None = None) -> Any:
    """A model in which a first sequence of words attends to a second one, both padded with zeros."""
    first, second = space.Input((3,), dtype="int32"), space.Input((5,), dtype="int32")
    words = space.layers.Embedding(7, 4, mask_zero=True, name="words")
    query, value = words(first), words(second)
    if kind == "MultiHeadAttention":
        seen = space.layers.MultiHeadAttention(**PLAIN)(query, value)
    elif kind == "GroupQueryAttention":
        seen = space.layers.GroupQueryAttention(**GROUPS)(query, value)
    else:
        seen = getattr(space.layers, kind)()([query, value])
    return space.Model([first, second], space.layers.GlobalAveragePooling1D()(seen))


@pytest.mark.parametrize("kind", ["MultiHeadAttention", "GroupQueryAttention", "Attention", "AdditiveAttention"])
def test_padding_is_looked_over_and_handed_on(kind: str, backend: str) -> None:
    import keras

    import cornu

    with warnings.catch_warnings():  # Keras warns that the projections inside one of its own layers lose the mask
        warnings.simplefilter("ignore")
        theirs, mine = reader(keras, kind), reader(cornu, kind).to_backend(backend)
        values = numbers_for(1, [weight.shape for weight in theirs.weights])
        theirs.set_weights(values)
        mine.set_weights(values)
        wanted = np.asarray(theirs([OTHER_WORDS, WORDS]))
    np.testing.assert_allclose(np.asarray(mine([OTHER_WORDS, WORDS])), wanted, rtol=1e-5, atol=1e-6)


def test_a_query_mask_that_is_given_counts_as_one_that_is_implied(backend: str) -> None:
    layer = layers.MultiHeadAttention(**PLAIN).to_backend(backend)
    query, value = arrays_of(CROSS)
    weights = np.asarray(layer(query, value, query_mask=QUERY_MASK, return_attention_scores=True)[1])
    assert (weights.sum(-1) > 0.5).tolist() == [[row.tolist()] * 2 for row in QUERY_MASK]


# --- Dropout ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["MultiHeadAttention", "GroupQueryAttention"])
def test_dropout_of_many_heads_drops_weights_while_training_alone(kind: str, backend: str) -> None:
    arguments = {"MultiHeadAttention": PLAIN, "GroupQueryAttention": GROUPS}[kind]
    layer = getattr(layers, kind)(**arguments, dropout=0.5, seed=3).to_backend(backend)
    query, value = arrays_of(CROSS)
    plain = np.asarray(layer(query, value))
    np.testing.assert_array_equal(np.asarray(layer(query, value)), plain)
    first, weights = layer(query, value, training=True, return_attention_scores=True)
    assert np.abs(np.asarray(first) - plain).max() > 1e-3
    assert np.asarray(weights).min() > 0, "the weights that are given are those before dropout, as in Keras"
    assert np.abs(np.asarray(first) - np.asarray(layer(query, value, training=True))).max() > 1e-3


@pytest.mark.parametrize("kind", ONE_HEAD)
def test_dropout_of_one_head_drops_half_and_doubles_the_rest(kind: str, backend: str) -> None:
    layer = getattr(layers, kind)(dropout=0.5, seed=3).to_backend(backend)
    inputs = arrays_of([(2, 40, 4), (2, 50, 4)])
    plain = np.asarray(layer(inputs, return_attention_scores=True)[1])
    dropped = np.asarray(layer(inputs, return_attention_scores=True, training=True)[1])
    kept = dropped != 0
    assert 0.4 < kept.mean() < 0.6
    np.testing.assert_allclose(dropped[kept], 2 * plain[kept], rtol=1e-5)


# --- Penalties, first values, config ----------------------------------------------------------------------------------


def test_penalties_are_those_of_keras(backend: str) -> None:
    arguments = {**PLAIN, "activity_regularizer": "l2", "kernel_regularizer": "l1", "bias_regularizer": "l2"}
    theirs, mine, inputs = pair("MultiHeadAttention", arguments, CROSS, backend)
    theirs(*inputs)
    mine(*inputs)
    assert sum(map(float, mine.losses)) == pytest.approx(sum(map(float, theirs.losses)), rel=1e-5)
    assert json.loads(json.dumps(mine.get_config()))["activity_regularizer"]["class_name"] == "L2"
    assert len(layers.MultiHeadAttention.from_config(mine.get_config())._penalty.get_config()) == 1


def test_initial_values_are_as_wide_as_those_of_keras() -> None:
    import keras

    theirs, mine = keras.layers.MultiHeadAttention(5, 9), layers.MultiHeadAttention(5, 9)
    for layer in (theirs, mine):
        layer.build((None, 6, 300), (None, 6, 200))
    for one, other in zip(mine.weights, theirs.weights, strict=True):
        assert np.abs(one.numpy()).max() == pytest.approx(float(np.abs(np.asarray(other.value)).max()), rel=5e-3)


def test_constraints_reach_the_projections() -> None:
    layer = layers.MultiHeadAttention(**PLAIN, kernel_constraint="non_neg", bias_constraint="non_neg")
    layer.build((None, 3, 4), (None, 3, 4))
    assert {type(weight.constraint).__name__ for weight in layer.weights} == {"NonNeg"}


def test_flash_attention_is_taken_and_forgotten() -> None:
    assert "flash_attention" not in layers.MultiHeadAttention(**PLAIN, flash_attention=True).get_config()


# --- Files ------------------------------------------------------------------------------------------------------------


def looking(space: Any) -> Any:
    """A model with all layers of this file."""
    x = space.Input((4, 6))
    y = space.layers.MultiHeadAttention(2, 3, value_dim=4, use_gate=True, dropout=0.1)(x, x, use_causal_mask=True)
    y = space.layers.GroupQueryAttention(3, 4, 2)(y, x)
    y = space.layers.Attention(use_scale=True, score_mode="concat")([y, x])
    y = space.layers.EinsumDense("abc,cde->abde", (4, 2, 3), bias_axes="de")(space.layers.AdditiveAttention()([y, x]))
    return space.Model(x, y)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of saving in Keras
@pytest.mark.parametrize("ending", [".keras", ".weights.h5"])
def test_files_go_both_ways_between_keras_and_cornu(ending: str, tmp_path: Path) -> None:
    import keras

    import cornu

    x = numbers_for(5, [(2, 4, 6)])[0]
    for source, target, load in ((keras, cornu, load_model), (cornu, keras, keras.models.load_model)):
        path = tmp_path / f"{source.__name__}{ending}"
        model = looking(source)
        model.set_weights(numbers_for(1, [weight.shape for weight in model.weights]))
        if ending == ".keras":
            model.save(path)
            again = load(path)
        else:
            model.save_weights(path)
            again = looking(target)
            again.load_weights(path)
        assert type(again).__module__.partition(".")[0] == target.__name__
        np.testing.assert_allclose(np.asarray(again(x)), np.asarray(model(x)), rtol=2e-5, atol=1e-5)


# --- A Transformer's block --------------------------------------------------------------------------------------------


def transformer() -> Model:
    seeds.set_seed(1)
    x = Input((5, 8))
    seen = layers.MultiHeadAttention(2, 4, name="look")(x, x, use_causal_mask=True)
    y = layers.LayerNormalization(epsilon=1e-6)(x + seen)
    wide = layers.Dense(16, activation="gelu")(y)
    y = layers.LayerNormalization(epsilon=1e-6)(layers.Add()([y, layers.Dense(8)(wide)]))
    model = Model(x, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling1D()(y)))
    model.set_weights(
        [w + 0.3 * n for w, n in zip(model.get_weights(), numbers_for(3, [w.shape for w in model.weights]), strict=True)]
    )
    return model


def trained_on(backend: str) -> tuple[Model, float, float]:
    x, y = numbers_for(4, [(20, 5, 8)])[0], np.arange(20) % 3
    model = transformer().to_backend(backend)
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    first = model.evaluate(x, y, verbose=0)
    model.fit(x, y, batch_size=8, epochs=4, verbose=0, shuffle=False)
    return model, float(first), float(model.evaluate(x, y, verbose=0))


@pytest.fixture(scope="module")
def on_numpy() -> Model:
    return trained_on("numpy")[0]


def test_a_transformer_learns_the_same_on_every_engine(engine_name: str, on_numpy: Model) -> None:
    model, before, after = trained_on(engine_name)
    assert after < before
    for mine, wanted in zip(model.get_weights(), on_numpy.get_weights(), strict=True):
        np.testing.assert_allclose(mine, wanted, atol=1e-4)


def test_a_transformer_goes_through_files(on_numpy: Model, tmp_path: Path) -> None:
    x = numbers_for(4, [(3, 5, 8)])[0]
    on_numpy.save(tmp_path / "t.keras")
    again = load_model(tmp_path / "t.keras").to_backend("numpy")
    np.testing.assert_array_equal(again.predict(x, verbose=0), on_numpy.predict(x, verbose=0))
    from_text = model_from_json(on_numpy.to_json()).to_backend("numpy")
    from_text.set_weights(on_numpy.get_weights())
    np.testing.assert_array_equal(from_text.predict(x, verbose=0), on_numpy.predict(x, verbose=0))


def test_a_step_does_not_compile_anew_for_the_last_batch() -> None:
    assert transformer().effective_batch_coupling() == "none"


def test_scores_are_outputs_of_a_functional_model(backend: str) -> None:
    x = Input((None, 4))
    outputs, weights = layers.MultiHeadAttention(**PLAIN)(x, x, return_attention_scores=True)
    assert (outputs.shape, weights.shape) == ((None, None, 4), (None, 2, None, None))
    model = Model(x, [outputs, weights]).to_backend(backend)
    for steps in (2, 5):
        assert [tuple(y.shape) for y in model(np.ones((1, steps, 4)))] == [(1, steps, 4), (1, 2, steps, steps)]


# --- What they say to mistakes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda: layers.MultiHeadAttention(0, 3), "`num_heads=0`. It must be an integer greater than or equal to 1"),
        (lambda: layers.MultiHeadAttention(2, 2.5), "`key_dim=2.5`"),
        (lambda: layers.MultiHeadAttention(2, 3, value_dim=0), "`value_dim=0`"),
        (lambda: layers.MultiHeadAttention(2, 3, dropout=20), "`dropout=20`. It must be in [0, 1)"),
        (lambda: layers.MultiHeadAttention(2, 3, sliding_window=0), "`sliding_window=0`"),
        (lambda: layers.MultiHeadAttention(2, 3, output_shape=(4, 0)), "`output_shape=0`"),
        (
            lambda: layers.GroupQueryAttention(3, 4, 3),
            "`num_query_heads=4` and `num_key_value_heads=3`. `num_query_heads` must be divisible",
        ),
        (lambda: layers.GroupQueryAttention(0, 4, 2), "`head_dim=0`"),
        (lambda: layers.Attention(score_mode="dott"), "dot"),
        (lambda: layers.Attention(dropout=1), "`dropout=1`. It must be in [0, 1)"),
        (lambda: layers.AdditiveAttention(dropout=-1), "`AdditiveAttention` received `dropout=-1`"),
    ],
)
def test_arguments_out_of_range_are_refused(make: Callable, said: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        make()
    assert said in str(raised.value)


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, "float32")


MISFITS = {
    "one sample": ((zeros(3, 4), zeros(3, 4)), {}, "received an input of shape (3, 4). It needs at least 3 dimensions"),
    "other ranks": ((zeros(2, 3, 4), zeros(2, 3, 3, 4)), {}, "They must have the same number of axes"),
    "other batches": ((zeros(2, 3, 4), zeros(3, 3, 4)), {}, "may differ only in the attention axes (1,)"),
    "fewer keys": ((zeros(2, 3, 4), zeros(2, 5, 4), zeros(2, 3, 4)), {}, "each key belongs to one value. Check"),
    "a value_mask": (
        (zeros(2, 3, 4), zeros(2, 5, 4)),
        {"value_mask": zeros(2, 3)},
        "`value_mask` of shape (2, 3). It must have the shape (2, 5)",
    ),
    "a query_mask": ((zeros(2, 3, 4), zeros(2, 5, 4)), {"query_mask": zeros(2, 5)}, "It must have the shape (2, 3)"),
    "an attention_mask": (
        (zeros(2, 3, 4), zeros(2, 5, 4)),
        {"attention_mask": zeros(2, 5)},
        "`attention_mask` of shape (2, 5). It must broadcast to the shape of the scores, (2, 2, 3, 5)",
    ),
    "a short attention_mask": (
        (zeros(2, 3, 4), zeros(2, 5, 4)),
        {"attention_mask": zeros(5)},
        "a mask of shape (2, 3, 5)",
    ),
}


@pytest.mark.parametrize("case", MISFITS.values(), ids=MISFITS.keys())
def test_what_does_not_fit_together_is_refused(case: tuple) -> None:
    args, call, said = case
    with pytest.raises(ShapeError) as raised:
        layers.MultiHeadAttention(**PLAIN, name="look")(*args, **call)
    assert said in str(raised.value) and "'look'" in str(raised.value)


def test_other_features_than_it_was_built_for_are_refused() -> None:
    layer = layers.MultiHeadAttention(**PLAIN)
    layer(zeros(2, 3, 4), zeros(2, 5, 6))
    with pytest.raises(ShapeError, match="It was built for 6 features of the key, but the input has 7"):
        layer(zeros(2, 3, 4), zeros(2, 5, 7))
    with pytest.raises(ShapeError, match="It was built for 4 features of the query, but the input has 5"):
        layer(Input((3, 5)), Input((5, 6)))


@pytest.mark.parametrize("axes", [(0,), (3,), (-1,), (1, 1), 7])
def test_axes_that_are_none_are_refused(axes: Any) -> None:
    layer = layers.MultiHeadAttention(**PLAIN, attention_axes=axes)
    with pytest.raises(
        InvalidArgumentError, match="They must be distinct axes between the batch axis and the feature axis: from 1 to 2"
    ):
        layer(zeros(2, 3, 4, 5), zeros(2, 3, 4, 5))


@pytest.mark.parametrize("arguments, call", [({}, {"use_causal_mask": True}), ({"sliding_window": 2}, {})])
def test_what_comes_before_is_not_known_along_two_axes(arguments: dict, call: dict) -> None:
    layer = layers.MultiHeadAttention(**PLAIN, **arguments)
    with pytest.raises(InvalidArgumentError, match="Causal and sliding-window masks need exactly one attention axis"):
        layer(zeros(2, 3, 4, 5), zeros(2, 3, 4, 5), **call)


def test_groups_take_sequences_only() -> None:
    with pytest.raises(ShapeError, match=r"It needs 3 dimensions \(batch, steps, features\)"):
        layers.GroupQueryAttention(**GROUPS)(zeros(2, 3, 4, 5), zeros(2, 3, 4, 5))


@pytest.mark.parametrize("kind", [layers.Attention, layers.AdditiveAttention])
@pytest.mark.parametrize(
    "inputs, error, said",
    [
        (zeros(2, 3, 4), InvalidTypeError, "was called on one tensor, of shape (2, 3, 4). It expects a list of two"),
        ([zeros(2, 3, 4)], InvalidTypeError, "was called on a list of 1 tensors"),
        ([zeros(2, 3, 4)] * 4, InvalidTypeError, "was called on a list of 4 tensors"),
        ([zeros(2, 4)] * 2, ShapeError, "It needs at least 3 dimensions"),
        ([zeros(2, 3, 4), zeros(2, 5, 6)], ShapeError, "Project query and key to the same size"),
        ([zeros(2, 3, 4), zeros(2, 5, 6), zeros(2, 3, 4)], ShapeError, "check the order: query, value, key"),
    ],
)
def test_one_head_says_what_it_takes(kind: type, inputs: Any, error: type, said: str) -> None:
    with pytest.raises(error) as raised:
        kind()(inputs)
    assert said in str(raised.value)


def test_masks_of_one_head_that_do_not_fit_are_refused() -> None:
    layer, inputs = layers.Attention(name="look"), [zeros(2, 3, 4), zeros(2, 5, 4)]
    with pytest.raises(
        InvalidTypeError, match=r"'look' received a `mask` that is not a list of two.*`mask=\[None, value_mask\]`"
    ):
        layer(inputs, mask=zeros(2, 3))
    with pytest.raises(ShapeError, match=r"`value_mask` of shape \(2, 3\). It must have the shape \(2, 5\)"):
        layer(inputs, mask=[None, zeros(2, 3)])


def test_a_scale_is_for_one_size() -> None:
    layer = layers.AdditiveAttention()
    layer([zeros(2, 3, 4)] * 2)
    with pytest.raises(ShapeError, match="It was built for 4 features, but the input has 5"):
        layer([zeros(2, 3, 5)] * 2)


def test_masks_may_be_lists(backend: str) -> None:
    layer = layers.MultiHeadAttention(2, 4).to_backend(backend)
    x = ops.convert_to_tensor(np.random.default_rng(0).normal(size=(1, 2, 3)).astype("float32"))
    masks = {"attention_mask": [[True, False], [True, True]], "query_mask": [[True, False]]}
    as_arrays = {name: np.array(mask) for name, mask in masks.items()}
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(x, x, **masks)), ops.convert_to_numpy(layer(x, x, **as_arrays)))
    with pytest.raises(ShapeError, match="received `query_mask` of shape"):
        layer(x, x, query_mask=["a"])


def test_no_axes_are_all_axes() -> None:
    assert layers.MultiHeadAttention(2, 4, attention_axes=()).attention_axes is None


def test_a_call_without_a_value_names_the_layer() -> None:
    layer = layers.MultiHeadAttention(2, 4, name="looks")
    expected = "'looks' cannot be called like this: missing a required argument: 'value'.*`query` and `value`"
    with pytest.raises(InvalidTypeError, match=expected):
        layer(np.zeros((1, 2, 3), "float32"))


@pytest.mark.parametrize("kind", [layers.Attention, layers.AdditiveAttention])
def test_none_in_the_list_is_named(kind: type) -> None:
    x = np.ones((2, 3, 4), "float32")
    with pytest.raises(InvalidTypeError, match=r"called on a list with None as the value.*For self-attention, pass `\[x, x\]`"):
        kind()([x, None])


def test_none_as_the_value_is_refused_before_and_after_building() -> None:
    x = np.ones((2, 3, 4), "float32")
    for layer in (layers.MultiHeadAttention(2, 3), layers.GroupQueryAttention(3, 2, 1)):
        for _ in range(2):
            with pytest.raises(InvalidTypeError, match=r"received None as `value`.*pass the same tensor twice"):
                layer(x, None)
            layer(x, x)
