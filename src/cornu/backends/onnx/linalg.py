"""Matrix decompositions, Fourier transforms, complex numbers and bits for the ONNX backend.

ONNX has operators for determinants and Fourier transforms. What it lacks raises an error if it depends on the inputs of the model.
"""

from typing import Any

from cornu.backends.onnx.graph_builder import PRIMITIVES, OnnxArray, current
from cornu.backends.onnx.operands import elementwise
from cornu.backends.onnx.primitive import primitive, refused
from cornu.errors import BackendError

_OUTSIDE = "Compute it outside the model, and pass the result as an input."


def _no_decomposition(name: str) -> BackendError:
    return refused(name, "ONNX has no operators for matrix decompositions.", _OUTSIDE)


def _no_complex_numbers(name: str) -> BackendError:
    return refused(name, "ONNX does not compute with complex numbers.", "Use two arrays, for the real and imaginary parts.")


@primitive
def cholesky(x: OnnxArray) -> OnnxArray:
    raise _no_decomposition("cholesky")


@primitive
def qr(x: OnnxArray, complete: bool = False) -> tuple[OnnxArray, OnnxArray]:
    raise _no_decomposition("qr")


@primitive
def svd(x: OnnxArray, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    raise _no_decomposition("svd")


@primitive
def eigh(x: OnnxArray) -> tuple[OnnxArray, OnnxArray]:
    raise _no_decomposition("eigh")


@primitive
def eig(x: OnnxArray) -> tuple[OnnxArray, OnnxArray]:
    raise _no_decomposition("eig")


@primitive
def lu(x: OnnxArray) -> tuple[OnnxArray, OnnxArray]:
    raise _no_decomposition("lu")


@primitive
def solve_triangular(a: OnnxArray, b: OnnxArray, lower: bool = False) -> OnnxArray:
    raise _no_decomposition("solve_triangular")


@primitive
def slogdet(x: OnnxArray) -> tuple[OnnxArray, OnnxArray]:
    name = current().emit("Det", [current().plain(x)], rank=x.ndim - 2)[0]
    determinant = OnnxArray(x.shape[:-2], x.dtype.name, name)
    return PRIMITIVES["sign"](determinant), PRIMITIVES["log"](PRIMITIVES["abs"](determinant))


@primitive
def complex(real: OnnxArray, imag: OnnxArray) -> OnnxArray:
    raise _no_complex_numbers("complex")


@primitive
def complex_parts(x: OnnxArray) -> tuple[OnnxArray, OnnxArray]:
    raise _no_complex_numbers("complex_parts")


@primitive
def fft(real: OnnxArray, imag: OnnxArray, inverse: bool = False) -> tuple[OnnxArray, OnnxArray]:
    shape = real.shape if real.ndim > 1 else (1, *real.shape)
    pairs = PRIMITIVES["concatenate"]([PRIMITIVES["reshape"](part, (*shape, 1)) for part in (real, imag)], -1)
    attributes = {"axis": len(shape) - 1, "inverse": int(inverse)}
    name = current().emit("DFT", [current().plain(pairs)], 1, attributes, len(shape) + 1)[0]
    found = OnnxArray(pairs.shape, pairs.dtype.name, name)
    first, second = (PRIMITIVES["reshape"](PRIMITIVES["getitem"](found, (..., part)), real.shape) for part in (0, 1))
    return first, second


@primitive
def bitwise_and(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    if x.dtype == bool:
        return elementwise("And", x, y, dtype="bool")
    raise refused("bitwise_and", "The version of ONNX that is written has no operators for bits.", _OUTSIDE)


@primitive
def bitcast(x: OnnxArray, dtype: str) -> OnnxArray:
    raise refused("bitcast", "The version of ONNX that is written has no operators for bits.", _OUTSIDE)
