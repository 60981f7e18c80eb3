"""Matrix decompositions for the PyTorch backend."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def cholesky(x: Tensor) -> Tensor:
    factor, info = torch.linalg.cholesky_ex(x)
    return torch.where((info > 0)[..., None, None], math.nan, factor).tril()


def qr(x: Tensor, complete: bool = False) -> tuple[Tensor, Tensor]:
    q, r = torch.linalg.qr(x, "complete" if complete else "reduced")
    return q, r


def _of_finite(decompose: Callable, x: Tensor) -> tuple[Tensor, ...]:
    """Return the parts of a decomposition, NaN for matrices with elements that are not finite, for which PyTorch raises."""
    is_finite = torch.isfinite(x).all(-1).all(-1)[..., None]
    parts = decompose(torch.where(is_finite[..., None], x, 0))
    return tuple(torch.where(is_finite[..., None] if part.ndim == x.ndim else is_finite, part, math.nan) for part in parts)


def svd(x: Tensor, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    parts = _of_finite(lambda x: torch.linalg.svd(x, full_matrices) if compute_uv else [torch.linalg.svdvals(x)], x)
    return parts if compute_uv else parts[0]


def eigh(x: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = _of_finite(torch.linalg.eigh, x)
    return values, vectors


def eig(x: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = _of_finite(torch.linalg.eig, x)
    return values, vectors


def lu(x: Tensor) -> tuple[Tensor, Tensor]:
    both, pivots, _ = torch.linalg.lu_factor_ex(x)
    return both, pivots - 1


def solve(a: Tensor, b: Tensor) -> Tensor:
    found, info = torch.linalg.solve_ex(a, b)
    return torch.where((info > 0)[..., None, None], math.nan, found)


def solve_triangular(a: Tensor, b: Tensor, lower: bool = False) -> Tensor:
    return torch.linalg.solve_triangular(a, b, upper=not lower)


def slogdet(x: Tensor) -> tuple[Tensor, Tensor]:
    sign, logarithm = torch.linalg.slogdet(x)
    return sign, logarithm
