"""The PyTorch backend: the primitives of the contract.

Differences from the other backends:

* Arrays are channels last, as everywhere in Cornu. After ``permute`` they are tensors in PyTorch's channels-last memory
  format, for which it has fast kernels; nothing is copied.
* ``compile`` traces a function, including its gradients, to a graph of operators and runs only that (``compilation.py``),
  after optimization (``fx_passes.py``).
* PyTorch has no arithmetic for unsigned integers of 16 bits and more: they are computed as ``int64``.
"""

import builtins
import functools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cornu import config, dtypes, trees
from cornu.backends import common, lookup
from cornu.backends.contract import ArraySpec, ArraySpecs, Axes, Index, Padding, Shape
from cornu.backends.devices import activations_in_cache, default_device_first, no_values_yet
from cornu.backends.torch import compilation, custom_ops, gradients, layer_methods, variables
from cornu.backends.torch.compat import FakeTensor, is_functorch_wrapped
from cornu.backends.torch.devices import default_device, device_named, device_names
from cornu.backends.torch.linalg import cholesky, eig, eigh, lu, qr, slogdet, solve, solve_triangular, svd  # noqa: F401
from cornu.errors import one_of
from cornu.typing import ArrayLike, Tree

NAME = "torch"
VALUE_ERRORS = compilation.VALUE_ERRORS

_SYMBOLIC_NUMBERS = (torch.SymBool, torch.SymFloat, torch.SymInt)
"""What `x.item()` returns while a function is traced."""

for _kind in _SYMBOLIC_NUMBERS:
    lookup.register_array_type(_kind, None)
JUST_IN_TIME = False
EngineVariable = variables.TorchVariable
LAYER_METHODS, LAYER_ATTRIBUTES = layer_methods.LAYER_METHODS, layer_methods.LAYER_ATTRIBUTES
MODULE_ATTRIBUTES = layer_methods.MODULE_ATTRIBUTES

# --- Creation and conversion ------------------------------------------------------------------------------------------

_DTYPES = {name: getattr(torch, name) for name in dtypes.DTYPES}
_NAME_OF = {dtype: name for name, dtype in _DTYPES.items()}
_WITHOUT_ARITHMETIC = (torch.uint16, torch.uint32, torch.uint64)


def _dtype(name: str) -> torch.dtype:
    if name not in _DTYPES:
        raise one_of("dtype", name, dtypes.DTYPES)
    return _DTYPES[name]


def asarray(x: ArrayLike, dtype: str | None = None) -> Tensor:
    if isinstance(x, (list, tuple)) and common.holds(x, torch.Tensor):
        x = torch.stack([asarray(item) for item in x])
    if isinstance(x, torch.Tensor):
        return x if dtype is None else cast(x, dtype)
    if isinstance(x, _SYMBOLIC_NUMBERS):
        raise no_values_yet()
    array = common.numbers(x)
    dtype = dtype or common.usual_dtype(array)
    common.check_fits(array, dtype, "Pass `dtype='int64'`, or pass floats.")
    with compilation.concrete():
        device = default_device()
        return supported_by(device, _from_numpy(array, dtype)).to(device)


def supported_by(device: torch.device, x: Tensor) -> Tensor:
    """Return a tensor in a dtype that a device has: the GPUs of Apple have no ``float64``, for which ``float32`` is used."""
    return x.to(torch.float32) if device.type == "mps" and x.dtype == torch.float64 else x


def _from_numpy(array: np.ndarray, dtype: str) -> torch.Tensor:
    if array.dtype.name == "bfloat16":
        array = array.astype("float32")  # exact
    if dtype == "bfloat16":
        return torch.from_numpy(np.array(array, "float32")).to(torch.bfloat16)
    _dtype(dtype)
    with np.errstate(all="ignore"):
        return torch.from_numpy(np.array(array, dtype))


def to_numpy(x: Tensor) -> np.ndarray:
    if isinstance(x, FakeTensor):
        raise TypeError("The values of a tensor were read while a function is being traced, when it has none.")
    with compilation.concrete():
        x = x.detach().cpu()
        if x.dtype != torch.bfloat16:
            return np.array(x.numpy())
        import ml_dtypes  # bfloat16 for NumPy; installed with JAX and with TensorFlow

        return np.array(x.float().numpy().astype(ml_dtypes.bfloat16))


def dtype(x: Tensor) -> str:
    return _NAME_OF[x.dtype]


def shape(x: Tensor) -> tuple:
    return tuple(x.shape)


def cast(x: Tensor, dtype: str) -> Tensor:
    target = _dtype(dtype)
    return (x.real if x.is_complex() and not target.is_complex and target != torch.bool else x).to(target)


def full(shape: Shape, value: float | Tensor, dtype: str) -> Tensor:
    if isinstance(value, torch.Tensor):
        return value.to(_dtype(dtype)).expand(tuple(shape))
    return torch.full(tuple(shape), value, dtype=_dtype(dtype), device=default_device())


def arange(start: int, stop: int, step: int, dtype: str) -> Tensor:
    return torch.arange(start, stop, step, dtype=_dtype(dtype), device=default_device())


# --- Elementwise, one argument ----------------------------------------------------------------------------------------


def _is_float(x: Tensor | float) -> bool:
    if isinstance(x, torch.Tensor):
        return x.dtype.is_floating_point or x.dtype.is_complex
    return isinstance(x, float)


def _floating(x: Tensor) -> Tensor:
    return x if _is_float(x) else asarray(x).to(_dtype(config.floatx()))


_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


def _moved(function: Callable, x: Tensor, *args: Any) -> Tensor:
    """Apply a function that only moves elements, which PyTorch lacks for some unsigned integers, to their bits."""
    signed = _SIGNED.get(x.dtype)
    return function(x, *args) if signed is None else function(x.view(signed), *args).view(x.dtype)


def _with_arithmetic(x: Tensor) -> Tensor:
    return x.to(torch.int64) if isinstance(x, torch.Tensor) and x.dtype in _WITHOUT_ARITHMETIC else x


def _of_floats(function: Callable, x: Tensor) -> Tensor:
    return function(_floating(x))


def _unless_integer(function: Callable, x: Tensor) -> Tensor:
    return function(x) if _is_float(x) else x


def _with_dtype_of_argument(function: Callable, x: Tensor) -> Tensor:
    return function(_with_arithmetic(x)).to(x.dtype)


def abs(x: Tensor) -> Tensor:
    if x.dtype == torch.bool or x.dtype.is_complex:
        return torch.abs(x) if x.dtype.is_complex else x
    return torch.abs(_with_arithmetic(x)).to(x.dtype)


negative = partial(_with_dtype_of_argument, torch.neg)
sign = partial(_with_dtype_of_argument, torch.sgn)
exp = partial(_of_floats, torch.exp)
expm1 = partial(_of_floats, torch.expm1)
log = partial(_of_floats, torch.log)
log1p = partial(_of_floats, torch.log1p)
sqrt = partial(_of_floats, torch.sqrt)
rsqrt = partial(_of_floats, torch.rsqrt)


def square(x: Tensor) -> Tensor:
    return multiply(x, x)


sin = partial(_of_floats, torch.sin)
cos = partial(_of_floats, torch.cos)
tan = partial(_of_floats, torch.tan)
arcsin = partial(_of_floats, torch.asin)
arccos = partial(_of_floats, torch.acos)
arctan = partial(_of_floats, torch.atan)
sinh = partial(_of_floats, torch.sinh)
cosh = partial(_of_floats, torch.cosh)
tanh = partial(_of_floats, torch.tanh)
erf = partial(_of_floats, torch.erf)
sigmoid = partial(_of_floats, torch.sigmoid)
relu = partial(_with_dtype_of_argument, torch.relu)
floor = partial(_unless_integer, torch.floor)
ceil = partial(_unless_integer, torch.ceil)
round = partial(_unless_integer, torch.round)


def isnan(x: Tensor) -> Tensor:
    return torch.isnan(x)


def isfinite(x: Tensor) -> Tensor:
    return torch.isfinite(x)


def logical_not(x: Tensor) -> Tensor:
    return torch.logical_not(x.to(torch.bool))


# --- Elementwise, two or three arguments ------------------------------------------------------------------------------


@functools.cache
def _promoted_dtype(x: torch.dtype, y: torch.dtype) -> torch.dtype:
    """Return the dtype of the result for two dtypes: PyTorch does not promote all unsigned integers."""
    return _DTYPES[common.promoted_dtype(_NAME_OF[x], _NAME_OF[y])]


def _result_dtype(x: Tensor, y: Tensor) -> torch.dtype:
    """Return the dtype of the result of a binary function; either argument may be a Python scalar."""
    if isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor):
        return _promoted_dtype(x.dtype, y.dtype)
    array, number = (x, y) if isinstance(x, torch.Tensor) else (y, x)
    if isinstance(number, builtins.complex):
        return _promoted_dtype(array.dtype, torch.complex64)
    if isinstance(number, bool) or _is_float(array):
        return array.dtype
    if isinstance(number, float):
        return _dtype(config.floatx())
    return torch.int32 if array.dtype == torch.bool else array.dtype


def _binary(function: Callable, x: Tensor, y: Tensor) -> Tensor:
    """Apply a binary function with the contract's dtypes: PyTorch's differ for shape ``()`` and for some integers."""
    if isinstance(x, torch.Tensor) and isinstance(y, torch.Tensor) and x.dtype == y.dtype and x.dtype.is_floating_point:
        return function(x, y)
    result = _result_dtype(x, y)
    inner = torch.int64 if result in _WITHOUT_ARITHMETIC else result
    return function(_cast_tensor(x, inner), _cast_tensor(y, inner)).to(result)


def _cast_tensor(x: Tensor, dtype: torch.dtype) -> Tensor:
    return x.to(dtype) if isinstance(x, torch.Tensor) else x


def _tensors(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return both as tensors of one dtype, for functions that accept no Python scalars."""
    result = _result_dtype(x, y)
    x, y = (
        value.to(result) if isinstance(value, torch.Tensor) else torch.full((), value, dtype=result, device=other.device)
        for value, other in ((x, y), (y, x))
    )
    return x, y


def _binary_tensors(function: Callable, x: Tensor, y: Tensor) -> Tensor:
    return _binary(function, *_tensors(x, y))


add = partial(_binary, torch.add)


def subtract(x: Tensor, y: Tensor) -> Tensor:
    y = int(y) if isinstance(y, bool) else y  # type: ignore[assignment]  # PyTorch adds booleans but does not subtract them
    return _binary(torch.sub, *(_tensors(x, y) if not isinstance(x, torch.Tensor) else (x, y)))


multiply = partial(_binary, torch.mul)


def _binary_of_floats(function: Callable, x: Tensor, y: Tensor) -> Tensor:
    """Apply a binary function to floats of one dtype: two integers are converted first."""
    return function(*(_tensors(x, y) if _is_float(x) or _is_float(y) else _tensors(_floating(x), _floating(y))))


divide = partial(_binary_of_floats, torch.div)


floor_divide = partial(_binary_tensors, partial(torch.div, rounding_mode="floor"))
remainder = partial(_binary_tensors, torch.remainder)
power = partial(_binary_tensors, torch.pow)


maximum = partial(_binary_tensors, torch.maximum)
minimum = partial(_binary_tensors, torch.minimum)
arctan2 = partial(_binary_of_floats, torch.atan2)
logaddexp = partial(_binary_of_floats, torch.logaddexp)


def _compare(function: Callable, x: Tensor, y: Tensor) -> Tensor:
    x, y = _tensors(x, y)
    return function(_with_arithmetic(x), _with_arithmetic(y))


equal = partial(_compare, torch.eq)
not_equal = partial(_compare, torch.ne)
less = partial(_compare, torch.lt)
less_equal = partial(_compare, torch.le)
greater = partial(_compare, torch.gt)
greater_equal = partial(_compare, torch.ge)


def _logical(function: Callable, x: Tensor, y: Tensor) -> Tensor:
    return function(*(value.to(torch.bool) for value in _tensors(x, y)))


logical_and = partial(_logical, torch.logical_and)
logical_or = partial(_logical, torch.logical_or)
logical_xor = partial(_logical, torch.logical_xor)


def where(condition: Tensor, x: Tensor, y: Tensor) -> Tensor:
    if not isinstance(x, torch.Tensor) and not isinstance(y, torch.Tensor):
        x = asarray(x)
    return torch.where(condition.to(torch.bool), *_tensors(x, y))


# --- Complex numbers and bits -----------------------------------------------------------------------------------------


def complex(real: Tensor, imag: Tensor) -> Tensor:
    return torch.complex(real, imag)


def complex_parts(x: Tensor) -> tuple[Tensor, Tensor]:
    return torch.real(x), torch.imag(x)


def fft(real: Tensor, imag: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
    return complex_parts((torch.fft.ifft if inverse else torch.fft.fft)(torch.complex(real, imag)))


def rfft(x: Tensor) -> tuple[Tensor, Tensor]:
    return complex_parts(torch.fft.rfft(x))


def irfft(real: Tensor, imag: Tensor, size: int) -> Tensor:
    return torch.fft.irfft(torch.complex(real, imag), size)


def _bits(function: Callable, x: Tensor, y: Tensor) -> Tensor:
    """Apply a function of bits, which PyTorch lacks for some unsigned integers."""
    signed = _SIGNED.get(x.dtype)
    return function(x, y) if signed is None else function(x.view(signed), y.view(signed)).view(x.dtype)


bitwise_and = partial(_bits, torch.bitwise_and)
bitwise_or = partial(_bits, torch.bitwise_or)
bitwise_xor = partial(_bits, torch.bitwise_xor)
left_shift = partial(_bits, torch.bitwise_left_shift)


def right_shift(x: Tensor, y: Tensor) -> Tensor:
    if x.dtype not in _WITHOUT_ARITHMETIC:
        return torch.bitwise_right_shift(x, y)
    wide, count = x.to(torch.int64), y.to(torch.int64)
    shifted = torch.bitwise_right_shift(wide, count)
    if x.dtype == torch.uint64:  # remove the copies of the highest bit, which was taken for a sign
        shifted = shifted & torch.where(count > 0, torch.bitwise_right_shift(-1 & (2**63 - 1), count - 1), -1)
    return shifted.to(x.dtype)


def bitcast(x: Tensor, dtype: str) -> Tensor:
    return x.contiguous().view(_dtype(dtype))


# --- Reductions -------------------------------------------------------------------------------------------------------


def _axes(x: Tensor, axis: Axes) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(axis) if isinstance(axis, (list, tuple)) else (axis,)


def _bool_to_int(x: Tensor) -> Tensor:
    return x.to(torch.int32) if x.dtype == torch.bool else x


_SUM_DTYPES = {_DTYPES[small]: _DTYPES[wide] for small, wide in dtypes.SUM_DTYPES.items()}


def sum(x: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    axes, dtype = _axes(x, axis), _SUM_DTYPES.get(x.dtype, x.dtype)
    if not axes:
        return x.to(dtype)
    if dtype in _WITHOUT_ARITHMETIC:
        return torch.sum(_with_arithmetic(x), axes, keepdim=keepdims, dtype=torch.int64).to(dtype)
    return torch.sum(_with_arithmetic(x), axes, keepdim=keepdims, dtype=dtype)


def mean(x: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    x = _floating(x)
    axes = _axes(x, axis)
    return torch.mean(x, axes, keepdim=keepdims) if axes else x


def _reduce_each_axis(function: Callable, x: Tensor, axis: Axes, keepdims: bool) -> Tensor:
    """Apply a reduction that PyTorch supports along one axis only."""
    for each in sorted((axis + x.ndim if axis < 0 else axis for axis in _axes(x, axis)), reverse=True):
        x = function(x, each, keepdim=keepdims)
    return x


def prod(x: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    dtype = _SUM_DTYPES.get(x.dtype, x.dtype)
    inner = torch.int64 if dtype in _WITHOUT_ARITHMETIC else dtype
    return _reduce_each_axis(partial(torch.prod, dtype=inner), x.to(inner), axis, keepdims).to(dtype)


def _reduced_bools(function: Callable, x: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    return _reduce_each_axis(function, x.to(torch.bool), axis, keepdims)


def _extreme(function: Callable, x: Tensor, axis: Axes = None, keepdims: bool = False) -> Tensor:
    axes = _axes(x, axis)
    return function(_with_arithmetic(x), axes, keepdim=keepdims).to(x.dtype) if axes else x


max = partial(_extreme, torch.amax)
min = partial(_extreme, torch.amin)
all = partial(_reduced_bools, torch.all)
any = partial(_reduced_bools, torch.any)


def argmax(x: Tensor, axis: int) -> Tensor:
    return torch.argmax(_with_arithmetic(_bool_to_int(x)), axis).to(torch.int32)


def argmin(x: Tensor, axis: int) -> Tensor:
    return torch.argmin(_with_arithmetic(_bool_to_int(x)), axis).to(torch.int32)


def cumsum(x: Tensor, axis: int) -> Tensor:
    x = _bool_to_int(x)
    return torch.cumsum(_with_arithmetic(x), axis).to(x.dtype)


def cumprod(x: Tensor, axis: int) -> Tensor:
    x = _bool_to_int(x)
    return torch.cumprod(_with_arithmetic(x), axis).to(x.dtype)


# --- Shape and indexing -----------------------------------------------------------------------------------------------


def reshape(x: Tensor, shape: Shape) -> Tensor:
    return torch.reshape(x, tuple(shape))


def transpose(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return x.permute(tuple(axes))


def broadcast_to(x: Tensor, shape: Shape) -> Tensor:
    return torch.broadcast_to(x, tuple(shape))


def concatenate(xs: list[Tensor], axis: int) -> Tensor:
    return torch.cat(_promoted(*xs), axis)


def split(x: Tensor, sizes: tuple[int, ...], axis: int) -> list[Tensor]:
    return list(torch.split(x, list(sizes), axis))


def pad(x: Tensor, pad_width: Padding, mode: str = "constant", constant_values: float = 0) -> Tensor:
    if mode == "constant":
        return F.pad(x, [count for pair in reversed(list(pad_width)) for count in pair], value=constant_values)
    for axis, pair in enumerate(pad_width):
        if builtins.any(pair):
            rows = np.pad(np.arange(x.shape[axis]), pair, mode)  # type: ignore[call-overload]
            x = _moved(torch.index_select, x, axis, asarray(rows))
    return x


def flip(x: Tensor, axis: Axes) -> Tensor:
    return _moved(torch.flip, x, _axes(x, axis))


def getitem(x: Tensor, index: Index) -> Tensor:
    items: list = list(index) if isinstance(index, tuple) else [index]
    items = [np.asarray(item) if isinstance(item, (list, np.bool_)) else item for item in items]
    if builtins.all(item is None or isinstance(item, (int, slice, np.ndarray, type(...))) for item in items):
        np.broadcast_to(np.False_, tuple(x.shape))[tuple(items)]  # raises a clear IndexError, also while tracing
    used = builtins.sum(_axes_used(item) for item in items)
    axis = 0
    for position, item in enumerate(items):
        if isinstance(item, slice) and (item.step or 1) < 0:
            x, items[position] = flip(x, axis), _reversed_slice(item, x.shape[axis])
        elif isinstance(item, torch.Tensor) and item.ndim == 0 and item.dtype != torch.bool:
            x, items[position] = take(x, item.reshape(1), axis), 0
        axis += x.ndim - used if item is ... else _axes_used(item)
    return _moved(lambda x: x[tuple(map(_as_index, items))], x)


def _reversed_slice(item: slice, size: int) -> slice:
    """Convert a slice with negative step, which PyTorch does not support, to one of the flipped array."""
    start, stop, step = item.indices(size)
    count = builtins.max(0, -((start - stop) // step))
    first = size - 1 - start
    return slice(first, first + (count - 1) * -step + 1 if count else first, -step)


def _axes_used(item: Any) -> int:
    if item is None or item is ...:
        return 0
    return item.ndim if getattr(item, "dtype", None) in (np.dtype(bool), torch.bool) else 1


def _as_index(item: Any) -> Any:
    if isinstance(item, np.ndarray) and item.ndim:
        return asarray(item, "bool" if item.dtype == bool else "int64")
    if isinstance(item, (np.ndarray, np.integer)):
        return int(item)
    if isinstance(item, torch.Tensor) and item.dtype != torch.bool:
        return item.to(torch.int64)
    return item


def take(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    axis, indices = axis % x.ndim, asarray(indices)
    rows = _moved(torch.index_select, x, axis, _row_numbers(indices, x.shape[axis]).reshape(-1))
    return rows.reshape((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def take_along_axis(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    axis = axis % x.ndim
    rows = _row_numbers(asarray(indices).to(torch.int64), x.shape[axis])
    sizes = [builtins.max(one, two) for one, two in zip(x.shape, rows.shape, strict=True)]
    rows = rows.expand([size if each != axis else rows.shape[axis] for each, size in enumerate(sizes)])
    x = x.expand([size if each != axis else x.shape[axis] for each, size in enumerate(sizes)])
    return _moved(torch.gather, x, axis, rows)


def _row_numbers(indices: Tensor, size: int) -> Tensor:
    """Return row indices in ``[0, size)``: negative indices count from the end, indices out of range are clipped."""
    indices = indices if indices.dtype == torch.int32 else indices.to(torch.int64)
    return torch.remainder(torch.clamp(indices, -size, size - 1), builtins.max(size, 1))


def index_add(x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    rows = asarray(indices).to(torch.int64)
    is_inside = ((rows >= -x.shape[0]) & (rows < x.shape[0])).reshape(-1, *(1,) * (updates.ndim - 1))
    updates = torch.where(is_inside, updates, torch.zeros((), dtype=updates.dtype, device=updates.device))
    return _moved(torch.index_add, x, 0, _row_numbers(rows, x.shape[0]), updates.to(_SIGNED.get(x.dtype, x.dtype)))


# --- Contractions -----------------------------------------------------------------------------------------------------


def _promoted(*arrays: Tensor) -> list[Tensor]:
    promoted = functools.reduce(_promoted_dtype, (x.dtype for x in arrays))
    return [x.to(promoted) for x in arrays]


def _contract(function: Callable, *operands: Tensor) -> Tensor:
    """Apply a product that PyTorch lacks for some dtypes; the result has the promoted dtype of the operands."""
    tensors = _promoted(*operands)
    dtype = tensors[0].dtype
    if dtype.is_floating_point:
        return function(*tensors)
    return function(*[_with_arithmetic(_bool_to_int(x)) for x in tensors]).to(dtype)


def matmul(x: Tensor, y: Tensor) -> Tensor:
    return _contract(torch.matmul, x, y)


def tensordot(x: Tensor, y: Tensor, axes: Any) -> Tensor:
    return _contract(partial(torch.tensordot, dims=axes), x, y)


def einsum(subscripts: str, *operands: Tensor) -> Tensor:
    return _contract(partial(torch.einsum, subscripts), *operands)


# --- Sorting ----------------------------------------------------------------------------------------------------------


def argsort(x: Tensor, axis: int) -> Tensor:
    return torch.argsort(_with_arithmetic(x), dim=axis, stable=True).to(torch.int32)


def top_k(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    indices = torch.argsort(_with_arithmetic(x), dim=-1, descending=True, stable=True)[..., :k]
    return _moved(torch.gather, x, -1, indices), indices.to(torch.int32)


# --- Convolution and pooling ------------------------------------------------------------------------------------------


def _channels_first(x: Tensor) -> Tensor:
    """Return a view of shape ``(batch, channels, *spatial)``, PyTorch's layout of images."""
    return x.movedim(-1, 1)


def _channels_last(x: Tensor) -> Tensor:
    return x.movedim(1, -1)


def _padded(x: Tensor, padding: Padding, value: float = 0) -> Tensor:
    return pad(x, ((0, 0), *padding, (0, 0)), constant_values=value)


def _symmetric(padding: Padding) -> list[int] | None:
    """Return the padding per side if it is equal on both sides of each axis, which PyTorch's kernels support; else None."""
    return [before for before, _ in padding] if builtins.all(before == after for before, after in padding) else None


def conv(x: Tensor, kernel: Tensor, strides: Shape, padding: Padding, dilation: Shape, groups: int = 1) -> Tensor:
    x, kernel = _promoted(x, kernel)
    symmetric = _symmetric(padding)
    if symmetric is None:
        x, symmetric = _padded(x, padding), [0] * len(strides)
    weight = kernel.movedim((-1, -2), (0, 1))
    return _channels_last(
        torch.convolution(
            _channels_first(x), weight, None, list(strides), symmetric, list(dilation), False, [0] * len(strides), groups
        )
    )


def conv_transpose(x: Tensor, kernel: Tensor, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Tensor:
    x, kernel = _promoted(x, kernel)
    zeros = [0] * len(strides)
    weight = kernel.movedim((-1, -2), (0, 1))
    whole = _channels_last(
        torch.convolution(_channels_first(x), weight, None, list(strides), zeros, list(dilation), True, zeros, 1)
    )
    # Crop what corresponds to padding; what no window reaches is 0.
    missing = [before + size - full for (before, _), size, full in zip(padding, output_size, whole.shape[1:-1], strict=True)]
    whole = _padded(whole, tuple((0, builtins.max(0, count)) for count in missing))
    inner = [slice(before, before + size) for (before, _), size in zip(padding, output_size, strict=True)]
    return whole[(slice(None), *inner)]


_MAX_POOLS = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVG_POOLS = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def max_pool(x: Tensor, window: Shape, strides: Shape, padding: Padding) -> Tensor:
    symmetric = _symmetric(padding)
    if symmetric is None or builtins.any(2 * count > size for count, size in zip(symmetric, window, strict=True)):
        lowest = -math.inf if _is_float(x) else torch.iinfo(x.dtype).min
        x, symmetric = _padded(x, padding, lowest), [0] * len(window)
    pooled = _MAX_POOLS[len(window)](_channels_first(x), list(window), list(strides), symmetric)
    return _channels_last(pooled)


def avg_pool(x: Tensor, window: Shape, strides: Shape, padding: Padding) -> Tensor:
    x = _floating(x)
    size = tuple(x.shape[1:-1])
    pooled = _AVG_POOLS[len(window)](_channels_first(_padded(x, padding)), list(window), list(strides))
    mean = _channels_last(pooled)
    if not builtins.any(count for pair in padding for count in pair):
        return mean
    fractions = common.window_counts(size, window, strides, padding) / math.prod(window)
    return mean / asarray(fractions.astype("float32"), dtype(x))[None, ..., None]


# --- Control flow -----------------------------------------------------------------------------------------------------


def scan(f: Callable, init: Tree, xs: Tree, reverse: bool = False) -> tuple[Any, Any]:
    length = len(trees.leaves(xs)[0])
    carry, ys = init, []
    for step in reversed(range(length)) if reverse else range(length):
        carry, y = f(carry, trees.map(lambda x, step=step: x[step], xs))
        ys.append(y)
    if not ys:
        _, y = f(init, trees.map(lambda x: torch.zeros(x.shape[1:], dtype=x.dtype, device=x.device), xs))
        return carry, trees.map(lambda y: torch.zeros((0, *y.shape), dtype=y.dtype, device=y.device), y)
    return carry, trees.map(lambda *steps: torch.stack(steps), *(reversed(ys) if reverse else ys))


def while_loop(cond: Callable, body: Callable, init: Tree) -> Any:
    return common.while_loop(lambda value: compilation.is_true(cond(value)), body, init)


def cond(pred: Tensor, true_fn: Callable, false_fn: Callable, *operands: Tree) -> Any:
    return common.cond(compilation.is_true(pred), true_fn, false_fn, *operands)


# --- Random numbers ---------------------------------------------------------------------------------------------------


def fold_in(key: Tensor, data: int | Tensor) -> Tensor:
    with compilation.concrete():
        number = data if isinstance(data, torch.Tensor) else torch.tensor(int(data))
    return custom_ops.fold_in(key, number)


def random_uniform(key: Tensor, shape: Shape, dtype: str) -> Tensor:
    return custom_ops.uniform(key, list(shape), _dtype(dtype), default_device())


def random_normal(key: Tensor, shape: Shape, dtype: str) -> Tensor:
    return custom_ops.normal(key, list(shape), _dtype(dtype), default_device())


# --- Transforms -------------------------------------------------------------------------------------------------------


value_and_grad = gradients.value_and_grad
custom_gradient = gradients.custom_gradient
remat = gradients.remat
compile = compilation.compile
concrete = compilation.concrete
multi_step = compilation.multi_step


def prefers_compiled(*arrays: Tensor) -> bool:
    return False  # tracing takes as long as a hundred calls


def is_traced(x: Tensor) -> bool:
    return isinstance(x, FakeTensor) or is_functorch_wrapped(x)


def stop_gradient(x: Tensor) -> Tensor:
    return x.detach()


def abstract_eval(f: Callable, *specs: ArraySpecs) -> Any:
    results = compilation.evaluate(f, common.map_specs(_zeros, specs))
    return trees.map(lambda x: ArraySpec(tuple(x.shape), dtype(x)), results)


def _zeros(spec: ArraySpec) -> Tensor:
    """Return zeros that use no memory."""
    return full(spec.shape, full((), 0, spec.dtype), spec.dtype)


# --- Fused ops --------------------------------------------------------------------------------------------------------


def adam(
    weight: Tensor,
    gradient: Tensor,
    momentum: Tensor,
    velocity: Tensor,
    rate: Tensor,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> tuple[Tensor, Tensor, Tensor]:
    return custom_ops.adam(weight, gradient, momentum, velocity, rate, beta_1, beta_2, epsilon)


def normalized_batch(x: Tensor, gamma: Tensor | None, beta: Tensor | None, epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    if gamma is None and beta is not None:
        gamma = torch.ones_like(beta)  # without gamma, PyTorch's second derivative omits beta
    results = torch.native_batch_norm(_channels_first(x), gamma, beta, None, None, True, 0.0, epsilon)
    outputs, mean, inverse_deviation = results
    return _channels_last(outputs), mean, torch.square(1 / inverse_deviation) - epsilon


def softmax(x: Tensor, axis: int) -> Tensor:
    return torch.softmax(x, axis)


def log_softmax(x: Tensor, axis: int) -> Tensor:
    return torch.log_softmax(x, axis)


def lstm(
    x: Tensor, hidden: Tensor, carry: Tensor, kernel: Tensor, recurrent_kernel: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    weights = [kernel.T.contiguous(), recurrent_kernel.T.contiguous()]  # non-contiguous weights take 1.5 times as long
    if bias is not None:
        weights += [bias, torch.zeros_like(bias)]  # PyTorch has one bias for the inputs and one for the state
    with gradients.twice_differentiable_kernels():
        outputs, hidden, carry = torch.lstm(
            x, (hidden[None], carry[None]), weights, bias is not None, 1, 0.0, True, False, False
        )
    return outputs, hidden[0], carry[0]


_GRID_PADDING = {"constant": "zeros", "nearest": "border", "reflect": "reflection"}
"""What PyTorch calls the fill modes that its kernel has."""


def affine_warp(
    images: Tensor, coefficients: Sequence[Tensor | float], interpolation: str, fill_mode: str, fill_value: float
) -> Tensor | None:
    if interpolation != "bilinear" or fill_mode not in _GRID_PADDING:  # its nearest pixel of a tie is another one
        return None
    height, width = images.shape[1:3]
    x = torch.arange(width, dtype=images.dtype, device=images.device)
    y = torch.arange(height, dtype=images.dtype, device=images.device)[:, None]
    a0, a1, a2, b0, b1, b2 = coefficients
    along_x, along_y = a0 * x + a1 * y + a2, b0 * x + b1 * y + b2
    grid = torch.stack([(along_x * 2 + 1) / width - 1, (along_y * 2 + 1) / height - 1], -1)
    shift = fill_value if fill_mode == "constant" else 0
    first = _channels_first(images - shift if shift else images)
    grid = grid.expand(len(images), height, width, 2)
    found = _channels_last(F.grid_sample(first, grid, interpolation, _GRID_PADDING[fill_mode], align_corners=False))
    return found + shift if shift else found


# --- Devices ----------------------------------------------------------------------------------------------------------


def devices() -> list[str]:
    return default_device_first("torch", device_names())


def to_device(x: Tensor, device: str) -> Tensor:
    return x.to(device_named(device))


def synchronize(tree: Tree) -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


_ACTIVATIONS = 25_000_000
"""Number of activations per micro-batch: large, because on PyTorch micro-batches save memory only.

Cats and dogs, 32 images per step on two cores: micro-batches of 4 train at 0.85 times the speed of whole batches with 0.6 of
the memory, micro-batches of 16 at 0.98 with 0.8. Wide layers read all their weights for every micro-batch.
"""


def micro_batch_activations() -> int | None:
    return activations_in_cache(devices()[0], _ACTIVATIONS)
