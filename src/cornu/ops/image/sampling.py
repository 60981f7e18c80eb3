"""Sample arrays at computed positions, between their elements and outside of them.

The interpolated value is a weighted sum over the neighbors along each axis. The neighbors of all positions are read with one
``take`` from the array whose sampled axes are flattened, so that every backend needs only this primitive and arithmetic.
"""

import functools
import itertools
from collections.abc import Sequence
from typing import NamedTuple

from cornu.backends.contract import Backend
from cornu.dtypes import is_float
from cornu.errors import ShapeError
from cornu.ops.conversion import round_and_cast
from cornu.ops.dispatch import arrays, op
from cornu.typing import Array, ArrayLike
from cornu.validation import check_option, invalid_value

__all__ = ["map_coordinates"]

FILL_MODES = ("constant", "nearest", "wrap", "reflect")
"""Names of the ways to extend an image beyond its edges."""

_ALL_FILL_MODES = (*FILL_MODES, "mirror")


class _Neighbors(NamedTuple):
    """Neighbors of the sampled positions along one axis: one, or two of which the values are interpolated.

    Attributes:
        places: Indices into the axis, arrays of dtype ``int32``.
        weights: Weights of the values there, arrays, or None for a weight of 1.
    """

    places: Sequence[Array]
    weights: Sequence[Array | None]


def sample(
    backend: Backend,
    rows: Array,
    sizes: Sequence[int],
    coordinates: Sequence[Array],
    order: int,
    fill_mode: str,
    fill_value: float,
    first: Array | None = None,
) -> Array:
    """Return the values at some positions of an array whose sampled axes are flattened.

    Args:
        backend: Backend of the arrays.
        rows: Array of shape ``(positions, ...)`` and a floating-point dtype, or any dtype for order 0.
        sizes: Sizes of the sampled axes.
        coordinates: Array of the positions along each sampled axis; all have one shape, or shapes that broadcast.
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: One of ``map_coordinates``.
        fill_value: Value outside of the array for ``fill_mode="constant"``.
        first: Index of the row of position 0 for each sampled position, such as that of an image in a batch. Defaults to None
            (0).

    Returns:
        Array of the shape of the coordinates, followed by the further axes of ``rows``.
    """
    axes = [_neighbors(backend, c, size, order, fill_mode) for c, size in zip(coordinates, sizes, strict=True)]
    more = len(rows.shape) - 1
    parts = []
    for corner in itertools.product(range(order + 1), repeat=len(axes)):
        index = first
        for (places, _), size, side in zip(axes, sizes, corner, strict=True):
            index = places[side] if index is None else backend.add(backend.multiply(index, size), places[side])
        value = backend.take(rows, index, 0)
        weight = _product(backend, [axis.weights[side] for axis, side in zip(axes, corner, strict=True)])
        if weight is not None:
            value = backend.multiply(value, _with_axes(backend, weight, more))
        parts.append(value)
    total = functools.reduce(backend.add, parts)
    if fill_mode != "constant" or fill_value == 0:
        return total
    sums = [functools.reduce(backend.add, axis.weights) for axis in axes]
    outside = backend.multiply(backend.subtract(1.0, _product(backend, sums)), float(fill_value))
    return backend.add(total, _with_axes(backend, outside, more))


def _neighbors(backend: Backend, coordinate: Array, size: int, order: int, fill_mode: str) -> _Neighbors:
    if order == 0:  # halves are rounded away from zero
        is_negative = backend.less(coordinate, 0.0)
        up, down = backend.ceil(backend.subtract(coordinate, 0.5)), backend.floor(backend.add(coordinate, 0.5))
        coordinate = backend.where(is_negative, up, down)
    last = size - 1
    if fill_mode != "constant":
        coordinate = _moved_inside(backend, coordinate, size, fill_mode)
    low = backend.floor(coordinate) if order else coordinate
    places, weights = [low], [None]
    if order:
        fraction = backend.subtract(coordinate, low)
        places, weights = [low, backend.add(low, 1.0)], [backend.subtract(1.0, fraction), fraction]
    if fill_mode == "constant":
        inside = [backend.logical_and(backend.greater_equal(place, 0.0), backend.less_equal(place, last)) for place in places]
        weights = [
            backend.cast(is_inside, backend.dtype(low)) if weight is None else backend.where(is_inside, weight, 0.0)
            for is_inside, weight in zip(inside, weights, strict=True)
        ]
    elif order and fill_mode == "wrap":
        places[1] = backend.where(backend.greater(places[1], last), 0.0, places[1])
    limited = [backend.minimum(backend.maximum(place, 0.0), last) for place in places]
    return _Neighbors([backend.cast(place, "int32") for place in limited], weights)


def _moved_inside(backend: Backend, coordinate: Array, size: int, fill_mode: str) -> Array:
    """Return the positions inside of the axis whose values extend it; half a step outside the edges has the value there."""
    if fill_mode == "wrap":
        return backend.remainder(coordinate, size)
    if fill_mode == "mirror":
        period = max(2 * (size - 1), 1) if isinstance(size, int) else backend.maximum(2 * (size - 1), 1)
        inside = backend.remainder(coordinate, period)
        return backend.minimum(inside, backend.subtract(period, inside))
    if fill_mode == "reflect":
        period = 2 * size
        inside = backend.remainder(backend.add(coordinate, 0.5), period)
        coordinate = backend.subtract(backend.minimum(inside, backend.subtract(period, inside)), 0.5)
    return backend.minimum(backend.maximum(coordinate, 0.0), size - 1)


def _product(backend: Backend, factors: Sequence[Array | None]) -> Array | None:
    """Return the product of the factors that are not None; None if all are."""
    found = [factor for factor in factors if factor is not None]
    return functools.reduce(backend.multiply, found) if found else None


def _with_axes(backend: Backend, x: Array, count: int) -> Array:
    """Append axes of size 1."""
    return backend.reshape(x, (*backend.shape(x), *(1,) * count)) if count else x


@op
def map_coordinates(
    inputs: ArrayLike, coordinates: ArrayLike, order: int, fill_mode: str = "constant", fill_value: float = 0
) -> Array:
    """Return the values of an array at arbitrary positions, by interpolation.

    Args:
        inputs: Array-like of any number of axes.
        coordinates: Array-like of shape ``(inputs.ndim, ...)``: the positions along each axis, where 0 is the first element.
        order: 0 for the value of the nearest element, 1 for linear interpolation.
        fill_mode: How the array is extended beyond its edges. Defaults to ``"constant"``.

            * ``"constant"``: with ``fill_value``, ``(k k k k | a b c d | k k k k)``;
            * ``"nearest"``: with the value at the edge, ``(a a a a | a b c d | d d d d)``;
            * ``"wrap"``: periodically, ``(a b c d | a b c d | a b c d)``;
            * ``"mirror"``: mirrored at the center of the last element, ``(d c b | a b c d | c b a)``;
            * ``"reflect"``: mirrored at the edge of the last element, ``(d c b a | a b c d | d c b a)``.
        fill_value: Float, value outside of the array for ``"constant"``. Defaults to 0.

    Returns:
        Array of shape ``coordinates.shape[1:]`` and the dtype of ``inputs``; integers are rounded.

    Raises:
        InvalidArgumentError: If ``order`` or ``fill_mode`` is unknown.
        ShapeError: If ``coordinates`` does not have a row for each axis.

    Example:
        >>> from cornu import ops
        >>> ops.image.map_coordinates([0.0, 10.0, 20.0], [[0.5, 1.0, 2.5]], order=1, fill_mode="nearest").tolist()
        [5.0, 10.0, 20.0]
    """
    check_option("fill_mode", fill_mode, _ALL_FILL_MODES)
    if order not in (0, 1):
        raise invalid_value("map_coordinates", "order", order, "0 (the nearest element) or 1 (linear interpolation)", 1)
    backend, x, positions = arrays(inputs, coordinates)
    rank = len(x.shape)
    if len(positions.shape) == 0 or positions.shape[0] != rank:
        raise ShapeError(
            f"`map_coordinates` received `coordinates` of shape {tuple(positions.shape)} for `inputs` of {rank} axes.",
            f"The first axis of `coordinates` must have one entry for each of the {rank} axes of `inputs`.",
            "Pass, for example, the stacked result of `ops.meshgrid(..., indexing='ij')`.",
        )
    dtype = backend.dtype(x)
    wide = x if dtype in ("float32", "float64") else backend.cast(x, "float32")
    positions = backend.cast(positions, backend.dtype(wide))
    split = [backend.getitem(positions, axis) for axis in range(rank)]
    found = sample(backend, backend.reshape(wide, (-1,)), backend.shape(x), split, order, fill_mode, fill_value)
    return backend.cast(found, dtype) if is_float(dtype) else round_and_cast(backend, found, dtype)
