"""Convolution and pooling for JAX on a CPU, written so that XLA's CPU compiler is fast in them, gradients included.

XLA has good and bad roads on a CPU, often a factor of ten or more apart (measured with jaxlib 0.10.2 on two Intel cores):

* A convolution in the plain form (channels last, kernel ``(*window, in, out)``) runs at the speed of a matrix product. In any
  other order of dimensions it runs in naive code if it stands inside a loop, 20 to 100 times slower. JAX's own gradients
  have such orders, so the gradients are written here as plain convolutions of transposed arrays.
* XLA hands convolutions to the library YNNPACK, which is 2 to 6 times slower than Eigen at them.
  :func:`compiler_options` says no.
* A large array that is made by cheap operations is computed anew by each of its readers, also by one that transposes it for the
  gradient of a kernel. :func:`_written_out` has it computed once.
* A convolution that sums few products for a number (the first layer of a network; depthwise convolution) is faster as
  products with shifted pictures, in one pass.
* XLA's gradient of max pooling is serial. Comparisons are not, and they melt into the activation that came before.
* A picture alone (``predict`` of one) is done before the threads that would share the work are awake: XLA's own convolution
  and pooling are 1.5 times as fast for it.

The functions mean what ``contract.py`` says, for arrays of one float dtype.
"""

import functools
import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cornu.backends.contract import Array, Padding, Shape
from cornu.backends.jax.windows import cut, offsets, once, padded, put_back, windows

FEW_PRODUCTS = 16
"""Up to so many products a number, shifted products are the faster convolution: a network with 9 trains 1.07 times as fast.

With 27 they are the faster ones by themselves, but XLA computes them anew in the gradient of the pooling that comes next: a
network of pictures of 150 x 150 x 3 trains 1.9 times as fast without them."""
SMALL_WINDOW = 64
"""Up to so many pixels, a pooling window is written out pixel by pixel."""
LARGE = 2**20
"""From so many bytes on an array does not stay in a core's cache. XLA would transpose it by computing it anew from what it was
made of, number after number in the new order, back to the last convolutions: written out before, ResNet-20 trains 1.3 to 1.5
times as fast. Of smaller arrays (micro-batches) the copy costs more than that."""
BLOCK_CHANNELS = 32
"""So many input channels a convolution should have at least: narrower groups are put together."""


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
    """A convolution for each few groups, whose kernel has zeros where one group would see another.

    XLA's own gradient of a grouped convolution is a hundred times slower than that.
    """
    inputs, outputs = kernel.shape[-2], kernel.shape[-1] // groups
    together = next(n for n in range(1, groups + 1) if groups % n == 0 and (n * inputs >= BLOCK_CHANNELS or n == groups))
    own = np.kron(np.eye(together, dtype=bool), np.ones((inputs, outputs), bool))
    results = []
    for part, narrow in zip(jnp.split(x, groups // together, -1), jnp.split(kernel, groups // together, -1), strict=True):
        wide = jnp.where(own, jnp.concatenate([narrow] * together, -2), jnp.zeros((), kernel.dtype))
        results.append(_dense_conv(part, wide, strides, padding, dilation))
    return jnp.concatenate(results, -1)


def pairs(padding: Sequence[Sequence[int]]) -> Padding:
    """A padding as tuples, which JAX needs of what it does not trace."""
    return tuple((before, after) for before, after in padding)


def plain_conv(
    x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape, spread: Shape | None = None
) -> Array:
    """XLA's convolution in the plain form; ``spread`` is the distance at which the pixels of ``x`` are set apart."""
    numbers = dimension_numbers(len(strides))
    x, kernel = lax.optimization_barrier((x, kernel))
    return lax.conv_general_dilated(x, kernel, strides, padding, spread, dilation, dimension_numbers=numbers)


def dimension_numbers(rank: int) -> tuple[str, str, str]:
    """The plain form of a convolution of so many spatial dimensions, in JAX's letters."""
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
    """Kernel and padding of the convolution that is the transpose of another one, whose pixels are set apart by ``strides``.

    Args:
        kernel: The kernel of the other convolution.
        size: Spatial size that goes in: the other one's output.
        output_size: Spatial size that comes out: the other one's input.
        strides: Those of the other one, as ``padding`` and ``dilation``.
    """
    pads = []
    for axis, before_other in enumerate(before for before, _ in padding):
        reach = (kernel.shape[axis] - 1) * dilation[axis]
        before = reach - before_other
        pads.append((before, output_size[axis] - 1 - (size[axis] - 1) * strides[axis] + reach - before))
    return jnp.swapaxes(jnp.flip(kernel, range(len(strides))), -1, -2), pairs(pads)


def input_gradient(grad: Array, kernel: Array, input_size: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """What carries the gradient of a convolution's output to its input."""
    turned, pads = transposed(kernel, grad.shape[1:-1], input_size, strides, padding, dilation)
    return plain_conv(grad, turned, (1,) * len(strides), pads, dilation, spread=strides)


def kernel_gradient(x: Array, grad: Array, kernel_shape: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """The gradient for the kernel: the input convolved with the output's gradient, with pictures and channels exchanged."""
    rank, window = len(strides), kernel_shape[:-2]
    if math.prod(window) == 1 and not np.any(padding):
        x = x[(slice(None), *(slice(None, None, step) for step in strides))]
        flat = x.reshape(-1, x.shape[-1]).T @ grad.reshape(-1, grad.shape[-1])
        return flat.reshape(kernel_shape)
    if x.nbytes >= LARGE and grad.nbytes <= 2 * x.nbytes:  # the gradient of a first layer is larger, and read but here
        x, grad = _written_out(x), _written_out(grad)
    pads = []
    for axis in range(rank):
        before = padding[axis][0]
        span = (window[axis] - 1) * dilation[axis] + (grad.shape[1 + axis] - 1) * strides[axis] + 1
        pads.append((before, span - x.shape[1 + axis] - before))
    spatial = tuple(range(1, rank + 1))
    x, rest = _cropped(x, pairs(pads))
    pictures_last = x.transpose(rank + 1, *spatial, 0)
    result = plain_conv(pictures_last, grad.transpose(*spatial, 0, rank + 1), dilation, rest, strides)
    return lax.optimization_barrier(result).transpose(*spatial, 0, rank + 1)


@jax.custom_vjp
def _written_out(x: Array) -> Array:
    """The array itself, which XLA must write to memory before somebody reads it, and not compute anew for each reader.

    XLA takes barriers out before it decides what to compute together; a loop stays. This one writes numbers over themselves.
    """

    def write_over(number: Array, x: Array) -> Array:
        rest = (0,) * (x.ndim - 1)
        one = lax.dynamic_slice(x, (number, *rest), (1,) * x.ndim)
        return lax.dynamic_update_slice(x, one, (jnp.minimum(number, len(x) - 1), *rest))

    return lax.fori_loop(0, 2, write_over, x) if x.size else x


_written_out.defvjp(lambda x: (_written_out(x), None), lambda _, grad: (grad,))


def _cropped(x: Array, pads: Padding) -> tuple[Array, Padding]:
    """Carries out the negative part of a padding, for which XLA has no fast convolution."""
    if min(itertools.chain(*pads)) >= 0:
        return x, pads
    window = [slice(max(-before, 0), size - max(-after, 0)) for size, (before, after) in zip(x.shape[1:], pads, strict=False)]
    return x[(slice(None), *window)], tuple((max(before, 0), max(after, 0)) for before, after in pads)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def _conv_transpose(x, kernel, output_size, strides, padding, dilation):
    return input_gradient(x, kernel, output_size, strides, padding, dilation)


def conv_transpose(x: Array, kernel: Array, output_size: Shape, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """The transpose of a convolution; see ``contract.conv_transpose``. It and the convolution are each other's gradient."""
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
    """Convolution as the sum of shifted pictures, one channel at a time, times a number for each output channel."""
    parts = windows(x, kernel.shape[:-2], strides, padding, dilation, 0)
    terms = (part[..., c : c + 1] * kernel[at][c] for at, part in parts for c in range(x.shape[-1]))
    return once(functools.reduce(jnp.add, terms))


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4))
def _depthwise_conv(x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape) -> Array:
    """Each channel with a window of its own; ``kernel`` is ``(*window, 1, channels)``."""
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
    """Sums row by row, so that what is added up stays in the cache; the rest of the sum is small."""
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


# --- Windows ----------------------------------------------------------------------------------------------------------


# --- Pooling ----------------------------------------------------------------------------------------------------------
