"""Validation of the arguments of ``fit``, ``evaluate`` and ``predict``."""

from typing import Any

from cornu import validation
from cornu.errors import DataError, InvalidTypeError
from cornu.training.batch import Batch

_NEVER_NONE = ("epochs", "initial_epoch")

_EXAMPLES = {"batch_size": 32, "validation_batch_size": 32, "epochs": 10}


def said(function: str) -> str:
    """How errors name the function a user called and what it was doing: ``"fit (batch 3)"`` as ```fit` (batch 3)``."""
    name, _, what = function.partition(" ")
    return f"`{name}` {what}".rstrip()


def check_integers(function: str, least: int, **arguments: Any) -> None:
    """Refuses arguments that are no whole numbers of at least ``least``; None passes where it means something."""
    for name, value in arguments.items():
        if value is not None or name in _NEVER_NONE:
            validation.check_int(function, name, value, least, allow_float=False, example=_EXAMPLES.get(name))


def frequency(function: str, value: Any) -> None:
    """Refuses a ``validation_freq`` that is neither a whole number from 1 nor a collection of epochs."""
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return
    if value is None:
        raise InvalidTypeError(
            f"{said(function)} was given validation_freq=None.",
            "It must be a whole number, or a list of epochs counted from 1.",
            "Pass `validation_freq=1`.",
        )
    check_integers(function, 1, validation_freq=value)


def no_targets_beside_batches(function: str, data: Batch) -> None:
    """Refuses ``y`` beside an ``x`` that gives batches, which hold their own targets."""
    if data.y is not None or data.sample_weight is not None:
        raise DataError(
            f"{said(function)} was given `{'sample_weight' if data.y is None else 'y'}` beside an `x` that gives batches.",
            "Batches bring their targets with them: `(x, y)` or `(x, y, sample_weight)`.",
            "Leave `y` and `sample_weight` out.",
        )
