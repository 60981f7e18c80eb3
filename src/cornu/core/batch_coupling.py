"""Batch coupling: how a layer, or a function passed to a layer, couples the samples of a batch."""

from collections.abc import Callable

from cornu import registry
from cornu.core import layer_tree
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_traits import LayerTraits
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.ops import batch_coupling


def coupling_of_layer(layer: LayerLike) -> str:
    """Return a layer's ``batch_coupling``, or ``"unknown"`` if a user's ``call`` overrides the one it was declared for.

    The declaration counts if it is made by the class that defines ``call`` or by a subclass of it.
    """
    kinds = type(layer).__mro__
    owner = next(place for place, kind in enumerate(kinds) if "call" in vars(kind))
    if registry.is_builtin(kinds[owner]):
        return layer.batch_coupling
    promised = any("batch_coupling" in vars(kind) for kind in kinds[: owner + 1])
    return layer.batch_coupling if promised else "unknown"


def effective_coupling(layer: LayerLike) -> str:
    """Return the most restrictive ``batch_coupling`` among a layer and all layers inside it."""
    couplings = {coupling_of_layer(inner) for inner in layer_tree.flatten(layer)}
    return next((worst for worst in ("none", "masked") if couplings <= {worst, "none"}), "unknown")


def coupling_along(axes: int | list[int]) -> str:
    """Return the batch coupling of a computation along the given axes (see ``Layer.batch_coupling``).

    Samples are coupled only if the first axis is among the axes.
    """
    return "unknown" if axes == 0 or (isinstance(axes, list) and 0 in axes) else "none"


def coupling_of_function(function: Callable) -> str:
    """Return how a function of a batch couples its samples (see ``Layer.batch_coupling``), as declared by the function."""
    if isinstance(function, LayerTraits):
        return function.batch_coupling
    return batch_coupling.of_call(function, (SymbolicTensor((None, None)),), {})


def is_builtin_activation(function: Callable) -> bool:
    """Return whether a function is a built-in activation, which has no weights and draws no random values."""
    return function in registry.registered("activations").values()
