"""Seeds, one-hot labels, starting afresh, and the names of the public face."""

import random

import keras
import numpy as np
import pytest

import cornu
from cornu import layers, utils
from cornu.backends import memory
from cornu.errors import InvalidArgumentError


def test_every_public_name_is_found():
    for name in cornu.__all__:
        assert getattr(cornu, name) is not None
    assert set(cornu.__all__) <= set(dir(cornu))


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Sequentail'"):
        _ = cornu.Sequentail


def test_one_seed_starts_everything_anew():
    def draw():
        return random.random(), np.random.rand(), layers.Dense(2).add_weight((3,)).numpy().tolist()

    utils.set_random_seed(5)
    first = draw()
    utils.set_random_seed(5)
    assert draw() == first
    utils.set_random_seed(6)
    assert draw() != first


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5])
def test_a_seed_is_a_whole_number_of_32_bits(seed):
    with pytest.raises(InvalidArgumentError, match="must be an integer from 0"):
        utils.set_random_seed(seed)


def test_clear_session_starts_the_names_anew():
    layers.Dense(1)
    utils.clear_session()
    assert [layers.Dense(1).name, layers.Dense(1).name] == ["dense", "dense_1"]


@pytest.mark.parametrize("free_memory", [True, False])
def test_clear_session_gives_memory_back_if_that_is_wanted(free_memory, monkeypatch):
    given_back = []
    monkeypatch.setattr(memory, "give_back", lambda: given_back.append(1))
    utils.clear_session(free_memory)
    assert bool(given_back) is free_memory


@pytest.mark.parametrize(
    ("numbers", "classes"), [([0, 2, 1], None), ([[0], [3]], 5), (np.arange(4).reshape(2, 2), 4), ([1.0, 0.0], 2), (2, 4)]
)
def test_one_hot_labels_are_those_of_keras(numbers, classes):
    found = utils.to_categorical(numbers, classes)
    expected = keras.utils.to_categorical(numbers, classes)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("numbers", "classes"), [([0, 3], 3), ([-1, 0], 2), ([0.5], 2)])
def test_numbers_that_are_no_classes_are_refused(numbers, classes):
    with pytest.raises(InvalidArgumentError, match="must be integers from 0 to"):
        utils.to_categorical(numbers, classes)


def test_no_labels_give_no_rows():
    assert utils.to_categorical([], 3).shape == (0, 3)
