"""Values in the logs: what is a single number, of whatever library, becomes a Python number."""

import inspect
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import InvalidTypeError, returned_none
from cornu.typing import ArrayLike, Tree

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


def check_logs(name: str, logs: Tree) -> None:
    """Check that logs are a dict, or a nested dict, from names to values.

    Args:
        name: Name of the method that returned them, for errors.
        logs: What it returned.

    Raises:
        InvalidTypeError: If it is not such a dict.
    """
    expected, example = "a dict from the names of the logs to their values", 'return {"loss": loss}'
    if logs is None:
        raise returned_none(name, expected, example)
    if not isinstance(logs, Mapping) or not all(isinstance(key, str) for key in logs):
        received = f"a dict with the keys {list(logs)}" if isinstance(logs, Mapping) else f"{logs!r:.80}"
        raise InvalidTypeError(f"`{name}` returned {received}.", f"It must return {expected}.", f"End it with `{example}`.")
    for value in logs.values():
        if isinstance(value, Mapping):
            check_logs(name, value)


def flat_logs(name: str, logs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the logs of a step as a flat dict of arrays, in the order of :func:`in_order`.

    Args:
        name: Name of the step, for errors.
        logs: What the step returned: a dict from name to scalar, or to a dict of scalars.

    Raises:
        InvalidTypeError: If it is not such a dict.
    """
    check_logs(name, logs)
    return {key: _as_array(name, key, value) for key, value in in_order(logs).items()}


def _as_array(name: str, key: str, value: ArrayLike | None) -> Any:
    """Return the value of a log as an array; raise ``InvalidTypeError`` if it cannot be one."""
    if value is None or isinstance(value, str) or callable(value) or hasattr(value, "update_state"):
        hint = "Return its result, `metric.result()`." if hasattr(value, "update_state") else "Return a number or an array."
        if inspect.isroutine(value):
            hint = f"Call the function: `{value.__name__}()`."
        if value is None:
            hint = "End the function that computes it, such as the `result` of a metric, with `return`."
        raise InvalidTypeError(f"`{name}` returned {value!r:.80} for the log {key!r}.", "A log must be a number.", hint)
    return ops.convert_to_tensor(value)
