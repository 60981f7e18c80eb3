"""The base of all losses: from one number a sample to one number for all."""

from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import backends, config, ops, registry
from cornu.core import dtype_policy
from cornu.core.naming import auto_name
from cornu.errors import InvalidArgumentError, ShapeError, one_of
from cornu.ops.dispatch import arrays, unwrap
from cornu.ops.dtypes import is_float

_REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none")


class Loss(registry.Configurable):
    """How wrong predictions are. A loss of your own overrides :meth:`call`.

    Args:
        name: Its name; default the class's name in small letters.
        reduction: How the values of the samples become one number: ``"sum_over_batch_size"`` (also called ``"mean"``) divides
            their sum by their number, ``"mean_with_sample_weight"`` by the sum of the weights; ``"sum"`` does not divide,
            and ``"none"`` or None leaves the values as they are.
        dtype: The dtype to compute in; default ``config.floatx()``.

    Attributes:
        judges_samples_alone: Whether the value of a sample depends on that sample only, so that a batch may be filled up with
            padding (see ``sample_mask``), and, if the reduction is a mean, trained a few samples at a time. True for Cornu's
            own; set it in a class of your own if it holds, or ``is_per_sample = True`` on a function of your own.

    Raises:
        InvalidArgumentError: There is no such reduction.

    Example:
        >>> from cornu import ops
        >>> from cornu.losses import Loss
        >>> class Furthest(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return ops.max(ops.abs(y_true - y_pred), axis=-1)
        >>> float(Furthest()([[0.0, 0.0], [0.0, 0.0]], [[1.0, 2.0], [0.0, 4.0]]))
        3.0
    """

    judges_samples_alone = False

    def __init__(self, name: str | None = None, reduction: str | None = "sum_over_batch_size", dtype: Any = None):
        if reduction is not None and reduction not in _REDUCTIONS:
            raise one_of("reduction", reduction, _REDUCTIONS)
        self.name = name or auto_name(type(self).__name__)
        self.reduction = reduction
        self.dtype = dtype_policy.get(dtype or config.floatx()).compute_dtype

    @property
    def counts_every_value(self) -> bool:
        """Whether :meth:`counted` leaves nothing out, whatever the values are."""
        return type(self).counted is Loss.counted

    @property
    def is_mean_over_samples(self) -> bool:
        """Whether the loss of a batch is the mean of the losses of its equal parts."""
        return self.judges_samples_alone and self.counts_every_value and self.reduction in ("sum_over_batch_size", "mean")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample: the batch is the first axis of what it gives.

        Args:
            y_true: What is right, as an array of this loss's dtype.
            y_pred: What was predicted, as an array of this loss's dtype.
        """
        raise NotImplementedError(f"`{type(self).__name__}` has no `call(y_true, y_pred)`.")

    def counted(self, y_true: Any, y_pred: Any) -> Any:
        """Which values count, as booleans that broadcast to what :meth:`call` gives; None if all do (the default)."""
        return None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None, sample_mask: Any = None) -> Any:
        """The loss.

        Args:
            y_true: What is right.
            y_pred: What was predicted.
            sample_weight: How much each sample counts, ``(batch,)``, or each value; values are multiplied by it.
            sample_mask: ``(batch,)``, or the first axes of the values: 1 for a sample and 0 for padding. Padding
                counts nowhere, neither in the sum nor in the number, even if its value is NaN.

        Returns:
            An array of shape ``()``, or the values if ``reduction`` is None.

        Raises:
            ShapeError: The weights or the mask do not fit the values.
        """
        y_true, y_pred = self._arrays(y_true, y_pred), self._arrays(y_pred, y_true)
        values = ops.cast(self.call(y_true, y_pred), self.dtype)
        counted = self.counted(y_true, y_pred)
        if counted is not None:
            counted = broadcast_weight("mask", counted, values)
        if sample_mask is not None:
            real = ops.not_equal(broadcast_weight("sample_mask", sample_mask, values), 0)
            counted = real if counted is None else ops.logical_and(counted, real)
        if sample_weight is not None:
            sample_weight = broadcast_weight("sample_weight", ops.cast(beside(sample_weight, values), self.dtype), values)
        return _reduce(values, sample_weight, counted, self.reduction)

    def _arrays(self, values: Any, others: Any) -> Any:
        """Labels in this loss's dtype beside predictions, or predictions beside labels; a dict of them stays a dict."""
        if isinstance(values, dict):
            others = others if isinstance(others, dict) else dict.fromkeys(values, others)
            return {name: self._arrays(value, others.get(name)) for name, value in values.items()}
        return ops.cast(beside(values, others), self.dtype)


def _reduce(values: Any, weight: Any, counted: Any, reduction: str | None) -> Any:
    """Values as one number. Weights and mask have the shape of the values."""
    if counted is not None:
        values = ops.where(counted, values, 0)
    if weight is not None:
        values = values * weight
    if reduction in (None, "none"):
        return values
    total = ops.sum(values)
    if reduction == "sum":
        return total
    if reduction == "mean_with_sample_weight" and weight is not None:
        return ops.divide_no_nan(total, ops.sum(weight if counted is None else ops.where(counted, weight, 0)))
    if counted is not None:
        return ops.divide_no_nan(total, ops.sum(ops.cast(counted, ops.dtype(total))))
    return ops.mean(values)


def broadcast_weight(name: str, weight: Any, values: Any) -> Any:
    """Weights of samples as weights of all their values.

    Args:
        name: What the user calls the weights.
        weight: Weights whose axes are the first axes of the values; one more axis of size 1 is dropped.
        values: The values.

    Returns:
        Weights of the values' shape, on their backend.

    Raises:
        ShapeError: They do not fit.

    Example:
        >>> import numpy as np
        >>> from cornu.losses.loss import broadcast_weight
        >>> broadcast_weight("sample_weight", np.array([1.0, 2.0]), np.ones((2, 2))).tolist()
        [[1.0, 1.0], [2.0, 2.0]]
    """
    weight = beside(weight, values)
    shape, given = tuple(values.shape), tuple(weight.shape)
    if len(given) == len(shape) + 1 and given[-1] == 1:
        weight = ops.squeeze(weight, axis=-1)
    elif len(given) < len(shape):
        weight = ops.reshape(weight, given + (1,) * (len(shape) - len(given)))
    fits = len(weight.shape) == len(shape) and all(a in (1, b) for a, b in zip(weight.shape, shape, strict=True))
    if not fits:
        raise ShapeError(
            f"`{name}` has shape {given}, and the loss gives values of shape {shape}.",
            f"`{name}` needs one number for each sample, or one for each value.",
            f"Pass a `{name}` of shape {shape[:1]}." if shape else "Let the loss give one value for each sample.",
        )
    return ops.broadcast_to(weight, shape)


def align(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels and predictions as floats of one dtype with as many axes: a last axis of size 1 comes or goes, as in Keras.

    Raises:
        ShapeError: They have different numbers of axes after that, or sizes that do not broadcast.

    Example:
        >>> import numpy as np
        >>> from cornu.losses.loss import align
        >>> y_true, y_pred = align(np.array([1, 2]), np.array([[0.5], [2.5]]))
        >>> y_true.tolist()
        [[1.0], [2.0]]
    """
    y_true, y_pred = same_dtype(y_true, y_pred)
    true_rank, pred_rank = len(y_true.shape), len(y_pred.shape)
    if pred_rank == true_rank + 1 and y_pred.shape[-1] == 1:
        if true_rank == 1:
            return ops.expand_dims(y_true, -1), y_pred
        return y_true, ops.squeeze(y_pred, axis=-1)
    if true_rank == pred_rank + 1 and y_true.shape[-1] == 1:
        if pred_rank == 1:
            return y_true, ops.expand_dims(y_pred, -1)
        return ops.squeeze(y_true, axis=-1), y_pred
    sizes = zip(reversed(y_true.shape), reversed(y_pred.shape), strict=False)
    if (true_rank != pred_rank and min(true_rank, pred_rank) > 0) or any(a != b and 1 not in (a, b) for a, b in sizes):
        raise ShapeError(
            f"`y_true` has shape {tuple(y_true.shape)} and `y_pred` has shape {tuple(y_pred.shape)}.",
            "This loss or metric compares them number by number, so they need the same shape.",
            "Reshape `y_true`, or use a sparse loss or metric if it holds class numbers.",
        )
    return y_true, y_pred


def host(values: Any) -> Any:
    """Python data as NumPy data; arrays as they are.

    Example:
        >>> from cornu.losses.loss import host
        >>> host([1, 2])
        array([1, 2])
    """
    return values if hasattr(values, "shape") else np.asarray(values)


def beside(values: Any, other: Any) -> Any:
    """Python and NumPy data as an array of the backend that another array is of, or goes to; other arrays as they are.

    Example:
        >>> from cornu import ops
        >>> from cornu.losses.loss import beside
        >>> type(beside([1, 2], ops.ones((2,)))) is type(ops.ones((2,)))
        True
    """
    values, other = host(values), unwrap(other)
    if backends.owner(other) is None or not isinstance(values, (np.ndarray, np.generic)):
        return values
    return arrays(values, other)[1]


def together(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels and predictions, of which one may be Python or NumPy data, as arrays of one backend (see :func:`beside`).

    Example:
        >>> from cornu import ops
        >>> from cornu.losses.loss import together
        >>> y_true, y_pred = together([1, 2], ops.ones((2,)))
        >>> type(y_true) is type(y_pred)
        True
    """
    return beside(y_true, y_pred), beside(y_pred, y_true)


def same_dtype(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Labels and predictions as floats of one dtype: that of the predictions, or ``config.floatx()`` for whole numbers."""
    y_true, y_pred = together(y_true, y_pred)
    y_pred = as_float(y_pred)
    return ops.cast(y_true, ops.dtype(y_pred)), y_pred


def as_float(values: Any) -> Any:
    """An array as it is if it holds floats, else in ``config.floatx()``."""
    dtype = getattr(values, "dtype", None)
    if dtype is None:
        return ops.cast(values, config.floatx())
    return values if is_float(ops.dtype(values)) else ops.cast(values, config.floatx())


def per_sample(function: Callable) -> Callable:
    """Declare that a function of labels and predictions returns a value for each sample that depends on that sample only.

    Args:
        function: The function. It gets the attribute ``is_per_sample``.

    Returns:
        The function itself.

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


def gives_a_value_for_each_sample(function: Callable) -> bool:
    """Return whether a function of labels and predictions is declared to judge each sample by itself (:func:`per_sample`).

    A function without the declaration may as well return the mean of the batch.

    Example:
        >>> from cornu import losses
        >>> from cornu.losses.loss import gives_a_value_for_each_sample
        >>> gives_a_value_for_each_sample(losses.huber), gives_a_value_for_each_sample(losses.dice)
        (True, False)
    """
    return getattr(function, "is_per_sample", False)


class LossFunctionWrapper(Loss):
    """A loss made of a function of labels and predictions.

    Args:
        fn: ``fn(y_true, y_pred, **kwargs)`` that gives one value for each sample, or the name of one of Cornu's.
        reduction: See :class:`Loss`.
        name: Its name; default that of the function.
        dtype: See :class:`Loss`.
        kwargs: More arguments of the function.

    Raises:
        InvalidArgumentError: ``fn`` is no function.

    Example:
        >>> from cornu import losses, ops
        >>> loss = losses.LossFunctionWrapper(lambda y_true, y_pred: ops.abs(y_true - y_pred)[:, 0], name="first")
        >>> float(loss([[1.0, 2.0]], [[3.0, 5.0]]))
        2.0
    """

    def __init__(
        self,
        fn: Callable | str,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ):
        function = registry.get("losses", fn)
        if not callable(function):
            raise InvalidArgumentError(f"`fn={fn!r}` was given.", "It must be a function.", "Pass `fn(y_true, y_pred)`.")
        super().__init__(name or getattr(function, "__name__", None), reduction, dtype)
        self.fn, self.kwargs = function, kwargs
        self.judges_samples_alone = gives_a_value_for_each_sample(function)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The value of each sample."""
        return self.fn(y_true, y_pred, **self.kwargs)
