"""The area under a curve that compares right and wrong predictions at all thresholds."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import config, ops
from cornu.errors import InvalidArgumentError, ShapeError, one_of
from cornu.losses.loss import align, beside, broadcast_weight
from cornu.metrics.confusion import Counts, confusion_counts, ratio
from cornu.metrics.metric import Metric

_CURVES = ("ROC", "PR", "PRGAIN")
_METHODS = ("interpolation", "majoring", "minoring")


class AUC(Metric):
    """The area under a curve, taken at a number of thresholds.

    Source of the interpolated precision-recall curve: Davis and Goadrich, 2006, https://minds.wisconsin.edu/handle/1793/60482

    Args:
        num_thresholds: How many thresholds, evenly spaced from 0 to 1.
        curve: ``"ROC"`` (recall over false positive rate), ``"PR"`` (precision over recall) or ``"PRGAIN"`` (both as gains).
        summation_method: The height between two thresholds: ``"interpolation"`` (on a line, or for ``"PR"`` on the curve),
            ``"majoring"`` (the larger) or ``"minoring"`` (the smaller).
        name: Its name.
        dtype: See :class:`Metric`.
        thresholds: Thresholds of your own, between 0 and 1.
        multi_label: Whether to take the area for each label by itself, and then their mean.
        num_labels: Number of labels, if ``multi_label`` and it should be known before the first batch.
        label_weights: A weight for each label.
        from_logits: Whether predictions still need a sigmoid.

    Raises:
        InvalidArgumentError: An argument is none of these.
        ShapeError: With ``multi_label``, predictions are not of the shape ``(batch, labels)``.

    Example:
        >>> from cornu.metrics import AUC
        >>> float(AUC(num_thresholds=3)([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
        0.75
    """

    counts_zero_weight_as_absent = True

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ):
        super().__init__(dtype, name)
        if str(curve).upper() not in _CURVES:
            raise one_of("curve", curve, _CURVES)
        if str(summation_method).lower() not in _METHODS:
            raise one_of("summation_method", summation_method, _METHODS)
        if num_labels and not multi_label:
            raise InvalidArgumentError(
                f"`num_labels={num_labels}` was given.", "It is for `multi_label=True` only.", "Leave it out."
            )
        self.curve, self.summation_method = str(curve).upper(), str(summation_method).lower()
        self.thresholds = _with_ends(num_thresholds, thresholds)
        self.num_thresholds = len(self.thresholds)
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else np.asarray(label_weights, dtype="float32")
        self.built = False
        if not multi_label or num_labels:
            self.build((None, num_labels), (None, num_labels))

    def build(self, y_true_shape: tuple, y_pred_shape: tuple) -> None:
        """Makes the counts, with ``multi_label`` for each label."""
        if self.built:
            return
        if self.multi_label and len(y_pred_shape) != 2:
            raise ShapeError(
                f"`AUC` was given predictions of shape {tuple(y_pred_shape)}.",
                "With `multi_label=True` it needs `(batch, labels)`.",
                "Leave out `multi_label`, or reshape the predictions.",
            )
        shape = (self.num_thresholds, y_pred_shape[1]) if self.multi_label else (self.num_thresholds,)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.true_negatives = self.add_variable(shape, "zeros", name="true_negatives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")
        self.built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch.

        Args:
            y_true: 0 or 1.
            y_pred: Probabilities of 1, same shape; outside of 0 to 1 they count as 0 or 1.
            sample_weight: Weights of samples, ``(batch,)``, or of values.
        """
        y_true, y_pred = align(y_true, ops.cast(beside(y_pred, y_true), self.dtype))
        self.build(y_true.shape, y_pred.shape)
        y_pred = ops.sigmoid(y_pred) if self.from_logits else ops.clip(y_pred, 0, 1)
        counts = confusion_counts(y_true, y_pred, self.thresholds, self._weights(sample_weight, y_pred), self.multi_label)
        for name, count in zip(Counts._fields, counts, strict=True):
            getattr(self, name).assign_add(count)

    def _weights(self, sample_weight: Any, y_pred: Any) -> Any:
        weight = None
        if sample_weight is not None:
            weight = broadcast_weight("sample_weight", ops.cast(beside(sample_weight, y_pred), self.dtype), y_pred)
        if self.label_weights is not None and not self.multi_label:
            weight = ops.multiply(ops.ones_like(y_pred) if weight is None else weight, self.label_weights)
        return weight

    def result(self) -> Any:
        """The area."""
        if (self.curve, self.summation_method) == ("PR", "interpolation"):
            return self._average(self._interpolated_pieces())
        x, y = self._curve()
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2
        else:
            heights = (ops.maximum if self.summation_method == "majoring" else ops.minimum)(y[:-1], y[1:])
        return self._average((x[:-1] - x[1:]) * heights)

    def _curve(self) -> tuple[Any, Any]:
        """The curve's points, one for each threshold."""
        tp, fp, tn, fn = (getattr(self, name).value for name in Counts._fields)
        recall = ratio(tp, fn)
        if self.curve == "ROC":
            return ratio(fp, tn), recall
        if self.curve == "PR":
            return recall, ratio(tp, fp)
        odds = ops.divide_no_nan(tp + fn, tn + fp)
        found = ops.greater(tp, 0)
        recall_gain = ops.where(found, ops.maximum(1 - odds * ops.divide_no_nan(fn, tp), 0), 0)
        return recall_gain, ops.where(found, 1 - odds * ops.divide_no_nan(fp, tp), 1)

    def _interpolated_pieces(self) -> Any:
        """Areas between the points of the precision-recall curve, where true positives grow in step with all positives."""
        tp, positives = self.true_positives.value, self.true_positives + self.false_positives
        more_tp, more = tp[:-1] - tp[1:], positives[:-1] - positives[1:]
        slope = ops.divide_no_nan(more_tp, more)
        intercept = tp[1:] - slope * positives[1:]
        both = ops.logical_and(ops.greater(positives[:-1], 0), ops.greater(positives[1:], 0))
        growth = ops.where(both, ops.divide_no_nan(positives[:-1], positives[1:]), 1)
        area = slope * (more_tp + intercept * ops.log(growth))
        return ops.divide_no_nan(area, tp[1:] + self.false_negatives[1:])

    def _average(self, pieces: Any) -> Any:
        """The sum of the pieces, and the mean over the labels if there are several."""
        areas = ops.sum(pieces, axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        return ops.sum(ops.multiply(areas, self.label_weights)) / float(self.label_weights.sum())


def _with_ends(num_thresholds: int, thresholds: Sequence[float] | None) -> list[float]:
    """Thresholds in order, with one just below 0 and one just above 1 at the ends."""
    if thresholds is None:
        if num_thresholds < 2:
            raise InvalidArgumentError(
                f"`num_thresholds={num_thresholds}` was given.", "It must be 2 or more.", "Pass `num_thresholds=200`."
            )
        inner = [i / (num_thresholds - 1) for i in range(1, num_thresholds - 1)]
    else:
        inner = sorted(float(threshold) for threshold in thresholds)
    return [-config.epsilon(), *inner, 1 + config.epsilon()]
