"""What feeds the steps: arrays in memory, or anything that gives batches."""

import contextlib
import functools
import itertools
import warnings
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np

from cornu import backends, config, trees
from cornu.errors import DataError, InvalidTypeError
from cornu.training.batch import Batch, BatchIndices, DataChunk, spec_of
from cornu.training.data_adapters.data_adapter import as_batch, epoch_order
from cornu.training.data_adapters.prefetch import may_prefetch, prefetched


class IterableDataAdapter:
    """Anything that gives batches: a generator, a list of batches, an object with ``__len__`` and ``__getitem__``.

    A batch is ``x``, ``(x, y)`` or ``(x, y, sample_weight)``. Batches smaller than the first are filled up and masked, so that
    the step is not compiled again. An iterator gives its batches only once, so it serves all epochs together.

    Args:
        batches: Gives batches.
        steps: Batches an epoch; None for as many as there are.
        prepare: ``(batch, number) -> batch``: checks a batch and gives it as arrays, with class weights applied.
        place: Where the model is.
        may_pad: See :class:`ArrayFeed`.
        resumable: See :class:`ArrayFeed`.
        shuffle: Whether the batches come in a new order in each epoch, if they can be asked for by number. What is iterated
            over has its own order.

    Attributes:
        steps: Batches an epoch, None as long as nobody knows.
    """

    def __init__(
        self,
        batches: Any,
        steps: int | None,
        prepare: Callable[[Batch, int], Batch],
        place: config.Placement,
        may_pad: Callable[[], bool],
        resumable: bool = False,
        shuffle: bool = False,
    ):
        self._may_pad, self._shuffle = may_pad, shuffle
        self.steps = steps if steps is not None else _length_of(batches)
        self.batch_size: int | None = None
        self._source, self._asked, self._prepare = batches, steps, prepare
        self._as_array = functools.partial(backends.array_at, place)
        self._once = isinstance(batches, Iterator)
        self._resumable = resumable and steps is not None
        self._iterator: Iterator | None = None
        self._number = 0
        self._peeked: Batch | None = None

    def sample(self) -> Batch:
        """The first batch; it is kept and given again when the epoch begins.

        Raises:
            DataError: There is none.
        """
        if self._peeked is None:
            self._rewind()
            self._peek()
        if self._peeked is None:
            raise DataError(
                "The data gave no batch at all.",
                "At least one is needed.",
                "Check what the generator or list gives; a generator that was used up must be made anew.",
            )
        return self._peeked

    @functools.cached_property
    def spec(self) -> Batch:
        """Shapes and dtypes of the first batch (see ``step.spec_of``)."""
        return spec_of(self.sample())

    @functools.cached_property
    def _pad(self) -> bool:
        return self._may_pad()

    def ready(self) -> bool:
        """Whether there is a batch for another epoch: an iterator may be used up."""
        if self._once and self._peeked is None:
            self._peek()
        return self._peeked is not None or not self._once

    def _peek(self) -> None:
        found = self._draw()
        self._peeked = None if found is None else self._prepared(*found)

    def epoch(self, prefetch: bool = False) -> Generator[DataChunk]:
        """The segments of one epoch: one step each.

        Args:
            prefetch: Whether batches may be drawn before they are needed, in a thread of their own.

        Raises:
            DataError: There is no batch.
        """
        if self._peeked is None and not self._resumable:
            self._rewind()
        first, self._peeked = self._peeked, None
        rest = self._draws(None if self._asked is None else self._asked - (first is not None))
        given = 0
        with contextlib.closing(prefetched(rest, prefetch and may_prefetch(self._source))) as rest:
            for batch in itertools.chain([first] if first else [], itertools.starmap(self._prepared, rest)):
                given += 1
                yield self._chunk(batch)
        self._end(given)

    def _end(self, given: int) -> None:
        if given == 0:
            raise DataError(
                "The data gave no batch for this epoch.",
                "At least one is needed.",
                "Check what the object gives the second time.",
            )
        if self._asked is not None and given < self._asked:
            warnings.warn(
                f"The data ended after {given} of the {self._asked} batches that were asked for. "
                "Let it give more, or ask for fewer (`steps_per_epoch`, `validation_steps` or `steps`).",
                stacklevel=2,
            )
        self.steps = self.steps or given
        if hasattr(self._source, "on_epoch_end"):  # where objects that give batches shuffle themselves
            self._source.on_epoch_end()

    def _rewind(self) -> None:
        if self._iterator is None or not self._once:
            self._iterator, self._number = iterate(self._source, self._shuffle), 0

    def _draws(self, count: int | None) -> Generator[tuple[Any, int]]:
        """What the data gives, so many times or as long as it gives anything, and the numbers in its pass.

        The user's own code runs here, and at a new pass in a new order a key is drawn: a thread can.
        """
        for _ in itertools.repeat(None) if count is None else range(count):
            found = self._draw()
            if found is None and self._resumable and not self._once:
                self._rewind()
                found = self._draw()
            if found is None:
                return
            yield found

    def _draw(self) -> tuple[Any, int] | None:
        if self._iterator is None:
            self._iterator = iterate(self._source, self._shuffle)
        try:
            given = next(self._iterator)
        except StopIteration:
            return None
        self._number += 1
        return given, self._number

    def _prepared(self, given: Any, number: int) -> Batch:
        return self._prepare(as_batch(given), number)

    def _chunk(self, batch: Batch) -> DataChunk:
        count = len(trees.leaves(batch.x)[0])
        self.batch_size = self.batch_size or count
        asarray = self._as_array
        if not self._pad or count > self.batch_size:
            rows = np.arange(count, dtype=np.int32).reshape(1, -1)
            return DataChunk(trees.map(asarray, batch), BatchIndices(asarray(rows), None), 1)
        fill = np.resize(np.arange(count), self.batch_size)
        rows = np.arange(self.batch_size, dtype=np.int32).reshape(1, -1)
        filled = batch if count == self.batch_size else trees.map(lambda array: np.asarray(array)[fill], batch)
        return DataChunk(trees.map(asarray, filled), BatchIndices(asarray(rows), asarray(np.array([count], dtype=np.int32))), 1)


def _length_of(batches: Any) -> int | None:
    try:
        return len(batches)
    except TypeError:
        return None


def iterate(batches: Any, shuffle: bool = False) -> Iterator:
    """An iterator over what gives batches: also over an object that has only a length and items, these in any order."""
    if hasattr(batches, "__iter__"):
        return iter(batches)
    if hasattr(batches, "__getitem__") and hasattr(batches, "__len__"):
        return (batches[number] for number in epoch_order(len(batches), shuffle).tolist())
    raise InvalidTypeError(
        f"The data is of the type {type(batches).__name__}.",
        "It must be arrays, or give batches when it is iterated over.",
        "Pass arrays, a generator, or an object with `__len__` and `__getitem__`.",
    )
