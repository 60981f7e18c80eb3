"""What Cornu keeps about a layer, under one attribute, so that all other names are free for subclasses."""

import dataclasses
from typing import Any

from cornu import config
from cornu.core import layer_errors
from cornu.core.variable import Variable


@dataclasses.dataclass(eq=False)
class LayerRecord:
    """What a layer's mechanics remember: the value of ``layer._cornu``.

    Attributes:
        placement: The backend and device that the layer was made for or moved to.
        input_shape_hint: What the constructor was given as ``input_shape``, or None.
        trained, state: The variables that ``add_weight`` made, trainable or not.
        losses: What ``add_loss`` collected in the last eager call.
        build_shapes: The shapes it was built for, by the names of ``build``'s parameters; None if it is not built.
        accepted_shapes: Keys of the shapes of inputs that are known to fit.
        is_building: Whether ``build`` is running.
    """

    placement: config.Placement
    input_shape_hint: tuple | None = None
    trained: list[Variable] = dataclasses.field(default_factory=list)
    state: list[Variable] = dataclasses.field(default_factory=list)
    losses: list = dataclasses.field(default_factory=list)
    build_shapes: dict[str, Any] | None = None
    accepted_shapes: set = dataclasses.field(default_factory=set)
    is_building: bool = False


def record_of(layer: Any) -> LayerRecord:
    """Return the record of a layer.

    Raises:
        InvalidTypeError: Its constructor did not call the base's, so that there is none.
    """
    record = vars(layer).get("_cornu")
    if record is None:
        raise layer_errors.not_constructed(layer)
    return record
