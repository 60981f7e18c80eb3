"""The arguments that several layers which transform images have: ranges, and those of the base classes."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from cornu.core.layer import Layer
from cornu.core.layer_config import LayerArguments
from cornu.validation import invalid_value

Factor: TypeAlias = float | Sequence[float]
"""One number, or the lower and the upper bound of a range."""


class BoxArguments(LayerArguments, total=False):
    """Arguments of the base class that the constructors of layers with a ``data_format`` accept as ``**kwargs``."""

    bounding_box_format: str | None


class ImageLayerArguments(BoxArguments, total=False):
    """The arguments of :class:`BaseImagePreprocessingLayer`, which constructors accept as ``**kwargs``."""

    data_format: str | None


class RandomImageArguments(ImageLayerArguments, total=False):
    """The arguments of :class:`RandomImageLayer`, likewise."""

    seed: int | None


class PerspectiveArguments(RandomImageArguments, total=False):
    """The arguments of :class:`WarpLayer` that :class:`RandomPerspective` has, likewise."""

    interpolation: str
    fill_value: float


class WarpArguments(PerspectiveArguments, total=False):
    """The arguments of :class:`WarpLayer`, likewise."""

    fill_mode: str


def as_range(
    owner: Layer, name: str, value: Factor, bounds: tuple[float, float], single: Callable[[float], tuple[float, float]]
) -> tuple[float, float]:
    """Return the range that an argument denotes.

    Args:
        owner: The layer, for the error.
        name: Name of the argument.
        value: A number, or a pair of numbers.
        bounds: The smallest and the largest number that may be passed.
        single: Function that returns the range for one number.

    Raises:
        InvalidArgumentError: If it is something else, or not within the bounds.
    """
    pair = isinstance(value, (list, tuple)) and len(value) == 2
    values: list[Any] = list(value) if pair else [value]  # type: ignore[arg-type]
    if not all(isinstance(number, (int, float)) and bounds[0] <= number <= bounds[1] for number in values):
        expected = f"a number, or a pair of a lower and an upper bound, from {bounds[0]} to {bounds[1]}"
        raise invalid_value(owner, name, value, expected, min(max(0.2, bounds[0]), bounds[1]))
    low, high = sorted(values) if pair else single(values[0])
    return low, high


def up_to(value: float) -> tuple[float, float]:
    """Return the range from 0 to a number."""
    return 0, value


def without_sign(factor: Factor) -> Factor:
    """Return the number ``f`` for the range ``(-f, f)``, which Keras writes into files for it."""
    if isinstance(factor, (list, tuple)) and len(factor) == 2 and factor[0] == -factor[1]:
        return factor[1]
    return factor


def around_zero(value: float) -> tuple[float, float]:
    """Return the range between minus and plus a number."""
    return -abs(value), abs(value)


def check_value_range(owner: Layer, value: Sequence[float]) -> tuple[float, float]:
    """Return the range of the values of images as a tuple.

    Raises:
        InvalidArgumentError: If it is not a pair of increasing numbers.
    """
    if not isinstance(value, (list, tuple)) or len(value) != 2 or not value[0] < value[1]:
        expected = "the smallest and the largest value that images may have"
        raise invalid_value(owner, "value_range", value, expected, (0, 255))
    return value[0], value[1]
