"""Resized images are those of ``tf.image.resize`` without antialiasing."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given, settings

from cornu.data.resizing import INTERPOLATIONS, crop_to_aspect_ratio, pad_to_aspect_ratio, resize_image
from cornu.errors import InvalidArgumentError
from cornu.utils import image_dataset_from_directory

EXACT = ("bilinear", "nearest")
"""Methods whose results are equal to the last bit."""

TOLERANCE = dict.fromkeys(INTERPOLATIONS, 2e-3) | dict.fromkeys(EXACT, 0) | {"bicubic": 0.25}
"""Largest difference of values from 0 to 255; TensorFlow reads the cubic filter from a table."""

sizes = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(old=st.tuples(sizes, sizes), new=st.tuples(sizes, sizes), interpolation=st.sampled_from(INTERPOLATIONS))
def test_resized_images_are_those_of_tensorflow(old, new, interpolation):
    tf = pytest.importorskip("tensorflow")
    image = np.random.default_rng(0).integers(0, 256, (*old, 3), "uint8")
    found = resize_image(image, new, interpolation)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, tf.image.resize(image, new, interpolation), atol=TOLERANCE[interpolation], rtol=0)


@settings(max_examples=40, deadline=None)
@example(old=(3, 26), new=(2, 11))  # 26 / (26 / 11) is more than 11 in float32
@given(old=st.tuples(sizes, sizes), new=st.tuples(sizes, sizes))
def test_padded_images_are_those_of_tensorflow(old, new):
    tf = pytest.importorskip("tensorflow")
    image = np.random.default_rng(0).integers(0, 256, (*old, 3), "uint8")
    if all(size * max(old[0] / new[0], old[1] / new[1]) ** -1 >= 1 for size in old):  # TensorFlow refuses sizes of 0
        np.testing.assert_array_equal(pad_to_aspect_ratio(image, new, "bilinear"), tf.image.resize_with_pad(image, *new))


def test_of_a_very_narrow_image_a_line_remains(rng):
    image = rng.integers(1, 256, (1, 100, 3), "uint8")
    assert (pad_to_aspect_ratio(image, (9, 9), "bilinear").any(axis=2).sum(axis=1) > 0).sum() == 1


def test_the_crop_is_the_center(rng):
    image = rng.integers(0, 256, (10, 30, 3), "uint8")
    np.testing.assert_array_equal(crop_to_aspect_ratio(image, (5, 5)), image[:, 10:20])
    np.testing.assert_array_equal(crop_to_aspect_ratio(image, (5, 60)), image[4:6])


def test_an_unknown_interpolation_is_refused(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"`interpolation='linear'`.*must be one of 'bilinear'"):
        image_dataset_from_directory(tmp_path, interpolation="linear")
