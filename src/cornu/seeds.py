"""The random seed of the process and the keys derived from it.

A key is a pair of 32-bit words ``(seed, counter)``. On the host it seeds NumPy's Philox generator (initial weights, order of
the data); on a backend it is the key of a stateless random function (dropout). The same seed therefore yields the same weights
and the same order on every backend. This module only produces keys; it does not generate random values.
"""

import numbers
import random
import secrets
import threading
from contextlib import AbstractContextManager

import numpy as np

from cornu.errors import InvalidArgumentError
from cornu.scopes import Scope

_WORD = 2**32
_MIX_MULTIPLIER = 0x9E3779B1  # odd, with mixed bits, so that consecutive counters yield seeds that are far apart


class _Sequence:
    """Thread-safe sequence of the distinct keys of one seed.

    Args:
        seed: Integer seed, of which the lowest 32 bits are used; None draws a seed from the operating system when the first
            key is requested.
    """

    def __init__(self, seed: int | None):
        self._seed = None if seed is None else int(seed) % _WORD
        self._count = 0
        self._lock = threading.Lock()

    def next(self) -> tuple[int, int]:
        with self._lock:
            if self._seed is None:
                self._seed = secrets.randbits(32)
            key = self._seed, self._count
            self._count = (self._count + 1) % _WORD
        return key


_sequence: Scope[_Sequence] = Scope("sequence of keys", _Sequence(None))


def set_seed(seed: int) -> None:
    """Set the random seed of Cornu, in every thread. Blocks of :func:`using` that are active keep their own keys.

    Args:
        seed: Integer seed, of which the lowest 32 bits are used.
    """
    _sequence.set_default(_Sequence(seed))


def set_random_seed(seed: int) -> None:
    """Set the seed of Cornu (initial weights, order of the data, dropout) and of the generators of Python and NumPy.

    The same seed yields the same initial weights and the same order of the data on every backend.

    Args:
        seed: Integer from 0 to ``2**32 - 1``.

    Raises:
        InvalidArgumentError: ``seed`` is not such an integer.

    Example:
        >>> from cornu import initializers, utils
        >>> utils.set_random_seed(7)
        >>> first = initializers.RandomNormal()((2,))
        >>> utils.set_random_seed(7)
        >>> (initializers.RandomNormal()((2,)) == first).all().item()
        True
    """
    if not isinstance(seed, (numbers.Real, np.number)) or not 0 <= seed < 2**32 or int(seed) != seed:
        raise InvalidArgumentError(
            f"`set_random_seed` received {seed!r}.",
            "The seed must be an integer from 0 to 2**32 - 1.",
            "Pass, for example, 42.",
        )
    random.seed(int(seed))
    np.random.seed(int(seed))
    set_seed(int(seed))


def next_key() -> tuple[int, int]:
    """Return the next key, which no earlier call returned.

    Without :func:`set_seed` the seed is drawn from the operating system, once per process.

    Returns:
        Tuple ``(seed, counter)`` of two 32-bit integers.

    Example:
        >>> from cornu import seeds
        >>> seeds.set_seed(7)
        >>> seeds.next_key(), seeds.next_key()
        ((7, 0), (7, 1))
    """
    return _sequence.get().next()


def key_from(seed: int | None) -> tuple[int, int]:
    """Return the key ``(seed, 0)`` of an optional seed, or :func:`next_key` if the seed is None."""
    return next_key() if seed is None else (int(seed) % _WORD, 0)


def using(key: tuple[int, int]) -> AbstractContextManager:
    """Return a context manager inside which all keys derive from an earlier key, so that work can be deferred reproducibly.

    Other threads are not affected.

    Args:
        key: Key returned by :func:`next_key`.
    """
    return _sequence.set_to(_Sequence(key[0] ^ (key[1] * _MIX_MULTIPLIER)))
