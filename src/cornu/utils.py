"""Small helpers that Keras users expect: seeds, one-hot labels, starting afresh."""

import random
from typing import Any

import numpy as np

from cornu import seeds
from cornu.backends import memory
from cornu.core.naming import reset_names
from cornu.errors import InvalidArgumentError

__all__ = ["clear_session", "set_random_seed", "to_categorical"]


def set_random_seed(seed: int) -> None:
    """Makes everything random begin anew from a seed: Cornu's weights, orders and dropout, and Python's and NumPy's generators.

    The same seed gives the same initial weights and the same order of the data on every backend.

    Args:
        seed: A whole number from 0 to ``2**32 - 1``.

    Raises:
        InvalidArgumentError: It is none.

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
            f"`set_random_seed` was given {seed!r}.", "It takes a whole number from 0 to 2**32 - 1.", "Pass one, such as 42."
        )
    random.seed(int(seed))
    np.random.seed(int(seed))
    seeds.set_seed(int(seed))


def clear_session(free_memory: bool = True) -> None:
    """Starts the automatic names anew: the next ``Dense`` is named ``dense`` again.

    A model that nobody holds any more is gone without it. What the process keeps of such a model's memory, for the next one,
    goes back to the system (``cornu.backends.memory``; not what an engine keeps of an accelerator's).

    Args:
        free_memory: Whether memory is given back, which takes the longer the more the process holds.

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
    """Class numbers as one-hot rows.

    Args:
        x: Whole numbers of any shape; a last axis of size 1 is dropped.
        num_classes: How many classes; default the largest number plus one.

    Returns:
        ``float32`` array of shape ``(*x.shape, num_classes)``.

    Raises:
        InvalidArgumentError: A number is negative or too large, or none is whole.

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
            f"`to_categorical` was given numbers from {x.min()} to {x.max()} for {count} classes.",
            f"They must be whole numbers from 0 to {count - 1}.",
            "Pass a larger `num_classes`, or number the classes from 0.",
        )
    return np.eye(count, dtype=np.float32)[classes]
