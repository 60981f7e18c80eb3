"""Transposed convolutions: they spread each place over a window, so that pictures grow."""

from typing import Any

from cornu import constraints, initializers, ops, regularizers
from cornu.layers import arguments, shapes
from cornu.layers.conv import WindowedConv
from cornu.layers.shapes import Shape, Size
from cornu.ops.window import transpose_output_size


class BaseConvTranspose(WindowedConv):
    """The base of the transposed convolutions, which differ in the number of spatial axes."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = arguments.whole(self, "filters", filters)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_finish(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.output_padding = (
            None if output_padding is None else arguments.sizes(self, "output_padding", output_padding, self.rank, least=0)
        )
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def _built_channels(self) -> Size:
        return self.kernel.shape[-1] if self.built else None

    def build(self, input_shape: Shape) -> None:
        """Makes kernel and bias."""
        channels = self._check_input(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, self.filters, channels),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        """``activation(conv_transpose(inputs, kernel) + bias)``."""
        inputs, padding = self._prepare(inputs)
        outputs = ops.conv_transpose(
            inputs, self.kernel, self.strides, padding, self.output_padding, self.data_format, self.dilation_rate
        )
        return self._finish(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The spatial sizes grow by the strides, the channels become ``filters``."""
        self._check_input(input_shape)
        extra = self.output_padding or (None,) * self.rank
        grown = map(
            transpose_output_size,
            (self.padding,) * self.rank,
            shapes.spatial_sizes(input_shape, self.data_format),
            self.kernel_size,
            self.strides,
            self.dilation_rate,
            extra,
        )
        return shapes.join(self.data_format, input_shape[0], grown, self.filters)


class Conv1DTranspose(BaseConvTranspose):
    """A transposed convolution over sequences: ``(batch, steps, channels)`` to ``(batch, more_steps, filters)``.

    The arguments are those of :class:`Conv2DTranspose`, with one number instead of two.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv1DTranspose
        >>> Conv1DTranspose(4, 3, strides=2, padding="same")(np.ones((1, 5, 2))).shape
        (1, 10, 4)
    """

    rank = 1


class Conv2DTranspose(BaseConvTranspose):
    """A transposed convolution over pictures, also called deconvolution: it makes them larger by the strides.

    It is the gradient of :class:`Conv2D` with respect to its input. The weights are ``kernel``, of shape ``(*kernel_size,
    filters, channels)``, and ``bias``.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the window, or one number for both.
        strides: By how much the picture grows.
        padding: ``"same"`` gives ``size * stride``, ``"valid"`` ``(size - 1) * stride + max(kernel_size, stride)``.
        output_padding: How much to add to the least size of the output; None chooses it as said above.
        data_format: ``"channels_last"`` or ``"channels_first"``; default ``config.image_data_format()``.
        dilation_rate: Distance between the places of the window.
        activation: Name or function that is applied at the end; None is none.
        use_bias: Whether a bias is added, one number a filter.
        kernel_initializer: First value of the kernel.
        bias_initializer: First value of the bias.
        kernel_regularizer: Penalty on the kernel.
        bias_regularizer: Penalty on the bias.
        activity_regularizer: Penalty on the output.
        kernel_constraint: What the kernel is brought to after each update.
        bias_constraint: What the bias is brought to after each update.
        **kwargs: ``name``, ``trainable`` and ``dtype`` (see :class:`Layer`).

    Raises:
        InvalidArgumentError: A number is not positive, or the padding has an unknown name.
        ShapeError: When called: the picture has other channels than the layer was built for.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv2DTranspose
        >>> Conv2DTranspose(8, 3, strides=2, padding="same")(np.ones((1, 7, 7, 4))).shape
        (1, 14, 14, 8)
    """

    rank = 2


class Conv3DTranspose(BaseConvTranspose):
    """A transposed convolution over volumes: ``(batch, depth, height, width, channels)``, which grow by the strides.

    The arguments are those of :class:`Conv2DTranspose`, with three numbers instead of two; ``data_format`` stands
    before ``output_padding``, as in Keras.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv3DTranspose
        >>> Conv3DTranspose(1, 2, strides=2)(np.ones((1, 2, 2, 2, 1))).shape
        (1, 4, 4, 4, 1)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )


Convolution1DTranspose, Convolution2DTranspose, Convolution3DTranspose = Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
