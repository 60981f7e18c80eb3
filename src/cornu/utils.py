"""Utilities of the Keras API: random seeds, one-hot labels and the session state."""

import random
from typing import Any

import numpy as np

from cornu import seeds
from cornu.backends import memory
from cornu.core.naming import reset_names
from cornu.errors import InvalidArgumentError

__all__ = ["clear_session", "set_random_seed", "to_categorical"]


def set_random_seed(seed: int) -> None:
    """Set the random seed of Cornu (weights, data order, dropout) and of the ``random`` and ``numpy.random`` modules.

    The same seed yields the same initial weights and the same order of the data on every backend.

    Args:
        seed: Integer from 0 to ``2**32 - 1``.

    Raises:
        InvalidArgumentError: If ``seed`` is not an integer in this range.

    Example:
        >>> from cornu import initializers, utils
        >>> utils.set_random_seed(7)
        >>> first = initializers.RandomNormal()((2,))
        >>> utils.set_random_seed(7)
        >>> (initializers.RandomNormal()((2,)) == first).all().item()
        True
    """
    if int(seed) != seed or not 0 <= seed < 2**32:
        raise InvalidArgumentError(
            f"`set_random_seed` received seed={seed!r}.",
            "`seed` must be an integer from 0 to 2**32 - 1.",
            "Pass, for example, 42.",
        )
    random.seed(int(seed))
    np.random.seed(int(seed))
    seeds.set_seed(int(seed))


def clear_session(free_memory: bool = True) -> None:
    """Reset the automatic layer names, so that the next ``Dense`` is named ``dense`` again, and release freed memory.

    Models that are no longer referenced are deleted without this function. It returns their host memory, which the process
    retains for reuse, to the operating system (see ``cornu.backends.memory``). Memory that an engine retains on an accelerator
    is not returned.

    Args:
        free_memory: Whether to return freed memory to the operating system; the time this takes grows with the amount of
            memory that the process uses. Defaults to True.

    Example:
        >>> from cornu import layers, utils
        >>> utils.clear_session()
        >>> layers.Dense(3).name
        'dense'
    """
    reset_names()
    if free_memory:
        memory.give_back()


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Convert integer class labels to one-hot vectors.

    Args:
        x: Array-like of integer labels, of any shape; a last axis of size 1 is removed.
        num_classes: Integer, number of classes. Defaults to the largest label plus one.

    Returns:
        ``float32`` NumPy array of shape ``(*x.shape, num_classes)``.

    Raises:
        InvalidArgumentError: If a label is not an integer from 0 to ``num_classes - 1``.

    Example:
        >>> from cornu.utils import to_categorical
        >>> to_categorical([0, 2], 3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    x = np.asarray(x)
    if x.ndim > 1 and x.shape[-1] == 1:
        x = x[..., 0]
    classes = x.astype(np.int64)
    count = int(classes.max(initial=-1)) + 1 if num_classes is None else int(num_classes)
    if ((classes != x) | (classes < 0) | (classes >= count)).any():
        raise InvalidArgumentError(
            f"`to_categorical` received labels from {x.min()} to {x.max()} for {count} classes.",
            f"Labels must be integers from 0 to {count - 1}.",
            "Pass a larger `num_classes`, or number the classes from 0.",
        )
    return np.eye(count, dtype=np.float32)[classes]
