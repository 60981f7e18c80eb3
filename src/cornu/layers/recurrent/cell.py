"""Base class of recurrent cells, which compute one time step, and functions that cells share."""

import dataclasses
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Protocol, Unpack

from cornu import ops, validation
from cornu.backends import fused_ops
from cornu.core import batch_coupling
from cornu.core.activation_attribute import ActivationAttribute
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments, owner_of
from cornu.core.layer_placement import backend_of
from cornu.core.seed_generator import SeedGenerator
from cornu.errors import InvalidTypeError
from cornu.layers import shape_arithmetic
from cornu.layers.weight_arguments import (
    KernelAndBiasArguments,
    KernelAndBiasOptions,
    add_described_weight,
    store_weight_arguments,
)
from cornu.typing import Activation, Array, Constraint, Initializer, Regularizer, Shape, Size

State = list
"""List of the state arrays of a cell; the first one is its output."""


@dataclasses.dataclass(frozen=True)
class ImageSize:
    """Size of a state that is an image for each sample, in the place of an integer: its shape without the batch axis."""

    shape: tuple[int, ...]


class CellArguments(KernelAndBiasOptions, total=False):
    """The arguments of :class:`RecurrentCell` after ``units``, which subclasses accept as ``**kwargs``."""

    activation: Activation
    recurrent_initializer: Initializer
    recurrent_regularizer: Regularizer
    recurrent_constraint: Constraint
    dropout: float
    recurrent_dropout: float
    seed: int | None


class GatedCellArguments(CellArguments, total=False):
    """The arguments of cells with gates, likewise."""

    recurrent_activation: Activation
    implementation: int


class Cell(Protocol):
    """What a recurrent layer needs of a cell, which need not be a layer."""

    @property
    def state_size(self) -> int | Sequence[Any]:
        """Size of the state, or the sizes of several states."""
        ...

    @property
    def call(self) -> Callable[..., Any]:
        """Function of the inputs and the states of a time step that returns the output and the new states."""
        ...


class RecurrentCell(KernelAndBiasArguments, Layer):
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
    activation: ActivationAttribute = ActivationAttribute()

    def __init__(
        self,
        units: int,
        activation: Activation = "tanh",
        use_bias: bool = True,
        kernel_initializer: Initializer = "glorot_uniform",
        recurrent_initializer: Initializer = "orthogonal",
        bias_initializer: Initializer = "zeros",
        kernel_regularizer: Regularizer = None,
        recurrent_regularizer: Regularizer = None,
        bias_regularizer: Regularizer = None,
        kernel_constraint: Constraint = None,
        recurrent_constraint: Constraint = None,
        bias_constraint: Constraint = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.units = validation.check_int(self, "units", units)
        self.activation = activation
        self.use_bias = use_bias
        store_weight_arguments(self, "kernel", kernel_initializer, kernel_regularizer, kernel_constraint)
        store_weight_arguments(self, "recurrent", recurrent_initializer, recurrent_regularizer, recurrent_constraint)
        store_weight_arguments(self, "bias", bias_initializer, bias_regularizer, bias_constraint)
        self.dropout = validation.check_fraction(self, dropout, "dropout")
        self.recurrent_dropout = validation.check_fraction(self, recurrent_dropout, "recurrent_dropout")
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.state_size: int | list[int] | list[ImageSize] = self.units
        self.output_size = self.units

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
        kernel_shape, recurrent_shape = self._kernel_shapes(input_shape)
        self.kernel = add_described_weight(self, "kernel", kernel_shape)
        self.recurrent_kernel = add_described_weight(self, "recurrent", recurrent_shape, "recurrent_kernel")
        self.bias = None
        if self.use_bias:
            self.bias = add_described_weight(self, "bias", self._bias_shape(), initializer=self._first_bias())

    def _kernel_shapes(self, input_shape: Shape) -> tuple[tuple[Size, ...], tuple[Size, ...]]:
        """Return the shapes of ``kernel`` and ``recurrent_kernel``."""
        columns = self.gates * self.units
        return (input_shape[-1], columns), (self.units, columns)

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _first_bias(self) -> Initializer:
        """Return the initializer of the bias; None for the argument."""
        return None

    @property
    def features(self) -> int | None:
        """Number of input features the cell was built with; None before."""
        return self.kernel.shape[0] if self.built else None

    # --- One step -----------------------------------------------------------------------------------------------------

    def call(self, inputs: Array, states: Array | Sequence[Array], training: bool | None = False) -> tuple[Any, Any]:
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

    def draw_dropout(self, inputs: Array, training: bool | None) -> tuple[Any, Any]:
        """Return the dropout factors of inputs ``(batch, features)`` and state ``(batch, units)``; None without dropout.

        They are shared by all gates and by all time steps of a sequence (Gal and Ghahramani, 2016,
        https://arxiv.org/abs/1512.05287).
        """
        if not training:
            return None, None
        return self._factors(self.dropout, inputs), self._factors(self.recurrent_dropout, inputs[:, :1], self.units)

    def _factors(self, rate: float, like: Array, columns: int = 1) -> Any:
        if rate == 0.0:
            return None
        return ops.random.dropout(ops.tile(ops.ones_like(like), (1, columns)), rate, seed=self.seed_generator.next())

    def step(self, inputs: Array, states: State, kept: Array | None = None) -> State:
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

    def advance(self, outer: Array, inner: Array, states: State) -> State:
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
        return None, None if self.bias is None else self.bias.value

    def all_steps(
        self, inputs: Array, states: State, kept: Array | None, valid: Array | None, keep_all: bool
    ) -> tuple[Any, State] | None:
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
        if not of_one_dtype(inputs, *states, *kernels, *biases):
            return None
        return quick(self.advance, inputs, states, kernels, biases, kept, valid, keep_all)

    def _is_plain(self) -> bool:
        """Return whether the step is that of the class that declares how it reads its weights, with built-in activations."""
        own: Any = owner_of(type(self), "_reads_only_products")
        changed = any(getattr(type(self), name) is not getattr(own, name) for name in ("step", "advance"))
        return own._reads_only_products and not changed and all(map(batch_coupling.is_builtin_activation, self._activations))

    def get_initial_state(self, batch_size: int) -> State:
        """Return zeros, one array of shape ``(batch_size, size)`` for each state."""
        return [backend_of(self).full(state_shape(batch_size, size), 0, self.compute_dtype) for size in sizes_of(self)]

    def compute_output_shape(self, input_shape: Shape, states_shape: Shape | Sequence[Shape] | None = None) -> tuple:
        """Return the shape of the output, ``(batch, units)``, and the shapes of the states."""
        shape_arithmetic.check_rank(self, input_shape, ("batch", "features"))
        shape_arithmetic.check_size(self, input_shape, -1, self.features, "features")
        return (input_shape[0], self.units), [(input_shape[0], size) for size in sizes_of(self)]


class GatedCell(RecurrentCell):
    """Base class of the cells with gates, which have an activation function of their own.

    Keras has two implementations that compute the same, so that the argument ``implementation`` is only stored.
    """

    recurrent_activation: ActivationAttribute = ActivationAttribute()

    def __init__(
        self, units: int, recurrent_activation: Activation = "sigmoid", implementation: int = 2, **kwargs: Unpack[CellArguments]
    ):
        super().__init__(units, **kwargs)
        self.recurrent_activation, self.implementation = recurrent_activation, implementation


# --- Functions of cells -----------------------------------------------------------------------------------------------


def check_cell(layer: Layer, cell: Any) -> Cell:
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


def sizes_of(cell: Cell) -> list:
    """Return the list of the state sizes of a cell."""
    return list(cell.state_size) if isinstance(cell.state_size, (list, tuple)) else [cell.state_size]


def state_shape(batch: Size, size: int | ImageSize) -> tuple:
    """Return the shape of a state, or of the output of a time step, for its size."""
    return (batch, *size.shape) if isinstance(size, ImageSize) else (batch, size)


def output_size_of(cell: Cell) -> Any:
    """Return the output size of a cell, by default the size of its first state."""
    size = getattr(cell, "output_size", None)
    return sizes_of(cell)[0] if size is None else size


def initial_state_of(cell: Cell, batch_size: int, layer: Layer) -> State:
    """Return the initial states of a cell: from its ``get_initial_state``, or zeros of the dtype of the layer."""
    own = getattr(cell, "get_initial_state", None)
    if own is None:
        return [backend_of(layer).full((batch_size, size), 0, layer.compute_dtype) for size in sizes_of(cell)]
    state = own(batch_size=batch_size)
    return list(state) if isinstance(state, (list, tuple)) else [state]


def state_is_list(cell: Cell) -> bool:
    """Return whether the state of a cell is a list: according to its ``get_initial_state``, or else to its ``state_size``."""
    own = getattr(cell, "get_initial_state", None)
    return isinstance(cell.state_size if own is None else own(batch_size=1), (list, tuple))


def call_of(cell: Cell, training: bool | None) -> Callable:
    """Return a function of inputs and states that calls a cell; ``training`` is passed to a custom cell that accepts it."""
    if isinstance(cell, Layer):
        return cell
    asks = "training" in inspect.signature(cell.call).parameters
    return functools.partial(cell.call, training=training) if asks else cell.call


def times(x: Array, factors: Array | None) -> Any:
    """Return ``x * factors``, or ``x`` if ``factors`` is None."""
    return x if factors is None else x * factors


def of_one_dtype(x: Array, *others: Array | None) -> bool:
    """Return whether all arrays that are not None have the dtype of the first."""
    return all(other is None or other.dtype == x.dtype for other in others)


def plus(x: Array, bias: Array | None) -> Any:
    """Return ``x + bias``, or ``x`` if ``bias`` is None."""
    return x if bias is None else x + bias
