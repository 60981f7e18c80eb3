"""Pooling on a CPU, with custom gradients that XLA's CPU compiler runs fast (see ``convolution.py``)."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cornu.backends.contract import Padding, Shape
from cornu.backends.jax.windows import offsets, put_back, windows


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def max_pool(x: Array, window: Shape, strides: Shape, padding: Padding) -> Array:
    """Max pooling over small windows; see ``contract.max_pool``."""
    if len(x) == 1:
        edges = ((0, 0), *padding, (0, 0))
        return lax.reduce_window(x, np.array(-np.inf, x.dtype), lax.max, (1, *window, 1), (1, *strides, 1), edges)
    parts = windows(x, window, strides, padding, (1,) * len(window), -np.inf)
    return functools.reduce(jnp.maximum, (part for _, part in parts))


def _max_forward(x, *geometry):
    """Forward pass of :func:`max_pool` with its residuals."""
    y = max_pool(x, *geometry)
    return y, (x, y)


def _max_backward(window, strides, padding, residuals, grad):
    """Gradient of :func:`max_pool`: each window passes it to its first maximum."""
    x, y = residuals
    ones = (1,) * len(window)
    parts = windows(x, window, strides, padding, ones, np.nan)  # so that padding never equals a maximum of -inf
    if all(size <= step for size, step in zip(window, strides, strict=True)):
        hits = _first_hits(parts, y)
    else:  # windows overlap: determine the first maximum of each window once
        winner = jnp.full(y.shape, -1, jnp.int8)
        for number, (_, part) in reversed(list(enumerate(parts))):
            winner = jnp.where(part == y, jnp.int8(number), winner)
        hits = [winner == number for number in range(len(parts))]
    zero = jnp.zeros((), grad.dtype)
    terms = [(at, jnp.where(hit, grad, zero)) for (at, _), hit in zip(parts, hits, strict=True)]
    return (put_back(terms, x.shape, strides, padding, ones),)


max_pool.defvjp(_max_forward, _max_backward)


def _first_hits(parts: list[tuple[Shape, Array]], y: Array) -> list[Array]:
    hits, seen = [], False
    for _, part in parts:
        equal = part == y
        hits.append(equal & ~jnp.asarray(seen))
        seen = equal | seen
    return hits


@functools.partial(jax.custom_vjp, nondiff_argnums=(1, 2, 3))
def sum_pool(x: Array, window: Shape, strides: Shape, padding: Padding) -> Array:
    """Sum of each window over the spatial axes; XLA's own forward pass is fast."""
    edges = ((0, 0), *padding, (0, 0))
    return lax.reduce_window(x, np.zeros((), x.dtype), lax.add, (1, *window, 1), (1, *strides, 1), edges)


def _sum_forward(x, *geometry):
    """Forward pass of :func:`sum_pool` with its residuals."""
    return sum_pool(x, *geometry), x.shape


def _sum_backward(window, strides, padding, x_shape, grad):
    """Gradient of :func:`sum_pool`."""
    terms = [(at, grad) for at in offsets(window)]
    return (put_back(terms, x_shape, strides, padding, (1,) * len(window)),)


sum_pool.defvjp(_sum_forward, _sum_backward)
