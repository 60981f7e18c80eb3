"""Metrics that compare numbers."""

from typing import Any

from cornu import ops
from cornu.errors import InvalidArgumentError, ShapeError, one_of
from cornu.losses import regression as losses
from cornu.losses.loss import align, beside, broadcast_weight, per_sample
from cornu.metrics.metric import Metric
from cornu.metrics.reduction import Mean, MeanMetricWrapper

_AGGREGATIONS = ("uniform_average", "variance_weighted_average")


class MeanSquaredError(MeanMetricWrapper):
    """The mean of ``square(y_true - y_pred)``.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import MeanSquaredError
        >>> float(MeanSquaredError()([[0.0], [1.0]], [[2.0], [1.0]]))
        2.0
    """

    def __init__(self, name: str = "mean_squared_error", dtype: Any = None):
        super().__init__(losses.mean_squared_error, name, dtype)


class RootMeanSquaredError(Mean):
    """The square root of the mean of ``square(y_true - y_pred)``.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import RootMeanSquaredError
        >>> float(RootMeanSquaredError()([[0.0], [0.0]], [[2.0], [2.0]]))
        2.0
    """

    counts_zero_weight_as_absent = True

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch."""
        y_true, y_pred = align(y_true, y_pred)
        super().update_state(ops.square(y_true - y_pred), sample_weight)

    def result(self) -> Any:
        """The root of the mean."""
        return ops.sqrt(super().result())


class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of ``abs(y_true - y_pred)``.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import MeanAbsoluteError
        >>> float(MeanAbsoluteError()([[0.0], [1.0]], [[2.0], [1.0]]))
        1.0
    """

    def __init__(self, name: str = "mean_absolute_error", dtype: Any = None):
        super().__init__(losses.mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of ``100 * abs((y_true - y_pred) / y_true)``.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import MeanAbsolutePercentageError
        >>> float(MeanAbsolutePercentageError()([[2.0], [1.0]], [[1.0], [1.0]]))
        25.0
    """

    def __init__(self, name: str = "mean_absolute_percentage_error", dtype: Any = None):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of ``square(log(1 + y_true) - log(1 + y_pred))``.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import MeanSquaredLogarithmicError
        >>> round(float(MeanSquaredLogarithmicError()([[0.0]], [[1.0]])), 4)
        0.4805
    """

    def __init__(self, name: str = "mean_squared_logarithmic_error", dtype: Any = None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


class LogCoshError(MeanMetricWrapper):
    """The mean of ``log(cosh(y_pred - y_true))``.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import LogCoshError
        >>> float(LogCoshError()([[1.0]], [[1.0]]))
        0.0
    """

    def __init__(self, name: str = "logcosh", dtype: Any = None):
        super().__init__(losses.log_cosh, name, dtype)


@per_sample
def _cosine(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """The cosine of the angle between two vectors; the loss has the other sign."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between labels and predictions: 1 if they point the same way.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.
        axis: The axis along which the vectors lie.

    Example:
        >>> from cornu.metrics import CosineSimilarity
        >>> float(CosineSimilarity()([[0.0, 2.0]], [[0.0, 3.0]]))
        1.0
    """

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1):
        super().__init__(_cosine, name, dtype, axis=axis)


class R2Score(Metric):
    """The part of the labels' variance that the predictions explain: 1 is perfect, 0 no better than the mean.

    Source: https://en.wikipedia.org/wiki/Coefficient_of_determination

    Args:
        class_aggregation: How the scores of several outputs become one: ``"uniform_average"``, ``"variance_weighted_average"``,
            or None for one score an output.
        num_regressors: Number of independent variables for the adjusted score; 0 for the plain one, which is also given
            while there are too few numbers to adjust.
        name: Its name.
        dtype: See :class:`Metric`.

    Raises:
        InvalidArgumentError: An argument is none of these.
        ShapeError: Labels are not of the shape ``(batch, outputs)``.

    Example:
        >>> from cornu.metrics import R2Score
        >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714
    """

    counts_zero_weight_as_absent = True

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        if class_aggregation is not None and class_aggregation not in _AGGREGATIONS:
            raise one_of("class_aggregation", class_aggregation, _AGGREGATIONS)
        if num_regressors < 0:
            raise InvalidArgumentError(
                f"`num_regressors={num_regressors}` was given.", "It must be 0 or more.", "Leave it out for the plain score."
            )
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self.built = False

    def build(self, y_true_shape: tuple, y_pred_shape: tuple) -> None:
        """Makes the sums, one for each output."""
        if self.built:
            return
        if len(y_pred_shape) != 2:
            raise ShapeError(
                f"`R2Score` was given predictions of shape {tuple(y_pred_shape)}.",
                "It needs `(batch, outputs)`.",
                "Reshape the predictions and labels.",
            )
        shape = (y_pred_shape[-1],)
        self.squared_sum = self.add_variable(shape, "zeros", name="squared_sum")
        self.sum = self.add_variable(shape, "zeros", name="sum")
        self.total_mse = self.add_variable(shape, "zeros", name="residual")
        self.count = self.add_variable(shape, "zeros", name="count")
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch."""
        y_true, y_pred = align(y_true, ops.cast(beside(y_pred, y_true), self.dtype))
        self.build(y_true.shape, y_pred.shape)
        weight = ops.ones_like(y_true)
        if sample_weight is not None:
            weight = broadcast_weight("sample_weight", ops.cast(beside(sample_weight, y_true), self.dtype), y_true)
        self.sum.assign_add(ops.sum(y_true * weight, axis=0))
        self.squared_sum.assign_add(ops.sum(ops.square(y_true) * weight, axis=0))
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(ops.sum(ops.cast(ops.not_equal(weight, 0), self.dtype)))

    def result(self) -> Any:
        """The score."""
        variance = self.squared_sum - ops.square(self.sum) / ops.maximum(self.count, 1e-30)
        varies = ops.not_equal(variance, 0)
        scores = ops.where(varies, 1 - self.total_mse / ops.where(varies, variance, 1), 0)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.divide_no_nan(ops.sum(variance * scores), ops.sum(variance))
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: Any) -> Any:
        """Scores that take into account how many regressors there were."""
        free = self.num_samples - self.num_regressors - 1
        enough = ops.greater(free, 0)
        return ops.where(enough, 1 - (1 - scores) * (self.num_samples - 1) / ops.where(enough, free, 1), scores)
