"""Automatic names: ``dense``, ``dense_1``, ... as in Keras 3."""

import collections
import threading

from cornu.registry import to_snake_case

_used: collections.Counter = collections.Counter()
_lock = threading.Lock()


def auto_name(prefix: str) -> str:
    """Return the next free name for a prefix. No two threads receive the same name.

    Args:
        prefix: A class name or a name in snake case.

    Returns:
        ``prefix`` in snake case the first time, then with the suffix ``_1``, ``_2`` and so on.
    """
    prefix = to_snake_case(prefix)
    with _lock:
        number, _used[prefix] = _used[prefix], _used[prefix] + 1
    return f"{prefix}_{number}" if number else prefix


def get_uid(prefix: str = "") -> int:
    """Return the next integer for a prefix, counted from 1. Automatic names use the same counters.

    Args:
        prefix: String in snake case. Defaults to ``""``.

    Example:
        >>> import cornu
        >>> cornu.backend.get_uid("unused_prefix"), cornu.backend.get_uid("unused_prefix")
        (1, 2)
    """
    with _lock:
        _used[prefix] += 1
        return _used[prefix]


def reset_names() -> None:
    """Reset the counters of automatic names, so that the next ``Dense`` is named ``dense`` again."""
    with _lock:
        _used.clear()
