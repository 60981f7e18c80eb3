"""Whole models in Keras 3's HDF5 format: exchanged with real Keras, and attacked."""

import contextlib
import json
import os
import re
import tracemalloc
import warnings

import h5py
import keras
import numpy as np
import pytest

import cornu
from cornu import config, layers
from cornu.errors import InvalidArgumentError, ModelFormatError, UnsafeModelError
from cornu.models import load_model
from cornu.saving import model_h5

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),  # of saving in Keras
    pytest.mark.filterwarnings("ignore:Error in loading the saved optimizer"),
]

LIBRARIES = [(cornu, cornu), (keras, cornu), (cornu, keras)]
IDS = ["own", "theirs", "ours"]

KERNEL = "model_weights/only/attacked/only/kernel"


# --- Exchange ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("writer", "reader"), LIBRARIES, ids=IDS)
def test_models_are_exchanged_with_keras(example, writer, reader, draw_inputs, randomize, tmp_path, flat):
    if example.__name__ == "operations" and (writer, reader) != (cornu, cornu):
        pytest.skip("Keras writes ops into this format under names that it cannot read, and reads `...` twice")
    model = randomize(example(writer))
    x = draw_inputs(model)
    model.save(tmp_path / "model.h5")
    loaded = reader.models.load_model(tmp_path / "model.h5")
    for found, wanted in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(flat(loaded.predict(x, verbose=0)), flat(model.predict(x, verbose=0)), strict=True):
        np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=1e-4, atol=1e-5)


@pytest.fixture
def flat():
    def flatten(tree):
        if isinstance(tree, dict):
            return [leaf for name in sorted(tree) for leaf in flatten(tree[name])]
        return [leaf for part in tree for leaf in flatten(part)] if isinstance(tree, (list, tuple)) else [tree]

    return flatten


def compiled(k):
    x = k.Input((6,), name="x")
    hidden = k.layers.Dense(8, "tanh", name="hidden")(x)
    normal = k.layers.BatchNormalization(name="normal")(hidden)
    model = k.Model(x, {"b": k.layers.Dense(1, name="b")(normal), "a": k.layers.Dense(2, name="a")(normal)})
    model.compile(
        k.optimizers.Adam(0.01),
        {"a": "mse", "b": k.losses.LogCosh(reduction="sum")},
        loss_weights={"a": 2.0, "b": 0.5},
        metrics={"a": ["mae", k.metrics.MeanSquaredError(name="squares")], "b": [k.metrics.mean_absolute_error]},
    )
    return model


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    x, a, b = (generator.normal(size=(32, size)).astype("float32") for size in (6, 2, 1))
    return x, {"a": a, "b": b}


@pytest.mark.parametrize(("writer", "reader"), [(cornu, cornu), (keras, cornu)], ids=["own", "theirs"])
def test_training_goes_on_as_if_it_had_not_been_saved(writer, reader, data, tmp_path):
    model = compiled(writer)
    model.fit(*data, epochs=2, batch_size=8, shuffle=False, verbose=0)
    model.save(tmp_path / "model.h5")
    loaded = reader.models.load_model(tmp_path / "model.h5")
    assert int(np.asarray(loaded.optimizer.iterations)) == 8
    histories = [each.fit(*data, epochs=1, batch_size=8, shuffle=False, verbose=0).history for each in (model, loaded)]
    for name, wanted in histories[0].items():
        np.testing.assert_allclose(histories[1][name], wanted, rtol=1e-4, err_msg=name)
    for found, wanted in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), rtol=1e-4, atol=1e-6)


def test_keras_compiles_what_cornu_wrote(data, tmp_path):
    """Keras 3.15.1 never restores the slots of an optimizer from this format: it builds the optimizer for no weights.

    Nor does it find a loss of a short name such as ``"mse"``, as it writes it itself; Cornu writes the full name.
    """
    model = compiled(cornu)
    model.fit(*data, verbose=0)
    model.save(tmp_path / "model.h5")
    loaded = keras.models.load_model(tmp_path / "model.h5")
    assert float(loaded.optimizer.learning_rate) == pytest.approx(0.01)
    theirs, ours = (each.evaluate(*data, return_dict=True, verbose=0) for each in (loaded, model))
    theirs["a_mae"] = theirs.pop("a_mean_absolute_error")  # what Keras calls the metric "mae" that it loaded
    assert theirs == pytest.approx(ours, rel=1e-5)


def distance(y_true, y_pred):
    return (y_true - y_pred) ** 4


def test_own_functions_are_found_among_the_custom_objects(data, tmp_path):
    for writer in (cornu, keras):
        model = writer.Sequential([writer.Input((6,)), writer.layers.Dense(2)])
        model.compile("sgd", distance, metrics=[distance, "mae"])
        model.save(tmp_path / "model.h5")
        expected = model.evaluate(data[0], data[1]["a"], verbose=0)
        for reader in (cornu, keras) if writer is cornu else (cornu,):  # Keras does not find the metric in its own file
            loaded = reader.models.load_model(tmp_path / "model.h5", custom_objects={"distance": distance})
            np.testing.assert_allclose(loaded.evaluate(data[0], data[1]["a"], verbose=0), expected, rtol=1e-5)


def test_the_attributes_are_those_of_keras(tmp_path):
    """Names, order and kinds of everything that Keras looks up."""
    for k in (cornu, keras):
        keras.utils.clear_session(free_memory=False)
        cornu.utils.clear_session(free_memory=False)
        compiled(k).save(tmp_path / f"{k.__name__}.h5")

    def described(path):
        with h5py.File(path) as root:
            texts = {name: json.loads(root.attrs[name]) for name in ("model_config", "training_config")}
            groups = [root["model_weights"], *root["model_weights"].values(), root["optimizer_weights"]]
            names = [[n.decode() if isinstance(n, bytes) else n for n in g.attrs["weight_names"]] for g in groups[1:]]
            order = [n.decode() if isinstance(n, bytes) else n for n in groups[0].attrs["layer_names"]]
            return texts, order, names, sorted(set(root.attrs) - {"cornu"}), sorted(groups[0].attrs), sorted(root)

    ours, theirs = described(tmp_path / "cornu.h5"), described(tmp_path / "keras.h5")
    assert ours[3:] == theirs[3:]
    assert ours[1] == theirs[1]
    without_model = [[name.removeprefix("functional/") for name in names] for names in ours[2]]
    assert without_model[:-1] == theirs[2][:-1]
    assert ours[0]["model_config"]["class_name"] == theirs[0]["model_config"]["class_name"] == "Functional"
    assert set(theirs[0]["training_config"]) <= set(ours[0]["training_config"])
    assert ours[0]["training_config"]["optimizer_config"] == theirs[0]["training_config"]["optimizer_config"]


def test_long_lists_of_names_are_distributed_over_attributes_as_keras_does(tmp_path):
    def deep(k):
        name = "a_name_that_takes_much_space_" * 30
        return k.Sequential([k.Input((2,)), *(k.layers.Dense(2, name=f"{name}{number}") for number in range(80))])

    model = deep(cornu)
    model.save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5") as root:
        assert {"layer_names0", "layer_names1"} <= set(root["model_weights"].attrs)
    for reader in (cornu, keras):
        loaded = reader.models.load_model(tmp_path / "model.h5")
        np.testing.assert_array_equal(loaded.get_weights()[-2], model.get_weights()[-2])


@pytest.mark.parametrize(("writer", "reader"), [(cornu, keras), (keras, cornu), (cornu, cornu)], ids=["to", "from", "same"])
@pytest.mark.parametrize("kind", ["model", "weights", "nested"])
def test_lists_of_names_of_several_attributes_are_exchanged_with_keras(kind, writer, reader, tmp_path):
    """More than 64 KB of names, as one list or as the weights of a nested model."""

    def deep(k, seed):
        rng, name = np.random.default_rng(seed), "a_name_that_takes_much_space_" * 30
        stack = [k.Input((1,)), *(k.layers.Dense(1, use_bias=False, name=f"{name}{number}") for number in range(80))]
        model = k.Sequential([k.Input((1,)), k.Sequential(stack, name="inner")]) if kind == "nested" else k.Sequential(stack)
        model.set_weights([rng.normal(size=weight.shape).astype("float32") for weight in model.get_weights()])
        return model

    model = deep(writer, 1)
    model.save(tmp_path / "model.h5")
    with h5py.File(tmp_path / "model.h5") as root:
        weights = root["model_weights"]
        parts = weights["inner"].attrs if kind == "nested" else weights.attrs
        assert {f"{'weight' if kind == 'nested' else 'layer'}_names{number}" for number in range(2)} <= set(parts)
    if kind == "weights":
        loaded = deep(reader, 2)
        loaded.load_weights(tmp_path / "model.h5")
    else:
        loaded = reader.models.load_model(tmp_path / "model.h5")
    for mine, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, expected)


def test_a_name_that_no_attribute_holds_is_refused(tmp_path):
    class Named(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight((1,), name="n" * 70_000)

        def call(self, inputs):
            return inputs * self.scale

    model = cornu.Sequential([cornu.Input((1,)), Named(name="named")])
    with pytest.raises(InvalidArgumentError, match=r"takes 70,\d+ bytes: .*at most 64,512 bytes.*as `\.keras`"):
        model.save(tmp_path / "model.h5")
    assert not (tmp_path / "model.h5").exists()


class Net(cornu.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first, self.last = layers.Dense(units), layers.Dense(2)

    def build(self, input_shape):
        self.scale = self.add_weight((input_shape[-1],), "random_normal", name="scale")
        self.offset = self.add_weight((), "ones", trainable=False, name="scale/inner")
        self.first.build(input_shape)
        self.last.build((None, self.units))

    def call(self, inputs):
        return self.last(self.first(inputs * self.scale + self.offset))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_own_models_with_weights_of_their_own_come_back(backend, monkeypatch, tmp_path):
    monkeypatch.setattr(config._backend, "_default", backend)
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    model = Net(4)
    expected = model.predict(x, verbose=0)
    model.meta["classes"] = ["cat", "dog"]
    model.save(tmp_path / "net.h5")
    loaded = load_model(tmp_path / "net.h5", custom_objects={"Net": Net})
    assert loaded.units == 4 and loaded.meta == {"classes": ["cat", "dog"]}
    np.testing.assert_allclose(loaded.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(UnsafeModelError, match="names 'Net'"):
        load_model(tmp_path / "net.h5")


def test_names_that_the_format_cannot_hold_are_refused(tmp_path):
    class Twins(cornu.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = layers.Dense(1, name="same"), layers.Dense(1, name="same")

        def call(self, inputs):
            return self.one(inputs) + self.two(inputs)

    model = Twins()
    model.predict(np.ones((1, 2), "float32"), verbose=0)
    with pytest.raises(InvalidArgumentError, match=r"2 layer\(s\) named 'same'.*save the model as `.keras`"):
        model.save(tmp_path / "model.h5")
    assert not os.listdir(tmp_path)


def test_variables_of_one_path_are_kept_apart(tmp_path):
    class Many(layers.Layer):
        def build(self, input_shape):
            self.all = [self.add_weight((2,), "random_normal", name=name) for name in ("w", "w", "w/inner", "w_1", "..", "./w")]

        def call(self, inputs):
            return inputs * sum(weight.value for weight in self.all)

    model = cornu.Sequential([cornu.Input((2,)), Many(name="many")])
    model.save(tmp_path / "model.h5")
    loaded = load_model(tmp_path / "model.h5", custom_objects={"Many": Many})
    for found, wanted in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


# --- Weights alone ----------------------------------------------------------------------------------------------------


def stack(k, *units, name="attacked"):
    return k.Sequential([k.Input((4,)), *(k.layers.Dense(size, name=label) for label, size in units)], name=name)


@pytest.mark.parametrize("writer", [cornu, keras], ids=["own", "theirs"])
def test_the_weights_of_a_model_file_are_loaded_by_order_or_by_name(writer, tmp_path):
    source = stack(writer, ("only", 3), ("last", 2))
    source.save(tmp_path / "model.h5")
    other = stack(cornu, ("a", 3), ("b", 2))
    other.load_weights(tmp_path / "model.h5")
    for found, wanted in zip(other.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    named = stack(cornu, ("new", 4), ("last", 2), ("only", 3))
    before = named.get_weights()
    with pytest.raises(ModelFormatError, match=r"contains the weights of 2 layers: only, last. The model has 3 layers"):
        named.load_weights(tmp_path / "model.h5")
    with pytest.raises(ModelFormatError, match="does not match the model"):
        named.load_weights(tmp_path / "model.h5", by_name=True)
    with pytest.warns(UserWarning, match=r"(?s)were skipped:.*model_weights/only \(only\)"):
        named.load_weights(tmp_path / "model.h5", by_name=True, skip_mismatch=True)
    np.testing.assert_array_equal(named.get_weights()[0], before[0])
    np.testing.assert_array_equal(named.get_weights()[4], before[4])


def test_weights_at_the_root_are_read_as_keras_reads_them(tmp_path):
    from keras.src.legacy.saving import legacy_h5_format

    source = stack(keras, ("only", 3), ("last", 2))
    with h5py.File(tmp_path / "weights.h5", "w") as root:
        legacy_h5_format.save_weights_to_hdf5_group(root, source)
    model = stack(cornu, ("only", 3), ("last", 2))
    model.load_weights(tmp_path / "weights.h5")
    for found, wanted in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(ModelFormatError, match="contains only weights"):
        load_model(tmp_path / "weights.h5")


def test_arguments_of_other_formats_are_refused(tmp_path):
    model = stack(cornu, ("only", 3))
    model.save(tmp_path / "model.h5")
    model.save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(InvalidArgumentError, match=r"received `objects_to_skip` for 'model\.h5'"):
        model.load_weights(tmp_path / "model.h5", objects_to_skip=[model.layers[0]])
    with pytest.raises(InvalidArgumentError, match=r"received `by_name` for 'model\.weights\.h5'"):
        model.load_weights(tmp_path / "model.weights.h5", by_name=True)
    with pytest.raises(TypeError):
        model.load_weights(tmp_path / "model.h5", by_nam=True)


def older(path, version, engine, names="{}"):
    """Rewrite a file as another version of Keras on another engine would have written it."""
    with h5py.File(path, "r+") as root:
        weights = root["model_weights"]
        for attribute, value in (("keras_version", version), ("backend", engine)):
            del weights.attrs[attribute]
            if value is not None:
                weights.attrs[attribute] = value
        for layer in weights.attrs["layer_names"]:
            group = weights[layer]
            old = [name.decode() for name in group.attrs["weight_names"]]
            group.attrs["weight_names"] = [names.format(name).encode() for name in old]
            for name in old:
                group.move(name, names.format(name)) if names != "{}" else None
    return path


@pytest.mark.parametrize("version", ["2.15.0", "1.2.2", "4.0.0", None])
def test_whole_models_of_other_kerases_are_named(version, tmp_path):
    model = stack(cornu, ("only", 3))
    model.save(tmp_path / "old.h5")
    with pytest.raises(ModelFormatError, match=rf"was written by Keras {version or 1}\. Cornu reads whole models"):
        load_model(older(tmp_path / "old.h5", version, "tensorflow"))


OLD = [("2.15.0", "tensorflow", "{}:0"), ("2.0.9", "cntk", "{}"), ("1.2.2", "tensorflow", "{}_1:0"), (None, None, "{}_1:0")]


@pytest.mark.parametrize(("version", "engine", "names"), OLD)
def test_weights_of_older_kerases_are_loaded(version, engine, names, tmp_path):
    source, model = stack(cornu, ("only", 3), ("last", 2)), stack(cornu, ("only", 3), ("last", 2))
    source.save(tmp_path / "old.h5")
    model.load_weights(older(tmp_path / "old.h5", version, engine, names))
    for found, wanted in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize(
    ("version", "engine", "text"),
    [
        ("2.1.0", "theano", "Keras 2.1.0 on theano"),
        (None, None, "Keras 1 on an engine that it does not name"),
        ("4.0.0", "jax", "Keras 4.0.0 on jax"),
    ],
)
def test_weights_in_another_layout_are_refused(version, engine, text, tmp_path):
    model = stack(cornu, ("only", 3))
    model.save(tmp_path / "old.h5")
    before = model.get_weights()
    with pytest.raises(ModelFormatError, match=f"was written by {text}.*kernels of convolutions are flipped"):
        model.load_weights(older(tmp_path / "old.h5", version, engine))
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


# --- Attacks ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "attacked.h5"
    model = stack(cornu, ("only", 3))
    model.compile("sgd", "mse")
    model.save(path)
    return path


def changed(path, change):
    with h5py.File(path, "r+") as root:
        change(root)
    return path


def refusal(path, kind=ModelFormatError):
    """The error of both ways to read the file; the model is as it was, and little memory was taken."""
    model = stack(cornu, ("only", 3))
    before = model.get_weights()
    load_model_error = None
    for load in (load_model, model.load_weights):
        tracemalloc.start()
        with pytest.raises(kind) as caught:
            load(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * 2**20
        load_model_error = load_model_error or caught.value
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    return load_model_error


def in_place_of_the_kernel(make):
    def change(root):
        del root[KERNEL]
        make(root)

    return change


def external_link(root):
    root[KERNEL] = h5py.ExternalLink("canary.h5", "/data")


def soft_link(root):
    root[KERNEL] = h5py.SoftLink("/model_weights/only/attacked/only/bias")


def external_storage(root):
    root.create_dataset(KERNEL, (4, 3), "f4", external=[("canary.bin", 0, 48)])


def virtual(root):
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("canary.h5", "data", (4, 3))
    root.create_virtual_dataset(KERNEL, layout)


def link_as_ancestor(root):
    del root["model_weights/only"]
    root["model_weights/only"] = h5py.ExternalLink("canary.h5", "/")


def link_at_the_root(root):
    del root["model_weights"]
    root["model_weights"] = h5py.ExternalLink("canary.h5", "/")


def link_beside(root):
    root.create_dataset(KERNEL, data=np.zeros((4, 3), "f4"))
    root["beside"] = h5py.ExternalLink("canary.h5", "/")


@pytest.mark.parametrize(
    "attack", [external_link, soft_link, external_storage, virtual, link_as_ancestor, link_at_the_root, link_beside]
)
def test_what_points_elsewhere_is_refused(attack, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "canary.bin").write_bytes(b"C" * 64)
    with h5py.File(tmp_path / "canary.h5", "w") as root:
        root["data"] = np.full((4, 3), 7.0)
    refusal(changed(path, in_place_of_the_kernel(attack)), UnsafeModelError)


@pytest.mark.parametrize("shape", [(2**20,), (2**40,), (2**62,), (2**32, 2**31), (0, 3), (), (3, 4)])
def test_an_array_of_another_shape_is_refused_unread(shape, path):
    chunks = tuple(min(size, 16) for size in shape) if shape and 0 not in shape else None
    make = in_place_of_the_kernel(lambda root: root.create_dataset(KERNEL, shape, "f4", chunks=chunks))
    assert f"{shape} float32" in str(refusal(changed(path, make)))


@pytest.mark.parametrize("dtype", ["S4", "c8", "i4", "V2", h5py.string_dtype(), h5py.ref_dtype, [("a", "f4")]], ids=str)
def test_anything_but_floats_is_refused_where_floats_belong(dtype, path):
    refusal(changed(path, in_place_of_the_kernel(lambda root: root.create_dataset(KERNEL, (4, 3), dtype))))


def lying_names(value):
    def change(root):
        root["model_weights/only"].attrs["weight_names"] = value

    return change


@pytest.mark.parametrize(
    "value",
    [
        [b"attacked/only/kernel"],
        [b"attacked/only/kernel"] * 3,
        [b"attacked/only/kernel", b"nowhere"],
        [b"attacked/only/kernel", b"attacked/only"],
        [b"attacked/only/kernel", b"../../optimizer_weights/sgd/iteration"],
        [b"attacked/only/kernel", b"/model_weights/only/attacked/only/bias"],
        [b"\xff\xfe", b"x"],
        b"attacked/only/kernel",
        3.5,
        np.zeros((2, 2)),
        np.zeros(3),
        h5py.Empty("S4"),
    ],
    ids=str,
)
def test_lists_of_names_that_do_not_fit_are_refused(value, path):
    refusal(changed(path, lying_names(value)))


def test_lists_that_are_large_together_are_refused(path):
    def change(root):
        group = root["model_weights"]
        del group.attrs["layer_names"]
        for number in range(300):
            group.attrs[f"layer_names{number}"] = np.asarray([b"x" * 64_000])

    refusal(changed(path, change))


def test_strings_that_may_all_be_one_large_string_are_refused_unread(path):
    """In HDF5, a list of strings of variable length consists of references, any number of which may be to one string."""

    def change(root):
        root["model_weights"].attrs["layer_names"] = np.asarray(["only"] * 4000, dtype=h5py.string_dtype())
        root["model_weights"].attrs["large"] = "x" * 2**19

    assert "a list of strings that takes at most" in str(refusal(changed(path, change)))


def test_long_lists_of_strings_in_large_files_of_keras_are_read(tmp_path):
    """Keras writes strings of variable length: 100 names in a file of 16 MB."""
    rng = np.random.default_rng(0)
    model = keras.Sequential([keras.Input((2,)), *(keras.layers.Dense(2) for _ in range(100)), keras.layers.Dense(1_400_000)])
    model.set_weights([rng.normal(size=weight.shape).astype("float32") for weight in model.weights])
    model.save(tmp_path / "large.h5")
    with h5py.File(tmp_path / "large.h5") as file:
        assert file["model_weights"].attrs.get_id("layer_names").dtype.kind == "O"
    loaded = cornu.models.load_model(tmp_path / "large.h5")
    for found, wanted in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_short_lists_of_strings_of_variable_length_are_read(path):
    def change(root):
        root["model_weights"].attrs["layer_names"] = np.asarray(["only"], dtype=h5py.string_dtype())

    load_model(changed(path, change))


def test_missing_lists_and_groups_are_refused(path):
    for change in (
        lambda root: root["model_weights/only"].attrs.pop("weight_names"),
        lambda root: root["model_weights"].attrs.update(layer_names=[b"nobody"]),
        lambda root: root["model_weights"].attrs.update(layer_names=[b"only", b"only"]),
        lambda root: root["model_weights"].attrs.pop("layer_names"),
    ):
        refusal(changed(path, change))


@pytest.mark.parametrize(
    "value",
    [3, b"", b"{", b"[]", b"\xff", np.zeros(3), [b"{}"], b"9" * 17 * 2**20, b'{"class_name": "Sequential"}', b'{"a": NaN}'],
    ids=lambda value: repr(value)[:30],
)
@pytest.mark.parametrize("name", ["model_config", "training_config", "cornu"])
def test_configs_that_are_none_are_refused(name, value, path):
    def change(root):
        root.attrs[name] = value

    if name != "model_config" and isinstance(value, bytes) and value.startswith(b'{"class_name"'):
        pytest.skip("a dict without the arguments of `compile`, or without metadata, is one with an error of its own")
    changed(path, change)
    tracemalloc.start()
    with pytest.raises(ModelFormatError):
        load_model(path)
    assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    tracemalloc.stop()


def test_a_fixed_string_of_an_absurd_length_is_refused(path):
    def change(root):
        space = h5py.h5s.create_simple((2**40,), (2**40,))
        del root.attrs["model_config"]
        try:
            h5py.h5a.create(root.id, b"model_config", h5py.h5t.py_create(np.dtype("S8")), space)
        except (ValueError, RuntimeError, OSError) as error:
            pytest.skip(f"HDF5 does not write such an attribute: {error}")

    changed(path, change)
    with pytest.raises(ModelFormatError):
        load_model(path)


@pytest.mark.parametrize(
    "form",
    [
        {"class_name": "__lambda__", "config": {"code": "4wEAAAAA", "defaults": None, "closure": None}},
        {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"},
        {"class_name": "function", "config": "load_model", "module": "keras.models"},
        "load_model",
    ],
    ids=str,
)
@pytest.mark.parametrize("slot", ["activation", "layer", "loss", "optimizer"])
@pytest.mark.parametrize("safe_mode", [True, False, None])
def test_code_and_foreign_names_are_refused_as_in_other_files(form, slot, safe_mode, path):
    def change(root):
        model, training = (json.loads(root.attrs[name]) for name in ("model_config", "training_config"))
        if slot == "activation":
            model["config"]["layers"][1]["config"]["activation"] = form
        elif slot == "layer":
            model["config"]["layers"][1] = form
        else:
            training["optimizer_config" if slot == "optimizer" else "loss"] = form
        root.attrs["model_config"], root.attrs["training_config"] = json.dumps(model), json.dumps(training)

    changed(path, change)
    if slot == "loss" and form == "load_model":  # a plain name is looked up when data is first seen
        model = load_model(path, safe_mode=safe_mode)
        with pytest.raises(InvalidArgumentError, match="None of the losses has this name"):
            model.fit(np.ones((2, 4), "float32"), np.ones((2, 3), "float32"), verbose=0)
        return
    with pytest.raises(ModelFormatError):
        load_model(path, safe_mode=safe_mode)


@pytest.mark.parametrize("units", [10**9, 10**15, 2**63])
def test_a_layer_larger_than_the_file_is_refused_before_anything_is_allocated(units, path):
    def change(root):
        model = json.loads(root.attrs["model_config"])
        model["config"]["layers"][1]["config"]["units"] = units
        root.attrs["model_config"] = json.dumps(model)

    changed(path, change)
    tracemalloc.start()
    with pytest.raises(ModelFormatError):
        load_model(path)
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


def test_a_flipped_bit_never_changes_weights_silently(path):
    whole = path.read_bytes()
    expected = load_model(path).get_weights()
    generator = np.random.default_rng(3)
    model = stack(cornu, ("only", 3))
    noticed = 0
    for position in generator.choice(len(whole), 120, replace=False):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(generator.integers(8))
        path.write_bytes(damaged)
        model.set_weights(expected)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.load_weights(path)
        except ModelFormatError:
            noticed += 1
        for value, wanted in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(value, wanted)
    assert noticed >= 3


def test_a_flipped_bit_near_the_names_of_weights_is_noticed_or_harmless(path):
    whole = path.read_bytes()
    expected = load_model(path).get_weights()
    model = stack(cornu, ("only", 3))
    places = [match.start() for match in re.finditer(b"weight_names", whole)]
    for position in sorted({place + offset for place in places for offset in range(-24, 24, 4)}):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        path.write_bytes(damaged)
        model.set_weights(expected)
        with contextlib.suppress(ModelFormatError), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.load_weights(path)
        for value, wanted in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize("length", [0, 7, 100, 1000, -1, -200])
def test_a_file_that_is_cut_short_is_refused(length, path):
    path.write_bytes(path.read_bytes()[:length])
    refusal(path)


def test_a_save_that_fails_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def half(file, *_):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(model_h5, "write_model", half)
    with pytest.raises(OSError, match="No space left"):
        stack(cornu, ("only", 3)).save(path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_missing_folder_is_created_as_keras_does(tmp_path):
    for k in (cornu, keras):
        stack(k, ("only", 3)).save(tmp_path / k.__name__ / "sub" / "m.h5")
        assert (tmp_path / k.__name__ / "sub" / "m.h5").is_file()
