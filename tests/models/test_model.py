"""Models by subclassing, and what all models can do: configs, layers by name, freezing, pure calls."""

import copy
import json
import pickle

import numpy as np
import pytest

import cornu
from cornu import layers, models, serialization
from cornu.core.layer import Layer
from cornu.errors import BackendError, InvalidArgumentError, InvalidTypeError, NotBuiltError
from cornu.registry import custom_object_scope

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


def subclassed(k):
    class Net(k.Model):
        def __init__(self, width=4, **kwargs):
            super().__init__(**kwargs)
            self.width = width
            self.first = k.layers.Dense(width)
            self.blocks = [k.layers.Dense(3), k.layers.BatchNormalization()]
            self.named = {"z": k.layers.Dense(2, name="z"), "a": k.layers.Dense(2, name="a")}

        def call(self, x, training=False):
            x = self.first(x)
            for block in self.blocks:
                x = block(x)
            return self.named["z"](x) + self.named["a"](x)

    return Net


def built(k):
    model = subclassed(k)()
    model(X)
    return model


def graph(k):
    x = k.Input((3,), name="x")
    h = k.layers.Dense(4, activation="relu", name="h")(x)
    h = k.layers.Concatenate(name="both")([h, x * 2 + 1])
    return k.Model(x, [k.layers.Dense(2, name="out")(h), h[:, 1:3]], name="graph")


def nested(k):
    i = k.Input((3,), name="i")
    inner = k.Model(i, k.layers.Dense(3, name="deep")(i), name="inner")
    stack = k.Sequential([k.Input((3,), name="j"), k.layers.Dense(3, name="one"), inner], name="stack")
    x = k.Input((3,), name="x")
    return k.Model(x, k.layers.Dense(2, name="out")(stack(x)), name="whole")


def stack(k):
    return k.Sequential([k.Input((3,), name="x"), k.layers.Dense(4, name="a"), k.layers.BatchNormalization(name="b")], name="s")


# --- Subclassing ------------------------------------------------------------------------------------------------------


def test_a_subclass_has_the_weights_paths_and_outputs_of_keras(twins):
    pair = twins(built)
    theirs = {w.path for w in pair.theirs.weights}
    assert {w.path for w in pair.ours.weights} == theirs
    assert [w.path for w in pair.ours.weights] == [w.path for w in pair.theirs.weights]
    pair.same_outputs(X)


def test_a_subclass_is_built_by_a_shape_as_by_data(backend):
    model = subclassed(cornu)().to_backend(backend)
    model.build((None, 3))
    assert model.built and model.count_params() == built(cornu).count_params()
    assert model(X).shape == (4, 2) and model.input_shape == (None, 3) and model.output_shape == (None, 2)


def test_a_subclass_inside_a_graph(twins):
    def make(k):
        x = k.Input((3,))
        return k.Model(x, k.layers.Dense(1)(subclassed(k)()(x)))

    twins(make).same(X)


def test_a_subclass_that_is_a_graph(twins):
    def make(k):
        class Graph(k.Model):
            def __init__(self, width):
                x = k.Input((3,))
                super().__init__(x, k.layers.Dense(width)(x))

        return Graph(5)

    pair = twins(make)
    pair.same(X)
    assert pair.ours.name == pair.theirs.name == "graph"


def test_a_forgotten_super_is_told():
    class Forgetful(cornu.Model):
        def __init__(self):
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    uses = [
        lambda model: model(X),
        lambda model: model.compile("sgd", "mse"),
        lambda model: model.fit(X, X, verbose=0),
        lambda model: model.predict(X),
        lambda model: model.summary(),
    ]
    for use in uses:
        with pytest.raises(InvalidTypeError, match=r"Begin `Forgetful.__init__` with `super\(\).__init__\(\)`"):
            use(Forgetful())


def test_a_model_without_call_or_graph_says_so():
    with pytest.raises(InvalidTypeError, match="must define a method `call"):
        cornu.Model()(X)


def test_freezing_before_and_after_building():
    model = subclassed(cornu)(trainable=False)
    model(X)
    assert model.trainable_weights == [] and len(model.weights) == 12
    model.trainable = True
    model.blocks[1].trainable = False
    assert len(model.trainable_weights) == 8


# --- Layers by name ---------------------------------------------------------------------------------------------------


def test_layers_are_found_by_name_path_and_index():
    model = nested(cornu)
    assert model.get_layer("out") is model.layers[-1] is model.get_layer(index=-1)
    assert model.get_layer("stack/inner/deep").name == "deep"


def test_a_name_that_is_not_there_is_told_with_a_guess():
    with pytest.raises(InvalidArgumentError, match=r"name='uot'.*\['x', 'stack', 'out'\].*Did you mean 'out'\?"):
        nested(cornu).get_layer("uot")
    with pytest.raises(InvalidArgumentError, match=r"of 'stack' received name='oen'.*Did you mean 'one'"):
        nested(cornu).get_layer("stack/oen")
    with pytest.raises(InvalidArgumentError, match=r"index=9.*has 3 layers"):
        nested(cornu).get_layer(index=9)
    with pytest.raises(InvalidArgumentError, match=r"name=None.*or `index=`"):
        nested(cornu).get_layer()
    with pytest.raises(InvalidArgumentError, match="name='out/kernel'"):
        nested(cornu).get_layer("out/kernel")


# --- Pure calls and backends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [graph, nested, stack, built])
def test_a_pure_call_gives_what_the_eager_one_gives(make, backend):
    model = make(cornu).to_backend(backend)
    trained = [v.value for v in model.trainable_variables]
    state = [v.value for v in model.non_trainable_variables]
    pure, after = model.stateless_call(trained, state, X, training=True)
    eager = model(X, training=True)
    for one, other in zip(
        pure if isinstance(pure, list) else [pure], eager if isinstance(eager, list) else [eager], strict=True
    ):
        np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=1e-5, atol=1e-6)
    for one, variable in zip(after, model.non_trainable_variables, strict=True):
        np.testing.assert_allclose(np.asarray(one), variable.numpy(), rtol=1e-5, atol=1e-6)


def test_a_mixed_model_computes_in_16_bits():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, dtype="mixed_bfloat16"), layers.Dense(1, dtype="float32")])
    assert str(model.layers[0](X).dtype) == "bfloat16" and str(model(X).dtype) == "float32"
    assert {v.dtype for v in model.variables} == {"float32"}


# --- Calls that run as one compiled function --------------------------------------------------------------------------


def line_by_line(model, *args, **kwargs):
    return Layer.__call__(model, *args, **kwargs)


def small(*more, **arguments):
    return cornu.Sequential([cornu.Input((3,)), layers.Dense(4, "tanh", **arguments), *more, layers.Dense(2)])


def same(found, wanted):
    assert type(found) is type(wanted) and found.dtype == wanted.dtype
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("x", [X, X.astype("float64"), X[:1], X.astype("int64")], ids=["floats", "64 bits", "one", "whole"])
def test_a_call_gives_what_it_gives_line_by_line(x, backend):
    model = small(layers.BatchNormalization(), layers.Dropout(0.5)).to_backend(backend)
    for call in ({}, {"training": False}):
        same(model(x, **call), line_by_line(model, x, **call))
        own = model.backend.asarray(x)
        same(model(own, **call), line_by_line(model, own, **call))


def test_a_call_of_several_inputs_and_outputs():
    a, b = cornu.Input((3,), name="a"), cornu.Input((3,), name="b")
    model = cornu.Model({"b": b, "a": a}, {"sum": layers.Add()([a, b]), "a": layers.Dense(2)(a)})
    found, wanted = (call({"a": X, "b": 2 * X}) for call in (model, lambda x: line_by_line(model, x)))
    assert list(found) == list(wanted)
    for name in found:
        same(found[name], wanted[name])


def test_on_jax_a_call_and_predict_are_one_function():
    model = small().to_backend("jax")
    called, function = np.asarray(model(X)), model._forward
    np.testing.assert_array_equal(called, model.predict(X, verbose=0))
    assert function is not None and model._forward is function


@pytest.mark.parametrize("name", ["torch", "tensorflow", "numpy"])
def test_where_compiling_takes_longer_than_many_calls_they_run_line_by_line(name):
    pytest.importorskip(name)
    model = small().to_backend(name)
    model(X)
    assert model._forward is None


def test_a_call_sees_what_was_changed_since_the_last_one():
    model = small()
    for change in (
        lambda: model.set_weights([2 * weight for weight in model.get_weights()]),
        lambda: setattr(model.layers[0], "activation", cornu.activations.get("relu")),
        lambda: setattr(model.layers[0], "trainable", False),
        lambda: model.add(layers.Dense(3)),
    ):
        model(X)
        change()
        same(model(X), line_by_line(model, X))


def test_code_of_the_users_own_runs_in_every_call():
    runs = []

    def noted(x):
        runs.append(1)
        return x

    class Noting(Layer):
        def call(self, inputs):
            return noted(inputs)

    class Derived(layers.Dropout):
        def compute_mask(self, inputs, previous_mask):
            return noted(previous_mask)

    for layer in (Noting(), layers.Lambda(noted), layers.Activation(noted), layers.Dense(3, activation=noted), Derived(0.5)):
        model, before = small(layer), len(runs)
        model(X), model(X)
        assert len(runs) == before + 2


def test_losses_that_layers_add_are_there_after_a_call():
    model, plain = small(activity_regularizer="l2"), small()
    model(X)
    found = [float(loss) for loss in model.losses]
    line_by_line(model, X)
    assert found == pytest.approx([float(loss) for loss in model.losses]) and len(found) == 1
    plain(X, training=True), plain(X)
    assert plain.losses == []


def test_state_that_layers_keep_moves_on_with_every_call():
    x = np.random.default_rng(1).normal(size=(2, 5, 3)).astype("float32")
    model = cornu.Sequential([cornu.Input(batch_shape=(2, 5, 3)), layers.LSTM(4, stateful=True)])
    first, second = np.asarray(model(x)), np.asarray(model(x))
    assert np.abs(first - second).max() > 1e-3
    model.layers[0].reset_states()
    np.testing.assert_allclose(line_by_line(model, x), first, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(line_by_line(model, x), second, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("made", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["copy", "pickle"])
def test_a_model_that_was_called_can_be_copied(made):
    model = small()
    model(X)
    before, again = np.asarray(model(X)), made(model)
    again.set_weights([2 * weight for weight in again.get_weights()])
    same(again(X), line_by_line(again, X))
    np.testing.assert_array_equal(np.asarray(model(X)), before)


def test_a_call_that_is_traced_has_its_gradient():
    jax = pytest.importorskip("jax")
    model = small().to_backend("jax")
    found = jax.jit(jax.grad(lambda x: model(x).sum()))(X)
    wanted = jax.grad(lambda x: line_by_line(model, x).sum())(X)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert model._forward is None


@pytest.mark.parametrize("x", [np.ones((2, 5), "float32"), np.full((2, 3), 2**40), np.array([["a", "b", "c"]]), [[1.0]], 1.0])
def test_what_does_not_fit_is_refused_as_line_by_line(x):
    model, texts = small(), []
    for call in (model, lambda x: line_by_line(model, x)):
        with pytest.raises(Exception) as caught:
            call(x)
        texts.append((type(caught.value), str(caught.value), getattr(caught.value, "__notes__", [])))
    assert texts[0] == texts[1]


# --- Configs ----------------------------------------------------------------------------------------------------------


def through_json(config):
    return json.loads(json.dumps(config))


@pytest.mark.parametrize("make", [graph, nested, stack])
def test_a_config_makes_the_same_model_again(make):
    model = make(cornu)
    again = type(model).from_config(through_json(model.get_config()))
    assert [w.path for w in again.weights] == [w.path for w in model.weights] and again.name == model.name
    again.set_weights(model.get_weights())
    for one, other in zip(again(X), model(X), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    assert through_json(again.get_config()) == through_json(model.get_config())


@pytest.mark.parametrize("make", [graph, nested, stack])
def test_keras_configs_make_our_models_and_ours_make_keras_models(make, twins):
    import keras

    pair = twins(make)
    theirs = json.loads(pair.theirs.to_json())
    ours = json.loads(pair.ours.to_json())
    read = models.model_from_json(json.dumps(theirs))
    written = keras.models.model_from_json(json.dumps(ours))
    read.set_weights(pair.ours.get_weights())
    written.set_weights(pair.ours.get_weights())
    for x in (read, written):
        for one, other in zip(x(X), pair.ours(X), strict=True):
            np.testing.assert_allclose(np.asarray(one), np.asarray(other), rtol=2e-5, atol=1e-5)


def test_a_subclass_comes_back_by_its_arguments():
    net = subclassed(cornu)
    model = net(width=6, name="six")
    model(X)
    config = through_json(serialization.serialize(model))
    with custom_object_scope({"Net": net}):
        again = serialization.deserialize(config, "models")
    again.build((None, 3))
    assert (again.width, again.name) == (6, "six")
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(np.asarray(again(X)), np.asarray(model(X)))


def test_frozen_layers_come_back_frozen():
    model = nested(cornu)
    model.get_layer("stack").trainable = False
    again = cornu.Model.from_config(through_json(model.get_config()))
    assert [w.path for w in again.trainable_weights] == [w.path for w in model.trainable_weights] == ["out/kernel", "out/bias"]


def test_before_compiling_training_says_what_is_missing():
    for use in ("fit", "evaluate", "train_on_batch"):
        with pytest.raises(NotBuiltError, match=f"`{use}` was called on a model that is not compiled"):
            getattr(stack(cornu), use)(X, X)


def test_a_call_heeds_numbers_that_were_changed_in_a_layer(backend):
    model = cornu.Sequential([cornu.Input((3,)), layers.LeakyReLU(0.5)]).to_backend(backend)
    x = np.full((2, 3), -1.0, "float32")
    for slope in (0.5, 0.25):
        model.layers[0].negative_slope = slope
        for answer in (np.asarray(model(x)), model.predict(x, verbose=0)):
            assert (answer == -slope).all()


def test_metrics_of_several_outputs_have_the_numbers_of_the_outputs():
    class Two(models.Model):
        def __init__(self):
            super().__init__()
            self.value, self.label = layers.Dense(1), layers.Dense(4, activation="softmax")

        def call(self, x):
            return self.value(x), self.label(x)

    model = Two()
    model.compile("sgd", loss=["mse", "sparse_categorical_crossentropy"], metrics=[["mae"], ["accuracy"]])
    logs = model.evaluate(X, [X[:, :1], np.arange(4)], verbose=0, return_dict=True)
    assert set(logs) == {"loss", "output_1_loss", "output_1_mae", "output_2_accuracy", "output_2_loss"}


# --- Engines ------------------------------------------------------------------------------------------------------------------


def test_a_model_of_layers_on_another_engine_is_there_too(backend):
    whole = cornu.Sequential([cornu.Input((3,)), layers.Dense(4), layers.Dense(2)]).to_backend(backend)
    wanted = whole.predict(X, verbose=0)
    for part in (cornu.Model(whole.inputs, whole.outputs), cornu.Sequential(whole.layers)):
        found = part(X)
        assert cornu.backends.owner(found) == backend
        np.testing.assert_allclose(part.predict(X, verbose=0), wanted, rtol=1e-5)


def test_new_layers_are_on_the_engine_of_the_layers_before_them(backend):
    first = cornu.Sequential([cornu.Input((3,)), layers.Dense(4)]).to_backend(backend)
    model = cornu.Sequential([first, layers.Dense(2)])
    model.add(layers.Dense(1))
    assert {cornu.backends.owner(variable.value) for variable in model.variables} == {backend}
    assert model.predict(X, verbose=0).shape == (4, 1)


@pytest.mark.parametrize("function", ["predict", "fit", "evaluate"])
def test_a_model_of_layers_on_two_engines_says_so(function, engine_name):
    first, second = (cornu.Sequential([cornu.Input((3,)), layers.Dense(3)]) for _ in range(2))
    model = cornu.Sequential([first.to_backend("numpy"), second.to_backend(engine_name)], name="both")
    model.compile("sgd", "mse")
    arguments = (X,) if function == "predict" else (X, X)
    with pytest.raises(BackendError, match=rf"`{function}` was called on 'both'.*Move the whole model: `model.to_backend"):
        getattr(model, function)(*arguments, verbose=0)
    model.to_backend(engine_name)
    getattr(model, function)(*arguments, verbose=0)
