"""Mask steps of a sequence."""

from typing import Any, Unpack

from cornu import ops, registry
from cornu.core.layer_config import LayerArguments
from cornu.layers.shape_preserving import ShapePreserving
from cornu.typing import Array

__all__ = ["Masking"]


@registry.register("layers")
class Masking(ShapePreserving):
    """Layer that marks time steps as padding for the layers after it.

    A time step is padding if all of its values equal ``mask_value``; its values are set to 0.

    Input and output shape: ``(batch, steps, features)``.

    Args:
        mask_value: Value of padded elements. Defaults to 0.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Masking
        >>> Masking(mask_value=9.0)(np.array([[[9.0, 9.0], [9.0, 1.0]]])).tolist()
        [[[0.0, 0.0], [9.0, 1.0]]]
    """

    cornu_preserves_value_range = True
    cornu_is_stateless = True

    def __init__(self, mask_value: float = 0.0, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.mask_value = mask_value

    def call(self, inputs: Array) -> Any:
        """Return the inputs with padded time steps set to 0."""
        return ops.where(ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True), inputs, 0)

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Any:
        """Return a mask that is True for time steps that are not padding."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)
