"""Norms of vectors and matrices, and distances."""

import math

from cornu.backends.contract import Backend
from cornu.dtypes import is_complex
from cornu.errors import InvalidArgumentError, one_of
from cornu.ops import reductions
from cornu.ops.batch_coupling import along_axis
from cornu.ops.dispatch import computed_in_float32, floats, op
from cornu.ops.manipulation import moveaxis
from cornu.ops.shape_checks import check_axes, shapes_error
from cornu.typing import Array, ArrayLike, Axis

__all__ = ["cdist", "norm"]

_MATRIX_ORDERS = (1, -1, math.inf, -math.inf)
_SINGULAR_ORDERS = (2, -2, "nuc")


@op(batch_coupling=along_axis(), keras_path="linalg.Norm")
@computed_in_float32
def norm(x: ArrayLike, ord: int | float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the norm of vectors or matrices. Where the norm is 0, its gradient is 0.

    Orders of a vector norm:

    * 2 (default): ``sqrt(sum(x**2))``
    * 1: ``sum(abs(x))``
    * 0: number of nonzero elements
    * ``inf``, ``-inf``: ``max(abs(x))``, ``min(abs(x))``
    * another number ``p``: ``sum(abs(x)**p)**(1/p)``

    Orders of a matrix norm:

    * ``"fro"`` (default): ``sqrt(sum(x**2))``
    * 1, -1: largest, smallest ``sum(abs(column))``
    * ``inf``, ``-inf``: largest, smallest ``sum(abs(row))``
    * 2, -2: largest, smallest singular value
    * ``"nuc"``: sum of the singular values

    Args:
        x: Array-like.
        ord: Order of the norm. Defaults to None.
        axis: Integer for vector norms, or tuple of two integers for matrix norms. Defaults to None (the whole array).
        keepdims: Whether to keep the reduced axes with size 1. Defaults to False.

    Raises:
        InvalidArgumentError: If the order is unknown.

    Example:
        >>> from cornu import ops
        >>> float(ops.norm([3.0, 4.0]))
        5.0
    """
    backend, x = floats(x)
    if axis is None and ord is not None and len(x.shape) not in (1, 2):
        raise InvalidArgumentError(
            f"`norm` received `ord={ord!r}` for an array of shape {tuple(x.shape)}.",
            "An order is defined for vectors and matrices only.",
            "Pass one axis or two as `axis`.",
        )
    places = check_axes(axis, x.shape)
    if is_complex(backend.dtype(x)) and ord not in _SINGULAR_ORDERS:
        return norm(backend.abs(x), ord, axis, keepdims)
    if ord is None or (ord == "fro" and len(places) == 2):
        return reductions.safe_sqrt(reductions.sum(backend.square(x), places, keepdims))
    if len(places) == 2:
        return _matrix_norm(backend, x, ord, places, keepdims)
    return _vector_norm(backend, x, ord, places[0], keepdims)


def _vector_norm(backend: Backend, x: Array, order: int | float | str, axis: int, keepdims: bool) -> Array:
    if isinstance(order, str):
        raise InvalidArgumentError(
            f"`ord={order!r}` was given for vectors.", "The order must be a number.", "Omit `ord` or pass two axes."
        )
    if order == 2:
        return reductions.safe_sqrt(reductions.sum(backend.square(x), axis, keepdims))
    size = backend.abs(x)
    if order == 1:
        return reductions.sum(size, axis, keepdims)
    if order == 0:
        return reductions.sum(backend.cast(backend.not_equal(x, 0), backend.dtype(x)), axis, keepdims)
    if order in (math.inf, -math.inf):
        return (reductions.max if order > 0 else reductions.min)(size, axis, keepdims)
    sums = reductions.sum(backend.power(size, float(order)), axis, keepdims)
    zero = backend.equal(sums, 0)
    return backend.where(zero, 0.0, backend.power(backend.where(zero, 1.0, sums), 1 / order))


def _matrix_norm(backend: Backend, x: Array, order: int | float | str, places: tuple[int, ...], keepdims: bool) -> Array:
    if order in _SINGULAR_ORDERS:
        result = _singular_norm(backend, x, order, places)
    elif order in _MATRIX_ORDERS:
        summed, kept = places if abs(order) == 1 else places[::-1]  # type: ignore[arg-type]
        sums = reductions.sum(backend.abs(x), summed, True)
        result = (reductions.max if order > 0 else reductions.min)(sums, kept, True)  # type: ignore[operator]
    else:
        raise one_of("ord", order, ("fro", *_SINGULAR_ORDERS, *_MATRIX_ORDERS))
    sizes = (1 if keepdims and i in places else n for i, n in enumerate(x.shape) if keepdims or i not in places)
    return backend.reshape(result, tuple(sizes))


def _singular_norm(backend: Backend, x: Array, order: int | float | str, places: tuple[int, ...]) -> Array:
    values = backend.svd(moveaxis(x, places, (-2, -1)), compute_uv=False)
    return (reductions.sum if order == "nuc" else reductions.max if order == 2 else reductions.min)(values, -1)


@op(keras_path="math.CDist")
@computed_in_float32
def cdist(x: ArrayLike, y: ArrayLike) -> Array:
    """Return the Euclidean distances between two sets of points, ``result[i, j] = norm(x[i] - y[j])``.

    Args:
        x: Array-like of shape ``(..., n, d)``.
        y: Array-like of shape ``(..., m, d)``.

    Returns:
        Array of shape ``(..., n, m)``.

    Raises:
        ShapeError: If the points have different numbers of coordinates.

    Example:
        >>> from cornu import ops
        >>> ops.cdist([[0.0, 0.0], [3.0, 4.0]], [[0.0, 0.0]]).tolist()
        [[0.0], [5.0]]
    """
    backend, x, y = floats(x, y)
    if len(x.shape) < 2 or len(y.shape) < 2 or x.shape[-1] != y.shape[-1]:
        expected = "Both must have at least two axes, the last of which has the coordinates of a point."
        hint = "Reshape them to `(points, coordinates)`."
        raise shapes_error("cdist", {"x": x.shape, "y": y.shape}, expected, hint)
    one, other = backend.shape(x), backend.shape(y)
    differences = backend.subtract(
        backend.reshape(x, (*one[:-1], 1, one[-1])), backend.reshape(y, (*other[:-2], 1, *other[-2:]))
    )
    return reductions.safe_sqrt(backend.sum(backend.square(differences), -1))
