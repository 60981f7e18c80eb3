"""What the learning rate of an optimizer may be: a number, a schedule, or a function without arguments."""

import inspect
import numbers
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from cornu import serialization
from cornu.core.variable import Variable
from cornu.errors import InvalidTypeError, returned_none
from cornu.optimizers.schedules import LearningRateSchedule
from cornu.typing import Array, Config
from cornu.validation import invalid_type

LearningRate: TypeAlias = float | LearningRateSchedule | Callable[[], Any]
"""A number, a schedule, or a function without arguments that returns the learning rate."""


def checked_learning_rate(optimizer: str, learning_rate: LearningRate | Config) -> Any:
    """Return the learning rate as a float, a schedule or a function; a config is converted to what it describes.

    Args:
        optimizer: Name of the class of the optimizer, for errors.
        learning_rate: The argument of the optimizer.

    Raises:
        InvalidTypeError: The learning rate is neither, or a function that requires arguments.
    """
    is_config = isinstance(learning_rate, dict)
    rate: Any = serialization.deserialize(learning_rate, "optimizers.schedules") if is_config else learning_rate
    if isinstance(rate, LearningRateSchedule):
        return rate
    if callable(rate) and not isinstance(rate, type):
        _check_takes_no_argument(optimizer, rate)
        return rate
    try:
        if isinstance(rate, (str, bool, type)):
            raise TypeError
        return float(rate)
    except (TypeError, ValueError):
        expected = "a number, or a schedule from `cornu.optimizers.schedules`, or a function without arguments"
        hint = "For a function of the epoch, use the callback `LearningRateScheduler`."
        raise invalid_type(optimizer, "learning_rate", rate, expected, hint) from None


def _check_takes_no_argument(optimizer: str, function: Callable) -> None:
    try:
        inspect.signature(function).bind()
    except TypeError:
        raise InvalidTypeError(
            f"`{optimizer}` received a function with arguments as `learning_rate`: {function!r}.",
            "It is called without arguments.",
            "For a function of the step, derive a class from `cornu.optimizers.schedules.LearningRateSchedule`; for one of the "
            "epoch, use the callback `LearningRateScheduler`.",
        ) from None
    except ValueError:  # a built-in function without a signature
        pass


def value_of_function(function: Callable[[], Any]) -> Any:
    """Return the learning rate that a function returns, as a float or an array of an engine."""
    value = function()
    if value is None:
        raise returned_none(function, "the learning rate", "return 0.001")
    if isinstance(value, Variable):
        return value.value
    return float(value) if isinstance(value, (numbers.Real, np.ndarray)) else value


def value_of_schedule(schedule: LearningRateSchedule, step: Array | Variable) -> Any:
    """Return the learning rate of a step.

    Raises:
        InvalidTypeError: The schedule returns None.
    """
    value = schedule(step)
    if value is None:
        raise returned_none(f"{type(schedule).__name__}.__call__", "the learning rate of a step", "return 0.1 / (1 + step)")
    return value
