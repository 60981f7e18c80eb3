"""Matrix decompositions, Fourier transforms, complex numbers and bits for the ONNX backend.

ONNX has operators for determinants and Fourier transforms. What it lacks raises an error if it depends on the inputs of the
model.
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
def solve(a: OnnxArray, b: OnnxArray) -> OnnxArray:
    raise _no_decomposition("solve")


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


def _transformed(parts: list[OnnxArray], **attributes: int) -> list[OnnxArray]:
    """Add a Fourier transform along the last axis; return the real and the imaginary parts."""
    rank = parts[0].ndim
    shape = parts[0].shape if rank > 1 else (1, *parts[0].shape)  # the operator requires an axis of batches
    joined = PRIMITIVES["concatenate"]([PRIMITIVES["reshape"](part, (*shape, 1)) for part in parts], -1)
    attributes |= {"axis": len(shape) - 1}
    name = current().emit("DFT", [current().plain(joined)], 1, attributes, len(shape) + 1)[0]
    size = shape[-1] // 2 + 1 if attributes.get("onesided") else shape[-1]
    found = OnnxArray((*shape[:-1], size, 2), joined.dtype.name, name)
    halves = [PRIMITIVES["getitem"](found, (..., part)) for part in (0, 1)]
    return halves if rank > 1 else [PRIMITIVES["reshape"](part, (size,)) for part in halves]


@primitive
def fft(real: OnnxArray, imag: OnnxArray, inverse: bool = False) -> tuple[OnnxArray, OnnxArray]:
    first, second = _transformed([real, imag], inverse=int(inverse))
    return first, second


@primitive
def rfft(x: OnnxArray) -> tuple[OnnxArray, OnnxArray]:
    first, second = _transformed([x], onesided=1)
    return first, second


@primitive
def irfft(real: OnnxArray, imag: OnnxArray, size: int) -> OnnxArray:
    mirrored = (..., slice(1, (size - 1) // 2 + 1))
    parts = []
    for part, tail in ((real, real[mirrored]), (imag, -imag[mirrored])):
        parts.append(PRIMITIVES["concatenate"]([part, PRIMITIVES["flip"](tail, -1)], -1))
    return _transformed(parts, inverse=1)[0]


def _of_bits(name: str, op: str, x: OnnxArray, y: OnnxArray) -> OnnxArray:
    if x.dtype == bool:
        return elementwise(op, x, y, dtype="bool")
    raise _no_bits(name)


def _no_bits(name: str) -> BackendError:
    return refused(name, "The version of ONNX that is written has no operators for bits.", _OUTSIDE)


@primitive
def bitwise_and(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    return _of_bits("bitwise_and", "And", x, y)


@primitive
def bitwise_or(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    return _of_bits("bitwise_or", "Or", x, y)


@primitive
def bitwise_xor(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    return _of_bits("bitwise_xor", "Xor", x, y)


@primitive
def left_shift(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    raise _no_bits("left_shift")


@primitive
def right_shift(x: OnnxArray, y: OnnxArray) -> OnnxArray:
    raise _no_bits("right_shift")


@primitive
def bitcast(x: OnnxArray, dtype: str) -> OnnxArray:
    raise _no_bits("bitcast")
