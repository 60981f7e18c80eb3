"""Batches of data, and the row indices that select them."""

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from cornu import backends, config, ops, trees
from cornu.backends.common import usual_dtype
from cornu.core.shape_trees import shapes_key
from cornu.core.symbolic_tensor import SymbolicTensor
from cornu.errors import DataError, warn
from cornu.typing import Array, ArrayLike, Tree


class Indexable(Protocol):
    """A source of batches that are accessed by index."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Any: ...


Data: TypeAlias = Tree | Iterable[Any] | Indexable
"""What ``fit`` accepts as ``x``: arrays, nested lists and dicts of arrays, or an iterable of batches."""


class DataArray(Array, Protocol):
    """An array of an engine with NumPy's attributes: what validation works on."""

    @property
    def size(self) -> int:
        """Number of elements."""
        ...

    def __len__(self) -> int: ...
    def reshape(self, *shape: int) -> Any:
        """Return the array in another shape."""
        ...


class Batch(NamedTuple):
    """The data of one step.

    Attributes:
        x: Tree of arrays of shape ``(batch, ...)``.
        y: Tree of arrays of shape ``(batch, ...)``, or None.
        sample_weight: Tree of arrays of shape ``(batch,)``, or None.
        sample_mask: Array of shape ``(batch,)``, 1 for a sample and 0 for padding, or None if there is no padding.
    """

    x: Any  # the data that the user passed may also be an iterable of batches
    y: Tree
    sample_weight: Tree
    sample_mask: Array | None


class BatchIndices(NamedTuple):
    """Row indices of the batches.

    Attributes:
        rows: Integer array of shape ``(steps, batch)``, indices of rows of the data; or None if each element of the data along
            the first axis is a batch, whose arrays may have different numbers of rows.
        counts: Integer array of shape ``(steps,)``, number of samples of each batch (the remaining rows are padding), or None
            if there is no padding.
    """

    rows: Array | None
    counts: Array | None


def shapes_and_dtypes(tree: Tree) -> tuple:
    """Return the shapes and dtypes of the arrays of a tree; a function is compiled again for each new combination."""
    return tuple((tuple(array.shape), array.dtype) for array in trees.leaves(tree))


def spec_of(data: Batch) -> Batch:
    """Return the specification of data: symbolic tensors with its shapes, with None for the batch size, and its dtypes.

    The sizes of arrays with different numbers of rows, which have no common batch size, are kept. The dtypes are those on the
    device, for which NumPy arrays of 64 bits are converted to 32.
    """
    has_one_size = len(set(row_counts(data))) == 1

    def dtype_of(array: Array) -> str:
        return usual_dtype(array) if isinstance(array, np.ndarray) else ops.dtype(array)

    def spec(array: Array) -> SymbolicTensor:
        return SymbolicTensor((None if has_one_size else array.shape[0], *array.shape[1:]), dtype_of(array))

    return trees.map(spec, data)


def spec_key(spec: Tree) -> Hashable:
    """Return a hashable key of a specification, or of a part of it: its structure, shapes and dtypes.

    Example:
        >>> import numpy as np
        >>> from cornu.training.batch import Batch, spec_key, spec_of
        >>> spec_key(spec_of(Batch({"a": np.ones((3, 2))}, None, None, None)).x)
        (<class 'dict'>, ('a', ((None, 2), 'float32')))
    """
    return shapes_key(trees.map(lambda tensor: (tensor.shape, tensor.dtype), spec))


def batch_of(data: Batch, indices: BatchIndices, number: ArrayLike) -> Batch:
    """Return the batch of a step: the rows selected by the indices, and a mask if some of them are padding.

    Args:
        data: Data on the device, as a batch of all rows.
        indices: Row indices of all steps.
        number: Index of the step.
    """
    if indices.rows is None:
        return trees.map(lambda array: ops.get_item(array, number), data)
    rows = ops.get_item(indices.rows, number)
    x, y, sample_weight = trees.map(lambda array: ops.take(array, rows, axis=0), (data.x, data.y, data.sample_weight))
    if indices.counts is None:
        return Batch(x, y, sample_weight, None)
    places = backends.of(rows).arange(0, indices.rows.shape[1], 1, "int32")
    return Batch(x, y, sample_weight, ops.cast(places < ops.get_item(indices.counts, number), "float32"))


class DataChunk(NamedTuple):
    """Data on the device and the steps to run with it.

    Attributes:
        data: The data, as a batch of all its rows.
        indices: Row indices of the batches. There may be more than ``steps``, so that all indices of one adapter have the
            same shape.
        steps: Number of steps to run.
    """

    data: Batch
    indices: BatchIndices
    steps: int


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Return a batch in the form that ``train_step`` receives: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``.

    Args:
        x: Inputs of the batch.
        y: Targets of the batch. Defaults to None.
        sample_weight: Weights of the samples. Defaults to None.

    Returns:
        A tuple without the trailing parts that are None; ``x`` itself if it is the only part and not a tuple or list.

    Example:
        >>> from cornu import utils
        >>> utils.pack_x_y_sample_weight([1.0], [0])
        ([1.0], [0])
    """
    if y is None and sample_weight is None:
        return (x,) if isinstance(x, (tuple, list)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Return the parts of a batch in the form that ``train_step`` receives, with None for missing parts.

    Args:
        data: ``x``, or a tuple ``(x,)``, ``(x, y)`` or ``(x, y, sample_weight)``.

    Returns:
        Tuple ``(x, y, sample_weight)``.

    Raises:
        DataError: If a tuple has more than three elements.

    Example:
        >>> from cornu import utils
        >>> utils.unpack_x_y_sample_weight(([1.0], [0]))
        ([1.0], [0], None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise DataError(
            f"A batch has {len(data)} elements.",
            "A batch must be `x`, `(x, y)` or `(x, y, sample_weight)`.",
            "Pass several inputs as a list: `([x1, x2], y)`.",
        )
    x, y, sample_weight = (*data, None, None)[:3]
    return x, y, sample_weight


def limited_steps(steps: int | None) -> int | None:
    """Return a number of batches, or ``config.max_steps_per_epoch()`` with a warning if that is smaller.

    Args:
        steps: Number of batches; None for all.
    """
    limit = config.max_steps_per_epoch()
    if limit is None or (steps is not None and steps <= limit):
        return steps
    warn(f"`config.max_steps_per_epoch` limits the number of batches to {limit}.")
    return limit


def sample_count(batch: Batch) -> int:
    """Return the number of samples of a batch of arrays."""
    return sample_count_of(batch.x)


def sample_count_of(x: Tree) -> int:
    """Return the number of rows of a tree of arrays."""
    return len(trees.leaves(x)[0])


def row_counts(batch: Batch) -> list[int]:
    """Return the number of rows of each array of a batch."""
    return [len(array) for array in trees.leaves(batch)]


def rows(batch: Batch, which: slice) -> Batch:
    """Return some rows of all arrays of a batch."""
    return trees.map(lambda array: array[which], batch)
