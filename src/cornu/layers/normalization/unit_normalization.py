"""Unit normalization."""

from typing import Any, Unpack

from cornu import ops, registry, validation
from cornu.core import batch_coupling
from cornu.core.layer_config import LayerArguments
from cornu.layers import shape_arithmetic
from cornu.layers.normalization.base_normalization import computing_dtype
from cornu.layers.shape_preserving import ShapePreserving
from cornu.typing import Array, IntOrInts, Shape

__all__ = ["UnitNormalization"]


@registry.register("layers")
class UnitNormalization(ShapePreserving):
    """Layer that scales vectors along the given axes to unit L2 norm: ``y = x / norm(x)``.

    Norms below 1e-12 are replaced by 1e-12. The output has the shape of the input.

    Args:
        axis: Integer or list of integers, the axis or axes along which the norm is computed. Defaults to -1.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Raises:
        InvalidArgumentError: If the input does not have ``axis``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import UnitNormalization
        >>> [round(float(x), 4) for x in UnitNormalization()(np.array([[3.0, 4.0]]))[0]]
        [0.6, 0.8]
    """

    cornu_is_stateless = True

    def __init__(self, axis: IntOrInts = -1, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.autocast = False  # see `BaseNormalization`
        self.axis = validation.check_axes(self, axis)
        self.batch_coupling = batch_coupling.coupling_along(self.axis)

    def call(self, inputs: Array) -> Any:
        """Return the inputs divided by their L2 norm."""
        x = ops.cast(inputs, computing_dtype(self.compute_dtype))
        return ops.cast(ops.normalize(x, axis=self.axis, order=2, epsilon=1e-12), self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        for axis in self.axis if isinstance(self.axis, list) else [self.axis]:
            shape_arithmetic.find_axis(axis, input_shape)
        return input_shape
