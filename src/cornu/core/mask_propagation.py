"""Passing masks to the layers that accept them, and setting or clearing the masks of the outputs of layers and ops."""

import itertools
from collections.abc import Callable
from typing import Any

from cornu import trees
from cornu.core import masks
from cornu.core.call_handling import parameters_of
from cornu.core.layer_protocol import LayerLike
from cornu.core.shape_trees import first_argument
from cornu.errors import warn
from cornu.typing import Tree


def fill_in_masks(layer: LayerLike, args: tuple, kwargs: dict) -> None:
    """Fill in the masks that a layer takes as arguments, where they are not passed, as Keras does.

    If one argument consists of arrays, its mask is ``mask``. If several do, that of argument ``a`` is ``a_mask``, and ``mask``
    is not filled in: that of a recurrent layer with an ``initial_state`` must be passed.
    """
    kwargs |= _missing_masks(layer, args, kwargs, masks.masks_of)


def with_symbolic_masks(layer: LayerLike, args: tuple, kwargs: dict) -> dict[str, Any]:
    """Return the keyword arguments of a symbolic call with the masks that :func:`fill_in_masks` would fill in.

    The call is evaluated with them to infer the shape of its outputs. They are not recorded: the layer receives the masks again
    when it runs.
    """
    return kwargs | _missing_masks(layer, args, kwargs, _symbolic_masks_of)


def _missing_masks(layer: LayerLike, args: tuple, kwargs: dict, masks_of: Callable[[Tree], Any]) -> dict[str, Any]:
    """Return the masks that a layer takes as arguments and that were not passed, where the masked arguments have some."""
    names = list(parameters_of(type(layer)))
    given = dict(zip(names, args, strict=False)) | kwargs
    arrays = {name: value for name, value in given.items() if _consists_of_arrays(value)}
    masked = {f"{name}_mask": value for name, value in arrays.items()}
    if len(arrays) == 1:
        masked = {"mask": next(iter(arrays.values()))}
    found = {name: masks_of(value) for name, value in masked.items() if name in names and given.get(name) is None}
    return {name: mask for name, mask in found.items() if mask is not None}


def _consists_of_arrays(value: Tree) -> bool:
    """Return whether an argument is an array or a tree of arrays, which may be symbolic."""
    leaves = trees.leaves(value)
    return bool(leaves) and all(hasattr(leaf, "shape") for leaf in leaves)


def _symbolic_masks_of(tree: Tree) -> Any:
    """Return the tree of the masks of the symbolic tensors in a tree, or None if none of them has a mask."""
    found = trees.map(lambda leaf: getattr(leaf, masks.ATTRIBUTE, None), tree)
    return found if trees.leaves(found) else None


def propagate_masks(layer: LayerLike, args: tuple, kwargs: dict, outputs: Tree) -> Any:
    """Return the outputs of a layer with their masks.

    An output that layers inside the layer computed has the mask that they set. Any other output has the mask that the
    ``compute_mask`` of the layer returns; none, if the layer does not support masking.
    """
    inputs = first_argument(args, kwargs)
    previous = kwargs.get("mask")
    if previous is None:
        previous = masks.masks_of(inputs)
    computed = layer.compute_mask(inputs, previous) if layer.supports_masking else None
    if computed is None and not masks.exist():
        return outputs
    if previous is not None and not layer.supports_masking and not _handles_masks(layer):
        _warn_of_lost_mask(layer)
    received = {id(leaf) for leaf in trees.leaves((args, kwargs))}
    leaves = trees.leaves(outputs)
    own = [None if id(leaf) in received else masks.mask_of(leaf) for leaf in leaves]
    found = [other if mask is None else mask for mask, other in itertools.zip_longest(own, masks.flatten(computed)[: len(own)])]
    return _with_masks(outputs, leaves, found, received)


def clear_masks(args: tuple, kwargs: dict, outputs: Tree) -> Any:
    """Return the outputs of an op without masks, which an output that is an argument of the op could have."""
    if not masks.exist():
        return outputs
    leaves = trees.leaves(outputs)
    return _with_masks(outputs, leaves, [None] * len(leaves), {id(leaf) for leaf in trees.leaves((args, kwargs))})


def _with_masks(outputs: Tree, leaves: list, found: list, received: set[int]) -> Any:
    """Return the outputs with the given masks. One that is also an argument becomes a new object if it has or gets one."""
    replaced = []
    for leaf, mask in zip(leaves, found, strict=True):
        if id(leaf) in received and (mask is not None or masks.mask_of(leaf) is not None):
            leaf = masks.with_mask(leaf, mask)
        elif mask is not None:
            masks.set_mask(leaf, mask)
        replaced.append(leaf)
    if all(new is old for new, old in zip(replaced, leaves, strict=True)):
        return outputs
    return trees.unflatten(outputs, replaced)


def _handles_masks(layer: LayerLike) -> bool:
    """Return whether the layer receives the mask as an argument, or consists of layers that receive it."""
    names = list(parameters_of(type(layer)))
    return "mask" in names or any(name == f"{names[0]}_mask" for name in names) or bool(layer._cornu_sublayers())


def _warn_of_lost_mask(layer: LayerLike) -> None:
    warn(
        f"The layer {layer.name!r} ({type(layer).__name__}) received an input with a mask, but does not support masking. The "
        "layers after it do not see the mask. If they may use it, set `supports_masking = True` on the layer, or override its "
        "`compute_mask(inputs, previous_mask)`."
    )
