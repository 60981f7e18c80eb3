"""Models by subclassing, and what all models can do: configs, layers by name, freezing, pure calls."""

import json

import numpy as np
import pytest

import cornu
from cornu import layers, models, registry
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError
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
    with pytest.raises(InvalidTypeError, match="needs a method `call"):
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
    with pytest.raises(InvalidArgumentError, match=r"of 'stack' was given name='oen'.*Did you mean 'one'"):
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
    config = through_json(registry.serialize(model))
    with custom_object_scope({"Net": net}):
        again = registry.deserialize(config, "models")
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
