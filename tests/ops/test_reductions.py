import keras
import numpy as np
import pytest

from cornu import backends, ops
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError

REDUCTIONS = ["sum", "mean", "prod", "max", "min", "amax", "amin", "ptp", "var", "std", "logsumexp", "all", "any"]
AXES = [None, 0, -1, (0, 2), [1]]


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reduction_gives_what_keras_gives(name, axis, make, check, rng):
    x = rng.normal(size=(3, 4, 2)).astype("float32")
    wanted = tuple(axis) if isinstance(axis, list) else axis
    for keepdims in (False, True):
        expected = getattr(keras.ops, name)(x, axis=wanted, keepdims=keepdims)
        check(getattr(ops, name)(make(x), axis=axis, keepdims=keepdims), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("name", ["mean", "var", "std", "logsumexp", "max", "prod"])
def test_gradient_is_that_of_keras(name, check_gradients, rng):
    x = rng.normal(size=(3, 4, 2)).astype("float32")
    check_gradients(lambda x: getattr(ops, name)(x, axis=(0, 2)), lambda x: getattr(keras.ops, name)(x, axis=(0, 2)), x)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_places_of_extremes_are_those_of_keras(name, axis, make, check, rng):
    x = rng.integers(0, 3, size=(3, 5)).astype("float32")
    for keepdims in (False, True):
        expected = getattr(keras.ops, name)(x, axis=axis, keepdims=keepdims)
        check(getattr(ops, name)(make(x), axis=axis, keepdims=keepdims), expected)


@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_running_results_are_those_of_keras(name, axis, make, check, rng):
    x = rng.normal(size=(3, 4)).astype("float32")
    check(getattr(ops, name)(make(x), axis=axis), getattr(keras.ops, name)(x, axis=axis))
    check(getattr(ops, name)(make([1, 2, 3]), dtype="float16"), getattr(np, name)([1, 2, 3]).astype("float16"))


def test_integers_keep_their_dtype_in_a_sum_but_not_in_a_mean(make, check):
    check(ops.sum(make([1, 2, 4])), np.int32(7))
    check(ops.sum(make([True, True, False])), np.int32(2))
    check(ops.mean(make([1, 2, 4])), np.float32(7 / 3))
    check(ops.var(make([1, 2, 6])), np.float32(14 / 3))
    check(ops.prod(make([1, 2, 4]), dtype="float32"), np.float32(8))


def test_an_axis_that_is_not_there_is_named(make):
    for function in (ops.sum, ops.mean, ops.max, ops.argmax, ops.cumsum, ops.var, ops.logsumexp, ops.all):
        with pytest.raises(InvalidArgumentError, match=r"`axis=2` was given for an array of shape \(2, 3\)"):
            function(make(np.ones((2, 3), "float32")), axis=2)


def test_half_precision_variance_does_not_overflow(make, check):
    x = np.float16([-200, 200, 100, -100] * 50)
    check(ops.var(make(x)), np.var(x.astype("float64")).astype("float16"), rtol=1e-3)


def test_logsumexp_neither_overflows_nor_underflows(make, check):
    check(ops.logsumexp(make(np.float32([1000, 1000]))), np.float32(1000 + np.log(2)))
    check(ops.logsumexp(make(np.float32([-1000, -1001]))), np.float32(-1000 + np.log1p(np.exp(-1))))
    check(ops.logsumexp(make(np.float32([-np.inf, 0]))), np.float32(0))
    check(ops.logsumexp(make(np.float32([-np.inf, -np.inf]))), np.float32(-np.inf))
    check(ops.logsumexp(make(np.float32([np.inf, 0]))), np.float32(np.inf))


def test_logsumexp_gradient_is_softmax(gradient):
    found = gradient(ops.logsumexp, np.float32([1000, 1000, -np.inf]))
    np.testing.assert_allclose(found, [0.5, 0.5, 0], atol=1e-6)


def test_std_of_equal_numbers_has_gradient_zero(gradient):
    np.testing.assert_array_equal(gradient(ops.std, np.float32([3, 3, 3])), [0, 0, 0])


def test_safe_sqrt_has_gradient_zero_at_zero(gradient):
    np.testing.assert_allclose(gradient(lambda x: ops.sum(ops.reductions.safe_sqrt(x)), np.float32([0, 4])), [0, 0.25])


def test_max_with_a_bound(make, check):
    check(ops.max(make(np.float32([1, 2])), initial=5.0), np.float32(5))
    check(ops.min(make(np.float32([1, 2])), initial=-5.0), np.float32(-5))
    check(ops.max(make(np.zeros((2, 0), "float32")), axis=1, initial=3.0), np.float32([3, 3]))


def test_average_with_weights(make, check, rng):
    x, w = rng.normal(size=(3, 4)).astype("float32"), rng.uniform(size=4).astype("float32")
    check(ops.average(make(x), axis=1, weights=make(w)), np.average(x, axis=1, weights=w), dtype=False)
    check(ops.average(make(x), weights=make(x**2)), np.average(x, weights=x**2), dtype=False, rtol=1e-4)
    check(ops.average(make(x), axis=0), np.mean(x, axis=0))
    with pytest.raises(ShapeError, match=r"`average` received arrays of shapes"):
        ops.average(make(x), axis=0, weights=make(w))


def test_count_nonzero_and_allclose(make, check):
    check(ops.count_nonzero(make([[1, 0], [2, 3]]), axis=0), np.int32([2, 1]))
    check(ops.allclose(make([1.0, 2.0]), make([1.0, 2.000001])), np.bool_(True))
    check(ops.allclose(make([1.0, 2.0]), make([1.0, 2.1])), np.bool_(False))


def test_bincount(make, check):
    x, w = [[1, 1, 3], [0, 2, 2]], [[0.5, 1.0, 2.0], [1.0, 1.0, 3.0]]
    check(ops.bincount(make(x)), np.int32([[0, 2, 0, 1], [1, 0, 2, 0]]))
    check(ops.bincount(make(x[0]), make(w[0]), minlength=6), np.float32([0, 1.5, 0, 2, 0, 0]))
    check(ops.bincount(make(np.uint8([0, 1, 1, 3]))), np.int32([1, 2, 0, 1]))
    check(ops.bincount(make(np.int32([-1, 1]))), np.int32([0, 1]))
    check(ops.bincount(make(np.int32([])), minlength=2), np.int32([0, 0]))
    check(ops.bincount(make(np.zeros((2, 0), "int32"))), np.zeros((2, 0), "int32"))
    with pytest.raises(InvalidTypeError, match=r"`bincount` received `x` of dtype float32"):
        ops.bincount(make([1.0]))
    with pytest.raises(ShapeError, match=r"`bincount` received `x` of shape \(2,\) and `weights` of shape \(1,\)"):
        ops.bincount(make([1, 2]), make([1.0]))


def test_segment_sum(make, check, rng):
    x, ids = rng.normal(size=(6, 2)).astype("float32"), np.int32([0, 2, 2, 1, 0, 2])
    check(ops.segment_sum(make(x), make(ids), 4), keras.ops.segment_sum(x, ids, 4))
    check(ops.segment_sum(make(x), make(ids)), keras.ops.segment_sum(x, ids, 3))
    for outside in (-1, 4, 100):
        others = np.where(ids == ids[1], outside, ids).astype("int32")
        check(ops.segment_sum(make(x), make(others), 4), keras.ops.segment_sum(x, others, 4))


def test_results_of_unknown_size_are_refused_in_compiled_code(engine_name):
    engine = backends.get(engine_name)
    with pytest.raises(InvalidArgumentError, match=r"`bincount` was used in compiled code.*Sum a `one_hot` instead"):
        engine.compile(ops.bincount)(engine.asarray([1, 2]))
    with pytest.raises(InvalidArgumentError, match=r"`segment_sum` was used in compiled code.*Pass `num_segments`"):
        engine.compile(ops.segment_sum)(engine.asarray([1, 2]), engine.asarray([0, 1]))


def test_nothing_has_no_largest(make):
    x = make(np.ones((2, 0, 3), "float32"))
    for name in ("max", "min", "argmax", "argmin"):
        with pytest.raises(
            ShapeError, match=rf"`{name}` received an array of shape \(2, 0, 3\). It must have at least one element"
        ):
            getattr(ops, name)(x, 1)
    assert tuple(ops.max(x, 0).shape) == (0, 3)


def test_an_axis_named_twice_is_told_in_compiled_code_too(make, engine):
    with pytest.raises(InvalidArgumentError, match=r"Each axis may be given only once"):
        engine.compile(lambda x: ops.sum(x, (1, 1)))(make(np.ones((2, 3), "float32")))


def test_a_sum_of_segments_needs_a_number_for_each_part(make):
    with pytest.raises(ShapeError, match=r"`data` of shape \(2, 3\) and `segment_ids` of shape \(3,\)"):
        ops.segment_sum(make(np.ones((2, 3), "float32")), [0, 1, 0], 2)
