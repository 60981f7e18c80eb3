"""Facts about a model's outputs that are known before training."""

from collections.abc import Callable
from typing import NamedTuple

from cornu.core.layer_traits import LayerTraits
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.training.model_protocol import TrainableModel


class Output(NamedTuple):
    """Description of an output before anything is computed.

    Attributes:
        name: Name of the layer that returns it, or ``output_1`` etc. for a subclassed model.
        shape: Shape, the batch axis first; None for an unknown size.
        activation: The final activation function, if it is known, else None.
    """

    name: str
    shape: tuple
    activation: Callable | None

    @property
    def units(self) -> int | None:
        """The size of the last axis, or None."""
        return self.shape[-1] if len(self.shape) > 1 else None


def outputs_of(model: TrainableModel, names: list[str], specs: list[SymbolicTensor]) -> list[Output]:
    """Return descriptions of a model's outputs.

    Args:
        model: The model.
        names: Names of the outputs.
        specs: Symbolic tensors with the shapes of the outputs for the data.
    """
    graph = model.cornu_graph
    activations_of = [None] * len(specs) if graph is None else [_activation(tensor) for tensor in graph.output_tensors]
    return [Output(name, spec.shape, last) for name, spec, last in zip(names, specs, activations_of, strict=True)]


def _activation(tensor: SymbolicTensor) -> Callable | None:
    """Return the activation function of the layer that returns a tensor, also inside a nested model."""
    layer = tensor.node.operation if tensor.node is not None else None
    if not isinstance(layer, LayerTraits):  # an op
        return None
    if layer.cornu_graph is not None:
        return _activation(layer.cornu_graph.output_tensors[tensor.index])
    return layer.cornu_output_activation
