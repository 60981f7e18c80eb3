"""Fashion-MNIST is read from its four packed IDX files, and nothing else passes for them."""

import gzip
import struct

import numpy as np
import pytest

from cornu.datasets import fashion_mnist
from cornu.errors import DataError


def idx(array: np.ndarray, magic: int | None = None) -> bytes:
    """The file format as its description says: magic number, sizes, bytes."""
    magic = 0x800 + array.ndim if magic is None else magic
    return struct.pack(f">{1 + array.ndim}I", magic, *array.shape) + array.tobytes()


@pytest.fixture
def files(cache, monkeypatch):
    """The four files, with six and three images; what they hold."""
    monkeypatch.setattr(fashion_mnist, "COUNTS", {"train": 6, "t10k": 3})
    numbers = np.random.default_rng(2)
    folder = cache / "fashion-mnist"
    folder.mkdir()
    arrays = {}
    for part, count in fashion_mnist.COUNTS.items():
        arrays[f"{part}-images-idx3-ubyte.gz"] = numbers.integers(0, 256, (count, 28, 28), "uint8")
        arrays[f"{part}-labels-idx1-ubyte.gz"] = numbers.integers(0, 10, count, "uint8")
    for name, array in arrays.items():
        (folder / name).write_bytes(gzip.compress(idx(array)))
    return folder, list(arrays.values())


def test_the_arrays_arrive_as_they_were_written(files):
    _, written = files
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    for array, expected in zip((x_train, y_train, x_test, y_test), written, strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == "uint8"
        assert array.flags.writeable


LABELS = np.array([1, 2, 3], "uint8")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(idx(LABELS, magic=0x803)), "it begins with 00 00 08 03 00 00 00 03 instead of 00 00 08 01 00 00 00 03"),
        (gzip.compress(struct.pack(">2I", 0x801, 2**31)), "it begins with 00 00 08 01 80 00 00 00 instead"),
        (gzip.compress(idx(LABELS)[:-1]), "it ends after 2 of 3 bytes"),
        (gzip.compress(idx(LABELS) + b"\0"), "it contains more than the 3 bytes expected"),
        (gzip.compress(idx(LABELS))[:-9], "Compressed file ended before"),
        (gzip.compress(idx(LABELS))[:-8] + bytes(8), "CRC check failed"),
        (idx(LABELS), "Not a gzipped file"),
        (gzip.compress(idx(LABELS + 7)), "it contains the label 10, but labels must be from 0 to 9"),
        (b"", "it begins with  instead"),
    ],
    ids=lambda value: value if isinstance(value, str) else "content",  # the bytes differ with the time they were packed
)
def test_wrong_content_is_named(files, content, reason):
    folder, _ = files
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(DataError, match=reason) as error:
        fashion_mnist.load_data()
    assert str(folder / "t10k-labels-idx1-ubyte.gz") in str(error.value)


def test_files_of_mnist_beside_the_folder_are_not_mistaken_for_it(files, monkeypatch):
    folder, _ = files
    name = "train-images-idx3-ubyte.gz"
    (folder / name).rename(folder.parent / name)
    monkeypatch.setattr(fashion_mnist, "_BASE_URL", "http://127.0.0.1:1/")
    with pytest.raises(DataError, match="Cannot download") as error:
        fashion_mnist.load_data()
    assert str(folder / name) in str(error.value)


def test_every_file_has_a_published_sum():
    for size, sha256 in fashion_mnist._PUBLISHED.values():
        assert size > 5000
        assert len(bytes.fromhex(sha256)) == 32
