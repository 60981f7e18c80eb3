"""Ops that are derived from others: ``nan_reductions.py``, ``segments.py``, ``sets.py``, ``special.py``, ``statistics.py``,
``window_functions.py``, and some of ``math.py``, ``creation.py`` and ``manipulation.py``.
"""

import keras
import numpy as np
import pytest

from cornu import ops, trees
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError

NAN = np.nan
WITH_NAN = np.float32([[[1, NAN], [-2, 5], [3, 0.5]], [[NAN, NAN], [4, -1], [NAN, 2]]])
NAN_REDUCTIONS = ["nanmax", "nanmean", "nanmedian", "nanmin", "nanprod", "nanstd", "nansum", "nanvar"]


@pytest.fixture
def close(check):
    """Holds a result, or a list of results, against that of Keras."""

    def compare(found, expected, **options):
        found, expected = trees.leaves(found), trees.leaves(expected)
        assert len(found) == len(expected)
        for mine, theirs in zip(found, expected, strict=True):
            check(mine, theirs, **options)

    return compare


# --- NaN ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)], ids=str)
@pytest.mark.parametrize("name", NAN_REDUCTIONS)
def test_a_reduction_leaves_out_nan(name, axis, make, check):
    for keepdims in (False, True):
        expected = getattr(keras.ops, name)(WITH_NAN, axis=axis, keepdims=keepdims)
        check(getattr(ops, name)(make(WITH_NAN), axis=axis, keepdims=keepdims), expected)


@pytest.mark.parametrize("name", ["nanargmax", "nanargmin"])
def test_indices_of_extremes_are_of_numbers_or_minus_one(name, make, check):
    for options in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}):
        check(getattr(ops, name)(make(WITH_NAN), **options), getattr(keras.ops, name)(WITH_NAN, **options))
    check(getattr(ops, name)(make(np.int32([4, 9, 1]))), getattr(keras.ops, name)(np.int32([4, 9, 1])))


@pytest.mark.parametrize("name", ["nancumsum", "nancumprod"])
def test_cumulative_results_leave_out_nan(name, make, check):
    for options in ({}, {"axis": 1}, {"axis": 0, "dtype": "float16"}):
        check(getattr(ops, name)(make(WITH_NAN), **options), getattr(keras.ops, name)(WITH_NAN, **options))


@pytest.mark.filterwarnings("ignore:All-NaN slice")
@pytest.mark.parametrize("method", ["linear", "lower", "higher", "midpoint", "nearest"])
def test_quantiles_leave_out_nan(method, make, check):
    for axis in (None, 0, 1, (0, 2)):
        for q in (0.3, [0.0, 0.5, 0.9]):
            for keepdims in (False, True):
                expected = np.nanquantile(WITH_NAN, q, axis=axis, method=method, keepdims=keepdims).astype("float32")
                with np.errstate(all="ignore"):
                    check(ops.nanquantile(make(WITH_NAN), q, axis=axis, method=method, keepdims=keepdims), expected)
    expected = keras.ops.nanpercentile(WITH_NAN, 70, axis=1, method=method)
    check(ops.nanpercentile(make(WITH_NAN), 70, axis=1, method=method), expected)


@pytest.mark.parametrize("name", NAN_REDUCTIONS)
def test_results_of_other_dtypes_are_those_of_keras(name, make, check):
    for x in (np.int32([1, 2, 4]), np.uint8([1, 2, 4]), np.float16([1, NAN, 4])):
        check(getattr(ops, name)(make(x)), getattr(keras.ops, name)(x), rtol=2e-3)


@pytest.mark.parametrize("name", NAN_REDUCTIONS)
def test_the_gradient_of_nan_is_zero(name, gradient):
    x = np.float32([1.0, NAN, 3.0, -2.0])
    found = gradient(lambda given: ops.sum(getattr(ops, name)(given)), x)
    expected = gradient(lambda given: ops.sum(getattr(ops, name.removeprefix("nan"))(given)), x[[0, 2, 3]])
    np.testing.assert_allclose(found[[0, 2, 3]], expected, rtol=1e-5)
    assert found[1] == 0


# --- Functions of one or two arrays ---------------------------------------------------------------------------------------

X = np.float32([-3.5, -1.0, -0.25, 0.0, 0.5, 1.0, 2.0, 4.5])


@pytest.mark.parametrize("name", ["fabs", "i0", "signbit", "sinc", "copy"])
def test_a_function_of_an_array_is_that_of_keras(name, make, check):
    ours, theirs = getattr(ops, name), getattr(keras.ops, name)
    check(ours(make(X)), theirs(X), rtol=1e-5, atol=1e-6)
    check(ours(make(np.int32([-2, 0, 3]))), theirs(np.int32([-2, 0, 3])), atol=1e-6)


@pytest.mark.parametrize("name", ["i0", "sinc", "fabs"])
def test_gradients_are_those_of_keras(name, check_gradients):
    x = X[X != 0]
    check_gradients(getattr(ops, name), getattr(keras.ops, name), x)


def test_sinc_is_smooth_at_zero(gradient):
    np.testing.assert_allclose(gradient(lambda x: ops.sum(ops.sinc(x)), np.float32([0.0, 1e-20])), [0, 0], atol=1e-12)


def test_signs_of_zeros_differ(make, check):
    check(ops.signbit(make(np.float32([0.0, -0.0, np.inf, -np.inf]))), np.array([False, True, False, True]))


@pytest.mark.parametrize("name", ["fmax", "fmin", "fmod", "heaviside", "logaddexp2"])
def test_a_function_of_two_arrays_is_that_of_keras(name, make, check):
    x, y = np.float32([[1.5], [-7.0], [0.0]]), np.float32([2.0, -3.0, 0.75])
    ours, theirs = getattr(ops, name), getattr(keras.ops, name)
    check(ours(make(x), make(y)), theirs(x, y))
    x, y = np.int32([5, -7, 0]), np.int32([3, 2, -4])
    check(ours(make(x), make(y)), theirs(x, y))
    check(ours(make(x), make(y.astype("float32"))), theirs(x, y.astype("float32")))


@pytest.mark.parametrize("name", ["fmax", "fmin"])
def test_extremes_of_nan_and_a_number_are_the_number(name, make, check):
    x, y = np.float32([NAN, 1, NAN]), np.float32([2, NAN, NAN])
    check(getattr(ops, name)(make(x), make(y)), np.float32([2, 1, NAN]))


def test_ldexp(make, check):
    x, powers = np.float32([0.5, 3.0, -1.0]), np.int32([2, -1, 10])
    check(ops.ldexp(make(x), make(powers)), keras.ops.ldexp(x, powers))
    with pytest.raises(InvalidTypeError, match=r"`ldexp` received `x2` of dtype float32. Its elements must be integers"):
        ops.ldexp(make(x), make(x))


@pytest.mark.parametrize("name", ["gcd", "lcm"])
def test_common_divisors_and_multiples(name, make, check, rng):
    x, y = rng.integers(-200, 200, (5, 1)).astype("int32"), rng.integers(-60, 60, 7).astype("int32")
    x[0], y[0] = 0, 0
    check(getattr(ops, name)(make(x), make(y)), getattr(np, name)(x, y))
    small = np.uint8([12, 0, 7]), np.uint8([18, 5, 7])
    check(getattr(ops, name)(*map(make, small)), getattr(keras.ops, name)(*small))
    with pytest.raises(InvalidTypeError, match=rf"`{name}` received `x1` of dtype float32"):
        getattr(ops, name)(make([1.5]), make([1]))


# --- Segments and sets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["segment_max", "segment_min", "segment_prod", "segment_sum"])
def test_segments(name, make, check, rng):
    data, ids = rng.normal(size=(6, 2)).astype("float32"), np.int32([2, 0, 2, -1, 9, 0])
    inside = [0, 1, 2, 5]
    expected = getattr(keras.ops, name)(data[inside], ids[inside], num_segments=4)
    check(getattr(ops, name)(make(data), make(ids), 4), expected)
    whole = np.int32([3, -5, 7]), np.int32([0, 0, 2])
    check(getattr(ops, name)(*map(make, whole)), getattr(keras.ops, name)(*whole, num_segments=3))


def test_segments_share_the_gradient_of_their_result(gradient):
    data, ids = np.float32([2, 5, 3, 4]), np.int32([0, 0, 1, 1])
    found = gradient(lambda x: ops.sum(ops.multiply(ops.segment_max(x, ids, 2), [10.0, 1.0])), data)
    np.testing.assert_allclose(found, [0, 10, 0, 1])


def test_isin(make, check, rng):
    x, y = rng.integers(0, 9, (3, 4)).astype("int32"), np.int32([1, 5, 8])
    for invert in (False, True):
        check(ops.isin(make(x), make(y), invert=invert), np.isin(x, y, invert=invert))


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_distinct_values(axis, make, close, rng):
    x = rng.integers(0, 3, (4, 3)).astype("int32")
    x[2] = x[0]
    options = {"return_index": True, "return_inverse": True, "return_counts": True, "axis": axis}
    close(ops.unique(make(x), **options), keras.ops.unique(x, **options))
    for size in (2, 20):
        close(ops.unique(make(x.ravel()), size=size, fill_value=7), keras.ops.unique(x.ravel(), size=size, fill_value=7))


def test_what_depends_on_values_is_refused_in_compiled_code(engine_name):
    from cornu import backends

    backend = backends.get(engine_name)
    for function, text in ((ops.unique, "`unique`"), (ops.nonzero, "`nonzero`")):
        if engine_name == "torch":
            continue  # which runs such a function operation by operation
        with pytest.raises(InvalidArgumentError, match=f"{text} was used in compiled code"):
            backend.compile(function)(backend.asarray([1, 2, 1]))


def test_indices_of_nonzero_elements(make, close, rng):
    x = rng.integers(0, 2, (3, 4)).astype("float32")
    close(list(ops.nonzero(make(x))), list(keras.ops.nonzero(x)))
    with pytest.raises(ShapeError, match="`nonzero` received a scalar"):
        ops.nonzero(make(np.float32(3)))


# --- Statistics -----------------------------------------------------------------------------------------------------------


def test_histograms(make, close, rng):
    x = rng.normal(size=(30, 2)).astype("float32")
    flat = x.ravel()  # which is all that Keras takes
    close(ops.histogram(make(x), bins=7), keras.ops.histogram(flat, bins=7), rtol=1e-5)
    close(ops.histogram(make(x), bins=4, range=(-1, 0.5)), keras.ops.histogram(flat, bins=4, range=(-1, 0.5)))
    same = np.float32([2, 2])
    close(ops.histogram(make(same), bins=3), [part.astype("float32") for part in np.histogram(same, bins=3)])
    whole = np.int32([1, 5, 5])
    close(ops.histogram(make(whole), bins=2), keras.ops.histogram(whole, bins=2))
    with pytest.raises(InvalidArgumentError, match=r"`histogram` received `range=\(2, 1\)`. It must be a pair of numbers"):
        ops.histogram(make(x), range=(2, 1))
    with pytest.raises(InvalidArgumentError, match=r"`histogram` received `bins=0`"):
        ops.histogram(make(x), bins=0)


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
@pytest.mark.parametrize("sizes", [(6, 3), (3, 6), (5, 4), (2, 5), (4, 4)], ids=str)
def test_cross_correlation(mode, sizes, make, check, rng):
    x, y = (rng.normal(size=size).astype("float32") for size in sizes)
    check(ops.correlate(make(x), make(y), mode), np.correlate(x, y, mode))


def test_correlation_coefficients(make, check, rng):
    x = rng.normal(size=(3, 20)).astype("float32")
    check(ops.corrcoef(make(x)), keras.ops.corrcoef(x), rtol=1e-4)
    check(ops.corrcoef(make(x[0])), np.float32(1))
    with pytest.raises(ShapeError, match=r"`corrcoef` received an array of shape \(1, 1, 2\)"):
        ops.corrcoef(make(np.ones((1, 1, 2))))


def test_the_trapezoidal_rule(make, check, rng):
    y, x = rng.normal(size=(4, 3)).astype("float32"), np.float32([0, 1, 3])
    check(ops.trapezoid(make(y), dx=2.0, axis=0), keras.ops.trapezoid(y, dx=2.0, axis=0))
    check(ops.trapezoid(make(y), make(x)), keras.ops.trapezoid(y, x))
    check(ops.trapezoid(make(y), make(y**2)), np.trapezoid(y, y**2))
    check(ops.trapezoid(make(np.int32([1, 2, 3]))), np.float32(4))


def test_distances(make, check, check_gradients, rng):
    x, y = rng.normal(size=(2, 4, 3)).astype("float32"), rng.normal(size=(2, 5, 3)).astype("float32")
    check(ops.cdist(make(x), make(y)), keras.ops.cdist(x, y), rtol=1e-4, atol=1e-5)
    check_gradients(ops.cdist, keras.ops.cdist, x, y)
    check(ops.cdist(make(x[0]), make(x[0])), np.linalg.norm(x[0][:, None] - x[0], axis=-1))
    with pytest.raises(ShapeError, match=r"`cdist` received `x` of shape \(3,\) and `y` of shape \(4, 3\)"):
        ops.cdist(make(x[0, 0]), make(x[0]))


# --- Creation and parts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hanning"])
def test_windows_are_those_of_keras(name):
    for size in (0, 1, 2, 7):
        np.testing.assert_allclose(getattr(ops, name)(size), getattr(np, name)(size), atol=1e-6)
    np.testing.assert_allclose(getattr(ops, name)(ops.array(5)), getattr(keras.ops, name)(5), atol=1e-6)


def test_the_kaiser_window():
    np.testing.assert_allclose(ops.kaiser(6, 8.6), keras.ops.kaiser(6, 8.6), atol=1e-6)
    with pytest.raises(InvalidArgumentError, match="A size must be 0 or greater"):
        ops.kaiser(-1, 2.0)


def test_geometric_progressions(make, check):
    check(ops.geomspace(make(np.float32(1)), make(np.float32(1000)), 4), np.float32([1, 10, 100, 1000]), rtol=1e-5)
    check(
        ops.geomspace(make(np.float32([1, -2])), make(np.float32([1000, -8])), 3),
        keras.ops.geomspace(np.float32([1, 2]), np.float32([1000, 8]), 3) * np.float32([1, -1]),
        rtol=1e-5,
    )
    check(ops.geomspace(make(np.float32(1)), make(np.float32(256)), 3, dtype="int32"), np.int32([1, 16, 256]))
    expected = np.geomspace([[1.0, 2.0]], [[8.0, 9.0]], 4, endpoint=False, axis=1).astype("float32")
    found = ops.geomspace(make(np.float32([[1, 2]])), make(np.float32([[8, 9]])), 4, endpoint=False, axis=1)
    check(found, expected, rtol=1e-5)


def test_vandermonde_matrices(make, check):
    for x in (np.int32([1, 2, 3]), np.float32([0.5, -2.0])):
        for options in ({}, {"N": 4}, {"N": 2, "increasing": True}, {"N": 0}):
            check(ops.vander(make(x), **options), np.vander(x, **options).astype(x.dtype))
    with pytest.raises(ShapeError, match=r"`vander` received an array of shape \(1, 2\)"):
        ops.vander(make(np.ones((1, 2))))


def test_parts_of_unequal_sizes(make, close, rng):
    x = rng.normal(size=(7, 5)).astype("float32")
    for count in (1, 3, 7, 9):
        close(ops.array_split(make(x), count), keras.ops.array_split(x, count))
    close(ops.array_split(make(x), [1, 3], axis=1), np.array_split(x, [1, 3], axis=1))
    with pytest.raises(InvalidArgumentError, match=r"`array_split` received `indices_or_sections=0`"):
        ops.array_split(make(x), 0)


def test_parts_along_an_axis(make, close, rng):
    x = rng.normal(size=(4, 2, 6)).astype("float32")
    close(ops.hsplit(make(x), 2), np.hsplit(x, 2))
    close(ops.hsplit(make(x[:, 0, 0]), 2), np.hsplit(x[:, 0, 0], 2))
    close(ops.vsplit(make(x), [1]), np.vsplit(x, [1]))
    close(ops.dsplit(make(x), 3), np.dsplit(x, 3))
    with pytest.raises(ShapeError, match=r"`dsplit` received an array of shape \(4, 2\). It must have at least 3 axes"):
        ops.dsplit(make(x[..., 0]), 2)


def test_flattened_diagonals(make, check):
    x = np.int32([[1, 2], [3, 4]])
    for k in (0, 1, -2):
        check(ops.diagflat(make(x), k), np.diagflat(x, k))


def test_indices_into_a_shape(make, close):
    indices = np.int32([[1, 5], [0, -1]])
    close(list(ops.unravel_index(make(indices), (2, 3))), list(keras.ops.unravel_index(indices, (2, 3))))


def test_a_partition_has_the_element_in_its_place(make, engine, rng):
    x = rng.normal(size=(3, 6)).astype("float32")
    order = engine.to_numpy(ops.argpartition(make(x), 2))
    np.testing.assert_array_equal(np.take_along_axis(x, order, 1)[:, 2], np.sort(x, 1)[:, 2])
    with pytest.raises(InvalidArgumentError, match=r"`argpartition` received `kth=6` for an axis of size 6"):
        ops.argpartition(make(x), 6)
