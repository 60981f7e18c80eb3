"""Loops and conditionals that can be compiled."""

from collections.abc import Callable
from typing import Any

from cornu import backends, trees
from cornu.backends.contract import Backend
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.ops.dispatch import as_array, op, unwrap
from cornu.typing import Array, ArrayLike, Size, Tree

__all__ = ["cond", "fori_loop", "map", "scan", "switch", "while_loop"]


def backend_and_trees(*values: Tree) -> tuple[Backend, *tuple[Any, ...]]:
    """Return the backend that the leaves of the trees determine, and the trees with arrays as leaves."""
    values = tuple(trees.map(unwrap, value) for value in values)
    backend = backends.of(*trees.leaves(values))
    return (backend, *[arrays_of(backend, value) for value in values])


def arrays_of(backend: Backend, tree: Tree) -> Any:
    """Convert the leaves of a tree (scalars and objects that represent an array) to arrays."""
    return trees.map(lambda leaf: as_array(backend, unwrap(leaf)), tree)


# --- Validation of the functions passed by the user -------------------------------------------------------------------


def _form(tree: Tree) -> str:
    """Return the shapes and dtypes of a tree of arrays as a string, to compare and to display."""
    return str(trees.map(lambda leaf: _Told(f"{backends.home(leaf).dtype(leaf)} {tuple(leaf.shape)}"), tree))


class _Told(str):
    """String whose representation has no quotes."""

    __repr__ = str.__str__


def _refuse_another_form(name: str, part: str, wanted: str | None, given: Tree) -> None:
    """Raise a :class:`ShapeError` unless a function returned the wanted shapes and dtypes; None for any."""
    if wanted is not None and _form(given) != wanted:
        raise ShapeError(
            f"`{part}` of `{name}` returned {_form(given)}, but the loop started with {wanted}.",
            "Each iteration must return the same shapes and dtypes.",
            "Reshape or cast the result, or start with an initial value of that shape and dtype.",
        )


def _refuse_several(name: str, part: str, boolean: ArrayLike) -> None:
    """Raise a :class:`ShapeError` unless an array is a boolean scalar."""
    shape = tuple(getattr(boolean, "shape", ()))
    if shape:
        raise ShapeError(
            f"`{part}` of `{name}` is an array of shape {shape}.",
            "It must be a boolean scalar.",
            "Use `all`, `any` or another reduction, or select elementwise with `where`.",
        )


def _chosen(backend: Backend, name: str, pred: ArrayLike, first: Callable, second: Callable, *operands: Tree) -> Any:
    """Call a backend's ``cond``, and raise an error if it ran both functions and their results differ in shape or dtype.

    Without compilation only the selected function runs, and the other result is unknown.
    """
    _refuse_several(name, "pred" if name == "cond" else "index", pred)
    forms: dict[int, str] = {}

    def recording(number: int, branch: Callable) -> Callable:
        def run(*given: Tree) -> Any:
            result = arrays_of(backend, branch(*given))
            forms[number] = _form(result)
            return result

        return run

    try:
        return backend.cond(pred, recording(0, first), recording(1, second), *operands)
    finally:  # also if the engine raises its own error
        _refuse_two_forms(name, forms)


def _refuse_two_forms(name: str, forms: dict[int, str]) -> None:
    if len(set(forms.values())) == 2:
        raise ShapeError(
            f"One branch of `{name}` returned {forms[0]}, and another returned {forms[1]}.",
            "All branches must return the same shapes and dtypes.",
            "Reshape or cast the result of one branch.",
        )


# --- Loops and conditionals -------------------------------------------------------------------------------------------


@op
def scan(
    f: Callable, init: Tree, xs: Tree = None, length: int | None = None, reverse: bool = False, unroll: int = 1
) -> tuple[Any, Any]:
    """Loop ``carry, y[i] = f(carry, xs[i])`` along the first axis of ``xs``.

    Args:
        f: Callable ``f(carry, x) -> (carry, y)``.
        init: Array or tree of arrays, the initial carry. Each step must return a carry of the same shapes and dtypes.
        xs: Array or tree of arrays with the same first size. Defaults to None.
        length: Integer, number of steps; required if ``xs`` is None.
        reverse: Whether to loop from the last element to the first. Defaults to False.
        unroll: Accepted for compatibility with Keras; ignored.

    Returns:
        Tuple of the final carry and all ``y``, stacked along a new first axis.

    Example:
        >>> from cornu import ops
        >>> last, sums = ops.scan(lambda total, x: (total + x, total + x), 0, ops.arange(4))
        >>> int(last), sums.tolist()
        (6, [0, 1, 3, 6])
    """
    free = _is_number(init)
    backend, init, xs = backend_and_trees(init, xs)
    step = _step_of_scan(backend, f, None if free else _form(init))
    parts = trees.leaves(xs)
    check_elements("scan", xs)
    if parts:
        _check_lengths([part.shape[0] for part in parts], length)
        return backend.scan(step, init, xs, reverse)
    if length is None:
        raise InvalidArgumentError("`scan` was called without `xs` and `length`.", "One of them is required.", "Pass `length`.")
    steps = backend.arange(0, length, 1, "int32")
    return backend.scan(lambda carry, _: step(carry, None), init, steps, reverse)


def _is_number(tree: Tree) -> bool:
    """Return whether a leaf is a Python scalar, which takes the dtype of the results of the loop."""
    return any(isinstance(leaf, (bool, int, float)) for leaf in trees.leaves(tree))


def _step_of_scan(backend: Backend, f: Callable, wanted: str | None) -> Callable:
    """Wrap ``f`` to validate that it returns a pair and a carry of the expected shapes and dtypes."""

    def step(carry: Tree, x: ArrayLike) -> tuple:
        result = f(carry, x)
        if not isinstance(result, (list, tuple)) or len(result) != 2:
            raise InvalidTypeError(
                f"`f` of `scan` returned {'a ' + type(result).__name__ if not hasattr(result, 'shape') else 'one array'}.",
                "It must return a pair: the next carry and the output of the step.",
                "End it with `return carry, y`; `y` may be None.",
            )
        after, collected = arrays_of(backend, tuple(result))
        _refuse_another_form("scan", "f", wanted, after)
        return after, collected

    return step


def check_elements(name: str, xs: Tree) -> None:
    """Raise a :class:`ShapeError` unless all arrays of a tree have a first axis."""
    shapes = [tuple(getattr(leaf, "shape", ())) for leaf in trees.leaves(xs)]
    if () in shapes:
        raise ShapeError(
            f"`{name}` received elements of shapes {shapes}.",
            "Each array must have a first axis, along which the function is applied.",
            "Pass arrays of shape `(n, ...)`; convert a list of numbers with `ops.array`.",
        )


def _check_lengths(sizes: list[Size], length: int | None) -> None:
    if len({*sizes, length} - {None}) > 1:
        raise InvalidArgumentError(
            f"`scan` received `xs` with first sizes {sizes} and `length={length}`.",
            "All must be equal to the number of steps.",
            "Check the first axis of `xs`, or omit `length`.",
        )


@op
def map(f: Callable, xs: Tree) -> Any:
    """Apply ``f`` to each element ``xs[i]`` along the first axis and stack the results along a new first axis.

    Args:
        f: Callable ``f(x) -> y``.
        xs: Array or tree of arrays with the same first size.

    Example:
        >>> from cornu import ops
        >>> ops.map(lambda x: x * x, ops.arange(3)).tolist()
        [0, 1, 4]
    """
    check_elements("map", xs)
    return scan(lambda _, x: (0, f(x)), 0, xs)[1]


@op
def while_loop(cond: Callable, body: Callable, loop_vars: Tree, maximum_iterations: int | None = None) -> Any:
    """Loop ``while cond(*loop_vars): loop_vars = body(*loop_vars)``. The loop has no gradient.

    Args:
        cond: Callable that returns a boolean scalar.
        body: Callable that returns new loop variables of the same shapes and dtypes.
        loop_vars: Tuple or list of arrays, or a single array.
        maximum_iterations: Integer, maximum number of iterations. Defaults to None (no limit).

    Returns:
        The final loop variables, in the structure of ``loop_vars``.

    Example:
        >>> from cornu import ops
        >>> int(ops.while_loop(lambda x: x < 100, lambda x: x * 2, 3))
        192
    """
    several = isinstance(loop_vars, (list, tuple))
    free = _is_number(loop_vars)
    backend, state = backend_and_trees(tuple(loop_vars) if several else (loop_vars,))

    first_form = None if free else _form(state)

    def go_on(carry: tuple) -> Array:
        count, values = carry
        wanted = cond(*values)
        _refuse_several("while_loop", "cond", wanted)
        return wanted if maximum_iterations is None else backend.logical_and(wanted, backend.less(count, maximum_iterations))

    def step(carry: tuple) -> tuple:
        count, values = carry
        result = body(*values)
        result = arrays_of(backend, tuple(result) if isinstance(result, (list, tuple)) else (result,))
        _refuse_another_form("while_loop", "body", first_form, result)
        return backend.add(count, 1), result

    _, result = backend.while_loop(go_on, step, (backend.asarray(0, "int32"), state))
    return type(loop_vars)(result) if several else result[0]


@op
def fori_loop(lower: ArrayLike, upper: ArrayLike, body_fun: Callable, init_val: Tree) -> Any:
    """Loop ``value = body_fun(i, value)`` for ``i`` in ``range(lower, upper)``.

    The loop has a gradient only if both bounds are Python integers.

    Args:
        lower: Integer or integer array, first index.
        upper: Integer or integer array, end of the range (not included).
        body_fun: Callable ``body_fun(i, value) -> value``; it must return the same shapes and dtypes.
        init_val: Array or tree of arrays, the initial value.

    Returns:
        The final value.

    Example:
        >>> from cornu import ops
        >>> int(ops.fori_loop(0, 4, lambda i, total: total + i, 0))
        6
    """
    known = isinstance(lower, int) and isinstance(upper, int)
    free = _is_number(init_val)
    backend, *_, init = backend_and_trees(init_val) if known else backend_and_trees(lower, upper, init_val)
    first_form = None if free else _form(init)

    def body(i: ArrayLike, value: Tree) -> Any:
        result = arrays_of(backend, body_fun(i, value))
        _refuse_another_form("fori_loop", "body_fun", first_form, result)
        return result

    if known:
        return backend.scan(lambda value, i: (body(i, value), None), init, backend.arange(lower, upper, 1, "int32"))[0]
    lower, upper = (as_array(backend, unwrap(bound)) for bound in (lower, upper))

    def step(carry: tuple) -> tuple:
        return backend.add(carry[0], 1), body(*carry)

    start = (backend.cast(lower, "int32"), init)
    return backend.while_loop(lambda carry: backend.less(carry[0], upper), step, start)[1]


@op
def cond(pred: ArrayLike, true_fn: Callable, false_fn: Callable) -> Any:
    """Return the result of ``true_fn()`` if ``pred`` is True, else that of ``false_fn()``.

    Args:
        pred: Boolean scalar; it may be a computed value.
        true_fn: Callable without arguments.
        false_fn: Callable without arguments; it must return the same shapes and dtypes as ``true_fn``.

    Example:
        >>> from cornu import ops
        >>> int(ops.cond(ops.equal(1, 1), lambda: ops.array(5), lambda: ops.array(7)))
        5
    """
    backend, pred = backend_and_trees(pred)
    return _chosen(backend, "cond", pred, true_fn, false_fn)


@op
def switch(index: ArrayLike, branches: list[Callable], *operands: Tree) -> Any:
    """Return ``branches[index](*operands)``.

    Args:
        index: Integer scalar; an index out of range is clipped.
        branches: List of callables that return the same shapes and dtypes.
        *operands: Arguments of the selected branch.

    Example:
        >>> from cornu import ops
        >>> int(ops.switch(1, [lambda x: x + 1, lambda x: x * 10], ops.array(5)))
        50
    """
    backend, index = backend_and_trees(index)
    chosen = branches[-1]
    for number in reversed(range(len(branches) - 1)):
        chosen = _either(backend, backend.less_equal(index, number), branches[number], chosen)
    return chosen(*operands)


def _either(backend: Backend, pred: Array, first: Callable, second: Callable) -> Callable:
    return lambda *operands: _chosen(backend, "switch", pred, first, second, *operands)
