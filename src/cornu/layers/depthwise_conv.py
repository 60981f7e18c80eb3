"""Convolutions of each channel by itself, and those followed by a mixture of the channels."""

from typing import Any

from cornu import constraints, initializers, ops, regularizers
from cornu.layers import arguments
from cornu.layers.conv import WindowedConv
from cornu.layers.shapes import Shape, Size


class BaseDepthwiseConv(WindowedConv):
    """The base of the depthwise convolutions, which differ in the number of spatial axes."""

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.depth_multiplier = arguments.whole(self, "depth_multiplier", depth_multiplier)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_finish(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape: Shape) -> None:
        """Makes kernel and bias."""
        self.compute_output_shape(input_shape)
        channels = self._check_input(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name="kernel",
        )
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs: Any) -> Any:
        """``activation(depthwise_conv(inputs, kernel) + bias)``."""
        inputs, padding = self._prepare(inputs)
        outputs = ops.depthwise_conv(inputs, self.kernel, self.strides, padding, self.data_format, self.dilation_rate)
        return self._finish(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The spatial sizes become the number of places of the window, the channels ``channels * depth_multiplier``."""
        return self._output_shape(input_shape, self._check_input(input_shape) * self.depth_multiplier)


class DepthwiseConv1D(BaseDepthwiseConv):
    """A convolution over sequences, ``(batch, steps, channels)``, of each channel by itself.

    The arguments are those of :class:`DepthwiseConv2D`, with one number instead of two.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import DepthwiseConv1D
        >>> DepthwiseConv1D(3)(np.ones((1, 10, 4))).shape
        (1, 8, 4)
    """

    rank = 1


class DepthwiseConv2D(BaseDepthwiseConv):
    """A convolution over pictures of each channel by itself: ``depth_multiplier`` outputs for each channel.

    Takes ``(batch, height, width, channels)`` and gives ``(batch, new_height, new_width, channels * depth_multiplier)``. The
    weights are ``kernel``, of shape ``(*kernel_size, channels, depth_multiplier)``, and ``bias``.

    Args:
        kernel_size: Height and width of the window, or one number for both.
        strides: By how many places the window moves.
        padding: ``"valid"`` for none, ``"same"`` for as many zeros around as make the output as large as the input.
        depth_multiplier: Number of output channels for each input channel.
        data_format: ``"channels_last"`` or ``"channels_first"``; default ``config.image_data_format()``.
        dilation_rate: Distance between the places of the window.
        activation: Name or function that is applied at the end; None is none.
        use_bias: Whether a bias is added.
        depthwise_initializer: First value of the kernel.
        bias_initializer: First value of the bias.
        depthwise_regularizer: Penalty on the kernel.
        bias_regularizer: Penalty on the bias.
        activity_regularizer: Penalty on the output.
        depthwise_constraint: What the kernel is brought to after each update.
        bias_constraint: What the bias is brought to after each update.
        **kwargs: ``name``, ``trainable`` and ``dtype`` (see :class:`Layer`).

    Raises:
        InvalidArgumentError: A number is not positive, or the padding has an unknown name.
        ShapeError: When called: the picture has other channels than the layer was built for, or is smaller than the window.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import DepthwiseConv2D
        >>> layer = DepthwiseConv2D(3, depth_multiplier=2)
        >>> layer(np.ones((1, 8, 8, 3))).shape, layer.count_params()
        ((1, 6, 6, 6), 60)
    """

    rank = 2


class BaseSeparableConv(WindowedConv):
    """The base of the separable convolutions, which differ in the number of spatial axes."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = arguments.whole(self, "filters", filters)
        self.depth_multiplier = arguments.whole(self, "depth_multiplier", depth_multiplier)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_finish(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def _built_channels(self) -> Size:
        return self.depthwise_kernel.shape[-2] if self.built else None

    def build(self, input_shape: Shape) -> None:
        """Makes the two kernels and the bias."""
        self.compute_output_shape(input_shape)
        channels = self._check_input(input_shape)
        self.depthwise_kernel = self.add_weight(
            (*self.kernel_size, channels, self.depth_multiplier),
            self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name="depthwise_kernel",
        )
        self.pointwise_kernel = self.add_weight(
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
            name="pointwise_kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        """``activation(separable_conv(inputs, depthwise_kernel, pointwise_kernel) + bias)``."""
        inputs, padding = self._prepare(inputs)
        outputs = ops.separable_conv(
            inputs, self.depthwise_kernel, self.pointwise_kernel, self.strides, padding, self.data_format, self.dilation_rate
        )
        return self._finish(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The spatial sizes become the number of places of the window, the channels ``filters``."""
        self._check_input(input_shape)
        return self._output_shape(input_shape, self.filters)


class SeparableConv1D(BaseSeparableConv):
    """A convolution over sequences, ``(batch, steps, channels)``, of each channel by itself, then a mixture of the channels.

    The arguments are those of :class:`SeparableConv2D`, with one number instead of two.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import SeparableConv1D
        >>> SeparableConv1D(5, 3)(np.ones((1, 10, 4))).shape
        (1, 8, 5)
    """

    rank = 1


class SeparableConv2D(BaseSeparableConv):
    """A convolution over pictures of each channel by itself, then a mixture of the channels at each place.

    With far fewer weights it does nearly what :class:`Conv2D` does. Takes ``(batch, height, width, channels)`` and gives
    ``(batch, new_height, new_width, filters)``.

    Source: Chollet, 2016, https://arxiv.org/abs/1610.02357

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the window, or one number for both.
        strides: By how many places the window moves.
        padding: ``"valid"`` for none, ``"same"`` for as many zeros around as make the output as large as the input.
        data_format: ``"channels_last"`` or ``"channels_first"``; default ``config.image_data_format()``.
        dilation_rate: Distance between the places of the window.
        depth_multiplier: Number of channels that each input channel is convolved to before the mixture.
        activation: Name or function that is applied at the end; None is none.
        use_bias: Whether a bias is added, one number a filter.
        depthwise_initializer: First value of the kernel that convolves.
        pointwise_initializer: First value of the kernel that mixes.
        bias_initializer: First value of the bias.
        depthwise_regularizer: Penalty on the kernel that convolves.
        pointwise_regularizer: Penalty on the kernel that mixes.
        bias_regularizer: Penalty on the bias.
        activity_regularizer: Penalty on the output.
        depthwise_constraint: What the first kernel is brought to after each update.
        pointwise_constraint: What the second kernel is brought to after each update.
        bias_constraint: What the bias is brought to after each update.
        **kwargs: ``name``, ``trainable`` and ``dtype`` (see :class:`Layer`).

    Raises:
        InvalidArgumentError: A number is not positive, or the padding has an unknown name.
        ShapeError: When called: the picture has other channels than the layer was built for, or is smaller than the window.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import SeparableConv2D
        >>> layer = SeparableConv2D(16, 3)
        >>> layer(np.ones((1, 8, 8, 3))).shape, layer.count_params()
        ((1, 6, 6, 16), 91)
    """

    rank = 2


SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D
