"""Transposed convolution layers, which upsample their input."""

from typing import Any

from cornu import ops, registry, validation
from cornu.layers import shape_arithmetic
from cornu.layers.convolution.base_conv import WindowedConv
from cornu.layers.weight_arguments import add_described_weight, store_weight_arguments
from cornu.ops.nn.windows import transpose_output_size
from cornu.serialization import with_signature
from cornu.typing import Activation, Array, Constraint, Initializer, IntOrInts, Regularizer, Shape, Size

__all__ = [
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "Convolution1DTranspose",
    "Convolution2DTranspose",
    "Convolution3DTranspose",
]


class BaseConvTranspose(WindowedConv):
    """Base class of the transposed convolution layers, which differ in the number of spatial axes."""

    def __init__(
        self,
        filters: int,
        kernel_size: IntOrInts,
        strides: IntOrInts = 1,
        padding: str = "valid",
        output_padding: IntOrInts | None = None,
        data_format: str | None = None,
        dilation_rate: IntOrInts = 1,
        activation: Activation = None,
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        bias_initializer: Initializer = "zeros",
        kernel_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        activity_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        **kwargs: Any,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = validation.check_int(self, "filters", filters)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.activation, self.use_bias = activation, use_bias
        store_weight_arguments(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        store_weight_arguments(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.output_padding = (
            None
            if output_padding is None
            else validation.check_ints(self, "output_padding", output_padding, self.rank, least=0)
        )

    def _built_channels(self) -> Size:
        return self.kernel.shape[-1] if self.built else None

    def build(self, input_shape: Shape) -> None:
        """Create the kernel and the bias."""
        channels = self._check_input(input_shape)
        self.kernel = add_described_weight(self, "kernel", (*self.kernel_size, self.filters, channels))
        self._add_bias(self.filters)

    def call(self, inputs: Array) -> Any:
        """Return ``activation(conv_transpose(inputs, kernel) + bias)``."""
        inputs, padding = self._prepare(inputs)
        outputs = ops.conv_transpose(
            inputs, self.kernel, self.strides, padding, self.output_padding, self.data_format, self.dilation_rate
        )
        return self._finish(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape: spatial sizes upsampled by the strides, and ``filters`` channels."""
        self._check_input(input_shape)
        extra = self.output_padding or (None,) * self.rank
        grown = map(
            transpose_output_size,
            (self.padding,) * self.rank,
            shape_arithmetic.spatial_sizes(input_shape, self.data_format),
            self.kernel_size,
            self.strides,
            self.dilation_rate,
            extra,
        )
        return shape_arithmetic.make_shape(self.data_format, input_shape[0], grown, self.filters)


@registry.register("layers", aliases=("Convolution1DTranspose",))
class Conv1DTranspose(BaseConvTranspose):
    """1D transposed convolution layer, for sequences.

    The arguments are those of :class:`Conv2DTranspose` with one integer instead of two.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, new_steps, filters)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv1DTranspose
        >>> Conv1DTranspose(4, 3, strides=2, padding="same")(np.ones((1, 5, 2))).shape
        (1, 10, 4)
    """

    rank = 1


@registry.register("layers", aliases=("Convolution2DTranspose",))
class Conv2DTranspose(BaseConvTranspose):
    """2D transposed convolution layer (also called deconvolution), which upsamples images by the strides.

    The layer computes::

        y = activation(conv_transpose(x, kernel) + bias)

    where ``conv_transpose`` is the gradient of the convolution of :class:`Conv2D` with respect to its input: each input
    value is multiplied by the kernel and added to the output at the positions ``i * strides + m * dilation_rate`` (for
    ``padding="valid"``). The weights are ``kernel``, of shape ``(*kernel_size, filters, channels)``, and ``bias``.

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, new_height, new_width, filters)``.

    Source: Dumoulin and Visin, 2016, A guide to convolution arithmetic for deep learning, https://arxiv.org/abs/1603.07285

    Args:
        filters: Positive integer, the number of output channels.
        kernel_size: Integer or tuple of 2 integers, the height and width of the kernel.
        strides: Integer or tuple of integers, the upsampling factor along each spatial axis. Defaults to 1.
        padding: ``"valid"``, for an output size of ``(size - 1) * stride + max(kernel_size, stride)``, or ``"same"``, for
            ``size * stride``. Defaults to ``"valid"``.
        output_padding: Integer or tuple of integers added to the smallest possible output size along each spatial axis.
            Defaults to None, for the output size described under ``padding``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        dilation_rate: Integer or tuple of integers, the spacing between kernel elements along each spatial axis. Defaults to 1.
        activation: Activation function, as a name or a callable. Defaults to None (linear).
        use_bias: Whether the layer adds a bias vector, with one value per filter. Defaults to True.
        kernel_initializer: Initializer for the kernel weights. Defaults to ``"glorot_uniform"``.
        bias_initializer: Initializer for the bias vector. Defaults to ``"zeros"``.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        activity_regularizer: Regularizer applied to the output of the layer. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, or ``padding`` is unknown.
        ShapeError: If, when called, the number of input channels differs from the one the layer was built with.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv2DTranspose
        >>> Conv2DTranspose(8, 3, strides=2, padding="same")(np.ones((1, 7, 7, 4))).shape
        (1, 14, 14, 8)
    """

    rank = 2


@registry.register("layers", aliases=("Convolution3DTranspose",))
class Conv3DTranspose(BaseConvTranspose):
    """3D transposed convolution layer, which upsamples volumes by the strides.

    The arguments are those of :class:`Conv2DTranspose` with three integers instead of two; as in Keras, ``data_format``
    precedes ``output_padding``.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape:
    ``(batch, new_depth, new_height, new_width, filters)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv3DTranspose
        >>> Conv3DTranspose(1, 2, strides=2)(np.ones((1, 2, 2, 2, 1))).shape
        (1, 4, 4, 4, 1)
    """

    rank = 3

    @with_signature(
        "filters kernel_size strides padding data_format output_padding dilation_rate activation use_bias kernel_initializer "
        "bias_initializer kernel_regularizer bias_regularizer activity_regularizer kernel_constraint bias_constraint",
        BaseConvTranspose,
    )
    def __init__(self, filters: int, kernel_size: IntOrInts, **kwargs: Any):
        super().__init__(filters=filters, kernel_size=kernel_size, **kwargs)


Convolution1DTranspose, Convolution2DTranspose, Convolution3DTranspose = Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
