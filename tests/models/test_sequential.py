"""Stacks of layers."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


def with_input(k):
    return k.Sequential([k.Input((3,)), k.layers.Dense(4, activation="relu"), k.layers.Dense(2)])


def built_by_shape(k):
    model = k.Sequential([k.layers.Dense(4), k.layers.BatchNormalization(), k.layers.Dense(2)])
    model.build((None, 3))
    return model


def built_by_data(k):
    model = k.Sequential([k.layers.Dense(4), k.layers.Dense(2)], name="mine")
    model(X)
    return model


def built_by_adding(k):
    model = k.Sequential(name="mine")
    model.add(k.Input((3,)))
    model.add(k.layers.Dense(4))
    model.add(k.layers.Dense(2, name="last"))
    return model


def nested(k):
    inner = k.Sequential([k.layers.Dense(5), k.layers.Sequential if False else k.layers.Dense(3)], name="inner")
    return k.Sequential([k.Input((3,)), inner, k.Sequential([k.layers.Dense(2)], name="second"), k.layers.Dense(2)])


@pytest.mark.parametrize("make", [with_input, built_by_shape, built_by_data, built_by_adding, nested])
def test_weights_paths_and_outputs_are_those_of_keras(make, twins):
    pair = twins(make)
    pair.same(X)
    assert pair.ours.name == pair.theirs.name
    assert (
        pair.ours.input_shape[1:] == pair.theirs.input_shape[1:] and pair.ours.output_shape[1:] == pair.theirs.output_shape[1:]
    )


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
@pytest.mark.parametrize("first", [{"input_shape": (3,)}, {"input_dim": 3}])
def test_the_first_layer_may_say_the_shape_of_the_input(first, library):
    model = library.Sequential([library.layers.Dense(4, **first), library.layers.Dense(2)])
    assert model.built and model.output_shape == (None, 2) and model.count_params() == 26


def test_it_is_built_by_data(library):
    model = library.Sequential([library.layers.Dense(4), library.layers.Dense(2)])
    assert not model.built
    model.predict(X, verbose=0)
    assert model.built and model.count_params() == 26


def test_it_is_built_by_training():
    model = cornu.Sequential([layers.Dense(4), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], verbose=0)
    assert model.count_params() == 26 and model.input_shape == (None, 3)


def test_before_it_is_built_nothing_is_known():
    model = cornu.Sequential([layers.Dense(4)], name="raw")
    for ask in (lambda: model.count_params(), lambda: model.input, lambda: model.output, lambda: model.output_shape):
        with pytest.raises(NotBuiltError, match="'raw' was requested"):
            ask()
    assert model.weights == []


def test_input_and_output_are_there_once_it_is_built():
    model = built_by_data(cornu)
    features = cornu.Model(model.input, model.layers[0].output)
    assert features(X).shape == (4, 4) and model.inputs[0] is model.input
    assert model.layers[1].input is model.layers[0].output


def test_layers_are_taken_off_the_top(twins):
    def make(k):
        model = with_input(k)
        model.pop()
        model.add(k.layers.Dense(5))
        return model

    pair = twins(make)
    pair.same(X)
    assert pair.ours.output_shape == (None, 5) and pair.ours.count_params() == 41


def test_popping_an_empty_stack_gives_nothing():
    assert cornu.Sequential().pop() is None


def test_predict_follows_when_layers_are_added_and_taken_off():
    model = with_input(cornu)
    assert model.predict(X, verbose=0).shape == (4, 2)
    model.add(layers.Dense(7))
    assert model.predict(X, verbose=0).shape == (4, 7)
    model.pop()
    assert model.predict(X, verbose=0).shape == (4, 2)


def test_it_can_be_used_inside_a_graph(twins):
    def make(k):
        inner = k.Sequential([k.layers.Dense(4), k.layers.Dense(3)], name="inner")
        x = k.Input((3,))
        return k.Model(x, k.layers.Add()([inner(x), inner(x * 2)]))

    pair = twins(make)
    pair.same(X)
    assert len(pair.ours.weights) == 4


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(InvalidArgumentError, match="Two layers are named 'same'"):
        cornu.Sequential([layers.Dense(2, name="same"), layers.Dense(2, name="same")])


def test_the_same_layer_may_stand_in_several_places(twins):
    def make(k):
        dense = k.layers.Dense(3)
        return k.Sequential([k.Input((3,)), dense, k.layers.ReLU(), dense])

    pair = twins(make)
    pair.same(X)
    again = cornu.Sequential.from_config(pair.ours.get_config())
    assert again.layers[0] is again.layers[2] and again.count_params() == 12


def test_what_is_no_layer_is_refused():
    with pytest.raises(InvalidTypeError, match=r"`Sequential` received .*relu.*Each element must be a layer"):
        cornu.Sequential([layers.Dense(3), "relu"])


def test_a_layer_alone_is_no_list_of_layers():
    with pytest.raises(InvalidTypeError, match=r"Pass the layer in a list: `Sequential\(\[layer\]\)`"):
        cornu.Sequential(layers.Dense(3))


def test_an_input_in_the_middle_is_refused():
    with pytest.raises(InvalidArgumentError, match="The input layer must be the first layer"):
        cornu.Sequential([layers.Dense(3), cornu.Input((3,))])


def test_layers_that_do_not_fit_are_told_by_shape():
    with pytest.raises(ValueError, match=r"conv.*\(None, 4\)"):
        cornu.Sequential([cornu.Input((3,)), layers.Dense(4), layers.Conv2D(2, 3)])


def test_data_that_does_not_fit_is_told():
    model = with_input(cornu)
    with pytest.raises(ValueError, match="3"):
        model(np.ones((2, 5), "float32"))


def test_an_empty_model_says_what_it_lacks():
    with pytest.raises(ValueError, match=r"`build` was called on the model 'sequential', which has no layers"):
        cornu.Sequential()(X)


# --- As in Keras ------------------------------------------------------------------------------------------------------


def test_a_model_that_begins_with_a_built_model_is_built():
    x = cornu.Input((3,))
    first = cornu.Model(x, layers.Dense(2)(x))
    model = cornu.Sequential([first, layers.Dense(1)])
    assert (model.built, len(model.weights), model.input_shape, model.output_shape) == (True, 4, (None, 3), (None, 1))
    lines = []
    model.summary(print_fn=lines.append)
    assert "?" not in lines[0]


def test_the_batch_size_of_keras_2_is_that_of_the_input():
    model = cornu.Sequential([layers.Conv2D(2, 3, input_shape=(8, 8, 1), batch_size=4)])
    assert model.input_shape == (4, 8, 8, 1)
    assert cornu.Sequential([layers.Dense(2, batch_input_shape=(5, 3))]).input_shape == (5, 3)
    assert layers.LSTM(3, batch_size=1, stateful=True).stateful


def test_the_first_layer_may_take_a_dict(backend):
    class Sum(layers.Layer):
        def call(self, inputs):
            return inputs["a"] + inputs["b"]

    model = cornu.Sequential([Sum(), layers.Dense(2)]).to_backend(backend)
    data = {"a": np.ones((4, 3), "float32"), "b": np.ones((4, 3), "float32")}
    outputs = np.asarray(model(data))
    np.testing.assert_allclose(model.predict(data, verbose=0), outputs, 1e-5)
    model.compile("sgd", "mse")
    model.fit(data, np.ones((4, 2)), verbose=0)
    assert not np.allclose(np.asarray(model(data)), outputs)


def test_a_layer_without_a_shape_before_its_call_leaves_the_model_without_a_graph():
    class Unknown(layers.Layer):
        def call(self, inputs):
            raise NotImplementedError

    model = cornu.Sequential([Unknown()])
    model.build((None, 3))
    assert model.cornu_graph is None
    lines = []
    model.summary(print_fn=lines.append)
    assert "?" in lines[0]
