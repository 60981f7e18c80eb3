"""Data adapter for iterables of batches."""

import contextlib
import functools
import itertools
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import numpy as np

from cornu import backends, config, trees
from cornu.errors import DataError, InvalidTypeError
from cornu.training.batch import Batch, BatchIndices, Data, DataChunk, row_counts, sample_count, spec_of
from cornu.training.data_adapters.data_adapter import EpochOrders, as_batch, warn_of_early_end
from cornu.training.data_adapters.prefetch import may_prefetch, prefetched
from cornu.training.data_adapters.py_dataset import PyDataset


class IterableDataAdapter:
    """Adapter for iterables of batches: a generator, a list of batches, an object with ``__len__`` and ``__getitem__``.

    A batch is ``x``, ``(x, y)`` or ``(x, y, sample_weight)``. Batches smaller than the first are padded and masked, so that the
    step is not compiled again. Batches whose arrays have different numbers of rows, which only a user's own step can use, are
    passed on as they are. An iterator can be used only once, so all epochs share it.

    Args:
        batches: Iterable of batches.
        steps: Batches per epoch; None for all batches.
        prepare: Function ``(batch, number) -> batch`` that validates a batch and returns it as arrays, with class weights
            applied.
        place: Placement of the model.
        may_pad: See :class:`ArrayDataAdapter`.
        resumable: See :class:`ArrayDataAdapter`. Defaults to False.
        shuffle: Whether to shuffle the batches before each epoch if they can be accessed by index. An iterable keeps its own
            order. Defaults to False.
        steps_per_chunk: Number of steps of a chunk, if their batches have the same size. Defaults to 1.

    Attributes:
        steps: Batches per epoch, None while unknown.
    """

    def __init__(
        self,
        batches: Data,
        steps: int | None,
        prepare: Callable[[Batch, int], Batch],
        place: config.Placement,
        may_pad: Callable[[], bool],
        resumable: bool = False,
        shuffle: bool = False,
        steps_per_chunk: int = 1,
    ):
        self._steps_per_chunk = steps_per_chunk
        self._may_pad, self._orders = may_pad, EpochOrders(shuffle)
        self.steps = steps if steps is not None else _length_of(batches)
        self._first_size: int | None = None
        self._source, self._asked, self._prepare = batches, steps, prepare
        self._as_array = functools.partial(backends.array_at, place)
        self._once = isinstance(batches, Iterator)
        self._resumable = resumable and steps is not None
        self._iterator: Iterator | None = None
        self._number = 0
        self._peeked: Batch | None = None

    def sample(self) -> Batch:
        """Return the first batch, which is kept for the start of the epoch.

        Raises:
            DataError: If there are no batches.
        """
        if self._peeked is None:
            self._rewind()
            self._peek()
        if self._peeked is None:
            raise DataError(
                "The data yielded no batches.",
                "At least one batch is required.",
                "Check the generator or list; an exhausted generator must be created again.",
            )
        return self._peeked

    @property
    def spec(self) -> Batch:
        """Shapes and dtypes of the first batch (see ``batch.spec_of``)."""
        return self._spec

    @property
    def batch_size(self) -> int:
        """Number of samples of the first batch."""
        return self._first_size or sample_count(self.sample())

    @functools.cached_property
    def _spec(self) -> Batch:
        return spec_of(self.sample())

    @functools.cached_property
    def _pad(self) -> bool:
        return self._may_pad()

    def ready(self) -> bool:
        """Return whether there is a batch for another epoch; an iterator may be exhausted."""
        if self._once and self._peeked is None:
            self._peek()
        return self._peeked is not None or not self._once

    def _peek(self) -> None:
        """Draw the first batch and keep it."""
        found = self._draw()
        self._peeked = None if found is None else self._prepared(*found)

    def epoch(self, prefetch: bool = False) -> Generator[DataChunk]:
        """Yield the chunks of one epoch, one step each.

        Args:
            prefetch: Whether batches may be drawn in advance, in a separate thread. Defaults to False.

        Raises:
            DataError: If there are no batches.
        """
        on_epoch_begin = getattr(self._source, "on_epoch_begin", None)
        if on_epoch_begin is not None:
            on_epoch_begin()
        if self._peeked is None and not self._resumable:
            self._rewind()
        first, self._peeked = self._peeked, None
        rest = self._draws(None if self._asked is None else self._asked - (first is not None))
        given = 0
        with contextlib.closing(prefetched(rest, prefetch and may_prefetch(self._source))) as rest:
            batches = itertools.chain([first] if first else [], itertools.starmap(self._prepared, rest))
            for group in _groups_of_one_size(batches, self._steps_per_chunk):
                given += len(group)
                yield self._chunk(group)
        self._end(given)

    def _end(self, given: int) -> None:
        """Check the number of batches of an epoch and call ``on_epoch_end`` of the source."""
        if given == 0:
            raise DataError(
                "The data yielded no batches for this epoch.",
                "At least one batch is required.",
                "Check that the object can be iterated over repeatedly.",
            )
        warn_of_early_end(given, self._asked)
        self.steps = self.steps or given
        on_epoch_end = getattr(self._source, "on_epoch_end", None)
        if on_epoch_end is not None:  # many objects shuffle their batches there
            on_epoch_end()

    def _rewind(self) -> None:
        """Create a new iterator, unless the source is an iterator itself."""
        if self._iterator is None or not self._once:
            self._iterator, self._number = iterate(self._source, self._orders), 0

    def _draws(self, count: int | None) -> Generator[tuple[Any, int]]:
        """Yield up to ``count`` batches, or all if None, each with its index within the pass.

        A resumable epoch that begins at the end of a pass over the data begins another pass; it does not extend beyond its end.
        User code runs here, possibly in a thread.
        """
        for number in itertools.count() if count is None else range(count):
            found = self._draw()
            if found is None and number == 0 and count == self._asked and self._resumable and not self._once:
                self._rewind()
                found = self._draw()
            if found is None:
                return
            yield found

    def _draw(self) -> tuple[Any, int] | None:
        """Return the next batch and its number, or None at the end."""
        if self._iterator is None:
            self._iterator = iterate(self._source, self._orders)
        try:
            given = next(self._iterator)
        except StopIteration:
            return None
        self._number += 1
        return given, self._number

    def _prepared(self, given: Data, number: int) -> Batch:
        """Return an element of the iterable as a validated batch."""
        return self._prepare(as_batch(given), number)

    def _chunk(self, group: list[Batch]) -> DataChunk:
        """Return the chunk of one step for each batch of a group, padded to the batch size if allowed."""
        if len(set(row_counts(group[0]))) > 1:
            return self._chunk_of_different_rows(group)
        batch = group[0] if len(group) == 1 else trees.map(lambda *arrays: np.concatenate(arrays), *group)
        count = sample_count(group[0])
        size = self._first_size = self._first_size or count
        asarray = self._as_array
        rows = np.arange(len(group) * count, dtype=np.int32).reshape(len(group), count)
        if not self._pad or count > size:
            return DataChunk(trees.map(asarray, batch), BatchIndices(asarray(rows), None), len(group))
        counts = np.full(len(group), count, dtype=np.int32)
        if count < size:
            fill = np.concatenate([np.resize(own, size) for own in rows])
            batch = trees.map(lambda array: np.asarray(array)[fill], batch)
            rows = np.arange(len(fill), dtype=np.int32).reshape(len(group), size)
        return DataChunk(trees.map(asarray, batch), BatchIndices(asarray(rows), asarray(counts)), len(group))

    def _chunk_of_different_rows(self, group: list[Batch]) -> DataChunk:
        """Return the chunk of one step for each batch of a group, whose arrays have different numbers of rows."""
        batch = trees.map(lambda *arrays: arrays[0][None] if len(arrays) == 1 else np.stack(arrays), *group)
        return DataChunk(trees.map(self._as_array, batch), BatchIndices(None, None), len(group))


def _groups_of_one_size(batches: Iterable[Batch], count: int) -> Iterator[list[Batch]]:
    """Yield lists of up to ``count`` successive batches of the same size."""
    group: list[Batch] = []
    for batch in batches:
        if group and row_counts(group[0]) != row_counts(batch):
            yield group
            group = []
        group.append(batch)
        if len(group) == count:
            yield group
            group = []
    if group:
        yield group


def _length_of(batches: Any) -> int | None:
    """Return the length of an iterable, or None if it has none."""
    if isinstance(batches, PyDataset):
        return batches.num_batches
    try:
        return len(batches)
    except TypeError:
        return None


def iterate(batches: Any, orders: EpochOrders | None = None) -> Iterator:
    """Return an iterator over batches, also for an object that has only a length and items, which have an order."""
    count = _length_of(batches) if isinstance(batches, PyDataset) or not hasattr(batches, "__iter__") else None
    if count is not None and hasattr(batches, "__getitem__"):
        return (batches[number] for number in (orders or EpochOrders(shuffle=False)).next(count).tolist())
    if hasattr(batches, "__iter__"):
        return iter(batches)
    raise InvalidTypeError(
        f"The data is of the type {type(batches).__name__}.",
        "It must be arrays or an iterable of batches.",
        "Pass arrays, a generator, or an object with `__len__` and `__getitem__`.",
    )
