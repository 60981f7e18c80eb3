"""Base classes of the convolution layers."""

from typing import Any

from cornu import ops, registry, validation
from cornu.core import batch_coupling
from cornu.core.input_spec import InputSpec
from cornu.core.layer_config import owner_of
from cornu.core.soft_property import soft_property
from cornu.errors import InvalidArgumentError
from cornu.layers import shape_arithmetic
from cornu.layers.lora import LowRankAdaptable
from cornu.layers.weight_arguments import KernelAndBias, add_described_weight, store_weight_arguments
from cornu.layers.window_arguments import WindowArguments
from cornu.typing import Activation, Array, Constraint, Initializer, IntOrInts, Regularizer, Shape, Size


class WindowedConv(WindowArguments, KernelAndBias):
    """Base class of all convolution layers: window, bias and activation."""

    filters: int
    cornu_input_value_range = (-1.0, 1.0)

    @property
    def cornu_channel_axis(self) -> int:  # type: ignore[override]
        """The axis of the channels."""
        return shape_arithmetic.channel_axis(self.data_format)

    @property
    def cornu_input_spec(self) -> InputSpec:  # type: ignore[override]
        """Batch, channels and spatial axes, with the channels of the kernel; Keras shows the rank as the least one."""
        axes = {self.cornu_channel_axis: self._built_channels()} if self.built else None
        return InputSpec(min_ndim=self.rank + 2, axes=axes)

    def _prepare(self, inputs: Array) -> tuple[Any, str]:
        """Return the inputs as floats and the remaining padding mode; causal padding is applied here."""
        inputs = ops.cast(inputs, self.compute_dtype)
        if self.padding != "causal":
            return inputs, self.padding
        before = (self.kernel_size[0] - 1) * self.dilation_rate[0]
        return ops.pad(inputs, shape_arithmetic.make_shape(self.data_format, (0, 0), [(before, 0)], (0, 0))), "valid"

    def _finish(self, outputs: Array) -> Any:
        bias = self.bias
        if bias is not None:
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (-1, *(1,) * self.rank))
            outputs = outputs + bias
        return self.activation(outputs)

    def _built_channels(self) -> Size:
        """Return the number of input channels that the weights have, or None before they are created."""
        return self.kernel.shape[-2] if self.built else None

    def _check_input(self, input_shape: Shape) -> int:
        """Validate the input shape and return its number of channels."""
        shape_arithmetic.check_rank(self, input_shape, shape_arithmetic.axis_names(self.rank, self.data_format))
        axis = shape_arithmetic.channel_axis(self.data_format)
        return shape_arithmetic.check_size(self, input_shape, axis, self._built_channels(), "channels")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape: spatial sizes equal to the number of window positions, and ``filters`` channels."""
        self._check_input(input_shape)
        return self._output_shape(input_shape, self.filters)

    def _output_shape(self, input_shape: Shape, filters: int) -> Shape:
        spatial = shape_arithmetic.spatial_sizes(input_shape, self.data_format)
        spatial = shape_arithmetic.conv_output_shape(
            self, spatial, self.kernel_size, self.strides, self.padding, self.dilation_rate
        )
        return shape_arithmetic.make_shape(self.data_format, input_shape[0], spatial, filters)


class BaseConv(LowRankAdaptable, WindowedConv):
    """Base class of :class:`Conv1D`, :class:`Conv2D` and :class:`Conv3D`, which differ in the number of spatial axes."""

    def __init__(
        self,
        filters: int,
        kernel_size: IntOrInts,
        strides: IntOrInts = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: IntOrInts = 1,
        groups: int = 1,
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
        lora = kwargs.pop("lora_rank", None), kwargs.pop("lora_alpha", None)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = validation.check_int(self, "filters", filters)
        self.groups = validation.check_int(self, "groups", groups)
        self._set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.activation, self.use_bias = activation, use_bias
        store_weight_arguments(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        store_weight_arguments(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self._check_groups("filters", self.filters)
        self._keep_lora(*lora)

    def _allows_causal(self) -> bool:
        return self.rank == 1

    def _check_groups(self, what: str, count: int) -> None:
        if count % self.groups:
            raise InvalidArgumentError(
                f"`{type(self).__name__}` with `groups={self.groups}` has {count} {what}.",
                f"The {what} must be divisible by the number of groups.",
                f"Choose `groups` so that it divides {count}.",
            )

    def _built_channels(self) -> Size:
        return self.kernel.shape[-2] * self.groups if self.built else None

    def build(self, input_shape: Shape) -> None:
        """Create the kernel and the bias."""
        channels = self._check_input(input_shape)
        self._check_groups("channels in its input", channels)
        self.compute_output_shape(input_shape)
        self.kernel = add_described_weight(self, "kernel", (*self.kernel_size, channels // self.groups, self.filters))
        self._add_bias(self.filters)

    def call(self, inputs: Array) -> Any:
        """Return ``activation(conv(inputs, kernel) + bias)``."""
        return self._finish(self.convolution_op(inputs, self.kernel))

    def convolution_op(self, inputs: Array, kernel: Array) -> Any:
        """Return the convolution of the inputs with a kernel. A subclass may override it, for example to normalize the kernel.

        Args:
            inputs: Array of the shape of the input.
            kernel: Array of the shape of the kernel.
        """
        inputs, padding = self._prepare(inputs)
        return ops.conv(inputs, kernel, self.strides, padding, self.data_format, self.dilation_rate)

    @soft_property
    def batch_coupling(self) -> str:  # type: ignore[override]
        """That of the activation; unknown for a user's :meth:`convolution_op`."""
        is_ours = registry.is_builtin(owner_of(type(self), "convolution_op"))
        return batch_coupling.coupling_of_function(self.activation) if is_ours else "unknown"
