"""The arguments that describe a weight: its initializer, its regularizer and its constraint."""

from collections.abc import Callable
from typing import Any

from cornu import constraints, initializers, regularizers
from cornu.core import batch_coupling
from cornu.core.activation_attribute import ActivationAttribute
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.core.soft_property import soft_property
from cornu.core.variable import Variable
from cornu.typing import Array, Constraint, Initializer, Regularizer, Size


def store_weight_arguments(
    layer: Layer, prefix: str, initializer: Initializer, regularizer: Regularizer = None, constraint: Constraint = None
) -> None:
    """Store the arguments that describe a weight, as the objects that they denote.

    Args:
        layer: The layer, whose attributes are, for the prefix ``"kernel"``, ``kernel_initializer``, ``kernel_regularizer`` and
            ``kernel_constraint``.
        prefix: What the names of the attributes begin with.
        initializer, regularizer, constraint: The arguments of the constructor.
    """
    setattr(layer, f"{prefix}_initializer", initializers.get(initializer))
    setattr(layer, f"{prefix}_regularizer", regularizers.get(regularizer))
    setattr(layer, f"{prefix}_constraint", constraints.get(constraint))


def add_described_weight(
    layer: Layer,
    prefix: str,
    shape: tuple[Size, ...],
    name: str | None = None,
    initializer: Initializer = None,
    autocast: bool = True,
) -> Variable:
    """Create a weight as its arguments describe it (see :func:`store_weight_arguments`).

    Args:
        layer: The layer.
        prefix: What the names of the arguments begin with.
        shape: Shape of the weight.
        name: Name of the weight. Defaults to the prefix.
        initializer: Initializer to use instead of the argument. Defaults to None (the argument).
        autocast: Whether a mixed-precision layer reads the weight in its compute dtype. Defaults to True.
    """
    return layer.add_weight(
        shape,
        getattr(layer, f"{prefix}_initializer") if initializer is None else initializer,
        regularizer=getattr(layer, f"{prefix}_regularizer"),
        constraint=getattr(layer, f"{prefix}_constraint"),
        name=name or prefix,
        autocast=autocast,
    )


class ActivatedLayer(Layer):
    """Base class of layers whose output is that of their activation function."""

    activation: ActivationAttribute = ActivationAttribute()

    @soft_property
    def batch_coupling(self) -> str:  # type: ignore[override]
        """That of the activation."""
        return batch_coupling.coupling_of_function(self.activation)

    @property
    def cornu_output_activation(self) -> Any:
        """The activation."""
        return self.activation


class KernelAndBiasOptions(LayerArguments, total=False):
    """Arguments of layers with a kernel and a bias, which constructors accept as ``**kwargs``."""

    use_bias: bool
    kernel_initializer: Initializer
    bias_initializer: Initializer
    kernel_regularizer: Regularizer
    bias_regularizer: Regularizer
    kernel_constraint: Constraint
    bias_constraint: Constraint


class KernelAndBiasArguments:
    """The arguments of a kernel and a bias as attributes of a layer (see :func:`store_weight_arguments`)."""

    use_bias: bool
    kernel_initializer: Callable[..., Any]
    bias_initializer: Callable[..., Any]
    kernel_regularizer: Callable[..., Array] | None
    bias_regularizer: Callable[..., Array] | None
    kernel_constraint: Callable[..., Array] | None
    bias_constraint: Callable[..., Array] | None


class KernelAndBias(KernelAndBiasArguments, ActivatedLayer):
    """Base class of layers that compute with a kernel and a bias, and then apply an activation."""

    kernel: Variable
    bias: Variable | None

    def _add_bias(self, size: int) -> None:
        """Create the bias; it is None if the layer uses none."""
        self.bias = add_described_weight(self, "bias", (size,)) if self.use_bias else None
