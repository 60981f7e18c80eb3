"""Where all randomness starts: one seed for the process, and a counter of what was drawn from it.

A draw is named by two 32-bit words ``(seed, counter)``. On the host it seeds NumPy's Philox generator (initial weights,
the order
of the data), on a backend it is the key of an explicit random function (dropout). So the same seed gives the same
weights and the same order on every backend. Plain Python: this module draws no number itself.
"""

import secrets
import threading
from contextlib import AbstractContextManager

from cornu.scopes import Scope

_WORD = 2**32
_SCATTER = 0x9E3779B1  # an odd number with mixed bits: keys that follow one another give seeds far apart


class _Sequence:
    """Keys of one seed, one after the other; no two calls return the same, from whatever threads they come.

    Args:
        seed: Its lowest 32 bits are used; None draws one from the operating system when the first key is needed.
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
    """Starts all of Cornu's randomness anew from a seed, in every thread. Inside :func:`using` its key goes on to count.

    Args:
        seed: A whole number; its lowest 32 bits are used.
    """
    _sequence.set_default(_Sequence(seed))


def next_key() -> tuple[int, int]:
    """Two 32-bit words that no earlier call gave.

    Without :func:`set_seed` the first word is drawn from the operating system, once a process.

    Returns:
        ``(seed, counter)``.

    Example:
        >>> from cornu import seeds
        >>> seeds.set_seed(7)
        >>> seeds.next_key(), seeds.next_key()
        ((7, 0), (7, 1))
    """
    return _sequence.get().next()


def key_from(seed: int | None) -> tuple[int, int]:
    """The key for one thing that may have a seed of its own: ``(seed, 0)``, or :func:`next_key` without one."""
    return next_key() if seed is None else (int(seed) % _WORD, 0)


def using(key: tuple[int, int]) -> AbstractContextManager:
    """Inside this context all draws follow from one key taken earlier, whatever was drawn in between: so work can be put off.

    Other threads do not notice.

    Args:
        key: What :func:`next_key` gave.
    """
    return _sequence.set_to(_Sequence(key[0] ^ (key[1] * _SCATTER)))
