"""Matrix decompositions for the NumPy backend; ``matrix_gradients.py`` has their gradients.

NumPy and SciPy call LAPACK, except for triangular systems, which are solved row by row.
"""

import warnings

import numpy as np

from cornu.backends.numpy.tape import primitive


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
    found = np.linalg.svd(x, full_matrices, compute_uv)
    return tuple(found) if compute_uv else found


@primitive
def eigh(x: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(np.linalg.eigh(x))


@primitive
def eig(x: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(part.astype(np.result_type(x, "complex64"), copy=False) for part in np.linalg.eig(x))


@primitive
def lu(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from scipy import linalg

    if x.size == 0:
        return x, np.zeros((*x.shape[:-2], min(x.shape[-2:])), "int32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", linalg.LinAlgWarning)  # for singular matrices
        both, pivots = zip(*map(linalg.lu_factor, x.reshape(-1, *x.shape[-2:])), strict=True)
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
