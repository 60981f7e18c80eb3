"""Matrix decompositions for the NumPy backend; ``matrix_gradients.py`` has their gradients.

NumPy and SciPy call LAPACK, except for triangular systems, which are solved row by row.
"""

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

    rows, lower, upper = linalg.lu(x, p_indices=True)  # x = lower[rows] @ upper
    both, rank = np.zeros_like(x), min(x.shape[-2:])
    both[..., :rank, :] = upper
    both[..., :, :rank] += np.tril(lower, -1)
    return both, np.argsort(rows, axis=-1).astype("int32")


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
