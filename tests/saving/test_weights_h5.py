import io
import tracemalloc

import h5py
import ml_dtypes
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.errors import ModelFormatError, UnsafeModelError
from cornu.saving import h5_file
from cornu.saving.weight_matching import load_into
from cornu.saving.weight_paths import variable_groups
from cornu.saving.weights_h5 import WeightsFile, write_weights

KERNEL = "layers/dense/vars/0"


@pytest.fixture
def model():
    return cornu.Sequential([cornu.Input((4,)), layers.Dense(3, bias_initializer="random_normal", name="only")], name="small")


@pytest.fixture
def path(model, tmp_path):
    path = tmp_path / "small.weights.h5"
    write_weights(path, variable_groups(model))
    return path


def changed(path, change):
    """The file after a change of its contents."""
    with h5py.File(path, "r+") as root:
        change(root)
    return path


def in_place_of_the_kernel(make):
    def change(root):
        del root[KERNEL]
        make(root)

    return change


def load(model, path):
    with open(path, "rb") as file, WeightsFile(file, "'small'") as weights:
        load_into(variable_groups(model), weights, "'small'", model.name)


def refusal(model, path, kind=ModelFormatError):
    """The error that loading a file raises. The model must be as it was."""
    before = model.get_weights()
    with pytest.raises(kind) as caught:
        load(model, path)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    return caught.value


# --- Good files -------------------------------------------------------------------------------------------------------


def test_what_was_written_is_read(model, path):
    expected = model.get_weights()
    model.set_weights([np.zeros((4, 3)), np.zeros(3)])
    load(model, path)
    for value, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(value, wanted)


@pytest.mark.parametrize("dtype", ["float16", "float64", ">f4", ">f8", "<f2"])
def test_other_floats_are_cast(model, path, dtype):
    values = np.linspace(-1, 1, 12).reshape(4, 3).astype(dtype)
    load(model, changed(path, in_place_of_the_kernel(lambda root: root.create_dataset(KERNEL, data=values))))
    np.testing.assert_array_equal(model.get_weights()[0], values.astype("float32"))


def test_bfloat16_as_keras_writes_it_is_read_exactly(model, path):
    values = np.linspace(-1, 1, 12).reshape(4, 3).astype(ml_dtypes.bfloat16)

    def make(root):
        root.create_dataset(KERNEL, data=values).attrs["dtype"] = "bfloat16"

    load(model, changed(path, in_place_of_the_kernel(make)))
    np.testing.assert_array_equal(model.get_weights()[0], values.astype("float32"))


def test_bfloat16_variables_come_back(tmp_path):
    def make():
        return cornu.Sequential([cornu.Input((4,)), layers.Dense(3, dtype="bfloat16")])

    model, other = make(), make()
    write_weights(tmp_path / "b.weights.h5", variable_groups(model))
    load(other, tmp_path / "b.weights.h5")
    np.testing.assert_array_equal(np.asarray(other.get_weights()[0], "f4"), np.asarray(model.get_weights()[0], "f4"))


def test_compressed_arrays_are_read(model, path):
    values = np.arange(12.0).reshape(4, 3)
    load(
        model,
        changed(path, in_place_of_the_kernel(lambda root: root.create_dataset(KERNEL, data=values, compression="gzip"))),
    )
    np.testing.assert_array_equal(model.get_weights()[0], values)


def test_a_circle_of_groups_ends(model, path):
    def change(root):
        root["layers/dense/again"] = root["layers"]

    load(model, changed(path, change))


def test_weights_that_are_not_finite_are_loaded_with_a_warning(model, path):
    def change(root):
        root[KERNEL][0, 0] = np.nan
        del root[KERNEL].attrs["crc32"]

    with pytest.warns(UserWarning, match="'small': weights of layers/dense are NaN or infinite"):
        load(model, changed(path, change))


# --- What points out of the file (A8) ---------------------------------------------------------------------------------


def soft_link(root):
    root[KERNEL] = h5py.SoftLink("/layers/dense/vars/1")


def external_link(root):
    root[KERNEL] = h5py.ExternalLink("canary.h5", "/data")


def external_storage(root):
    root.create_dataset(KERNEL, (4, 3), "f4", external=[("canary.bin", 0, 48)])


def virtual(root):
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("canary.h5", "data", (4, 3))
    root.create_virtual_dataset(KERNEL, layout)


def link_as_ancestor(root):
    del root["layers/dense"]
    root["layers/dense"] = h5py.ExternalLink("canary.h5", "/")


def link_at_the_root(root):
    del root["layers"]
    root["layers"] = h5py.SoftLink("/elsewhere")


def link_beside(root):
    root.create_dataset(KERNEL, data=np.zeros((4, 3)))
    root["beside"] = h5py.ExternalLink("canary.h5", "/")


@pytest.mark.parametrize(
    "attack", [soft_link, external_link, external_storage, virtual, link_as_ancestor, link_at_the_root, link_beside]
)
def test_what_points_elsewhere_is_refused(model, path, attack, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "canary.bin").write_bytes(b"C" * 64)
    with h5py.File(tmp_path / "canary.h5", "w") as root:
        root["data"] = np.full((4, 3), 7.0)
    error = refusal(model, changed(path, in_place_of_the_kernel(attack)), UnsafeModelError)
    assert "must contain its arrays itself" in error.expected
    assert "layers" in error.received or "beside" in error.received


def test_a_filter_that_needs_a_library_is_refused(model, path):
    change = in_place_of_the_kernel(lambda root: root.create_dataset(KERNEL, data=np.zeros((4, 3)), compression="lzf"))
    assert "requires a filter library" in str(refusal(model, changed(path, change), UnsafeModelError))


@pytest.mark.parametrize("kind", [h5py.ref_dtype, h5py.regionref_dtype])
def test_references_are_no_numbers(model, path, kind):
    change = in_place_of_the_kernel(lambda root: root.create_dataset(KERNEL, (4, 3), kind))
    assert "not numerical" in str(refusal(model, changed(path, change)))


# --- Bombs and odd types (A9) -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2**20,), (2**40,), (2**62,), (2**32, 2**31), (0, 3), (), (4, 3, 1), (3, 4), (1,) * 32])
def test_an_array_of_another_shape_is_refused_unread(model, path, shape):
    def make(root):
        chunks = tuple(min(size, 16) for size in shape) if shape and 0 not in shape else None
        root.create_dataset(KERNEL, shape, "f4", chunks=chunks, compression="gzip" if chunks else None)

    changed(path, in_place_of_the_kernel(make))
    tracemalloc.start()
    error = refusal(model, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20
    assert f"{shape} float32" in str(error)
    assert "layers/dense (only)" in str(error)


@pytest.mark.parametrize(
    "make",
    [
        lambda root: root.create_dataset(KERNEL, data=np.full((4, 3), "text", dtype="S4")),
        lambda root: root.create_dataset(KERNEL, (4, 3), h5py.string_dtype()),
        lambda root: root.create_dataset(KERNEL, (4, 3), h5py.vlen_dtype("f4")),
        lambda root: root.create_dataset(KERNEL, (4, 3), [("a", "f4"), ("b", "f4")]),
        lambda root: root.create_dataset(KERNEL, (4, 3), "c8"),
        lambda root: root.create_dataset(KERNEL, (4, 3), "V2"),
        lambda root: root.create_dataset(KERNEL, (4, 3), "i4"),
        lambda root: root.create_dataset(KERNEL, dtype="f4", data=h5py.Empty("f4")),
        lambda root: root.create_group(KERNEL),
    ],
)
def test_anything_but_floats_is_refused_where_floats_belong(model, path, make):
    assert "layers/dense (only)" in str(refusal(model, changed(path, in_place_of_the_kernel(make))))


def test_an_array_of_the_right_shape_that_holds_nothing_is_refused():
    wide = cornu.Sequential([cornu.Input((4096,)), layers.Dense(4096, use_bias=False)])
    file = io.BytesIO()
    with h5py.File(file, "w") as root:
        root.create_dataset(KERNEL, (4096, 4096), "f4", chunks=(64, 64), compression="gzip")
    tracemalloc.start()
    with (
        pytest.raises(ModelFormatError, match="declares 67,108,864 bytes of weights stored in 0 bytes"),
        WeightsFile(file, "it") as weights,
    ):
        load_into(variable_groups(wide), weights, "it", "wide")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_too_many_objects_are_refused(model, path, monkeypatch):
    monkeypatch.setattr(h5_file, "MAX_OBJECTS", 3)
    assert "contains more than 3 objects" in str(refusal(model, path))


def test_groups_nested_too_deep_are_refused(model, path):
    changed(path, lambda root: root.create_group("a/" * 100))
    assert "more than 64 levels" in str(refusal(model, path))


# --- Damage -----------------------------------------------------------------------------------------------------------


def test_a_flipped_bit_is_never_silently_loaded(model, path):
    """Cornu writes a checksum for each array; in Keras's own files 104 of 250 flips go unnoticed."""
    whole = path.read_bytes()
    expected = model.get_weights()
    generator = np.random.default_rng(3)
    noticed = 0
    for position in generator.choice(len(whole), 150, replace=False):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(generator.integers(8))
        path.write_bytes(damaged)
        try:
            load(model, path)
        except ModelFormatError:
            noticed += 1
        for value, wanted in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(value, wanted)
    assert noticed >= 5


def test_a_flip_in_the_numbers_is_noticed(model, path):
    def change(root):
        root[KERNEL][1, 1] += 1

    error = refusal(model, changed(path, change))
    assert str(error).startswith("'small' cannot be read: the array `layers/dense/vars/0` (the checksum differs).")


@pytest.mark.parametrize("length", [0, 7, 100, 1000, -1, -200])
def test_a_file_that_is_cut_short_is_refused(model, path, length):
    path.write_bytes(path.read_bytes()[:length])
    assert "truncated or damaged" in refusal(model, path).hint
