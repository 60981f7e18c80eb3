"""Base class of recurrent layers that own one cell."""

import inspect
from collections.abc import Mapping
from typing import Any

from cornu.core.layer_config import owner_of
from cornu.layers.recurrent.cell import RecurrentCell
from cornu.layers.recurrent.rnn import RNN
from cornu.serialization import constructor_of, serialize


class CellAttribute:
    """Layer attribute that is stored in its cell."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, layer: "SingleCellRNN | None", owner: type) -> Any:
        return self if layer is None else getattr(layer.cell, self.name)

    def __set__(self, layer: "SingleCellRNN", value: Any) -> None:
        setattr(layer.cell, self.name, value)


class SingleCellRNN(RNN):
    """Base class of the layers that create their cell, whose arguments are attributes of the layer.

    A subclass whose constructor arguments are the entries of the config sets ``_constructor_is_config`` in its own body.
    """

    _constructor_is_config = True

    units = CellAttribute()
    activation = CellAttribute()
    recurrent_activation = CellAttribute()
    use_bias = CellAttribute()
    kernel_initializer = CellAttribute()
    recurrent_initializer = CellAttribute()
    bias_initializer = CellAttribute()
    kernel_regularizer = CellAttribute()
    recurrent_regularizer = CellAttribute()
    bias_regularizer = CellAttribute()
    kernel_constraint = CellAttribute()
    recurrent_constraint = CellAttribute()
    bias_constraint = CellAttribute()
    dropout = CellAttribute()
    recurrent_dropout = CellAttribute()
    seed = CellAttribute()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of layer and cell, under the names used by Keras."""
        kind = type(self)
        own: Any = owner_of(kind, "_constructor_is_config")
        config = super().get_config()
        if kind.__init__ is not own.__init__ and kind.get_config is own.get_config:  # a custom subclass: keep its own arguments
            return config
        names = [name for name in inspect.signature(own.__init__).parameters if name not in ("self", "kwargs", "use_cudnn")]
        config |= {name: serialize(getattr(self, name)) for name in (*names, "zero_output_for_mask")}
        return {name: value for name, value in config.items() if name != "use_cudnn"}


def split_arguments(cell: type[RecurrentCell], name: str, arguments: Mapping[str, Any]) -> tuple[dict, dict]:
    """Split the arguments of a layer into those of its cell and those of the base class :class:`RNN`.

    Args:
        cell: Class of the cell.
        name: Name of the cell.
        arguments: Arguments of the layer; of ``dtype`` and ``trainable``, the cell has the same.
    """
    names = {*constructor_of(cell).parameters, "implementation"}
    of_cell = {argument: value for argument, value in arguments.items() if argument in names}
    of_layer = {argument: value for argument, value in arguments.items() if argument not in names}
    shared = {"name": name, "dtype": arguments.get("dtype"), "trainable": arguments.get("trainable", True)}
    return of_cell | shared, of_layer
