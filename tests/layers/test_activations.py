"""Activation functions as layers: against real Keras, and what they say to mistakes."""

from collections.abc import Callable

import numpy as np
import pytest

from cornu import Input, layers
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.testing.layer_checks import check_layer

AGAINST_KERAS = {
    "relu": ("ReLU", {}, (3, 5)),
    "relu with all": ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, (4, 9)),
    "leaky relu": ("LeakyReLU", {}, (3, 5)),
    "elu": ("ELU", {"alpha": 0.7}, (3, 5)),
    "prelu": ("PReLU", {}, (3, 5)),
    "prelu with shared axes": ("PReLU", {"shared_axes": [1, 2]}, (2, 3, 4, 2)),
    "prelu with one shared axis": ("PReLU", {"shared_axes": 1, "alpha_regularizer": "l2"}, (2, 3, 4)),
    "softmax": ("Softmax", {}, (2, 5)),
    "softmax over an inner axis": ("Softmax", {"axis": 1}, (2, 5, 3)),
    "softmax over two axes": ("Softmax", {"axis": [1, 2]}, (2, 3, 4)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=case[2])


def test_softmax_with_a_mask_is_that_of_keras(same_as_keras: Callable) -> None:
    same_as_keras("Softmax", {}, (2, 4), {"mask": np.array([[True, False, True, True], [False] * 4])})


def test_integers_become_floats(backend: str) -> None:
    layer = layers.ReLU().to_backend(backend)
    assert np.asarray(layer(np.array([-1, 2]))).tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    "make, argument",
    [
        (lambda: layers.ReLU(max_value=-1), "max_value=-1"),
        (lambda: layers.ReLU(negative_slope=-0.5), "negative_slope=-0.5"),
        (lambda: layers.ReLU(threshold=None), "threshold=None"),
        (lambda: layers.LeakyReLU(-1), "negative_slope=-1"),
    ],
)
def test_negative_numbers_are_refused(make: Callable, argument: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f"received `{argument}`. It must be a number greater than or equal to 0."):
        make()


def test_softmax_refuses_a_named_axis() -> None:
    with pytest.raises(InvalidTypeError, match="`Softmax` received `axis='last'`"):
        layers.Softmax(axis="last")


@pytest.mark.parametrize("axis, coupling", [(-1, "none"), (1, "none"), ([1, 2], "none"), (0, "unknown"), (-2, "unknown")])
def test_softmax_says_when_samples_may_meet(axis: object, coupling: str) -> None:
    assert layers.Softmax(axis=axis).batch_coupling == coupling


def test_prelu_refuses_to_share_the_batch() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`shared_axes` must be of its axes without the batch axis, 1 to 2"):
        layers.PReLU(shared_axes=[0])(np.ones((2, 3, 4)))


def test_prelu_refuses_other_sizes_than_it_was_built_for() -> None:
    layer = layers.PReLU(name="mine")
    layer(np.ones((2, 3)))
    with pytest.raises(
        ShapeError, match=r"'mine' received an input of shape \(None, 4\). It was built with slopes of shape \(3,\)"
    ):
        layer(np.ones((2, 4)))


def test_prelu_takes_images_of_any_size_if_the_axes_are_shared() -> None:
    layer = layers.PReLU(shared_axes=[1, 2])
    assert layer(Input((None, None, 3))).shape == (None, None, None, 3)
    assert layer(np.ones((1, 5, 6, 3))).shape == (1, 5, 6, 3)


def test_prelu_refuses_an_unknown_size_that_it_has_slopes_for() -> None:
    with pytest.raises(ShapeError, match="must be known"):
        layers.PReLU()(Input((None, 3)))


def test_a_mask_of_softmax_is_broadcast(backend: str) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    layer = layers.Softmax().to_backend(backend)
    for mask in (np.array([True, False, True, True]), np.array([[[True], [True], [False]]]), np.ones((2, 1, 4), bool)):
        full = np.broadcast_to(mask, x.shape)
        weights = np.exp(x) * full
        expected = weights / np.maximum(weights.sum(axis=-1, keepdims=True), 1e-9)
        np.testing.assert_allclose(np.asarray(layer(x, mask=mask)), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shape", [(2, 2, 3, 4), (5, 4), (3, 1, 4), (2, 3)])
def test_a_mask_of_softmax_that_does_not_broadcast_is_refused(backend: str, shape: tuple) -> None:
    text = (
        rf"'softmax.*' received an input of shape \(2, 3, 4\) and a mask of shape \({', '.join(map(str, shape))}\).*size is 1"
    )
    with pytest.raises(ShapeError, match=text):
        layers.Softmax().to_backend(backend)(np.zeros((2, 3, 4), "float32"), mask=np.ones(shape, bool))


def test_the_deprecated_name_of_the_slope_is_accepted_with_a_warning_and_not_saved() -> None:
    with pytest.warns(UserWarning, match=r"`alpha` is deprecated"):
        layer = layers.LeakyReLU(alpha=0.25)
    assert layer(np.array([-4.0, 2.0], "float32")).tolist() == [-1.0, 2.0]
    assert layer.get_config()["negative_slope"] == 0.25
    assert "alpha" not in layer.get_config()
    assert layers.LeakyReLU.from_config(layer.get_config()).negative_slope == 0.25
