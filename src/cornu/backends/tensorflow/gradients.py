"""Gradients with TensorFlow's tape."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import config, trees
from cornu.backends import common
from cornu.backends.contract import Array
from cornu.backends.tensorflow.arrays import asarray, structure_of
from cornu.backends.tensorflow.devices import on_asked_device
from cornu.backends.tensorflow.startup import tf
from cornu.errors import InvalidArgumentError


def value_and_grad(f: Callable, has_aux: bool = False) -> Callable:
    """See ``contract.value_and_grad``."""

    @functools.wraps(f)
    def wrapper(first: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            sources = [_source(leaf) for leaf in trees.leaves(first)]
            tape.watch(sources)
            outcome = f(trees.unflatten(first, sources), *args, **kwargs)
            value, aux = outcome if has_aux else (outcome, None)
            number = asarray(value)
            common.check_differentiated(tuple(number.shape), number.dtype.name)
        shares = tape.gradient(number, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradient = trees.unflatten(first, [_dense(share) for share in shares])
        return ((number, aux), gradient) if has_aux else (number, gradient)

    return on_asked_device(wrapper)


def _source(leaf: Any) -> Array:
    """A tensor of its own for a leaf: the tape must not see other uses of the same one."""
    tensor = asarray(leaf) if isinstance(leaf, (tf.Tensor, np.ndarray)) else asarray(leaf, config.floatx())
    common.check_has_gradient(tensor.dtype.name)
    return tf.identity(tensor)


def _dense(gradient: Any) -> Array:
    """A gradient as a tensor: those of picked rows come as the rows alone."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, gradient.dense_shape[0])


def custom_gradient(f: Callable) -> Callable:
    """See ``contract.custom_gradient``."""

    def with_checked_gradient(*arrays: Array) -> tuple[Any, Callable]:
        value, grad = f(*arrays)
        form = structure_of(value)

        def gradients(*upstream: Array) -> list:
            shares = grad(trees.unflatten(form, list(upstream)))
            if not isinstance(shares, (list, tuple)) or len(shares) != len(arrays):
                raise InvalidArgumentError(
                    f"The `grad` function of a `custom_gradient` gave {shares!r}.",
                    f"It must give a tuple with one gradient for each of the {len(arrays)} arguments.",
                    "Return `(gradient,)` for one argument.",
                )
            return [None if share is None else asarray(share) for share in shares]

        return trees.map(asarray, value), gradients

    return functools.wraps(f)(lambda *arrays: tf.custom_gradient(with_checked_gradient)(*map(asarray, arrays)))
