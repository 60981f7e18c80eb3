"""The dtypes of the results of ops are those of Keras, and the values are right, for arrays of ten dtypes on every engine."""

import functools
import warnings

import jax
import keras
import ml_dtypes
import numpy as np
import pytest

from cornu import backends, ops, trees
from cornu.backends import contract

DTYPES = ("bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "bfloat16", "float16", "float32")
FLOATS = DTYPES[-3:]
INTEGERS = DTYPES[:7]

VALUES = [[3, 1, 2], [1, 4, 2], [2, 1, 5]]
OTHER = [[1, 2, 2], [3, 1, 1], [2, 2, 4]]


def data(values, dtype):
    return np.array(values, ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


ALONE = {
    **{
        name: (lambda o, x, name=name: getattr(o, name)(x))
        for name in (
            *[
                "abs",
                "absolute",
                "negative",
                "sign",
                "square",
                "exp",
                "exp2",
                "expm1",
                "log",
                "log1p",
                "log2",
                "log10",
                "sqrt",
                "cbrt",
                "reciprocal",
            ],
            *[
                "floor",
                "ceil",
                "trunc",
                "round",
                "sin",
                "cos",
                "tan",
                "arctan",
                "sinh",
                "cosh",
                "tanh",
                "arcsinh",
                "arccosh",
                "arctanh",
                "arcsin",
                "arccos",
            ],
            *["deg2rad", "rad2deg", "isnan", "isfinite", "isinf", "isposinf", "isneginf", "nan_to_num", "logical_not"],
            *[
                "sum",
                "mean",
                "prod",
                "max",
                "min",
                "amax",
                "amin",
                "ptp",
                "all",
                "any",
                "count_nonzero",
                "argmax",
                "argmin",
                "cumsum",
                "cumprod",
                "var",
                "std",
            ],
            *[
                "logsumexp",
                "average",
                "median",
                "sort",
                "argsort",
                "trace",
                "diag",
                "diagonal",
                "tril",
                "triu",
                "ravel",
                "transpose",
                "flip",
                "fliplr",
            ],
            *["flipud", "rot90", "squeeze", "zeros_like", "ones_like", "empty_like", "diff", "unstack"],
            *[
                "relu",
                "relu6",
                "leaky_relu",
                "elu",
                "celu",
                "selu",
                "softplus",
                "softsign",
                "gelu",
                "hard_sigmoid",
                "hard_silu",
                "hard_tanh",
            ],
            *["tanh_shrink", "soft_shrink", "hard_shrink", "squareplus", "sparse_plus", "sparse_sigmoid", "erfinv"],
            *["erf", "rsqrt", "sigmoid", "silu", "swish", "hard_swish", "log_sigmoid", "softmax", "log_softmax", "sparsemax"],
        )
    },
    "erfc": lambda o, x: o.erfc(x),
    "sum over an axis": lambda o, x: o.sum(x, 0, keepdims=True),
    "prod over an axis": lambda o, x: o.prod(x, 1),
    "clip": lambda o, x: o.clip(x, 1, 2),
    "clip with floats": lambda o, x: o.clip(x, 0.5, 2.5),
    "round to tens": lambda o, x: o.round(x, -1),
    "round to tenths": lambda o, x: o.round(x, 1),
    "threshold": lambda o, x: o.threshold(x, 1.0, 0.0),
    "normalize": lambda o, x: o.normalize(x),
    "glu": lambda o, x: o.glu(o.concatenate([x, x], 1)),
    "norm": lambda o, x: o.norm(x),
    "norm of rows": lambda o, x: o.norm(x, 1, axis=1),
    "quantile": lambda o, x: o.quantile(x, 0.5),
    "percentile": lambda o, x: o.percentile(x, 30, axis=0),
    "moments": lambda o, x: o.moments(x, 0),
    "top_k": lambda o, x: o.top_k(x, 2),
    "full_like": lambda o, x: o.full_like(x, 1),
    "pad": lambda o, x: o.pad(x, 1),
    "pad with ones": lambda o, x: o.pad(x, 1, constant_values=1),
    "repeat": lambda o, x: o.repeat(x, 2),
    "tile": lambda o, x: o.tile(x, 2),
    "roll": lambda o, x: o.roll(x, 1),
    "reshape": lambda o, x: o.reshape(x, (9,)),
    "split": lambda o, x: o.split(x, 3),
    "take": lambda o, x: o.take(x, [0, 2], 1),
    "stack": lambda o, x: o.stack([x, x]),
    "one_hot": lambda o, x: o.one_hot(x, 6),
    "bincount": lambda o, x: o.bincount(o.ravel(x)),
    "max with initial": lambda o, x: o.max(x, initial=2),
    "einsum of one": lambda o, x: o.einsum("ij->j", x),
    "cast": lambda o, x: o.cast(x, "int32"),
    "segment_sum": lambda o, x: o.segment_sum(x, np.int32([0, 2, 0]), 3),
    "slice": lambda o, x: o.slice(x, (0, 1), (2, 2)),
    "cumsum in int32": lambda o, x: o.cumsum(x, 0, "int32"),
    "prod in float32": lambda o, x: o.prod(x, 0, dtype="float32"),
    "plus an integer": lambda o, x: o.add(x, 1),
    "plus a float": lambda o, x: o.add(x, 1.5),
    "times an integer": lambda o, x: o.multiply(2, x),
    "times a float": lambda o, x: o.multiply(x, 0.5),
    "minus an integer": lambda o, x: o.subtract(x, 1),
    "minus a float": lambda o, x: o.subtract(x, 1.5),
    "over an integer": lambda o, x: o.divide(x, 2),
    "over a float": lambda o, x: o.divide(x, 2.0),
    "power of an integer": lambda o, x: o.power(x, 2),
    "power of a float": lambda o, x: o.power(x, 0.5),
    "modulo an integer": lambda o, x: o.mod(x, 2),
    "floor_divide by an integer": lambda o, x: o.floor_divide(x, 2),
    "maximum with an integer": lambda o, x: o.maximum(x, 2),
    "maximum with a float": lambda o, x: o.maximum(x, 2.5),
    "arctan2 of a float": lambda o, x: o.arctan2(x, 2.0),
    "hypot of a float": lambda o, x: o.hypot(x, 2.0),
    "logaddexp of a float": lambda o, x: o.logaddexp(x, 2.0),
    "where with an integer": lambda o, x: o.where(o.greater(x, 1), x, 2),
    "where with a float": lambda o, x: o.where(o.greater(x, 1), x, 2.5),
    "less than an integer": lambda o, x: o.less(x, 2),
    "less than a float": lambda o, x: o.less(x, 1.5),
    "linspace": lambda o, x: o.linspace(x, x, 3),
    "logspace": lambda o, x: o.logspace(x, x, 2),
}
PAIRS = {
    **{
        name: (lambda o, x, y, name=name: getattr(o, name)(x, y))
        for name in (
            *[
                "add",
                "subtract",
                "multiply",
                "divide",
                "true_divide",
                "floor_divide",
                "mod",
                "power",
                "maximum",
                "minimum",
                "logaddexp",
            ],
            *[
                "arctan2",
                "hypot",
                "divide_no_nan",
                "equal",
                "not_equal",
                "less",
                "less_equal",
                "greater",
                "greater_equal",
                "isclose",
            ],
            *[
                "logical_and",
                "logical_or",
                "logical_xor",
                "matmul",
                "dot",
                "inner",
                "outer",
                "vdot",
                "tensordot",
                "kron",
                "cross",
                "append",
            ],
        )
    },
    "average": lambda o, x, y: o.average(x, weights=y),
    "average of rows": lambda o, x, y: o.average(x, axis=1, weights=y[0]),
    "where": lambda o, x, y: o.where(o.greater(x, 1), x, y),
    "select": lambda o, x, y: o.select([o.greater(x, 1)], [x], y),
    "concatenate": lambda o, x, y: o.concatenate([x, y]),
    "stack": lambda o, x, y: o.stack([x, y]),
    "vstack": lambda o, x, y: o.vstack([x, y]),
    "hstack": lambda o, x, y: o.hstack([x, y]),
    "dstack": lambda o, x, y: o.dstack([x, y]),
    "einsum": lambda o, x, y: o.einsum("ij,jk->ik", x, y),
    "clip": lambda o, x, y: o.clip(x, 1, y),
    "searchsorted": lambda o, x, y: o.searchsorted(o.sort(x[0]), y),
    "digitize": lambda o, x, y: o.digitize(x, [1, 3]),
    "allclose": lambda o, x, y: o.allclose(x, y),
    "linspace": lambda o, x, y: o.linspace(x, y, 3),
    "scatter_update": lambda o, x, y: o.scatter_update(x, [[0]], y[:1]),
    "slice_update": lambda o, x, y: o.slice_update(x, (0, 0), y[:1]),
    "full_like": lambda o, x, y: o.full_like(x, y[0, 0]),
    "categorical_crossentropy": lambda o, x, y: o.categorical_crossentropy(x, y),
    "binary_crossentropy": lambda o, x, y: o.binary_crossentropy(o.minimum(x, 1), o.minimum(y, 1)),
    "batch_normalization": lambda o, x, y: o.batch_normalization(x, y[0], y[0], -1),
}

BETTER = {
    **dict.fromkeys(
        ("erf", "rsqrt", "sigmoid", "silu", "swish", "normalize", "glu", "log_sigmoid", "softmax", "log_softmax"), "float32"
    ),
    **{"round": "bool", "round to tens": "bool", "round to tenths": "bool", "kron": "bool"},
}
"""Dtypes of the results of ops for integers or booleans of which Keras on JAX makes an error."""


def told(results, dtype):
    return [(dtype(x), tuple(x.shape)) if hasattr(x, "shape") else x for x in trees.leaves(results)]


@functools.cache
def of_keras(name, *dtypes):
    """Dtypes and shapes of Keras's results, without computing them where that is possible; None for an error."""
    function = ALONE.get(name) if len(dtypes) == 1 else PAIRS[name]
    arrays = [keras.ops.convert_to_tensor(data(values, dtype)) for values, dtype in zip((VALUES, OTHER), dtypes, strict=False)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            try:
                results = jax.eval_shape(lambda *arrays: function(keras.ops, *arrays), *arrays)
            except (jax.errors.ConcretizationTypeError, jax.errors.TracerArrayConversionError):
                results = function(keras.ops, *arrays)
        except (TypeError, ValueError):
            return None
    return told(results, lambda x: keras.backend.standardize_dtype(x.dtype))


def check_dtypes(backend, name, *dtypes):
    """Assert that the results have Keras's dtypes and shapes, or where Keras makes an error, those of ``BETTER``."""
    expected = of_keras(name, *dtypes)
    if expected is None and name in BETTER:
        expected = [(BETTER[name], shape) for _, shape in of_keras(name, *("float32" for _ in dtypes))]
    if expected is not None:
        assert of_cornu(backend, name, *dtypes) == expected, f"{name}{dtypes}"


def of_cornu(backend, name, *dtypes):
    """Dtypes and shapes of our results. On JAX, where each op would be compiled, they are those of compiled code."""
    engine = backends.get(backend)
    function = ALONE.get(name) if len(dtypes) == 1 else PAIRS[name]
    arrays = [engine.asarray(data(values, dtype)) for values, dtype in zip((VALUES, OTHER), dtypes, strict=False)]
    if backend != "jax" or name == "bincount":
        return told(function(ops, *arrays), engine.dtype)
    specs = [contract.ArraySpec(tuple(x.shape), engine.dtype(x)) for x in arrays]
    found = engine.abstract_eval(lambda *arrays: trees.leaves(function(ops, *arrays)), *specs)
    return [(spec.dtype, spec.shape) for spec in found]


def dtypes_of(backend):
    return [dtype for dtype in DTYPES if not (backend == "numpy" and dtype == "bfloat16")]


@pytest.mark.parametrize("name", ALONE)
def test_the_result_of_an_array_has_the_dtype_of_keras(name, backend):
    for dtype in dtypes_of(backend):
        check_dtypes(backend, name, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", PAIRS)
def test_the_result_of_two_arrays_has_the_dtype_of_keras(name, dtype, backend):
    for other in dtypes_of(backend):
        if dtype in dtypes_of(backend):
            check_dtypes(backend, name, dtype, other)


# --- Values, compared with NumPy in float64 ---------------------------------------------------------------------------


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


SAME_IN_NUMPY = (
    *[
        "abs",
        "negative",
        "sign",
        "square",
        "exp",
        "exp2",
        "expm1",
        "log",
        "log1p",
        "log2",
        "log10",
        "sqrt",
        "cbrt",
        "reciprocal",
        "floor",
        "ceil",
        "trunc",
        "round",
        "sin",
    ],
    *[
        "cos",
        "tan",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "arcsinh",
        "arccosh",
        "arctanh",
        "arcsin",
        "arccos",
        "deg2rad",
        "rad2deg",
        "isnan",
        "isfinite",
        "isinf",
    ],
    *[
        "logical_not",
        "sum",
        "mean",
        "prod",
        "max",
        "min",
        "ptp",
        "all",
        "any",
        "count_nonzero",
        "argmax",
        "argmin",
        "cumsum",
        "cumprod",
        "var",
        "std",
        "average",
    ],
    *[
        "median",
        "sort",
        "trace",
        "diag",
        "diagonal",
        "tril",
        "triu",
        "ravel",
        "transpose",
        "flip",
        "fliplr",
        "flipud",
        "rot90",
        "diff",
        "nan_to_num",
    ],
)
REFERENCES = {
    **{name: getattr(np, name) for name in SAME_IN_NUMPY},
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "sigmoid": sigmoid,
    "silu": lambda x: x * sigmoid(x),
    "log_sigmoid": lambda x: np.log(sigmoid(x)),
    "softmax": softmax,
    "log_softmax": lambda x: np.log(softmax(x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "logsumexp": lambda x: np.log(np.exp(x).sum()),
    "normalize": lambda x: x / np.sqrt((x * x).sum(-1, keepdims=True)),
    "norm": lambda x: np.sqrt((x * x).sum()),
    "clip": lambda x: np.clip(x, 1, 2),
    "round to tens": lambda x: np.round(x, -1),
    "quantile": lambda x: np.quantile(x, 0.5),
    "plus a float": lambda x: x + 1.5,
    "power of an integer": lambda x: x**2,
    "over an integer": lambda x: x / 2,
    "one_hot": lambda x: np.eye(6)[x.astype(int)],
    "bincount": lambda x: np.bincount(x.astype(int).ravel()),
    "einsum of one": lambda x: x.sum(0),
    "segment_sum": lambda x: np.stack([x[0] + x[2], 0 * x[0], x[1]]),
}
REFERENCES_OF_PAIRS = {
    **{
        name: getattr(np, name)
        for name in (
            *[
                "add",
                "subtract",
                "multiply",
                "divide",
                "floor_divide",
                "mod",
                "power",
                "maximum",
                "minimum",
                "logaddexp",
                "arctan2",
                "hypot",
                "equal",
            ],
            *[
                "not_equal",
                "less",
                "less_equal",
                "greater",
                "greater_equal",
                "logical_and",
                "logical_or",
                "logical_xor",
                "matmul",
                "dot",
                "inner",
            ],
            *["outer", "vdot", "tensordot", "kron"],
        )
    },
    "average": lambda x, y: np.average(x, weights=y),
    "einsum": np.matmul,
    "concatenate": lambda x, y: np.concatenate([x, y]),
}
TOLERANCES = {"bfloat16": 0.04, "float16": 0.006, "float32": 2e-5}


def check_values(result, reference, engine, dtype):
    name = engine.dtype(result)
    values = engine.to_numpy(result).astype("float64")
    if name in TOLERANCES:
        coarse = max(TOLERANCES[name], TOLERANCES.get(dtype, 0))
        np.testing.assert_allclose(values, reference, rtol=coarse, atol=coarse)
    else:
        wrapped = np.asarray(reference, "int64").astype(name)  # as in NumPy: unsigned differences and small products wrap
        np.testing.assert_array_equal(values, wrapped.astype("float64"))


@pytest.mark.parametrize("name", REFERENCES)
def test_the_values_of_an_array_are_those_of_numpy(name, engine, backend):
    for dtype in dtypes_of(backend):
        if dtype != "bool" and not (name == "bincount" and dtype in FLOATS):
            with np.errstate(all="ignore"):
                reference = REFERENCES[name](np.float64(VALUES))
            check_values(ALONE[name](ops, engine.asarray(data(VALUES, dtype))), reference, engine, dtype)


@pytest.mark.parametrize("name", REFERENCES_OF_PAIRS)
def test_the_values_of_two_arrays_are_those_of_numpy(name, engine, backend):
    for one, other in [
        *((dtype, dtype) for dtype in DTYPES[1:]),
        ("uint16", "int8"),
        ("int8", "float16"),
        ("uint32", "float32"),
    ]:
        if {one, other} <= set(dtypes_of(backend)):
            reference = REFERENCES_OF_PAIRS[name](np.float64(VALUES), np.float64(OTHER))
            arrays = engine.asarray(data(VALUES, one)), engine.asarray(data(OTHER, other))
            check_values(PAIRS[name](ops, *arrays), reference, engine, one if one in FLOATS else other)


# --- Sums and counts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "of_sum"), [("bool", "int32"), ("uint8", "uint32"), ("int8", "int32"), ("uint16", "uint32"), ("int16", "int32")]
)
def test_sums_of_small_integers_do_not_overflow(dtype, of_sum, engine, check):
    largest = 1 if dtype == "bool" else np.iinfo(dtype).max
    values = np.full((300, 2), largest, dtype)
    x = engine.asarray(values)
    check(ops.sum(x), np.array(600 * largest, of_sum))
    check(ops.sum(x, 0), np.full(2, 300 * largest, of_sum))
    check(ops.trace(x[:2]), np.array(2 * largest, of_sum))
    check(ops.prod(x[:1]), np.array(largest**2, of_sum))
    check(ops.mean(x), np.array(largest, "float32"))


def test_counts_are_right_beyond_the_integers_of_float32(engine):
    count = 2**24 + 3
    x = engine.asarray(np.ones(count, "uint8"))
    for total in (ops.sum(x), ops.count_nonzero(x), ops.sum(ops.equal(x, 1)), ops.bincount(x)[1]):
        assert int(total) == count
    assert float(ops.mean(x)) == float(ops.mean(ops.cast(x, "bool"))) == 1.0


def test_products_of_int8_do_not_overflow(engine, check):
    x = engine.asarray(np.full((2, 100), 100, "int8"))
    for product in (ops.matmul(x, ops.transpose(x)), ops.einsum("ij,kj->ik", x, x)):
        check(product, np.full((2, 2), 1_000_000, "int32"))
    check(ops.einsum("ij->i", x), np.full(2, 10_000, "int32"))


def test_an_average_in_half_precision_is_accumulated_in_single_precision(engine, check):
    x, weights = engine.asarray(np.full(3000, 100, "float16")), engine.asarray(np.ones(3000, "int8"))
    check(ops.average(x, weights=weights), np.float16(100))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32"])
def test_bounds_below_zero_do_not_wrap_for_unsigned_integers(dtype, engine, check):
    check(ops.hard_tanh(engine.asarray(np.array([0, 1, 5], dtype))), np.array([0, 1, 1], dtype))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32"])
def test_integers_are_rounded_to_tens_without_floats(dtype, engine, check):
    values = np.array([0, 4, 5, 6, 15, 25, 26, 114], dtype)
    large = np.array([2_000_000_005], dtype) if dtype.endswith("32") else values[:0]
    x = engine.asarray(np.concatenate([values, large]))
    check(ops.round(x, -1), np.concatenate([np.array([0, 0, 0, 10, 20, 20, 30, 110], dtype), large - large % 10]))
    check(ops.round(x, 2), np.concatenate([values, large]))


def test_negative_integers_are_rounded_to_tens(engine, check):
    check(ops.round(engine.asarray(np.int8([-4, -5, -6, -15, -25])), -1), np.int8([0, 0, -10, -20, -20]))


@pytest.mark.parametrize("name", ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "uint32", "int32"])
def test_comparisons_with_a_number_outside_the_range_do_not_wrap(name, dtype, engine, check):
    limits = np.iinfo(dtype)
    values = np.array([limits.min, 5, limits.max], dtype)
    for number in (-1, limits.min - 1, limits.max + 1):
        check(getattr(ops, name)(engine.asarray(values), number), getattr(np, name)(values.astype("int64"), number))
        check(getattr(ops, name)(number, engine.asarray(values)), getattr(np, name)(number, values.astype("int64")))


def test_bounds_outside_the_range_do_not_wrap(engine, check):
    values = np.uint8([0, 5, 255])
    x = engine.asarray(values)
    check(ops.maximum(x, -1), values)
    check(ops.minimum(300, x), values)
    check(ops.clip(x, -1, 6), np.uint8([0, 5, 6]))
    check(ops.clip(x, 3, 300), np.uint8([3, 5, 255]))
