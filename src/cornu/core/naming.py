"""Names that nobody gave: ``dense``, ``dense_1``, ... as Keras 3 gives them."""

import collections
import threading

from cornu.registry import to_snake_case

_used: collections.Counter = collections.Counter()
_lock = threading.Lock()


def auto_name(prefix: str) -> str:
    """The next free name of a kind. No two threads are given the same one.

    Args:
        prefix: A class name or a name in snake case.

    Returns:
        ``prefix`` in snake case the first time, then with ``_1``, ``_2`` and so on.
    """
    prefix = to_snake_case(prefix)
    with _lock:
        number, _used[prefix] = _used[prefix], _used[prefix] + 1
    return f"{prefix}_{number}" if number else prefix


def reset_names() -> None:
    """Starts counting anew, so that the next ``Dense`` is ``dense`` again."""
    with _lock:
        _used.clear()
