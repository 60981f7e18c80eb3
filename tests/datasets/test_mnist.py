"""MNIST is read from Keras's file, and nothing else passes for it."""

import inspect
import io
import zipfile

import numpy as np
import pytest

from cornu.datasets import mnist
from cornu.errors import DataError

SMALL = {"x_train": (6, 28, 28), "y_train": (6,), "x_test": (3, 28, 28), "y_test": (3,)}


@pytest.fixture
def small(monkeypatch):
    """MNIST with six and three images."""
    monkeypatch.setattr(mnist, "SHAPES", SMALL)
    numbers = np.random.default_rng(1)
    return {name: numbers.integers(0, 10, shape, "uint8") for name, shape in SMALL.items()}


def member(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_the_arrays_arrive_as_they_were_written(cache, small):
    np.savez_compressed(cache / "mnist.npz", **small)
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    for array, name in ((x_train, "x_train"), (y_train, "y_train"), (x_test, "x_test"), (y_test, "y_test")):
        np.testing.assert_array_equal(array, small[name])
        assert array.dtype == "uint8"
        assert array.flags.writeable


def test_arrays_in_fortran_order_are_read_too(cache, small):
    np.savez(cache / "mnist.npz", **{name: np.asfortranarray(array) for name, array in small.items()})
    np.testing.assert_array_equal(mnist.load_data()[0][0], small["x_train"])


def test_a_file_may_have_another_name_or_place(cache, small, tmp_path):
    np.savez(cache / "other.npz", **small)
    np.savez(tmp_path / "elsewhere.npz", **small)
    for path in ("other.npz", str(tmp_path / "elsewhere.npz")):
        np.testing.assert_array_equal(mnist.load_data(path)[0][0], small["x_train"])


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        (
            "x_train",
            np.zeros((6, 28, 29), "uint8"),
            r"`x_train` is uint8 of shape \(6, 28, 29\), but uint8 of shape \(6, 28, 28\)",
        ),
        ("x_test", np.zeros((3, 28, 28), "float32"), "`x_test` is float32"),
        ("y_train", np.array([0, 1, 2, 3, 10, 4], "uint8"), "it contains the label 10, but labels must be from 0 to 9"),
        ("y_test", np.array([None, 1, 2]), "`y_test` is object"),
    ],
)
def test_wrong_content_is_named(cache, small, name, value, reason):
    np.savez(cache / "mnist.npz", **{**small, name: value})
    with pytest.raises(DataError, match=reason) as error:
        mnist.load_data()
    assert str(cache / "mnist.npz") in str(error.value)
    assert "Remove the file so that it is downloaded again" in str(error.value)


def test_a_missing_array_is_named(cache, small):
    del small["y_test"]
    np.savez(cache / "mnist.npz", **small)
    with pytest.raises(DataError, match=r"no item named 'y_test.npy'"):
        mnist.load_data()


def test_a_truncated_file_is_named(cache, small):
    np.savez(cache / "mnist.npz", **small)
    (cache / "mnist.npz").write_bytes((cache / "mnist.npz").read_bytes()[:2000])
    with pytest.raises(DataError, match=r"mnist.npz` cannot be read: File is not a zip file"):
        mnist.load_data()


def test_a_flipped_bit_is_noticed(cache, small):
    np.savez(cache / "mnist.npz", **small)
    content = bytearray((cache / "mnist.npz").read_bytes())
    content[1000] ^= 1
    (cache / "mnist.npz").write_bytes(content)
    with pytest.raises(DataError, match="Bad CRC-32"):
        mnist.load_data()


@pytest.mark.parametrize(("extra", "reason"), [(-1, "it ends after"), (1, "it contains more than")])
def test_an_array_must_be_as_long_as_its_header_says(cache, small, extra, reason):
    with zipfile.ZipFile(cache / "mnist.npz", "w") as archive:
        for name, array in small.items():
            content = member(array)
            archive.writestr(f"{name}.npy", content[:extra] if extra < 0 else content + bytes(extra))
    with pytest.raises(DataError, match=reason):
        mnist.load_data()


def test_a_header_of_gigabytes_is_not_read(cache, small):
    with zipfile.ZipFile(cache / "mnist.npz", "w") as archive:
        archive.writestr("x_train.npy", b"\x93NUMPY\x02\x00" + b"\xff\xff\xff\xff" + bytes(1000))
    with pytest.raises(DataError, match="an unknown header version"):
        mnist.load_data()


def test_the_signature_is_that_of_keras():
    keras = pytest.importorskip("keras")
    theirs = inspect.signature(keras.datasets.mnist.load_data).parameters
    ours = inspect.signature(mnist.load_data).parameters
    assert [(name, value.default) for name, value in ours.items()] == [(name, value.default) for name, value in theirs.items()]


def test_the_real_file_is_read(shared_data, monkeypatch):
    if not (shared_data / "mnist.npz").exists():
        pytest.skip("mnist.npz is not in the folder of real images")
    monkeypatch.setenv("CORNU_DATASETS", str(shared_data))
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    assert x_train.shape == (60000, 28, 28)
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert x_test.mean() / 255 == pytest.approx(0.1325, abs=1e-4)
