"""Running a function with arrays bound to variables, so that what it reads and assigns stays in a call context."""

from collections.abc import Callable, Sequence
from typing import Any

from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.core.variable import Variable


def bound_context(bound: dict[int, Any]) -> CallContext:
    """Return a context in which arrays are bound to variables, in addition to those that the running call has bound.

    Everything that is assigned in it stays in it. If a call of a layer is running, the context belongs to that call.

    Args:
        bound: Dict from ``id(variable)`` to array.
    """
    outer = call_context.current()
    if outer is None:
        return CallContext.of_step(bound)
    inner = outer.begin_call((outer.values or {}) | bound)
    inner.captures, inner.is_step, inner.assigned = True, outer.is_step, {}
    inner.see_losses_of(outer)
    return inner


def bindings(groups: Sequence[list[Variable]], values: Sequence[list]) -> dict[int, Any]:
    """Return the arrays of groups of variables as a dict from ``id(variable)`` to array.

    Args:
        groups: Lists of variables.
        values: List of arrays for each group.
    """
    bound: dict[int, Any] = {}
    for variables, arrays in zip(groups, values, strict=True):
        bound.update(zip(map(id, variables), arrays, strict=True))
    return bound


def values_in(bound: dict[int, Any], groups: Sequence[list[Variable]]) -> tuple[list, ...]:
    """Return the arrays bound to groups of variables as lists: the inverse of :func:`bindings`."""
    return tuple([bound[id(variable)] for variable in variables] for variables in groups)


def run_bound(
    groups: Sequence[list[Variable]], values: Sequence[list], function: Callable[[], Any]
) -> tuple[Any, tuple[list, ...]]:
    """Run a function as a pure function of the values of variables.

    Args:
        groups: Lists of variables.
        values: List of arrays for each group.
        function: Function without arguments that may read and assign the variables.

    Returns:
        Tuple of the result of the function and the values of the groups after it.
    """
    inner = bound_context(bindings(groups, values))
    with call_context.entered(inner):
        result = function()
    call_context.continue_after(inner)
    return result, values_in(inner.values or {}, groups)
