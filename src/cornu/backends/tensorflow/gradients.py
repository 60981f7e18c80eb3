"""Gradients as function transforms, on top of ``tf.GradientTape`` (see the contract)."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import config, trees
from cornu.backends import common
from cornu.backends.tensorflow.arrays import TensorLike, asarray, structure_of
from cornu.backends.tensorflow.devices import on_requested_device
from cornu.backends.tensorflow.startup import tf
from cornu.errors import InvalidArgumentError
from cornu.typing import Tree


def value_and_grad(f: Callable, has_aux: bool = False) -> Callable:
    """See ``contract.value_and_grad``."""

    @functools.wraps(f)
    def wrapper(first: Tree, *args: Tree, **kwargs: Any) -> tuple[Any, Any]:
        with tf.GradientTape() as tape:
            sources = [_source(leaf) for leaf in trees.leaves(first)]
            tape.watch(sources)
            result = f(trees.unflatten(first, sources), *args, **kwargs)
            value, aux = result if has_aux else (result, None)
            scalar = asarray(value)
            common.check_differentiated(tuple(scalar.shape), scalar.dtype.name)
        gradients = tape.gradient(scalar, sources, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        gradient = trees.unflatten(first, [_dense(each) for each in gradients])
        return ((scalar, aux), gradient) if has_aux else (scalar, gradient)

    return on_requested_device(wrapper)


def _source(leaf: TensorLike) -> tf.Tensor:
    """Return a new tensor for a leaf: the tape must not record other uses of the same tensor."""
    tensor = asarray(leaf) if isinstance(leaf, (tf.Tensor, np.ndarray)) else asarray(leaf, config.floatx())
    common.check_has_gradient(tensor.dtype.name)
    return tf.identity(tensor)


def _dense(gradient: Any) -> tf.Tensor:
    """Return a gradient as a dense tensor: TensorFlow returns gradients of gathered rows as ``IndexedSlices``."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    return tf.math.unsorted_segment_sum(gradient.values, gradient.indices, gradient.dense_shape[0])


def custom_gradient(f: Callable) -> Callable:
    """See ``contract.custom_gradient``."""

    def with_checked_gradient(*arrays: tf.Tensor) -> tuple[Any, Callable]:
        value, grad = f(*arrays)
        structure = structure_of(value)

        def gradients(*upstream: tf.Tensor) -> list:
            results = grad(trees.unflatten(structure, list(upstream)))
            if not isinstance(results, (list, tuple)) or len(results) != len(arrays):
                raise InvalidArgumentError(
                    f"The `grad` function of a `custom_gradient` returned {results!r}.",
                    f"It must return a tuple with one gradient for each of the {len(arrays)} arguments.",
                    "Return `(gradient,)` for one argument.",
                )
            return [None if each is None else asarray(each) for each in results]

        return trees.map(asarray, value), gradients

    return functools.wraps(f)(lambda *arrays: tf.custom_gradient(with_checked_gradient)(*map(asarray, arrays)))  # type: ignore[arg-type]


def remat(f: Callable) -> Callable:
    """See ``contract.remat``. TensorFlow differentiates all arguments: integers are not among them."""

    def recomputed(*arrays: tf.Tensor) -> Any:
        place = [number for number, array in enumerate(arrays) if array.dtype.is_floating]

        def of_floats(*floats: tf.Tensor) -> Any:
            merged = dict(zip(place, floats, strict=True))
            return f(*(merged.get(number, array) for number, array in enumerate(arrays)))

        return tf.recompute_grad(of_floats)(*(arrays[number] for number in place))

    return recomputed
