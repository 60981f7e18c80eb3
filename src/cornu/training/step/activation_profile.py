"""Size of a model's activations per sample, determined by abstract evaluation."""

import math
from typing import Any, NamedTuple

from cornu import config, trees
from cornu.backends.contract import ArraySpec
from cornu.core import call_context, masks
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import backend_of, placement_of
from cornu.core.layer_protocol import LayerLike
from cornu.core.random_key import RandomKey
from cornu.training.model_protocol import TrainableModel
from cornu.typing import Array, Tree


class ActivationProfile(NamedTuple):
    """Result of evaluating a model abstractly for one sample.

    Attributes:
        activations: Number of elements of all layer outputs for one sample.
        blocker: Reason, in words, why the gradient of a batch is not the sum over its parts; None if it is.
    """

    activations: int
    blocker: str | None


def profile_activations(model: TrainableModel, inputs: Tree) -> ActivationProfile:
    """Profile the activations of a model without computing them.

    Args:
        model: A built model.
        inputs: Tree of symbolic tensors of shape ``(None, ...)``.
    """
    sizes: list[int] = []
    blockers: list[str] = []
    with config.placement_scope(*placement_of(model)):
        key = RandomKey(backend_of(model).asarray([0, 0], "uint32"))
    context = CallContext(training=True, values={}, key=key, hooks=(lambda *call: note(*call),), abstract=True)

    def note(layer: LayerLike, args: tuple, outputs: Tree) -> Any:
        found = trees.leaves(outputs)
        if not layer._cornu_sublayers():
            sizes.extend(math.prod(output.shape) for output in found)
        does = {
            "masks its output": any(masks.mask_of(output) is not None for output in found),
            "adds to the loss": bool(context.losses),
            "assigns to a variable": bool(context.values),
        }
        blockers.extend(f"the layer {layer.name!r} {what}" for what, is_so in does.items() if is_so)
        return outputs

    def run(*leaves: Array) -> Any:
        with call_context.entered(context):
            return trees.leaves(model(trees.unflatten(inputs, list(leaves))))

    with config.placement_scope(*placement_of(model)):
        backend_of(model).abstract_eval(run, *[ArraySpec((1, *each.shape[1:]), each.dtype) for each in trees.leaves(inputs)])
    return ActivationProfile(sum(sizes), next(iter(blockers), None))
