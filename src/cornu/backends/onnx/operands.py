"""Operands of nodes: conversion to arrays, dtypes, broadcasting, and nodes of elementwise operators.

ONNX does not promote dtypes: :func:`elementwise` casts the operands to one dtype and adds the node.
"""

import functools
from typing import Any

import numpy as np

from cornu import config
from cornu.backends import common, lookup
from cornu.backends.onnx.graph_builder import PRIMITIVES, Constant, OnnxArray, Shape, constant, current
from cornu.backends.onnx.primitive import NUMBERS, available
from cornu.backends.onnx.symbolic_sizes import is_open
from cornu.typing import ArrayLike

_WIDER = {
    **dict.fromkeys(("bool", "int8", "uint8", "int16", "uint16"), "int32"),
    **dict.fromkeys(("uint32", "uint64"), "int64"),
}
"""Dtypes for computations with integers and booleans, because ONNX Runtime supports few integer dtypes."""

_FLOAT32_ONLY = (
    *("Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Erf", "Softplus"),
    *("AveragePool", "Conv", "ConvTranspose"),
)
"""Operators that ONNX Runtime does not support in ``float64``."""

_OF_BOOLEANS = ("And", "Equal", "Not", "Or", "Xor")


# --- Arrays and dtypes ------------------------------------------------------------------------------------------------


def as_array(x: ArrayLike, dtype: str | None = None) -> OnnxArray:
    """Convert data to an array of the backend; a recorded array is returned unchanged."""
    if isinstance(x, OnnxArray):
        return x if dtype is None else cast(x, dtype)
    if is_open(x):
        name = current().emit("Squeeze", [current().vector([x])])[0]
        return cast(OnnxArray((), "int64", name), dtype or "int32")
    array = common.numbers(x)
    dtype = available(dtype or common.usual_dtype(array))
    common.check_fits(array, dtype, "Pass `dtype='int64'`, or pass floats.")
    with np.errstate(all="ignore"):
        return constant(np.array(array, dtype))


def cast(x: OnnxArray, dtype: str) -> OnnxArray:
    """Convert an array to another dtype."""
    dtype = available(dtype)
    if x.dtype.name == dtype:
        return x
    if x.value is not None:
        with np.errstate(all="ignore"):
            return constant(x.value.astype(dtype), x.label)
    found = current().emit("Cast", [x.name], 1, {"to": np.dtype(dtype)}, x.ndim)
    return OnnxArray(x.shape, dtype, found[0], x.order)


def operand(x: ArrayLike, dtype: str) -> OnnxArray:
    """Convert an operand, an array or a Python scalar, to a dtype."""
    return cast(as_array(np.asarray(x, dtype) if type(x) in NUMBERS else x), dtype)


def kernel_dtype(op: str, dtype: str) -> str:
    """Return the dtype in which an operator is computed for operands of a dtype."""
    if dtype == "float64" and op in _FLOAT32_ONLY:
        return "float32"
    if dtype == "bool" and op in _OF_BOOLEANS:
        return dtype
    return _WIDER.get(dtype, dtype)


def result_dtype(name: str, *operands: ArrayLike, **arguments: Any) -> str:
    """Return the dtype of the NumPy backend's result for these operands, arrays or Python scalars."""
    kinds = tuple(int if is_open(x) else type(x) if isinstance(x, NUMBERS) else as_array(x).dtype.name for x in operands)
    return _dtype_by_trial(name, kinds, tuple(arguments.items()), config.floatx())


def common_dtype(operands: list) -> str:
    """Return the promoted dtype of arrays and Python scalars."""
    first, *rest = operands
    for other in rest:
        first = np.ones(1, result_dtype("maximum", first, other))
    return as_array(first).dtype.name


@functools.cache
def _dtype_by_trial(name: str, kinds: tuple, arguments: tuple, floatx: str) -> str:
    samples = [kind(1) if isinstance(kind, type) else np.ones(1, kind) for kind in kinds]
    return getattr(lookup.get("numpy"), name)(*samples, **dict(arguments)).dtype.name


# --- Elementwise nodes ------------------------------------------------------------------------------------------------


def broadcast_shape(*shapes: Shape) -> Shape:
    """Return the shape that arrays broadcast to; symbolic sizes stay symbolic."""
    rank = max(map(len, shapes), default=0)
    padded = [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
    np.broadcast_shapes(*[tuple(map(int, shape)) for shape in padded])  # raises NumPy's error if they do not
    return tuple(_common_size(sizes) for sizes in zip(*padded, strict=True))


def _common_size(sizes: tuple) -> int:
    return next((size for size in sizes if is_open(size)), next((size for size in sizes if size != 1), 1))


def elementwise(op: str, *operands: ArrayLike, dtype: str, result: str | None = None, **attributes: Any) -> OnnxArray:
    """Add a node with broadcast operands, each cast to a dtype; the stored order is kept if possible.

    Args:
        op: ONNX operator type.
        *operands: Arrays or Python scalars.
        dtype: Dtype of the operands, cast to a wider one if the operator does not support it.
        result: Dtype of the result. Defaults to ``dtype``.
        **attributes: Attributes of the node.
    """
    kernel = kernel_dtype(op, dtype)
    arrays = [operand(x, kernel) for x in operands]
    found = on_lying(op, arrays, kernel if result is None else result, **attributes)
    return cast(found, dtype if result is None else result)


def on_lying(op: str, arrays: list[OnnxArray], dtype: str, **attributes: Any) -> OnnxArray:
    """Add a node with broadcast arrays in their common stored order, without casts."""
    shape = broadcast_shape(*(x.shape for x in arrays))
    order = _common_order(arrays, len(shape))
    inputs = [_lying(x, order) for x in arrays]
    return OnnxArray(shape, dtype, current().emit(op, inputs, 1, attributes, len(shape))[0], order)


def _common_order(arrays: list[OnnxArray], rank: int) -> tuple[int, ...] | None:
    """Return the stored order of the largest array whose order is not the logical one; None if there is none."""
    turned = [x for x in arrays if x.order is not None and x.ndim == rank]
    return max(turned, key=lambda x: x.size).order if turned else None


def _lying(x: OnnxArray, order: tuple[int, ...] | None) -> str | Constant:
    """Return the node input for an array, broadcast with arrays in a stored order."""
    if order is None or x.ndim == 0:
        return current().plain(x)
    missing = len(order) - x.ndim
    return current().in_order(PRIMITIVES["reshape"](x, (1,) * missing + x.shape) if missing else x, order)
