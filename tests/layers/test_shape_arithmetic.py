"""The arithmetic of shapes that layers share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cornu import layers
from cornu.errors import ShapeError
from cornu.layers import shape_arithmetic

LAYER = layers.Identity(name="mine")
IMAGE = ("batch", "height", "width", "channels")


def told(function: Callable, *arguments: Any) -> str:
    with pytest.raises(ShapeError) as raised:
        function(*arguments)
    return str(raised.value)


def test_a_fitting_rank_passes() -> None:
    shape_arithmetic.check_rank(LAYER, (None, 2, 2, 1), IMAGE)
    shape_arithmetic.check_least_rank(LAYER, (None, 2, 2, 1), ("batch", "features"))


@pytest.mark.parametrize(
    "shape, names, advice",
    [
        ((None, 28, 28), IMAGE, "Add the channel axis: `x[..., None]`."),
        ((None, 28, 3), IMAGE, "For a single image, add the batch axis: `x[None]`"),
        ((None, 28, 28), ("batch", "channels", "height", "width"), "Add the channel axis: `x[:, None]`."),
        ((None, 28, 28, 3, 1), IMAGE, "Reshape the input, or use the layer for inputs of this rank."),
        ((None,), ("batch", "features"), "For a single sample, add the batch axis: `x[None]`"),
    ],
)
def test_the_advice_for_a_wrong_rank_fits_the_shape(shape: tuple, names: tuple, advice: str) -> None:
    text = told(shape_arithmetic.check_rank, LAYER, shape, names)
    assert text.startswith(f"The layer 'mine' received an input of shape {shape}. It needs {len(names)} dimensions")
    assert advice in text


def test_a_size_that_weights_depend_on_must_be_known_and_the_same() -> None:
    assert shape_arithmetic.check_size(LAYER, (None, 4), -1, None, "features") == 4
    assert shape_arithmetic.check_size(LAYER, (None, 4), -1, 4, "features") == 4
    assert "The size of axis 1 must be known" in told(shape_arithmetic.check_size, LAYER, (None, None, 3), 1, None, "channels")
    assert "It was built for 4 features, but the input has 5." in told(
        shape_arithmetic.check_size, LAYER, (None, 5), -1, 4, "features"
    )


def test_parts_of_shapes_in_both_layouts() -> None:
    for layout, shape in (("channels_last", (None, 5, 6, 3)), ("channels_first", (None, 3, 5, 6))):
        assert shape_arithmetic.spatial_sizes(shape, layout) == (5, 6)
        assert shape[shape_arithmetic.channel_axis(layout)] == 3
        assert shape_arithmetic.make_shape(layout, None, (5, 6), 3) == shape


@pytest.mark.parametrize("padding, places", [("valid", 2), ("same", 4)])
def test_a_window_takes_so_many_places(padding: str, places: int) -> None:
    assert shape_arithmetic.conv_output_shape(LAYER, (7, None), (3, 3), (2, 1), padding, (2, 1)) == (places, None)


def test_a_window_that_does_not_fit_is_refused() -> None:
    assert "spatial size ? x 2. Its window of 3 x 3 must fit" in told(
        shape_arithmetic.conv_output_shape, LAYER, (None, 2), (3, 3), (1, 1), "valid"
    )


def test_the_product_of_sizes() -> None:
    assert shape_arithmetic.product((2, 3)) == 6
    assert shape_arithmetic.product(()) == 1
    assert shape_arithmetic.product((2, None)) is None


def test_numpys_sizes_are_sizes() -> None:
    assert layers.Flatten().compute_output_shape((None, np.int64(2), 3)) == (None, 6)
