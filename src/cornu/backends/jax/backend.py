"""The JAX backend: XLA on CPU, GPU and TPU.

Differences from the other backends:

* JAX's option ``jax_enable_x64`` is left as the user set it, False by default. Then ``"float64"`` and ``"int64"`` silently
  mean ``"float32"`` and ``"int32"``; integers that do not fit into 32 bits raise an error.
* Dicts returned from ``compile``, ``scan``, ``value_and_grad`` and other transforms have sorted keys, as in JAX's trees.
* Compiled programs are cached on disk, in the user's cache folder (``compilation.py``).
* On a CPU, convolution, pooling and recurrent layers have custom gradients (``convolution.py``, ``pooling.py``,
  ``recurrence.py``). A function is compiled for the device that ``config.device`` names when ``compile`` is called and the
  function is traced.
"""

import builtins
import contextlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer

from cornu import config, dtypes
from cornu.backends import common
from cornu.backends.contract import ArraySpec, ArraySpecs, Axes, ContractedAxes, Index, Padding, Shape
from cornu.backends.devices import activations_in_cache, default_device_first
from cornu.backends.jax import compilation, convolution, pooling
from cornu.backends.jax.devices import device_named, devices_by_name, requested_device, runs_on_cpu
from cornu.backends.jax.linalg import cholesky, eig, eigh, lu, qr, slogdet, solve, solve_triangular, svd  # noqa: F401
from cornu.backends.jax.recurrence import recurrence as fused_recurrence
from cornu.errors import TracedValueError, one_of
from cornu.typing import ArrayLike, DType, Tree

NAME = "jax"
VALUE_ERRORS = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    TracedValueError,
)
JUST_IN_TIME = True

compilation.enable_compilation_cache()


# --- Creation and conversion ------------------------------------------------------------------------------------------


def available_dtype(dtype: DType) -> str:
    """Return the name of the dtype that JAX uses for a dtype, given its 64-bit option."""
    try:
        return jax.dtypes.canonicalize_dtype(dtype).name
    except TypeError:
        raise one_of("dtype", dtype, dtypes.DTYPES) from None


_ALIGNMENT = 64
"""Alignment in bytes at which JAX on a CPU uses the memory of a NumPy array without a copy."""
_LARGE = 2**20
"""Number of bytes from which on an aligned copy is faster."""


def asarray(x: ArrayLike, dtype: str | None = None) -> Array:
    if isinstance(x, jax.Array):
        return x if dtype is None else cast(x, dtype)
    if isinstance(x, (list, tuple)) and common.holds(x, jax.Array):
        x = jnp.stack([asarray(item) for item in x])
        return x if dtype is None else cast(x, dtype)
    own = _own_array(x, dtype)
    with jax.ensure_compile_time_eval():  # concrete inside a traced function too
        return jax.device_put(own, requested_device())


def _own_array(x: ArrayLike, dtype: str | None) -> np.ndarray:
    """Return a private copy as a NumPy array: JAX may use its memory directly, so the user must not have a reference."""
    array = common.numbers(x)
    dtype = available_dtype(dtype or common.usual_dtype(array))
    common.check_fits(array, dtype, "Pass floats, or scale the values down.")
    return _aligned_copy(array, dtype) if array.nbytes >= _LARGE else np.array(array, dtype=dtype)


def _aligned_copy(array: np.ndarray, dtype: str) -> np.ndarray:
    """Return an aligned copy, whose memory JAX on a CPU uses directly, in a quarter of the time and half of the memory."""
    memory = np.empty(array.size * np.dtype(dtype).itemsize + _ALIGNMENT, np.uint8)
    begin = -memory.ctypes.data % _ALIGNMENT
    copy = memory[begin : begin + memory.size - _ALIGNMENT].view(dtype).reshape(array.shape)
    copy[...] = array
    return copy


def to_numpy(x: Array) -> np.ndarray:
    return np.array(x)


def dtype(x: Array) -> str:
    return x.dtype.name


def shape(x: Array) -> tuple:
    return x.shape


def cast(x: Array, dtype: str) -> Array:
    name = available_dtype(dtype)
    if jnp.iscomplexobj(x) and "complex" not in name and name != "bool":
        x = lax.real(x)
    return x if x.dtype.name == name else lax.convert_element_type(x, name)


def full(shape: Shape, value: float | Array, dtype: str) -> Array:
    return jnp.full(shape, value, available_dtype(dtype), device=requested_device())


def arange(start: int, stop: int, step: int, dtype: str) -> Array:
    return jnp.arange(start, stop, step, available_dtype(dtype), device=requested_device())


# --- Elementwise, one argument ----------------------------------------------------------------------------------------


def _is_float(x: Array) -> bool:
    return jnp.issubdtype(jnp.result_type(x), jnp.inexact)


def _floating(x: Array) -> Array:
    return x if _is_float(x) else jnp.asarray(x, available_dtype(config.floatx()))


def _unary(function: Callable, x: Array) -> Array:
    return function(x)


def _of_floats(function: Callable, x: Array) -> Array:
    return function(_floating(x))


def abs(x: Array) -> Array:
    if not jnp.issubdtype(jnp.result_type(x), jnp.floating):
        return jnp.abs(x)
    return x * lax.stop_gradient(jnp.sign(x))  # the gradient of jnp.abs at 0 is 1


negative = partial(_unary, jnp.negative)
sign = partial(_unary, jnp.sign)
exp = partial(_of_floats, jnp.exp)
expm1 = partial(_of_floats, jnp.expm1)
log = partial(_of_floats, jnp.log)
log1p = partial(_of_floats, jnp.log1p)
sqrt = partial(_of_floats, jnp.sqrt)
rsqrt = partial(_of_floats, lax.rsqrt)
square = partial(_unary, jnp.square)
sin = partial(_of_floats, jnp.sin)
cos = partial(_of_floats, jnp.cos)
tan = partial(_of_floats, jnp.tan)
arcsin = partial(_of_floats, jnp.arcsin)
arccos = partial(_of_floats, jnp.arccos)
arctan = partial(_of_floats, jnp.arctan)
sinh = partial(_of_floats, jnp.sinh)
cosh = partial(_of_floats, jnp.cosh)
tanh = partial(_of_floats, jnp.tanh)
erf = partial(_of_floats, lax.erf)
sigmoid = partial(_of_floats, lax.logistic)
relu = partial(_unary, jax.nn.relu)
floor = partial(_unary, jnp.floor)
ceil = partial(_unary, jnp.ceil)
round = partial(_unary, jnp.round)
isnan = partial(_unary, jnp.isnan)
isfinite = partial(_unary, jnp.isfinite)
logical_not = partial(_unary, jnp.logical_not)

# --- Elementwise, two or three arguments ------------------------------------------------------------------------------


def _binary(function: Callable, x: Array, y: Array) -> Array:
    return function(x, y)


def _binary_of_floats(function: Callable, x: Array, y: Array) -> Array:
    """Apply a binary function to floats: two integers are converted; next to a float, the function promotes the other one."""
    return function(x, y) if _is_float(x) or _is_float(y) else function(_floating(x), _floating(y))


add = partial(_binary, jnp.add)
subtract = partial(_binary, jnp.subtract)
multiply = partial(_binary, jnp.multiply)
divide = partial(_binary_of_floats, jnp.divide)
floor_divide = partial(_binary, jnp.floor_divide)
remainder = partial(_binary, jnp.remainder)
power = partial(_binary, jnp.power)
maximum = partial(_binary, jnp.maximum)
minimum = partial(_binary, jnp.minimum)
arctan2 = partial(_binary_of_floats, jnp.arctan2)
logaddexp = partial(_binary_of_floats, jnp.logaddexp)
equal = partial(_binary, jnp.equal)
not_equal = partial(_binary, jnp.not_equal)
less = partial(_binary, jnp.less)
less_equal = partial(_binary, jnp.less_equal)
greater = partial(_binary, jnp.greater)
greater_equal = partial(_binary, jnp.greater_equal)
logical_and = partial(_binary, jnp.logical_and)
logical_or = partial(_binary, jnp.logical_or)
logical_xor = partial(_binary, jnp.logical_xor)


def where(condition: Array, x: Array, y: Array) -> Array:
    return jnp.where(condition, x, y)


# --- Complex numbers and bits -----------------------------------------------------------------------------------------


def complex(real: Array, imag: Array) -> Array:
    return lax.complex(real, imag)


def complex_parts(x: Array) -> tuple[Array, Array]:
    return lax.real(x), lax.imag(x)


def fft(real: Array, imag: Array, inverse: bool = False) -> tuple[Array, Array]:
    return complex_parts((jnp.fft.ifft if inverse else jnp.fft.fft)(lax.complex(real, imag)))


def rfft(x: Array) -> tuple[Array, Array]:
    return complex_parts(jnp.fft.rfft(x))


def irfft(real: Array, imag: Array, size: int) -> Array:
    return jnp.fft.irfft(lax.complex(real, imag), size)


bitwise_and = partial(_binary, jnp.bitwise_and)
bitwise_or = partial(_binary, jnp.bitwise_or)
bitwise_xor = partial(_binary, jnp.bitwise_xor)
left_shift = partial(_binary, jnp.left_shift)
right_shift = partial(_binary, jnp.right_shift)


def bitcast(x: Array, dtype: str) -> Array:
    target = np.dtype(available_dtype(dtype))
    size, wanted = x.dtype.itemsize, target.itemsize
    if wanted > size:  # JAX has one more axis for the parts of a wide element
        x = jnp.reshape(x, (*x.shape[:-1], x.shape[-1] * size // wanted, wanted // size))
    found = lax.bitcast_convert_type(x, target)
    return jnp.reshape(found, (*x.shape[:-1], x.shape[-1] * size // wanted)) if wanted < size else found


# --- Reductions -------------------------------------------------------------------------------------------------------


def _reduced(function: Callable, x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    return function(x, axis=axis, keepdims=keepdims)


def _bool_to_int(x: Array) -> Array:
    return cast(x, "int32") if x.dtype == bool else x


_SUM_DTYPES = {np.dtype(small): wide for small, wide in dtypes.SUM_DTYPES.items()}


def sum(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    return jnp.sum(x, axis=axis, dtype=_SUM_DTYPES.get(x.dtype), keepdims=keepdims, promote_integers=False)


def mean(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    return jnp.mean(_floating(x), axis=axis, keepdims=keepdims)


def prod(x: Array, axis: Axes = None, keepdims: bool = False) -> Array:
    return jnp.prod(x, axis=axis, dtype=_SUM_DTYPES.get(x.dtype), keepdims=keepdims, promote_integers=False)


max = partial(_reduced, jnp.max)
min = partial(_reduced, jnp.min)
all = partial(_reduced, jnp.all)
any = partial(_reduced, jnp.any)


def argmax(x: Array, axis: int) -> Array:
    return cast(jnp.argmax(x, axis=axis), "int32")


def argmin(x: Array, axis: int) -> Array:
    return cast(jnp.argmin(x, axis=axis), "int32")


def cumsum(x: Array, axis: int) -> Array:
    return jnp.cumsum(_bool_to_int(x), axis=axis)


def cumprod(x: Array, axis: int) -> Array:
    return jnp.cumprod(_bool_to_int(x), axis=axis)


# --- Shape and indexing -----------------------------------------------------------------------------------------------


def reshape(x: Array, shape: Shape) -> Array:
    return jnp.reshape(x, shape)


def transpose(x: Array, axes: tuple[int, ...]) -> Array:
    return jnp.transpose(x, axes)


def broadcast_to(x: Array, shape: Shape) -> Array:
    return jnp.broadcast_to(x, shape)


def concatenate(xs: list[Array], axis: int) -> Array:
    return jnp.concatenate(xs, axis=axis)


def split(x: Array, sizes: tuple[int, ...], axis: int) -> list[Array]:
    return list(lax.split(x, sizes, axis))


def pad(x: Array, pad_width: Padding, mode: str = "constant", constant_values: float = 0) -> Array:
    if mode == "constant":
        return jnp.pad(x, pad_width, constant_values=constant_values)
    return jnp.pad(x, pad_width, mode=mode)


def flip(x: Array, axis: Axes) -> Array:
    return jnp.flip(x, axis=axis)


def getitem(x: Array, index: Index) -> Array:
    items: tuple = index if isinstance(index, tuple) else (index,)
    items = tuple(np.asarray(item) if isinstance(item, list) else item for item in items)
    if builtins.all(item is None or isinstance(item, (int, slice, np.ndarray, type(...))) for item in items):
        np.broadcast_to(np.False_, x.shape)[items]  # raises IndexError; JAX would clip an index out of range
    return x[items]


def take(x: Array, indices: Array, axis: int) -> Array:
    return jnp.take(x, _nonnegative(indices, x.shape[axis]), axis=axis, mode="clip")


def take_along_axis(x: Array, indices: Array, axis: int) -> Array:
    return jnp.take_along_axis(x, _nonnegative(indices, x.shape[axis]), axis=axis, mode="clip")


def _nonnegative(indices: Array, size: int) -> Array:
    indices = jnp.asarray(indices)
    if jnp.issubdtype(indices.dtype, jnp.unsignedinteger):
        return indices
    return jnp.where(indices < 0, indices + size, indices)


def index_add(x: Array, indices: Array, updates: Array) -> Array:
    return x.at[indices].add(updates, mode="drop")


# --- Contractions -----------------------------------------------------------------------------------------------------


matmul = partial(_binary, jnp.matmul)


def tensordot(x: Array, y: Array, axes: ContractedAxes) -> Array:
    return jnp.tensordot(x, y, axes)


def einsum(subscripts: str, *operands: Array) -> Array:
    return jnp.einsum(subscripts, *operands)


# --- Sorting ----------------------------------------------------------------------------------------------------------


def argsort(x: Array, axis: int) -> Array:
    return cast(jnp.argsort(x, axis=axis, stable=True), "int32")


def top_k(x: Array, k: int) -> tuple[Array, Array]:
    values, indices = lax.top_k(x, k)
    return values, cast(indices, "int32")


# --- Convolution and pooling ------------------------------------------------------------------------------------------


def _has_cpu_path(dtype: np.dtype) -> bool:
    return config.fast_paths() and runs_on_cpu() and jnp.issubdtype(dtype, jnp.floating)


def conv(x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape, groups: int = 1) -> Array:
    x, kernel = _same_dtype(x, kernel)
    if _has_cpu_path(x.dtype):
        return convolution.conv(x, kernel, strides, padding, dilation, groups)
    numbers = convolution.dimension_numbers(len(strides))
    return lax.conv_general_dilated(
        x, kernel, strides, padding, rhs_dilation=dilation, dimension_numbers=numbers, feature_group_count=groups
    )


def conv_transpose(x: Array, kernel: Array, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    x, kernel = _same_dtype(x, kernel)
    if _has_cpu_path(x.dtype):
        return convolution.conv_transpose(x, kernel, output_size, strides, padding, dilation)
    transposed, pads = convolution.transposed(kernel, x.shape[1:-1], output_size, strides, padding, dilation)
    numbers = convolution.dimension_numbers(len(strides))
    ones = (1,) * len(strides)
    return lax.conv_general_dilated(x, transposed, ones, pads, strides, dilation, dimension_numbers=numbers)


def _same_dtype(x: Array, y: Array) -> tuple[Array, Array]:
    promoted = jnp.promote_types(x.dtype, y.dtype)
    return x.astype(promoted), y.astype(promoted)


def max_pool(x: Array, window: Shape, strides: Shape, padding: Padding) -> Array:
    if _has_cpu_path(x.dtype) and math.prod(window) <= convolution.SMALL_WINDOW:
        return pooling.max_pool(x, tuple(window), tuple(strides), convolution.pairs(padding))
    lowest = -np.inf if _is_float(x) else jnp.iinfo(x.dtype).min
    return _reduce_windows(x, np.array(lowest, x.dtype), lax.max, window, strides, padding)


def avg_pool(x: Array, window: Shape, strides: Shape, padding: Padding) -> Array:
    x = _floating(x)
    total = _sum_pool(x, window, strides, padding)
    counts = common.window_counts(x.shape[1:-1], window, strides, padding).astype(x.dtype)
    return total / counts[None, ..., None]


def _sum_pool(x: Array, window: Shape, strides: Shape, padding: Padding) -> Array:
    if _has_cpu_path(x.dtype) and math.prod(window) <= convolution.SMALL_WINDOW:
        return pooling.sum_pool(x, tuple(window), tuple(strides), convolution.pairs(padding))
    return _reduce_windows(x, np.zeros((), x.dtype), lax.add, window, strides, padding)


def _reduce_windows(x: Array, init: np.ndarray, function: Callable, window: Shape, strides: Shape, padding: Padding) -> Array:
    return lax.reduce_window(x, init, function, (1, *window, 1), (1, *strides, 1), ((0, 0), *padding, (0, 0)))


# --- Control flow -----------------------------------------------------------------------------------------------------


def scan(f: Callable, init: Tree, xs: Tree, reverse: bool = False) -> tuple[Any, Any]:
    return lax.scan(f, init, xs, reverse=reverse)


def while_loop(cond: Callable, body: Callable, init: Tree) -> Any:
    return lax.while_loop(cond, body, init)


def cond(pred: Array, true_fn: Callable, false_fn: Callable, *operands: Tree) -> Any:
    return lax.cond(pred, true_fn, false_fn, *operands)


# --- Random numbers ---------------------------------------------------------------------------------------------------


def _typed_key(key: Array) -> Array:
    return jax.random.wrap_key_data(jnp.asarray(key, "uint32"), impl="threefry2x32")


def fold_in(key: Array, data: int | Array) -> Array:
    data = data % 2**32 if isinstance(data, int) else data
    return jax.random.key_data(jax.random.fold_in(_typed_key(key), data))


def random_uniform(key: Array, shape: Shape, dtype: str) -> Array:
    return jax.random.uniform(_typed_key(key), shape, available_dtype(dtype))


def random_normal(key: Array, shape: Shape, dtype: str) -> Array:
    return jax.random.normal(_typed_key(key), shape, available_dtype(dtype))


# --- Transforms -------------------------------------------------------------------------------------------------------


def value_and_grad(f: Callable, has_aux: bool = False) -> Callable:
    def checked(*args: Tree, **kwargs: Any) -> Any:
        result = f(*args, **kwargs)
        value = result[0] if has_aux else result
        common.check_differentiated(jnp.shape(value), jnp.result_type(value).name)
        return result

    differentiate = jax.value_and_grad(checked, has_aux=has_aux)

    def both(first: Tree, *args: Tree, **kwargs: Any) -> Any:
        for leaf in jax.tree.leaves(first):
            common.check_has_gradient(jnp.result_type(leaf).name)
        return differentiate(first, *args, **kwargs)

    return both


def stop_gradient(x: Array) -> Array:
    return lax.stop_gradient(x)


def is_traced(x: Array) -> bool:
    return isinstance(x, Tracer)


def concrete() -> contextlib.AbstractContextManager:
    return jax.ensure_compile_time_eval()


def custom_gradient(f: Callable) -> Callable:
    def with_tuple(*arrays: Array) -> tuple[Any, Callable]:
        value, grad = f(*arrays)
        return value, lambda upstream: tuple(grad(upstream))

    return jax.custom_gradient(with_tuple)


def remat(f: Callable) -> Callable:
    return jax.checkpoint(f)


compile = compilation.compile
prefers_compiled = compilation.prefers_compiled
multi_step = compilation.multi_step


def abstract_eval(f: Callable, *specs: ArraySpecs) -> Any:
    def is_spec(value: Tree) -> bool:
        return isinstance(value, ArraySpec)

    structs = jax.tree.map(lambda spec: jax.ShapeDtypeStruct(spec.shape, available_dtype(spec.dtype)), specs, is_leaf=is_spec)
    try:
        results = jax.eval_shape(f, *structs)
    except VALUE_ERRORS:
        with common.without_values.set_to(True):
            results = f(*jax.tree.map(lambda struct: jnp.zeros(struct.shape, struct.dtype), structs))
    return jax.tree.map(lambda result: ArraySpec(result.shape, result.dtype.name), results)


# --- Fused ops --------------------------------------------------------------------------------------------------------

recurrence = fused_recurrence


def mapped_at_once(function: Callable, elements: Tree) -> Any:
    return jax.vmap(function)(elements)


# --- Devices ----------------------------------------------------------------------------------------------------------


def devices() -> list[str]:
    return default_device_first("jax", list(devices_by_name()))


def to_device(x: Array, device: str) -> Array:
    return jax.device_put(x, device_named(device))


def synchronize(tree: Tree) -> None:
    jax.block_until_ready(tree)


def micro_batch_activations() -> int | None:
    return activations_in_cache(devices()[0])


# --- Variables --------------------------------------------------------------------------------------------------------


def accept_variables(kind: type) -> None:
    """Let JAX treat a variable, where a tree of arrays is expected, as its value, as in ``jax.jit(f)(model.variables)``."""
    jax.tree_util.register_pytree_node(kind, lambda variable: ((variable.value,), None), lambda _, values: values[0])
