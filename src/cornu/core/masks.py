"""Masks: which elements of an array are valid, such as the time steps that are not padding.

A mask belongs to one array object and lives as long as it. A layer stores the masks of its outputs, and the next layer, loss or
metric reads the mask of its input, in compiled code and in eager calls alike. A layer that returns the very array it received
returns it as a new object if a mask is involved (``core/mask_propagation.py``), so that a mask never passes by identity alone.
"""

import weakref
from typing import Any

from cornu import ops, trees
from cornu.typing import Array, ArrayLike, Tree

ATTRIBUTE = "_keras_mask"
"""Attribute of an array with its mask, under its name in Keras, which Keras's guides read."""

_masked: dict[int, tuple[weakref.ref, Array | None]] = {}
"""The arrays with a mask, by id: a weak reference, and the mask if the array has no attributes to store it in."""


def exist() -> bool:
    """Return whether any array has a mask: what a layer of a model without masks pays for them.

    Example:
        >>> from cornu import layers, ops
        >>> from cornu.core import masks
        >>> y = layers.Embedding(5, 2, mask_zero=True)(ops.array([[3, 0]]))
        >>> masks.exist()
        True
    """
    return bool(_masked)


def mask_of(array: ArrayLike | Tree) -> Any:
    """Return the mask of an array, or None, also for anything that is no array.

    Example:
        >>> from cornu import layers, ops
        >>> from cornu.core.masks import mask_of
        >>> mask_of(layers.Embedding(5, 2, mask_zero=True)(ops.array([[3, 0]]))).tolist()
        [[True, False]]
    """
    entry = _masked.get(id(array))
    if entry is None or entry[0]() is not array:
        return None
    return getattr(array, ATTRIBUTE) if entry[1] is None else entry[1]


def masks_of(tree: Tree) -> Any:
    """Return the tree of the masks of the arrays in a tree, None for an array without one; None if none of them has a mask."""
    masks = trees.map(mask_of, tree)
    return masks if trees.leaves(masks) else None


def set_mask(array: Array, mask: Array) -> None:
    """Store the mask of an array until the array is deleted.

    The mask is an attribute of the array where the engine allows it: the graph of an engine that refers to both is then deleted
    as usual, whereas a mask in a table of this module would keep the graph, and thereby the array, alive.
    """
    key = id(array)

    def forget(reference: weakref.ref) -> None:
        entry = _masked.get(key)
        if entry is not None and entry[0] is reference:
            del _masked[key]

    try:
        setattr(array, ATTRIBUTE, mask)
        stored = None
    except AttributeError:
        stored = mask
    _masked[key] = (weakref.ref(array, forget), stored)


def restore(tree: Tree, masks: Tree) -> None:
    """Store masks that :func:`masks_of` returned for a tree, after an engine has replaced its arrays by others."""
    if masks is not None:
        trees.map(lambda array, mask: None if mask is None else set_mask(array, mask), tree, masks)


def with_mask(array: Array, mask: Array | None) -> Any:
    """Return an array as a new object that has a mask, or none if the mask is None.

    Example:
        >>> from cornu import ops
        >>> from cornu.core import masks
        >>> x = ops.ones((1, 2))
        >>> masks.mask_of(masks.with_mask(x, ops.array([[True, False]]))).tolist(), masks.mask_of(x)
        ([[True, False]], None)
    """
    array = ops.where(True, array, array)
    if mask is not None:
        set_mask(array, mask)
    return array


def carry_over(source: ArrayLike, array: Array) -> Any:
    """Return an array that was made from another by a conversion, with the mask of that one."""
    if _masked and array is not source:
        restore(array, mask_of(source))
    return array


def flatten(masks: Tree) -> list:
    """Return the masks of a tree from left to right, with None for an array without one.

    Example:
        >>> from cornu.core import masks
        >>> masks.flatten({"a": None, "b": [1, None]})
        [None, 1, None]
    """
    if isinstance(masks, dict):
        masks = list(masks.values())
    if isinstance(masks, (list, tuple)):
        return [mask for part in masks for mask in flatten(part)]
    return [masks]


def expand_mask(mask: Array, rank: int) -> Any:
    """Return a mask of the leading axes of an array with as many axes as the array, so that the two broadcast.

    Args:
        mask: Array of shape ``(batch, ...)``, of any dtype.
        rank: Number of axes of the array.

    Example:
        >>> import numpy as np
        >>> from cornu.core.masks import expand_mask
        >>> expand_mask(np.ones((2, 5)), 4).shape
        (2, 5, 1, 1)
    """
    return ops.reshape(mask, (-1, *mask.shape[1:], *(1,) * (rank - len(mask.shape))))
