"""Check that values are finite, in pieces."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cornu import config, ops
from cornu.errors import NonFiniteError
from cornu.training.data_validation.arguments import format_caller

_PIECE = 2**20
"""How many numbers of an array are last_read at in one go: few enough to stay in the processor's cache."""

_LARGEST = {
    "float16": 65504.0,
    "bfloat16": float(np.finfo("float32").max),
    "float32": float(np.finfo("float32").max),
    "float64": math.inf,
}
"""The largest number that data may hold for a float type."""


def extent(array: Any) -> tuple[float, float]:
    """The smallest and the largest number of an array, read once; NaN if there is one in it."""
    if array.dtype == bool:
        return 0.0, 1.0
    if not isinstance(array, np.ndarray):
        return float(ops.min(array)), float(ops.max(array))
    low, high = math.inf, -math.inf
    with np.errstate(invalid="ignore"):  # NaN is what is last_read for
        for _, piece in _pieces(array):
            least, most = np.minimum.reduce(piece, axis=None).item(), np.maximum.reduce(piece, axis=None).item()
            if math.isnan(least):
                return math.nan, math.nan
            low, high = min(low, least), max(high, most)
    return low, high


def is_surely_finite(array: np.ndarray) -> bool:
    """Whether the sum of squares, which is finite only if all numbers are, says that :func:`check_finite` would pass.

    For one picture that look alone takes about as long as all else that ``predict`` does.
    """
    return array.size <= _PIECE and array.dtype == config.floatx() and math.isfinite(np.vdot(array, array))


def check_finite(function: str, name: str, array: Any) -> tuple[float, float]:
    """Refuses NaN and infinity, and what would become infinite as ``config.floatx()``.

    Returns:
        The smallest and the largest number.

    Raises:
        NonFiniteError: There is such a number; the text says in which sample.
    """
    low, high = extent(array)
    largest = _LARGEST[config.floatx()]
    if array.dtype.kind in "iub" or (-largest <= low and high <= largest):  # false for NaN
        return low, high
    count, place, value = find_bad(array, lambda piece: ~(np.abs(piece) <= largest))
    if math.isfinite(value):
        raise NonFiniteError(
            f"{format_caller(function)}: `{name}` holds {value:g} {format_position(place)}.",
            f"As {config.floatx()}, in which the model computes, that is infinite.",
            "Scale the data.",
        )
    held = "a number that is" if count == 1 else f"{count} numbers that are"
    raise NonFiniteError(
        f"{format_caller(function)}: `{name}` holds {held} NaN or infinite, {'' if count == 1 else 'the first '}{format_position(place)}.",
        "All numbers must be finite.",
        f"Clean the data, for example with `np.nan_to_num({name})`, or leave such samples out.",
    )


def find_bad(array: Any, is_bad: Callable[[np.ndarray], np.ndarray]) -> tuple[int, tuple[int, ...], float]:
    """How many numbers of an array are bad, and the place and the value of the first."""
    array = np.asarray(array)
    count, first = 0, ()
    for start, piece in _pieces(array):
        bad = is_bad(piece)
        here = int(np.count_nonzero(bad))
        if here and not count:
            place = np.unravel_index(np.argmax(bad), bad.shape)
            first = (start + int(place[0]), *map(int, place[1:]))
        count += here
    return count, first, array[first].item() if count else math.nan


def format_position(place: tuple[int, ...]) -> str:
    """A place in words: ``in sample 3, at [5, 0]``."""
    return f"in sample {place[0]}" + (f", at {list(place[1:])}" if len(place) > 1 else "")


def _pieces(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Consecutive rows of an array, with the number of the first of them."""
    rows = max(1, _PIECE * len(array) // array.size)
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]
