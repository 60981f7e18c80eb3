"""Membership and distinct values."""

from typing import Any

import numpy as np

from cornu.backends.contract import Backend
from cornu.errors import InvalidArgumentError
from cornu.ops.batch_coupling import first_alone
from cornu.ops.dispatch import arrays, op
from cornu.ops.reductions import values_of
from cornu.ops.shape_checks import check_axis
from cornu.typing import Array, ArrayLike

__all__ = ["isin", "unique"]


@op(batch_coupling=first_alone, keras_path="numpy.IsIn")
def isin(x1: ArrayLike, x2: ArrayLike, assume_unique: bool = False, invert: bool = False) -> Array:
    """Return whether each element of an array is among the elements of another.

    Args:
        x1: Array-like, the elements to look for.
        x2: Array-like, the elements to compare with.
        assume_unique: Accepted for compatibility with Keras; ignored.
        invert: Whether to return whether each element is not among them. Defaults to False.

    Returns:
        Array of booleans of the shape of ``x1``.

    Example:
        >>> from cornu import ops
        >>> ops.isin([1, 2, 3], [3, 1]).tolist()
        [True, False, True]
    """
    backend, x1, x2 = arrays(x1, x2)
    wide, row = backend.reshape(x1, (*backend.shape(x1), 1)), backend.reshape(x2, (-1,))
    if invert:
        return backend.all(backend.not_equal(wide, row), -1)
    return backend.any(backend.equal(wide, row), -1)


@op(keras_path="numpy.Unique")
def unique(
    x: ArrayLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Any:
    """Return the distinct values of an array in ascending order, which are found on the host.

    The length of the result depends on the values, so this op cannot be used in compiled code.

    Args:
        x: Array-like.
        sorted: Accepted for compatibility with Keras; the values are always sorted.
        return_index: Whether to return the indices of the first occurrences as well. Defaults to False.
        return_inverse: Whether to return the index of each element in the result as well, in the shape of ``x`` (with an
            axis, of shape ``(n,)``). Defaults to False.
        return_counts: Whether to return how often each value occurs as well. Defaults to False.
        axis: Integer, the axis whose distinct slices are returned. Defaults to None (the elements of the whole array).
        size: Integer, number of values to return: the first ones, or all of them followed by ``fill_value``. Defaults to None
            (all).
        fill_value: Value that fills up to ``size``. Defaults to None (the smallest value).

    Returns:
        Array of the values, or a tuple of it and what else was requested, as ``int32``: indices, inverse, counts.

    Raises:
        InvalidArgumentError: If it is used in compiled code, or ``size`` is not positive.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.unique([3, 1, 3], return_counts=True)]
        [[1, 3], [1, 2]]
    """
    backend, x = arrays(x)
    place = None if axis is None else check_axis(axis, x.shape)
    values = values_of("unique", backend, x, "Call it outside of the model, or use `one_hot` and `any` for known classes.")
    found, index, inverse, counts = np.unique(values, True, True, True, axis=place)
    inverse = inverse.reshape(values.shape if place is None else -1)
    if size is not None:
        found, index, counts = _of_size(size, place or 0, found, index, counts, fill_value)
    wanted = [(return_index, index), (return_inverse, inverse), (return_counts, counts)]
    others = [_integers(backend, part) for is_wanted, part in wanted if is_wanted]
    result = backend.asarray(found, backend.dtype(x))
    return (result, *others) if others else result


def _of_size(size: int, axis: int, values: np.ndarray, index: np.ndarray, counts: np.ndarray, fill_value: Any) -> tuple:
    """Return distinct values, their indices and their counts, cut or filled to a size."""
    if size < 1:
        raise InvalidArgumentError(f"`unique` received `size={size}`.", "It must be at least 1.", "Omit `size` for all values.")
    missing = max(0, size - len(index))
    first = np.take(values, np.arange(min(size, len(index))), axis)
    filler = np.take(values, [0] * missing, axis)
    if fill_value is not None:
        filler = np.full_like(filler, fill_value)
    same = np.full(missing, index[0])
    return (
        np.concatenate([first, filler], axis),
        np.concatenate([index[:size], same]),
        np.concatenate([counts[:size], 0 * same]),
    )


def _integers(backend: Backend, values: np.ndarray) -> Array:
    return backend.asarray(values.astype("int32"))
