"""Automatic names."""

import keras
import pytest

from cornu import layers
from cornu.core.naming import auto_name, get_uid, reset_names

KINDS = ["Dense", "Conv2D", "Conv2DTranspose", "MaxPooling2D", "ReLU", "PReLU", "ELU", "BatchNormalization", "ZeroPadding2D"]


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_those_of_keras(kind):
    arguments = {"Dense": (1,), "Conv2D": (1, 2), "Conv2DTranspose": (1, 2)}.get(kind, ())
    reset_names()
    keras.utils.clear_session(free_memory=False)
    for _ in range(3):
        assert getattr(layers, kind)(*arguments).name == getattr(keras.layers, kind)(*arguments).name


def test_a_name_that_was_given_counts_for_nothing():
    reset_names()
    assert [layers.Dense(1).name, layers.Dense(1, name="mine").name, layers.Dense(1).name] == ["dense", "mine", "dense_1"]


def test_names_of_a_kind_are_counted_together():
    reset_names()
    assert [auto_name("Dense"), auto_name("dense"), auto_name("Conv2D")] == ["dense", "dense_1", "conv2d"]


def test_integers_of_prefixes_are_those_of_keras():
    found = []
    for clear, next_uid in ((reset_names, get_uid), (keras.utils.clear_session, keras.backend.get_uid)):
        clear()
        found.append([next_uid("block"), next_uid("block"), next_uid(), next_uid("other")])
    assert found[0] == found[1] == [1, 2, 1, 1]


def test_automatic_names_and_integers_share_their_counters():
    reset_names()
    assert (auto_name("block"), get_uid("block"), auto_name("block")) == ("block", 2, "block_2")
