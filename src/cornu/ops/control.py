"""Loops, choices and gradients inside computations, so that they can be compiled."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from cornu import backends, trees
from cornu.backends.contract import Array
from cornu.errors import InvalidArgumentError
from cornu.ops.dispatch import as_array, op, unwrap


def _backend_and_trees(*values: Any) -> tuple:
    """The backend that decides about the leaves of some trees, and the trees with arrays as leaves."""
    values = tuple(trees.map(unwrap, value) for value in values)
    backend = backends.of(*trees.leaves(values))
    return (backend, *[_arrays_of(backend, value) for value in values])


def _arrays_of(backend: ModuleType, tree: Any) -> Any:
    """A tree with arrays as leaves, in place of numbers and of what stands for an array."""
    return trees.map(lambda leaf: as_array(backend, unwrap(leaf)), tree)


@op
def scan(
    f: Callable, init: Any, xs: Any = None, length: int | None = None, reverse: bool = False, unroll: int = 1
) -> tuple[Any, Any]:
    """``carry, y = f(carry, x)`` for each part of ``xs`` along its first axis.

    Args:
        f: The step.
        init: The first carry: an array or a tree of arrays. Every step must give one of the same shapes and dtypes.
        xs: An array or a tree of arrays with the same first size; or None.
        length: The number of steps, if ``xs`` is None.
        reverse: Whether to go from the last part to the first.
        unroll: Is taken for the sake of Keras and has no effect.

    Returns:
        The last carry, and all ``y`` joined along a new first axis.

    Example:
        >>> from cornu import ops
        >>> last, sums = ops.scan(lambda total, x: (total + x, total + x), 0, ops.arange(4))
        >>> int(last), sums.tolist()
        (6, [0, 1, 3, 6])
    """
    backend, init, xs = _backend_and_trees(init, xs)
    parts = trees.leaves(xs)
    if parts:
        _check_lengths([int(part.shape[0]) for part in parts], length)
        return backend.scan(lambda carry, x: _arrays_of(backend, f(carry, x)), init, xs, reverse)
    if length is None:
        raise InvalidArgumentError("`scan` was called without `xs` and `length`.", "One of them is needed.", "Pass `length`.")
    steps = backend.arange(0, length, 1, "int32")
    return backend.scan(lambda carry, _: _arrays_of(backend, f(carry, None)), init, steps, reverse)


def _check_lengths(sizes: list[int], length: int | None) -> None:
    if len(set(sizes)) > 1 or (length is not None and length != sizes[0]):
        raise InvalidArgumentError(
            f"`scan` was given `xs` with first sizes {sizes} and `length={length}`.",
            "All must be the same: the number of steps.",
            "Check the first axis of `xs`, or leave `length` out.",
        )


@op
def map(f: Callable, xs: Any) -> Any:
    """``f(x)`` for each part of ``xs`` along its first axis, joined along a new first axis.

    Example:
        >>> from cornu import ops
        >>> ops.map(lambda x: x * x, ops.arange(3)).tolist()
        [0, 1, 4]
    """
    return scan(lambda _, x: (0, f(x)), 0, xs)[1]


@op
def while_loop(cond: Callable, body: Callable, loop_vars: Any, maximum_iterations: int | None = None) -> Any:
    """``while cond(*loop_vars): loop_vars = body(*loop_vars)``. It has no gradient.

    Args:
        cond: Gives a single boolean.
        body: Gives new loop variables of the same shapes and dtypes.
        loop_vars: A tuple or list of arrays, or one array.
        maximum_iterations: The largest number of rounds; None is no bound.

    Returns:
        The last loop variables, in the form of ``loop_vars``.

    Example:
        >>> from cornu import ops
        >>> int(ops.while_loop(lambda x: x < 100, lambda x: x * 2, 3))
        192
    """
    several = isinstance(loop_vars, (list, tuple))
    backend, state = _backend_and_trees(tuple(loop_vars) if several else (loop_vars,))

    def go_on(carry: tuple) -> Array:
        count, values = carry
        wanted = cond(*values)
        return wanted if maximum_iterations is None else backend.logical_and(wanted, backend.less(count, maximum_iterations))

    def step(carry: tuple) -> tuple:
        count, values = carry
        result = body(*values)
        result = tuple(result) if isinstance(result, (list, tuple)) else (result,)
        return backend.add(count, 1), _arrays_of(backend, result)

    _, result = backend.while_loop(go_on, step, (backend.asarray(0, "int32"), state))
    return type(loop_vars)(result) if several else result[0]


@op
def fori_loop(lower: Any, upper: Any, body_fun: Callable, init_val: Any) -> Any:
    """``value = body_fun(i, value)`` for ``i`` from ``lower`` up to and without ``upper``.

    Args:
        lower: The first index.
        upper: The bound, which is not reached. Both may be computed; the loop has a gradient if both are plain numbers.
        body_fun: The step; gives a value of the same shapes and dtypes.
        init_val: The first value: an array or a tree of arrays.

    Returns:
        The last value.

    Example:
        >>> from cornu import ops
        >>> int(ops.fori_loop(0, 4, lambda i, total: total + i, 0))
        6
    """
    if isinstance(lower, int) and isinstance(upper, int):
        backend, init = _backend_and_trees(init_val)
        indices = backend.arange(lower, upper, 1, "int32")
        return backend.scan(lambda value, i: (_arrays_of(backend, body_fun(i, value)), None), init, indices)[0]
    backend, lower, upper, init = _backend_and_trees(lower, upper, init_val)

    def step(carry: tuple) -> tuple:
        return backend.add(carry[0], 1), _arrays_of(backend, body_fun(*carry))

    start = (backend.cast(lower, "int32"), init)
    return backend.while_loop(lambda carry: backend.less(carry[0], upper), step, start)[1]


@op
def cond(pred: Any, true_fn: Callable, false_fn: Callable) -> Any:
    """What one of two functions gives, chosen by a single boolean; both must give the same shapes and dtypes.

    Args:
        pred: The boolean; it may be a computed one.
        true_fn: Called without arguments if it is true.
        false_fn: Called without arguments if it is false.

    Example:
        >>> from cornu import ops
        >>> int(ops.cond(ops.equal(1, 1), lambda: ops.array(5), lambda: ops.array(7)))
        5
    """
    backend, pred = _backend_and_trees(pred)
    return backend.cond(pred, lambda: _arrays_of(backend, true_fn()), lambda: _arrays_of(backend, false_fn()))


@op
def switch(index: Any, branches: list[Callable], *operands: Any) -> Any:
    """What one of several functions gives for some operands, chosen by a whole number.

    Args:
        index: The number of the branch; one outside is taken for the nearest.
        branches: The functions; all must give the same shapes and dtypes.
        *operands: What they are called with.

    Example:
        >>> from cornu import ops
        >>> int(ops.switch(1, [lambda x: x + 1, lambda x: x * 10], ops.array(5)))
        50
    """
    backend, index = _backend_and_trees(index)
    chosen = branches[-1]
    for number in reversed(range(len(branches) - 1)):
        chosen = _either(backend, backend.less_equal(index, number), branches[number], chosen)
    return chosen(*operands)


def _either(backend: Any, pred: Array, first: Callable, second: Callable) -> Callable:
    return lambda *operands: backend.cond(pred, first, second, *operands)


@op
def stop_gradient(variable: Any) -> Any:
    """The array, taken for a constant by the gradient.

    Args:
        variable: An array, or a tree of arrays.

    Example:
        >>> from cornu import ops
        >>> ops.stop_gradient([1.0]).tolist()
        [1.0]
    """
    backend = backends.of(*trees.leaves(variable))
    if isinstance(variable, (list, tuple, dict)) and backends.of_list(trees.leaves(variable)) is not None:
        return trees.map(backend.stop_gradient, _arrays_of(backend, variable))
    return backend.stop_gradient(as_array(backend, variable))


def custom_gradient(f: Callable) -> Callable:
    """Makes a function with a gradient of one's own.

    Args:
        f: Of some arrays gives ``(value, grad)``, where ``grad(upstream)`` gives the gradient for each argument: an array
            for one argument, else a tuple.

    Returns:
        A function of the same arrays that gives the value.

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

        def gradients(upstream: Any) -> tuple:
            result = grad(upstream)
            return tuple(result) if isinstance(result, (list, tuple)) else (result,)

        return value, gradients

    @op
    def wrapper(*args: Any) -> Any:
        backend, *found = _backend_and_trees(*args)
        return backend.custom_gradient(pair)(*found)

    return wrapper
