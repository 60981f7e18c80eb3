"""What the training loop asks of a data adapter, and functions shared by the data adapters."""

from collections.abc import Generator
from typing import Protocol

import numpy as np

from cornu import seeds, trees
from cornu.errors import warn
from cornu.training.batch import Batch, Data, DataChunk, unpack_x_y_sample_weight
from cornu.typing import Tree


class DataAdapter(Protocol):
    """The user's data as chunks of batches."""

    @property
    def spec(self) -> Batch:
        """Shapes and dtypes of the data (see ``batch.spec_of``)."""
        ...

    @property
    def steps(self) -> int | None:
        """Batches per epoch; None while unknown."""
        ...

    @property
    def batch_size(self) -> int | None:
        """Samples per step; None while unknown."""
        ...

    def ready(self) -> bool:
        """Return whether there is data for another epoch."""
        ...

    def epoch(self, prefetch: bool = False) -> Generator[DataChunk]:
        """Yield the chunks of one epoch; batches may be drawn in advance, in a separate thread, if ``prefetch``."""
        ...


def as_batch(given: Data) -> Batch:
    """Return an element of a user's iterable as a batch: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``."""
    if isinstance(given, Batch):
        return given
    return Batch(*unpack_x_y_sample_weight(given), None)


def as_validation(given: Data) -> Batch:
    """Return ``validation_data`` as a batch: ``(x, y)``, ``(x, y, sample_weight)``, or batches, which become ``x``."""
    if isinstance(given, list) and is_batches(given):
        return Batch(given, None, None, None)
    return as_batch(given)


def is_batches(x: Data) -> bool:
    """Return whether ``x`` is an iterable of batches instead of data.

    A list of batches contains tuples (or lists) of two or three elements, the first of which is an array or a tree of arrays.
    All other lists, dicts, and objects that NumPy can convert to an array are data.
    """
    if isinstance(x, (list, tuple)):
        return len(x) > 0 and all(isinstance(item, (tuple, list)) and len(item) in (2, 3) and _is_data(item[0]) for item in x)
    if isinstance(x, (dict, str, bytes, range)) or hasattr(x, "__array__"):
        return False
    if hasattr(x, "toarray") or hasattr(x, "todense"):  # a sparse matrix
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__next__") or hasattr(x, "__getitem__")


def _is_data(value: Tree) -> bool:
    """Return whether a value is an array with at least one axis, or a tree of such arrays."""
    return any(len(getattr(leaf, "shape", ())) > 0 for leaf in trees.leaves(value))


def warn_of_early_end(given: int, asked: int | None) -> None:
    """Warn if an epoch ended, with the data, before the number of batches that was requested.

    Args:
        given: Number of batches of the epoch.
        asked: Number of batches requested; None for all.
    """
    if asked is not None and given < asked:
        warn(
            f"The data ended after {given} of the {asked} requested batches. "
            "Provide more batches, or request fewer (`steps_per_epoch`, `validation_steps` or `steps`)."
        )


def epoch_order(count: int, shuffle: bool) -> np.ndarray:
    """Return the indices of rows or batches in the order of a pass, drawn on the host to be the same on every backend."""
    order = np.arange(count, dtype=np.int32)
    if not shuffle:
        return order
    key = np.array(seeds.next_key(), dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).permutation(order)
