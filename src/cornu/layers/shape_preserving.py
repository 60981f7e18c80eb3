"""Base class of layers whose output has the shape of their input."""

from cornu.core.layer import Layer
from cornu.typing import Shape


class ShapePreserving(Layer):
    """Base class of layers that compute new values at each position, for each sample separately, and keep masks."""

    batch_coupling = "none"
    supports_masking = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        return input_shape
