"""One-hot and multi-hot encoding of class indices."""

from typing import Any

import numpy as np

from cornu import backends
from cornu.backends.contract import Backend
from cornu.errors import InvalidArgumentError, wrong_argument
from cornu.ops.batch_coupling import along_axis, multi_hot_alone
from cornu.ops.dispatch import arrays, op
from cornu.ops.nn.normalization import normalize
from cornu.ops.shape_checks import check_axis, check_sizes
from cornu.typing import Array, ArrayLike, DType
from cornu.validation import standardize_dtype

__all__ = ["multi_hot", "one_hot"]


@op(batch_coupling=along_axis(new_axes=True), keras_path="nn.OneHot")
def one_hot(x: ArrayLike, num_classes: int, axis: int = -1, dtype: DType = None, sparse: bool = False) -> Array:
    """Return the one-hot encoding of class indices: 1 at the index, 0 elsewhere; all 0 for an index out of range.

    Args:
        x: Array-like of integers, the class indices.
        num_classes: Integer, number of classes.
        axis: Integer, position of the class axis in the result. Defaults to -1.
        dtype: Dtype of the result. Defaults to ``config.floatx()``.
        sparse: Not supported.

    Example:
        >>> from cornu import ops
        >>> ops.one_hot([2, 0], 3).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    _refuse_sparse(sparse)
    backend, x = arrays(x)
    return backend.cast(is_class(backend, x, num_classes, axis), standardize_dtype(dtype))


def is_class(backend: Backend, x: Array, num_classes: int, axis: int) -> Array:
    """Return, along a new axis with one element per class, whether each value of ``x`` is the index of the class."""
    check_sizes(num_classes, "num_classes")
    place = check_axis(axis, (*x.shape, num_classes))
    classes = backend.reshape(backend.arange(0, num_classes, 1, "int32"), (-1,) + (1,) * (len(x.shape) - place))
    return backend.equal(backend.reshape(x, (*x.shape[:place], 1, *x.shape[place:])), classes)


def _refuse_sparse(sparse: bool) -> None:
    if sparse:
        raise InvalidArgumentError("`sparse=True` was given.", "Cornu does not support sparse arrays.", "Omit it.")


@op(batch_coupling=multi_hot_alone, keras_path="nn.MultiHot")
def multi_hot(
    inputs: ArrayLike,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: DType = None,
    sparse: bool = False,
    **kwargs: int | None,
) -> Array:
    """Return the multi-hot encoding of the class indices of each sample: 1 at each of the indices, 0 elsewhere.

    Args:
        inputs: Array-like of integers of shape ``(batch, n)`` or ``(n,)``, the class indices.
        num_classes: Integer, number of classes.
        axis: Integer, position of the class axis. Defaults to -1.
        dtype: Dtype of the result. Defaults to ``config.floatx()``.
        sparse: Not supported.
        **kwargs: ``num_tokens``, the earlier name of ``num_classes``.

    Example:
        >>> from cornu import ops
        >>> ops.multi_hot([[0, 2], [1, 1]], 3).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    _refuse_sparse(sparse)
    num_classes = kwargs.pop("num_tokens", num_classes)
    if kwargs:
        raise wrong_argument("multi_hot", next(iter(kwargs)), ("inputs", "num_classes", "axis", "dtype", "sparse"))
    if num_classes is None:
        raise InvalidArgumentError(
            "`multi_hot` was called without `num_classes`.", "It is required.", "Pass the number of classes."
        )
    backend, x = arrays(inputs)
    hits = is_class(backend, x, num_classes, axis)
    return backend.cast(backend.any(hits, 1 if len(x.shape) > 1 else 0), standardize_dtype(dtype))


def normalize_vectors(x: ArrayLike, axis: int = -1, order: int = 2) -> Any:
    """Divide vectors by their norms; a vector whose norm is 0 stays as it is.

    Args:
        x: NumPy array or array of a backend.
        axis: Integer, axis along which the vectors lie. Defaults to -1.
        order: Integer, order of the norm. Defaults to 2.

    Returns:
        Array of the shape of ``x``, a NumPy array if ``x`` is one.

    Example:
        >>> import numpy as np
        >>> from cornu.utils import normalize
        >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6, 0.8], [0.0, 0.0]]
    """
    if not isinstance(x, np.ndarray):
        return normalize(x, axis=axis, order=order)
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> Array:
    """Return the one-hot encoding of class indices, computed on the host; an invalid index is an error.

    Args:
        x: Array-like of integers of any shape; a last axis of size 1 is removed.
        num_classes: Integer, the number of classes. Defaults to the largest index plus one.

    Returns:
        Array of dtype ``float32`` and shape ``(*x.shape, num_classes)``: a NumPy array, or an array of the engine of ``x``.

    Raises:
        InvalidArgumentError: A value is not an integer, negative or too large.

    Example:
        >>> from cornu.utils import to_categorical
        >>> to_categorical([0, 2], 3).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    name = backends.owner(x)
    engine = None if name in (None, "numpy") else backends.get(name)
    x = np.asarray(x) if engine is None else engine.to_numpy(x)
    if x.ndim > 1 and x.shape[-1] == 1:
        x = x[..., 0]
    classes = x.astype(np.int64)
    count = int(classes.max(initial=-1)) + 1 if num_classes is None else int(num_classes)
    if ((classes != x) | (classes < 0) | (classes >= count)).any():
        raise InvalidArgumentError(
            f"`to_categorical` received values from {x.min()} to {x.max()} for {count} classes.",
            f"They must be integers from 0 to {count - 1}.",
            "Pass a larger `num_classes`, or number the classes from 0.",
        )
    encoded = np.eye(count, dtype=np.float32)[classes]
    return encoded if engine is None else engine.asarray(encoded)
