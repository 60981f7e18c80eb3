"""Unknown sizes: the sizes that stand in for None while the shape of an op's result is inferred.

The shape of the result for symbolic tensors is inferred by evaluating the op abstractly, with a *stand-in* for each unknown
size. An op that requires sizes to be equal, or to be large enough, declares a rule (``unknown_sizes`` of
:func:`cornu.ops.dispatch.op`), so that an unknown size stands for one that fits: next to a known size it is that size. A rule
takes a :class:`SymbolicCall` and replaces unknown sizes in it.
"""

import inspect
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from cornu.ops.batch_coupling import shape_of
from cornu.ops.dispatch import is_recorded
from cornu.typing import Size

Rule = Callable[["SymbolicCall"], None]
Sizes = list[Size]
Axes = Iterable[tuple[Sizes, int]]
"""Axes of several arrays: the sizes of each array and the index of the axis."""


class SymbolicCall:
    """Arguments of one call and the sizes of its arrays, as passed to a rule.

    Args:
        arguments: Dictionary from the name of each parameter of the op to its argument, including defaults.
        stand_in: Integer, the size that stands in for unknown sizes which no rule replaces.
    """

    def __init__(self, arguments: dict[str, Any], stand_in: int):
        self.arguments, self.stand_in = arguments, stand_in
        self._sizes: dict[int, Sizes] = {}

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def sizes(self, name: str) -> list[Sizes]:
        """Return the sizes of each array that an argument contains; those of symbolic tensors may be replaced in place."""
        value = self.arguments[name]
        if isinstance(value, (list, tuple)) and any(map(is_recorded, value)):
            return [self._sizes_of(part) for part in value]
        return [] if value is None else [self._sizes_of(value)]

    def _sizes_of(self, part: Any) -> Sizes:
        return self._sizes.setdefault(id(part), list(part.shape)) if is_recorded(part) else list(shape_of(part))

    def shape(self, tensor: Any) -> tuple[int, ...]:
        """Return the shape of a symbolic tensor with the sizes of the rule, and stand-ins for the others."""
        sizes = self._sizes.get(id(tensor)) or tensor.shape
        return tuple(self.stand_in if size is None else size for size in sizes)


def call_of(op: Callable, args: tuple, kwargs: dict[str, Any], stand_in: int) -> SymbolicCall:
    """Return a call of an op after its rule has replaced unknown sizes.

    Args:
        op: The op.
        args, kwargs: Arguments of the call.
        stand_in: Integer, the size that stands in for all other unknown sizes.

    Example:
        >>> import cornu
        >>> from cornu import ops
        >>> from cornu.ops import unknown_sizes
        >>> x, y = cornu.Input((None, 3)), cornu.Input((2, None))
        >>> call = unknown_sizes.call_of(ops.add, (x, y), {}, 29)
        >>> call.shape(x), call.shape(y)
        ((29, 2, 3), (29, 2, 3))
    """
    rule: Rule | None = getattr(op, "unknown_sizes", None)
    if rule is None:
        return SymbolicCall({}, stand_in)
    bound = inspect.signature(op).bind(*args, **kwargs)
    bound.apply_defaults()
    call = SymbolicCall(bound.arguments, stand_in)
    rule(call)
    return call


def _equate(axes: Axes, ignored: Size = None) -> None:
    """Replace the unknown ones among sizes that must be equal by the first known one, except an ignored one."""
    axes = [(sizes, axis) for sizes, axis in axes if -len(sizes) <= axis < len(sizes)]
    known = next((sizes[axis] for sizes, axis in axes if sizes[axis] not in (None, ignored)), None)
    for sizes, axis in axes:
        if sizes[axis] is None:
            sizes[axis] = known


def _align(shapes: Sequence[Sizes], last: int = 1) -> None:
    """Replace unknown sizes of arrays that broadcast, on all axes up to the ``last`` one, counted from the end."""
    for place in range(last, max(map(len, shapes), default=0) + 1):
        _equate([(sizes, -place) for sizes in shapes], ignored=1)


# --- Rules ------------------------------------------------------------------------------------------------------------


def broadcast(*arrays: str) -> Rule:
    """Return the rule for ops that broadcast some arguments.

    Args:
        arrays: Names of the parameters. Defaults to all parameters.
    """
    return lambda call: _align([sizes for name in arrays or call.arguments for sizes in call.sizes(name)])


def equal(*arrays: str) -> Rule:
    """Return the rule for ops whose given arguments, or the arrays in one of them, have the same shape."""

    def rule(call: SymbolicCall) -> None:
        shapes = [sizes for name in arrays for sizes in call.sizes(name)]
        for axis in range(max(map(len, shapes), default=0)):
            _equate([(sizes, axis) for sizes in shapes])

    return rule


def equal_except(*arrays: str, axis: str | int = "axis", least_rank: int = 1, ignored: Size = None) -> Rule:
    """Return the rule for ops whose given arguments have the same shape except on one axis.

    Args:
        arrays: Names of the parameters that contain the arrays.
        axis: Name of the parameter that contains the axis, or the axis itself. Defaults to ``"axis"``.
        least_rank: Integer, smallest number of axes for which there is an exception. Defaults to 1.
        ignored: Size that may differ, such as 1 where the arrays broadcast. Defaults to None.
    """

    def rule(call: SymbolicCall) -> None:
        shapes = [sizes for name in arrays for sizes in call.sizes(name)]
        free, ranks = call[axis] if isinstance(axis, str) else axis, {len(sizes) for sizes in shapes}
        if free is None or len(ranks) != 1 or 0 in ranks:
            return
        rank = ranks.pop()
        excepted = min(free, rank - 1) % rank if rank >= least_rank else None
        for place in range(rank):
            if place != excepted:
                _equate([(sizes, place) for sizes in shapes], ignored)

    return rule


def weighted(call: SymbolicCall) -> None:
    """Rule for ``average``: the weights broadcast, or there is one for each element along the axis."""
    (values,), weights, axis = call.sizes("x"), call.sizes("weights"), call["axis"]
    if weights and len(weights[0]) == len(values):
        _align([values, *weights])
    elif weights and isinstance(axis, (int, np.integer)):
        _equate([(values, int(axis)), (weights[0], 0)])


def matrix_product(call: SymbolicCall) -> None:
    """Rule for ``matmul``: the axes that are summed over are equal, and leading axes broadcast."""
    last_axis_product(call)
    _align([*call.sizes("x1"), *call.sizes("x2")], last=3)


def square(name: str) -> Rule:
    """Return the rule for ops of square matrices in the last two axes of an argument."""

    def rule(call: SymbolicCall) -> None:
        for sizes in call.sizes(name):
            _equate([(sizes, -1), (sizes, -2)])

    return rule


def solved(call: SymbolicCall) -> None:
    """Rule for linear equations ``a x = b``: square matrices, and vectors or matrices with as many rows."""
    (a,), (b,) = call.sizes("a"), call.sizes("b")
    vectors = len(b) < len(a)
    _equate([(a, -1), (a, -2), (b, -1 if vectors else -2)])
    _align([a[:-2], b[:-1] if vectors else b[:-2]])


def last_axis_product(call: SymbolicCall) -> None:
    """Rule for ``dot``: the last axis of the first array meets the second-to-last or only axis of the second."""
    (first,), (second,) = call.sizes("x1"), call.sizes("x2")
    _equate([(first, -1), (second, -2 if len(second) > 1 else -1)])


def last_axes_product(call: SymbolicCall) -> None:
    """Rule for ``inner``: the last axes of both arrays are equal."""
    (first,), (second,) = call.sizes("x1"), call.sizes("x2")
    _equate([(first, -1), (second, -1)])


def contracted(call: SymbolicCall) -> None:
    """Rule for ``tensordot``: the axes that are summed over are equal in pairs."""
    (first,), (second,), axes = *(call.sizes(name) for name in ("x1", "x2")), call["axes"]
    if isinstance(axes, (int, np.integer)):
        axes = (range(len(first) - int(axes), len(first)), range(int(axes)))
    for one, other in zip(*([part] if isinstance(part, (int, np.integer)) else part for part in axes), strict=False):
        _equate([(first, int(one)), (second, int(other))])


def einstein_sum(call: SymbolicCall) -> None:
    """Rule for ``einsum``: axes with the same letter have the same size."""
    terms = call["subscripts"].replace(" ", "").partition("->")[0].split(",")
    shapes = [sizes for value in call["operands"] for sizes in [call._sizes_of(value)]]
    places: dict[str, list[tuple[Sizes, int]]] = {}
    for term, sizes in zip(terms, shapes, strict=False):
        before, _, after = term.partition("...")
        for axis, letter in enumerate(before):
            places.setdefault(letter, []).append((sizes, axis))
        for axis, letter in enumerate(reversed(after), start=1):
            places.setdefault(letter, []).append((sizes, -axis))
    for axes in places.values():
        _equate(axes, ignored=1)


def reshaped(call: SymbolicCall) -> None:
    """Rule for ``reshape``: the number of elements is that of the new shape, or a multiple of that of its known sizes."""
    (sizes,), new = call.sizes("x"), call["newshape"]
    new = list(new) if isinstance(new, (list, tuple)) else [new]
    if None not in sizes or not all(size is None or isinstance(size, (int, np.integer)) for size in new):
        return
    free = sum(size in (None, -1) for size in new)
    wanted = math.prod(int(size) for size in new if size not in (None, -1))
    first = sizes.index(None)
    if free == 1:
        sizes[first] = call.stand_in * wanted
    elif free == 0:
        known = math.prod(size for size in sizes if size is not None)
        sizes[:] = [1 if size is None else size for size in sizes]
        sizes[first] = wanted // max(known, 1)


def divided(call: SymbolicCall) -> None:
    """Rule for ``split``: a size that is cut into equal parts is a multiple of their number."""
    (sizes,), axis, parts = call.sizes("x"), call["axis"], call["indices_or_sections"]
    if isinstance(parts, (int, np.integer)) and -len(sizes) <= axis < len(sizes) and sizes[axis] is None:
        sizes[axis] = call.stand_in * int(parts)


def counted(call: SymbolicCall) -> None:
    """Rule for ``unstack``: the size of the axis is the given number of parts."""
    (sizes,), axis = call.sizes("x"), call["axis"]
    if -len(sizes) <= axis < len(sizes) and sizes[axis] is None:
        sizes[axis] = call["num"]


def indexed(call: SymbolicCall) -> None:
    """Rule for ``get_item``: an axis is large enough for the integer that indexes it."""
    (sizes,), key = call.sizes("x"), call["key"]
    items = [item for item in (key if isinstance(key, tuple) else (key,)) if item is not None]
    if not all(item is ... or isinstance(item, (int, np.integer, slice)) for item in items):
        return
    cut = items.index(...) if ... in items else len(items)
    places = [*enumerate(items[:cut]), *((place - len(items), items[place]) for place in range(cut + 1, len(items)))]
    for axis, item in places:
        if not isinstance(item, slice) and -len(sizes) <= axis < len(sizes) and sizes[axis] is None:
            sizes[axis] = abs(int(item)) + 1


def block(call: SymbolicCall) -> None:
    """Rule for ``slice``: an axis is large enough for the block that is taken from it."""
    (sizes,), starts = call.sizes("inputs"), call["start_indices"]
    for axis, length in enumerate(call["shape"]):
        if axis < len(sizes) and sizes[axis] is None and length != -1:
            start = starts[axis] if isinstance(starts, (list, tuple, np.ndarray)) else 0
            sizes[axis] = int(length) + (max(0, int(start)) if isinstance(start, (int, np.integer)) else 0)


def updated_block(call: SymbolicCall) -> None:
    """Rule for ``slice_update``: an axis is larger than the block that replaces a part of it."""
    (sizes,), (lengths,) = call.sizes("inputs"), call.sizes("updates")
    for axis, (size, length) in enumerate(zip(sizes, lengths, strict=False)):
        if size is None and length is not None:
            sizes[axis] = call.stand_in + length
        elif length is None and size is not None:
            lengths[axis] = min(1, size)
