"""Checks of what layers are made with: each gives the argument in its final form, or says what is wrong with it."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from cornu import registry
from cornu.core.graph import SymbolicTensor
from cornu.core.layer import Layer
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.ops import batch_coupling


def whole(layer: Layer, argument: str, value: Any, least: int = 1) -> int:
    """A whole number, also from NumPy's numbers and from floats without a fraction.

    Args:
        layer: Whose argument it is.
        argument: Its name.
        value: What arrived.
        least: The smallest number that makes sense.

    Raises:
        InvalidArgumentError: It is no whole number, or too small.
    """
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if is_number and np.isfinite(value) and value == int(value) and value >= least:
        return int(value)
    raise InvalidArgumentError(
        f"`{type(layer).__name__}` was given `{argument}={value!r}`.",
        f"It must be a whole number and at least {least}.",
        f"Pass for instance `{argument}={max(least, 1)}`, or check the order of the arguments.",
    )


def sizes(layer: Layer, argument: str, value: Any, count: int, least: int = 1) -> tuple[int, ...]:
    """As many whole numbers as a layer has spatial axes, from as many or from one that holds for all.

    Raises:
        InvalidArgumentError: Their number is another, or one of them is no whole number or too small.
    """
    if not isinstance(value, (list, tuple, np.ndarray)):
        return (whole(layer, argument, value, least),) * count
    if len(value) != count:
        raise InvalidArgumentError(
            f"`{type(layer).__name__}` was given `{argument}={value!r}`.",
            f"It must be one number, or {count}, one for each spatial axis." if count > 1 else "It must be one number.",
            f"Pass for instance `{argument}={max(least, 1)}`.",
        )
    return tuple(whole(layer, argument, item, least) for item in value)


def margins(layer: Layer, argument: str, value: Any, count: int) -> tuple[tuple[int, int], ...]:
    """What to add or cut at both ends of each spatial axis: ``(before, after)`` pairs.

    Args:
        layer: Whose argument it is.
        argument: Its name.
        value: One number for all, or for each axis a number or a pair.
        count: Number of spatial axes.

    Raises:
        InvalidArgumentError: It has another form, or a number is negative or not whole.
    """
    parts = value if isinstance(value, (list, tuple, np.ndarray)) else (value,) * count
    if len(parts) != count:
        raise InvalidArgumentError(
            f"`{type(layer).__name__}` was given `{argument}={value!r}`.",
            f"It must be one number, or {count} numbers, or {count} pairs `(before, after)`.",
            f"Pass for instance `{argument}=1`.",
        )
    return tuple(sizes(layer, argument, part, 2, least=0) for part in parts)  # type: ignore[return-value]


def rate(layer: Layer, value: Any, argument: str = "rate") -> float:
    """The part of numbers that is dropped: from 0 up to and without 1.

    Raises:
        InvalidArgumentError: It lies outside.
    """
    if isinstance(value, (int, float, np.number)) and 0 <= value < 1:
        return float(value)
    percents = isinstance(value, (int, float, np.number)) and 1 < value < 100
    raise InvalidArgumentError(
        f"`{type(layer).__name__}` was given `{argument}={value!r}`.",
        "It must lie in [0, 1): it is the part of the numbers that is dropped, and 1 would drop them all.",
        f"For {value} percent pass `{argument}={value / 100:g}`." if percents else f"Pass for instance `{argument}=0.5`.",
    )


def at_least_zero(layer: Layer, argument: str, value: Any) -> Any:
    """A number that is not negative.

    Raises:
        InvalidArgumentError: It is negative, or no number.
    """
    if isinstance(value, (int, float, np.number)) and value >= 0:
        return value
    raise InvalidArgumentError(
        f"`{type(layer).__name__}` was given `{argument}={value!r}`.",
        "It must be a number and at least 0.",
        f"Pass for instance `{argument}=0`.",
    )


def axes(layer: Layer, value: Any, argument: str = "axis") -> Any:
    """One axis, or a list of axes.

    Raises:
        InvalidTypeError: It is neither.
    """
    if isinstance(value, Iterable) and not isinstance(value, (str, dict)):
        return [axes(layer, item, argument) for item in value]
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    raise InvalidTypeError(
        f"`{type(layer).__name__}` was given `{argument}={value!r}`.",
        "It must be a whole number or a list of them.",
        f"Pass `{argument}=-1` for the last axis.",
    )


def coupling_along(axes: int | list[int]) -> str:
    """How samples meet in what reads along some axes (see ``Layer.batch_coupling``): not at all, but along the first."""
    return "unknown" if axes == 0 or (isinstance(axes, list) and 0 in axes) else "none"


def coupling_of(function: Callable) -> str:
    """Return how a function of a batch treats its samples (see ``Layer.batch_coupling``), as it declares it itself."""
    if isinstance(function, Layer):
        return function.batch_coupling
    return batch_coupling.of_call(function, (SymbolicTensor((None, None)),), {})


def is_own_activation(function: Callable) -> bool:
    """Whether a function is an activation of Cornu's: it has no weights and draws nothing."""
    return function in registry.allowed("activations").values()
