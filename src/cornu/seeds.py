"""The random seed of the process and the keys derived from it.

A key is a pair of 32-bit words ``(seed, counter)``. On the host it seeds NumPy's Philox generator (initial weights, order of
the data); on a backend it is the key of a stateless random function (dropout). The same seed therefore yields the same weights
and the same order on every backend. This module only produces keys; it does not generate random values.
"""

import secrets
import threading
from contextlib import AbstractContextManager

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
