"""What is looked at before the first step: the arguments, and that the data is finite numbers of equal length.

``inputs.py`` holds the data against the model, ``targets.py`` labels and weights against outputs and losses. The checks read
an array once, and say the same on every backend; and all of them run before a weight changes.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cornu import backends, config, ops, trees
from cornu.errors import DataError, InvalidArgumentError, InvalidTypeError, NonFiniteError
from cornu.training.step.train_step import Batch

_PIECE = 2**20
"""How many numbers of an array are looked at in one go: few enough to stay in the processor's cache."""

_NEVER_NONE = ("epochs", "initial_epoch")
_EXAMPLES = {"batch_size": 32, "validation_batch_size": 32, "epochs": 10}
_NUMBER_NAMES = ("bfloat16",)
_LARGEST = {
    "float16": 65504.0,
    "bfloat16": float(np.finfo("float32").max),
    "float32": float(np.finfo("float32").max),
    "float64": math.inf,
}
"""The largest number that data may hold for a float type."""


def said(function: str) -> str:
    """How errors name the function a user called and what it was doing: ``"fit (batch 3)"`` as ```fit` (batch 3)``."""
    name, _, what = function.partition(" ")
    return f"`{name}` {what}".rstrip()


# --- Arguments ----------------------------------------------------------------------------------------------------------------


def whole_numbers(function: str, least: int, **arguments: Any) -> None:
    """Refuses arguments that are no whole numbers of at least ``least``; None passes where it means something."""
    for name, value in arguments.items():
        if (value is None and name not in _NEVER_NONE) or (
            isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least
        ):
            continue
        example = _EXAMPLES.get(name, max(least, 1))
        if isinstance(value, float) and value.is_integer() and value >= least:
            example = int(value)
        raise InvalidArgumentError(
            f"{said(function)} was given {name}={value!r}.",
            f"It must be a whole number of at least {least}.",
            f"Pass `{name}={example}`.",
        )


def frequency(function: str, value: Any) -> None:
    """Refuses a ``validation_freq`` that is neither a whole number from 1 nor a collection of epochs."""
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return
    if value is None:
        raise InvalidTypeError(
            f"{said(function)} was given validation_freq=None.",
            "It must be a whole number, or a list of epochs counted from 1.",
            "Pass `validation_freq=1`.",
        )
    whole_numbers(function, 1, validation_freq=value)


def no_targets_beside_batches(function: str, data: Batch) -> None:
    """Refuses ``y`` beside an ``x`` that gives batches, which hold their own targets."""
    if data.y is not None or data.sample_weight is not None:
        raise DataError(
            f"{said(function)} was given `{'sample_weight' if data.y is None else 'y'}` beside an `x` that gives batches.",
            "Batches bring their targets with them: `(x, y)` or `(x, y, sample_weight)`.",
            "Leave `y` and `sample_weight` out.",
        )


# --- Arrays -------------------------------------------------------------------------------------------------------------------


def as_arrays(function: str, batch: Batch) -> Batch:
    """The batch as arrays of numbers of equal, positive length. The user's arrays are taken as they are wherever they can be.

    Raises:
        DataError: It holds no samples, something else than numbers, or arrays of different lengths.
    """
    if batch.x is None:
        raise DataError(
            f"{said(function)} was given no `x`.", "It needs data.", "Pass arrays, or something that gives batches."
        )
    x, y, weight = [_as_tree(function, name, part) for name, part in zip(Batch._fields, batch[:3], strict=False)]
    parts = {"x": x, "y": y, "sample_weight": weight}
    leaves = [pair for name, part in parts.items() if part is not None for pair in named_leaves(name, part)]
    lengths = {len(leaf) for _, leaf in leaves}
    if 0 in lengths or not trees.leaves(x):
        raise DataError(f"{said(function)} was given no samples.", "It needs at least one.", "Check how the data was loaded.")
    if len(lengths) > 1:
        raise _lengths_error(function, parts, leaves)
    return Batch(x, y, weight, None)


def _lengths_error(function: str, parts: dict[str, Any], leaves: list[tuple[str, Any]]) -> DataError:
    lengths = {len(leaf) for _, leaf in leaves}
    for name, part in parts.items():
        if isinstance(part, list) and len(part) in lengths and len({leaf.shape for leaf in part}) == 1:
            return DataError(
                f"{said(function)} was given `{name}` as a list of {len(part)} arrays.",
                "A list of arrays is taken as several inputs or outputs, each with all samples.",
                f"If it holds the samples, make one array of them: `np.stack({name})`.",
            )
    counts = [f"{len(leaf)} rows in `{name}`" for name, leaf in leaves]
    return DataError(
        f"{said(function)} was given {', '.join(counts[:-1])} and {counts[-1]}.",
        "They must have the same number of rows, one for each sample.",
        "Check how the arrays were made or cut.",
    )


def named_leaves(name: str, tree: Any) -> Iterator[tuple[str, Any]]:
    """The arrays of a tree with the names a user would write: ``x``, ``x[0]``, ``x['left']``."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from named_leaves(f"{name}[{key!r}]", value)
    elif isinstance(tree, (list, tuple)):
        for number, value in enumerate(tree):
            yield from named_leaves(f"{name}[{number}]", value)
    elif tree is not None:
        yield name, tree


def _as_tree(function: str, name: str, part: Any) -> Any:
    """A part of a batch as a tree of arrays. Nested lists of numbers are data, lists that hold an array are several inputs."""
    if part is None:
        return None
    if isinstance(part, dict):
        return {key: _as_tree(function, f"{name}[{key!r}]", value) for key, value in part.items()}
    if isinstance(part, (list, tuple)) and any(map(_is_array, trees.leaves(part))):
        return [_as_tree(function, f"{name}[{number}]", value) for number, value in enumerate(part)]
    return _as_array(function, name, part)


def _is_array(value: Any) -> bool:
    return len(getattr(value, "shape", ())) > 0


def _as_array(function: str, name: str, value: Any) -> Any:
    """A value as an array of numbers with at least one axis.

    An engine's array stays one if it is like NumPy's, so that it need not leave its device. Everything else becomes NumPy's.
    """
    if backends.owner(value) in (None, "numpy"):
        value = _host_array(function, name, value)
    elif not isinstance(value.dtype, np.dtype):
        value = backends.of(value).to_numpy(value)
    if value.dtype.kind not in "biuf" and value.dtype.name not in _NUMBER_NAMES:
        raise DataError(
            f"{said(function)} was given `{name}` with the dtype {value.dtype}.",
            "Data must be real numbers.",
            _dtype_advice(name, value),
        )
    if value.ndim == 0:
        raise DataError(
            f"{said(function)} was given `{name}` as a single number.",
            "It needs an array whose first axis counts the samples.",
            f"For one sample, pass `{name}=np.array([{value}])`.",
        )
    if value.size == 0 and len(value) > 0:
        raise DataError(
            f"{said(function)} was given `{name}` with the shape {tuple(value.shape)}.",
            "Each sample must hold at least one number.",
            "Check how the data was loaded.",
        )
    return value


def _host_array(function: str, name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        raise DataError(
            f"{said(function)} was given `{name}` as rows of different lengths.",
            "All samples must have the same shape.",
            "Cut them or fill them up to one length.",
        ) from None
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _dtype_advice(name: str, array: Any) -> str:
    kind = array.dtype.kind
    first = array.reshape(-1)[0] if array.size else None
    if kind in "US" or isinstance(first, (str, bytes)):
        if name.startswith("y"):
            return "Turn names into class numbers: `names, y = np.unique(y, return_inverse=True)`."
        return "Turn texts into numbers first: words into indices, files into pictures."
    if kind in "Mm":
        return f"Turn dates into numbers, such as days: `({name} - {name}.min()) / np.timedelta64(1, 'D')`."
    if kind == "c":
        return f"Give real and imaginary parts as two numbers: `np.stack([{name}.real, {name}.imag], axis=-1)`."
    if hasattr(first, "toarray"):
        return f"Make the sparse matrix a dense one: `{name}.toarray()`."
    return f"Convert it: `np.array({name}.tolist(), dtype='float32')`, after filling what is missing."


# --- Numbers ------------------------------------------------------------------------------------------------------------------


def extent(array: Any) -> tuple[float, float]:
    """The smallest and the largest number of an array, read once; NaN if there is one in it."""
    if array.dtype == bool:
        return 0.0, 1.0
    if not isinstance(array, np.ndarray):
        return float(ops.min(array)), float(ops.max(array))
    low, high = math.inf, -math.inf
    with np.errstate(invalid="ignore"):  # NaN is what is looked for
        for _, piece in _pieces(array):
            least, most = np.minimum.reduce(piece, axis=None).item(), np.maximum.reduce(piece, axis=None).item()
            if math.isnan(least):
                return math.nan, math.nan
            low, high = min(low, least), max(high, most)
    return low, high


def surely_finite(array: np.ndarray) -> bool:
    """Whether the sum of squares, which is finite only if all numbers are, says that :func:`finite` would pass.

    For one picture that look alone takes about as long as all else that ``predict`` does.
    """
    return array.size <= _PIECE and array.dtype == config.floatx() and math.isfinite(np.vdot(array, array))


def finite(function: str, name: str, array: Any) -> tuple[float, float]:
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
    count, place, value = find(array, lambda piece: ~(np.abs(piece) <= largest))
    if math.isfinite(value):
        raise NonFiniteError(
            f"{said(function)}: `{name}` holds {value:g} {where(place)}.",
            f"As {config.floatx()}, in which the model computes, that is infinite.",
            "Scale the data.",
        )
    held = "a number that is" if count == 1 else f"{count} numbers that are"
    raise NonFiniteError(
        f"{said(function)}: `{name}` holds {held} NaN or infinite, {'' if count == 1 else 'the first '}{where(place)}.",
        "All numbers must be finite.",
        f"Clean the data, for example with `np.nan_to_num({name})`, or leave such samples out.",
    )


def find(array: Any, is_bad: Callable[[np.ndarray], np.ndarray]) -> tuple[int, tuple[int, ...], float]:
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


def where(place: tuple[int, ...]) -> str:
    """A place in words: ``in sample 3, at [5, 0]``."""
    return f"in sample {place[0]}" + (f", at {list(place[1:])}" if len(place) > 1 else "")


def _pieces(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Consecutive rows of an array, with the number of the first of them."""
    rows = max(1, _PIECE * len(array) // array.size)
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]


# --- Rows ---------------------------------------------------------------------------------------------------------------------


def sample_count(batch: Batch) -> int:
    """Number of samples of a batch of arrays."""
    return sample_count_of(batch.x)


def sample_count_of(x: Any) -> int:
    """Number of rows of a tree of arrays."""
    return len(trees.leaves(x)[0])


def rows(batch: Batch, which: slice) -> Batch:
    """Some rows of all arrays."""
    return trees.map(lambda array: array[which], batch)
