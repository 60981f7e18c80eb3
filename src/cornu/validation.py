"""Validation of the arguments of layers: each function returns the argument in its final form or raises an error."""

import numbers
from collections.abc import Iterable
from typing import Any

import numpy as np

from cornu.errors import InvalidArgumentError, InvalidTypeError


def is_int(value: Any, allow_float: bool = False) -> bool:
    """Return whether a value is a Python or NumPy integer; booleans are not.

    Args:
        value: Value of any type.
        allow_float: Whether a float without a fractional part is an integer too. Defaults to False.

    Example:
        >>> import numpy as np
        >>> from cornu.validation import is_int
        >>> is_int(np.int64(3)), is_int(True), is_int(3.0), is_int(3.0, allow_float=True)
        (True, False, False, True)
    """
    if isinstance(value, numbers.Integral):
        return not isinstance(value, bool)
    return allow_float and isinstance(value, (float, np.floating)) and float(value).is_integer()


def check_int(
    owner: object, argument: str, value: Any, least: int = 1, allow_float: bool = True, example: int | None = None
) -> int:
    """Return an integer, also from a NumPy integer and, as the arguments of layers, from a float without a fractional part.

    Args:
        owner: Object whose argument is checked, or the name of the function.
        argument: Name of the argument.
        value: Value of the argument.
        least: Smallest valid value. Defaults to 1.
        allow_float: Whether floats without a fractional part are accepted. Defaults to True.
        example: Valid value for the error. Defaults to the value of a float without a fractional part, or the smallest positive
            one.

    Raises:
        InvalidArgumentError: If the value is not an integer, or is too small.
    """
    if is_int(value, allow_float) and value >= least:
        return int(value)
    if is_int(value, allow_float=True) and value >= least:
        example = int(value)
    elif example is None:
        example = max(least, 1)
    raise InvalidArgumentError(
        f"`{owner if isinstance(owner, str) else type(owner).__name__}` received `{argument}={value!r}`.",
        f"It must be an integer greater than or equal to {least}.",
        f"Pass, for example, `{argument}={example}`, or check the order of the arguments.",
    )


def check_ints(owner: object, argument: str, value: Any, count: int, least: int = 1) -> tuple[int, ...]:
    """Return one integer for each spatial axis, from a sequence of integers or from one integer for all axes.

    Raises:
        InvalidArgumentError: If the number of values is wrong, or a value is not an integer or is too small.
    """
    if not isinstance(value, (list, tuple, np.ndarray)):
        return (check_int(owner, argument, value, least),) * count
    if len(value) != count:
        raise InvalidArgumentError(
            f"`{type(owner).__name__}` received `{argument}={value!r}`.",
            f"It must be one integer, or {count} integers, one per spatial axis." if count > 1 else "It must be one integer.",
            f"Pass, for example, `{argument}={max(least, 1)}`.",
        )
    return tuple(check_int(owner, argument, item, least) for item in value)


def check_margins(owner: object, argument: str, value: Any, count: int) -> tuple[tuple[int, int], ...]:
    """Return the sizes to pad or crop at both ends of each spatial axis, as ``(before, after)`` pairs.

    Args:
        owner: Object whose argument is checked.
        argument: Name of the argument.
        value: Integer for all axes, or an integer or a pair of integers for each axis.
        count: Number of spatial axes.

    Raises:
        InvalidArgumentError: If the value has another form, or contains a value that is negative or not an integer.
    """
    parts = value if isinstance(value, (list, tuple, np.ndarray)) else (value,) * count
    if len(parts) != count:
        raise InvalidArgumentError(
            f"`{type(owner).__name__}` received `{argument}={value!r}`.",
            f"It must be one integer, or {count} integers, or {count} pairs `(before, after)`.",
            f"Pass, for example, `{argument}=1`.",
        )
    return tuple(check_ints(owner, argument, part, 2, least=0) for part in parts)  # type: ignore[return-value]


def check_fraction(owner: object, value: Any, argument: str = "rate") -> float:
    """Return the fraction of values to drop, a float in [0, 1).

    Raises:
        InvalidArgumentError: If the value is out of range.
    """
    if isinstance(value, (int, float, np.number)) and 0 <= value < 1:
        return float(value)
    percents = isinstance(value, (int, float, np.number)) and 1 < value < 100
    raise InvalidArgumentError(
        f"`{type(owner).__name__}` received `{argument}={value!r}`.",
        "It must be in [0, 1): it is the fraction of the values to drop, and 1 would drop all of them.",
        f"For {value} percent, pass `{argument}={value / 100:g}`." if percents else f"Pass, for example, `{argument}=0.5`.",
    )


def check_nonnegative(owner: object, argument: str, value: Any) -> Any:
    """Return a non-negative number.

    Raises:
        InvalidArgumentError: If the value is negative or not a number.
    """
    if isinstance(value, (int, float, np.number)) and value >= 0:
        return value
    raise InvalidArgumentError(
        f"`{type(owner).__name__}` received `{argument}={value!r}`.",
        "It must be a number greater than or equal to 0.",
        f"Pass, for example, `{argument}=0`.",
    )


def check_axes(owner: object, value: Any, argument: str = "axis") -> Any:
    """Return one axis, or a list of axes.

    Raises:
        InvalidTypeError: If the value is neither.
    """
    if is_int(value):
        return int(value)
    if isinstance(value, Iterable) and not isinstance(value, (str, dict)):
        return [check_axes(owner, item, argument) for item in value]
    raise InvalidTypeError(
        f"`{type(owner).__name__}` received `{argument}={value!r}`.",
        "It must be an integer or a list of integers.",
        f"Pass `{argument}=-1` for the last axis.",
    )
