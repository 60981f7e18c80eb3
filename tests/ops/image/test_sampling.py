"""Ops that sample, warp, crop and filter: `sampling.py`, `warping.py`, `cropping.py`, `filters.py`, `color.py`, `layout.py`."""

import colorsys

import keras
import numpy as np
import pytest
import scipy.ndimage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cornu import backends, config, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SCIPY_MODES = {
    "constant": "grid-constant",
    "nearest": "nearest",
    "wrap": "grid-wrap",
    "mirror": "mirror",
    "reflect": "reflect",
}


@few
@given(
    shape=st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple),
    mode=st.sampled_from(sorted(SCIPY_MODES)),
    order=st.integers(0, 1),
    seed=st.integers(0, 99),
)
def test_map_coordinates_is_that_of_scipy(shape, mode, order, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape).astype("float32")
    places = rng.uniform(-9, 14, size=(len(shape), 4, 5)).astype("float32")
    expected = scipy.ndimage.map_coordinates(x, places, order=order, mode=SCIPY_MODES[mode], cval=2.5)
    for engine in map(backends.get, config.installed_backends()):
        found = ops.image.map_coordinates(engine.asarray(x), engine.asarray(places), order, mode, 2.5)
        np.testing.assert_allclose(engine.to_numpy(found), expected, atol=2e-5)


@pytest.mark.parametrize("mode", sorted(SCIPY_MODES))
def test_halves_are_rounded_as_in_keras(mode, make, check):
    x, places = np.arange(8, dtype="float32"), np.arange(-5.5, 13, dtype="float32")[None]
    check(ops.image.map_coordinates(make(x), make(places), 0, mode), keras.ops.image.map_coordinates(x, places, 0, mode))


def test_integers_are_rounded(make, check):
    x = np.array([0, 7, 200], "uint8")
    check(ops.image.map_coordinates(make(x), make([[0.5, 1.25]]), 1), np.array([4, 55], "uint8"))


TRANSFORMS = np.array([[0.9, 0.2, -0.5, -0.3, 1.1, 0.7, 0, 0], [1.2, 0, 1.5, 0.1, 0.8, -1.25, 0, 0]], "float32")


@pytest.mark.parametrize("mode", ["constant", "nearest", "wrap", "reflect"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_affine_transform_is_that_of_keras(mode, interpolation, make, check, rng):
    x = rng.normal(size=(2, 6, 5, 3)).astype("float32")
    options = {"interpolation": interpolation, "fill_mode": mode, "fill_value": 1.5}
    expected = keras.ops.image.affine_transform(x, TRANSFORMS, **options)
    check(ops.image.affine_transform(make(x), make(TRANSFORMS), **options), expected, atol=2e-5)
    one = keras.ops.image.affine_transform(x[0], TRANSFORMS[0], **options)
    check(ops.image.affine_transform(make(x[0]), make(TRANSFORMS[0]), **options), one, atol=2e-5)
    first = np.moveaxis(x, -1, 1)
    moved = ops.image.affine_transform(make(first), make(TRANSFORMS), **options, data_format="channels_first")
    check(moved, np.moveaxis(np.asarray(expected), -1, 1), atol=2e-5)


def test_the_projective_part_counts(make, check, rng):
    """Keras ignores it, except on TensorFlow."""
    x = rng.normal(size=(6, 5, 1)).astype("float32")
    transform = np.array([0.9, 0.2, -0.5, -0.3, 1.1, 0.7, 0.05, 0.1], "float32")
    columns, rows = np.meshgrid(np.arange(5), np.arange(6))
    depth = 0.05 * columns + 0.1 * rows + 1
    places = np.stack([(-0.3 * columns + 1.1 * rows + 0.7) / depth, (0.9 * columns + 0.2 * rows - 0.5) / depth])
    expected = scipy.ndimage.map_coordinates(x[..., 0], places, order=1, mode="nearest")[..., None]
    check(ops.image.affine_transform(make(x), make(transform), fill_mode="nearest"), expected, atol=2e-5)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_perspective_transform_is_that_of_keras(interpolation, make, check, rng):
    x = rng.normal(size=(2, 6, 8, 3)).astype("float32")
    start = np.array([[[0, 0], [7, 0], [0, 5], [7, 5]]] * 2, "float32")
    end = start + rng.uniform(-1, 1, start.shape).astype("float32")
    options = {"interpolation": interpolation, "fill_value": 1.5}
    expected = keras.ops.image.perspective_transform(x, start, end, **options)
    check(ops.image.perspective_transform(make(x), make(start), make(end), **options), expected, atol=2e-4)
    one = keras.ops.image.perspective_transform(x[0], start[0], end[0], **options)
    check(ops.image.perspective_transform(make(x[0]), make(start[0]), make(end[0]), **options), one, atol=2e-4)


def test_gradients_are_those_of_keras(check_gradients, rng):
    x = rng.normal(size=(2, 5, 4, 3)).astype("float32")
    check_gradients(
        lambda x: ops.image.affine_transform(x, TRANSFORMS, fill_mode="reflect"),
        lambda x: keras.ops.image.affine_transform(x, TRANSFORMS, fill_mode="reflect"),
        x,
    )
    places = rng.uniform(0, 4, size=(2, 9)).astype("float32")
    check_gradients(
        lambda x, places: ops.image.map_coordinates(x, places, 1),
        lambda x, places: keras.ops.image.map_coordinates(x, places, 1),
        *(x[0, ..., 0], places),
    )
    colors = rng.uniform(0.1, 0.9, size=(2, 3, 4, 3)).astype("float32")
    check_gradients(ops.image.hsv_to_rgb, keras.ops.image.hsv_to_rgb, colors)
    check_gradients(ops.image.rgb_to_hsv, keras.ops.image.rgb_to_hsv, colors)


def test_elastic_transform_moves_pixels_smoothly(make, engine):
    x = np.tile(np.arange(40, dtype="float32")[None, :, None], (30, 1, 1))
    found = engine.to_numpy(ops.image.elastic_transform(make(x), alpha=20.0, sigma=4.0, seed=3))
    moves = found[..., 0] - x[..., 0]
    inside = moves[8:-8, 8:-8]
    assert 0.2 < np.abs(inside).mean() < 5  # 20 / (2 sqrt(pi) 4) is 1.4, the deviation of the filtered noise
    assert np.abs(np.diff(inside, axis=0)).mean() < np.abs(inside).mean()
    again = engine.to_numpy(ops.image.elastic_transform(make(x), alpha=20.0, sigma=4.0, seed=3))
    np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize(("size", "sigma"), [((3, 3), (1.0, 1.0)), ((5, 5), (0.5, 0.5)), ((5, 3), (1.7, 0.6))], ids=str)
def test_gaussian_blur(size, sigma, make, check, gradient, rng):
    x = rng.normal(size=(2, 6, 7, 3)).astype("float32")
    kernels = []
    for count, deviation in zip(size, sigma, strict=True):
        weights = np.exp(-0.5 * ((np.arange(count) - (count - 1) / 2) / deviation) ** 2)
        kernels.append(weights / weights.sum())
    expected = scipy.ndimage.correlate1d(x, kernels[0], 1, mode="constant")
    expected = scipy.ndimage.correlate1d(expected, kernels[1], 2, mode="constant")
    check(ops.image.gaussian_blur(make(x), size, sigma), expected, atol=1e-5)
    # The map is linear and symmetric: its gradient is the filter of the weights. (Keras's op is wrong on JAX.)
    weights = rng.normal(size=x.shape).astype("float32")
    found = gradient(lambda x: ops.sum(ops.image.gaussian_blur(x, size, sigma) * make(weights)), x)
    filtered = scipy.ndimage.correlate1d(
        scipy.ndimage.correlate1d(weights, kernels[0], 1, mode="constant"), kernels[1], 2, mode="constant"
    )
    np.testing.assert_allclose(found, filtered, atol=1e-5)


CROPS = [
    {"top_cropping": 1, "left_cropping": 2, "bottom_cropping": 1, "right_cropping": 0},
    {"top_cropping": 1, "left_cropping": 2, "target_height": 3, "target_width": 2},
    {"bottom_cropping": 1, "right_cropping": 2, "target_height": 3, "target_width": 2},
]


@pytest.mark.parametrize("arguments", CROPS, ids=str)
def test_crops_and_pads_are_those_of_keras(arguments, make, check, rng):
    x = rng.normal(size=(2, 5, 6, 3)).astype("float32")
    check(ops.image.crop_images(make(x), **arguments), keras.ops.image.crop_images(x, **arguments))
    check(ops.image.crop_images(make(x[0]), **arguments), keras.ops.image.crop_images(x[0], **arguments))
    pads = {name.replace("cropping", "padding"): value + 6 * ("target" in name) for name, value in arguments.items()}
    check(ops.image.pad_images(make(x), **pads), keras.ops.image.pad_images(x, **pads))
    first = np.moveaxis(x, -1, 1)
    expected = keras.ops.image.pad_images(first, **pads, data_format="channels_first")
    check(ops.image.pad_images(make(first), **pads, data_format="channels_first"), expected)


def test_colors_are_those_of_python(make, check, rng):
    x = rng.uniform(size=(3, 5, 3)).astype("float32")
    x[0, :3] = [[0, 0, 0], [0.5, 0.5, 0.5], [1, 0, 0]]
    hsv = np.array([colorsys.rgb_to_hsv(*pixel) for pixel in x.reshape(-1, 3)], "float32").reshape(x.shape)
    check(ops.image.rgb_to_hsv(make(x)), hsv, atol=1e-5)
    check(ops.image.hsv_to_rgb(make(hsv)), x, atol=1e-5)
    check(ops.image.rgb_to_hsv(make(x)), keras.ops.image.rgb_to_hsv(x), atol=1e-5)
    first = np.moveaxis(x, -1, 0)
    check(ops.image.rgb_to_hsv(make(first), "channels_first"), np.moveaxis(hsv, -1, 0), atol=1e-5)


def test_mistakes_are_named(make):
    image = make(np.ones((4, 5, 3), "float32"))
    with pytest.raises(InvalidArgumentError, match=r"`fill_mode='reflects'` was given.*Did you mean 'reflect'"):
        ops.image.affine_transform(image, make(TRANSFORMS[0]), fill_mode="reflects")
    with pytest.raises(InvalidArgumentError, match=r"Did you mean 'bilinear'"):
        ops.image.affine_transform(image, make(TRANSFORMS[0]), interpolation="linear")
    with pytest.raises(ShapeError, match=r"`transform` of shape \(2, 8\) and `images` of shape \(4, 5, 3\)"):
        ops.image.affine_transform(image, make(TRANSFORMS))
    with pytest.raises(ShapeError, match=r"`affine_transform` received `images` of shape \(4, 5\)"):
        ops.image.affine_transform(make(np.ones((4, 5))), make(TRANSFORMS[0]))
    with pytest.raises(ShapeError, match=r"`start_points` of shape \(3, 2\)"):
        ops.image.perspective_transform(image, make(np.ones((3, 2))), make(np.ones((4, 2))))
    with pytest.raises(InvalidArgumentError, match=r"received `order=3`. It must be 0"):
        ops.image.map_coordinates(image, make(np.ones((3, 1))), 3)
    with pytest.raises(ShapeError, match=r"one entry for each of the 3 axes"):
        ops.image.map_coordinates(image, make(np.ones((2, 1))), 1)
    with pytest.raises(InvalidArgumentError, match=r"Exactly two of the three must be given"):
        ops.image.crop_images(image, top_cropping=1, left_cropping=1, right_cropping=1)
    with pytest.raises(InvalidArgumentError, match=r"for images whose height is 4.*Pass a `target_height` of at most 4"):
        ops.image.crop_images(image, top_cropping=1, left_cropping=0, right_cropping=0, target_height=5)
    with pytest.raises(InvalidArgumentError, match=r"Pass a `target_width` of at least 5"):
        ops.image.pad_images(image, 0, 1, 0, target_width=3)
    with pytest.raises(InvalidArgumentError, match=r"received `kernel_size=3`. It must be two positive numbers"):
        ops.image.gaussian_blur(image, 3)
    with pytest.raises(InvalidTypeError, match=r"`rgb_to_hsv` received `images` of dtype uint8"):
        ops.image.rgb_to_hsv(make(np.ones((2, 2, 3), "uint8")))
    with pytest.raises(ShapeError, match=r"They must have three channels"):
        ops.image.hsv_to_rgb(make(np.ones((2, 2, 1), "float32")))
