"""Metrics that measure how predictions and labels vary together."""

from typing import Any

from cornu import ops, registry
from cornu.losses.alignment import align
from cornu.losses.loss import per_sample
from cornu.metrics.reduction import MeanMetricWrapper
from cornu.typing import Array, ArrayLike, Axis, DType

__all__ = ["ConcordanceCorrelation", "PearsonCorrelation", "concordance_correlation", "pearson_correlation"]


def _moments(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis) -> tuple[Array, ...]:
    """Return the covariance, both variances and the difference of the means along an axis."""
    y_true, y_pred = align(y_true, y_pred)
    means = [ops.mean(values, axis=axis, keepdims=True) for values in (y_true, y_pred)]
    one, other = y_true - means[0], y_pred - means[1]
    covariance, *variances = (ops.mean(product, axis=axis) for product in (one * other, ops.square(one), ops.square(other)))
    return covariance, *variances, ops.reshape(means[0] - means[1], ops.shape(covariance))


@per_sample
def pearson_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis = -1) -> Any:
    """Compute the Pearson correlation coefficient along an axis, from -1 to 1.

    ``cov(y_true, y_pred) / (std(y_true) * std(y_pred))``

    Args:
        y_true: Array-like of labels, of shape ``(batch, ..., n)``.
        y_pred: Array-like of predictions of the same shape.
        axis: Integer or tuple of integers, the axis or axes. Defaults to -1.

    Returns:
        Array without the axis; NaN where the labels or the predictions do not vary.

    Example:
        >>> from cornu.metrics import pearson_correlation
        >>> [round(value, 4) for value in pearson_correlation([[0.0, 1.0, 0.5]], [[0.1, 0.9, 0.5]]).tolist()]
        [1.0]
    """
    covariance, one, other, _ = _moments(y_true, y_pred, axis)
    return covariance / ops.sqrt(one * other)


@per_sample
def concordance_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis = -1) -> Any:
    """Compute the concordance correlation coefficient along an axis: 1 only where predictions equal the labels.

    ``2 * cov(y_true, y_pred) / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred)) ** 2)``; 0 where the divisor is 0.

    Args:
        y_true: Array-like of labels, of shape ``(batch, ..., n)``.
        y_pred: Array-like of predictions of the same shape.
        axis: Integer or tuple of integers, the axis or axes. Defaults to -1.

    Returns:
        Array without the axis.

    References:
        Lin, 1989, "A Concordance Correlation Coefficient to Evaluate Reproducibility", https://doi.org/10.2307/2532051

    Example:
        >>> from cornu.metrics import concordance_correlation
        >>> [round(value, 4) for value in concordance_correlation([[0.0, 1.0]], [[1.0, 2.0]]).tolist()]
        [0.3333]
    """
    covariance, one, other, distance = _moments(y_true, y_pred, axis)
    return ops.divide_no_nan(2 * covariance, one + other + ops.square(distance))


@registry.register("metrics")
class PearsonCorrelation(MeanMetricWrapper):
    """Mean of the Pearson correlation coefficients of the samples, see :func:`pearson_correlation`.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        axis: Integer or tuple of integers, the axis or axes along which values are correlated. Defaults to -1.

    Example:
        >>> from cornu.metrics import PearsonCorrelation
        >>> round(float(PearsonCorrelation()([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])), 4)
        0.9967
    """

    def __init__(self, name: str = "pearson_correlation", dtype: DType = None, axis: Axis = -1):
        super().__init__(pearson_correlation, name=name, dtype=dtype, axis=axis)


@registry.register("metrics")
class ConcordanceCorrelation(MeanMetricWrapper):
    """Mean of the concordance correlation coefficients of the samples, see :func:`concordance_correlation`.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        axis: Integer or tuple of integers, the axis or axes along which values are compared. Defaults to -1.

    Example:
        >>> from cornu.metrics import ConcordanceCorrelation
        >>> round(float(ConcordanceCorrelation()([[0, 1, 0.5], [1, 1, 0.2]], [[0.1, 0.9, 0.5], [1, 0.9, 0.2]])), 4)
        0.9816
    """

    def __init__(self, name: str = "concordance_correlation", dtype: DType = None, axis: Axis = -1):
        super().__init__(concordance_correlation, name=name, dtype=dtype, axis=axis)
