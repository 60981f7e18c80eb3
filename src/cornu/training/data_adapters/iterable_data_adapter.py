"""What feeds the steps: arrays in memory, or anything that gives batches."""

import contextlib
import functools
import itertools
import warnings
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

import numpy as np

from cornu import backends, config, seeds, trees
from cornu.errors import DataError, InvalidTypeError
from cornu.training.data_adapters.prefetch import drawn, may_be_ahead
from cornu.training.step.train_step import Batch, Plan, spec_of

_RESIDENT_BYTES = 2**31
"""Arrays larger than this stay on the host and go to the device in pieces of at most this size."""


class Segment(NamedTuple):
    """Data on the device and the steps to make with it.

    Attributes:
        data: The data, as a batch of all its rows.
        plan: Which rows make which batch. It may be longer than the steps to make, so that plans of one feed have one shape.
        steps: How many steps to make.
    """

    data: Batch
    plan: Plan
    steps: int


class ArrayFeed:
    """Arrays in memory: they lie on the device, and a step takes its rows from there.

    Args:
        data: Arrays of equal length.
        batch_size: Rows a step.
        shuffle: Whether each pass over the data has an order of its own.
        place: Where the model is.
        may_pad: Returns whether the last batch may be filled up (see ``Layer.batch_coupling``); else it is a smaller one.
            Called once, in the first epoch: the losses and metrics, on which it depends, are built for the data's ``spec``.
        steps: Steps an epoch; None for one pass over the data.
        goes_on: Whether an epoch of ``steps`` goes on where the last one stopped, and begins another pass where the data ends;
            else each epoch begins with the first row and ends with the last one at the latest.

    Attributes:
        spec: Shapes and dtypes of the data (see ``step.spec_of``).
    """

    def __init__(
        self,
        data: Batch,
        batch_size: int,
        shuffle: bool,
        place: config.Place,
        may_pad: Callable[[], bool],
        steps: int | None = None,
        goes_on: bool = False,
    ):
        self._host, self.spec = data, spec_of(data)
        self.samples = len(trees.leaves(data.x)[0])
        self.batch_size = min(batch_size, self.samples)
        a_pass = -(-self.samples // self.batch_size)
        self.steps = a_pass if steps is None else steps if goes_on else min(steps, a_pass)
        self._plan_steps = min(self.steps, a_pass)
        self._shuffle, self._may_pad, self._goes_on = shuffle, may_pad, goes_on
        self._as_array = functools.partial(backends.array_at, place)
        self._left = np.empty(0, dtype=np.int32)
        size = sum(leaf.nbytes for leaf in trees.leaves(self._host) if isinstance(leaf, np.ndarray))
        self._resident = self._on_device(self._host) if size <= _RESIDENT_BYTES else None
        self._steps_a_piece = max(1, _RESIDENT_BYTES * self.samples // max(size, 1) // self.batch_size)

    def _on_device(self, batch: Batch) -> Batch:
        return trees.map(self._as_array, batch)

    @functools.cached_property
    def _pad(self) -> bool:
        return self._may_pad()

    def ready(self) -> bool:
        """Whether there is data for another epoch: always."""
        return True

    def epoch(self, ahead: bool = False) -> Generator[Segment]:
        """The segments of one epoch; arrays need not be drawn ahead."""
        steps = self.steps
        if not self._goes_on:
            self._left = self._left[:0]
        while steps:
            if not len(self._left):
                self._left = _order_of_a_pass(self.samples, self._shuffle)
            rows, self._left = np.split(self._left, [steps * self.batch_size])
            steps -= -(-len(rows) // self.batch_size)
            yield from self._pass(rows)

    def _pass(self, order: np.ndarray) -> Iterator[Segment]:
        if self._resident is not None:
            yield from self._segments(self._resident, order, self._plan_steps)
            return
        rows_a_piece = self._steps_a_piece * self.batch_size
        for start in range(0, len(order), rows_a_piece):
            rows = order[start : start + rows_a_piece]
            piece = self._on_device(trees.map(lambda array, rows=rows: array[rows], self._host))
            yield from self._segments(piece, np.arange(len(rows), dtype=np.int32), self._steps_a_piece)

    def _segments(self, data: Batch, order: np.ndarray, plan_steps: int) -> Iterator[Segment]:
        """The steps over some rows; the arrays of the plan always have ``plan_steps`` rows, so that nothing compiles anew."""
        size = self.batch_size
        if self._pad and self.samples % size:
            counts = np.clip(len(order) - np.arange(plan_steps) * size, 0, size).astype(np.int32)
            yield self._segment(data, np.resize(order, (plan_steps, size)), counts, -(-len(order) // size))
            return
        whole = len(order) // size
        if whole:
            yield self._segment(data, np.resize(order[: whole * size], (plan_steps, size)), None, whole)
        if len(order) % size:
            yield self._segment(data, order[whole * size :].reshape(1, -1), None, 1)

    def _segment(self, data: Batch, rows: np.ndarray, counts: np.ndarray | None, steps: int) -> Segment:
        return Segment(data, Plan(self._as_array(rows), None if counts is None else self._as_array(counts)), steps)


class BatchFeed:
    """Anything that gives batches: a generator, a list of batches, an object with ``__len__`` and ``__getitem__``.

    A batch is ``x``, ``(x, y)`` or ``(x, y, sample_weight)``. Batches smaller than the first are filled up and masked, so that
    the step is not compiled again. An iterator gives its batches only once, so it serves all epochs together.

    Args:
        batches: Gives batches.
        steps: Batches an epoch; None for as many as there are.
        prepare: ``(batch, number) -> batch``: checks a batch and gives it as arrays, with class weights applied.
        place: Where the model is.
        may_pad: See :class:`ArrayFeed`.
        goes_on: See :class:`ArrayFeed`.
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
        place: config.Place,
        may_pad: Callable[[], bool],
        goes_on: bool = False,
        shuffle: bool = False,
    ):
        self._may_pad, self._shuffle = may_pad, shuffle
        self.steps = steps if steps is not None else _length_of(batches)
        self.batch_size: int | None = None
        self._source, self._asked, self._prepare = batches, steps, prepare
        self._as_array = functools.partial(backends.array_at, place)
        self._once = isinstance(batches, Iterator)
        self._goes_on = goes_on and steps is not None
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

    def epoch(self, ahead: bool = False) -> Generator[Segment]:
        """The segments of one epoch: one step each.

        Args:
            ahead: Whether batches may be drawn before they are needed, in a thread of their own.

        Raises:
            DataError: There is no batch.
        """
        if self._peeked is None and not self._goes_on:
            self._rewind()
        first, self._peeked = self._peeked, None
        rest = self._draws(None if self._asked is None else self._asked - (first is not None))
        given = 0
        with contextlib.closing(drawn(rest, ahead and may_be_ahead(self._source))) as rest:
            for batch in itertools.chain([first] if first else [], itertools.starmap(self._prepared, rest)):
                given += 1
                yield self._segment(batch)
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
            if found is None and self._goes_on and not self._once:
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

    def _segment(self, batch: Batch) -> Segment:
        count = len(trees.leaves(batch.x)[0])
        self.batch_size = self.batch_size or count
        asarray = self._as_array
        if not self._pad or count > self.batch_size:
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
        x, y, sample_weight = [*given, None, None][:3]
        return Batch(x, y, sample_weight, None)
    if isinstance(given, (tuple, list)):
        raise DataError(
            f"A batch holds {len(given)} things.",
            "A batch is `x`, `(x, y)` or `(x, y, sample_weight)`.",
            "Put several inputs into a list: `([x1, x2], y)`.",
        )
    return Batch(given, None, None, None)


def as_validation(given: Any) -> Batch:
    """What ``validation_data`` is: ``(x, y)``, ``(x, y, sample_weight)``, or what gives batches, which becomes ``x``."""
    if isinstance(given, list) and is_batches(given):
        return Batch(given, None, None, None)
    return as_batch(given)


def is_batches(x: Any) -> bool:
    """Whether ``x`` gives batches instead of being the data.

    A list of batches holds tuples (or lists) of two or three things, the first of them an array or a tree of arrays. All other
    lists, dicts, and everything that NumPy can make an array of, are data.
    """
    if isinstance(x, (list, tuple)):
        return len(x) > 0 and all(isinstance(item, (tuple, list)) and len(item) in (2, 3) and _is_data(item[0]) for item in x)
    if isinstance(x, (dict, str, bytes, range)) or hasattr(x, "__array__") or hasattr(x, "toarray"):
        return False
    return hasattr(x, "__iter__") or hasattr(x, "__next__") or hasattr(x, "__getitem__")


def _is_data(value: Any) -> bool:
    """Whether a value is an array with at least one axis, or a tree of such."""
    return any(len(getattr(leaf, "shape", ())) > 0 for leaf in trees.leaves(value))


def _length_of(batches: Any) -> int | None:
    try:
        return len(batches)
    except TypeError:
        return None


def _order_of_a_pass(count: int, shuffle: bool) -> np.ndarray:
    """The numbers of rows or batches in the order in which a pass takes them, drawn on the host: the same on each backend."""
    order = np.arange(count, dtype=np.int32)
    if not shuffle:
        return order
    key = np.array(seeds.next_key(), dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).permutation(order)


def iterate(batches: Any, shuffle: bool = False) -> Iterator:
    """An iterator over what gives batches: also over an object that has only a length and items, these in any order."""
    if hasattr(batches, "__iter__"):
        return iter(batches)
    if hasattr(batches, "__getitem__") and hasattr(batches, "__len__"):
        return (batches[number] for number in _order_of_a_pass(len(batches), shuffle).tolist())
    raise InvalidTypeError(
        f"The data is of the type {type(batches).__name__}.",
        "It must be arrays, or give batches when it is iterated over.",
        "Pass arrays, a generator, or an object with `__len__` and `__getitem__`.",
    )
