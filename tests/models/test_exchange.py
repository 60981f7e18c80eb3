"""Graphs that Keras counts or orders in its own way: nested models, dicts, tuples; files from and to real Keras."""

import keras
import numpy as np
import pytest

import cornu
from cornu import registry
from cornu.errors import UnsafeModelError
from cornu.models import load_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of saving in Keras

EXCHANGES = [(cornu, cornu), (keras, cornu), (cornu, keras)]
IDS = ["own", "theirs", "ours"]


def dense_model(k, name):
    x = k.Input((4,))
    return k.Model(x, k.layers.Dense(4, name=f"{name}_dense")(x), name=name)


def nested_output(k):
    """A nested model whose output is an output."""
    x = k.Input((4,), name="x")
    return k.Model(x, dense_model(k, "decoder")(dense_model(k, "encoder")(x)))


def two_calls_one_output(k):
    """A nested model called twice, whose first call is an output."""
    encoder, a, b = dense_model(k, "encoder"), k.Input((4,), name="a"), k.Input((4,), name="b")
    return k.Model([a, b], [encoder(a), k.layers.Dense(3, name="last")(encoder(b))])


def both_calls_are_outputs(k):
    encoder, a, b = dense_model(k, "encoder"), k.Input((4,), name="a"), k.Input((4,), name="b")
    second = encoder(b)
    return k.Model([a, b], [second, encoder(a), encoder(k.layers.Dense(4, name="d")(second))])


def stack_output(k):
    """A nested Sequential model, whose calls Keras counts from 0."""
    stack, x = k.Sequential([k.Input((4,)), k.layers.Dense(4, name="inner")], name="stack"), k.Input((4,), name="x")
    return k.Model(x, [stack(x), stack(stack(x))])


def nested_in_nested(k):
    inner, x = dense_model(k, "inner"), k.Input((4,), name="mx")
    middle = k.Model(x, [inner(inner(x)), inner(x)], name="middle")
    outer = k.Input((4,), name="x")
    one, two = middle(outer)
    return k.Model(outer, {"z": one, "a": two, "m": dense_model(k, "last")(two)})


def dict_outputs(k):
    x = k.Input((4,), name="x")
    return k.Model(x, {"z": k.layers.Dense(2)(x), "a": k.layers.Dense(2)(x), "m": k.layers.Dense(2)(x)})


def dict_inputs(k):
    inputs = {name: k.Input((4,), name=name) for name in ("z", "b", "a")}
    parts = [k.layers.Dense(4)(inputs[name]) for name in ("z", "b", "a")]
    return k.Model(inputs, {"two": k.layers.Dense(2)(parts[0]), "one": k.layers.Subtract()(parts[1:])})


def nested_dicts(k):
    """A nested model with dicts in and out: Keras counts the outputs of a call by sorted keys."""
    x = {"z": k.Input((4,), name="z"), "a": k.Input((4,), name="a")}
    inner = k.Model(x, {"q": k.layers.Dense(4)(x["z"]), "p": k.layers.Dense(4)(x["a"])}, name="inner")
    u, v = k.Input((4,), name="u"), k.Input((4,), name="v")
    first = inner({"z": u, "a": v})
    second = inner({"a": first["q"], "z": first["p"]})
    return k.Model([u, v], [second["q"], k.layers.Dense(3)(first["p"])])


def keyword_arguments(k):
    """The arguments of a call by name, whose order does not matter in Keras."""
    x = k.Input((3, 4), name="x")
    one, two, three = (k.layers.Dense(4)(x) for _ in range(3))
    attention = k.layers.MultiHeadAttention(2, 3, name="attention")
    return k.Model(x, attention(one, value=two, key=three))


MODELS = [
    nested_output,
    two_calls_one_output,
    both_calls_are_outputs,
    stack_output,
    nested_in_nested,
    dict_outputs,
    dict_inputs,
    nested_dicts,
    keyword_arguments,
]


def flat(tree):
    if isinstance(tree, dict):
        return [leaf for name in sorted(tree) for leaf in flat(tree[name])]
    return [leaf for part in tree for leaf in flat(part)] if isinstance(tree, (list, tuple)) else [np.asarray(tree)]


def data_for(model):
    generator = np.random.default_rng(5)
    draw = lambda tensor: generator.normal(size=(3, *tensor.shape[1:])).astype("float32")  # noqa: E731
    if isinstance(model.input, dict):
        return {name: draw(model.input[name]) for name in sorted(model.input)}
    return [draw(tensor) for tensor in model.input] if isinstance(model.input, list) else draw(model.input)


def randomized(model):
    generator = np.random.default_rng(6)
    model.set_weights([generator.normal(size=weight.shape).astype("float32") for weight in model.get_weights()])
    return model


def same_outputs(one, other):
    x = data_for(one)
    ones, others = flat(one.predict(x, verbose=0)), flat(other.predict(x, verbose=0))
    for found, wanted in zip(ones, others, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    for number, found in enumerate(others):  # no two outputs could change places unnoticed
        for another in others[:number]:
            assert found.shape != another.shape or np.abs(found - another).max() > 1e-3


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
@pytest.mark.parametrize(("writer", "reader"), EXCHANGES, ids=IDS)
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_files_are_exchanged(make, writer, reader, ending, tmp_path):
    model = randomized(make(writer))
    model.save(tmp_path / f"model.{ending}")
    same_outputs(reader.models.load_model(tmp_path / f"model.{ending}"), model)


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_weights_layers_and_configs_are_those_of_keras(make, tmp_path):
    theirs, ours = randomized(make(keras)), make(cornu)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert ours.cornu_graph.input_names == [tensor.name for tensor in theirs.inputs]
    configs = [model.get_config() for model in (ours, theirs)]
    assert configs[0]["output_layers"] == configs[1]["output_layers"]
    assert configs[0]["input_layers"] == configs[1]["input_layers"]
    theirs.save_weights(tmp_path / "w.weights.h5")
    ours.load_weights(tmp_path / "w.weights.h5")
    same_outputs(ours, theirs)
    ours = make(cornu)
    ours.set_weights(theirs.get_weights())
    same_outputs(ours, theirs)


@pytest.mark.parametrize("make", [dict_outputs, two_calls_one_output], ids=lambda make: make.__name__)
def test_engines_agree(make, default_backend, tmp_path):
    theirs = randomized(make(keras))
    theirs.save(tmp_path / "model.keras")
    same_outputs(load_model(tmp_path / "model.keras"), theirs)


def test_a_file_of_cornu_0_1_counts_calls_from_0(tmp_path):
    model = nested_output(cornu)
    written = model.get_config()
    assert written["output_layers"] == ["decoder", 1, 0]
    written["output_layers"] = ["decoder", 0, 0]
    again = cornu.Model.from_config(written)
    again.set_weights(model.get_weights())
    same_outputs(again, model)


@pytest.mark.parametrize("order", [("z", "a"), ("a", "z")])
@pytest.mark.parametrize("of_losses", [("z", "a"), ("a", "z")])
def test_results_have_the_order_of_keras(order, of_losses):
    """The losses have the order of the argument `loss`, the metrics that of the sorted names of the outputs."""
    found, lists = [], []
    for k in (cornu, keras):
        x = k.Input((4,), name="x")
        outputs = {"z": k.layers.Dense(2, name="z", kernel_initializer="ones")(x)}
        outputs["a"] = k.layers.Dense(1, name="a", kernel_initializer="ones")(x)
        model = k.Model(x, {name: outputs[name] for name in order})
        losses = {"z": "mse", "a": "mae"}
        model.compile("sgd", {name: losses[name] for name in of_losses}, metrics={"a": ["mse"], "z": ["mae"]})
        generator = np.random.default_rng(0)
        values = generator.normal(size=(8, 4)).astype("float32")
        y = {"z": generator.normal(size=(8, 2)).astype("float32"), "a": generator.normal(size=(8, 1)).astype("float32")}
        found.append(model.evaluate(values, {name: y[name] for name in order}, return_dict=True, verbose=0))
        lists.append(model.evaluate(values, {name: y[name] for name in order}, verbose=0))
        assert model.output_names == ["a", "z"]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert lists[0] == pytest.approx(lists[1], rel=1e-5)


@pytest.mark.parametrize("form", [tuple, list])
def test_the_containers_of_outputs_come_back_from_a_config(form):
    for k in (cornu, keras):
        x = k.Input((3,))
        model = k.Model(x, form([k.layers.Dense(1)(x), k.layers.Dense(2)(x)]))
        again = k.Model.from_config(model.get_config())
        assert type(model(np.ones((1, 3), "float32"))) is form
        assert type(again(np.ones((1, 3), "float32"))) is form


# --- Custom objects ---------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def nothing_registered():
    saved = dict(registry._custom), dict(registry.custom_names)
    yield
    for table, before in zip((registry._custom, registry.custom_names), saved, strict=True):
        table.clear()
        table.update(before)
    keras.saving.get_custom_objects().clear()


def mine(k):
    class Mine(k.layers.Layer):
        def __init__(self, inner=None, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner

        def build(self, input_shape):
            self.scale = self.add_weight(shape=(input_shape[-1],), initializer="random_normal", name="scale")
            if self.inner is not None and not self.inner.built:
                self.inner.build(input_shape)

        def call(self, inputs):
            outputs = inputs * self.scale
            return outputs if self.inner is None else self.inner(outputs)

        def compute_output_shape(self, input_shape):
            return input_shape if self.inner is None else self.inner.compute_output_shape(input_shape)

        def get_config(self):
            return {**super().get_config(), "inner": self.inner}

        @classmethod
        def from_config(cls, config):
            config["inner"] = k.saving.deserialize_keras_object(config["inner"])
            return cls(**config)

    return Mine


def test_custom_objects_of_a_config_may_be_given_in_every_way():
    Mine, x = mine(cornu), cornu.Input((3,))
    models = [cornu.Sequential([cornu.Input((3,)), Mine()]), cornu.Model(x, Mine()(x))]
    wrapped = cornu.layers.TimeDistributed(Mine())
    for thing in (*models, wrapped):
        kind, known = type(thing), thing.get_config()
        assert kind.from_config(thing.get_config(), custom_objects={"Mine": Mine}).get_config() == known
        with cornu.saving.custom_object_scope({"Mine": Mine}):
            assert kind.from_config(thing.get_config()).get_config() == known
            assert cornu.layers.deserialize(cornu.layers.serialize(thing)).get_config() == known
        with pytest.raises(UnsafeModelError, match=r"custom_objects=\{'Mine': ...\}"):
            kind.from_config(thing.get_config())
        cornu.saving.get_custom_objects()["Mine"] = Mine
        assert kind.from_config(thing.get_config()).get_config() == known
        cornu.saving.get_custom_objects().clear()


def test_an_inner_layer_may_stand_in_a_config_as_it_is_and_be_changed_when_read(tmp_path, default_backend):
    for k in (cornu, keras):
        k.saving.register_keras_serializable("mine")(mine(k))
    kinds = {k: k.saving.get_registered_object("mine>Mine") for k in (cornu, keras)}
    for writer, reader in EXCHANGES:
        shared = writer.layers.Dense(2, name="inside")
        model = writer.Sequential([writer.Input((3,)), kinds[writer](shared, name="outer"), writer.layers.Dense(1)])
        model.save(tmp_path / "model.keras")
        loaded = reader.models.load_model(tmp_path / "model.keras")
        assert type(loaded.layers[0].inner).__name__ == "Dense"
        x = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
        np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-6)
        configuration = model.get_config()
        reader_again = writer.Sequential.from_config(configuration)
        assert reader_again.layers[0].inner is not shared


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_lambda_is_passed_under_the_name_of_its_layer(ending, tmp_path):
    """Keras runs code from the file with `safe_mode=False`; here a file contains no code, and the function is passed again."""
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Lambda(lambda x: x * 2, name="twice", output_shape=(2,))])
    with pytest.warns(UserWarning, match=r"contains a Python `lambda` in 'twice'. A file contains no code"):
        model.save(tmp_path / f"model.{ending}")
    for safe_mode in (True, False, None):
        with pytest.raises(UnsafeModelError, match=r"custom_objects=\{'twice': lambda x: ...\}"):
            load_model(tmp_path / f"model.{ending}", safe_mode=safe_mode)
        loaded = load_model(tmp_path / f"model.{ending}", {"twice": lambda x: x * 3}, safe_mode=safe_mode)
        assert loaded(np.ones((1, 2), "float32")).tolist() == [[3.0, 3.0]]


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_a_lambda_in_a_file_of_keras_is_passed_too_and_never_run(ending, tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2, name="twice"), keras.layers.Dense(1)])
    model.save(tmp_path / f"model.{ending}")
    monkeypatch.setattr("marshal.loads", lambda data: pytest.fail("code was read"))
    with pytest.raises(UnsafeModelError, match="is a Python `lambda`"):
        load_model(tmp_path / f"model.{ending}", safe_mode=False)
    loaded = load_model(tmp_path / f"model.{ending}", {"twice": lambda x: x * 2})
    x = np.random.default_rng(0).normal(size=(2, 2)).astype("float32")
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)


def test_a_built_in_function_of_a_lambda_comes_back(tmp_path):
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Lambda(cornu.activations.relu)])
    model.save(tmp_path / "model.keras")
    for k in (cornu, keras):
        np.testing.assert_array_equal(
            k.models.load_model(tmp_path / "model.keras").predict(-np.ones((1, 2)), verbose=0), [[0, 0]]
        )


def nested_compiled(k):
    inner = dense_model(k, "inner")
    inner.compile("adam", "mse")
    x = k.Input((4,), name="x")
    model = k.Model(x, k.layers.Dense(1, name="last")(inner(x)))
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(("writer", "reader"), EXCHANGES, ids=IDS)
def test_nested_models_stay_compiled(writer, reader, tmp_path):
    model = nested_compiled(writer)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    model.get_layer("inner").fit(x, x, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = reader.models.load_model(tmp_path / "model.keras")
    losses = [each.get_layer("inner").train_on_batch(x, x) for each in (loaded, model)]
    assert float(np.ravel(losses[0])[0]) == pytest.approx(float(np.ravel(losses[1])[0]), rel=1e-5)
    for one, other in zip(
        loaded.get_layer("inner").optimizer.variables, model.get_layer("inner").optimizer.variables, strict=True
    ):
        np.testing.assert_allclose(one.numpy(), other.numpy(), rtol=1e-5, atol=1e-7)


def test_serializing_a_compiled_model_keeps_it_compiled():
    for k in (cornu, keras):
        model = nested_compiled(k)
        again = k.saving.deserialize_keras_object(k.saving.serialize_keras_object(model))
        assert again.optimizer.name == "sgd" and again.count_params() == model.count_params()
