"""Losses that compare numbers: squared, absolute and other differences, and angles between vectors.

All functions take ``y_true`` and ``y_pred`` of the shape ``(batch, ..., n)`` and give values of the shape ``(batch, ...)``.
"""

import math
from typing import Any

from cornu import config, ops
from cornu.losses.loss import LossFunctionWrapper, align, per_sample


@per_sample
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(square(y_true - y_pred))`` over the last axis.

    Example:
        >>> from cornu.losses import mean_squared_error
        >>> mean_squared_error([[0.0, 1.0]], [[2.0, 1.0]]).tolist()
        [2.0]
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@per_sample
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(abs(y_true - y_pred))`` over the last axis.

    Example:
        >>> from cornu.losses import mean_absolute_error
        >>> mean_absolute_error([[0.0, 1.0]], [[2.0, 1.0]]).tolist()
        [1.0]
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(ops.abs(y_true - y_pred), axis=-1)


@per_sample
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """``100 * mean(abs((y_true - y_pred) / y_true))`` over the last axis.

    Example:
        >>> from cornu.losses import mean_absolute_percentage_error
        >>> mean_absolute_percentage_error([[2.0, 1.0]], [[1.0, 1.0]]).tolist()
        [25.0]
    """
    y_true, y_pred = align(y_true, y_pred)
    return 100 * ops.mean(ops.abs((y_true - y_pred) / ops.maximum(ops.abs(y_true), config.epsilon())), axis=-1)


@per_sample
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """``mean(square(log(1 + y_true) - log(1 + y_pred)))`` over the last axis; negative numbers count as zero.

    Example:
        >>> from cornu.losses import mean_squared_logarithmic_error
        >>> round(float(mean_squared_logarithmic_error([[0.0]], [[1.0]])[0]), 4)
        0.4805
    """
    y_true, y_pred = align(y_true, y_pred)
    logs = [ops.log(ops.maximum(y, config.epsilon()) + 1) for y in (y_true, y_pred)]
    return ops.mean(ops.square(logs[0] - logs[1]), axis=-1)


@per_sample
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Half of the squared error where it is at most ``delta``, a straight line beyond; the mean over the last axis.

    Source: Huber, 1964, https://doi.org/10.1214/aoms/1177703732

    Args:
        y_true: What is right.
        y_pred: What was predicted.
        delta: Where the parabola becomes a line.

    Example:
        >>> from cornu.losses import huber
        >>> huber([[0.0], [0.0]], [[1.0], [3.0]]).tolist()
        [0.5, 2.5]
    """
    y_true, y_pred = align(y_true, y_pred)
    error = ops.abs(y_pred - y_true)
    return ops.mean(ops.where(error <= delta, 0.5 * ops.square(error), delta * error - 0.5 * delta**2), axis=-1)


@per_sample
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """``mean(log(cosh(y_pred - y_true)))`` over the last axis: a parabola near zero, a straight line far away.

    Example:
        >>> from cornu.losses import log_cosh
        >>> log_cosh([[0.0]], [[0.0]]).tolist()
        [0.0]
    """
    y_true, y_pred = align(y_true, y_pred)
    error = y_pred - y_true
    return ops.mean(error + ops.softplus(-2 * error) - math.log(2), axis=-1)


@per_sample
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """Minus the cosine of the angle between two vectors: -1 if they point the same way, 0 at right angles.

    Args:
        y_true: What is right.
        y_pred: What was predicted.
        axis: The axis along which the vectors lie.

    Example:
        >>> from cornu.losses import cosine_similarity
        >>> cosine_similarity([[0.0, 2.0]], [[0.0, 3.0]]).tolist()
        [-1.0]
    """
    y_true, y_pred = align(y_true, y_pred)
    return -ops.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)


class MeanSquaredError(LossFunctionWrapper):
    """The mean squared difference, see :func:`mean_squared_error`. Args: see :class:`Loss`.

    Example:
        >>> from cornu.losses import MeanSquaredError
        >>> float(MeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]]))
        2.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "mean_squared_error", dtype: Any = None):
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(LossFunctionWrapper):
    """The mean absolute difference, see :func:`mean_absolute_error`. Args: see :class:`Loss`.

    Example:
        >>> from cornu.losses import MeanAbsoluteError
        >>> float(MeanAbsoluteError()([[0.0], [1.0]], [[2.0], [1.0]]))
        1.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "mean_absolute_error", dtype: Any = None):
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(LossFunctionWrapper):
    """The mean absolute difference in percent, see :func:`mean_absolute_percentage_error`. Args: see :class:`Loss`.

    Example:
        >>> from cornu.losses import MeanAbsolutePercentageError
        >>> float(MeanAbsolutePercentageError()([[2.0], [1.0]], [[1.0], [1.0]]))
        25.0
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_percentage_error",
        dtype: Any = None,
    ):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """The mean squared difference of logarithms, see :func:`mean_squared_logarithmic_error`. Args: see :class:`Loss`.

    Example:
        >>> from cornu.losses import MeanSquaredLogarithmicError
        >>> round(float(MeanSquaredLogarithmicError()([[0.0]], [[1.0]])), 4)
        0.4805
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(LossFunctionWrapper):
    """A parabola near zero and a line far away, see :func:`huber`.

    Args:
        delta: Where the parabola becomes a line.
        reduction: See :class:`Loss`.
        name: Its name.
        dtype: See :class:`Loss`.

    Example:
        >>> from cornu.losses import Huber
        >>> float(Huber()([[0.0], [0.0]], [[1.0], [3.0]]))
        1.5
    """

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ):
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(LossFunctionWrapper):
    """``log(cosh(y_pred - y_true))``, see :func:`log_cosh`. Args: see :class:`Loss`.

    Example:
        >>> from cornu.losses import LogCosh
        >>> float(LogCosh()([[1.0]], [[1.0]]))
        0.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "log_cosh", dtype: Any = None):
        super().__init__(log_cosh, reduction, name, dtype)


class CosineSimilarity(LossFunctionWrapper):
    """Minus the cosine of the angle between vectors, see :func:`cosine_similarity`.

    Args:
        axis: The axis along which the vectors lie.
        reduction: See :class:`Loss`.
        name: Its name.
        dtype: See :class:`Loss`.

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
        dtype: Any = None,
    ):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
