"""The NumPy backend: a readable implementation of the contract, the reference for the other backends.

It is plain NumPy, which runs every model and trains small ones. To add a primitive, write its function here, decorated with
``@primitive``, or a row for a function of NumPy, and its gradient in the table of ``gradients.py``. Functions that are composed
of primitives need neither.

Arrays are never modified in place, because they may share memory. Inputs and outputs are copied.

SciPy is imported where it is used: models on an engine use this module too, for NumPy arrays, and importing SciPy's special
functions takes longer than tracing a small model.
"""

import builtins
import contextlib
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import dtypes, trees
from cornu.backends import common, lookup
from cornu.backends.contract import ArraySpec, ArraySpecs, Axes, ContractedAxes, Padding, Shape
from cornu.backends.devices import default_device_first, known_device
from cornu.backends.numpy import tape
from cornu.backends.numpy.convolution import conv_windows, convolve, convolve_back, pool_windows
from cornu.backends.numpy.linalg import cholesky, eig, eigh, lu, qr, slogdet, solve, solve_triangular, svd  # noqa: F401
from cornu.backends.numpy.tape import TapeArray, primitive
from cornu.errors import BackendError, one_of
from cornu.typing import ArrayLike, Tree

NAME = "numpy"
VALUE_ERRORS: tuple[type[Exception], ...] = ()
JUST_IN_TIME = False
lookup.register_array_type(TapeArray, "numpy")

# --- Creation and conversion ------------------------------------------------------------------------------------------

_DTYPES = tuple(name for name in dtypes.DTYPES if name != "bfloat16")


def _checked_dtype(name: str) -> str:
    if name == "bfloat16":
        raise BackendError(
            "The dtype 'bfloat16' was requested on the NumPy backend.",
            "NumPy has no bfloat16 dtype.",
            "Use 'float32', or the JAX backend: `cornu.config.set_backend('jax')`.",
        )
    if name not in _DTYPES:
        raise one_of("dtype", name, _DTYPES)
    return name


def asarray(x: ArrayLike, dtype: str | None = None) -> np.ndarray | TapeArray:
    if isinstance(x, TapeArray):
        return x if dtype is None else cast(x, dtype)
    array = common.numbers(x)
    dtype = dtype or common.usual_dtype(array)
    common.check_fits(array, dtype, "Pass `dtype='int64'`, or pass floats.")
    with np.errstate(all="ignore"):
        return np.array(array, _checked_dtype(dtype))


def to_numpy(x: np.ndarray) -> np.ndarray:
    return np.array(tape.unbox(x))


def dtype(x: np.ndarray) -> str:
    return x.dtype.name


def shape(x: np.ndarray) -> tuple:
    return x.shape


@primitive
def cast(x: np.ndarray, dtype: str) -> np.ndarray:
    x, target = np.asarray(x), np.dtype(_checked_dtype(dtype))
    return (np.real(x) if x.dtype.kind == "c" and target.kind not in "cb" else x).astype(target, copy=False)


@primitive
def full(shape: Shape, value: float | np.ndarray, dtype: str) -> np.ndarray:
    return np.full(shape, value, _checked_dtype(dtype))


@primitive
def arange(start: int, stop: int, step: int, dtype: str) -> np.ndarray:
    return np.arange(start, stop, step, _checked_dtype(dtype))  # type: ignore[call-overload]


# --- Elementwise, one argument ----------------------------------------------------------------------------------------


def _unary(name: str) -> Callable[[Any], Any]:
    """Return NumPy's function of this name, of one array, as a primitive."""
    function = getattr(np, name)
    return primitive(lambda x: function(x), name)


abs = _unary("abs")
negative = _unary("negative")
sign = _unary("sign")
exp = _unary("exp")
expm1 = _unary("expm1")
log = _unary("log")
log1p = _unary("log1p")
sqrt = _unary("sqrt")


@primitive
def rsqrt(x: np.ndarray) -> np.ndarray:
    return 1 / np.sqrt(x)


square = _unary("square")
sin = _unary("sin")
cos = _unary("cos")
tan = _unary("tan")
arcsin = _unary("arcsin")
arccos = _unary("arccos")
arctan = _unary("arctan")
sinh = _unary("sinh")
cosh = _unary("cosh")
tanh = _unary("tanh")


@primitive
def erf(x: np.ndarray) -> np.ndarray:
    from scipy import special

    return special.erf(x)


@primitive
def sigmoid(x: np.ndarray) -> np.ndarray:
    from scipy import special

    return special.expit(x)


@primitive
def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, np.zeros((), x.dtype))


floor = _unary("floor")
ceil = _unary("ceil")
round = _unary("round")
isnan = _unary("isnan")
isfinite = _unary("isfinite")
logical_not = _unary("logical_not")

# --- Elementwise, two or three arguments ------------------------------------------------------------------------------


def _binary(name: str) -> Callable[[Any, Any], Any]:
    """Return NumPy's function of this name, of two arrays or scalars, as a primitive."""
    function = getattr(np, name)
    return primitive(lambda x, y: function(x, y), name)


add = _binary("add")
subtract = _binary("subtract")
multiply = _binary("multiply")
divide = _binary("divide")
floor_divide = _binary("floor_divide")
remainder = _binary("remainder")
power = _binary("power")
maximum = _binary("maximum")
minimum = _binary("minimum")
arctan2 = _binary("arctan2")
logaddexp = _binary("logaddexp")
equal = _binary("equal")
not_equal = _binary("not_equal")
less = _binary("less")
less_equal = _binary("less_equal")
greater = _binary("greater")
greater_equal = _binary("greater_equal")
logical_and = _binary("logical_and")
logical_or = _binary("logical_or")
logical_xor = _binary("logical_xor")


@primitive
def where(condition: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.where(condition, x, y)


# --- Complex numbers and bits -----------------------------------------------------------------------------------------


@primitive
def complex(real: np.ndarray, imag: np.ndarray) -> np.ndarray:
    x = np.empty(real.shape, np.result_type(real, "complex64"))
    x.real, x.imag = real, imag
    return x


@primitive
def complex_parts(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.real(x), np.imag(x)


@primitive
def fft(real: np.ndarray, imag: np.ndarray, inverse: bool = False) -> tuple[np.ndarray, np.ndarray]:
    found = (np.fft.ifft if inverse else np.fft.fft)(complex(real, imag))
    return found.real, found.imag


@primitive
def rfft(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = np.fft.rfft(x)
    return found.real, found.imag


@primitive
def irfft(real: np.ndarray, imag: np.ndarray, size: int) -> np.ndarray:
    return np.fft.irfft(complex(real, imag), size)


bitwise_and = _binary("bitwise_and")
bitwise_or = _binary("bitwise_or")
bitwise_xor = _binary("bitwise_xor")
left_shift = _binary("left_shift")
right_shift = _binary("right_shift")


@primitive
def bitcast(x: np.ndarray, dtype: str) -> np.ndarray:
    return (x if x.ndim == 0 else np.ascontiguousarray(x)).view(_checked_dtype(dtype))


# --- Reductions -------------------------------------------------------------------------------------------------------


def _reduction(name: str) -> Callable[..., Any]:
    """Return NumPy's reduction of this name as a primitive."""
    function = getattr(np, name)

    def reduce(x: np.ndarray, axis: Axes = None, keepdims: bool = False) -> np.ndarray:
        return function(x, axis=axis, keepdims=keepdims)

    return primitive(reduce, name)


_SUM_DTYPES = {np.dtype(small): wide for small, wide in dtypes.SUM_DTYPES.items()}


@primitive
def sum(x: np.ndarray, axis: Axes = None, keepdims: bool = False) -> np.ndarray:
    if np.asarray(x).dtype == np.float16:  # along some axes NumPy would round each addition
        return np.sum(x, axis=axis, dtype="float32", keepdims=keepdims).astype("float16")
    return np.sum(x, axis=axis, dtype=_SUM_DTYPES.get(np.asarray(x).dtype), keepdims=keepdims)


@primitive
def mean(x: np.ndarray, axis: Axes = None, keepdims: bool = False) -> np.ndarray:
    if np.size(x) == 0:  # NaN, without NumPy's warning
        return np.sum(x, axis=axis, keepdims=keepdims) / 0.0
    return np.mean(x, axis=axis, keepdims=keepdims)


@primitive
def prod(x: np.ndarray, axis: Axes = None, keepdims: bool = False) -> np.ndarray:
    return np.prod(x, axis=axis, dtype=_SUM_DTYPES.get(np.asarray(x).dtype), keepdims=keepdims)


max = _reduction("max")
min = _reduction("min")
all = _reduction("all")
any = _reduction("any")


@primitive
def argmax(x: np.ndarray, axis: int) -> np.ndarray:
    return np.argmax(x, axis=axis).astype("int32")


@primitive
def argmin(x: np.ndarray, axis: int) -> np.ndarray:
    return np.argmin(x, axis=axis).astype("int32")


@primitive
def cumsum(x: np.ndarray, axis: int) -> np.ndarray:
    return np.cumsum(x, axis=axis)


@primitive
def cumprod(x: np.ndarray, axis: int) -> np.ndarray:
    return np.cumprod(x, axis=axis)


# --- Shape and indexing -----------------------------------------------------------------------------------------------


@primitive
def reshape(x: np.ndarray, shape: Shape) -> np.ndarray:
    return np.reshape(x, shape)


@primitive
def transpose(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    return np.transpose(x, axes)


@primitive
def broadcast_to(x: np.ndarray, shape: Shape) -> np.ndarray:
    return np.broadcast_to(x, shape)


@primitive
def concatenate(xs: list[np.ndarray], axis: int) -> np.ndarray:
    return np.concatenate(xs, axis=axis)


def split(x: np.ndarray, sizes: tuple[int, ...], axis: int) -> list[np.ndarray]:
    stops = np.cumsum(sizes).tolist()
    before = (slice(None),) * axis
    return [getitem(x, (*before, slice(stop - size, stop))) for size, stop in zip(sizes, stops, strict=True)]


@primitive
def pad(x: np.ndarray, pad_width: Padding, mode: str = "constant", constant_values: float = 0) -> np.ndarray:
    if mode == "constant":
        return np.pad(x, pad_width, mode, constant_values=constant_values)
    return np.pad(x, pad_width, mode)  # type: ignore[call-overload]


@primitive
def flip(x: np.ndarray, axis: Axes) -> np.ndarray:
    return np.flip(x, axis)


@primitive
def getitem(x: np.ndarray, index: Any) -> np.ndarray:
    return x[index]


def take(x: np.ndarray, indices: np.ndarray, axis: int) -> np.ndarray:
    axis = axis % x.ndim
    return getitem(x, (slice(None),) * axis + (_clipped(indices, x.shape[axis]),))


def take_along_axis(x: np.ndarray, indices: np.ndarray, axis: int) -> np.ndarray:
    axis = axis % x.ndim
    index = list(np.ogrid[tuple(slice(size) for size in x.shape)])
    index[axis] = _clipped(indices, x.shape[axis])
    return getitem(x, tuple(index))


def _clipped(indices: np.ndarray, size: int) -> np.ndarray:
    indices = np.asarray(indices).astype("int64", copy=False)
    return np.clip(np.where(indices < 0, indices + size, indices), 0, size - 1)


def index_add(x: np.ndarray, indices: np.ndarray, updates: np.ndarray) -> np.ndarray:
    indices = np.asarray(indices).astype("int64", copy=False)
    inside = (indices >= -len(x)) & (indices < len(x))
    return _add_rows(x, indices[inside], getitem(updates, inside))


@primitive
def _add_rows(x: np.ndarray, rows: np.ndarray, updates: np.ndarray) -> np.ndarray:
    x = x.copy()
    np.add.at(x, rows, updates)
    return x


# --- Contractions -----------------------------------------------------------------------------------------------------


matmul = _binary("matmul")


@primitive
def tensordot(x: np.ndarray, y: np.ndarray, axes: ContractedAxes) -> np.ndarray:
    return np.tensordot(x, y, axes)


def einsum(subscripts: str, *operands: np.ndarray) -> np.ndarray:
    return _contract(subscripts, list(operands))


@primitive
def _contract(subscripts: str, operands: list[np.ndarray]) -> np.ndarray:
    return np.einsum(subscripts, *operands, optimize=True)


# --- Sorting ----------------------------------------------------------------------------------------------------------


@primitive
def argsort(x: np.ndarray, axis: int) -> np.ndarray:
    return np.argsort(x, axis=axis, stable=True).astype("int32")


def top_k(x: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    backwards = argsort(flip(x, -1), -1)  # so that the first of equal elements comes last
    indices = flip(x.shape[-1] - 1 - backwards, -1)[..., :k]
    return take_along_axis(x, indices, -1), indices


# --- Convolution and pooling ------------------------------------------------------------------------------------------


@primitive
def conv(x: np.ndarray, kernel: np.ndarray, strides: Shape, padding: Padding, dilation: Shape, groups: int = 1) -> np.ndarray:
    return convolve(x, kernel, conv_windows(x.shape[1:-1], kernel, strides, padding, dilation), groups)


@primitive
def conv_transpose(
    x: np.ndarray, kernel: np.ndarray, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape
) -> np.ndarray:
    return convolve_back(x, kernel, conv_windows(output_size, kernel, strides, padding, dilation))


@primitive
def max_pool(x: np.ndarray, window: Shape, strides: Shape, padding: Padding) -> np.ndarray:
    lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    return functools.reduce(np.maximum, pool_windows(x, window, strides, padding).see(x, fill=lowest))


@primitive
def avg_pool(x: np.ndarray, window: Shape, strides: Shape, padding: Padding) -> np.ndarray:
    windows = pool_windows(x, window, strides, padding)
    return builtins.sum(windows.see(x)) / windows.inside()


# --- Control flow -----------------------------------------------------------------------------------------------------


def scan(f: Callable, init: Tree, xs: Tree, reverse: bool = False) -> tuple[Any, Any]:
    length = len(trees.leaves(xs)[0])
    carry, ys = init, []
    for step in reversed(range(length)) if reverse else range(length):
        carry, y = f(carry, trees.map(lambda x, step=step: getitem(x, step), xs))
        ys.append(y)
    if not ys:
        return carry, trees.map(lambda y: full((0, *y.shape), 0, dtype(y)), _result_of_an_empty_scan(f, init, xs))
    return carry, trees.map(lambda *steps: _stack(steps), *(reversed(ys) if reverse else ys))


def _stack(xs: tuple[np.ndarray, ...]) -> np.ndarray:
    return concatenate([reshape(x, (1, *np.shape(x))) for x in xs], 0)


def _result_of_an_empty_scan(f: Callable, init: Tree, xs: Tree) -> Any:
    _, y = f(init, trees.map(lambda x: full(x.shape[1:], 0, dtype(x)), xs))
    return y


while_loop = common.while_loop
cond = common.cond

# --- Random numbers ---------------------------------------------------------------------------------------------------


def _generator(key: np.ndarray) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=np.asarray(key, "uint64")))


@primitive
def fold_in(key: np.ndarray, data: int | np.ndarray) -> np.ndarray:
    words = [int(key[0]), int(key[1]), int(data) % 2**32]
    return np.random.SeedSequence(words).generate_state(2)


@primitive
def random_uniform(key: np.ndarray, shape: Shape, dtype: str) -> np.ndarray:
    if dtype == "float16":  # rounding from float32 could yield 1
        return (_generator(key).integers(2048, size=shape) / 2048).astype("float16")
    return _generator(key).random(shape, _checked_dtype(dtype))  # type: ignore[arg-type]


@primitive
def random_normal(key: np.ndarray, shape: Shape, dtype: str) -> np.ndarray:
    precision = "float64" if _checked_dtype(dtype) == "float64" else "float32"
    return _generator(key).standard_normal(shape, precision).astype(dtype)


# --- Transforms -------------------------------------------------------------------------------------------------------


value_and_grad = tape.value_and_grad
custom_gradient = tape.custom_gradient


def remat(f: Callable) -> Callable:
    return f


@primitive
def stop_gradient(x: np.ndarray) -> np.ndarray:
    return x


_without_warnings = np.errstate(all="ignore")  # as a decorator: for operators on arrays, which are not primitives


def compile(f: Callable) -> Callable:
    return _without_warnings(f)


def prefers_compiled(*arrays: np.ndarray) -> bool:
    return False


def is_traced(x: np.ndarray) -> bool:
    return False


def concrete() -> contextlib.AbstractContextManager:
    return contextlib.nullcontext()


def multi_step(step: Callable, finish: Callable) -> Callable:
    def run(carry: Tree, data: Tree, start: int, stop: int) -> tuple[Any, Any]:
        for number in range(int(start), int(stop)):
            carry = step(carry, data, np.array(number, "int32"))
        return carry, finish(carry)

    return compile(run)


def abstract_eval(f: Callable, *specs: ArraySpecs) -> Any:
    zeros = common.map_specs(lambda spec: full(spec.shape, 0, spec.dtype), specs)
    with common.without_values.set_to(True):
        results = _without_warnings(f)(*zeros)
    return trees.map(lambda x: ArraySpec(x.shape, dtype(x)), results)


# --- Devices ----------------------------------------------------------------------------------------------------------


_DEVICES = ("cpu:0",)


def devices() -> list[str]:
    return default_device_first("numpy", _DEVICES)


def to_device(x: np.ndarray, device: str) -> np.ndarray:
    known_device(device, _DEVICES)
    return x


def synchronize(tree: Tree) -> None:
    """Do nothing: NumPy functions return when the result is computed."""


def micro_batch_activations() -> int | None:
    return None
