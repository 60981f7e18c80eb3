# pyright: reportOptionalOperand=false, reportOperatorIssue=false
# The stubs declare every size of a tensor as possibly None.
"""The TensorFlow backend: eager tensors, and graphs for compiled functions.

Differences from the other backends:

* TensorFlow does not promote dtypes and lacks kernels for some (``arrays.py``).
* Compiled functions are graphs without XLA, whose code trains a convnet on a CPU 20 times slower (``compilation.py``).
* Python's operators on tensors are TensorFlow's own, which do not promote dtypes.
* TensorFlow is imported without log output, unless ``TF_CPP_MIN_LOG_LEVEL`` is set, and allocates GPU memory as needed
  (``startup.py``).
* What TensorFlow does not compute as the contract specifies (grouped convolution, ties in 3D pooling, index arrays) is derived
  from what it does (``convolution.py``, ``pooling.py``, ``indexing.py``).
"""

import builtins
import contextlib
import functools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from cornu.backends import contract
from cornu.backends.contract import Axes, ContractedAxes, Padding, Shape
from cornu.backends.devices import activations_in_cache, default_device_first, no_values_yet
from cornu.backends.tensorflow import (
    arrays,
    compilation,
    control_flow,
    convolution,
    gradients,
    indexing,
    pooling,
    tracing,
    variables,
)
from cornu.backends.tensorflow.arrays import (
    TensorLike,
    apply_in,
    as_bool,
    bool_to_int,
    checked,
    floating,
    is_float,
    number,
    promote,
    promote_to_floats,
    summable,
)
from cornu.backends.tensorflow.devices import device_names, device_scope, requested_scope
from cornu.backends.tensorflow.linalg import cholesky, eig, eigh, lu, qr, slogdet, solve, solve_triangular, svd  # noqa: F401
from cornu.backends.tensorflow.startup import tf
from cornu.typing import Tree

NAME = "tensorflow"
VALUE_ERRORS = tracing.VALUE_ERRORS
JUST_IN_TIME = False
EngineVariable = variables.TensorFlowVariable
VARIABLE_ATTRIBUTES = variables.VARIABLE_ATTRIBUTES


def _convert_variable(value: Any, dtype: Any = None, name: Any = None, as_ref: bool = False) -> Any:
    """Convert a variable of Cornu to a tensor, for TensorFlow's own functions and operators."""
    if not hasattr(type(value), "__cornu_array__"):
        return NotImplemented
    tensor = asarray(value.__cornu_array__())
    if dtype is not None and tensor.dtype != dtype:
        raise TypeError(f"Expected a tensor of dtype {dtype}, received a variable of dtype {tensor.dtype.name}.")
    return tensor


tf.register_tensor_conversion_function(object, _convert_variable, 0)

# --- Creation and conversion ------------------------------------------------------------------------------------------

asarray = arrays.asarray


def to_numpy(x: tf.Tensor) -> np.ndarray:
    if isinstance(x, tf.Tensor) and not hasattr(x, "numpy"):
        raise no_values_yet()
    return np.array(x.numpy() if isinstance(x, tf.Tensor) else x)  # `np.array` of a bfloat16 tensor warns


def dtype(x: tf.Tensor) -> str:
    return x.dtype.name


def shape(x: tf.Tensor) -> tuple:
    if x.shape.is_fully_defined():
        return tuple(x.shape)
    sizes = tf.shape(x)
    return tuple(sizes[axis] if size is None else size for axis, size in enumerate(x.shape))


_sizes = shape  # for functions with a parameter `shape`


def cast(x: tf.Tensor, dtype: str) -> tf.Tensor:
    return arrays.cast(x, checked(dtype))


def full(shape: Shape, value: float | tf.Tensor, dtype: str) -> tf.Tensor:
    return tf.fill(shape, cast(value, dtype) if isinstance(value, tf.Tensor) else number(value, checked(dtype)))


def arange(start: int, stop: int, step: int, dtype: str) -> tf.Tensor:
    if builtins.any(isinstance(value, tf.Tensor) for value in (start, stop, step)):  # sizes in a trace
        return cast(tf.range(*promote(start, stop, step)), dtype)
    return number(np.arange(start, stop, step), checked(dtype))


# --- Elementwise, one argument ----------------------------------------------------------------------------------------


def _is_unsigned(x: tf.Tensor) -> bool:
    return x.dtype.is_unsigned or x.dtype == tf.bool


def _of_floats(function: Callable, x: tf.Tensor) -> tf.Tensor:
    return function(floating(x))


def _unless_integer(function: Callable, x: tf.Tensor) -> tf.Tensor:
    return function(x) if is_float(x) else x


def _signed(function: Callable, x: tf.Tensor) -> tf.Tensor:
    """Apply a function that TensorFlow lacks for unsigned integers and booleans."""
    return apply_in("int64", function, x) if _is_unsigned(x) else function(x)


def abs(x: tf.Tensor) -> tf.Tensor:
    return x if _is_unsigned(x) else tf.abs(x)


negative = partial(_signed, tf.negative)
sign = partial(_signed, tf.sign)
exp = partial(_of_floats, tf.exp)
expm1 = partial(_of_floats, tf.math.expm1)
log = partial(_of_floats, tf.math.log)
log1p = partial(_of_floats, tf.math.log1p)
sqrt = partial(_of_floats, tf.sqrt)
rsqrt = partial(_of_floats, tf.math.rsqrt)


def square(x: tf.Tensor) -> tf.Tensor:
    return multiply(x, x) if x.dtype == tf.bool else tf.square(x)


sin = partial(_of_floats, tf.sin)
cos = partial(_of_floats, tf.cos)
tan = partial(_of_floats, tf.tan)
arcsin = partial(_of_floats, tf.asin)
arccos = partial(_of_floats, tf.acos)
arctan = partial(_of_floats, tf.atan)
sinh = partial(_of_floats, tf.sinh)
cosh = partial(_of_floats, tf.cosh)
tanh = partial(_of_floats, tf.tanh)
erf = partial(_of_floats, tf.math.erf)
sigmoid = partial(_of_floats, tf.sigmoid)


def relu(x: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(x)


floor = partial(_unless_integer, tf.floor)
ceil = partial(_unless_integer, tf.math.ceil)
round = partial(_unless_integer, tf.round)


def isnan(x: tf.Tensor) -> tf.Tensor:
    x = tf.abs(x) if x.dtype.is_complex else x
    return tf.math.is_nan(x) if is_float(x) else tf.zeros_like(x, tf.bool)


def isfinite(x: tf.Tensor) -> tf.Tensor:
    x = tf.abs(x) if x.dtype.is_complex else x
    return tf.math.is_finite(x) if is_float(x) else tf.ones_like(x, tf.bool)


def logical_not(x: tf.Tensor) -> tf.Tensor:
    return tf.logical_not(as_bool(x))


# --- Elementwise, two or three arguments ------------------------------------------------------------------------------


def _binary(function: Callable, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return function(x, y)


def _promoted(function: Callable, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return function(*promote(x, y))


def _promoted_to_floats(function: Callable, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return function(*promote_to_floats(x, y))


def _of_bits(function: Callable, logical: Callable, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Apply a function, or the one for booleans, to two tensors of one dtype."""
    return logical(x, y) if x.dtype == tf.bool else function(x, y)


def _promoted_or_logical(function: Callable, logical: Callable, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return _of_bits(function, logical, *promote(x, y))


add = partial(_promoted_or_logical, tf.add, tf.logical_or)
subtract = partial(_promoted, tf.subtract)
multiply = partial(_promoted_or_logical, tf.multiply, tf.logical_and)
divide = partial(_promoted_to_floats, tf.divide)
floor_divide = partial(_promoted, tf.math.floordiv)
remainder = partial(_promoted, tf.math.floormod)


def power(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    x, y = promote(x, y)
    return apply_in("int64", tf.pow, x, y) if _is_unsigned(x) else tf.pow(x, y)


def _with_shared_gradient(extremum: Callable, wins: Callable) -> Any:
    """Return ``maximum`` or ``minimum`` whose gradient equal values share; TensorFlow's passes it to the first."""

    @tf.custom_gradient
    def of_same_shape(x: tf.Tensor, y: tf.Tensor) -> Any:
        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            half = upstream / 2
            for_x = tf.where(wins(x, y), upstream, tf.where(tf.equal(x, y), half, tf.zeros_like(half)))
            return for_x, upstream - for_x

        return extremum(x, y), gradient

    def broadcasting(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        if not is_float(x):
            return extremum(x, y)
        if x.shape != y.shape:
            shape = tf.broadcast_dynamic_shape(tf.shape(x), tf.shape(y))
            x, y = tf.broadcast_to(x, shape), tf.broadcast_to(y, shape)
        return of_same_shape(x, y)

    return broadcasting


maximum = partial(_promoted_or_logical, _with_shared_gradient(tf.maximum, tf.greater), tf.logical_or)
minimum = partial(_promoted_or_logical, _with_shared_gradient(tf.minimum, tf.less), tf.logical_and)


arctan2 = partial(_promoted_to_floats, tf.atan2)


def logaddexp(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    x, y = promote_to_floats(x, y)
    difference = tf.subtract(x, y)
    is_undefined = tf.math.is_nan(difference)  # where both are infinite
    distance = tf.abs(tf.where(is_undefined, tf.zeros_like(difference), difference))
    return tf.where(is_undefined, tf.add(x, y), maximum(x, y) + tf.math.log1p(tf.exp(-distance)))


def _compared(function: Callable, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    x, y = promote(x, y)
    return function(tf.cast(x, "uint8"), tf.cast(y, "uint8")) if x.dtype == tf.bool else function(x, y)


def _logical(function: Callable, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return function(*(as_bool(value) for value in promote(x, y)))


equal = partial(_compared, tf.equal)
not_equal = partial(_compared, tf.not_equal)
less = partial(_compared, tf.less)
less_equal = partial(_compared, tf.less_equal)
greater = partial(_compared, tf.greater)
greater_equal = partial(_compared, tf.greater_equal)
logical_and = partial(_logical, tf.logical_and)
logical_or = partial(_logical, tf.logical_or)
logical_xor = partial(_logical, tf.math.logical_xor)


def where(condition: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return tf.where(as_bool(condition), *(promote(x, y) if _any_tensor(x, y) else promote(asarray(x), asarray(y))))


def _any_tensor(*values: TensorLike) -> bool:
    return builtins.any(isinstance(value, tf.Tensor) for value in values)


# --- Complex numbers and bits -----------------------------------------------------------------------------------------


def complex(real: tf.Tensor, imag: tf.Tensor) -> tf.Tensor:
    return tf.complex(real, imag)


def complex_parts(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return tf.math.real(x), tf.math.imag(x)


def fft(real: tf.Tensor, imag: tf.Tensor, inverse: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
    found = (tf.signal.ifft if inverse else tf.signal.fft)(tf.complex(real, imag))
    return tf.math.real(found), tf.math.imag(found)


def rfft(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    found = tf.signal.rfft(x)
    return tf.math.real(found), tf.math.imag(found)


def irfft(real: tf.Tensor, imag: tf.Tensor, size: int) -> tf.Tensor:
    return tf.signal.irfft(tf.complex(real, imag), [size])


bitwise_and = partial(_of_bits, tf.bitwise.bitwise_and, tf.logical_and)
bitwise_or = partial(_of_bits, tf.bitwise.bitwise_or, tf.logical_or)
bitwise_xor = partial(_of_bits, tf.bitwise.bitwise_xor, tf.math.logical_xor)
left_shift = partial(_binary, tf.bitwise.left_shift)
right_shift = partial(_binary, tf.bitwise.right_shift)


def bitcast(x: tf.Tensor, dtype: str) -> tf.Tensor:
    target = tf.as_dtype(checked(dtype))
    size, wanted = x.dtype.size, target.size
    if wanted > size:  # TensorFlow has one more axis for the parts of a wide element
        x = tf.reshape(x, (*_sizes(x)[:-1], _sizes(x)[-1] * size // wanted, wanted // size))
    found = tf.bitcast(x, target)
    return tf.reshape(found, (*_sizes(x)[:-1], _sizes(x)[-1] * size // wanted)) if wanted < size else found


# --- Reductions -------------------------------------------------------------------------------------------------------


def _extreme(function: Callable, logical: Callable, x: tf.Tensor, axis: Axes = None, keepdims: bool = False) -> tf.Tensor:
    return (logical if x.dtype == tf.bool else function)(x, axis, keepdims)


def _reduced_bools(function: Callable, x: tf.Tensor, axis: Axes = None, keepdims: bool = False) -> tf.Tensor:
    return function(as_bool(x), axis, keepdims)


def sum(x: tf.Tensor, axis: Axes = None, keepdims: bool = False) -> tf.Tensor:
    if x.dtype in (tf.float16, tf.bfloat16):  # TensorFlow would round the sums of blocks
        return tf.cast(tf.reduce_sum(tf.cast(x, "float32"), axis, keepdims), x.dtype)
    return tf.reduce_sum(summable(x), axis, keepdims)


def mean(x: tf.Tensor, axis: Axes = None, keepdims: bool = False) -> tf.Tensor:
    x = floating(x)
    if x.dtype.size > 2:
        return tf.reduce_mean(x, axis, keepdims)
    return tf.cast(tf.reduce_mean(tf.cast(x, "float32"), axis, keepdims), x.dtype)  # the sum may overflow 16 bits


def prod(x: tf.Tensor, axis: Axes = None, keepdims: bool = False) -> tf.Tensor:
    return tf.reduce_prod(summable(x), axis, keepdims)


max = partial(_extreme, tf.reduce_max, tf.reduce_any)
min = partial(_extreme, tf.reduce_min, tf.reduce_all)
all = partial(_reduced_bools, tf.reduce_all)
any = partial(_reduced_bools, tf.reduce_any)


def argmax(x: tf.Tensor, axis: int) -> tf.Tensor:
    return tf.argmax(x, axis, "int32")


def argmin(x: tf.Tensor, axis: int) -> tf.Tensor:
    return tf.argmin(x, axis, "int32")


def cumsum(x: tf.Tensor, axis: int) -> tf.Tensor:
    return tf.cumsum(bool_to_int(x), axis)


def cumprod(x: tf.Tensor, axis: int) -> tf.Tensor:
    """Multiply 2, 4, 8, ... neighbors: the gradient of TensorFlow's ``cumprod`` is wrong where an element is 0.

    If the size is unknown, it is used nevertheless.
    """
    x, size = bool_to_int(x), x.shape[axis]
    if size is None:
        return tf.math.cumprod(x, axis)
    pads = np.zeros((len(x.shape), 2), int)
    reach = 1
    while reach < size:
        pads[axis, 0] = reach
        earlier = tf.split(x, [size - reach, reach], axis)[0]
        x = x * tf.pad(earlier, pads, constant_values=1)
        reach *= 2
    return x


# --- Shape and indexing -----------------------------------------------------------------------------------------------


def reshape(x: tf.Tensor, shape: Shape) -> tf.Tensor:
    if None in shape:  # sizes that were unknown when `shape` was derived from that of `x`: they stay in order
        unknown = iter([size for size in _sizes(x) if not isinstance(size, int)])
        shape = tuple(next(unknown) if size is None else size for size in shape)
    return tf.reshape(x, shape)


def transpose(x: tf.Tensor, axes: tuple[int, ...]) -> tf.Tensor:
    return tf.transpose(x, axes)


def broadcast_to(x: tf.Tensor, shape: Shape) -> tf.Tensor:
    own = [1] * (len(shape) - len(x.shape)) + [*_sizes(x)]
    return tf.broadcast_to(x, [mine if size is None else size for size, mine in zip(shape, own, strict=True)])


def concatenate(xs: list[tf.Tensor], axis: int) -> tf.Tensor:
    return tf.concat(promote(*xs), axis)


def split(x: tf.Tensor, sizes: tuple[int, ...], axis: int) -> list[tf.Tensor]:
    return tf.split(x, list(sizes), axis)


def pad(x: tf.Tensor, pad_width: Padding, mode: str = "constant", constant_values: float = 0) -> tf.Tensor:
    if mode == "constant":
        return tf.pad(x, pad_width, constant_values=number(constant_values, x.dtype.name))
    for axis, pads in enumerate(pad_width):
        if builtins.any(pads):  # TensorFlow's own modes support no padding larger than the array
            x = tf.gather(x, _padded_indices(x, axis, pads, mode), axis=axis)
    return x


def _padded_indices(x: tf.Tensor, axis: int, pads: tuple[int, int], mode: str) -> np.ndarray | tf.Tensor:
    if x.shape[axis] is not None:
        return np.pad(np.arange(x.shape[axis]), pads, mode)  # type: ignore[call-overload]
    size = tf.shape(x)[axis]
    places = tf.range(-pads[0], size + pads[1])
    if mode == "edge":
        return tf.clip_by_value(places, 0, size - 1)
    period, last = (tf.maximum(2 * size - 2, 1), 0) if mode == "reflect" else (2 * size, 1)
    return tf.minimum(places % period, period - last - places % period)


def flip(x: tf.Tensor, axis: Axes) -> tf.Tensor:
    axes = range(len(x.shape)) if axis is None else [axis] if isinstance(axis, int) else axis
    return tf.reverse(x, list(axes))


getitem = indexing.getitem


def take(x: tf.Tensor, indices: tf.Tensor, axis: int) -> tf.Tensor:
    return tf.gather(x, _clipped(indices, _sizes(x)[axis]), axis=axis)


def take_along_axis(x: tf.Tensor, indices: tf.Tensor, axis: int) -> tf.Tensor:
    axis, indices = axis % len(x.shape), _clipped(indices, _sizes(x)[axis])
    one, other = ((*_sizes(array)[:axis], 1, *_sizes(array)[axis + 1 :]) for array in (x, indices))
    sizes = _broadcast_sizes(one, other)
    x, indices = (_with_axis_last(array, sizes, axis) for array in (x, indices))
    taken = tf.gather(x, indices, axis=-1, batch_dims=len(sizes) - 1)
    return tf.transpose(taken, [*range(axis), len(sizes) - 1, *range(axis, len(sizes) - 1)])


def _broadcast_sizes(one: Shape, other: Shape) -> Shape:
    """Return the sizes of two shapes of one rank, broadcast. A size that is unknown while tracing counts as equal to others."""
    if not builtins.all(isinstance(size, int) for size in (*one, *other)):
        return tuple(b if isinstance(a, int) and a == 1 else a for a, b in zip(one, other, strict=True))
    return np.broadcast_shapes(one, other)


def _with_axis_last(x: tf.Tensor, sizes: Shape, axis: int) -> tf.Tensor:
    """Broadcast all axes but one to the given sizes, and move that one to the end."""
    wide = tf.broadcast_to(x, [*sizes[:axis], _sizes(x)[axis], *sizes[axis + 1 :]])
    return tf.transpose(wide, [*(other for other in range(len(sizes)) if other != axis), axis])


def _clipped(indices: tf.Tensor, size: Any) -> tf.Tensor:
    indices = _signed_indices(indices)
    size = tf.cast(size, indices.dtype)
    return tf.clip_by_value(tf.where(indices < 0, indices + size, indices), 0, size - 1)


def _signed_indices(indices: tf.Tensor) -> tf.Tensor:
    """Return indices in a signed dtype that TensorFlow supports, wide enough for negative ones."""
    indices = asarray(indices)
    return indices if indices.dtype in (tf.int32, tf.int64) else tf.cast(indices, "int64")


def index_add(x: tf.Tensor, indices: tf.Tensor, updates: tf.Tensor) -> tf.Tensor:
    indices = _signed_indices(indices)
    size = tf.cast(_sizes(x)[0], indices.dtype)
    rows = tf.where(indices < 0, indices + size, indices)
    inside = (rows >= 0) & (rows < size)
    updates = tf.broadcast_to(arrays.cast(updates, x.dtype.name), [*_sizes(rows), *_sizes(x)[1:]])
    kept = tf.where(tf.reshape(inside, [*_sizes(rows), *[1] * (len(x.shape) - 1)]), updates, tf.zeros_like(updates))
    return tf.tensor_scatter_nd_add(x, tf.expand_dims(tf.where(inside, rows, 0), -1), kept)


# --- Contractions -----------------------------------------------------------------------------------------------------

_CONTRACTION_DTYPES = {
    **dict.fromkeys(("bool", "int8", "int16", "uint8", "uint16"), "int32"),
    **dict.fromkeys(("uint32", "uint64"), "int64"),
}
"""Dtypes for the products and sums of integers that TensorFlow has no matrix product for."""


def _contract(function: Callable, *operands: tf.Tensor) -> tf.Tensor:
    tensors = promote(*operands)
    wide = _CONTRACTION_DTYPES.get(tensors[0].dtype.name)
    return apply_in(wide, function, *tensors) if wide else function(*tensors)


def matmul(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return _contract(_matmul, x, y)


def _matmul(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    rows = x if len(x.shape) > 1 else x[None]
    columns = y if len(y.shape) > 1 else y[:, None]
    product: Any = tf.matmul(rows, columns)
    if len(y.shape) == 1:
        product = product[..., 0]
    return product if len(x.shape) > 1 else product[0] if len(y.shape) == 1 else product[..., 0, :]


def tensordot(x: tf.Tensor, y: tf.Tensor, axes: ContractedAxes) -> tf.Tensor:
    return _contract(partial(tf.tensordot, axes=axes), x, y)


def einsum(subscripts: str, *operands: tf.Tensor) -> tf.Tensor:
    if "->" not in subscripts:  # TensorFlow omits the axes of `...` from the result
        once = [letter for letter in sorted(set(subscripts)) if letter.isalpha() and subscripts.count(letter) == 1]
        subscripts = f"{subscripts}->{'...' if '...' in subscripts else ''}{''.join(once)}"
    return _contract(partial(tf.einsum, subscripts), *operands)


# --- Sorting ----------------------------------------------------------------------------------------------------------


def argsort(x: tf.Tensor, axis: int) -> tf.Tensor:
    x = bool_to_int(x)
    if is_float(x):
        x = tf.where(tf.math.is_nan(x), tf.constant(np.inf, x.dtype), x)  # NaN is sorted last, as in NumPy
    return tf.argsort(x, axis, stable=True)


def top_k(x: tf.Tensor, k: int) -> tuple[tf.Tensor, tf.Tensor]:
    values, indices = tf.math.top_k(bool_to_int(x), k)
    return arrays.cast(values, x.dtype.name), indices


# --- Convolution and pooling ------------------------------------------------------------------------------------------


def conv(x: tf.Tensor, kernel: tf.Tensor, strides: Shape, padding: Padding, dilation: Shape, groups: int = 1) -> tf.Tensor:
    return _convolved(convolution.conv, x, kernel, tuple(strides), padding, tuple(dilation), groups)


def conv_transpose(
    x: tf.Tensor, kernel: tf.Tensor, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape
) -> tf.Tensor:
    return _convolved(convolution.conv_transpose, x, kernel, output_size, tuple(strides), padding, tuple(dilation))


def _convolved(function: Callable, x: tf.Tensor, kernel: tf.Tensor, *windows: Any) -> tf.Tensor:
    """Apply a convolution to promoted arguments; integers are converted to floats that represent them exactly."""
    x, kernel = promote(x, kernel)
    if is_float(x):
        return function(x, kernel, *windows)
    return apply_in("float64", lambda x, kernel: function(x, kernel, *windows), x, kernel)


def max_pool(x: tf.Tensor, window: Shape, strides: Shape, padding: Padding) -> tf.Tensor:
    return _signed(partial(pooling.max_pool, window=window, strides=strides, padding=padding), x)


def avg_pool(x: tf.Tensor, window: Shape, strides: Shape, padding: Padding) -> tf.Tensor:
    return pooling.avg_pool(floating(x), window, strides, padding)


# --- Control flow -----------------------------------------------------------------------------------------------------

scan = control_flow.scan
while_loop = control_flow.while_loop
cond = control_flow.cond

# --- Random numbers ---------------------------------------------------------------------------------------------------

_METHOD = "philox"
"""Algorithm of random numbers, the same on every device; TensorFlow's default depends on the device."""


def _seed(key: tf.Tensor) -> tf.Tensor:
    return tf.bitcast(cast(asarray(key), "uint32"), tf.int32)


def fold_in(key: tf.Tensor, data: int | tf.Tensor) -> tf.Tensor:
    """Mix the key, combine it with the data, and mix the result."""
    data = number(data % 2**32, "uint32") if isinstance(data, int) else cast(asarray(data), "uint32")
    first, second = tf.unstack(_words(_seed(key)))
    seed = tf.stack([tf.bitwise.bitwise_xor(first, tf.bitcast(data, tf.int32)), second])
    return tf.bitcast(_words(seed), tf.uint32)


def _words(seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform((2,), seed, None, None, "int32", alg=_METHOD)  # type: ignore[arg-type]


def random_uniform(key: tf.Tensor, shape: Shape, dtype: str) -> tf.Tensor:
    return tf.random.stateless_uniform(shape, _seed(key), dtype=checked(dtype), alg=_METHOD)


def random_normal(key: tf.Tensor, shape: Shape, dtype: str) -> tf.Tensor:
    return tf.random.stateless_normal(shape, _seed(key), dtype=checked(dtype), alg=_METHOD)


_ANONYMOUS = "cd2c89b7-88b7-44c8-ad83-06c2a9158347"
"""Name by which TensorFlow creates a resource without a name, which lives as long as a tensor or graph refers to it."""

_STEP = 256
"""By how much ``RngReadAndSkip`` advances the counter of the Philox algorithm for each value that it skips."""


def run_number() -> tf.Tensor:
    """Return a number that counts the runs of the function that is being traced, also of parallel ones.

    A ``tf.Variable`` cannot be created in a ``tf.function``, and adding to one is not atomic.
    """
    with tf.init_scope():
        state = tf.raw_ops.VarHandleOp(dtype=tf.int64, shape=(3,), shared_name=_ANONYMOUS)
        tf.raw_ops.AssignVariableOp(resource=state, value=tf.zeros((3,), tf.int64))
    counter = tf.raw_ops.RngReadAndSkip(resource=state, alg=1, delta=tf.constant(1, tf.uint64))
    return tf.cast(counter[0] // _STEP, tf.uint32)


# --- Transforms -------------------------------------------------------------------------------------------------------

value_and_grad = gradients.value_and_grad
custom_gradient = gradients.custom_gradient
remat = gradients.remat
compile = compilation.compile
multi_step = compilation.multi_step
abstract_eval = tracing.abstract_eval
call_on_host = tracing.call_on_host


def prefers_compiled(*arrays: tf.Tensor) -> bool:
    return False  # tracing takes as long as dozens of calls


def is_traced(x: tf.Tensor) -> bool:
    return not hasattr(x, "numpy")


def concrete() -> contextlib.AbstractContextManager:
    return tf.init_scope()


def stop_gradient(x: tf.Tensor) -> tf.Tensor:
    return tf.stop_gradient(x)


# --- Fused ops --------------------------------------------------------------------------------------------------------


def normalized_batch(
    x: tf.Tensor, gamma: tf.Tensor | None, beta: tf.Tensor | None, epsilon: float
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    channels: Any = x.shape[-1]
    images = tf.reshape(x, (-1, 1, 1, channels))
    scale = tf.ones(channels) if gamma is None else gamma
    offset = tf.zeros(channels) if beta is None else beta
    none = tf.zeros(0)  # no moving statistics
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=images, scale=scale, offset=offset, mean=none, variance=none, epsilon=epsilon
    )
    count = tf.cast(tf.shape(images)[0], "float32")
    # TensorFlow returns the unbiased estimate of the variance; the contract asks for the biased one.
    return tf.reshape(outputs, tf.shape(x)), mean, variance * (tf.maximum(count - 1, 1) / count)


def affine_warp(
    images: tf.Tensor, coefficients: Sequence[TensorLike], interpolation: str, fill_mode: str, fill_value: float
) -> tf.Tensor | None:
    if fill_mode == "wrap":  # the kernel wraps around one pixel earlier
        return None
    batch, height, width, _ = _sizes(images)
    columns = [tf.broadcast_to(tf.reshape(cast(asarray(c), "float32"), (-1,)), (batch,)) for c in coefficients]
    zeros = tf.zeros((batch,))
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([*columns, zeros, zeros], 1),
        output_shape=tf.stack([height, width]),
        fill_value=float(fill_value),
        interpolation=interpolation.upper(),
        fill_mode=fill_mode.upper(),
    )
    return tf.ensure_shape(warped, images.shape)  # in a trace, the sizes that are known


# --- Devices ----------------------------------------------------------------------------------------------------------


def devices() -> list[str]:
    return default_device_first("tensorflow", device_names())


def to_device(x: tf.Tensor, device: str) -> tf.Tensor:
    with device_scope(device):
        return tf.identity(x)


def synchronize(tree: Tree) -> None:
    tf.test.experimental.sync_devices()


def micro_batch_activations() -> int | None:
    return activations_in_cache(devices()[0])


# --- All primitives ---------------------------------------------------------------------------------------------------


def _with_device_and_errors(primitive: Callable) -> Any:
    """Return the primitive, run on the requested device.

    It raises ``ValueError`` instead of TensorFlow's ``InvalidArgumentError``, as the other engines do.
    """

    @functools.wraps(primitive)
    def wrapper(*args: Tree, **kwargs: Any) -> Any:
        try:
            with requested_scope():
                return primitive(*args, **kwargs)
        except tf.errors.InvalidArgumentError as error:
            raise ValueError(error.message) from error

    return wrapper


globals().update({name: _with_device_and_errors(globals()[name]) for name in contract.PRIMITIVES})
