"""Systems of linear equations, inverses and least squares."""

import math
from collections.abc import Callable

from cornu.backends.contract import Backend
from cornu.dtypes import is_complex, sum_dtype
from cornu.errors import InvalidArgumentError
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import of_rank, solved
from cornu.ops.dispatch import computed_in_float32, floats, op
from cornu.ops.linalg.matrices import adjoint, as_matrices, has_values, identity_like, machine_epsilon
from cornu.ops.shape_checks import check_broadcast, shapes_error
from cornu.typing import Array, ArrayLike
from cornu.validation import result_type

__all__ = ["cholesky_inverse", "inv", "lstsq", "pinv", "solve", "solve_triangular"]


@op(batch_coupling=solved, unknown_sizes=unknown_sizes.solved, keras_path="linalg.Solve")
def solve(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the solution ``x`` of the linear equations ``a x = b``.

    Args:
        a: Array-like of shape ``(..., n, n)``.
        b: Array-like of shape ``(..., n)``, with one axis less than ``a``; or of shape ``(..., n, k)``.

    Returns:
        Array of the shape of ``b``. In a compiled function, it is not finite for a singular matrix; TensorFlow raises an error.

    Raises:
        InvalidArgumentError: If a matrix is singular, outside of compiled functions.
        ShapeError: If the shapes do not match.

    Example:
        >>> from cornu import ops
        >>> ops.solve([[2.0, 0.0], [1.0, 1.0]], [4.0, 5.0]).tolist()
        [2.0, 3.0]
    """
    return _solution("solve", a, b, lambda backend, a, b: _solved(backend, "solve", a, b))


@op(batch_coupling=solved, unknown_sizes=unknown_sizes.solved, keras_path="linalg.SolveTriangular")
def solve_triangular(a: ArrayLike, b: ArrayLike, lower: bool = False) -> Array:
    """Return the solution ``x`` of ``a x = b``, where ``a`` is triangular: its other triangle is not read.

    Args:
        a: Array-like of shape ``(..., n, n)``.
        b: Array-like of shape ``(..., n)``, with one axis less than ``a``; or of shape ``(..., n, k)``.
        lower: Whether the lower triangle is used instead of the upper one. Defaults to False.

    Returns:
        Array of the shape of ``b``. It is not finite if an element of the diagonal is 0.

    Raises:
        ShapeError: If the shapes do not match.

    Example:
        >>> from cornu import ops
        >>> ops.solve_triangular([[2.0, 0.0], [1.0, 1.0]], [4.0, 5.0], lower=True).tolist()
        [2.0, 3.0]
    """
    return _solution("solve_triangular", a, b, lambda backend, a, b: backend.solve_triangular(a, b, lower))


def _solution(name: str, a: ArrayLike, b: ArrayLike, function: Callable[[Backend, Array, Array], Array]) -> Array:
    """Apply a function to matrices ``a`` and ``b`` of one dtype and with the same leading axes."""
    backend, a, b = floats(a, b)
    one, other = tuple(a.shape), tuple(b.shape)
    rows = other[-1:] if len(other) == len(one) - 1 else other[-2:-1]
    if len(one) < 2 or one[-1] != one[-2] or rows != one[-1:]:
        expected = "`a` must contain matrices of shape `(n, n)`, and `b` vectors of shape `(n,)` or matrices of shape `(n, k)`."
        hint = "If `b` has one axis less than `a`, it contains vectors: reshape it, or transpose its last two axes."
        raise shapes_error(name, {"a": one, "b": other}, expected, hint)
    dtype = result_type(backend.dtype(a), backend.dtype(b))
    matrix, right = (backend.cast(x, sum_dtype(dtype)) for x in (a, b))
    vectors = len(other) < len(one)
    right = backend.reshape(right, (*backend.shape(right), 1)) if vectors else right
    if matrix.shape[:-2] != right.shape[:-2]:
        batch = check_broadcast(name, tuple(matrix.shape[:-2]), tuple(right.shape[:-2]))
        matrix, right = (backend.broadcast_to(x, (*batch, *x.shape[-2:])) for x in (matrix, right))
    found = function(backend, matrix, right)
    return backend.cast(backend.reshape(found, backend.shape(found)[:-1]) if vectors else found, dtype)


def _solved(backend: Backend, name: str, a: Array, b: Array) -> Array:
    """Return ``a^-1 b``; raise an error for singular matrices."""
    try:
        found = backend.solve(a, b)
    except ValueError:  # of TensorFlow
        raise _singular(name) from None
    if has_values(backend, found) and not _is_finite(backend, found) and _is_finite(backend, a) and _is_finite(backend, b):
        raise _singular(name)
    return found


def _is_finite(backend: Backend, x: Array) -> bool:
    return bool(backend.all(backend.less(backend.abs(x), math.inf)))


def _singular(name: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"`{name}` received `{'x' if name == 'inv' else 'a'}` with a matrix that is singular.",
        "The matrices must be invertible.",
        "Check how they were computed; `pinv` and `lstsq` accept singular matrices.",
    )


@op(batch_coupling=of_rank(3), unknown_sizes=unknown_sizes.square("x"), keras_path="linalg.Inv")
@computed_in_float32
def inv(x: ArrayLike) -> Array:
    """Return the inverse of square matrices.

    To multiply with an inverse, :func:`solve` is faster and more accurate.

    Args:
        x: Array-like of shape ``(..., n, n)``.

    Returns:
        Array of the shape of ``x``. In a compiled function, it is not finite for a singular matrix; TensorFlow raises an error.

    Raises:
        InvalidArgumentError: If a matrix is singular, outside of compiled functions.
        ShapeError: If the array does not contain square matrices.

    Example:
        >>> from cornu import ops
        >>> ops.inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.25]]
    """
    backend, x = as_matrices("inv", x, square=True)
    return _solved(backend, "inv", x, _identities(backend, x))


def _identities(backend: Backend, x: Array) -> Array:
    """Return an identity matrix for each matrix."""
    return backend.broadcast_to(identity_like(backend, x), backend.shape(x))


@op(batch_coupling=of_rank(3), unknown_sizes=unknown_sizes.square("x"), keras_path="linalg.CholeskyInverse")
@computed_in_float32
def cholesky_inverse(x: ArrayLike, upper: bool = False) -> Array:
    """Return the inverse ``(L L^H)^-1`` of matrices, given their Cholesky factors.

    Args:
        x: Array-like of shape ``(..., n, n)``, the factors ``L`` that :func:`cholesky` returns.
        upper: Whether ``x`` contains upper triangular factors ``L^H``. Defaults to False.

    Returns:
        Array of the shape of ``x``.

    Example:
        >>> from cornu import ops
        >>> ops.cholesky_inverse([[2.0, 0.0], [0.0, 1.0]]).tolist()
        [[0.25, 0.0], [0.0, 1.0]]
    """
    backend, x = as_matrices("cholesky_inverse", x, square=True)
    inverse = backend.solve_triangular(x, _identities(backend, x), not upper)
    factors = (inverse, adjoint(backend, inverse)) if upper else (adjoint(backend, inverse), inverse)
    return backend.matmul(*factors)


@op(batch_coupling=of_rank(3), keras_path="linalg.Pinv")
@computed_in_float32
def pinv(x: ArrayLike, rcond: float | None = None) -> Array:
    """Return the Moore-Penrose pseudoinverse of matrices, by the singular value decomposition.

    The gradient is finite where singular values are equal: G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and
    nonlinear least squares problems whose variables separate", SIAM Journal on Numerical Analysis 10, 1973.

    Args:
        x: Array-like of shape ``(..., m, n)``.
        rcond: Float: singular values of up to ``rcond`` times the largest one count as 0. Defaults to None:
            ``10 * max(m, n)`` times the machine epsilon.

    Returns:
        Array of shape ``(..., n, m)``.

    Example:
        >>> from cornu import ops
        >>> ops.pinv([[2.0, 0.0], [0.0, 0.0]]).tolist()
        [[0.5, 0.0], [0.0, 0.0]]
    """
    backend, x = as_matrices("pinv", x)
    return _pseudoinverse(backend, x, 10 * max(x.shape[-2:]) * machine_epsilon(backend, x) if rcond is None else rcond)


def _pseudoinverse(backend: Backend, x: Array, rcond: float) -> Array:
    def value(x: Array) -> Array:
        u, s, vh = backend.svd(x, False)
        is_kept = backend.greater(s, backend.multiply(backend.getitem(s, (..., slice(1))), rcond))
        inverse = backend.where(is_kept, backend.divide(1.0, backend.where(is_kept, s, 1.0)), 0.0)
        scaled = backend.multiply(adjoint(backend, vh), backend.reshape(inverse, (*s.shape[:-1], 1, s.shape[-1])))
        return backend.matmul(scaled, adjoint(backend, u))

    def with_gradient(x: Array) -> tuple[Array, Callable]:
        inverse = value(x)
        return inverse, lambda upstream: (_pseudoinverse_gradient(backend, x, inverse, upstream),)

    return value(x) if is_complex(backend.dtype(x)) else backend.custom_gradient(with_gradient)(x)


def _pseudoinverse_gradient(backend: Backend, x: Array, inverse: Array, upstream: Array) -> Array:
    """Return ``-p' g p' + (1 - x p) g' p p' + p' p g' (1 - p x)`` for the pseudoinverse ``p``, where ``'`` transposes."""
    product, adjoint_inverse, adjoint_upstream = backend.matmul, adjoint(backend, inverse), adjoint(backend, upstream)
    of_rows = backend.subtract(adjoint_upstream, product(x, product(inverse, adjoint_upstream)))
    of_columns = backend.subtract(adjoint_upstream, product(product(adjoint_upstream, inverse), x))
    terms = backend.add(
        product(product(of_rows, inverse), adjoint_inverse), product(adjoint_inverse, product(inverse, of_columns))
    )
    return backend.subtract(terms, product(adjoint_inverse, product(upstream, adjoint_inverse)))


@op(keras_path="linalg.Lstsq")
def lstsq(a: ArrayLike, b: ArrayLike, rcond: float | None = None) -> Array:
    """Return the ``x`` that minimizes the Euclidean norm of ``b - a x``; of several, the one with the smallest norm.

    Args:
        a: Array-like of shape ``(m, n)``.
        b: Array-like of shape ``(m,)`` or ``(m, k)``.
        rcond: Float: singular values of ``a`` of up to ``rcond`` times the largest one count as 0. Defaults to None:
            ``max(m, n)`` times the machine epsilon.

    Returns:
        Array of shape ``(n,)`` or ``(n, k)``.

    Raises:
        ShapeError: If the shapes do not match.

    Example:
        >>> from cornu import ops
        >>> [round(value, 4) for value in ops.lstsq([[1.0], [1.0]], [1.0, 3.0]).tolist()]
        [2.0]
    """
    backend, a, b = floats(a, b)
    if len(a.shape) != 2 or len(b.shape) not in (1, 2) or a.shape[0] != b.shape[0]:
        expected = "They must have the shapes `(m, n)` and `(m,)` or `(m, k)`."
        hint = "Reshape them; for several systems, use `ops.vectorized_map`."
        raise shapes_error("lstsq", {"a": a.shape, "b": b.shape}, expected, hint)
    dtype = result_type(backend.dtype(a), backend.dtype(b))
    matrix, right = (backend.cast(x, sum_dtype(dtype)) for x in (a, b))
    cutoff = max(matrix.shape) * machine_epsilon(backend, matrix) if rcond is None else rcond
    return backend.cast(backend.matmul(_pseudoinverse(backend, matrix, cutoff), right), dtype)
