import io
import json
import re
import struct
import tracemalloc
import warnings
import zipfile

import keras
import numpy as np
import pytest

import cornu
from cornu import layers, trees
from cornu.errors import InvalidArgumentError, ModelFormatError, UnsafeModelError
from cornu.models import load_model
from cornu.saving import keras_archive

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of saving in Keras

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")


# --- Exchange with Keras ----------------------------------------------------------------------------------------------


def by_name(outputs):
    """Arrays in the order of their names, if they have names."""
    return trees.leaves(dict(sorted(outputs.items())) if isinstance(outputs, dict) else outputs)


@pytest.mark.parametrize(("writer", "reader"), [(keras, cornu), (cornu, keras), (cornu, cornu)])
def test_a_model_answers_the_same_after_the_exchange(example, writer, reader, draw_inputs, randomize, tmp_path):
    model = randomize(example(writer))
    model.save(tmp_path / "model.keras")
    loaded = reader.models.load_model(tmp_path / "model.keras")
    x = draw_inputs(model)
    expected, found = (by_name(each.predict(x, verbose=0)) for each in (model, loaded))
    for wanted, answer in zip(expected, found, strict=True):
        np.testing.assert_allclose(answer, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("writer", "reader"), [(keras, cornu), (cornu, keras), (cornu, cornu)])
def test_weights_alone_are_exchanged_too(writer, reader, randomize, tmp_path):
    def make(k):
        return k.Sequential([k.Input((5,)), k.layers.Dense(4), k.layers.BatchNormalization()])

    model, other = randomize(make(writer)), make(reader)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    for wanted, found in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_metadata_that_could_not_be_read_again_is_not_written(tmp_path):
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    model.meta = {"class_names": ["x" * 2**20]}
    with pytest.raises(InvalidArgumentError, match=r"^`model.meta` has 1,048,\d\d\d bytes as JSON\. It can have at most"):
        model.save(tmp_path / "m.keras")
    assert not (tmp_path / "m.keras").exists()


def test_metadata_holds_the_versions(model_file):
    with zipfile.ZipFile(model_file) as archive:
        assert tuple(archive.namelist()) == MEMBERS
        metadata = json.loads(archive.read("metadata.json"))
    assert metadata["keras_version"] == keras.__version__ == keras_archive.KERAS_VERSION
    assert metadata["cornu"]["version"] == cornu.__version__
    assert re.fullmatch(r"\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d", metadata["date_saved"])


def test_a_file_packed_anew_with_compression_is_read(model_file, tmp_path):
    with zipfile.ZipFile(model_file) as old, zipfile.ZipFile(tmp_path / "new.keras", "w", zipfile.ZIP_DEFLATED) as new:
        for name in MEMBERS:
            new.writestr(name, old.read(name))
    assert load_model(tmp_path / "new.keras").output_shape == (None, 3)


def test_unknown_members_are_passed_over(model_file):
    with zipfile.ZipFile(model_file, "a") as archive:
        archive.writestr("assets/notes.txt", "hello")
    assert load_model(model_file).output_shape == (None, 3)


# --- Hostile zips (A11, A12) ------------------------------------------------------------------------------------------


@pytest.fixture
def model_file(tmp_path):
    cornu.Sequential([cornu.Input((4,)), layers.Dense(3)]).save(tmp_path / "model.keras")
    return tmp_path / "model.keras"


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in MEMBERS}


def rewritten(path, change):
    """The file with its members written again by ``change(archive, contents)``."""
    old = contents(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile warns of a name that stands twice
        with zipfile.ZipFile(path, "w") as archive:
            change(archive, old)
    return path


def write_all(archive, old, leave_out=()):
    for name, data in old.items():
        if name not in leave_out:
            archive.writestr(name, data)


def refusal(path, kind=ModelFormatError):
    tracemalloc.start()
    with pytest.raises(kind) as caught:
        load_model(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 * 2**20
    return caught.value


@pytest.mark.parametrize(
    "again", ["config.json", "./config.json", "Config.JSON", ".\\config.json", "config.json/", "././model.weights.h5"]
)
def test_a_member_under_two_names_is_refused(model_file, again):
    def change(archive, old):
        write_all(archive, old)
        archive.writestr(again, b"{}")

    refusal(rewritten(model_file, change), UnsafeModelError)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_is_named(model_file, name):
    error = refusal(rewritten(model_file, lambda archive, old: write_all(archive, old, leave_out=(name,))))
    assert error.received == f"'model.keras' has no member `{name}`."


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/etc/x", "..\\out", "C:x", "assets/../x"])
def test_names_that_lead_out_are_refused(model_file, name, tmp_path):
    def change(archive, old):
        write_all(archive, old)
        archive.writestr(name, b"x")

    refusal(rewritten(model_file, change), UnsafeModelError)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.keras"]


def test_a_symbolic_link_is_refused(model_file):
    def change(archive, old):
        write_all(archive, old)
        link = zipfile.ZipInfo("assets/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")

    assert "symbolic link" in refusal(rewritten(model_file, change), UnsafeModelError).received


def test_an_unusual_compression_is_refused(model_file):
    def change(archive, old):
        write_all(archive, old, leave_out=("config.json",))
        archive.writestr("config.json", old["config.json"], compress_type=zipfile.ZIP_BZIP2)

    assert "unsupported compression" in refusal(rewritten(model_file, change), UnsafeModelError).received


def central_record(data, name):
    """Where a member's entry in the table of contents begins."""
    return data.rindex(name) - 46


def test_an_encrypted_member_is_refused(model_file):
    data = bytearray(model_file.read_bytes())
    flags = central_record(data, b"config.json") + 8
    data[flags] |= 1
    model_file.write_bytes(data)
    assert "encrypted" in refusal(model_file, UnsafeModelError).received


@pytest.mark.parametrize("factor", [0.5, 2, 2**20])
def test_a_size_that_lies_is_refused(model_file, factor):
    data = bytearray(model_file.read_bytes())
    place = central_record(data, b"config.json") + 24
    (size,) = struct.unpack_from("<I", data, place)
    struct.pack_into("<I", data, place, int(size * factor) % 2**32)
    model_file.write_bytes(data)
    refusal(model_file)


def test_members_that_overlap_are_refused(model_file):
    data = bytearray(model_file.read_bytes())
    first, second = central_record(data, b"metadata.json"), central_record(data, b"config.json")
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    model_file.write_bytes(data)
    assert "overlap" in refusal(model_file, UnsafeModelError).received


def test_a_config_that_unpacks_to_a_gigabyte_is_refused_unread(model_file):
    def change(archive, old):
        write_all(archive, old, leave_out=("config.json",))
        archive.writestr("config.json", b" " * 2**26, compress_type=zipfile.ZIP_DEFLATED)

    data = bytearray(rewritten(model_file, change).read_bytes())
    struct.pack_into("<I", data, central_record(data, b"config.json") + 24, 2**30)
    model_file.write_bytes(data)
    assert "unpack to much more" in refusal(model_file).received


def test_a_config_larger_than_any_is_refused_unread(model_file, monkeypatch):
    monkeypatch.setattr(keras_archive.safe_json, "MAX_BYTES", 400)
    assert re.search("`config.json` has [0-9,]+ bytes", refusal(model_file).received)


def test_weights_that_unpack_to_much_more_than_the_model_needs_are_refused_unread(model_file):
    def change(archive, old):
        write_all(archive, old, leave_out=("model.weights.h5",))
        archive.writestr("model.weights.h5", b"\0" * 2**25, compress_type=zipfile.ZIP_DEFLATED)

    error = refusal(rewritten(model_file, change))
    assert "`model.weights.h5` has 33,554,432 bytes" in error.received
    assert "crafted to exhaust memory" in error.hint


def test_a_config_that_asks_for_much_does_not_let_the_weights_unpack_to_much(model_file):
    def change(archive, old):
        config = old["config.json"].replace(b'"units": 3', b'"units": 3000000000')
        assert config != old["config.json"]
        write_all(archive, old | {"config.json": config}, leave_out=("model.weights.h5",))
        archive.writestr("model.weights.h5", b"\0" * 2**25, compress_type=zipfile.ZIP_DEFLATED)

    assert "`model.weights.h5` has 33,554,432 bytes" in refusal(rewritten(model_file, change)).received


def test_other_members_that_unpack_to_gigabytes_are_refused(model_file):
    def change(archive, old):
        write_all(archive, old)
        for number in range(40):
            archive.writestr(f"assets/{number}", b"0" * 2**22, compress_type=zipfile.ZIP_DEFLATED)

    assert "unpack to much more" in refusal(rewritten(model_file, change), UnsafeModelError).received


def test_too_many_members_are_refused(model_file, monkeypatch):
    monkeypatch.setattr(keras_archive, "_MAX_MEMBERS", 2)
    assert "has 3 members" in refusal(model_file, UnsafeModelError).received


@pytest.mark.parametrize("extra", [b"MZ executable ", b"<script>"])
def test_something_before_the_zip_is_refused(model_file, extra):
    model_file.write_bytes(extra + model_file.read_bytes())
    assert "neither a zip nor an HDF5 file" in refusal(model_file).received


def test_something_after_the_zip_is_refused(model_file):
    model_file.write_bytes(model_file.read_bytes() + b"trailing")
    assert "has no end record" in refusal(model_file).received


def test_a_file_that_is_cut_short_anywhere_is_refused_with_a_true_message(model_file):
    whole = model_file.read_bytes()
    for length in {1, 5, 100, len(whole) // 2, len(whole) - 100, len(whole) - 1}:
        model_file.write_bytes(whole[:length])
        error = refusal(model_file)
        assert "truncated" in error.hint or "damaged" in error.hint
        assert "not found" not in str(error)


def test_a_flipped_bit_in_any_member_is_noticed(model_file):
    whole = model_file.read_bytes()
    expected = load_model(model_file).get_weights()
    generator = np.random.default_rng(5)
    for position in generator.choice(len(whole), 60, replace=False):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(generator.integers(8))
        try:
            found = load_model(io.BytesIO(damaged)).get_weights()
        except ModelFormatError:
            continue
        for value, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(value, wanted)


# --- Metadata ---------------------------------------------------------------------------------------------------------


def with_metadata(path, metadata):
    def change(archive, old):
        write_all(archive, old | {"metadata.json": json.dumps(metadata).encode()})

    return rewritten(path, change)


@pytest.mark.parametrize("version", ["99.0.0", "4.0.0", "three", None, 3, "", "9" * 10_000 + ".1"])
def test_other_versions_of_keras_are_refused(model_file, version):
    assert "was written by Keras" in refusal(with_metadata(model_file, {"keras_version": version})).received


@pytest.mark.parametrize("version", ["2.13.1", "3.0.0", "3.99.0"])
def test_versions_of_the_same_format_are_read(model_file, version):
    assert load_model(with_metadata(model_file, {"keras_version": version})).meta == {}


@pytest.mark.parametrize("extras", [[], {"meta": 3}, "text"])
def test_additions_of_a_wrong_kind_are_refused(model_file, extras):
    refusal(with_metadata(model_file, {"keras_version": "3.15.1", "cornu": extras}))
