"""Convolutions over sequences, pictures and volumes."""

from typing import Any

from cornu import activations, config, constraints, initializers, ops, regularizers
from cornu.core.layer import Layer
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError
from cornu.layers import arguments, shapes
from cornu.layers.shapes import Shape, Size
from cornu.ops.window import standardize_padding


class WindowedConv(Layer):
    """The base of all convolutions: the window they move, and the bias and activation at the end.

    Attributes:
        rank: Number of spatial axes.
    """

    rank = 2
    kernel: Variable
    cornu_input_value_range = (-1.0, 1.0)

    @property
    def cornu_channel_axis(self) -> int:  # type: ignore[override]
        """The axis of the channels."""
        return shapes.channel_axis(self.data_format)

    @property
    def cornu_output_activation(self) -> Any:
        """The activation."""
        return self.activation

    def _set_window(self, kernel_size: Any, strides: Any, padding: Any, data_format: Any, dilation_rate: Any) -> None:
        self.kernel_size = arguments.sizes(self, "kernel_size", kernel_size, self.rank)
        self.strides = arguments.sizes(self, "strides", strides, self.rank)
        self.padding = standardize_padding(padding, causal=self._allows_causal())
        self.data_format = config.standardize_data_format(data_format)
        self.dilation_rate = arguments.sizes(self, "dilation_rate", dilation_rate, self.rank)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise InvalidArgumentError(
                f"`{type(self).__name__}` was given `strides={self.strides}` and `dilation_rate={self.dilation_rate}`.",
                "Only one of the two may be larger than 1.",
                "Leave one of them out.",
            )

    def _set_finish(self, activation: Any, use_bias: bool, initializer: Any, regularizer: Any, constraint: Any) -> None:
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(initializer)
        self.bias_regularizer = regularizers.get(regularizer)
        self.bias_constraint = constraints.get(constraint)
        self.batch_coupling = arguments.coupling_of(self.activation)

    def _allows_causal(self) -> bool:
        return False

    def _add_bias(self, filters: int) -> None:
        if self.use_bias:
            self.bias = self.add_weight(
                (filters,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _prepare(self, inputs: Any) -> tuple[Any, str]:
        """The inputs as floats, and the padding that is left to do: causal padding is done here."""
        inputs = ops.cast(inputs, self.compute_dtype)
        if self.padding != "causal":
            return inputs, self.padding
        before = (self.kernel_size[0] - 1) * self.dilation_rate[0]
        return ops.pad(inputs, shapes.join(self.data_format, (0, 0), [(before, 0)], (0, 0))), "valid"

    def _finish(self, outputs: Any) -> Any:
        if self.use_bias:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (-1, *(1,) * self.rank))
            outputs = outputs + bias
        return self.activation(outputs)

    def _built_channels(self) -> Size:
        """The channels that the weights are made for, or None if there are none yet."""
        return self.kernel.shape[-2] if self.built else None

    def _check_input(self, input_shape: Shape) -> int:
        """The number of channels, if the shape is one that the layer can take."""
        shapes.check_rank(self, input_shape, shapes.picture_names(self.rank, self.data_format))
        axis = shapes.channel_axis(self.data_format)
        return shapes.check_size(self, input_shape, axis, self._built_channels(), "channels")

    def _output_shape(self, input_shape: Shape, filters: int) -> Shape:
        spatial = shapes.spatial_sizes(input_shape, self.data_format)
        spatial = shapes.after_window(self, spatial, self.kernel_size, self.strides, self.padding, self.dilation_rate)
        return shapes.join(self.data_format, input_shape[0], spatial, filters)


class BaseConv(WindowedConv):
    """The base of :class:`Conv1D`, :class:`Conv2D` and :class:`Conv3D`, which differ in the number of spatial axes."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        self.groups = arguments.whole(self, "groups", groups)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._set_finish(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self._check_groups("filters", self.filters)

    def _allows_causal(self) -> bool:
        return self.rank == 1

    def _check_groups(self, what: str, count: int) -> None:
        if count % self.groups:
            raise InvalidArgumentError(
                f"`{type(self).__name__}` with `groups={self.groups}` has {count} {what}.",
                f"The {what} must divide evenly among the groups.",
                f"Choose `groups` so that it divides {count}.",
            )

    def _built_channels(self) -> Size:
        return self.kernel.shape[-2] * self.groups if self.built else None

    def build(self, input_shape: Shape) -> None:
        """Makes kernel and bias."""
        channels = self._check_input(input_shape)
        self._check_groups("channels in its input", channels)
        self.compute_output_shape(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs: Any) -> Any:
        """``activation(conv(inputs, kernel) + bias)``."""
        inputs, padding = self._prepare(inputs)
        outputs = ops.conv(inputs, self.kernel, self.strides, padding, self.data_format, self.dilation_rate)
        return self._finish(outputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The spatial sizes become the number of places of the window, the channels ``filters``."""
        self._check_input(input_shape)
        return self._output_shape(input_shape, self.filters)


class Conv1D(BaseConv):
    """A convolution over sequences: ``(batch, steps, channels)`` to ``(batch, new_steps, filters)``.

    The arguments are those of :class:`Conv2D`, with one number instead of two. ``padding`` may also be ``"causal"``: as much as
    makes the output as long as the input, all of it before the first step, so that no output sees a later input.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv1D
        >>> Conv1D(8, 3, padding="causal")(np.ones((1, 10, 2))).shape
        (1, 10, 8)
    """

    rank = 1


class Conv2D(BaseConv):
    """A convolution over pictures: ``(batch, height, width, channels)`` to ``(batch, new_height, new_width, filters)``.

    A window of weights, one for each filter, moves over the picture; at each place the sum of the products of weights and
    picture is the output. The weights are ``kernel``, of shape ``(*kernel_size, channels / groups, filters)``, and ``bias``.

    Args:
        filters: Number of output channels.
        kernel_size: Height and width of the window, or one number for both.
        strides: By how many places the window moves.
        padding: ``"valid"`` for none, ``"same"`` for as many zeros around as make the output as large as the input.
        data_format: ``"channels_last"`` or ``"channels_first"``; default ``config.image_data_format()``.
        dilation_rate: Distance between the places of the window.
        groups: Into how many groups input channels and filters are split, each convolved by itself.
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
        ShapeError: When called: the picture has other channels than the layer was built for, or is smaller than the window.

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


class Conv3D(BaseConv):
    """A convolution over volumes: ``(batch, depth, height, width, channels)`` to the same with ``filters`` channels.

    The arguments are those of :class:`Conv2D`, with three numbers instead of two.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import Conv3D
        >>> Conv3D(2, 3)(np.ones((1, 5, 5, 5, 1))).shape
        (1, 3, 3, 3, 2)
    """

    rank = 3


Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
