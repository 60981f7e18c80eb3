"""Matrix decompositions for the TensorFlow backend."""

import math
from collections.abc import Callable
from typing import Any

from cornu.backends.tensorflow.startup import tf
from cornu.errors import BackendError


def cholesky(x: tf.Tensor) -> tf.Tensor:
    return tf.linalg.band_part(tf.linalg.cholesky(x), -1, 0)  # if it fails, the other triangle has arbitrary values


def qr(x: tf.Tensor, complete: bool = False) -> tuple[tf.Tensor, tf.Tensor]:
    q, r = tf.linalg.qr(x, full_matrices=complete)
    return q, r


def svd(x: tf.Tensor, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    if not compute_uv:
        return tf.linalg.svd(x, compute_uv=False)
    s, u, v = tf.linalg.svd(x, full_matrices=full_matrices)
    return u, s, tf.linalg.adjoint(v)


def _of_finite(decompose: Callable, x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return eigenvalues and eigenvectors, NaN for matrices with elements that are not finite, for which TensorFlow raises."""
    is_finite = tf.reduce_all(tf.math.is_finite(tf.abs(x)), axis=(-2, -1))[..., None]
    values, vectors = decompose(tf.where(is_finite[..., None], x, tf.zeros_like(x)))
    nan = tf.cast(math.nan, values.dtype)
    return tf.where(is_finite, values, nan), tf.where(is_finite[..., None], vectors, tf.cast(nan, vectors.dtype))


def eigh(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    values, vectors = _of_finite(tf.linalg.eigh, x)
    return values if not x.dtype.is_complex else tf.math.real(values), vectors


def eig(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    values, vectors = _of_finite(tf.linalg.eig, x)
    return values, vectors


def lu(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    if x.shape[-1] != x.shape[-2]:
        raise BackendError(
            f"The LU decomposition of an array of shape {tuple(x.shape)} was requested on the TensorFlow backend.",
            "TensorFlow factorizes square matrices only.",
            "Use the QR decomposition, or another backend.",
        )
    both, permutation = _factored(x)
    pivots = _pivots(tf.reshape(permutation, (-1, tf.shape(x)[-1])))
    return both, tf.ensure_shape(tf.reshape(pivots, tf.shape(permutation)), permutation.shape)


@tf.custom_gradient
def _factored(x: tf.Tensor) -> Any:
    """Return the factors and the permutation of the rows, with a gradient, which TensorFlow lacks (see the NumPy backend)."""
    both, permutation = tf.linalg.lu(x)

    def gradient(g: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
        upper = tf.linalg.band_part(both, 0, -1)
        lower = tf.linalg.set_diag(both - upper, tf.ones_like(both[..., 0]))
        of_lower = tf.matmul(lower, g - tf.linalg.band_part(g, 0, -1), adjoint_a=True)
        of_upper = tf.matmul(tf.linalg.band_part(g, 0, -1), upper, adjoint_b=True)
        middle = of_lower - tf.linalg.band_part(of_lower, 0, -1) + tf.linalg.band_part(of_upper, 0, -1)
        right = tf.linalg.adjoint(tf.linalg.triangular_solve(upper, tf.linalg.adjoint(middle), lower=False))
        share = tf.linalg.triangular_solve(lower, right, adjoint=True)
        return tf.gather(share, tf.argsort(permutation), axis=-2, batch_dims=len(x.shape) - 2)

    return (both, permutation), gradient


@tf.function(input_signature=[tf.TensorSpec((None, None), tf.int32)])  # the loop is slow if it is not in a graph
def _pivots(permutations: tf.Tensor) -> tf.Tensor:
    """Return the exchanges of rows, one after the other, that lead to each of several permutations of the rows."""
    places = tf.range(tf.shape(permutations)[-1])

    def exchange(state: tuple[tf.Tensor, tf.Tensor], row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        order, _ = state
        wanted = tf.gather(permutations, [row], axis=-1)
        is_pivot = tf.equal(order, wanted)
        order = tf.where(is_pivot, tf.gather(order, [row], axis=-1), order)
        return tf.where(tf.equal(places, row), wanted, order), tf.argmax(is_pivot, -1, "int32")

    start = tf.broadcast_to(places, tf.shape(permutations)), tf.zeros_like(permutations[:, 0])
    _, pivots = tf.scan(exchange, places, start)
    return tf.transpose(pivots)


def solve(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    return tf.linalg.solve(a, b)


def solve_triangular(a: tf.Tensor, b: tf.Tensor, lower: bool = False) -> tf.Tensor:
    return tf.linalg.triangular_solve(a, b, lower=lower)


def slogdet(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    sign, logarithm = tf.linalg.slogdet(x)
    return sign, tf.math.real(logarithm) if x.dtype.is_complex else logarithm
