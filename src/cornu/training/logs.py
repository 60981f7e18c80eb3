"""Values in the logs: what is a single number, of whatever library, becomes a Python number."""

import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu import ops

_KINDS = "biuf"
"""Kinds of NumPy dtypes of numbers; ``bfloat16`` has another kind."""


def as_number(value: Any) -> Any:
    """Return a single number as a float, and anything else unchanged.

    Args:
        value: Value of a log: a number of Python or NumPy, an array of shape ``()`` of NumPy or an engine, a variable, or
            something that is not a single number, such as a string or an array of several values.

    Returns:
        A float; numbers of the Python types ``int`` and ``bool`` and what is not a single number unchanged.

    Example:
        >>> import numpy as np
        >>> from cornu import ops
        >>> from cornu.training.logs import as_number
        >>> as_number(np.float32(0.5)), as_number(ops.array(3)), as_number(3), as_number("high")
        (0.5, 3.0, 3, 'high')
    """
    if type(value) in (float, int, bool, str):
        return value
    if tuple(getattr(value, "shape", (None,))) != ():
        return float(value) if isinstance(value, numbers.Real) else value
    array = np.asarray(value) if isinstance(value, (np.ndarray, np.generic)) else ops.convert_to_numpy(value)
    return float(array) if array.dtype.kind in _KINDS or array.dtype.name == "bfloat16" else value


def in_order(logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return logs in the order of Keras: sorted by name, and nested dicts replaced by their entries, in their order.

    Example:
        >>> from cornu.training.logs import in_order
        >>> in_order({"loss": 0.5, "metrics": {"f1": 0.25, "auc": 0.75}, "lr": 0.1})
        {'loss': 0.5, 'lr': 0.1, 'auc': 0.75, 'f1': 0.25}
    """
    found: dict[str, Any] = {}
    for name in sorted(logs, key=str):
        value = logs[name]
        found.update(in_order(value) if isinstance(value, Mapping) else {name: value})
    return found


def as_numbers(logs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return new logs in their order (see :func:`in_order`) with single numbers as floats (see :func:`as_number`).

    Example:
        >>> import numpy as np
        >>> from cornu.training.logs import as_numbers
        >>> as_numbers({"loss": np.float32(0.5), "metrics": {"f1": np.float32(0.25)}})
        {'loss': 0.5, 'f1': 0.25}
    """
    return {name: as_number(value) for name, value in in_order(logs or {}).items()}
