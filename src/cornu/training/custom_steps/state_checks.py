"""Checks of what a step or function of the form ``step(state, data)`` returns."""

from collections.abc import Mapping
from typing import Any, cast

from cornu import ops
from cornu.core.variable import Variable
from cornu.errors import InvalidTypeError, ShapeError, returned_none
from cornu.typing import ArrayLike, Tree

_FORM = "with a state of the form that it received"


def result_and_state(name: str, returned: Tree, result: str = "logs") -> tuple[Any, Any]:
    """Return the logs or outputs, and the state, that a step returned.

    Args:
        name: Name of the step.
        returned: What it returned.
        result: What it returns together with the state. Defaults to ``"logs"``.

    Raises:
        InvalidTypeError: It is not a pair, or the state comes first.
    """
    parts, example = f"`({result}, state)`, {_FORM}", f"return {result}, (trainable_variables, non_trainable_variables, ...)"
    if returned is None:
        raise returned_none(name, parts, example)
    if not isinstance(returned, (tuple, list)) or len(returned) != 2:
        is_sequence = isinstance(returned, (tuple, list))
        received = f"a {type(returned).__name__} of {len(returned)} elements" if is_sequence else f"{returned!r:.80}"
        hint = f"End it with, for example, `{example}`."
        method = name.rpartition(".")[2]
        if method in ("train_step", "test_step"):
            hint += " A method of two arguments receives `(state, data)`. "
            hint += f"For the data alone, write `def {method}(self, data)`."
        raise InvalidTypeError(f"`{name}` returned {received}.", f"It must return {parts}.", hint)
    first, state = returned
    if isinstance(state, Mapping) and not isinstance(first, Mapping):
        raise InvalidTypeError(
            f"`{name}` returned the state before the {result}.", f"It must return {parts}.", f"Write `return {result}, state`."
        )
    return first, state


def arrays_of_state(name: str, groups: list[list[Variable]], state: Tree) -> list[list]:
    """Return a state that a step returned as lists of arrays with the dtypes of their variables.

    Args:
        name: Name of the step.
        groups: The variables whose values are the state.
        state: The state.

    Raises:
        InvalidTypeError: It does not consist of such lists.
        ShapeError: An array has not the shape of its variable.
    """
    parts = list(state) if isinstance(state, (tuple, list)) else []
    lists = [list(part) for part in parts if isinstance(part, (tuple, list))]
    found = [len(part) for part in lists]
    sizes = [len(group) for group in groups]
    if found != sizes or len(parts) != len(lists):
        received = f"a state of {len(found)} lists with {found} arrays" if parts else f"{state!r:.80} as its state"
        raise InvalidTypeError(
            f"`{name}` returned {received}.",
            f"It must return a state of the form that it received: {len(sizes)} lists with {sizes} arrays.",
            "Return the arrays in the order and in the lists in which the state contains them.",
        )
    return [[_array(name, *pair) for pair in zip(group, part, strict=True)] for group, part in zip(groups, lists, strict=True)]


def _array(name: str, variable: Variable, value: Tree) -> Any:
    """Return the value of a variable in a state as an array."""
    hint = "Return the arrays in the order in which the state contains them."
    if value is None:
        raise InvalidTypeError(
            f"`{name}` returned None as the value of the variable {variable.path!r} in its state.", "It must be an array.", hint
        )
    array = ops.convert_to_tensor(cast(ArrayLike, value))
    if tuple(array.shape) != variable.shape:
        raise ShapeError(
            f"`{name}` returned an array of shape {tuple(array.shape)} as the value of the variable {variable.path!r} in its "
            "state.",
            f"The variable has shape {variable.shape}.",
            hint,
        )
    return ops.cast(array, variable.dtype)
