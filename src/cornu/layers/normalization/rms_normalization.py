"""Root mean square normalization."""

from typing import Any, Unpack

from cornu import ops, registry, validation
from cornu.core import batch_coupling, call_context
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.layers import shape_arithmetic
from cornu.layers.normalization.base_normalization import computing_dtype
from cornu.typing import Array, IntOrInts, Shape

__all__ = ["RMSNormalization"]


@registry.register("layers")
class RMSNormalization(Layer):
    """Root mean square normalization layer, which scales each sample separately over the given axes.

    The layer computes, with the mean over ``axis``::

        y = scale * x / sqrt(mean(square(x)) + epsilon)

    Half precision inputs are computed in ``float32``. The weight ``scale`` has the shape of these axes. The output has the
    shape of the input.

    Source: Zhang and Sennrich, 2019, Root Mean Square Layer Normalization, https://arxiv.org/abs/1910.07467

    Args:
        axis: Integer or list of integers, the axis or axes to normalize over. Defaults to -1.
        epsilon: Small float added to the mean square to avoid division by zero. Defaults to 1e-6.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the input does not have ``axis``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RMSNormalization
        >>> RMSNormalization(epsilon=0.0)(np.array([[1.0, -1.0]])).tolist()
        [[1.0, -1.0]]
    """

    batch_coupling = "none"
    cornu_normalizes_values = True

    def __init__(self, axis: IntOrInts = -1, epsilon: float = 1e-6, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.autocast = False  # inputs that overflow in half precision are normalized before they are cast
        self.axis = validation.check_axes(self, axis)
        self.epsilon = validation.check_nonnegative(self, "epsilon", epsilon)
        self.batch_coupling = batch_coupling.coupling_along(self.axis)
        self.scale = None

    def build(self, input_shape: Shape) -> None:
        """Create the scale."""
        self.scale = self.add_weight(tuple(input_shape[axis] for axis in self._axes(input_shape)), "ones", name="scale")

    def _axes(self, shape: Shape) -> list[int]:
        """Return the axes to normalize over as non-negative integers in ascending order."""
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        return sorted(shape_arithmetic.find_axis(axis, shape) for axis in axes)

    def call(self, x: Array) -> Any:
        """Return the normalized inputs."""
        with call_context.autocast(None):
            x = ops.cast(x, computing_dtype(self.compute_dtype))
            outputs = ops.rms_normalization(x, self.scale, self._axes(x.shape), self.epsilon)
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        self._axes(input_shape)
        return input_shape
