"""Sum, mean, and the mean of a function, on which most other metrics are based."""

from collections.abc import Callable
from typing import Any

from cornu import ops, registry
from cornu.core import masks
from cornu.dtypes import HALVES, sum_dtype
from cornu.losses.alignment import broadcast_weight, convert_like, is_per_sample, per_sample_values
from cornu.losses.loss import Loss
from cornu.metrics.metric import Metric
from cornu.metrics.sum_variable import in_dtype
from cornu.typing import Array, ArrayLike, DType
from cornu.validation import invalid_value

__all__ = ["Mean", "MeanMetricWrapper", "Sum"]


@registry.register("metrics")
class Sum(Metric):
    """Weighted sum of all values, ``sum(values * sample_weight)``.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import Sum
        >>> float(Sum()([1.0, 3.0, 5.0], sample_weight=[1, 1, 0]))
        4.0
    """

    ignores_zero_weight = True

    def __init__(self, name: str = "sum", dtype: DType = None):
        super().__init__(dtype=dtype, name=name)
        self._add_sums(["total"], (), self.dtype)

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add values to the sum.

        Args:
            values: Array-like of any shape.
            sample_weight: Array-like whose axes are the first axes of the values. Defaults to None.
        """
        values, _ = _weighted(values, sample_weight, ops.sum, sum_dtype(self.dtype))
        self.total.assign_add(ops.sum(values))

    def result(self) -> Any:
        """Return the sum."""
        return in_dtype(self.total.value, self.dtype)


@registry.register("metrics")
class Mean(Metric):
    """Weighted mean of all values, ``sum(values * sample_weight) / sum(sample_weight)``.

    Values of weight 0 are excluded.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import Mean
        >>> mean = Mean()
        >>> mean.update_state([1.0, 3.0])
        >>> mean.update_state([5.0, 100.0], sample_weight=[1, 0])
        >>> float(mean.result())
        3.0
    """

    ignores_zero_weight = True

    def __init__(self, name: str = "mean", dtype: DType = None):
        super().__init__(dtype=dtype, name=name)
        self._add_sums(("total", "count"), (), self.dtype)

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Accumulate values.

        Args:
            values: Array-like of any shape; the values of each sample are averaged first.
            sample_weight: Array-like whose axes are the first axes of the values. Defaults to None.
        """
        values, weight = _weighted(values, sample_weight, ops.mean, sum_dtype(self.dtype))
        self.total.assign_add(ops.sum(values))
        self.count.assign_add(ops.size(values) if weight is None else ops.sum(weight))

    def result(self) -> Any:
        """Return the mean; 0 if no values were accumulated."""
        return in_dtype(ops.divide_no_nan(self.total, self.count), self.dtype)


def _weighted(
    values: ArrayLike, weight: ArrayLike | None, reduce: Callable[..., Array], dtype: str
) -> tuple[Array, Array | None]:
    """Return the weighted values and the weights, reduced to one value per sample. A weight of 0 also excludes NaN."""
    values = ops.cast(convert_like(values, weight), dtype)
    if weight is None:
        return _per_sample(values, reduce), None
    weight = ops.cast(convert_like(weight, values), dtype)
    if len(weight.shape) > len(values.shape) and weight.shape[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    if len(weight.shape) < len(values.shape):
        values = reduce(values, axis=tuple(range(len(weight.shape), len(values.shape))))
    weight = broadcast_weight("sample_weight", weight, values)
    values = ops.where(ops.equal(weight, 0), 0, values * weight)
    return _per_sample(values, reduce), _per_sample(weight, reduce)


def _per_sample(values: Any, reduce: Callable[..., Array]) -> Any:
    """Reduce all axes but the first."""
    return reduce(values, axis=tuple(range(1, len(values.shape)))) if len(values.shape) > 1 else values


@registry.register("metrics")
class MeanMetricWrapper(Mean):
    """Mean of a function of labels and predictions.

    Args:
        fn: Callable ``fn(y_true, y_pred, **kwargs)`` that returns one value per sample, or the name of a built-in function.
        name: Name of the metric. Defaults to the name of the function.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        **kwargs: Additional arguments of the function.

    Raises:
        InvalidArgumentError: ``fn`` is not callable.

    Example:
        >>> from cornu import metrics, ops
        >>> metric = metrics.MeanMetricWrapper(lambda y_true, y_pred: ops.abs(y_true - y_pred), name="distance")
        >>> float(metric(ops.array([1.0, 2.0]), ops.array([3.0, 2.0])))
        1.0
    """

    ignores_zero_weight = True

    def __init__(self, fn: Callable | str, name: str | None = None, dtype: DType = None, **kwargs: Any):
        function = _function(fn)
        super().__init__(name=name or getattr(function, "__name__", None) or getattr(function, "name", "mean"), dtype=dtype)
        self.fn, self.kwargs = function, kwargs
        alone = function.is_per_sample if isinstance(function, Loss) else is_per_sample(function)
        self.ignores_zero_weight = alone

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Accumulate a batch. Values that the mask of ``y_pred`` excludes, such as padded time steps, have weight 0.

        Args:
            y_true: Array-like of ground truth values.
            y_pred: Array-like of predictions.
            sample_weight: Array-like of shape ``(batch,)``, or broadcastable to the values, that weights each sample.
                Defaults to None.
        """
        mask = masks.mask_of(y_pred)
        if mask is not None:
            sample_weight = _masked(sample_weight, mask, sum_dtype(self.dtype))
        function = self.fn.call if isinstance(self.fn, Loss) else self.fn  # for a loss, the values and not their mean
        values = per_sample_values(function, function(y_true, _not_half(y_pred), **self.kwargs))
        super().update_state(values, sample_weight)


def _not_half(values: ArrayLike) -> Any:
    """Return an array, in ``float32`` if it has half precision, in which the values of a sample may overflow."""
    is_half = hasattr(values, "dtype") and ops.dtype(values) in HALVES
    return ops.cast(values, "float32") if is_half else values


def _masked(weight: ArrayLike | None, mask: Array, dtype: str) -> Any:
    """Return sample weights that are 0 where a mask is False; both have the first axes of the values."""
    mask = ops.cast(mask, dtype)
    if weight is None:
        return mask
    weight = ops.cast(convert_like(weight, mask), dtype)
    if len(weight.shape) == len(mask.shape) + 1 and weight.shape[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    rank = max(len(weight.shape), len(mask.shape))
    return ops.multiply(*(masks.expand_mask(x, rank) if len(x.shape) else x for x in (weight, mask)))


def _function(fn: str | Callable) -> Callable:
    """Return the metric or loss function of a name, or the function itself."""
    if isinstance(fn, str):
        fn = {**registry.registered("losses"), **registry.registered("metrics.functions")}.get(fn, fn)
    if not callable(fn):
        expected = "a function `fn(y_true, y_pred)`, or the name of one"
        raise invalid_value("MeanMetricWrapper", "fn", fn, expected, "mean_squared_error")
    return fn
