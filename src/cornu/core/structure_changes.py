"""How many changes were made to layers and variables that may concern what is compiled for them, in the whole process.

These integers also tell what a layer received first. They begin at the time of the start, so that those in an unpickled layer
are smaller than new ones.
"""

import itertools
import time

_changes = itertools.count(time.time_ns())
_latest = 0


def record() -> int:
    """Record that an attribute of a layer, or whether a variable is trained, was set. Return the number of this change."""
    global _latest
    number = _latest = next(_changes)
    return number


def latest() -> int:
    """Return the number of the latest change."""
    return _latest
