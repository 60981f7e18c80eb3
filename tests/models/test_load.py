import inspect
import io
import json
import marshal
import os
import re
import signal
import subprocess
import sys
import time
import warnings
import zipfile

import keras
import numpy as np
import pytest

import cornu
from cornu import config, layers, registry, seeds
from cornu.core import dtype_policy
from cornu.errors import InvalidArgumentError, InvalidTypeError, ModelFormatError, NotBuiltError, UnsafeModelError
from cornu.models import load_model, model_from_json
from cornu.scopes import Scope

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of saving in Keras


def small(k=cornu):
    return k.Sequential(
        [k.Input((6,)), k.layers.Dense(8, activation="tanh"), k.layers.BatchNormalization(), k.layers.Dense(2, name="last")],
        name="small",
    )


@pytest.fixture
def data():
    generator = np.random.default_rng(0)
    return generator.normal(size=(64, 6)).astype("float32"), generator.normal(size=(64, 2)).astype("float32")


# --- Training goes on -------------------------------------------------------------------------------------------------


OPTIMIZERS = {
    "adam": lambda k: k.optimizers.Adam(0.01),
    "momentum": lambda k: k.optimizers.SGD(0.01, momentum=0.9, nesterov=True),
    "rmsprop": lambda k: k.optimizers.RMSprop(0.01, centered=True, momentum=0.5),
    "schedule": lambda k: k.optimizers.Adam(k.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9), amsgrad=True),
    "accumulation": lambda k: k.optimizers.AdamW(gradient_accumulation_steps=3, clipnorm=1.0),
    "stateless": lambda k: k.optimizers.SGD(0.1),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize(("writer", "reader"), [(cornu, cornu), (keras, cornu), (cornu, keras)], ids=["own", "theirs", "ours"])
def test_training_goes_on_as_if_it_had_not_been_saved(writer, reader, optimizer, data, tmp_path):
    """Two epochs, saved, loaded, and a third one give what three epochs give; also when Keras does the other half."""
    how = {"batch_size": 16, "shuffle": False, "verbose": 0}
    model = small(writer)
    model.compile(optimizer(writer), "mse", metrics=["mae"])
    model.fit(*data, epochs=2, **how)
    model.save(tmp_path / "model.keras")
    loaded = reader.models.load_model(tmp_path / "model.keras")
    model.fit(*data, epochs=1, **how)
    loaded.fit(*data, epochs=1, **how)
    tolerance = {"rtol": 0, "atol": 0} if writer is reader else {"rtol": 1e-5, "atol": 1e-6}
    for found, wanted in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, **tolerance)
    for found, wanted in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_allclose(found.numpy(), wanted.numpy(), **tolerance)


def test_losses_and_metrics_come_back(data, tmp_path):
    x = cornu.Input((6,))
    model = cornu.Model(x, {"a": layers.Dense(2, name="a")(x), "b": layers.Dense(1, name="b")(x)})
    model.compile(
        "sgd",
        {"a": "mse", "b": cornu.losses.Huber(delta=0.5)},
        loss_weights={"a": 2.0, "b": 0.5},
        metrics={"a": ["mae", cornu.metrics.MeanSquaredError(name="squares")], "b": [cornu.metrics.mean_absolute_error]},
    )
    targets = {"a": data[1], "b": data[1][:, :1]}
    expected = model.evaluate(data[0], targets, return_dict=True, verbose=0)
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").evaluate(data[0], targets, return_dict=True, verbose=0) == expected


def squares(y_true, y_pred):
    return (y_true - y_pred) ** 2


def test_without_compile_the_model_is_not_compiled(tmp_path):
    model = small()
    model.compile("adam", squares)
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras", compile=False)
    assert not loaded.compiled and not hasattr(loaded, "optimizer")
    with pytest.raises(UnsafeModelError, match=r"compile=False|custom_objects"):
        load_model(tmp_path / "model.keras")


def of_tensors(library):
    class Own(library.Model):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return library.ops.mean((y - y_pred) ** 2)

    return Own


def passing_on(library):
    class Own(library.Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.tracker = library.metrics.Mean(name="own")

    return Own


@pytest.mark.parametrize("make_class", [of_tensors, passing_on])
def test_a_functional_model_of_a_subclass_comes_back(make_class, library, tmp_path):
    cls = make_class(library)
    x = library.Input((3,))
    model = cls(x, library.layers.Dense(2, name="only")(x), name="mine")
    model.save(tmp_path / "m.keras")
    loaded = library.models.load_model(tmp_path / "m.keras", custom_objects={"Own": cls})
    assert (type(loaded), loaded.name, [layer.name for layer in loaded.layers[1:]]) == (cls, "mine", ["only"])
    values = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(np.asarray(loaded(values)), np.asarray(model(values)))


def test_a_layer_that_its_owner_freezes_stays_frozen(library, tmp_path):
    class Own(library.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.frozen, self.trained = library.layers.Dense(2), library.layers.Dense(2)
            self.frozen.trainable = False

        def call(self, inputs):
            return self.trained(self.frozen(inputs))

    model = Own()
    model(np.ones((2, 3), "float32"))
    model.save(tmp_path / "m.keras")
    loaded = library.models.load_model(tmp_path / "m.keras", custom_objects={"Own": Own})
    assert (loaded.trainable, loaded.frozen.trainable, len(loaded.trainable_weights)) == (True, False, 2)


def test_a_model_with_a_compile_of_its_own_is_loaded_but_not_compiled(library, tmp_path):
    class Two(library.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = library.layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs)

        def compile(self, first, second):
            super().compile(loss="mse")
            self.first, self.second = first, second

    model = Two()
    x = np.ones((2, 3), "float32")
    expected = np.asarray(model(x))
    model.compile(library.optimizers.SGD(0.1), library.optimizers.SGD(0.2))
    model.save(tmp_path / "m.keras")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded = library.models.load_model(tmp_path / "m.keras", custom_objects={"Two": Two})
    assert any(re.search("compile.*get_compile_config", str(warning.message), re.S) for warning in caught)
    assert getattr(loaded, "optimizer", None) is None
    np.testing.assert_array_equal(np.asarray(loaded(x)), expected)


def test_the_config_of_a_compile_of_ones_own_is_passed_to_it(tmp_path):
    class Two(cornu.Model):
        def call(self, inputs):
            return inputs

        def compile(self, rate):
            super().compile(cornu.optimizers.SGD(rate), "mse")
            self.rate = rate

        def get_compile_config(self):
            return {"rate": self.rate}

    model = Two()
    model(np.ones((2, 3), "float32"))
    model.compile(0.25)
    model.save(tmp_path / "m.keras")
    assert load_model(tmp_path / "m.keras", custom_objects={"Two": Two}).rate == 0.25


def test_a_changed_learning_rate_comes_back(tmp_path):
    model = small()
    model.compile(cornu.optimizers.Adam(0.01), "mse")
    model.optimizer.learning_rate = 0.125
    model.save(tmp_path / "model.keras")
    assert float(load_model(tmp_path / "model.keras").optimizer.learning_rate) == 0.125


# --- Saving -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "start"), [("m.keras", b"PK"), ("m.h5", b"\x89HDF"), ("m.hdf5", b"\x89HDF")])
def test_the_ending_decides_which_format_is_written_and_none_matters_when_reading(name, start, tmp_path):
    small().save(tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)
    os.rename(tmp_path / name, tmp_path / "renamed.dat")
    assert load_model(tmp_path / "renamed.dat").name == "small"


@pytest.mark.parametrize("name", ["model", "model.txt", "model.zip", "model.keras.bak"])
def test_another_ending_is_refused_before_anything_is_written(name, tmp_path):
    with pytest.raises(InvalidArgumentError) as caught:
        small().save(tmp_path / name)
    assert caught.value.received == f"`save` received filepath={str(tmp_path / name)!r}."
    assert "must end in `.keras`" in caught.value.expected
    assert str(tmp_path / f"{name.rpartition('.')[0] or name}.keras") in caught.value.hint
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["w", "w.bad", "w.h5", "w.keras"])
def test_a_file_of_weights_has_its_ending(name, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"must end in `.weights.h5` or `.safetensors`. Pass, .* 'model.weights.h5'"):
        small().save_weights(tmp_path / name)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("save", [lambda m, p: m.save(f"{p}.keras"), lambda m, p: m.save_weights(f"{p}.weights.h5")])
def test_a_folder_that_does_not_exist_is_a_file_not_found_error(save, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .*new' does not exist|the folder .*new` does not exist") as caught:
        save(small(), tmp_path / "new" / "m")
    assert isinstance(caught.value, InvalidArgumentError)
    assert not os.listdir(tmp_path)


def test_unknown_arguments_of_save_are_named(tmp_path):
    with pytest.raises(InvalidTypeError, match=r"received the argument `include_optimiser`.*Did you mean 'include_optimizer'"):
        small().save(tmp_path / "m.keras", include_optimiser=False)
    with pytest.raises(InvalidArgumentError, match="Remove `save_format='tf'`"):
        small().save(tmp_path / "m", save_format="tf")
    small().save(tmp_path / "m.keras", save_format="keras")


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "folder"])
def test_without_its_optimizer_a_model_is_not_compiled_when_loaded(name, data, tmp_path):
    model = small()
    model.compile("adam", "mse")
    model.fit(*data, verbose=0)
    model.save(tmp_path / name, include_optimizer=False, zipped=name != "folder")
    loaded = load_model(tmp_path / name)
    assert not hasattr(loaded, "optimizer")
    for found, wanted in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("library", [cornu, keras])
@pytest.mark.parametrize(("answers", "is_replaced"), [(["y"], True), (["n"], False), (["maybe", " Y "], True)])
def test_the_terminal_asks_about_a_file_that_exists_as_in_keras(answers, is_replaced, library, tmp_path, monkeypatch):
    model, asked = small(library), list(answers)
    monkeypatch.setattr("builtins.input", lambda question: asked.pop(0))
    h5 = [("m.h5", model.save)] if library is cornu else []  # Keras asks twice about this one
    for name, save in (("m.keras", model.save), *h5, ("m.weights.h5", model.save_weights)):
        (tmp_path / name).write_text("mine")
        save(tmp_path / name, overwrite=False)
        assert asked == [] and ((tmp_path / name).read_bytes() != b"mine") == is_replaced
        save(tmp_path / f"new_{name}", overwrite=False)  # asks nothing
        asked = list(answers)


def test_without_a_terminal_a_file_is_not_overwritten_if_that_is_not_wanted(tmp_path):
    for name, save in (("m.keras", small().save), ("m.h5", small().save), ("m.weights.h5", small().save_weights)):
        (tmp_path / name).write_text("mine")
        with pytest.raises(InvalidArgumentError, match="already exists, and `overwrite` is False"):
            save(tmp_path / name, overwrite=False)
        assert (tmp_path / name).read_text() == "mine"


def test_a_save_that_fails_leaves_the_old_file(tmp_path):
    class Broken(layers.Layer):
        def call(self, inputs):
            return inputs

        def get_config(self):
            raise RuntimeError("disk of the mind full")

    path = tmp_path / "model.keras"
    small().save(path)
    before = path.read_bytes()
    with pytest.raises(RuntimeError):
        cornu.Sequential([cornu.Input((6,)), Broken()]).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.keras"]


def test_a_disk_that_is_full_half_way_leaves_the_old_file(tmp_path, monkeypatch):
    def half(file, places):
        file.write(b"half") if hasattr(file, "write") else file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    for name, save in (("model.keras", small().save), ("w.weights.h5", small().save_weights)):
        save(tmp_path / name)
        before = (tmp_path / name).read_bytes()
        monkeypatch.setattr("cornu.saving.keras_archive.write_weights", half)
        monkeypatch.setattr("cornu.saving.weights_h5.write_weights", half)
        with pytest.raises(OSError, match="No space left"):
            save(tmp_path / name)
        monkeypatch.undo()
        assert (tmp_path / name).read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["model.keras", "w.weights.h5"]


def test_meta_stands_beside_the_model(tmp_path):
    model = small()
    model.meta.update(class_names=["cat", "dög"], image_size=[150, 150], scaling=1 / 255)
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").meta == model.meta
    assert keras.models.load_model(tmp_path / "model.keras").name == "small"


def test_meta_that_json_cannot_hold_is_refused(tmp_path):
    model = small()
    model.meta["when"] = object()
    with pytest.raises(InvalidArgumentError, match=r"`model.meta` contains a value that cannot be written as JSON"):
        model.save(tmp_path / "model.keras")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "line\nbreak", "\ud800", "right\u202eleft"])
def test_names_that_no_file_can_hold_are_refused_when_saving(name, tmp_path):
    with pytest.raises(InvalidArgumentError, match="A layer of the model is named"):
        cornu.Sequential([cornu.Input((2,)), layers.Dense(1, name=name)]).save(tmp_path / "model.keras")
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("name", ["..", "..\\b", "C:x", "nul"])
def test_names_never_become_paths(name, tmp_path):
    cornu.Sequential([cornu.Input((2,)), layers.Dense(1, name=name)]).save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").layers[0].name == name
    assert os.listdir(tmp_path) == ["model.keras"]


class Pair(cornu.Model):
    """Two networks that are built, in a model that is never called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.one, self.two = (cornu.Sequential([cornu.Input((2,)), layers.Dense(3)]) for _ in range(2))


def test_a_model_that_is_not_built_but_has_weights(tmp_path):
    model, again = Pair(), Pair()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.save(tmp_path / "m.keras")
        model.save_weights(tmp_path / "m.weights.h5")
        loaded = cornu.models.load_model(tmp_path / "m.keras", custom_objects={"Pair": Pair})
        again.load_weights(tmp_path / "m.weights.h5")
    for other in (loaded, again):
        for mine, theirs in zip(other.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_a_model_that_is_not_built_has_no_weights_to_save(tmp_path):
    model = cornu.Sequential([layers.Dense(3)])
    with pytest.raises(NotBuiltError, match=r"`save_weights` was called on the model '.*', which is not built"):
        model.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(NotBuiltError, match="`load_weights`"):
        model.load_weights(tmp_path / "w.weights.h5")
    with pytest.warns(UserWarning, match="is not built: the file will contain no weights"):
        model.save(tmp_path / "model.keras")
    assert not load_model(tmp_path / "model.keras").built


# --- Loading ----------------------------------------------------------------------------------------------------------


def test_a_file_object_is_read(tmp_path):
    small().save(tmp_path / "model.keras")
    assert load_model(io.BytesIO((tmp_path / "model.keras").read_bytes())).name == "small"


def test_weights_of_a_model_file_are_read_too(tmp_path):
    model, other = small(), small()
    model.save(tmp_path / "model.keras")
    other.load_weights(tmp_path / "model.keras")
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])


def test_loading_leaves_everything_else_as_it_was(tmp_path):
    small().save(tmp_path / "model.keras")

    def everything():
        settings = [
            each.get() for module in (config, dtype_policy) for each in vars(module).values() if isinstance(each, Scope)
        ]
        sequence = seeds._sequence.get()
        return sequence, sequence._seed, sequence._count, settings, set(registry._custom), os.environ.copy()

    before = everything()
    modules = set(sys.modules)
    load_model(tmp_path / "model.keras")
    assert everything() == before
    assert {name for name in set(sys.modules) - modules if not name.startswith(("cornu", "h5py", "encodings"))} == set()


def test_no_number_is_drawn_for_a_model_that_is_loaded(tmp_path, monkeypatch):
    small().save(tmp_path / "model.keras")
    monkeypatch.setattr(cornu.initializers.GlorotUniform, "__call__", lambda *args, **kwargs: pytest.fail("drawn"))
    load_model(tmp_path / "model.keras").predict(np.ones((1, 6), "float32"), verbose=0)


class Scaled(layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.inner = layers.Dense(3)

    def call(self, inputs):
        return self.inner(inputs) * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class Own(cornu.Model):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first = layers.Dense(units)
        self.scaled = [Scaled(3.0), Scaled(0.5)]

    def call(self, inputs, training=None):
        return self.scaled[1](self.scaled[0](self.first(inputs)))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_a_layer_of_two_nested_models_is_one_layer_again(tmp_path):
    """Keras 3.15.1 writes such a model and cannot read it back."""
    shared, outer = layers.Dense(4, name="shared"), cornu.Input((4,))
    inner = [cornu.Input((4,)), cornu.Input((4,))]
    one, two = (cornu.Model(x, layers.Dense(3)(shared(x)), name=f"m{number}") for number, x in enumerate(inner))
    model = cornu.Model(outer, layers.Add()([one(outer), two(outer)]))
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    first, second = (loaded.get_layer(name).get_layer("shared") for name in ("m0", "m1"))
    assert first is second
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_own_classes_need_custom_objects(tmp_path):
    x = np.ones((2, 6), "float32")
    model = Own(5)
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "own.keras")
    loaded = load_model(tmp_path / "own.keras", custom_objects={"Own": Own})
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), expected)
    with pytest.raises(UnsafeModelError, match=r"names 'Own'\. .*pass `custom_objects=\{'Own': ...\}`"):
        load_model(tmp_path / "own.keras")


def test_registered_classes_are_known(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_custom", {})
    monkeypatch.setattr(registry, "custom_names", {})
    kind = cornu.saving.register_keras_serializable("Tests")(Scaled)
    model = cornu.Sequential([cornu.Input((6,)), kind(0.5)])
    model.save(tmp_path / "model.keras")
    assert load_model(tmp_path / "model.keras").layers[0].factor == 0.5


def test_a_model_on_another_backend_gives_the_same_answers(tmp_path, monkeypatch):
    x = np.random.default_rng(3).normal(size=(3, 6)).astype("float32")
    model = small()
    model.save(tmp_path / "model.keras")
    monkeypatch.setattr(config._backend, "_default", "numpy")
    loaded = load_model(tmp_path / "model.keras")
    assert loaded.backend_name == "numpy"
    np.testing.assert_allclose(loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6)


def test_json_makes_the_same_layers(tmp_path):
    model = small()
    model.compile("adam", "mse")
    again = model_from_json(model.to_json(indent=2))
    assert again.to_json() == model.to_json()
    assert keras.models.model_from_json(model.to_json()).count_params() == model.count_params()
    assert model_from_json(small(keras).to_json()).count_params() == model.count_params()


def test_json_must_be_a_text():
    with pytest.raises(InvalidTypeError, match="received a dict"):
        model_from_json({"class_name": "Sequential"})


# --- Other files ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "It is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"<!DOCTYPE html>", "web page"),
        (b'{"class_name"', "model_from_json"),
        (b"\x80\x04\x95pickle", "pickle"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x05\x06" + b"\0" * 18, "without members"),
        (b"\0" * 100, "damaged or has another format"),
    ],
)
def test_other_files_are_told_apart(content, advice, tmp_path):
    (tmp_path / "model.keras").write_bytes(content)
    for load in (load_model, small().load_weights):
        with pytest.raises(ModelFormatError, match=advice):
            load(tmp_path / "model.keras")


def test_a_file_that_is_not_there_is_told_with_the_nearest_name(tmp_path):
    small().save(tmp_path / "model.keras")
    with pytest.raises(InvalidArgumentError, match=r"There is no such file. Did you mean '.*model.keras'\?"):
        load_model(tmp_path / "modle.keras")
    with pytest.raises(InvalidArgumentError, match=r"The folder '.*missing' does not exist"):
        load_model(tmp_path / "missing" / "model.keras")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(InvalidArgumentError, match="is a link to 'nowhere'"):
        load_model(tmp_path / "link")


def test_what_is_no_ordinary_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.keras")
    (tmp_path / "folder.keras").mkdir()
    for path, what in (
        (tmp_path / "pipe.keras", "not a regular file"),
        (tmp_path / "folder.keras", "a folder"),
        ("/dev/zero", "not a regular file"),
    ):
        with pytest.raises(ModelFormatError, match=what):
            load_model(path)


def test_addresses_are_not_files():
    with pytest.raises(InvalidArgumentError, match="must be the path of a local file"):
        load_model("https://example.org/model.keras")


def test_a_weights_file_is_no_model(tmp_path):
    small().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ModelFormatError, match=r"contains only weights.*model.load_weights"):
        load_model(tmp_path / "w.weights.h5")


# --- Hostile configs (A1, A2, A3) -------------------------------------------------------------------------------------


LAMBDA = {"class_name": "__lambda__", "config": {"value": "4wEAAAAAAAAA", "defaults": None, "closure": None}}


def with_config(path, change):
    """A model file of one ``Dense`` layer whose config is changed."""
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(3, name="only")], name="attacked")
    model.compile("sgd", "mse", metrics=["mae"])
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    found = json.loads(members["config.json"])
    change(found)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (members | {"config.json": json.dumps(found).encode()}).items():
            archive.writestr(name, data)
    return found


def dense(found):
    return found["config"]["layers"][1]


def in_slot(slot, value):
    """Puts a value into one of the places of a config that name something."""

    def change(found):
        if slot in ("loss", "metrics", "optimizer"):
            found["compile_config"][slot] = [value] if slot == "metrics" else value
        elif slot == "layer":
            found["config"]["layers"][1] = value
        elif slot == "nested":
            found["config"]["layers"][1] = {
                "module": "keras.layers",
                "class_name": "TimeDistributed",
                "config": {
                    "name": "outer",
                    "layer": {**dense(found), "config": {**dense(found)["config"], "activation": value}},
                },
                "registered_name": None,
            }
        elif slot == "lambda":
            config = {"name": "code", "function": value, "arguments": {}}
            found["config"]["layers"].append({"module": "keras.layers", "class_name": "Lambda", "config": config})
        elif slot == "schedule":
            found["compile_config"]["optimizer"]["config"]["learning_rate"] = value
        else:
            dense(found)["config"][slot] = value

    return change


SLOTS = (
    *("activation", "kernel_initializer", "kernel_regularizer", "bias_constraint", "dtype"),
    *("loss", "metrics", "optimizer", "schedule", "layer", "nested", "lambda"),
)


def refusal(path, **arguments):
    began = time.perf_counter()
    with pytest.raises(ModelFormatError) as caught:
        load_model(path, **arguments)
    assert time.perf_counter() - began < 2
    return caught.value


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("safe_mode", [True, False, None])
def test_code_in_a_file_is_never_run(slot, safe_mode, tmp_path, monkeypatch):
    read = marshal.loads
    monkeypatch.setattr("marshal.loads", lambda data: pytest.fail("code was read") if len(data) < 100 else read(data))
    found = with_config(tmp_path / "model.keras", in_slot(slot, LAMBDA))
    refusal(tmp_path / "model.keras", safe_mode=safe_mode)
    with pytest.raises(ModelFormatError):
        model_from_json(json.dumps(found))


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("module", ["evilpkg", "evilpkg.inner", "cornu.io.atomic"])
def test_nothing_is_imported_by_name(slot, module, tmp_path, monkeypatch):
    (tmp_path / "evilpkg").mkdir()
    (tmp_path / "evilpkg" / "__init__.py").write_text("open('MARKER', 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    for form in (
        {"module": module, "class_name": "function", "config": "run", "registered_name": "run"},
        {"module": module, "class_name": "Evil", "config": {}, "registered_name": "Evil"},
    ):
        with_config(tmp_path / "model.keras", in_slot(slot, form))
        refusal(tmp_path / "model.keras")
    assert "evilpkg" not in sys.modules
    assert not (tmp_path / "MARKER").exists()


def public_callables():
    """Every function and class that Cornu shows to the world, by module and name."""
    found = {}
    for package in cornu.__all__:
        module = getattr(cornu, package)
        for name in dir(module) if inspect.ismodule(module) else ():
            thing = getattr(module, name)
            if callable(thing) and not name.startswith("_"):
                found[(module.__name__, name)] = thing
    return found


@pytest.mark.parametrize("slot", ["activation", "loss", "metrics", "kernel_initializer", "lambda"])
def test_only_what_stands_in_the_tables_is_found(slot, tmp_path):
    """Every public name of Cornu in slots that name functions: what is in no table of pure functions and classes is refused."""
    found = with_config(tmp_path / "model.keras", lambda found: None)
    allowed = set().union(*(registry.registered(kind) for kind in registry.tables))
    foreign = {name: module for module, name in public_callables() if name not in allowed}
    assert len(foreign) > 200
    for name, module in foreign.items():
        forms = [{"module": module.replace("cornu", "keras"), "class_name": "function", "config": name}]
        forms += [] if slot in ("loss", "metrics") else [name]  # these look a plain name up when data is first seen
        for form in forms:
            config = json.loads(json.dumps(found))
            in_slot(slot, form)(config)
            with pytest.raises(ModelFormatError):
                model_from_json(json.dumps(config))


def test_no_table_holds_a_function_with_effects():
    dangerous = "load|save|open|file|exec|eval|import|set_|seed|fetch|url|download|session|plot|write|read|system|clear"
    tables = [registry.registered(kind) for kind in registry.tables]
    functions = {name for table in tables for name, thing in table.items() if not inspect.isclass(thing)}
    assert not [name for name in functions if re.search(dangerous, name)]


@pytest.mark.parametrize(
    "name",
    [
        "load_model",
        "save_model",
        "set_backend",
        "set_random_seed",
        "clear_session",
        "load_data",
        "open",
        "eval",
        "exec",
        "system",
    ],
)
@pytest.mark.parametrize("slot", SLOTS)
def test_functions_with_effects_are_refused_everywhere(name, slot, tmp_path):
    with_config(tmp_path / "model.keras", in_slot(slot, {"module": "keras", "class_name": "function", "config": name}))
    refusal(tmp_path / "model.keras")


@pytest.mark.parametrize("entry", ["callbacks", "datasets", "optimizers", "models", "losses"])
def test_things_of_other_kinds_are_no_layers(entry, tmp_path):
    names = {"callbacks": "EarlyStopping", "datasets": "mnist", "optimizers": "Adam", "models": "Functional", "losses": "Huber"}
    form = {"module": f"keras.{entry}", "class_name": names[entry], "config": {}, "registered_name": None}
    with_config(tmp_path / "model.keras", in_slot("layer", form))
    refusal(tmp_path / "model.keras")


def test_every_public_way_in_is_known_here():
    """Who adds a function that reads a config or a file adds it to the attacks above: all of them end in ``layer_from``."""
    ways = {
        name for package in (cornu.models, cornu.saving) for name in package.__all__ if re.search("load|from|deser|clone", name)
    }
    assert ways == {"load_model", "load_weights", "model_from_json", "clone_model", "deserialize_keras_object"}
    methods = {name for name in dir(cornu.Model) if re.search("load|from|deser", name) and not name.startswith("_")}
    assert methods == {"load_weights", "from_config", "compile_from_config", "build_from_config", "load_own_variables"}


@pytest.mark.parametrize("form", [LAMBDA, {"module": "os", "class_name": "function", "config": "system"}])
def test_the_other_ways_in_refuse_the_same(form, tmp_path):
    found = with_config(tmp_path / "model.keras", in_slot("activation", form))
    for way in (
        lambda: cornu.Sequential.from_config(found["config"]),
        lambda: cornu.saving.deserialize_keras_object(found),
        lambda: cornu.saving.deserialize_keras_object(found, safe_mode=False),
    ):
        with pytest.raises(UnsafeModelError):
            way()


# --- Sizes and forms (A10, A14) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [10**9, 10**12, 10**15, 2**63, 10**30])
def test_a_layer_larger_than_the_file_is_refused_before_anything_is_allocated(units, tmp_path):
    with_config(tmp_path / "model.keras", in_slot("units", units))
    assert "only" in str(refusal(tmp_path / "model.keras"))


def test_models_nested_without_end_are_refused(tmp_path):
    def change(found):
        inner = found["config"]["layers"][1]
        for number in range(100):
            inner = {"module": "keras", "class_name": "Sequential", "config": {"name": f"s{number}", "layers": [inner]}}
        found["config"]["layers"][1] = inner

    with_config(tmp_path / "model.keras", change)
    assert "nested too deep" in str(refusal(tmp_path / "model.keras"))


@pytest.mark.parametrize("count", [15_000, 100_000])
def test_more_layers_than_any_model_has_are_refused_before_they_are_made(count, tmp_path):
    def change(found):
        more = [{"module": "keras.layers", "class_name": "ReLU", "config": {"name": f"r{number}"}} for number in range(count)]
        found["config"]["layers"] += more

    with_config(tmp_path / "model.keras", change)
    began = time.perf_counter()
    assert re.search("has 15,002 layers|names more than 60,000 objects", refusal(tmp_path / "model.keras").received)
    assert time.perf_counter() - began < 2


def test_models_nested_as_deep_as_is_allowed_are_read():
    model = cornu.Sequential([cornu.Input((4,)), layers.Dense(4)])
    for _ in range(25):
        model = cornu.Sequential([cornu.Input((4,)), model])
    assert model_from_json(model.to_json()).output_shape == (None, 4)


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.clear(),
        lambda found: found.update(config=None),
        lambda found: found.update(config=[]),
        lambda found: found.update(class_name=None),
        lambda found: found.update(class_name="Dense", module="keras.layers", config={"units": 3}),
        lambda found: found["config"].update(layers=None),
        lambda found: found["config"].update(layers=[None]),
        lambda found: found["config"].update(layers={}),
        lambda found: found["config"].update(layers=found["config"]["layers"] * 2),
        lambda found: found["config"].pop("layers"),
        lambda found: dense(found).update(config=None),
        lambda found: dense(found)["config"].update(name={"a": 1}),
        lambda found: dense(found)["config"].update(dtype="evil"),
        lambda found: found.update(compile_config=3),
        lambda found: found["compile_config"].update(optimizer=None),
        lambda found: found["compile_config"].update(surprise=3),
        lambda found: found["compile_config"]["optimizer"]["config"].update(learning_rate="fast"),
    ],
)
def test_configs_of_a_wrong_form_are_refused(change, tmp_path):
    with_config(tmp_path / "model.keras", change)
    refusal(tmp_path / "model.keras")


# --- Killed while saving (E1) -----------------------------------------------------------------------------------------

SAVE_LOOP = """
import os, sys
import numpy as np
import cornu
from cornu import layers
model = cornu.Sequential([cornu.Input((300,)), layers.Dense(300, use_bias=False)])
for _ in sys.stdin:
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        for version in range(1, 10**6):
            model.set_weights([np.full((300, 300), version, "float32")])
            model.save("model.keras")
            model.save_weights("model.weights.h5")
            print(version, flush=True)
    os.wait()
    print("dead", flush=True)
"""
"""For each line that it reads, starts a process that saves until it is killed."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the writers are forks of a process, so that each begins at once")
def test_files_are_whole_and_new_whenever_their_writer_is_killed(tmp_path):
    names = {"model.keras", "model.weights.h5"}
    reader = cornu.Sequential([cornu.Input((300,)), layers.Dense(300, use_bias=False)])
    generator = np.random.default_rng(4)
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1, "cwd": tmp_path}
    with subprocess.Popen([sys.executable, "-c", SAVE_LOOP], env={**os.environ, "CORNU_BACKEND": "numpy"}, **options) as child:
        for _ in range(25):
            child.stdin.write("save\n")
            writer, told = int(child.stdout.readline()), [child.stdout.readline()]
            time.sleep(float(generator.uniform(0, 0.15)))
            os.kill(writer, signal.SIGKILL)
            told += iter(child.stdout.readline, "dead\n")
            for name in names:
                reader.load_weights(tmp_path / name)
                versions = np.unique(reader.get_weights()[0])
                assert len(versions) == 1
                assert versions[0] >= int(told[-1])
        child.stdin.close()
    assert len(set(os.listdir(tmp_path)) - names) <= 2  # one stale temporary file for each at most


def test_a_name_near_to_one_of_cornus_still_says_what_to_do_with_a_layer_of_ones_own(tmp_path):
    class GaussianDropot(layers.Layer):
        def call(self, inputs):
            return inputs

    model = cornu.Sequential([cornu.Input((3,)), GaussianDropot()])
    model.save(tmp_path / "model.keras")
    with pytest.raises(
        UnsafeModelError, match=r"Did you mean 'GaussianDropout'\? If it is a custom object, pass `custom_objects=\{"
    ):
        load_model(tmp_path / "model.keras")


class Looking(cornu.Model):
    """A custom model that is built for two shapes."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.look = layers.MultiHeadAttention(2, 3)

    def build(self, query_shape, value_shape):
        self.look.build(query_shape, value_shape)

    def call(self, query, value):
        return self.look(query, value)


def test_a_model_that_was_built_for_several_shapes_is_built_again():
    model = Looking()
    model.build((None, 3, 4), (None, 5, 6))

    again = model_from_json(model.to_json(), custom_objects={"Looking": Looking})

    assert [weight.shape for weight in again.weights] == [weight.shape for weight in model.weights]
    assert again.count_params() == model.count_params() > 0


def test_a_compile_method_that_does_not_accept_its_own_config_is_not_called(tmp_path):
    @registry.register_keras_serializable("tests")
    class NeedsMore(cornu.Sequential):
        def compile(self, extra, **kwargs):
            super().compile(**kwargs)

        def get_compile_config(self):
            return super().get_compile_config()

    model = NeedsMore([cornu.Input((2,)), layers.Dense(1)], name="mine")
    model.compile(3, optimizer="sgd", loss="mse")
    model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match=r"'mine' is not compiled, since `NeedsMore.compile` does not accept .*'extra'"):
        loaded = cornu.saving.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])
