"""Base class of recurrent layers that own one cell."""

import inspect
from typing import Any

from cornu import validation
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


def create_cell(layer: RNN, cell_class: type, name: str, arguments: dict[str, Any]) -> Any:
    """Return the cell of a layer: each parameter of the cell's constructor receives the layer's argument of the same name.

    Args:
        layer: Layer whose constructor runs.
        cell_class: Class of the cell.
        name: Name of the cell.
        arguments: All arguments of the layer's constructor by name, as ``locals()`` returns them on its first line.
    """
    parameters = inspect.signature(cell_class).parameters.keys() - {"units", "kwargs"}
    return cell_class(
        validation.check_int(layer, "units", arguments["units"]),
        **{parameter: arguments[parameter] for parameter in parameters},
        name=name,
        dtype=arguments["kwargs"].get("dtype"),
        trainable=arguments["kwargs"].get("trainable", True),
    )
