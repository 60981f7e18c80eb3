"""Count the activations that a model holds for a sample."""

import math
from typing import Any, NamedTuple

from cornu import config, trees
from cornu.backends.contract import ArraySpec
from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import backend_of, placement_of


class ActivationProfile(NamedTuple):
    """What a network's layers do with data of some form.

    Attributes:
        activations: How many numbers the layers make of a sample.
        blocker: What keeps the gradient of a batch from being that of its parts, in words; None if nothing does.
    """

    activations: int
    blocker: str | None


def profile_activations(model: Any, inputs: Any) -> ActivationProfile:
    """Looks at what the layers of a model do with samples, without computing anything.

    Args:
        model: The model, built.
        inputs: Tree of symbolic tensors ``(None, ...)``.
    """
    sizes: list[int] = []
    blockers: list[str] = []
    context = CallContext(training=True, values={}, hooks=(lambda *call: note(*call),), abstract=True)

    def note(layer: Any, args: tuple, outputs: Any) -> Any:
        found = trees.leaves(outputs)
        if not layer._cornu_sublayers():
            sizes.extend(math.prod(output.shape) for output in found)
        does = {
            "masks what it gives": any(context.mask_of(output) is not None for output in found),
            "adds to the loss": bool(context.losses),
            "assigns to a variable": bool(context.values),
        }
        blockers.extend(f"the layer {layer.name!r} {what}" for what, is_so in does.items() if is_so)
        return outputs

    def run(*leaves: Any) -> Any:
        with call_context.entered(context):
            return trees.leaves(model(trees.unflatten(inputs, list(leaves))))

    with config.placement_scope(*placement_of(model)):
        backend_of(model).abstract_eval(run, *[ArraySpec((1, *each.shape[1:]), each.dtype) for each in trees.leaves(inputs)])
    return ActivationProfile(sum(sizes), next(iter(blockers), None))
