"""Convolutions in one, two and three dimensions."""

from cornu import registry
from cornu.layers.convolution.base_conv import BaseConv

__all__ = ["Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D"]


@registry.register("layers", aliases=("Convolution1D",))
class Conv1D(BaseConv):
    """1D convolution layer, for sequences.

    The formula is that of :class:`Conv2D` with one spatial axis. The arguments are those of :class:`Conv2D` with one integer
    instead of two. ``padding`` may also be ``"causal"``: zeros are added before the first time step only, so that the output
    does not depend on later inputs and, with ``strides=1``, has the length of the input.

    Input shape: ``(batch, steps, channels)``. Output shape: ``(batch, new_steps, filters)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv1D
        >>> Conv1D(8, 3, padding="causal")(np.ones((1, 10, 2))).shape
        (1, 10, 8)
    """

    rank = 1


@registry.register("layers", aliases=("Convolution2D",))
class Conv2D(BaseConv):
    """2D convolution layer, for images.

    With ``strides`` s and ``dilation_rate`` d, without padding and with ``groups=1``, the layer computes for each output
    position (i, j) and filter f::

        y[i, j, f] = activation(bias[f] + sum over (m, n, c) of x[i * s + m * d, j * s + n * d, c] * kernel[m, n, c, f])

    As is usual in deep learning, this is a cross-correlation: the kernel is not flipped. The weights are ``kernel``, of shape
    ``(*kernel_size, channels / groups, filters)``, and ``bias``, of shape ``(filters,)``.

    Input shape: ``(batch, height, width, channels)``. Output shape: ``(batch, new_height, new_width, filters)``. With
    ``data_format="channels_first"``, the channel axis is axis 1.

    Source: LeCun et al., 1998, Gradient-Based Learning Applied to Document Recognition.

    Args:
        filters: Positive integer, the number of output channels.
        kernel_size: Integer or tuple of 2 integers, the height and width of the kernel.
        strides: Integer or tuple of integers, the step of the window along each spatial axis. Defaults to 1.
        padding: ``"valid"`` (no padding) or ``"same"`` (pad with zeros so that the output has the size of the input divided by
            the strides, rounded up). Defaults to ``"valid"``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.
        dilation_rate: Integer or tuple of integers, the spacing between kernel elements along each spatial axis. Defaults to 1.
        groups: Positive integer, the number of groups into which the input channels and the filters are split; each group is
            convolved separately. Defaults to 1.
        activation: Activation function, as a name or a callable. Defaults to None (linear).
        use_bias: Whether the layer adds a bias vector, with one value per filter. Defaults to True.
        kernel_initializer: Initializer for the kernel weights. Defaults to ``"glorot_uniform"``.
        bias_initializer: Initializer for the bias vector. Defaults to ``"zeros"``.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        activity_regularizer: Regularizer applied to the output of the layer. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        **kwargs: ``lora_rank`` and ``lora_alpha``, to adapt the kernel (see :meth:`enable_lora`), and arguments of the base
            class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, or ``padding`` is unknown.
        ShapeError: If, when called, the number of input channels differs from the one the layer was built with, or the input is
            smaller than the kernel.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv2D
        >>> layer = Conv2D(10, 3, padding="same")
        >>> layer(np.ones((1, 28, 28, 1))).shape
        (1, 28, 28, 10)
        >>> layer.count_params()
        100
    """

    rank = 2


@registry.register("layers", aliases=("Convolution3D",))
class Conv3D(BaseConv):
    """3D convolution layer, for volumes.

    The formula is that of :class:`Conv2D` with three spatial axes. The arguments are those of :class:`Conv2D` with three
    integers instead of two.

    Input shape: ``(batch, depth, height, width, channels)``. Output shape:
    ``(batch, new_depth, new_height, new_width, filters)``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv3D
        >>> Conv3D(2, 3)(np.ones((1, 5, 5, 5, 1))).shape
        (1, 3, 3, 3, 2)
    """

    rank = 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
