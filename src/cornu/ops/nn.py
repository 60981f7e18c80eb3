"""What networks are made of: activation functions, normalization, one-hot vectors, cross-entropies and attention."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import config
from cornu.backends import shortcuts
from cornu.backends.contract import Array
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops.batch_coupling import aligned, along_axis, multi_hot_alone, of_classes
from cornu.ops.checks import check_axes, check_axis, check_same_shape, check_sizes
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.dtypes import HALVES, LARGEST, standardize_dtype
from cornu.ops.linalg import norm

# --- Activation functions ---------------------------------------------------------------------------------------------


@op(batch_coupling="none", keras_path="nn.Relu")
def relu(x: Array) -> Array:
    """``max(x, 0)``. Its gradient at 0 is 0.

    Example:
        >>> from cornu import ops
        >>> ops.relu([-1.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    backend, x = arrays(x)
    return backend.relu(x)


@op(batch_coupling="none", keras_path="nn.Relu6")
def relu6(x: Array) -> Array:
    """``min(max(x, 0), 6)``. Its gradient at both corners is 0.

    Example:
        >>> from cornu import ops
        >>> ops.relu6([-1.0, 2.0, 9.0]).tolist()
        [0.0, 2.0, 6.0]
    """
    return _between(x, 0, 6)


def _between(x: Any, low: float, high: float) -> Array:
    """As ``clip``, with gradient 0 at both corners."""
    backend, x = arrays(x)
    return backend.where(backend.less_equal(x, low), low, backend.where(backend.greater_equal(x, high), high, x))


@op(batch_coupling="none", keras_path="nn.LeakyRelu")
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """``x``, and below 0 ``negative_slope * x`` (Maas et al., 2013).

    Example:
        >>> from cornu import ops
        >>> ops.leaky_relu([-5.0, 2.0]).tolist()
        [-1.0, 2.0]
    """
    backend, x = floats(x)
    return backend.where(backend.greater(x, 0), x, backend.multiply(x, negative_slope))


def _exponential_below(x: Any, alpha: float, stretch: float) -> Array:
    backend, x = floats(x)
    above = backend.greater(x, 0)
    below = backend.where(above, 0.0, x)  # so that the branch not taken cannot overflow
    below = below if stretch == 1 else backend.divide(below, stretch)
    return backend.where(above, x, backend.multiply(backend.expm1(below), alpha))


@op(batch_coupling="none", keras_path="nn.Elu")
def elu(x: Array, alpha: float = 1.0) -> Array:
    """``x``, and below 0 ``alpha * (exp(x) - 1)`` (Clevert et al., 2015).

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.elu(-1.0)):.4f}"
        '-0.6321'
    """
    return _exponential_below(x, alpha, 1)


@op(batch_coupling="none", keras_path="nn.Celu")
def celu(x: Array, alpha: float = 1.0) -> Array:
    """``x``, and below 0 ``alpha * (exp(x / alpha) - 1)`` (Barron, 2017): an ELU without a corner.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.celu(-1.0)):.4f}"
        '-0.6321'
    """
    return _exponential_below(x, alpha, alpha)


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@op(batch_coupling="none", keras_path="nn.Selu")
def selu(x: Array) -> Array:
    """A scaled ELU that keeps mean 0 and variance 1 from layer to layer (Klambauer et al., 2017).

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.selu(1.0)):.4f}"
        '1.0507'
    """
    result = _exponential_below(x, _SELU_ALPHA, 1)
    return arrays(result)[0].multiply(result, _SELU_SCALE)


@op(batch_coupling="none", keras_path="nn.Softplus")
def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``: a relu without a corner.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.softplus(0.0)), 4)
        0.6931
    """
    backend, x = floats(x)
    return backend.logaddexp(x, 0.0)


@op(batch_coupling="none", keras_path="nn.LogSigmoid")
def log_sigmoid(x: Array) -> Array:
    """``log(sigmoid(x))``, without overflow.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log_sigmoid(0.0)):.4f}"
        '-0.6931'
    """
    backend, x = floats(x)
    return backend.negative(backend.logaddexp(backend.negative(x), 0.0))


@op(batch_coupling="none", keras_path="nn.Softsign")
def softsign(x: Array) -> Array:
    """``x / (1 + abs(x))``.

    Example:
        >>> from cornu import ops
        >>> ops.softsign([-1.0, 3.0]).tolist()
        [-0.5, 0.75]
    """
    backend, x = floats(x)
    return backend.divide(x, backend.add(backend.abs(x), 1.0))


@op(batch_coupling="none", keras_path="nn.Silu")
def silu(x: Array) -> Array:
    """``x * sigmoid(x)`` (Ramachandran et al., 2017).

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.silu(1.0)):.4f}"
        '0.7311'
    """
    backend, x = floats(x)
    return backend.multiply(x, backend.sigmoid(x))


@op(batch_coupling="none")
def swish(x: Array) -> Array:
    """``x * sigmoid(x)``; another name of :func:`silu`.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.swish(1.0)):.4f}"
        '0.7311'
    """
    return silu(x)


@op(batch_coupling="none", keras_path="nn.Gelu")
def gelu(x: Array, approximate: bool = True) -> Array:
    """``x`` times the probability that a standard normal number is below ``x`` (Hendrycks & Gimpel, 2016).

    Args:
        x: An array.
        approximate: Whether to use the formula with ``tanh``, which is faster and off by less than 0.001.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.gelu(1.0, approximate=False)), 4)
        0.8413
    """
    backend, x = floats(x)
    if approximate:
        cubic = backend.add(x, backend.multiply(backend.multiply(backend.square(x), x), 0.044715))
        part = backend.tanh(backend.multiply(cubic, math.sqrt(2 / math.pi)))
    else:
        part = backend.erf(backend.multiply(x, math.sqrt(0.5)))
    return backend.multiply(backend.multiply(x, 0.5), backend.add(part, 1.0))


@op(batch_coupling="none", keras_path="nn.HardSigmoid")
def hard_sigmoid(x: Array) -> Array:
    """``relu6(x + 3) / 6``: straight lines near a sigmoid.

    Example:
        >>> from cornu import ops
        >>> ops.hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    backend, x = floats(x)
    return backend.divide(_between(backend.add(x, 3.0), 0, 6), 6.0)


@op(batch_coupling="none", keras_path="nn.HardSilu")
def hard_silu(x: Array) -> Array:
    """``x * hard_sigmoid(x)`` (Howard et al., 2019).

    Example:
        >>> from cornu import ops
        >>> ops.hard_silu([0.0, 3.0]).tolist()
        [0.0, 3.0]
    """
    backend, x = floats(x)
    return backend.multiply(x, hard_sigmoid(x))


@op(batch_coupling="none")
def hard_swish(x: Array) -> Array:
    """``x * hard_sigmoid(x)``; another name of :func:`hard_silu`.

    Example:
        >>> from cornu import ops
        >>> ops.hard_swish([0.0, 3.0]).tolist()
        [0.0, 3.0]
    """
    return hard_silu(x)


@op(batch_coupling="none", keras_path="nn.HardTanh")
def hard_tanh(x: Array) -> Array:
    """``x``, cut off at -1 and 1.

    Example:
        >>> from cornu import ops
        >>> ops.hard_tanh([-3.0, 0.5]).tolist()
        [-1.0, 0.5]
    """
    return _between(x, -1, 1)


@op(batch_coupling="none", keras_path="nn.TanhShrink")
def tanh_shrink(x: Array) -> Array:
    """``x - tanh(x)``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.tanh_shrink(1.0)):.4f}"
        '0.2384'
    """
    backend, x = floats(x)
    return backend.subtract(x, backend.tanh(x))


@op(batch_coupling="none", keras_path="nn.SoftShrink")
def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """``x`` moved towards 0 by ``threshold``, and 0 within it.

    Example:
        >>> from cornu import ops
        >>> ops.soft_shrink([0.25, -2.0]).tolist()
        [0.0, -1.5]
    """
    backend, x = floats(x)
    below = backend.where(backend.less(x, -threshold), backend.add(x, threshold), 0.0)
    return backend.where(backend.greater(x, threshold), backend.subtract(x, threshold), below)


@op(batch_coupling="none", keras_path="nn.HardShrink")
def hard_shrink(x: Array, threshold: float = 0.5) -> Array:
    """``x``, and 0 where it is not farther from 0 than ``threshold``.

    Example:
        >>> from cornu import ops
        >>> ops.hard_shrink([0.25, -2.0]).tolist()
        [0.0, -2.0]
    """
    backend, x = floats(x)
    return backend.where(backend.greater(backend.abs(x), threshold), x, 0.0)


@op(batch_coupling="none", keras_path="nn.Threshold")
def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """``x`` where it is above ``threshold``, else ``default_value``.

    Example:
        >>> from cornu import ops
        >>> ops.threshold([1.0, 3.0], 2.0, -1.0).tolist()
        [-1.0, 3.0]
    """
    backend, x = floats(x)
    return backend.where(backend.greater(x, threshold), x, default_value)


@op(batch_coupling="none", keras_path="nn.Squareplus")
def squareplus(x: Array, b: float = 4) -> Array:
    """``(x + sqrt(x**2 + b)) / 2`` (Barron, 2021): a relu without a corner.

    Example:
        >>> from cornu import ops
        >>> ops.squareplus([0.0]).tolist()
        [1.0]
    """
    backend, x = floats(x)
    return backend.multiply(backend.add(x, backend.sqrt(backend.add(backend.square(x), float(b)))), 0.5)


@op(batch_coupling="none", keras_path="nn.SparsePlus")
def sparse_plus(x: Array) -> Array:
    """0 up to -1, ``(x + 1)**2 / 4`` up to 1, then ``x``: the softplus of sparsemax.

    Example:
        >>> from cornu import ops
        >>> ops.sparse_plus([-2.0, 0.0, 3.0]).tolist()
        [0.0, 0.25, 3.0]
    """
    backend, x = floats(x)
    middle = backend.multiply(backend.square(backend.add(x, 1.0)), 0.25)
    return backend.where(backend.less_equal(x, -1), 0.0, backend.where(backend.less(x, 1), middle, x))


@op(batch_coupling="none", keras_path="nn.SparseSigmoid")
def sparse_sigmoid(x: Array) -> Array:
    """0 up to -1, ``(x + 1) / 2`` up to 1, then 1: the sigmoid of sparsemax.

    Example:
        >>> from cornu import ops
        >>> ops.sparse_sigmoid([-2.0, 0.0, 3.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    backend, x = floats(x)
    return backend.multiply(backend.add(_between(x, -1, 1), 1.0), 0.5)


@op(batch_coupling=along_axis(), keras_path="nn.Glu")
def glu(x: Array, axis: int = -1) -> Array:
    """The first half along an axis times the sigmoid of the second half (Dauphin et al., 2016).

    Raises:
        ShapeError: The size of the axis is odd.

    Example:
        >>> from cornu import ops
        >>> ops.glu([2.0, 4.0, 0.0, 0.0]).tolist()
        [1.0, 2.0]
    """
    backend, x = floats(x)
    place = check_axis(axis, x.shape)
    size = x.shape[place]
    if size % 2:
        raise ShapeError(
            f"`glu` was given an array of shape {tuple(x.shape)} and `axis={axis}`.",
            "The size of that axis must be even, since it is cut into halves.",
            "Choose another axis, or let the layer before give one number more.",
        )
    before = (slice(None),) * place
    first, second = backend.getitem(x, (*before, slice(size // 2))), backend.getitem(x, (*before, slice(size // 2, None)))
    return backend.multiply(first, backend.sigmoid(second))


# --- The softmax family -----------------------------------------------------------------------------------------------


def _of_softmax_family(name: str, derived: Callable, x: Array, axis: Any) -> Array:
    """What a backend's shortcut gives, or else ``derived(backend, x, axes)`` of ``x`` less its largest.

    That changes no softmax, and keeps ``exp`` from overflowing.
    """
    backend, x = floats(x)
    axes = check_axes(axis, x.shape)
    if 0 in x.shape:
        return x
    quick = shortcuts.find(name, x)
    if quick is not None and len(axes) == 1:
        return quick(x, *axes)
    return derived(backend, backend.subtract(x, backend.stop_gradient(backend.max(x, axes, True))), axes)


@op(batch_coupling=along_axis(), keras_path="nn.Softmax")
def softmax(x: Array, axis: Any = -1) -> Array:
    """``exp(x) / sum(exp(x))``: numbers from 0 to 1 that sum to 1.

    Args:
        x: An array.
        axis: The axis or axes to sum over; None is all of them.

    Example:
        >>> from cornu import ops
        >>> ops.softmax([1000.0, 1000.0]).tolist()
        [0.5, 0.5]
    """

    def derived(backend: Any, x: Array, axes: tuple[int, ...]) -> Array:
        parts = backend.exp(x)
        return backend.divide(parts, backend.sum(parts, axes, True))

    return _of_softmax_family("softmax", derived, x, axis)


@op(batch_coupling=along_axis(), keras_path="nn.LogSoftmax")
def log_softmax(x: Array, axis: Any = -1) -> Array:
    """``log(softmax(x))``, without overflow (see :func:`softmax` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.log_softmax([1000.0, 0.0]).tolist()
        [0.0, -1000.0]
    """

    def derived(backend: Any, x: Array, axes: tuple[int, ...]) -> Array:
        return backend.subtract(x, backend.log(backend.sum(backend.exp(x), axes, True)))

    return _of_softmax_family("log_softmax", derived, x, axis)


@op(batch_coupling=along_axis(), keras_path="nn.Sparsemax")
def sparsemax(x: Array, axis: int = -1) -> Array:
    """The nearest point whose numbers are not negative and sum to 1; most of them are 0 (Martins & Astudillo, 2016).

    As in the paper; Keras 3.15 gives numbers that do not sum to 1.

    Example:
        >>> from cornu import ops
        >>> ops.sparsemax([2.0, 1.5, -1.0]).tolist()
        [0.75, 0.25, 0.0]
    """
    backend, x = floats(x)
    place = check_axis(axis, x.shape)
    falling = backend.flip(backend.take_along_axis(x, backend.argsort(x, place), place), (place,))
    sums = backend.cumsum(falling, place)
    shape = tuple(-1 if i == place else 1 for i in range(len(x.shape)))
    count = backend.reshape(backend.arange(1, x.shape[place] + 1, 1, backend.dtype(x)), shape)
    kept = backend.greater(backend.add(backend.multiply(falling, count), 1.0), sums)
    number = backend.cast(backend.sum(kept, place, True), backend.dtype(x))
    total = backend.sum(backend.where(kept, falling, 0.0), place, True)
    level = backend.divide(backend.subtract(total, 1.0), number)
    shifted = backend.subtract(x, level)
    return backend.where(backend.less_equal(shifted, 0), 0.0, shifted)


# --- Normalization ----------------------------------------------------------------------------------------------------


@op(batch_coupling=along_axis(axis="axes"), keras_path="nn.Moments")
def moments(x: Array, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple[Array, Array]:
    """The mean and the variance over some axes.

    Half-precision numbers are summed in ``float32``.

    Args:
        x: An array.
        axes: The axis or axes to take them over.
        keepdims: Whether these axes stay, with size 1.
        synchronized: Is not supported: there is one device.

    Returns:
        ``(mean, variance)``, with the dtype of ``x``.

    Example:
        >>> from cornu import ops
        >>> [float(part) for part in ops.moments([1.0, 3.0], 0)]
        [2.0, 1.0]
    """
    if synchronized:
        raise InvalidArgumentError("`synchronized=True` was given.", "It must be False.", "Leave it out.")
    backend, x = floats(x)
    axes = check_axes(axes, x.shape, "axes")
    dtype = backend.dtype(x)
    wide = backend.cast(x, "float32") if dtype in HALVES else x
    mean = backend.mean(wide, axes, True)
    variance = backend.mean(backend.square(backend.subtract(wide, mean)), axes, keepdims)
    if not keepdims:
        mean = backend.reshape(mean, tuple(size for i, size in enumerate(x.shape) if i not in axes))
    return (mean, variance) if wide is x else (_narrow(backend, mean, dtype), _narrow(backend, variance, dtype))


def _narrow(backend: Any, x: Array, dtype: str) -> Array:
    if dtype == "float16":  # its largest number, so that a large variance does not become infinite
        x = backend.minimum(backend.maximum(x, -65504.0), 65504.0)
    return backend.cast(x, dtype)


@op(batch_coupling=along_axis())
def batch_normalization(
    x: Array,
    mean: Array,
    variance: Array,
    axis: int,
    offset: Array | None = None,
    scale: Array | None = None,
    epsilon: float = 1e-3,
) -> Array:
    """``(x - mean) / sqrt(variance + epsilon) * scale + offset`` (Ioffe & Szegedy, 2015).

    Args:
        x: An array.
        mean: One number for each place on the axis.
        variance: One number for each place on the axis.
        axis: The axis of the channels.
        offset: Is added at the end, or None.
        scale: Is multiplied by, or None.
        epsilon: Keeps the root from being 0.

    Returns:
        An array of the shape of ``x``.

    Example:
        >>> from cornu import ops
        >>> ops.batch_normalization([[5.0], [7.0]], [6.0], [4.0], axis=-1, epsilon=0.0).tolist()
        [[-0.5], [0.5]]
    """
    backend, x, mean, variance = floats(x, mean, variance)
    place = check_axis(axis, x.shape)
    shape = tuple(-1 if i == place else 1 for i in range(len(x.shape)))
    if mean.shape[-1:] != x.shape[place : place + 1]:
        raise ShapeError(
            f"`batch_normalization` was given `x` of shape {tuple(x.shape)} and `mean` of shape {tuple(mean.shape)}.",
            f"There must be one mean for each of the {x.shape[place]} places on axis {axis}.",
            "Choose another `axis`, or check what the mean was computed from.",
        )
    factor = backend.rsqrt(backend.add(backend.reshape(variance, shape), epsilon))
    if scale is not None:
        factor = backend.multiply(factor, backend.reshape(arrays(scale, x)[1], shape))
    shift = backend.negative(backend.multiply(backend.reshape(mean, shape), factor))
    if offset is not None:
        shift = backend.add(shift, backend.reshape(arrays(offset, x)[1], shape))
    return backend.add(backend.multiply(x, factor), shift)


def _scale_and_shift(backend: Any, x: Array, axes: tuple[int, ...], gamma: Any, beta: Any) -> Array:
    shape = tuple(size if i in axes else 1 for i, size in enumerate(x.shape))
    if gamma is not None:
        x = backend.multiply(x, _parameter(backend, gamma, x, shape))
    if beta is not None:
        x = backend.add(x, _parameter(backend, beta, x, shape))
    return x


def _parameter(backend: Any, value: Any, x: Array, shape: tuple[int, ...]) -> Array:
    value = backend.cast(arrays(value, x)[1], backend.dtype(x))
    if len(value.shape) in (0, len(shape)):
        return value
    if math.prod(value.shape) != math.prod(shape):
        raise ShapeError(
            f"A scale or shift of shape {tuple(value.shape)} was given for an array of shape {tuple(x.shape)}.",
            f"It must have the sizes of the axes that are normalised: {tuple(size for size in shape if size != 1)}.",
            "Change its shape, or choose another `axis`.",
        )
    return backend.reshape(value, shape)


@op(batch_coupling=along_axis())
def layer_normalization(
    x: Array, gamma: Array | None = None, beta: Array | None = None, axis: Any = -1, epsilon: float | None = None
) -> Array:
    """``(x - mean) / sqrt(variance + epsilon) * gamma + beta``, for each example by itself (Ba et al., 2016).

    Half-precision numbers are computed with in ``float32``.

    Args:
        x: An array.
        gamma: Is multiplied by, of the shape of these axes; or None.
        beta: Is added at the end, of the shape of these axes; or None.
        axis: The axis or axes that mean and variance are taken over.
        epsilon: Keeps the root from being 0; default ``config.epsilon()``.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.layer_normalization([1.0, 3.0])).tolist()
        [-1.0, 1.0]
    """
    backend, x = floats(x)
    axes = check_axes(axis, x.shape)
    dtype = backend.dtype(x)
    wide = backend.cast(x, "float32") if dtype in HALVES else x
    distance = backend.subtract(wide, backend.mean(wide, axes, True))
    variance = backend.mean(backend.square(distance), axes, True)
    factor = backend.rsqrt(backend.add(variance, config.epsilon() if epsilon is None else epsilon))
    result = _scale_and_shift(backend, backend.multiply(distance, factor), axes, gamma, beta)
    return result if wide is x else backend.cast(result, dtype)


@op(batch_coupling=along_axis())
def rms_normalization(x: Array, scale: Array | None = None, axis: Any = -1, epsilon: float | None = None) -> Array:
    """``x / sqrt(mean(x**2) + epsilon) * scale`` (Zhang & Sennrich, 2019).

    Args:
        x: An array.
        scale: Is multiplied by, of the shape of these axes; or None.
        axis: The axis or axes that the mean is taken over.
        epsilon: Keeps the root from being 0; default ``config.epsilon()``.

    Example:
        >>> from cornu import ops
        >>> ops.rms_normalization([2.0, -2.0], epsilon=0.0).tolist()
        [1.0, -1.0]
    """
    backend, x = floats(x)
    axes = check_axes(axis, x.shape)
    dtype = backend.dtype(x)
    wide = backend.cast(x, "float32") if dtype in HALVES else x
    mean = backend.mean(backend.square(wide), axes, True)
    factor = backend.rsqrt(backend.add(mean, config.epsilon() if epsilon is None else epsilon))
    result = _scale_and_shift(backend, backend.multiply(wide, factor), axes, scale, None)
    return result if wide is x else backend.cast(result, dtype)


@op(batch_coupling=along_axis(), keras_path="nn.Normalize")
def normalize(x: Array, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Array:
    """``x / max(norm(x), epsilon)``: vectors of length 1. A vector of zeros stays one.

    Args:
        x: An array.
        axis: The axis of the vectors.
        order: The order of the length (see :func:`norm`), a whole number from 1 on.
        epsilon: The least length to divide by; default ``config.epsilon()``.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.normalize([3.0, 4.0]), 2).tolist() == ops.round([0.6, 0.8], 2).tolist()
        True
    """
    if not isinstance(order, (int, np.integer)) or order < 1:
        raise InvalidArgumentError(
            f"`order={order!r}` was given.", "It must be a whole number from 1 on.", "Leave it out for 2."
        )
    backend, x = floats(x)
    dtype = backend.dtype(x)
    x = x if len(x.shape) else backend.reshape(x, (1,))
    if dtype in HALVES:  # the square of epsilon would be 0
        return backend.cast(normalize(backend.cast(x, "float32"), axis, order, epsilon), dtype)
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        squares = backend.sum(backend.square(x), check_axes(axis, x.shape), True)
        return backend.multiply(x, backend.rsqrt(backend.maximum(squares, epsilon**2)))
    return backend.divide(x, backend.maximum(norm(x, order, axis, True), epsilon))


# --- Classes ----------------------------------------------------------------------------------------------------------


@op(batch_coupling=along_axis(new_axes=True), keras_path="nn.OneHot")
def one_hot(x: Array, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Array:
    """A vector for each class number: 1 at that place, 0 elsewhere, and all 0 for a number that is no class.

    Args:
        x: Whole numbers.
        num_classes: How many classes there are.
        axis: Where the new axis stands in the result.
        dtype: Default ``config.floatx()``.
        sparse: Is not supported.

    Example:
        >>> from cornu import ops
        >>> ops.one_hot([2, 0], 3).tolist()
        [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    _refuse_sparse(sparse)
    backend, x = arrays(x)
    return backend.cast(_is_class(backend, x, num_classes, axis), standardize_dtype(dtype))


def _is_class(backend: Any, x: Array, num_classes: int, axis: int) -> Array:
    check_sizes(num_classes, "num_classes")
    place = check_axis(axis, (*x.shape, num_classes))
    classes = backend.reshape(backend.arange(0, num_classes, 1, "int32"), (-1,) + (1,) * (len(x.shape) - place))
    return backend.equal(backend.reshape(x, (*x.shape[:place], 1, *x.shape[place:])), classes)


def _refuse_sparse(sparse: bool) -> None:
    if sparse:
        raise InvalidArgumentError("`sparse=True` was given.", "Cornu has no sparse arrays.", "Leave it out.")


@op(batch_coupling=multi_hot_alone, keras_path="nn.MultiHot")
def multi_hot(inputs: Array, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Array:
    """A vector for each example: 1 at the places of all its class numbers, 0 elsewhere.

    Args:
        inputs: Whole numbers, of shape ``(batch, n)`` or ``(n,)``.
        num_classes: How many classes there are.
        axis: Where the axis of the classes stands.
        dtype: Default ``config.floatx()``.
        sparse: Is not supported.

    Example:
        >>> from cornu import ops
        >>> ops.multi_hot([[0, 2], [1, 1]], 3).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    _refuse_sparse(sparse)
    if num_classes is None:
        raise InvalidArgumentError(
            "`multi_hot` was called without `num_classes`.", "It is needed.", "Pass the number of classes."
        )
    backend, x = arrays(inputs)
    hits = _is_class(backend, x, num_classes, axis)
    return backend.cast(backend.any(hits, 1 if len(x.shape) > 1 else 0), standardize_dtype(dtype))


# --- Cross-entropies --------------------------------------------------------------------------------------------------


def _log_probabilities(output: Array, from_logits: bool, axis: int) -> Array:
    if from_logits:
        return log_softmax(output, axis)
    backend, output = floats(output)
    output = backend.divide(output, backend.sum(output, axis, True))
    return backend.log(_clipped(backend, output))


def _clipped(backend: Any, probabilities: Array) -> Array:
    """Probabilities kept off 0 and 1, where the logarithm is infinite."""
    epsilon = config.epsilon()
    above = backend.where(backend.less(probabilities, epsilon), epsilon, probabilities)
    return backend.where(backend.greater(above, 1.0 - epsilon), 1.0 - epsilon, above)


@op(batch_coupling=along_axis("target", "output"), keras_path="nn.CategoricalCrossentropy")
def categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """``-sum(target * log(output))``: how surprising the target is to the output.

    Args:
        target: Right probabilities of the classes (one-hot vectors, mostly).
        output: Probabilities (which are scaled to sum to 1), or logits.
        from_logits: Whether ``output`` are logits: numbers that a softmax has not gone over yet.
        axis: The axis of the classes.

    Returns:
        One number for each example: the shape of ``output`` without the axis.

    Raises:
        ShapeError: The shapes differ.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.categorical_crossentropy([0.0, 1.0], [0.5, 0.5])), 4)
        0.6931
    """
    backend, target, output = floats(target, output)
    check_same_shape("categorical_crossentropy", "target", target.shape, "output", output.shape)
    place = check_axis(axis, output.shape)
    return backend.negative(backend.sum(backend.multiply(target, _log_probabilities(output, from_logits, place)), place))


@op(batch_coupling=of_classes, keras_path="nn.SparseCategoricalCrossentropy")
def sparse_categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """``-log(output[target])``: as :func:`categorical_crossentropy`, with class numbers in place of one-hot vectors.

    Args:
        target: Class numbers, of the shape of ``output`` without the axis (or with size 1 there).
        output: Probabilities (which are scaled to sum to 1), or logits.
        from_logits: Whether ``output`` are logits.
        axis: The axis of the classes.

    Returns:
        One number for each example; 0 where the class does not exist.

    Raises:
        ShapeError: The shapes do not fit.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.sparse_categorical_crossentropy(1, [0.5, 0.5])), 4)
        0.6931
    """
    backend, target, output = arrays(target, output)
    place = check_axis(axis, output.shape)
    if len(target.shape) == len(output.shape) and target.shape[-1] == 1:
        target = backend.reshape(target, tuple(target.shape[:-1]))
    expected = (*output.shape[:place], *output.shape[place + 1 :])
    if tuple(target.shape) != expected:
        raise ShapeError(
            f"`sparse_categorical_crossentropy` was given `target` of shape {tuple(target.shape)} and `output` of shape "
            f"{tuple(output.shape)}.",
            f"`target` must hold one class number for each example: shape {expected}.",
            "For one-hot targets use `categorical_crossentropy`.",
        )
    hits = _is_class(backend, backend.cast(target, "int32"), output.shape[place], place)
    logarithms = _log_probabilities(output, from_logits, place)
    return backend.negative(backend.sum(backend.where(hits, logarithms, 0.0), place))


@op(batch_coupling=aligned, keras_path="nn.BinaryCrossentropy")
def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Array:
    """``-target * log(output) - (1 - target) * log(1 - output)``, elementwise.

    Args:
        target: Right probabilities (0 or 1, mostly).
        output: Probabilities, or logits.
        from_logits: Whether ``output`` are logits: numbers that a sigmoid has not gone over yet.

    Returns:
        An array of the same shape.

    Raises:
        ShapeError: The shapes differ.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.binary_crossentropy([1.0], [100.0], from_logits=True)).tolist()
        [0.0]
    """
    backend, target, output = floats(target, output)
    check_same_shape("binary_crossentropy", "target", target.shape, "output", output.shape)
    against = backend.subtract(1.0, target)
    if from_logits:  # log(sigmoid(x)) = -log(1 + exp(-x))
        yes, no = backend.logaddexp(backend.negative(output), 0.0), backend.logaddexp(output, 0.0)
        return backend.add(backend.multiply(target, yes), backend.multiply(against, no))
    output = _clipped(backend, output)
    yes, no = backend.log(output), backend.log(backend.subtract(1.0, output))
    return backend.negative(backend.add(backend.multiply(target, yes), backend.multiply(against, no)))


# --- Attention --------------------------------------------------------------------------------------------------------


@op(batch_coupling=aligned)
def dot_product_attention(
    query: Array,
    key: Array,
    value: Array,
    bias: Array | None = None,
    mask: Array | None = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Array:
    """For each query the mean of the values, weighted by how well their keys match it (Vaswani et al., 2017).

    Args:
        query: ``(batch, queries, heads, size)``.
        key: ``(batch, keys, key_heads, size)``; the number of heads is a multiple of that of the key's heads.
        value: ``(batch, keys, key_heads, size)``.
        bias: Is added to the scores; broadcasts to ``(batch, heads, queries, keys)``.
        mask: Booleans, True where a key counts; broadcasts to the same shape.
        scale: Is multiplied with the scores; default ``1 / sqrt(size)``.
        is_causal: Whether a query sees only keys up to its own place.
        flash_attention: Is taken for the sake of Keras and has no effect.
        attn_logits_soft_cap: Bound that scores approach and never reach; None is no bound.

    Returns:
        ``(batch, queries, heads, size)``.

    Raises:
        ShapeError: The shapes do not fit.

    Example:
        >>> from cornu import ops
        >>> x = ops.ones((1, 3, 2, 4))
        >>> ops.dot_product_attention(x, x, x).shape
        (1, 3, 2, 4)
    """
    backend, query, key, value = floats(query, key, value)
    _check_attention(tuple(query.shape), tuple(key.shape), tuple(value.shape))
    batch, queries, heads, size = query.shape
    keys, groups = key.shape[1], key.shape[2]
    grouped = backend.reshape(query, (batch, queries, groups, heads // groups, size))
    scores = backend.multiply(
        backend.einsum("bqghd,bkgd->bghqk", grouped, key), 1 / math.sqrt(size) if scale is None else scale
    )
    scores = backend.reshape(scores, (batch, heads, queries, keys))
    if bias is not None:
        scores = backend.add(scores, arrays(bias, query)[1])
    if attn_logits_soft_cap is not None:
        scores = backend.multiply(backend.tanh(backend.divide(scores, attn_logits_soft_cap)), attn_logits_soft_cap)
    hidden = -0.7 * LARGEST[backend.dtype(scores)]  # not infinity, so that a row without any key is no NaN
    if mask is not None:
        scores = backend.where(backend.cast(arrays(mask, query)[1], "bool"), scores, hidden)
    if is_causal:
        scores = backend.where(backend.asarray(np.tri(queries, keys, dtype=bool)), scores, hidden)
    weights = backend.reshape(softmax(scores), (batch, groups, heads // groups, queries, keys))
    return backend.reshape(backend.einsum("bghqk,bkgd->bqghd", weights, value), (batch, queries, heads, value.shape[3]))


def _check_attention(query: tuple[int, ...], key: tuple[int, ...], value: tuple[int, ...]) -> None:
    ranks = {len(query), len(key), len(value)} == {4}
    if ranks and key[:3] == value[:3] and query[0] == key[0] and query[3] == key[3] and key[2] and query[2] % key[2] == 0:
        return
    raise ShapeError(
        f"`dot_product_attention` was given `query` of shape {query}, `key` of shape {key} and `value` of shape {value}.",
        "They must be (batch, queries, heads, size), (batch, keys, heads, size) and (batch, keys, heads, size).",
        "Add the axis of the heads with `expand_dims`, or check where the three come from.",
    )
