"""Layers through the form of a file."""

import json

import pytest

from cornu import layers
from cornu.errors import UnsafeModelError


class Mine(layers.Identity):
    """A user's layer."""


def test_a_layer_comes_back() -> None:
    form = json.loads(json.dumps(layers.serialize(layers.Conv2D(3, 2, name="mine"))))
    again = layers.deserialize(form)
    assert (type(again), again.name, again.kernel_size) == (layers.Conv2D, "mine", (2, 2))


def test_a_users_layer_comes_back_if_it_is_named() -> None:
    form = layers.serialize(Mine(name="mine"))
    assert isinstance(layers.deserialize(form, custom_objects={"Mine": Mine}), Mine)


def test_a_name_that_is_no_layer_is_refused() -> None:
    with pytest.raises(UnsafeModelError, match=r"'Dnese'.*Did you mean 'Dense'\?"):
        layers.deserialize({"class_name": "Dnese", "config": {}})
