"""Neural-network ops: activation functions, normalization, one-hot encoding, cross-entropies and attention."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import config
from cornu.backends import fused_ops
from cornu.backends.contract import Array
from cornu.dtypes import HALVES, LARGEST, standardize_dtype
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops.batch_coupling import aligned, along_axis, multi_hot_alone, of_classes
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.linalg import norm
from cornu.ops.shape_checks import check_axes, check_axis, check_same_shape, check_sizes

# --- Activation functions ---------------------------------------------------------------------------------------------


@op(batch_coupling="none", keras_path="nn.Relu")
def relu(x: Array) -> Array:
    """Rectified linear unit, ``max(x, 0)``. Its gradient at 0 is 0.

    Example:
        >>> from cornu import ops
        >>> ops.relu([-1.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    backend, x = arrays(x)
    return backend.relu(x)


@op(batch_coupling="none", keras_path="nn.Relu6")
def relu6(x: Array) -> Array:
    """Rectified linear unit with an upper bound of 6, ``min(max(x, 0), 6)``. Its gradient at 0 and at 6 is 0.

    Example:
        >>> from cornu import ops
        >>> ops.relu6([-1.0, 2.0, 9.0]).tolist()
        [0.0, 2.0, 6.0]
    """
    return _between(x, 0, 6)


def _between(x: Any, low: float, high: float) -> Array:
    """Limit ``x`` to an interval like ``clip``, but with gradient 0 at both bounds."""
    backend, x = arrays(x)
    return backend.where(backend.less_equal(x, low), low, backend.where(backend.greater_equal(x, high), high, x))


@op(batch_coupling="none", keras_path="nn.LeakyRelu")
def leaky_relu(x: Array, negative_slope: float = 0.2) -> Array:
    """Leaky rectified linear unit: ``x`` if ``x > 0``, else ``negative_slope * x`` (Maas et al., 2013).

    Args:
        x: Array-like.
        negative_slope: Float, slope for negative values. Defaults to 0.2.

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
    below = backend.where(above, 0.0, x)  # so that the branch that is not selected cannot overflow
    below = below if stretch == 1 else backend.divide(below, stretch)
    return backend.where(above, x, backend.multiply(backend.expm1(below), alpha))


@op(batch_coupling="none", keras_path="nn.Elu")
def elu(x: Array, alpha: float = 1.0) -> Array:
    """Exponential linear unit: ``x`` if ``x > 0``, else ``alpha * (exp(x) - 1)`` (Clevert et al., 2015).

    Args:
        x: Array-like.
        alpha: Float, scale of the negative part. Defaults to 1.0.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.elu(-1.0)):.4f}"
        '-0.6321'
    """
    return _exponential_below(x, alpha, 1)


@op(batch_coupling="none", keras_path="nn.Celu")
def celu(x: Array, alpha: float = 1.0) -> Array:
    """Continuously differentiable ELU: ``x`` if ``x > 0``, else ``alpha * (exp(x / alpha) - 1)`` (Barron, 2017).

    Args:
        x: Array-like.
        alpha: Float, scale of the negative part. Defaults to 1.0.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.celu(-1.0)):.4f}"
        '-0.6321'
    """
    return _exponential_below(x, alpha, alpha)


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


@op(batch_coupling="none", keras_path="nn.Selu")
def selu(x: Array) -> Array:
    """Scaled exponential linear unit, which preserves mean 0 and variance 1 across layers (Klambauer et al., 2017).

    ``scale * x`` if ``x > 0``, else ``scale * alpha * (exp(x) - 1)``, with ``scale = 1.0507...`` and ``alpha = 1.6733...``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.selu(1.0)):.4f}"
        '1.0507'
    """
    result = _exponential_below(x, _SELU_ALPHA, 1)
    return arrays(result)[0].multiply(result, _SELU_SCALE)


@op(batch_coupling="none", keras_path="nn.Softplus")
def softplus(x: Array) -> Array:
    """Softplus ``log(1 + exp(x))``, a smooth approximation of :func:`relu`.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.softplus(0.0)), 4)
        0.6931
    """
    backend, x = floats(x)
    return backend.logaddexp(x, 0.0)


@op(batch_coupling="none", keras_path="nn.LogSigmoid")
def log_sigmoid(x: Array) -> Array:
    """Logarithm of the sigmoid, ``log(sigmoid(x)) = -log(1 + exp(-x))``, without overflow.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log_sigmoid(0.0)):.4f}"
        '-0.6931'
    """
    backend, x = floats(x)
    return backend.negative(backend.logaddexp(backend.negative(x), 0.0))


@op(batch_coupling="none", keras_path="nn.Softsign")
def softsign(x: Array) -> Array:
    """Softsign ``x / (1 + abs(x))``.

    Example:
        >>> from cornu import ops
        >>> ops.softsign([-1.0, 3.0]).tolist()
        [-0.5, 0.75]
    """
    backend, x = floats(x)
    return backend.divide(x, backend.add(backend.abs(x), 1.0))


@op(batch_coupling="none", keras_path="nn.Silu")
def silu(x: Array) -> Array:
    """Sigmoid linear unit ``x * sigmoid(x)``, also called swish (Ramachandran et al., 2017).

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.silu(1.0)):.4f}"
        '0.7311'
    """
    backend, x = floats(x)
    return backend.multiply(x, backend.sigmoid(x))


@op(batch_coupling="none")
def swish(x: Array) -> Array:
    """Sigmoid linear unit ``x * sigmoid(x)``. Alias of :func:`silu`.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.swish(1.0)):.4f}"
        '0.7311'
    """
    return silu(x)


@op(batch_coupling="none", keras_path="nn.Gelu")
def gelu(x: Array, approximate: bool = True) -> Array:
    """Gaussian error linear unit ``x * P(X <= x)``, with ``X`` standard normal (Hendrycks & Gimpel, 2016).

    ``0.5 * x * (1 + erf(x / sqrt(2)))``, or approximately ``0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))``.

    Args:
        x: Array-like.
        approximate: Whether to use the approximation with ``tanh``, which is faster and has an error below 0.001. Defaults to
            True.

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
    """Piecewise linear approximation of the sigmoid, ``relu6(x + 3) / 6``.

    Example:
        >>> from cornu import ops
        >>> ops.hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    backend, x = floats(x)
    return backend.divide(_between(backend.add(x, 3.0), 0, 6), 6.0)


@op(batch_coupling="none", keras_path="nn.HardSilu")
def hard_silu(x: Array) -> Array:
    """Piecewise approximation of :func:`silu`, ``x * hard_sigmoid(x)`` (Howard et al., 2019).

    Example:
        >>> from cornu import ops
        >>> ops.hard_silu([0.0, 3.0]).tolist()
        [0.0, 3.0]
    """
    backend, x = floats(x)
    return backend.multiply(x, hard_sigmoid(x))


@op(batch_coupling="none")
def hard_swish(x: Array) -> Array:
    """Piecewise approximation of the swish, ``x * hard_sigmoid(x)``. Alias of :func:`hard_silu`.

    Example:
        >>> from cornu import ops
        >>> ops.hard_swish([0.0, 3.0]).tolist()
        [0.0, 3.0]
    """
    return hard_silu(x)


@op(batch_coupling="none", keras_path="nn.HardTanh")
def hard_tanh(x: Array) -> Array:
    """Piecewise linear approximation of ``tanh``: ``min(max(x, -1), 1)``.

    Example:
        >>> from cornu import ops
        >>> ops.hard_tanh([-3.0, 0.5]).tolist()
        [-1.0, 0.5]
    """
    return _between(x, -1, 1)


@op(batch_coupling="none", keras_path="nn.TanhShrink")
def tanh_shrink(x: Array) -> Array:
    """Tanh shrinkage ``x - tanh(x)``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.tanh_shrink(1.0)):.4f}"
        '0.2384'
    """
    backend, x = floats(x)
    return backend.subtract(x, backend.tanh(x))


@op(batch_coupling="none", keras_path="nn.SoftShrink")
def soft_shrink(x: Array, threshold: float = 0.5) -> Array:
    """Soft shrinkage: ``x - threshold`` if ``x > threshold``, ``x + threshold`` if ``x < -threshold``, else 0.

    Args:
        x: Array-like.
        threshold: Float, the threshold. Defaults to 0.5.

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
    """Hard shrinkage: ``x`` if ``abs(x) > threshold``, else 0.

    Args:
        x: Array-like.
        threshold: Float, the threshold. Defaults to 0.5.

    Example:
        >>> from cornu import ops
        >>> ops.hard_shrink([0.25, -2.0]).tolist()
        [0.0, -2.0]
    """
    backend, x = floats(x)
    return backend.where(backend.greater(backend.abs(x), threshold), x, 0.0)


@op(batch_coupling="none", keras_path="nn.Threshold")
def threshold(x: Array, threshold: float, default_value: float) -> Array:
    """Threshold function: ``x`` if ``x > threshold``, else ``default_value``.

    Args:
        x: Array-like.
        threshold: Float, the threshold.
        default_value: Float, value of the result where ``x`` is not above the threshold.

    Example:
        >>> from cornu import ops
        >>> ops.threshold([1.0, 3.0], 2.0, -1.0).tolist()
        [-1.0, 3.0]
    """
    backend, x = floats(x)
    return backend.where(backend.greater(x, threshold), x, default_value)


@op(batch_coupling="none", keras_path="nn.Squareplus")
def squareplus(x: Array, b: float = 4) -> Array:
    """Squareplus ``(x + sqrt(x**2 + b)) / 2``, a smooth approximation of :func:`relu` (Barron, 2021).

    Args:
        x: Array-like.
        b: Float, the smoothness parameter. Defaults to 4.

    Example:
        >>> from cornu import ops
        >>> ops.squareplus([0.0]).tolist()
        [1.0]
    """
    backend, x = floats(x)
    return backend.multiply(backend.add(x, backend.sqrt(backend.add(backend.square(x), float(b)))), 0.5)


@op(batch_coupling="none", keras_path="nn.SparsePlus")
def sparse_plus(x: Array) -> Array:
    """Sparseplus, the softplus of sparsemax: 0 if ``x <= -1``, ``(x + 1)**2 / 4`` if ``-1 < x < 1``, else ``x``.

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
    """Sparse sigmoid, the sigmoid of sparsemax: 0 if ``x <= -1``, ``(x + 1) / 2`` if ``-1 < x < 1``, else 1.

    Example:
        >>> from cornu import ops
        >>> ops.sparse_sigmoid([-2.0, 0.0, 3.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    backend, x = floats(x)
    return backend.multiply(backend.add(_between(x, -1, 1), 1.0), 0.5)


@op(batch_coupling=along_axis(), keras_path="nn.Glu")
def glu(x: Array, axis: int = -1) -> Array:
    """Gated linear unit ``a * sigmoid(b)``, where ``a`` and ``b`` are the halves of ``x`` along an axis (Dauphin et al., 2016).

    Args:
        x: Array-like.
        axis: Integer, the axis along which to split. Defaults to -1.

    Raises:
        ShapeError: If the size of the axis is odd.

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
            f"`glu` received an array of shape {tuple(x.shape)} and `axis={axis}`.",
            "The size of that axis must be even, since it is split into halves.",
            "Choose another axis, or change the size of the previous layer's output by one.",
        )
    before = (slice(None),) * place
    first, second = backend.getitem(x, (*before, slice(size // 2))), backend.getitem(x, (*before, slice(size // 2, None)))
    return backend.multiply(first, backend.sigmoid(second))


# --- The softmax family -----------------------------------------------------------------------------------------------


def _of_softmax_family(name: str, derived: Callable, x: Array, axis: Any) -> Array:
    """Return the result of a backend's shortcut, or else ``derived(backend, x - max(x), axes)``.

    Subtracting the maximum changes no softmax and prevents overflow of ``exp``.
    """
    backend, x = floats(x)
    axes = check_axes(axis, x.shape)
    if 0 in x.shape:
        return x
    quick = fused_ops.find(name, x)
    if quick is not None and len(axes) == 1:
        return quick(x, *axes)
    return derived(backend, backend.subtract(x, backend.stop_gradient(backend.max(x, axes, True))), axes)


@op(batch_coupling=along_axis(), keras_path="nn.Softmax")
def softmax(x: Array, axis: Any = -1) -> Array:
    """Softmax ``exp(x) / sum(exp(x))``: values in ``[0, 1]`` that sum to 1.

    Args:
        x: Array-like.
        axis: Integer or tuple of integers, the axis or axes along which the values sum to 1; None means all axes. Defaults to
            -1.

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
    """Logarithm of the softmax, ``x - log(sum(exp(x)))``, without overflow (see :func:`softmax` for the arguments).

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
    """Sparsemax: the Euclidean projection onto the probability simplex (Martins & Astudillo, 2016).

    ``max(x - tau, 0)``, with the threshold ``tau`` chosen such that the result sums to 1; many elements are exactly 0.
    Implemented as in the paper; Keras 3.15 returns values that do not sum to 1.

    Args:
        x: Array-like.
        axis: Integer, the axis along which the values sum to 1. Defaults to -1.

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
    """Return the mean and the variance ``mean((x - mean)**2)`` over the given axes.

    Half-precision values are accumulated in ``float32``.

    Args:
        x: Array-like.
        axes: Integer or tuple of integers, the axis or axes along which to reduce.
        keepdims: Whether to keep the reduced axes with size 1. Defaults to False.
        synchronized: Not supported: there is one device.

    Returns:
        Tuple ``(mean, variance)``, of the dtype of ``x``.

    Example:
        >>> from cornu import ops
        >>> [float(part) for part in ops.moments([1.0, 3.0], 0)]
        [2.0, 1.0]
    """
    if synchronized:
        raise InvalidArgumentError("`synchronized=True` was given.", "It must be False.", "Omit it.")
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
    if dtype == "float16":  # limited to the finite range, so that a large variance does not become infinite
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
    """Batch normalization ``(x - mean) / sqrt(variance + epsilon) * scale + offset`` (Ioffe & Szegedy, 2015).

    Args:
        x: Array-like.
        mean: Array-like of shape ``(channels,)``.
        variance: Array-like of shape ``(channels,)``.
        axis: Integer, the channel axis.
        offset: Array-like of shape ``(channels,)`` to add, or None. Defaults to None.
        scale: Array-like of shape ``(channels,)`` to multiply by, or None. Defaults to None.
        epsilon: Float added to the variance to avoid division by zero. Defaults to 1e-3.

    Returns:
        Array of the shape of ``x``.

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
            f"`batch_normalization` received `x` of shape {tuple(x.shape)} and `mean` of shape {tuple(mean.shape)}.",
            f"`mean` must have one element for each of the {x.shape[place]} channels on axis {axis}.",
            "Choose another `axis`, or check how the mean was computed.",
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
            f"It must have the sizes of the normalized axes: {tuple(size for size in shape if size != 1)}.",
            "Change its shape, or choose another `axis`.",
        )
    return backend.reshape(value, shape)


@op(batch_coupling=along_axis())
def layer_normalization(
    x: Array, gamma: Array | None = None, beta: Array | None = None, axis: Any = -1, epsilon: float | None = None
) -> Array:
    """Layer normalization ``(x - mean) / sqrt(variance + epsilon) * gamma + beta`` of each sample (Ba et al., 2016).

    Half-precision values are normalized in ``float32``.

    Args:
        x: Array-like.
        gamma: Array-like of the shape of the normalized axes to multiply by, or None. Defaults to None.
        beta: Array-like of the shape of the normalized axes to add, or None. Defaults to None.
        axis: Integer or tuple of integers, the axis or axes along which to normalize. Defaults to -1.
        epsilon: Float added to the variance to avoid division by zero. Defaults to ``config.epsilon()``.

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
    """Root mean square normalization ``x / sqrt(mean(x**2) + epsilon) * scale`` (Zhang & Sennrich, 2019).

    Args:
        x: Array-like.
        scale: Array-like of the shape of the normalized axes to multiply by, or None. Defaults to None.
        axis: Integer or tuple of integers, the axis or axes along which to normalize. Defaults to -1.
        epsilon: Float added to the mean square to avoid division by zero. Defaults to ``config.epsilon()``.

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
    """Scale vectors to length 1: ``x / max(norm(x), epsilon)``. Zero vectors are unchanged.

    Args:
        x: Array-like.
        axis: Integer, the axis of the vectors. Defaults to -1.
        order: Positive integer, order of the norm (see :func:`norm`). Defaults to 2.
        epsilon: Float, smallest divisor. Defaults to ``config.epsilon()``.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.normalize([3.0, 4.0]), 2).tolist() == ops.round([0.6, 0.8], 2).tolist()
        True
    """
    if not isinstance(order, (int, np.integer)) or order < 1:
        raise InvalidArgumentError(
            f"`order={order!r}` was given.", "It must be a positive integer.", "Omit it for the default of 2."
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


# --- One-hot encoding -------------------------------------------------------------------------------------------------


@op(batch_coupling=along_axis(new_axes=True), keras_path="nn.OneHot")
def one_hot(x: Array, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Array:
    """Return the one-hot encoding of class indices: 1 at the index, 0 elsewhere; all 0 for an index out of range.

    Args:
        x: Array-like of integers, the class indices.
        num_classes: Integer, number of classes.
        axis: Integer, position of the class axis in the result. Defaults to -1.
        dtype: Dtype of the result. Defaults to ``config.floatx()``.
        sparse: Not supported.

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
        raise InvalidArgumentError("`sparse=True` was given.", "Cornu does not support sparse arrays.", "Omit it.")


@op(batch_coupling=multi_hot_alone, keras_path="nn.MultiHot")
def multi_hot(inputs: Array, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Array:
    """Return the multi-hot encoding of the class indices of each sample: 1 at each of the indices, 0 elsewhere.

    Args:
        inputs: Array-like of integers of shape ``(batch, n)`` or ``(n,)``, the class indices.
        num_classes: Integer, number of classes.
        axis: Integer, position of the class axis. Defaults to -1.
        dtype: Dtype of the result. Defaults to ``config.floatx()``.
        sparse: Not supported.

    Example:
        >>> from cornu import ops
        >>> ops.multi_hot([[0, 2], [1, 1]], 3).tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]]
    """
    _refuse_sparse(sparse)
    if num_classes is None:
        raise InvalidArgumentError(
            "`multi_hot` was called without `num_classes`.", "It is required.", "Pass the number of classes."
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
    """Clip probabilities to ``[epsilon, 1 - epsilon]``, since the logarithm is infinite at 0."""
    epsilon = config.epsilon()
    above = backend.where(backend.less(probabilities, epsilon), epsilon, probabilities)
    return backend.where(backend.greater(above, 1.0 - epsilon), 1.0 - epsilon, above)


@op(batch_coupling=along_axis("target", "output"), keras_path="nn.CategoricalCrossentropy")
def categorical_crossentropy(target: Array, output: Array, from_logits: bool = False, axis: int = -1) -> Array:
    """Return the categorical cross-entropy ``-sum(target * log(output))`` along the class axis.

    Args:
        target: Array-like of target probabilities (usually one-hot), of the shape of ``output``.
        output: Array-like of probabilities (which are rescaled to sum to 1) or logits.
        from_logits: Whether ``output`` contains logits, to which a softmax is applied. Defaults to False.
        axis: Integer, the class axis. Defaults to -1.

    Returns:
        Array of the shape of ``output`` without the class axis.

    Raises:
        ShapeError: If the shapes differ.

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
    """Return the categorical cross-entropy ``-log(output[target])`` of integer class indices.

    Args:
        target: Array-like of class indices, of the shape of ``output`` without the class axis (or with size 1 there).
        output: Array-like of probabilities (which are rescaled to sum to 1) or logits.
        from_logits: Whether ``output`` contains logits, to which a softmax is applied. Defaults to False.
        axis: Integer, the class axis. Defaults to -1.

    Returns:
        Array of the shape of ``output`` without the class axis; 0 where the class does not exist.

    Raises:
        ShapeError: If the shapes do not match.

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
            f"`sparse_categorical_crossentropy` received `target` of shape {tuple(target.shape)} and `output` of shape "
            f"{tuple(output.shape)}.",
            f"`target` must contain one class index for each sample: shape {expected}.",
            "For one-hot targets, use `categorical_crossentropy`.",
        )
    hits = _is_class(backend, backend.cast(target, "int32"), output.shape[place], place)
    logarithms = _log_probabilities(output, from_logits, place)
    return backend.negative(backend.sum(backend.where(hits, logarithms, 0.0), place))


@op(batch_coupling=aligned, keras_path="nn.BinaryCrossentropy")
def binary_crossentropy(target: Array, output: Array, from_logits: bool = False) -> Array:
    """Return the binary cross-entropy ``-target * log(output) - (1 - target) * log(1 - output)``, elementwise.

    Args:
        target: Array-like of target probabilities (usually 0 or 1).
        output: Array-like of probabilities or logits, of the shape of ``target``.
        from_logits: Whether ``output`` contains logits, to which a sigmoid is applied. Defaults to False.

    Returns:
        Array of the shape of ``output``.

    Raises:
        ShapeError: If the shapes differ.

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
    """Scaled dot-product attention ``softmax(scale * query @ key.T + bias) @ value`` (Vaswani et al., 2017).

    Args:
        query: Array-like of shape ``(batch, queries, heads, size)``.
        key: Array-like of shape ``(batch, keys, key_heads, size)``; ``heads`` must be a multiple of ``key_heads``.
        value: Array-like of shape ``(batch, keys, key_heads, value_size)``.
        bias: Array-like added to the scores, broadcastable to ``(batch, heads, queries, keys)``. Defaults to None.
        mask: Array-like of booleans, True for the keys to attend to, broadcastable to the same shape. Defaults to None.
        scale: Float, factor of the scores. Defaults to ``1 / sqrt(size)``.
        is_causal: Whether each query attends only to keys up to its own position. Defaults to False.
        flash_attention: Accepted for compatibility with Keras; ignored.
        attn_logits_soft_cap: Float ``c`` that limits the scores to ``(-c, c)`` by ``c * tanh(scores / c)``. Defaults to None
            (no limit).

    Returns:
        Array of shape ``(batch, queries, heads, value_size)``.

    Raises:
        ShapeError: If the shapes do not match.

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
    hidden = -0.7 * LARGEST[backend.dtype(scores)]  # finite, so that a query without any key does not yield NaN
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
        f"`dot_product_attention` received `query` of shape {query}, `key` of shape {key} and `value` of shape {value}.",
        "They must be (batch, queries, heads, size), (batch, keys, heads, size) and (batch, keys, heads, size).",
        "Add the head axis with `expand_dims`, or check how the three arrays were computed.",
    )
