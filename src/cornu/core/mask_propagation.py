"""Passing masks to the layers that accept them, and propagating masks to the outputs of layers."""

from cornu import trees
from cornu.core.call_context import CallContext
from cornu.core.call_handling import parameters_of
from cornu.core.layer_protocol import LayerLike
from cornu.core.shape_trees import first_argument
from cornu.typing import Tree


def fill_in_masks(layer: LayerLike, context: CallContext, args: tuple, kwargs: dict) -> None:
    """Fill in ``mask`` with the mask of the first argument and ``a_mask`` with that of argument ``a``, where not passed."""
    names = list(parameters_of(type(layer)))
    given = dict(zip(names, args, strict=False)) | kwargs
    for name in names:
        if name == "mask":
            masked = first_argument(args, kwargs)
        elif name.endswith("_mask"):
            masked = given.get(name.removesuffix("_mask"))
        else:
            continue
        masks = trees.map(context.mask_of, masked)
        if given.get(name) is None and trees.leaves(masks):
            kwargs[name] = masks


def propagate_mask(layer: LayerLike, context: CallContext, args: tuple, kwargs: dict, outputs: Tree) -> None:
    """Store the masks of a layer's outputs, as returned by its ``compute_mask``, in the context."""
    inputs = first_argument(args, kwargs)
    previous = kwargs.get("mask")
    if previous is None:
        masks = trees.map(context.mask_of, inputs)
        previous = masks if trees.leaves(masks) else None
    mask = layer.compute_mask(inputs, previous)
    for output, output_mask in zip(trees.leaves(outputs), mask if isinstance(mask, (list, tuple)) else [mask], strict=False):
        if output_mask is not None:
            context.set_mask(output, output_mask)
