"""Reshape and transpose arrays by a pattern of names of axes."""

import math
import re
from collections.abc import Sequence

from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops.batch_coupling import Call, first_alone
from cornu.ops.dispatch import arrays, op
from cornu.ops.unknown_sizes import SymbolicCall
from cornu.typing import Array, ArrayLike

__all__ = ["rearrange"]

_SIDE = re.compile(r"\s*(?:(?:[^\W\d]\w*|\(\s*[^\W\d]\w*(?:\s+[^\W\d]\w*)*\s*\))\s*)*")


def _sides(pattern: str) -> list[list[list[str]]]:
    """Return the names of the axes on both sides of a pattern, as lists of those that are one axis of the array.

    Raises:
        InvalidArgumentError: If it is not a pattern, or the sides do not have the same names, each once.
    """
    sides = pattern.split("->")
    found = [[re.findall(r"\w+", part) for part in re.findall(r"\w+|\(.*?\)", side)] for side in sides]
    names = [[name for part in side for name in part] for side in found]
    if len(sides) != 2 or not all(map(_SIDE.fullmatch, sides)) or sorted(names[0]) != sorted(set(names[1])):
        raise InvalidArgumentError(
            f"`rearrange` received `pattern={pattern!r}`.",
            "It must have the same names on both sides of `->`, each once, with parentheses around those that form one axis.",
            'Write, for example, "b (h h2) w -> b h (w h2)".',
        )
    return found


def _known(names: Sequence[str], lengths: dict[str, int]) -> int:
    """Return the product of the sizes that are given among those of the names."""
    return math.prod(lengths[name] for name in names if name in lengths)


def _keeps_samples(call: Call) -> bool:
    """Rule for the batch coupling: the first axis is a name of its own, and remains the first."""
    before, after = _sides(call["pattern"])
    return first_alone(call) and len(before[0]) == 1 and before[0] == after[0]


def _divided(call: SymbolicCall) -> None:
    """Rule for unknown sizes: a size that is divided among several names is a multiple of the sizes that are given."""
    (sizes,) = call.sizes("tensor")
    for axis, names in enumerate(_sides(call["pattern"])[0][: len(sizes)]):
        if sizes[axis] is None:
            is_free = any(name not in call["axes_lengths"] for name in names)
            sizes[axis] = _known(names, call["axes_lengths"]) * (call.stand_in if is_free else 1)


@op(batch_coupling=_keeps_samples, unknown_sizes=_divided, keras_path="einops.Rearrange")
def rearrange(tensor: ArrayLike, pattern: str, **axes_lengths: int) -> Array:
    """Divide, transpose and merge the axes of an array as a pattern of names says, in the manner of einops.

    Args:
        tensor: Array-like.
        pattern: Names of the axes before and after, such as ``"b h w c -> b c h w"``. Names in parentheses form one axis, the
            first of them being the outermost: ``"b (h h2) c -> (b h) h2 c"``.
        **axes_lengths: Sizes of names in parentheses, all but at most one in each pair of them.

    Raises:
        InvalidArgumentError: If it is not a pattern, or the sides do not have the same names.
        ShapeError: If the array does not have these axes, or a size cannot be divided.

    Example:
        >>> from cornu import ops
        >>> ops.rearrange(ops.ones((2, 12, 3)), "b (h h2) c -> (b h) h2 c", h2=4).shape
        (6, 4, 3)
    """
    before, after = _sides(pattern)
    backend, x = arrays(tensor)
    shape = backend.shape(x)
    given: dict[str, int] = dict(axes_lengths)
    fits = len(shape) == len(before) and given.keys() <= {name for part in before for name in part}
    for names, size in zip(before, shape, strict=False):
        free, known = [name for name in names if name not in given], _known(names, given)
        is_sized = isinstance(size, int)
        fits = fits and len(free) <= 1 and (not is_sized or (size == known if not free else known > 0 and size % known == 0))
        if fits and free:
            given[free[0]] = size // known
    if not fits:
        raise ShapeError(
            f"`rearrange` received an array of shape {tuple(x.shape)}, `pattern={pattern!r}` and the sizes {axes_lengths}.",
            "The array must have the axes on the left, and each size must be the product of those of its names.",
            "Give the sizes of all names in a pair of parentheses but one.",
        )
    flat = [name for part in before for name in part]
    x = backend.reshape(x, tuple(given[name] for name in flat))
    x = backend.transpose(x, tuple(flat.index(name) for part in after for name in part))
    return backend.reshape(x, tuple(math.prod(given[name] for name in part) for part in after))
