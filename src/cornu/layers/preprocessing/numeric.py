"""Preprocessing layers, which make data preparation a part of the model."""

from typing import Any, Unpack

from cornu import config, ops, registry
from cornu.core.layer_config import LayerArguments
from cornu.core.layer_placement import placement_of
from cornu.layers.shape_preserving import ShapePreserving
from cornu.typing import Array, ArrayLike

__all__ = ["Rescaling"]


@registry.register("layers")
class Rescaling(ShapePreserving):
    """Layer that rescales its input: ``y = x * scale + offset``, as floats.

    Args:
        scale: Float, or list of one float per channel, the scale factor. ``1 / 255`` maps 8-bit images to [0, 1].
        offset: Float, or list of one float per channel, the offset. ``Rescaling(1 / 127.5, offset=-1)`` maps 8-bit images to
            [-1, 1]. Defaults to 0.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Rescaling
        >>> Rescaling(1 / 255)(np.array([0, 255], dtype="uint8")).tolist()
        [0.0, 1.0]
    """

    def __init__(self, scale: ArrayLike, offset: ArrayLike = 0.0, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs: Array) -> Any:
        """Return ``inputs * scale + offset``."""
        scaled = ops.multiply(ops.cast(inputs, self.compute_dtype), self._factor(self.scale))
        return ops.add(scaled, self._factor(self.offset))

    def _factor(self, value: Any) -> Any:
        """Return a scalar unchanged, and a list of one value per channel as an array that broadcasts to images."""
        if isinstance(value, (int, float)):
            return value
        value = ops.convert_to_tensor(value, dtype=self.compute_dtype, backend=placement_of(self).backend)
        if value.ndim == 1 and config.image_data_format() == "channels_first":
            value = ops.reshape(value, (-1, 1, 1))
        return value
