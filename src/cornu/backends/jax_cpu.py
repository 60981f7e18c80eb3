"""Convolution and pooling for JAX on a CPU, written so that XLA's CPU compiler is fast in them, gradients included.

XLA (jaxlib 0.10) has good and bad roads on a CPU, often a factor of ten or more apart. What was measured on two Intel cores, and what follows:

* A convolution in the plain form (channels last, kernel ``(*window, in, out)``) reaches the speed of a matrix product. Any other
  order of dimensions inside a loop falls back to naive code, 100 times slower, and JAX's own gradients, and transposes that XLA folds into a
  convolution, are of that kind. So each gradient is written as a plain convolution, and optimization barriers keep the
  transposes outside of it.
* The library YNNPACK, which XLA asks for convolutions by default, is 2 to 6 times slower than Eigen at them. It is switched off for
  them, by an option at compilation (see :func:`compiler_options`).
* A convolution that sums few products a pixel (the first layer of a network, or one channel at a time) is faster as
  multiplications and additions of shifted pictures, which also melt into the activation behind them.
* The gradient of max pooling in XLA is serial. Here it is a comparison, which melts into the activation before it.

The functions take the arguments of ``contract.py``. Second derivatives go through the same formulas.
"""

import functools
import itertools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cornu.backends.contract import Array, Padding, Shape

_MAX_SUMMED_PRODUCTS = 36
"""A convolution that sums at most so many products for one number is done by shifted multiplications (measured: 27 gains 1.5, 75 loses 2)."""
_MAX_WINDOW = 64
"""The largest window, in pixels, that pooling writes out pixel by pixel."""


# --- Convolution ------------------------------------------------------------------------------------------------------------------


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3, 4, 5))
def conv(x: Array, kernel: Array, strides: Shape, padding: Padding, dilation: Shape, groups: int) -> Array:
    """Convolution; see ``contract.conv``. ``x`` and ``kernel`` have the same dtype."""
    if _is_sparse(kernel.shape, groups):
        return _shifted_conv(x, kernel, strides, padding, dilation, groups)
    return plain_conv(x, kernel, strides, padding, dilation, groups)


def _conv_forward(x, kernel, *geometry):
    return conv(x, kernel, *geometry), (x, kernel)


def _conv_backward(strides, padding, dilation, groups, residuals, grad):
    x, kernel = residuals
    geometry = (strides, padding, dilation)
    if groups == 1:
        return input_gradient(grad, kernel, x.shape, *geometry), kernel_gradient(x, grad, kernel.shape, *geometry)
    if _is_depthwise(kernel.shape, groups):
        return _depthwise_gradients(x, kernel, grad, *geometry)
    return _grouped_gradients(x, kernel, grad, *geometry, groups)


conv.defvjp(_conv_forward, _conv_backward)


def plain_conv(x, kernel, strides, padding, dilation, groups=1, spread=None) -> Array:
    """XLA's convolution in its plain form; ``spread`` is the distance at which the pixels of ``x`` are set apart."""
    axes = "DHW"[3 - len(strides) :]
    numbers = (f"N{axes}C", f"{axes}IO", f"N{axes}C")
    x, kernel = lax.optimization_barrier((x, kernel))  # XLA would fold a transpose before it into another form
    return lax.conv_general_dilated(
        x, kernel, strides, padding, spread, dilation, dimension_numbers=numbers, feature_group_count=groups
    )


def _is_depthwise(kernel_shape: Shape, groups: int) -> bool:
    return groups > 1 and kernel_shape[-2] == 1


def _is_sparse(kernel_shape: Shape, groups: int) -> bool:
    few = math.prod(kernel_shape[:-1]) <= _MAX_SUMMED_PRODUCTS
    return few and (groups == 1 or kernel_shape[-2] == 1) and math.prod(kernel_shape[:-2]) > 1


def input_gradient(grad, kernel, x_shape, strides, padding, dilation) -> Array:
    """What carries the gradient of a convolution's output to its input: a convolution with the turned kernel."""
    rank = len(strides)
    turned = jnp.swapaxes(jnp.flip(kernel, range(rank)), -1, -2)
    pads = []
    for axis in range(rank):
        reach = (kernel.shape[axis] - 1) * dilation[axis]
        before = reach - padding[axis][0]
        after = x_shape[1 + axis] - 1 - (grad.shape[1 + axis] - 1) * strides[axis] + reach - before
        pads.append((before, after))
    return plain_conv(grad, turned, (1,) * rank, pads, dilation, spread=strides)
