"""Base class of callbacks that monitor a value of the logs and compare it with the best one."""

import math
from collections.abc import Callable

import numpy as np

from cornu import losses, metrics, ops, registry, validation
from cornu.errors import InvalidArgumentError, InvalidTypeError, MissingNameError, did_you_mean, warn
from cornu.losses import Loss
from cornu.metrics import Metric
from cornu.training.callback import Callback
from cornu.training.compiled_metrics import OutputMetrics
from cornu.training.logs import as_number
from cornu.training.model_protocol import TrainableModel

_MODES = ("auto", "min", "max")

_LARGER_IS_BETTER = (
    metrics.Accuracy,
    metrics.AUC,
    metrics.BinaryAccuracy,
    metrics.CategoricalAccuracy,
    metrics.ConcordanceCorrelation,
    metrics.CosineSimilarity,
    metrics.FBetaScore,
    metrics.IoU,
    metrics.PearsonCorrelation,
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

_WITHOUT_DIRECTION = (Metric, metrics.Mean, metrics.MeanMetricWrapper, metrics.Sum)
"""Classes of metrics whose values may be anything."""

_LARGER_NAMES = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "io_u", "sensitivity", "specificity", "r2")
_SMALLER_NAMES = ("loss", "error", "mse", "mae", "mape", "msle", "crossentropy", "divergence", "hinge")
"""Substrings of the names of values for which larger or smaller ones are better."""


class Monitor(Callback):
    """Base class of callbacks that monitor a value.

    Args:
        monitor: String, name of the value in the logs, such as ``"val_loss"`` or ``"val_accuracy"``. Defaults to
            ``"val_loss"``.
        mode: String: ``"min"`` if smaller values are better, ``"max"`` if larger values are, or ``"auto"`` to infer it from the
            metric of that name, or else from the name: larger values are better for names that contain, for example,
            ``"acc"``, smaller values for names such as ``"loss"``. Defaults to ``"auto"``.
        best: Float, initial best value. Defaults to None.
        min_delta: Float, minimum change that counts as an improvement. Defaults to 0.

    Attributes:
        monitor_op: Function ``(value, best)`` that returns whether a value is better: ``ops.greater`` or ``ops.less``, set when
            values are first compared. None before.
        best: Best value so far, or None.
    """

    without_value = "it is ignored"
    """What happens if the logs do not contain the value, for the warning."""

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", best: float | None = None, min_delta: float = 0):
        super().__init__()
        if mode not in _MODES:
            warn(
                f"`{type(self).__name__}` received mode={mode!r}, which is not one of {', '.join(map(repr, _MODES))}: "
                "'auto' is used. " + did_you_mean(mode, _MODES)
            )
            mode = "auto"
        self.monitor, self.mode, self.best = monitor, mode, best
        self.min_delta = abs(min_delta)
        self.monitor_op: Callable | None = None

    def larger_is_better(self) -> bool:
        """Return whether larger values are better.

        Raises:
            InvalidArgumentError: If ``mode`` is ``"auto"`` and neither a metric of that name nor the name tells it.
        """
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        known = [_larger_is_better(metric) for metric in _metrics_of(self.model) if metric.name == name]
        known += [False] if name.endswith("loss") else []
        known += [True for part in _LARGER_NAMES if part in name.lower()]
        known += [False for part in _SMALLER_NAMES if part in name.lower()]
        for answer in known:
            if answer is not None:
                return answer
        raise InvalidArgumentError(
            f"`{type(self).__name__}` received monitor={self.monitor!r} and mode='auto'.",
            "Neither a metric of the model nor the name tells whether larger or smaller values are better.",
            "Pass `mode='max'` if larger values are better, or `mode='min'`.",
        )

    def get_monitor_value(self, logs: dict | None) -> float | None:
        """Return the monitored value; warn and return None if the logs do not contain it. A subclass may compute it.

        Args:
            logs: Dict of logs, or None.

        Raises:
            InvalidTypeError: If the value is not a single number.
        """
        logs = logs or {}
        value = as_number(logs.get(self.monitor))
        if isinstance(value, (int, float)):
            return float(value)
        if value is not None:
            raise InvalidTypeError(
                f"`{type(self).__name__}` monitors {self.monitor!r}, and the logs contain {value!r} under this name.",
                "A monitored value must be a single number.",
                "Monitor another value, or let a callback before this one add a number to the logs, such as the mean.",
            )
        hint = did_you_mean(self.monitor, logs)
        if self.monitor.startswith("val_") and not any(name.startswith("val_") for name in logs):
            hint = "Pass `validation_data` or `validation_split` to `fit`, or monitor a training value."
        warn(
            f"`{type(self).__name__}`: {self.monitor!r} is not in the logs, which contain {', '.join(logs) or 'nothing'}; "
            f"{self.without_value}. {hint}".rstrip()
        )
        return None

    def is_better(self, value: float, than: float | None) -> bool:
        """Return whether a value is better than another by more than ``min_delta``.

        NaN is never better; any other value is better than None. Values are compared as 32-bit floats, the precision of the
        logs, so that rounding does not affect differences of exactly ``min_delta``.

        Raises:
            InvalidArgumentError: If it is not known whether larger values are better (see :meth:`larger_is_better`).
        """
        if self.monitor_op is None:
            self.monitor_op = ops.greater if self.larger_is_better() else ops.less
        if math.isnan(value):
            return False
        if than is None:
            return True
        delta = self.min_delta if bool(self.monitor_op(np.float32(1), np.float32(0))) else -self.min_delta
        return bool(self.monitor_op(np.float32(value - delta), np.float32(than)))


def _metrics_of(model: TrainableModel) -> list:
    """Return the metrics of a model, with those passed to ``compile`` one by one."""
    found = getattr(model, "metrics", None) or []
    return [part for metric in found for part in (metric.metrics if isinstance(metric, OutputMetrics) else [metric])]


def _larger_is_better(metric: Metric) -> bool | None:
    """Return whether larger values of a metric are better, from its class; None if that is not known."""
    direction = getattr(metric, "_direction", None)  # what metrics written for Keras declare
    if direction is not None:
        return direction == "up"
    if type(metric) is metrics.MeanMetricWrapper and _is_loss(metric.fn):
        return False
    kinds = [kind for kind in type(metric).__mro__ if registry.is_builtin(kind) and issubclass(kind, Metric)]
    return None if kinds[0] in _WITHOUT_DIRECTION else isinstance(metric, _LARGER_IS_BETTER)


def _is_loss(function: Callable) -> bool:
    """Return whether a function that a metric averages is a loss of this package."""
    return registry.is_builtin(function) and (isinstance(function, Loss) or hasattr(losses, getattr(function, "__name__", "")))


def checked_frequency(callback: str, name: str, value: str | int, *names: str) -> str | int:
    """Return how often a callback acts: one of some names, or a positive integer.

    Raises:
        InvalidArgumentError: If it is something else.

    Example:
        >>> from cornu.callbacks.monitor_callback import checked_frequency
        >>> checked_frequency("ModelCheckpoint", "save_freq", "epoch", "epoch")
        'epoch'
    """
    if isinstance(value, str) and value in names:
        return value
    if validation.is_int(value) and int(value) >= 1:
        return int(value)
    expected = f"{''.join(f'{each!r} or ' for each in names)}a positive integer"
    raise validation.invalid_value(callback, name, value, expected, 100)


def learning_rate_of(callback: Callback) -> float:
    """Return the current learning rate of the optimizer of a callback's model.

    Raises:
        MissingNameError: If the optimizer consists of several.
    """
    try:
        return float(callback.model.optimizer.learning_rate)
    except MissingNameError as error:
        name = type(callback).__name__
        raise MissingNameError(
            f"`{name}` is used with several optimizers, a `MultiOptimizer`.",
            error.expected,
            f"Remove `{name}`, and pass a schedule as `learning_rate` to each of them.",
        ) from error
