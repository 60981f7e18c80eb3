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


def as_numbers(logs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return new logs with single numbers as floats (see :func:`as_number`) and with the entries of nested dicts, as in Keras.

    Example:
        >>> import numpy as np
        >>> from cornu.training.logs import as_numbers
        >>> as_numbers({"loss": np.float32(0.5), "metrics": {"f1": np.float32(0.25)}})
        {'loss': 0.5, 'f1': 0.25}
    """
    found: dict[str, Any] = {}
    for name, value in (logs or {}).items():
        found.update(as_numbers(value) if isinstance(value, Mapping) else {name: as_number(value)})
    return found
