"""Long short-term memory: the layer and its cell."""

from typing import Any, Unpack

import numpy as np

from cornu import activations, ops, registry, validation
from cornu.backends import fused_ops
from cornu.core.input_spec import InputSpec
from cornu.layers.recurrent.cell import GatedCell, GatedCellArguments, State, of_one_dtype
from cornu.layers.recurrent.rnn import RNN, RNNArguments
from cornu.layers.recurrent.single_cell_rnn import CellAttribute, SingleCellRNN, split_arguments
from cornu.serialization import with_signature
from cornu.typing import Array, Initializer

__all__ = ["LSTM", "LSTMCell"]


@registry.register("layers")
class LSTMCell(GatedCell):
    """Cell of :class:`LSTM`, with the states ``[h, c]``: hidden state (the output) and cell state.

    With activations ``recurrent_activation`` (sigmoid) and ``activation`` (tanh), the cell computes::

        i, f, g, o = split(inputs @ kernel + bias + h @ recurrent_kernel, 4)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)

    Sources: Hochreiter and Schmidhuber, 1997, Long Short-Term Memory; Gers et al., 2000, Learning to Forget (forget gate
    ``f``).

    Args:
        units: Positive integer, dimensionality of the hidden state, the cell state and the output.
        activation: Activation function, as a name or a callable. None is linear. Defaults to ``"tanh"``.
        recurrent_activation: Activation function of the gates, as a name or a callable. Defaults to ``"sigmoid"``.
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        kernel_initializer: Initializer for ``kernel``, of shape ``(features, 4 * units)``. Defaults to ``"glorot_uniform"``.
        recurrent_initializer: Initializer for ``recurrent_kernel``, of shape ``(units, 4 * units)``. Defaults to
            ``"orthogonal"``.
        bias_initializer: Initializer for ``bias``, of shape ``(4 * units,)``. Defaults to ``"zeros"``.
        unit_forget_bias: Whether to initialize the bias of the forget gate to 1 (Jozefowicz et al., 2015). Defaults to True.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        recurrent_regularizer: Regularizer applied to the recurrent kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        recurrent_constraint: Constraint applied to the recurrent kernel weights after each optimizer update. Defaults to
            None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        dropout: Float in [0, 1), the fraction of the inputs to drop during training. Defaults to 0.
        recurrent_dropout: Float in [0, 1), the fraction of ``h`` to drop during training, in its product with the recurrent
            kernel. Defaults to 0.
        seed: Integer seed of the dropout. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``units`` is not a positive integer, or a dropout is not in [0, 1).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import LSTMCell
        >>> output, states = LSTMCell(4)(np.ones((2, 3)), [np.zeros((2, 4)), np.zeros((2, 4))])
        >>> output.shape, len(states)
        ((2, 4), 2)
    """

    _reads_only_products = True
    gates = 4
    gate_axis = -1

    @with_signature(
        "units activation recurrent_activation use_bias kernel_initializer recurrent_initializer bias_initializer "
        "unit_forget_bias kernel_regularizer recurrent_regularizer bias_regularizer kernel_constraint "
        "recurrent_constraint bias_constraint dropout recurrent_dropout seed",
        GatedCell,
    )
    def __init__(self, units: int, unit_forget_bias: bool = True, **kwargs: Unpack[GatedCellArguments]):
        super().__init__(units, **kwargs)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _first_bias(self) -> Initializer:
        return self._bias_with_ones if self.unit_forget_bias else None

    def _bias_with_ones(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        """Return the initial bias of the four gates, with 1 for the forget gate."""
        before, after = self.bias_initializer((self.units,), dtype=dtype), self.bias_initializer((2 * self.units,), dtype=dtype)
        return np.concatenate([before, np.ones((self.units,), before.dtype), after])

    def advance(self, outer: Array, inner: Array, states: State) -> State:
        """Return ``[h, c]`` after one time step."""
        enter, forget, new, leave = ops.split(outer + inner, self.gates, axis=self.gate_axis)
        carry = self.recurrent_activation(forget) * states[1] + self.recurrent_activation(enter) * self.activation(new)
        return [self.recurrent_activation(leave) * self.activation(carry), carry]

    def all_steps(
        self, inputs: Array, states: State, kept: Array | None, valid: Array | None, keep_all: bool
    ) -> tuple[Any, State] | None:
        """Return the result of all time steps, with a fused LSTM kernel if there is one.

        On PyTorch the kernel is three times as fast as the unrolled loop.
        """
        usual = self._activations == (activations.tanh, activations.sigmoid) and self._is_plain()
        quick = fused_ops.find("lstm", inputs) if usual and kept is None and valid is None and inputs.shape[0] else None
        if quick is not None:
            arrays = *states, self.kernel.value, self.recurrent_kernel.value, self._biases()[1]
            if of_one_dtype(inputs, *arrays):
                outputs, *after = quick(inputs, *arrays)
                return outputs if keep_all else after[0], after
        return super().all_steps(inputs, states, kept, valid, keep_all)


class LSTMArguments(GatedCellArguments, RNNArguments, total=False):
    """The arguments of :class:`LSTM` after ``units``, without those that only the layer has."""

    unit_forget_bias: bool


@registry.register("layers")
class LSTM(SingleCellRNN):
    """Long short-term memory layer.

    At each time step, with activations ``recurrent_activation`` (sigmoid) and ``activation`` (tanh), the layer computes::

        i, f, g, o = split(x @ kernel + bias + h @ recurrent_kernel, 4)
        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)

    Input shape: ``(batch, steps, features)``. Output shape: ``(batch, units)``, or ``(batch, steps, units)`` with
    ``return_sequences``.

    Sources: Hochreiter and Schmidhuber, 1997, Long Short-Term Memory; Gers et al., 2000, Learning to Forget (forget gate
    ``f``).

    Args:
        units: Positive integer, dimensionality of the hidden state, the cell state and the output.
        activation: Activation function of the candidate and of the output, as a name or a callable. None is linear. Defaults to
            ``"tanh"``.
        recurrent_activation: Activation function of the gates, as a name or a callable. Defaults to ``"sigmoid"``.
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        kernel_initializer: Initializer for ``kernel``, of shape ``(features, 4 * units)``. Defaults to ``"glorot_uniform"``.
        recurrent_initializer: Initializer for ``recurrent_kernel``, of shape ``(units, 4 * units)``. Defaults to
            ``"orthogonal"``.
        bias_initializer: Initializer for ``bias``, of shape ``(4 * units,)``. Defaults to ``"zeros"``.
        unit_forget_bias: Whether to initialize the bias of the forget gate to 1. Defaults to True.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        recurrent_regularizer: Regularizer applied to the recurrent kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        activity_regularizer: Regularizer applied to the output of the layer. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        recurrent_constraint: Constraint applied to the recurrent kernel weights after each optimizer update. Defaults to
            None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        dropout: Float in [0, 1), the fraction of the inputs to drop during training, the same at all time steps. Defaults to 0.
        recurrent_dropout: Float in [0, 1), the fraction of ``h`` to drop during training, the same at all time steps. Defaults
            to 0.
        seed: Integer seed of the dropout. Defaults to a seed drawn from the global generator.
        return_sequences: Whether to return the outputs of all time steps instead of the last one. Defaults to False.
        return_state: Whether to also return the last state, as ``(outputs, h, c)``. Defaults to False.
        go_backwards: Whether to process the sequence from the last time step to the first. Defaults to False.
        stateful: Whether the last state of each batch is the initial state of the next batch. Defaults to False.
        unroll: Whether to unroll the loop over the time steps. Defaults to False.
        use_cudnn: Accepted for compatibility with Keras; ignored.
        **kwargs: ``zero_output_for_mask`` (see :class:`RNN`), and arguments of the base class :class:`Layer`, such as ``name``,
            ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``units`` is not a positive integer, or a dropout is not in [0, 1).
        ShapeError: If, when called, the inputs or states have a wrong shape (see :class:`RNN`).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import LSTM
        >>> outputs, h, c = LSTM(4, return_sequences=True, return_state=True)(np.ones((2, 5, 3)))
        >>> outputs.shape, c.shape
        ((2, 5, 4), (2, 4))
    """

    unit_forget_bias = CellAttribute()

    implementation = CellAttribute()

    _constructor_is_config = True
    cornu_input_spec = InputSpec(ndim=3)

    @with_signature(
        "units activation recurrent_activation use_bias kernel_initializer recurrent_initializer bias_initializer "
        "unit_forget_bias kernel_regularizer recurrent_regularizer bias_regularizer activity_regularizer "
        "kernel_constraint recurrent_constraint bias_constraint dropout recurrent_dropout seed "
        "return_sequences return_state go_backwards stateful unroll use_cudnn",
        LSTMCell,
        RNN,
    )
    def __init__(self, units: int, use_cudnn: bool | str = "auto", **kwargs: Unpack[LSTMArguments]):
        of_cell, of_layer = split_arguments(LSTMCell, "lstm_cell", kwargs)
        super().__init__(LSTMCell(validation.check_int(self, "units", units), **of_cell), **of_layer)
        self.use_cudnn = use_cudnn
