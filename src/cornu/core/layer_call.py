"""Execution of a layer call: recorded, eager, as a pure function, or abstract."""

from typing import Any

from cornu import autograph, backends, config, registry, trees
from cornu.core import (
    call_context,
    call_handling,
    graph,
    layer_errors,
    layer_tree,
    mask_propagation,
    masks,
    remat,
    symbolic_tensor,
)
from cornu.core.call_context import CallContext
from cornu.core.layer_placement import placement_of
from cornu.core.layer_protocol import LayerLike
from cornu.core.layer_record import record_of
from cornu.core.random_key import key_in_trace
from cornu.ops.dispatch import unwrap


def call(layer: LayerLike, args: tuple, kwargs: dict) -> Any:
    """Call a layer, building it first if necessary; record the call if an argument is symbolic."""
    record = record_of(layer)
    if symbolic_tensor.symbolic_leaves((args, kwargs)):
        args, kwargs = call_handling.name_training(layer, args, kwargs)
        call_handling.check_positional(layer, args)
        layer._cornu_build_for(args, kwargs)
        specs = layer.compute_output_spec(*args, **kwargs)
        if specs is None:  # no model can contain a call without outputs
            raise layer_errors.no_outputs(layer)
        return graph.record(layer, args, kwargs, specs)
    context = call_context.current()
    if context is not None and context.is_step:
        with config.placement_scope(*record.placement), call_context.entered(context.begin_call()) as inner:
            outputs = _run(layer, inner, args, kwargs)
        context.end_call(id(layer), inner)
        return outputs
    if context is not None:
        return _run(layer, context, args, kwargs)
    try:
        with config.placement_scope(*record.placement), call_context.entered(CallContext()) as context:
            given = call_handling.to_layer_device(layer, (args, kwargs))
            outputs = _run(layer, context, *given)
    except call_handling.ForeignTraceError as error:
        foreign = error.backend
    else:
        record.losses = context.losses
        return outputs
    return _call_in_trace(layer, foreign, args, kwargs)


def _call_in_trace(layer: LayerLike, backend: str, args: tuple, kwargs: dict) -> Any:
    """Call a layer in a function that another engine traces, such as one passed to ``map`` of a ``tf.data`` dataset.

    The layer computes on that engine with its current variables, which do not change. Random values differ in each run of the
    function where the engine can count the runs.
    """
    place = config.Placement(backend, config.device(backend))
    values = {id(variable): backends.array_at(place, variable.numpy()) for variable in layer.variables}
    context = CallContext(values=values, backend_name=backend)
    context.captures = True
    with config.placement_scope(*place), call_context.entered(context):
        if layer_tree.seed_generators(layer):
            context.key = key_in_trace(backends.get(backend))
        return _run(layer, context, args, kwargs)


def call_abstractly(layer: LayerLike, *args: Any, **kwargs: Any) -> Any:
    """Call a layer on abstract arrays without changing its variables."""
    with call_context.entered(CallContext(values={}, abstract=True)):
        return layer(*args, **kwargs)


def call_statelessly(
    layer: LayerLike, values: tuple[list, list], args: tuple, kwargs: dict, return_losses: bool, context: CallContext | None
) -> tuple:
    """Call a layer as a pure function (see ``Layer.stateless_call``).

    Args:
        layer: The layer.
        values: Pair of lists of arrays, the values of the trainable and of the non-trainable variables.
        args, kwargs: Arguments of ``call``.
        return_losses: Whether to return the losses collected by ``add_loss`` and the regularizers.
        context: Context of the call; None for that of a call in the running step, or a new one.
    """
    step = call_context.current() if context is None else None
    if context is None:
        context = CallContext() if step is None else step.begin_call()
    context.captures, context.values = True, {}
    for given, variables, argument in (
        (values[0], layer.trainable_variables, "trainable_variables"),
        (values[1], layer.non_trainable_variables, "non_trainable_variables"),
    ):
        if len(given) != len(variables):
            raise layer_errors.wrong_number_of_values(layer, argument, len(given), len(variables))
        context.values.update((id(variable), unwrap(value)) for variable, value in zip(variables, given, strict=True))
    with call_context.entered(context), config.placement_scope(*placement_of(layer)):
        outputs = layer(*args, **kwargs)
        penalties = layer_tree.regularization_losses(layer) if return_losses or step is not None else []
    losses = [*context.losses, *penalties]
    if step is not None:
        step.end_call(id(layer), context, penalties)
    after = [context.values[id(variable)] for variable in layer.non_trainable_variables]
    return (outputs, after, losses) if return_losses else (outputs, after)


def _run(layer: LayerLike, context: CallContext, args: tuple, kwargs: dict) -> Any:
    """Run one call on arrays within a context."""
    args, kwargs = call_handling.to_inputs(layer, *call_handling.name_training(layer, args, kwargs))
    layer._cornu_build_for(args, kwargs)
    outer_training, context.training = context.training, call_handling.training_of(layer, context, kwargs)
    if context.training is not None and "training" in call_handling.parameters_of(type(layer)):
        kwargs["training"] = context.training
    if masks.exist():
        mask_propagation.fill_in_masks(layer, args, kwargs)
    with call_context.name_scope(layer.name), call_context.autocast(_autocast_dtype(layer)):
        try:
            call = layer.call if context.values is None else autograph.not_recorded(layer.call)
            outputs = remat.call_of(layer, call, args, kwargs)(*args, **kwargs)
        except Exception as error:  # raised by user code or an engine, whose messages do not name the layer
            layer_errors.add_layer_note(layer, error, args, kwargs)
            raise
        finally:
            context.training = outer_training
    passes_on_none = bool(context.silent) and registry.is_builtin(type(layer))  # such as a `Sequential` of a silent layer
    if outputs is None and not passes_on_none:
        context.silent.append(layer)
    if layer.supports_masking or masks.exist():
        outputs = mask_propagation.propagate_masks(layer, args, kwargs, outputs)
    if layer.activity_regularizer is not None:
        context.losses.extend(call_handling.activity_loss(layer, context, output) for output in trees.leaves(outputs))
    for hook in context.hooks:
        outputs = hook(layer, args, outputs)
    return outputs


def _autocast_dtype(layer: LayerLike) -> str | None:
    """Return the dtype that a layer reads its variables in, or None if it is the variable dtype."""
    return layer.compute_dtype if layer.autocast and layer.compute_dtype != layer.variable_dtype else None
