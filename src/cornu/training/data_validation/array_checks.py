"""What is last_read at before the first step: the arguments, and that the data is finite numbers of equal length.

``inputs.py`` holds the data against the model, ``targets.py`` labels and weights against outputs and losses. The checks read
an array once, and say the same on every backend; and all of them run before a weight changes.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from cornu import backends, trees
from cornu.errors import DataError
from cornu.training.batch import Batch
from cornu.training.data_validation.arguments import format_caller

_NUMBER_NAMES = ("bfloat16",)


# --- Arguments ----------------------------------------------------------------------------------------------------------------


# --- Arrays -------------------------------------------------------------------------------------------------------------------


def as_arrays(function: str, batch: Batch) -> Batch:
    """The batch as arrays of numbers of equal, positive length. The user's arrays are taken as they are wherever they can be.

    Raises:
        DataError: It holds no samples, something else than numbers, or arrays of different lengths.
    """
    if batch.x is None:
        raise DataError(
            f"{format_caller(function)} received no `x`.", "It needs data.", "Pass arrays, or something that gives batches."
        )
    x, y, weight = [_as_tree(function, name, part) for name, part in zip(Batch._fields, batch[:3], strict=False)]
    parts = {"x": x, "y": y, "sample_weight": weight}
    leaves = [pair for name, part in parts.items() if part is not None for pair in named_leaves(name, part)]
    lengths = {len(leaf) for _, leaf in leaves}
    if 0 in lengths or not trees.leaves(x):
        raise DataError(
            f"{format_caller(function)} received no samples.", "It needs at least one.", "Check how the data was loaded."
        )
    if len(lengths) > 1:
        raise _lengths_error(function, parts, leaves)
    return Batch(x, y, weight, None)


def _lengths_error(function: str, parts: dict[str, Any], leaves: list[tuple[str, Any]]) -> DataError:
    lengths = {len(leaf) for _, leaf in leaves}
    for name, part in parts.items():
        if isinstance(part, list) and len(part) in lengths and len({leaf.shape for leaf in part}) == 1:
            return DataError(
                f"{format_caller(function)} received `{name}` as a list of {len(part)} arrays.",
                "A list of arrays is taken as several inputs or outputs, each with all samples.",
                f"If it holds the samples, make one array of them: `np.stack({name})`.",
            )
    counts = [f"{len(leaf)} rows in `{name}`" for name, leaf in leaves]
    return DataError(
        f"{format_caller(function)} received {', '.join(counts[:-1])} and {counts[-1]}.",
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
            f"{format_caller(function)} received `{name}` with the dtype {value.dtype}.",
            "Data must be real numbers.",
            _dtype_advice(name, value),
        )
    if value.ndim == 0:
        raise DataError(
            f"{format_caller(function)} received `{name}` as a single number.",
            "It needs an array whose first axis counts the samples.",
            f"For one sample, pass `{name}=np.array([{value}])`.",
        )
    if value.size == 0 and len(value) > 0:
        raise DataError(
            f"{format_caller(function)} received `{name}` with the shape {tuple(value.shape)}.",
            "Each sample must hold at least one number.",
            "Check how the data was loaded.",
        )
    return value


def _host_array(function: str, name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError:
        raise DataError(
            f"{format_caller(function)} received `{name}` as rows of different lengths.",
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


# --- Rows ---------------------------------------------------------------------------------------------------------------------
