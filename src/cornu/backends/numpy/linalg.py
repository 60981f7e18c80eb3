"""Matrix decompositions for the NumPy backend; ``matrix_gradients.py`` has their gradients.

NumPy and SciPy call LAPACK, except for triangular systems, which are solved row by row.
"""

import warnings
from collections.abc import Callable

import numpy as np

from cornu.backends.numpy.tape import primitive


def _of_finite(decompose: Callable, x: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the parts of a decomposition, NaN for matrices with elements that are not finite, for which LAPACK fails."""
    is_finite: np.ndarray = np.isfinite(x).all(axis=(-2, -1), keepdims=True)[..., 0]  # type: ignore[assignment]
    if is_finite.all():
        return tuple(decompose(x))
    parts = decompose(np.where(is_finite[..., None], x, 0))
    return tuple(np.where(is_finite[..., None] if part.ndim == x.ndim else is_finite, part, np.nan) for part in parts)


@primitive
def cholesky(x: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.cholesky(x)
    except np.linalg.LinAlgError:
        if x.ndim == 2:
            return np.tril(np.full_like(x, np.nan))
        return np.stack([cholesky(matrix) for matrix in x])


@primitive
def qr(x: np.ndarray, complete: bool = False) -> tuple[np.ndarray, ...]:
    return tuple(np.linalg.qr(x, "complete" if complete else "reduced"))


@primitive
def svd(x: np.ndarray, full_matrices: bool = True, compute_uv: bool = True) -> np.ndarray | tuple[np.ndarray, ...]:
    parts = _of_finite(lambda x: np.linalg.svd(x, full_matrices) if compute_uv else [np.linalg.svd(x, compute_uv=False)], x)
    return parts if compute_uv else parts[0]


@primitive
def eigh(x: np.ndarray) -> tuple[np.ndarray, ...]:
    return _of_finite(np.linalg.eigh, x)


@primitive
def eig(x: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(part.astype(np.result_type(x, "complex64"), copy=False) for part in _of_finite(np.linalg.eig, x))


@primitive
def lu(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy import linalg

    if x.size == 0:
        return x, np.zeros((*x.shape[:-2], min(x.shape[-2:])), "int32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", linalg.LinAlgWarning)  # for singular matrices
        both, pivots = zip(*(linalg.lu_factor(each, check_finite=False) for each in x.reshape(-1, *x.shape[-2:])), strict=True)
    return np.reshape(both, x.shape), np.reshape(pivots, (*x.shape[:-2], -1)).astype("int32")


@primitive
def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        return np.full_like(b, np.nan) if a.ndim == 2 else np.stack([solve(*pair) for pair in zip(a, b, strict=True)])


@primitive
def solve_triangular(a: np.ndarray, b: np.ndarray, lower: bool = False) -> np.ndarray:
    x = np.zeros_like(b)
    for row in range(a.shape[-1]) if lower else reversed(range(a.shape[-1])):
        known = slice(row) if lower else slice(row + 1, None)
        rest = b[..., row, :] - (a[..., row, None, known] @ x[..., known, :])[..., 0, :]
        x[..., row, :] = rest / a[..., row, row, None]
    return x


@primitive
def slogdet(x: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.linalg.slogdet(x))
