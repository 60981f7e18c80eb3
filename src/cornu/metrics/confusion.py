"""Metrics based on the confusion matrix of binary predictions: true and false positives, true and false negatives."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypedDict, Unpack

import numpy as np

from cornu import config, ops, registry
from cornu.core.variable import Variable
from cornu.dtypes import sum_dtype
from cornu.losses.alignment import align, convert_like, sample_weights
from cornu.metrics.metric import Metric
from cornu.metrics.sum_variable import bucket_sums, in_dtype
from cornu.ops.shape_checks import shape_error
from cornu.serialization import with_signature
from cornu.typing import Array, ArrayLike, DType
from cornu.validation import check_between, check_int

__all__ = [
    "FalseNegatives",
    "FalsePositives",
    "Precision",
    "PrecisionAtRecall",
    "Recall",
    "RecallAtPrecision",
    "SensitivityAtSpecificity",
    "SpecificityAtSensitivity",
    "TrueNegatives",
    "TruePositives",
]

_NEVER = -1e10  # below all predictions: with `top_k`, the value of predictions that are not among the largest


_PRECISION = ("true_positives", "false_positives")
_RECALL = ("true_positives", "false_negatives")
_SPECIFICITY = ("true_negatives", "false_positives")
"""The counts of ratios: the first of the two, divided by the sum of both."""


class Counts(NamedTuple):
    """Weighted counts for each threshold, of shape ``(thresholds,)`` or ``(thresholds, labels)``."""

    true_positives: Array
    false_positives: Array
    true_negatives: Array
    false_negatives: Array


def confusion_counts(
    y_true: Array, y_pred: Array, thresholds: Sequence[float], weight: Array | None = None, per_label: bool = False
) -> Counts:
    """Compute the confusion counts of predictions at one or more thresholds.

    Each prediction is assigned to the bucket between two thresholds; the counts of a threshold are the sums of the buckets
    above it.

    Args:
        y_true: Array of labels of the shape of the predictions; any value other than 0 is positive.
        y_pred: Array of predictions; values larger than a threshold are positive.
        thresholds: Sequence of floats, in any order.
        weight: Array of weights of the shape of the predictions. Defaults to None.
        per_label: Whether to count each column of ``(batch, labels)`` separately. Defaults to False.

    Returns:
        The four counts.

    Example:
        >>> from cornu import ops
        >>> from cornu.metrics.confusion import confusion_counts
        >>> counts = confusion_counts(ops.array([1.0, 0.0, 1.0]), ops.array([0.9, 0.7, 0.2]), [0.5])
        >>> [float(count[0]) for count in counts]
        [1.0, 1.0, 0.0, 1.0]
    """
    levels, order = len(thresholds), np.argsort(thresholds)
    labels = y_pred.shape[-1] if per_label else 1
    dtype = ops.dtype(y_pred)
    weight = ops.ones_like(y_pred) if weight is None else weight
    yes = ops.cast(ops.not_equal(y_true, 0), dtype)
    sorted_thresholds = np.asarray(thresholds, dtype=dtype)[order]
    bucket = ops.sum(ops.cast(ops.greater(ops.expand_dims(y_pred, -1), sorted_thresholds), "int32"), axis=-1)
    bucket = ops.add(ops.reshape(bucket, (-1, labels)), np.arange(labels, dtype="int32") * (levels + 1))
    weights = ops.reshape(ops.stack([weight * yes, weight * (1 - yes)], axis=-1), (-1, 2))
    sums = ops.reshape(bucket_sums(ops.reshape(bucket, (-1,)), weights, labels * (levels + 1)), (labels, levels + 1, 2))
    below, above = ops.cumsum(sums, axis=1), ops.flip(ops.cumsum(ops.flip(sums, axis=1), axis=1), axis=1)
    place = np.argsort(order).astype("int32")  # sums of each kind of their own: a difference of large ones is inexact
    negative, positive = ops.take(below, place, axis=1), ops.take(above, place + 1, axis=1)
    parts = [positive[..., 0], positive[..., 1], negative[..., 1], negative[..., 0]]
    return Counts(*(ops.transpose(part) if per_label else part[0] for part in parts))


def ratio(part: Array, rest: Array) -> Any:
    """Return ``part / (part + rest)``, and 0 where both are 0."""
    return ops.divide_no_nan(part, part + rest)


class _ConfusionMetric(Metric):
    """Base class of metrics that accumulate some of the four counts for one or more thresholds."""

    ignores_zero_weight = True

    _kept: tuple[str, ...] = Counts._fields

    def __init__(
        self,
        thresholds: float | Sequence[float],
        name: str | None = None,
        dtype: DType = None,
        top_k: int | None = None,
        class_id: int | None = None,
    ):
        super().__init__(dtype=dtype, name=name)
        self.thresholds: list[Any] = list(thresholds) if isinstance(thresholds, (list, tuple)) else [thresholds]
        self.top_k, self.class_id = top_k, class_id
        self._add_sums(self._kept, (len(self.thresholds),), config.floatx())

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Accumulate a batch.

        Args:
            y_true: Array-like of labels 0 and 1.
            y_pred: Array-like of probabilities of class 1, of the same shape.
            sample_weight: Array-like of shape ``(batch,)``, or broadcastable to the values, that weights each sample.
                Defaults to None.

        Raises:
            ShapeError: There is only one value per sample, but ``class_id`` is set.
        """
        dtype = sum_dtype(config.floatx())
        y_true, y_pred = align(y_true, ops.cast(convert_like(y_pred, y_true), dtype))
        y_true, y_pred = self._chosen(y_true, y_pred)
        weights = sample_weights(sample_weight, y_pred, dtype)
        counts = confusion_counts(y_true, y_pred, self.thresholds, weights)
        for count in self._kept:
            getattr(self, count).assign_add(getattr(counts, count))

    def _chosen(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        """Select the class ``class_id``; predictions that are not among the ``top_k`` largest are made negative."""
        if self.class_id is not None and len(y_pred.shape) < 2:
            expected = "With `class_id`, predictions must have shape `(batch, classes)`."
            hint = "Omit `class_id`, or pass one prediction for each class."
            raise shape_error(type(self).__name__, y_pred.shape, expected, hint, "y_pred")
        if self.top_k is not None:
            best = ops.top_k(y_pred, self.top_k)[1]
            is_best = ops.sum(ops.one_hot(best, y_pred.shape[-1]), axis=-2)
            y_pred = ops.where(ops.greater(is_best, 0), y_pred, _NEVER)
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id], y_pred[..., self.class_id]
        return y_true, y_pred

    def _ratio(self, counts: tuple[str, ...]) -> Any:
        return ratio(*(getattr(self, count) for count in counts))

    def _one_or_all(self, values: Array) -> Any:
        """Return the single element if there is one threshold, and all elements otherwise."""
        values = in_dtype(values, config.floatx())
        return values[0] if len(self.thresholds) == 1 else values


def checked_thresholds(metric: Metric, thresholds: float | Sequence[float] | None, default: float) -> float | Sequence[float]:
    """Return the thresholds, or the default for None; validate that they are between 0 and 1.

    Raises:
        InvalidArgumentError: A threshold is not between 0 and 1.
    """
    if thresholds is None:
        return default
    for threshold in thresholds if isinstance(thresholds, Sequence) else [thresholds]:
        check_between(metric, "thresholds", threshold)
    return thresholds


class _OneCount(_ConfusionMetric):
    """Base class of metrics that return one of the four counts."""

    def __init__(self, thresholds: float | Sequence[float] | None = None, name: str | None = None, dtype: DType = None):
        super().__init__(thresholds=checked_thresholds(self, thresholds, 0.5), name=name, dtype=dtype)
        self.init_thresholds = thresholds

    @property
    def accumulator(self) -> Variable:
        """The variable that holds the counts."""
        return getattr(self, self._kept[0])

    def result(self) -> Any:
        """Return the count, or one count per threshold if there are several."""
        return self._one_or_all(self.accumulator.value)


@registry.register("metrics")
class TruePositives(_OneCount):
    """Number of true positives, ``sum(y_true * (y_pred > threshold))``.

    Args:
        thresholds: Float in [0, 1] or sequence of floats; larger predictions are positive. Defaults to 0.5.
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import TruePositives
        >>> float(TruePositives()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]))
        2.0
    """

    _kept = ("true_positives",)


@registry.register("metrics")
class FalsePositives(_OneCount):
    """Number of false positives, ``sum((1 - y_true) * (y_pred > threshold))``.

    Args:
        thresholds: Float in [0, 1] or sequence of floats; larger predictions are positive. Defaults to 0.5.
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import FalsePositives
        >>> float(FalsePositives()([0, 1, 0, 0], [0.0, 0.0, 1.0, 1.0]))
        2.0
    """

    _kept = ("false_positives",)


@registry.register("metrics")
class TrueNegatives(_OneCount):
    """Number of true negatives, ``sum((1 - y_true) * (y_pred <= threshold))``.

    Args:
        thresholds: Float in [0, 1] or sequence of floats; larger predictions are positive. Defaults to 0.5.
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import TrueNegatives
        >>> float(TrueNegatives()([0, 1, 0, 0], [1.0, 1.0, 0.0, 0.0]))
        2.0
    """

    _kept = ("true_negatives",)


@registry.register("metrics")
class FalseNegatives(_OneCount):
    """Number of false negatives, ``sum(y_true * (y_pred <= threshold))``.

    Args:
        thresholds: Float in [0, 1] or sequence of floats; larger predictions are positive. Defaults to 0.5.
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import FalseNegatives
        >>> float(FalseNegatives()([0, 1, 1, 1], [0.0, 1.0, 0.0, 0.0]))
        2.0
    """

    _kept = ("false_negatives",)


class _OneRatio(_ConfusionMetric):
    """Base class of metrics that return the ratio of two counts."""

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType = None,
    ):
        default = 0.5 if top_k is None else _NEVER
        super().__init__(checked_thresholds(self, thresholds, default), name=name, dtype=dtype, top_k=top_k, class_id=class_id)
        self.init_thresholds = thresholds

    def result(self) -> Any:
        """Return the ratio, or one value per threshold if there are several; 0 if both counts are 0."""
        return self._one_or_all(self._ratio(self._kept))


@registry.register("metrics")
class Precision(_OneRatio):
    """Precision, ``true_positives / (true_positives + false_positives)``, and 0 if no prediction is positive.

    Args:
        thresholds: Float in [0, 1] or sequence of floats; larger predictions are positive. Defaults to 0.5, or to no
            threshold with ``top_k``.
        top_k: Positive integer; only the ``top_k`` largest predictions of a sample can be positive. Defaults to None.
        class_id: Integer, the only class to evaluate. Defaults to None (all classes).
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Raises:
        InvalidArgumentError: A threshold is not between 0 and 1.

    Example:
        >>> from cornu.metrics import Precision
        >>> round(float(Precision()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
        0.6667
    """

    _kept = _PRECISION


@registry.register("metrics")
class Recall(_OneRatio):
    """Recall, ``true_positives / (true_positives + false_negatives)``, and 0 if no label is positive.

    Args:
        thresholds: Float in [0, 1] or sequence of floats; larger predictions are positive. Defaults to 0.5, or to no
            threshold with ``top_k``.
        top_k: Positive integer; only the ``top_k`` largest predictions of a sample can be positive. Defaults to None.
        class_id: Integer, the only class to evaluate. Defaults to None (all classes).
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Raises:
        InvalidArgumentError: A threshold is not between 0 and 1.

    Example:
        >>> from cornu.metrics import Recall
        >>> round(float(Recall()([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
        0.6667
    """

    _kept = _RECALL


class _ThresholdArguments(TypedDict, total=False):
    """The arguments of :class:`_BestUnderCondition` that the constructors of its subclasses accept as ``**kwargs``."""

    num_thresholds: int
    class_id: int | None
    name: str | None
    dtype: DType


class _BestUnderCondition(_ConfusionMetric):
    """Base class of metrics that return the best value of one ratio at the thresholds where another ratio is large enough."""

    _wanted: tuple[str, str]
    _condition: tuple[str, str]

    def __init__(
        self,
        condition: str,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DType = None,
    ):
        check_between(self, condition, value)
        check_int(self, "num_thresholds", num_thresholds)
        thresholds = [0.5] if num_thresholds == 1 else np.linspace(0, 1, num_thresholds).tolist()
        super().__init__(thresholds, name=name, dtype=dtype, class_id=class_id)
        self.value, self.num_thresholds = value, num_thresholds

    def result(self) -> Any:
        """Return the best value of the ratio."""
        is_met = ops.greater_equal(self._ratio(self._condition), self.value)
        return in_dtype(ops.max(ops.where(is_met, self._ratio(self._wanted), 0)), config.floatx())


@registry.register("metrics")
class SensitivityAtSpecificity(_BestUnderCondition):
    """Best sensitivity (recall) at the thresholds whose specificity is at least the given value.

    ``max(tp / (tp + fn))`` over the thresholds where ``tn / (tn + fp) >= specificity``; 0 if there are none.

    Args:
        specificity: Float in [0, 1], the minimum specificity.
        num_thresholds: Positive integer, the number of thresholds to evaluate. Defaults to 200.
        class_id: Integer, the only class to evaluate. Defaults to None (all classes).
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import SensitivityAtSpecificity
        >>> float(SensitivityAtSpecificity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _wanted, _condition = _RECALL, _SPECIFICITY

    @with_signature("specificity num_thresholds class_id name dtype", _BestUnderCondition, more=False)
    def __init__(self, specificity: float, **kwargs: Unpack[_ThresholdArguments]):
        super().__init__("specificity", value=specificity, **kwargs)


@registry.register("metrics")
class SpecificityAtSensitivity(_BestUnderCondition):
    """Best specificity at the thresholds whose sensitivity (recall) is at least the given value.

    ``max(tn / (tn + fp))`` over the thresholds where ``tp / (tp + fn) >= sensitivity``; 0 if there are none.

    Args:
        sensitivity: Float in [0, 1], the minimum sensitivity.
        num_thresholds: Positive integer, the number of thresholds to evaluate. Defaults to 200.
        class_id: Integer, the only class to evaluate. Defaults to None (all classes).
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import SpecificityAtSensitivity
        >>> round(float(SpecificityAtSensitivity(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8])), 4)
        0.6667
    """

    _wanted, _condition = _SPECIFICITY, _RECALL

    @with_signature("sensitivity num_thresholds class_id name dtype", _BestUnderCondition, more=False)
    def __init__(self, sensitivity: float, **kwargs: Unpack[_ThresholdArguments]):
        super().__init__("sensitivity", value=sensitivity, **kwargs)


@registry.register("metrics")
class PrecisionAtRecall(_BestUnderCondition):
    """Best precision at the thresholds whose recall is at least the given value.

    ``max(tp / (tp + fp))`` over the thresholds where ``tp / (tp + fn) >= recall``; 0 if there are none.

    Args:
        recall: Float in [0, 1], the minimum recall.
        num_thresholds: Positive integer, the number of thresholds to evaluate. Defaults to 200.
        class_id: Integer, the only class to evaluate. Defaults to None (all classes).
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import PrecisionAtRecall
        >>> float(PrecisionAtRecall(0.5)([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.8]))
        0.5
    """

    _wanted, _condition = _PRECISION, _RECALL

    @with_signature("recall num_thresholds class_id name dtype", _BestUnderCondition, more=False)
    def __init__(self, recall: float, **kwargs: Unpack[_ThresholdArguments]):
        super().__init__("recall", value=recall, **kwargs)


@registry.register("metrics")
class RecallAtPrecision(_BestUnderCondition):
    """Best recall at the thresholds whose precision is at least the given value.

    ``max(tp / (tp + fn))`` over the thresholds where ``tp / (tp + fp) >= precision``; 0 if there are none.

    Args:
        precision: Float in [0, 1], the minimum precision.
        num_thresholds: Positive integer, the number of thresholds to evaluate. Defaults to 200.
        class_id: Integer, the only class to evaluate. Defaults to None (all classes).
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import RecallAtPrecision
        >>> float(RecallAtPrecision(0.8)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.5
    """

    _wanted, _condition = _RECALL, _PRECISION

    @with_signature("precision num_thresholds class_id name dtype", _BestUnderCondition, more=False)
    def __init__(self, precision: float, **kwargs: Unpack[_ThresholdArguments]):
        super().__init__("precision", value=precision, **kwargs)
