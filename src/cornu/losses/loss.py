"""Base class of all losses, which reduces per-sample values to a scalar."""

from collections.abc import Callable
from typing import Any

from cornu import ops, registry, serialization
from cornu.core import dtype_policy, masks
from cornu.core.gradients import check_differentiable
from cornu.core.naming import auto_name
from cornu.core.soft_property import soft_property
from cornu.dtypes import HALVES
from cornu.losses.alignment import broadcast_weight, convert_like, is_per_sample, per_sample_values, sample_weights
from cornu.typing import Array, ArrayLike, Config, DType, Tree
from cornu.validation import check_option, invalid_value

__all__ = ["Loss", "LossFunctionWrapper"]

_REDUCTIONS = (None, "sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none")


class Loss(serialization.ArgumentAttributes):
    """Base class of losses. Subclasses override :meth:`call`. The arguments of the constructor are attributes.

    Args:
        name: Name of the loss. Defaults to a name derived from the class.
        reduction: How per-sample losses are combined. ``"sum_over_batch_size"`` (default) or ``"mean"`` divides the sum of the
            values by their count, ``"mean_with_sample_weight"`` divides it by the sum of the weights, ``"sum"`` returns the
            sum, and ``"none"`` or None returns the values unchanged.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Attributes:
        is_per_sample: Whether the value of a sample depends only on that sample, so that a batch may be padded (see
            ``sample_mask``) and, if the reduction is a mean, trained in micro-batches. True for the built-in losses with this
            property; set it in a custom class that has it, or set ``is_per_sample = True`` on a custom function. A class that
            overrides :meth:`call` or ``__call__`` does not inherit it.

    Raises:
        InvalidArgumentError: ``reduction`` is invalid.

    Example:
        >>> from cornu import ops
        >>> from cornu.losses import Loss
        >>> class Furthest(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.max(ops.abs(y_true - y_pred), axis=-1)
        >>> float(Furthest()([[0.0, 0.0], [0.0, 0.0]], [[1.0, 2.0], [0.0, 4.0]]))
        3.0
    """

    is_per_sample = False

    _cornu_kind = "loss"
    _cornu_made_by_init = ("name", "reduction", "_dtype")

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: DType = None):
        self.name = name or auto_name(type(self).__name__)
        self.reduction = check_option("reduction", reduction, _REDUCTIONS)
        self._dtype = dtype_policy.compute_dtype_of(dtype)

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if {"call", "__call__"} & cls.__dict__.keys() and "is_per_sample" not in cls.__dict__:
            cls.is_per_sample = False  # the declaration of a parent is not valid for another computation

    @property
    def dtype(self) -> str:
        """Dtype of the computations."""
        return self._dtype

    @property
    def counts_every_value(self) -> bool:
        """Whether :meth:`valid_mask` includes every value, regardless of the data."""
        return type(self).valid_mask is Loss.valid_mask

    @property
    def is_mean_over_samples(self) -> bool:
        """Whether the loss of a batch is the mean of the losses of its equally sized parts."""
        return self.is_per_sample and self.counts_every_value and self.reduction in ("sum_over_batch_size", "mean")

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> Any:
        """Compute the loss of each sample.

        Args:
            y_true: Array of ground truth values in the dtype of this loss.
            y_pred: Array of predictions in the dtype of this loss.

        Returns:
            Array whose first axis is the batch.
        """
        raise NotImplementedError(f"`{type(self).__name__}` has no `call(y_true, y_pred)`.")

    def valid_mask(self, y_true: ArrayLike, y_pred: ArrayLike) -> Any:
        """Return the boolean mask of the values to include, broadcastable to the result of :meth:`call`; None for all."""
        return None

    def __call__(
        self, y_true: Tree, y_pred: Tree, sample_weight: ArrayLike | None = None, sample_mask: ArrayLike | None = None
    ) -> Any:
        """Compute the loss.

        Values that the mask of ``y_pred`` excludes, such as padded time steps, are excluded from both the sum and the count. A
        layer such as ``Masking`` sets this mask on its output.

        Args:
            y_true: Array-like, or dict of array-likes, of ground truth values.
            y_pred: Array-like, or dict of array-likes, of predictions.
            sample_weight: Array-like of shape ``(batch,)``, or broadcastable to the loss, that weights each sample. Defaults
                to None.
            sample_mask: Array-like of shape ``(batch,)``, or of the first axes of the values: 1 for a sample and 0 for
                padding. Padding is excluded from both the sum and the count, even if its value is NaN. Defaults to None.

        Returns:
            Array of shape ``()``, or the unreduced values if ``reduction`` is None or ``"none"``.

        Raises:
            ShapeError: The weights or the mask cannot be broadcast to the values.
        """
        y_pred = self._cornu_take_in_mask(y_pred)
        labels, predictions = self._arrays(y_true, y_pred), self._arrays(y_pred, y_true)
        values = per_sample_values(f"{type(self).__name__}.call", self.call(labels, predictions))
        check_differentiable(f"The loss {self.name!r}", values)
        values = ops.cast(values, self.dtype)
        valid_mask = self.valid_mask(labels, predictions)
        if valid_mask is not None:
            valid_mask = broadcast_weight("mask", valid_mask, values)
        layer_mask = masks.mask_of(y_pred) if len(values.shape) else None  # a single value has no masked part
        for name, mask in (("mask of y_pred", layer_mask), ("sample_mask", sample_mask)):
            if mask is not None:
                real = ops.not_equal(broadcast_weight(name, mask, values), 0)
                valid_mask = real if valid_mask is None else ops.logical_and(valid_mask, real)
        return _reduce(values, sample_weights(sample_weight, values, self.dtype), valid_mask, self.reduction)

    def _cornu_take_in_mask(self, y_pred: Any) -> Any:
        """Return predictions without a mask of parts that do not have a value each; others unchanged."""
        return y_pred

    def get_config(self) -> Config:
        """Return the arguments of the constructor, the name and the reduction first, the dtype only if it was passed."""
        arguments = super().get_config()
        first = {name: getattr(self, name) for name in ("name", "reduction") if name in arguments}
        return first | {
            name: value for name, value in arguments.items() if name not in first and (name, value) != ("dtype", None)
        }

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, reduction={self.reduction}>"

    def _arrays(self, values: Any, others: Tree) -> Any:
        """Convert labels or predictions to the dtype of this loss; a dict of arrays remains a dict."""
        if isinstance(values, dict):
            parts = others if isinstance(others, dict) else dict.fromkeys(values, others)
            return {name: self._arrays(value, parts.get(name)) for name, value in values.items()}
        return ops.cast(convert_like(values, others), self.dtype)


def _reduce(values: Array, weight: Array | None, valid_mask: Array | None, reduction: str | None) -> Any:
    """Reduce values according to ``reduction``. ``weight`` and ``valid_mask`` have the shape of the values.

    Values in half precision are summed and counted in ``float32``: ``float16`` has no integers above 2048 and ends at 65504.
    """
    dtype = ops.dtype(values)
    if dtype in HALVES and reduction not in (None, "none"):
        weight = None if weight is None else ops.cast(weight, "float32")
        return ops.cast(_reduce(ops.cast(values, "float32"), weight, valid_mask, reduction), dtype)
    if valid_mask is not None:
        values = ops.where(valid_mask, values, 0)
    if weight is not None:
        values = values * weight
    if reduction in (None, "none"):
        return values
    total = ops.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weight is not None:
        return ops.divide_no_nan(total, ops.sum(weight if valid_mask is None else ops.where(valid_mask, weight, 0)))
    if valid_mask is not None:
        return ops.divide_no_nan(total, ops.sum(ops.cast(valid_mask, dtype)))
    return ops.mean(values)


def per_sample(function: Callable) -> Callable:
    """Declare that a function of labels and predictions returns one value per sample that depends only on that sample.

    Args:
        function: Callable; its attribute ``is_per_sample`` is set to True.

    Returns:
        The same function.

    Example:
        >>> from cornu import ops
        >>> from cornu.losses.loss import per_sample
        >>> @per_sample
        ... def distance(y_true, y_pred):
        ...     return ops.sum(ops.abs(y_true - y_pred), axis=-1)
        >>> distance.is_per_sample
        True
    """
    function.is_per_sample = True  # type: ignore[attr-defined]
    return function


@registry.register("losses")
class LossFunctionWrapper(Loss):
    """Loss that wraps a function of labels and predictions.

    Args:
        fn: Callable ``fn(y_true, y_pred, **kwargs)`` that returns one value per sample, or the name of a built-in loss
            function.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss. Defaults to the name of the function.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.
        **kwargs: Additional arguments of the function.

    Raises:
        InvalidArgumentError: ``fn`` is not callable.

    Example:
        >>> from cornu import losses, ops
        >>> loss = losses.LossFunctionWrapper(lambda y_true, y_pred: ops.abs(y_true - y_pred)[:, 0], name="first")
        >>> float(loss([[1.0, 2.0]], [[3.0, 5.0]]))
        2.0
    """

    _cornu_made_by_init = (*Loss._cornu_made_by_init, "fn", "kwargs")

    def __init__(
        self,
        fn: Callable | str,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: DType = None,
        **kwargs: Any,
    ):
        function = serialization.get("losses", fn)
        if not callable(function):
            raise invalid_value(self, "fn", fn, "a function `fn(y_true, y_pred)`, or the name of one", "mean_squared_error")
        super().__init__(name=name or getattr(function, "__name__", None), reduction=reduction, dtype=dtype)
        self.fn, self.kwargs = function, kwargs

    @soft_property
    def is_per_sample(self) -> bool:  # type: ignore[override]
        """Whether the function computes the value of a sample from that sample only."""
        return is_per_sample(self.fn)

    def _cornu_take_in_mask(self, y_pred: Any) -> Any:
        take_in = getattr(self.fn, "cornu_take_in_mask", None)
        return y_pred if take_in is None else take_in(y_pred)

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> Any:
        """Compute the loss of each sample."""
        return per_sample_values(self.fn, self.fn(y_true, y_pred, **self.kwargs))
