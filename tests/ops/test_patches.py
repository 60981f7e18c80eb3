"""Patches of images, windows of sequences and sums of patches (``nn/patches.py``, ``image/patches.py``, ``fft.py``)."""

import keras
import numpy as np
import pytest

from cornu import ops
from cornu.errors import InvalidArgumentError, ShapeError

IMAGES = np.random.default_rng(3).normal(size=(2, 6, 7, 3)).astype("float32")
VOLUMES = np.random.default_rng(4).normal(size=(2, 4, 5, 6, 2)).astype("float32")

PATCHES = {
    "apart": {"size": 2},
    "overlapping": {"size": (3, 2), "strides": (1, 2)},
    "padded": {"size": 3, "strides": 2, "padding": "same"},
    "dilated": {"size": 2, "strides": 1, "dilation_rate": 2},
    "dilated and padded": {"size": (2, 3), "strides": 1, "dilation_rate": (1, 2), "padding": "same"},
}


@pytest.mark.parametrize("options", PATCHES.values(), ids=PATCHES)
def test_patches_of_images_are_those_of_keras(options, make, check):
    check(ops.image.extract_patches(make(IMAGES), **options), keras.ops.image.extract_patches(IMAGES, **options))
    check(ops.image.extract_patches(make(IMAGES[0]), **options), keras.ops.image.extract_patches(IMAGES[0], **options))
    first = np.transpose(IMAGES, (0, 3, 1, 2)).copy()
    expected = keras.ops.image.extract_patches(first, data_format="channels_first", **options)
    check(ops.image.extract_patches(make(first), data_format="channels_first", **options), expected)


@pytest.mark.parametrize("options", [{"size": 2}, {"size": (2, 3, 2), "strides": (1, 2, 3), "padding": "same"}], ids=str)
def test_patches_of_volumes_are_those_of_keras(options, make, check):
    expected = keras.ops.image.extract_patches_3d(VOLUMES, **options)
    check(ops.image.extract_patches_3d(make(VOLUMES), **options), expected)
    if isinstance(options["size"], tuple):
        check(ops.image.extract_patches(make(VOLUMES), **options), expected)


def test_patches_of_integers_are_integers(make, check):
    images = (10 * IMAGES).astype("int32")
    check(ops.image.extract_patches(make(images), 3), keras.ops.image.extract_patches(images, 3))


FOLDS = {
    "plain": {"kernel_size": 2},
    "all options": {"kernel_size": (3, 2), "dilation": (1, 2), "padding": (2, 1), "stride": (2, 1)},
}


@pytest.mark.parametrize("options", FOLDS.values(), ids=FOLDS)
def test_unfold_and_fold_are_those_of_pytorch(options, make, check):
    torch = pytest.importorskip("torch")
    x = np.transpose(IMAGES, (0, 3, 1, 2)).copy()
    columns = torch.nn.functional.unfold(torch.tensor(x), **options).numpy()
    check(ops.unfold(make(x), **options), columns)
    weights = np.random.default_rng(5).normal(size=columns.shape).astype("float32")
    expected = torch.nn.functional.fold(torch.tensor(weights), (6, 7), **options).numpy()
    check(ops.fold(make(weights), (6, 7), **options), expected)


def test_the_gradient_of_unfold_is_fold(gradient):
    torch = pytest.importorskip("torch")
    x = np.transpose(IMAGES, (0, 3, 1, 2)).copy()
    weights = np.random.default_rng(5).normal(size=(2, 12, 30)).astype("float32")
    found = gradient(lambda given: ops.sum(ops.multiply(ops.unfold(given, 2), weights.tolist())), x)
    expected = torch.nn.functional.fold(torch.tensor(weights), (6, 7), 2).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_windows_of_sequences_are_those_of_keras(make, check):
    for length, stride in ((3, 1), (2, 3), (7, 2)):
        check(
            ops.extract_sequences(make(IMAGES[..., 0]), length, stride),
            keras.ops.extract_sequences(IMAGES[..., 0], length, stride),
        )


def test_the_signal_to_noise_ratio_is_that_of_keras(make, check):
    x, y = IMAGES, IMAGES + np.random.default_rng(1).normal(size=IMAGES.shape).astype("float32")
    check(ops.psnr(make(x), make(y), 255.0), keras.ops.psnr(x, y, 255.0))
    check(ops.psnr(make(x), make(x), 1.0), np.float32(np.inf))


def test_mistakes_are_named(make):
    with pytest.raises(ShapeError, match=r"`extract_patches` received an array of shape \(6, 7\). It must have 3 axes, or 4"):
        ops.image.extract_patches(make(IMAGES[0, ..., 0]), 2)
    with pytest.raises(
        ShapeError, match=r"`extract_patches` received an input of spatial size 6 x 7 and a `size` that covers 8 x 8"
    ):
        ops.image.extract_patches(make(IMAGES), 8)
    with pytest.raises(ShapeError, match=r"`unfold` received an array of shape \(6, 7, 3\)"):
        ops.unfold(make(IMAGES[0]), 2)
    with pytest.raises(ShapeError, match=r"`fold` received .* its shape must be `\(batch, channels \* 4, 30\)`"):
        ops.fold(make(np.ones((2, 12, 31), "float32")), (6, 7), 2)
    with pytest.raises(ShapeError, match="`sequence_length` that covers 9"):
        ops.extract_sequences(make(IMAGES[..., 0]), 9, 1)
    with pytest.raises(InvalidArgumentError, match="`extract_sequences` received `sequence_stride=0`"):
        ops.extract_sequences(make(IMAGES[..., 0]), 3, 0)
    with pytest.raises(ShapeError, match=r"`psnr` received `x1` of shape \(2, 6, 7, 3\) and `x2` of shape \(6, 7, 3\)"):
        ops.psnr(make(IMAGES), make(IMAGES[0]), 1.0)
