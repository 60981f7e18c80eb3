"""Gated recurrent units: the layer and its cell."""

from typing import Any, Unpack

from cornu import ops, registry, validation
from cornu.core.input_spec import InputSpec
from cornu.layers.recurrent.cell import GatedCell, GatedCellArguments, State, plus, times
from cornu.layers.recurrent.rnn import RNN, RNNArguments
from cornu.layers.recurrent.single_cell_rnn import CellAttribute, SingleCellRNN, split_arguments
from cornu.serialization import with_signature
from cornu.typing import Array

__all__ = ["GRU", "GRUCell"]


@registry.register("layers")
class GRUCell(GatedCell):
    """Cell of :class:`GRU`.

    With activations ``recurrent_activation`` (sigmoid) and ``activation`` (tanh), the cell computes the update gate ``z``, the
    reset gate ``r``, the candidate ``n`` and the new state::

        x_z, x_r, x_n = split(inputs @ kernel + bias[0], 3)
        h_z, h_r, h_n = split(h @ recurrent_kernel + bias[1], 3)
        z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
        n = tanh(x_n + r * h_n)
        h = z * h + (1 - z) * n

    With ``reset_after=False`` there is one bias, added to the first product, and the candidate is
    ``n = tanh(x_n + (r * h) @ recurrent_kernel_n)``.

    Source: Cho et al., 2014, Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation,
    https://arxiv.org/abs/1406.1078 (v1: ``reset_after=True``, v3: ``reset_after=False``).

    Args:
        units: Positive integer, dimensionality of the state and of the output.
        activation: Activation function, as a name or a callable. None is linear. Defaults to ``"tanh"``.
        recurrent_activation: Activation function of the gates, as a name or a callable. Defaults to ``"sigmoid"``.
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        kernel_initializer: Initializer for ``kernel``, of shape ``(features, 3 * units)``. Defaults to ``"glorot_uniform"``.
        recurrent_initializer: Initializer for ``recurrent_kernel``, of shape ``(units, 3 * units)``. Defaults to
            ``"orthogonal"``.
        bias_initializer: Initializer for ``bias``, of shape ``(2, 3 * units)`` (for the inputs and for the state), or
            ``(3 * units,)`` without ``reset_after``. Defaults to ``"zeros"``.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        recurrent_regularizer: Regularizer applied to the recurrent kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        recurrent_constraint: Constraint applied to the recurrent kernel weights after each optimizer update. Defaults to
            None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        dropout: Float in [0, 1), the fraction of the inputs to drop during training. Defaults to 0.
        recurrent_dropout: Float in [0, 1), the fraction of the recurrent state to drop during training, in its product with the
            recurrent kernel. Defaults to 0.
        reset_after: Whether to apply the reset gate after the product with the recurrent kernel instead of before. Defaults to
            True.
        seed: Integer seed of the dropout. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``units`` is not a positive integer, or a dropout is not in [0, 1).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GRUCell
        >>> output, states = GRUCell(4)(np.ones((2, 3)), [np.zeros((2, 4))])
        >>> output.shape, len(states)
        ((2, 4), 1)
    """

    _reads_only_products = True
    gates = 3

    @with_signature(
        "units activation recurrent_activation use_bias kernel_initializer recurrent_initializer bias_initializer "
        "kernel_regularizer recurrent_regularizer bias_regularizer kernel_constraint recurrent_constraint bias_constraint "
        "dropout recurrent_dropout reset_after seed",
        GatedCell,
    )
    def __init__(self, units: int, reset_after: bool = True, **kwargs: Unpack[GatedCellArguments]):
        super().__init__(units, **kwargs)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, self.gates * self.units) if self.reset_after else (self.gates * self.units,)

    def _biases(self) -> tuple[Any, Any]:
        if self.bias is None:
            return None, None
        return (self.bias.value[0], self.bias.value[1]) if self.reset_after else (self.bias.value, None)

    def advance(self, outer: Array, inner: Array, states: State) -> State:
        """Return ``[h]`` after one time step, with the reset gate applied after the matrix product."""
        x_stay, x_reset, x_new = ops.split(outer, self.gates, axis=-1)
        h_stay, h_reset, h_new = ops.split(inner, self.gates, axis=-1)
        candidate = x_new + self.recurrent_activation(x_reset + h_reset) * h_new
        return self._mixed(x_stay + h_stay, candidate, states)

    def step(self, inputs: Array, states: State, kept: Array | None = None) -> State:
        """Return ``[h]`` after one time step."""
        if self.reset_after:
            return super().step(inputs, states, kept)
        looked_at = times(states[0], kept)
        outer = plus(ops.matmul(inputs, self.kernel), self._biases()[0])
        x_stay, x_reset, x_new = ops.split(outer, self.gates, axis=-1)
        h_stay, h_reset = ops.split(ops.matmul(looked_at, self.recurrent_kernel[:, : 2 * self.units]), 2, axis=-1)
        reset = self.recurrent_activation(x_reset + h_reset)
        candidate = x_new + ops.matmul(reset * looked_at, self.recurrent_kernel[:, 2 * self.units :])
        return self._mixed(x_stay + h_stay, candidate, states)

    def _mixed(self, stay: Array, candidate: Array, states: State) -> State:
        stay = self.recurrent_activation(stay)
        return [stay * states[0] + (1 - stay) * self.activation(candidate)]

    def _is_plain(self) -> bool:
        return self.reset_after and super()._is_plain()


class GRUArguments(GatedCellArguments, RNNArguments, total=False):
    """The arguments of :class:`GRU` after ``units``, without those that only the layer has."""

    reset_after: bool


@registry.register("layers")
class GRU(SingleCellRNN):
    """Gated recurrent unit layer.

    At each time step, with activations ``recurrent_activation`` (sigmoid) and ``activation`` (tanh), the layer computes::

        x_z, x_r, x_n = split(x @ kernel + bias[0], 3)
        h_z, h_r, h_n = split(h @ recurrent_kernel + bias[1], 3)
        z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
        h = z * h + (1 - z) * tanh(x_n + r * h_n)

    See :class:`GRUCell` for ``reset_after=False``.

    Input shape: ``(batch, steps, features)``. Output shape: ``(batch, units)``, or ``(batch, steps, units)`` with
    ``return_sequences``.

    Source: Cho et al., 2014, Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine Translation,
    https://arxiv.org/abs/1406.1078

    Args:
        units: Positive integer, dimensionality of the state and of the output.
        activation: Activation function of the candidate state, as a name or a callable. None is linear. Defaults to ``"tanh"``.
        recurrent_activation: Activation function of the gates, as a name or a callable. Defaults to ``"sigmoid"``.
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        kernel_initializer: Initializer for ``kernel``, of shape ``(features, 3 * units)``. Defaults to ``"glorot_uniform"``.
        recurrent_initializer: Initializer for ``recurrent_kernel``, of shape ``(units, 3 * units)``. Defaults to
            ``"orthogonal"``.
        bias_initializer: Initializer for ``bias``, of shape ``(2, 3 * units)``, or ``(3 * units,)`` without ``reset_after``.
            Defaults to ``"zeros"``.
        kernel_regularizer: Regularizer applied to the kernel weights. Defaults to None.
        recurrent_regularizer: Regularizer applied to the recurrent kernel weights. Defaults to None.
        bias_regularizer: Regularizer applied to the bias vector. Defaults to None.
        activity_regularizer: Regularizer applied to the output of the layer. Defaults to None.
        kernel_constraint: Constraint applied to the kernel weights after each optimizer update. Defaults to None.
        recurrent_constraint: Constraint applied to the recurrent kernel weights after each optimizer update. Defaults to
            None.
        bias_constraint: Constraint applied to the bias vector after each optimizer update. Defaults to None.
        dropout: Float in [0, 1), the fraction of the inputs to drop during training, the same at all time steps. Defaults to 0.
        recurrent_dropout: Float in [0, 1), the fraction of the recurrent state to drop during training, the same at all time
            steps. Defaults to 0.
        seed: Integer seed of the dropout. Defaults to a seed drawn from the global generator.
        return_sequences: Whether to return the outputs of all time steps instead of the last one. Defaults to False.
        return_state: Whether to also return the last state, as ``(outputs, h)``. Defaults to False.
        go_backwards: Whether to process the sequence from the last time step to the first. Defaults to False.
        stateful: Whether the last state of each batch is the initial state of the next batch. Defaults to False.
        unroll: Whether to unroll the loop over the time steps. Defaults to False.
        reset_after: Whether to apply the reset gate after the product with the recurrent kernel (as in Keras 2 and 3)
            instead of before (as in Keras 1). Defaults to True.
        use_cudnn: Accepted for compatibility with Keras; ignored.
        **kwargs: ``zero_output_for_mask`` (see :class:`RNN`), and arguments of the base class :class:`Layer`, such as ``name``,
            ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``units`` is not a positive integer, or a dropout is not in [0, 1).
        ShapeError: If, when called, the inputs or states have a wrong shape (see :class:`RNN`).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import GRU
        >>> GRU(4)(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    reset_after = CellAttribute()

    implementation = CellAttribute()

    _constructor_is_config = True
    cornu_input_spec = InputSpec(ndim=3)

    @with_signature(
        "units activation recurrent_activation use_bias kernel_initializer recurrent_initializer bias_initializer "
        "kernel_regularizer recurrent_regularizer bias_regularizer activity_regularizer "
        "kernel_constraint recurrent_constraint bias_constraint dropout recurrent_dropout seed "
        "return_sequences return_state go_backwards stateful unroll reset_after use_cudnn",
        GRUCell,
        RNN,
    )
    def __init__(self, units: int, use_cudnn: bool | str = "auto", **kwargs: Unpack[GRUArguments]):
        of_cell, of_layer = split_arguments(GRUCell, "gru_cell", kwargs)
        super().__init__(GRUCell(validation.check_int(self, "units", units), **of_cell), **of_layer)
        self.use_cudnn = use_cudnn
