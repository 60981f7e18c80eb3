"""Every gradient rule of the NumPy backend against central differences in float64, and the conventions at corners."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from cornu import backends
from cornu.backends.numpy.gradients import NO_GRADIENT, RULES

B = backends.get("numpy")
rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape)


def positive(*shape):
    return rng.uniform(0.5, 2, size=shape)


def within_one(*shape):
    return rng.uniform(-0.9, 0.9, size=shape)


def gradients(f, *arrays):
    """The gradient of ``sum(weights * f(*arrays))`` for each array, with random weights, and the same by differences."""
    weights = normal(*np.shape(f(*arrays)))

    def loss(xs):
        return B.sum(B.multiply(f(*xs), weights))

    _, found = B.value_and_grad(loss)(list(arrays))
    return found, [differences(loss, arrays, position) for position in range(len(arrays))]


def differences(loss, arrays, position, step=1e-6):
    result = np.zeros(arrays[position].shape)
    for index in np.ndindex(*result.shape):
        sides = []
        for sign in (1, -1):
            moved = [x.copy() for x in arrays]
            moved[position][index] += sign * step
            sides.append(float(loss(moved)))
        result[index] = (sides[0] - sides[1]) / (2 * step)
    return result


def assert_gradient(f, *arrays):
    found, expected = gradients(f, *arrays)
    for one, other, array in zip(found, expected, arrays, strict=True):
        assert one.dtype == array.dtype
        assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def joined(*factors):
    """All elements of several arrays, in one."""
    return B.concatenate([B.reshape(factor, (-1,)) for factor in factors], 0)


def z(x, y):
    return B.complex(x, y)


def parts(x):
    return joined(*B.complex_parts(x))


def gram(x):
    real, imag = B.complex_parts(x)
    return x @ B.transpose(B.complex(real, -imag), (1, 0))


ONE, NO = (1, 1), ((0, 0), (0, 0))
ROWS = np.array([[0, 2], [2, -1]])
SOME = np.array([True, False, True])

CASES = {
    "cast": (lambda x: B.cast(x, "float64"), normal(3)),
    "full": (lambda x: B.full((2, 3), x, "float64"), normal()),
    "abs": (B.abs, normal(2, 3)),
    "negative": (B.negative, normal(3)),
    "exp": (B.exp, normal(3)),
    "expm1": (B.expm1, normal(3)),
    "log": (B.log, positive(3)),
    "log1p": (B.log1p, positive(3)),
    "sqrt": (B.sqrt, positive(3)),
    "rsqrt": (B.rsqrt, positive(3)),
    "square": (B.square, normal(3)),
    "sin": (B.sin, normal(3)),
    "cos": (B.cos, normal(3)),
    "tan": (B.tan, within_one(3)),
    "arcsin": (B.arcsin, within_one(3)),
    "arccos": (B.arccos, within_one(3)),
    "arctan": (B.arctan, normal(3)),
    "sinh": (B.sinh, normal(3)),
    "cosh": (B.cosh, normal(3)),
    "tanh": (B.tanh, normal(3)),
    "erf": (B.erf, normal(3)),
    "sigmoid": (B.sigmoid, normal(3)),
    "relu": (B.relu, normal(3)),
    "add": (B.add, normal(2, 3), normal(3)),
    "add, axes of size 1": (B.add, normal(2, 1, 3), normal(4, 1)),
    "add, a single number": (B.add, normal(), normal(2, 3)),
    "subtract": (B.subtract, normal(2, 3), normal(2, 1)),
    "multiply": (B.multiply, normal(2, 3), normal(3)),
    "divide": (B.divide, normal(2, 3), positive(3)),
    "remainder": (B.remainder, np.array([5.3, -5.3, 5.3]), np.array([2.0, 2.1, -2.2])),
    "power": (B.power, positive(2, 3), normal(3)),
    "power, a negative base": (lambda x: B.power(x, 3), normal(3)),
    "power, negative exponents": (lambda x: B.power(x, np.array([-1, -2, 0], "int32")), normal(3)),
    "maximum": (B.maximum, normal(2, 3), normal(3)),
    "minimum": (B.minimum, normal(2, 3), normal(2, 1)),
    "arctan2": (B.arctan2, normal(2, 3), normal(3)),
    "logaddexp": (B.logaddexp, normal(2, 3), normal(3)),
    "where": (lambda x, y: B.where(SOME, x, y), normal(2, 3), normal(2, 1)),
    "where, a single number": (lambda x: B.where(SOME, x, 0.0), normal()),
    "sum": (B.sum, normal(2, 3)),
    "sum along axes": (lambda x: B.sum(x, (0, -1)), normal(2, 3, 4)),
    "sum, axes kept": (lambda x: B.sum(x, 1, keepdims=True), normal(2, 3)),
    "mean": (B.mean, normal(2, 3)),
    "mean along an axis": (lambda x: B.mean(x, -2), normal(2, 3, 4)),
    "prod": (B.prod, normal(2, 3)),
    "prod along axes": (lambda x: B.prod(x, (2, 0)), normal(2, 3, 4)),
    "prod, with zeros": (lambda x: B.prod(x, 1), np.array([[0.0, 2, 3], [0, 0, 3], [1, 2, 3]])),
    "max": (lambda x: B.max(x, 1), normal(2, 3, 4)),
    "max of all": (B.max, normal(2, 3)),
    "min": (lambda x: B.min(x, (0, 1), True), normal(2, 3, 4)),
    "cumsum": (lambda x: B.cumsum(x, 1), normal(2, 3, 2)),
    "cumprod": (lambda x: B.cumprod(x, -1), normal(2, 4)),
    "cumprod, with zeros": (lambda x: B.cumprod(x, 0), np.array([2.0, 0, 3, 0, 5])),
    "reshape": (lambda x: B.reshape(x, (-1, 2)), normal(2, 3)),
    "transpose": (lambda x: B.transpose(x, (2, 0, 1)), normal(2, 3, 4)),
    "broadcast_to": (lambda x: B.broadcast_to(x, (4, 2, 3)), normal(2, 1)),
    "concatenate": (lambda x, y: B.concatenate([x, y, x], 1), normal(2, 1), normal(2, 3)),
    "concatenate, negative axis": (lambda x: B.concatenate([x, np.ones((2, 2))], -1), normal(2, 3)),
    "pad, constant": (lambda x: B.pad(x, ((1, 0), (0, 2))), normal(2, 3)),
    "pad, edge": (lambda x: B.pad(x, ((1, 2), (0, 2)), "edge"), normal(2, 3)),
    "pad, reflect": (lambda x: B.pad(x, ((1, 1), (2, 2)), "reflect"), normal(2, 3)),
    "pad, symmetric": (lambda x: B.pad(x, ((2, 1), (0, 3)), mode="symmetric"), normal(2, 3)),
    "flip": (lambda x: B.flip(x, (0, 1)), normal(2, 3)),
    "getitem": (lambda x: B.getitem(x, (slice(None, None, -2), None, 1)), normal(3, 2)),
    "getitem, rows again and again": (lambda x: x[np.array([1, 1, 0, 1])], normal(3, 2)),
    "getitem, a mask": (lambda x: x[SOME], normal(3, 2)),
    "take": (lambda x: B.take(x, ROWS, 1), normal(2, 3, 2)),
    "take, indices outside": (lambda x: B.take(x, np.array([9, -9, 1]), -2), normal(3, 2)),
    "take_along_axis": (lambda x: B.take_along_axis(x, ROWS, 1), normal(2, 3)),
    "index_add": (lambda x, y: B.index_add(x, np.array([0, 2, 0, 7, -1]), y), normal(3, 2), normal(5, 2)),
    "matmul": (B.matmul, normal(2, 3), normal(3, 4)),
    "matmul, vectors": (B.matmul, normal(3), normal(3)),
    "matmul, vector and matrix": (B.matmul, normal(3), normal(3, 2)),
    "matmul, matrix and vector": (B.matmul, normal(2, 3), normal(3)),
    "matmul, stacks": (B.matmul, normal(2, 1, 3, 4), normal(5, 4, 2)),
    "matmul, stack and matrix": (B.matmul, normal(2, 2, 3, 4), normal(4, 2)),
    "matmul, matrix and stack": (B.matmul, normal(3, 4), normal(2, 4, 2)),
    "matmul, stack and vector": (B.matmul, normal(2, 3, 4), normal(4)),
    "matmul, vector and stack": (B.matmul, normal(4), normal(2, 4, 3)),
    "tensordot": (lambda x, y: B.tensordot(x, y, 2), normal(2, 3, 4), normal(3, 4, 2)),
    "tensordot, named axes": (lambda x, y: B.tensordot(x, y, ([0, -1], [2, 0])), normal(2, 3, 4), normal(4, 5, 2)),
    "tensordot, no axes": (lambda x, y: B.tensordot(x, y, 0), normal(2), normal(3)),
    "cholesky": (lambda x: B.cholesky(x @ B.transpose(x, (0, 2, 1)) + np.eye(4)), normal(2, 4, 4)),
    "qr": (lambda x: joined(*B.qr(x)), normal(2, 4, 3)),
    "qr, wide": (lambda x: joined(*B.qr(x)), normal(2, 3, 5)),
    "qr, complete": (lambda x: joined(*B.qr(x, True)), normal(3, 4)),
    "svd": (lambda x: joined(*B.svd(x)), normal(2, 3, 3)),
    "svd, tall": (lambda x: joined(*B.svd(x, False)), normal(2, 4, 3)),
    "svd, wide": (lambda x: joined(*B.svd(x, full_matrices=False)), normal(2, 3, 5)),
    "svd, singular values": (lambda x: B.svd(x, compute_uv=False), normal(2, 3, 4)),
    "eigh": (lambda x: joined(*B.eigh(x + B.transpose(x, (0, 2, 1)))), normal(2, 4, 4)),
    "eig": (lambda x: joined(*map(B.abs, B.eig(x))), normal(2, 4, 4)),
    "lu": (lambda x: B.lu(x)[0], normal(2, 4, 4)),
    "lu, tall": (lambda x: B.lu(x)[0], normal(2, 5, 3)),
    "lu, wide": (lambda x: B.lu(x)[0], normal(2, 3, 5)),
    "solve": (B.solve, normal(2, 4, 4), normal(2, 4, 3)),
    "solve_triangular": (B.solve_triangular, positive(2, 4, 4), normal(2, 4, 3)),
    "solve_triangular, lower": (lambda x, y: B.solve_triangular(x, y, True), positive(4, 4), normal(4, 2)),
    "slogdet": (lambda x: B.slogdet(x)[1], normal(2, 4, 4)),
    "cholesky, complex": (lambda x, y: parts(B.cholesky(gram(z(x, y)) + np.eye(3))), normal(3, 3), normal(3, 3)),
    "qr, complex": (lambda x, y: joined(*map(B.abs, B.qr(z(x, y)))), normal(4, 3), normal(4, 3)),
    "svd, complex": (lambda x, y: joined(*map(B.abs, B.svd(z(x, y), False))), normal(4, 3), normal(4, 3)),
    "eigh, complex": (lambda x, y: joined(*map(B.abs, B.eigh(gram(z(x, y))))), normal(3, 3), normal(3, 3)),
    "eig, complex": (lambda x, y: joined(*map(B.abs, B.eig(z(x, y)))), normal(3, 3), normal(3, 3)),
    "lu, complex": (lambda x, y: parts(B.lu(z(x, y))[0]), normal(3, 3), normal(3, 3)),
    "solve, complex": (lambda x, y: parts(B.solve(z(x, y), z(y, x))), normal(3, 3), normal(3, 3)),
    "solve_triangular, complex": (lambda x, y: parts(B.solve_triangular(z(x, y), z(y, x))), positive(3, 3), normal(3, 3)),
    "slogdet, complex": (
        lambda x, y: B.multiply(*map(B.exp, B.complex_parts(B.slogdet(z(x, y))[0]))),
        normal(3, 3),
        normal(3, 3),
    ),
    "slogdet, absolute value of a complex one": (lambda x, y: B.slogdet(z(x, y))[1], normal(3, 3), normal(3, 3)),
    "complex": (lambda x, y: B.abs(z(x, y)), normal(2, 3), normal(2, 3)),
    "complex_parts": (lambda x, y: parts(B.exp(z(x, y)) * z(y, x) / (2j + z(x, y))), normal(2, 3), normal(2, 3)),
    "complex_parts, promoted": (lambda x, y: parts(z(x, y) * x + y @ B.sqrt(z(x, y))), normal(3, 3), normal(3, 3)),
    "complex_parts, one of them": (lambda x, y: B.complex_parts(B.square(z(x, y)))[1], normal(2), normal(2)),
    "fft": (lambda x, y: joined(*B.fft(x, y)), normal(2, 6), normal(2, 6)),
    "fft, inverse": (lambda x, y: joined(*B.fft(x, y, True)), normal(2, 5), normal(2, 5)),
    "rfft": (lambda x: joined(*B.rfft(x)), normal(2, 6)),
    "rfft, odd": (lambda x: joined(*B.rfft(x)), normal(2, 7)),
    "irfft": (lambda x, y: B.irfft(x, y, 6), normal(2, 4), normal(2, 4)),
    "irfft, odd": (lambda x, y: B.irfft(x, y, 7), normal(2, 4), normal(2, 4)),
    "einsum": (lambda x, y: B.einsum("bij, bjk -> bki", x, y), normal(2, 3, 4), normal(2, 4, 2)),
    "einsum, implicit result": (lambda x, y: B.einsum("bj,ja", x, y), normal(2, 3), normal(3, 2)),
    "einsum, three operands": (lambda x, y, z: B.einsum("i,ij,j->", x, y, z), normal(2), normal(2, 3), normal(3)),
    "einsum, a letter summed away": (lambda x, y: B.einsum("ijk,i->k", x, y), normal(2, 3, 4), normal(2)),
    "einsum, a diagonal": (lambda x: B.einsum("bii->bi", x), normal(2, 3, 3)),
    "einsum, a trace": (lambda x: B.einsum("ii", x), normal(3, 3)),
    "einsum, dots": (lambda x, y: B.einsum("...ij,...jk->...ik", x, y), normal(2, 1, 3, 4), normal(5, 4, 2)),
    "einsum, dots and no result": (lambda x, y: B.einsum("...j,j", x, y), normal(2, 3), normal(3)),
    "einsum, size 1 against more": (lambda x, y: B.einsum("ij,ij->i", x, y), normal(2, 3), normal(2, 1)),
    "einsum, one array twice": (lambda x: B.einsum("ij,kj->ik", x, x), normal(2, 3)),
    "top_k": (lambda x: B.top_k(x, 2)[0], normal(2, 4)),
    "conv": (lambda x, k: B.conv(x, k, ONE, NO, ONE), normal(2, 4, 4, 2), normal(3, 2, 2, 3)),
    "conv in one dimension": (lambda x, k: B.conv(x, k, (2,), ((1, 2),), (2,)), normal(1, 6, 2), normal(2, 2, 3)),
    "conv, groups": (
        lambda x, k: B.conv(x, k, (2, 1), ((1, 0), (0, 1)), (1, 2), groups=2),
        normal(1, 4, 5, 4),
        normal(2, 2, 2, 6),
    ),
    "conv in three dimensions": (
        lambda x, k: B.conv(x, k, (1, 2, 1), ((0, 0), (1, 1), (0, 0)), (1, 1, 1)),
        *(normal(1, 2, 3, 2, 2), normal(2, 2, 1, 2, 2)),
    ),
    "conv_transpose": (
        lambda x, k: B.conv_transpose(x, k, (5, 6), (2, 3), ((0, 1), (1, 1)), (1, 2)),
        *(normal(2, 3, 2, 3), normal(2, 2, 2, 3)),
    ),
    "max_pool": (lambda x: B.max_pool(x, (2, 2), (2, 2), NO), normal(2, 4, 4, 2)),
    "max_pool, overlapping": (lambda x: B.max_pool(x, (3, 2), (1, 2), ((1, 1), (1, 0))), normal(1, 4, 5, 2)),
    "avg_pool": (lambda x: B.avg_pool(x, (2, 2), (2, 2), NO), normal(2, 4, 4, 2)),
    "avg_pool, overlapping": (lambda x: B.avg_pool(x, (3, 2), (1, 2), ((1, 1), (1, 0))), normal(1, 4, 5, 2)),
    "scan": (lambda c, x, w: B.scan(lambda c, x: (B.tanh(c @ w + x),) * 2, c, x)[1], normal(2), normal(3, 2), normal(2, 2)),
    "scan, the last carry": (lambda c, x: B.scan(lambda c, x: (c * x, None), c, x, reverse=True)[0], normal(2), normal(3, 2)),
    "cond": (lambda x: B.cond(x[0] > x[1], B.exp, B.sin, x), normal(2)),
    "while_loop": (lambda x: B.while_loop(lambda v: v[0] < 3, lambda v: (v[0] + 1, v[1] * x), (0, x))[1], normal(2)),
}


@pytest.mark.parametrize("case", CASES)
def test_a_gradient_is_that_of_central_differences(case):
    f, *arrays = CASES[case]

    assert_gradient(f, *arrays)


def test_the_table_of_cases_has_every_rule():
    tried = {case.split()[0].rstrip(",") for case in CASES}
    rules = {{"_add_rows": "index_add", "_contract": "einsum"}.get(name, name) for name in RULES}

    assert rules <= tried, f"add a row to CASES for {sorted(rules - tried)}"


def test_no_primitive_has_both_a_rule_and_none():
    assert not RULES.keys() & NO_GRADIENT


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.integers(1, 2), st.integers(1, 3), st.integers(1, 2), st.integers(1, 2), st.tuples(*[st.integers(0, 1)] * 2))
def test_gradients_of_convolution_in_any_geometry(groups, window, stride, dilation, pads):
    x, kernel = normal(1, 6, 2 * groups), normal(window, 2, groups)

    assert_gradient(lambda x, k: B.conv(x, k, (stride,), (pads,), (dilation,), groups), x, kernel)


# --- Conventions at corners ---------------------------------------------------------------------------------------------------


def gradient_of(f, *arrays):
    """The gradient of ``sum(f(*arrays))`` for the arrays, given as lists of numbers."""
    arrays = [np.array(x, "float32") for x in arrays]
    return [g.tolist() for g in B.value_and_grad(lambda xs: B.sum(f(*xs)))(arrays)[1]]


def test_equals_share_the_gradient_of_maximum_and_minimum():
    assert gradient_of(B.maximum, [1, 2, 3], [2, 2, 2]) == [[0, 0.5, 1], [1, 0.5, 0]]
    assert gradient_of(B.minimum, [1, 2, 3], [2, 2, 2]) == [[1, 0.5, 0], [0, 0.5, 1]]


def test_equals_share_the_gradient_of_the_largest_and_the_smallest():
    assert gradient_of(lambda x: B.max(x, 1), [[3, 3, 1], [0, 1, 2]]) == [[[0.5, 0.5, 0], [0, 0, 1]]]
    assert gradient_of(B.min, [1, 1, 1, 1]) == [[0.25] * 4]


def test_the_first_of_equals_in_a_window_gets_the_gradient_of_max_pool():
    def pool(x):
        return B.max_pool(B.reshape(x, (1, 2, 4, 1)), (2, 2), (2, 2), NO)

    assert gradient_of(pool, [[0, 5, 7, 7], [5, 5, 7, 7]]) == [[[0, 1, 1, 0], [0, 0, 0, 0]]]


def test_the_padding_gets_no_gradient_of_max_pool():
    x = np.full((1, 2, 1), -np.inf)

    assert B.value_and_grad(lambda x: B.sum(B.max_pool(x, (2,), (2,), ((1, 1),))))(x)[1].tolist() == [[[1], [1]]]


def test_where_keeps_infinite_gradients_away_from_the_side_not_chosen():
    x = np.array([0.0, 4.0], "float32")

    _, gradient = B.value_and_grad(lambda x: B.sum(B.where(x > 0, B.sqrt(B.where(x > 0, x, 1.0)), 0.0)))(x)
    assert gradient.tolist() == [0, 0.25]


def test_power_has_no_nan_at_zero_and_below():
    assert gradient_of(lambda x: B.power(x, 2), [-2, 0, 2]) == [[-4, 0, 4]]
    assert gradient_of(lambda x: B.power(x, 0), [-2, 0, 2]) == [[0, 0, 0]]
    assert gradient_of(lambda x: B.power(x, 1.0), [-2, 0, 2]) == [[1, 1, 1]]
    assert gradient_of(B.power, [0, -2], [2, 2])[1] == [0, 0]
    assert gradient_of(lambda x: B.power(2.0, x), [0])[0] == pytest.approx([np.log(2)])


def test_equal_infinities_give_logaddexp_a_finite_gradient():
    assert gradient_of(B.logaddexp, [-np.inf, -np.inf, 0], [-np.inf, 0, -np.inf]) == [[0.5, 0, 1], [0.5, 1, 0]]


@pytest.mark.parametrize("name", ["sign", "floor", "ceil", "round", "stop_gradient"])
def test_no_gradient_goes_through_a_flat_function(name):
    assert gradient_of(lambda x: getattr(B, name)(x) * x, [1.5, -2.5]) == [getattr(B, name)(np.array([1.5, -2.5])).tolist()]


def test_the_gradient_flows_through_casts_between_floats_and_keeps_the_arrays_dtype():
    _, gradient = B.value_and_grad(lambda x: B.sum(B.cast(B.cast(x, "float16") * 3, "float64")))(np.ones(2, "float32"))

    assert gradient.tolist() == [3, 3]
    assert gradient.dtype == "float32"


def test_no_gradient_flows_through_integers():
    assert_array_equal(gradient_of(lambda x: B.cast(B.cast(x, "int32"), "float32") + x, [1.5]), [[1]])
