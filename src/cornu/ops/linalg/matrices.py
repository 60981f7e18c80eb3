"""What the ops on matrices share: checks of their arguments, and small functions of matrices."""

import numpy as np

from cornu.backends import common
from cornu.backends.contract import Backend
from cornu.dtypes import is_complex
from cornu.ops.dispatch import floats
from cornu.ops.shape_checks import shape_error
from cornu.typing import Array, ArrayLike


def as_matrices(name: str, x: ArrayLike, square: bool = False) -> tuple[Backend, Array]:
    """Return the backend and an array of matrices of floats or complex numbers, in the last two axes.

    Raises:
        ShapeError: If there are fewer than two axes, or ``square`` is true and the matrices are not square.
    """
    backend, x = floats(x)
    shape = tuple(x.shape)
    if len(shape) < 2 or (square and shape[-1] != shape[-2]):
        expected = f"It must contain {'square ' if square else ''}matrices in its last two axes."
        raise shape_error(name, shape, expected, "Reshape it, or check how it was computed.")
    return backend, x


def transposed(backend: Backend, x: Array) -> Array:
    """Return the array with its last two axes exchanged."""
    rank = len(x.shape)
    return backend.transpose(x, (*range(rank - 2), rank - 1, rank - 2))


def adjoint(backend: Backend, x: Array) -> Array:
    """Return the conjugate transpose of each matrix."""
    x = transposed(backend, x)
    if not is_complex(backend.dtype(x)):
        return x
    real, imag = backend.complex_parts(x)
    return backend.complex(real, backend.negative(imag))


def hermitian(backend: Backend, x: Array) -> Array:
    """Return the Hermitian part ``(x + x^H) / 2``, so that the result and the gradient depend on both triangles alike."""
    return backend.multiply(backend.add(x, adjoint(backend, x)), 0.5)


def identity_like(backend: Backend, x: Array) -> Array:
    """Return one identity matrix of the size and dtype of square matrices."""
    row = backend.arange(0, backend.shape(x)[-1], 1, "int32")
    return backend.cast(backend.equal(backend.reshape(row, (-1, 1)), row), backend.dtype(x))


def diagonal_of(backend: Backend, x: Array) -> Array:
    """Return the main diagonal of square matrices, in the last axis."""
    return backend.sum(backend.multiply(x, identity_like(backend, x)), -1)


def machine_epsilon(backend: Backend, x: Array) -> float:
    """Return the difference between 1 and the next number, in the dtype of an array of floats or complex numbers."""
    return float(np.finfo(backend.dtype(x)).eps)


def has_values(backend: Backend, x: Array) -> bool:
    """Return whether the values of an array can be checked: not while a function is traced or shapes are inferred."""
    return not (backend.is_traced(x) or common.without_values.get())
