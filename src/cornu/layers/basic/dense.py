"""Core layers: dense layers, masking, and functions as layers."""

from typing import Any

from cornu import ops, registry, validation
from cornu.core.input_spec import InputSpec
from cornu.layers import shape_arithmetic
from cornu.layers.lora import LowRankAdaptable
from cornu.layers.weight_arguments import KernelAndBias, add_described_weight, store_weight_arguments
from cornu.typing import Activation, Array, Constraint, Initializer, Regularizer, Shape

__all__ = ["Dense"]


@registry.register("layers")
class Dense(LowRankAdaptable, KernelAndBias):
    """Densely connected layer.

    The layer computes::

        y = activation(x @ kernel + bias)

    Its weights are ``kernel``, of shape ``(features, units)``, and, if ``use_bias`` is True, ``bias``, of shape ``(units,)``.

    Input shape: ``(batch, ..., features)``. Output shape: ``(batch, ..., units)``.

    Args:
        units: Positive integer, dimensionality of the output space.
        activation: Activation function, as a name or a callable. Defaults to None (linear).
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        kernel_initializer: Initializer for the kernel weights. Defaults to ``"glorot_uniform"``.
        bias_initializer: Initializer for the bias vector. Defaults to ``"zeros"``.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        activity_regularizer: Regularizer applied to the output of the layer. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        lora_rank: Positive integer, the rank of a LoRA adaptation of the kernel (see :meth:`enable_lora`). Defaults to None.
        lora_alpha: Number that scales the adaptation. Defaults to ``lora_rank``.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``units`` is not a positive integer.
        ShapeError: If, when called, the number of input features differs from the one the layer was built with.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Dense
        >>> layer = Dense(3, activation="relu")
        >>> layer(np.ones((2, 5))).shape
        (2, 3)
        >>> layer.count_params()
        18
    """

    supports_masking = True
    cornu_input_value_range = (-1.0, 1.0)
    cornu_channel_axis = -1

    def __init__(
        self,
        units: int,
        activation: Activation = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        kernel_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        activity_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = validation.check_int(self, "units", units)
        self.activation = activation
        self.use_bias = use_bias
        store_weight_arguments(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        store_weight_arguments(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self._keep_lora(lora_rank, lora_alpha)

    @property
    def cornu_input_spec(self) -> InputSpec:  # type: ignore[override]
        """At least two axes, the last one of the size of the kernel."""
        return InputSpec(min_ndim=2, axes={-1: self.kernel.shape[0]} if self.built else None)

    def build(self, input_shape: Shape) -> None:
        """Create the kernel and the bias."""
        self.compute_output_shape(input_shape)  # raises before any weights are created
        self.kernel = add_described_weight(self, "kernel", (input_shape[-1], self.units))
        self._add_bias(self.units)

    def call(self, inputs: Array, training: bool | None = None) -> Any:
        """Return ``activation(inputs @ kernel + bias)``, the same in training and otherwise."""
        outputs = ops.matmul(ops.cast(inputs, self.compute_dtype), self.kernel)
        if self.bias is not None:
            outputs = outputs + self.bias
        return self.activation(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with the last size replaced by ``units``."""
        shape_arithmetic.check_least_rank(self, input_shape, ("batch", "features"))
        shape_arithmetic.check_size(self, input_shape, -1, self.kernel.shape[0] if self.built else None, "features")
        return (*input_shape[:-1], self.units)
