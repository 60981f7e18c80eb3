"""Every primitive of the contract: each engine against the NumPy reference, forward and gradient, in one table."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cornu import backends, config
from cornu.backends import contract
from cornu.errors import InvalidTypeError, ShapeError

NUMPY = backends.get("numpy")
ENGINES = [name for name in config.installed_backends() if name != "numpy"]
rng = np.random.default_rng(0)


def normal(*shape):
    return rng.normal(size=shape).astype("float32")


def positive(*shape):
    return rng.uniform(0.5, 2, size=shape).astype("float32")


def within_one(*shape):
    return rng.uniform(-0.9, 0.9, size=shape).astype("float32")


def whole(*shape, low=-5, high=6, dtype="int32"):
    return rng.integers(low, high, size=shape).astype(dtype)


def yes_or_no(*shape):
    return rng.random(shape) < 0.5


def decay_until_small(b, x):
    return b.while_loop(lambda v: b.less(v[0], 4), lambda v: (v[0] + 1, b.multiply(v[1], 0.5)), (b.asarray(0), x))[1]


def running_sum(b, carry, xs, reverse=False):
    return b.scan(lambda c, x: (b.tanh(b.add(c, x)), b.multiply(c, x)), carry, xs, reverse)


def doubled_with_gradient_seven(b, x):
    return b.custom_gradient(lambda x: (b.multiply(x, 2), lambda upstream: (b.multiply(upstream, 7),)))(x)


def repeat_some_steps(b, x):
    carry, result = b.multi_step(lambda c, y, i: b.add(b.multiply(c, i), y), b.exp)(x, x, 1, 4)
    return b.add(carry, result)


def symmetric(b, x):
    return b.add(x, b.transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)))


def positive_definite(b, x):
    product = b.matmul(x, b.transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)))
    return b.add(product, b.asarray(np.eye(x.shape[-1], dtype="float32")))


def absolute(b, *factors):
    """What is unique of the factors of matrices: the squares of their elements, in one row for each matrix."""
    stack = factors[0].shape[:-2]
    return b.concatenate([b.reshape(b.square(factor), (*stack, -1)) for factor in factors], -1)


def eigenvalues(b, x):
    """A function of the eigenvalues and eigenvectors that depends on neither their order nor on the scale of the vectors."""
    w, v = b.eig(x)
    return b.concatenate([b.sum(b.abs(w), -1), b.sum(b.multiply(b.abs(w), b.sum(b.power(b.abs(v), 4.0), -2)), -1)], 0)


def product_of_complex(b, x, y, part=0):
    return b.complex_parts(b.matmul(b.complex(x, b.sin(x)), b.complex(b.exp(y), y)))[part]


# What is applied, and to which arrays; the first word names the primitive. Gradients are compared for the float arrays.
CASES = {
    "asarray": (lambda b, x: b.asarray(x, "float16"), normal(2, 3)),
    "cast": (lambda b, x: b.cast(b.cast(x, "float16"), "float32"), normal(2, 3)),
    "cast to integers": (lambda b, x: b.cast(x, "int32"), normal(2, 3) * 5),
    "cast to bool": (lambda b, x: b.cast(x, "bool"), whole(3, 4, low=-1, high=2)),
    "full": (lambda b: b.full((2, 3), 1.5, "float32"),),
    "full of an array": (lambda b, x: b.full((2, 3), x, "float32"), normal()),
    "arange": (lambda b: b.arange(7, -3, -2, "int32"),),
    "arange of floats": (lambda b: b.arange(0, 5, 2, "float32"),),
    "abs": (lambda b, x: b.abs(x), normal(2, 3)),
    "abs at corners": (lambda b, x: b.abs(x), np.float32([0, -0.0, np.inf, -np.inf, -2])),
    "abs of integers": (lambda b, x: b.abs(x), whole(5, low=-3, high=3)),
    "negative": (lambda b, x: b.negative(x), normal(2, 3)),
    "sign": (lambda b, x: b.sign(x), np.float32([-2, 0, 3])),
    "exp": (lambda b, x: b.exp(x), normal(2, 3)),
    "exp of integers": (lambda b, x: b.exp(x), whole(2, 3)),
    "expm1": (lambda b, x: b.expm1(x), normal(2, 3) / 100),
    "log": (lambda b, x: b.log(x), positive(2, 3)),
    "log of what has none": (lambda b, x: b.log(x), np.float32([0, -1])),
    "log1p": (lambda b, x: b.log1p(x), positive(2, 3) / 100),
    "sqrt": (lambda b, x: b.sqrt(x), positive(2, 3)),
    "rsqrt": (lambda b, x: b.rsqrt(x), positive(2, 3)),
    "square": (lambda b, x: b.square(x), normal(2, 3)),
    "square of integers": (lambda b, x: b.square(x), whole(2, 3)),
    "sin": (lambda b, x: b.sin(x), normal(2, 3)),
    "cos": (lambda b, x: b.cos(x), normal(2, 3)),
    "tan": (lambda b, x: b.tan(x), within_one(2, 3)),
    "arcsin": (lambda b, x: b.arcsin(x), within_one(2, 3)),
    "arccos": (lambda b, x: b.arccos(x), within_one(2, 3)),
    "arctan": (lambda b, x: b.arctan(x), normal(2, 3)),
    "sinh": (lambda b, x: b.sinh(x), normal(2, 3)),
    "cosh": (lambda b, x: b.cosh(x), normal(2, 3)),
    "tanh": (lambda b, x: b.tanh(x), normal(2, 3)),
    "relu": (lambda b, x: b.relu(x), normal(2, 3)),
    "relu at corners": (lambda b, x: b.relu(x), np.float32([0, -0.0, np.inf, -np.inf])),
    "relu of what is no number": (lambda b, x: b.stop_gradient(b.relu(x)), np.float32([np.nan, 1])),
    "relu of integers": (lambda b, x: b.relu(x), whole(5, low=-3, high=3)),
    "erf": (lambda b, x: b.erf(x), normal(2, 3)),
    "sigmoid": (lambda b, x: b.sigmoid(x), np.float32([-100, -2, 0, 1, 100])),
    "floor": (lambda b, x: b.floor(x), normal(2, 3)),
    "ceil": (lambda b, x: b.ceil(x), normal(2, 3)),
    "round": (lambda b, x: b.round(x), np.float32([0.5, 1.5, -0.5, 2.4])),
    "round of integers": (lambda b, x: b.round(x), whole(3)),
    "isnan": (lambda b, x: b.isnan(x), np.float32([1, np.nan, np.inf])),
    "isfinite": (lambda b, x: b.isfinite(x), np.float32([1, np.nan, -np.inf])),
    "logical_not": (lambda b, x: b.logical_not(x), yes_or_no(4)),
    "add": (lambda b, x, y: b.add(x, y), normal(2, 1, 3), normal(4, 1)),
    "add a number": (lambda b, x: b.add(2, x), normal(2, 3)),
    "subtract": (lambda b, x, y: b.subtract(x, y), normal(2, 3), normal(2, 1)),
    "multiply": (lambda b, x, y: b.multiply(x, y), normal(2, 3), normal(3)),
    "multiply floats and integers": (lambda b, x, y: b.multiply(x, y), normal(2, 3), whole(3)),
    "divide": (lambda b, x, y: b.divide(x, y), normal(2, 3), positive(3)),
    "divide integers": (lambda b, x, y: b.divide(x, y), whole(2, 3), whole(3, low=1)),
    "divide by an integer": (lambda b, x: b.divide(x, 4), whole(2, 3)),
    "floor_divide": (lambda b, x, y: b.floor_divide(x, y), normal(2, 3) * 5, positive(3)),
    "floor_divide integers": (lambda b, x, y: b.floor_divide(x, y), whole(2, 3), whole(3, low=1)),
    "remainder": (lambda b, x, y: b.remainder(x, y), np.float32([5.3, -5.3, 5.3]), np.float32([2, 2, -2])),
    "remainder of integers": (lambda b, x: b.remainder(x, 3), whole(2, 3)),
    "power": (lambda b, x, y: b.power(x, y), positive(2, 3), normal(3)),
    "power of negative numbers": (lambda b, x: b.power(x, 3), normal(2, 3)),
    "power of integers": (lambda b, x: b.power(x, 2), whole(2, 3)),
    "maximum": (lambda b, x, y: b.maximum(x, y), normal(2, 3), normal(3)),
    "maximum of equals": (lambda b, x: b.maximum(x, 0), np.float32([-1, 0, 2])),
    "minimum": (lambda b, x, y: b.minimum(x, y), normal(2, 3), normal(2, 1)),
    "minimum of equals": (lambda b, x, y: b.minimum(x, y), np.float32([1, 2]), np.float32([1, 3])),
    "arctan2": (lambda b, x, y: b.arctan2(x, y), normal(2, 3), normal(3)),
    "logaddexp": (lambda b, x, y: b.logaddexp(x, y), normal(2, 3), normal(3)),
    "equal": (lambda b, x, y: b.equal(x, y), whole(9), whole(9)),
    "not_equal": (lambda b, x, y: b.not_equal(x, y), whole(9), whole(9)),
    "less": (lambda b, x, y: b.less(x, y), whole(9), whole(9)),
    "less_equal": (lambda b, x, y: b.less_equal(x, y), whole(9), whole(9)),
    "greater": (lambda b, x, y: b.greater(x, y), whole(9), whole(9)),
    "greater_equal": (lambda b, x, y: b.greater_equal(x, y), whole(9), whole(9)),
    "logical_and": (lambda b, x, y: b.logical_and(x, y), yes_or_no(9), yes_or_no(9)),
    "logical_or": (lambda b, x, y: b.logical_or(x, y), yes_or_no(9), yes_or_no(9)),
    "logical_xor": (lambda b, x, y: b.logical_xor(x, y), yes_or_no(9), yes_or_no(9)),
    "where": (lambda b, c, x, y: b.where(c, x, y), yes_or_no(2, 3), normal(3), normal(2, 1)),
    "where a number": (lambda b, c, x: b.where(c, x, 0), yes_or_no(2, 3), normal(3)),
    "sum": (lambda b, x: b.sum(x), normal(2, 3)),
    "sum along axes": (lambda b, x: b.sum(x, (0, -1), True), normal(2, 3, 4)),
    "sum of booleans": (lambda b, x: b.sum(x), yes_or_no(2, 3)),
    "sum of small integers": (lambda b, x: b.sum(x, 0), whole(2, 3, dtype="int8")),
    "mean": (lambda b, x: b.mean(x, -2), normal(2, 3, 4)),
    "mean of integers": (lambda b, x: b.mean(x), whole(2, 3)),
    "mean of booleans": (lambda b, x: b.mean(x, 1), yes_or_no(2, 3)),
    "prod": (lambda b, x: b.prod(x, (2, 0)), normal(2, 3, 4)),
    "prod with zeros": (lambda b, x: b.prod(x, 1), np.float32([[0, 2, 3], [0, 0, 3], [1, 2, 3]])),
    "prod of booleans": (lambda b, x: b.prod(x, 0), yes_or_no(2, 3)),
    "max": (lambda b, x: b.max(x, 1), normal(2, 3, 4)),
    "max of equals": (lambda b, x: b.max(x, 1, True), np.float32([[3, 3, 1], [0, 1, 2]])),
    "min": (lambda b, x: b.min(x, (0, 1)), normal(2, 3, 4)),
    "min of integers": (lambda b, x: b.min(x, 0), whole(2, 3)),
    "all": (lambda b, x: b.all(x, 1), yes_or_no(4, 2)),
    "any": (lambda b, x: b.any(x, 0, True), yes_or_no(2, 6)),
    "argmax": (lambda b, x: b.argmax(x, 1), whole(5, 6)),
    "argmin": (lambda b, x: b.argmin(x, -2), whole(5, 6)),
    "cumsum": (lambda b, x: b.cumsum(x, 1), normal(2, 3, 2)),
    "cumsum of booleans": (lambda b, x: b.cumsum(x, 0), yes_or_no(5)),
    "cumprod": (lambda b, x: b.cumprod(x, -1), normal(2, 4)),
    "cumprod with a zero": (lambda b, x: b.cumprod(x, 0), np.float32([2, 0, 3, 5])),
    "reshape": (lambda b, x: b.reshape(x, (-1, 2)), normal(2, 3)),
    "transpose": (lambda b, x: b.transpose(x, (2, 0, 1)), normal(2, 3, 4)),
    "broadcast_to": (lambda b, x: b.broadcast_to(x, (4, 2, 3)), normal(2, 1)),
    "concatenate": (lambda b, x, y: b.concatenate([x, y, x], -1), normal(2, 1), normal(2, 3)),
    "split": (lambda b, x: b.concatenate(b.split(x, (1, 0, 3), 1)[::-1], 1), normal(2, 4, 2)),
    "pad": (lambda b, x: b.pad(x, ((1, 0), (0, 2)), constant_values=3), normal(2, 3)),
    "pad, edge": (lambda b, x: b.pad(x, ((1, 2), (0, 2)), "edge"), normal(2, 3)),
    "pad, reflect": (lambda b, x: b.pad(x, ((1, 1), (2, 2)), "reflect"), normal(2, 3)),
    "pad, symmetric": (lambda b, x: b.pad(x, ((2, 1), (0, 3)), "symmetric"), normal(2, 3)),
    "flip": (lambda b, x: b.flip(x, (0, 1)), normal(2, 3)),
    "getitem": (lambda b, x: b.getitem(x, (slice(None, None, -2), None, ..., 1)), normal(3, 2)),
    "getitem, rows": (lambda b, x: b.getitem(x, np.array([1, 1, 0, -1])), normal(3, 2)),
    "getitem, a list": (lambda b, x: b.getitem(x, ([0, 2], 1)), normal(3, 2)),
    "getitem, a mask": (lambda b, x: b.getitem(x, np.array([True, False, True])), normal(3, 2)),
    "take": (lambda b, x, i: b.take(x, i, 1), normal(2, 3, 2), np.array([[0, -1], [9, -9]])),
    "take, few bits": (lambda b, x, i: b.take(x, i, -2), normal(200, 2), np.uint8([0, 199, 255])),
    "take_along_axis": (lambda b, x, i: b.take_along_axis(x, i, 1), normal(2, 3), np.array([[0, -1], [2, 1]])),
    "index_add": (lambda b, x, i, y: b.index_add(x, i, y), normal(3, 2), np.array([0, 2, 0, 7, -1, -4]), normal(6, 2)),
    "matmul": (lambda b, x, y: b.matmul(x, y), normal(2, 3), normal(3, 4)),
    "matmul of stacks": (lambda b, x, y: b.matmul(x, y), normal(2, 1, 3, 4), normal(5, 4, 2)),
    "matmul of vectors": (lambda b, x, y: b.matmul(x, y), normal(4), normal(2, 4, 3)),
    "matmul of integers": (lambda b, x, y: b.matmul(x, y), whole(2, 3), whole(3, 2)),
    "tensordot": (lambda b, x, y: b.tensordot(x, y, ([0, -1], [2, 0])), normal(2, 3, 4), normal(4, 5, 2)),
    "tensordot, a number of axes": (lambda b, x, y: b.tensordot(x, y, 2), normal(2, 3, 4), normal(3, 4, 2)),
    "einsum": (lambda b, x, y: b.einsum("bij,bjk->bki", x, y), normal(2, 3, 4), normal(2, 4, 2)),
    "einsum with dots": (lambda b, x, y: b.einsum("...ij,...jk", x, y), normal(2, 1, 3, 4), normal(5, 4, 2)),
    "cholesky": (lambda b, x: b.cholesky(positive_definite(b, x)), normal(2, 4, 4)),
    "qr": (lambda b, x: absolute(b, *b.qr(x)), normal(2, 4, 3)),
    "qr of wide matrices": (lambda b, x: absolute(b, *b.qr(x)), normal(2, 3, 5)),
    "qr, complete": (lambda b, x: absolute(b, *b.qr(b.stop_gradient(x), True))[..., :3], normal(4, 3)),
    "svd": (lambda b, x: absolute(b, *b.svd(x, False)), normal(2, 4, 3)),
    "svd of wide matrices": (lambda b, x: absolute(b, *b.svd(x, False)), normal(2, 3, 5)),
    "svd of a square matrix": (lambda b, x: absolute(b, *b.svd(x)), normal(3, 3)),
    "svd, singular values": (lambda b, x: b.svd(x, compute_uv=False), normal(2, 3, 4)),
    "svd, singular values of one": (lambda b, x: b.svd(x, compute_uv=False), normal(4, 2)),
    "eigh": (lambda b, x: absolute(b, *b.eigh(symmetric(b, x))), normal(2, 4, 4)),
    "eig": (lambda b, x: eigenvalues(b, x), normal(2, 4, 4)),
    "lu": (lambda b, x: b.lu(x)[0], normal(2, 4, 4)),
    "lu, pivots": (lambda b, x: b.lu(x)[1], normal(3, 5, 5)),
    "solve": (lambda b, x, y: b.solve(x, y), normal(2, 4, 4) + 3 * np.eye(4, dtype="float32"), normal(2, 4, 3)),
    "solve_triangular": (lambda b, x, y: b.solve_triangular(x, y), positive(2, 4, 4), normal(2, 4, 3)),
    "solve_triangular, lower": (lambda b, x, y: b.solve_triangular(x, y, True), positive(4, 4), normal(4, 2)),
    "slogdet": (lambda b, x: b.slogdet(x)[1], normal(2, 4, 4)),
    "slogdet, sign": (lambda b, x: b.slogdet(x)[0], normal(6, 3, 3)),
    "slogdet of a singular matrix": (lambda b, x: b.slogdet(b.stop_gradient(x))[1], np.ones((2, 2), "float32")),
    "complex": (lambda b, x, y: b.abs(b.exp(b.multiply(b.complex(x, y), 1j))), normal(2, 3), normal(2, 3)),
    "complex_parts": (lambda b, x, y: product_of_complex(b, x, y), normal(2, 3), normal(3, 2)),
    "complex_parts, imaginary": (lambda b, x, y: product_of_complex(b, x, y, 1), normal(2, 3), normal(3, 2)),
    "fft": (lambda b, x, y: b.concatenate(list(b.fft(x, y)), 0), normal(2, 6), normal(2, 6)),
    "fft, inverse": (lambda b, x, y: b.concatenate(list(b.fft(x, y, True)), 0), normal(2, 5), normal(2, 5)),
    "rfft": (lambda b, x: b.concatenate(list(b.rfft(x)), 0), normal(2, 6)),
    "rfft of an odd size": (lambda b, x: b.concatenate(list(b.rfft(x)), 0), normal(2, 7)),
    "irfft": (lambda b, x, y: b.irfft(x, y, 6), normal(2, 4), normal(2, 4)),
    "irfft of an odd size": (lambda b, x, y: b.irfft(x, y, 7), normal(2, 4), normal(2, 4)),
    "bitwise_and": (lambda b, x, y: b.bitwise_and(x, y), whole(9), whole(4, 1)),
    "bitwise_or": (lambda b, x, y: b.bitwise_or(x, y), whole(9, dtype="int8"), whole(9, dtype="int8")),
    "bitwise_xor": (lambda b, x, y: b.bitwise_xor(x, y), whole(9), whole(9)),
    "bitwise_xor of booleans": (lambda b, x, y: b.bitwise_xor(x, y), yes_or_no(9), yes_or_no(9)),
    "left_shift": (lambda b, x, y: b.left_shift(x, y), whole(9), whole(9, low=0, high=32)),
    "right_shift": (lambda b, x, y: b.right_shift(x, y), whole(9, low=-9999, high=9999), whole(9, low=0, high=32)),
    "right_shift of unsigned integers": (
        lambda b, x, y: b.right_shift(x, y),
        whole(9, low=2**31, high=2**32, dtype="uint32"),
        whole(9, low=0, high=32, dtype="uint32"),
    ),
    "bitcast": (lambda b, x: b.bitcast(x, "int32"), normal(2, 3)),
    "bitcast to shorter elements": (lambda b, x: b.bitcast(x, "uint8"), normal(2, 3)),
    "bitcast to longer elements": (lambda b, x: b.bitcast(x, "int32"), whole(2, 8, dtype="int8")),
    "argsort": (lambda b, x: b.argsort(x, 0), whole(9, 3, low=0, high=4)),
    "top_k": (lambda b, x: b.top_k(x, 2)[0], normal(2, 5)),
    "top_k of equals": (lambda b, x: b.top_k(x, 4)[1], whole(3, 9, low=0, high=3)),
    "conv": (lambda b, x, k: b.conv(x, k, (1, 1), ((0, 0), (0, 0)), (1, 1)), normal(2, 5, 6, 8), normal(3, 3, 8, 4)),
    "conv, padding and strides": (
        lambda b, x, k: b.conv(x, k, (2, 3), ((1, 2), (0, 3)), (1, 1)),
        *(normal(2, 7, 8, 7), normal(3, 2, 7, 4)),
    ),
    "conv, dilation": (lambda b, x, k: b.conv(x, k, (2, 1), ((1, 2), (3, 0)), (2, 3)), normal(2, 7, 8, 5), normal(3, 3, 5, 4)),
    "conv, dilation alone": (
        lambda b, x, k: b.conv(x, k, (1, 1), ((1, 2), (3, 0)), (2, 3)),
        *(normal(2, 7, 8, 5), normal(3, 3, 5, 4)),
    ),
    "conv, dilation of groups in 3-D": (
        lambda b, x, k: b.conv(x, k, (1, 1, 1), ((1, 0), (0, 0), (0, 2)), (1, 2, 3), 2),
        *(normal(2, 3, 5, 6, 4), normal(2, 2, 2, 2, 6)),
    ),
    "conv, what a stride leaves over": (
        lambda b, x, k: b.conv(x, k, (3, 3), ((0, 0), (0, 0)), (1, 1)),
        *(normal(2, 8, 7, 8), normal(3, 2, 8, 4)),
    ),
    "conv, much padding": (
        lambda b, x, k: b.conv(x, k, (2, 2), ((4, 3), (3, 4)), (1, 1)),
        normal(1, 4, 4, 9),
        normal(2, 2, 9, 2),
    ),
    "conv, few products": (
        lambda b, x, k: b.conv(x, k, (2, 1), ((1, 1), (0, 2)), (1, 2)),
        normal(2, 7, 8, 3),
        normal(3, 3, 3, 4),
    ),
    "conv, few products of one image": (
        lambda b, x, k: b.conv(x, k, (2, 1), ((1, 1), (0, 0)), (1, 1)),
        *(normal(1, 6, 5, 1), normal(3, 3, 1, 4)),
    ),
    "conv, 1 x 1": (lambda b, x, k: b.conv(x, k, (2, 1), ((0, 0), (0, 0)), (1, 1)), normal(2, 5, 4, 3), normal(1, 1, 3, 4)),
    "conv, 1 x 1, padded": (
        lambda b, x, k: b.conv(x, k, (1, 2), ((1, 0), (0, 1)), (1, 1)),
        normal(2, 5, 4, 3),
        normal(1, 1, 3, 4),
    ),
    "conv, groups": (lambda b, x, k: b.conv(x, k, (2, 1), ((1, 1), (1, 0)), (1, 1), 2), normal(2, 6, 5, 6), normal(3, 2, 3, 4)),
    "conv, many groups": (
        lambda b, x, k: b.conv(x, k, (1, 1), ((1, 1), (0, 0)), (1, 1), 64),
        *(normal(2, 4, 3, 128), normal(3, 2, 2, 128)),
    ),
    "conv, depthwise": (
        lambda b, x, k: b.conv(x, k, (2, 1), ((1, 2), (0, 1)), (2, 1), 5),
        *(normal(2, 8, 6, 5), normal(3, 3, 1, 5)),
    ),
    "conv, depthwise with a multiplier": (
        lambda b, x, k: b.conv(x, k, (1, 2), ((0, 0), (1, 1)), (1, 2), 3),
        *(normal(2, 4, 7, 3), normal(2, 3, 1, 6)),
    ),
    "conv in 1-D": (lambda b, x, k: b.conv(x, k, (2,), ((3, 0),), (2,)), normal(2, 9, 20), normal(2, 20, 3)),
    "conv in 3-D": (
        lambda b, x, k: b.conv(x, k, (1, 2, 1), ((1, 0), (1, 1), (0, 0)), (1, 1, 2)),
        *(normal(2, 3, 5, 6, 6), normal(2, 2, 3, 6, 2)),
    ),
    "conv, depthwise in 3-D": (
        lambda b, x, k: b.conv(x, k, (1, 2, 1), ((1, 0), (1, 1), (0, 0)), (1, 1, 2), 4),
        *(normal(2, 3, 5, 6, 4), normal(2, 2, 3, 1, 4)),
    ),
    "conv_transpose": (
        lambda b, x, k: b.conv_transpose(x, k, (6, 7), (1, 1), ((0, 0), (0, 0)), (1, 1)),
        *(normal(2, 4, 5, 4), normal(3, 3, 2, 4)),
    ),
    "conv_transpose, strides": (
        lambda b, x, k: b.conv_transpose(x, k, (6, 9), (2, 3), ((1, 1), (0, 1)), (1, 2)),
        *(normal(2, 3, 3, 4), normal(4, 2, 5, 4)),
    ),
    "conv_transpose in 1-D": (
        lambda b, x, k: b.conv_transpose(x, k, (7,), (2,), ((0, 0),), (1,)),
        normal(2, 3, 4),
        normal(3, 2, 4),
    ),
    "max_pool": (lambda b, x: b.max_pool(x, (2, 2), (2, 2), ((0, 0), (0, 0))), normal(2, 5, 6, 3)),
    "max_pool of one image": (
        lambda b, x: b.max_pool(x, (2, 2), (1, 2), ((0, 1), (1, 0))),
        whole(1, 6, 5, 3, low=0, high=3, dtype="float32"),
    ),
    "max_pool of equals": (
        lambda b, x: b.max_pool(b.cast(x, "float32") * x, (2, 2), (2, 2), ((0, 0), (0, 1))),
        whole(2, 6, 5, 3, low=0, high=3, dtype="float32"),
    ),
    "max_pool, overlapping": (
        lambda b, x: b.max_pool(x, (3, 2), (2, 1), ((1, 1), (0, 1))),
        whole(2, 7, 6, 3, low=0, high=4, dtype="float32"),
    ),
    "max_pool with gaps": (lambda b, x: b.max_pool(x, (2, 1), (3, 2), ((0, 0), (0, 0))), normal(2, 8, 6, 3)),
    "max_pool, large windows": (lambda b, x: b.max_pool(x, (9, 8), (1, 1), ((0, 0), (0, 0))), normal(2, 10, 9, 3)),
    "max_pool of minus infinity": (
        lambda b, x: b.max_pool(x, (2,), (2,), ((1, 1),)),
        np.full((1, 2, 1), -np.inf, "float32"),
    ),
    "max_pool of integers": (lambda b, x: b.max_pool(x, (2, 2), (1, 1), ((1, 0), (0, 1))), whole(2, 5, 6, 3)),
    "max_pool in 1-D": (lambda b, x: b.max_pool(x, (3,), (2,), ((1, 1),)), normal(2, 7, 3)),
    "max_pool in 3-D": (
        lambda b, x: b.max_pool(x, (2, 2, 3), (2, 2, 3), ((0, 0), (1, 0), (0, 0))),
        normal(2, 4, 5, 6, 2),
    ),
    "avg_pool": (lambda b, x: b.avg_pool(x, (2, 2), (2, 2), ((0, 0), (0, 0))), normal(2, 5, 6, 3)),
    "avg_pool, overlapping": (lambda b, x: b.avg_pool(x, (3, 2), (1, 2), ((1, 1), (1, 0))), normal(2, 4, 5, 3)),
    "avg_pool, large windows": (lambda b, x: b.avg_pool(x, (9, 8), (1, 1), ((1, 0), (0, 0))), normal(2, 10, 9, 3)),
    "avg_pool in 1-D": (lambda b, x: b.avg_pool(x, (3,), (2,), ((1, 1),)), normal(2, 7, 3)),
    "scan": (lambda b, c, xs: running_sum(b, c, xs)[1], normal(2), normal(4, 2)),
    "scan backwards": (lambda b, c, xs: running_sum(b, c, xs, reverse=True)[1], normal(2), normal(4, 2)),
    "scan, the last carry": (lambda b, c, xs: running_sum(b, c, xs)[0], normal(2), normal(4, 2)),
    "while_loop": (lambda b, x: b.stop_gradient(decay_until_small(b, b.stop_gradient(x))), normal(2)),
    "cond": (lambda b, x: b.cond(b.less(b.sum(x), 1e6), b.exp, b.sin, x), normal(2)),
    "multi_step": (lambda b, x: repeat_some_steps(b, b.stop_gradient(x)), normal(3) / 9),
    "stop_gradient": (lambda b, x: b.multiply(b.stop_gradient(x), x), normal(3)),
    "custom_gradient": (doubled_with_gradient_seven, normal(3)),
    "remat": (lambda b, x: b.remat(lambda y: [b.sin(b.sin(y))])(x)[0], normal(3)),
}

SEEN_ELSEWHERE = {
    *("to_numpy", "dtype", "value_and_grad", "compile"),  # used for every case
    *("abstract_eval", "devices", "to_device", "synchronize"),  # below, and in the tests of each backend
    *("micro_batch_activations", "prefers_compiled"),  # below
    *("is_traced", "concrete", "shape"),  # in the tests of the variables of each engine, and of ops
    *("fold_in", "random_uniform", "random_normal"),  # the same key yields different values on another backend
}


def result_and_gradients(b, f, arrays):
    """The result, and the gradients of its weighted sum for the float arrays, as NumPy arrays."""
    where = [i for i, array in enumerate(arrays) if array.dtype.kind == "f"]

    def weighted(floats):
        whole = list(map(b.asarray, arrays))
        for i, array in zip(where, floats, strict=True):
            whole[i] = array
        result = f(b, *whole)
        if not where or not b.dtype(result).startswith("float"):
            return b.asarray(0.0), result
        weights = np.random.default_rng(1).normal(size=result.shape).astype("float32")
        return b.sum(b.multiply(b.cast(result, "float32"), b.asarray(weights))), result

    floats = [b.asarray(arrays[i]) for i in where]
    (_, result), gradients = b.compile(b.value_and_grad(weighted, has_aux=True))(floats)
    return b.to_numpy(result), list(map(b.to_numpy, gradients))


@pytest.mark.filterwarnings("ignore:.*reads the values")  # by the test, where a mask decides the shape
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_an_engine_and_numpy_agree_on_values_and_gradients(case, engine):
    f, *arrays = CASES[case]
    both = backends.get(engine), NUMPY

    (result, gradients), (expected, expected_gradients) = (result_and_gradients(b, f, arrays) for b in both)

    assert result.dtype == expected.dtype
    assert_allclose(result, expected, rtol=1e-5, atol=3e-6, err_msg=f"{engine} (actual) against numpy (desired)")
    for number, (gradient, other) in enumerate(zip(gradients, expected_gradients, strict=True), start=1):
        assert gradient.dtype == other.dtype
        which = f"gradient {number}, weighted at random: {engine} (actual) against numpy (desired)"
        assert_allclose(gradient, other, rtol=2e-5, atol=1e-5, err_msg=which)


@pytest.mark.parametrize("name", config.installed_backends())
def test_what_cannot_be_differentiated_is_told_in_the_same_words(name):
    b = backends.get(name)
    x = b.asarray([1.0, 2.0])
    with pytest.raises(InvalidTypeError, match=r"respect to an array of dtype int32 was requested.*Cast it to float"):
        b.value_and_grad(b.sum)(b.asarray([1, 2]))
    with pytest.raises(ShapeError, match=r"returned an array of shape \(2,\).*a scalar"):
        b.value_and_grad(lambda x: (x, x), has_aux=True)(x)
    with pytest.raises(InvalidTypeError, match=r"returned a scalar of dtype int32. It must return a floating-point scalar"):
        b.value_and_grad(lambda x: b.argmax(x, 0))(x)


# --- Whether the tables are complete ----------------------------------------------------------------------------------

PRIMITIVES = {name: getattr(contract.Backend, name) for name in contract.PRIMITIVES}


def test_engines_want_micro_batches_on_a_cpu_and_the_reference_does_not(backend):
    room = backends.get(backend).micro_batch_activations()
    assert room is None if backend == "numpy" else room is None or room > 0


def test_nothing_is_to_be_compiled_that_is_being_compiled(backend):
    b, answers = backends.get(backend), []
    b.compile(lambda x: (answers.append(b.prefers_compiled(x)), x)[1])(b.asarray([1.0]))
    assert answers[0] is False and b.prefers_compiled(b.asarray([1.0])) is (backend == "jax")


def test_every_primitive_has_a_case():
    primitives = set(PRIMITIVES)

    seen = {case.split()[0].rstrip(",") for case in CASES} | SEEN_ELSEWHERE
    assert not primitives - seen, f"add a row to CASES for {sorted(primitives - seen)}"
    assert not seen - primitives, f"CASES has rows for what the contract does not hold: {sorted(seen - primitives)}"


PAIRS = [
    *[
        ("int32", "float32"),
        ("uint8", "float32"),
        ("bool", "float32"),
        ("uint8", "int32"),
        ("bool", "int32"),
        ("int8", "int32"),
    ],
    *[
        ("float16", "float32"),
        ("int32", "float16"),
        ("uint8", "float16"),
        ("int32", "int32"),
        ("uint8", "uint8"),
        ("bool", "bool"),
    ],
]


def with_arguments(*names):
    """The primitives of the contract that take just these arguments: a new one need not be entered here."""
    return [name for name, f in PRIMITIVES.items() if tuple(inspect.signature(f).parameters) == ("self", *names)]


OF_MATRICES = {"cholesky", "eigh", "eig", "lu", "slogdet", "complex_parts", "rfft"}
OF_BITS = {"bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"}
"""Primitives of certain dtypes only."""

OF_TWO = [*(name for name in with_arguments("x", "y") if name not in OF_BITS), "where", "concatenate"]
OF_ONE = [
    *(name for name in with_arguments("x") if name not in SEEN_ELSEWHERE | OF_MATRICES),
    *with_arguments("x", "axis", "keepdims"),
    *with_arguments("x", "axis"),
]
ALONG_AN_AXIS = with_arguments("x", "axis")

NOT_SETTLED = {
    *("subtract", "floor_divide", "remainder", "power", "logaddexp"),
    *("negative", "sign", "square", "relu", "round"),
}
"""Primitives whose meaning for booleans alone is not defined."""


def applied(b, name, *arguments):
    """A primitive of one or two arguments applied to them."""
    if name == "where":
        return b.where(b.equal(arguments[0], arguments[0]), *arguments)
    if name == "concatenate":
        return b.concatenate(list(arguments), 0)
    return getattr(b, name)(*arguments, *([0] if name in ALONG_AN_AXIS else []))


def pairs_for(name):
    return [pair for pair in PAIRS if pair != ("bool", "bool") or name not in NOT_SETTLED]


def dtypes_for(name, *dtypes):
    return [dtype for dtype in dtypes if dtype != "bool" or name not in NOT_SETTLED]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", OF_TWO)
def test_two_dtypes_give_the_same_dtype_on_an_engine_and_numpy(name, engine):
    found, expected = (
        {pair: b.dtype(applied(b, name, *(b.full((2, 2), 1, dtype) for dtype in pair))) for pair in pairs_for(name)}
        for b in (backends.get(engine), NUMPY)
    )

    assert found == expected


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("number", [2, 2.5, True])
@pytest.mark.parametrize("name", [name for name in with_arguments("x", "y") if name not in OF_BITS | {"matmul"}])
def test_an_array_and_a_number_give_the_same_dtype_on_an_engine_and_numpy(name, number, engine):
    dtypes = ["float16", "float32", "int32", "uint8", *([] if number is True and name in NOT_SETTLED else ["bool"])]
    found, expected = (
        {dtype: b.dtype(getattr(b, name)(b.full((2,), 1, dtype), number)) for dtype in dtypes}
        for b in (backends.get(engine), NUMPY)
    )

    assert found == expected


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", OF_ONE)
def test_one_argument_gives_the_same_dtype_on_an_engine_and_numpy(name, engine):
    dtypes = dtypes_for(name, "float16", "float32", "int32", "uint8", "bool")
    found, expected = (
        {dtype: b.dtype(applied(b, name, b.full((2,), 1, dtype))) for dtype in dtypes} for b in (backends.get(engine), NUMPY)
    )

    assert found == expected


def test_abstract_eval_knows_what_it_would_give(backend):
    def f(b):
        return lambda tree, i: {"sum": b.sum(tree["x"], 0), "rows": (b.take(tree["x"], i, 0), None, b.argmax(tree["x"], 1))}

    spec = contract.ArraySpec
    specs = ({"x": spec((4, 3), "float32")}, spec((2,), "int32"))

    b = backends.get(backend)

    assert b.abstract_eval(f(b), *specs) == {
        "sum": spec((3,), "float32"),
        "rows": (spec((2, 3), "float32"), None, spec((4,), "int32")),
    }


def test_random_numbers_are_of_their_distribution_and_follow_from_the_key(backend):
    b = backends.get(backend)
    key = b.asarray([1, 2], "uint32")
    other = b.fold_in(key, 3)
    uniform = b.to_numpy(b.random_uniform(key, (20000,), "float32"))
    normal = b.to_numpy(b.random_normal(other, (20000,), "float32"))

    assert uniform.min() >= 0 and uniform.max() < 1
    assert_allclose([uniform.mean(), uniform.var(), normal.mean(), normal.var()], [1 / 2, 1 / 12, 0, 1], atol=0.03)
    assert_allclose(b.to_numpy(b.random_uniform(key, (20000,), "float32")), uniform)
    assert not np.allclose(b.to_numpy(b.random_uniform(other, (20000,), "float32")), uniform)
