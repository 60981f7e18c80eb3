"""The NumPy backend against the definitions: Python's math module, naive loops, and numbers worked out by hand."""

import inspect
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from cornu import backends, config
from cornu.backends import contract
from cornu.backends.contract import ArraySpec
from cornu.errors import BackendError, InvalidArgumentError

B = backends.get("numpy")
rng = np.random.default_rng(0)


def normal(*shape, dtype="float64"):
    return rng.normal(size=shape).astype(dtype)


def f32(values):
    return np.array(values, "float32")


# --- Elementwise --------------------------------------------------------------------------------------------------------------

ANY = [-2.5, -1.0, -0.3, 0.0, 0.4, 1.0, 2.5]
POSITIVE = [0.1, 0.5, 1.0, 3.0]
WITHIN_ONE = [-0.9, -0.2, 0.0, 0.7]

UNARY = {
    "abs": (ANY, math.fabs),
    "negative": (ANY, lambda x: -x),
    "sign": (ANY, lambda x: math.copysign(1, x) if x else 0),
    "exp": (ANY, math.exp),
    "expm1": (ANY, math.expm1),
    "log": (POSITIVE, math.log),
    "log1p": (POSITIVE, math.log1p),
    "sqrt": (POSITIVE, math.sqrt),
    "rsqrt": (POSITIVE, lambda x: 1 / math.sqrt(x)),
    "square": (ANY, lambda x: x * x),
    "sin": (ANY, math.sin),
    "cos": (ANY, math.cos),
    "tan": (ANY, math.tan),
    "arcsin": (WITHIN_ONE, math.asin),
    "arccos": (WITHIN_ONE, math.acos),
    "arctan": (ANY, math.atan),
    "sinh": (ANY, math.sinh),
    "cosh": (ANY, math.cosh),
    "tanh": (ANY, math.tanh),
    "erf": (ANY, math.erf),
    "sigmoid": (ANY, lambda x: 1 / (1 + math.exp(-x))),
    "relu": (ANY, lambda x: max(x, 0.0)),
    "floor": (ANY, math.floor),
    "ceil": (ANY, math.ceil),
    "round": ([-1.5, -0.5, 0.5, 1.4, 2.5], round),
    "isnan": ([1.0, math.nan, math.inf], math.isnan),
    "isfinite": ([1.0, math.nan, math.inf], math.isfinite),
    "logical_not": ([0.0, 2.0], lambda x: not x),
}


@pytest.mark.parametrize("name", UNARY)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_function_of_one_argument_is_that_of_pythons_math_module(name, dtype):
    values, expected = UNARY[name]
    result = getattr(B, name)(np.array(values, dtype))

    assert_allclose(result, [expected(x) for x in values], rtol=1e-6 if dtype == "float32" else 1e-15, atol=1e-7)
    assert result.dtype == dtype or result.dtype == bool


BINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "floor_divide": lambda x, y: x // y,
    "remainder": lambda x, y: x % y,
    "maximum": max,
    "minimum": min,
    "arctan2": math.atan2,
    "logaddexp": lambda x, y: math.log(math.exp(x) + math.exp(y)),
    "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y,
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
    "logical_and": lambda x, y: bool(x and y),
    "logical_or": lambda x, y: bool(x or y),
    "logical_xor": lambda x, y: bool(x) != bool(y),
}


DECOMPOSITIONS = ("cholesky", "eigh", "eig", "lu", "slogdet", "complex_parts")
OF_BITS = ("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift")


def test_the_tables_have_every_function_of_the_contract():
    """Those of one array, and of two, except those that are no function of single numbers or are tested alone."""
    for table, arguments, others in (
        ("UNARY", ["x"], {"to_numpy", "dtype", "stop_gradient", "is_traced", "shape", *DECOMPOSITIONS, "rfft"}),
        ("BINARY", ["x", "y"], {"matmul", "power", *OF_BITS}),
    ):
        functions = {name: getattr(contract.Backend, name) for name in contract.PRIMITIVES}
        wanted = {name for name, f in functions.items() if list(inspect.signature(f).parameters) == ["self", *arguments]}
        missing = wanted - others - globals()[table].keys()
        assert not missing, f"add a row to {table} for {sorted(missing)}, or name it here if another test tries it"


@pytest.mark.parametrize("name", BINARY)
def test_a_function_of_two_arguments_broadcasts_pythons_own(name):
    x, y = [-2.0, 0.0, 1.5, 3.0], [-1.0, 1.5, 2.0]
    result = getattr(B, name)(np.array(x)[:, None], np.array(y))

    assert_allclose(result, [[BINARY[name](a, b) for b in y] for a in x], rtol=1e-15)


def test_power_takes_negative_bases_to_whole_exponents():
    assert_array_equal(B.power(f32([-2, 3, 0]), f32([3, -1, 0])), f32([-8, 1 / 3, 1]))


def test_where_broadcasts_its_three_arguments():
    assert_array_equal(B.where(np.array([[True], [False]]), f32([1, 2]), 0.0), f32([[1, 2], [0, 0]]))


@pytest.mark.parametrize("x", [-1e4, 1e4])
def test_sigmoid_and_tanh_do_not_overflow(x):
    assert B.sigmoid(f32(x)) == (x > 0)
    assert B.tanh(f32(x)) == np.sign(x)


def test_nothing_warns_where_the_mathematics_gives_infinity_or_nan():
    assert B.log(f32(0)) == -np.inf
    assert B.divide(f32(1), 0) == np.inf
    assert np.isnan(B.sqrt(f32(-1)))
    assert B.exp(f32(1000)) == np.inf
    assert np.isnan(B.mean(np.zeros((0, 2), "float32")))


# --- Dtypes -------------------------------------------------------------------------------------------------------------------

INTEGERS = np.arange(1, 7, dtype="int32").reshape(2, 3)
HALF, SINGLE, DOUBLE = (np.arange(1, 7).reshape(2, 3).astype(dtype) for dtype in ("float16", "float32", "float64"))

DTYPES = {
    "a function of integers": (lambda: B.exp(INTEGERS), "float32"),
    "a function of small integers": (lambda: B.exp(INTEGERS.astype("int8")), "float32"),
    "a function of 64-bit integers": (lambda: B.exp(INTEGERS.astype("int64")), "float32"),
    "a quotient of integers": (lambda: B.divide(INTEGERS, INTEGERS), "float32"),
    "a mean of integers": (lambda: B.mean(INTEGERS), "float32"),
    "a mean of booleans": (lambda: B.mean(INTEGERS > 2), "float32"),
    "a sum of integers": (lambda: B.sum(INTEGERS), "int32"),
    "a sum of small integers": (lambda: B.sum(INTEGERS.astype("uint8"), 0), "uint32"),
    "a sum of booleans": (lambda: B.sum(INTEGERS > 2), "int32"),
    "a product of booleans": (lambda: B.prod(INTEGERS > 0), "int32"),
    "a running sum": (lambda: B.cumsum(INTEGERS, 1), "int32"),
    "indices": (lambda: B.argmax(DOUBLE, 1), "int32"),
    "indices in 64-bit numbers": (lambda: B.argsort(INTEGERS.astype("int64"), 1), "int32"),
    "an integer and a float": (lambda: B.add(INTEGERS, SINGLE), "float32"),
    "an integer and a half float": (lambda: B.add(INTEGERS, HALF), "float16"),
    "a 64-bit integer and a float": (lambda: B.multiply(INTEGERS.astype("int64"), SINGLE), "float32"),
    "signed and unsigned": (lambda: B.add(INTEGERS, INTEGERS.astype("uint32")), "int32"),
    "a Python float and an array": (lambda: B.multiply(HALF, 2.5), "float16"),
    "a Python float and integers": (lambda: B.multiply(INTEGERS, 2.5), "float32"),
    "a Python number and booleans": (lambda: B.multiply(INTEGERS > 2, 2), "int32"),
    "Python numbers alone": (lambda: B.add(1.5, 2), "float32"),
    "a choice of Python numbers": (lambda: B.where(INTEGERS > 2, 1.0, 0.0), "float32"),
    "a power with whole exponents": (lambda: B.power(SINGLE, INTEGERS), "float32"),
    "an error function": (lambda: B.erf(HALF), "float16"),
    "64-bit floats": (lambda: B.add(DOUBLE, SINGLE), "float64"),
    "64-bit floats in a sum": (lambda: B.sum(DOUBLE), "float64"),
    "64-bit integers in a sum": (lambda: B.sum(INTEGERS.astype("int64")), "int64"),
    "rows named by 64-bit indices": (lambda: B.take(SINGLE, np.array([0, 1]), 0), "float32"),
    "a cast": (lambda: B.cast(INTEGERS, "float64"), "float64"),
    "a filled array": (lambda: B.full((2,), 1, "int64"), "int64"),
    "a mean of windows of integers": (
        lambda: B.avg_pool(np.ones((1, 4, 4, 1), "int32"), (2, 2), (2, 2), ((0, 0),) * 2),
        "float32",
    ),
}


@pytest.mark.parametrize("case", DTYPES)
def test_results_have_64_bits_only_if_arguments_have(case):
    function, expected = DTYPES[case]

    assert B.dtype(function()) == expected


def test_integers_become_the_float_type_of_the_settings():
    config.set_floatx("float64")
    try:
        assert B.dtype(B.exp(INTEGERS)) == B.dtype(B.asarray([1.5])) == "float64"
    finally:
        config.set_floatx("float32")


def test_results_are_arrays_and_not_numpy_scalars():
    assert isinstance(B.sum(SINGLE), np.ndarray)
    assert isinstance(B.add(f32(1), f32(2)), np.ndarray)


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        ([1.5], "float32"),
        (2, "int32"),
        (True, "bool"),
        (np.arange(3), "int32"),
        (np.ones(2), "float32"),
        (np.float64(1), "float32"),
        (np.ones(2, "float16"), "float16"),
        (np.ones(2, "uint8"), "uint8"),
    ],
)
def test_data_without_a_dtype_becomes_32_bits_wide_at_most(data, dtype):
    assert B.dtype(B.asarray(data)) == dtype


def test_a_stated_dtype_is_kept():
    assert B.dtype(B.asarray([1.5], "float64")) == "float64"
    assert B.dtype(B.asarray([1], "int64")) == "int64"


def test_asarray_takes_jax_arrays():
    jnp = pytest.importorskip("jax.numpy")

    assert_array_equal(B.asarray(jnp.arange(3.0)), f32([0, 1, 2]))


def test_what_goes_in_and_out_is_copied():
    data = f32([1, 2])
    array = B.asarray(data)
    data[0] = 7
    B.to_numpy(array)[1] = 7

    assert_array_equal(array, f32([1, 2]))


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(InvalidArgumentError, match=r"Received integers from 1 to 1099511627776\. .*'int32'.*`dtype='int64'`"):
        B.asarray([1, 2**40])


def test_text_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"dtype <U3\. .* numbers or booleans.* to indices with `StringLookup`"):
        B.asarray(["cat", "dog"])


def test_bfloat16_is_refused():
    with pytest.raises(BackendError, match=r"'bfloat16' .* NumPy has no bfloat16 dtype.* JAX backend"):
        B.cast(SINGLE, "bfloat16")


def test_an_unknown_dtype_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"`dtype='float23'`.*Did you mean 'float32'\?"):
        B.asarray([1], "float23")


# --- Reductions ---------------------------------------------------------------------------------------------------------------

REDUCTIONS = {"sum": math.fsum, "mean": lambda v: math.fsum(v) / len(v), "prod": math.prod, "max": max, "min": min}


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("keepdims", [False, True])
def test_a_reduction_reduces_the_named_axes(name, keepdims):
    x = normal(2, 3, 4)
    expected = np.array([REDUCTIONS[name](list(x[:, j].ravel())) for j in range(3)])

    assert_allclose(getattr(B, name)(x, (0, -1), keepdims), expected.reshape((1, 3, 1) if keepdims else (3,)), rtol=1e-13)
    assert_allclose(getattr(B, name)(x), REDUCTIONS[name](list(x.ravel())), rtol=1e-13)


def test_all_and_any_reduce_booleans():
    x = np.array([[True, False], [True, True]])

    assert B.all(x, 1).tolist() == [False, True]
    assert B.any(~x, 0).tolist() == [False, True]


def test_argmax_and_argmin_give_the_first_of_equals():
    x = f32([[1, 3, 3], [2, 2, 5]])

    assert B.argmax(x, 1).tolist() == [1, 2]
    assert B.argmin(x, -1).tolist() == [0, 0]


def test_running_sums_and_products_run_along_one_axis():
    x = f32([[1, 2, 3], [4, 5, 6]])

    assert B.cumsum(x, 1).tolist() == [[1, 3, 6], [4, 9, 15]]
    assert B.cumprod(x, 0).tolist() == [[1, 2, 3], [4, 10, 18]]


# --- Shape and indexing -------------------------------------------------------------------------------------------------------


def test_shapes_change_as_in_numpy():
    x = normal(2, 3, 4)

    assert_array_equal(B.reshape(x, (4, -1)), x.ravel().reshape(4, 6))
    assert B.transpose(x, (2, 0, 1))[3, 1, 2] == x[1, 2, 3]
    assert B.broadcast_to(x[0], (5, 3, 4)).shape == (5, 3, 4)
    assert_array_equal(B.concatenate([x, x[:, :1]], 1)[:, 3], x[:, 0])
    assert_array_equal(B.flip(x, (0, 2))[0, 1], x[1, 1, ::-1])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("constant", [9, 9, 1, 2, 3, 9]),
        ("edge", [1, 1, 1, 2, 3, 3]),
        ("reflect", [3, 2, 1, 2, 3, 2]),
        ("symmetric", [2, 1, 1, 2, 3, 3]),
    ],
)
def test_padding_has_four_modes(mode, expected):
    assert B.pad(f32([1, 2, 3]), ((2, 1),), mode, 9).tolist() == expected


def test_creation():
    assert B.full((2, 1), 3.5, "float32").tolist() == [[3.5], [3.5]]
    assert B.arange(5, 0, -2, "int32").tolist() == [5, 3, 1]


def test_take_counts_negative_indices_from_the_end_and_clips_those_outside():
    x = f32([[1, 2, 3], [4, 5, 6]])

    assert B.take(x, np.array([[0, -1], [7, -9]]), 1)[0].tolist() == [[1, 3], [3, 1]]
    assert B.take(x, np.array(1), -2).tolist() == [4, 5, 6]
    assert B.take(x, np.array([200], "uint8"), 0).tolist() == [[4, 5, 6]]


def test_take_along_axis_takes_one_entry_for_each_index():
    x = f32([[1, 2, 3], [4, 5, 6]])

    assert B.take_along_axis(x, np.array([[2, 0], [1, -1]]), 1).tolist() == [[3, 1], [5, 6]]
    assert B.take_along_axis(x, np.array([[1, 0, 1]]), 0).tolist() == [[4, 2, 6]]


def test_index_add_adds_repeatedly_and_drops_what_is_outside():
    x = f32([[1, 1], [2, 2], [3, 3]])
    result = B.index_add(x, np.array([0, 0, -1, 3, -4]), f32([[1, 2], [10, 20], [100, 200], [5, 5], [5, 5]]))

    assert result.tolist() == [[12, 23], [2, 2], [103, 203]]
    assert x[0].tolist() == [1, 1]


def test_getitem_is_numpys():
    x = normal(3, 4)

    assert_array_equal(B.getitem(x, (slice(None, None, 2), None, np.array([1, 1]))), x[::2, None, [1, 1]])
    assert_array_equal(B.getitem(x, x > 0), x[x > 0])


# --- Contractions and sorting -------------------------------------------------------------------------------------------------


def test_matmul_multiplies_stacks_of_matrices():
    x, y = normal(2, 1, 3, 4), normal(5, 4, 2)
    result = B.matmul(x, y)

    assert result.shape == (2, 5, 3, 2)
    assert_allclose(result[1, 3, 2, 0], sum(x[1, 0, 2, k] * y[3, k, 0] for k in range(4)), rtol=1e-14)


def test_tensordot_sums_over_pairs_of_axes():
    x, y = normal(2, 3, 4), normal(4, 5, 2)

    expected = [[sum(x[i, a, k] * y[k, b, i] for i in range(2) for k in range(4)) for b in range(5)] for a in range(3)]
    assert_allclose(B.tensordot(x, y, ([0, 2], [2, 0])), expected, rtol=1e-12)


def test_einsum_sums_over_letters():
    x, y = normal(2, 3), normal(3, 2)

    assert_allclose(B.einsum("ij,ji->", x, y), sum(x[i, j] * y[j, i] for i in range(2) for j in range(3)), rtol=1e-13)


def test_singular_values_are_the_square_roots_of_eigenvalues():
    x = normal(2, 3, 4)

    expected = [np.sqrt(np.linalg.eigvalsh(matrix @ matrix.T))[::-1] for matrix in x]
    assert_allclose(B.svd(x, compute_uv=False), expected, rtol=1e-10)


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (3, 5)])
def test_the_factors_of_a_decomposition_multiply_to_the_matrix(shape, is_complex):
    x = normal(2, *shape) + (1j * normal(2, *shape) if is_complex else 0)
    rank = min(shape)

    for full in (False, True):
        q, r = B.qr(x, full)
        u, s, vh = B.svd(x, full)
        assert_allclose(q @ r, x, atol=1e-12)
        assert_allclose(np.tril(r, -1), 0, atol=1e-12)
        assert_allclose(
            q.conj().swapaxes(-1, -2) @ q, np.broadcast_to(np.eye(q.shape[-1]), (2, q.shape[-1], q.shape[-1])), atol=1e-12
        )
        assert_allclose((u[..., :rank] * s[..., None, :]) @ vh[..., :rank, :], x, atol=1e-12)
        assert (q.shape[-1], u.shape[-1], vh.shape[-2]) == ((shape[0], *shape) if full else (rank,) * 3)
    factors, pivots = B.lu(x)
    for i in range(2):
        rows = x[i].copy()
        for row, pivot in enumerate(pivots[i]):
            rows[[row, pivot]] = rows[[pivot, row]]
        lower = np.tril(factors[i], -1)[:, :rank] + np.eye(shape[0], rank)
        assert_allclose(lower @ np.triu(factors[i])[:rank], rows, atol=1e-12)


@pytest.mark.parametrize("is_complex", [False, True])
def test_eigenvectors_are_scaled_by_their_matrix(is_complex):
    x = normal(2, 4, 4) + (1j * normal(2, 4, 4) if is_complex else 0)
    hermitian = x + x.conj().swapaxes(-1, -2)

    for matrices, (w, v) in ((x, B.eig(x)), (hermitian, B.eigh(hermitian))):
        assert_allclose(matrices @ v, v * w[..., None, :], atol=1e-12)
    assert B.eigh(hermitian)[0].dtype == "float64"
    assert B.eig(x)[0].dtype == B.eig(x)[1].dtype == "complex128"
    assert (np.diff(B.eigh(hermitian)[0]) > 0).all()


def test_cholesky_marks_matrices_that_are_not_positive_definite():
    found = B.cholesky(np.array([[[4.0, 2], [2, 5]], [[1, 2], [2, 1]]]))

    assert found[0].tolist() == [[2, 0], [1, 2]]
    assert np.isnan(np.diagonal(found[1])).all()


@pytest.mark.parametrize("lower", [False, True])
def test_triangular_systems_are_solved_from_one_triangle(lower):
    a, b = normal(2, 4, 4) + 3 * np.eye(4), normal(2, 4, 3)

    assert_allclose((np.tril(a) if lower else np.triu(a)) @ B.solve_triangular(a, b, lower), b, atol=1e-12)
    assert_allclose(a @ B.solve(a, b), b, atol=1e-12)


def test_a_singular_matrix_has_no_finite_solution_and_no_determinant():
    a = np.stack([np.eye(2), np.ones((2, 2))])

    assert np.isfinite(B.solve(a, a)).all((1, 2)).tolist() == [True, False]
    assert [part.tolist() for part in B.slogdet(a)] == [[1, 0], [0, -np.inf]]


def test_a_determinant_is_the_signed_volume():
    x = normal(5, 2, 2)
    sign, logarithm = B.slogdet(x)

    assert_allclose(sign * np.exp(logarithm), x[:, 0, 0] * x[:, 1, 1] - x[:, 0, 1] * x[:, 1, 0], rtol=1e-10)


@pytest.mark.parametrize("size", [6, 7])
def test_fourier_transforms_are_the_sums_of_their_definition(size):
    x, y = normal(2, size), normal(2, size)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(size), np.arange(size)) / size)
    expected = (x + 1j * y) @ waves

    assert_allclose(B.fft(x, y), (expected.real, expected.imag), atol=1e-12)
    assert_allclose(B.fft(expected.real, expected.imag, True), (x, y), atol=1e-12)
    half = (x @ waves)[:, : size // 2 + 1]
    assert_allclose(B.rfft(x), (half.real, half.imag), atol=1e-12)
    assert_allclose(B.irfft(half.real, half.imag, size), x, atol=1e-12)


def test_complex_numbers_have_two_parts():
    x, y = normal(2, 3, dtype="float32"), normal(2, 3, dtype="float32")
    numbers = B.complex(x, y)

    assert numbers.dtype == "complex64"
    assert_array_equal(B.complex_parts(numbers), (x, y))
    assert_array_equal(B.cast(numbers, "float32"), x)
    assert B.abs(numbers).dtype == "float32"
    assert B.add(numbers, np.arange(3, dtype="int32")).dtype == "complex64"
    assert B.add(numbers, normal(3)).dtype == "complex128"


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint64", "bool"])
def test_functions_of_bits_are_pythons(dtype):
    numbers = [0, 1] if dtype == "bool" else [0, 1, 6, 77, np.iinfo(dtype).max, np.iinfo(dtype).min]
    x, y = (part.ravel() for part in np.meshgrid(np.array(numbers, dtype), np.array(numbers, dtype)))
    pairs = list(zip(x.tolist(), y.tolist(), strict=True))

    assert B.bitwise_and(x, y).tolist() == [a & b for a, b in pairs]
    assert B.bitwise_or(x, y).tolist() == [a | b for a, b in pairs]
    assert B.bitwise_xor(x, y).tolist() == [a ^ b for a, b in pairs]
    if dtype != "bool":
        three = np.full(x.shape, 3, dtype)
        assert B.right_shift(x, three).tolist() == [a >> 3 for a in x.tolist()]
        assert B.left_shift(x, three).tolist() == (x * np.array(8, dtype)).tolist()


def test_bits_are_cast_without_a_change():
    assert B.bitcast(f32([1, -2]), "uint32").tolist() == [0x3F800000, 0xC0000000]
    assert B.bitcast(f32([[1], [-2]]), "uint8").tolist() == [[0, 0, 0x80, 0x3F], [0, 0, 0, 0xC0]]


def test_argsort_keeps_the_order_of_equals():
    x = rng.integers(3, size=100)

    assert B.argsort(f32(x), 0).tolist() == sorted(range(100), key=lambda i: x[i])


def test_top_k_gives_the_first_of_equals_first():
    values, indices = B.top_k(f32([[1, 3, 2, 3], [5, 4, 4, 0]]), 3)

    assert values.tolist() == [[3, 3, 2], [5, 4, 4]]
    assert indices.tolist() == [[1, 3, 2], [0, 1, 2]]
    assert B.dtype(indices) == "int32"


def test_top_k_of_bytes():
    assert B.top_k(np.array([1, 255, 0], "uint8"), 2)[1].tolist() == [1, 0]


# --- Convolution and pooling --------------------------------------------------------------------------------------------------


def padded(x, padding, value=0.0):
    return np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=value)


def naive_windows(size, window, strides, padding, dilation):
    """For each output position, for each place in its window: the position in the padded image."""
    sizes = [n + sum(p) for n, p in zip(size, padding, strict=True)]
    outputs = [(n - (w - 1) * d - 1) // s + 1 for n, w, s, d in zip(sizes, window, strides, dilation, strict=True)]
    for output in itertools.product(*map(range, outputs)):
        for place in itertools.product(*map(range, window)):
            pixel = tuple(o * s + p * d for o, s, p, d in zip(output, strides, place, dilation, strict=True))
            yield output, place, pixel, tuple(outputs)


def naive_conv(x, kernel, strides, padding, dilation, groups):
    filters, per_group = kernel.shape[-1], kernel.shape[-2]
    result = None
    for output, place, pixel, outputs in naive_windows(x.shape[1:-1], kernel.shape[:-2], strides, padding, dilation):
        if result is None:
            result = np.zeros((len(x), *outputs, filters))
        for b, c, f in itertools.product(range(len(x)), range(per_group), range(filters)):
            channel = f // (filters // groups) * per_group + c
            result[(b, *output, f)] += padded(x, padding)[(b, *pixel, channel)] * kernel[(*place, c, f)]
    return result


@st.composite
def geometries(draw, dilated=True):
    """Spatial size, window, strides, padding and dilation of one to three axes, at least one window fitting."""
    axes = []
    for _ in range(draw(st.integers(1, 3))):
        window, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2)) if dilated else 1
        reach = (window - 1) * dilation + 1
        pads = draw(st.tuples(*[st.integers(0, window - 1)] * 2))
        size = draw(st.integers(max(reach - sum(pads), 1), reach + 2))
        axes.append((size, window, draw(st.integers(1, 3)), pads, dilation))
    return tuple(zip(*axes, strict=True))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(geometries(), st.integers(1, 3), st.integers(1, 2), st.integers(1, 2))
def test_conv_is_the_naive_loop(geometry, groups, per_group, filters):
    size, window, strides, padding, dilation = geometry
    x, kernel = normal(2, *size, groups * per_group), normal(*window, per_group, groups * filters)

    result = B.conv(x, kernel, strides, padding, dilation, groups)
    assert_allclose(result, naive_conv(x, kernel, strides, padding, dilation, groups), rtol=1e-10, atol=1e-12)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(geometries())
def test_conv_transpose_is_the_transpose_of_conv(geometry):
    size, window, strides, padding, dilation = geometry
    x, kernel = normal(2, *size, 3), normal(*window, 3, 2)
    forward = B.conv(x, kernel, strides, padding, dilation)
    y = normal(*forward.shape)

    back = B.conv_transpose(y, kernel, size, strides, padding, dilation)
    assert back.shape == x.shape
    assert_allclose(np.sum(forward * y), np.sum(x * back), rtol=1e-10, atol=1e-10)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(geometries(dilated=False))
def test_pooling_is_the_naive_loop_and_does_not_see_the_padding(geometry):
    size, window, strides, padding, _ = geometry
    x = normal(2, *size, 3) - 10  # far below the padding's zeros
    seen = {}
    for output, _, pixel, _ in naive_windows(size, window, strides, padding, (1,) * len(size)):
        seen.setdefault(output, []).append(padded(x, padding, np.nan)[(slice(None), *pixel, slice(None))])

    largest, means = B.max_pool(x, window, strides, padding), B.avg_pool(x, window, strides, padding)
    for output, values in seen.items():
        inside = [value for value in values if not np.isnan(value).any()]
        if inside:  # the window may lie in the padding alone
            assert_allclose(largest[(slice(None), *output, slice(None))], np.max(inside, axis=0))
            assert_allclose(means[(slice(None), *output, slice(None))], np.mean(inside, axis=0))


def test_max_pool_of_integers_does_not_see_the_padding():
    assert B.max_pool(np.full((1, 2, 1), -3, "int32"), (2,), (1,), ((1, 1),)).tolist() == [[[-3]] * 3]


def test_an_empty_batch_goes_through_convolution_and_pooling():
    x, no = np.zeros((0, 4, 4, 3), "float32"), ((0, 0), (0, 0))

    assert B.conv(x, normal(3, 3, 3, 5, dtype="float32"), (1, 1), no, (1, 1)).shape == (0, 2, 2, 5)
    assert B.max_pool(x, (2, 2), (2, 2), no).shape == (0, 2, 2, 3)


# --- Control flow -------------------------------------------------------------------------------------------------------------


def test_scan_carries_along_the_first_axis():
    carry, ys = B.scan(lambda c, x: (c + x["a"], (c * x["b"], None)), f32(1), {"a": f32([1, 2, 3]), "b": f32([10, 100, 1000])})

    assert carry == 7
    assert ys[0].tolist() == [10, 200, 4000]
    assert ys[1] is None


def test_scan_backwards_starts_at_the_end():
    _, ys = B.scan(lambda c, x: (c + x, c), f32(0), f32([1, 2, 3]), reverse=True)

    assert ys.tolist() == [5, 3, 0]


def test_scan_over_nothing_gives_empty_arrays():
    carry, ys = B.scan(lambda c, x: (c, B.concatenate([x, c], 0)), f32([1]), np.zeros((0, 2), "float32"))

    assert carry.tolist() == [1]
    assert ys.shape == (0, 3)


def test_while_loop_runs_as_long_as_its_condition_holds():
    assert B.while_loop(lambda v: v["n"] < 10, lambda v: {"n": v["n"] * 2}, {"n": np.int32(3)}) == {"n": 12}


def test_cond_calls_one_of_two_functions():
    assert B.cond(np.array(True), lambda x, y: x, lambda x, y: y, 1, 2) == 1
    assert B.cond(np.array(False), lambda x, y: x, lambda x, y: y, 1, 2) == 2


# --- Random numbers -----------------------------------------------------------------------------------------------------------

KEY = np.array([7, 1], "uint32")


@pytest.mark.parametrize("draw", [B.random_uniform, B.random_normal])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_same_key_gives_the_same_numbers_and_another_key_gives_others(draw, dtype):
    numbers = draw(KEY, (4, 5), dtype)

    assert numbers.shape == (4, 5)
    assert B.dtype(numbers) == dtype
    assert_array_equal(numbers, draw(KEY.copy(), (4, 5), dtype))
    for other in ([7, 2], [8, 1], B.fold_in(KEY, 0), B.fold_in(KEY, 1)):
        assert not np.array_equal(numbers, draw(np.array(other, "uint32"), (4, 5), dtype))


def test_random_numbers_have_their_distribution():
    uniform, gaussian = B.random_uniform(KEY, (20000,), "float16"), B.random_normal(KEY, (20000,), "float32")

    assert 0 <= uniform.min() < 0.001
    assert 0.999 < uniform.max() < 1
    assert abs(uniform.mean(dtype="float64") - 0.5) < 0.01
    assert abs(gaussian.mean()) < 0.03
    assert abs(gaussian.std() - 1) < 0.02


def test_fold_in_gives_a_key_for_each_number():
    keys = [B.fold_in(KEY, data) for data in (0, 1, -1, np.int32(5), np.array(6))]

    assert {(key.shape, B.dtype(key)) for key in keys} == {((2,), "uint32")}
    assert len({tuple(key.tolist()) for key in keys}) == 5
    assert_array_equal(B.fold_in(KEY, 1), keys[1])


def test_the_numbers_of_a_key_never_change():
    assert B.fold_in(KEY, 3).tolist() == [1916955614, 3708975997]
    assert_allclose(B.random_uniform(KEY, (2,), "float64"), [0.8824668302545412, 0.3690383346754841], rtol=1e-15)


# --- Transforms and devices ---------------------------------------------------------------------------------------------------


def test_compile_changes_nothing_but_silences_numpy():
    assert B.compile(lambda tree: tree["x"] / 0)({"x": f32([1])}).tolist() == [np.inf]


def test_abstract_eval_gives_shapes_and_dtypes_of_trees():
    def f(tree, n):
        return {"sum": B.sum(tree["x"], 1), "parts": [B.exp(n), None, B.cast(tree["y"], "float16")]}

    result = B.abstract_eval(f, {"x": ArraySpec((2, 3), "float32"), "y": ArraySpec((), "int32")}, ArraySpec((4,), "int32"))
    assert result == {"sum": ArraySpec((2,), "float32"), "parts": [ArraySpec((4,), "float32"), None, ArraySpec((), "float16")]}


def test_abstract_eval_of_a_function_of_one_spec_gives_one_spec():
    assert B.abstract_eval(lambda x: x / x, ArraySpec((2,), "float32")) == ArraySpec((2,), "float32")


def test_there_is_one_device():
    x = f32([1])

    assert B.devices() == ["cpu:0"]
    assert B.to_device(x, "cpu:0") is x
    with pytest.raises(InvalidArgumentError, match=r"`device='gpu:0'`.*'cpu:0'"):
        B.to_device(x, "gpu:0")
    B.synchronize({"x": x})
