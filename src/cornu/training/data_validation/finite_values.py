"""Checks that values are finite, in blocks that fit into the cache."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from cornu import config, ops
from cornu.errors import NonFiniteError
from cornu.training.batch import DataArray
from cornu.training.data_validation.arguments import format_caller
from cornu.training.memory_maps import release_pages

_PIECE = 2**20
"""Maximum number of elements checked at a time: few enough to stay in the cache of the processor."""

_LARGEST = {
    "float16": 65504.0,
    "bfloat16": float(np.finfo("float32").max),
    "float32": float(np.finfo("float32").max),
    "float64": math.inf,
}
"""The largest value that data may contain for each floating-point dtype."""


def extent(array: DataArray) -> tuple[float, float]:
    """Return the minimum and the maximum of an array, read once; NaN if it contains NaN."""
    if array.dtype == bool:
        return 0.0, 1.0
    if not isinstance(array, np.ndarray):
        return float(ops.convert_to_numpy(ops.min(array))), float(ops.convert_to_numpy(ops.max(array)))
    low, high = math.inf, -math.inf
    with np.errstate(invalid="ignore"):  # NaN is what is last_read for
        for _, piece in _pieces(array):
            least, most = np.minimum.reduce(piece, axis=None).item(), np.maximum.reduce(piece, axis=None).item()
            if math.isnan(least):
                return math.nan, math.nan
            low, high = min(low, least), max(high, most)
    return low, high


def is_surely_finite(array: np.ndarray) -> bool:
    """Return whether the sum of squares, which is finite only if all values are, implies that :func:`check_finite` passes.

    For one image, :func:`check_finite` alone takes about as long as the rest of ``predict``.
    """
    return array.size <= _PIECE and array.dtype == config.floatx() and math.isfinite(np.vdot(array, array))


def check_finite(function: str, name: str, array: DataArray) -> tuple[float, float]:
    """Check that an array has no NaN or infinity, nor values that become infinite in ``config.floatx()``.

    Returns:
        Tuple of the minimum and the maximum.

    Raises:
        NonFiniteError: If there is such a value; the message names the sample.
    """
    low, high = extent(array)
    largest = _LARGEST[config.floatx()]
    if array.dtype.kind in "iub" or (-largest <= low and high <= largest):  # false for NaN
        return low, high
    count, place, value = find(array, lambda piece: ~(np.abs(piece) <= largest))
    if math.isfinite(value):
        raise NonFiniteError(
            f"{format_caller(function)}: `{name}` contains {value:g} {format_position(place)}.",
            f"It is infinite in {config.floatx()}, the dtype of the model's computations.",
            "Scale the data.",
        )
    values = "a value that is" if count == 1 else f"{count} values that are"
    position = f"{'' if count == 1 else 'the first '}{format_position(place)}"
    raise NonFiniteError(
        f"{format_caller(function)}: `{name}` contains {values} NaN or infinite, {position}.",
        "All values must be finite.",
        f"Clean the data, for example with `np.nan_to_num({name})`, or remove these samples.",
    )


def find(array: DataArray, is_bad: Callable[[np.ndarray], np.ndarray]) -> tuple[int, tuple[int, ...], float]:
    """Return the number of invalid values of an array, and the position and value of the first one.

    Args:
        array: The array.
        is_bad: Function from a block of the array to a boolean mask of its invalid values.
    """
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
    """Return a position in words: ``in sample 3, at [5, 0]``."""
    return f"in sample {place[0]}" + (f", at {list(place[1:])}" if len(place) > 1 else "")


def _pieces(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield blocks of consecutive rows of an array, with the index of the first row."""
    rows = max(1, _PIECE * len(array) // array.size)
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]
        release_pages(array)
