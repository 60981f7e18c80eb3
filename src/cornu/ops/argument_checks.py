"""Checks of the values of arguments that are no arrays, and their errors."""

from collections.abc import Sequence

from cornu.errors import InvalidArgumentError, one_of


def check_option(argument: str, value: object, options: Sequence[str | None]) -> None:
    """Validate that an argument is one of a fixed set of options.

    Args:
        argument: Name of the argument.
        value: Value that was received.
        options: Sequence of valid values.

    Raises:
        InvalidArgumentError: If it is not.

    Example:
        >>> from cornu.ops.argument_checks import check_option
        >>> check_option("side", "left", ("left", "right"))
    """
    if value not in options:
        raise one_of(argument, value, options)


def invalid_value(owner: str, argument: str, value: object, expected: str, example: float) -> InvalidArgumentError:
    """Return the exception for an argument whose value is out of range.

    Args:
        owner: String, what received the argument, such as ``"`SGD`"``.
        argument: Name of the argument.
        value: Value that was received.
        expected: String, what the argument must be, such as ``"a positive number"``.
        example: A valid value.

    Returns:
        ``InvalidArgumentError`` instance, to be raised by the caller.

    Example:
        >>> from cornu.ops.argument_checks import invalid_value
        >>> str(invalid_value("`SGD`", "momentum", 2, "between 0 and 1", 0.9))
        '`SGD` received `momentum=2`. `momentum` must be between 0 and 1. Pass, for example, `momentum=0.9`.'
    """
    return InvalidArgumentError(
        f"{owner} received `{argument}={value!r}`.",
        f"`{argument}` must be {expected}.",
        f"Pass, for example, `{argument}={example}`.",
    )
