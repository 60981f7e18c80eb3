"""Transposed convolutions against real Keras, and what they say to mistakes."""

from collections.abc import Callable

import numpy as np
import pytest

from cornu import Input, layers
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.testing.layer_checks import check_layer

AGAINST_KERAS = {
    "valid": ("Conv2DTranspose", {"filters": 3, "kernel_size": 3}, (2, 3, 4, 2)),
    "same with strides": (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"},
        (2, 3, 4, 2),
    ),
    "strides larger than the window": ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "strides": 3}, (1, 3, 2, 2)),
    "output padding": (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "output_padding": (0, 1), "use_bias": False},
        (2, 3, 4, 2),
    ),
    "channels first": (
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": (2, 3), "strides": (1, 2), "data_format": "channels_first", "padding": "same"},
        (2, 2, 3, 4),
    ),
    "output padding of no padding": (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 2, "strides": 2, "output_padding": 1},
        (1, 3, 2, 2),
    ),
    "dilation": ("Conv2DTranspose", {"filters": 2, "kernel_size": 2, "dilation_rate": 2}, (1, 3, 3, 2)),
    "sequences": ("Conv1DTranspose", {"filters": 3, "kernel_size": 4, "strides": 2, "padding": "same"}, (2, 4, 2)),
    "volumes": ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2}, (1, 2, 3, 2, 2)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=(2, *case[2][1:]))


def test_unknown_sizes_stay_unknown() -> None:
    assert layers.Conv2DTranspose(4, 3, strides=2, padding="same")(Input((None, 7, 2))).shape == (None, None, 14, 4)


def test_arguments_for_volumes_are_in_the_order_of_keras() -> None:
    layer = layers.Conv3DTranspose(1, 2, 2, "valid", "channels_first", 1)
    assert (layer.data_format, layer.output_padding) == ("channels_first", (1, 1, 1))


def test_a_wrong_padding_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`padding='causal'` was given"):
        layers.Conv1DTranspose(2, 3, padding="causal")


def test_a_negative_output_padding_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`output_padding=-1`. It must be an integer greater than or equal to 0."):
        layers.Conv2DTranspose(2, 3, output_padding=-1)


def test_other_channels_than_it_was_built_for_are_refused() -> None:
    layer = layers.Conv2DTranspose(2, 3)
    layer(np.ones((1, 4, 4, 3)))
    with pytest.raises(ShapeError, match=r"It was built for 3 channels, but the input has 2."):
        layer(np.ones((1, 4, 4, 2)))


def test_images_without_channels_are_refused() -> None:
    with pytest.raises(ShapeError, match="It needs 4 dimensions"):
        layers.Conv2DTranspose(2, 3)(np.ones((1, 4, 4)))
