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
    if any(hasattr(x, convert) for convert in ("toarray", "todense", "to_tensor")):  # a sparse matrix, a ragged tensor
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


class EpochOrders:
    """Draws the order of the rows or batches of each pass over the data, on the host to be the same on every backend.

    All orders are derived from a key that is taken when the object is made. So seeds that are set, and values that are drawn,
    while a model is trained, by a callback or in another thread, do not change them.

    Args:
        shuffle: Whether to draw an order; otherwise it is that of the data.
    """

    def __init__(self, shuffle: bool):
        self._key = np.array(seeds.next_key(), dtype=np.uint64) if shuffle else None
        self._passes = 0

    def next(self, count: int) -> np.ndarray:
        """Return the indices of the rows or batches in the order of the next pass."""
        order = np.arange(count, dtype=np.int32)
        if self._key is None:
            return order
        generator = np.random.Generator(np.random.Philox(key=self._key, counter=[0, 0, 0, self._passes]))
        self._passes += 1
        return generator.permutation(order)
