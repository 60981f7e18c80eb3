"""Matrix decompositions for the JAX backend."""

from typing import Any

import jax.numpy as jnp
from jax import Array, lax


def cholesky(x: Array) -> Array:
    return jnp.linalg.cholesky(x)


def qr(x: Array, complete: bool = False) -> tuple[Array, Array]:
    q, r = jnp.linalg.qr(x, "complete" if complete else "reduced")
    return q, r


def svd(x: Array, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    found = jnp.linalg.svd(x, full_matrices=full_matrices, compute_uv=compute_uv)
    return tuple(found) if compute_uv else found


def eigh(x: Array) -> tuple[Array, Array]:
    values, vectors = jnp.linalg.eigh(x)
    return values, vectors


def eig(x: Array) -> tuple[Array, Array]:
    values, vectors = lax.linalg.eig(x, compute_left_eigenvectors=False, enable_eigvec_derivs=True)
    return values, vectors


def lu(x: Array) -> tuple[Array, Array]:
    both, pivots, _ = lax.linalg.lu(x)
    return both, pivots


def solve(a: Array, b: Array) -> Array:
    return jnp.linalg.solve(a, b)


def solve_triangular(a: Array, b: Array, lower: bool = False) -> Array:
    return lax.linalg.triangular_solve(a, b, left_side=True, lower=lower)


def slogdet(x: Array) -> tuple[Array, Array]:
    sign, logarithm = jnp.linalg.slogdet(x)
    return sign, logarithm
