"""Layer normalization."""

from typing import Any

from cornu import ops, registry, validation
from cornu.core import batch_coupling, call_context
from cornu.errors import warn
from cornu.layers.normalization.base_normalization import BaseNormalization, computing_dtype
from cornu.typing import Array, Constraint, Initializer, IntOrInts, Regularizer, Shape

__all__ = ["LayerNormalization"]


@registry.register("layers")
class LayerNormalization(BaseNormalization):
    """Layer normalization layer, which normalizes each sample separately over the given axes.

    The layer computes, with mean and variance (biased) over ``axis``::

        y = gamma * (x - mean) / sqrt(variance + epsilon) + beta

    Half precision inputs are computed in ``float32``. The weights ``gamma`` and ``beta`` have the shape of these axes. The
    output has the shape of the input.

    Source: Ba et al., 2016, Layer Normalization, https://arxiv.org/abs/1607.06450

    Args:
        axis: Integer or list of integers, the axis or axes to normalize over. Defaults to -1.
        epsilon: Small float added to the variance to avoid division by zero. Defaults to 1e-3.
        center: Whether to add ``beta``. Defaults to True.
        scale: Whether to multiply by ``gamma``. Defaults to True.
        beta_initializer: Initializer for ``beta``. Defaults to ``"zeros"``.
        gamma_initializer: Initializer for ``gamma``. Defaults to ``"ones"``.
        beta_regularizer: Regularizer applied to ``beta``. Defaults to None.
        gamma_regularizer: Regularizer applied to ``gamma``. Defaults to None.
        beta_constraint: Constraint applied to ``beta`` after each optimizer update. Defaults to None.
        gamma_constraint: Constraint applied to ``gamma`` after each optimizer update. Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``, and
            ``rms_scaling``: if it is True, the layer computes ``gamma * x / sqrt(variance + epsilon)``, as Keras does for old
            models. That is no RMS normalization, for which there is :class:`RMSNormalization`.

    Raises:
        InvalidArgumentError: If the input does not have ``axis``.
        ShapeError: If, when called, the sizes along ``axis`` differ from those the layer was built with.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import LayerNormalization
        >>> LayerNormalization(epsilon=0.0)(np.array([[1.0, 3.0]])).tolist()
        [[-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: IntOrInts = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Initializer = "zeros",
        gamma_initializer: Initializer = "ones",
        beta_regularizer: Regularizer = None,
        gamma_regularizer: Regularizer = None,
        beta_constraint: Constraint = None,
        gamma_constraint: Constraint = None,
        **kwargs: Any,
    ):
        self.rms_scaling = kwargs.pop("rms_scaling", False)
        if self.rms_scaling:
            warn(
                "`LayerNormalization` with `rms_scaling=True` divides by the standard deviation, not by the root mean square, "
                "and has no `beta`. Keras keeps it for old models. Use `RMSNormalization` in new ones."
            )
        super().__init__(**kwargs)
        self.axis = validation.check_axes(self, axis)
        self.batch_coupling = batch_coupling.coupling_along(self.axis)
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        gamma = (gamma_initializer, gamma_regularizer, gamma_constraint)
        self._set_gamma_and_beta(center, scale, beta, gamma, epsilon)

    def _axes(self) -> list[int]:
        return self.axis if isinstance(self.axis, list) else [self.axis]

    def build(self, input_shape: Shape) -> None:
        """Create gamma and beta."""
        sizes = tuple(input_shape[axis] for axis in self._check_axes(input_shape, self._axes()))
        self._add_gamma_and_beta(sizes, self.rms_scaling)

    def call(self, inputs: Array) -> Any:
        """Return the normalized inputs."""
        with call_context.autocast(None):
            x = ops.cast(inputs, computing_dtype(self.compute_dtype))
            axes = self._check_axes(x.shape, self._axes())
            outputs = ops.layer_normalization(x, self.gamma, self.beta, axes, self.epsilon, rms_scaling=self.rms_scaling)
        return ops.cast(outputs, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the config, including ``rms_scaling``."""
        return {**super().get_config(), "rms_scaling": self.rms_scaling}

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        self._check_axes(input_shape, self._axes())
        return input_shape
