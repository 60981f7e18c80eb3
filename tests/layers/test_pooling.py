"""Pooling against real Keras, and what it says to mistakes."""

from collections.abc import Callable

import numpy as np
import pytest

from cornu import Input, layers
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.testing.layer_checks import check_layer

AGAINST_KERAS = {
    "max": ("MaxPooling2D", {}, (2, 5, 4, 3)),
    "max same": ("MaxPooling2D", {"pool_size": (3, 2), "strides": 2, "padding": "same"}, (2, 5, 4, 2)),
    "max overlapping": ("MaxPooling2D", {"pool_size": 3, "strides": (1, 2)}, (2, 5, 6, 2)),
    "max channels first": ("MaxPooling2D", {"data_format": "channels_first"}, (2, 3, 4, 5)),
    "max of sequences": ("MaxPooling1D", {"pool_size": 3, "strides": 2}, (2, 8, 2)),
    "max of volumes": ("MaxPooling3D", {"pool_size": (1, 2, 2), "padding": "same"}, (1, 3, 4, 5, 2)),
    "mean": ("AveragePooling2D", {"pool_size": 2}, (2, 5, 4, 3)),
    "mean same": ("AveragePooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, (2, 5, 4, 2)),
    "mean of sequences": ("AveragePooling1D", {"pool_size": 2, "data_format": "channels_first"}, (2, 3, 6)),
    "mean of volumes": ("AveragePooling3D", {"pool_size": 2}, (1, 4, 4, 5, 2)),
    "adaptive mean": ("AdaptiveAveragePooling2D", {"output_size": (2, 3)}, (2, 5, 7, 3)),
    "adaptive mean into more parts": ("AdaptiveAveragePooling2D", {"output_size": 4}, (2, 3, 6, 2)),
    "adaptive mean channels first": (
        "AdaptiveAveragePooling2D",
        {"output_size": (3, 2), "data_format": "channels_first"},
        (2, 3, 4, 5),
    ),
    "adaptive mean of sequences": ("AdaptiveAveragePooling1D", {"output_size": 3}, (2, 8, 3)),
    "adaptive mean of volumes": ("AdaptiveAveragePooling3D", {"output_size": (1, 2, 2)}, (1, 3, 4, 5, 2)),
    "adaptive max": ("AdaptiveMaxPooling2D", {"output_size": (2, 3)}, (2, 5, 7, 3)),
    "adaptive max of sequences": ("AdaptiveMaxPooling1D", {"output_size": 3, "data_format": "channels_first"}, (2, 3, 8)),
    "adaptive max of volumes": ("AdaptiveMaxPooling3D", {"output_size": 2}, (1, 3, 4, 5, 2)),
    "global max": ("GlobalMaxPooling2D", {}, (2, 3, 4, 3)),
    "global max of sequences": ("GlobalMaxPooling1D", {"data_format": "channels_first", "keepdims": True}, (2, 3, 4)),
    "global max of volumes": ("GlobalMaxPooling3D", {"keepdims": True}, (2, 2, 3, 2, 2)),
    "global mean": ("GlobalAveragePooling2D", {"keepdims": True}, (2, 3, 4, 3)),
    "global mean channels first": ("GlobalAveragePooling2D", {"data_format": "channels_first"}, (2, 3, 4, 5)),
    "global mean of sequences": ("GlobalAveragePooling1D", {}, (2, 4, 3)),
    "global mean of volumes": ("GlobalAveragePooling3D", {}, (2, 2, 3, 2, 2)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=(2, *case[2][1:]))


@pytest.mark.parametrize("keepdims", [False, True])
def test_the_global_mean_leaves_masked_steps_out_as_keras_does(keepdims: bool, same_as_keras: Callable) -> None:
    mask = np.array([[True, False, True, True], [False, True, False, False]])
    same_as_keras("GlobalAveragePooling1D", {"keepdims": keepdims}, (2, 4, 3), {"mask": mask})


def test_short_names_are_the_same_layers() -> None:
    assert layers.MaxPool2D is layers.MaxPooling2D
    assert layers.AvgPool1D is layers.AveragePooling1D
    assert layers.GlobalAvgPool3D is layers.GlobalAveragePooling3D
    assert layers.GlobalMaxPool2D is layers.GlobalMaxPooling2D


def test_the_mean_has_a_default_window_as_in_keras_2() -> None:
    assert layers.AveragePooling2D().get_config()["pool_size"] == (2, 2)


def test_bytes_are_pooled_as_floats(backend: str) -> None:
    layer = layers.MaxPooling1D().to_backend(backend)
    assert np.asarray(layer(np.array([[[3], [200]]], dtype="uint8"))).tolist() == [[[200.0]]]


def test_unknown_sizes_stay_unknown() -> None:
    assert layers.MaxPooling2D()(Input((None, 9, 3))).shape == (None, None, 4, 3)


def test_a_window_larger_than_the_image_is_refused() -> None:
    with pytest.raises(
        ShapeError, match=r"'small' received inputs with spatial size 1 x 1. Its window of 2 x 2 must fit into the input"
    ):
        layers.MaxPooling2D(name="small")(np.ones((1, 1, 1, 3)))


def test_images_without_channels_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"It needs 4 dimensions \(batch, height, width, channels\). Add the channel axis"):
        layers.GlobalAveragePooling2D()(np.ones((2, 7, 7)))


@pytest.mark.parametrize("arguments", [{"pool_size": 0}, {"pool_size": (2, 2, 2)}, {"strides": 0}, {"padding": "equal"}])
def test_wrong_arguments_are_refused(arguments: dict) -> None:
    name, value = next(iter(arguments.items()))
    with pytest.raises(InvalidArgumentError) as raised:
        layers.MaxPooling2D(**arguments)
    assert f"`{name}={value!r}`" in str(raised.value)


def test_the_mean_of_a_sequence_of_padding_is_zero(backend: str) -> None:
    x, mask = np.float32([[[1, 2], [3, 5]], [[7, 8], [9, 4]]]), np.array([[True, True], [False, False]])
    for keepdims in (False, True):
        layer = layers.GlobalAveragePooling1D(keepdims=keepdims).to_backend(backend)
        assert np.asarray(layer(x, mask=mask)).reshape(2, 2).tolist() == [[2, 3.5], [0, 0]]
