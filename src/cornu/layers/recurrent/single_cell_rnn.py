"""Base class of recurrent layers that own one cell."""

import inspect
from typing import Any

from cornu.core.layer_config import owner_of
from cornu.layers.recurrent.rnn import RNN
from cornu.serialization import serialize


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


def cell_options(name: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that a cell has in common with its layer, and remove those that are for the cell alone.

    Args:
        name: Name of the cell.
        kwargs: Arguments of the base class of the layer.
    """
    options = {"name": name, "dtype": kwargs.get("dtype"), "trainable": kwargs.get("trainable", True)}
    if "implementation" in kwargs:
        options["implementation"] = kwargs.pop("implementation")
    return options
