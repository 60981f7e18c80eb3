"""Layers that multiply by factors, which some networks of Keras's applications contain and its public modules do not export."""

from collections.abc import Sequence
from typing import Unpack

from cornu import initializers, registry
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.typing import Array, Shape

__all__ = []


@registry.register("layers", keras_path=("keras.src.applications.convnext", "LayerScale"))
class LayerScale(Layer):
    """Layer that multiplies each channel by a trained factor.

    Args:
        init_values: Float, the factors at first.
        projection_dim: Integer, number of channels.
        **kwargs: Arguments of the base class, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers.scaling import LayerScale
        >>> LayerScale(0.5, 2)(np.ones((1, 2))).tolist()
        [[0.5, 0.5]]
    """

    batch_coupling = "none"

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.init_values, self.projection_dim = init_values, projection_dim

    def build(self, input_shape: Shape) -> None:
        """Create the factors."""
        self.gamma = self.add_weight((self.projection_dim,), initializers.Constant(self.init_values))

    def call(self, x: Array) -> Array:
        """Return the channels times their factors."""
        return x * self.gamma


@registry.register("layers", keras_path=("keras.src.applications.inception_resnet_v2", "CustomScaleLayer"))
class CustomScaleLayer(Layer):
    """Layer that adds a scaled array to another one: ``inputs[0] + scale * inputs[1]``.

    Args:
        scale: Float.
        **kwargs: Arguments of the base class, such as ``name`` and ``dtype``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers.scaling import CustomScaleLayer
        >>> CustomScaleLayer(0.5)([np.ones(2), np.ones(2)]).tolist()
        [1.5, 1.5]
    """

    batch_coupling = "none"
    cornu_is_stateless = True

    def __init__(self, scale: float, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: Sequence[Array]) -> Array:
        """Return the sum."""
        return inputs[0] + inputs[1] * self.scale
