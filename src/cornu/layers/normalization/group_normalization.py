"""Group normalization."""

from typing import Any, Unpack

from cornu import ops, registry, validation
from cornu.core import call_context
from cornu.core.input_spec import InputSpec
from cornu.core.layer_config import LayerArguments
from cornu.layers import shape_arithmetic
from cornu.layers.normalization.base_normalization import BaseNormalization, computing_dtype
from cornu.layers.normalization.batch_normalization import one_axis
from cornu.typing import Array, Constraint, Initializer, Regularizer, Shape

__all__ = ["GroupNormalization"]


@registry.register("layers")
class GroupNormalization(BaseNormalization):
    """Group normalization layer, which normalizes groups of channels of each sample separately.

    The layer computes, with mean and variance (biased) over all positions and all channels of a group::

        y = gamma * (x - mean) / sqrt(variance + epsilon) + beta

    With ``groups=1`` the statistics are those of layer normalization over all axes, with ``groups=-1`` those of instance
    normalization. Half precision inputs are computed in ``float32``. The weights ``gamma`` and ``beta`` have the shape
    ``(channels,)``. The output has the shape of the input.

    Source: Wu and He, 2018, Group Normalization, https://arxiv.org/abs/1803.08494

    Args:
        groups: Positive integer, the number of groups, or -1 for one group per channel. Defaults to 32.
        axis: Integer, the axis of the channels. Defaults to -1.
        epsilon: Small float added to the variance to avoid division by zero. Defaults to 1e-3.
        center: Whether to add ``beta``. Defaults to True.
        scale: Whether to multiply by ``gamma``. Defaults to True.
        beta_initializer: Initializer for ``beta``. Defaults to ``"zeros"``.
        gamma_initializer: Initializer for ``gamma``. Defaults to ``"ones"``.
        beta_regularizer: Regularizer applied to ``beta``. Defaults to None.
        gamma_regularizer: Regularizer applied to ``gamma``. Defaults to None.
        beta_constraint: Constraint applied to ``beta`` after each optimizer update. Defaults to None.
        gamma_constraint: Constraint applied to ``gamma`` after each optimizer update. Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``groups`` is neither -1 nor a positive integer.
        ShapeError: If, when called, the number of channels is not divisible by the number of groups, or differs from the one
            the layer was built with.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GroupNormalization
        >>> GroupNormalization(groups=2, epsilon=0.0)(np.array([[1.0, 3.0, 10.0, 30.0]])).tolist()
        [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Initializer = "zeros",
        gamma_initializer: Initializer = "ones",
        beta_regularizer: Regularizer = None,
        gamma_regularizer: Regularizer = None,
        beta_constraint: Constraint = None,
        gamma_constraint: Constraint = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.groups = groups if groups == -1 else validation.check_int(self, "groups", groups)
        self.axis = one_axis(axis)
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        gamma = (gamma_initializer, gamma_regularizer, gamma_constraint)
        self._set_gamma_and_beta(center, scale, beta, gamma, epsilon)

    @property
    def cornu_input_spec(self) -> InputSpec | None:  # type: ignore[override]
        """The number of axes and of channels that the layer was built for."""
        return shape_arithmetic.built_input_spec(self, self.axis)

    def build(self, input_shape: Shape) -> None:
        """Create gamma and beta."""
        self.compute_output_shape(input_shape)
        self._add_gamma_and_beta((input_shape[self.axis],))

    def call(self, inputs: Array) -> Any:
        """Return the normalized inputs."""
        with call_context.autocast(None):
            x = ops.cast(inputs, computing_dtype(self.compute_dtype))
            place = self.axis % len(x.shape)
            channels = x.shape[place]
            groups = channels if self.groups == -1 else self.groups
            sizes = ops.shape(x)
            split = ops.reshape(x, (*sizes[:place], groups, channels // groups, *sizes[place + 1 :]))
            axes = [axis for axis in range(1, len(split.shape)) if axis != place]
            mean, variance = ops.moments(split, axes, keepdims=True)
            outputs = ops.reshape((split - mean) * ops.rsqrt(variance + self.epsilon), sizes)
            shape = tuple(size if axis == place else 1 for axis, size in enumerate(x.shape))
            if self.gamma is not None:
                outputs = outputs * ops.reshape(self.gamma, shape)
            if self.beta is not None:
                outputs = outputs + ops.reshape(self.beta, shape)
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        axis = self._check_axes(input_shape, [self.axis])[0]
        channels = input_shape[axis]
        if channels and self.groups != -1 and channels % self.groups:
            expected = f"The number of channels, on axis {axis}, must be divisible by the number of groups, {self.groups}."
            raise shape_arithmetic.shape_error(self, input_shape, expected, f"Choose `groups` so that it divides {channels}.")
        return input_shape
