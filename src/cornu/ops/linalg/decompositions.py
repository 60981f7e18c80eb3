"""Matrix decompositions, and what follows from them: determinants and ranks."""

from typing import Any

from cornu.backends.contract import Backend
from cornu.dtypes import is_complex
from cornu.errors import InvalidArgumentError
from cornu.ops import unknown_sizes
from cornu.ops.batch_coupling import of_rank
from cornu.ops.dispatch import computed_in_float32, op
from cornu.ops.linalg import matrices
from cornu.typing import Array, ArrayLike
from cornu.validation import check_option

__all__ = ["cholesky", "det", "eig", "eigh", "logdet", "lu_factor", "matrix_rank", "qr", "slogdet", "svd"]


@op(batch_coupling=of_rank(3), unknown_sizes=unknown_sizes.square("x"), keras_path="linalg.Cholesky")
@computed_in_float32
def cholesky(x: ArrayLike, upper: bool = False) -> Array:
    """Return the Cholesky factor of Hermitian positive definite matrices: the triangular ``L`` with ``x = L L^H``.

    Args:
        x: Array-like of shape ``(..., n, n)``; the Hermitian part ``(x + x^H) / 2`` of the matrices is used.
        upper: Whether to return ``L^H``, which is upper triangular. Defaults to False.

    Returns:
        Array of the shape of ``x``. In a compiled function, the diagonal is NaN if a matrix is not positive definite.

    Raises:
        InvalidArgumentError: If a matrix is not positive definite, outside of compiled functions.
        ShapeError: If the array does not contain square matrices.

    Example:
        >>> from cornu import ops
        >>> ops.cholesky([[4.0, 2.0], [2.0, 5.0]]).tolist()
        [[2.0, 0.0], [1.0, 2.0]]
    """
    backend, x = matrices.as_matrices("cholesky", x, square=True)
    factor = backend.cholesky(matrices.hermitian(backend, x))
    if matrices.has_values(backend, factor) and backend.any(backend.isnan(matrices.diagonal_of(backend, factor))):
        raise InvalidArgumentError(
            f"`cholesky` received an array of shape {tuple(x.shape)} with a matrix that is not positive definite.",
            "All eigenvalues of the matrices must be positive.",
            "Check how they were computed; adding a small multiple of the identity matrix helps against rounding errors.",
        )
    return matrices.adjoint(backend, factor) if upper else factor


@op(batch_coupling=of_rank(3), keras_path="linalg.Qr")
@computed_in_float32
def qr(x: ArrayLike, mode: str = "reduced") -> tuple[Array, Array]:
    """Return the QR decomposition ``x = q r``: ``q`` has orthonormal columns, and ``r`` is upper triangular.

    Args:
        x: Array-like of shape ``(..., m, n)``.
        mode: ``"reduced"``, for ``min(m, n)`` columns of ``q`` and rows of ``r``; or ``"complete"``, for ``m`` of them, which
            has no gradient if ``m > n``. Defaults to ``"reduced"``.

    Returns:
        Arrays ``q`` and ``r``. The signs of the rows of ``r``, and of the columns of ``q``, depend on the engine.

    Raises:
        InvalidArgumentError: If the mode is unknown.

    Example:
        >>> from cornu import ops
        >>> q, r = ops.qr([[3.0, 1.0], [4.0, 2.0]])
        >>> round(abs(float(r[0, 0])), 4)
        5.0
    """
    check_option("mode", mode, ("reduced", "complete"))
    backend, x = matrices.as_matrices("qr", x)
    return backend.qr(x, mode == "complete")


@op(batch_coupling=of_rank(3), keras_path="linalg.SVD")
@computed_in_float32
def svd(x: ArrayLike, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return the singular value decomposition ``x = u diag(s) v^H``.

    Its gradient is not finite where singular values are equal, unlike that of the singular values alone. Matrices that are not
    square have a gradient only with ``full_matrices=False``.

    Args:
        x: Array-like of shape ``(..., m, n)``.
        full_matrices: Whether ``u`` and ``v^H`` are square; otherwise they have ``min(m, n)`` columns and rows. Defaults to
            True.
        compute_uv: Whether to return ``u`` and ``v^H``. Defaults to True.

    Returns:
        Arrays ``(u, s, v^H)``, or only ``s``, the singular values in descending order. The signs of the columns of ``u`` depend
        on the engine.

    Example:
        >>> from cornu import ops
        >>> u, s, vh = ops.svd([[0.0, 2.0], [3.0, 0.0]])
        >>> [round(value, 4) for value in s.tolist()]
        [3.0, 2.0]
    """
    backend, x = matrices.as_matrices("svd", x)
    return backend.svd(x, full_matrices, compute_uv)


@op(batch_coupling=of_rank(3), unknown_sizes=unknown_sizes.square("x"), keras_path="linalg.Eigh")
@computed_in_float32
def eigh(x: ArrayLike) -> tuple[Array, Array]:
    """Return the eigenvalues, in ascending order, and the eigenvectors of Hermitian matrices.

    The gradient of the eigenvectors is not finite where eigenvalues are equal.

    Args:
        x: Array-like of shape ``(..., n, n)``; the Hermitian part ``(x + x^H) / 2`` of the matrices is used.

    Returns:
        Arrays ``w`` of shape ``(..., n)`` and ``v`` with ``x v = v diag(w)``. The signs of the columns of ``v`` depend on the
        engine.

    Example:
        >>> from cornu import ops
        >>> w, v = ops.eigh([[2.0, 1.0], [1.0, 2.0]])
        >>> [round(value, 4) for value in w.tolist()]
        [1.0, 3.0]
    """
    backend, x = matrices.as_matrices("eigh", x, square=True)
    return backend.eigh(matrices.hermitian(backend, x))


@op(batch_coupling=of_rank(3), unknown_sizes=unknown_sizes.square("x"), keras_path="linalg.Eig")
@computed_in_float32
def eig(x: ArrayLike) -> tuple[Array, Array]:
    """Return the complex eigenvalues, in no particular order, and the eigenvectors of square matrices.

    Args:
        x: Array-like of shape ``(..., n, n)``.

    Returns:
        Complex arrays ``w`` of shape ``(..., n)`` and ``v`` with ``x v = v diag(w)``.

    Example:
        >>> from cornu import ops
        >>> w, v = ops.eig([[0.0, -1.0], [1.0, 0.0]])
        >>> sorted(ops.imag(w).tolist())
        [-1.0, 1.0]
    """
    backend, x = matrices.as_matrices("eig", x, square=True)
    return backend.eig(x)


@op(batch_coupling=of_rank(3), keras_path="linalg.LuFactor")
@computed_in_float32
def lu_factor(x: ArrayLike) -> tuple[Array, Array]:
    """Return the LU decomposition with partial pivoting: ``P x = L U``, where ``P`` exchanges rows.

    Args:
        x: Array-like of shape ``(..., m, n)``; on TensorFlow, ``m = n``, and the matrices are invertible.

    Returns:
        Array of the shape of ``x`` with ``U`` and, below its diagonal, ``L`` without its diagonal of ones; and the pivots, an
        ``int32`` array of shape ``(..., min(m, n))``: row ``i`` was exchanged with row ``pivots[i]``, one after the other.

    Example:
        >>> from cornu import ops
        >>> lu, pivots = ops.lu_factor([[1.0, 2.0], [2.0, 2.0]])
        >>> lu.tolist(), pivots.tolist()
        ([[2.0, 2.0], [0.5, 1.0]], [1, 1])
    """
    backend, x = matrices.as_matrices("lu_factor", x)
    return backend.lu(x)


@op(batch_coupling=of_rank(3), unknown_sizes=unknown_sizes.square("x"), keras_path="numpy.Slogdet")
@computed_in_float32
def slogdet(x: ArrayLike) -> tuple[Array, Array]:
    """Return the sign of the determinant and the logarithm of its absolute value: ``det = sign * exp(logabsdet)``.

    Unlike :func:`det`, it does not overflow for large matrices.

    Args:
        x: Array-like of shape ``(..., n, n)``.

    Returns:
        Arrays ``(sign, logabsdet)`` of shape ``(...,)``: 0 and ``-inf`` for singular matrices. Of a complex determinant,
        ``sign`` is a complex number of absolute value 1.

    Example:
        >>> from cornu import ops
        >>> sign, logarithm = ops.slogdet([[0.0, 1.0], [1.0, 0.0]])
        >>> float(sign), abs(float(logarithm))
        (-1.0, 0.0)
    """
    backend, x = matrices.as_matrices("slogdet", x, square=True)
    return backend.slogdet(x)


@op(batch_coupling=of_rank(3), unknown_sizes=unknown_sizes.square("x"), keras_path="math.Logdet")
@computed_in_float32
def logdet(x: ArrayLike) -> Array:
    """Return the logarithm of the absolute value of the determinant (see :func:`slogdet`).

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.logdet([[2.0, 0.0], [0.0, 3.0]])):.4f}"
        '1.7918'
    """
    backend, x = matrices.as_matrices("logdet", x, square=True)
    return backend.slogdet(x)[1]


@op(batch_coupling=of_rank(3), unknown_sizes=unknown_sizes.square("x"), keras_path="linalg.Det")
@computed_in_float32
def det(x: ArrayLike) -> Array:
    """Return the determinant of square matrices.

    Its gradient, the matrix of cofactors, is finite for singular matrices too.

    Args:
        x: Array-like of shape ``(..., n, n)``.

    Returns:
        Array of shape ``(...,)``.

    Raises:
        ShapeError: If the array does not contain square matrices.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.det([[1.0, 2.0], [3.0, 4.0]])):.4f}"
        '-2.0000'
    """
    backend, x = matrices.as_matrices("det", x, square=True)

    def with_gradient(x: Array) -> tuple[Array, Any]:
        def gradient(upstream: Array) -> tuple[Array]:
            wide = backend.reshape(upstream, (*upstream.shape, 1, 1))
            return (backend.multiply(_cofactors(backend, x), wide),)

        return _det(backend, x), gradient

    if not is_complex(backend.dtype(x)):
        return backend.custom_gradient(with_gradient)(x)
    fixed = backend.stop_gradient(x)  # a linear function of `x` with the value and the gradient of the determinant
    change = backend.multiply(_cofactors(backend, fixed), backend.subtract(x, fixed))
    return backend.add(_det(backend, fixed), backend.sum(change, (-2, -1)))


def _det(backend: Backend, x: Array) -> Array:
    sign, logarithm = backend.slogdet(x)
    return backend.multiply(sign, backend.exp(logarithm))


def _cofactors(backend: Backend, x: Array) -> Array:
    """Return the derivative of the determinant of ``x = u diag(s) v^H``.

    It is ``det(u) det(v^H) conj(u) diag(prod of s[j], j != i) conj(v^H)``.
    """
    u, s, vh = backend.svd(x)
    others = backend.where(
        backend.equal(matrices.identity_like(backend, u), 1), 1.0, backend.reshape(s, (*s.shape[:-1], 1, s.shape[-1]))
    )
    phases = backend.multiply(_det(backend, u), _det(backend, vh))
    scale = backend.multiply(backend.reshape(phases, (*phases.shape, 1)), backend.prod(others, -1))
    left, right = (matrices.transposed(backend, matrices.adjoint(backend, factor)) for factor in (u, vh))
    return backend.matmul(backend.multiply(left, backend.reshape(scale, (*s.shape[:-1], 1, s.shape[-1]))), right)


@op(batch_coupling=of_rank(3), keras_path="linalg.MatrixRank")
@computed_in_float32
def matrix_rank(x: ArrayLike, tol: float | None = None) -> Array:
    """Return the rank of matrices: the number of their singular values above a tolerance.

    Args:
        x: Array-like of shape ``(..., m, n)``.
        tol: Float. Defaults to None: the largest singular value, times ``max(m, n)``, times the machine epsilon.

    Returns:
        ``int32`` array of shape ``(...,)``.

    Example:
        >>> from cornu import ops
        >>> int(ops.matrix_rank([[1.0, 2.0], [2.0, 4.0]]))
        1
    """
    backend, x = matrices.as_matrices("matrix_rank", x)
    s = backend.svd(x, compute_uv=False)
    if tol is None:
        factor = max(x.shape[-2:]) * matrices.machine_epsilon(backend, x)
        tol = backend.multiply(backend.getitem(s, (..., slice(1))), factor)  # type: ignore[assignment]
    return backend.sum(backend.cast(backend.greater(s, tol), "int32"), -1)
