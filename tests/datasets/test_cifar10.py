"""CIFAR-10 comes in five training batches and a test batch."""

import numpy as np
import pytest

from cornu.datasets import cifar10
from cornu.errors import DataError

NAMES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")


@pytest.fixture
def written(cache, monkeypatch, pack, batch_of_python_2):
    """The archive with two images a batch, in another order than ours; pixels and labels by batch."""
    monkeypatch.setattr(cifar10, "IMAGES_PER_BATCH", 2)
    numbers = np.random.default_rng(4)
    content = {name: (numbers.integers(0, 256, (2, 3072), "uint8"), numbers.integers(0, 10, 2)) for name in NAMES}
    files = {f"cifar-10-batches-py/{name}": batch_of_python_2(*content[name]) for name in reversed(NAMES)}
    pack(cache / "cifar-10-python.tar.gz", files)
    return content


def test_the_batches_arrive_in_order(written):
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    expected = np.concatenate([written[name][0] for name in NAMES]).reshape(-1, 3, 32, 32)
    np.testing.assert_array_equal(np.moveaxis(np.concatenate([x_train, x_test]), -1, 1), expected)
    labels = np.concatenate([written[name][1] for name in NAMES])
    np.testing.assert_array_equal(np.concatenate([y_train, y_test])[:, 0], labels)
    assert (x_train.shape, y_train.shape, x_test.shape, y_test.shape) == ((10, 32, 32, 3), (10, 1), (2, 32, 32, 3), (2, 1))
    assert {array.dtype.name for array in (x_train, y_train, x_test, y_test)} == {"uint8"}


@pytest.mark.parametrize("name", ["cifar-10-batches-py.tar.gz", "cifar-10-batches-py-target_archive"])
def test_the_names_that_keras_gave_the_archive_are_known(written, cache, name):
    (cache / "cifar-10-python.tar.gz").rename(cache / name)
    assert cifar10.load_data()[0][0].shape == (10, 32, 32, 3)


def test_a_truncated_archive_is_named(written, cache):
    path = cache / "cifar-10-python.tar.gz"
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match=r"cifar-10-python.tar.gz` cannot be read: .*It should be CIFAR-10"):
        cifar10.load_data()


def test_a_flipped_bit_at_the_end_is_noticed(written, cache):
    path = cache / "cifar-10-python.tar.gz"
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="CRC check failed"):
        cifar10.load_data()
