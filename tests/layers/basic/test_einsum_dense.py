"""Dense layers over any axes: against real Keras, and what they say to mistakes."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cornu import Input, Model, initializers, layers
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.testing.layer_checks import check_layer

AGAINST_KERAS = {
    "einsum dense": ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3}, (2, 4)),
    "einsum dense over steps": (
        "EinsumDense",
        {"equation": "abc,cd->abd", "output_shape": (3, 5), "bias_axes": "d", "activation": "relu"},
        (2, 3, 4),
    ),
    "einsum dense before": ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 5, "bias_axes": "y"}, (2, 3, 4)),
    "einsum dense after": ("EinsumDense", {"equation": "ab...,cb->ac...", "output_shape": 5, "bias_axes": "c"}, (2, 4, 3, 6)),
    "einsum dense to matrices": (
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": [5, 3, 2], "bias_axes": "de"},
        (2, 5, 4),
    ),
    "einsum dense with a small bias": (
        "EinsumDense",
        {"equation": "abc,cde->abde", "output_shape": (5, 3, 2), "bias_axes": "d", "kernel_regularizer": "l2"},
        (2, 5, 4),
    ),
    "einsum dense with a kernel for each step": (
        "EinsumDense",
        {"equation": "abc,bcd->abd", "output_shape": (3, 5), "bias_axes": "bd"},
        (2, 3, 4),
    ),
    "einsum dense of matrices": ("EinsumDense", {"equation": "abcd,cde->abe", "output_shape": (3, 5)}, (2, 3, 4, 6)),
}


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_results_are_those_of_keras(case: tuple, same_as_keras: Callable) -> None:
    same_as_keras(*case)


@pytest.mark.parametrize("case", AGAINST_KERAS.values(), ids=AGAINST_KERAS.keys())
def test_it_keeps_the_contract(case: tuple) -> None:
    check_layer(getattr(layers, case[0]), case[1], input_shape=case[2])


def test_the_first_kernel_is_as_wide_as_that_of_a_dense_layer() -> None:
    import keras

    arguments: dict[str, Any] = {"equation": "abc,cde->abde", "output_shape": (None, 20, 30)}
    theirs, mine = keras.layers.EinsumDense(**arguments), layers.EinsumDense(**arguments)
    theirs.build((None, 5, 100))
    mine.build((None, 5, 100))
    widest = np.abs(mine.kernel.numpy()).max()
    assert widest == pytest.approx(float(np.abs(theirs.kernel).max()), rel=1e-3)
    assert widest == pytest.approx((6 / (100 + 600)) ** 0.5, rel=1e-3)


def test_an_initializer_with_axes_of_its_own_keeps_them() -> None:
    initializer = initializers.GlorotUniform(seed=1, input_axes=[0], output_axes=[1])
    layer = layers.EinsumDense("abc,cde->abde", (None, 2, 3), kernel_initializer=initializer)
    layer.build((None, 5, 4))
    np.testing.assert_array_equal(layer.kernel.numpy(), initializer((4, 2, 3)))


def test_sequences_of_any_length_go_through_it(backend: str) -> None:
    x = Input((None, 4))
    model = Model(x, layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d")(x)).to_backend(backend)
    assert model.outputs[0].shape == (None, None, 3)
    assert [model(np.ones((2, steps, 4), "float32")).shape[1] for steps in (1, 5)] == [1, 5]


def test_an_ellipsis_takes_any_number_of_axes() -> None:
    layer = layers.EinsumDense("...x,xy->...y", 5, bias_axes="y")
    assert [layer(np.ones((2, *more, 4))).shape for more in ((), (3,), (3, 6))] == [(2, 5), (2, 3, 5), (2, 3, 6, 5)]


@pytest.mark.parametrize(
    "equation, coupling",
    [("ab,bc->ac", "none"), ("...x,xy->...y", "none"), ("ab,cb->ca", "unknown"), ("ab,ac->bc", "unknown")],
)
def test_samples_meet_where_the_batch_is_no_axis_of_its_own(equation: str, coupling: str) -> None:
    assert layers.EinsumDense(equation, 3).batch_coupling == coupling


@pytest.mark.parametrize(
    "equation, said",
    [
        ("ab,bc", "It must have the form 'input,kernel->output'"),
        ("ab,bc,cd->ad", "It must have the form"),
        ("...ab,bc->ac...", "with any '...' on the same side of both"),
        (3, "`equation=3`. It must have the form"),
        ("aab,bc->ac", "Each letter may denote only one axis of the input"),
        ("ab,bc->ad", "'d' in the output must be an axis of the input or of the kernel"),
        ("ab,cd->ac", "'d' in the kernel must be an axis of the input or of the output"),
    ],
)
def test_an_equation_of_another_form_is_refused(equation: Any, said: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        layers.EinsumDense(equation, 3)
    assert said in str(raised.value)
    assert f"`EinsumDense` received `equation={equation!r}`" in str(raised.value)


def test_a_bias_along_what_is_no_axis_of_the_output_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`bias_axes='b'`.*'b' is not one. Pass, for example, `bias_axes='c'`"):
        layers.EinsumDense("ab,bc->ac", 3, bias_axes="b")


def test_sizes_that_are_no_integers_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"`output_shape=0`. It must be an integer greater than or equal to 1"):
        layers.EinsumDense("ab,bc->ac", (0,))


@pytest.mark.parametrize(
    "arguments, shape, said",
    [
        (("ab,bc->ac", 3), (2, 3, 4), "Its equation 'ab,bc->ac' is for inputs with 2 axes"),
        (("...ab,bc->...ac", 3), (2,), "is for inputs with at least 2 axes"),
        (("abc,cd->abd", 3), (2, 3, 4), "must have 2 sizes, one for each output axis 'b', 'd'"),
        (("abc,cd->abd", (9, 5)), (2, 3, 4), "For the axis 'b' its `output_shape=(9, 5)` has 9, but the input has 3"),
        (("ab,bc->ac", (None,)), (2, 4), "The size of axis 'c' must be known"),
        (("abc,cd->abd", (None, 3), None, "bd"), (2, None, 4), "The size of axis 'b' must be known"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments: tuple, shape: tuple, said: str) -> None:
    with pytest.raises(ShapeError) as raised:
        layers.EinsumDense(*arguments).build((None, *shape[1:]))
    assert said in str(raised.value)


def test_another_size_than_it_was_built_for_is_refused() -> None:
    layer = layers.EinsumDense("abc,cd->abd", (None, 3), name="mine")
    layer(np.ones((2, 5, 4)))
    with pytest.raises(ShapeError, match=r"'mine' received.*It was built for 4 along the axis 'c', but the input has 6"):
        layer(np.ones((2, 5, 6)))
