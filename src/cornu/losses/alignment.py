"""Bring targets, predictions and sample weights to the same shape, dtype and backend."""

import numbers
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from cornu import backends, config, ops
from cornu.dtypes import is_float
from cornu.errors import ShapeError, returned_none
from cornu.ops.dispatch import arrays, unwrap
from cornu.typing import Array, ArrayLike, Tree

T = TypeVar("T")


def broadcast_weight(name: str, weight: ArrayLike, values: Array) -> Array:
    """Broadcast weights of samples to the shape of the values.

    Args:
        name: Name of the argument, for the error message.
        weight: Weights whose axes are the first axes of the values; an additional last axis of size 1 is removed.
        values: Array of values.

    Returns:
        Array of weights of the shape of the values, on their backend.

    Raises:
        ShapeError: The weights cannot be broadcast to the values.

    Example:
        >>> import numpy as np
        >>> from cornu.losses.alignment import broadcast_weight
        >>> broadcast_weight("sample_weight", np.array([1.0, 2.0]), np.ones((2, 2))).tolist()
        [[1.0, 1.0], [2.0, 2.0]]
    """
    weight = convert_like(weight, values)
    shape, given = tuple(values.shape), tuple(weight.shape)
    if len(given) == len(shape) + 1 and given[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    elif len(given) < len(shape):
        weight = ops.reshape(weight, ops.shape(weight) + (1,) * (len(shape) - len(given)))
    pairs = list(zip(weight.shape, shape, strict=False))
    fits = len(weight.shape) == len(shape) and all(a in (None, 1, b) or b is None for a, b in pairs)  # None: while tracing
    if not fits:
        raise ShapeError(
            f"`{name}` has shape {given}, and the values of the loss have shape {shape}.",
            f"`{name}` must hold one element for each sample or for each value.",
            f"Pass `{name}` of shape {shape[:1]}." if shape else "Return one value for each sample from the loss.",
        )
    return backends.home(values).broadcast_to(weight, ops.shape(values))


def sample_weights(weight: ArrayLike | None, values: Array, dtype: str) -> Any:
    """Return the weights of samples in a dtype and broadcast to the shape of the values; None if there are none.

    Args:
        weight: Weights whose axes are the first axes of the values, or None.
        values: Array of values.
        dtype: Dtype of the result.

    Raises:
        ShapeError: The weights cannot be broadcast to the values.
    """
    if weight is None:
        return None
    return broadcast_weight("sample_weight", ops.cast(convert_like(weight, values), dtype), values)


def per_sample_values(function: Callable | str, values: T | None) -> T:
    """Return the values that a function of labels and predictions returned, if it returned any.

    Args:
        function: The function, or its name, for the error message.
        values: What it returned.

    Raises:
        InvalidTypeError: It returned None.

    Example:
        >>> from cornu.losses.alignment import per_sample_values
        >>> per_sample_values("mine", 0.5)
        0.5
    """
    if values is None:
        raise returned_none(function, "one value for each sample", "return ops.mean((y_true - y_pred) ** 2, axis=-1)")
    return values


def align(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Array]:
    """Convert labels and predictions to one float dtype and rank, adding or removing a last axis of size 1 as in Keras.

    Raises:
        ShapeError: The ranks still differ, or the sizes cannot be broadcast.

    Example:
        >>> import numpy as np
        >>> from cornu.losses.alignment import align
        >>> y_true, y_pred = align(np.array([1, 2]), np.array([[0.5], [2.5]]))
        >>> y_true.tolist()
        [[1.0], [2.0]]
    """
    y_true, y_pred = same_dtype(y_true, y_pred)
    true_rank, pred_rank = len(y_true.shape), len(y_pred.shape)
    if pred_rank == true_rank + 1 and y_pred.shape[-1] == 1:
        if true_rank == 1:
            return ops.expand_dims(y_true, -1), y_pred
        return y_true, ops.squeeze(y_pred, axis=-1)
    if true_rank == pred_rank + 1 and y_true.shape[-1] == 1:
        if pred_rank == 1:
            return y_true, ops.expand_dims(y_pred, -1)
        return ops.squeeze(y_true, axis=-1), y_pred
    sizes = zip(reversed(y_true.shape), reversed(y_pred.shape), strict=False)
    if (true_rank != pred_rank and min(true_rank, pred_rank) > 0) or any(a != b and 1 not in (a, b) for a, b in sizes):
        raise ShapeError(
            f"`y_true` has shape {tuple(y_true.shape)} and `y_pred` has shape {tuple(y_pred.shape)}.",
            "This loss or metric compares them element by element, so they must have the same shape.",
            "Reshape `y_true`, or use a sparse loss or metric if it holds integer class labels.",
        )
    return y_true, y_pred


def to_host(values: ArrayLike) -> Array:
    """Convert Python data to a NumPy array, which later moves to the backend of the array it is combined with.

    Arrays, and objects of an engine that stand for a value, are returned unchanged. The predictions, and not a list of weights,
    therefore determine the backend.

    Example:
        >>> from cornu.losses.alignment import to_host
        >>> to_host([1, 2])
        array([1, 2])
    """
    return np.asarray(values) if isinstance(values, (numbers.Number, list, tuple)) else values  # type: ignore[return-value]


def convert_like(values: ArrayLike, other: Tree) -> Array:
    """Move host data to the backend of another array, so that operators between the two work; return other arrays unchanged.

    Example:
        >>> from cornu import backends, ops
        >>> from cornu.losses.alignment import convert_like
        >>> type(convert_like([1, 2], ops.ones((2,)))) is type(ops.ones((2,)))
        True
    """
    values, other = to_host(values), unwrap(other)
    if backends.owner(other) is None or not isinstance(values, (np.ndarray, np.generic)):
        return values
    _, converted, _ = arrays(values, other)  # type: ignore[arg-type]
    return converted


def to_common_backend(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Array]:
    """Convert labels and predictions to arrays of one backend; one of them may be Python or NumPy data.

    Example:
        >>> from cornu import backends, ops
        >>> from cornu.losses.alignment import to_common_backend
        >>> y_true, y_pred = to_common_backend([1, 2], ops.ones((2,)))
        >>> type(y_true) is type(y_pred)
        True
    """
    return convert_like(y_true, y_pred), convert_like(y_pred, y_true)


def same_dtype(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[Array, Array]:
    """Convert labels and predictions to the float dtype of the predictions, or ``config.floatx()`` if they are not floats."""
    y_true, y_pred = to_common_backend(y_true, y_pred)
    y_pred = as_float(y_pred)
    return ops.cast(y_true, ops.dtype(y_pred)), y_pred


def as_float(values: ArrayLike) -> Array:
    """Return a floating-point array unchanged and any other array cast to ``config.floatx()``.

    NumPy data becomes an array of the default backend, as the labels do that are cast to its dtype.
    """
    if not hasattr(values, "dtype") or not is_float(ops.dtype(values)):
        return ops.cast(values, config.floatx())
    return ops.convert_to_tensor(values) if isinstance(values, np.ndarray) else values  # type: ignore[return-value]


def is_per_sample(function: Callable) -> bool:
    """Return whether a function is declared to evaluate each sample independently (:func:`per_sample`).

    A function without the declaration might return the mean of the batch.

    Example:
        >>> from cornu import losses
        >>> from cornu.losses.alignment import is_per_sample
        >>> is_per_sample(losses.huber), is_per_sample(losses.dice)
        (True, False)
    """
    return getattr(function, "is_per_sample", False)
