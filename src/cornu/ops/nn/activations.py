"""Activation functions."""

import math
from collections.abc import Callable

from cornu import registry
from cornu.backends import fused_ops
from cornu.backends.contract import Backend
from cornu.errors import warn
from cornu.ops.batch_coupling import along_axis
from cornu.ops.dispatch import arrays, computed_in_float32, floats, op, without_booleans
from cornu.ops.shape_checks import check_axes, check_axis, shape_error
from cornu.typing import Array, ArrayLike, Axis

__all__ = [
    "celu",
    "elu",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh_shrink",
    "threshold",
]

# --- Activation functions ---------------------------------------------------------------------------------------------


def activation(keras_path: str, aliases: tuple[str, ...] = (), batch_coupling: str | Callable = "none") -> Callable:
    """Make a decorator for an op that strings and files may name as an activation.

    Args:
        keras_path: Path of the op in Keras's files.
        aliases: More names of the activation. Defaults to none.
        batch_coupling: How the samples of a batch affect each other in the op. Defaults to ``"none"``.

    Returns:
        The decorator, which returns the op.
    """

    def decorate(function: Callable) -> Callable:
        wrapped = op(function, batch_coupling=batch_coupling, keras_path=keras_path)
        return registry.register("activations", aliases=aliases)(wrapped)

    return decorate


@op(batch_coupling="none", keras_path="nn.Relu")
def relu(x: ArrayLike) -> Array:
    """Rectified linear unit, ``max(x, 0)``. Its gradient at 0 is 0.

    Example:
        >>> from cornu import ops
        >>> ops.relu([-1.0, 2.0]).tolist()
        [0.0, 2.0]
    """
    backend, x = arrays(x)
    return backend.relu(without_booleans(backend, x))


@activation("nn.Relu6")
def relu6(x: ArrayLike) -> Array:
    """Rectified linear unit with an upper bound of 6, ``min(max(x, 0), 6)``, as a float. Its gradient at 0 and at 6 is 0.

    Example:
        >>> from cornu import ops
        >>> ops.relu6([-1.0, 2.0, 9.0]).tolist()
        [0.0, 2.0, 6.0]
    """
    backend, x = floats(x)
    return _between(backend, x, 0, 6)


def _between(backend: Backend, x: Array, low: float, high: float) -> Array:
    """Limit ``x`` to an interval like ``clip``, but with gradient 0 at both bounds."""
    return backend.where(backend.less_equal(x, low), low, backend.where(backend.greater_equal(x, high), high, x))


@activation("nn.LeakyRelu")
def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> Array:
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


def _exponential_below(x: ArrayLike, alpha: float, stretch: float) -> Array:
    backend, x = floats(x)
    above = backend.greater(x, 0)
    below = backend.where(above, 0.0, x)  # so that the branch that is not selected cannot overflow
    below = below if stretch == 1 else backend.divide(below, stretch)
    return backend.where(above, x, backend.multiply(backend.expm1(below), alpha))


@activation("nn.Elu")
def elu(x: ArrayLike, alpha: float = 1.0) -> Array:
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


@activation("nn.Celu")
def celu(x: ArrayLike, alpha: float = 1.0) -> Array:
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


@activation("nn.Selu")
def selu(x: ArrayLike) -> Array:
    """Scaled exponential linear unit, which preserves mean 0 and variance 1 across layers (Klambauer et al., 2017).

    ``scale * x`` if ``x > 0``, else ``scale * alpha * (exp(x) - 1)``, with ``scale = 1.0507...`` and ``alpha = 1.6733...``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.selu(1.0)):.4f}"
        '1.0507'
    """
    result = _exponential_below(x, _SELU_ALPHA, 1)
    return arrays(result)[0].multiply(result, _SELU_SCALE)


@activation("nn.Softplus")
def softplus(x: ArrayLike) -> Array:
    """Softplus ``log(1 + exp(x))``, a smooth approximation of :func:`relu`.

    Example:
        >>> from cornu import ops
        >>> round(float(ops.softplus(0.0)), 4)
        0.6931
    """
    backend, x = floats(x)
    return backend.logaddexp(x, 0.0)


@activation("nn.LogSigmoid")
def log_sigmoid(x: ArrayLike) -> Array:
    """Logarithm of the sigmoid, ``log(sigmoid(x)) = -log(1 + exp(-x))``, without overflow.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.log_sigmoid(0.0)):.4f}"
        '-0.6931'
    """
    backend, x = floats(x)
    return backend.negative(backend.logaddexp(backend.negative(x), 0.0))


@activation("nn.Softsign")
def softsign(x: ArrayLike) -> Array:
    """Softsign ``x / (1 + abs(x))``.

    Example:
        >>> from cornu import ops
        >>> ops.softsign([-1.0, 3.0]).tolist()
        [-0.5, 0.75]
    """
    backend, x = floats(x)
    return backend.divide(x, backend.add(backend.abs(x), 1.0))


@activation("nn.Silu", aliases=("swish",))
def silu(x: ArrayLike) -> Array:
    """Sigmoid linear unit ``x * sigmoid(x)``, also called swish (Ramachandran et al., 2017).

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.silu(1.0)):.4f}"
        '0.7311'
    """
    backend, x = floats(x)
    return backend.multiply(x, backend.sigmoid(x))


@op(batch_coupling="none")
def swish(x: ArrayLike) -> Array:
    """Sigmoid linear unit ``x * sigmoid(x)``. Alias of :func:`silu`.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.swish(1.0)):.4f}"
        '0.7311'
    """
    return silu(x)


@op(batch_coupling="none", keras_path="nn.Gelu")
def gelu(x: ArrayLike, approximate: bool = True) -> Array:
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


@activation("nn.HardSigmoid")
def hard_sigmoid(x: ArrayLike) -> Array:
    """Piecewise linear approximation of the sigmoid, ``relu6(x + 3) / 6``.

    Example:
        >>> from cornu import ops
        >>> ops.hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    backend, x = floats(x)
    return backend.divide(_between(backend, backend.add(x, 3.0), 0, 6), 6.0)


@activation("nn.HardSilu", aliases=("hard_swish",))
def hard_silu(x: ArrayLike) -> Array:
    """Piecewise approximation of :func:`silu`, ``x * hard_sigmoid(x)`` (Howard et al., 2019).

    Example:
        >>> from cornu import ops
        >>> ops.hard_silu([0.0, 3.0]).tolist()
        [0.0, 3.0]
    """
    backend, x = floats(x)
    return backend.multiply(x, hard_sigmoid(x))


@op(batch_coupling="none")
def hard_swish(x: ArrayLike) -> Array:
    """Piecewise approximation of the swish, ``x * hard_sigmoid(x)``. Alias of :func:`hard_silu`.

    Example:
        >>> from cornu import ops
        >>> ops.hard_swish([0.0, 3.0]).tolist()
        [0.0, 3.0]
    """
    return hard_silu(x)


@activation("nn.HardTanh")
def hard_tanh(x: ArrayLike) -> Array:
    """Piecewise linear approximation of ``tanh``: ``min(max(x, -1), 1)``.

    Example:
        >>> from cornu import ops
        >>> ops.hard_tanh([-3.0, 0.5]).tolist()
        [-1.0, 0.5]
    """
    backend, x = arrays(x)
    return _between(backend, x, 0 if backend.dtype(x).startswith("u") else -1, 1)


@activation("nn.TanhShrink")
def tanh_shrink(x: ArrayLike) -> Array:
    """Tanh shrinkage ``x - tanh(x)``.

    Example:
        >>> from cornu import ops
        >>> f"{float(ops.tanh_shrink(1.0)):.4f}"
        '0.2384'
    """
    backend, x = floats(x)
    return backend.subtract(x, backend.tanh(x))


@activation("nn.SoftShrink")
def soft_shrink(x: ArrayLike, threshold: float = 0.5) -> Array:
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


@activation("nn.HardShrink")
def hard_shrink(x: ArrayLike, threshold: float = 0.5) -> Array:
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


@activation("nn.Threshold")
def threshold(x: ArrayLike, threshold: float, default_value: float) -> Array:
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


@activation("nn.Squareplus")
def squareplus(x: ArrayLike, b: float = 4) -> Array:
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


@activation("nn.SparsePlus")
def sparse_plus(x: ArrayLike) -> Array:
    """Sparseplus, the softplus of sparsemax: 0 if ``x <= -1``, ``(x + 1)**2 / 4`` if ``-1 < x < 1``, else ``x``.

    Example:
        >>> from cornu import ops
        >>> ops.sparse_plus([-2.0, 0.0, 3.0]).tolist()
        [0.0, 0.25, 3.0]
    """
    backend, x = floats(x)
    middle = backend.multiply(backend.square(backend.add(x, 1.0)), 0.25)
    return backend.where(backend.less_equal(x, -1), 0.0, backend.where(backend.less(x, 1), middle, x))


@activation("nn.SparseSigmoid")
def sparse_sigmoid(x: ArrayLike) -> Array:
    """Sparse sigmoid, the sigmoid of sparsemax: 0 if ``x <= -1``, ``(x + 1) / 2`` if ``-1 < x < 1``, else 1.

    Example:
        >>> from cornu import ops
        >>> ops.sparse_sigmoid([-2.0, 0.0, 3.0]).tolist()
        [0.0, 0.5, 1.0]
    """
    backend, x = floats(x)
    return backend.multiply(backend.add(_between(backend, x, -1, 1), 1.0), 0.5)


@activation("nn.Glu", batch_coupling=along_axis())
def glu(x: ArrayLike, axis: int = -1) -> Array:
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
        expected = "The size of that axis must be even, since it is split into halves."
        hint = "Choose another axis, or change the size of the previous layer's output by one."
        raise shape_error("glu", x.shape, expected, hint, axis=axis)
    before = (slice(None),) * place
    first, second = backend.getitem(x, (*before, slice(size // 2))), backend.getitem(x, (*before, slice(size // 2, None)))
    return backend.multiply(first, backend.sigmoid(second))


# --- The softmax family -----------------------------------------------------------------------------------------------


@computed_in_float32
def _of_softmax_family(x: ArrayLike, name: str, derived: Callable, axis: Axis) -> Array:
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


def _is_of_size_1(x: ArrayLike, axis: int) -> bool:
    shape = getattr(x, "shape", ())
    return -len(shape) <= axis < len(shape) and shape[axis] == 1


@activation("nn.Softmax", batch_coupling=along_axis())
def softmax(x: ArrayLike, axis: Axis = -1) -> Array:
    """Softmax ``exp(x) / sum(exp(x))``: values in ``[0, 1]`` that sum to 1.

    Args:
        x: Array-like.
        axis: Integer or tuple of integers, the axis or axes along which the values sum to 1; None means all axes. Defaults to
            -1.

    Warns:
        UserWarning: If the axis has size 1, so that all values are 1.

    Example:
        >>> from cornu import ops
        >>> ops.softmax([1000.0, 1000.0]).tolist()
        [0.5, 0.5]
    """

    if isinstance(axis, int) and _is_of_size_1(x, axis):
        warn(
            f"`softmax` received an array of shape {tuple(x.shape)} and `axis={axis}`. "  # type: ignore[union-attr]
            "That axis has size 1, so all results are 1. Use `sigmoid` for a single unit, or another `axis`."
        )

    def derived(backend: Backend, x: Array, axes: tuple[int, ...]) -> Array:
        parts = backend.exp(x)
        return backend.divide(parts, backend.sum(parts, axes, True))

    return _of_softmax_family(x, "softmax", derived, axis)


@activation("nn.LogSoftmax", batch_coupling=along_axis())
def log_softmax(x: ArrayLike, axis: Axis = -1) -> Array:
    """Logarithm of the softmax, ``x - log(sum(exp(x)))``, without overflow (see :func:`softmax` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.log_softmax([1000.0, 0.0]).tolist()
        [0.0, -1000.0]
    """

    def derived(backend: Backend, x: Array, axes: tuple[int, ...]) -> Array:
        return backend.subtract(x, backend.log(backend.sum(backend.exp(x), axes, True)))

    return _of_softmax_family(x, "log_softmax", derived, axis)


@activation("nn.Sparsemax", batch_coupling=along_axis())
def sparsemax(x: ArrayLike, axis: int = -1) -> Array:
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
