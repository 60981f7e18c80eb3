"""Files of layers: what Cornu and real Keras make of one another's, and what is refused."""

import io
import os
import struct
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import InvalidArgumentError, ModelFormatError, UnsafeModelError
from cornu.models import load_model
from cornu.saving import keras_archive
from cornu.saving.assets import is_usable

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of saving in Keras

X = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")


def lookup_of(k):
    """A layer with a vocabulary and a file in a folder, in Keras or in Cornu, written alike."""

    class Lookup(k.layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.words, self.table = [], b""

        def fill(self, *words):
            self.words, self.table = list(words), "/".join(words).encode()
            return self

        def build(self, input_shape):
            self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

        def call(self, inputs):
            return inputs * self.scale

        def compute_output_shape(self, input_shape):
            return input_shape

        def save_assets(self, dir):
            with open(os.path.join(dir, "vocabulary.txt"), "w", encoding="utf-8") as file:
                file.write("\n".join(self.words))
            os.makedirs(os.path.join(dir, "tables"))
            with open(os.path.join(dir, "tables", "words.bin"), "wb") as file:
                file.write(self.table)

        def load_assets(self, dir):
            with open(os.path.join(dir, "vocabulary.txt"), encoding="utf-8") as file:
                self.words = file.read().split("\n")
            with open(os.path.join(dir, "tables", "words.bin"), "rb") as file:
                self.table = file.read()

    return Lookup


LOOKUPS = {k: k.saving.register_keras_serializable("assets")(lookup_of(k)) for k in (cornu, keras)}


def network_of(k):
    @k.saving.register_keras_serializable("assets")
    class Network(k.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first = LOOKUPS[k]()
            self.blocks = [LOOKUPS[k](), k.layers.Dense(2), LOOKUPS[k]()]

        def call(self, x):
            x = self.first(x)
            for block in self.blocks:
                x = block(x)
            return x

    return Network


NETWORKS = {k: network_of(k) for k in (cornu, keras)}


def stacked(k):
    inner = k.Sequential([k.Input((3,)), LOOKUPS[k](name="deep").fill("x", "y")], name="inner")
    words = [LOOKUPS[k](name="one").fill("a", "ä"), k.layers.Dense(2), LOOKUPS[k](name="two").fill("b")]
    return k.Sequential([k.Input((3,)), inner, *words])


def subclassed(k):
    model = NETWORKS[k]()
    model(X)
    model.first.fill("first")
    model.blocks[0].fill("second", "third")
    model.blocks[2].fill("fourth")
    return model


def lookups_in(model):
    inside = {id(layer): layer for layer in [*model.layers, *getattr(model, "blocks", [])]}
    found = []
    for layer in inside.values():
        if hasattr(layer, "words"):
            found.append((layer.words, layer.table))
        elif hasattr(layer, "layers"):
            found += lookups_in(layer)
    return sorted(found)


PAIRS = [(cornu, cornu), (keras, cornu), (cornu, keras)]


@pytest.mark.parametrize("make", [stacked, subclassed])
@pytest.mark.parametrize(("writer", "reader"), PAIRS, ids=["own", "theirs", "ours"])
def test_files_of_layers_travel(make, writer, reader, tmp_path):
    model = make(writer)
    model.save(tmp_path / "m.keras")
    loaded = reader.models.load_model(tmp_path / "m.keras")
    assert lookups_in(loaded) == lookups_in(model)
    assert len(lookups_in(model)) == 3
    np.testing.assert_allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0), 1e-5, 1e-6)


@pytest.mark.parametrize("make", [stacked, subclassed])
def test_the_members_are_those_that_keras_writes(make, tmp_path):
    names = {}
    for k in (cornu, keras):
        make(k).save(tmp_path / f"{k.__name__}.keras")
        with zipfile.ZipFile(tmp_path / f"{k.__name__}.keras") as archive:
            names[k] = sorted(name for name in archive.namelist() if name.startswith("assets/"))
    assert names[cornu] == names[keras] and len(names[cornu]) == 6


def test_a_layer_whose_files_are_not_in_the_archive_loads_none(tmp_path):
    class Quiet(LOOKUPS[cornu]):
        def save_assets(self, dir):
            pass

    model = cornu.Sequential([cornu.Input((3,)), Quiet()])
    model.save(tmp_path / "m.keras")
    assert load_model(tmp_path / "m.keras", {"Quiet": Quiet}).layers[0].words == []


def test_an_attribute_that_is_no_method_is_no_asset(tmp_path):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2)])
    model.layers[0].save_assets = model.layers[0].load_assets = None
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert len(archive.namelist()) == 3


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_nothing_is_left_behind_and_nothing_replaced_if_saving_fails(error, zipped, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    model = stacked(cornu)
    path = tmp_path / ("m.keras" if zipped else "m")
    model.save(path, zipped=zipped)
    before = contents(path)

    def fails(dir):
        with open(os.path.join(dir, "half"), "w") as file:
            file.write("half")
        raise error("no more")

    model.layers[-1].save_assets = fails
    with pytest.raises(error, match="no more"):
        model.save(path, zipped=zipped)
    assert contents(path) == before
    load_model(path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [path.name, "temporary"]
    assert list((tmp_path / "temporary").iterdir()) == []


def contents(path):
    """The bytes of a file, or those of all files in a folder by name."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {file.relative_to(path.parent): file.read_bytes() for file in files}


def test_assets_may_be_old_empty_large_and_of_any_name(tmp_path):
    @cornu.saving.register_keras_serializable("assets")
    class Any(layers.Layer):
        found = None

        def call(self, inputs):
            return inputs

        def save_assets(self, dir):
            for name, content in files.items():
                path = os.path.join(dir, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as file:
                    file.write(content)
                os.utime(path, (0, 0))  # as files of reproducible builds

        def load_assets(self, dir):
            paths = [path for path in Path(dir).rglob("*") if path.is_file()]
            self.found = {path.relative_to(dir).as_posix(): path.read_bytes() for path in paths}

    files = {"empty": b"", "b/large": b"\0" * 2**22, "ä b/词": b"1", ".hidden": b"2", "config.json": b"3"}
    cornu.Sequential([cornu.Input((3,)), Any(name="first"), Any(name="second")]).save(tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    assert [layer.found for layer in loaded.layers] == [files, files]


def link(dir):
    os.symlink("/etc/passwd", os.path.join(dir, "words"))


def pipe(dir):
    os.mkfifo(os.path.join(dir, "words"))


def named(*names):
    def save(dir):
        for name in names:
            open(os.path.join(dir, name), "w").close()

    return save


def file_and_folder(dir):
    os.mkdir(os.path.join(dir, "A"))
    named("a", "A/b")(dir)


UNUSABLE = [
    *(link, pipe, file_and_folder, named("a:b"), named("nul.txt"), named("a ", "b"), named("A", "a"), named("a\nb")),
    named("\u00e4", "a\u0308"),  # the same name in two normal forms of Unicode
]


@pytest.mark.parametrize("save", UNUSABLE)
def test_what_is_no_plain_file_is_not_saved(save, tmp_path):
    model = stacked(cornu)
    model.layers[-1].save_assets = save
    text = r"`save_assets` of 'two' wrote .*\. Assets must be regular files .*\. Use another name"
    with pytest.raises(InvalidArgumentError, match=text):
        model.save(tmp_path / "m.keras")
    assert not (tmp_path / "m.keras").exists()


@pytest.mark.parametrize("name", ["table", "Table"])
def test_an_asset_with_the_path_of_an_inner_layer_is_not_saved(name, tmp_path):
    class Outer(LOOKUPS[cornu]):
        def __init__(self):
            super().__init__(name="outer")
            self.table_of_words = b""
            self.table = LOOKUPS[cornu]()

        def save_assets(self, dir):
            named(name)(dir)

    model = cornu.Sequential([cornu.Input((3,)), Outer()])
    with pytest.raises(InvalidArgumentError, match=r"wrote .* differ, ignoring case, from .* the paths of layers"):
        model.save(tmp_path / "m.keras")


def test_more_assets_than_can_be_read_are_not_saved(tmp_path, monkeypatch):
    model = stacked(cornu)
    model.save(tmp_path / "m.keras")
    before = (tmp_path / "m.keras").read_bytes()
    monkeypatch.setattr(keras_archive, "_MAX_MEMBERS", 8)
    with pytest.raises(InvalidArgumentError, match=r"more than 8 assets\. A model file can have at most 8 members\. Write"):
        model.save(tmp_path / "m.keras")
    assert (tmp_path / "m.keras").read_bytes() == before


def test_an_error_in_a_layers_own_code_says_where(tmp_path):
    class Torn(LOOKUPS[cornu]):
        def load_assets(self, dir):
            raise KeyError("lost")

    model = cornu.Sequential([cornu.Input((3,)), Torn(name="torn")])
    model.save(tmp_path / "m.keras")
    with pytest.raises(KeyError) as caught:
        load_model(tmp_path / "m.keras", {"Torn": Torn})
    assert caught.value.__notes__ == ["This happened in `load_assets` of 'torn' (Torn)."]


# --- Hostile archives -------------------------------------------------------------------------------------------------


@pytest.fixture
def saved(tmp_path):
    stacked(cornu).save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def packed_with(path, name, data=b"x", **how):
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, data, **how)
    return path


ESCAPES = [
    "assets/../../evil",
    "assets/layers/../../../evil",
    "/assets/evil",
    "assets\\..\\..\\evil",
    "assets//evil",
    "assets/./evil",
    "assets/C:evil",
    "assets/evil\n",
    "assets/nul",
    "assets/evil.",
    "assets/" + "a/" * 40 + "evil",
    "assets/" + "a" * 300,
    "assets/layers/lookup/vocabulary.txt/evil",
    "assets/layers/lookup/VOCABULARY.txt",
    "assets/layers/lookup/Tables",
]


@pytest.mark.parametrize("name", ESCAPES)
def test_a_name_that_does_not_stay_in_the_folder_is_refused(name, saved, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    with pytest.raises(UnsafeModelError, match=r"has an asset named|has a member named|which are the same name"):
        load_model(packed_with(saved, name))
    assert not list(tmp_path.rglob("evil*")) and list((tmp_path / "temporary").iterdir()) == []


def test_a_link_is_refused(saved):
    member = zipfile.ZipInfo("assets/layers/lookup/link")
    member.external_attr = 0o120777 << 16
    with pytest.raises(UnsafeModelError, match="symbolic link"):
        load_model(packed_with(saved, member, "/etc/passwd"))


def test_an_asset_that_unpacks_to_much_more_is_refused(saved, tmp_path):
    packed_with(saved, "assets/layers/lookup/big", b"\0" * 2**24, compress_type=zipfile.ZIP_DEFLATED)
    with pytest.raises(
        ModelFormatError, match=r"`assets/layers/lookup/big` has 16,777,216 bytes\. It can have at most [\d,]+ bytes"
    ):
        load_model(saved)


def test_a_huge_declared_size_is_refused_before_anything_is_unpacked(saved, tmp_path, monkeypatch):
    data = bytearray(packed_with(saved, "assets/layers/lookup/big", b"tiny", compress_type=zipfile.ZIP_DEFLATED).read_bytes())
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = struct.pack("<I", 2**31)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *args, **kwargs: pytest.fail("something was read"))
    with pytest.raises(UnsafeModelError, match="unpack to much more than any model"):
        load_model(io.BytesIO(bytes(data)))


def test_a_damaged_asset_is_named(saved):
    data = bytearray(saved.read_bytes())
    with zipfile.ZipFile(saved) as archive:
        member = archive.getinfo("assets/layers/lookup/vocabulary.txt")
    at = data.index("a\nä".encode(), member.header_offset)
    data[at] ^= 1
    with pytest.raises(ModelFormatError, match=r"assets/layers/lookup/vocabulary\.txt: Bad CRC"):
        load_model(io.BytesIO(bytes(data)))


def test_assets_that_no_layer_asks_for_are_not_read(tmp_path):
    cornu.Sequential([cornu.Input((3,)), layers.Dense(2)]).save(tmp_path / "m.keras")
    packed_with(tmp_path / "m.keras", "assets/" + "a" * 300)
    assert load_model(tmp_path / "m.keras").output_shape == (None, 2)


@pytest.mark.parametrize("name", ["assets/vocabulary.txt", "assets/blocks/lookup_1/ä b.bin", "assets/.hidden"])
def test_usual_names_are_usable(name):
    assert is_usable(name)
