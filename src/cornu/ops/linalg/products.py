"""Products of vectors, matrices and arrays of higher rank."""

import string
from typing import Any

from cornu.backends.contract import Backend
from cornu.errors import ShapeError
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import contracted, einstein_sum, matrix_product, of_rank, spared
from cornu.ops.complex_numbers import conj
from cornu.ops.dispatch import arrays, has_floats, op
from cornu.ops.indexing import diagonal
from cornu.ops.manipulation import moveaxis
from cornu.ops.reductions import sum as total
from cornu.ops.shape_checks import check_axes, check_matmul, shapes_error
from cornu.typing import Array, ArrayLike

__all__ = ["cross", "dot", "einsum", "inner", "kron", "matmul", "outer", "tensordot", "trace", "vdot"]


@op(batch_coupling=matrix_product, unknown_sizes=unknown_sizes.matrix_product, keras_path="numpy.Matmul")
def matmul(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the matrix product over the last two axes; leading axes broadcast.

    ``y[..., i, j] = sum over k of x1[..., i, k] * x2[..., k, j]``.

    Args:
        x1: Array-like of shape ``(..., n, k)`` or ``(k,)``.
        x2: Array-like of shape ``(..., k, m)`` or ``(k,)``.

    Returns:
        Array of shape ``(..., n, m)``; ``int32`` for two ``int8`` arrays.

    Raises:
        ShapeError: If the shapes do not match.

    Example:
        >>> from cornu import ops
        >>> ops.matmul([[1, 2]], [[3], [4]]).tolist()
        [[11]]
    """
    backend, x1, x2 = arrays(x1, x2)
    if not (has_floats(backend, x1) or has_floats(backend, x2)):
        x1, x2 = _without_int8(backend, x1, x2)
    try:
        return backend.matmul(x1, x2)
    except Exception:
        check_matmul(tuple(x1.shape), tuple(x2.shape))
        raise


def _without_int8(backend: Backend, *factors: Array) -> tuple[Array, ...]:
    """Cast factors of a matrix product that are all ``int8`` to ``int32``, as quantized models expect."""
    are_int8 = all(backend.dtype(x) == "int8" for x in factors)
    return tuple(backend.cast(x, "int32") for x in factors) if are_int8 else factors


@op(batch_coupling=of_rank(2), unknown_sizes=unknown_sizes.last_axis_product, keras_path="numpy.Dot")
def dot(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the dot product over the last axis of ``x1`` and the second-to-last (or only) axis of ``x2``, as in NumPy.

    For matrices: ``y[i, j] = sum over k of x1[i, k] * x2[k, j]``. If an argument is a scalar, the result is ``x1 * x2``.

    Example:
        >>> from cornu import ops
        >>> ops.dot([1, 2], [3, 4]).tolist()
        11
    """
    backend, x1, x2 = arrays(x1, x2)
    if 0 in (len(x1.shape), len(x2.shape)):
        return backend.multiply(x1, x2)
    return tensordot(x1, x2, ([-1], [-2 if len(x2.shape) > 1 else 0]))


@op(batch_coupling=of_rank(2), unknown_sizes=unknown_sizes.last_axes_product, keras_path="numpy.Inner")
def inner(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the inner product over the last axes of both arrays.

    For matrices: ``y[i, j] = sum over k of x1[i, k] * x2[j, k]``. If an argument is a scalar, the result is ``x1 * x2``.

    Example:
        >>> from cornu import ops
        >>> ops.inner([[1, 2], [3, 4]], [1, 10]).tolist()
        [21, 43]
    """
    backend, x1, x2 = arrays(x1, x2)
    if 0 in (len(x1.shape), len(x2.shape)):
        return backend.multiply(x1, x2)
    return tensordot(x1, x2, ([-1], [-1]))


@op(keras_path="numpy.Vdot")
def vdot(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the dot product ``sum(conj(x1) * x2)`` of two flattened arrays of the same number of elements.

    Example:
        >>> from cornu import ops
        >>> ops.vdot([[1, 2]], [[3], [4]]).tolist()
        11
    """
    backend, x1, x2 = arrays(x1, x2)
    return tensordot(backend.reshape(conj(x1), (-1,)), backend.reshape(x2, (-1,)), 1)


@op(keras_path="numpy.Outer")
def outer(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the outer product ``y[i, j] = x1[i] * x2[j]`` of two flattened arrays.

    Example:
        >>> from cornu import ops
        >>> ops.outer([1, 2], [10, 20]).tolist()
        [[10, 20], [20, 40]]
    """
    backend, x1, x2 = arrays(x1, x2)
    return backend.multiply(backend.reshape(x1, (-1, 1)), backend.reshape(x2, (1, -1)))


@op(batch_coupling=contracted, unknown_sizes=unknown_sizes.contracted, keras_path="numpy.Tensordot")
def tensordot(x1: ArrayLike, x2: ArrayLike, axes: int | list | tuple = 2) -> Array:
    """Return the tensor contraction: the sum of products over the given axes of two arrays.

    Args:
        x1: Array-like.
        x2: Array-like.
        axes: Integer ``n``, to sum over the last ``n`` axes of ``x1`` and the first ``n`` of ``x2``; or a pair of lists, the
            axes of ``x1`` and those of ``x2`` in the same order. Defaults to 2.

    Returns:
        Array with the remaining axes of ``x1``, followed by those of ``x2``.

    Raises:
        ShapeError: If the sizes of the axes differ.

    Example:
        >>> from cornu import ops
        >>> ops.tensordot([[1, 2], [3, 4]], [10, 100], axes=1).tolist()
        [210, 430]
    """
    backend, x1, x2 = arrays(x1, x2)
    if isinstance(axes, (list, tuple)):
        first, second = (check_axes(part, x.shape, "axes") for part, x in zip(axes, (x1, x2), strict=True))
    else:
        rank = len(x1.shape)
        first, second = tuple(range(rank - axes, rank)), tuple(range(axes))
    sizes = [tuple(x.shape[axis] for axis in part if 0 <= axis < len(x.shape)) for part, x in ((first, x1), (second, x2))]
    if sizes[0] != sizes[1] or len(first) != len(second):
        raise ShapeError(
            f"`tensordot` received arrays of shapes {tuple(x1.shape)} and {tuple(x2.shape)} and `axes={axes!r}`.",
            "The sizes of the axes that are summed over must be equal in pairs.",
            f"They are {sizes[0]} and {sizes[1]}: choose other axes.",
        )
    return backend.tensordot(x1, x2, (list(first), list(second)))


_LETTERS = frozenset(string.ascii_letters + ",.-> ")
"""Characters allowed in the subscripts of :func:`einsum`."""


@op(batch_coupling=einstein_sum, unknown_sizes=unknown_sizes.einstein_sum, keras_path="numpy.Einsum")
def einsum(subscripts: str, *operands: ArrayLike, **kwargs: Any) -> Array:
    """Evaluate the Einstein summation convention: sum products over the letters that are missing in the result.

    Args:
        subscripts: String, the letters of the axes, such as ``"ij,jk->ik"`` for ``y[i, k] = sum over j of a[i, j] * b[j, k]``.
        *operands: Array-likes, one for each group of letters.
        **kwargs: Accepted for compatibility with Keras; ignored.

    Returns:
        Array; ``int32`` if all operands are ``int8``.

    Example:
        >>> from cornu import ops
        >>> ops.einsum("ij,j->i", [[1, 2], [3, 4]], [1, 10]).tolist()
        [21, 43]
    """
    backend, *found = arrays(*operands)
    try:
        if not set(subscripts) <= _LETTERS:  # some engines accept any character as a letter
            raise ValueError(subscripts)
        return backend.einsum(subscripts, *_without_int8(backend, *found))
    except Exception as problem:
        raise ShapeError(
            f"`einsum` received {subscripts!r} and arrays of shapes {', '.join(str(tuple(x.shape)) for x in found)}.",
            "There must be one letter for each axis, and each letter must denote one size.",
            "Compare the letters with the shapes.",
        ) from problem


@op(batch_coupling=spared("axis1", "axis2"), keras_path="numpy.Trace")
def trace(x: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Return the sum of a diagonal, ``sum over i of x[i, i + offset]`` (see :func:`diagonal` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.trace([[1, 2], [3, 4]]).tolist()
        5
    """
    return total(diagonal(x, offset, axis1, axis2), -1)


@op(keras_path="numpy.Cross")
def cross(x1: ArrayLike, x2: ArrayLike, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    """Return the cross product of vectors with three components.

    ``[a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0]``.

    Args:
        x1: Array-like whose axis ``axisa`` has size 3.
        x2: Array-like whose axis ``axisb`` has size 3.
        axisa: Integer, the axis of the vectors of ``x1``. Defaults to -1.
        axisb: Integer, the axis of the vectors of ``x2``. Defaults to -1.
        axisc: Integer, the axis of the vectors of the result. Defaults to -1.
        axis: Integer that replaces all three axes. Defaults to None.

    Example:
        >>> from cornu import ops
        >>> ops.cross([1, 0, 0], [0, 1, 0]).tolist()
        [0, 0, 1]
    """
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    backend, x1, x2 = arrays(x1, x2)
    if x1.shape[axisa] not in (3, None) or x2.shape[axisb] not in (3, None):
        expected = "Their vectors must have three components."
        hint = "Choose other axes, or pad vectors of two with a 0."
        raise shapes_error("cross", {"x1": x1.shape, "x2": x2.shape}, expected, hint)
    x1, x2 = moveaxis(x1, axisa, 0), moveaxis(x2, axisb, 0)
    a, b = ([backend.getitem(x, i) for i in range(3)] for x in (x1, x2))
    parts = [backend.subtract(backend.multiply(a[i], b[j]), backend.multiply(a[j], b[i])) for i, j in ((1, 2), (2, 0), (0, 1))]
    joined = backend.concatenate([backend.reshape(part, (1, *backend.shape(part))) for part in parts], 0)
    return moveaxis(joined, 0, axisc)


@op(keras_path="numpy.Kron")
def kron(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Return the Kronecker product: blocks of ``x2``, scaled by each element of ``x1``.

    For vectors: ``y[i * len(x2) + j] = x1[i] * x2[j]``.

    Example:
        >>> from cornu import ops
        >>> ops.kron([1, 10], [1, 2]).tolist()
        [1, 2, 10, 20]
    """
    backend, x1, x2 = arrays(x1, x2)
    rank = max(len(x1.shape), len(x2.shape))
    first = (1,) * (rank - len(x1.shape)) + tuple(x1.shape)
    second = (1,) * (rank - len(x2.shape)) + tuple(x2.shape)
    left = backend.reshape(x1, tuple(size for n in first for size in (n, 1)))
    right = backend.reshape(x2, tuple(size for n in second for size in (1, n)))
    return backend.reshape(backend.multiply(left, right), tuple(n * m for n, m in zip(first, second, strict=True)))
