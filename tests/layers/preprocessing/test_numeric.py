"""Rescaling against real Keras."""

import json
from collections.abc import Callable

import keras
import numpy as np
import pytest

import cornu
from cornu import config, layers, ops
from cornu.testing.layer_checks import check_layer

AGAINST_KERAS = {
    "scale": ("Rescaling", {"scale": 0.3}, (2, 3, 2)),
    "scale and offset": ("Rescaling", {"scale": 1 / 127.5, "offset": -1}, (2, 3, 2)),
    "one for each channel": ("Rescaling", {"scale": [0.5, 2.0], "offset": [1.0, -1.0]}, (2, 3, 2)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=case[2])


def test_bytes_become_floats(backend: str) -> None:
    layer = layers.Rescaling(1 / 255).to_backend(backend)
    y = layer(np.array([[0, 255]], dtype="uint8"))
    assert ops.dtype(y) == "float32"
    assert np.asarray(y).tolist() == [[0.0, 1.0]]


def test_numpys_numbers_and_arrays_are_in_the_config_as_in_that_of_keras() -> None:
    arguments = np.float32(0.5), np.array([1.0, 2.0])
    ours, theirs = (k.layers.Rescaling(*arguments).get_config() for k in (cornu, keras))
    assert {name: ours[name] for name in ("scale", "offset")} == {name: theirs[name] for name in ("scale", "offset")}
    again = layers.Rescaling.from_config(json.loads(json.dumps(ours)))
    assert np.asarray(again(np.ones((1, 2), "float32"))).tolist() == [[1.5, 2.5]]


def test_with_channels_first_a_list_is_one_for_each_channel() -> None:
    config.set_image_data_format("channels_first")
    try:
        y = layers.Rescaling([1.0, 10.0])(np.ones((1, 2, 3, 3)))
    finally:
        config.set_image_data_format("channels_last")
    assert np.asarray(y)[0, :, 0, 0].tolist() == [1.0, 10.0]
