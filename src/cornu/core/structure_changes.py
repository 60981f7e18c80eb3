"""How many changes were made to layers and variables that may concern what is compiled for them, in the whole process."""

import itertools

_changes = itertools.count(1)
_latest = 0


def record() -> None:
    """Record that an attribute of a layer, or whether a variable is trained, was set."""
    global _latest
    _latest = next(_changes)


def latest() -> int:
    """Return the number of the latest change."""
    return _latest
