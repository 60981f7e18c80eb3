"""What feeds the steps: arrays in memory, or anything that gives batches."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from cornu import backends, seeds, trees
from cornu.errors import DataError, InvalidTypeError
from cornu.training.step import Batch, Plan

_RESIDENT_BYTES = 2**31
"""Arrays larger than this stay on the host and go to the device in pieces of at most this size."""


class Segment(NamedTuple):
    """Data on the device and the steps to make with it.

    Attributes:
        data: The data, as a batch of all its rows.
        plan: Which rows make which batch.
        steps: How many steps the plan has.
    """

    data: Batch
    plan: Plan
    steps: int


class ArrayFeed:
    """Arrays in memory: they lie on the device, and a step takes its rows from there.

    Args:
        x: Tree of arrays of equal length.
        y: Tree of arrays, or None.
        sample_weight: Tree of arrays ``(samples,)``, or None.
        batch_size: Rows a step.
        shuffle: Whether each epoch has an order of its own.
        backend: The backend of the model.
        pad: Whether the last batch may be filled up (see ``Layer.batch_coupling``); else it is a smaller one.
        steps: Stop an epoch after so many steps; None for all.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int,
        shuffle: bool,
        backend: Any,
        pad: bool,
        steps: int | None = None,
    ):
        self._host = Batch(x, y, sample_weight, None)
        self.samples = len(trees.leaves(x)[0])
        self.batch_size = min(batch_size, self.samples)
        self.steps = min(-(-self.samples // self.batch_size), steps or self.samples)
        self._shuffle, self._backend, self._pad = shuffle, backend, pad
        size = sum(leaf.nbytes for leaf in trees.leaves(self._host) if isinstance(leaf, np.ndarray))
        self._resident = self._on_device(self._host) if size <= _RESIDENT_BYTES else None
        self._rows_a_piece = max(
            self.batch_size, _RESIDENT_BYTES * self.samples // max(size, 1) // self.batch_size * self.batch_size
        )

    def _on_device(self, batch: Batch) -> Batch:
        return trees.map(self._backend.asarray, batch)

    def epoch(self) -> Iterator[Segment]:
        """The segments of one epoch."""
        order = np.arange(self.samples, dtype=np.int32)
        if self._shuffle:
            key = np.array(seeds.next_key(), dtype=np.uint64)
            order = np.random.Generator(np.random.Philox(key=key)).permutation(order)
        order = order[: self.steps * self.batch_size]
        if self._resident is not None:
            yield from self._segments(self._resident, order)
            return
        for start in range(0, len(order), self._rows_a_piece):
            rows = order[start : start + self._rows_a_piece]
            piece = self._on_device(trees.map(lambda array, rows=rows: array[rows], self._host))
            yield from self._segments(piece, np.arange(len(rows), dtype=np.int32))

    def _segments(self, data: Batch, order: np.ndarray) -> Iterator[Segment]:
        whole, rest = divmod(len(order), self.batch_size)
        if rest and self._pad:
            filled = np.resize(order, (whole + 1) * self.batch_size)
            counts = np.full(whole + 1, self.batch_size, dtype=np.int32)
            counts[-1] = rest
            yield self._segment(data, filled.reshape(-1, self.batch_size), counts)
            return
        if whole:
            yield self._segment(data, order[: whole * self.batch_size].reshape(-1, self.batch_size), None)
        if rest:
            yield self._segment(data, order[whole * self.batch_size :].reshape(1, rest), None)

    def _segment(self, data: Batch, rows: np.ndarray, counts: np.ndarray | None) -> Segment:
        asarray = self._backend.asarray
        return Segment(data, Plan(asarray(rows), None if counts is None else asarray(counts)), len(rows))


class BatchFeed:
    """Anything that gives batches: a generator, a list of batches, an object with ``__len__`` and ``__getitem__``.

    A batch is ``x``, ``(x, y)`` or ``(x, y, sample_weight)``. Batches smaller than the first are filled up and masked, so that
    the step is not compiled again.

    Args:
        batches: Gives batches; one that can be iterated over only once serves all epochs together.
        steps: Batches an epoch; None for as many as there are.
        prepare: Checks a batch and gives it as arrays, with class weights applied.
        backend: The backend of the model.
        pad: Whether batches may be filled up.
    """

    def __init__(self, batches: Iterable, steps: int | None, prepare: Callable[[Batch], Batch], backend: Any, pad: bool):
        self._source = batches
        self._prepare, self._backend, self.pad = prepare, backend, pad
        self.steps = steps if steps is not None else _length_of(batches)
        self.batch_size: int | None = None
        self._iterator: Iterator | None = None
        self._peeked: list[Batch] = []

    def sample(self) -> Batch:
        """The first batch; it is kept and given again when the epoch begins."""
        if not self._peeked:
            self._iterator = self._iterator or _iterate(self._source)
            try:
                self._peeked.append(self._prepare(as_batch(next(self._iterator))))
            except StopIteration:
                raise DataError(
                    "The data gave no batch at all.",
                    "Training needs at least one batch.",
                    "Check what the generator or list gives.",
                ) from None
        return self._peeked[0]

    def epoch(self) -> Iterator[Segment]:
        """The segments of one epoch: one step each."""
        if self._iterator is None or (self.steps is None and not self._peeked) or self._restarts():
            self._iterator = self._iterator if self._peeked else _iterate(self._source)
        given = 0
        while self.steps is None or given < self.steps:
            batch = self._next()
            if batch is None:
                break
            given += 1
            yield self._segment(batch)
        if given == 0:
            raise DataError(
                "The data gave no batch for this epoch.",
                "A generator that ended cannot be iterated over again.",
                "Let it give batches for ever and pass `steps_per_epoch`, or pass an object that can be iterated over anew.",
            )
        if self.steps is None:
            self.steps = given

    def _restarts(self) -> bool:
        """Whether each epoch iterates anew: not over an iterator, which goes on where it stopped."""
        return not isinstance(self._source, Iterator)

    def _next(self) -> Batch | None:
        if self._peeked:
            return self._peeked.pop()
        try:
            return self._prepare(as_batch(next(self._iterator)))
        except StopIteration:
            return None

    def _segment(self, batch: Batch) -> Segment:
        count = len(trees.leaves(batch.x)[0])
        self.batch_size = self.batch_size or count
        asarray = self._backend.asarray
        if not self.pad or count > self.batch_size:
            rows = np.arange(count, dtype=np.int32).reshape(1, -1)
            return Segment(trees.map(asarray, batch), Plan(asarray(rows), None), 1)
        fill = np.resize(np.arange(count), self.batch_size)
        rows = np.arange(self.batch_size, dtype=np.int32).reshape(1, -1)
        filled = batch if count == self.batch_size else trees.map(lambda array: np.asarray(array)[fill], batch)
        return Segment(trees.map(asarray, filled), Plan(asarray(rows), asarray(np.array([count], dtype=np.int32))), 1)


def as_batch(given: Any) -> Batch:
    """What a user's iterable gives as a batch: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``."""
    if isinstance(given, Batch):
        return given
    if isinstance(given, (tuple, list)) and 1 <= len(given) <= 3:
        return Batch(*(list(given) + [None] * (3 - len(given))), None)
    if isinstance(given, (tuple, list)):
        raise DataError(
            f"A batch holds {len(given)} things.",
            "A batch is `x`, `(x, y)` or `(x, y, sample_weight)`.",
            "Put several inputs into a list: `([x1, x2], y)`.",
        )
    return Batch(given, None, None, None)


def is_array(value: Any) -> bool:
    """Whether a value is an array of NumPy or of an engine."""
    return backends.owner(value) is not None


def is_batches(x: Any) -> bool:
    """Whether ``x`` gives batches instead of being the data."""
    if is_array(x) or isinstance(x, (dict, str)):
        return False
    if isinstance(x, (list, tuple)):
        # Data of several inputs is a list of arrays or numbers; a list of batches holds tuples or lists of arrays.
        return len(x) > 0 and all(isinstance(item, (tuple, list)) and len(item) in (2, 3) and is_array(item[0]) for item in x)
    return hasattr(x, "__iter__") or hasattr(x, "__next__") or hasattr(x, "__getitem__")


def _length_of(batches: Any) -> int | None:
    try:
        return len(batches)
    except TypeError:
        return None


def _iterate(batches: Any) -> Iterator:
    if hasattr(batches, "__iter__"):
        return iter(batches)
    if hasattr(batches, "__getitem__") and hasattr(batches, "__len__"):
        return (batches[number] for number in range(len(batches)))
    raise InvalidTypeError(
        f"The data is of the type {type(batches).__name__}.",
        "It must be arrays, or give batches when it is iterated over.",
        "Pass arrays, a generator, or an object with `__len__` and `__getitem__`.",
    )
