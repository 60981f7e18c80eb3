"""What all data adapters share."""

from typing import Any

import numpy as np

from cornu import seeds, trees
from cornu.errors import DataError
from cornu.training.batch import Batch


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


def epoch_order(count: int, shuffle: bool) -> np.ndarray:
    """The numbers of rows or batches in the order in which a pass takes them, drawn on the host: the same on each backend."""
    order = np.arange(count, dtype=np.int32)
    if not shuffle:
        return order
    key = np.array(seeds.next_key(), dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key)).permutation(order)
