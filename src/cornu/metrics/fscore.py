"""The F-score: precision and recall in one number."""

from typing import Any

from cornu import config, ops
from cornu.errors import InvalidArgumentError, ShapeError, one_of
from cornu.losses.loss import align, beside, broadcast_weight
from cornu.metrics.metric import Metric

_AVERAGES = ("micro", "macro", "weighted")


class FBetaScore(Metric):
    """``(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)``.

    Source: https://en.wikipedia.org/wiki/F-score

    Args:
        average: How the scores of the classes become one: None leaves one for each class, ``"micro"`` counts all classes
            together, ``"macro"`` takes their mean, ``"weighted"`` their mean by how often each class occurs.
        beta: How many times recall matters more than precision.
        threshold: Larger predictions mean yes; None means the largest prediction of a sample does.
        name: Its name.
        dtype: See :class:`Metric`.

    Raises:
        InvalidArgumentError: An argument is none of these.
        ShapeError: Predictions are not of the shape ``(batch, classes)``.

    Example:
        >>> from cornu.metrics import FBetaScore
        >>> metric = FBetaScore(beta=2.0, threshold=0.5)
        >>> [round(float(score), 4) for score in metric([[1, 1], [1, 0]], [[0.2, 0.6], [0.9, 0.8]])]
        [0.5556, 0.8333]
    """

    counts_zero_weight_as_absent = True

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
    ):
        super().__init__(dtype, name)
        if average is not None and average not in _AVERAGES:
            raise one_of("average", average, _AVERAGES)
        if not beta > 0:
            raise InvalidArgumentError(f"`beta={beta!r}` was given.", "It must be positive.", "Pass `beta=1.0`.")
        if threshold is not None and not 0 < threshold <= 1:
            raise InvalidArgumentError(
                f"`threshold={threshold!r}` was given.", "It must lie between 0 and 1, and not be 0.", "Pass `threshold=0.5`."
            )
        self.average, self.beta, self.threshold = average, beta, threshold
        self.built = False

    def build(self, y_true_shape: tuple, y_pred_shape: tuple) -> None:
        """Makes the counts, one for each class."""
        if self.built:
            return
        if len(y_pred_shape) != 2:
            raise ShapeError(
                f"The metric {self.name!r} was given predictions of shape {tuple(y_pred_shape)}.",
                "It needs `(batch, classes)`.",
                "Reshape the predictions and labels.",
            )
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")
        self.intermediate_weights = self.add_variable(shape, "zeros", name="intermediate_weights")
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch.

        Args:
            y_true: 0 or 1, ``(batch, classes)``.
            y_pred: Predictions of the same shape.
            sample_weight: Weights of samples, ``(batch,)``.
        """
        y_true, y_pred = align(y_true, ops.cast(beside(y_pred, y_true), self.dtype))
        self.build(y_true.shape, y_pred.shape)
        said = self._said(y_pred)
        weight = ops.ones_like(y_true)
        if sample_weight is not None:
            weight = broadcast_weight("sample_weight", ops.cast(beside(sample_weight, y_true), self.dtype), y_true)
        axis = None if self.average == "micro" else 0
        self.true_positives.assign_add(ops.sum(said * y_true * weight, axis=axis))
        self.false_positives.assign_add(ops.sum(said * (1 - y_true) * weight, axis=axis))
        self.false_negatives.assign_add(ops.sum((1 - said) * y_true * weight, axis=axis))
        self.intermediate_weights.assign_add(ops.sum(y_true * weight, axis=axis))

    def _said(self, y_pred: Any) -> Any:
        """1 where a prediction means yes, 0 elsewhere."""
        if self.threshold is not None:
            return ops.cast(ops.greater(y_pred, self.threshold), self.dtype)
        largest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
        return ops.cast(ops.logical_and(largest, ops.greater(ops.abs(y_pred), 1e-9)), self.dtype)  # all zeros mean no class

    def result(self) -> Any:
        """The score, or one for each class if ``average`` is None."""
        epsilon = config.epsilon()
        precision = self.true_positives / (self.true_positives + self.false_positives + epsilon)
        recall = self.true_positives / (self.true_positives + self.false_negatives + epsilon)
        scores = (1 + self.beta**2) * precision * recall / (self.beta**2 * precision + recall + epsilon)
        if self.average == "weighted":
            return ops.sum(scores * self.intermediate_weights) / (ops.sum(self.intermediate_weights) + epsilon)
        return scores if self.average is None else ops.mean(scores)


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall.

    Args:
        average: As in :class:`FBetaScore`.
        threshold: Larger predictions mean yes; None means the largest prediction of a sample does.
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import F1Score
        >>> round(float(F1Score("macro", threshold=0.5)([[1], [1]], [[0.2], [0.6]])), 4)
        0.6667
    """

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str = "f1_score", dtype: Any = None):
        super().__init__(average, 1.0, threshold, name, dtype)
