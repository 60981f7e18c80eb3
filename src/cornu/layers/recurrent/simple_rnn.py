"""The fully connected recurrent layer and its cell."""

from typing import Unpack

from cornu import registry, validation
from cornu.core.input_spec import InputSpec
from cornu.layers.recurrent.cell import CellArguments, RecurrentCell, State
from cornu.layers.recurrent.rnn import RNN, RNNArguments
from cornu.layers.recurrent.single_cell_rnn import SingleCellRNN, split_arguments
from cornu.serialization import with_signature
from cornu.typing import Array

__all__ = ["SimpleRNN", "SimpleRNNCell"]


@registry.register("layers")
class SimpleRNNCell(RecurrentCell):
    """Cell of :class:`SimpleRNN`.

    The cell computes::

        h = activation(inputs @ kernel + bias + h @ recurrent_kernel)

    Source: Elman, 1990, Finding Structure in Time.

    Args:
        units: Positive integer, dimensionality of the state and of the output.
        activation: Activation function, as a name or a callable. None is linear. Defaults to ``"tanh"``.
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        kernel_initializer: Initializer for ``kernel``, of shape ``(features, units)``. Defaults to ``"glorot_uniform"``.
        recurrent_initializer: Initializer for ``recurrent_kernel``, of shape ``(units, units)``. Defaults to
            ``"orthogonal"``.
        bias_initializer: Initializer for ``bias``, of shape ``(units,)``. Defaults to ``"zeros"``.
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
        seed: Integer seed of the dropout. Defaults to a seed drawn from the global generator.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``units`` is not a positive integer, or a dropout is not in [0, 1).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import SimpleRNNCell
        >>> output, states = SimpleRNNCell(4)(np.ones((2, 3)), [np.zeros((2, 4))])
        >>> output.shape, len(states)
        ((2, 4), 1)
    """

    _reads_only_products = True

    def advance(self, outer: Array, inner: Array, states: State) -> State:
        """Return ``[h]`` after one time step."""
        return [self.activation(outer + inner)]


class SimpleRNNArguments(CellArguments, RNNArguments, total=False):
    """The arguments of :class:`SimpleRNN` after ``units``."""


@registry.register("layers")
class SimpleRNN(SingleCellRNN):
    """Fully connected recurrent layer, whose output is its state.

    At each time step the layer computes::

        h = activation(x @ kernel + bias + h @ recurrent_kernel)

    Input shape: ``(batch, steps, features)``. Output shape: ``(batch, units)``, or ``(batch, steps, units)`` with
    ``return_sequences``.

    Source: Elman, 1990, Finding Structure in Time.

    Args:
        units: Positive integer, dimensionality of the state and of the output.
        activation: Activation function, as a name or a callable. None is linear. Defaults to ``"tanh"``.
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        kernel_initializer: Initializer for ``kernel``, of shape ``(features, units)``. Defaults to ``"glorot_uniform"``.
        recurrent_initializer: Initializer for ``recurrent_kernel``, of shape ``(units, units)``. Defaults to
            ``"orthogonal"``.
        bias_initializer: Initializer for ``bias``, of shape ``(units,)``. Defaults to ``"zeros"``.
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
        return_sequences: Whether to return the outputs of all time steps instead of the last one. Defaults to False.
        return_state: Whether to also return the last state, as ``(outputs, h)``. Defaults to False.
        go_backwards: Whether to process the sequence from the last time step to the first. Defaults to False.
        stateful: Whether the last state of each batch is the initial state of the next batch. Defaults to False.
        unroll: Whether to unroll the loop over the time steps. Defaults to False.
        seed: Integer seed of the dropout. Defaults to a seed drawn from the global generator.
        **kwargs: ``zero_output_for_mask`` (see :class:`RNN`), and arguments of the base class :class:`Layer`, such as ``name``,
            ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If ``units`` is not a positive integer, or a dropout is not in [0, 1).
        ShapeError: If, when called, the inputs or states have a wrong shape (see :class:`RNN`).

    Example:
        >>> import numpy as np
        >>> from cornu.layers import SimpleRNN
        >>> SimpleRNN(4)(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    _constructor_is_config = True

    @property
    def cornu_input_spec(self) -> list[InputSpec]:  # type: ignore[override]
        """Batch, steps and features, in a list as in Keras."""
        return [InputSpec(ndim=3)]

    @with_signature(
        "units activation use_bias kernel_initializer recurrent_initializer bias_initializer "
        "kernel_regularizer recurrent_regularizer bias_regularizer activity_regularizer "
        "kernel_constraint recurrent_constraint bias_constraint dropout recurrent_dropout "
        "return_sequences return_state go_backwards stateful unroll seed",
        SimpleRNNCell,
        RNN,
    )
    def __init__(self, units: int, **kwargs: Unpack[SimpleRNNArguments]):
        of_cell, of_layer = split_arguments(SimpleRNNCell, "simple_rnn_cell", kwargs)
        super().__init__(SimpleRNNCell(validation.check_int(self, "units", units), **of_cell), **of_layer)
