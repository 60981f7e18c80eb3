"""Depthwise convolution layers."""

from typing import Any

from cornu import ops, registry, validation
from cornu.core.variable import Variable
from cornu.layers.convolution.base_conv import WindowedConv
from cornu.layers.weight_arguments import add_described_weight, store_weight_arguments
from cornu.typing import Activation, Array, Constraint, Initializer, IntOrInts, Regularizer, Shape

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D"]


class BaseDepthwiseConv(WindowedConv):
    """Base class of the depthwise convolution layers, which differ in the number of spatial axes, and of the separable ones."""

    _strides_and_dilates = True

    def __init__(
        self,
        kernel_size: IntOrInts,
        strides: IntOrInts = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: IntOrInts = 1,
        activation: Activation = None,
        use_bias: bool = True,
        depthwise_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        depthwise_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        activity_regularizer: Regularizer = None,
        depthwise_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.depth_multiplier = validation.check_int(self, "depth_multiplier", depth_multiplier)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.activation, self.use_bias = activation, use_bias
        store_weight_arguments(self, "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        store_weight_arguments(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def _depthwise_weight(self, channels: int, name: str) -> Variable:
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        return add_described_weight(self, "depthwise", shape, name)

    def build(self, input_shape: Shape) -> None:
        """Create the kernel and the bias."""
        self.compute_output_shape(input_shape)
        channels = self._check_input(input_shape)
        self.kernel = self._depthwise_weight(channels, "kernel")
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Array) -> Any:
        """Return ``activation(depthwise_conv(inputs, kernel) + bias)``."""
        inputs, padding = self._prepare(inputs)
        outputs = ops.depthwise_conv(inputs, self.kernel, self.strides, padding, self.data_format, self.dilation_rate)
        return self._finish(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape: window positions along the spatial axes, and ``channels * depth_multiplier`` channels."""
        return self._output_shape(input_shape, self._check_input(input_shape) * self.depth_multiplier)


@registry.register("layers")
class DepthwiseConv1D(BaseDepthwiseConv):
    """1D depthwise convolution layer, for sequences.

    The arguments are those of :class:`DepthwiseConv2D` with one integer instead of two.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, new_steps, channels * depth_multiplier)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import DepthwiseConv1D
        >>> DepthwiseConv1D(3)(np.ones((1, 10, 4))).shape
        (1, 8, 4)
    """

    rank = 1


@registry.register("layers")
class DepthwiseConv2D(BaseDepthwiseConv):
    """2D depthwise convolution layer, for images.

    Each input channel is convolved separately with ``depth_multiplier`` kernels. Without padding, with
    ``strides`` s and ``dilation_rate`` d, the layer computes for each channel c and multiplier q::

        y[i, j, c * depth_multiplier + q] = activation(
            bias[c * depth_multiplier + q] + sum over (m, n) of x[i * s + m * d, j * s + n * d, c] * kernel[m, n, c, q]
        )

    The weights are ``kernel``, of shape ``(*kernel_size, channels, depth_multiplier)``, and ``bias``.

    Input shape: ``(batch, height, width, channels)``. Output shape:
    ``(batch, new_height, new_width, channels * depth_multiplier)``.

    Source: Chollet, 2016, Xception: Deep Learning with Depthwise Separable Convolutions, https://arxiv.org/abs/1610.02357

    Args:
        kernel_size: Integer or tuple of 2 integers, the height and width of the kernel.
        strides: Integer or tuple of integers, the step of the window along each spatial axis. Defaults to 1.
        padding: ``"valid"`` (no padding) or ``"same"`` (pad with zeros so that the output has the size of the input divided by
            the strides, rounded up). Defaults to ``"valid"``.
        depth_multiplier: Positive integer, the number of output channels for each input channel. Defaults to 1.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        dilation_rate: Integer or tuple of integers, the spacing between kernel elements along each spatial axis. Defaults to 1.
        activation: Activation function, as a name or a callable. Defaults to None (linear).
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        depthwise_initializer: Initializer for the depthwise kernel. Defaults to ``"glorot_uniform"``.
        bias_initializer: Initializer for the bias vector. Defaults to ``"zeros"``.
        depthwise_regularizer: Regularizer applied to the depthwise kernel. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        activity_regularizer: Regularizer applied to the output of the layer. Defaults to None.
        depthwise_constraint: Constraint applied to the depthwise kernel after each optimizer update. Defaults to None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, or ``padding`` is unknown.
        ShapeError: If, when called, the number of input channels differs from the one the layer was built with, or the input is
            smaller than the kernel.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import DepthwiseConv2D
        >>> layer = DepthwiseConv2D(3, depth_multiplier=2)
        >>> layer(np.ones((1, 8, 8, 3))).shape, layer.count_params()
        ((1, 6, 6, 6), 60)
    """

    rank = 2
