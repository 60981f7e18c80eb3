"""A batch of data, and which rows of the data make it."""

from typing import Any, NamedTuple

from cornu import backends, ops, trees
from cornu.core.symbolic_tensor import SymbolicTensor


class Batch(NamedTuple):
    """What a step sees of the data.

    Attributes:
        x: Tree of arrays ``(batch, ...)``.
        y: Tree of arrays ``(batch, ...)``, or None.
        sample_weight: Tree of arrays ``(batch,)``, or None.
        sample_mask: ``(batch,)``, 1 for a sample and 0 for padding, or None if nothing is padding.
    """

    x: Any
    y: Any
    sample_weight: Any
    sample_mask: Any


class BatchIndices(NamedTuple):
    """Which rows of the data make which batch.

    Attributes:
        rows: ``(steps, batch)``, indices of rows.
        counts: ``(steps,)``, how many of a batch's rows are samples (the rest is padding), or None for all.
    """

    rows: Any
    counts: Any


def shapes_and_dtypes(tree: Any) -> tuple:
    """Those of the arrays of a tree: a function is compiled anew for each new ones."""
    return tuple((tuple(array.shape), array.dtype) for array in trees.leaves(tree))


def spec_of(data: Batch) -> Batch:
    """Return the specification of data: its shapes, with the batch left open, and dtypes, as symbolic tensors."""
    return trees.map(lambda array: SymbolicTensor((None, *array.shape[1:]), array.dtype.name), data)


def batch_of(data: Batch, indices: BatchIndices, number: Any) -> Batch:
    """The batch of a step: the rows that the plan names, and a mask if it says that some are padding."""
    rows = ops.get_item(indices.rows, number)
    x, y, sample_weight = trees.map(lambda array: ops.take(array, rows, axis=0), (data.x, data.y, data.sample_weight))
    if indices.counts is None:
        return Batch(x, y, sample_weight, None)
    places = backends.of(rows).arange(0, indices.rows.shape[1], 1, "int32")
    return Batch(x, y, sample_weight, ops.cast(places < ops.get_item(indices.counts, number), "float32"))


class DataChunk(NamedTuple):
    """Data on the device and the steps to make with it.

    Attributes:
        data: The data, as a batch of all its rows.
        plan: Which rows make which batch. It may be longer than the steps to make, so that plans of one feed have one shape.
        steps: How many steps to make.
    """

    data: Batch
    indices: BatchIndices
    steps: int


def sample_count(batch: Batch) -> int:
    """Number of samples of a batch of arrays."""
    return sample_count_of(batch.x)


def sample_count_of(x: Any) -> int:
    """Number of rows of a tree of arrays."""
    return len(trees.leaves(x)[0])


def rows(batch: Batch, which: slice) -> Batch:
    """Some rows of all arrays."""
    return trees.map(lambda array: array[which], batch)
