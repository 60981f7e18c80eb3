"""Moments and normalization."""

import math

from cornu import config, validation
from cornu.backends.contract import Backend
from cornu.dtypes import HALVES
from cornu.errors import ShapeError
from cornu.ops.batch_coupling import along_axis
from cornu.ops.dispatch import arrays, computed_in_float32, floats, op
from cornu.ops.linalg.norms import norm
from cornu.ops.shape_checks import check_axes, check_axis, shapes_error
from cornu.typing import Array, ArrayLike, Axis

__all__ = ["batch_normalization", "layer_normalization", "moments", "normalize", "rms_normalization"]


@op(batch_coupling=along_axis(axis="axes"), keras_path="nn.Moments")
def moments(x: ArrayLike, axes: Axis, keepdims: bool = False, synchronized: bool = False) -> tuple[Array, Array]:
    """Return the mean and the variance ``mean((x - mean)**2)`` over the given axes.

    Half-precision values are accumulated in ``float32``.

    Args:
        x: Array-like.
        axes: Integer or tuple of integers, the axis or axes along which to reduce.
        keepdims: Whether to keep the reduced axes with size 1. Defaults to False.
        synchronized: Whether the statistics are those of all devices. It makes no difference: a model runs on one device.

    Returns:
        Tuple ``(mean, variance)``, of the dtype of ``x``.

    Example:
        >>> from cornu import ops
        >>> [float(part) for part in ops.moments([1.0, 3.0], 0)]
        [2.0, 1.0]
    """
    backend, x = floats(x)
    axes = check_axes(axes, x.shape, "axes")
    dtype = backend.dtype(x)
    wide = backend.cast(x, "float32") if dtype in HALVES else x
    mean = backend.mean(wide, axes, True)
    variance = backend.mean(backend.square(backend.subtract(wide, mean)), axes, keepdims)
    if not keepdims:
        mean = backend.reshape(mean, tuple(size for i, size in enumerate(x.shape) if i not in axes))
    return (mean, variance) if wide is x else (_narrow(backend, mean, dtype), _narrow(backend, variance, dtype))


def _narrow(backend: Backend, x: Array, dtype: str) -> Array:
    if dtype == "float16":  # limited to the finite range, so that a large variance does not become infinite
        x = backend.minimum(backend.maximum(x, -65504.0), 65504.0)
    return backend.cast(x, dtype)


@op(batch_coupling=along_axis())
def batch_normalization(
    x: ArrayLike,
    mean: ArrayLike,
    variance: ArrayLike,
    axis: int,
    offset: ArrayLike | None = None,
    scale: ArrayLike | None = None,
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
        expected = f"`mean` must have one element for each of the {x.shape[place]} channels on axis {axis}."
        hint = "Choose another `axis`, or check how the mean was computed."
        raise shapes_error("batch_normalization", {"x": x.shape, "mean": mean.shape}, expected, hint)
    factor = backend.rsqrt(backend.add(backend.reshape(variance, shape), epsilon))
    if scale is not None:
        factor = backend.multiply(factor, backend.reshape(arrays(scale, x)[1], shape))
    shift = backend.negative(backend.multiply(backend.reshape(mean, shape), factor))
    if offset is not None:
        shift = backend.add(shift, backend.reshape(arrays(offset, x)[1], shape))
    return backend.add(backend.multiply(x, factor), shift)


def _scale_and_shift(
    backend: Backend, x: Array, axes: tuple[int, ...], gamma: ArrayLike | None, beta: ArrayLike | None
) -> Array:
    shape = tuple(size if i in axes else 1 for i, size in enumerate(x.shape))
    if gamma is not None:
        x = backend.multiply(x, _parameter(backend, gamma, x, shape))
    if beta is not None:
        x = backend.add(x, _parameter(backend, beta, x, shape))
    return x


def _parameter(backend: Backend, value: ArrayLike, x: Array, shape: tuple[int, ...]) -> Array:
    found = backend.cast(arrays(value, x)[1], backend.dtype(x))
    if len(found.shape) in (0, len(shape)):
        return found
    if math.prod(found.shape) != math.prod(shape):
        raise ShapeError(
            f"A scale or shift of shape {tuple(found.shape)} was given for an array of shape {tuple(x.shape)}.",
            f"It must have the sizes of the normalized axes: {tuple(size for size in shape if size != 1)}.",
            "Change its shape, or choose another `axis`.",
        )
    return backend.reshape(found, shape)


@op(batch_coupling=along_axis())
@computed_in_float32
def layer_normalization(
    x: ArrayLike,
    gamma: ArrayLike | None = None,
    beta: ArrayLike | None = None,
    axis: Axis = -1,
    epsilon: float | None = None,
    *,
    rms_scaling: bool = False,
) -> Array:
    """Layer normalization ``(x - mean) / sqrt(variance + epsilon) * gamma + beta`` of each sample (Ba et al., 2016).

    Half-precision values are normalized in ``float32``.

    Args:
        x: Array-like.
        gamma: Array-like of the shape of the normalized axes to multiply by, or None. Defaults to None.
        beta: Array-like of the shape of the normalized axes to add, or None. Defaults to None.
        axis: Integer or tuple of integers, the axis or axes along which to normalize. Defaults to -1.
        epsilon: Float added to the variance to avoid division by zero. Defaults to ``config.epsilon()``.
        rms_scaling: Whether to return ``x / sqrt(variance + epsilon) * gamma``, as Keras does for old models. That is no RMS
            normalization, for which there is :func:`rms_normalization`. Defaults to False.

    Example:
        >>> from cornu import ops
        >>> ops.round(ops.layer_normalization([1.0, 3.0])).tolist()
        [-1.0, 1.0]
    """
    backend, x = floats(x)
    axes = check_axes(axis, x.shape)
    distance = backend.subtract(x, backend.mean(x, axes, True))
    variance = backend.mean(backend.square(distance), axes, True)
    factor = backend.rsqrt(backend.add(variance, config.epsilon() if epsilon is None else epsilon))
    scaled = backend.multiply(x if rms_scaling else distance, factor)
    return _scale_and_shift(backend, scaled, axes, gamma, None if rms_scaling else beta)


@op(batch_coupling=along_axis())
@computed_in_float32
def rms_normalization(x: ArrayLike, scale: ArrayLike | None = None, axis: Axis = -1, epsilon: float | None = None) -> Array:
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
    mean = backend.mean(backend.square(x), axes, True)
    factor = backend.rsqrt(backend.add(mean, config.epsilon() if epsilon is None else epsilon))
    return _scale_and_shift(backend, backend.multiply(x, factor), axes, scale, None)


@op(batch_coupling=along_axis(), keras_path="nn.Normalize")
@computed_in_float32
def normalize(x: ArrayLike, axis: Axis = -1, order: int = 2, epsilon: float | None = None) -> Array:
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
    validation.check_int("normalize", "order", order)
    backend, values = floats(x)
    values = values if len(values.shape) else backend.reshape(values, (1,))
    epsilon = config.epsilon() if epsilon is None else epsilon
    if order == 2:
        squares = backend.sum(backend.square(values), check_axes(axis, values.shape), True)
        return backend.multiply(values, backend.rsqrt(backend.maximum(squares, epsilon**2)))
    return backend.divide(values, backend.maximum(norm(values, order, axis, True), epsilon))
