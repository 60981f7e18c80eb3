"""Checks of the gradients, variables and values that a step of an optimizer receives."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cornu import backends, ops
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError, InvalidTypeError, NotBuiltError, ShapeError, returned_none, warn
from cornu.ops.dispatch import unwrap
from cornu.typing import Array, ArrayLike

_ORDER = "The gradients come first, and each belongs to the variable at its position."
_CALL = "Write `optimizer.apply(gradients, model.trainable_variables)`."


def as_lists(optimizer: str, grads: Iterable[ArrayLike | None], variables: Iterable[Variable]) -> tuple[list, list[Variable]]:
    """Return the arguments of ``apply`` as lists, after checking that they are gradients and variables, in this order.

    Args:
        optimizer: Name of the optimizer.
        grads: The gradients.
        variables: The variables.

    Raises:
        InvalidTypeError: They are something else.
    """
    lists = []
    for name, given in (("grads", grads), ("trainable_variables", variables)):
        try:
            lists.append(list(given))
        except TypeError:
            raise InvalidTypeError(
                f"`apply` of the optimizer {optimizer!r} received {_described(given)} as `{name}`.",
                f"Both arguments must be lists. {_ORDER}",
                _CALL,
            ) from None
    gradients, targets = lists
    if any(
        isinstance(gradient, (tuple, list)) and len(gradient) == 2 and isinstance(gradient[1], Variable)
        for gradient in gradients
    ):
        raise InvalidTypeError(
            f"`apply` of the optimizer {optimizer!r} received pairs of a gradient and a variable as `grads`.",
            "It takes the gradients and the variables as two lists.",
            "Call `optimizer.apply_gradients(zip(gradients, variables))` for pairs.",
        )
    wrong = [target for target in targets if not isinstance(target, Variable)]
    if wrong and any(isinstance(gradient, Variable) for gradient in gradients):
        raise InvalidTypeError(
            f"The optimizer {optimizer!r} received variables in the place of the gradients, and {_described(wrong[0])} in the "
            "place of a variable.",
            _ORDER,
            f"{_CALL[:-1]}, or `optimizer.apply_gradients(zip(gradients, variables))`.",
        )
    if wrong:
        raise InvalidTypeError(
            f"`apply` of the optimizer {optimizer!r} received {_described(wrong[0])} in `trainable_variables`.",
            "It must be a list of variables, whose values it assigns.",
            "Pass `model.trainable_variables`, or call `stateless_apply` with their values.",
        )
    if any(gradient is target for gradient in gradients for target in targets):
        raise InvalidTypeError(
            f"`apply` of the optimizer {optimizer!r} received variables as `grads` that it is to update.", _ORDER, _CALL
        )
    return gradients, targets


def as_pairs(optimizer: str, grads_and_vars: Iterable[tuple[ArrayLike | None, Variable]]) -> list[tuple[Any, Variable]]:
    """Return the argument of ``apply_gradients`` as a list of pairs.

    Raises:
        InvalidTypeError: It does not consist of pairs of a gradient and a variable.
    """
    pairs = list(grads_and_vars) if isinstance(grads_and_vars, Iterable) else [grads_and_vars]
    wrong = [pair for pair in pairs if not isinstance(pair, (tuple, list)) or len(pair) != 2]
    if wrong:
        raise InvalidTypeError(
            f"`apply_gradients` of the optimizer {optimizer!r} received {_described(wrong[0])} in its list.",
            "It must be a list of pairs of a gradient and a variable.",
            "Write `optimizer.apply_gradients(zip(gradients, model.trainable_variables))`.",
        )
    return [(gradient, variable) for gradient, variable in pairs]


def check_lengths(gradients: list, variables: list[Variable]) -> None:
    """Raise ``InvalidArgumentError`` if there is not one gradient for each variable."""
    if len(gradients) != len(variables):
        raise InvalidArgumentError(
            f"The optimizer received {len(gradients)} gradients for {len(variables)} variables.",
            "Each variable requires one gradient, or None.",
            "Compute the gradients with respect to the same list of variables.",
        )


def check_some_gradient(optimizer: str, gradients: list, variables: list[Variable]) -> None:
    """Raise ``InvalidArgumentError`` if all gradients are None; warn about the variables without one."""
    missing = [variable.path for gradient, variable in zip(gradients, variables, strict=True) if gradient is None]
    if missing and len(missing) == len(variables):
        raise InvalidArgumentError(
            f"The optimizer {optimizer!r} received no gradient for any variable: all are None.",
            "At least one variable must have a gradient.",
            "Compute the loss from the outputs of the model, inside the function or the tape that is differentiated.",
        )
    if missing:
        warn(f"There are no gradients for the variables {missing}; they are not updated.")


def as_gradient(gradient: ArrayLike, variable: Variable) -> Array:
    """Return a gradient as an array on the backend of its variable.

    Raises:
        ShapeError: It does not have the shape of the variable.
    """
    array = ops.convert_to_tensor(gradient, dtype=variable.dtype, backend=backends.name_of(variable.backend))
    if tuple(array.shape) != variable.shape:
        raise wrong_shape(f"The gradient for the variable {variable.path!r}", tuple(array.shape), variable)
    return array


def wrong_shape(what: str, shape: tuple, variable: Variable) -> ShapeError:
    """Return the error for an array that has not the shape of its variable."""
    return ShapeError(
        f"{what} has shape {shape}.",
        f"The variable has shape {variable.shape}.",
        "Pass the arrays in the order of the variables.",
    )


def constrained(variable: Variable, value: Array) -> Array:
    """Return the new value of a variable as its constraint returns it, or the value itself if it has none.

    Raises:
        InvalidTypeError: The constraint returns None.
    """
    if variable.constraint is None:
        return value
    result = variable.constraint(value)
    if result is None:
        raise returned_none(variable.constraint, f"the constrained value of {variable.path!r}", "return ops.clip(w, -1, 1)")
    return result


def check_values(optimizer: str, is_built: bool, lists: Mapping[str, tuple[list, list[Variable]]]) -> None:
    """Check the arguments of ``stateless_apply``.

    Args:
        optimizer: Name of the optimizer.
        is_built: Whether it is built.
        lists: Dict from the name of an argument to the list that was received and the variables that its values belong to.

    Raises:
        NotBuiltError: The optimizer is not built.
        InvalidArgumentError: A list has the wrong length, or all gradients are None.
        ShapeError: A value has not the shape of its variable.
    """
    if not is_built:
        raise NotBuiltError(
            f"The optimizer {optimizer!r} is not built.",
            "It must be built with its variables before the first step.",
            "Call `optimizer.build(trainable_variables)` first.",
        )
    order = f"The arguments of `stateless_apply` are {', '.join(f'`{name}`' for name in lists)}, in this order."
    for name, (values, variables) in lists.items():
        if len(values) != len(variables):
            raise InvalidArgumentError(
                f"`{name}` has {len(values)} elements.",
                f"The optimizer {optimizer!r} was built for {len(variables)}.",
                f"Pass one element per variable, in the order of the variables it was built with. {order}",
            )
        for value, variable in zip(values, variables, strict=True):
            shape = None if value is None else _shape_of(value)
            if shape is not None and shape != variable.shape:
                error = wrong_shape(f"In `{name}` of `stateless_apply`, the array for {variable.path!r}", shape, variable)
                raise ShapeError(error.received, error.expected, f"{error.hint} {order}")


def _shape_of(value: ArrayLike) -> tuple | None:
    """Return the shape of a value; None if it is not known, as for some arrays of a function that is being traced."""
    array = unwrap(value)
    shape = tuple(array.shape if hasattr(array, "shape") else np.shape(array))
    return None if None in shape else shape


def _described(value: ArrayLike | Variable | Iterable | None) -> str:
    """Return what an error calls a value that is not a variable."""
    shape = getattr(value, "shape", None)
    return f"{value!r:.80}" if shape is None else f"an array of shape {tuple(shape)}"
