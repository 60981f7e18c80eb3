"""Building of layers: when a layer is built, and for which shapes."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from cornu import config
from cornu.core import call_context, layer_errors, layer_placement, symbolic_tensor
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_record import record_of
from cornu.core.shape_trees import first_argument, has_shapes, shapes_for_build, shapes_key, shapes_of
from cornu.scopes import construction_lock


def record_build(build: Callable) -> Callable:
    """Wrap a ``build`` method so that it runs in the name scope of the layer and records the shapes, also if users call it."""

    @functools.wraps(build)
    def wrapper(self: LayerLike, *args: Any, **kwargs: Any) -> None:
        with construction_lock:  # other threads wait until the layer is built
            run(self, args, kwargs)

    def run(self: LayerLike, args: tuple, kwargs: dict) -> None:
        record = record_of(self)
        if record.is_building:  # `super().build` called by a subclass
            build(self, *args, **kwargs)
            return
        if self.built:
            return
        made = len(record.trained), len(record.state)
        shapes = dict(list(inspect.signature(build).bind(self, *args, **kwargs).arguments.items())[1:])
        self.path = call_context.path_of(self.name)
        record.is_building = True
        try:
            with call_context.name_scope(self.name), config.placement_scope(*record.placement):
                build(self, *args, **kwargs)
                for layer in self._cornu_sublayers():  # including those that `build` created
                    layer_placement.move(layer, record.placement)
        except Exception:  # so that another attempt does not duplicate the variables
            del record.trained[made[0] :], record.state[made[1] :]
            raise
        finally:
            record.is_building = False
        record.build_shapes = shapes
        self.built = True

    return wrapper


def build_for(layer: LayerLike, args: tuple, kwargs: dict, knows_shapes: bool, has_build: bool) -> None:
    """Build a layer for the arguments of a call, or check that the arguments fit the built layer.

    Args:
        layer: The layer.
        args, kwargs: Arguments of the call.
        knows_shapes: Whether the class defines ``compute_output_shape``.
        has_build: Whether the class defines ``build``.
    """
    if layer.built and not knows_shapes:
        return
    inputs = first_argument(args, kwargs)
    if not has_shapes(inputs) and (knows_shapes or has_build):
        raise layer_errors.no_arrays(layer, inputs)
    shapes = shapes_of(inputs)
    key = shapes_key(shapes)
    if key in layer._cornu.accepted_shapes:
        return
    if not layer.built:
        layer.build(**shapes_for_build(layer, args, kwargs))
    if knows_shapes:  # it raises an error specific to the layer if the shapes do not fit
        layer.compute_output_shape(shapes)
    layer._cornu.accepted_shapes.add(key)


def first_node(layer: LayerLike, what: str) -> symbolic_tensor.Node:
    """Return the first call of a layer on symbolic tensors.

    Args:
        layer: The layer.
        what: Name of the requested attribute, for the error message.

    Raises:
        NotBuiltError: If the layer was never called on symbolic tensors.
    """
    if not layer._inbound_nodes:
        raise layer_errors.never_called(layer, what)
    return layer._inbound_nodes[0]


def input_shape_of(layer: LayerLike) -> Any:
    """Return the shape that a layer was first called on or built for.

    Raises:
        NotBuiltError: If the layer was neither called nor built.
    """
    if layer._inbound_nodes:
        return shapes_of(layer.input)
    shapes = layer._cornu.build_shapes
    return next(iter(shapes.values())) if shapes is not None else first_node(layer, "input_shape")
