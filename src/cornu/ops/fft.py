"""Fourier transforms. Complex numbers are given and returned as two arrays of floats, the real and the imaginary parts."""

import math
from collections.abc import Sequence

import numpy as np

from cornu.backends.contract import Backend
from cornu.dtypes import sum_dtype
from cornu.errors import InvalidTypeError
from cornu.ops.batch_coupling import of_rank, pair_of_rank
from cornu.ops.dispatch import arrays, as_array, floats, op
from cornu.ops.nn.windows import check_fits, output_size, windows_along
from cornu.ops.shape_checks import check_real, check_same_shape, shape_error
from cornu.typing import Array, ArrayLike
from cornu.validation import check_int, check_option, invalid_together, result_type

__all__ = ["extract_sequences", "fft", "fft2", "ifft2", "irfft", "istft", "rfft", "stft"]

Pair = tuple[Array, Array]
"""Real and imaginary parts of one shape."""


def _parts(name: str, x: Sequence[ArrayLike], rank: int = 1) -> tuple[Backend, str, Pair]:
    """Return the backend, the dtype of the result, and the two parts in the dtype in which they are computed."""
    if not isinstance(x, (list, tuple)) or len(x) != 2:
        raise InvalidTypeError(
            f"`{name}` received an argument `x` of type {type(x).__name__}.",
            "It must be a tuple of two arrays, the real and the imaginary parts.",
            "Pass `(x, ops.zeros_like(x))` for real numbers.",
        )
    backend, first, second = floats(*x)
    check_same_shape(name, "x[0]", tuple(first.shape), "x[1]", tuple(second.shape))
    _check_signal(name, backend, first, rank)
    dtype = result_type(backend.dtype(first), backend.dtype(second))
    return backend, dtype, (backend.cast(first, sum_dtype(dtype)), backend.cast(second, sum_dtype(dtype)))


def _check_signal(name: str, backend: Backend, x: Array, rank: int) -> None:
    if len(x.shape) < rank or 0 in x.shape[len(x.shape) - rank :]:
        expected = f"It must have at least {rank} {'axis' if rank == 1 else 'axes'}, and elements along the last {rank}."
        raise shape_error(name, x.shape, expected, "Check how it was computed.")
    check_real(name, backend.dtype(x))


def _cast(backend: Backend, pair: Pair, dtype: str) -> Pair:
    return backend.cast(pair[0], dtype), backend.cast(pair[1], dtype)


def _last_axis(backend: Backend, x: Array, size: int) -> Array:
    """Return an array whose last axis is cut, or extended by zeros, to a size."""
    missing = size - x.shape[-1]
    if missing > 0:
        return backend.pad(x, ((0, 0),) * (len(x.shape) - 1) + ((0, missing),))
    return backend.getitem(x, (..., slice(size))) if missing < 0 else x


@op(batch_coupling=pair_of_rank(2), keras_path="math.FFT")
def fft(x: tuple[ArrayLike, ArrayLike]) -> Pair:
    """Return the discrete Fourier transform along the last axis.

    ``y[k] = sum over n of x[n] * exp(-2 pi i k n / N)``.

    Args:
        x: Tuple of two array-likes of the same shape, the real and the imaginary parts.

    Returns:
        Tuple of two arrays of that shape, the real and the imaginary parts.

    Raises:
        InvalidTypeError: If ``x`` is not a pair of real arrays.
        ShapeError: If the two shapes differ.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.fft(([1.0, 2.0], [0.0, 1.0]))]
        [[3.0, -1.0], [1.0, -1.0]]
    """
    backend, dtype, parts = _parts("fft", x)
    return _cast(backend, backend.fft(*parts), dtype)


@op(batch_coupling=pair_of_rank(3), keras_path="math.FFT2")
def fft2(x: tuple[ArrayLike, ArrayLike]) -> Pair:
    """Return the two-dimensional discrete Fourier transform over the last two axes (see :func:`fft` for the arguments).

    Example:
        >>> from cornu import ops
        >>> real, imag = ops.fft2(([[1.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]))
        >>> real.tolist(), imag.tolist()
        ([[6.0, 0.0], [0.0, -2.0]], [[2.0, 0.0], [0.0, -2.0]])
    """
    return _fft2("fft2", x, False)


@op(batch_coupling=pair_of_rank(3), keras_path="math.IFFT2")
def ifft2(x: tuple[ArrayLike, ArrayLike]) -> Pair:
    """Return the inverse of :func:`fft2`.

    Example:
        >>> from cornu import ops
        >>> real, imag = ops.ifft2(([[4.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]))
        >>> real.tolist()
        [[1.0, 1.0], [1.0, 1.0]]
    """
    return _fft2("ifft2", x, True)


def _fft2(name: str, x: tuple[ArrayLike, ArrayLike], inverse: bool) -> Pair:
    backend, dtype, (first, second) = _parts(name, x, 2)
    rank = len(first.shape)
    exchange = (*range(rank - 2), rank - 1, rank - 2)
    for _ in range(2):
        first, second = (backend.transpose(part, exchange) for part in backend.fft(first, second, inverse))
    return _cast(backend, (first, second), dtype)


@op(batch_coupling=of_rank(2), keras_path="math.RFFT")
def rfft(x: ArrayLike, fft_length: int | None = None) -> Pair:
    """Return the first half of the discrete Fourier transform of real numbers along the last axis.

    The other half consists of the conjugates: ``y[N - k] = conj(y[k])``.

    Args:
        x: Array-like of shape ``(..., n)``.
        fft_length: Integer ``N``, to which the last axis is cut or extended by zeros. Defaults to ``n``.

    Returns:
        Tuple of two arrays of shape ``(..., N // 2 + 1)``, the real and the imaginary parts.

    Raises:
        InvalidArgumentError: If ``fft_length`` is not a positive integer.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.rfft([1.0, 2.0, 3.0, 4.0])]
        [[10.0, -2.0, -2.0], [0.0, 2.0, 0.0]]
    """
    backend, x = floats(x)
    _check_signal("rfft", backend, x, 1)
    size = x.shape[-1] if fft_length is None else check_int("rfft", "fft_length", fft_length)
    dtype = backend.dtype(x)
    return _cast(backend, backend.rfft(_last_axis(backend, backend.cast(x, sum_dtype(dtype)), size)), dtype)


@op(batch_coupling=pair_of_rank(2), keras_path="math.IRFFT")
def irfft(x: tuple[ArrayLike, ArrayLike], fft_length: int | None = None) -> Array:
    """Return the inverse of :func:`rfft`.

    Args:
        x: Tuple of two array-likes of shape ``(..., m)``, the real and the imaginary parts. The first imaginary part, and
            that at ``N / 2`` if ``N`` is even, are ignored.
        fft_length: Integer ``N``, the size of the last axis of the result. Defaults to ``2 * (m - 1)``; an odd size must be
            passed.

    Returns:
        Array of shape ``(..., N)``.

    Raises:
        InvalidArgumentError: If ``fft_length`` is not a positive integer.
        InvalidTypeError: If ``x`` is not a pair of real arrays.
        ShapeError: If the two shapes differ.

    Example:
        >>> from cornu import ops
        >>> ops.irfft(([10.0, -2.0, -2.0], [0.0, 2.0, 0.0])).tolist()
        [1.0, 2.0, 3.0, 4.0]
    """
    backend, dtype, parts = _parts("irfft", x)
    size = check_int("irfft", "fft_length", 2 * (parts[0].shape[-1] - 1) if fft_length is None else fft_length)
    return backend.cast(_irfft(backend, parts, size), dtype)


def _irfft(backend: Backend, parts: Pair, size: int) -> Array:
    first, second = (_last_axis(backend, part, size // 2 + 1) for part in parts)
    return backend.irfft(first, second, size)


# --- Short-time transforms --------------------------------------------------------------------------------------------


@op(batch_coupling=of_rank(2), keras_path="math.ExtractSequences")
def extract_sequences(x: ArrayLike, sequence_length: int, sequence_stride: int) -> Array:
    """Return the windows of the last axis, which is replaced by two axes.

    Args:
        x: Array-like of shape ``(..., n)``.
        sequence_length: Integer, size of a window.
        sequence_stride: Integer, step of the window.

    Returns:
        Array of shape ``(..., 1 + (n - sequence_length) // sequence_stride, sequence_length)``.

    Raises:
        InvalidArgumentError: If an argument is not a positive integer.
        ShapeError: If the window is larger than the axis.

    Example:
        >>> from cornu import ops
        >>> ops.extract_sequences([1, 2, 3, 4, 5, 6], 3, 2).tolist()
        [[1, 2, 3], [3, 4, 5]]
    """
    length = check_int("extract_sequences", "sequence_length", sequence_length)
    stride = check_int("extract_sequences", "sequence_stride", sequence_stride)
    backend, x = arrays(x)
    size = x.shape[-1] if len(x.shape) else 0
    check_fits("extract_sequences", (size,), (output_size(size, length, stride),), (length,), "sequence_length")
    return windows_along(backend, x, len(x.shape) - 1, length, stride, 1)


@op(batch_coupling=of_rank(2), keras_path="math.STFT")
def stft(
    x: ArrayLike,
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    window: str | ArrayLike | None = "hann",
    center: bool = True,
) -> Pair:
    """Return the short-time Fourier transform: the transforms of windows that are moved along the last axis.

    Args:
        x: Array-like of shape ``(..., n)``.
        sequence_length: Integer, size of the window.
        sequence_stride: Integer, step of the window.
        fft_length: Integer ``N``, size of the transforms, at least ``sequence_length``: the window has zeros on both sides.
        window: ``"hann"`` or ``"hamming"`` (periodic), an array-like of shape ``(sequence_length,)``, or None for ``N`` ones.
            Defaults to ``"hann"``.
        center: Whether ``x`` is extended on both sides by ``N // 2`` of its own values (mode ``"reflect"`` of ``pad``), so that
            sequence ``t`` is centered at ``t * sequence_stride``. Defaults to True.

    Returns:
        Tuple of two arrays of shape ``(..., sequences, N // 2 + 1)``, the real and the imaginary parts.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, or the window is unknown.
        ShapeError: If the window has another size, or ``x`` is shorter than one transform.

    Example:
        >>> from cornu import ops
        >>> real, imag = ops.stft([1.0, 1.0, 1.0, 1.0], 2, 2, 2, window=None, center=False)
        >>> real.tolist()
        [[2.0, 0.0], [2.0, 0.0]]
    """
    stride = _checked_sizes("stft", sequence_length, sequence_stride, fft_length)
    backend, x = floats(x)
    _check_signal("stft", backend, x, 1)
    dtype, axis = backend.dtype(x), len(x.shape) - 1
    signal = backend.cast(x, sum_dtype(dtype))
    weights = _window(backend, "stft", window, sequence_length, fft_length, sum_dtype(dtype))
    if center:
        side = fft_length // 2
        signal = backend.pad(signal, ((0, 0),) * axis + ((side, side),), "reflect")
    if signal.shape[-1] < fft_length:
        expected = "The last axis must not be shorter than one transform."
        hint = "Pass a smaller `fft_length`, `center=True`, or more values."
        raise shape_error("stft", x.shape, expected, hint, fft_length=fft_length)
    sequences = windows_along(backend, signal, axis, fft_length, stride, 1)
    return _cast(backend, backend.rfft(backend.multiply(sequences, weights)), dtype)


@op(batch_coupling=pair_of_rank(3), keras_path="math.ISTFT")
def istft(
    x: tuple[ArrayLike, ArrayLike],
    sequence_length: int,
    sequence_stride: int,
    fft_length: int,
    length: int | None = None,
    window: str | ArrayLike | None = "hann",
    center: bool = True,
) -> Array:
    """Return the inverse of :func:`stft`, with the same arguments.

    The sequences are multiplied by the window and added, and the sum is divided by that of the squared windows: D. Griffin and
    J. Lim, "Signal estimation from modified short-time Fourier transform", 1984.

    Args:
        x: Tuple of two array-likes of shape ``(..., sequences, N // 2 + 1)``, the real and the imaginary parts.
        sequence_length, sequence_stride, fft_length, window, center: See :func:`stft`.
        length: Integer, at most so many values are returned. Defaults to None, for all of them.

    Returns:
        Array of shape ``(..., n)``.

    Raises:
        InvalidArgumentError: If a size is not a positive integer, or the window is unknown.
        InvalidTypeError: If ``x`` is not a pair of real arrays.
        ShapeError: If the window has another size, or the two shapes differ.

    Example:
        >>> from cornu import ops
        >>> x = ops.stft([1.0, 2.0, 3.0, 4.0], 2, 1, 2)
        >>> [round(value, 4) for value in ops.istft(x, 2, 1, 2).tolist()]
        [1.0, 2.0, 3.0, 4.0]
    """
    stride = _checked_sizes("istft", sequence_length, sequence_stride, fft_length)
    backend, dtype, parts = _parts("istft", x, 2)
    weights = _window(backend, "istft", window, sequence_length, fft_length, sum_dtype(dtype))
    sequences = backend.multiply(_irfft(backend, parts, fft_length), weights)
    count, rank = sequences.shape[-2], len(sequences.shape)
    places = (stride * np.arange(count)[:, None] + np.arange(fft_length)).reshape(-1).astype("int32")
    total = fft_length + stride * (count - 1)
    batch = backend.shape(sequences)[:-2]

    def added(rows: Array) -> Array:
        """Add the values at the same places; ``rows`` has one for each of them along its first axis."""
        zeros = backend.full((total, *rows.shape[1:]), 0.0, backend.dtype(rows))
        return backend.index_add(zeros, backend.asarray(places), rows)

    rows = backend.reshape(backend.transpose(sequences, (rank - 2, rank - 1, *range(rank - 2))), (count * fft_length, *batch))
    squares = added(backend.reshape(backend.broadcast_to(backend.square(weights), (count, fft_length)), (-1,)))
    sums = backend.transpose(added(rows), (*range(1, rank - 1), 0))
    found = backend.divide(sums, backend.where(backend.greater(squares, 1e-10), squares, 1.0))
    start = fft_length // 2 if center else 0
    stop = total - start if length is None else start + check_int("istft", "length", length)
    return backend.cast(backend.getitem(found, (..., slice(start, stop))), dtype)


def _checked_sizes(name: str, sequence_length: int, sequence_stride: int, fft_length: int) -> int:
    """Check the sizes of a short-time transform, and return the step."""
    length = check_int(name, "sequence_length", sequence_length)
    if check_int(name, "fft_length", fft_length) < length:
        given = {"fft_length": fft_length, "sequence_length": sequence_length}
        expected = "`fft_length` must be equal to `sequence_length` or greater."
        raise invalid_together(name, given, expected, "Pass, for example, the next power of 2.")
    return check_int(name, "sequence_stride", sequence_stride)


_COSINES = {"hann": 0.5, "hamming": 0.54}
"""The constant ``c`` of the windows ``c - (1 - c) * cos(2 pi k / n)``."""


def _window(backend: Backend, name: str, window: str | ArrayLike | None, length: int, size: int, dtype: str) -> Array:
    """Return the window with zeros on both sides."""
    if window is None:
        return backend.full((size,), 1.0, dtype)
    if isinstance(window, str):
        check_option("window", window, tuple(_COSINES))
        constant = _COSINES[window]
        values = constant - (1 - constant) * np.cos(2 * math.pi * np.arange(length) / length)
        weights = backend.asarray(values if length > 1 else np.ones(1), dtype)
    else:
        weights = backend.cast(as_array(backend, window), dtype)
    if tuple(weights.shape) != (length,):
        expected = "It must have one value for each element of a sequence."
        hint = f"Pass a window of shape ({length},)."
        raise shape_error(name, weights.shape, expected, hint, "window", sequence_length=length)
    before = (size - length) // 2
    return backend.pad(weights, ((before, size - length - before),))
