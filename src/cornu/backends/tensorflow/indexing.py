"""``x[index]`` for TensorFlow, with all kinds of indices that NumPy supports.

TensorFlow itself supports integers, slices, ``None`` and ``...``. Index arrays are combined in one ``gather``.
"""

import functools
from typing import Any

import numpy as np

from cornu.backends.contract import Index
from cornu.backends.tensorflow.startup import tf


def getitem(x: tf.Tensor, index: Index) -> tf.Tensor:
    """See ``contract.getitem``."""
    items = [_normalized_item(item) for item in (index if isinstance(index, tuple) else (index,))]
    _check_bounds(x, items)
    if not any(_is_array(item) for item in items):
        return x[tuple(items)]
    return _gather(x, _expand_items(items, len(x.shape)))


def _normalized_item(item: Any) -> Any:
    """Convert an item of an index to an integer, a slice, ``None``, ``...``, a NumPy array or a tensor."""
    if isinstance(item, (list, np.ndarray)) and np.ndim(item):
        return np.asarray(item)
    if isinstance(item, (np.integer, np.ndarray)):
        return int(item)
    if isinstance(item, tf.Tensor) and item.dtype != tf.bool:
        return item if item.dtype in (tf.int32, tf.int64) else tf.cast(item, "int64" if item.dtype.size > 2 else "int32")
    return item


def _is_array(item: Any) -> bool:
    """Return whether an item is an index array; a tensor of shape ``()`` counts as an integer."""
    return isinstance(item, np.ndarray) or (isinstance(item, tf.Tensor) and len(item.shape) > 0)


def _check_bounds(x: tf.Tensor, items: list) -> None:
    """Raise NumPy's ``IndexError`` for an index out of range, if the index is known while tracing."""
    is_known = all(item is None or isinstance(item, (int, slice, np.ndarray, type(...))) for item in items)
    if is_known and x.shape.is_fully_defined():
        np.broadcast_to(np.False_, x.shape)[tuple(items)]  # type: ignore[call-overload]


def _expand_items(items: list, rank: int) -> list:
    """Replace masks by index arrays and ``...`` by slices, so that there is one item for each axis."""
    items = [part for item in items for part in (_nonzero(item) if _is_mask(item) else [item])]
    missing = rank - sum(item is not None and item is not ... for item in items)
    ellipsis = next((number for number, item in enumerate(items) if item is ...), None)
    slices = [slice(None)] * missing
    return [*items, *slices] if ellipsis is None else [*items[:ellipsis], *slices, *items[ellipsis + 1 :]]


def _is_mask(item: Any) -> bool:
    return _is_array(item) and item.dtype in (np.dtype(bool), tf.bool)


def _nonzero(mask: tf.Tensor | np.ndarray) -> list:
    """Return the indices of the True elements of a mask, one array for each of its axes."""
    if isinstance(mask, np.ndarray):
        return list(np.nonzero(mask))
    return tf.unstack(tf.cast(tf.where(mask), "int32"), axis=1)


def _gather(x: tf.Tensor, items: list) -> tf.Tensor:
    """Apply an index with arrays: slices first, then one gather along the axes of arrays and integers.

    As in NumPy, the axes of the arrays are adjacent in the result: in place if they were adjacent, else first.
    """
    indexed = [number for number, item in enumerate(items) if not (item is None or isinstance(item, slice))]
    sliced = x[tuple(slice(None) if number in indexed else item for number, item in enumerate(items))]
    sizes = tuple(sliced.shape) if sliced.shape.is_fully_defined() else tf.shape(sliced)
    indices = [_nonnegative(items[number], sizes[number]) for number in indexed]
    if len(indexed) == 1:
        return tf.gather(sliced, indices[0], axis=indexed[0])
    others = [number for number in range(len(items)) if number not in indexed]
    result = tf.gather_nd(tf.transpose(sliced, [*indexed, *others]), tf.stack(_broadcast(indices), axis=-1))
    if indexed != list(range(indexed[0], indexed[0] + len(indexed))):
        return result
    rank, axes = len(result.shape), len(result.shape) - len(others)
    return tf.transpose(result, [*range(axes, axes + indexed[0]), *range(axes), *range(axes + indexed[0], rank)])


def _nonnegative(index: tf.Tensor | np.ndarray, size: Any) -> tf.Tensor:
    """Return indices as ``int32``, counted from the start."""
    index = tf.cast(index, "int32")
    return tf.where(index < 0, index + size, index)


def _broadcast(indices: list[tf.Tensor]) -> list[tf.Tensor]:
    blank = functools.reduce(tf.add, map(tf.zeros_like, indices))
    return [index + blank for index in indices]
