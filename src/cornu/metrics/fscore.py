"""F-scores, which combine precision and recall."""

from typing import Any

import numpy as np

from cornu import config, ops, registry
from cornu.dtypes import sum_dtype
from cornu.losses.alignment import align, convert_like, sample_weights
from cornu.metrics.metric import Metric
from cornu.metrics.sum_variable import in_dtype
from cornu.ops.shape_checks import shape_error
from cornu.typing import ArrayLike, DType
from cornu.validation import check_option, invalid_value

__all__ = ["F1Score", "FBetaScore"]

_AVERAGES = (None, "micro", "macro", "weighted")


@registry.register("metrics", aliases=("fbeta_score",))
class FBetaScore(Metric):
    """F-beta score, the weighted harmonic mean of precision and recall.

    ``(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)``

    Args:
        average: How the scores of the classes are combined: None (default) returns one score per class, ``"micro"`` counts all
            classes together, ``"macro"`` averages the scores, and ``"weighted"`` averages them weighted by the number of
            samples of each class.
        beta: Positive float, the weight of recall relative to precision. Defaults to 1.
        threshold: Float in (0, 1]; larger predictions are positive. Defaults to None (the largest prediction of a sample is
            positive).
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Raises:
        InvalidArgumentError: An argument is invalid.
        ShapeError: Predictions do not have the shape ``(batch, classes)``.

    References:
        Van Rijsbergen, 1979, "Information Retrieval"; https://en.wikipedia.org/wiki/F-score

    Example:
        >>> from cornu.metrics import FBetaScore
        >>> metric = FBetaScore(beta=2.0, threshold=0.5)
        >>> [round(float(score), 4) for score in metric([[1, 1], [1, 0]], [[0.2, 0.6], [0.9, 0.8]])]
        [0.5556, 0.8333]
    """

    ignores_zero_weight = True

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: DType = None,
    ):
        super().__init__(dtype=dtype, name=name)
        if not isinstance(beta, (float, np.floating)) or not beta > 0:
            raise invalid_value(self, "beta", beta, "a positive float", 1.0)
        if threshold is not None and not (isinstance(threshold, (float, np.floating)) and 0 < threshold <= 1):
            raise invalid_value(self, "threshold", threshold, "a float between 0 and 1, and not 0", 0.5)
        self.average, self.beta, self.threshold = check_option("average", average, _AVERAGES), beta, threshold
        self.axis = None if average == "micro" else 0
        self.built = False

    def build(self, y_true_shape: tuple, y_pred_shape: tuple) -> None:
        """Create the counts, one per class."""
        if self.built:
            return
        if len(y_pred_shape) != 2:
            expected = "Predictions must have shape `(batch, classes)`."
            raise shape_error(type(self).__name__, y_pred_shape, expected, "Reshape the predictions and labels.", "y_pred")
        shape = () if self.axis is None else (y_pred_shape[-1],)
        self._add_sums(("true_positives", "false_positives", "false_negatives", "intermediate_weights"), shape, self.dtype)
        self.built = True

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Accumulate a batch.

        Args:
            y_true: Array-like of labels 0 and 1, of shape ``(batch, classes)``.
            y_pred: Array-like of predictions of the same shape.
            sample_weight: Array-like of shape ``(batch,)`` that weights each sample. Defaults to None.
        """
        dtype = sum_dtype(self.dtype)
        y_true, y_pred = align(y_true, ops.cast(convert_like(y_pred, y_true), dtype))
        self.build(y_true.shape, y_pred.shape)
        positive = self._positive_predictions(y_pred)
        weight = ops.ones_like(y_true) if sample_weight is None else sample_weights(sample_weight, y_true, dtype)
        axis = self.axis
        self.true_positives.assign_add(ops.sum(positive * y_true * weight, axis=axis))
        self.false_positives.assign_add(ops.sum(positive * (1 - y_true) * weight, axis=axis))
        self.false_negatives.assign_add(ops.sum((1 - positive) * y_true * weight, axis=axis))
        self.intermediate_weights.assign_add(ops.sum(y_true * weight, axis=axis))

    def _positive_predictions(self, y_pred: ArrayLike) -> Any:
        """Return 1 where a prediction is positive and 0 elsewhere."""
        if self.threshold is not None:
            return ops.cast(ops.greater(y_pred, self.threshold), ops.dtype(y_pred))
        largest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
        return ops.cast(ops.logical_and(largest, ops.greater(ops.abs(y_pred), 1e-9)), ops.dtype(y_pred))  # all zeros: no class

    def result(self) -> Any:
        """Return the score, or one score per class if ``average`` is None."""
        epsilon = config.epsilon()
        precision = self.true_positives / (self.true_positives + self.false_positives + epsilon)
        recall = self.true_positives / (self.true_positives + self.false_negatives + epsilon)
        scores = (1 + self.beta**2) * precision * recall / (self.beta**2 * precision + recall + epsilon)
        if self.average == "weighted":
            scores = ops.sum(scores * self.intermediate_weights) / (ops.sum(self.intermediate_weights) + epsilon)
        elif self.average is not None:
            scores = ops.mean(scores)
        return in_dtype(scores, self.dtype)


@registry.register("metrics")
class F1Score(FBetaScore):
    """F1 score, the harmonic mean of precision and recall, ``2 * precision * recall / (precision + recall)``.

    Args:
        average: None (default), ``"micro"``, ``"macro"`` or ``"weighted"``; see :class:`FBetaScore`.
        threshold: Float in (0, 1]; larger predictions are positive. Defaults to None (the largest prediction of a sample is
            positive).
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import F1Score
        >>> round(float(F1Score("macro", threshold=0.5)([[1], [1]], [[0.2], [0.6]])), 4)
        0.6667
    """

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str = "f1_score", dtype: DType = None):
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)
