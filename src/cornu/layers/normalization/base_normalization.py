"""Base class of the normalization layers with a scale and an offset."""

from typing import Any, Unpack

from cornu import validation
from cornu.core.layer_config import LayerArguments
from cornu.layers import shape_arithmetic
from cornu.layers.shape_preserving import ShapePreserving
from cornu.layers.weight_arguments import add_described_weight, store_weight_arguments
from cornu.typing import Shape, Size


def computing_dtype(dtype: str) -> str:
    """Return the dtype to compute in: half precision is too imprecise for means and variances."""
    return dtype if dtype == "float64" else "float32"


class BaseNormalization(ShapePreserving):
    """Base class of the layers that finally scale by ``gamma`` and shift by ``beta``."""

    cornu_normalizes_values = True

    def __init__(self, **kwargs: Unpack[LayerArguments]):
        super().__init__(**kwargs)
        self.autocast = False  # inputs that overflow in half precision are normalized before they are cast

    def _set_gamma_and_beta(
        self, center: bool, scale: bool, beta: tuple[Any, Any, Any], gamma: tuple[Any, Any, Any], epsilon: float
    ) -> None:
        """Store the arguments; ``beta`` and ``gamma`` are tuples of initializer, regularizer and constraint."""
        self.epsilon = validation.check_nonnegative(self, "epsilon", epsilon)
        self.center, self.scale = center, scale
        self.gamma = self.beta = None
        store_weight_arguments(self, "beta", *beta)
        store_weight_arguments(self, "gamma", *gamma)

    def _add_gamma_and_beta(self, shape: tuple[Size, ...], rms_scaling: bool = False) -> None:
        """Create the weights. With ``rms_scaling`` there is always a ``gamma`` and never a ``beta``."""
        self.gamma = self.beta = None
        if self.scale or rms_scaling:
            self.gamma = add_described_weight(self, "gamma", shape)
        if self.center and not rms_scaling:
            self.beta = add_described_weight(self, "beta", shape)

    def _check_axes(self, input_shape: Shape, axes: list[int]) -> list[int]:
        """Return the axes as non-negative integers, after validation of the axes and of their sizes."""
        found = sorted(shape_arithmetic.find_axis(axis, input_shape) for axis in axes)
        weight = (self.gamma if self.gamma is not None else self.beta) if self.built else None
        for place, axis in enumerate(found):
            where = -1 if axis == len(input_shape) - 1 else axis
            shape_arithmetic.check_size(self, input_shape, where, None if weight is None else weight.shape[place], "features")
        return found
