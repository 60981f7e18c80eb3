"""How layers return indices: as they are, one-hot, or summed up for each sample."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import ops
from cornu.core.layer import Layer
from cornu.core.symbolic_tensor import check_dense
from cornu.typing import Array, Shape, Size
from cornu.validation import check_option

COUNTING = ("multi_hot", "count", "tf_idf")
"""The modes that sum up a sample, the last axis of the indices, to one vector."""


def check_output_mode(layer: Layer, mode: str, modes: Sequence[str], sparse: bool) -> str:
    """Return an ``output_mode`` argument; ``"binary"`` is an older name of ``"multi_hot"``, which Keras accepts too.

    Args:
        layer: The layer, for errors.
        mode: The argument.
        modes: Names of the modes that the layer has.
        sparse: The argument ``sparse``, which must be False.

    Raises:
        InvalidArgumentError: If the layer has no such mode, or ``sparse`` is True.
    """
    check_dense(type(layer).__name__, sparse, False)
    mode = "multi_hot" if mode == "binary" and "multi_hot" in modes else mode
    return check_option("output_mode", mode, modes)


def encoded_shape(shape: Shape, mode: str, depth: Size) -> Shape:
    """Return the shape of the output for indices of a shape. A scalar is one sample for ``"one_hot"``, as in Keras.

    Args:
        shape: Shape of the indices.
        mode: Output mode.
        depth: Number of different indices; None if it is not known.

    Example:
        >>> from cornu.layers.preprocessing.output_modes import encoded_shape
        >>> encoded_shape((None, 7), "count", 3), encoded_shape((None, 1), "one_hot", 3), encoded_shape((None, 7), "one_hot", 3)
        ((None, 3), (None, 3), (None, 7, 3))
    """
    if mode == "int":
        return shape
    one_row_each = mode in COUNTING or (len(shape) > 1 and shape[-1] == 1)
    return (*(shape[:-1] if one_row_each else shape or (1,)), depth)


def encode(indices: np.ndarray, mode: str, depth: int, dtype: str, weights: np.ndarray | None = None) -> np.ndarray:
    """Return indices in an output mode.

    Args:
        indices: Array of integers; -1 for one that is left out.
        mode: Output mode.
        depth: Number of different indices.
        dtype: Dtype of the result; for ``"int64"``, that of vectors is ``"int32"``, which an engine converts in less time.
        weights: Array of shape ``(depth,)``, the weights of the counts. Defaults to None (no weights).

    Example:
        >>> import numpy as np
        >>> from cornu.layers.preprocessing.output_modes import encode
        >>> encode(np.array([[0, 2, 2, -1]]), "count", 3, "float32").tolist()
        [[1.0, 0.0, 2.0]]
    """
    if mode == "int":
        return indices.astype(dtype)
    length = indices.shape[-1] if indices.ndim and mode in COUNTING else 1
    rows = indices.size // length if length else int(np.prod(indices.shape[:-1]))
    encoded = encode_rows(np.repeat(np.arange(rows), length), indices.ravel(), rows, mode, depth, dtype, weights)
    return encoded.reshape([size for size in encoded_shape(indices.shape, mode, depth) if size is not None])


def encode_rows(
    rows: np.ndarray, indices: np.ndarray, count: int, mode: str, depth: int, dtype: str, weights: np.ndarray | None = None
) -> np.ndarray:
    """Return one vector for each row, which may have different numbers of indices.

    Args:
        rows: Array of shape ``(n,)``, the number of the row of each index.
        indices: Array of shape ``(n,)``.
        count: Number of rows.
        mode: Output mode, not ``"int"``.
        depth, dtype, weights: See :func:`encode`.

    Returns:
        Array of shape ``(count, depth)``.
    """
    places = rows * depth + indices
    if indices.min(initial=0) < 0:
        places = places[indices >= 0]
    encoded = np.zeros(count * depth, "int32")
    if mode in ("count", "tf_idf"):
        np.add.at(encoded, places, np.int32(1))
    else:
        encoded[places] = 1
    encoded = encoded.reshape(count, depth)
    if mode == "tf_idf" and weights is not None:
        return (encoded * weights).astype(dtype)
    return encoded if dtype == "int64" else encoded.astype(dtype, copy=False)


def encode_array(indices: Array, mode: str, depth: int, dtype: str, weights: Array | None = None) -> Any:
    """Return indices in an output mode, as :func:`encode` does, with ops: on every engine, in compiled code too.

    Args:
        indices: Array of ``int32``; one out of range is left out.
        mode, depth, dtype: See :func:`encode`.
        weights: Array of the shape of the indices, the weight of each in a count. Defaults to None (weights of 1).
    """
    if mode == "int":
        return ops.cast(indices, dtype)
    if mode == "one_hot":
        if not len(indices.shape):
            indices = ops.expand_dims(indices, 0)
        elif len(indices.shape) > 1 and indices.shape[-1] == 1:
            indices = ops.squeeze(indices, -1)
        return ops.one_hot(indices, depth, dtype=dtype)
    vectors = ops.one_hot(indices, depth, dtype=dtype)
    if not len(indices.shape):
        return vectors
    if mode == "multi_hot":
        return ops.max(vectors, axis=-2)
    if weights is not None:
        vectors = vectors * ops.expand_dims(ops.cast(weights, dtype), -1)
    return ops.sum(vectors, axis=-2)
