"""Matrix decompositions for the PyTorch backend."""

import math
from typing import Any

import torch
from torch import Tensor


def cholesky(x: Tensor) -> Tensor:
    factor, info = torch.linalg.cholesky_ex(x)
    return torch.where((info > 0)[..., None, None], math.nan, factor).tril()


def qr(x: Tensor, complete: bool = False) -> tuple[Tensor, Tensor]:
    q, r = torch.linalg.qr(x, "complete" if complete else "reduced")
    return q, r


def svd(x: Tensor, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    return tuple(torch.linalg.svd(x, full_matrices)) if compute_uv else torch.linalg.svdvals(x)


def eigh(x: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(x)
    return values, vectors


def eig(x: Tensor) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eig(x)
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
