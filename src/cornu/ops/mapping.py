"""Functions applied to each part of arrays, and prefix sums of any associative function."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from cornu import trees
from cornu.backends import fused_ops
from cornu.errors import ShapeError
from cornu.ops.control_flow import arrays_of, backend_and_trees, check_elements
from cornu.ops.control_flow import map as map_one_by_one
from cornu.ops.dispatch import arrays, op
from cornu.ops.shape_checks import check_axis, check_broadcast, shapes_text
from cornu.typing import ArrayLike, Tree
from cornu.validation import invalid_type, invalid_value

__all__ = ["associative_scan", "vectorize", "vectorized_map"]


@op
def vectorized_map(function: Callable, elements: Tree) -> Any:
    """Apply a function to each element along the first axis and stack the results, for all elements at once where possible.

    It returns what :func:`map` returns.

    Args:
        function: Callable ``function(x) -> y``; for a tree of arrays, ``x`` is a tree of their elements.
        elements: Array or tree of arrays with the same first size.

    Example:
        >>> from cornu import ops
        >>> ops.vectorized_map(lambda pair: pair[0] * pair[1], [ops.array([1, 2]), ops.array([10, 20])]).tolist()
        [10, 40]
    """
    backend, elements = backend_and_trees(elements)
    check_elements("vectorized_map", elements)
    found = fused_ops.find("mapped_at_once", *trees.leaves(elements))
    if found is None:
        return map_one_by_one(function, elements)
    return found(lambda x: arrays_of(backend, function(x)), elements)


@op
def associative_scan(f: Callable, elems: Tree, reverse: bool = False, axis: int = 0) -> Any:
    """Return all prefixes of an array combined by an associative function: ``[a, f(a, b), f(f(a, b), c), ...]``.

    The number of calls of the function is logarithmic in the number of elements: each call combines the results for the
    elements before with those for as many elements further on. Source: Hillis and Steele, 1986, Data Parallel Algorithms.

    Args:
        f: Callable ``f(a, b)`` with ``f(a, f(b, c)) == f(f(a, b), c)``, elementwise along the axis, on trees like ``elems``.
        elems: Array or tree of arrays with the same size on the axis.
        reverse: Whether to combine from the end of the axis to its start. Defaults to False.
        axis: Integer, the axis. Defaults to 0.

    Raises:
        ShapeError: If the sizes of the axis differ.

    Example:
        >>> from cornu import ops
        >>> ops.associative_scan(lambda a, b: a + b, ops.array([1, 2, 3])).tolist()
        [1, 3, 6]
    """
    backend, elems = backend_and_trees(elems)
    leaves = trees.leaves(elems)
    sizes = {leaf.shape[check_axis(axis, leaf.shape)] for leaf in leaves}
    if len(sizes) != 1:
        raise ShapeError(
            f"`associative_scan` received arrays of shapes {shapes_text([leaf.shape for leaf in leaves])} and `axis={axis}`.",
            "All must have the same size on that axis.",
            "Check the axis.",
        )

    def cut(tree: Tree, start: int, stop: int) -> Any:
        return trees.map(lambda x: backend.getitem(x, (slice(None),) * (axis % len(x.shape)) + (slice(start, stop),)), tree)

    def flipped(tree: Tree) -> Any:
        return trees.map(lambda x: backend.flip(x, axis % len(x.shape)), tree) if reverse else tree

    [size], reach, elems = sizes, 1, flipped(elems)
    while reach < size:  # each element holds the combination of the last `reach` elements; double them
        after = arrays_of(backend, f(cut(elems, 0, size - reach), cut(elems, reach, size)))
        first = cut(elems, 0, reach)
        elems = trees.map(lambda a, b: backend.concatenate([a, b], axis % len(a.shape)), first, after)
        reach *= 2
    return flipped(elems)


_CORE = r"\(\s*(?:\w+\s*(?:,\s*\w+\s*)*)?\)"
_SIGNATURE = re.compile(rf"\s*{_CORE}\s*(?:,\s*{_CORE}\s*)*->\s*{_CORE}\s*(?:,\s*{_CORE}\s*)*")


def vectorize(pyfunc: Callable, *, excluded: Iterable[int] | None = None, signature: str | None = None) -> Callable:
    """Return a function that applies another one to each element of its arguments, which broadcast.

    Args:
        pyfunc: Callable of scalars that returns a scalar, or what ``signature`` says.
        excluded: Positions of the arguments that are passed as they are. Defaults to None. So are arguments passed by name.
        signature: Names of the last axes of the arguments and the results, which the function takes and returns whole, such as
            ``"(m,n),(n)->(m)"``. Defaults to None (scalars).

    Raises:
        InvalidTypeError: If ``pyfunc`` is not callable.
        InvalidArgumentError: If the signature is not of this form.

    Example:
        >>> from cornu import ops
        >>> ops.vectorize(lambda a, b: ops.where(a > b, a, b))([1, 5], 3).tolist()
        [3, 5]
        >>> ops.vectorize(ops.dot, signature="(n),(n)->()")([[1, 2], [3, 4]], [1, 10]).tolist()
        [21, 43]
    """
    if not callable(pyfunc):
        raise invalid_type("vectorize", "pyfunc", pyfunc, "callable", "Pass a function of scalars.")
    if signature is not None and not _SIGNATURE.fullmatch(signature):
        expected = "a text that names the last axes of each argument and result in parentheses"
        raise invalid_value("vectorize", "signature", signature, expected, "(m,n),(n)->(m)")
    kept = frozenset(excluded or ())
    cores = None if signature is None else [re.findall(r"\w+", core) for core in re.findall(_CORE, signature.split("->")[0])]

    @op
    def vectorized(*args: ArrayLike, **kwargs: Any) -> Any:
        places = [place for place in range(len(args)) if place not in kept]
        backend, *values = arrays(*(args[place] for place in places))
        names = [[]] * len(values) if cores is None else cores
        loops = _loops([tuple(value.shape) for value in values], names)
        loop = check_broadcast("vectorize", *loops)
        flat = []
        for value, own in zip(values, loops, strict=True):
            core = tuple(value.shape)[len(own) :]
            wide = backend.reshape(value, (1,) * (len(loop) - len(own)) + tuple(value.shape))
            flat.append(backend.reshape(backend.broadcast_to(wide, (*loop, *core)), (math.prod(loop), *core)))

        def call(parts: list) -> Any:
            given = dict(zip(places, parts, strict=True))
            return pyfunc(*(given.get(place, arg) for place, arg in enumerate(args)), **kwargs)

        found = vectorized_map(call, flat)
        return trees.map(lambda x: backend.reshape(x, (*loop, *tuple(x.shape)[1:])), found)

    return vectorized


def _loops(shapes: list[tuple[int, ...]], names: list[list[str]]) -> list[tuple[int, ...]]:
    """Return the shapes of arguments without the last axes that a signature names.

    Raises:
        ShapeError: If there are other numbers of arguments or axes, or a name stands for two sizes.
    """
    sizes: dict[str, int] = {}
    fits = len(shapes) == len(names)
    for shape, core in zip(shapes, names, strict=False):
        last = shape[len(shape) - len(core) :]
        fits = fits and len(shape) >= len(core)
        fits = fits and all(sizes.setdefault(name, size) == size for name, size in zip(core, last, strict=True))
    if not fits:
        raise ShapeError(
            f"A function of `vectorize` received {len(shapes)} arrays, of shapes {shapes_text(shapes) if shapes else '()'}.",
            f"Its signature has the last axes {', '.join(f'({chr(44).join(core)})' for core in names)}.",
            "Pass arrays with these axes, where one name stands for one size.",
        )
    return [shape[: len(shape) - len(core)] for shape, core in zip(shapes, names, strict=True)]
