"""Depthwise separable convolutions."""

from typing import Any

from cornu import ops, registry, validation
from cornu.layers.convolution.base_conv import WindowedConv
from cornu.layers.convolution.depthwise_conv import BaseDepthwiseConv
from cornu.layers.weight_arguments import add_described_weight, store_weight_arguments
from cornu.serialization import with_signature
from cornu.typing import Array, Constraint, Initializer, IntOrInts, Regularizer, Shape, Size

__all__ = ["SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D"]


class BaseSeparableConv(BaseDepthwiseConv):
    """Base class of the separable convolution layers, which differ in the number of spatial axes."""

    compute_output_shape = WindowedConv.compute_output_shape

    @with_signature(
        "filters kernel_size strides padding data_format dilation_rate depth_multiplier activation use_bias "
        "depthwise_initializer pointwise_initializer bias_initializer depthwise_regularizer pointwise_regularizer "
        "bias_regularizer activity_regularizer depthwise_constraint pointwise_constraint bias_constraint",
        BaseDepthwiseConv,
    )
    def __init__(
        self,
        filters: int,
        kernel_size: IntOrInts,
        pointwise_initializer: Initializer = "glorot_uniform",
        pointwise_regularizer: Regularizer = None,
        pointwise_constraint: Constraint = None,
        **kwargs: Any,
    ):
        super().__init__(kernel_size=kernel_size, **kwargs)
        self.filters = validation.check_int(self, "filters", filters)
        store_weight_arguments(self, "pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint)

    def _built_channels(self) -> Size:
        return self.depthwise_kernel.shape[-2] if self.built else None

    def build(self, input_shape: Shape) -> None:
        """Create the two kernels and the bias."""
        self.compute_output_shape(input_shape)
        channels = self._check_input(input_shape)
        self.depthwise_kernel = self._depthwise_weight(channels, "depthwise_kernel")
        shape = (*(1,) * self.rank, channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = add_described_weight(self, "pointwise", shape, "pointwise_kernel")
        self._add_bias(self.filters)

    def call(self, inputs: Array) -> Any:
        """Return ``activation(separable_conv(inputs, depthwise_kernel, pointwise_kernel) + bias)``."""
        inputs, padding = self._prepare(inputs)
        outputs = ops.separable_conv(
            inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides, padding, self.data_format, self.dilation_rate
        )
        return self._finish(outputs)


@registry.register("layers", aliases=("SeparableConvolution1D",))
class SeparableConv1D(BaseSeparableConv):
    """1D depthwise separable convolution layer, for sequences.

    The arguments are those of :class:`SeparableConv2D` with one integer instead of two.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, new_steps, filters)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import SeparableConv1D
        >>> SeparableConv1D(5, 3)(np.ones((1, 10, 4))).shape
        (1, 8, 5)
    """

    rank = 1


@registry.register("layers", aliases=("SeparableConvolution2D",))
class SeparableConv2D(BaseSeparableConv):
    """2D depthwise separable convolution layer, for images.

    A depthwise convolution, applied to each channel separately, is followed by a pointwise (1 x 1) convolution that mixes the
    channels at each position::

        y = activation(conv(depthwise_conv(x, depthwise_kernel), pointwise_kernel) + bias)

    The layer approximates :class:`Conv2D` with far fewer weights. The weights are ``depthwise_kernel``, of shape
    ``(*kernel_size, channels, depth_multiplier)``, ``pointwise_kernel``, of shape
    ``(1, 1, channels * depth_multiplier, filters)``, and ``bias``.

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, new_height, new_width, filters)``.

    Source: Chollet, 2016, Xception: Deep Learning with Depthwise Separable Convolutions, https://arxiv.org/abs/1610.02357

    Args:
        filters: Positive integer, the number of output channels.
        kernel_size: Integer or tuple of 2 integers, the height and width of the kernel.
        strides: Integer or tuple of integers, the step of the window along each spatial axis. Defaults to 1.
        padding: ``"valid"`` (no padding) or ``"same"`` (pad with zeros so that the output has the size of the input divided by
            the strides, rounded up). Defaults to ``"valid"``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        dilation_rate: Integer or tuple of integers, the spacing between kernel elements along each spatial axis. Defaults to 1.
        depth_multiplier: Positive integer, the number of depthwise output channels for each input channel. Defaults to 1.
        activation: Activation function, as a name or a callable. Defaults to None (linear).
        use_bias: Whether the layer adds a bias vector, with one value per filter. Defaults to True.
        depthwise_initializer: Initializer for the depthwise kernel. Defaults to ``"glorot_uniform"``.
        pointwise_initializer: Initializer for the pointwise kernel. Defaults to ``"glorot_uniform"``.
        bias_initializer: Initializer for the bias vector. Defaults to ``"zeros"``.
        depthwise_regularizer: Regularizer applied to the depthwise kernel. Defaults to None.
        pointwise_regularizer: Regularizer applied to the pointwise kernel. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        activity_regularizer: Regularizer applied to the output of the layer. Defaults to None.
        depthwise_constraint: Constraint applied to the depthwise kernel after each optimizer update. Defaults to None.
        pointwise_constraint: Constraint applied to the pointwise kernel after each optimizer update. Defaults to None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, or ``padding`` is unknown.
        ShapeError: If, when called, the number of input channels differs from the one the layer was built with, or the input is
            smaller than the kernel.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import SeparableConv2D
        >>> layer = SeparableConv2D(16, 3)
        >>> layer(np.ones((1, 8, 8, 3))).shape, layer.count_params()
        ((1, 6, 6, 16), 91)
    """

    rank = 2


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
