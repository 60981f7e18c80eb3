"""Stop or replace the gradient of a computation."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from cornu import backends, trees
from cornu.ops.control_flow import arrays_of, backend_and_trees
from cornu.ops.dispatch import as_array, op
from cornu.ops.shape_checks import check_same_shape
from cornu.typing import Array, Tree

__all__ = ["custom_gradient", "jvp", "stop_gradient"]


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


@op
def jvp(fun: Callable, primals: Sequence[Tree], tangents: Sequence[Tree], has_aux: bool = False) -> tuple[Any, ...]:
    """Return the value of a function and its directional derivative, the product of its Jacobian matrix with a vector.

    The gradient of ``sum(w * fun(x))`` with respect to ``x`` is linear in ``w``; its product with the tangents has the
    derivative as its gradient with respect to ``w``. The NumPy backend, which has no second derivatives, cannot compute it.

    Args:
        fun: Callable of the primals that returns an array or a tree of arrays.
        primals: List or tuple of the arguments, float arrays or trees of them.
        tangents: List or tuple of the direction, with the same structure and shapes.
        has_aux: Whether the function returns a pair, whose second part is returned as it is. Defaults to False.

    Returns:
        Tuple ``(value, derivative)``, or ``(value, derivative, aux)`` with ``has_aux``.

    Raises:
        BackendError: On the NumPy backend.
        ShapeError: If a tangent does not have the shape of its primal.

    Example:
        >>> from cornu import ops
        >>> value, derivative = ops.jvp(lambda x: x * x, (ops.array([1.0, 3.0]),), (ops.array([1.0, 10.0]),))
        >>> value.tolist(), derivative.tolist()
        ([1.0, 9.0], [2.0, 60.0])
    """
    backend, primals, tangents = backend_and_trees(tuple(primals), tuple(tangents))
    for primal, tangent in zip(trees.leaves(primals), trees.leaves(tangents), strict=True):
        check_same_shape("jvp", "primals", primal.shape, "tangents", tangent.shape)
    value, *aux = fun(*primals) if has_aux else (fun(*primals),)
    value = arrays_of(backend, value)

    def product(one: Tree, other: Tree) -> Array:
        pairs = zip(trees.leaves(one), trees.leaves(other), strict=True)
        parts = [backend.sum(backend.multiply(a, backend.cast(b, backend.dtype(a)))) for a, b in pairs]
        return functools.reduce(backend.add, parts)

    def along(weights: Tree) -> Array:
        def weighted(given: Any) -> Array:
            found = fun(*given)
            return product(arrays_of(backend, found[0] if has_aux else found), weights)

        return product(backend.value_and_grad(weighted)(primals)[1], tangents)

    zeros = trees.map(lambda x: backend.full(backend.shape(x), 0, backend.dtype(x)), value)
    return (value, backend.value_and_grad(along)(zeros)[1], *aux)
