"""Layers that only move numbers: against real Keras, and what they say to mistakes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cornu import Input, layers
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.testing.layer_checks import check_layer

FIRST = {"data_format": "channels_first"}
AGAINST_KERAS = {
    "flatten": ("Flatten", {}, (2, 3, 4)),
    "flatten channels first": ("Flatten", FIRST, (2, 3, 4, 2)),
    "flatten one number": ("Flatten", {}, (3,)),
    "reshape": ("Reshape", {"target_shape": (4, 3)}, (2, 3, 4)),
    "reshape with the rest": ("Reshape", {"target_shape": (2, -1, 2)}, (2, 3, 4)),
    "permute": ("Permute", {"dims": (3, 1, 2)}, (2, 3, 4, 5)),
    "repeat": ("RepeatVector", {"n": 3}, (2, 4)),
    "pad sequences": ("ZeroPadding1D", {"padding": (1, 2)}, (2, 3, 2)),
    "pad sequences channels first": ("ZeroPadding1D", {"padding": 2, **FIRST}, (2, 3, 2)),
    "pad images": ("ZeroPadding2D", {}, (2, 3, 2, 2)),
    "pad images at each side": ("ZeroPadding2D", {"padding": ((0, 1), (2, 3))}, (2, 3, 2, 2)),
    "pad images channels first": ("ZeroPadding2D", {"padding": (1, 2), **FIRST}, (2, 3, 2, 2)),
    "pad volumes": ("ZeroPadding3D", {"padding": (1, 0, 2)}, (1, 2, 3, 2, 2)),
    "crop sequences": ("Cropping1D", {"cropping": (1, 2)}, (2, 5, 2)),
    "crop images": ("Cropping2D", {"cropping": ((1, 0), (1, 2))}, (2, 3, 5, 2)),
    "crop images channels first": ("Cropping2D", {"cropping": 1, **FIRST}, (2, 2, 3, 5)),
    "crop no images": ("Cropping2D", {}, (2, 3, 5, 2)),
    "crop volumes": ("Cropping3D", {}, (1, 3, 4, 3, 2)),
    "upsample sequences": ("UpSampling1D", {"size": 3}, (2, 3, 2)),
    "upsample images": ("UpSampling2D", {}, (2, 3, 2, 2)),
    "upsample images channels first": ("UpSampling2D", {"size": (2, 3), **FIRST}, (2, 2, 3, 2)),
    "upsample smoothly": ("UpSampling2D", {"interpolation": "bilinear", "size": (2, 3)}, (2, 3, 4, 2)),
    "upsample more smoothly": ("UpSampling2D", {"interpolation": "bicubic", **FIRST}, (1, 2, 3, 4)),
    "upsample volumes": ("UpSampling3D", {"size": (1, 2, 2)}, (1, 2, 3, 2, 2)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=(2, *case[2][1:]))


INTEGERS = [
    layers.Flatten(),
    layers.Reshape((6,)),
    layers.Permute((2, 1)),
    layers.ZeroPadding1D(),
    layers.Cropping1D((0, 1)),
    layers.UpSampling1D(),
]


@pytest.mark.parametrize("layer", INTEGERS, ids=lambda layer: layer.name)
def test_integers_stay_whole(layer: layers.Layer) -> None:
    assert layer(Input((3, 2), dtype="uint8")).dtype == "uint8"
    assert str(layer(np.ones((1, 3, 2), dtype="uint8")).dtype) == "uint8"


@pytest.mark.parametrize(
    "make, shape",
    [
        (layers.Flatten, (None, None)),
        (lambda: layers.Reshape((-1, 3)), (None, None, 3)),
        (layers.ZeroPadding2D, (None, None, 9, 3)),
        (layers.Cropping1D, (None, None, 3)),
        (layers.UpSampling2D, (None, None, 14, 3)),
    ],
)
def test_unknown_sizes_stay_unknown(make: Callable, shape: tuple) -> None:
    rank = 3 if make is layers.Cropping1D or shape[-1] is None or len(shape) == 3 else 4
    assert make()(Input((None, 7, 3) if rank == 4 else (None, 3))).shape == shape


def test_flatten_keeps_the_order_of_channels_last(backend: str) -> None:
    images = np.arange(24).reshape(1, 2, 3, 4)
    last = layers.Flatten().to_backend(backend)(images)
    first = layers.Flatten(data_format="channels_first").to_backend(backend)(images.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(np.asarray(first), np.asarray(last))


@pytest.mark.parametrize(
    "target, words",
    [
        ((5,), "Its samples have 12 elements, but `target_shape=(5,)` needs 5."),
        ((5, -1), "Its samples have 12 elements, but `target_shape=(5, -1)` needs a multiple of 5."),
    ],
)
def test_a_shape_that_the_numbers_do_not_fill_is_refused(target: tuple, words: str) -> None:
    with pytest.raises(ShapeError) as raised:
        layers.Reshape(target, name="mine")(np.ones((2, 3, 4)))
    assert f"The layer 'mine' received an input of shape (None, 3, 4). {words}" in str(raised.value)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: layers.Reshape((-1, -1)), "at most one size of -1"),
        (lambda: layers.Reshape((2.5,)), "`target_shape=2.5`"),
        (lambda: layers.Permute((0, 1)), "It must be a permutation of the axes 1 to 2"),
        (lambda: layers.RepeatVector(0), "`n=0`"),
        (lambda: layers.ZeroPadding2D(-1), "`padding=-1`. It must be an integer greater than or equal to 0."),
        (lambda: layers.ZeroPadding2D((1, 2, 3)), "`padding=(1, 2, 3)`. It must be one integer, or 2 integers, or 2 pairs"),
        (lambda: layers.Cropping2D(((1, 2, 3), 1)), "`cropping=(1, 2, 3)`"),
        (lambda: layers.UpSampling2D(0), "`size=0`"),
        (lambda: layers.UpSampling2D(interpolation="linear"), "Did you mean 'bilinear'?"),
    ],
)
def test_wrong_arguments_are_refused(make: Callable, words: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        make()
    assert words in str(raised.value)


def test_cropping_everything_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"It crops 2 \+ 2 and 0 \+ 0, which leaves no elements along an axis of size 4"):
        layers.Cropping2D(((2, 2), (0, 0)))(np.ones((1, 4, 4, 1)))


@pytest.mark.parametrize(
    "layer, x",
    [
        (layers.Permute((1, 2)), np.ones((2, 3))),
        (layers.RepeatVector(2), np.ones((2, 3, 4))),
        (layers.ZeroPadding2D(), np.ones((2, 3, 4))),
    ],
)
def test_another_number_of_axes_is_refused(layer: layers.Layer, x: Any) -> None:
    with pytest.raises(ShapeError, match="It needs"):
        layer(x)


def test_an_empty_batch_comes_through(backend: str) -> None:
    assert layers.Flatten().to_backend(backend)(np.ones((0, 3, 4))).shape == (0, 12)
    assert layers.Reshape((-1,)).to_backend(backend)(np.ones((0, 3, 4))).shape == (0, 12)
