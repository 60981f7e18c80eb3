"""Models with a graph: the same structure, weights and outputs as Keras's."""

import copy

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cornu
from cornu import layers, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3)).astype("float32")
Y = RNG.normal(size=(4, 3)).astype("float32")


def residual(k):
    x = k.Input((3,))
    h = k.layers.Dense(3, activation="relu")(x)
    return k.Model(x, k.layers.Dense(2)(k.layers.Add()([x, k.layers.Dense(3)(h), h])))


def shared(k):
    a, b = k.Input((3,)), k.Input((3,))
    d = k.layers.Dense(4)
    return k.Model([a, b], k.layers.Concatenate()([d(a), d(b), k.layers.Dense(2)(b)]))


def two_outputs(k):
    x = k.Input((3,))
    h = k.layers.Dense(4)(x)
    return k.Model(x, [k.layers.Dense(2)(h), k.layers.Dense(1)(k.layers.Dense(5)(h))])


def with_ops(k):
    x = k.Input((3,))
    h = k.ops.exp(x * 0.1) + 1 - x / 2
    h = k.ops.concatenate([h, k.ops.sum(x, axis=-1, keepdims=True)], axis=-1)
    return k.Model(x, k.layers.Dense(2)(h[:, ::-1]) ** 2)


def nested(k):
    i = k.Input((3,))
    inner = k.Model(i, k.layers.Dense(3, name="deep")(k.layers.Dense(3)(i)), name="inner")
    middle = k.Sequential([k.Input((3,)), k.layers.Dense(3), inner, k.layers.Dense(3)], name="middle")
    x = k.Input((3,))
    return k.Model(x, k.layers.Dense(2)(middle(x) + inner(x)))


def lists_and_dicts(k):
    a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
    return k.Model({"b": b, "a": a}, {"sum": a + b, "dense": k.layers.Dense(2)(a)})


ONE_INPUT = [residual, two_outputs, with_ops, nested]


@pytest.mark.parametrize("make", ONE_INPUT)
def test_models_with_one_input(make, twins):
    twins(make).same(X)


def test_shared_layers_and_several_inputs(twins):
    pair = twins(shared)
    pair.same([X, Y])
    assert len(pair.ours.weights) == 4


def normalized_twice(k):
    x = k.Input((3,))
    inner = k.Model(x, k.layers.BatchNormalization(momentum=0.5)(x), name="inner")
    y = k.Input((3,))
    return k.Model(y, [inner(y), k.layers.Dense(2)(inner(y * 3.0 + 1.0))])


def test_calls_of_a_layer_with_state_run_in_the_order_of_keras(twins):
    pair = twins(normalized_twice)
    copied = copy.deepcopy(pair.ours)
    for model in (pair.theirs, pair.ours, copied):
        model(X, training=True)
    for model in (pair.ours, copied):
        for found, expected in zip(model.weights, pair.theirs.weights, strict=True):
            np.testing.assert_allclose(np.asarray(found.value), np.asarray(expected.value), rtol=1e-5, atol=1e-6)


def test_inputs_and_outputs_in_dicts(twins):
    pair = twins(lists_and_dicts)
    pair.same({"a": X, "b": Y})
    assert set(pair.ours({"a": X, "b": Y})) == {"sum", "dense"}
    assert pair.ours.output_shape == {"sum": (None, 3), "dense": (None, 2)}


def test_inputs_given_by_the_names_of_the_input_layers(twins):
    def make(k):
        a, b = k.Input((3,), name="a"), k.Input((3,), name="b")
        return k.Model([a, b], a - 2 * b)

    twins(make).same_outputs({"b": Y, "a": X})


def test_a_model_is_a_layer_for_new_tensors(twins):
    def make(k):
        model = residual(k)
        a, b = k.Input((3,)), k.Input((3,))
        return k.Model([a, b], [model(a), model(b)])

    pair = twins(make)
    pair.same([X, Y])
    assert len(pair.ours.weights) == 6


def test_a_model_between_inner_tensors(twins):
    def make(k):
        x = k.Input((3,))
        first, second, third = k.layers.Dense(4), k.layers.Dense(5), k.layers.Dense(2)
        third(second(first(x)))
        return k.Model(first.output, third.output)

    def first_part(k):
        whole = residual(k)
        return k.Model(whole.inputs[0], [layer.output for layer in whole.layers[1:3]])

    pair = twins(make)
    assert [layer.name for layer in pair.ours.layers[1:]] == [layer.name for layer in pair.theirs.layers[1:]]
    pair.same_outputs(RNG.normal(size=(2, 4)).astype("float32"))
    twins(first_part).same_outputs(X)


def test_a_subclassed_layer_inside_a_graph(twins):
    def make(k):
        class Block(k.layers.Layer):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.a, self.b = k.layers.Dense(4), k.layers.Dense(3)

            def call(self, x):
                return self.b(k.ops.tanh(self.a(x))) + x

        x = k.Input((3,))
        return k.Model(x, k.layers.Dense(1)(Block()(Block()(x))))

    twins(make).same(X)


def test_training_is_handed_on_through_nested_models():
    seen = []

    class Tell(layers.Layer):
        def call(self, inputs, training=None):
            seen.append(training)
            return inputs

    inner = cornu.Sequential([cornu.Input((3,)), Tell()])
    x = cornu.Input((3,))
    model = cornu.Model(x, inner(x))
    seen.clear()
    model(X, training=True), model(X, training=False), model(X)
    assert seen == [True, False, None]


def test_training_given_when_the_graph_was_made_stays():
    """As Keras's guide to transfer learning says. (Keras 3.15 itself forgets it.)"""
    seen = []

    class Tell(layers.Layer):
        def call(self, inputs, training=None):
            seen.append(training)
            return inputs

    x = cornu.Input((3,))
    model = cornu.Model(x, Tell()(x, training=False))
    seen.clear()
    model(X, training=True)
    assert seen == [False]


def test_masks_travel_through_a_graph_as_in_keras(twins):
    def make(k):
        x = k.Input((4,), dtype="int32")
        words = k.layers.Embedding(5, 3, mask_zero=True)(x)
        read = k.layers.LSTM(3, return_sequences=True)(words)
        return k.Model(x, [k.layers.GlobalAveragePooling1D()(k.layers.Add()([read, words])), k.layers.GRU(2)(read)])

    twins(make).same_outputs(np.array([[1, 2, 0, 0], [3, 1, 2, 0]], "int32"))


@st.composite
def plans(draw):
    """A random graph: for each step what is done and on which earlier tensors."""
    count = draw(st.integers(2, 8))
    steps = []
    for number in range(count):
        kind = draw(st.sampled_from(["dense", "dense", "shared", "add", "concatenate", "op"]))
        steps.append((kind, draw(st.integers(0, number)), draw(st.integers(0, number))))
    return steps, draw(st.lists(st.integers(1, count), min_size=1, max_size=3, unique=True))


def build_plan(k, plan):
    steps, ends = plan
    tensors = [k.Input((3,))]
    common = k.layers.Dense(3)
    for kind, first, second in steps:
        a, b = tensors[first], tensors[second]
        if kind == "dense":
            tensors.append(k.layers.Dense(3)(a))
        elif kind == "shared":
            tensors.append(common(a))
        elif kind == "add":
            tensors.append(k.layers.Add()([a, b]))
        elif kind == "op":
            tensors.append(a * 0.5 - b)
        else:
            tensors.append(k.layers.Dense(3)(k.layers.Concatenate()([a, b])))
    return k.Model(tensors[0], [tensors[end] for end in ends])


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(plan=plans())
def test_random_graphs_are_ordered_and_computed_as_in_keras(twins, plan):
    cornu.utils.clear_session(free_memory=False)
    keras.utils.clear_session(free_memory=False)
    twins(lambda k: build_plan(k, plan)).same(X)


def test_a_graph_may_be_two_thousand_layers_deep():
    x = h = cornu.Input((2,))
    for _ in range(2000):
        h = layers.ReLU()(h)
    model = cornu.Model(x, h)
    assert len(model.layers) == 2001
    np.testing.assert_array_equal(np.asarray(model(np.float32([[1, -2]]))), [[1, 0]])
    assert model.count_params() == 0


def test_automatic_names_are_those_of_keras(twins):
    pair = twins(with_ops)
    assert pair.ours.name == pair.theirs.name == "functional"
    ours = [operation.name for operation in pair.ours.functional.operations]
    assert sorted(ours) == sorted(operation.name for operation in pair.theirs.operations)


def test_the_same_answers_on_every_backend(twins, engine_name):
    model = twins(nested).ours
    first = np.asarray(model(X))
    np.testing.assert_allclose(np.asarray(model.to_backend("numpy")(X)), first, rtol=2e-5, atol=1e-5)
    assert isinstance(model(X), np.ndarray)
    np.testing.assert_allclose(np.asarray(model.to_backend(engine_name)(X)), first, rtol=2e-5, atol=1e-5)


def test_a_missing_last_axis_of_size_one_is_put_there():
    x = cornu.Input((5, 1))
    model = cornu.Model(x, layers.Dense(2)(x))
    assert model(np.ones((3, 5), "float32")).shape == (3, 5, 2)


# --- Errors -----------------------------------------------------------------------------------------------------------


def test_an_output_that_does_not_depend_on_the_inputs_is_told():
    a, b = cornu.Input((3,), name="a"), cornu.Input((3,), name="b")
    with pytest.raises(InvalidTypeError, match=r"depend on the input 'b'.*not among the model's inputs \['a'\].*Add it"):
        cornu.Model(a, a + b)


def test_an_output_from_nowhere_is_told():
    from cornu.core.symbolic_tensor import SymbolicTensor

    a = cornu.Input((3,), name="a")
    with pytest.raises(InvalidTypeError, match="a symbolic tensor that no layer returned"):
        cornu.Model(a, SymbolicTensor((None, 3)))


def test_two_layers_of_one_name_are_told():
    x = cornu.Input((3,))
    with pytest.raises(InvalidArgumentError, match="Two layers of the model are named 'twin'"):
        cornu.Model(x, layers.Dense(2, name="twin")(layers.Dense(2, name="twin")(x)))


def test_arrays_are_no_inputs_of_a_graph():
    x = cornu.Input((3,))
    with pytest.raises(InvalidTypeError, match="`Model` received outputs="):
        cornu.Model(x, np.ones(3))
    with pytest.raises(InvalidTypeError, match="Both or neither"):
        cornu.Model(x)


def test_a_wrong_number_of_inputs_is_told():
    a, b = cornu.Input((3,), name="a"), cornu.Input((3,), name="b")
    model = cornu.Model([a, b], a + b)
    with pytest.raises(ShapeError, match=r"received 3 inputs. It has 2: \['a', 'b'\]"):
        model([X, X, X])
    with pytest.raises(InvalidArgumentError, match=r"inputs named \['a', 'c'\].*\['a', 'b'\]"):
        model({"a": X, "c": X})


def test_a_dict_without_one_of_the_names_is_told():
    a, b = cornu.Input((3,), name="a"), cornu.Input((3,), name="b")
    model = cornu.Model({"first": a, "second": b}, a + b)
    with pytest.raises(InvalidArgumentError, match=r"named \['first', 'secnod'\].*Did you mean 'second'\?"):
        model({"first": X, "secnod": X})


def test_numpy_and_python_are_told_what_to_do_with_symbolic_tensors():
    x = cornu.Input((3,))
    for use in (np.exp, bool, list, float):
        with pytest.raises(TypeError):
            use(x)
    with pytest.raises(InvalidTypeError, match=r"Use the function of the same name in `cornu.ops`"):
        np.exp(x)
    with pytest.raises(InvalidTypeError, match=r"cornu.ops.where"):
        bool(x)


def test_a_mistake_in_a_graph_is_told_with_none_for_the_batch():
    class Wrong(layers.Layer):
        def call(self, x):
            return ops.add(ops.reshape(x, (-1, 7)), ops.ones((1, 5)))

    with pytest.raises(ValueError, match=r"\(None, 7\)") as caught:
        Wrong()(cornu.Input((7,)))
    assert "29" not in str(caught.value)


def test_a_mistake_that_the_engine_finds_says_what_stood_for_the_batch():
    class Wrong(layers.Layer):
        def call(self, x):
            return x + x[:, :2]

    with pytest.raises(TypeError) as caught:
        Wrong()(cornu.Input((7,)))
    assert "with 29 in place of each None" in " ".join(caught.value.__notes__)


# --- Structures of inputs and outputs, as in Keras ----------------------------------------------------------------------

ONES = np.ones((4, 3), "float32")


def test_a_list_of_one_output_is_that_output(backend):
    def output(module):
        x = module.Input((3,))
        model = module.Model(x, [module.layers.Dense(2)(x)])
        return model, model.predict(ONES, verbose=0), model(ONES)

    model, predicted, called = output(cornu)
    model.to_backend(backend)
    assert predicted.shape == output(keras)[1].shape == (4, 2) == tuple(called.shape)
    model.compile("sgd", "mse")
    model.fit(ONES, np.ones((4, 2)), verbose=0)
    assert model.predict(ONES, verbose=0)[0].shape == (2,)


def test_outputs_in_a_tuple_stay_one_in_a_config():
    x = cornu.Input((3,))
    model = cornu.Model(x, (layers.Dense(1)(x), layers.Dense(1)(x)))
    assert isinstance(cornu.Model.from_config(model.get_config())(ONES), tuple)


NESTED = {
    "dict of list": (lambda a, b, c: {"x": [a, b], "y": c}),
    "dict of dict": (lambda a, b, c: {"x": {"p": a, "q": b}, "y": c}),
    "list of dict": (lambda a, b, c: [{"p": a, "q": b}, c]),
}


@pytest.mark.parametrize("name", NESTED)
def test_nested_inputs_are_trained_on(name, backend):
    tensors = [cornu.Input((3,)) for _ in range(3)]
    model = cornu.Model(NESTED[name](*tensors), layers.Dense(1)(layers.Subtract()([tensors[0], tensors[1]])) + tensors[2])
    model.to_backend(backend)
    data = NESTED[name](3 * ONES, 2 * ONES, ONES)
    kernel = model.weights[0].numpy()
    np.testing.assert_allclose(model.predict(data, verbose=0), ONES @ kernel + ONES, 1e-5)
    model.compile("sgd", "mse")
    model.fit(data, np.zeros((4, 3)), verbose=0)
    assert (model.weights[0].numpy() != kernel).any()


class Sum(layers.Layer):
    def call(self, a, b=None):
        return a if b is None else a + b


def test_an_optional_input_may_be_none(backend):
    a, b = cornu.Input((3,), name="a"), cornu.Input((3,), optional=True, name="b")
    model = cornu.Model({"a": a, "b": b}, Sum()(a, b)).to_backend(backend)
    assert np.asarray(model({"a": ONES, "b": None})).sum() == model.predict({"a": ONES, "b": None}, verbose=0).sum() == 12
    assert np.asarray(model({"a": ONES, "b": ONES})).sum() == 24
    with pytest.raises(InvalidArgumentError, match=r"None for its input 'a'\. This input is not optional"):
        model({"a": None, "b": ONES})


def test_a_model_with_an_optional_input_is_trained_without_it(backend):
    a, b = cornu.Input((3,), name="a"), cornu.Input((3,), optional=True, name="b")
    model = cornu.Model([a, b], layers.Dense(1)(Sum()(a, b))).to_backend(backend)
    model.compile("sgd", "mse")
    before = model.weights[0].numpy()
    model.fit([ONES, None], np.full((4, 1), 9.0), verbose=0)
    assert (model.weights[0].numpy() != before).all()


def test_inputs_have_the_names_of_their_layers():
    a, b = cornu.Input((2,), name="title"), cornu.Input((2,), name="body")
    assert [tensor.name for tensor in cornu.Model([a, b], layers.Add()([a, b])).inputs] == ["title", "body"]


def two_inputs():
    one, two = cornu.Input((3,), name="one"), cornu.Input((2,), name="two")
    return cornu.Model({"one": one, "two": two}, layers.Concatenate()([one, two]))


def test_an_input_that_the_model_does_not_have_is_warned_about(default_backend):
    x = {"one": np.ones((2, 3)), "two": np.zeros((2, 2)), "three": np.ones((2, 1))}
    text = r"The model received the inputs \['three'\], which it does not have: \['one', 'two'\]."
    with pytest.warns(UserWarning, match=text):
        assert two_inputs()(x).shape == (2, 5)
    with pytest.warns(UserWarning, match=text):
        assert two_inputs().predict(x, verbose=0).shape == (2, 5)
