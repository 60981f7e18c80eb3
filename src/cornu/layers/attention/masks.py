"""Masks of attention: causal, sliding window and padding."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import ops
from cornu.core.layer import Layer
from cornu.dtypes import LARGEST
from cornu.errors import ShapeError
from cornu.typing import Array, ArrayLike, Shape, Size


def masked_softmax(allowed: Array | None, scores: Array, axes: int = 1) -> Any:
    """Return the softmax of the allowed scores over the last axes; if none in a row is allowed, the softmax over all."""
    if allowed is not None:
        scores = ops.where(allowed, scores, -0.7 * LARGEST[ops.dtype(scores)])  # finite, since infinity would result in NaN
    return ops.softmax(scores, axis=tuple(range(-axes, 0)))


def band_masks(queries: Any, keys: Any, causal: bool, window: int | None) -> list:
    """Return masks of the keys each query may see by position: causal, and within the sliding window."""
    if not causal and window is None:
        return []
    ahead = ops.expand_dims(ops.arange(keys), 0) - ops.expand_dims(ops.arange(queries), 1)
    found = [ahead <= 0] if causal else []
    return found if window is None else [*found, ops.abs(ahead) < window]


def combine_masks(masks: list) -> Any:
    """Return the logical AND of the masks; None if there are none."""
    return functools.reduce(ops.logical_and, masks) if masks else None


def as_array(mask: ArrayLike) -> Any:
    """Return a mask, possibly a list, as an object with a shape."""
    return mask if hasattr(mask, "shape") else np.asarray(mask)


def check_mask(layer: Layer, name: str, mask: ArrayLike, expected: Sequence[Any]) -> Any:
    """Return a mask as booleans after validation of its shape.

    Raises:
        ShapeError: If the mask has another shape.
    """
    array = as_array(mask)
    if tuple(array.shape) == tuple(expected):
        return ops.cast(array, "bool")
    raise ShapeError(
        f"The layer {layer.name!r} received `{name}` of shape {tuple(array.shape)}.",
        f"It must have the shape {tuple(expected)}, with one value for each position.",
        "Compute it from the tensor that it masks, or omit it.",
    )


def misfit(layer: Layer, query: Shape, value: Shape, key: Shape, expected: str, advice: str) -> ShapeError:
    """Return the exception for inputs that do not fit each other."""
    given = f"a query of shape {query}, a value of shape {value} and a key of shape {key}"
    return ShapeError(f"The layer {layer.name!r} received {given}.", expected, advice)


def differ(one: Size, other: Size) -> bool:
    """Return whether two sizes are known and different."""
    return one is not None and other is not None and one != other


def repeats_to(size: Size, expected: Size) -> bool:
    """Return whether an axis of the mask has the expected size, or size 1 and can be broadcast."""
    return (isinstance(size, int) and size == 1) or size == expected
