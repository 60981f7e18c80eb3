import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.ops import shape_checks

shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)


@given(shapes, st.integers(-6, 6))
def test_an_axis_is_accepted_as_numpy_accepts_it(shape, axis):
    if -len(shape) <= axis < len(shape):
        assert shape_checks.check_axis(axis, shape) == range(len(shape))[axis]
    else:
        with pytest.raises(InvalidArgumentError, match=f"`axis={axis}` was given for an array of shape"):
            shape_checks.check_axis(axis, shape)


def test_an_axis_is_an_integer():
    with pytest.raises(InvalidTypeError, match=r"`axis=1.5` was given. An axis must be an integer"):
        shape_checks.check_axis(1.5, (2, 3))


def test_the_bounds_of_an_axis_are_told():
    with pytest.raises(
        InvalidArgumentError, match=r"`axis=3` was given for an array of shape \(2, 3\). `axis` must be between -2 and 1"
    ):
        shape_checks.check_axis(3, (2, 3))
    with pytest.raises(InvalidArgumentError, match=r"a scalar has no axes"):
        shape_checks.check_axis(0, ())


def test_axes_may_not_repeat():
    assert shape_checks.check_axes((0, -1), (2, 3, 4)) == (0, 2)
    assert shape_checks.check_axes(None, (2, 3)) == (0, 1)
    with pytest.raises(InvalidArgumentError, match=r"Each axis may be given only once"):
        shape_checks.check_axes((1, -1), (2, 3))


@given(shapes, shapes)
def test_shapes_broadcast_as_in_numpy(first, second):
    try:
        expected = np.broadcast_shapes(first, second)
    except ValueError:
        with pytest.raises(ShapeError, match=r"`add` received arrays of shapes"):
            shape_checks.check_broadcast("add", first, second)
    else:
        assert shape_checks.check_broadcast("add", first, second) == expected


@given(shapes, st.lists(st.integers(-1, 4), max_size=4).map(tuple))
def test_a_reshape_is_accepted_as_numpy_accepts_it(shape, newshape):
    try:
        np.zeros(shape).reshape(newshape)
    except ValueError:
        with pytest.raises(ShapeError, match=r"`reshape` received an array of shape"):
            shape_checks.check_reshape(shape, newshape)
    else:
        shape_checks.check_reshape(shape, newshape)


@given(shapes, shapes)
def test_a_matrix_product_is_accepted_as_numpy_accepts_it(first, second):
    try:
        np.zeros(first) @ np.zeros(second)
    except ValueError:
        with pytest.raises(ShapeError, match=r"`matmul` received arrays of shapes"):
            shape_checks.check_matmul(first, second)
    else:
        shape_checks.check_matmul(first, second)


@given(st.lists(shapes, min_size=1, max_size=3), st.integers(-4, 4))
def test_a_concatenation_is_accepted_as_numpy_accepts_it(several, axis):
    try:
        np.concatenate([np.zeros(shape) for shape in several], axis)
    except ValueError:
        with pytest.raises(InvalidArgumentError):
            shape_checks.check_concatenate(several, axis)
    else:
        shape_checks.check_concatenate(several, axis)


def test_nothing_cannot_be_concatenated():
    with pytest.raises(InvalidArgumentError, match=r"received no arrays"):
        shape_checks.check_concatenate([], 0)


def test_different_shapes_are_both_named():
    with pytest.raises(ShapeError, match=r"`f` received `target` of shape \(2,\) and `output` of shape \(2, 1\)"):
        shape_checks.check_same_shape("f", "target", (2,), "output", (2, 1))
