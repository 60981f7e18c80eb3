"""Watching one value of the logs: which way is better, and whether it became better."""

import math
import warnings
from typing import Any

import numpy as np

from cornu import metrics
from cornu.errors import did_you_mean
from cornu.training.callback import Callback

_MODES = ("auto", "min", "max")

_LARGER_IS_BETTER = (
    metrics.Accuracy,
    metrics.AUC,
    metrics.BinaryAccuracy,
    metrics.CategoricalAccuracy,
    metrics.CosineSimilarity,
    metrics.FBetaScore,
    metrics.IoU,
    metrics.Precision,
    metrics.PrecisionAtRecall,
    metrics.R2Score,
    metrics.Recall,
    metrics.RecallAtPrecision,
    metrics.SensitivityAtSpecificity,
    metrics.SparseCategoricalAccuracy,
    metrics.SparseTopKCategoricalAccuracy,
    metrics.SpecificityAtSensitivity,
    metrics.TopKCategoricalAccuracy,
    metrics.TrueNegatives,
    metrics.TruePositives,
)

_LARGER_IS_BETTER_NAMES = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "sensitivity", "specificity", "r2")
"""Parts of names that tell the same of a metric of one's own."""


class Monitor(Callback):
    """The base of callbacks that watch one value.

    Args:
        monitor: Name of the value in the logs, such as ``"val_loss"`` or ``"val_accuracy"``.
        mode: ``"min"`` if a smaller value is better, ``"max"`` if a larger one is. ``"auto"`` knows it from the metric of that
            name, or else from the name: what sounds like accuracy is to grow, everything else to shrink.
        best: The value to beat, or None.
        min_delta: How much better a value must be to count as better.
    """

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", best: float | None = None, min_delta: float = 0):
        super().__init__()
        if mode not in _MODES:
            warnings.warn(
                f"`{type(self).__name__}` was given mode={mode!r}, and knows {', '.join(map(repr, _MODES))}: 'auto' is taken. "
                + did_you_mean(mode, _MODES),
                stacklevel=3,
            )
            mode = "auto"
        self.monitor, self.mode, self.best = monitor, mode, best
        self.min_delta = abs(min_delta)

    def larger_is_better(self) -> bool:
        """Whether the value is to grow."""
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        for metric in getattr(self.model, "metrics", None) or []:
            if metric.name == name and type(metric) is not metrics.MeanMetricWrapper:
                return isinstance(metric, _LARGER_IS_BETTER)
        return any(part in name.lower() for part in _LARGER_IS_BETTER_NAMES)

    def value_in(self, logs: dict | None, consequence: str) -> float | None:
        """The value that is watched, or None with a warning if the logs do not hold it as one number.

        Args:
            logs: The logs.
            consequence: What will not happen without it, for the warning.
        """
        logs = logs or {}
        value = logs.get(self.monitor)
        if isinstance(value, (int, float)):
            return float(value)
        reason = f"is not in the logs, which hold {', '.join(logs) or 'nothing'}" if value is None else "is not one number"
        advice = did_you_mean(self.monitor, logs)
        if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in logs):
            advice = "Pass `validation_data` or `validation_split` to `fit`, or watch a value of the training."
        warnings.warn(f"`{type(self).__name__}`: {self.monitor!r} {reason}; {consequence}. {advice}".rstrip(), stacklevel=3)
        return None

    def is_better(self, value: float, than: float | None) -> bool:
        """Whether a value is better than another by ``min_delta``. NaN never is, anything else is better than None.

        They are compared as 32-bit floats, which logs come from: else rounding would decide what is just ``min_delta`` better.
        """
        if math.isnan(value):
            return False
        if than is None:
            return True
        if self.larger_is_better():
            return bool(np.float32(value - self.min_delta) > np.float32(than))
        return bool(np.float32(value + self.min_delta) < np.float32(than))


def learning_rate_of(model: Any) -> float:
    """The learning rate that a model's optimizer has now."""
    return float(model.optimizer.learning_rate)
