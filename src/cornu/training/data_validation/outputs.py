"""What is known of a model's outputs before training."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cornu.core.layer_traits import LayerTraits
from cornu.core.symbolic_tensor import SymbolicTensor


class Output(NamedTuple):
    """What is known of an output before anything is computed.

    Attributes:
        name: Name of the layer that gives it, or ``output_1`` for a subclassed model.
        shape: Its shape, the batch first; None for a size that is not known.
        activation: The activation function at its end, if it is known.
    """

    name: str
    shape: tuple
    activation: Callable | None

    @property
    def units(self) -> int | None:
        """The size of its last axis."""
        return self.shape[-1] if len(self.shape) > 1 else None


def outputs_of(model: Any, names: list[str], specs: list[SymbolicTensor]) -> list[Output]:
    """What is known of a model's outputs.

    Args:
        model: The model.
        names: Names of the outputs.
        specs: Shapes of the outputs for the shapes of the data.
    """
    graph = model.cornu_graph
    activations_of = [None] * len(specs) if graph is None else [_activation(tensor) for tensor in graph.output_tensors]
    return [Output(name, spec.shape, last) for name, spec, last in zip(names, specs, activations_of, strict=True)]


def _activation(tensor: SymbolicTensor) -> Callable | None:
    """The activation function of the layer that gives a tensor, also inside a nested model."""
    layer = tensor.node.operation if tensor.node is not None else None
    if not isinstance(layer, LayerTraits):  # an op
        return None
    if layer.cornu_graph is not None:
        return _activation(layer.cornu_graph.output_tensors[tensor.index])
    return layer.cornu_output_activation
