"""Conversion of data to arrays, with checks of dtypes and lengths.

``inputs.py`` validates the data against the model, ``targets.py`` validates labels and weights against outputs and losses. The
checks read an array once, raise the same errors on every backend, and run before any weight changes.
"""

import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np

from cornu import backends, config, trees
from cornu.core.call_handling import are_strings
from cornu.errors import DataError
from cornu.training.batch import Batch, DataArray
from cornu.training.data_validation.arguments import format_caller
from cornu.typing import ArrayLike, Tree

_NUMBER_NAMES = ("bfloat16",)

_WIDE_UNSIGNED = ("uint16", "uint32", "uint64")
"""Dtypes for which not every engine has kernels. Data of these dtypes becomes ``int32``, or floats if it does not fit."""


def as_arrays(function: str, batch: Batch, allow_different_lengths: bool = False) -> Batch:
    """Return a batch as numeric arrays of equal, positive length. Arrays are not copied where this is avoidable.

    Args:
        function: Name of the function the user called, for errors.
        batch: ``x``, ``y`` and ``sample_weight`` as passed by the user.
        allow_different_lengths: Whether the lengths may differ, as in a batch for a user's own step. Defaults to False.

    Raises:
        DataError: If the batch has no samples, non-numeric data, or arrays of different lengths.
    """
    if batch.x is None:
        raise DataError(
            f"{format_caller(function)} received no `x`.", "`x` is required.", "Pass arrays or an iterable of batches."
        )
    x, y, weight = [_as_tree(function, name, part) for name, part in zip(Batch._fields, batch[:3], strict=False)]
    parts = {"x": x, "y": y, "sample_weight": weight}
    leaves = [pair for name, part in parts.items() if part is not None for pair in named_leaves(name, part)]
    lengths = {len(leaf) for _, leaf in leaves}
    if 0 in lengths or not trees.leaves(x):
        raise DataError(
            f"{format_caller(function)} received no samples.",
            "At least one sample is required.",
            "Check how the data was loaded.",
        )
    if len(lengths) > 1 and not allow_different_lengths:
        raise _lengths_error(function, parts, leaves)
    return Batch(x, y, weight, None)


def _lengths_error(function: str, parts: dict[str, Any], leaves: list[tuple[str, Any]]) -> DataError:
    """Return the error for arrays of different lengths."""
    lengths = {len(leaf) for _, leaf in leaves}
    for name, part in parts.items():
        if isinstance(part, list) and len(part) in lengths and len({leaf.shape for leaf in part}) == 1:
            return DataError(
                f"{format_caller(function)} received `{name}` as a list of {len(part)} arrays.",
                "A list of arrays is interpreted as several inputs or outputs, each with all samples.",
                f"If its elements are samples, stack them into one array: `np.stack({name})`.",
            )
    counts = [f"{len(leaf)} rows in `{name}`" for name, leaf in leaves]
    return DataError(
        f"{format_caller(function)} received {', '.join(counts[:-1])} and {counts[-1]}.",
        "They must have the same number of rows, one for each sample.",
        "Check how the arrays were created or sliced.",
    )


def named_leaves(name: str, tree: Tree, keep_none: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of a tree with their names as a user would write them: ``x``, ``x[0]``, ``x['left']``.

    Args:
        name: Name of the tree.
        tree: The tree.
        keep_none: Whether to yield None as well, in the place of an optional input. Defaults to False.
    """
    if isinstance(tree, dict):
        for key in trees.keys(tree):
            yield from named_leaves(f"{name}[{key!r}]", tree[key], keep_none)
    elif isinstance(tree, (list, tuple)):
        for number, value in enumerate(tree):
            yield from named_leaves(f"{name}[{number}]", value, keep_none)
    elif tree is not None or keep_none:
        yield name, tree


def _as_tree(function: str, name: str, part: Tree) -> Any:
    """Return a part of a batch as a tree of arrays; lists of numbers are data, lists of arrays several inputs."""
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
    """Return a value as a numeric array with at least one axis.

    An array of an engine is kept if its dtype is a NumPy dtype, so that it can stay on its device. All other values become
    NumPy arrays, sparse matrices dense ones.
    """
    value = _dense(function, name, value)
    if backends.owner(value) in (None, "numpy"):
        value = _host_array(function, name, value)
    elif not isinstance(value.dtype, np.dtype) or value.dtype.name in _WIDE_UNSIGNED:
        value = backends.of(value).to_numpy(value)
    if value.dtype.name in _WIDE_UNSIGNED:
        fits = not value.size or value.max() <= np.iinfo("int32").max
        value = value.astype("int32" if fits else config.floatx())
    if name.startswith("x") and are_strings(value):
        strings = [item.decode() if isinstance(item, bytes) else item for item in value.ravel().tolist()]
        value = np.array(strings, np.dtypes.StringDType()).reshape(value.shape)  # `inputs.check` refuses it for other models
    if value.dtype.kind not in "biufT" and value.dtype.name not in _NUMBER_NAMES:
        raise not_numeric(function, name, value)
    if value.ndim == 0:
        raise DataError(
            f"{format_caller(function)} received `{name}` as a scalar.",
            "It must be an array whose first axis is the batch axis.",
            "The samples must be in batches: call `dataset.batch(32)`."
            if "batch" in function
            else f"For one sample, pass `{name}=np.array([{value}])`.",
        )
    if value.size == 0 and len(value) > 0:
        raise DataError(
            f"{format_caller(function)} received `{name}` with the shape {tuple(value.shape)}.",
            "Each sample must contain at least one value.",
            "Check how the data was loaded.",
        )
    return value


def not_numeric(function: str, name: str, value: DataArray) -> DataError:
    """Return the error for data of a dtype that is not numeric."""
    dtype = "string" if value.dtype.kind == "T" else value.dtype
    return DataError(
        f"{format_caller(function)} received `{name}` with the dtype {dtype}.",
        "Data must be real numbers.",
        _dtype_advice(name, value),
    )


def _dense(function: str, name: str, value: Any) -> Any:
    """Return a sparse matrix of SciPy or JAX as a dense array, and other values as they are.

    Raises:
        DataError: If the dense array does not fit into memory.
    """
    convert = getattr(value, "toarray", None) or getattr(value, "todense", None)
    if convert is None:
        return value
    try:
        return convert()
    except MemoryError:
        raise DataError(
            f"{format_caller(function)} received `{name}` as a sparse matrix of shape {tuple(value.shape)}.",
            "As a dense array, which training requires, it does not fit into memory.",
            f"Pass batches instead: a `cornu.utils.PyDataset` whose batches are `{name}[start:stop].toarray()`.",
        ) from None


def _host_array(function: str, name: str, value: ArrayLike) -> np.ndarray:
    """Return a value as a NumPy array in native byte order."""
    try:
        array = np.asarray(value)
        if array.dtype == object and all(isinstance(item, (numbers.Real, np.bool_)) for item in array.flat):
            array = np.array(array.tolist())  # such as a table with columns of booleans and of floats
    except ValueError:
        raise DataError(
            f"{format_caller(function)} received `{name}` as rows of different lengths.",
            "All samples must have the same shape.",
            "Truncate or pad them to the same length.",
        ) from None
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def _dtype_advice(name: str, array: DataArray) -> str:
    """Return the hint for data of a non-numeric dtype."""
    kind = array.dtype.kind
    first = array.reshape(-1)[0] if array.size else None
    if kind in "UST" or isinstance(first, (str, bytes)):
        if name.startswith("y"):
            return "Convert names to class indices: `names, y = np.unique(y, return_inverse=True)`."
        return "Convert strings to numbers first, such as words to indices with `TextVectorization`, or files to images."
    if any(isinstance(item, (str, bytes)) for item in array[:1].reshape(-1).tolist()):
        return f"Encode the columns of strings, with `pd.get_dummies({name})` or `cornu.utils.FeatureSpace`."
    if kind in "Mm":
        return f"Convert dates to numbers, such as days: `({name} - {name}.min()) / np.timedelta64(1, 'D')`."
    if kind == "c":
        return f"Pass real and imaginary parts as two values: `np.stack([{name}.real, {name}.imag], axis=-1)`."
    return f"Convert it: `np.asarray({name}, dtype='float32')`, after filling missing values."
