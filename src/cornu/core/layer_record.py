"""Internal state of a layer, stored under a single attribute so that all other names are available to subclasses."""

import dataclasses
from typing import Any

from cornu import config
from cornu.core import layer_errors
from cornu.core.layer_protocol import LayerLike
from cornu.core.variable import Variable


@dataclasses.dataclass(eq=False)
class LayerRecord:
    """Internal state of a layer: the value of ``layer._cornu``.

    Attributes:
        placement: Backend and device that the layer was created for or moved to.
        input_shape_hint: The ``input_shape`` argument of the constructor, or None.
        trained: Trainable variables created by ``add_weight``.
        state: Non-trainable variables created by ``add_weight``.
        losses: Losses collected by ``add_loss`` in the last eager call.
        build_shapes: Shapes that the layer was built for, by the parameter names of ``build``; None if it is not built.
        accepted_shapes: Keys of the input shapes that are known to fit.
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

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without the losses: those of a traced call have no values."""
        return {**vars(self), "losses": []}


def record_of(layer: LayerLike) -> LayerRecord:
    """Return the record of a layer.

    Raises:
        InvalidTypeError: If the constructor of the layer did not call the constructor of the base class.
    """
    record = vars(layer).get("_cornu")
    if record is None:
        raise layer_errors.not_constructed(layer)
    return record
