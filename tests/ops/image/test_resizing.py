"""Ops on images: `resizing.py` and `color.py`."""

import functools

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cornu import backends, config, ops
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops.image.resizing import interpolation_matrix, nearest_places

few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
METHODS = ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]


@few
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    new=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    method=st.sampled_from(METHODS),
    antialias=st.booleans(),
)
def test_resize_is_that_of_keras(size, new, method, antialias):
    x = np.random.default_rng(1).normal(size=(2, *size, 3)).astype("float32")
    expected = keras.ops.image.resize(x, new, method, antialias and method != "nearest")
    for engine in map(backends.get, config.installed_backends()):
        found = ops.image.resize(engine.asarray(x), new, method, antialias)
        np.testing.assert_allclose(engine.to_numpy(found), expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(6, 9), (3, 2)], ids=str)
def test_images_whose_size_is_known_when_tf_data_runs(method, size, rng):
    tf = pytest.importorskip("tensorflow")
    image = rng.normal(size=(6, 5, 2)).astype("float32")
    unknown = [tf.TensorSpec((None, None, 2)), tf.TensorSpec((None, 5, 2)), tf.TensorSpec((None, None, None))]
    for spec in unknown:
        data = tf.data.Dataset.from_generator(lambda: [image], output_signature=spec)
        for antialias in (False, True):
            [found] = data.map(lambda x, antialias=antialias: ops.image.resize(x, size, method, antialias))
            np.testing.assert_allclose(found, ops.image.resize(image, size, method, antialias), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("option", ["crop_to_aspect_ratio", "pad_to_aspect_ratio"])
@pytest.mark.parametrize(("size", "new"), [((7, 4), (5, 5)), ((4, 9), (6, 3)), ((5, 5), (3, 8)), ((6, 4), (3, 2))], ids=str)
def test_aspect_ratio_is_kept_as_in_keras(option, size, new, make, check, rng):
    x = rng.normal(size=(2, *size, 3)).astype("float32")
    options = {option: True, "fill_value": 2.5}
    check(ops.image.resize(make(x), new, **options), keras.ops.image.resize(x, new, **options))
    check(ops.image.resize(make(x[0]), new, **options), keras.ops.image.resize(x[0], new, **options))


def test_channels_first(make, check, rng):
    x = rng.normal(size=(2, 3, 5, 4)).astype("float32")
    check(
        ops.image.resize(make(x), (7, 2), data_format="channels_first"),
        keras.ops.image.resize(x, (7, 2), data_format="channels_first"),
    )


def test_images_of_integers_keep_their_dtype(make, check, rng):
    x = rng.integers(0, 256, size=(5, 4, 3)).astype("uint8")
    exact = np.asarray(keras.ops.image.resize(x.astype("float32"), (7, 9), "bicubic"))
    check(ops.image.resize(make(x), (7, 9), "bicubic"), exact.round().clip(0, 255).astype("uint8"), atol=1)
    places = functools.partial(nearest_places, backends.get("numpy"))
    check(ops.image.resize(make(x), (7, 9), "nearest"), x[places(5, 7)][:, places(4, 9)])
    assert np.asarray(ops.image.resize(make(np.full((2, 2, 1), 255, "uint8")), (3, 3))).tolist() == [[[255]] * 3] * 3


@pytest.mark.parametrize("method", METHODS)
def test_gradient_is_that_of_keras(method, check_gradients, rng):
    x = rng.normal(size=(2, 5, 4, 3)).astype("float32")
    check_gradients(
        lambda x: ops.image.resize(x, (3, 7), method, True),
        lambda x: keras.ops.image.resize(x, (3, 7), method, method != "nearest"),
        x,
    )


def test_weights_sum_to_one():
    for method in METHODS[1:]:
        np.testing.assert_allclose(interpolation_matrix(7, 4, method, True).sum(1), 1)


def test_the_same_size_changes_nothing(make):
    x = make(np.ones((2, 3, 1), "float32"))
    assert ops.image.resize(x, (2, 3)) is x


def test_mistakes_are_named(make):
    x = make(np.ones((4, 4, 3), "float32"))
    with pytest.raises(InvalidArgumentError, match=r"Did you mean 'bilinear'"):
        ops.image.resize(x, (2, 2), "billinear")
    for size in (5, (0, 2), (2, 2, 2), (2.5, 1)):
        with pytest.raises(InvalidArgumentError, match=r"It must be two positive integers"):
            ops.image.resize(x, size)
    with pytest.raises(InvalidArgumentError, match=r"either cropped or padded"):
        ops.image.resize(x, (2, 2), crop_to_aspect_ratio=True, pad_to_aspect_ratio=True)
    with pytest.raises(InvalidArgumentError, match=r"`fill_mode='edge'` was given"):
        ops.image.resize(x, (2, 2), fill_mode="edge")
    with pytest.raises(ShapeError, match=r"`resize` received `images` of shape \(4, 4\)"):
        ops.image.resize(make(np.ones((4, 4), "float32")), (2, 2))


def test_gray_images(make, check, rng):
    x = rng.uniform(size=(2, 4, 5, 3)).astype("float32")
    check(ops.image.rgb_to_grayscale(make(x)), keras.ops.image.rgb_to_grayscale(x), rtol=1e-3)
    first = np.moveaxis(x, -1, 1)
    check(
        ops.image.rgb_to_grayscale(make(first), "channels_first"),
        keras.ops.image.rgb_to_grayscale(first, data_format="channels_first"),
        rtol=1e-3,
    )
    assert np.asarray(ops.image.rgb_to_grayscale(make(np.full((1, 1, 3), 255, "uint8")))).tolist() == [[[255]]]
    with pytest.raises(ShapeError, match=r"three channels: red, green and blue"):
        ops.image.rgb_to_grayscale(make(x[..., :1]))
