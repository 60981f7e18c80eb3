"""Creation of arrays."""

from typing import Any

import numpy as np

from cornu import backends
from cornu.backends.contract import Backend
from cornu.dtypes import INTEGERS, is_float
from cornu.errors import InvalidArgumentError, InvalidTypeError
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import aligned, of_rank
from cornu.ops.dispatch import arrays, as_array, floats, op, zero_of
from cornu.ops.shape_checks import backend_of_sizes, check_broadcast, check_same_shape, check_sizes, shape_error
from cornu.typing import Array, ArrayLike, DType, IntOrInts
from cornu.validation import standardize_dtype

__all__ = [
    "arange",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "identity",
    "linspace",
    "logspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tri",
    "tril",
    "triu",
    "vander",
    "zeros",
    "zeros_like",
]


@op
def full(shape: IntOrInts, fill_value: ArrayLike, dtype: DType = None) -> Array:
    """Create an array filled with one value, on the backend of that value (the default backend for a Python scalar).

    Args:
        shape: Integer or tuple of integers, shape of the result.
        fill_value: Scalar, or an array that is broadcast to the shape.
        dtype: Dtype of the result. Defaults to ``config.floatx()``, or to the dtype of ``fill_value`` if that is an array.

    Example:
        >>> from cornu import ops
        >>> ops.full((2,), 7).tolist()
        [7.0, 7.0]
    """
    if isinstance(fill_value, (bool, int, float)):
        backend = backend_of_sizes(shape) or backends.get()
        return backend.full(check_sizes(shape), fill_value, standardize_dtype(dtype))
    backend = backends.of(fill_value)
    value = as_array(backend, fill_value)
    value = value if dtype is None else backend.cast(value, standardize_dtype(dtype))
    sizes = check_sizes(shape)
    if check_broadcast("full", tuple(value.shape), sizes) != sizes:
        check_same_shape("full", "fill_value", tuple(value.shape), "shape", sizes)
    return backend.broadcast_to(value, sizes)


@op
def zeros(shape: IntOrInts, dtype: DType = None) -> Array:
    """Create an array of zeros on the default backend.

    Inside a layer, :func:`zeros_like` (or :func:`full_like`) stays on the backend of the data.

    Args:
        shape: Integer or tuple of integers, shape of the result.
        dtype: Dtype of the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu import ops
        >>> ops.zeros((1, 2)).tolist()
        [[0.0, 0.0]]
    """
    return full(shape, 0, dtype)


@op
def ones(shape: IntOrInts, dtype: DType = None) -> Array:
    """Create an array of ones on the default backend (see :func:`zeros` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.ones((1, 2)).tolist()
        [[1.0, 1.0]]
    """
    return full(shape, 1, dtype)


@op
def empty(shape: IntOrInts, dtype: DType = None) -> Array:
    """Create an array whose values are not significant; they are 0 (see :func:`zeros` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.empty((2,)).shape
        (2,)
    """
    return full(shape, 0, dtype)


@op(batch_coupling=aligned, keras_path="numpy.FullLike")
def full_like(x: ArrayLike, fill_value: ArrayLike, dtype: DType = None) -> Array:
    """Create an array of the shape, backend and dtype of ``x``, filled with one value.

    Example:
        >>> from cornu import ops
        >>> ops.full_like([1, 2], 7).tolist()
        [7, 7]
    """
    backend, x = arrays(x)
    value = fill_value if isinstance(fill_value, (bool, int, float)) else as_array(backend, fill_value)
    dtype = backend.dtype(x) if dtype is None else standardize_dtype(dtype)
    if hasattr(value, "shape"):
        return backend.broadcast_to(backend.cast(value, dtype), backend.shape(x))
    return backend.full(backend.shape(x), value, dtype)


@op(batch_coupling="none", keras_path="numpy.ZerosLike")
def zeros_like(x: ArrayLike, dtype: DType = None) -> Array:
    """Create an array of zeros of the shape, backend and dtype of ``x``.

    Example:
        >>> from cornu import ops
        >>> ops.zeros_like([5, 6]).tolist()
        [0, 0]
    """
    return full_like(x, 0, dtype)


@op(batch_coupling="none", keras_path="numpy.OnesLike")
def ones_like(x: ArrayLike, dtype: DType = None) -> Array:
    """Create an array of ones of the shape, backend and dtype of ``x``.

    Example:
        >>> from cornu import ops
        >>> ops.ones_like([5, 6]).tolist()
        [1, 1]
    """
    return full_like(x, 1, dtype)


@op(batch_coupling="none", keras_path="numpy.EmptyLike")
def empty_like(x: ArrayLike, dtype: DType = None) -> Array:
    """Create an array of the shape, backend and dtype of ``x`` whose values are not significant; they are 0.

    Example:
        >>> from cornu import ops
        >>> ops.empty_like([1, 2]).shape
        (2,)
    """
    return full_like(x, 0, dtype)


@op
def arange(start: ArrayLike, stop: ArrayLike | None = None, step: ArrayLike | None = None, dtype: DType = None) -> Array:
    """Return evenly spaced values ``start + i * step`` in the half-open interval ``[start, stop)``.

    Args:
        start: First value; with a single argument, this is ``stop``, and the first value is 0.
        stop: End of the interval, which is not included.
        step: Distance between two values. Defaults to 1.
        dtype: Dtype of the result. Defaults to ``"int32"``, or to ``config.floatx()`` if an argument is a float.

    Example:
        >>> from cornu import ops
        >>> ops.arange(3).tolist(), ops.arange(1, 2, 0.5).tolist()
        ([0, 1, 2], [1.0, 1.5])
    """
    start, stop = (0, start) if stop is None else (start, stop)
    if start is None or stop is None:
        raise InvalidTypeError(
            f"`arange` received start={start} and stop={stop}.",
            "Both must be numbers. The unknown size of a symbolic tensor, such as `ops.shape(x)[1]`, is None.",
            "Call it in the `call` of a layer, where the size is known, or use `ops.cumsum(ops.ones_like(x), axis=1) - 1`.",
        )
    step = 1 if step is None else step
    if isinstance(step, (int, float)) and step == 0:
        raise InvalidArgumentError("`step=0` was given.", "It must not be 0.", "Use `full` to repeat one value.")
    if dtype is None:
        dtype = float if any(map(_is_float, (start, stop, step))) else int
    return backends.of(start, stop, step).arange(start, stop, step, standardize_dtype(dtype))


def _is_float(number: ArrayLike) -> bool:
    """Return whether a number is a float or an array of floats."""
    dtype = getattr(number, "dtype", None)
    return isinstance(number, float) if dtype is None else is_float(standardize_dtype(dtype))


@op(unknown_sizes=unknown_sizes.broadcast("start", "stop"))
def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: DType = None,
    axis: int = 0,
) -> Any:
    """Return ``num`` evenly spaced values from ``start`` to ``stop``.

    Args:
        start: First value, or an array of first values.
        stop: Last value, or an array of last values.
        num: Integer, number of values. Defaults to 50.
        endpoint: Whether ``stop`` is the last value; if False, it would be the value after the last. Defaults to True.
        retstep: Whether to return the step as well. Defaults to False.
        dtype: Dtype of the result. Defaults to ``config.floatx()``.
        axis: Integer, position of the new axis if ``start`` or ``stop`` is an array. Defaults to 0.

    Returns:
        The array, or ``(array, step)`` if ``retstep`` is True.

    Example:
        >>> from cornu import ops
        >>> ops.linspace(0, 1, 5).tolist()
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    check_sizes(num, "num")
    if isinstance(start, (int, float)) and isinstance(stop, (int, float)):
        name = standardize_dtype(dtype)
        values = np.linspace(start, stop, num, endpoint, dtype=name if name in INTEGERS else "float64")
        result = backends.get().asarray(values, name)
        return (result, backends.get().asarray((stop - start) / max(num - endpoint, 1), name)) if retstep else result
    backend, start, stop = floats(start, stop)
    parts = np.linspace(0, 1, num, endpoint=endpoint)
    place = axis % (max(len(start.shape), len(stop.shape)) + 1)
    distance = backend.subtract(stop, start)
    spread = tuple(distance.shape)
    row = backend.reshape(backend.asarray(parts, backend.dtype(distance)), (-1,) + (1,) * (len(spread) - place))
    wide = (*spread[:place], 1, *spread[place:])
    start = backend.reshape(backend.broadcast_to(start, spread), wide)
    stop = backend.reshape(backend.broadcast_to(stop, spread), wide)
    # a weighted mean of both ends, so that the end points are exact
    result = backend.add(backend.multiply(start, backend.subtract(1.0, row)), backend.multiply(stop, row))
    result = result if dtype is None else backend.cast(result, standardize_dtype(dtype))
    return (result, backend.divide(distance, float(max(num - endpoint, 1)))) if retstep else result


@op(unknown_sizes=unknown_sizes.broadcast("start", "stop"))
def logspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    base: float = 10,
    dtype: DType = None,
    axis: int = 0,
) -> Array:
    """Return ``base**y`` for evenly spaced exponents ``y`` from ``start`` to ``stop`` (see :func:`linspace` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.logspace(0, 2, 3)).tolist()
        [1.0, 10.0, 100.0]
    """
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    backend = backends.of(exponents)
    result = backend.power(float(base), exponents)
    return result if dtype is None else backend.cast(result, standardize_dtype(dtype))


@op(unknown_sizes=unknown_sizes.broadcast("start", "stop"), keras_path="numpy.Geomspace")
def geomspace(
    start: ArrayLike, stop: ArrayLike, num: int = 50, endpoint: bool = True, dtype: DType = None, axis: int = 0
) -> Array:
    """Return ``num`` values from ``start`` to ``stop``, each the same multiple of the one before (a geometric progression).

    See :func:`linspace` for the arguments. Both ends have the same sign, and neither is 0.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.geomspace(1.0, 8.0, 4)).tolist()
        [1.0, 2.0, 4.0, 8.0]
    """
    backend, start, stop = floats(start, stop)
    exponents = linspace(backend.log(backend.abs(start)), backend.log(backend.abs(stop)), num, endpoint, axis=axis)
    sign = backend.sign(start)
    place = axis % len(exponents.shape)
    if len(sign.shape):
        sign = backend.reshape(sign, (*sign.shape[:place], 1, *sign.shape[place:]))
    result = backend.multiply(backend.exp(exponents), sign)
    if dtype is None:
        return result
    name = standardize_dtype(dtype)
    return backend.cast(backend.round(result) if name in INTEGERS else result, name)


@op
def eye(N: int, M: int | None = None, k: int = 0, dtype: DType = None) -> Array:
    """Create a matrix with ones on a diagonal and zeros elsewhere, on the default backend.

    Args:
        N: Integer, number of rows.
        M: Integer, number of columns. Defaults to ``N``.
        k: Integer, index of the diagonal: 0 is the main diagonal, positive values are above it. Defaults to 0.
        dtype: Dtype of the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu import ops
        >>> ops.eye(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    check_sizes(N, "N")
    backend = backend_of_sizes((N, N if M is None else M))
    if backend is None:
        return backends.get().asarray(np.eye(N, M, k, dtype="int32"), standardize_dtype(dtype))
    rows, columns = (backend.arange(0, size, 1, "int32") for size in (N, N if M is None else M))
    return backend.cast(backend.equal(backend.add(backend.reshape(rows, (-1, 1)), k), columns), standardize_dtype(dtype))


@op
def identity(n: int, dtype: DType = None) -> Array:
    """Create the square identity matrix of size ``n``.

    Example:
        >>> from cornu import ops
        >>> ops.identity(2).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


@op
def tri(N: int, M: int | None = None, k: int = 0, dtype: DType = None) -> Array:
    """Create a matrix with ones on and below a diagonal and zeros above it (see :func:`eye` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.tri(2).tolist()
        [[1.0, 0.0], [1.0, 1.0]]
    """
    return backends.get().asarray(np.tri(N, M, k, dtype="int32"), standardize_dtype(dtype))


@op(batch_coupling=of_rank(3), keras_path="numpy.Tril")
def tril(x: ArrayLike, k: int = 0) -> Array:
    """Return the lower triangle of the last two axes: zeros above the ``k``-th diagonal.

    Example:
        >>> from cornu import ops
        >>> ops.tril([[1, 2], [3, 4]]).tolist()
        [[1, 0], [3, 4]]
    """
    backend, x = arrays(x)
    return backend.where(_is_above(backend, x, k), zero_of(backend, x), x)


@op(batch_coupling=of_rank(3), keras_path="numpy.Triu")
def triu(x: ArrayLike, k: int = 0) -> Array:
    """Return the upper triangle of the last two axes: zeros below the ``k``-th diagonal.

    Example:
        >>> from cornu import ops
        >>> ops.triu([[1, 2], [3, 4]]).tolist()
        [[1, 2], [0, 4]]
    """
    backend, x = arrays(x)
    return backend.where(_is_above(backend, x, k - 1), x, zero_of(backend, x))


def _is_above(backend: Backend, x: Array, k: int) -> Array:
    """Return which elements of the last two axes are above the ``k``-th diagonal."""
    rows, columns = backend.shape(x)[-2:]
    if type(rows) is type(columns) is int:
        return backend.asarray(~np.tri(rows, columns, k, dtype=bool))
    last = backend.add(backend.reshape(backend.arange(0, rows, 1, "int32"), (-1, 1)), k)
    return backend.less(last, backend.arange(0, columns, 1, "int32"))


@op(keras_path="numpy.Meshgrid")
def meshgrid(*x: ArrayLike, indexing: str = "xy") -> list[Array]:
    """Return coordinate matrices from coordinate vectors.

    Args:
        *x: Array-likes of shape ``(n,)``, the coordinates.
        indexing: ``"xy"`` (Cartesian: the first vector varies along the second axis) or ``"ij"`` (matrix: along the first
            axis). Defaults to ``"xy"``.

    Example:
        >>> from cornu import ops
        >>> [grid.tolist() for grid in ops.meshgrid([1, 2], [5, 6])]
        [[[1, 2], [1, 2]], [[5, 5], [6, 6]]]
    """
    backend, *rows = arrays(*x)
    order = list(range(len(rows)))
    if indexing == "xy" and len(rows) > 1:
        order[:2] = [1, 0]
    rows = [backend.reshape(row, (-1,)) for row in rows]
    shape: list[int] = [0] * len(rows)
    for row, place in zip(rows, order, strict=True):
        [shape[place]] = backend.shape(row)
    grids = []
    for row, place in zip(rows, order, strict=True):
        thin = tuple(-1 if i == place else 1 for i in range(len(rows)))
        grids.append(backend.broadcast_to(backend.reshape(row, thin), tuple(shape)))
    return grids


@op(keras_path="numpy.Vander")
def vander(x: ArrayLike, N: int | None = None, increasing: bool = False) -> Array:
    """Return the Vandermonde matrix: each column is a power of a vector.

    Args:
        x: Array-like of shape ``(n,)``.
        N: Integer, number of columns. Defaults to ``n``.
        increasing: Whether the powers increase from left to right, from ``x**0``. Defaults to False.

    Returns:
        Array of shape ``(n, N)``, of the dtype of ``x``.

    Raises:
        ShapeError: If the array does not have one axis.

    Example:
        >>> from cornu import ops
        >>> ops.vander([1, 2, 3], 3).tolist()
        [[1, 1, 1], [4, 2, 1], [9, 3, 1]]
    """
    backend, x = arrays(x)
    if len(x.shape) != 1:
        raise shape_error(
            "vander", x.shape, "It must be one-dimensional, of shape `(n,)`.", "Call `vander` once for each vector."
        )
    columns = x.shape[0] if N is None else N
    check_sizes(columns, "N")
    ones = backend.full((x.shape[0], 1), 1, backend.dtype(x))
    powers = [ones, *[backend.reshape(x, (-1, 1))] * (columns - 1)][:columns]
    if not powers:
        return backend.full((x.shape[0], 0), 0, backend.dtype(x))
    matrix = backend.cast(backend.cumprod(backend.concatenate(powers, 1), 1), backend.dtype(x))
    return matrix if increasing else backend.flip(matrix, 1)
