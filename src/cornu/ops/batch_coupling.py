"""Batch coupling: whether the samples of a batch interact in an op, declared where the op is defined.

An op declares ``batch_coupling`` (see :func:`cornu.ops.dispatch.op`): ``"none"`` if every call treats each sample of the first
argument separately, ``"unknown"`` if samples may interact, or a rule if it depends on the call. A rule takes a :class:`Call`
and returns whether that call treats each sample separately and the samples are again along the first axis of the result.

An argument is *batched* if its first axis is the sample axis: in a graph, these are the symbolic tensors. All other arguments
are the same for all samples.
"""

import inspect
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from cornu.ops.dispatch import is_recorded
from cornu.typing import ArrayLike, Tree

Rule = Callable[["Call"], bool]


def of_call(function: Callable, args: tuple, kwargs: dict[str, Any]) -> str:
    """Return the batch coupling of a call of a function: ``"none"``, ``"unknown"`` or another declared string.

    Args:
        function: An op, or another callable with an attribute ``batch_coupling``.
        args, kwargs: Arguments of the call, with symbolic tensors for the batched ones.

    Example:
        >>> import cornu
        >>> from cornu import ops
        >>> from cornu.ops import batch_coupling
        >>> x = cornu.Input((4,))
        >>> batch_coupling.of_call(ops.softmax, (x,), {}), batch_coupling.of_call(ops.softmax, (x,), {"axis": 0})
        ('none', 'unknown')
    """
    declared = getattr(function, "batch_coupling", "unknown")
    if isinstance(declared, str) and declared != "none":
        return declared
    try:
        bound = inspect.signature(function).bind(*args, **kwargs)
    except TypeError:  # an invalid call: the call itself raises the error
        return "unknown"
    bound.apply_defaults()
    call = Call(bound.arguments)
    rule = first_alone if declared == "none" else declared
    samples_are_there = len(call.batched) > 0 and all(rank_of(value) > 0 for value in call.batched)
    return "none" if samples_are_there and rule(call) else "unknown"


def samples_alone(function: Callable) -> Callable:
    """Declare that a function of one array that is not an op treats each sample separately.

    Returns:
        The function itself.
    """
    function.batch_coupling = "none"  # type: ignore[attr-defined]
    return function


class Call:
    """Arguments of one call, as passed to a rule.

    Args:
        arguments: Dictionary from the name of each parameter of the op to its argument, including defaults.
    """

    def __init__(self, arguments: dict[str, Any]):
        self.arguments = arguments
        self.batched = [part for name in arguments for part in self.parts(name) if is_recorded(part)]

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def first(self) -> str:
        """Name of the first parameter."""
        return next(iter(self.arguments))

    @property
    def rank(self) -> int:
        """Number of axes of the first batched argument."""
        return rank_of(self.batched[0])

    def parts(self, name: str) -> list:
        """Return an argument as a list of arrays: the items of a list that contains arrays, or the argument itself."""
        value = self.arguments[name]
        return list(value) if isinstance(value, (list, tuple)) and any(map(_is_array, value)) else [value]

    def batches_only(self, names: Iterable[str]) -> bool:
        """Return whether all batched arguments are among the given ones."""
        return not any(is_recorded(part) for name in self.arguments.keys() - set(names) for part in self.parts(name))

    def are_aligned(self, names: Iterable[str]) -> bool:
        """Return whether the given arguments broadcast per sample: no constant and no other axis meets the first axis."""
        parts = [part for name in names for part in self.parts(name)]
        constants = [part for part in parts if not is_recorded(part)]
        ranks = {rank_of(part) for part in parts if is_recorded(part)}
        return len(ranks) == 1 and all(_is_same_for_all(constant, *ranks) for constant in constants)


def _is_array(value: Tree) -> bool:
    return is_recorded(value) or hasattr(value, "shape")


def shape_of(value: Any) -> tuple:
    """Return the shape of an array-like."""
    return tuple(value.shape) if hasattr(value, "shape") else np.shape(value)


def rank_of(value: ArrayLike) -> int:
    """Return the number of axes of an array-like."""
    return len(shape_of(value))


def _is_same_for_all(constant: ArrayLike, rank: int) -> bool:
    """Return whether a constant, combined with arrays of a rank, has no sample axis, or one of size 1."""
    shape = shape_of(constant)
    return len(shape) < rank or (len(shape) == rank and shape[0] == 1)


def spares_first(axis: int | list[int] | tuple[int, ...] | None, rank: int) -> bool:
    """Return whether an axis, or several, are certainly not the first axis of an array; None means all axes.

    Args:
        axis: Integer, list of integers, or None.
        rank: Integer, number of axes of the array.
    """
    if axis is None:
        return False
    return all(-rank <= one < rank and one % rank != 0 for one in (axis if isinstance(axis, (list, tuple)) else [axis]))


# --- Rules ------------------------------------------------------------------------------------------------------------


def aligned(call: Call) -> bool:
    """Rule for ops that broadcast all their arguments."""
    return call.are_aligned(call.arguments)


def first_alone(call: Call) -> bool:
    """Rule for ops that treat the samples of the first argument separately if the other arguments are the same for all."""
    return call.batches_only([call.first])


def along_axis(*arrays: str, axis: str = "axis", new_axes: bool = False) -> Rule:
    """Return the rule for ops that work along the axis or axes given by an argument, which must not include the first axis.

    Args:
        arrays: Names of the parameters that may be batched. Defaults to the first parameter.
        axis: Name of the parameter that contains the axis. Defaults to ``"axis"``.
        new_axes: Whether the axes are new axes of the result. Defaults to False.
    """

    def rule(call: Call) -> bool:
        names = arrays or (call.first,)
        asked = call[axis]
        more = (len(asked) if isinstance(asked, (list, tuple)) else 1) if new_axes else 0
        return call.batches_only(names) and call.are_aligned(names) and spares_first(asked, call.rank + more)

    return rule


def all_batched(*arrays: str) -> Rule:
    """Return the rule for ops whose given arguments all have one entry for each sample along their first axis."""
    return lambda call: call.batches_only(arrays) and all(is_recorded(call[name]) for name in arrays)


def of_rank(least: int) -> Rule:
    """Return the rule for ops that work on the last axes of the first argument, which must have at least ``least`` axes."""
    return lambda call: first_alone(call) and call.rank >= least


def pair_of_rank(least: int) -> Rule:
    """Return the rule for ops of a pair of arrays of one shape that work on the last axes (see :func:`of_rank`)."""

    def rule(call: Call) -> bool:
        parts = call.parts(call.first)
        return call.batches_only([call.first]) and all(is_recorded(part) and rank_of(part) >= least for part in parts)

    return rule


def joined(*arrays: str, axis: str | int = "axis", least_rank: int = 1, new_axes: int = 0) -> Rule:
    """Return the rule for ops that join arrays along an axis: all must be batched, and the axis must not be the first.

    Args:
        arrays: Names of the parameters that contain the arrays; a single parameter contains a list of arrays.
        axis: Name of the parameter that contains the axis, or the axis itself. Defaults to ``"axis"``.
        least_rank: Integer, smallest number of axes for which the axis applies. Defaults to 1.
        new_axes: Integer, number of additional axes of the result. Defaults to 0.
    """

    def rule(call: Call) -> bool:
        parts = [part for name in arrays for part in call.parts(name)]
        along = call[axis] if isinstance(axis, str) else axis
        are_parts = len(arrays) > 1 or all(isinstance(call[name], (list, tuple)) for name in arrays)
        are_alike = all(map(is_recorded, parts)) and len({rank_of(part) for part in parts}) == 1
        return are_parts and are_alike and call.rank >= least_rank and spares_first(along, call.rank + new_axes)

    return rule


def spared(*axes: str) -> Rule:
    """Return the rule for ops that move, split or rotate axes of the first argument: none of them may be the first axis.

    Args:
        axes: Names of the parameters that contain the axes.
    """
    return lambda call: first_alone(call) and all(spares_first(call[name], call.rank) for name in axes)


# --- Rules for individual ops -----------------------------------------------------------------------------------------


def quantiles(call: Call) -> bool:
    """Rule for ``quantile`` and ``percentile``: several quantiles would be stacked along a new first axis."""
    return first_alone(call) and rank_of(call["q"]) == 0 and spares_first(call["axis"], call.rank)


def reshaped(call: Call) -> bool:
    """Rule for ``reshape``: the first size must be -1 or None, and the number of elements of each sample must not change."""
    sizes, x = call["newshape"], call["x"]
    if not call.batches_only(["x"]) or not isinstance(sizes, (list, tuple)) or len(sizes) == 0 or sizes[0] not in (-1, None):
        return False
    if None in x.shape[1:] or not all(isinstance(size, (int, np.integer)) for size in sizes[1:]):
        return False
    return math.prod(sizes[1:]) == math.prod(x.shape[1:])


def transposed(call: Call) -> bool:
    """Rule for ``transpose``: the first axis must remain the first."""
    return first_alone(call) and call["axes"] is not None and call["axes"][0] % call.rank == 0


def padded(call: Call) -> bool:
    """Rule for ``pad``: the first axis must not be padded."""
    return first_alone(call) and not np.broadcast_to(np.asarray(call["pad_width"]), (call.rank, 2))[0].any()


def tiled(call: Call) -> bool:
    """Rule for ``tile``: the first axis must not be repeated."""
    repeats = np.atleast_1d(call["repeats"])
    return first_alone(call) and (len(repeats) < call.rank or (len(repeats) == call.rank and repeats[0] == 1))


def indexed(call: Call) -> bool:
    """Rule for ``get_item``: the key takes the whole first axis, without separated indices, whose axes NumPy puts first."""
    keys = call["key"] if isinstance(call["key"], tuple) else (call["key"],)
    numbers = [key for key in keys if isinstance(key, (int, np.integer))]
    lists = [key for key in keys if not (key is None or key is Ellipsis or isinstance(key, (int, np.integer, slice)))]
    lists_are_alone = not lists or (len(lists) == 1 and not numbers and _holds_integers(lists[0]))
    if not call.batches_only(["x"]) or not keys or not lists_are_alone:
        return False
    if keys[0] is Ellipsis:
        return sum(key is not None for key in keys[1:]) < call.rank
    return isinstance(keys[0], slice) and keys[0] == slice(None)


def _holds_integers(key: Any) -> bool:
    return isinstance(key, (list, np.ndarray)) and np.asarray(key).dtype.kind in "iu"


def taken(call: Call) -> bool:
    """Rule for ``take``: along another axis of each sample, or from a table with the indices of each sample."""
    axis = call["axis"]
    if call.batches_only(["indices"]):
        return axis is None or axis == 0
    return first_alone(call) and spares_first(axis, call.rank)


def matrix_product(call: Call) -> bool:
    """Rule for ``matmul``: a product with the same matrix for all samples, or with one matrix for each sample."""
    x1, x2 = call["x1"], call["x2"]
    if is_recorded(x1) and is_recorded(x2):
        return rank_of(x1) == rank_of(x2) >= 3
    left = is_recorded(x1)
    batched, other = (x1, x2) if left else (x2, x1)
    rank = rank_of(batched)
    return rank >= (2 if left else 3) and (rank_of(other) <= 2 or (rank >= 3 and _is_same_for_all(other, rank)))


def solved(call: Call) -> bool:
    """Rule for linear equations: a matrix and a right side for each sample."""
    a, b = call["a"], call["b"]
    return is_recorded(a) and is_recorded(b) and rank_of(a) >= 3 and rank_of(b) in (rank_of(a), rank_of(a) - 1)


def contracted(call: Call) -> bool:
    """Rule for ``tensordot``: the first axis must not be summed over."""
    axes = call["axes"]
    if isinstance(axes, (int, np.integer)):
        return first_alone(call) and int(axes) < call.rank
    return first_alone(call) and spares_first(axes[0], call.rank)


def einstein_sum(call: Call) -> bool:
    """Rule for ``einsum``: the first letter of all batched operands and of the result must not occur in any constant."""
    terms, arrow, result = call["subscripts"].replace(" ", "").partition("->")
    letters, operands = terms.split(","), call["operands"]
    if not arrow or "..." in call["subscripts"] or len(letters) != len(operands) or not all(map(len, letters)):
        return False
    pairs = list(zip(letters, operands, strict=True))
    first = {term[0] for term, operand in pairs if is_recorded(operand)}
    return first == {result[:1]} and all(term.count(result[0]) == is_recorded(operand) for term, operand in pairs)


def of_classes(call: Call) -> bool:
    """Rule for losses of class indices: one index for each position of the predictions without the class axis."""
    target, output = call["target"], call["output"]
    return is_recorded(target) and is_recorded(output) and spares_first(call["axis"], rank_of(output))


def multi_hot_alone(call: Call) -> bool:
    """Rule for ``multi_hot``: the classes of each sample are combined, and their axis must not precede the sample axis."""
    return first_alone(call) and call.rank >= 2 and spares_first(call["axis"], call.rank + 1)


def predicted(call: Call) -> bool:
    """Rule for ``in_top_k``: one class and one vector of predictions for each sample."""
    targets, predictions = call["targets"], call["predictions"]
    return is_recorded(targets) and is_recorded(predictions) and (rank_of(targets), rank_of(predictions)) == (1, 2)


def looked_up(call: Call) -> bool:
    """Rule for ``searchsorted``: the values of each sample are located in a sequence that is the same for all."""
    return call.batches_only(["values"])
