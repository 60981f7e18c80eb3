"""CIFAR-100 has fine and coarse labels."""

import inspect
import pickle

import numpy as np
import pytest

from cornu.datasets import cifar100
from cornu.datasets.cifar100 import SOURCE
from cornu.errors import DataError, InvalidArgumentError


@pytest.fixture
def written(cache, monkeypatch, pack):
    """The archive with six and three images."""
    monkeypatch.setattr(cifar100, "COUNTS", {"train": 6, "test": 3})
    numbers = np.random.default_rng(5)
    content = {
        name: {
            "data": numbers.integers(0, 256, (count, 3072), "uint8"),
            "fine_labels": numbers.integers(0, 100, count).tolist(),
            "coarse_labels": numbers.integers(0, 20, count).tolist(),
        }
        for name, count in cifar100.COUNTS.items()
    }
    pack(cache / SOURCE.name, {f"cifar-100-python/{name}": pickle.dumps(batch, 4) for name, batch in content.items()})
    return content


@pytest.mark.parametrize("label_mode", ["fine", "coarse"])
def test_images_and_the_chosen_labels_arrive(written, label_mode):
    for (images, labels), name in zip(cifar100.load_data(label_mode), ("train", "test"), strict=True):
        np.testing.assert_array_equal(np.moveaxis(images, -1, 1).reshape(-1, 3072), written[name]["data"])
        np.testing.assert_array_equal(labels[:, 0], written[name][f"{label_mode}_labels"])
        assert labels.shape == (len(images), 1)
        assert labels.dtype == "uint8"


def test_a_coarse_label_out_of_range_is_noticed(written, cache, pack):
    written["test"]["coarse_labels"][0] = 20
    pack(cache / SOURCE.name, {name: pickle.dumps(batch, 4) for name, batch in written.items()})
    with pytest.raises(DataError, match="label 20, but labels must be from 0 to 19"):
        cifar100.load_data("coarse")


def test_another_label_mode_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"`label_mode='course'` was given.*Did you mean 'coarse'\?"):
        cifar100.load_data("course")


def test_there_are_a_hundred_kinds_in_twenty_groups():
    assert len(set(cifar100.FINE_NAMES)) == 100
    assert len(set(cifar100.COARSE_NAMES)) == 20
    assert list(cifar100.FINE_NAMES) == sorted(cifar100.FINE_NAMES)


def test_the_signature_is_that_of_keras():
    keras = pytest.importorskip("keras")
    theirs = inspect.signature(keras.datasets.cifar100.load_data).parameters
    assert theirs["label_mode"].default == inspect.signature(cifar100.load_data).parameters["label_mode"].default
