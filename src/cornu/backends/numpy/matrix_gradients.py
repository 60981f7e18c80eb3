"""Gradients of the matrix decompositions of the NumPy backend.

The formulas are those for the gradient ``dL/dx + i dL/dy`` of a complex array ``x + i y``, as they are published:

* M. Giles, "An extended collection of matrix derivative results for forward and reverse mode algorithmic differentiation",
  2008.
* I. Murray, "Differentiation of the Cholesky decomposition", arXiv:1602.07527.
* M. Seeger et al., "Auto-differentiating linear algebra", arXiv:1710.08717, for the QR decomposition and ``eigh``.
* H. Liao et al., "Differentiable programming tensor networks", arXiv:1903.09650, for the QR decomposition of wide matrices.
* Z.-Q. Wan and S.-X. Zhang, "Automatic differentiation for complex valued SVD", arXiv:1909.02659.
* C. Boeddeker et al., "On the computation of complex-valued gradients", arXiv:1701.00392, for ``eig``.

:func:`_rule` converts them to the convention of the tape, ``dL/dx - i dL/dy``.
"""

from collections.abc import Callable

import numpy as np

from cornu.errors import BackendError


def _rule(formula: Callable) -> Callable:
    def rule(g: np.ndarray | tuple[np.ndarray, ...], *others: np.ndarray) -> np.ndarray:
        g = tuple(map(np.conj, g)) if isinstance(g, tuple) else np.conj(g)
        return np.conj(formula(g, *others))

    return rule


def _adjoint(x: np.ndarray) -> np.ndarray:
    return np.conj(x.swapaxes(-1, -2))


def _half_diagonal(x: np.ndarray) -> np.ndarray:
    """Return the lower triangle with half of the diagonal."""
    return np.tril(x) * (1 - np.eye(x.shape[-1], dtype=x.dtype) / 2)


def _reciprocal_differences(x: np.ndarray) -> np.ndarray:
    """Return ``1 / (x[j] - x[i])`` for each pair of different elements, and 0 on the diagonal."""
    differences = x[..., None, :] - x[..., :, None]
    diagonal = np.eye(x.shape[-1], dtype=bool)
    return np.where(diagonal, 0, 1 / np.where(diagonal, 1, differences))


def _solved(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return ``a^-1 b``, or NaN if one of the matrices is singular."""
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:
        return np.full_like(b, np.nan)


@_rule
def cholesky(g, out, x):
    middle = _half_diagonal(_adjoint(out) @ np.tril(g))
    right = _adjoint(_solved(_adjoint(out), _adjoint(middle)))  # middle @ out^-1
    share = _solved(_adjoint(out), right)
    return (share + _adjoint(share)) / 2


@_rule
def qr(g, out, x, complete):
    (gq, gr), (q, r) = g, out
    rows, columns = x.shape[-2:]
    if complete and rows > columns:
        raise BackendError(
            f"The gradient of the complete QR decomposition of an array of shape {x.shape} was requested.",
            "It has none: the last columns of `q` are not determined.",
            'Use `mode="reduced"`.',
        )
    rest = x[..., rows:]
    gq = gq + rest @ _adjoint(gr[..., rows:])
    gr, wide, r = gr[..., :rows], q @ gr[..., rows:], r[..., :rows]
    middle = r @ _adjoint(gr) - _adjoint(gq) @ q
    share = gq + q @ (np.tril(middle) + _adjoint(np.tril(middle, -1)))
    return np.concatenate([_adjoint(_solved(r, _adjoint(share))), wide], -1)


@_rule
def svd(g, out, x, full_matrices, compute_uv):
    if not compute_uv:
        u, _, vh = np.linalg.svd(x, full_matrices=False)
        return (u * g[..., None, :]) @ vh
    (gu, gs, gvh), (u, s, vh) = g, out
    if u.shape[-1] != vh.shape[-2]:
        raise BackendError(
            f"The gradient of the full singular value decomposition of an array of shape {x.shape} was requested.",
            "It has none: the last singular vectors are not determined.",
            "Use `full_matrices=False`.",
        )
    v, gv = _adjoint(vh), _adjoint(gvh)
    scaled_u, scaled_v = gu / s[..., None, :], gv / s[..., None, :]
    of_u, of_v = _adjoint(u) @ gu, vh @ gv
    inverse = _reciprocal_differences(s * s)
    middle = (of_u - _adjoint(of_u)) * inverse * s[..., None, :] + s[..., None] * (of_v - _adjoint(of_v)) * inverse
    diagonal = gs + 1j * np.imag(np.diagonal(of_u, axis1=-2, axis2=-1)) / s if np.iscomplexobj(x) else gs
    share = u @ (middle + diagonal[..., None, :] * np.eye(s.shape[-1])) @ vh
    return share + (scaled_u - u @ (_adjoint(u) @ scaled_u)) @ vh + u @ _adjoint(scaled_v - v @ (vh @ scaled_v))


@_rule
def eigh(g, out, x):
    (gw, gv), (w, v) = g, out
    middle = (_adjoint(v) @ gv) * _reciprocal_differences(w)
    share = v @ (middle + gw[..., None, :] * np.eye(w.shape[-1])) @ _adjoint(v)
    return (share + _adjoint(share)) / 2


@_rule
def eig(g, out, x):
    (gw, gv), (w, v) = g, out
    of_v = _adjoint(v) @ gv
    norms = np.real(np.diagonal(of_v, axis1=-2, axis2=-1))[..., None, :]  # the columns of v keep their norm
    middle = (of_v - _adjoint(v) @ v * norms) * np.conj(_reciprocal_differences(w))
    return _solved(_adjoint(v), (middle + gw[..., None, :] * np.eye(w.shape[-1])) @ _adjoint(v))


@_rule
def lu(g, out, x):
    (g, _), (both, pivots) = g, out
    rows, columns = x.shape[-2:]
    rank = min(rows, columns)
    lower = np.tril(both[..., :rank], -1) + np.eye(rows, rank, dtype=x.dtype)
    upper, of_upper, of_lower = np.triu(both[..., :rank, :]), np.triu(g[..., :rank, :]), np.tril(g[..., :rank], -1)
    square_lower, square_upper = lower[..., :rank, :], upper[..., :rank]
    right = _solved(_adjoint(square_lower), of_upper[..., rank:])
    below = _adjoint(_solved(square_upper, _adjoint(of_lower[..., rank:, :])))
    of_lower = of_lower[..., :rank, :] - right @ _adjoint(upper[..., rank:])
    of_upper = of_upper[..., :rank] - _adjoint(lower[..., rank:, :]) @ below
    middle = np.tril(_adjoint(square_lower) @ of_lower, -1) + np.triu(of_upper @ _adjoint(square_upper))
    square = _solved(_adjoint(square_lower), _adjoint(_solved(square_upper, _adjoint(middle))))
    permuted = np.concatenate([square, right], -1) if rows <= columns else np.concatenate([square, below], -2)
    share = permuted.copy()
    for row in reversed(range(rank)):  # exchange the rows back
        pair = np.stack([np.full_like(pivots[..., row], row), pivots[..., row]], -1)[..., None].astype("int64")
        np.put_along_axis(share, pair, np.flip(np.take_along_axis(share, pair, -2), -2), -2)
    return share


@_rule
def solve_for_matrix(g, out, a, b):
    return -_solved(_adjoint(a), g) @ _adjoint(out)


@_rule
def solve_for_right_side(g, out, a, b):
    return _solved(_adjoint(a), g)


def _for_right_side(g: np.ndarray, a: np.ndarray, lower: bool) -> np.ndarray:
    return _solved(_adjoint(np.tril(a) if lower else np.triu(a)), g)


@_rule
def solve_triangular_for_matrix(g, out, a, b, lower):
    share = -_for_right_side(g, a, lower) @ _adjoint(out)
    return np.tril(share) if lower else np.triu(share)


@_rule
def solve_triangular_for_right_side(g, out, a, b, lower):
    return _for_right_side(g, a, lower)


@_rule
def slogdet(g, out, x):
    factor = g[1] - 1j * (np.conj(g[0]) * out[0]).imag if np.iscomplexobj(x) else g[1]
    identity = np.broadcast_to(np.eye(x.shape[-1], dtype=x.dtype), x.shape)
    return factor[..., None, None] * _adjoint(_solved(x, identity))
