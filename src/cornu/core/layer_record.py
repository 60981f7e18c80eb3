"""Internal state of a layer, stored under a single attribute so that all other names are available to subclasses."""

import dataclasses
from typing import Any

from cornu import config
from cornu.core import remat_mode, structure_changes
from cornu.core.layer_protocol import LayerLike
from cornu.core.remat_mode import RematMode
from cornu.core.variable import Variable
from cornu.errors import not_constructed


@dataclasses.dataclass(eq=False)
class LayerRecord:
    """Internal state of a layer: the value of ``layer._cornu``.

    Attributes:
        placement: Backend and device that the layer was created for or moved to.
        batch_shape_hint: Shape of the input as passed to the constructor, the batch size first, or None.
        trained: Trainable variables created by ``add_weight``.
        state: Non-trainable variables created by ``add_weight``.
        made_at: Number of the structure change with which the layer was created (see ``core/structure_changes.py``).
        set_at: When the attributes that may hold variables or layers were first set, by name, likewise.
        losses: Losses collected by ``add_loss`` in the last eager call.
        path: Names of the enclosing layers and of the layer, joined by slashes; None before it is built.
        input_spec: Specification of the first argument of a call, or None.
        build_shapes: Shapes that the layer was built for, by the parameter names of ``build``; None if it is not built.
        input_shapes: Shapes of the first argument that the layer was built for, with None for the size of a batch of arrays.
        accepted_shapes: Keys of the input shapes that are known to fit.
        is_building: Whether ``build`` is running.
        is_locked: Whether the layer is built and can get no more variables and layers.
        remat: Whether the calls of the layer are rematerialized (see ``core/remat.py``), as when it was created.
        facts: What is remembered about the structure, and the fingerprint of the structure (see ``core/structure_facts.py``).
    """

    placement: config.Placement
    batch_shape_hint: tuple | None = None
    trained: list[Variable] = dataclasses.field(default_factory=list)
    state: list[Variable] = dataclasses.field(default_factory=list)
    made_at: int = dataclasses.field(default_factory=structure_changes.record)
    set_at: dict[str, int] = dataclasses.field(default_factory=dict)
    losses: list = dataclasses.field(default_factory=list)
    path: str | None = None
    input_spec: Any = None
    build_shapes: dict[str, Any] | None = None
    input_shapes: Any = None
    accepted_shapes: set = dataclasses.field(default_factory=set)
    is_building: bool = False
    is_locked: bool = False
    facts: Any = None
    remat: RematMode | None = dataclasses.field(default_factory=remat_mode.current_mode)

    def built_for(self, shapes: dict[str, Any]) -> None:
        """Record the shapes that the layer was built for, by the parameter names of ``build``."""
        self.build_shapes, self.input_shapes = shapes, next(iter(shapes.values()), None)

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, without facts, and without losses: those of a traced call have no values."""
        return {**vars(self), "losses": [], "facts": None}


def record_of(layer: LayerLike) -> LayerRecord:
    """Return the record of a layer.

    Raises:
        InvalidTypeError: If the constructor of the layer did not call the constructor of the base class.
    """
    record = vars(layer).get("_cornu")
    if record is None:
        raise not_constructed(type(layer).__name__, "layer")
    return record
