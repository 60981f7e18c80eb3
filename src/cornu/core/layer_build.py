"""Building of layers: when a layer is built, and for which shapes."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from cornu import config
from cornu.core import call_context, layer_errors, layer_placement, symbolic_tensor
from cornu.core.input_spec import check_inputs
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_record import LayerRecord, record_of
from cornu.core.shape_trees import first_argument, full_shapes_of, has_shapes, shapes_for_build, shapes_key, shapes_of
from cornu.scopes import construction_lock


def record_build(build: Callable, creates_state: bool = True) -> Callable:
    """Wrap a ``build`` method so that it runs in the name scope of the layer and records the shapes, also if users call it.

    Args:
        build: The method.
        creates_state: Whether the layer has all its variables and layers after it. False for the method of ``Layer``, which is
            also that of layers that create variables in ``call``. Defaults to True.
    """

    @functools.wraps(build)
    def wrapper(self: LayerLike, *args: Any, **kwargs: Any) -> None:
        _build_once(self, build, creates_state, args, kwargs)

    return wrapper


def _build_once(layer: LayerLike, build: Callable, creates_state: bool, args: tuple, kwargs: dict) -> None:
    """Build a layer unless it is built.

    It is no inner function of :func:`record_build`, since programs such as ``cloudpickle`` save a class of the user with its
    functions and what these refer to: a lock cannot be saved.
    """
    with construction_lock:  # other threads wait until the layer is built
        record = record_of(layer)
        if record.is_building:  # `super().build` called by a subclass
            build(layer, *args, **kwargs)
            return
        if layer.built:
            return
        made = len(record.trained), len(record.state)
        shapes = dict(list(inspect.signature(build).bind(layer, *args, **kwargs).arguments.items())[1:])
        record.path = call_context.path_of(layer.name)
        record.is_building = True
        try:
            with call_context.name_scope(layer.name), config.placement_scope(*record.placement):
                build(layer, *args, **kwargs)
                layer._cornu_after_build()
                for inner in layer._cornu_sublayers():  # including those that `build` created
                    layer_placement.move(inner, record.placement)
        except BaseException:  # also Ctrl-C, so that another attempt does not duplicate the variables
            del record.trained[made[0] :], record.state[made[1] :]
            raise
        finally:
            record.is_building = False
        record.built_for(shapes)
        layer.built = True
        record.is_locked = creates_state and layer._cornu_locks_when_built


def build_for(layer: LayerLike, args: tuple, kwargs: dict, knows_shapes: bool, has_build: bool) -> None:
    """Build a layer for the arguments of a call, or check that the arguments fit the built layer.

    Args:
        layer: The layer.
        args, kwargs: Arguments of the call.
        knows_shapes: Whether the class defines ``compute_output_shape``.
        has_build: Whether the class defines ``build``.
    """
    record: LayerRecord = layer._cornu
    spec, is_built = record.input_spec, layer.built
    if is_built and not knows_shapes and spec is None and record.input_shapes is not None:
        return
    inputs = first_argument(args, kwargs)
    is_abstract = getattr(call_context.current(), "abstract", False)  # with stand-ins for unknown sizes
    if spec is not None and not is_abstract:
        check_inputs(layer, spec, inputs)
    if not has_shapes(inputs) and (knows_shapes or (has_build and not is_built)):
        raise layer_errors.no_arrays(layer, inputs)
    shapes = shapes_of(inputs)
    key = shapes_key(shapes)
    if key in record.accepted_shapes:
        return
    if not is_built:
        _build(layer, args, kwargs)
        if record.input_spec is not spec and not is_abstract:  # set by `build`
            check_inputs(layer, record.input_spec, inputs)
    if not is_built or record.input_shapes is None:
        record.input_shapes = shapes
    if knows_shapes:  # it raises an error specific to the layer if the shapes do not fit
        layer.compute_output_shape(shapes)
    record.accepted_shapes.add(key)


def _build(layer: LayerLike, args: tuple, kwargs: dict) -> None:
    """Build a layer for the arguments of a call.

    In an eager call, ``build`` receives the batch size, as in Keras; in an abstract one that would be a stand-in.
    """
    context = call_context.current()
    is_eager = context is not None and context.values is None and not context.abstract
    layer.build(**shapes_for_build(layer, args, kwargs, full_shapes_of if is_eager else shapes_of))


def first_node(layer: LayerLike, what: str) -> symbolic_tensor.Node:
    """Return the first call of a layer on symbolic tensors.

    Args:
        layer: The layer.
        what: Name of the requested attribute, for the error message.

    Raises:
        NotBuiltAttributeError: If the layer was never called on symbolic tensors.
    """
    if not layer._inbound_nodes:
        raise layer_errors.never_called(layer, what)
    return layer._inbound_nodes[0]


def input_shape_of(layer: LayerLike) -> Any:
    """Return the shape that a layer was first called on or built for.

    Raises:
        NotBuiltAttributeError: If the layer was neither called nor built.
    """
    if layer._inbound_nodes:
        return shapes_of(layer.input)
    shapes = record_of(layer).input_shapes
    return shapes if shapes is not None else first_node(layer, "input_shape")
