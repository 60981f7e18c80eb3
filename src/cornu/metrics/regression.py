"""Regression metrics."""

from typing import Any

from cornu import config, ops, registry
from cornu.dtypes import sum_dtype
from cornu.losses import regression as losses
from cornu.losses.alignment import align, convert_like, sample_weights
from cornu.losses.loss import per_sample
from cornu.metrics.metric import Metric
from cornu.metrics.reduction import Mean, MeanMetricWrapper
from cornu.metrics.sum_variable import in_dtype
from cornu.ops.shape_checks import shape_error
from cornu.typing import Array, ArrayLike, DType
from cornu.validation import check_nonnegative, check_option

__all__ = [
    "CosineSimilarity",
    "LogCoshError",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "R2Score",
    "RootMeanSquaredError",
]

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


@registry.register("metrics", aliases=("MSE", "mse"))
class MeanSquaredError(MeanMetricWrapper):
    """Mean squared error, ``mean(square(y_true - y_pred))``.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import MeanSquaredError
        >>> float(MeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]]))
        2.0
    """

    def __init__(self, name: str = "mean_squared_error", dtype: DType = None):
        super().__init__(losses.mean_squared_error, name=name, dtype=dtype)


@registry.register("metrics", aliases=("rmse",))
class RootMeanSquaredError(Mean):
    """Root mean squared error, ``sqrt(mean(square(y_true - y_pred)))``.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import RootMeanSquaredError
        >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[2.0], [2.0]]))
        2.0
    """

    ignores_zero_weight = True

    def __init__(self, name: str = "root_mean_squared_error", dtype: DType = None):
        super().__init__(name=name, dtype=dtype)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Accumulate a batch."""
        y_true, y_pred = (ops.cast(values, sum_dtype(self.dtype)) for values in align(y_true, y_pred))
        super().update_state(ops.square(y_true - y_pred), sample_weight)

    def result(self) -> Any:
        """Return the square root of the mean."""
        return in_dtype(ops.sqrt(ops.divide_no_nan(self.total, self.count)), self.dtype)


@registry.register("metrics", aliases=("MAE", "mae"))
class MeanAbsoluteError(MeanMetricWrapper):
    """Mean absolute error, ``mean(abs(y_true - y_pred))``.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import MeanAbsoluteError
        >>> float(MeanAbsoluteError()([[0.0], [1.0]], [[2.0], [1.0]]))
        1.0
    """

    def __init__(self, name: str = "mean_absolute_error", dtype: DType = None):
        super().__init__(losses.mean_absolute_error, name=name, dtype=dtype)


@registry.register("metrics", aliases=("MAPE", "mape"))
class MeanAbsolutePercentageError(MeanMetricWrapper):
    """Mean absolute percentage error, ``mean(100 * abs((y_true - y_pred) / y_true))``, in percent.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import MeanAbsolutePercentageError
        >>> float(MeanAbsolutePercentageError()([[2.0], [1.0]], [[1.0], [1.0]]))
        25.0
    """

    def __init__(self, name: str = "mean_absolute_percentage_error", dtype: DType = None):
        super().__init__(losses.mean_absolute_percentage_error, name=name, dtype=dtype)


@registry.register("metrics", aliases=("MSLE", "msle"))
class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """Mean squared logarithmic error, ``mean(square(log(1 + y_true) - log(1 + y_pred)))``.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import MeanSquaredLogarithmicError
        >>> round(float(MeanSquaredLogarithmicError()([[0.0]], [[1.0]])), 4)
        0.4805
    """

    def __init__(self, name: str = "mean_squared_logarithmic_error", dtype: DType = None):
        super().__init__(losses.mean_squared_logarithmic_error, name=name, dtype=dtype)


@registry.register("metrics")
class LogCoshError(MeanMetricWrapper):
    """Mean logarithm of the hyperbolic cosine of the error, ``mean(log(cosh(y_pred - y_true)))``.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import LogCoshError
        >>> float(LogCoshError()([[1.0]], [[1.0]]))
        0.0
    """

    def __init__(self, name: str = "logcosh", dtype: DType = None):
        super().__init__(losses.log_cosh, name=name, dtype=dtype)


@per_sample
def _cosine(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Any:
    """Return the cosine similarity, the negative of the loss."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


@registry.register("metrics")
class CosineSimilarity(MeanMetricWrapper):
    """Mean cosine similarity, ``mean(sum(l2_normalize(y_true) * l2_normalize(y_pred)))``; 1 for vectors of the same direction.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        axis: Integer, the axis along which the vectors lie. Defaults to -1.

    Example:
        >>> from cornu.metrics import CosineSimilarity
        >>> float(CosineSimilarity()([[0.0, 2.0]], [[0.0, 3.0]]))
        1.0
    """

    def __init__(self, name: str = "cosine_similarity", dtype: DType = None, axis: int = -1):
        super().__init__(_cosine, name=name, dtype=dtype, axis=axis)


@registry.register("metrics")
class R2Score(Metric):
    """R2 score, the coefficient of determination: 1 for perfect predictions, 0 for predictions no better than the mean.

    ``1 - sum(square(y_true - y_pred)) / sum(square(y_true - mean(y_true)))`` for each output; 0 if the labels do not vary. The
    adjusted score is ``1 - (1 - score) * (num_samples - 1) / (num_samples - num_regressors - 1)``.

    Args:
        class_aggregation: ``"uniform_average"`` (default), ``"variance_weighted_average"`` or None (one score per output), how
            the scores of several outputs are combined.
        num_regressors: Non-negative integer, the number of independent variables for the adjusted score. Defaults to 0 (the
            unadjusted score, which is also returned while there are too few samples to adjust it).
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Raises:
        InvalidArgumentError: An argument is invalid.
        ShapeError: Predictions do not have the shape ``(batch, outputs)``.

    References:
        https://en.wikipedia.org/wiki/Coefficient_of_determination

    Example:
        >>> from cornu.metrics import R2Score
        >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714
    """

    ignores_zero_weight = True

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: DType = None,
    ):
        super().__init__(dtype=dtype, name=name)
        self.class_aggregation = check_option("class_aggregation", class_aggregation, _AGGREGATIONS)
        self.num_regressors = check_nonnegative(self, "num_regressors", num_regressors)
        self._add_sums(["num_samples"], (), config.floatx())
        self.built = False

    def build(self, y_true_shape: tuple, y_pred_shape: tuple) -> None:
        """Create the sums, one per output."""
        if self.built:
            return
        if len(y_pred_shape) != 2:
            expected = "Predictions must have shape `(batch, outputs)`."
            raise shape_error("R2Score", y_pred_shape, expected, "Reshape the predictions and labels.", "y_pred")
        shape, dtype = (y_pred_shape[-1],), config.floatx()
        self._add_sums(("squared_sum", "sum"), shape, dtype)
        self.total_mse = self.add_variable(shape, "zeros", dtype=sum_dtype(dtype), name="residual")
        self._add_sums(["count"], shape, dtype)
        self.built = True

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Accumulate a batch."""
        dtype = sum_dtype(self.dtype)
        y_true, y_pred = align(y_true, ops.cast(convert_like(y_pred, y_true), dtype))
        self.build(y_true.shape, y_pred.shape)
        weight = ops.ones_like(y_true) if sample_weight is None else sample_weights(sample_weight, y_true, dtype)
        self.sum.assign_add(ops.sum(y_true * weight, axis=0))
        self.squared_sum.assign_add(ops.sum(ops.square(y_true) * weight, axis=0))
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(ops.sum(ops.cast(ops.not_equal(weight, 0), dtype)))

    def result(self) -> Any:
        """Return the score."""
        variance = self.squared_sum - ops.square(self.sum) / ops.maximum(self.count, 1e-30)
        varies = ops.not_equal(variance, 0)
        scores = ops.where(varies, 1 - self.total_mse / ops.where(varies, variance, 1), 0)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.divide_no_nan(ops.sum(variance * scores), ops.sum(variance))
        return in_dtype(self._adjusted(scores) if self.num_regressors else scores, config.floatx())

    def _adjusted(self, scores: Array) -> Any:
        """Adjust scores for the number of regressors."""
        free = self.num_samples - self.num_regressors - 1
        enough = ops.greater(free, 0)
        return ops.where(enough, 1 - (1 - scores) * (self.num_samples - 1) / ops.where(enough, free, 1), scores)
