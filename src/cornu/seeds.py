"""Where all randomness starts: one seed for the process, and a counter of what was drawn from it.

A draw is named by two 32-bit words ``(seed, counter)``. On the host it seeds NumPy's Philox generator (initial weights,
the order
of the data), on a backend it is the key of an explicit random function (dropout). So the same seed gives the same
weights and the same order on every backend. Plain Python: this module draws no number itself.
"""

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any

_WORD = 2**32
_SCATTER = 0x9E3779B1  # an odd number with mixed bits: keys that follow one another give seeds far apart
_state: dict[str, Any] = {"seed": None, "counter": 0}


def set_seed(seed: int) -> None:
    """Starts all of Cornu's randomness anew from a seed.

    Args:
        seed: A whole number; its lowest 32 bits are used.
    """
    _state["seed"], _state["counter"] = int(seed) % _WORD, 0


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
    if _state.get("seed") is None:
        set_seed(secrets.randbits(32))
    key = (_state["seed"], _state["counter"])
    _state["counter"] = (_state["counter"] + 1) % _WORD
    return key


def key_from(seed: int | None) -> tuple[int, int]:
    """The key for one thing that may have a seed of its own: ``(seed, 0)``, or :func:`next_key` without one."""
    return next_key() if seed is None else (int(seed) % _WORD, 0)


@contextlib.contextmanager
def using(key: tuple[int, int]) -> Iterator[None]:
    """Inside this context all draws follow from one key taken earlier, whatever was drawn in between: so work can be put off.

    Args:
        key: What :func:`next_key` gave.
    """
    saved = dict(_state)
    set_seed(key[0] ^ (key[1] * _SCATTER))
    try:
        yield
    finally:
        _state.update(saved)
