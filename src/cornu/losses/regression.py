"""Regression losses: squared, absolute and other differences, and the cosine similarity.

All functions accept ``y_true`` and ``y_pred`` of shape ``(batch, ..., n)`` and return values of shape ``(batch, ...)``.
"""

import math
from typing import Any

from cornu import config, ops, registry
from cornu.losses.alignment import align
from cornu.losses.loss import LossFunctionWrapper, per_sample
from cornu.typing import ArrayLike, DType

__all__ = [
    "CosineSimilarity",
    "Huber",
    "LogCosh",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "cosine_similarity",
    "huber",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
]


@registry.register("losses", aliases=("MSE", "mse"))
@per_sample
def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the mean squared error over the last axis.

    ``loss = mean(square(y_true - y_pred), axis=-1)``

    Args:
        y_true: Array-like, ground truth values of shape ``(batch, ..., n)``.
        y_pred: Array-like, predicted values of shape ``(batch, ..., n)``.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    Example:
        >>> from cornu.losses import mean_squared_error
        >>> mean_squared_error([[0.0, 1.0]], [[2.0, 1.0]]).tolist()
        [2.0]
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@registry.register("losses", aliases=("MAE", "mae"))
@per_sample
def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the mean absolute error over the last axis.

    ``loss = mean(abs(y_true - y_pred), axis=-1)``

    Args:
        y_true: Array-like, ground truth values of shape ``(batch, ..., n)``.
        y_pred: Array-like, predicted values of shape ``(batch, ..., n)``.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    Example:
        >>> from cornu.losses import mean_absolute_error
        >>> mean_absolute_error([[0.0, 1.0]], [[2.0, 1.0]]).tolist()
        [1.0]
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


@registry.register("losses", aliases=("MAPE", "mape"))
@per_sample
def mean_absolute_percentage_error(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the mean absolute percentage error over the last axis, in percent.

    ``loss = 100 * mean(abs((y_true - y_pred) / maximum(abs(y_true), epsilon)), axis=-1)``, where
    ``epsilon = config.epsilon()``.

    Args:
        y_true: Array-like, ground truth values of shape ``(batch, ..., n)``.
        y_pred: Array-like, predicted values of shape ``(batch, ..., n)``.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    Example:
        >>> from cornu.losses import mean_absolute_percentage_error
        >>> mean_absolute_percentage_error([[2.0, 1.0]], [[1.0, 1.0]]).tolist()
        [25.0]
    """
    y_true, y_pred = align(y_true, y_pred)
    return 100 * ops.mean(ops.abs((y_true - y_pred) / ops.maximum(ops.abs(y_true), config.epsilon())), axis=-1)


@registry.register("losses", aliases=("MSLE", "msle"))
@per_sample
def mean_squared_logarithmic_error(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the mean squared logarithmic error over the last axis.

    ``loss = mean(square(log(1 + y_true) - log(1 + y_pred)), axis=-1)``; values below ``config.epsilon()``, such as negative
    ones, are replaced by it.

    Args:
        y_true: Array-like, ground truth values of shape ``(batch, ..., n)``.
        y_pred: Array-like, predicted values of shape ``(batch, ..., n)``.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    Example:
        >>> from cornu.losses import mean_squared_logarithmic_error
        >>> round(float(mean_squared_logarithmic_error([[0.0]], [[1.0]])[0]), 4)
        0.4805
    """
    y_true, y_pred = align(y_true, y_pred)
    logs = [ops.log(ops.maximum(y, config.epsilon()) + 1) for y in (y_true, y_pred)]
    return ops.mean(ops.square(logs[0] - logs[1]), axis=-1)


@registry.register("metrics")
@registry.register("losses")
@per_sample
def huber(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> Any:
    """Compute the Huber loss, averaged over the last axis.

    With ``error = abs(y_pred - y_true)``, the loss is ``0.5 * error ** 2`` where ``error <= delta``, and
    ``delta * error - 0.5 * delta ** 2`` elsewhere.

    Args:
        y_true: Array-like, ground truth values of shape ``(batch, ..., n)``.
        y_pred: Array-like, predicted values of shape ``(batch, ..., n)``.
        delta: Positive float, the error at which the loss changes from quadratic to linear. Defaults to 1.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    References:
        Huber, 1964, "Robust Estimation of a Location Parameter", https://doi.org/10.1214/aoms/1177703732

    Example:
        >>> from cornu.losses import huber
        >>> huber([[0.0], [0.0]], [[1.0], [3.0]]).tolist()
        [0.5, 2.5]
    """
    y_true, y_pred = align(y_true, y_pred)
    error = ops.abs(y_pred - y_true)
    return ops.mean(ops.where(error <= delta, 0.5 * ops.square(error), delta * error - 0.5 * delta**2), axis=-1)


@registry.register("metrics")
@registry.register("losses", aliases=("logcosh",))
@per_sample
def log_cosh(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the logarithm of the hyperbolic cosine of the error, averaged over the last axis.

    ``loss = mean(log(cosh(y_pred - y_true)), axis=-1)``, approximately quadratic for small errors and linear for large ones.
    It is computed as ``error + softplus(-2 * error) - log(2)`` to avoid overflow.

    Args:
        y_true: Array-like, ground truth values of shape ``(batch, ..., n)``.
        y_pred: Array-like, predicted values of shape ``(batch, ..., n)``.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    Example:
        >>> from cornu.losses import log_cosh
        >>> log_cosh([[0.0]], [[0.0]]).tolist()
        [0.0]
    """
    y_true, y_pred = align(y_true, y_pred)
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(-2 * error) - math.log(2), axis=-1)


@registry.register("losses", aliases=("cosine_proximity",))
@per_sample
def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Any:
    """Compute the negative cosine similarity: -1 for vectors of the same direction, 0 for orthogonal vectors.

    ``loss = -sum(l2_normalize(y_true) * l2_normalize(y_pred), axis)``

    Args:
        y_true: Array-like, ground truth values of shape ``(batch, ..., n)``.
        y_pred: Array-like, predicted values of shape ``(batch, ..., n)``.
        axis: Integer, the axis along which the vectors lie. Defaults to -1.

    Returns:
        Array without the axis ``axis``.

    Example:
        >>> from cornu.losses import cosine_similarity
        >>> cosine_similarity([[0.0, 2.0]], [[0.0, 3.0]]).tolist()
        [-1.0]
    """
    y_true, y_pred = align(y_true, y_pred)
    return -ops.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)


@registry.register("losses")
class MeanSquaredError(LossFunctionWrapper):
    """Mean squared error ``mean(square(y_true - y_pred), axis=-1)``, see :func:`mean_squared_error`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import MeanSquaredError
        >>> float(MeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]]))
        2.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error", dtype: DType = None):
        super().__init__(mean_squared_error, reduction=reduction, name=name, dtype=dtype)


@registry.register("losses")
class MeanAbsoluteError(LossFunctionWrapper):
    """Mean absolute error ``mean(abs(y_true - y_pred), axis=-1)``, see :func:`mean_absolute_error`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import MeanAbsoluteError
        >>> float(MeanAbsoluteError()([[0.0], [1.0]], [[2.0], [1.0]]))
        1.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_error", dtype: DType = None):
        super().__init__(mean_absolute_error, reduction=reduction, name=name, dtype=dtype)


@registry.register("losses")
class MeanAbsolutePercentageError(LossFunctionWrapper):
    """Mean absolute percentage error ``100 * mean(abs((y_true - y_pred) / y_true), axis=-1)``, in percent.

    See :func:`mean_absolute_percentage_error`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import MeanAbsolutePercentageError
        >>> float(MeanAbsolutePercentageError()([[2.0], [1.0]], [[1.0], [1.0]]))
        25.0
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_percentage_error", dtype: DType = None
    ):
        super().__init__(mean_absolute_percentage_error, reduction=reduction, name=name, dtype=dtype)


@registry.register("losses")
class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """Mean squared logarithmic error ``mean(square(log(1 + y_true) - log(1 + y_pred)), axis=-1)``.

    See :func:`mean_squared_logarithmic_error`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import MeanSquaredLogarithmicError
        >>> round(float(MeanSquaredLogarithmicError()([[0.0]], [[1.0]])), 4)
        0.4805
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_logarithmic_error", dtype: DType = None
    ):
        super().__init__(mean_squared_logarithmic_error, reduction=reduction, name=name, dtype=dtype)


@registry.register("losses")
class Huber(LossFunctionWrapper):
    """Huber loss, quadratic for errors up to ``delta`` and linear above, see :func:`huber`.

    Args:
        delta: Positive float, the error at which the loss changes from quadratic to linear. Defaults to 1.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import Huber
        >>> float(Huber()([[0.0], [0.0]], [[1.0], [3.0]]))
        1.5
    """

    def __init__(
        self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size", name: str = "huber_loss", dtype: DType = None
    ):
        super().__init__(huber, reduction=reduction, name=name, dtype=dtype, delta=delta)


@registry.register("losses")
class LogCosh(LossFunctionWrapper):
    """Logarithm of the hyperbolic cosine of the error, ``mean(log(cosh(y_pred - y_true)), axis=-1)``, see :func:`log_cosh`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import LogCosh
        >>> float(LogCosh()([[1.0]], [[1.0]]))
        0.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "log_cosh", dtype: DType = None):
        super().__init__(log_cosh, reduction=reduction, name=name, dtype=dtype)


@registry.register("losses")
class CosineSimilarity(LossFunctionWrapper):
    """Negative cosine similarity ``-sum(l2_normalize(y_true) * l2_normalize(y_pred))``, see :func:`cosine_similarity`.

    Args:
        axis: Integer, the axis along which the vectors lie. Defaults to -1.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import CosineSimilarity
        >>> float(CosineSimilarity()([[0.0, 2.0]], [[0.0, 3.0]]))
        -1.0
    """

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosine_similarity",
        dtype: DType = None,
    ):
        super().__init__(cosine_similarity, reduction=reduction, name=name, dtype=dtype, axis=axis)
