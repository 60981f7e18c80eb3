"""Windows of sequences."""

import numpy as np

from cornu.backends.contract import Backend
from cornu.ops.batch_coupling import of_rank
from cornu.ops.dispatch import arrays, op
from cornu.ops.nn.windows import check_fits, effective_size, output_size
from cornu.typing import Array, ArrayLike
from cornu.validation import check_int

__all__ = ["extract_sequences"]


def windows_along(backend: Backend, x: Array, axis: int, size: int, stride: int, dilation: int) -> Array:
    """Return the windows along an axis, which is replaced by two: the number of the window, and the place in it.

    Args:
        backend: Backend of the array.
        x: Array.
        axis: Integer, the axis.
        size, stride, dilation: Integers, number of elements, step and distance of the elements of a window.
    """
    starts = np.arange(0, x.shape[axis] - effective_size(size, dilation) + 1, stride)
    places = starts[:, np.newaxis] + dilation * np.arange(size)
    return backend.take(x, backend.asarray(places.astype("int32")), axis)


@op(batch_coupling=of_rank(2), keras_path="math.ExtractSequences")
def extract_sequences(x: ArrayLike, sequence_length: int, sequence_stride: int) -> Array:
    """Return the windows of the last axis, which is replaced by two axes.

    Args:
        x: Array-like of shape ``(..., n)``.
        sequence_length: Integer, size of a window.
        sequence_stride: Integer, step of the window.

    Returns:
        Array of shape ``(..., 1 + (n - sequence_length) // sequence_stride, sequence_length)``.

    Raises:
        InvalidArgumentError: If an argument is not a positive integer.
        ShapeError: If the window is larger than the axis.

    Example:
        >>> from cornu import ops
        >>> ops.extract_sequences([1, 2, 3, 4, 5, 6], 3, 2).tolist()
        [[1, 2, 3], [3, 4, 5]]
    """
    length = check_int("extract_sequences", "sequence_length", sequence_length)
    stride = check_int("extract_sequences", "sequence_stride", sequence_stride)
    backend, x = arrays(x)
    size = x.shape[-1] if len(x.shape) else 0
    check_fits("extract_sequences", (size,), (output_size(size, length, stride),), (length,), "sequence_length")
    return windows_along(backend, x, len(x.shape) - 1, length, stride, 1)
