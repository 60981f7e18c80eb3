"""The recurrent layer, which applies any cell to the time steps of a sequence."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeGuard, Unpack

from cornu import ops, registry, trees
from cornu.core import call_context, call_handling
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.core.layer_placement import backend_of
from cornu.core.masks import expand_mask
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.layers import shape_arithmetic
from cornu.layers.recurrent import cell as cells
from cornu.layers.recurrent.cell import Cell, ImageSize, RecurrentCell
from cornu.layers.recurrent.stacked_rnn_cells import StackedRNNCells
from cornu.typing import Array, Shape, Tree

__all__ = ["RNN"]


class RNNArguments(LayerArguments, total=False):
    """The arguments of :class:`RNN` after ``cell``, which subclasses accept as ``**kwargs``."""

    return_sequences: bool
    return_state: bool
    go_backwards: bool
    stateful: bool
    unroll: bool
    zero_output_for_mask: bool


@registry.register("layers")
class RNN(Layer):
    """Recurrent layer that applies a cell to each time step of a sequence.

    The layer computes ``output[t], states = cell(x[t], states)`` for each time step t. At a time step that the mask marks as
    padding, the states are kept and the output is that of the previous time step.

    A custom cell is any object, preferably a :class:`Layer`, with a ``state_size`` (an integer or a list of integers),
    optionally an ``output_size`` (defaults to the size of the first state), and a method
    ``call(inputs, states) -> (output, new_states)``, where the inputs have shape ``(batch, features)`` and the states are a
    list of arrays of shape ``(batch, size)``.

    Input shape: ``(batch, steps, features)``. Output shape: ``(batch, output_size)``, or ``(batch, steps, output_size)`` with
    ``return_sequences``.

    Args:
        cell: Cell, or a list of cells to stack.
        return_sequences: Whether to return the outputs of all time steps, of shape ``(batch, steps, output_size)``, instead of
            the last one. Defaults to False.
        return_state: Whether to also return the last states, as ``(outputs, *states)``. Defaults to False.
        go_backwards: Whether to process the sequence from the last time step to the first. With ``return_sequences`` the
            outputs are in processing order, that is reversed, but the mask is propagated unchanged, as in Keras. Defaults to
            False.
        stateful: Whether the last state of each batch is the initial state of the next batch, until :meth:`reset_state` is
            called. Defaults to False.
        unroll: Whether to unroll the loop over the time steps: slower to compile, but sometimes faster to run for short
            sequences. Defaults to False.
        zero_output_for_mask: Whether the output at masked time steps is 0 instead of the previous output. Defaults to False.
        **kwargs: Arguments of the base class :class:`Layer`: ``name``, ``trainable``, ``dtype`` and ``activity_regularizer``.

    Raises:
        InvalidTypeError: If ``cell`` is not a cell.
        ShapeError: If, when called, the input does not have three axes or has another number of features than before, or an
            initial state has a wrong shape.

    Example:
        >>> import numpy as np
        >>> from cornu import layers, ops
        >>> class Sum(layers.Layer):
        ...     state_size = 3
        ...     def call(self, inputs, states):
        ...         return states[0] + inputs, [states[0] + inputs]
        >>> layers.RNN(Sum())(np.ones((1, 5, 3))).tolist()
        [[5.0, 5.0, 5.0]]
    """

    supports_masking = True

    def __init__(
        self,
        cell: Cell | Sequence[Cell],
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.cell = StackedRNNCells(cell) if isinstance(cell, (list, tuple)) else cells.check_cell(self, cell)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self._states: list[Variable] = []
        self.batch_coupling = "none" if isinstance(self.cell, Layer) and not stateful else "unknown"

    @property
    def _cells(self) -> list:
        """The cells; the cells of a stack run in successive loops, so that dropout is drawn outside of the loops."""
        return self.cell.cells if _is_plain_stack(self.cell) else [self.cell]

    @property
    def state_size(self) -> list:
        """List of the sizes of the states; for stacked cells, a list of their state sizes."""
        return cells.sizes_of(self.cell)

    def build(self, sequences_shape: Shape, initial_state_shape: Sequence[Shape] | None = None) -> None:
        """Build the cell and, for a stateful layer with a known batch size, create the state variables."""
        self._check_input(sequences_shape)
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful and sequences_shape[0] is not None:
            self._make_states(sequences_shape[0])

    @property
    def single_state(self) -> bool:
        """Whether the cell has one state, an array, and not a list of them."""
        return not isinstance(self.cell.state_size, (list, tuple))

    # --- States -------------------------------------------------------------------------------------------------------

    @property
    def states(self) -> list[Variable] | None:
        """The state variables of a stateful layer, or None."""
        return self._states or None

    def _cornu_own_variables(self) -> list[Variable]:
        """The layer's own variables without the states, which are not saved, as in Keras; the weights belong to the cell."""
        held = {id(variable) for variable in self._states}
        return [variable for variable in super()._cornu_own_variables() if id(variable) not in held]

    @property
    def variables(self) -> list[Variable]:
        """The weights of the cell, followed by the state variables of a stateful layer, which are not among the weights."""
        return [*super().variables, *self._states]

    def _make_states(self, batch_size: int) -> None:
        self._states = [
            self.add_weight(cells.state_shape(batch_size, size), "zeros", trainable=False, name="rnn_state")
            for size in trees.leaves([cells.sizes_of(cell) for cell in self._cells])
        ]

    def reset_state(self) -> None:
        """Reset the states of a stateful layer to zeros."""
        for variable in self._states:
            variable.assign(backend_of(self).full(variable.shape, 0, variable.dtype))

    def reset_states(self) -> None:
        """Reset the states. Older name of :meth:`reset_state`."""
        self.reset_state()

    def get_initial_state(self, batch_size: int) -> list:
        """Return the default initial state: a list of arrays, or for stacked cells a list of such lists."""
        return cells.initial_state_of(self.cell, batch_size, self)

    def _first_states(self, batch_size: int, initial_state: Tree, stored: list[Variable]) -> list[list]:
        """Return the initial states of each cell."""
        if initial_state is not None:
            _check_states(self, initial_state, batch_size)
            found = trees.leaves(initial_state)
        elif stored:
            found = [variable.value for variable in stored]
        else:
            found = trees.leaves(self.get_initial_state(batch_size))
        sizes = [cells.sizes_of(cell) for cell in self._cells]
        return trees.unflatten(sizes, [call_handling.to_input(self, array) for array in found])

    def _stored_states(self, batch_size: int) -> list[Variable]:
        """Return the state variables of a stateful layer; an empty list without states or in an abstract run."""
        context = call_context.current()
        if not self.stateful or (context is not None and context.abstract and not self._states):
            return []
        if not self._states and (context is None or context.values is None):
            self._make_states(batch_size)
        held = self._states[0].shape[0] if self._states else "an unknown number"
        if held != batch_size:
            raise ShapeError(
                f"The stateful layer {self.name!r} received a batch of {batch_size} samples.",
                f"It holds the states of {held}: each sample continues the corresponding sample of the previous batch.",
                "Fix the batch size, `Input(batch_shape=(32, None, 8))`, and pass a multiple of it; or omit `stateful=True`.",
            )
        return self._states

    # --- Running ------------------------------------------------------------------------------------------------------

    def call(
        self, sequences: Array, initial_state: Tree = None, mask: Array | None = None, training: bool | None = False
    ) -> Any:
        """Return the outputs.

        Args:
            sequences: Array of shape ``(batch, steps, features)``.
            initial_state: List of arrays of shape ``(batch, size)``. Defaults to zeros, or to the last state of a stateful
                layer.
            mask: Boolean array of shape ``(batch, steps)``, False for padding. Defaults to None.
            training: Whether to apply dropout. Defaults to False.

        Returns:
            The outputs, or with ``return_state`` the tuple ``(outputs, *states)``.
        """
        batch_size = ops.shape(sequences)[0]
        stored = self._stored_states(batch_size)
        states = self._first_states(batch_size, initial_state, stored)
        outputs, valid = self._in_order(sequences), self._in_order(_steps_mask(self, sequences, mask))
        last = len(states) - 1
        for number, cell in enumerate(self._cells):
            keep_all = self.return_sequences or number < last
            with _nothing_leaves(self, call_context.current()):
                outputs, after = self._taken_along(cell, outputs, states[number], valid, keep_all, training)
            states[number] = after[len(after) - len(states[number]) :]
        if self.zero_output_for_mask and valid is not None:
            valid = valid if self.return_sequences else valid[-1]
            outputs = ops.where(expand_mask(valid, len(outputs.shape)), outputs, 0)
        if self.return_sequences:
            outputs = ops.swapaxes(outputs, 0, 1)
        for variable, array in zip(stored, trees.leaves(states), strict=False):
            variable.assign(array)
        if not self.return_state:
            return outputs
        return (outputs, *self._returned(states))

    def _returned(self, states: list[list]) -> list:
        """Return the states, or their shapes, of each cell as the layer returns them: a list for each cell of a stack.

        A cell of a stack whose state is not a list, such as one with an integer as ``state_size``, has just the state.
        """
        if not _is_plain_stack(self.cell) or len(states) == 1:
            return states[0]
        return [state if cells.state_is_list(cell) else state[0] for cell, state in zip(self._cells, states, strict=True)]

    def _in_order(self, x: Array | None) -> Any:
        """Return the time steps along the first axis, in processing order."""
        if x is None:
            return None
        x = ops.swapaxes(x, 0, 1)
        return ops.flip(x, axis=0) if self.go_backwards else x

    def _taken_along(
        self, cell: Cell, inputs: Array, states: list, valid: Array | None, keep_all: bool, training: bool | None
    ) -> tuple[Any, list]:
        """Apply a cell to all time steps: see :func:`_loop`.

        For a custom cell, the output, initially zeros, is prepended to the states.
        """
        if not (isinstance(cell, RecurrentCell) and type(cell).call is RecurrentCell.call):
            blank_shape = cells.state_shape(ops.shape(inputs)[1], cells.output_size_of(cell))
            blank = backend_of(self).full(blank_shape, 0, self.compute_dtype)
            scan = _written_out if self.unroll else backend_of(self).scan
            return _loop(scan, _as_step(cell, training), inputs, [blank, *states], valid, keep_all)
        if cell.dtype_policy == self.dtype_policy:
            return self._built_in_cell_along(cell, inputs, states, valid, keep_all, training)
        inputs, *states = (ops.cast(x, cell.compute_dtype) for x in (inputs, *states))
        with call_context.autocast(cell.compute_dtype):
            outputs, after = self._built_in_cell_along(cell, inputs, states, valid, keep_all, training)
        return ops.cast(outputs, self.compute_dtype), [ops.cast(state, self.compute_dtype) for state in after]

    def _built_in_cell_along(
        self, cell: RecurrentCell, inputs: Array, states: list, valid: Array | None, keep_all: bool, training: bool | None
    ) -> tuple[Any, list]:
        """Apply a built-in cell to all time steps, in its compute dtype."""
        scan = _written_out if self.unroll else backend_of(self).scan
        kept_inputs, kept_states = cell.draw_dropout(inputs[0], training)
        inputs = cells.times(inputs, kept_inputs)
        found = None if self.unroll else cell.all_steps(inputs, states, kept_states, valid, keep_all)
        if found is not None:
            return found
        return _loop(scan, lambda x, state: cell.step(x, state, kept_states), inputs, states, valid, keep_all)

    # --- Shapes and masks ---------------------------------------------------------------------------------------------

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Sequence[Shape] | None = None) -> Any:
        """Return the output shape; with ``return_state``, a tuple of it and the state shapes."""
        self._check_input(sequences_shape)
        return self._output_shapes(
            sequences_shape, cells.output_size_of(self.cell), [cells.sizes_of(cell) for cell in self._cells]
        )

    def _output_shapes(self, sequences_shape: Shape, size: int | ImageSize, state_sizes: list[list]) -> Any:
        """Return the output shape for the sizes of the output of a time step and of the states of each cell."""
        batch, *step = cells.state_shape(sequences_shape[0], size)
        outputs = (batch, sequences_shape[1], *step) if self.return_sequences else (batch, *step)
        if not self.return_state:
            return outputs
        states = [[cells.state_shape(batch, size) for size in sizes] for sizes in state_sizes]
        return (outputs, *self._returned(states))

    def _check_input(self, shape: Shape | list[Shape]) -> None:
        if isinstance(shape, list):
            advice = "Pass the state by name: `layer(x, initial_state=[...])`."
            raise shape_arithmetic.shape_error(self, shape, "It expects one array of shape (batch, steps, features).", advice)
        if len(shape) < 3 or (len(shape) > 3 and isinstance(self._cells[0], RecurrentCell)):
            advice = (
                "Add the feature axis, `x[..., None]`; for a single sequence, the batch axis, `x[None]`; "
                "after a recurrent layer, set `return_sequences=True` there."
                if len(shape) < 3
                else "Reshape each step to a vector: `layers.Reshape((steps, -1))`."
            )
            raise shape_arithmetic.shape_error(self, shape, "It needs 3 dimensions (batch, steps, features).", advice)
        first = self._cells[0]
        if isinstance(first, RecurrentCell):
            shape_arithmetic.check_size(self, shape, -1, first.features, "features")

    def compute_output_spec(
        self, sequences: Array, initial_state: Tree = None, mask: Array | None = None, training: bool | None = False
    ) -> Any:
        """Return symbolic tensors of the outputs, after validation of the initial state."""
        if initial_state is not None:
            _check_states(self, initial_state, None)
        return super().compute_output_spec(sequences)

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> Any:
        """Return the mask of the input if the layer returns sequences."""
        mask = mask if self.return_sequences else None
        return [mask, *(None for _ in trees.leaves(self.state_size))] if self.return_state else mask


# --- The loop ---------------------------------------------------------------------------------------------------------


def _loop(scan: Callable, step: Callable, inputs: Array, states: list, valid: Array | None, keep_all: bool) -> tuple[Any, list]:
    """Compute ``states = step(x, states)`` for each ``x`` of the inputs; the first state is the output.

    Args:
        scan: The ``scan`` of the backend, or an equivalent function.
        step: Function of one input and the states that returns the new states.
        inputs: Array with the time steps along the first axis.
        states: List of the initial states.
        valid: Boolean array of shape ``(steps, batch, 1)``, False where the states are kept, or None.
        keep_all: Whether to return all outputs instead of the last one.

    Returns:
        The outputs, with the time steps along the first axis, or the last output; and the last states.
    """

    def masked_step(before: list, now: tuple) -> tuple[list, Any]:
        x, is_valid = now
        after = step(x, before)
        if is_valid is not None:
            after = trees.map(lambda new, old: ops.where(expand_mask(is_valid, len(new.shape)), new, old), after, before)
        return after, after[0] if keep_all else None

    after, outputs = scan(masked_step, states, (inputs, valid))
    return outputs if keep_all else after[0], after


def _written_out(step: Callable, states: list, xs: Tree) -> tuple[list, Any]:
    """Run an unrolled loop in Python, with the interface of a backend's ``scan``."""
    outputs = []
    for number in range(trees.leaves(xs)[0].shape[0]):
        states, output = step(states, trees.map(lambda x, number=number: x[number], xs))
        outputs.append(output)
    return states, ops.stack(outputs) if trees.leaves(outputs) else None


def _as_step(cell: Cell, training: bool | None) -> Callable:
    """Return a custom cell as a step of :func:`_loop`, with its output prepended to its states."""
    call = cells.call_of(cell, training)

    def step(x: Array, states: list) -> list:
        output, after = call(x, states[1:])
        return [output, *(after if isinstance(after, (list, tuple)) else [after])]

    return step


@contextlib.contextmanager
def _nothing_leaves(layer: Layer, context: call_context.CallContext | None) -> Iterator[None]:
    """Disable hooks and refuse losses inside the loop, since values of a step exist only inside the loop."""
    if context is None:
        yield
        return
    hooks, context.hooks = context.hooks, ()
    before = len(context.losses)
    try:
        yield
    finally:
        context.hooks = hooks
    if len(context.losses) > before:
        raise InvalidArgumentError(
            f"The cell of the layer {layer.name!r} added a loss in its `call`.",
            "A loss cannot leave the loop over the steps.",
            "Add it outside of the cell, for example with `RNN(cell, activity_regularizer=...)`.",
        )


# --- Helpers ----------------------------------------------------------------------------------------------------------


def _is_plain_stack(cell: Cell) -> TypeGuard[StackedRNNCells]:
    return isinstance(cell, StackedRNNCells) and type(cell).call is StackedRNNCells.call


def _steps_mask(layer: Layer, sequences: Array, mask: Array | None) -> Any:
    """Return the mask as booleans of shape ``(batch, steps, 1)``, or None."""
    if mask is None:
        return None
    if tuple(mask.shape) != tuple(sequences.shape[:2]):
        expected = f"The mask must be of shape {tuple(sequences.shape[:2])}."
        raise shape_arithmetic.mask_error(layer, sequences.shape, mask.shape, expected, "Check the axes of the mask.")
    return ops.expand_dims(ops.cast(mask, "bool"), -1)


def _check_states(layer: RNN, initial_state: Tree, batch_size: int | None) -> None:
    """Raise a :class:`ShapeError` unless there is an initial state of the right shape for each state of the layer."""
    sizes = trees.leaves(layer.state_size)
    given = [tuple(getattr(state, "shape", ())) for state in trees.leaves(initial_state)]
    needed = [cells.state_shape(batch_size, size) for size in sizes]
    fits = len(given) == len(needed) and all(
        len(shape) == len(fit) and all(size in (None, need) or need is None for size, need in zip(shape, fit, strict=True))
        for shape, fit in zip(given, needed, strict=True)
    )
    if not fits:
        wanted = ", ".join(f"({', '.join(map(str, ('batch', *fit[1:]) if fit[0] is None else fit))})" for fit in needed)
        raise ShapeError(
            f"The layer {layer.name!r} received an `initial_state` of {len(given)} arrays of shapes {given}.",
            f"It needs {len(sizes)} of shapes [{wanted}].",
            "Pass the states returned by a layer with the same `units`, such as `initial_state=[h, c]` for an LSTM.",
        )
