"""Base class for objects that return a batch by its index."""

import itertools
from collections.abc import Iterator, Sized
from typing import Any

from cornu.errors import InvalidTypeError


class PyDataset:
    """Base class of datasets in Python: ``dataset[index]`` returns a batch, and ``len(dataset)`` is the number of batches.

    ``fit`` shuffles the batches and calls :meth:`on_epoch_begin` and :meth:`on_epoch_end`. A subclass defines ``__getitem__``,
    and ``__len__`` or :attr:`num_batches`.

    Args:
        workers: Integer; 0 if batches must be read in the thread that calls ``fit``. With other values one thread reads batches
            in advance if reading takes long. Defaults to 1.
        use_multiprocessing: Accepted for compatibility with Keras; batches are read in the process that calls ``fit``. Defaults
            to False.
        max_queue_size: Accepted for compatibility with Keras; at most two batches are read in advance. Defaults to 10.

    Example:
        >>> import numpy as np
        >>> import cornu
        >>> class Squares(cornu.utils.PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...     def __getitem__(self, index):
        ...         x = np.arange(4.0).reshape(4, 1) + 4 * index
        ...         return x, x**2
        >>> model = cornu.Sequential([cornu.Input((1,)), cornu.layers.Dense(1)])
        >>> model.predict(Squares(), verbose=0).shape
        (12, 1)
    """

    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Return a batch: ``x``, ``(x, y)`` or ``(x, y, sample_weight)``.

        Args:
            index: Index of the batch, from 0.

        Raises:
            InvalidTypeError: If the class does not define the method.
        """
        raise InvalidTypeError(
            f"The batch {index} of a `{type(self).__name__}` was requested, whose class defines no `__getitem__`.",
            "It must return a batch: `(x, y)`.",
            "Define `__getitem__(self, index)`.",
        )

    @property
    def num_batches(self) -> int | None:
        """Number of batches; None for a dataset without end.

        Raises:
            InvalidTypeError: If the class defines neither this property nor ``__len__``.
        """
        if isinstance(self, Sized):
            return len(self)
        raise InvalidTypeError(
            f"The number of batches of a `{type(self).__name__}` was requested.",
            "Its class must define `__len__` or the property `num_batches`.",
            "Define `__len__(self)`.",
        )

    def __iter__(self) -> Iterator[Any]:
        count = self.num_batches
        return (self[index] for index in (itertools.count() if count is None else range(count)))

    def on_epoch_begin(self) -> None:
        """Called at the beginning of each epoch."""

    def on_epoch_end(self) -> None:
        """Called at the end of each epoch."""
