"""Metrics that add up or average numbers; most other metrics are a mean of some function."""

from collections.abc import Callable
from typing import Any

from cornu import ops, registry
from cornu.errors import InvalidArgumentError
from cornu.losses.loss import Loss, beside, broadcast_weight, gives_a_value_for_each_sample
from cornu.metrics.metric import Metric


class Sum(Metric):
    """The sum of all values, times their weights.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import Sum
        >>> float(Sum()([1.0, 3.0, 5.0], sample_weight=[1, 1, 0]))
        4.0
    """

    counts_zero_weight_as_absent = True

    def __init__(self, name: str = "sum", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Adds values.

        Args:
            values: Numbers of any shape.
            sample_weight: Weights whose axes are the first axes of the values.
        """
        values, _ = _weighted(values, sample_weight, ops.sum, self.dtype)
        self.total.assign_add(ops.sum(values))

    def result(self) -> Any:
        """The sum."""
        return self.total.value


class Mean(Metric):
    """The mean of all values by their weights: values of weight 0 are not counted.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import Mean
        >>> mean = Mean()
        >>> mean.update_state([1.0, 3.0])
        >>> mean.update_state([5.0, 100.0], sample_weight=[1, 0])
        >>> float(mean.result())
        3.0
    """

    counts_zero_weight_as_absent = True

    def __init__(self, name: str = "mean", dtype: Any = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Takes in values.

        Args:
            values: Numbers of any shape; those of one sample are averaged first.
            sample_weight: Weights whose axes are the first axes of the values.
        """
        values, weight = _weighted(values, sample_weight, ops.mean, self.dtype)
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(ops.size(values) if weight is None else ops.sum(weight))

    def result(self) -> Any:
        """The mean; 0 if nothing was counted."""
        return ops.divide_no_nan(self.total, self.count)


def _weighted(values: Any, weight: Any, reduce: Callable, dtype: str) -> tuple[Any, Any]:
    """Values times weights and the weights, both reduced to one number for each sample. A weight of 0 also silences NaN."""
    values = ops.cast(beside(values, weight), dtype)
    if weight is None:
        return _per_sample(values, reduce), None
    weight = ops.cast(beside(weight, values), dtype)
    if len(weight.shape) > len(values.shape) and weight.shape[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    if len(weight.shape) < len(values.shape):
        values = reduce(values, axis=tuple(range(len(weight.shape), len(values.shape))))
    weight = broadcast_weight("sample_weight", weight, values)
    values = ops.where(ops.equal(weight, 0), 0, values * weight)
    return _per_sample(values, reduce), _per_sample(weight, reduce)


def _per_sample(values: Any, reduce: Callable) -> Any:
    """Values with the first axis alone."""
    return reduce(values, axis=tuple(range(1, len(values.shape)))) if len(values.shape) > 1 else values


class MeanMetricWrapper(Mean):
    """The mean of a function of labels and predictions.

    Args:
        fn: ``fn(y_true, y_pred, **kwargs)`` that gives one value for each sample, or the name of one of Cornu's.
        name: Its name; default that of the function.
        dtype: See :class:`Metric`.
        kwargs: More arguments of the function.

    Raises:
        InvalidArgumentError: ``fn`` is no function.

    Example:
        >>> from cornu import metrics, ops
        >>> metric = metrics.MeanMetricWrapper(lambda y_true, y_pred: ops.abs(y_true - y_pred), name="distance")
        >>> float(metric(ops.array([1.0, 2.0]), ops.array([3.0, 2.0])))
        1.0
    """

    counts_zero_weight_as_absent = True

    def __init__(self, fn: Callable | str, name: str | None = None, dtype: Any = None, **kwargs: Any):
        function = _function(fn)
        super().__init__(name or getattr(function, "__name__", None) or getattr(function, "name", "mean"), dtype)
        self.fn, self.kwargs = function, kwargs
        alone = function.judges_samples_alone if isinstance(function, Loss) else gives_a_value_for_each_sample(function)
        self.counts_zero_weight_as_absent = alone

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch.

        Args:
            y_true: What is right.
            y_pred: What was predicted.
            sample_weight: Weights of samples, ``(batch,)``, or of values.
        """
        function = self.fn.call if isinstance(self.fn, Loss) else self.fn  # of a loss the values, not their mean
        super().update_state(function(y_true, y_pred, **self.kwargs), sample_weight)


def _function(fn: Any) -> Callable:
    """The function of a name, among the metrics and the losses; or the function itself."""
    if isinstance(fn, str):
        fn = {**registry.allowed("losses"), **registry.allowed("metrics.functions")}.get(fn, fn)
    if not callable(fn):
        raise InvalidArgumentError(f"`fn={fn!r}` was given.", "It must be a function.", "Pass `fn(y_true, y_pred)`.")
    return fn
