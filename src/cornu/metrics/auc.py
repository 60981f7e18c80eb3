"""Area under the ROC, precision-recall or precision-recall-gain curve."""

import enum
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import config, ops, registry
from cornu.dtypes import sum_dtype
from cornu.errors import one_of
from cornu.losses.alignment import align, convert_like, sample_weights
from cornu.metrics.confusion import Counts, confusion_counts, ratio
from cornu.metrics.metric import Metric
from cornu.metrics.sum_variable import in_dtype
from cornu.ops.shape_checks import shape_error
from cornu.typing import Array, ArrayLike, DType
from cornu.validation import invalid_together, invalid_value

__all__ = ["AUC"]


class AUCCurve(enum.Enum):
    """Curve whose area :class:`AUC` computes."""

    ROC = "ROC"
    PR = "PR"
    PRGAIN = "PRGAIN"


class AUCSummationMethod(enum.Enum):
    """Height of the curve between two thresholds."""

    INTERPOLATION = "interpolation"
    MAJORING = "majoring"
    MINORING = "minoring"


@registry.register("metrics")
class AUC(Metric):
    """Area under a curve (AUC), approximated by a Riemann sum over thresholds.

    With ``tp``, ``fp``, ``tn`` and ``fn`` the true and false positives and negatives, the curves are::

        ROC: y = tp / (tp + fn) over x = fp / (fp + tn)
        PR: y = tp / (tp + fp) over x = tp / (tp + fn)
        PRGAIN: y = 1 - odds * fp / tp over x = maximum(1 - odds * fn / tp, 0), with odds = (tp + fn) / (tn + fp)

    The area is ``sum((x[i] - x[i + 1]) * height[i])``; for ``"PR"`` with interpolation, it is interpolated as by Davis and
    Goadrich.

    Args:
        num_thresholds: Integer of at least 2, the number of thresholds, evenly spaced from 0 to 1. Defaults to 200.
        curve: ``"ROC"`` (default; recall over false positive rate), ``"PR"`` (precision over recall) or ``"PRGAIN"`` (both as
            gains).
        summation_method: Height between two thresholds: ``"interpolation"`` (default; the mean, or for ``"PR"`` interpolated
            on the curve), ``"majoring"`` (the larger one) or ``"minoring"`` (the smaller one).
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        thresholds: Sequence of floats in [0, 1] that replace the evenly spaced thresholds. Defaults to None.
        multi_label: Whether to compute the area for each label separately and average the areas. Defaults to False.
        num_labels: Integer, the number of labels with ``multi_label``, if the variables should be created before the first
            batch. Defaults to None.
        label_weights: Sequence of floats, one weight per label. Defaults to None.
        from_logits: Whether predictions are logits, which are passed through a sigmoid. Defaults to False.

    Raises:
        InvalidArgumentError: An argument is invalid.
        ShapeError: With ``multi_label``, predictions do not have the shape ``(batch, labels)``.

    References:
        Davis and Goadrich, 2006, "The Relationship Between Precision-Recall and ROC Curves",
        https://minds.wisconsin.edu/handle/1793/60482
        Flach and Kull, 2015, "Precision-Recall-Gain Curves: PR Analysis Done Right" (``"PRGAIN"``)

    Example:
        >>> from cornu.metrics import AUC
        >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.75
    """

    ignores_zero_weight = True

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: DType = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ):
        super().__init__(dtype=dtype, name=name)
        self.curve = _member(AUCCurve, "curve", curve)
        self.summation_method = _member(AUCSummationMethod, "summation_method", summation_method)
        if num_labels and not multi_label:
            given = {"num_labels": num_labels, "multi_label": multi_label}
            hint = "Omit `num_labels`, or pass `multi_label=True`."
            raise invalid_together(self, given, "`num_labels` is valid only with `multi_label=True`.", hint)
        self.thresholds = _with_ends(num_thresholds, thresholds)
        self.num_thresholds = len(self.thresholds)
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else np.asarray(label_weights, dtype="float32")
        self.built = False
        if not multi_label or num_labels:
            self.build((None, num_labels), (None, num_labels))

    def build(self, y_true_shape: tuple, y_pred_shape: tuple) -> None:
        """Create the counts, with ``multi_label`` one per label."""
        if self.built:
            return
        if self.multi_label and len(y_pred_shape) != 2:
            expected = "With `multi_label=True`, predictions must have shape `(batch, labels)`."
            raise shape_error("AUC", y_pred_shape, expected, "Omit `multi_label`, or reshape the predictions.", "y_pred")
        shape = (self.num_thresholds, y_pred_shape[1]) if self.multi_label else (self.num_thresholds,)
        self._add_sums(Counts._fields, shape, config.floatx())
        self.built = True

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Accumulate a batch.

        Args:
            y_true: Array-like of labels 0 and 1.
            y_pred: Array-like of probabilities of class 1, of the same shape, clipped to [0, 1].
            sample_weight: Array-like of shape ``(batch,)``, or broadcastable to the values, that weights each sample.
                Defaults to None.
        """
        y_true, y_pred = align(y_true, ops.cast(convert_like(y_pred, y_true), sum_dtype(config.floatx())))
        self.build(y_true.shape, y_pred.shape)
        y_pred = ops.sigmoid(y_pred) if self.from_logits else ops.clip(y_pred, 0, 1)
        counts = confusion_counts(y_true, y_pred, self.thresholds, self._weights(sample_weight, y_pred), self.multi_label)
        for name, count in zip(Counts._fields, counts, strict=True):
            getattr(self, name).assign_add(count)

    def _weights(self, sample_weight: ArrayLike | None, y_pred: Array) -> Any:
        weight = sample_weights(sample_weight, y_pred, ops.dtype(y_pred))
        if self.label_weights is not None and not self.multi_label:
            weight = ops.multiply(ops.ones_like(y_pred) if weight is None else weight, self.label_weights)
        return weight

    def result(self) -> Any:
        """Return the area."""
        if self.curve is AUCCurve.PR and self.summation_method is AUCSummationMethod.INTERPOLATION:
            return in_dtype(self.interpolate_pr_auc(), config.floatx())
        x, y = self._curve()
        if self.summation_method is AUCSummationMethod.INTERPOLATION:
            heights = (y[:-1] + y[1:]) / 2
        else:
            heights = (ops.maximum if self.summation_method is AUCSummationMethod.MAJORING else ops.minimum)(y[:-1], y[1:])
        return in_dtype(self._average((x[:-1] - x[1:]) * heights), config.floatx())

    def _curve(self) -> tuple[Any, Any]:
        """Return the points of the curve, one per threshold."""
        tp, fp, tn, fn = (getattr(self, name).value for name in Counts._fields)
        recall = ratio(tp, fn)
        if self.curve is AUCCurve.ROC:
            return ratio(fp, tn), recall
        if self.curve is AUCCurve.PR:
            return recall, ratio(tp, fp)
        odds = ops.divide_no_nan(tp + fn, tn + fp)
        found = ops.greater(tp, 0)
        recall_gain = ops.where(found, ops.maximum(1 - odds * ops.divide_no_nan(fn, tp), 0), 0)
        return recall_gain, ops.where(found, 1 - odds * ops.divide_no_nan(fp, tp), 1)

    def interpolate_pr_auc(self) -> Any:
        """Return the area under the PR curve; between points, true positives increase linearly with predicted positives."""
        tp, positives = self.true_positives.value, self.true_positives + self.false_positives
        more_tp, more = tp[:-1] - tp[1:], positives[:-1] - positives[1:]
        slope = ops.divide_no_nan(more_tp, ops.maximum(more, 0))  # negative only for negative sample weights
        intercept = tp[1:] - slope * positives[1:]
        both = ops.logical_and(ops.greater(positives[:-1], 0), ops.greater(positives[1:], 0))
        growth = ops.where(both, ops.divide_no_nan(positives[:-1], positives[1:]), 1)
        area = slope * (more_tp + intercept * ops.log(growth))
        return self._average(ops.divide_no_nan(area, ops.maximum(tp[1:] + self.false_negatives[1:], 0)))

    def _average(self, pieces: Array) -> Any:
        """Return the sum of the pieces, averaged over the labels with ``multi_label``."""
        areas = ops.sum(pieces, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        return ops.sum(ops.multiply(areas, self.label_weights)) / float(self.label_weights.sum())


def _member(kind: type[enum.Enum], argument: str, value: Any) -> Any:
    """Return the member of an enumeration for an argument: the member itself, or its value in any case."""
    found = {str(member.value).lower(): member for member in kind}.get(str(getattr(value, "value", value)).lower())
    if found is None:
        raise one_of(argument, value, [member.value for member in kind])
    return found


def _with_ends(num_thresholds: int, thresholds: Sequence[float] | None) -> list[float]:
    """Return sorted thresholds, with one just below 0 and one just above 1 added at the ends."""
    if thresholds is None:
        if num_thresholds < 2:
            raise invalid_value("AUC", "num_thresholds", num_thresholds, "2 or more", 200)
        inner = [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
    else:
        inner = sorted(float(threshold) for threshold in thresholds)
    return [-config.epsilon(), *inner, 1 + config.epsilon()]
