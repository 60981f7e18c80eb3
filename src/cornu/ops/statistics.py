"""Correlations, histograms and integrals of samples."""

import math
from builtins import range as range_  # Keras uses the name for an argument

from cornu.ops import reductions
from cornu.ops.batch_coupling import along_axis
from cornu.ops.creation import linspace
from cornu.ops.dispatch import computed_in_float32, floats, op
from cornu.ops.segments import segment_sum
from cornu.ops.shape_checks import check_axis, check_same_shape, shape_error, shapes_error
from cornu.ops.sorting import searchsorted
from cornu.typing import Array, ArrayLike
from cornu.validation import check_int, check_option, invalid_value

__all__ = ["corrcoef", "correlate", "histogram", "psnr", "trapezoid"]


@op(keras_path="numpy.Corrcoef")
@computed_in_float32
def corrcoef(x: ArrayLike) -> Array:
    """Return the correlation coefficients of the rows of a matrix (Pearson).

    ``result[i, j] = cov(x[i], x[j]) / sqrt(var(x[i]) * var(x[j]))``.

    Args:
        x: Array-like of shape ``(variables, samples)``, or ``(samples,)``.

    Returns:
        Array of shape ``(variables, variables)``, or a scalar.

    Raises:
        ShapeError: If the array has more than two axes.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.corrcoef([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0]]), 2).tolist()
        [[1.0, -0.5], [-0.5, 1.0]]
    """
    backend, x = floats(x)
    rank = len(x.shape)
    if rank not in (1, 2):
        expected = "It must have one row of samples for each variable."
        raise shape_error("corrcoef", x.shape, expected, "Reshape it to `(variables, samples)`.")
    rows = backend.reshape(x, (1, -1)) if rank == 1 else x
    centered = backend.subtract(rows, backend.mean(rows, -1, True))
    scaled = backend.divide(centered, backend.sqrt(backend.sum(backend.square(centered), -1, True)))
    result = backend.minimum(backend.maximum(backend.matmul(scaled, backend.transpose(scaled, (1, 0))), -1.0), 1.0)
    return backend.reshape(result, ()) if rank == 1 else result


@op(keras_path="numpy.Correlate")
def correlate(x1: ArrayLike, x2: ArrayLike, mode: str = "valid") -> Array:
    """Return the cross-correlation of two sequences, ``result[k] = sum over n of x1[n + k] * x2[n]``.

    Args:
        x1: Array-like of shape ``(n,)``.
        x2: Array-like of shape ``(m,)``.
        mode: ``"valid"`` (only where the shorter sequence lies inside the longer one), ``"same"`` (as many values as the longer
            sequence has, around the center) or ``"full"`` (all shifts with an overlap, ``n + m - 1``). Defaults to ``"valid"``.

    Raises:
        InvalidArgumentError: If the mode is unknown.
        ShapeError: If the sequences have other than one axis, or no elements.

    Example:
        >>> from cornu import ops
        >>> ops.correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5], "full").tolist()
        [0.5, 2.0, 3.5, 3.0, 0.0]
    """
    check_option("mode", mode, ("valid", "same", "full"))
    backend, x1, x2 = floats(x1, x2)
    if len(x1.shape) != 1 or len(x2.shape) != 1 or not (x1.shape[0] and x2.shape[0]):
        expected = "Both must be sequences of at least one element, of shapes `(n,)` and `(m,)`."
        hint = "Call it once for each pair of sequences."
        raise shapes_error("correlate", {"x1": x1.shape, "x2": x2.shape}, expected, hint)
    if x1.shape[0] < x2.shape[0]:  # the roles are exchanged, and the shifts reversed
        return backend.flip(correlate(x2, x1, mode), 0)
    size = x2.shape[0]
    before, after = {"valid": (0, 0), "same": (size // 2, size - 1 - size // 2), "full": (size - 1, size - 1)}[mode]
    signal = backend.reshape(backend.pad(x1, ((before, after),)), (1, -1, 1))
    return backend.reshape(backend.conv(signal, backend.reshape(x2, (-1, 1, 1)), (1,), ((0, 0),), (1,)), (-1,))


@op(keras_path="numpy.Histogram")
def histogram(x: ArrayLike, bins: int = 10, range: tuple[float, float] | None = None) -> tuple[Array, Array]:
    """Count the elements of an array in bins of equal width.

    Args:
        x: Array-like.
        bins: Integer, number of bins. Defaults to 10.
        range: Pair of the lower end of the first bin and the upper end of the last one; elements outside are ignored. Defaults
            to None (the minimum and the maximum of ``x``; if they are equal, half a unit below and above).

    Returns:
        Tuple ``(counts, edges)`` of arrays of floats, of shapes ``(bins,)`` and ``(bins + 1,)``. A bin contains its lower edge;
        the last one contains its upper edge as well.

    Raises:
        InvalidArgumentError: If ``bins`` is not a positive integer, the range is empty, or it is missing and
            the array has no elements.

    Example:
        >>> from cornu import ops
        >>> [part.tolist() for part in ops.histogram([1.0, 2.0, 1.0, 4.0], bins=3)]
        [[2.0, 1.0, 1.0], [1.0, 2.0, 3.0, 4.0]]
    """
    count = check_int("histogram", "bins", bins)
    backend, x = floats(x)
    values = backend.reshape(x, (-1,))
    if range is None:
        low, high = reductions.min(values), reductions.max(values)
        flat = backend.equal(low, high)
        low, high = backend.where(flat, low - 0.5, low), backend.where(flat, high + 0.5, high)
    else:
        low, high = (backend.asarray(float(end), backend.dtype(x)) for end in _checked_range(range))
    edges = linspace(low, high, count + 1)
    is_inside = backend.logical_and(backend.greater_equal(values, low), backend.less_equal(values, high))
    places = backend.minimum(backend.subtract(searchsorted(edges, values, "right"), 1), count - 1)
    counts = segment_sum(backend.cast(is_inside, "int32"), backend.where(is_inside, places, 0), count)
    return backend.cast(counts, backend.dtype(x)), edges


def _checked_range(range: tuple[float, float]) -> tuple[float, float]:
    """Return the ends of a range; raise ``InvalidArgumentError`` unless the first is smaller."""
    try:
        low, high = (float(end) for end in range)
    except (TypeError, ValueError):
        low = high = math.nan
    if not low < high:
        raise invalid_value("histogram", "range", range, "a pair of numbers, the smaller one first", (0, 1))
    return low, high


@op(batch_coupling=along_axis("y"), keras_path="numpy.Trapezoid")
def trapezoid(y: ArrayLike, x: ArrayLike | None = None, dx: float = 1.0, axis: int = -1) -> Array:
    """Integrate along an axis by the trapezoidal rule, ``sum over i of (y[i] + y[i + 1]) / 2 * (x[i + 1] - x[i])``.

    Args:
        y: Array-like, the values of the function.
        x: Array-like of the points, of shape ``(n,)`` or of the shape of ``y``. Defaults to None (points at a distance ``dx``).
        dx: Float, the distance of the points if ``x`` is None. Defaults to 1.0.
        axis: Integer, the axis along which to integrate. Defaults to -1.

    Example:
        >>> from cornu import ops
        >>> ops.trapezoid([1.0, 2.0, 3.0]).tolist()
        4.0
    """
    backend, y = floats(y)
    place = check_axis(axis, y.shape)

    def parts(values: Array, along: int) -> tuple[Array, Array]:
        before = (slice(None),) * along
        return backend.getitem(values, (*before, slice(1, None))), backend.getitem(values, (*before, slice(None, -1)))

    means = backend.multiply(backend.add(*parts(y, place)), 0.5)
    if x is None:
        return backend.sum(backend.multiply(means, dx), place)
    _, y, x = floats(y, x)
    steps = backend.subtract(*parts(x, 0 if len(x.shape) == 1 else place))
    if len(x.shape) == 1:
        steps = backend.reshape(steps, tuple(-1 if i == place else 1 for i in range_(len(y.shape))))
    return backend.sum(backend.multiply(means, steps), place)


@op(keras_path="nn.PSNR")
def psnr(x1: ArrayLike, x2: ArrayLike, max_val: float) -> Array:
    """Return the peak signal-to-noise ratio of two signals in decibels.

    ``20 * log10(max_val) - 10 * log10(mean((x1 - x2)**2))``.

    Args:
        x1: Array-like.
        x2: Array-like of the same shape.
        max_val: Float, the largest possible value.

    Returns:
        Scalar; infinity for equal signals.

    Raises:
        ShapeError: If the shapes differ.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.psnr([1.0, 1.0], [0.0, 0.0], 2.0)):.4f}"
        '6.0206'
    """
    backend, x1, x2 = floats(x1, x2)
    check_same_shape("psnr", "x1", tuple(x1.shape), "x2", tuple(x2.shape))
    error = backend.mean(backend.square(backend.subtract(x1, x2)))
    return backend.subtract(20 * math.log10(max_val), backend.multiply(backend.log(error), 10 / math.log(10)))
