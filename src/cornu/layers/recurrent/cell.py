"""Recurrent cells, which compute one time step of a recurrent layer, and stacks of cells."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import activations, constraints, initializers, ops, regularizers, validation
from cornu.backends import fused_ops
from cornu.core import batch_coupling
from cornu.core.layer import Layer
from cornu.core.layer_config import owner_of
from cornu.core.layer_placement import backend_of
from cornu.core.seed_generator import SeedGenerator
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.layers import shape_arithmetic
from cornu.layers.shape_arithmetic import Shape

State = list
"""List of the state arrays of a cell; the first one is its output."""


class RecurrentCell(Layer):
    """Base class of the built-in cells. A subclass sets the number of gates and computes the next state in :meth:`advance`.

    A cell must read its weights only in :meth:`_biases` and in the two matrix products of :meth:`step`, since the fused loops
    of the engines use only these. A class declares this with ``_reads_only_products = True`` in its own body; a subclass that
    overrides :meth:`step` or :meth:`advance` must declare it again. A cell for which it holds only for some arguments checks
    them in :meth:`_is_plain`.

    :meth:`step` multiplies the inputs by the kernel at each time step instead of once before the loop: XLA does not vectorize a
    loop that reads from a slice of a larger array, which costs more than the larger product saves (on a CPU, forward and
    backward: 1.4 times slower for 32 features, 1.1 times faster for 512). Where an engine has a faster loop, :meth:`all_steps`
    uses it.
    """

    gates = 1
    """Number of blocks of ``units`` columns in the weights."""

    _reads_only_products = False
    """Whether the class that sets this in its body reads its weights only as described above."""

    units: int
    recurrent_activation: Callable
    """Activation function of the gates, in cells with gates."""

    # --- Arguments ----------------------------------------------------------------------------------------------------

    def _keep(
        self, units: Any, activation: Any, use_bias: bool, dropout: Any, recurrent_dropout: Any, seed: int | None
    ) -> None:
        self.units = validation.whole(self, "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.dropout = _share(self, "dropout", dropout)
        self.recurrent_dropout = _share(self, "recurrent_dropout", recurrent_dropout)
        self.seed = seed
        self._seeds = SeedGenerator(seed)
        self.state_size: int | list[int] = self.units
        self.output_size = self.units

    def _keep_initializers(self, kernel: Any, recurrent: Any, bias: Any) -> None:
        self.kernel_initializer = initializers.get(kernel)
        self.recurrent_initializer = initializers.get(recurrent)
        self.bias_initializer = initializers.get(bias)

    def _keep_regularizers(self, kernel: Any, recurrent: Any, bias: Any) -> None:
        self.kernel_regularizer = regularizers.get(kernel)
        self.recurrent_regularizer = regularizers.get(recurrent)
        self.bias_regularizer = regularizers.get(bias)

    def _keep_constraints(self, kernel: Any, recurrent: Any, bias: Any) -> None:
        self.kernel_constraint = constraints.get(kernel)
        self.recurrent_constraint = constraints.get(recurrent)
        self.bias_constraint = constraints.get(bias)

    @property
    def _activations(self) -> tuple[Callable, Callable]:
        """The activation functions of the candidate and of the gates; for a cell without gates, the same function twice."""
        return self.activation, getattr(self, "recurrent_activation", self.activation)

    @property
    def batch_coupling(self) -> str:  # type: ignore[override]
        """The batch coupling of the activation functions."""
        found = [batch_coupling.coupling_of_function(function) for function in self._activations]
        return next(worst for worst in ("unknown", "masked", "none") if worst in found)

    # --- Weights ------------------------------------------------------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        """Create ``kernel``, ``recurrent_kernel`` and ``bias``."""
        self.compute_output_shape(input_shape)
        self.kernel = self.add_weight(
            (input_shape[-1], self.gates * self.units),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, self.gates * self.units),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                self._bias_shape(),
                self._first_bias(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _first_bias(self) -> Any:
        return self.bias_initializer

    @property
    def features(self) -> int | None:
        """Number of input features the cell was built with; None before."""
        return self.kernel.shape[0] if self.built else None

    # --- One step -----------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> tuple[Any, Any]:
        """Compute one time step.

        Args:
            inputs: Array of shape ``(batch, features)``.
            states: Previous states, a list of arrays of shape ``(batch, units)``; a single state may also be passed as an
                array.
            training: Whether to apply dropout. A new dropout mask is drawn at each call, whereas a layer draws one for all time
                steps. Defaults to False.

        Returns:
            The output, of shape ``(batch, units)``, and the new states in the form of ``states``.
        """
        listed = isinstance(states, (list, tuple))
        inputs = ops.cast(inputs, self.compute_dtype)
        kept_inputs, kept_states = self.draw_dropout(inputs, training)
        after = self.step(times(inputs, kept_inputs), list(states) if listed else [states], kept_states)
        return after[0], after if listed else after[0]

    def draw_dropout(self, inputs: Any, training: bool | None) -> tuple[Any, Any]:
        """Return the dropout factors of inputs ``(batch, features)`` and state ``(batch, units)``; None without dropout.

        They are shared by all gates and by all time steps of a sequence (Gal and Ghahramani, 2016,
        https://arxiv.org/abs/1512.05287).
        """
        if not training:
            return None, None
        return self._factors(self.dropout, inputs), self._factors(self.recurrent_dropout, inputs[:, :1], self.units)

    def _factors(self, rate: float, like: Any, columns: int = 1) -> Any:
        if rate == 0.0:
            return None
        return ops.random.dropout(ops.tile(ops.ones_like(like), (1, columns)), rate, seed=self._seeds.next())

    def step(self, inputs: Any, states: State, kept: Any = None) -> State:
        """Return the states after one time step; the first one is the output.

        Args:
            inputs: Array of shape ``(batch, features)``, multiplied by the dropout factors of :meth:`draw_dropout`.
            states: Previous states.
            kept: Dropout factors of the state from :meth:`draw_dropout`, or None.
        """
        outer = ops.matmul(inputs, self.kernel)
        inner = ops.matmul(times(states[0], kept), self.recurrent_kernel)
        biases = self._biases()
        return self.advance(plus(outer, biases[0]), plus(inner, biases[1]), states)

    def advance(self, outer: Any, inner: Any, states: State) -> State:
        """Return the states after one time step.

        Args:
            outer: Product of the inputs and the kernel, of shape ``(batch, gates * units)``.
            inner: Product of the previous output and the recurrent kernel. The biases are included in the two products.
            states: Previous states.
        """
        raise NotImplementedError

    def _biases(self) -> tuple[Any, Any]:
        """Return the biases added to the products with ``kernel`` and with ``recurrent_kernel``; None for no bias.

        The bias is added to the second product, which is computed inside the loop; adding it to the first would require another
        pass over the products computed before the loop.
        """
        return None, self.bias.value if self.use_bias else None

    def all_steps(self, inputs: Any, states: State, kept: Any, valid: Any, keep_all: bool) -> tuple[Any, State] | None:
        """Return the result of all time steps from a fused implementation of the engine; None if there is none for this cell.

        Args:
            inputs: Array of shape ``(steps, batch, features)``, multiplied by the dropout factors of :meth:`draw_dropout`.
            states: Initial states.
            kept: Dropout factors of the state from :meth:`draw_dropout`, or None.
            valid: Boolean array of shape ``(steps, batch, 1)``, False where the states are kept, or None.
            keep_all: Whether to return the outputs of all time steps instead of the last one.

        Returns:
            The outputs, with the time steps along the first axis, or the last output; and the last states.
        """
        quick = fused_ops.find("recurrence", inputs)
        if quick is None or not inputs.shape[0] or not self._is_plain():
            return None
        kernels, biases = (self.kernel.value, self.recurrent_kernel.value), self._biases()
        if not _of_one_dtype(inputs, *states, *kernels, *biases):
            return None
        return quick(self.advance, inputs, states, kernels, biases, kept, valid, keep_all)

    def _is_plain(self) -> bool:
        """Return whether the step is that of the class that declares how it reads its weights, with built-in activations."""
        own: Any = owner_of(type(self), "_reads_only_products")
        changed = any(getattr(type(self), name) is not getattr(own, name) for name in ("step", "advance"))
        return own._reads_only_products and not changed and all(map(batch_coupling.is_builtin_activation, self._activations))

    def get_initial_state(self, batch_size: int) -> State:
        """Return zeros, one array of shape ``(batch_size, size)`` for each state."""
        return [backend_of(self).full((batch_size, size), 0, self.compute_dtype) for size in sizes_of(self)]

    def compute_output_shape(self, input_shape: Shape, states_shape: Any = None) -> tuple:
        """Return the shape of the output, ``(batch, units)``, and the shapes of the states."""
        shape_arithmetic.check_rank(self, input_shape, ("batch", "features"))
        shape_arithmetic.check_size(self, input_shape, -1, self.features, "features")
        return (input_shape[0], self.units), [(input_shape[0], size) for size in sizes_of(self)]


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

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._keep(units, activation, use_bias, dropout, recurrent_dropout, seed)
        self._keep_initializers(kernel_initializer, recurrent_initializer, bias_initializer)
        self._keep_regularizers(kernel_regularizer, recurrent_regularizer, bias_regularizer)
        self._keep_constraints(kernel_constraint, recurrent_constraint, bias_constraint)

    def advance(self, outer: Any, inner: Any, states: State) -> State:
        """Return ``[h]`` after one time step."""
        return [self.activation(outer + inner)]


class LSTMCell(RecurrentCell):
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

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._keep(units, activation, use_bias, dropout, recurrent_dropout, seed)
        self._keep_initializers(kernel_initializer, recurrent_initializer, bias_initializer)
        self._keep_regularizers(kernel_regularizer, recurrent_regularizer, bias_regularizer)
        self._keep_constraints(kernel_constraint, recurrent_constraint, bias_constraint)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _first_bias(self) -> Any:
        return self._bias_with_ones if self.unit_forget_bias else self.bias_initializer

    def _bias_with_ones(self, shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        """Return the initial bias of the four gates, with 1 for the forget gate."""
        before, after = self.bias_initializer((self.units,), dtype=dtype), self.bias_initializer((2 * self.units,), dtype=dtype)
        return np.concatenate([before, np.ones((self.units,), before.dtype), after])

    def advance(self, outer: Any, inner: Any, states: State) -> State:
        """Return ``[h, c]`` after one time step."""
        enter, forget, new, leave = ops.split(outer + inner, self.gates, axis=-1)
        carry = self.recurrent_activation(forget) * states[1] + self.recurrent_activation(enter) * self.activation(new)
        return [self.recurrent_activation(leave) * self.activation(carry), carry]

    def all_steps(self, inputs: Any, states: State, kept: Any, valid: Any, keep_all: bool) -> tuple[Any, State] | None:
        """Return the result of all time steps, with a fused LSTM kernel if there is one.

        On PyTorch the kernel is three times as fast as the unrolled loop.
        """
        usual = self._activations == (activations.tanh, activations.sigmoid) and self._is_plain()
        quick = fused_ops.find("lstm", inputs) if usual and kept is None and valid is None and inputs.shape[0] else None
        if quick is not None:
            arrays = *states, self.kernel.value, self.recurrent_kernel.value, self._biases()[1]
            if _of_one_dtype(inputs, *arrays):
                outputs, *after = quick(inputs, *arrays)
                return outputs if keep_all else after[0], after
        return super().all_steps(inputs, states, kept, valid, keep_all)


class GRUCell(RecurrentCell):
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

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._keep(units, activation, use_bias, dropout, recurrent_dropout, seed)
        self._keep_initializers(kernel_initializer, recurrent_initializer, bias_initializer)
        self._keep_regularizers(kernel_regularizer, recurrent_regularizer, bias_regularizer)
        self._keep_constraints(kernel_constraint, recurrent_constraint, bias_constraint)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, self.gates * self.units) if self.reset_after else (self.gates * self.units,)

    def _biases(self) -> tuple[Any, Any]:
        if not self.use_bias:
            return None, None
        return (self.bias.value[0], self.bias.value[1]) if self.reset_after else (self.bias.value, None)

    def advance(self, outer: Any, inner: Any, states: State) -> State:
        """Return ``[h]`` after one time step, with the reset gate applied after the matrix product."""
        x_stay, x_reset, x_new = ops.split(outer, self.gates, axis=-1)
        h_stay, h_reset, h_new = ops.split(inner, self.gates, axis=-1)
        candidate = x_new + self.recurrent_activation(x_reset + h_reset) * h_new
        return self._mixed(x_stay + h_stay, candidate, states)

    def step(self, inputs: Any, states: State, kept: Any = None) -> State:
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

    def _mixed(self, stay: Any, candidate: Any, states: State) -> State:
        stay = self.recurrent_activation(stay)
        return [stay * states[0] + (1 - stay) * self.activation(candidate)]

    def _is_plain(self) -> bool:
        return self.reset_after and super()._is_plain()


class StackedRNNCells(Layer):
    """Stack of cells that acts as one cell: the output of each cell is the input of the next.

    Args:
        cells: List of cells, in the order of their application.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidTypeError: If one of them has no ``call`` or no ``state_size``.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import RNN, GRUCell, LSTMCell, StackedRNNCells
        >>> RNN(StackedRNNCells([LSTMCell(4), GRUCell(5)]))(np.ones((2, 6, 3))).shape
        (2, 5)
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any):
        super().__init__(**kwargs)
        self.cells = [check_cell(self, cell) for cell in cells]
        if not self.cells:
            raise InvalidArgumentError(
                "`StackedRNNCells` received no cells.", "It needs at least one.", "Pass, for example, `[LSTMCell(32)]`."
            )
        self.batch_coupling = "none" if all(isinstance(cell, Layer) for cell in self.cells) else "unknown"

    @property
    def state_size(self) -> list:
        """List of the state sizes of the cells."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """Output size of the last cell."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: int) -> list:
        """Return the initial states of the cells."""
        return [initial_state_of(cell, batch_size, self) for cell in self.cells]

    def build(self, input_shape: Shape) -> None:
        """Build the cells."""
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size_of(cell))

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> tuple[Any, list]:
        """Compute one time step of all cells.

        Args:
            inputs: Array of shape ``(batch, features)``.
            states: List of the states of each cell.
            training: Whether to apply dropout. Defaults to False.

        Returns:
            The output of the last cell, and a list of the new states of each cell.
        """
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            inputs, new = call_of(cell, training)(inputs, state)
            after.append(new)
        return inputs, after


# --- Functions of cells -----------------------------------------------------------------------------------------------


def check_cell(layer: Layer, cell: Any) -> Any:
    """Return the cell after validation.

    Raises:
        InvalidTypeError: If it has no ``call`` or no ``state_size``, or is a recurrent layer.
    """
    missing = [name for name in ("call", "state_size") if not hasattr(cell, name)]
    if missing:
        raise InvalidTypeError(
            f"`{type(layer).__name__}` received {cell!r} as a cell.",
            f"A cell needs a method `call(inputs, states)` and a `state_size`; this one has no {' and no '.join(missing)}.",
            "Pass, for example, `LSTMCell(32)`, or use a layer such as `LSTM(32)` directly, without `RNN`.",
        )
    if hasattr(cell, "return_sequences"):
        raise InvalidTypeError(
            f"`{type(layer).__name__}` received the recurrent layer {cell.name!r} as a cell.",
            "A cell processes one time step, whereas this layer processes whole sequences.",
            f"Pass, for example, `LSTMCell(32)`, or stack the layers directly, without `{type(layer).__name__}`.",
        )
    return cell


def sizes_of(cell: Any) -> list:
    """Return the list of the state sizes of a cell."""
    return list(cell.state_size) if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]


def output_size_of(cell: Any) -> int:
    """Return the output size of a cell, by default the size of its first state."""
    size = getattr(cell, "output_size", None)
    return sizes_of(cell)[0] if size is None else size


def initial_state_of(cell: Any, batch_size: int, layer: Layer) -> State:
    """Return the initial states of a cell: from its ``get_initial_state``, or zeros of the dtype of the layer."""
    own = getattr(cell, "get_initial_state", None)
    if own is None:
        return [backend_of(layer).full((batch_size, size), 0, layer.compute_dtype) for size in sizes_of(cell)]
    state = own(batch_size=batch_size)
    return list(state) if isinstance(state, (list, tuple)) else [state]


def call_of(cell: Any, training: bool | None) -> Callable:
    """Return a function of inputs and states that calls a cell; ``training`` is passed to a custom cell that accepts it."""
    if isinstance(cell, Layer):
        return cell
    asks = "training" in inspect.signature(cell.call).parameters
    return functools.partial(cell.call, training=training) if asks else cell.call


def times(x: Any, factors: Any) -> Any:
    """Return ``x * factors``, or ``x`` if ``factors`` is None."""
    return x if factors is None else x * factors


def _of_one_dtype(x: Any, *others: Any) -> bool:
    """Return whether all arrays that are not None have the dtype of the first."""
    return all(other is None or other.dtype == x.dtype for other in others)


def plus(x: Any, bias: Any) -> Any:
    """Return ``x + bias``, or ``x`` if ``bias`` is None."""
    return x if bias is None else x + bias


def _share(layer: Layer, argument: str, value: Any) -> float:
    if isinstance(value, (int, float, np.number)) and 0 <= value < 1:
        return float(value)
    raise InvalidArgumentError(
        f"`{type(layer).__name__}` received `{argument}={value!r}`.",
        "It must be in [0, 1): it is the fraction of the values to drop, and 1 would drop all of them.",
        f"Pass, for example, `{argument}=0.2`.",
    )
