"""Determinants, Fourier transforms, and functions of bits for the ONNX backend, which has the last ones for booleans only."""

from functools import partial

from cornu.backends.onnx.graph_builder import PRIMITIVES, OnnxArray, current
from cornu.backends.onnx.operands import elementwise
from cornu.backends.onnx.primitive import primitive, refused

OUTSIDE = "Compute it outside the model, and pass the result as an input."
NO_BITS = "The version of ONNX that is written has no operators for bits.", OUTSIDE


@primitive
def slogdet(x: OnnxArray) -> tuple[OnnxArray, OnnxArray]:
    name = current().emit("Det", [current().plain(x)], rank=x.ndim - 2)[0]
    determinant = OnnxArray(x.shape[:-2], x.dtype.name, name)
    return PRIMITIVES["sign"](determinant), PRIMITIVES["log"](PRIMITIVES["abs"](determinant))


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
    raise refused(name, *NO_BITS)


bitwise_and = primitive(partial(_of_bits, "bitwise_and", "And"), "bitwise_and")
bitwise_or = primitive(partial(_of_bits, "bitwise_or", "Or"), "bitwise_or")
bitwise_xor = primitive(partial(_of_bits, "bitwise_xor", "Xor"), "bitwise_xor")
