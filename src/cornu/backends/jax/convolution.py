"""Convolution for JAX on a CPU, written for the fast cases of XLA's CPU compiler, including gradients.

The speed of equivalent programs often differs by a factor of ten or more (measured with jaxlib 0.10.2 on two Intel cores):

* A convolution in the standard layout (channels last, kernel ``(*window, in, out)``) runs at the speed of a matrix product.
  In any other layout, XLA uses naive code inside loops, 20 to 100 times slower. JAX's own gradients have such layouts, so the
  gradients are written here as standard convolutions of transposed arrays.
* XLA delegates convolutions to the library YNNPACK, which is 2 to 6 times slower than Eigen at them;
  ``compilation.compiler_options`` prevents it.
* A large array that results from cheap operations is recomputed by each of its readers, even by one that transposes it for
  the gradient of a kernel. :func:`_materialized` makes XLA compute it once.
* A convolution that sums few products per output value (the first layer of a network; depthwise convolution) is faster as a
  sum of products with shifted images, in one pass.
* XLA's gradient of max pooling is serial. Comparisons are not, and XLA fuses them into the preceding activation
  (``pooling.py``).
* A single image (``predict`` with one sample) is done before the worker threads are awake: XLA's own convolution and pooling
  are 1.5 times as fast for it.

The functions follow ``contract.py``, for arrays of one floating-point dtype.
"""

import functools
import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cornu.backends.contract import Padding, Shape
from cornu.backends.jax.windows import cut, offsets, once, padded, put_back, windows

FEW_PRODUCTS = 16
"""Maximum number of products per output value for which shifted products are faster: with 9, a network trains 1.07 times as
fast.

With 27 they are faster on their own, but XLA recomputes them in the gradient of the pooling that follows: a network for images
of 150 x 150 x 3 trains 1.9 times as fast without them."""
SMALL_WINDOW = 64
"""Maximum number of elements of a pooling window that is unrolled element by element."""
LARGE = 2**20
"""Number of bytes from which on an array does not stay in a core's cache. XLA would transpose it by recomputing it element by
element in the new order, back to the last convolutions: materialized first, ResNet-20 trains 1.3 to 1.5 times as fast. For
smaller arrays (micro-batches) the copy costs more than it saves."""
BLOCK_CHANNELS = 32
"""Minimum number of input channels of an efficient convolution: narrower groups are merged."""


# --- Convolution ------------------------------------------------------------------------------------------------------


def conv(x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape, groups: int = 1) -> Array:
    """Convolution; see ``contract.conv``."""
    geometry = (tuple(strides), pairs(padding), tuple(dilation))
    if groups == 1:
        return _dense_conv(x, kernel, *geometry)
    if kernel.shape[-2] == 1:
        return _depthwise_conv(jnp.repeat(x, kernel.shape[-1] // groups, axis=-1), kernel, *geometry)
    return _grouped_conv(x, kernel, *geometry, groups)


def _grouped_conv(x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape, groups: int) -> Array:
    """Merge groups into fewer convolutions, whose kernels are zero between different groups.

    XLA's own gradient of a grouped convolution is a hundred times slower.
    """
    inputs, outputs = kernel.shape[-2], kernel.shape[-1] // groups
    merged = next(n for n in range(1, groups + 1) if groups % n == 0 and (n * inputs >= BLOCK_CHANNELS or n == groups))
    same_group = np.kron(np.eye(merged, dtype=bool), np.ones((inputs, outputs), bool))
    results = []
    for part, narrow in zip(jnp.split(x, groups // merged, -1), jnp.split(kernel, groups // merged, -1), strict=True):
        wide = jnp.where(same_group, jnp.concatenate([narrow] * merged, -2), jnp.zeros((), kernel.dtype))
        results.append(_dense_conv(part, wide, strides, padding, dilation))
    return jnp.concatenate(results, -1)


def pairs(padding: Sequence[Sequence[int]]) -> Padding:
    """Return the padding as tuples: JAX needs hashable static arguments."""
    return tuple((before, after) for before, after in padding)


def plain_conv(
    x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape, input_dilation: Shape | None = None
) -> Array:
    """XLA's convolution in the standard layout."""
    numbers = dimension_numbers(len(strides))
    x, kernel = lax.optimization_barrier((x, kernel))
    return lax.conv_general_dilated(x, kernel, strides, padding, input_dilation, dilation, dimension_numbers=numbers)


def dimension_numbers(rank: int) -> tuple[str, str, str]:
    """Return JAX's description of the standard layout for a number of spatial dimensions."""
    axes = "DHW"[3 - rank :]
    return f"N{axes}C", f"{axes}IO", f"N{axes}C"


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _dense_conv(x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    if len(x) > 1 and math.prod(kernel.shape[:-2]) > 1 and math.prod(kernel.shape[:-1]) <= FEW_PRODUCTS:
        return _shifted_products(x, kernel, strides, padding, dilation)
    return plain_conv(x, kernel, strides, padding, dilation)


def _dense_forward(x, kernel, *geometry):
    return _dense_conv(x, kernel, *geometry), (x, kernel)


def _dense_backward(strides, padding, dilation, residuals, grad):
    x, kernel = residuals
    return (
        input_gradient(grad, kernel, x.shape[1:-1], strides, padding, dilation),
        kernel_gradient(x, grad, kernel.shape, strides, padding, dilation),
    )


_dense_conv.defvjp(_dense_forward, _dense_backward)


def transposed(
    kernel: Array, size: Shape, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape
) -> tuple[Array, Padding]:
    """Return kernel and padding of the transpose of a convolution: a convolution of its output, dilated by ``strides``.

    Args:
        kernel: Kernel of the convolution.
        size: Spatial size of its output.
        output_size: Spatial size of its input.
        strides, padding, dilation: Arguments of the convolution.
    """
    pads = []
    for axis, conv_before in enumerate(before for before, _ in padding):
        reach = (kernel.shape[axis] - 1) * dilation[axis]
        before = reach - conv_before
        pads.append((before, output_size[axis] - 1 - (size[axis] - 1) * strides[axis] + reach - before))
    return jnp.swapaxes(jnp.flip(kernel, range(len(strides))), -1, -2), pairs(pads)


def input_gradient(grad: Array, kernel: Array, input_size: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """Return the gradient of a convolution with respect to its input."""
    flipped, pads = transposed(kernel, grad.shape[1:-1], input_size, strides, padding, dilation)
    return plain_conv(grad, flipped, (1,) * len(strides), pads, dilation, input_dilation=strides)


def kernel_gradient(x: Array, grad: Array, kernel_shape: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """Return the gradient for the kernel: the input convolved with the output's gradient, batch and channel axes swapped."""
    rank, window = len(strides), kernel_shape[:-2]
    if math.prod(window) == 1 and not np.any(padding):
        x = x[(slice(None), *(slice(None, None, step) for step in strides))]
        flat = x.reshape(-1, x.shape[-1]).T @ grad.reshape(-1, grad.shape[-1])
        return flat.reshape(kernel_shape)
    if x.nbytes >= LARGE and grad.nbytes <= 2 * x.nbytes:  # the gradient of a first layer is larger, and read only here
        x, grad = _materialized(x), _materialized(grad)
    pads = []
    for axis in range(rank):
        before = padding[axis][0]
        span = (window[axis] - 1) * dilation[axis] + (grad.shape[1 + axis] - 1) * strides[axis] + 1
        pads.append((before, span - x.shape[1 + axis] - before))
    spatial = tuple(range(1, rank + 1))
    x, rest = _cropped(x, pairs(pads))
    batch_last = x.transpose(rank + 1, *spatial, 0)
    result = plain_conv(batch_last, grad.transpose(*spatial, 0, rank + 1), dilation, rest, strides)
    return lax.optimization_barrier(result).transpose(*spatial, 0, rank + 1)


@jax.custom_vjp
def _materialized(x: Array) -> Array:
    """Return the array unchanged, but make XLA write it to memory once instead of recomputing it for each reader.

    XLA removes optimization barriers before it fuses operations, but not loops: this loop overwrites values with themselves.
    """

    def write_over(number: Array, x: Array) -> Array:
        rest = (0,) * (x.ndim - 1)
        one = lax.dynamic_slice(x, (number, *rest), (1,) * x.ndim)
        return lax.dynamic_update_slice(x, one, (jnp.minimum(number, len(x) - 1), *rest))

    return lax.fori_loop(0, 2, write_over, x) if x.size else x


_materialized.defvjp(lambda x: (_materialized(x), None), lambda _, grad: (grad,))


def _cropped(x: Array, pads: Padding) -> tuple[Array, Padding]:
    """Apply negative padding by slicing, because XLA has no fast convolution for it."""
    if min(itertools.chain(*pads)) >= 0:
        return x, pads
    window = [slice(max(-before, 0), size - max(-after, 0)) for size, (before, after) in zip(x.shape[1:], pads, strict=False)]
    return x[(slice(None), *window)], tuple((max(before, 0), max(after, 0)) for before, after in pads)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _conv_transpose(x, kernel, output_size, strides, padding, dilation):
    return input_gradient(x, kernel, output_size, strides, padding, dilation)


def conv_transpose(x: Array, kernel: Array, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """Transpose of a convolution; see ``contract.conv_transpose``. Each of the two is the gradient of the other."""
    return _conv_transpose(x, kernel, tuple(output_size), tuple(strides), pairs(padding), tuple(dilation))


def _transpose_forward(x, kernel, *geometry):
    return _conv_transpose(x, kernel, *geometry), (x, kernel)


def _transpose_backward(output_size, strides, padding, dilation, residuals, grad):
    x, kernel = residuals
    for_x = _dense_conv(grad, kernel, strides, padding, dilation)
    return for_x, kernel_gradient(grad, x, kernel.shape, strides, padding, dilation)


_conv_transpose.defvjp(_transpose_forward, _transpose_backward)


# --- Few products -----------------------------------------------------------------------------------------------------


def _shifted_products(x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """Convolution as the sum of shifted images, one channel at a time, times one weight for each output channel."""
    parts = windows(x, kernel.shape[:-2], strides, padding, dilation, 0)
    terms = (part[..., c : c + 1] * kernel[at][c] for at, part in parts for c in range(x.shape[-1]))
    return once(functools.reduce(jnp.add, terms))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _depthwise_conv(x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """Depthwise convolution with a kernel of shape ``(*window, 1, channels)``."""
    parts = windows(x, kernel.shape[:-2], strides, padding, dilation, 0)
    return once(functools.reduce(jnp.add, (part * kernel[at] for at, part in parts)))


def _depthwise_forward(x, kernel, *geometry):
    return _depthwise_conv(x, kernel, *geometry), (x, kernel)


def _depthwise_backward(strides, padding, dilation, residuals, grad):
    x, kernel = residuals
    terms = [(at, grad * kernel[at]) for at in offsets(kernel.shape[:-2])]
    for_x = put_back(terms, x.shape, strides, padding, dilation)
    return for_x, _depthwise_kernel_gradient(x, grad, kernel.shape, strides, padding, dilation)


_depthwise_conv.defvjp(_depthwise_forward, _depthwise_backward)


def _depthwise_kernel_gradient(x, grad, kernel_shape, strides, padding, dilation):
    """Sum row by row, so that the partial sums stay in the cache."""
    window = kernel_shape[:-2]
    x = padded(x, padding, 0)
    height = (window[0] - 1) * dilation[0] + 1

    def add_row(row, sums):
        x_rows = lax.dynamic_slice_in_dim(x, row * strides[0], height, 1)
        grad_row = lax.dynamic_slice_in_dim(grad, row, 1, 1)
        parts = cut(x_rows, window, grad_row.shape[1:-1], strides, dilation)
        return tuple(total + part * grad_row for total, (_, part) in zip(sums, parts, strict=True))

    zeros = jnp.zeros((grad.shape[0], 1, *grad.shape[2:]), grad.dtype)
    sums = lax.fori_loop(0, grad.shape[1], add_row, (zeros,) * math.prod(window))
    return jnp.stack([jnp.sum(total, tuple(range(total.ndim - 1))) for total in sums]).reshape(kernel_shape)
