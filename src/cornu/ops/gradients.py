"""Stop or replace the gradient of a computation."""

from collections.abc import Callable
from typing import Any

from cornu import backends, trees
from cornu.ops.control_flow import arrays_of, backend_and_trees
from cornu.ops.dispatch import as_array, op
from cornu.typing import Array, Tree

__all__ = ["custom_gradient", "stop_gradient"]


@op(batch_coupling="none", keras_path="core.StopGradient")
def stop_gradient(variable: Tree) -> Any:
    """Return the array unchanged, but treat it as a constant in gradients.

    Args:
        variable: Array or tree of arrays.

    Example:
        >>> from cornu import ops
        >>> ops.stop_gradient([1.0]).tolist()
        [1.0]
    """
    backend = backends.of(*trees.leaves(variable))
    if isinstance(variable, (list, tuple, dict)) and backends.holds_arrays(trees.leaves(variable)):
        return trees.map(backend.stop_gradient, arrays_of(backend, variable))
    return backend.stop_gradient(as_array(backend, variable))


def custom_gradient(f: Callable) -> Callable:
    """Decorate a function to define its gradient.

    Args:
        f: Callable ``f(*arrays) -> (value, grad)``, where ``grad(upstream)`` returns the gradient with respect to each
            argument: an array for a single argument, else a tuple.

    Returns:
        Callable of the same arrays that returns the value.

    Example:
        >>> from cornu import ops
        >>> @ops.custom_gradient
        ... def double(x):
        ...     return x * 2, lambda upstream: upstream * 100
        >>> float(double(ops.array(3.0)))
        6.0
    """

    def pair(*args: Any) -> tuple[Any, Callable]:
        value, grad = f(*args)

        def gradients(upstream: Array) -> tuple:
            result = grad(upstream)
            return tuple(result) if isinstance(result, (list, tuple)) else (result,)

        return value, gradients

    @op
    def wrapper(*args: Any) -> Any:
        backend, *found = backend_and_trees(*args)
        return backend.custom_gradient(pair)(*found)

    return wrapper
