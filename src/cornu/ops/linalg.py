"""Products of vectors, matrices and arrays of more axes, and their lengths."""

import math
import string
from typing import Any

from cornu.backends.contract import Array
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops.batch_coupling import along_axis, contracted, einstein_sum, last_axis_product, matrix_product, spared
from cornu.ops.checks import check_axes, check_matmul
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.reductions import max as largest
from cornu.ops.reductions import min as smallest
from cornu.ops.reductions import safe_sqrt
from cornu.ops.reductions import sum as total
from cornu.ops.shaping import diagonal, moveaxis


@op(batch_coupling=matrix_product, keras_path="numpy.Matmul")
def matmul(x1: Array, x2: Array) -> Array:
    """The matrix product over the last two axes; the axes before them broadcast.

    Args:
        x1: ``(..., n, k)``, or ``(k,)``.
        x2: ``(..., k, m)``, or ``(k,)``.

    Returns:
        ``(..., n, m)``.

    Raises:
        ShapeError: The sizes do not fit.

    Example:
        >>> from cornu import ops
        >>> ops.matmul([[1, 2]], [[3], [4]]).tolist()
        [[11]]
    """
    backend, x1, x2 = arrays(x1, x2)
    try:
        return backend.matmul(x1, x2)
    except Exception:
        check_matmul(tuple(x1.shape), tuple(x2.shape))
        raise


@op(batch_coupling=last_axis_product, keras_path="numpy.Dot")
def dot(x1: Array, x2: Array) -> Array:
    """The sum of products over the last axis of ``x1`` and the second-last of ``x2`` (or its only one), as NumPy's.

    Example:
        >>> from cornu import ops
        >>> ops.dot([1, 2], [3, 4]).tolist()
        11
    """
    backend, x1, x2 = arrays(x1, x2)
    if 0 in (len(x1.shape), len(x2.shape)):
        return backend.multiply(x1, x2)
    return tensordot(x1, x2, ([-1], [-2 if len(x2.shape) > 1 else 0]))


@op(batch_coupling=last_axis_product, keras_path="numpy.Inner")
def inner(x1: Array, x2: Array) -> Array:
    """The sum of products over the last axes of both.

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
def vdot(x1: Array, x2: Array) -> Array:
    """The sum of the products of all numbers of two arrays of the same size.

    Example:
        >>> from cornu import ops
        >>> ops.vdot([[1, 2]], [[3], [4]]).tolist()
        11
    """
    backend, x1, x2 = arrays(x1, x2)
    return tensordot(backend.reshape(x1, (-1,)), backend.reshape(x2, (-1,)), 1)


@op(keras_path="numpy.Outer")
def outer(x1: Array, x2: Array) -> Array:
    """The table of products of each number of ``x1`` with each of ``x2``; both are flattened.

    Example:
        >>> from cornu import ops
        >>> ops.outer([1, 2], [10, 20]).tolist()
        [[10, 20], [20, 40]]
    """
    backend, x1, x2 = arrays(x1, x2)
    return backend.multiply(backend.reshape(x1, (-1, 1)), backend.reshape(x2, (1, -1)))


@op(batch_coupling=contracted, keras_path="numpy.Tensordot")
def tensordot(x1: Array, x2: Array, axes: Any = 2) -> Array:
    """The sum of products over some axes of two arrays.

    Args:
        x1: An array.
        x2: An array.
        axes: A number ``n``: the last ``n`` axes of ``x1`` and the first ``n`` of ``x2``. Or a pair: the axes of ``x1`` and
            those of ``x2``, in the same order.

    Returns:
        An array with the remaining axes of ``x1``, then those of ``x2``.

    Raises:
        ShapeError: The sizes of the axes differ.

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
            f"`tensordot` was given arrays of shapes {tuple(x1.shape)} and {tuple(x2.shape)} and `axes={axes!r}`.",
            "The sizes of the axes that are summed over must be equal, one by one.",
            f"They are {sizes[0]} and {sizes[1]}: choose other axes.",
        )
    return backend.tensordot(x1, x2, (list(first), list(second)))


_LETTERS = frozenset(string.ascii_letters + ",.-> ")
"""What the subscripts of :func:`einsum` consist of."""


@op(batch_coupling=einstein_sum, keras_path="numpy.Einsum")
def einsum(subscripts: str, *operands: Array, **kwargs: Any) -> Array:
    """Einstein's sum: products of arrays, summed over the letters that the result does not name.

    Args:
        subscripts: The letters of the axes, such as ``"ij,jk->ik"``.
        *operands: One array for each group of letters.
        **kwargs: Are taken for the sake of Keras and have no effect.

    Example:
        >>> from cornu import ops
        >>> ops.einsum("ij,j->i", [[1, 2], [3, 4]], [1, 10]).tolist()
        [21, 43]
    """
    backend, *found = arrays(*operands)
    try:
        if not set(subscripts) <= _LETTERS:  # some engines take any sign for a letter
            raise ValueError(subscripts)
        return backend.einsum(subscripts, *found)
    except Exception as problem:
        raise ShapeError(
            f"`einsum` was given {subscripts!r} and arrays of shapes {', '.join(str(tuple(x.shape)) for x in found)}.",
            "There must be one letter for each axis, and a letter must stand for one size.",
            "Check the letters against the shapes.",
        ) from problem


@op(batch_coupling=spared("axis1", "axis2"), keras_path="numpy.Trace")
def trace(x: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """The sum of a diagonal (see :func:`diagonal` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.trace([[1, 2], [3, 4]]).tolist()
        5
    """
    return total(diagonal(x, offset, axis1, axis2), -1)


@op(keras_path="numpy.Cross")
def cross(x1: Array, x2: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Array:
    """The vector product of vectors of three numbers.

    Args:
        x1: An array whose axis ``axisa`` has size 3.
        x2: An array whose axis ``axisb`` has size 3.
        axisa: The axis of the vectors of ``x1``.
        axisb: The axis of the vectors of ``x2``.
        axisc: The axis of the vectors of the result.
        axis: All three of these.

    Example:
        >>> from cornu import ops
        >>> ops.cross([1, 0, 0], [0, 1, 0]).tolist()
        [0, 0, 1]
    """
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis, axis, axis)
    backend, x1, x2 = arrays(x1, x2)
    if x1.shape[axisa] != 3 or x2.shape[axisb] != 3:
        raise ShapeError(
            f"`cross` was given arrays of shapes {tuple(x1.shape)} and {tuple(x2.shape)}.",
            "Their vectors must have three numbers.",
            "Choose other axes, or pad vectors of two numbers with a 0.",
        )
    x1, x2 = moveaxis(x1, axisa, 0), moveaxis(x2, axisb, 0)
    a, b = ([backend.getitem(x, i) for i in range(3)] for x in (x1, x2))
    parts = [backend.subtract(backend.multiply(a[i], b[j]), backend.multiply(a[j], b[i])) for i, j in ((1, 2), (2, 0), (0, 1))]
    joined = backend.concatenate([backend.reshape(part, (1, *part.shape)) for part in parts], 0)
    return moveaxis(joined, 0, axisc)


_MATRIX_ORDERS = (1, -1, math.inf, -math.inf)


@op(batch_coupling=along_axis(), keras_path="linalg.Norm")
def norm(x: Array, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Array:
    """The length of vectors, or the size of matrices. Where it is 0, so is its gradient.

    Args:
        x: An array.
        ord: Of vectors: 2 (the default) the Euclidean length, 1 the sum of sizes, 0 how many are not 0, ``inf`` the largest
            size, ``-inf`` the smallest, or another number ``p``: ``sum(abs(x)**p)**(1/p)``. Of matrices: ``"fro"`` (the
            default) as of a vector, 1 and ``inf`` the largest sum of sizes of a column and of a row, -1 and ``-inf`` the
            smallest.
        axis: An axis: vectors; two axes: matrices; None: the whole array.
        keepdims: Whether these axes stay, with size 1.

    Raises:
        InvalidArgumentError: There is no such order.

    Example:
        >>> from cornu import ops
        >>> float(ops.norm([3.0, 4.0]))
        5.0
    """
    backend, x = floats(x)
    if axis is None and ord is not None and len(x.shape) not in (1, 2):
        raise InvalidArgumentError(
            f"`norm` was given `ord={ord!r}` for an array of shape {tuple(x.shape)}.",
            "An order is one of vectors or of matrices.",
            "Name one `axis` or two.",
        )
    places = check_axes(axis, x.shape)
    if ord is None or (ord == "fro" and len(places) == 2):
        return safe_sqrt(total(backend.square(x), places, keepdims))
    if len(places) == 2:
        return _matrix_norm(backend, x, ord, places, keepdims)
    return _vector_norm(backend, x, ord, places[0], keepdims)


def _vector_norm(backend: Any, x: Array, order: Any, axis: int, keepdims: bool) -> Array:
    if isinstance(order, str):
        raise InvalidArgumentError(
            f"`ord={order!r}` was given for vectors.", "An order of vectors is a number.", "Leave `ord` out, or name two axes."
        )
    if order == 2:
        return safe_sqrt(total(backend.square(x), axis, keepdims))
    size = backend.abs(x)
    if order == 1:
        return total(size, axis, keepdims)
    if order == 0:
        return total(backend.cast(backend.not_equal(x, 0), backend.dtype(x)), axis, keepdims)
    if order in (math.inf, -math.inf):
        return (largest if order > 0 else smallest)(size, axis, keepdims)
    sums = total(backend.power(size, float(order)), axis, keepdims)
    zero = backend.equal(sums, 0)
    return backend.where(zero, 0.0, backend.power(backend.where(zero, 1.0, sums), 1 / order))


def _matrix_norm(backend: Any, x: Array, order: Any, places: tuple[int, ...], keepdims: bool) -> Array:
    if order not in _MATRIX_ORDERS:
        raise InvalidArgumentError(
            f"`ord={order!r}` was given for matrices.", 'It must be "fro", 1, -1, inf or -inf.', 'Leave `ord` out for "fro".'
        )
    summed, kept = places if abs(order) == 1 else places[::-1]
    sums = total(backend.abs(x), summed, True)
    result = (largest if order > 0 else smallest)(sums, kept, True)
    return result if keepdims else backend.reshape(result, tuple(n for i, n in enumerate(x.shape) if i not in places))


@op(keras_path="numpy.Kron")
def kron(x1: Array, x2: Array) -> Array:
    """Kronecker's product: each number of ``x1`` times the whole of ``x2``, as blocks.

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
