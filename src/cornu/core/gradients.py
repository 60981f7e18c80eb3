"""Gradients with respect to variables or arrays, the same on every engine, in a training step as well as outside of it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import backends, config, trees
from cornu.core import call_context, masks
from cornu.core.binding import bound_context
from cornu.core.variable import Variable, detached_values_of
from cornu.errors import InvalidTypeError
from cornu.typing import Tree


def value_and_grad(function: Callable[..., Any], sources: Tree, has_aux: bool = False) -> tuple[Any, Any]:
    """Compute a scalar and its gradients with respect to variables or arrays.

    The same code runs on every engine. In the ``train_step`` of a model it is compiled together with the rest of the step.
    Values that the function assigns to variables, such as moving averages, are kept.

    Args:
        function: Function that returns a scalar, the loss. It is called without arguments if ``sources`` are variables, and
            with ``sources`` as its only argument if they are arrays.
        sources: Variables, such as ``model.trainable_variables``, or floating-point arrays: one, or a list, tuple or dict.
        has_aux: Whether the function returns a tuple ``(loss, aux)``, where ``aux`` contains further results that are not
            differentiated, as an array or a tree of arrays. Defaults to False.

    Returns:
        Tuple ``(loss, gradients)``, or ``((loss, aux), gradients)`` if ``has_aux`` is True. The gradients have the structure of
        ``sources``; they are zero where the loss does not depend on a source.

    Raises:
        InvalidTypeError: If ``sources`` contains both variables and arrays, or nothing.
        ShapeError: If the loss is not a scalar.

    Example:
        >>> import cornu
        >>> weight = cornu.Variable([3.0])
        >>> loss, [gradient] = cornu.value_and_grad(lambda: cornu.ops.sum(weight**2), [weight])
        >>> float(loss), gradient.tolist()
        (9.0, [6.0])
        >>> cornu.value_and_grad(lambda x: cornu.ops.sum(x**3), cornu.ops.array([1.0, 2.0]))[1].tolist()
        [3.0, 12.0]
    """
    if not callable(function):
        raise InvalidTypeError(
            f"`value_and_grad` received {function!r:.80} as its function.",
            "The gradient of a value that is computed already is not known: the loss must be computed by the function.",
            "Pass a function, such as `lambda: loss_fn(y, model(x, training=True))`.",
        )
    leaves = trees.leaves(sources)
    variables = [leaf for leaf in leaves if isinstance(leaf, Variable)]
    if not leaves or 0 < len(variables) < len(leaves):
        raise _wrong_sources(leaves, variables)
    assigned: list[Variable] = []

    def run(values: Tree) -> tuple[Any, Any]:
        bound = dict(zip(map(id, variables), trees.leaves(values), strict=True)) if variables else {}
        inner = bound_context(bound)
        inner.differentiates = True
        with call_context.entered(inner), call_context.in_gradient():
            result = function() if variables else function(values)
            value, aux = _loss_and_aux(result, has_aux)
        call_context.continue_after(inner)
        assigned[:] = inner.assigned.values()
        return value, (aux, masks.masks_of(aux), [inner.values[id(variable)] for variable in assigned])

    place = variables[0].place if variables else config.place()
    with config.placement_scope(*place):
        backend = backends.get(place.backend) if variables else backends.of(*leaves)
        arrays = trees.unflatten(sources, detached_values_of(variables)) if variables else sources
        (value, (aux, found, after)), gradients = backend.value_and_grad(run, has_aux=True)(arrays)
    masks.restore(aux, found)
    for variable, array in zip(assigned, after, strict=True):
        variable.assign(array)
    return ((value, aux) if has_aux else value), gradients


def _loss_and_aux(result: Any, has_aux: bool) -> tuple[Any, Any]:
    """Return what a function returned as a tuple of the loss and the other results."""
    if result is None:
        raise InvalidTypeError(
            "The function passed to `value_and_grad` returned None.",
            "It must return the loss, a scalar.",
            "End it with `return loss`. If it returns the result of a function such as `compute_loss`, check that one too.",
        )
    is_pair = isinstance(result, (tuple, list)) and len(result) == 2
    if has_aux and not is_pair:
        raise InvalidTypeError(
            f"The function passed to `value_and_grad` returned an object of type {type(result).__name__}.",
            "With `has_aux=True` it must return a tuple of the loss and the other results.",
            "End it with, for example, `return loss, y_pred`, or omit `has_aux`.",
        )
    if not has_aux and isinstance(result, (tuple, list)):
        raise InvalidTypeError(
            f"The function passed to `value_and_grad` returned {len(result)} values.",
            "Without `has_aux=True` it must return the loss alone, a scalar.",
            "Pass `has_aux=True` if it returns a tuple of the loss and other results.",
        )
    loss, aux = result if has_aux else (result, None)
    check_differentiable("The function passed to `value_and_grad`", loss)
    return loss, aux


def check_differentiable(function: str, loss: Tree) -> None:
    """Raise ``InvalidTypeError`` if a loss is differentiated that is no array of the engine: ``float`` or NumPy converted it.

    Args:
        function: What returned the loss, at the beginning of a sentence.
        loss: The loss.
    """
    is_number = isinstance(loss, float) and not isinstance(loss, np.generic)
    is_data = isinstance(loss, (np.ndarray, np.generic)) and config.backend() != "numpy"
    if call_context.is_in_gradient() and (is_number or is_data):
        raise InvalidTypeError(
            f"{function} returned a {'Python number' if is_number else 'NumPy array'}.",
            "It must return an array that the engine computed from the variables: other values have no gradient.",
            "Compute the loss with functions of `cornu.ops`. Convert values with `float`, `.item()` or NumPy after the step.",
        )


def _wrong_sources(leaves: list, variables: list) -> InvalidTypeError:
    """Return the error for sources that are neither all variables nor all arrays."""
    if not leaves:
        return InvalidTypeError(
            "`value_and_grad` received no variables.",
            "A gradient requires variables, and a layer has none before it is built.",
            "Call the layer or model once before, or give it an `Input`, so that it is built.",
        )
    return InvalidTypeError(
        f"`value_and_grad` received {len(variables)} variables and {len(leaves) - len(variables)} arrays.",
        "Gradients are computed with respect to variables, or with respect to arrays.",
        "Pass, for example, `model.trainable_variables`.",
    )
