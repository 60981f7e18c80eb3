"""Convolutions against real Keras, and what they say to mistakes."""

from collections.abc import Callable

import numpy as np
import pytest

from cornu import Input, layers
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.testing.layer_checks import check_layer

AGAINST_KERAS = {
    "one kernel size": ("Conv2D", {"filters": 3, "kernel_size": 3}, (2, 6, 5, 2)),
    "strides": ("Conv2D", {"filters": 3, "kernel_size": (3, 2), "strides": (2, 1), "activation": "relu"}, (2, 7, 6, 2)),
    "same": ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}, (2, 6, 5, 3)),
    "dilation": ("Conv2D", {"filters": 2, "kernel_size": 2, "dilation_rate": (2, 3), "use_bias": False}, (1, 6, 7, 2)),
    "groups": ("Conv2D", {"filters": 6, "kernel_size": 2, "groups": 2, "padding": "same"}, (2, 4, 4, 4)),
    "channels first": (
        "Conv2D",
        {"filters": 3, "kernel_size": 3, "data_format": "channels_first", "padding": "same", "activation": "softmax"},
        (2, 2, 5, 4),
    ),
    "sequences": ("Conv1D", {"filters": 3, "kernel_size": 3, "strides": 2}, (2, 9, 2)),
    "causal": ("Conv1D", {"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, (2, 7, 2)),
    "volumes": ("Conv3D", {"filters": 2, "kernel_size": (2, 3, 2), "padding": "same"}, (1, 3, 4, 3, 2)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=(2, *case[2][1:]))


def test_it_counts_as_the_books_do() -> None:
    layer = layers.Conv2D(10, 3, padding="same")
    layer.build((None, 28, 28, 1))
    assert layer.count_params() == 100
    assert layer.output_shape == (None, 28, 28, 10)


def test_sizes_may_be_numbers_tuples_lists_and_numpys() -> None:
    for size in (3, np.int64(3), (3, 3), [3, 3], np.array([3, 3])):
        assert layers.Conv2D(np.int64(4), size).get_config()["kernel_size"] == (3, 3)


def test_bytes_are_taken_as_numbers(backend: str) -> None:
    images = np.full((1, 3, 3, 1), 200, dtype="uint8")
    layer = layers.Conv2D(1, 3, kernel_initializer="ones").to_backend(backend)
    assert np.asarray(layer(images)).tolist() == [[[[1800.0]]]]


def test_unknown_spatial_sizes_stay_unknown() -> None:
    assert layers.Conv2D(4, 3)(Input((None, 20, 3))).shape == (None, None, 18, 4)


def test_one_layer_takes_images_of_many_sizes() -> None:
    layer = layers.Conv2D(2, 3)
    assert layer(np.ones((1, 5, 5, 1))).shape == (1, 3, 3, 2)
    assert layer(np.ones((1, 9, 4, 1))).shape == (1, 7, 2, 2)


@pytest.mark.parametrize("written, guess", [("equal", "same"), ("smae", "same"), ("vaild", "valid"), ("none", "valid")])
def test_an_unknown_padding_is_guessed(written: str, guess: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        layers.Conv2D(8, 3, padding=written)
    assert f"`padding={written!r}` was given. It must be one of 'valid', 'same'. Did you mean {guess!r}?" in str(raised.value)


def test_only_sequences_can_be_causal() -> None:
    with pytest.raises(InvalidArgumentError, match="must be one of 'valid', 'same'"):
        layers.Conv2D(8, 3, padding="causal")


@pytest.mark.parametrize(
    "arguments, words",
    [
        ((0, 3), "`Conv2D` received `filters=0`. It must be an integer greater than or equal to 1."),
        ((4, 0), "`Conv2D` received `kernel_size=0`."),
        ((4, (3, 3, 3)), "`kernel_size=(3, 3, 3)`. It must be one integer, or 2 integers, one per spatial axis."),
        ((4, 3, 0), "`strides=0`"),
        ((4, 3, 1, "valid", None, 1, 0), "`groups=0`"),
        ((4, 3, 1, "valid", None, 1, 3), "`Conv2D` with `groups=3` has 4 filters."),
        ((4, 3, 2, "valid", None, 2), "Only one of the two may be larger than 1."),
        ((4, 3, 1, "valid", "last"), "`data_format='last'` was given."),
    ],
)
def test_wrong_arguments_are_refused(arguments: tuple, words: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        layers.Conv2D(*arguments)
    assert words in str(raised.value)


def test_images_without_channels_are_refused() -> None:
    with pytest.raises(ShapeError) as raised:
        layers.Conv2D(8, 3, name="conv2d")(np.ones((5, 28, 28)))
    assert str(raised.value) == (
        "The layer 'conv2d' received an input of shape (5, 28, 28). It needs 4 dimensions (batch, height, width, channels). "
        "Add the channel axis: `x[..., None]`."
    )


def test_a_single_image_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"For a single image, add the batch axis: `x\[None\]`"):
        layers.Conv2D(8, 3)(np.ones((28, 28, 3)))


def test_channels_first_is_told_in_its_own_order() -> None:
    with pytest.raises(ShapeError, match=r"\(batch, channels, height, width\). Add the channel axis: `x\[:, None\]`"):
        layers.Conv2D(8, 3, data_format="channels_first")(np.ones((5, 28, 28)))


def test_flattened_images_are_refused() -> None:
    with pytest.raises(ShapeError, match="Reshape the input"):
        layers.Conv2D(8, 3)(np.ones((5, 784)))


def test_a_window_larger_than_the_image_is_refused() -> None:
    with pytest.raises(ShapeError) as raised:
        layers.Conv2D(8, 3, name="last")(np.ones((1, 2, 2, 1)))
    assert str(raised.value) == (
        "The layer 'last' received inputs with spatial size 2 x 2. Its window of 3 x 3 must fit into the input, since "
        "`padding='valid'`. Use `padding='same'`, a smaller window, larger inputs, or "
        "fewer downsampling layers before this one."
    )


def test_a_dilated_window_is_told_with_its_spread() -> None:
    with pytest.raises(ShapeError, match=r"window of 3 x 3 \(dilated to 7 x 7 by `dilation_rate`\)"):
        layers.Conv2D(8, 3, dilation_rate=3)(np.ones((1, 6, 6, 1)))


def test_other_channels_than_it_was_built_for_are_refused() -> None:
    layer = layers.Conv2D(8, 3, groups=2)
    layer(np.ones((1, 5, 5, 4)))
    with pytest.raises(ShapeError, match=r"It was built for 4 channels, but the input has 2."):
        layer(np.ones((1, 5, 5, 2)))


def test_channels_must_divide_among_the_groups() -> None:
    with pytest.raises(InvalidArgumentError, match="`groups=2` has 3 channels in its input"):
        layers.Conv2D(8, 3, groups=2)(np.ones((1, 5, 5, 3)))


def test_after_a_refusal_it_can_still_be_built() -> None:
    layer = layers.Conv2D(8, 3)
    with pytest.raises(ShapeError):
        layer(np.ones((5, 28, 28)))
    assert layer(np.ones((5, 28, 28, 1))).shape == (5, 26, 26, 8)


def test_causal_steps_see_no_later_ones(backend: str) -> None:
    layer = layers.Conv1D(1, 3, padding="causal", kernel_initializer="ones").to_backend(backend)
    assert np.asarray(layer(np.array([[[1.0], [10.0], [100.0], [1000.0]]]))).ravel().tolist() == [1.0, 11.0, 111.0, 1110.0]
