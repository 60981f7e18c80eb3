"""The dataset object: a pipeline of lazy transformations on samples or batches, with the methods of ``tf.data.Dataset``."""

import itertools
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import numpy as np

from cornu import seeds, trees
from cornu.data.host_array import HostArray, host_array
from cornu.data.ordered_threads import ordered_map, processor_count
from cornu.errors import DataError, InvalidTypeError
from cornu.training.data_adapters.prefetch import prefetched
from cornu.typing import Array, Tree
from cornu.validation import check_int

AUTOTUNE = -1
"""As a number of threads: one for each processor (``tf.data.AUTOTUNE``)."""

INFINITE, UNKNOWN = -1, -2
"""Values of :meth:`Dataset.cardinality` for a dataset that repeats without end, and one whose length is not known."""


class Dataset:
    """Sequence of samples or batches that is computed while it is iterated over, and can be iterated over again.

    ``fit``, ``evaluate`` and ``predict`` accept it. An element is an array or a tree of arrays, such as ``(images, labels)``.
    Each method returns a new dataset; its name and arguments are those of ``tf.data.Dataset``. The results, and their order, do
    not depend on the number of threads.

    Args:
        start: Function without arguments that starts a pass: it returns an iterator over the elements.
        size: Integer, number of elements; :data:`INFINITE` or :data:`UNKNOWN`. Defaults to :data:`UNKNOWN`.

    Attributes:
        class_names: List of strings, the names of the classes of the labels, or None.
        file_paths: List of strings, the files of the samples in the order without shuffling, or None.

    Example:
        >>> import numpy as np
        >>> import cornu
        >>> windows = cornu.utils.timeseries_dataset_from_array(np.arange(6), None, 3, batch_size=None, format="cornu")
        >>> [batch.tolist() for batch in windows.map(lambda x: 10 * x).batch(2)]
        [[[0, 10, 20], [10, 20, 30]], [[20, 30, 40], [30, 40, 50]]]
    """

    class_names: list[str] | None = None
    file_paths: list[str] | None = None

    def __init__(self, start: Callable[[], Iterator[Tree]], size: int = UNKNOWN):
        self._start, self._size = start, size

    def __iter__(self) -> Iterator[Tree]:
        return self._start()

    def __len__(self) -> int:
        if self._size < 0:
            kind = "repeats without end" if self._size == INFINITE else "has an unknown number of elements"
            raise InvalidTypeError(
                f"The length of a dataset that {kind} was requested.",
                "Only a dataset with a known number of elements has a length.",
                "Pass `steps_per_epoch` to `fit`, or restrict the dataset with `.take(count)`.",
            )
        return self._size

    def __bool__(self) -> bool:
        return True

    def __repr__(self) -> str:
        size = {INFINITE: "infinite", UNKNOWN: "unknown"}.get(self._size, self._size)
        return f"<Dataset: {size} elements>"

    def cardinality(self) -> int:
        """Return the number of elements; :data:`INFINITE` (-1) without end, :data:`UNKNOWN` (-2) if it is not known."""
        return self._size

    def as_numpy_iterator(self) -> Iterator[Tree]:
        """Return an iterator over the elements as plain NumPy arrays."""
        return (trees.map(np.asarray, element) for element in self)

    def map(self, function: Callable[..., Any], num_parallel_calls: int | None = None) -> "Dataset":
        """Apply a function to each element.

        Args:
            function: Callable; the parts of an element that is a tuple are separate arguments. Its result is the new element.
            num_parallel_calls: Integer, number of threads that call the function; -1 for the number of processors. Defaults
                to None (the thread that reads the dataset calls it).
        """
        threads = (
            1 if num_parallel_calls is None else processor_count() if num_parallel_calls == AUTOTUNE else num_parallel_calls
        )
        check_int("map", "num_parallel_calls", threads)

        def apply(element: Tree) -> Tree:
            return function(*element) if isinstance(element, tuple) else function(element)

        return self._then(lambda: ordered_map(apply, self, threads))

    def batch(self, batch_size: int, drop_remainder: bool = False) -> "Dataset":
        """Combine successive elements to batches.

        Args:
            batch_size: Integer, number of elements of a batch.
            drop_remainder: Whether to omit the last batch if it is incomplete. Defaults to False.

        Raises:
            DataError: While the dataset is read, if the arrays of two elements have different shapes.
        """
        return self._batches(batch_size, drop_remainder, _stacked)

    def padded_batch(self, batch_size: int, drop_remainder: bool = False) -> "Dataset":
        """Combine successive elements to batches, after padding them with zeros at the end to the largest size of each axis.

        Args:
            batch_size: Integer, number of elements of a batch.
            drop_remainder: Whether to omit the last batch if it is incomplete. Defaults to False.
        """
        return self._batches(batch_size, drop_remainder, _padded)

    def _batches(self, batch_size: int, drop_remainder: bool, combine: Callable[..., Tree]) -> "Dataset":
        count = check_int("batch", "batch_size", batch_size)

        def batches() -> Iterator[Tree]:
            elements = iter(self)
            while group := list(itertools.islice(elements, count)):
                if len(group) == count or not drop_remainder:
                    yield trees.map(combine, *group)

        whole = self._size // count if drop_remainder else -(-self._size // count)
        return self._then(batches, whole if self._size >= 0 else self._size)

    def unbatch(self) -> "Dataset":
        """Split batches into their samples."""

        def samples() -> Iterator[Tree]:
            for element in self:
                for index in range(len(trees.leaves(element)[0])):
                    yield trees.map(lambda array, index=index: _row(array, index), element)

        return self._then(samples, INFINITE if self._size == INFINITE else UNKNOWN)

    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True) -> "Dataset":
        """Shuffle the elements: each one is drawn from a buffer, which is filled from the dataset.

        Args:
            buffer_size: Integer, number of elements in the buffer. The shuffle is uniform if it is at least the number of
                elements.
            seed: Integer, random seed. Defaults to None (the seed of :func:`cornu.utils.set_random_seed`).
            reshuffle_each_iteration: Whether each pass over the dataset has another order. Defaults to True.
        """
        size = check_int("shuffle", "buffer_size", buffer_size)
        generators = Generators(seed, reshuffle_each_iteration)

        def shuffled() -> Iterator[Tree]:
            generator, elements = generators.next(), iter(self)
            buffer = list(itertools.islice(elements, size))
            for element in elements:
                place = generator.integers(size)
                yield buffer[place]
                buffer[place] = element
            generator.shuffle(buffer)
            yield from buffer

        return self._then(shuffled)

    def take(self, count: int) -> "Dataset":
        """Keep the first elements.

        Args:
            count: Integer, number of elements to keep; -1 for all.
        """
        count = check_int("take", "count", count, least=-1)
        if count == -1:
            return self
        size = {INFINITE: count, UNKNOWN: UNKNOWN}.get(self._size, min(self._size, count))
        return self._then(lambda: itertools.islice(iter(self), count), size)

    def skip(self, count: int) -> "Dataset":
        """Omit the first elements.

        Args:
            count: Integer, number of elements to omit.
        """
        count = check_int("skip", "count", count, least=0)
        size = max(self._size - count, 0) if self._size >= 0 else self._size
        return self._then(lambda: itertools.islice(iter(self), count, None), size)

    def repeat(self, count: int | None = None) -> "Dataset":
        """Repeat the dataset.

        Args:
            count: Integer, number of passes; None or -1 for no end. Defaults to None.
        """
        passes = None if count is None or count == -1 else check_int("repeat", "count", count, least=0)

        def repeated() -> Iterator[Tree]:
            for _ in itertools.count() if passes is None else range(passes):
                element = None
                for element in self:
                    yield element
                if element is None:  # an empty dataset would be repeated without ever yielding an element
                    return

        size = INFINITE if passes is None else self._size * passes if self._size >= 0 else self._size
        return self._then(repeated, size)

    def cache(self) -> "Dataset":
        """Keep the elements in memory once a pass has reached their end, so that later passes compute nothing."""
        kept: list[list[Tree]] = []

        def cached() -> Iterator[Tree]:
            if kept:
                yield from kept[0]
                return
            elements = []
            for element in self:
                elements.append(element)
                yield element
            kept[:] = [elements]

        return self._then(cached)

    def prefetch(self, buffer_size: int = AUTOTUNE) -> "Dataset":
        """Compute elements in advance, in a separate thread, if that takes long.

        Args:
            buffer_size: Accepted for compatibility with ``tf.data``; at most two elements are computed in advance. Defaults to
                -1.
        """
        return self._then(lambda: prefetched(_generator(self), prefetch=True))

    def _then(self, start: Callable[[], Iterator[Tree]], size: int | None = None) -> "Dataset":
        """Return a dataset that is derived from this one; by default of the same size."""
        derived = Dataset(start, self._size if size is None else size)
        derived.class_names, derived.file_paths = self.class_names, self.file_paths
        return derived


class Generators:
    """The random generators of the passes over a dataset: each pass has another one, derived from one seed.

    Args:
        seed: Integer seed; None takes a key of :mod:`cornu.seeds`.
        advance: Whether passes differ. Defaults to True.
    """

    def __init__(self, seed: int | None, advance: bool = True):
        self._key = np.array(seeds.key_from(seed), dtype=np.uint64)
        self._advance, self._passes = advance, 0

    def next(self) -> np.random.Generator:
        """Return the generator of the next pass."""
        generator = np.random.Generator(np.random.Philox(key=self._key, counter=[0, 0, 0, self._passes]))
        self._passes += self._advance
        return generator


def dataset_of(count: int, load: Callable[[int], Tree], seed: int | None) -> Dataset:
    """Return a dataset of samples that are loaded by their index, in several threads.

    Args:
        count: Integer, number of samples.
        load: Function from the index of a sample to the sample.
        seed: Integer seed with which each pass over the dataset shuffles all samples; None to keep the order.

    Example:
        >>> from cornu.data.dataset import dataset_of
        >>> [batch.tolist() for batch in dataset_of(3, lambda index: 10 * index, seed=None).batch(2)]
        [[0, 10], [20]]
    """
    return order_of(count, seed).map(load, AUTOTUNE)


def order_of(count: int, seed: int | None) -> Dataset:
    """Return the dataset of the integers from 0 to ``count - 1``, shuffled in each pass if there is a seed."""
    generators = None if seed is None else Generators(seed)

    def indices() -> Iterator[Any]:
        return iter((np.arange(count) if generators is None else generators.next().permutation(count)).tolist())

    return Dataset(indices, count)


def _generator(elements: Iterable[Tree]) -> Generator[Tree]:
    yield from elements


def _row(array: Array, index: int) -> Array:
    """Return a sample of a batch; that of a NumPy array as an array, also if NumPy returns a scalar."""
    return host_array(array[index]) if isinstance(array, np.ndarray) else array[index]


def _stacked(*arrays: np.ndarray) -> HostArray:
    """Return the arrays of several samples as one array with a batch axis."""
    shapes = {np.shape(array) for array in arrays}
    if len(shapes) > 1:
        raise DataError(
            f"Elements of the shapes {', '.join(map(str, sorted(shapes)[:3]))} were combined to a batch.",
            "The elements of a batch must have the same shape.",
            "Resize or pad them with `.map(...)` before `.batch(...)`.",
        )
    return np.stack([host_array(array) for array in arrays]).view(HostArray)


def _padded(*arrays: np.ndarray) -> HostArray:
    """Return arrays of different sizes as one array with a batch axis, padded with zeros at the end of each axis."""
    shapes = [np.shape(array) for array in arrays]
    if len(set(shapes)) > 1:
        largest = np.max(shapes, axis=0)
        arrays = tuple(np.pad(array, [(0, more) for more in largest - np.shape(array)]) for array in arrays)
    return _stacked(*arrays)
