"""Data adapter for arrays in memory."""

import functools
from collections.abc import Callable, Generator, Iterator

import numpy as np

from cornu import backends, config, trees
from cornu.training.batch import Batch, BatchIndices, DataChunk, spec_of
from cornu.training.data_adapters.data_adapter import EpochOrders, warn_of_early_end
from cornu.training.memory_maps import release_pages, rows_of

_RESIDENT_BYTES, _PIECE_BYTES = 2**31, 2**27
"""Arrays larger than the first stay on the host, where they may be memory maps, and are copied to the device in pieces of at
most the second: up to four copies of a piece exist at a time."""


class ArrayDataAdapter:
    """Adapter for arrays in memory, which are kept on the device, where each step selects its rows.

    Args:
        data: Arrays of equal length.
        batch_size: Rows per step.
        shuffle: Whether to shuffle the rows before each pass over the data.
        place: Placement of the model.
        may_pad: Function that returns whether the last batch may be padded (see ``Layer.batch_coupling``); otherwise it is
            smaller. Called once, in the first epoch, since it depends on the losses and metrics, which are built for ``spec``.
        steps: Steps per epoch; None for one pass over the data. An epoch ends at the end of the data at the latest. Defaults to
            None.
        resumable: Whether an epoch continues where the previous one stopped, unless that was the end of the data; otherwise
            each epoch starts with the first row. Defaults to False.

    Attributes:
        spec: Shapes and dtypes of the data (see ``batch.spec_of``).
    """

    def __init__(
        self,
        data: Batch,
        batch_size: int,
        shuffle: bool,
        place: config.Placement,
        may_pad: Callable[[], bool],
        steps: int | None = None,
        resumable: bool = False,
    ):
        self._host, self.spec = data, spec_of(data)
        self.samples = len(trees.leaves(data.x)[0])
        self.batch_size = min(batch_size, self.samples)
        steps_per_pass = -(-self.samples // self.batch_size)
        self.steps = steps_per_pass if steps is None else min(steps, steps_per_pass)
        self._asked = steps if resumable else None
        self._orders, self._may_pad, self._resumable = EpochOrders(shuffle), may_pad, resumable
        self._as_array = functools.partial(backends.array_at, place)
        self._left = np.empty(0, dtype=np.int32)
        size = sum(leaf.nbytes for leaf in trees.leaves(self._host) if isinstance(leaf, np.ndarray))
        self._resident = self._on_device(self._host) if size <= _RESIDENT_BYTES else None
        self._steps_per_piece = max(1, _PIECE_BYTES * self.samples // max(size, 1) // self.batch_size)

    def _on_device(self, batch: Batch) -> Batch:
        """Copy the arrays of a batch to the device."""
        return trees.map(self._as_array, batch)

    @functools.cached_property
    def _pad(self) -> bool:
        return self._may_pad()

    def ready(self) -> bool:
        """Return whether there is data for another epoch; always True."""
        return True

    def epoch(self, prefetch: bool = False) -> Generator[DataChunk]:
        """Yield the chunks of one epoch; arrays need no prefetching, so ``prefetch`` is ignored."""
        if not (self._resumable and len(self._left)):
            self._left = self._orders.next(self.samples)
        rows, self._left = np.split(self._left, [self.steps * self.batch_size])
        yield from self._pass(rows)
        warn_of_early_end(-(-len(rows) // self.batch_size), self._asked)

    def _pass(self, order: np.ndarray) -> Iterator[DataChunk]:
        """Yield the chunks for rows in a given order."""
        if self._resident is not None:
            yield from self._chunks(self._resident, order, self.steps)
            return
        rows_per_piece = self._steps_per_piece * self.batch_size
        for start in range(0, len(order), rows_per_piece):
            rows = np.sort(order[start : start + rows_per_piece])  # a memory map is read from its beginning to its end
            places = np.searchsorted(rows, order[start : start + rows_per_piece]).astype(np.int32)
            which = slice(rows[0], rows[-1] + 1) if rows[-1] - rows[0] < len(rows) else rows
            piece = self._on_device(trees.map(lambda array, which=which: rows_of(array, which), self._host))
            trees.map(release_pages, self._host)
            yield from self._chunks(piece, places, self._steps_per_piece)
            del piece

    def _chunks(self, data: Batch, order: np.ndarray, index_rows: int) -> Iterator[DataChunk]:
        """Yield the chunks for some rows; index arrays always have ``index_rows`` rows, to avoid recompilation."""
        size = self.batch_size
        if self._pad and self.samples % size:
            counts = np.clip(len(order) - np.arange(index_rows) * size, 0, size).astype(np.int32)
            yield self._chunk(data, np.resize(order, (index_rows, size)), counts, -(-len(order) // size))
            return
        whole = len(order) // size
        if whole:
            yield self._chunk(data, np.resize(order[: whole * size], (index_rows, size)), None, whole)
        if len(order) % size:
            yield self._chunk(data, order[whole * size :].reshape(1, -1), None, 1)

    def _chunk(self, data: Batch, rows: np.ndarray, counts: np.ndarray | None, steps: int) -> DataChunk:
        return DataChunk(data, BatchIndices(self._as_array(rows), None if counts is None else self._as_array(counts)), steps)
