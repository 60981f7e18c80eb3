"""Depthwise and separable convolutions against real Keras, and what they say to mistakes."""

from collections.abc import Callable

import numpy as np
import pytest

from cornu import layers
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.testing.layer_checks import check_layer

AGAINST_KERAS = {
    "depthwise": ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2}, (2, 5, 4, 3)),
    "depthwise same with strides": (
        "DepthwiseConv2D",
        {"kernel_size": (3, 2), "strides": 2, "padding": "same", "activation": "relu", "use_bias": False},
        (2, 5, 4, 2),
    ),
    "depthwise channels first": (
        "DepthwiseConv2D",
        {"kernel_size": 2, "depth_multiplier": 2, "data_format": "channels_first", "padding": "same"},
        (2, 2, 4, 3),
    ),
    "depthwise over sequences": ("DepthwiseConv1D", {"kernel_size": 3, "dilation_rate": 2}, (2, 7, 2)),
    "separable": ("SeparableConv2D", {"filters": 4, "kernel_size": 3, "depth_multiplier": 2}, (2, 5, 4, 3)),
    "separable same with strides": (
        "SeparableConv2D",
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "tanh"},
        (2, 5, 4, 2),
    ),
    "separable channels first": (
        "SeparableConv2D",
        {"filters": 3, "kernel_size": 2, "data_format": "channels_first"},
        (2, 2, 4, 3),
    ),
    "separable over sequences": ("SeparableConv1D", {"filters": 3, "kernel_size": 3, "use_bias": False}, (2, 7, 2)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=case[2])


@pytest.mark.parametrize("argument", ["depth_multiplier", "kernel_size", "strides"])
def test_numbers_must_be_positive(argument: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"`DepthwiseConv2D` received `{argument}=0`"):
        layers.DepthwiseConv2D(**({"kernel_size": 3} | {argument: 0}))


@pytest.mark.parametrize("layer", [layers.DepthwiseConv2D(2), layers.SeparableConv2D(4, 2)])
def test_other_channels_than_it_was_built_for_are_refused(layer: layers.Layer) -> None:
    layer(np.ones((1, 4, 4, 3)))
    with pytest.raises(ShapeError, match=r"It was built for 3 channels, but the input has 2."):
        layer(np.ones((1, 4, 4, 2)))


@pytest.mark.parametrize("layer", [layers.DepthwiseConv2D(3), layers.SeparableConv2D(4, 3)])
def test_a_window_larger_than_the_image_is_refused(layer: layers.Layer) -> None:
    with pytest.raises(ShapeError, match="window of 3 x 3 must fit"):
        layer(np.ones((1, 2, 2, 3)))
    assert not layer.built
