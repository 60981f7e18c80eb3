"""Batch normalization."""

import math
from collections.abc import Callable
from typing import Any, Unpack

from cornu import initializers, ops, registry
from cornu.backends import fused_ops
from cornu.core import call_context
from cornu.core.input_spec import InputSpec
from cornu.core.layer_config import LayerArguments
from cornu.core.masks import expand_mask
from cornu.core.variable import Variable
from cornu.layers import shape_arithmetic
from cornu.layers.normalization.base_normalization import BaseNormalization, computing_dtype
from cornu.typing import Array, Constraint, Initializer, IntOrInts, Regularizer, Shape
from cornu.validation import check_between, invalid_value

__all__ = ["BatchNormalization"]


@registry.register("layers")
class BatchNormalization(BaseNormalization):
    """Batch normalization layer, which normalizes each channel over the batch and the spatial axes.

    The layer computes::

        y = gamma * (x - mean) / sqrt(variance + epsilon) + beta

    During training, ``mean`` and ``variance`` (biased) are those of the batch, and the moving statistics are updated::

        moving_mean = momentum * moving_mean + (1 - momentum) * mean
        moving_variance = momentum * moving_variance + (1 - momentum) * variance

    During inference, or if ``trainable`` is False, the moving statistics are used instead. Half precision inputs are computed
    in ``float32``. The weights are ``gamma``, ``beta``, ``moving_mean`` and ``moving_variance``, each of shape ``(channels,)``.

    The output has the shape of the input.

    Sources: Ioffe and Szegedy, 2015, Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift, https://arxiv.org/abs/1502.03167; Ioffe, 2017, Batch Renormalization, https://arxiv.org/abs/1702.03275

    Args:
        axis: Integer, the axis of the channels. Defaults to -1.
        momentum: Float in [0, 1], the weight of the previous moving statistics in each update. Defaults to 0.99.
        epsilon: Small float added to the variance to avoid division by zero. Defaults to 1e-3.
        center: Whether to add ``beta``. Defaults to True.
        scale: Whether to multiply by ``gamma``. Defaults to True.
        beta_initializer: Initializer for ``beta``. Defaults to ``"zeros"``.
        gamma_initializer: Initializer for ``gamma``. Defaults to ``"ones"``.
        moving_mean_initializer: Initializer for ``moving_mean``. Defaults to ``"zeros"``.
        moving_variance_initializer: Initializer for ``moving_variance``. Defaults to ``"ones"``.
        beta_regularizer: Regularizer applied to ``beta``. Defaults to None.
        gamma_regularizer: Regularizer applied to ``gamma``. Defaults to None.
        beta_constraint: Constraint applied to ``beta`` after each optimizer update. Defaults to None.
        gamma_constraint: Constraint applied to ``gamma`` after each optimizer update. Defaults to None.
        renorm: Whether training uses batch renormalization, for small batches: the normalized values are corrected by slowly
            moving statistics, ``r * x + d`` (see :meth:`_corrections`). Its weights are in addition ``moving_stddev``,
            ``renorm_mean`` and ``renorm_stddev``. Defaults to False.
        renorm_clipping: Dict of bounds of the correction: ``r`` is clipped to ``[rmin, rmax]`` and ``d`` to ``[-dmax, dmax]``.
            A missing bound does not clip. Defaults to None.
        renorm_momentum: Momentum of ``renorm_mean`` and ``renorm_stddev``. Defaults to 0.99.
        synchronized: Whether the statistics are those of the batches of all devices. A model runs on one device, so that it
            makes no difference. Defaults to False.
        **kwargs: Arguments of the base class :class:`Layer`, such as ``name``, ``trainable`` and ``dtype``.

    Raises:
        InvalidArgumentError: If a momentum is not in [0, 1], ``renorm_clipping`` has other entries or empty intervals, or the
            input does not have ``axis``.
        ShapeError: If, when called, the number of channels differs from the one the layer was built with.

    Example:
        >>> import numpy as np
        >>> from cornu.layers import BatchNormalization
        >>> layer = BatchNormalization(epsilon=0.0)
        >>> layer(np.array([[1.0], [3.0]]), training=True).tolist()
        [[-1.0], [1.0]]
        >>> round(float(layer.moving_mean.numpy()[0]), 4)
        0.02
    """

    batch_coupling = "masked"
    moving_mean: Variable = None  # type: ignore[assignment] - until the layer is built
    moving_variance: Variable = None  # type: ignore[assignment]

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Initializer = "zeros",
        gamma_initializer: Initializer = "ones",
        moving_mean_initializer: Initializer = "zeros",
        moving_variance_initializer: Initializer = "ones",
        beta_regularizer: Regularizer = None,
        gamma_regularizer: Regularizer = None,
        beta_constraint: Constraint = None,
        gamma_constraint: Constraint = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Unpack[LayerArguments],
    ):
        super().__init__(**kwargs)
        self.synchronized, self.renorm = synchronized, renorm
        self.renorm_clipping = _clipping(renorm_clipping or {}) if renorm else renorm_clipping
        self.renorm_momentum = float(check_between(self, "renorm_momentum", renorm_momentum))
        self.axis = one_axis(axis)
        self.momentum = float(check_between(self, "momentum", momentum))
        beta = (beta_initializer, beta_regularizer, beta_constraint)
        gamma = (gamma_initializer, gamma_regularizer, gamma_constraint)
        self._set_gamma_and_beta(center, scale, beta, gamma, float(epsilon))
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    @property
    def cornu_input_spec(self) -> InputSpec | None:  # type: ignore[override]
        """The number of axes and of channels that the layer was built for."""
        return shape_arithmetic.built_input_spec(self, self.axis)

    def build(self, input_shape: Shape) -> None:
        """Create gamma, beta and the moving statistics."""
        self.compute_output_shape(input_shape)
        channels = (input_shape[self.axis],)
        self._add_gamma_and_beta(channels)
        self.moving_mean = self.add_weight(channels, self.moving_mean_initializer, trainable=False, name="moving_mean")
        self.moving_variance = self.add_weight(
            channels, self.moving_variance_initializer, trainable=False, name="moving_variance"
        )
        if self.renorm:
            self.moving_stddev = self.add_weight(channels, self._first_stddev, trainable=False, name="moving_stddev")
            self.renorm_mean = self.add_weight(channels, self.moving_mean_initializer, trainable=False, name="renorm_mean")
            self.renorm_stddev = self.add_weight(channels, self._first_stddev, trainable=False, name="renorm_stddev")

    def _first_stddev(self, shape: tuple[int, ...], dtype: str | None = None) -> Any:
        return ops.sqrt(self.moving_variance_initializer(shape, dtype=dtype))

    def call(self, inputs: Array, training: bool | None = None, mask: Array | None = None) -> Any:
        """Return the normalized inputs.

        Args:
            inputs: Array with the samples along the first axis.
            training: Whether to use the statistics of the batch. Defaults to None (False).
            mask: Boolean array with the leading axes of the inputs, False for positions to exclude from the statistics.
                Defaults to None.
        """
        with call_context.autocast(None):  # use the weights in their own dtype, not in half precision
            x = ops.cast(inputs, computing_dtype(self.compute_dtype))
            if training and self.trainable and self.renorm:
                outputs = self._renormalized(x, mask)
            elif training and self.trainable:
                outputs, mean, variance = self._normalized_by_itself(x, mask)
                self._follow(self.moving_mean, mean)
                self._follow(self.moving_variance, variance)
            else:
                moving = self.moving_mean, self.moving_variance
                outputs = ops.batch_normalization(x, *moving, self.axis, self.beta, self.gamma, self.epsilon)
        return ops.cast(outputs, self.compute_dtype)

    def _normalized_by_itself(self, x: Array, mask: Array | None) -> tuple[Any, Any, Any]:
        """Return the inputs normalized by the statistics of the batch, and its mean and variance."""
        weights = self._weights_of_samples(x, mask)
        is_plain = weights is None and self.axis in (-1, len(x.shape) - 1) and ops.dtype(x) == "float32"
        quick = fused_ops.find("normalized_batch", x) if is_plain else None
        if quick is not None:
            gamma, beta = (None if weight is None else ops.cast(weight, "float32") for weight in (self.gamma, self.beta))
            return quick(x, gamma, beta, self.epsilon)
        mean, variance = self._batch_statistics(x, weights)
        outputs = ops.batch_normalization(x, mean, variance, self.axis, self.beta, self.gamma, self.epsilon)
        return outputs, mean, variance

    def _renormalized(self, x: Array, mask: Array | None) -> Any:
        """Return the inputs normalized by the corrected statistics of the batch, and update the moving ones."""
        mean, variance = self._batch_statistics(x, self._weights_of_samples(x, mask))
        stddev = ops.sqrt(variance + self.epsilon)
        factor, offset = (ops.stop_gradient(part) for part in self._corrections(mean, stddev))
        if self.gamma is not None:
            factor, offset = factor * self.gamma, offset * self.gamma
        if self.beta is not None:
            offset = offset + self.beta
        self._follow(self.renorm_mean, mean, self.renorm_momentum)
        self._follow(self.renorm_stddev, stddev, self.renorm_momentum)
        self._follow(self.moving_mean, mean)
        self._follow(self.moving_stddev, stddev)
        self.moving_variance.assign(ops.relu(ops.square(self.moving_stddev) - self.epsilon))
        return ops.batch_normalization(x, mean, variance, self.axis, offset, factor, self.epsilon)

    def _corrections(self, mean: Array, stddev: Array) -> tuple[Any, Any]:
        """Return ``r = stddev / renorm_stddev`` and ``d = (mean - renorm_mean) / renorm_stddev``, clipped."""
        moving = ops.maximum(self.renorm_stddev, math.sqrt(self.epsilon))
        limits: dict[str, float] = self.renorm_clipping or {}
        largest = limits.get("dmax", math.inf)
        r = ops.clip(stddev / moving, limits.get("rmin", -math.inf), limits.get("rmax", math.inf))
        return r, ops.clip((mean - self.renorm_mean) / moving, -largest, largest)

    def _follow(self, moving: Variable, value: Array, momentum: float | None = None) -> None:
        momentum = self.momentum if momentum is None else momentum
        value = ops.cast(ops.stop_gradient(value), moving.dtype)
        moving.assign(moving * momentum + value * (1.0 - momentum))

    def _batch_statistics(self, x: Array, weights: Array | None) -> tuple[Any, Any]:
        """Return the mean and the variance of each channel, over all positions with nonzero weight."""
        place = self.axis % len(x.shape)
        axes = tuple(axis for axis in range(len(x.shape)) if axis != place)
        mean_of = _mean_over(axes, weights, x.shape)
        mean = mean_of(x)
        # Subtracting a constant instead of the mean is 20% faster, since the gradient passes through `x` only once. The last
        # square and its gradient are 0, but its second derivative is not.
        fixed = ops.stop_gradient(mean)
        variance = mean_of(ops.square(x - fixed)) - ops.square(mean - fixed)
        return ops.reshape(mean, (-1,)), ops.reshape(variance, (-1,))

    def _weights_of_samples(self, x: Array, mask: Array | None) -> Any:
        """Return the mask without padded samples, as zeros and ones that broadcast to ``x``; None if nothing is masked."""
        context = call_context.current()
        sample_mask = context.sample_mask if context is not None else None
        weights = None
        for found in (mask, sample_mask):
            if found is not None:
                self._check_mask(found, x)
                found = expand_mask(ops.cast(found, computing_dtype(self.compute_dtype)), x.ndim)
                weights = found if weights is None else weights * found
        return weights

    def _check_mask(self, mask: Array | None, x: Array) -> None:
        place = self.axis % x.ndim
        sizes = zip(mask.shape, x.shape, strict=False)
        if mask.ndim > place or any(size not in (1, expected) for size, expected in sizes):
            expected = f"The mask must have the leading axes of the input, before the channel axis ({place}), or sizes of 1."
            advice = f"Pass a mask of shape {tuple(x.shape[:place])}, or no mask."
            raise shape_arithmetic.mask_error(self, x.shape, mask.shape, expected, advice)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        axis = shape_arithmetic.find_axis(self.axis, input_shape)
        where = -1 if axis == len(input_shape) - 1 else axis
        shape_arithmetic.check_size(self, input_shape, where, self.moving_mean.shape[0] if self.built else None, "channels")
        return input_shape


def _mean_over(axes: tuple[int, ...], weights: Array | None, shape: tuple[int, ...]) -> Callable:
    """Return a function that computes the weighted mean over the axes, which are kept with size 1."""
    if weights is None:
        return lambda values: ops.mean(values, axes, keepdims=True)
    numbers = math.prod(shape[axis] for axis in axes if weights.shape[axis] == 1)  # number of elements that share one weight
    count = ops.maximum(ops.sum(weights) * numbers, 1)
    return lambda values: ops.sum(values * weights, axes, keepdims=True) / count


def one_axis(axis: IntOrInts) -> int:
    """Return the axis as an integer; a list or tuple of one integer is accepted."""
    only: Any = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis  # Keras 2 saved lists
    return int(only)


def _clipping(limits: dict[str, float]) -> dict[str, float]:
    """Return the argument ``renorm_clipping`` without bounds of None, after a check."""
    found = {name: value for name, value in limits.items() if value is not None}
    is_empty = found.get("rmin", -math.inf) > found.get("rmax", math.inf) or found.get("dmax", 0) < 0
    if is_empty or not limits.keys() <= {"rmax", "rmin", "dmax"}:
        expected = "a dict of 'rmax', 'rmin' and 'dmax', where 'rmin' is at most 'rmax', and 'dmax' is not negative"
        raise invalid_value("BatchNormalization", "renorm_clipping", limits, expected, {"rmin": 0.3, "rmax": 3, "dmax": 5})
    return found
