"""Random key of a step, from which the layers that run in the step derive their own."""

from typing import Any, NamedTuple

import numpy as np

from cornu import backends, seeds
from cornu.backends.contract import Backend
from cornu.typing import ArrayLike


class RandomKey(NamedTuple):
    """Random key of a step.

    Attributes:
        value: Array of two integers, which differ in each run.
        numbers: Numbers that tell the step from others, such as the number of the step and that of the part of the batch. The
            keys of a generator with an explicit seed are derived from them and not from ``value``, so that they are the same
            in each run.
    """

    value: ArrayLike
    numbers: tuple[Any, ...] = ()

    def fold_in(self, number: Any) -> "RandomKey":
        """Return another key, determined by this one and an integer or an array of one integer."""
        return RandomKey(backends.of(self.value).fold_in(self.value, number), (*self.numbers, number))


def key_in_trace(backend: Backend) -> RandomKey:
    """Return the random key of a function that an engine traces, such as one passed to ``map`` of a ``tf.data`` dataset.

    On an engine that counts the runs of the function (``run_number``), it differs in each of them.
    """
    key = RandomKey(backend.asarray(np.array(seeds.next_key(), dtype="uint32")))
    count = getattr(backend, "run_number", None)
    return key if count is None else key.fold_in(count())
