"""Cells on top of each other."""

from collections.abc import Sequence
from typing import Any, Unpack

from cornu import registry
from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.errors import InvalidArgumentError
from cornu.layers.recurrent.cell import Cell, call_of, check_cell, initial_state_of, output_size_of
from cornu.typing import Array, Shape

__all__ = ["StackedRNNCells"]


@registry.register("layers")
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

    def __init__(self, cells: Sequence[Cell], **kwargs: Unpack[LayerArguments]):
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

    def call(self, inputs: Array, states: Sequence[Any], training: bool | None = False) -> tuple[Any, list]:
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
