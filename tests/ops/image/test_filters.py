"""Sobel edges, structural similarity, and scaled and moved images, against those of Keras."""

import keras
import numpy as np
import pytest

from cornu import ops
from cornu.errors import InvalidArgumentError, ShapeError

FORMATS = ["channels_last", "channels_first"]


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_sobel_edges_are_those_of_keras(data_format, dtype, make, check, rng):
    x = rng.normal(size=(2, 5, 6, 3)).astype(dtype)
    expected = keras.ops.image.sobel_edges(x, data_format=data_format)
    check(ops.image.sobel_edges(make(x), data_format), expected, rtol=1e-5 if dtype == "float32" else 1e-2, atol=1e-2)


def test_sobel_edges_of_one_image_and_of_integers(make, check, rng):
    x = rng.integers(0, 255, size=(5, 6, 3)).astype("uint8")
    expected = np.asarray(keras.ops.image.sobel_edges(x[None].astype("float32"), data_format="channels_last"))[0]
    check(ops.image.sobel_edges(make(x)), expected)


def test_gradient_of_sobel_edges(check_gradients, rng):
    x = rng.normal(size=(1, 4, 5, 2)).astype("float32")
    check_gradients(ops.image.sobel_edges, lambda x: keras.ops.image.sobel_edges(x, data_format="channels_last"), x)


@pytest.mark.parametrize("data_format", FORMATS)
@pytest.mark.parametrize("arguments", [{}, {"filter_size": 5, "filter_sigma": 0.8, "k1": 0.05, "k2": 0.1}], ids=str)
def test_ssim_is_that_of_keras(data_format, arguments, make, check, rng):
    one, other = (rng.uniform(size=(2, 14, 15, 13)).astype("float32") for _ in range(2))
    other = 0.7 * one + 0.3 * other
    expected = keras.ops.image.ssim(one, other, data_format=data_format, **arguments)
    check(ops.image.ssim(make(one), make(other), data_format=data_format, **arguments), expected, rtol=1e-4)
    check(ops.image.ssim(make(one[0]), make(other[0]), data_format=data_format, **arguments), expected[0], rtol=1e-4)


def test_ssim_of_integers_is_not_rounded_to_an_integer(make, check, rng):
    one, other = (rng.integers(0, 255, size=(12, 12, 1)).astype("uint8") for _ in range(2))
    expected = keras.ops.image.ssim(one.astype("float32"), other.astype("float32"), max_val=255.0)
    check(ops.image.ssim(make(one), make(other), max_val=255.0), expected, rtol=1e-4)


def test_ssim_in_half_precision_is_computed_in_float32(make, check, rng):
    one, other = (rng.uniform(size=(12, 12, 1)).astype("float16") for _ in range(2))
    expected = np.float16(keras.ops.image.ssim(one.astype("float32"), other.astype("float32")))
    check(ops.image.ssim(make(one), make(other)), expected, rtol=2e-3, atol=1e-3)


def test_gradient_of_ssim(check_gradients, rng):
    values = [rng.uniform(size=(1, 6, 7, 2)).astype("float32") for _ in range(2)]
    check_gradients(
        lambda a, b: ops.image.ssim(a, b, filter_size=3), lambda a, b: keras.ops.image.ssim(a, b, filter_size=3), *values
    )


def test_mistakes_are_named():
    image = np.zeros((5, 5, 1), "float32")
    with pytest.raises(ShapeError, match="`ssim` received an input of spatial size 5 x 5 and a `filter_size` that covers 11 x"):
        ops.image.ssim(image, image)
    with pytest.raises(ShapeError, match=r"`ssim`.*\(5, 5, 1\).*\(4, 5, 1\)"):
        ops.image.ssim(image, image[1:])
    with pytest.raises(ShapeError, match=r"`sobel_edges` received `images` of shape \(5, 5\)"):
        ops.image.sobel_edges(image[..., 0])
    with pytest.raises(InvalidArgumentError, match="`method='nearest'`"):
        ops.image.scale_and_translate(image, (5, 5, 1), [1, 1], [0, 0], (0, 1), "nearest")
    with pytest.raises(ShapeError, match=r"`output_shape=\(5, 5\)`"):
        ops.image.scale_and_translate(image, (5, 5), [1, 1], [0, 0], (0, 1), "linear")


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("method", ["linear", "bicubic", "lanczos3", "lanczos5"])
def test_scale_and_translate_is_that_of_keras(method, antialias, make, check, rng):
    x = rng.normal(size=(2, 7, 9, 3)).astype("float32")
    for shape, scale, shift in [((2, 5, 12, 3), [0.6, 1.4], [0.3, -2.0]), ((2, 9, 4, 3), [2.0, 0.3], [-1.5, 1.0])]:
        arguments = (shape, np.float32(scale), np.float32(shift), (1, 2), method, antialias)
        expected = keras.ops.image.scale_and_translate(x, *arguments)
        check(ops.image.scale_and_translate(make(x), *arguments), expected, rtol=1e-4, atol=1e-5)


def test_gradients_of_scale_and_translate(check_gradients, rng):
    x = rng.normal(size=(7, 9)).astype("float32")
    check_gradients(
        lambda *given: ops.image.scale_and_translate(given[0], (5, 12), given[1], given[2], (0, 1), "cubic"),
        lambda *given: keras.ops.image.scale_and_translate(given[0], (5, 12), given[1], given[2], (0, 1), "cubic"),
        *(x, np.float32([0.63, 1.41]), np.float32([0.3, -2.07])),
        rtol=1e-3,
        atol=1e-4,
    )
