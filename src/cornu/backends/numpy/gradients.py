"""Backpropagation rules of the primitives of the NumPy backend, one for each differentiable argument.

A rule is called as ``rule(g, out, *arguments)``, where ``g`` is the gradient with respect to the result ``out`` and the
arguments are all arguments of the primitive, in order. It returns the gradient for its argument: an array of the shape of the
argument, or a list of arrays for a list. Rules use plain NumPy arrays; ``tape.py`` calls them.
"""

import math
import string
from collections.abc import Callable

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from cornu.backends.contract import Axes, ContractedAxes, Shape
from cornu.backends.numpy import matrix_gradients
from cornu.backends.numpy.convolution import conv_windows, convolve, convolve_back, convolve_kernel, pool_windows

# --- Elementwise ------------------------------------------------------------------------------------------------------


def unbroadcast(g: np.ndarray, shape: Shape) -> np.ndarray:
    """Sum a gradient over the axes along which an array of ``shape`` was broadcast."""
    if g.shape == shape:
        return g
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1 and g.shape[axis] != 1)
    return g.sum(axis=stretched, keepdims=True)


def _broadcasting(*rules: Callable | None) -> tuple[Callable | None, ...]:
    """Return rules for arguments that are broadcast, from rules for arguments of one shape."""

    def with_sum(position: int, rule: Callable) -> Callable:
        return lambda g, out, *arguments: unbroadcast(rule(g, out, *arguments), np.shape(arguments[position]))

    return tuple(rule and with_sum(position, rule) for position, rule in enumerate(rules))


def _power_for_base(g, out, x, y):
    lowered = np.asarray(y - 1, out.dtype)
    return g * np.where(y == 0, 0, y * np.power(x, lowered))  # 0 * x ** -1 would be NaN at 0


def _power_for_exponent(g, out, x, y):
    positive = np.greater(x, 0)  # the logarithm of other bases is not real: no gradient
    return np.where(positive, g * out * np.log(np.where(positive, x, 1)), 0)


def _to_one_exponential(g, x, y):
    from scipy import special

    return g * special.expit(np.where(np.equal(x, y), 0.0, np.subtract(x, y)))  # equal infinities share the gradient equally


def _fft(g: tuple[np.ndarray, np.ndarray], inverse: bool) -> np.ndarray:
    """Return the adjoint of the transform of the gradient, whose real and imaginary parts are those for the two parts."""
    numbers = g[0] + 1j * g[1]
    return np.fft.fft(numbers) / numbers.shape[-1] if inverse else np.fft.ifft(numbers) * numbers.shape[-1]


def _rfft(g, out, x):
    numbers = g[0] + 1j * g[1]
    pads = [(0, 0)] * (x.ndim - 1) + [(0, x.shape[-1] - numbers.shape[-1])]
    return np.fft.ifft(np.pad(numbers, pads)).real * x.shape[-1]


def _irfft(g: np.ndarray, size: int) -> np.ndarray:
    numbers = np.fft.rfft(g) / size
    numbers[..., 1 : (size + 1) // 2] *= 2  # these count for their conjugates too
    return numbers


def _to_winner(g, wins, ties):
    return np.where(ties, g / 2, np.where(wins, g, 0))


# --- Reductions -------------------------------------------------------------------------------------------------------


def _reduced_axes(x: np.ndarray, axis: Axes) -> tuple[int, ...]:
    return tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)


def _keep(reduced: np.ndarray, x: np.ndarray, axis: Axes) -> np.ndarray:
    """Return the result of a reduction of ``x`` with the reduced axes kept as axes of size 1."""
    axes = _reduced_axes(x, axis)
    return reduced.reshape([1 if position in axes else size for position, size in enumerate(x.shape)])


def _sum(g, out, x, axis, keepdims):
    return np.broadcast_to(_keep(g, x, axis), x.shape)


def _mean(g, out, x, axis, keepdims):
    return _sum(g, out, x, axis, keepdims) / (x.size // max(g.size, 1))


def _extremes(g, out, x, axis, keepdims):
    equal = x == _keep(out, x, axis)
    count = equal.sum(axis=_reduced_axes(x, axis), keepdims=True).astype(g.dtype)
    return np.where(equal, _keep(g, x, axis) / count, 0)


def _product_before(x: np.ndarray) -> np.ndarray:
    """Return the product of all elements before each one along the first axis."""
    return np.cumprod(np.concatenate([np.ones_like(x[:1]), x[:-1]]), axis=0)


def _prod(g, out, x, axis, keepdims):
    axes = _reduced_axes(x, axis)
    front = np.moveaxis(x, axes, range(len(axes)))
    rows = front.reshape(-1, *front.shape[len(axes) :])
    others = _product_before(rows) * _product_before(rows[::-1])[::-1]  # correct also where elements are 0
    return _keep(g, x, axis) * np.moveaxis(others.reshape(front.shape), range(len(axes)), axes)


def _cumsum(g, out, x, axis):
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def _cumprod(g, out, x, axis):
    g, x = np.moveaxis(g, axis, 0), np.moveaxis(x, axis, 0)
    later = np.zeros_like(g)  # at i: the sum over j >= i of g[j] * x[i+1] * ... * x[j]
    carried = np.zeros_like(g[0])
    for i in reversed(range(len(x))):
        later[i] = g[i] + carried
        carried = x[i] * later[i]
    return np.moveaxis(_product_before(x) * later, 0, axis)


# --- Shape and indexing -----------------------------------------------------------------------------------------------


def _concatenate(g, out, xs, axis):
    return np.split(g, np.cumsum([x.shape[axis] for x in xs])[:-1], axis)


def _pad(g, out, x, pad_width, mode, constant_values):
    if mode == "constant":
        return g[tuple(slice(before, before + size) for (before, _), size in zip(pad_width, x.shape, strict=True))]
    sources = np.pad(np.arange(x.size).reshape(x.shape), pad_width, mode)
    return np.bincount(sources.ravel(), weights=g.ravel(), minlength=x.size).reshape(x.shape)


def _getitem(g, out, x, index):
    whole = np.zeros(x.shape, g.dtype)
    items = index if isinstance(index, tuple) else (index,)
    if all(item is None or item is ... or isinstance(item, (int, slice)) for item in items):
        whole[index] = g
    else:
        np.add.at(whole, index, g)  # an element may be indexed several times
    return whole


# --- Contractions -----------------------------------------------------------------------------------------------------


def _matmul_for_left(g, out, x, y):
    if y.ndim == 1:
        share = g[..., None] * y
    elif x.ndim == 1:
        share = (y @ g[..., None])[..., 0]
    else:
        share = g @ y.swapaxes(-1, -2)
    return unbroadcast(share, x.shape)


def _matmul_for_right(g, out, x, y):
    if y.ndim == 1:
        share = g[..., None] * x
    elif x.ndim == 1:
        share = x[:, None] * g[..., None, :]
    elif y.ndim == 2:  # one product instead of one for each matrix of the batch
        share = x.reshape(-1, x.shape[-1]).T @ g.reshape(-1, g.shape[-1])
    else:
        share = x.swapaxes(-1, -2) @ g
    return unbroadcast(share, y.shape)


def _tensordot_terms(x: np.ndarray, y: np.ndarray, axes: ContractedAxes) -> tuple[list[str], str]:
    """Return the ``einsum`` terms of a ``tensordot``: those of the operands, and that of the result."""
    if isinstance(axes, int):
        axes = range(x.ndim - axes, x.ndim), range(axes)
    of_x, of_y = (normalize_axis_tuple(some, array.ndim) for some, array in zip(axes, (x, y), strict=True))
    left = string.ascii_letters[: x.ndim]
    right = list(string.ascii_letters[x.ndim : x.ndim + y.ndim])
    for one, other in zip(of_x, of_y, strict=True):
        right[other] = left[one]
    free = [letter for letter in left if letter not in right] + [letter for letter in right if letter not in left]
    return [left, "".join(right)], "".join(free)


def _tensordot_for(position: int) -> Callable:
    return lambda g, out, x, y, axes: _contraction_for(position, g, [x, y], *_tensordot_terms(x, y, axes))


def _contract(g, out, subscripts, operands):
    terms, result = _einsum_terms(subscripts, operands)
    return [_contraction_for(position, g, operands, terms, result) for position in range(len(operands))]


def _einsum_terms(subscripts: str, operands: list[np.ndarray]) -> tuple[list[str], str]:
    """Return the terms of the operands and of the result, with letters for ``...`` and an explicit result."""
    inputs, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = inputs.split(",")
    hidden = [x.ndim - len(term.replace("...", "")) for x, term in zip(operands, terms, strict=True)]
    dots = "".join(letter for letter in string.ascii_letters if letter not in subscripts)[: max(hidden)]
    if not arrow:
        letters = inputs.replace(",", "").replace(".", "")
        result = ("..." if "..." in inputs else "") + "".join(sorted(a for a in set(letters) if letters.count(a) == 1))
    terms = [term.replace("...", dots[len(dots) - count :]) for term, count in zip(terms, hidden, strict=True)]
    return terms, result.replace("...", dots)


def _contraction_for(position: int, g: np.ndarray, operands: list[np.ndarray], terms: list[str], result: str) -> np.ndarray:
    """Return the gradient of an ``einsum`` for one operand: the sum with the operand replaced by the result's gradient."""
    x, term = operands[position], terms[position]
    arrays = [g, *operands[:position], *operands[position + 1 :]]
    others = [result, *terms[:position], *terms[position + 1 :]]
    letters = "".join(dict.fromkeys(term))
    sizes = {letter: x.shape[term.index(letter)] for letter in letters}
    alone = [letter for letter in letters if letter not in "".join(others)]  # summed over in this operand only
    arrays.append(np.ones([sizes[letter] for letter in alone], g.dtype))
    share = np.einsum(f"{','.join(others)},{''.join(alone)}->{letters}", *arrays, optimize=True)
    shape = tuple(sizes.values())
    share = np.broadcast_to(unbroadcast(share, shape), shape)  # sizes of 1 are broadcast, this way or the other
    if len(letters) == len(term):
        return share
    whole = np.zeros(x.shape, share.dtype)
    np.einsum(f"{term}->{letters}", whole)[...] = share  # a writable view of the diagonal
    return whole


# --- Convolution and pooling ------------------------------------------------------------------------------------------


def _conv_for_images(g, out, x, kernel, strides, padding, dilation, groups):
    return convolve_back(g, kernel, conv_windows(x.shape[1:-1], kernel, strides, padding, dilation), groups)


def _conv_for_kernel(g, out, x, kernel, strides, padding, dilation, groups):
    share = convolve_kernel(x, g, conv_windows(x.shape[1:-1], kernel, strides, padding, dilation), groups)
    return share.reshape(kernel.shape)


def _conv_transpose_for_images(g, out, x, kernel, output_size, strides, padding, dilation):
    return convolve(g, kernel, conv_windows(output_size, kernel, strides, padding, dilation))


def _conv_transpose_for_kernel(g, out, x, kernel, output_size, strides, padding, dilation):
    return convolve_kernel(g, x, conv_windows(output_size, kernel, strides, padding, dilation))


def _max_pool(g, out, x, window, strides, padding):
    windows = pool_windows(x, window, strides, padding)
    shares, unclaimed = [], np.ones(out.shape, bool)
    for seen in windows.see(x, fill=np.nan):
        first = unclaimed & (seen == out)
        unclaimed &= ~first
        shares.append(np.where(first, g, 0))
    return windows.collect(shares)


def _avg_pool(g, out, x, window, strides, padding):
    windows = pool_windows(x, window, strides, padding)
    return windows.collect([g / windows.inside().astype(g.dtype)] * math.prod(window))


# --- The table --------------------------------------------------------------------------------------------------------

RULES: dict[str, tuple[Callable | None, ...]] = {
    "cast": (lambda g, out, x, dtype: g,),
    "full": (None, lambda g, out, shape, value, dtype: g.sum()),
    # one argument
    "abs": (lambda g, out, x: g * np.conj(np.sign(x)),),
    "negative": (lambda g, out, x: -g,),
    "exp": (lambda g, out, x: g * out,),
    "expm1": (lambda g, out, x: g * (out + 1),),
    "log": (lambda g, out, x: g / x,),
    "log1p": (lambda g, out, x: g / (1 + x),),
    "sqrt": (lambda g, out, x: g / (2 * out),),
    "rsqrt": (lambda g, out, x: g * out / (-2 * x),),
    "square": (lambda g, out, x: g * 2 * x,),
    "sin": (lambda g, out, x: g * np.cos(x),),
    "cos": (lambda g, out, x: -g * np.sin(x),),
    "tan": (lambda g, out, x: g * (1 + out * out),),
    "arcsin": (lambda g, out, x: g / np.sqrt(1 - x * x),),
    "arccos": (lambda g, out, x: -g / np.sqrt(1 - x * x),),
    "arctan": (lambda g, out, x: g / (1 + x * x),),
    "sinh": (lambda g, out, x: g * np.cosh(x),),
    "cosh": (lambda g, out, x: g * np.sinh(x),),
    "tanh": (lambda g, out, x: g * (1 - out * out),),
    "erf": (lambda g, out, x: g * (2 / math.sqrt(math.pi)) * np.exp(-x * x),),
    "sigmoid": (lambda g, out, x: g * out * (1 - out),),
    "relu": (lambda g, out, x: np.where(out > 0, g, np.zeros((), g.dtype)),),
    # two or three arguments
    "add": _broadcasting(lambda g, out, x, y: g, lambda g, out, x, y: g),
    "subtract": _broadcasting(lambda g, out, x, y: g, lambda g, out, x, y: -g),
    "multiply": _broadcasting(lambda g, out, x, y: g * y, lambda g, out, x, y: g * x),
    "divide": _broadcasting(lambda g, out, x, y: g / y, lambda g, out, x, y: -g * out / y),
    "remainder": _broadcasting(lambda g, out, x, y: g, lambda g, out, x, y: -g * np.floor_divide(x, y)),
    "power": _broadcasting(_power_for_base, _power_for_exponent),
    "maximum": _broadcasting(
        lambda g, out, x, y: _to_winner(g, np.greater(x, y), np.equal(x, y)),
        lambda g, out, x, y: _to_winner(g, np.greater(y, x), np.equal(x, y)),
    ),
    "minimum": _broadcasting(
        lambda g, out, x, y: _to_winner(g, np.less(x, y), np.equal(x, y)),
        lambda g, out, x, y: _to_winner(g, np.less(y, x), np.equal(x, y)),
    ),
    "arctan2": _broadcasting(lambda g, out, x, y: g * y / (x * x + y * y), lambda g, out, x, y: -g * x / (x * x + y * y)),
    "logaddexp": _broadcasting(
        lambda g, out, x, y: _to_one_exponential(g, x, y), lambda g, out, x, y: _to_one_exponential(g, y, x)
    ),
    "where": _broadcasting(
        None,
        lambda g, out, condition, x, y: np.where(condition, g, 0),
        lambda g, out, condition, x, y: np.where(condition, 0, g),
    ),
    # complex numbers
    "complex": (lambda g, out, real, imag: g.real, lambda g, out, real, imag: -g.imag),
    "complex_parts": (lambda g, out, x: g[0] - 1j * g[1],),
    "fft": (
        lambda g, out, real, imag, inverse: np.real(_fft(g, inverse)),
        lambda g, out, real, imag, inverse: np.imag(_fft(g, inverse)),
    ),
    "rfft": (_rfft,),
    "irfft": (
        lambda g, out, real, imag, size: np.real(_irfft(g, size)),
        lambda g, out, real, imag, size: np.imag(_irfft(g, size)),
    ),
    # reductions
    "sum": (_sum,),
    "mean": (_mean,),
    "prod": (_prod,),
    "max": (_extremes,),
    "min": (_extremes,),
    "cumsum": (_cumsum,),
    "cumprod": (_cumprod,),
    # shape and indexing
    "reshape": (lambda g, out, x, shape: g.reshape(x.shape),),
    "transpose": (lambda g, out, x, axes: g.transpose(np.argsort(axes)),),
    "broadcast_to": (lambda g, out, x, shape: unbroadcast(g, x.shape),),
    "concatenate": (_concatenate,),
    "pad": (_pad,),
    "flip": (lambda g, out, x, axis: np.flip(g, axis),),
    "getitem": (_getitem,),
    "_add_rows": (lambda g, out, x, rows, updates: g, None, lambda g, out, x, rows, updates: g[rows]),
    # contractions
    "matmul": (_matmul_for_left, _matmul_for_right),
    "tensordot": (_tensordot_for(0), _tensordot_for(1)),
    "_contract": (None, _contract),
    # matrix decompositions
    "cholesky": (matrix_gradients.cholesky,),
    "qr": (matrix_gradients.qr,),
    "svd": (matrix_gradients.svd,),
    "eigh": (matrix_gradients.eigh,),
    "eig": (matrix_gradients.eig,),
    "lu": (matrix_gradients.lu,),
    "solve": (matrix_gradients.solve_for_matrix, matrix_gradients.solve_for_right_side),
    "solve_triangular": (matrix_gradients.solve_triangular_for_matrix, matrix_gradients.solve_triangular_for_right_side),
    "slogdet": (matrix_gradients.slogdet,),
    # convolution and pooling
    "conv": (_conv_for_images, _conv_for_kernel),
    "conv_transpose": (_conv_transpose_for_images, _conv_transpose_for_kernel),
    "max_pool": (_max_pool,),
    "avg_pool": (_avg_pool,),
}
"""Rules of each primitive, one for each argument in order; None, or no entry, for arguments without a gradient."""

NO_GRADIENT = {
    *("sign", "floor", "ceil", "round", "floor_divide"),
    *("isnan", "isfinite", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal"),
    *("logical_not", "logical_and", "logical_or", "logical_xor", "all", "any"),
    *("argmax", "argmin", "argsort"),
    *("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", "bitcast"),
    *("arange", "fold_in", "random_uniform", "random_normal", "stop_gradient"),
}
"""Primitives without a gradient: they are constant almost everywhere, or stop the gradient on purpose."""
