"""The ONNX backend: it records operations instead of computing them.

Running a model on arrays of this backend produces a graph of ONNX nodes, to export the model. It is not for computation, so it
is not in ``config.BACKENDS``. Primitives that only training needs, and what ONNX cannot express, raise an error.

Files use opset 17, the first in which all operators used here have their present definition: runtimes since 2022 (ONNX Runtime
1.12) support it.

Differences from the other backends:

* Transposes are deferred, and what depends on no input is computed immediately (``graph_builder.py``).
* Unknown sizes of the inputs remain symbolic (``symbolic_sizes.py``).
* ``bfloat16`` is recorded as ``float32``, because ONNX Runtime does not compute in it.
* ``expm1`` and ``log1p`` are ``exp(x) - 1`` and ``log(1 + x)``: exact up to one rounding of a value near 1.
"""

import builtins
import contextlib
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cornu import config, trees
from cornu.backends.contract import ArraySpec, ArraySpecs, Axes, ContractedAxes, Index, Padding, Shape
from cornu.backends.devices import default_device_first, known_device
from cornu.backends.onnx import control_flow, convolution, indexing, linalg, optimize, tracing
from cornu.backends.onnx import model_proto as messages
from cornu.backends.onnx.graph_builder import Constant, Graph, OnnxArray, constant, current, recording
from cornu.backends.onnx.operands import (
    as_array,
    broadcast_shape,
    common_dtype,
    elementwise,
    kernel_dtype,
    on_lying,
    operand,
    result_dtype,
)
from cornu.backends.onnx.operands import cast as cast_array
from cornu.backends.onnx.primitive import NUMBERS, available, primitive, refusal
from cornu.backends.onnx.symbolic_sizes import is_open
from cornu.typing import ArrayLike, Tree

NAME = "onnx"
VALUE_ERRORS: tuple[type[Exception], ...] = ()
JUST_IN_TIME = False
OPSET = messages.OPSET
optimize_graph = optimize.optimize
model_proto = messages.model_proto
trace, TracedInput = tracing.trace, tracing.TracedInput


def weight(value: np.ndarray, name: str) -> OnnxArray:
    """Return the value of a variable as a constant that has this name in the file."""
    return constant(value.astype(available(value.dtype.name)), name)


# --- Creation and conversion ------------------------------------------------------------------------------------------


def asarray(x: ArrayLike, dtype: str | None = None) -> OnnxArray:
    return as_array(x, dtype)


def to_numpy(x: OnnxArray) -> np.ndarray:
    return np.array(as_array(x).numbers())


def dtype(x: OnnxArray) -> str:
    return x.dtype.name


def shape(x: OnnxArray) -> tuple:
    return tuple(x.shape)


def cast(x: OnnxArray | float, dtype: str) -> OnnxArray:
    return cast_array(as_array(x), dtype)


@primitive
def full(shape: Shape, value: float | OnnxArray, dtype: str) -> OnnxArray:
    return broadcast_to(cast(value, dtype), shape)


@primitive
def arange(start: int, stop: int, step: int, dtype: str) -> OnnxArray:
    ends = [current().scalar(start), current().scalar(stop), current().scalar(step)]
    name = current().emit("Range", ends, rank=1)[0]
    return cast(OnnxArray((-(-(stop - start) // step),), "int64", name), dtype)


# --- Elementwise, one argument ----------------------------------------------------------------------------------------


def _of_one(name: str, op: str, x: OnnxArray) -> OnnxArray:
    """Add a node with one operand, in the dtype of the result of NumPy's function of this name."""
    return elementwise(op, x, dtype=result_dtype(name, x))


def _of_float(op: str, x: OnnxArray) -> OnnxArray:
    """Add a node of a floating-point function; integers are cast to ``config.floatx()``."""
    x = as_array(x)
    return elementwise(op, x, dtype=x.dtype.name if x.dtype.kind == "f" else config.floatx())


@primitive
def abs(x: OnnxArray) -> OnnxArray:
    return x if x.dtype.kind in "ub" else elementwise("Abs", x, dtype=dtype(x))


negative = primitive(partial(_of_one, "negative", "Neg"), "negative")
sign = primitive(partial(_of_one, "sign", "Sign"), "sign")
exp = primitive(partial(_of_float, "Exp"), "exp")


@primitive
def expm1(x: OnnxArray) -> OnnxArray:
    return subtract(exp(x), 1)


log = primitive(partial(_of_float, "Log"), "log")


@primitive
def log1p(x: OnnxArray) -> OnnxArray:
    return log(add(x, 1))


sqrt = primitive(partial(_of_float, "Sqrt"), "sqrt")


@primitive
def rsqrt(x: OnnxArray) -> OnnxArray:
    return _of_float("Reciprocal", sqrt(x))


@primitive
def square(x: OnnxArray) -> OnnxArray:
    return multiply(x, x)


sin = primitive(partial(_of_float, "Sin"), "sin")
cos = primitive(partial(_of_float, "Cos"), "cos")
tan = primitive(partial(_of_float, "Tan"), "tan")
arcsin = primitive(partial(_of_float, "Asin"), "arcsin")
arccos = primitive(partial(_of_float, "Acos"), "arccos")
arctan = primitive(partial(_of_float, "Atan"), "arctan")
sinh = primitive(partial(_of_float, "Sinh"), "sinh")
cosh = primitive(partial(_of_float, "Cosh"), "cosh")
tanh = primitive(partial(_of_float, "Tanh"), "tanh")
erf = primitive(partial(_of_float, "Erf"), "erf")
sigmoid = primitive(partial(_of_float, "Sigmoid"), "sigmoid")


@primitive
def relu(x: OnnxArray) -> OnnxArray:
    if x.dtype.kind == "i":  # ONNX Runtime's Relu does not know all of them
        return maximum(x, 0)
    return x if x.dtype.kind in "ub" else elementwise("Relu", x, dtype=dtype(x))


def _to_whole(name: str, op: str, x: OnnxArray) -> OnnxArray:
    wanted = result_dtype(name, x)
    return elementwise(op, x, dtype=wanted) if np.dtype(wanted).kind == "f" else cast(x, wanted)


floor = primitive(partial(_to_whole, "floor", "Floor"), "floor")
ceil = primitive(partial(_to_whole, "ceil", "Ceil"), "ceil")
round = primitive(partial(_to_whole, "round", "Round"), "round")


@primitive
def isnan(x: OnnxArray) -> OnnxArray:
    return not_equal(x, x)


@primitive
def isfinite(x: OnnxArray) -> OnnxArray:
    return less(abs(_of_float("Identity", x)), math.inf)


@primitive
def logical_not(x: OnnxArray) -> OnnxArray:
    return elementwise("Not", cast(x, "bool"), dtype="bool")


# --- Elementwise, two or three arguments ------------------------------------------------------------------------------


def _of_two(name: str, op: str, x: OnnxArray, y: OnnxArray) -> OnnxArray:
    """Add a node with two operands, in the dtype of the result of NumPy's function of this name."""
    return elementwise(op, x, y, dtype=result_dtype(name, x, y))


def _logical(op: str, x: OnnxArray, y: OnnxArray) -> OnnxArray:
    return elementwise(op, operand(x, "bool"), operand(y, "bool"), dtype="bool")


def _compared(op: str, x: OnnxArray, y: OnnxArray) -> OnnxArray:
    return elementwise(op, x, y, dtype=common_dtype([x, y]), result="bool")


def _are_booleans(*values: ArrayLike) -> bool:
    return builtins.all(isinstance(x, bool) or (not isinstance(x, NUMBERS) and as_array(x).dtype == bool) for x in values)


@primitive
def add(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    return _logical("Or", x, y) if _are_booleans(x, y) else _of_two("add", "Add", x, y)


subtract = primitive(partial(_of_two, "subtract", "Sub"), "subtract")


@primitive
def multiply(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    return _logical("And", x, y) if _are_booleans(x, y) else _of_two("multiply", "Mul", x, y)


divide = primitive(partial(_of_two, "divide", "Div"), "divide")


@primitive
def floor_divide(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    wanted = result_dtype("floor_divide", x, y)
    if np.dtype(wanted).kind == "f":
        return floor(elementwise("Div", x, y, dtype=wanted))
    rest = elementwise("Mod", x, y, dtype=wanted)
    return elementwise("Div", elementwise("Sub", x, rest, dtype=wanted), y, dtype=wanted)


@primitive
def remainder(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    wanted = result_dtype("remainder", x, y)
    if np.dtype(wanted).kind == "f":
        return subtract(x, multiply(floor(elementwise("Div", x, y, dtype=wanted)), y))
    return elementwise("Mod", x, y, dtype=wanted)


power = primitive(partial(_of_two, "power", "Pow"), "power")
maximum = primitive(partial(_of_two, "maximum", "Max"), "maximum")
minimum = primitive(partial(_of_two, "minimum", "Min"), "minimum")


@primitive
def arctan2(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    wanted = result_dtype("arctan2", x, y)
    x, y = (cast(as_array(value), wanted) for value in (x, y))
    above = cast(where(greater_equal(x, 0), math.pi, -math.pi), wanted)
    on_axis = multiply(sign(x), math.pi / 2)
    angle = arctan(divide(x, y))
    return where(greater(y, 0), angle, where(less(y, 0), add(angle, above), on_axis))


@primitive
def logaddexp(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    wanted = result_dtype("logaddexp", x, y)
    if isinstance(y, NUMBERS) and y == 0:
        return elementwise("Softplus", x, dtype=wanted)
    distance = abs(elementwise("Sub", x, y, dtype=wanted))
    return add(maximum(x, y), elementwise("Softplus", negative(distance), dtype=wanted))


equal = primitive(partial(_compared, "Equal"), "equal")


@primitive
def not_equal(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    return logical_not(equal(x, y))


less = primitive(partial(_compared, "Less"), "less")
less_equal = primitive(partial(_compared, "LessOrEqual"), "less_equal")
greater = primitive(partial(_compared, "Greater"), "greater")
greater_equal = primitive(partial(_compared, "GreaterOrEqual"), "greater_equal")
logical_and = primitive(partial(_logical, "And"), "logical_and")
logical_or = primitive(partial(_logical, "Or"), "logical_or")
logical_xor = primitive(partial(_logical, "Xor"), "logical_xor")


@primitive
def where(condition: OnnxArray, x: OnnxArray, y: OnnxArray) -> OnnxArray:
    wanted = result_dtype("where", True, x, y)
    kernel = kernel_dtype("Where", wanted)
    arrays = [operand(condition, "bool"), operand(x, kernel), operand(y, kernel)]
    return cast(on_lying("Where", arrays, kernel), wanted)


# --- Reductions -------------------------------------------------------------------------------------------------------


def _axes(x: OnnxArray, axis: Axes) -> tuple[int, ...]:
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple(one % x.ndim for one in axes)


def _reduced(op: str, x: OnnxArray, axis: Axes, keepdims: bool, dtype: str) -> OnnxArray:
    """Add a reduction over some axes in the stored order, computed in a dtype."""
    axes, kernel = _axes(x, axis), kernel_dtype(op, dtype)
    x = cast_array(x, kernel)
    if not axes:
        return cast_array(x, dtype)
    lies = x.order or tuple(range(x.ndim))
    places = tuple(sorted(lies.index(one) for one in axes))
    kept = [one for one in range(x.ndim) if one not in axes]
    shape = tuple((1 if one in axes else x.shape[one]) for one in range(x.ndim) if keepdims or one not in axes)
    order = lies if keepdims else tuple(kept.index(one) for one in lies if one not in axes)
    attributes: dict[str, Any] = {"keepdims": int(keepdims)}
    inputs: list[str | Constant] = [current().in_order(x, lies)]
    if op == "ReduceSum":
        inputs.append(Constant(np.array(places, "int64")))
    else:
        attributes["axes"] = places
    return cast_array(OnnxArray(shape, kernel, current().emit(op, inputs, 1, attributes, len(shape))[0], order or None), dtype)


def _reduced_in_its_dtype(name: str, op: str, x: OnnxArray, axis: Axes = None, keepdims: bool = False) -> OnnxArray:
    return _reduced(op, x, axis, keepdims, result_dtype(name, x))


def _reduced_bools(op: str, x: OnnxArray, axis: Axes = None, keepdims: bool = False) -> OnnxArray:
    return _reduced(op, cast(x, "bool"), axis, keepdims, "bool")


sum = primitive(partial(_reduced_in_its_dtype, "sum", "ReduceSum"), "sum")
mean = primitive(partial(_reduced_in_its_dtype, "mean", "ReduceMean"), "mean")
prod = primitive(partial(_reduced_in_its_dtype, "prod", "ReduceProd"), "prod")
max = primitive(partial(_reduced_in_its_dtype, "max", "ReduceMax"), "max")
min = primitive(partial(_reduced_in_its_dtype, "min", "ReduceMin"), "min")
all = primitive(partial(_reduced_bools, "ReduceMin"), "all")
any = primitive(partial(_reduced_bools, "ReduceMax"), "any")


def _place_of_extreme(op: str, x: OnnxArray, axis: int) -> OnnxArray:
    axis %= x.ndim
    x = cast_array(x, kernel_dtype(op, dtype(x)))
    name = current().emit(op, [current().plain(x)], 1, {"axis": axis, "keepdims": 0}, x.ndim - 1)[0]
    return cast(OnnxArray((*x.shape[:axis], *x.shape[axis + 1 :]), "int64", name), "int32")


argmax = primitive(partial(_place_of_extreme, "ArgMax"), "argmax")
argmin = primitive(partial(_place_of_extreme, "ArgMin"), "argmin")


@primitive
def cumsum(x: OnnxArray, axis: int) -> OnnxArray:
    wanted = result_dtype("cumsum", x, axis=0)
    x = cast_array(x, kernel_dtype("CumSum", wanted))
    name = current().emit("CumSum", [current().plain(x), Constant(np.array(axis % x.ndim, "int64"))], rank=x.ndim)[0]
    return cast(OnnxArray(x.shape, dtype(x), name), wanted)


@primitive
def cumprod(x: OnnxArray, axis: int) -> OnnxArray:
    wanted, axis = result_dtype("cumprod", x, axis=0), axis % x.ndim
    order = (axis, *(other for other in range(x.ndim) if other != axis))
    steps = transpose(cast(x, wanted), order)
    first = full(steps.shape[1:], 1, wanted)
    products = scan(lambda before, step: (multiply(before, step),) * 2, first, steps)[1]
    return transpose(products, tuple(order.index(place) for place in range(x.ndim)))


# --- Shape and indexing -----------------------------------------------------------------------------------------------


@primitive
def reshape(x: OnnxArray, shape: Shape) -> OnnxArray:
    x, shape = as_array(x), tuple(shape)
    if -1 in shape:
        rest = math.prod(size for size in shape if size != -1)
        shape = tuple(x.size // rest if size == -1 else size for size in shape)
    if math.prod(map(int, shape)) != int(x.size):
        raise ValueError(f"cannot reshape an array of shape {x.shape} into {shape}")
    if shape == x.shape and builtins.all(is_open(old) == is_open(new) for old, new in zip(x.shape, shape, strict=True)):
        return x
    still_open = [place for place, size in enumerate(shape) if is_open(size)]
    if len(still_open) == 1 and 0 not in shape:
        written = Constant(np.array([-1 if is_open(size) else size for size in shape], "int64"))
    else:
        written = current().vector(shape)
    attributes = {"allowzero": 1} if 0 in shape else {}
    return OnnxArray(shape, dtype(x), current().emit("Reshape", [current().plain(x), written], 1, attributes, len(shape))[0])


@primitive
def transpose(x: OnnxArray, axes: tuple[int, ...]) -> OnnxArray:
    axes = tuple(axis % x.ndim for axis in axes)
    lies = x.order or tuple(range(x.ndim))
    return OnnxArray(tuple(x.shape[axis] for axis in axes), dtype(x), x.name, tuple(axes.index(axis) for axis in lies))


@primitive
def broadcast_to(x: OnnxArray, shape: Shape) -> OnnxArray:
    x, shape = as_array(x), tuple(shape)
    name = current().emit("Expand", [current().plain(x), current().vector(shape)], rank=len(shape))[0]
    return OnnxArray(shape, dtype(x), name)


@primitive
def concatenate(xs: list[OnnxArray], axis: int) -> OnnxArray:
    arrays = [as_array(x) for x in xs]
    wanted = common_dtype(arrays)
    rank = arrays[0].ndim
    axis %= rank
    shape = list(arrays[0].shape)
    shape[axis] = builtins.sum(x.shape[axis] for x in arrays)
    lies = next((x.order for x in arrays if x.order is not None), None) or tuple(range(rank))
    inputs = [current().in_order(cast_array(x, wanted), lies) for x in arrays]
    name = current().emit("Concat", inputs, 1, {"axis": lies.index(axis)}, rank)[0]
    return OnnxArray(tuple(shape), wanted, name, lies)


@primitive
def split(x: OnnxArray, sizes: tuple[int, ...], axis: int) -> list[OnnxArray]:
    if builtins.any(is_open(size) or not size for size in sizes):
        stops = [builtins.sum(sizes[: place + 1]) for place in range(len(sizes))]
        before = (slice(None),) * axis
        return [getitem(x, (*before, slice(stop - size, stop))) for size, stop in zip(sizes, stops, strict=True)]
    inputs = [current().plain(x), Constant(np.array(sizes, "int64"))]
    names = current().emit("Split", inputs, len(sizes), {"axis": axis}, x.ndim)
    shapes = [(*x.shape[:axis], size, *x.shape[axis + 1 :]) for size in sizes]
    return [OnnxArray(shape, dtype(x), name) for shape, name in zip(shapes, names, strict=True)]


@primitive
def pad(x: OnnxArray, pad_width: Padding, mode: str = "constant", constant_values: float = 0) -> OnnxArray:
    if mode == "symmetric":
        return indexing.mirrored(x, pad_width)
    wanted, kernel = dtype(x), kernel_dtype("Pad", dtype(x))
    x = cast_array(x, kernel)
    lies = x.order or tuple(range(x.ndim))
    widths = current().vector([pad_width[axis][side] for side in (0, 1) for axis in lies])
    inputs = [current().in_order(x, lies), widths]
    if mode == "constant":
        inputs.append(Constant(np.array(constant_values, kernel)))
    name = current().emit("Pad", inputs, 1, {"mode": mode}, x.ndim)[0]
    shape = tuple(size + before + after for size, (before, after) in zip(x.shape, pad_width, strict=True))
    return cast(OnnxArray(shape, kernel, name, lies), wanted)


@primitive
def flip(x: OnnxArray, axis: Axes) -> OnnxArray:
    return indexing.sliced(x, dict.fromkeys(_axes(x, axis), slice(None, None, -1)))


@primitive
def getitem(x: OnnxArray, index: Index) -> OnnxArray:
    return indexing.getitem(as_array(x), index)


@primitive
def take(x: OnnxArray, indices: OnnxArray, axis: int) -> OnnxArray:
    x = as_array(x)
    return indexing.gather(x, indexing.inside(indices, x.shape[axis]), axis % x.ndim)


@primitive
def take_along_axis(x: OnnxArray, indices: OnnxArray, axis: int) -> OnnxArray:
    x, indices = as_array(x), indexing.inside(indices, x.shape[axis])
    axis %= x.ndim
    around = broadcast_shape(*((*array.shape[:axis], 1, *array.shape[axis + 1 :]) for array in (x, indices)))
    x, indices = (indexing.grown(a, (*around[:axis], a.shape[axis], *around[axis + 1 :])) for a in (x, indices))
    inputs = [current().plain(x), current().plain(indices)]
    return OnnxArray(indices.shape, dtype(x), current().emit("GatherElements", inputs, 1, {"axis": axis}, x.ndim)[0])


@primitive
def index_add(x: OnnxArray, indices: OnnxArray, updates: OnnxArray) -> OnnxArray:
    x, indices, updates = as_array(x), cast(indices, "int64"), cast(updates, dtype(x))
    count = x.shape[0]
    inside = logical_and(greater_equal(indices, -count), less(indices, count))
    updates = where(reshape(inside, (*inside.shape, *(1,) * (updates.ndim - 1))), updates, 0)
    rows = reshape(where(inside, indices, 0), (*indices.shape, 1))
    inputs = [current().plain(array) for array in (x, rows, updates)]
    return OnnxArray(x.shape, dtype(x), current().emit("ScatterND", inputs, 1, {"reduction": "add"}, x.ndim)[0])


# --- Contractions -----------------------------------------------------------------------------------------------------


@primitive
def matmul(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    x, y = as_array(x), as_array(y)
    wanted = common_dtype([x, y])
    kernel = kernel_dtype("MatMul", wanted)
    stacks = broadcast_shape(x.shape[:-2], y.shape[:-2])
    shape = (*stacks, *x.shape[-2:-1], *(y.shape[-1:] if y.ndim > 1 else ()))
    inputs = [current().plain(cast_array(array, kernel)) for array in (x, y)]
    return cast(OnnxArray(shape, kernel, current().emit("MatMul", inputs, rank=len(shape))[0]), wanted)


@primitive
def tensordot(x: OnnxArray, y: OnnxArray, axes: ContractedAxes) -> OnnxArray:
    x, y = as_array(x), as_array(y)
    if isinstance(axes, int):
        axes = (range(x.ndim - axes, x.ndim), range(axes))
    summed = _axes(x, tuple(axes[0])), _axes(y, tuple(axes[1]))
    kept = [[axis for axis in range(array.ndim) if axis not in gone] for array, gone in zip((x, y), summed, strict=True)]
    shape = (*(x.shape[axis] for axis in kept[0]), *(y.shape[axis] for axis in kept[1]))
    terms = math.prod(x.shape[axis] for axis in summed[0])
    left = reshape(transpose(x, (*kept[0], *summed[0])), (math.prod(x.shape[axis] for axis in kept[0]), terms))
    right = reshape(transpose(y, (*summed[1], *kept[1])), (terms, math.prod(y.shape[axis] for axis in kept[1])))
    return reshape(matmul(left, right), shape)


def einsum(subscripts: str, *operands: OnnxArray) -> OnnxArray:
    return _contract(subscripts, list(operands))


@primitive
def _contract(subscripts: str, operands: list[OnnxArray]) -> OnnxArray:
    arrays = [as_array(x) for x in operands]
    wanted = common_dtype(arrays)
    kernel = kernel_dtype("Einsum", wanted)
    equation, shapes, shape = indexing.einsum_form(subscripts, [x.shape for x in arrays])
    arrays = [indexing.grown(cast_array(x, kernel), like) for x, like in zip(arrays, shapes, strict=True)]
    inputs = [current().plain(x) for x in arrays]
    name = current().emit("Einsum", inputs, 1, {"equation": equation}, len(shape))[0]
    return cast(OnnxArray(shape, kernel, name), wanted)


# --- Matrices, complex numbers and bits -------------------------------------------------------------------------------

_NO_DECOMPOSITIONS = "ONNX has no operators for matrix decompositions.", linalg.OUTSIDE
_NO_COMPLEX_NUMBERS = "ONNX does not compute with complex numbers.", "Use two arrays, for the real and imaginary parts."

fft = linalg.fft
rfft = linalg.rfft
irfft = linalg.irfft
bitwise_and = linalg.bitwise_and
bitwise_or = linalg.bitwise_or
bitwise_xor = linalg.bitwise_xor
slogdet = linalg.slogdet
cholesky = primitive(refusal("cholesky", *_NO_DECOMPOSITIONS), "cholesky")
qr = primitive(refusal("qr", *_NO_DECOMPOSITIONS), "qr")
svd = primitive(refusal("svd", *_NO_DECOMPOSITIONS), "svd")
eigh = primitive(refusal("eigh", *_NO_DECOMPOSITIONS), "eigh")
eig = primitive(refusal("eig", *_NO_DECOMPOSITIONS), "eig")
lu = primitive(refusal("lu", *_NO_DECOMPOSITIONS), "lu")
solve = primitive(refusal("solve", *_NO_DECOMPOSITIONS), "solve")
solve_triangular = primitive(refusal("solve_triangular", *_NO_DECOMPOSITIONS), "solve_triangular")
complex = primitive(refusal("complex", *_NO_COMPLEX_NUMBERS), "complex")
complex_parts = primitive(refusal("complex_parts", *_NO_COMPLEX_NUMBERS), "complex_parts")
left_shift = primitive(refusal("left_shift", *linalg.NO_BITS), "left_shift")
right_shift = primitive(refusal("right_shift", *linalg.NO_BITS), "right_shift")
bitcast = primitive(refusal("bitcast", *linalg.NO_BITS), "bitcast")

# --- Sorting ----------------------------------------------------------------------------------------------------------


def _sorted(x: OnnxArray, count: int, axis: int, largest: bool) -> tuple[OnnxArray, OnnxArray]:
    wanted = dtype(x)
    x = cast_array(x, kernel_dtype("TopK", wanted))
    shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
    attributes = {"axis": axis, "largest": int(largest)}
    values, places = current().emit("TopK", [current().plain(x), current().vector([count])], 2, attributes, x.ndim)
    return cast(OnnxArray(shape, dtype(x), values), wanted), cast(OnnxArray(shape, "int64", places), "int32")


@primitive
def argsort(x: OnnxArray, axis: int) -> OnnxArray:
    axis %= x.ndim
    return _sorted(x, x.shape[axis], axis, largest=False)[1]


@primitive
def top_k(x: OnnxArray, k: int) -> tuple[OnnxArray, OnnxArray]:
    return _sorted(x, k, x.ndim - 1, largest=True)


# --- Convolution and pooling ------------------------------------------------------------------------------------------


@primitive
def conv(x: OnnxArray, kernel: OnnxArray, strides: Shape, padding: Padding, dilation: Shape, groups: int = 1) -> OnnxArray:
    return convolution.conv(as_array(x), as_array(kernel), strides, padding, dilation, groups)


@primitive
def conv_transpose(
    x: OnnxArray, kernel: OnnxArray, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape
) -> OnnxArray:
    return convolution.conv_transpose(as_array(x), as_array(kernel), output_size, strides, padding, dilation)


@primitive
def max_pool(x: OnnxArray, window: Shape, strides: Shape, padding: Padding) -> OnnxArray:
    return convolution.max_pool(x, window, strides, padding)


@primitive
def avg_pool(x: OnnxArray, window: Shape, strides: Shape, padding: Padding) -> OnnxArray:
    return convolution.avg_pool(x, window, strides, padding, result_dtype("mean", x))


# --- Control flow -----------------------------------------------------------------------------------------------------


scan = control_flow.scan
while_loop = control_flow.while_loop
cond = control_flow.cond


# --- Random numbers ---------------------------------------------------------------------------------------------------

_NO_RANDOMNESS = "ONNX draws different random values, so the file could not be verified against the model."
_LEAVE_IT_OUT = "Remove the layer from the exported model, or draw the values outside and pass them as an input."


fold_in = refusal("fold_in", _NO_RANDOMNESS, _LEAVE_IT_OUT)
random_uniform = refusal("random_uniform", _NO_RANDOMNESS, _LEAVE_IT_OUT)
random_normal = refusal("random_normal", _NO_RANDOMNESS, _LEAVE_IT_OUT)

# --- Transforms -------------------------------------------------------------------------------------------------------

_NO_TRAINING = "An ONNX file contains the computation of outputs from inputs; this belongs to training."
_ONLY_FORWARD = "Export a model whose `call` only computes its outputs."


value_and_grad = refusal("value_and_grad", _NO_TRAINING, _ONLY_FORWARD)


@primitive
def stop_gradient(x: OnnxArray) -> OnnxArray:
    return x


def custom_gradient(f: Callable) -> Callable:
    return lambda *arrays: f(*arrays)[0]


def remat(f: Callable) -> Callable:
    return f


def compile(f: Callable) -> Callable:
    return f


def prefers_compiled(*arrays: OnnxArray) -> bool:
    return False


def is_traced(x: OnnxArray) -> bool:
    return True


def concrete() -> contextlib.AbstractContextManager:
    return contextlib.nullcontext()


multi_step = refusal("multi_step", _NO_TRAINING, _ONLY_FORWARD)


def abstract_eval(f: Callable, *specs: ArraySpecs) -> Any:
    """Record the function on a temporary graph."""

    def blank(spec: ArraySpecs) -> Any:
        if isinstance(spec, ArraySpec):
            return graph.add_input("blank", spec.shape, spec.dtype)
        if isinstance(spec, dict):
            return {name: blank(part) for name, part in spec.items()}
        return type(spec)(map(blank, spec)) if isinstance(spec, (list, tuple)) else spec

    with recording(Graph()) as graph:
        results = f(*map(blank, specs))
    return trees.map(lambda x: ArraySpec(x.shape, dtype(x)), results)


# --- Devices ----------------------------------------------------------------------------------------------------------


_DEVICES = ("file:0",)


def devices() -> list[str]:
    return default_device_first("onnx", _DEVICES)


def to_device(x: OnnxArray, device: str) -> OnnxArray:
    known_device(device, _DEVICES)
    return x


def synchronize(tree: Tree) -> None:
    """Do nothing: no values are computed."""


def micro_batch_activations() -> int | None:
    return None
