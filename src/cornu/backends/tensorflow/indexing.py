"""``x[index]`` for TensorFlow, with everything that NumPy takes as an index.

TensorFlow itself knows numbers, slices, ``None`` and ``...``. Arrays among them become one ``gather``.
"""

import functools
from typing import Any

import numpy as np

from cornu.backends.contract import Array
from cornu.backends.tensorflow.startup import tf


def getitem(x: Array, index: Any) -> Array:
    """``x[index]``; see ``contract.getitem``."""
    items = [_item(item) for item in (index if isinstance(index, tuple) else (index,))]
    _refuse_outside(x, items)
    if not any(_is_array(item) for item in items):
        return x[tuple(items)]
    return _gathered(x, _one_for_each_axis(items, len(x.shape)))


def _item(item: Any) -> Any:
    """An item of an index as a number, a slice, ``None``, ``...``, a NumPy array or a tensor."""
    if isinstance(item, (list, np.ndarray)) and np.ndim(item):
        return np.asarray(item)
    if isinstance(item, (np.integer, np.ndarray)):
        return int(item)
    if isinstance(item, tf.Tensor) and item.dtype != tf.bool:
        return item if item.dtype in (tf.int32, tf.int64) else tf.cast(item, "int64" if item.dtype.size > 2 else "int32")
    return item


def _is_array(item: Any) -> bool:
    """Whether an item picks with an array; a tensor that is a single number is as good as a number."""
    return isinstance(item, np.ndarray) or (isinstance(item, tf.Tensor) and len(item.shape) > 0)


def _refuse_outside(x: Array, items: list) -> None:
    """Lets NumPy raise its ``IndexError`` for an index outside, as far as the index is known here."""
    is_known = all(item is None or isinstance(item, (int, slice, np.ndarray, type(...))) for item in items)
    if is_known and x.shape.is_fully_defined():
        np.broadcast_to(np.False_, x.shape)[tuple(items)]


def _one_for_each_axis(items: list, rank: int) -> list:
    """The items with masks as arrays of places, and with slices for the axes that ``...`` stands for."""
    items = [part for item in items for part in (_places(item) if _is_mask(item) else [item])]
    missing = rank - sum(item is not None and item is not ... for item in items)
    where = next((number for number, item in enumerate(items) if item is ...), None)
    filling = [slice(None)] * missing
    return [*items, *filling] if where is None else [*items[:where], *filling, *items[where + 1 :]]


def _is_mask(item: Any) -> bool:
    return _is_array(item) and item.dtype in (np.dtype(bool), tf.bool)


def _places(mask: Any) -> list:
    """Where a mask holds: one array for each of its axes."""
    if isinstance(mask, np.ndarray):
        return list(np.nonzero(mask))
    return tf.unstack(tf.cast(tf.where(mask), "int32"), axis=1)


def _gathered(x: Array, items: list) -> Array:
    """The index with arrays in it: slices first, then one gather along the axes of arrays and numbers.

    As in NumPy the axes of the arrays stand together in the result: where they stood if they were neighbours, else in front.
    """
    picked = [number for number, item in enumerate(items) if not (item is None or isinstance(item, slice))]
    sliced = x[tuple(slice(None) if number in picked else item for number, item in enumerate(items))]
    indices = [_from_the_start(items[number], sliced.shape[number]) for number in picked]
    if len(picked) == 1:
        return tf.gather(sliced, indices[0], axis=picked[0])
    others = [number for number in range(len(items)) if number not in picked]
    found = tf.gather_nd(tf.transpose(sliced, [*picked, *others]), tf.stack(_broadcast(indices), axis=-1))
    if picked != list(range(picked[0], picked[0] + len(picked))):
        return found
    rank, axes = len(found.shape), len(found.shape) - len(others)
    return tf.transpose(found, [*range(axes, axes + picked[0]), *range(axes), *range(axes + picked[0], rank)])


def _from_the_start(index: Any, size: int) -> Array:
    """Indices of one type, negative ones counted from the end."""
    index = tf.cast(index, "int32")
    return tf.where(index < 0, index + size, index)


def _broadcast(indices: list[Array]) -> list[Array]:
    blank = functools.reduce(tf.add, map(tf.zeros_like, indices))
    return [index + blank for index in indices]
