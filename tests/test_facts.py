"""Sizes and shapes of small networks that can be worked out by hand. They are constants here, not computed."""

import numpy as np
import pytest

import cornu
from cornu import layers


def stack(shape, *others):
    return cornu.Sequential([cornu.Input(shape), *others])


def sizes(model):
    return [layer.count_params() for layer in model.layers if layer.count_params()]


def shapes(model):
    return [layer.output_shape for layer in model.layers]


IMAGE = (28, 28, 1)
FACTS = {
    "dense 784-10-10-3": ((784,), lambda: [layers.Dense(10), layers.Dense(10), layers.Dense(3)], [7850, 110, 33], 7_993),
    "dense 784-5-15-3": ((784,), lambda: [layers.Dense(5), layers.Dense(15), layers.Dense(3)], [3925, 90, 48], 4_063),
    "conv 10, conv 10, same": (
        IMAGE,
        lambda: [layers.Conv2D(10, 3, padding="same"), layers.Conv2D(10, 3, padding="same"), layers.Flatten(), layers.Dense(3)],
        [100, 910, 23_523],
        24_533,
    ),
    "conv 5, conv 15, same": (
        IMAGE,
        lambda: [layers.Conv2D(5, 3, padding="same"), layers.Conv2D(15, 3, padding="same"), layers.Flatten(), layers.Dense(3)],
        [50, 690, 35_283],
        36_023,
    ),
    "conv 10, conv 10, 2x2": (
        IMAGE,
        lambda: [layers.Conv2D(10, 2), layers.Conv2D(10, 2), layers.Flatten(), layers.Dense(3)],
        [50, 410, 20_283],
        20_743,
    ),
    "conv 15, pool, conv 5": (
        IMAGE,
        lambda: [layers.Conv2D(15, 2), layers.MaxPooling2D(2), layers.Conv2D(5, 2), layers.Flatten(), layers.Dense(3)],
        [75, 305, 2_163],
        2_543,
    ),
    "conv 32, pool, conv 64, pool, conv 64": (
        IMAGE,
        lambda: [
            layers.Conv2D(32, 3),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3),
        ],
        [320, 18_496, 36_928],
        55_744,
    ),
    "conv 10 same, dense 2": (
        IMAGE,
        lambda: [layers.Conv2D(10, 3, padding="same"), layers.Flatten(), layers.Dense(2)],
        [100, 15_682],
        15_782,
    ),
}


@pytest.mark.parametrize("name", FACTS)
def test_numbers_of_parameters(name):
    shape, make, each, together = FACTS[name]
    model = stack(shape, *make())
    assert sizes(model) == each
    assert model.count_params() == together


@pytest.mark.parametrize("name", FACTS)
def test_the_summary_tells_the_number_of_parameters(name):
    shape, make, _, together = FACTS[name]
    lines = []
    stack(shape, *make()).summary(print_fn=lines.append)
    assert f"Total parameters: {together:,} " in "\n".join(lines)


def test_shapes_of_a_stack_of_small_kernels():
    model = stack(IMAGE, *FACTS["conv 10, conv 10, 2x2"][1]())
    assert shapes(model) == [(None, 27, 27, 10), (None, 26, 26, 10), (None, 6760), (None, 3)]


def test_shapes_of_a_stack_with_a_pool():
    model = stack(IMAGE, *FACTS["conv 15, pool, conv 5"][1]())
    assert shapes(model) == [(None, 27, 27, 15), (None, 13, 13, 15), (None, 12, 12, 5), (None, 720), (None, 3)]


def test_shapes_of_the_three_convolutions():
    model = stack(IMAGE, *FACTS["conv 32, pool, conv 64, pool, conv 64"][1]())
    assert model.output_shape == (None, 3, 3, 64)
    assert shapes(model)[:3] == [(None, 26, 26, 32), (None, 13, 13, 32), (None, 11, 11, 64)]


@pytest.mark.parametrize(
    ("size", "kernel", "padding", "stride", "expected"),
    [(256, 4, 1, 2, 128), (28, 3, 1, 3, 10), (28, 3, 0, 1, 26), (7, 2, 0, 2, 3), (5, 5, 2, 1, 5)],
)
def test_output_size_is_the_floor_of_the_formula(backend, size, kernel, padding, stride, expected):
    assert (size - kernel + 2 * padding) // stride + 1 == expected
    model = stack((size, size, 1), layers.ZeroPadding2D(padding), layers.Conv2D(1, kernel, strides=stride)).to_backend(backend)
    assert model.output_shape == (None, expected, expected, 1)
    assert model(np.ones((1, size, size, 1), "float32")).shape == (1, expected, expected, 1)


def test_a_dense_layer_without_flatten_works_on_the_last_axis():
    model = stack(IMAGE, layers.Conv2D(10, 3, padding="same"), layers.Dense(2))
    assert model.output_shape == (None, 28, 28, 2)
    assert sizes(model) == [100, 22]
