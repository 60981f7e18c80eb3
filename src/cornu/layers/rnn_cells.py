"""Cells: what a recurrent layer does at one step of a sequence. And cells stacked on one another."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cornu import activations, constraints, initializers, ops, regularizers
from cornu.backends import shortcuts
from cornu.core.layer import Layer
from cornu.core.layer_config import owner_of
from cornu.core.seed_generator import SeedGenerator
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.layers import arguments, shapes
from cornu.layers.shapes import Shape

State = list
"""The arrays that a cell hands from one step to the next; the first of them is its output."""


class RecurrentCell(Layer):
    """The base of the cells here. A subclass has a number of gates, and goes from one state to the next by :meth:`advance`.

    Such a cell reads its weights nowhere but in :meth:`_biases` and in the two products of :meth:`step`, since engines take it
    along all steps by shortcuts that know these alone. It declares this by ``_reads_only_products = True`` in its own body: a
    subclass with another :meth:`step` or :meth:`advance` must declare it again. One for which it holds only with some arguments
    checks these in :meth:`_is_plain`.

    In :meth:`step` the inputs are multiplied by the kernel one step at a time, not all at once before the loop over the steps:
    XLA does not vectorize a loop that reads its numbers from a slice of a larger array, and that costs more than the larger
    product gains (on a CPU, forward and backward: 1.4 times slower for 32 features, 1.1 times faster for 512). Where an engine
    has a better loop than that, :meth:`all_steps` takes it.
    """

    gates = 1
    """How many blocks of ``units`` columns stand side by side in the weights."""

    _reads_only_products = False
    """Whether the class whose body holds this reads its weights only as described above."""

    units: int
    recurrent_activation: Callable
    """The function of the gates, in cells that have some."""

    # --- Arguments ----------------------------------------------------------------------------------------------------

    def _keep(
        self, units: Any, activation: Any, use_bias: bool, dropout: Any, recurrent_dropout: Any, seed: int | None
    ) -> None:
        self.units = arguments.whole(self, "units", units)
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
        """The function of what is new, and that of the gates; of a cell without gates the same twice."""
        return self.activation, getattr(self, "recurrent_activation", self.activation)

    @property
    def batch_coupling(self) -> str:  # type: ignore[override]
        """That of its activations."""
        found = [arguments.coupling_of(function) for function in self._activations]
        return next(worst for worst in ("unknown", "masked", "none") if worst in found)

    # --- Weights ------------------------------------------------------------------------------------------------------

    def build(self, input_shape: Shape) -> None:
        """Makes ``kernel``, ``recurrent_kernel`` and ``bias``."""
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
        """Number of features it was built for; None before."""
        return self.kernel.shape[0] if self.built else None

    # --- One step -----------------------------------------------------------------------------------------------------

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> tuple[Any, Any]:
        """One step.

        Args:
            inputs: ``(batch, features)``.
            states: The state before: a list of arrays ``(batch, units)``; where the state is one array, also that array.
            training: Whether dropout is on. What is dropped is drawn anew at each call; a layer draws it once for all steps.

        Returns:
            The output ``(batch, units)``, and the state after in the form of ``states``.
        """
        listed = isinstance(states, (list, tuple))
        inputs = ops.cast(inputs, self.compute_dtype)
        kept_inputs, kept_states = self.draw_dropout(inputs, training)
        after = self.step(times(inputs, kept_inputs), list(states) if listed else [states], kept_states)
        return after[0], after if listed else after[0]

    def draw_dropout(self, inputs: Any, training: bool | None) -> tuple[Any, Any]:
        """What is dropped: factors for the inputs ``(batch, features)`` and for the state ``(batch, units)``; None is all ones.

        All gates share them, and all steps of a sequence (Gal and Ghahramani, 2016, https://arxiv.org/abs/1512.05287).
        """
        if not training:
            return None, None
        return self._factors(self.dropout, inputs), self._factors(self.recurrent_dropout, inputs[:, :1], self.units)

    def _factors(self, rate: float, like: Any, columns: int = 1) -> Any:
        if rate == 0.0:
            return None
        return ops.random.dropout(ops.tile(ops.ones_like(like), (1, columns)), rate, seed=self._seeds.next())

    def step(self, inputs: Any, states: State, kept: Any = None) -> State:
        """The state after one step; its first array is the output.

        Args:
            inputs: ``(batch, features)``, multiplied by what :meth:`draw_dropout` gave for them.
            states: The state before.
            kept: What :meth:`draw_dropout` gave for the state.
        """
        outer = ops.matmul(inputs, self.kernel)
        inner = ops.matmul(times(states[0], kept), self.recurrent_kernel)
        biases = self._biases()
        return self.advance(plus(outer, biases[0]), plus(inner, biases[1]), states)

    def advance(self, outer: Any, inner: Any, states: State) -> State:
        """The state after one step.

        Args:
            outer: What the inputs add, ``(batch, gates * units)``: their product with the kernel.
            inner: What the state adds: the product of the output before with the recurrent kernel. The biases are in them.
            states: The state before.
        """
        raise NotImplementedError

    def _biases(self) -> tuple[Any, Any]:
        """What is added to the products with ``kernel`` and with ``recurrent_kernel``; None is nothing.

        With the second product alone a loop has it at hand, and what is made before the loop need not be gone through again.
        """
        return None, self.bias.value if self.use_bias else None

    def all_steps(self, inputs: Any, states: State, kept: Any, valid: Any, keep_all: bool) -> tuple[Any, State] | None:
        """All steps at once, by a shortcut of the engine; None if it has none for such a cell.

        Args:
            inputs: ``(steps, batch, features)``, multiplied by what :meth:`draw_dropout` gave for them.
            states: The state before.
            kept: What :meth:`draw_dropout` gave for the state.
            valid: ``(steps, batch, 1)``, False where the state stays as it is; or None.
            keep_all: Whether the outputs of all steps are wanted, or only the last.

        Returns:
            The outputs, with the steps first, or the last; and the last state.
        """
        quick = shortcuts.find("recurrence", inputs)
        if quick is None or not inputs.shape[0] or not self._is_plain():
            return None
        kernels, biases = (self.kernel.value, self.recurrent_kernel.value), self._biases()
        if not _of_one_dtype(inputs, *states, *kernels, *biases):
            return None
        return quick(self.advance, inputs, states, kernels, biases, kept, valid, keep_all)

    def _is_plain(self) -> bool:
        """Return whether a step is that of the class that declares how it reads its weights, with built-in activations."""
        own: Any = owner_of(type(self), "_reads_only_products")
        changed = any(getattr(type(self), name) is not getattr(own, name) for name in ("step", "advance"))
        return own._reads_only_products and not changed and all(map(arguments.is_own_activation, self._activations))

    def get_initial_state(self, batch_size: int) -> State:
        """Zeros, one array ``(batch_size, size)`` for each of the state."""
        return [self.backend.full((batch_size, size), 0, self.compute_dtype) for size in sizes_of(self)]

    def compute_output_shape(self, input_shape: Shape, states_shape: Any = None) -> tuple:
        """The output's ``(batch, units)``, and the shapes of the state."""
        shapes.check_rank(self, input_shape, ("batch", "features"))
        shapes.check_size(self, input_shape, -1, self.features, "features")
        return (input_shape[0], self.units), [(input_shape[0], size) for size in sizes_of(self)]


class SimpleRNNCell(RecurrentCell):
    """One step of :class:`SimpleRNN`: ``h = activation(inputs @ kernel + bias + h @ recurrent_kernel)``.

    Args:
        units: Positive integer, dimensionality of the state and of the output.
        activation: Name or function; None is none.
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
        """``[h]`` after one step."""
        return [self.activation(outer + inner)]


class LSTMCell(RecurrentCell):
    """One step of :class:`LSTM`.

    The state is ``[h, c]``: the output and the carry. The gates ``i, f, g, o`` are the four parts of
    ``inputs @ kernel + bias + h @ recurrent_kernel``; then ``c = sigmoid(f) * c + sigmoid(i) * tanh(g)`` and
    ``h = sigmoid(o) * tanh(c)``.
    Sources: Hochreiter and Schmidhuber, 1997; Gers et al., 2000 (the forget gate ``f``).

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
        """The bias of the four gates: that of the forget gate is 1."""
        before, after = self.bias_initializer((self.units,), dtype=dtype), self.bias_initializer((2 * self.units,), dtype=dtype)
        return np.concatenate([before, np.ones((self.units,), before.dtype), after])

    def advance(self, outer: Any, inner: Any, states: State) -> State:
        """``[h, c]`` after one step."""
        enter, forget, new, leave = ops.split(outer + inner, self.gates, axis=-1)
        carry = self.recurrent_activation(forget) * states[1] + self.recurrent_activation(enter) * self.activation(new)
        return [self.recurrent_activation(leave) * self.activation(carry), carry]

    def all_steps(self, inputs: Any, states: State, kept: Any, valid: Any, keep_all: bool) -> tuple[Any, State] | None:
        """As for every cell, or by a kernel for LSTM alone: on PyTorch three times as fast as a loop, which is written out."""
        usual = self._activations == (activations.tanh, activations.sigmoid) and self._is_plain()
        quick = shortcuts.find("lstm", inputs) if usual and kept is None and valid is None and inputs.shape[0] else None
        if quick is not None:
            arrays = *states, self.kernel.value, self.recurrent_kernel.value, self._biases()[1]
            if _of_one_dtype(inputs, *arrays):
                outputs, *after = quick(inputs, *arrays)
                return outputs if keep_all else after[0], after
        return super().all_steps(inputs, states, kept, valid, keep_all)


class GRUCell(RecurrentCell):
    """One step of :class:`GRU`.

    With ``z`` (how much stays) and ``r`` (how much is looked at) from a sigmoid of the first two gates, the candidate is
    ``n = tanh(x_n + r * (h @ recurrent_kernel_n + recurrent_bias_n))`` and the new state ``h = z * h + (1 - z) * n``. With
    ``reset_after=False`` it is ``n = tanh(x_n + (r * h) @ recurrent_kernel_n)``.
    Source: Cho et al., 2014, https://arxiv.org/abs/1406.1078 (v1: ``reset_after``, v3: without).

    Args:
        units: Positive integer, dimensionality of the state and of the output.
        activation: Activation function, as a name or a callable. None is linear. Defaults to ``"tanh"``.
        recurrent_activation: Activation function of the gates, as a name or a callable. Defaults to ``"sigmoid"``.
        use_bias: Whether the layer adds a bias vector. Defaults to True.
        kernel_initializer: Initializer for ``kernel``, of shape ``(features, 3 * units)``. Defaults to ``"glorot_uniform"``.
        recurrent_initializer: Initializer for ``recurrent_kernel``, of shape ``(units, 3 * units)``. Defaults to
            ``"orthogonal"``.
        bias_initializer: First value of ``bias``: ``(2, 3 * units)``, for the inputs and for the state, or without
            ``reset_after`` ``(3 * units,)``.
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
        """``[h]`` after one step, with the reset gate after the matrix product."""
        x_stay, x_reset, x_new = ops.split(outer, self.gates, axis=-1)
        h_stay, h_reset, h_new = ops.split(inner, self.gates, axis=-1)
        candidate = x_new + self.recurrent_activation(x_reset + h_reset) * h_new
        return self._mixed(x_stay + h_stay, candidate, states)

    def step(self, inputs: Any, states: State, kept: Any = None) -> State:
        """``[h]`` after one step."""
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
    """Several cells as one: the output of each is the input of the next.

    Args:
        cells: The cells, the first one first.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidTypeError: One of them has no ``call`` or no ``state_size``.

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
        """The state sizes of the cells."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The output size of the last cell."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: int) -> list:
        """The first states of the cells."""
        return [initial_state_of(cell, batch_size, self) for cell in self.cells]

    def build(self, input_shape: Shape) -> None:
        """Builds the cells."""
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size_of(cell))

    def call(self, inputs: Any, states: Any, training: bool | None = False) -> tuple[Any, list]:
        """One step of all cells.

        Args:
            inputs: ``(batch, features)``.
            states: A list with the state of each cell.
            training: Whether dropout is on.

        Returns:
            The output of the last cell, and a list of the states after.
        """
        after = []
        for cell, state in zip(self.cells, states, strict=True):
            inputs, new = call_of(cell, training)(inputs, state)
            after.append(new)
        return inputs, after


# --- Cells of all kinds -----------------------------------------------------------------------------------------------


def check_cell(layer: Layer, cell: Any) -> Any:
    """The cell, if it is one.

    Raises:
        InvalidTypeError: It has no ``call`` or no ``state_size``, or it is a recurrent layer.
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
    """The sizes of the arrays of a cell's state."""
    return list(cell.state_size) if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]


def output_size_of(cell: Any) -> int:
    """The size of a cell's output; that of its first state if it does not say."""
    size = getattr(cell, "output_size", None)
    return sizes_of(cell)[0] if size is None else size


def initial_state_of(cell: Any, batch_size: int, layer: Layer) -> State:
    """The arrays that a cell begins with: what its ``get_initial_state`` gives, or zeros of the layer's dtype."""
    own = getattr(cell, "get_initial_state", None)
    if own is None:
        return [layer.backend.full((batch_size, size), 0, layer.compute_dtype) for size in sizes_of(cell)]
    state = own(batch_size=batch_size)
    return list(state) if isinstance(state, (list, tuple)) else [state]


def call_of(cell: Any, training: bool | None) -> Callable:
    """How a cell is called with inputs and states: a layer knows of ``training`` by itself, another cell is told if it asks."""
    if isinstance(cell, Layer):
        return cell
    asks = "training" in inspect.signature(cell.call).parameters
    return functools.partial(cell.call, training=training) if asks else cell.call


def times(x: Any, factors: Any) -> Any:
    """``x * factors``, where None is all ones."""
    return x if factors is None else x * factors


def _of_one_dtype(x: Any, *others: Any) -> bool:
    """Whether arrays, those that are there, have the dtype of the first."""
    return all(other is None or other.dtype == x.dtype for other in others)


def plus(x: Any, bias: Any) -> Any:
    """``x + bias``, where None is nothing."""
    return x if bias is None else x + bias


def _share(layer: Layer, argument: str, value: Any) -> float:
    if isinstance(value, (int, float, np.number)) and 0 <= value < 1:
        return float(value)
    raise InvalidArgumentError(
        f"`{type(layer).__name__}` received `{argument}={value!r}`.",
        "It must be in [0, 1): it is the fraction of the values to drop, and 1 would drop all of them.",
        f"Pass, for example, `{argument}=0.2`.",
    )
