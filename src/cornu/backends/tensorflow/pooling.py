"""Pooling for TensorFlow, derived from its two-dimensional pooling (see ``convolution.py``)."""

import math
from collections.abc import Callable

import numpy as np

from cornu.backends import common
from cornu.backends.contract import Padding, Shape
from cornu.backends.tensorflow.convolution import pad_spatial
from cornu.backends.tensorflow.startup import tf


def max_pool(x: tf.Tensor, window: Shape, strides: Shape, padding: Padding) -> tf.Tensor:
    """See ``contract.max_pool``."""
    maxima = _pool(_max_pool_2d, x, window, strides, padding)
    if not x.dtype.is_floating:
        return maxima
    is_infinite = tf.less_equal(maxima, _lowest(x))  # TensorFlow returns the lowest finite value for -inf
    return maxima + tf.where(is_infinite, _lowest(x), tf.zeros((), x.dtype))


def _max_pool_2d(x: tf.Tensor, window: Shape, strides: Shape, padding: Padding) -> tf.Tensor:
    """Pad explicitly with the lowest value: TensorFlow's own padding has no second derivative."""
    if np.any(padding):
        below = tf.constant(-np.inf if x.dtype.is_floating else x.dtype.min, x.dtype)
        x = _above_minus_infinity(x) if x.dtype.is_floating else x  # type: ignore[assignment]
        x = tf.pad(x, [(0, 0), *padding, (0, 0)], constant_values=below)
    return tf.nn.max_pool2d(x, window, strides, "VALID")


def _lowest(x: tf.Tensor) -> tf.Tensor:
    """Return a value near the lowest finite one: greater than the initial value of pooling, and -inf if added to itself."""
    return tf.constant(0.99 * float(x.dtype.min), x.dtype)


@tf.custom_gradient
def _above_minus_infinity(x: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """Replace -inf by a finite value."""
    return tf.maximum(x, _lowest(x)), lambda upstream: upstream


def avg_pool(x: tf.Tensor, window: Shape, strides: Shape, padding: Padding) -> tf.Tensor:
    """See ``contract.avg_pool``; for floats only."""

    def pool(x: tf.Tensor, window: Shape, strides: Shape, padding: Padding) -> tf.Tensor:
        return tf.nn.avg_pool2d(pad_spatial(x, padding), window, strides, "VALID")

    means = _pool(pool, x, window, strides, padding)
    if not np.any(padding):
        return means
    fractions = common.window_counts(tuple(x.shape[1:-1]), window, strides, padding) / math.prod(window)
    return means / tf.constant(fractions[..., None], x.dtype)


def _pool(pool2d: Callable, x: tf.Tensor, window: Shape, strides: Shape, padding: Padding) -> tf.Tensor:
    """Apply a 2D pooling function to one to three dimensions."""
    if len(window) == 1:
        return tf.squeeze(pool2d(tf.expand_dims(x, 2), (*window, 1), (*strides, 1), (*padding, (0, 0))), 2)
    if len(window) == 2:
        return pool2d(x, window, strides, padding)
    depth, *size, channels = x.shape[1:]
    flat = pool2d(tf.reshape(x, [-1, *size, channels]), window[1:], strides[1:], padding[1:])
    size = flat.shape[1:3]
    columns = tf.reshape(flat, [-1, depth, size[0] * size[1], channels])
    pooled = pool2d(columns, (window[0], 1), (strides[0], 1), (padding[0], (0, 0)))
    return tf.reshape(pooled, [-1, pooled.shape[1], *size, channels])
