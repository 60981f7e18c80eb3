"""Long short-term memory with convolutions, for sequences of images."""

from collections.abc import Sequence
from typing import Any, Unpack

from cornu import ops, registry
from cornu.core.input_spec import InputSpec
from cornu.layers import shape_arithmetic
from cornu.layers.recurrent.cell import ImageSize, State, state_shape, times
from cornu.layers.recurrent.lstm import LSTMArguments, LSTMCell
from cornu.layers.recurrent.rnn import RNN
from cornu.layers.recurrent.single_cell_rnn import CellAttribute, SingleCellRNN, split_arguments
from cornu.layers.window_arguments import WindowArguments
from cornu.serialization import with_signature
from cornu.typing import Array, IntOrInts, Shape, Size
from cornu.validation import check_int

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]


class ConvLSTMCell(WindowArguments, LSTMCell):
    """Cell of :class:`ConvLSTM2D`, with the states ``[h, c]``.

    Args:
        shape: The number of spatial axes, the number of channels of the states, and the arguments ``kernel_size``, ``strides``,
            ``padding``, ``data_format`` and ``dilation_rate`` of :class:`ConvLSTM2D`.
        **kwargs: Arguments of :class:`LSTMCell`.
    """

    def __init__(self, shape: tuple[int, int, IntOrInts, IntOrInts, str, str | None, IntOrInts], **kwargs: Any):
        super().__init__(shape[1], **kwargs)
        self.rank, self.filters = shape[:2]
        self._set_window(*shape[2:])
        self.gate_axis = shape_arithmetic.channel_axis(self.data_format)

    def build(self, input_shape: Shape) -> None:
        """Create the weights for images of known size, which the states have too."""
        size = ImageSize(self.compute_output_shape(input_shape)[0][1:])
        self.state_size, self.output_size = [size, size], size  # type: ignore[assignment]
        super().build(input_shape)

    def _kernel_shapes(self, input_shape: Shape) -> tuple[tuple[Size, ...], tuple[Size, ...]]:
        columns = self.gates * self.filters
        return (*self.kernel_size, input_shape[self.gate_axis], columns), (*self.kernel_size, self.filters, columns)

    @property
    def features(self) -> int | None:
        """Number of input channels the cell was built with; None before."""
        return self.kernel.shape[-2] if self.built else None

    def draw_dropout(self, inputs: Array, training: bool | None) -> tuple[Any, Any]:
        """Return None and the dropout factors of inputs and state, of which each gate has its own, as in Keras."""
        if not training:
            return None, None
        state = ops.zeros(state_shape(ops.shape(inputs)[0], self.output_size), inputs.dtype)
        return None, [self._factors(rate, like) for rate, like in ((self.dropout, inputs), (self.recurrent_dropout, state))]

    def _factors(self, rate: float, like: Array, columns: int = 1) -> Any:
        return super()._factors(rate, self._for_each_gate(like), columns)

    def _for_each_gate(self, x: Array) -> Any:
        return ops.concatenate([x] * self.gates, axis=self.gate_axis)

    def step(self, inputs: Array, states: State, kept: list | None = None) -> State:
        """Return the states after one time step."""
        of_inputs, of_state = kept or (None, None)
        outer = self._convolved(inputs, self.kernel, of_inputs, self.strides, self.padding, self.dilation_rate)
        if self.bias is not None:
            outer = outer + ops.reshape(self.bias, shape_arithmetic.make_shape(self.data_format, 1, (1,) * self.rank, -1))
        return self.advance(outer, self._convolved(states[0], self.recurrent_kernel, of_state, 1, "same", 1), states)

    def _convolved(
        self, x: Array, kernel: Array, kept: Array | None, strides: IntOrInts, padding: str, dilation_rate: IntOrInts
    ) -> Any:
        """Return the convolution with the kernels of all gates; with dropout, each gate has its group of input channels."""
        x = x if kept is None else times(self._for_each_gate(x), kept)
        return ops.conv(x, kernel, strides, padding, self.data_format, dilation_rate)

    def compute_output_shape(self, input_shape: Shape, states_shape: Shape | Sequence[Shape] | None = None) -> tuple:
        """Return the shape of the output, and the shapes of the states."""
        shape_arithmetic.check_rank(self, input_shape, shape_arithmetic.axis_names(self.rank, self.data_format))
        shape_arithmetic.check_size(self, input_shape, self.gate_axis, self.features, "channels")
        spatial = shape_arithmetic.spatial_sizes(input_shape, self.data_format)
        if None in spatial:
            expected = "The spatial sizes must be known: the states are images of these sizes."
            raise shape_arithmetic.shape_error(self, input_shape, expected, "Specify them in the `Input` of the model.")
        sizes = shape_arithmetic.conv_output_shape(
            self, spatial, self.kernel_size, self.strides, self.padding, self.dilation_rate
        )
        shape = shape_arithmetic.make_shape(self.data_format, input_shape[0], sizes, self.filters)
        return shape, [shape, shape]


class ConvLSTM(SingleCellRNN):
    """Base class of :class:`ConvLSTM1D`, :class:`ConvLSTM2D` and :class:`ConvLSTM3D`, which differ in the number of axes."""

    cell: ConvLSTMCell
    rank = 2
    _constructor_is_config = True
    filters = CellAttribute()
    kernel_size = CellAttribute()
    strides = CellAttribute()
    padding = CellAttribute()
    data_format = CellAttribute()
    dilation_rate = CellAttribute()
    unit_forget_bias = CellAttribute()

    @with_signature(
        "filters kernel_size strides padding data_format dilation_rate activation recurrent_activation use_bias "
        "kernel_initializer recurrent_initializer bias_initializer unit_forget_bias "
        "kernel_regularizer recurrent_regularizer bias_regularizer activity_regularizer "
        "kernel_constraint recurrent_constraint bias_constraint dropout recurrent_dropout seed "
        "return_sequences return_state go_backwards stateful",
        LSTMCell,
        RNN,
    )
    def __init__(
        self,
        filters: int,
        kernel_size: IntOrInts,
        strides: IntOrInts = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: IntOrInts = 1,
        **kwargs: Unpack[LSTMArguments],
    ):
        shape = (self.rank, check_int(self, "filters", filters), kernel_size, strides, padding, data_format, dilation_rate)
        of_cell, of_layer = split_arguments(LSTMCell, "conv_lstm_cell", kwargs)
        super().__init__(ConvLSTMCell(shape, **of_cell), **of_layer)

    @property
    def cornu_input_spec(self) -> InputSpec:  # type: ignore[override]
        """Batch, steps, channels and spatial axes."""
        return InputSpec(ndim=self.rank + 3)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of layer and cell, and ``unroll``."""
        return {**super().get_config(), "unroll": self.unroll}

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Sequence[Shape] | None = None) -> Any:
        """Return the output shape; with ``return_state``, a tuple of it and the state shapes."""
        self._check_input(sequences_shape)
        size = ImageSize(self.cell.compute_output_shape((None, *sequences_shape[2:]))[0][1:])
        return self._output_shapes(sequences_shape, size, [[size, size]])

    def _check_input(self, shape: Shape | list[Shape]) -> None:
        if isinstance(shape, list):
            return super()._check_input(shape)
        batch, *names = shape_arithmetic.axis_names(self.rank, self.data_format)
        return shape_arithmetic.check_rank(self, shape, (batch, "time", *names))


@registry.register("layers")
class ConvLSTM1D(ConvLSTM):
    """1D convolutional LSTM layer, for sequences of signals.

    The formula and the arguments are those of :class:`ConvLSTM2D`, with one spatial axis.

    Input shape: ``(batch, time, steps, channels)``. Output shape: ``(batch, new_steps, filters)``, or
    ``(batch, time, new_steps, filters)`` with ``return_sequences``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ConvLSTM1D
        >>> ConvLSTM1D(4, 3)(np.ones((2, 5, 8, 1))).shape
        (2, 6, 4)
    """

    rank = 1


@registry.register("layers")
class ConvLSTM2D(ConvLSTM):
    """2D convolutional LSTM layer, for sequences of images such as videos.

    It is an :class:`LSTM` whose matrix products are convolutions. At each time step, with activations
    ``recurrent_activation`` (sigmoid) and ``activation`` (tanh), the layer computes::

        i, f, g, o = split(conv(x, kernel) + bias + conv(h, recurrent_kernel), 4)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)

    The convolution of ``h`` has stride 1, no dilation and the padding ``"same"``. The weights are ``kernel``, of shape
    ``(*kernel_size, channels, 4 * filters)``, ``recurrent_kernel``, of shape ``(*kernel_size, filters, 4 * filters)``, and
    ``bias``, of shape ``(4 * filters,)``.

    Input shape: ``(batch, time, height, width, channels)``. Output shape: ``(batch, new_height, new_width, filters)``, or
    ``(batch, time, new_height, new_width, filters)`` with ``return_sequences``. With ``data_format="channels_first"``, the
    channels follow the time.

    Source: Shi et al., 2015, Convolutional LSTM Network, https://arxiv.org/abs/1506.04214 (without its peephole connections)

    Args:
        filters: Positive integer, the number of channels of the hidden state, the cell state and the output.
        kernel_size: Integer or tuple of 2 integers, the height and width of the kernels.
        strides: Integer or tuple of integers, the step of the window over the inputs. Defaults to 1.
        padding: ``"valid"`` or ``"same"``, the padding of the inputs (see :class:`Conv2D`). Defaults to ``"valid"``.
        data_format: ``"channels_last"`` or ``"channels_first"``. Defaults to ``config.image_data_format()``.
        dilation_rate: Integer or tuple of integers, the spacing between kernel elements over the inputs. Defaults to 1.
        activation: Activation function of the candidate and of the output, as a name or a callable. None is linear. Defaults to
            ``"tanh"``.
        recurrent_activation: Activation function of the gates, as a name or a callable. Defaults to ``"sigmoid"``.
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        kernel_initializer: Initializer for ``kernel``. Defaults to ``"glorot_uniform"``.
        recurrent_initializer: Initializer for ``recurrent_kernel``. Defaults to ``"orthogonal"``.
        bias_initializer: Initializer for ``bias``. Defaults to ``"zeros"``.
        unit_forget_bias: Whether to initialize the bias of the forget gate to 1. Defaults to True.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        recurrent_regularizer: Regularizer applied to the recurrent kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        activity_regularizer: Regularizer applied to the output of the layer. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        recurrent_constraint: Constraint applied to the recurrent kernel weights after each optimizer update. Defaults to
            None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        dropout: Float in [0, 1), the fraction of the inputs to drop during training, the same at all time steps but different
            for each gate. Defaults to 0.
        recurrent_dropout: Float in [0, 1), the fraction of ``h`` to drop during training, likewise. Defaults to 0.
        seed: Integer seed of the dropout. Defaults to a seed drawn from the global generator.
        return_sequences: Whether to return the outputs of all time steps instead of the last one. Defaults to False.
        return_state: Whether to also return the last state, as ``(outputs, h, c)``. Defaults to False.
        go_backwards: Whether to process the sequence from the last time step to the first. Defaults to False.
        stateful: Whether the last state of each batch is the initial state of the next batch. Defaults to False.
        **kwargs: ``unroll`` and ``zero_output_for_mask`` (see :class:`RNN`), and arguments of the base class :class:`Layer`,
            such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, ``padding`` is unknown, or a dropout is not in [0, 1).
        ShapeError: If, when called, the inputs or states have a wrong shape, or the size of the images is unknown.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ConvLSTM2D
        >>> layer = ConvLSTM2D(4, 3, padding="same", return_sequences=True)
        >>> layer(np.ones((2, 5, 8, 8, 1))).shape
        (2, 5, 8, 8, 4)
    """

    rank = 2


@registry.register("layers")
class ConvLSTM3D(ConvLSTM):
    """3D convolutional LSTM layer, for sequences of volumes.

    The formula and the arguments are those of :class:`ConvLSTM2D`, with three spatial axes.

    Input shape: ``(batch, time, depth, height, width, channels)``. Output shape:
    ``(batch, new_depth, new_height, new_width, filters)``, or with ``time`` as second axis with ``return_sequences``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import ConvLSTM3D
        >>> ConvLSTM3D(2, 2)(np.ones((1, 3, 4, 4, 4, 1))).shape
        (1, 3, 3, 3, 2)
    """

    rank = 3
