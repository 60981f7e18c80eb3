"""Models as folders, and weights in several files: exchanged with real Keras, and attacked."""

import json
import os

import h5py
import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError, MissingFileError, ModelFormatError, UnsafeModelError
from cornu.models import load_model

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of saving in Keras

LIBRARIES = [(cornu, cornu), (keras, cornu), (cornu, keras)]
IDS = ["own", "theirs", "ours"]
MEMBERS = ["config.json", "metadata.json", "model.weights.h5"]
GIGABYTE = 2**30


def small(k, name="small"):
    L = k.layers
    stack = [k.Input((6,)), L.Dense(8, activation="tanh"), L.BatchNormalization(), L.Dense(300), L.Dense(2, name="last")]
    model = k.Sequential(stack, name=name)
    model.compile("adam", "mse")
    return model


def trained(k):
    model, generator = small(k), np.random.default_rng(0)
    model.fit(generator.normal(size=(16, 6)).astype("float32"), generator.normal(size=(16, 2)).astype("float32"), verbose=0)
    return model


def same(one, other):
    for found, wanted in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    for found, wanted in zip(one.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())


# --- Folders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("writer", "reader"), LIBRARIES, ids=IDS)
def test_folders_are_exchanged_with_keras(writer, reader, tmp_path):
    model = trained(writer)
    model.save(tmp_path / "deep" / "model", zipped=False)
    assert sorted(set(os.listdir(tmp_path / "deep" / "model")) - {"assets"}) == MEMBERS
    same(reader.models.load_model(tmp_path / "deep" / "model"), model)


def test_a_folder_is_replaced_and_its_other_files_are_kept(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    for _ in range(2):
        model = trained(cornu)
        model.meta["round"] = 3
        model.save(tmp_path, zipped=False)
        assert sorted(os.listdir(tmp_path)) == ["README.md", *MEMBERS]
        same(load_model(tmp_path), model)
        assert load_model(tmp_path).meta == {"round": 3}
    assert (tmp_path / "README.md").read_text() == "mine"
    with pytest.raises(InvalidArgumentError, match="already exists, and `overwrite` is False"):
        small(cornu).save(tmp_path, zipped=False, overwrite=False)


class Words(layers.Layer):
    words = "none"

    def call(self, inputs):
        return inputs

    def save_assets(self, dir):
        with open(os.path.join(dir, "words.txt"), "w") as file:
            file.write(self.words)

    def load_assets(self, dir):
        with open(os.path.join(dir, "words.txt")) as file:
            self.words = file.read()


def test_assets_are_in_the_folder(tmp_path):
    for words in ("a b", "c"):
        layer = Words()
        layer.words = words
        cornu.Sequential([cornu.Input((2,)), layer]).save(tmp_path / "m", zipped=False)
        assert load_model(tmp_path / "m", custom_objects={"Words": Words}).layers[0].words == words
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    asset = next((tmp_path / "m" / "assets").rglob("words.txt"))
    asset.unlink()
    asset.symlink_to(outside)
    with pytest.raises(UnsafeModelError, match=r"assets/.*words.txt' is a link"):
        load_model(tmp_path / "m", custom_objects={"Words": Words})


@pytest.mark.parametrize("name", MEMBERS)
def test_links_and_missing_files_are_refused(name, tmp_path):
    small(cornu).save(tmp_path / "m", zipped=False)
    os.rename(tmp_path / "m" / name, tmp_path / name)
    with pytest.raises(ModelFormatError, match="has no file" if name != "config.json" else "is a folder"):
        load_model(tmp_path / "m")
    (tmp_path / "m" / name).symlink_to(tmp_path / name)
    with pytest.raises(UnsafeModelError, match=f"'{name}' is a link"):
        load_model(tmp_path / "m")
    (tmp_path / "m" / name).unlink()
    os.mkfifo(tmp_path / "m" / name)
    with pytest.raises(UnsafeModelError, match="not a regular file"):
        load_model(tmp_path / "m")


def test_a_keras_file_is_no_folder(tmp_path):
    with pytest.raises(InvalidArgumentError, match="With `zipped=False` the path must be that of a folder"):
        small(cornu).save(tmp_path / "model.keras", zipped=False)


def test_a_save_that_fails_leaves_the_old_files(tmp_path, monkeypatch):
    model = trained(cornu)
    model.save(tmp_path, zipped=False)

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cornu.saving.keras_archive.write_weights", fails)
    with pytest.raises(OSError, match="No space left"):
        trained(cornu).save(tmp_path, zipped=False)
    assert sorted(os.listdir(tmp_path)) == MEMBERS
    same(load_model(tmp_path), model)


# --- Shards -----------------------------------------------------------------------------------------------------------

SIZE = 12_000 / GIGABYTE
"""A size at which the weights of ``small`` and its optimizer take several files."""


def flat(values):
    return {name for value in values for name in (value if isinstance(value, list) else [value])}


@pytest.mark.parametrize(("writer", "reader"), LIBRARIES, ids=IDS)
def test_shards_are_exchanged_with_keras(writer, reader, tmp_path):
    model, other = trained(writer), small(reader)
    other.optimizer.build(other.trainable_variables)
    model.save_weights(tmp_path / "m.weights.json", max_shard_size=SIZE)
    shards = sorted(set(os.listdir(tmp_path)) - {"m.weights.json"})
    assert len(shards) >= 3 and shards[0] == "m_00000.weights.h5"
    for name in shards:
        sizes = []
        with h5py.File(tmp_path / name) as root:
            root.visititems(lambda _, each, sizes=sizes: sizes.append(getattr(each, "nbytes", 0)))
        assert 0 < sum(sizes) <= 12_000
    other.load_weights(tmp_path / "m.weights.json")
    same(other, model)


def test_the_map_is_that_of_keras(tmp_path):
    for k in (cornu, keras):
        model = small(k)
        model.optimizer.build(model.trainable_variables)
        model.save_weights(tmp_path / f"{k.__name__}.weights.json", max_shard_size=1.0)
    ours, theirs = (json.loads((tmp_path / f"{k}.weights.json").read_text()) for k in ("cornu", "keras"))
    assert ours["metadata"] == theirs["metadata"]
    assert flat(ours["weight_map"].values()) == {"cornu_00000.weights.h5"}
    assert flat(theirs["weight_map"].values()) == {"keras_00000.weights.h5"}
    assert set(theirs["weight_map"]) == set(ours["weight_map"])


def test_saving_again_leaves_no_mixture_and_no_file_of_others(tmp_path):
    (tmp_path / "m_00007.weights.h5").write_text("a checkpoint of the user")
    for _ in range(3):
        model = trained(cornu)
        model.save_weights(tmp_path / "m.weights.json", max_shard_size=SIZE)
        names = flat(json.loads((tmp_path / "m.weights.json").read_text())["weight_map"].values())
        again = small(cornu)
        again.load_weights(tmp_path / "m.weights.json")
        same(again, model)
        theirs = small(keras)
        theirs.optimizer.build(theirs.trainable_variables)
        theirs.load_weights(tmp_path / "m.weights.json")
        same(theirs, model)
        assert "m_00007.weights.h5" not in names
    assert (tmp_path / "m_00007.weights.h5").read_text() == "a checkpoint of the user"
    assert len(os.listdir(tmp_path)) == len(names) + 3  # the map, the user's file, and the one that Keras opens first


def test_a_save_that_fails_half_way_leaves_the_old_weights(tmp_path, monkeypatch):
    model, path = trained(cornu), tmp_path / "m.weights.json"
    model.save_weights(path, max_shard_size=SIZE)
    from cornu.saving import sharded_weights

    real, calls = sharded_weights.write_stores, []

    def fails(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        real(*arguments)

    monkeypatch.setattr(sharded_weights, "write_stores", fails)
    with pytest.raises(OSError, match="No space left"):
        trained(cornu).save_weights(path, max_shard_size=SIZE)
    again = small(cornu)
    again.load_weights(path)
    same(again, model)


def test_names_and_sizes_of_shards_are_checked(tmp_path):
    model = small(cornu)
    with pytest.raises(InvalidArgumentError, match=r"must end in `.weights.json` if `max_shard_size` is given"):
        model.save_weights(tmp_path / "m.json", max_shard_size=1.0)
    with pytest.raises(
        InvalidArgumentError, match=r"the variable '.*' of '.*' has [\d,]+ bytes. Each variable must fit into one file"
    ):
        model.save_weights(tmp_path / "m.weights.json", max_shard_size=1e-8)
    assert not os.listdir(tmp_path)
    with pytest.warns(UserWarning, match=r"the weights are saved as '.*m.weights.json'"):
        model.save_weights(tmp_path / "m.weights.h5", max_shard_size=1.0)
    assert sorted(os.listdir(tmp_path)) == ["m.weights.json", "m_00000.weights.h5"]


@pytest.mark.parametrize(
    "name",
    ["../m_00000.weights.h5", "/etc/passwd", "sub/m_00000.weights.h5", "..\\m_00000.weights.h5", "C:m_00000.weights.h5", 3],
)
def test_a_map_names_only_files_next_to_it(name, tmp_path):
    (tmp_path / "inner").mkdir()
    path = tmp_path / "inner" / "m.weights.json"
    small(cornu).save_weights(path, max_shard_size=1.0)
    os.rename(tmp_path / "inner" / "m_00000.weights.h5", tmp_path / "m_00000.weights.h5")
    path.write_text(json.dumps({"metadata": {}, "weight_map": {"/vars": name}}))
    with pytest.raises(UnsafeModelError, match="may only name files such as"):
        small(cornu).load_weights(path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b'{"weight_map": []}', b'{"weight_map": {}}', b"\xff", b"9" * 17_000_000]
)
def test_a_map_that_is_none_is_refused(content, tmp_path):
    path = tmp_path / "m.weights.json"
    path.write_bytes(content)
    with pytest.raises(ModelFormatError):
        small(cornu).load_weights(path)


def test_missing_and_hostile_shards_are_refused(tmp_path):
    path, model = tmp_path / "m.weights.json", small(cornu)
    model.save_weights(path, max_shard_size=SIZE)
    name = sorted(set(os.listdir(tmp_path)) - {path.name})[1]
    with h5py.File(tmp_path / name, "r+") as root:
        root["outside"] = h5py.ExternalLink("canary.h5", "/")
    with pytest.raises(UnsafeModelError, match="is a link to another location"):
        model.load_weights(path)
    (tmp_path / name).unlink()
    with pytest.raises(ModelFormatError, match=f"'{name}' is missing"):
        model.load_weights(path)
    with pytest.raises(MissingFileError):
        model.load_weights(tmp_path / "other.weights.json")


# --- Objects left out -------------------------------------------------------------------------------------------------


def test_objects_are_left_out_with_what_is_inside_them(tmp_path):
    def nested():
        inner = cornu.Sequential([cornu.Input((3,)), layers.Dense(3), layers.Dense(3)], name="inner")
        return cornu.Sequential([cornu.Input((3,)), layers.Dense(3, name="first"), inner, layers.Dense(1, name="last")])

    source, model = nested(), nested()
    source.save_weights(tmp_path / "m.weights.h5")
    before = [layer.get_weights() for layer in model.layers]
    model.load_weights(tmp_path / "m.weights.h5", objects_to_skip=[model.get_layer("inner"), model.get_layer("last")])
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], source.layers[0].get_weights()[0])
    for number in (1, 2):
        for found, wanted in zip(model.layers[number].get_weights(), before[number], strict=True):
            np.testing.assert_array_equal(found, wanted)
    cornu.saving.save_weights(source, tmp_path / "part.weights.h5", objects_to_skip=[source.get_layer("inner")])
    with h5py.File(tmp_path / "part.weights.h5") as root:
        assert sorted(root["layers"]) == ["dense", "dense_1"]
    model.load_weights(tmp_path / "part.weights.h5", objects_to_skip=[model.get_layer("inner")])
    with pytest.raises(ModelFormatError, match="2 of 6 groups differ"):
        model.load_weights(tmp_path / "part.weights.h5")


def test_keras_leaves_out_the_same(tmp_path):
    source = small(keras)
    source.save_weights(tmp_path / "m.weights.h5")
    for k in (cornu, keras):
        model = small(k)
        before = model.layers[0].get_weights()[0]
        k.saving.load_weights(model, tmp_path / "m.weights.h5", objects_to_skip=[model.layers[0]])
        np.testing.assert_array_equal(model.layers[0].get_weights()[0], before)
        np.testing.assert_array_equal(model.layers[3].get_weights()[0], source.layers[3].get_weights()[0])
