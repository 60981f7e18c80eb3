"""Convolution and pooling in ONNX, which are channels first.

The results are stored channels first (``order``, see ``graph_builder.py``), so that there is no transpose between two of them.
"""

from typing import Any

import numpy as np

from cornu.backends.contract import Padding, Shape
from cornu.backends.onnx.graph_builder import PRIMITIVES, OnnxArray, current
from cornu.backends.onnx.operands import cast, common_dtype, kernel_dtype
from cornu.backends.onnx.primitive import refused
from cornu.backends.onnx.symbolic_sizes import is_open


def _channels_first(rank: int) -> tuple[int, ...]:
    return (0, rank - 1, *range(1, rank - 1))


def _written(padding: Padding) -> list[int]:
    """Return padding in ONNX's order: all before, then all after."""
    return [before for before, _ in padding] + [after for _, after in padding]


def _outputs(sizes: Shape, window: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Shape:
    axes = zip(sizes, window, strides, padding, dilation, strict=True)
    return tuple((size + sum(pads) - (k - 1) * d - 1) // s + 1 for size, k, s, pads, d in axes)


def _padded_before(x: OnnxArray, padding: Padding, fill: float) -> tuple[OnnxArray, Padding]:
    """Apply padding that depends on symbolic sizes, which cannot be an attribute, in a separate node."""
    if not any(is_open(width) for pair in padding for width in pair):
        return x, padding
    padded = PRIMITIVES["pad"](x, ((0, 0), *padding, (0, 0)), "constant", fill)
    return padded, tuple((0, 0) for _ in padding)


def _inputs(x: OnnxArray, kernel: OnnxArray) -> list[Any]:
    """Return image and kernel in ONNX's order: channels before the spatial axes; filters and channels before the window."""
    graph, rank = current(), x.ndim
    return [graph.in_order(x, _channels_first(rank)), graph.in_order(kernel, (rank - 1, rank - 2, *range(rank - 2)))]


def conv(x: OnnxArray, kernel: OnnxArray, strides: Shape, padding: Padding, dilation: Shape, groups: int) -> OnnxArray:
    """``Conv``: the contract's ``conv``."""
    wanted = common_dtype([x, kernel])
    used = kernel_dtype("Conv", wanted)
    x, kernel = cast(x, used), cast(kernel, used)
    x, padding = _padded_before(x, padding, 0)
    window, rank, graph = kernel.shape[:-2], x.ndim, current()
    inputs = _inputs(x, kernel)
    attributes = {
        "kernel_shape": window,
        "strides": tuple(strides),
        "pads": _written(padding),
        "dilations": tuple(dilation),
        "group": groups,
    }
    shape = (x.shape[0], *_outputs(x.shape[1:-1], window, strides, padding, dilation), kernel.shape[-1])
    return cast(OnnxArray(shape, used, graph.emit("Conv", inputs, 1, attributes, rank)[0], _channels_first(rank)), wanted)


def conv_transpose(
    x: OnnxArray, kernel: OnnxArray, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape
) -> OnnxArray:
    """``ConvTranspose``: the contract's ``conv_transpose``."""
    wanted = common_dtype([x, kernel])
    used = kernel_dtype("ConvTranspose", wanted)
    x, kernel = cast(x, used), cast(kernel, used)
    window, rank, graph = kernel.shape[:-2], x.ndim, current()
    axes = zip(output_size, x.shape[1:-1], window, strides, padding, dilation, strict=True)
    extra = [out - ((n - 1) * s + (k - 1) * d + 1 - sum(pads)) for out, n, k, s, pads, d in axes]
    if any(map(is_open, extra)):
        raise refused(
            "conv_transpose",
            "The padding depends on unknown sizes.",
            "Give the model's `Input` fixed sizes: `Input((32, 32, 3))`.",
        )
    inputs = _inputs(x, kernel)
    attributes = {
        "kernel_shape": window,
        "strides": tuple(strides),
        "pads": _written(padding),
        "dilations": tuple(dilation),
        "output_padding": extra,
    }
    shape = (x.shape[0], *output_size, kernel.shape[-2])
    name = graph.emit("ConvTranspose", inputs, 1, attributes, rank)[0]
    return cast(OnnxArray(shape, used, name, _channels_first(rank)), wanted)


def _pool(op: str, x: OnnxArray, window: Shape, strides: Shape, padding: Padding, **attributes: Any) -> OnnxArray:
    order = _channels_first(x.ndim)
    shape = (x.shape[0], *_outputs(x.shape[1:-1], window, strides, padding, (1,) * len(window)), x.shape[-1])
    attributes |= {"kernel_shape": tuple(window), "strides": tuple(strides), "pads": _written(padding)}
    name = current().emit(op, [current().in_order(x, order)], 1, attributes, x.ndim)[0]
    return OnnxArray(shape, x.dtype.name, name, order)


def max_pool(x: OnnxArray, window: Shape, strides: Shape, padding: Padding) -> OnnxArray:
    """``MaxPool``: the contract's ``max_pool``; integers are compared as ``float64``, which represents them exactly."""
    wanted = x.dtype.name
    x = x if x.dtype.kind == "f" else cast(x, "float64")
    x, padding = _padded_before(x, padding, -np.inf)
    return cast(_pool("MaxPool", x, window, strides, padding), wanted)


def avg_pool(x: OnnxArray, window: Shape, strides: Shape, padding: Padding, dtype: str) -> OnnxArray:
    """``AveragePool``: the contract's ``avg_pool``."""
    x = cast(x, kernel_dtype("AveragePool", dtype))
    if any(is_open(width) for pair in padding for width in pair):
        raise refused(
            "avg_pool",
            "The padding depends on unknown sizes, and must not be counted.",
            'Use `padding="valid"`, or give the model\'s `Input` fixed sizes.',
        )
    return cast(_pool("AveragePool", x, window, strides, padding, count_include_pad=0), dtype)
