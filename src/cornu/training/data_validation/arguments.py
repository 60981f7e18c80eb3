"""Validation of the arguments of ``fit``, ``evaluate`` and ``predict``."""

from typing import Any

from cornu import validation
from cornu.errors import DataError, InvalidTypeError
from cornu.training.batch import Batch

_NEVER_NONE = ("epochs", "initial_epoch")

_EXAMPLES = {"batch_size": 32, "validation_batch_size": 32, "epochs": 10}


def format_caller(function: str) -> str:
    """Return the name of the user's function for error messages: ``"fit (batch 3)"`` as ```fit` (batch 3)``."""
    name, _, what = function.partition(" ")
    return f"`{name}` {what}".rstrip()


def check_integers(function: str, least: int, **arguments: Any) -> None:
    """Check that arguments are integers of at least ``least``, or None where None has a meaning.

    Raises:
        InvalidArgumentError: If an argument is invalid.
    """
    for name, value in arguments.items():
        if value is not None or name in _NEVER_NONE:
            validation.check_int(function, name, value, least, example=_EXAMPLES.get(name))


def check_frequency(function: str, value: Any) -> None:
    """Check that ``validation_freq`` is an integer of at least 1 or a collection of epochs.

    Raises:
        InvalidTypeError: If it is None.
        InvalidArgumentError: If it is invalid otherwise.
    """
    if isinstance(value, (list, tuple, set, frozenset, range)):
        return
    if value is None:
        raise InvalidTypeError(
            f"{format_caller(function)} received validation_freq=None.",
            "It must be an integer, or a list of epochs counted from 1.",
            "Pass `validation_freq=1`.",
        )
    check_integers(function, 1, validation_freq=value)


def check_no_targets(function: str, data: Batch) -> None:
    """Raise ``DataError`` if ``y`` or ``sample_weight`` is passed together with an ``x`` that yields batches."""
    if data.y is not None or data.sample_weight is not None:
        argument = "sample_weight" if data.y is None else "y"
        raise DataError(
            f"{format_caller(function)} received `{argument}` together with an `x` that yields batches.",
            "Batches must contain their targets: `(x, y)` or `(x, y, sample_weight)`.",
            "Do not pass `y` and `sample_weight`; if `x` is data, such as a column, pass `np.asarray(x)`.",
        )
