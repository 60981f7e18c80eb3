"""Hinge losses for maximum-margin classification."""

from typing import Any

from cornu import ops, registry
from cornu.losses.alignment import align
from cornu.losses.loss import LossFunctionWrapper, per_sample
from cornu.typing import Array, ArrayLike, DType

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge", "categorical_hinge", "hinge", "squared_hinge"]


def _signed(y_true: Array) -> Array:
    """Convert labels 0 and 1 to -1 and 1; return other labels unchanged."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, 2 * y_true - 1, y_true)


@registry.register("losses")
@per_sample
def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the hinge loss, averaged over the last axis.

    ``loss = mean(maximum(1 - y_true * y_pred, 0), axis=-1)``

    Labels that are all 0 or 1 are converted to -1 and 1.

    Args:
        y_true: Array-like of labels -1 and 1 (or 0 and 1), of shape ``(batch, ..., n)``.
        y_pred: Array-like of scores of the same shape.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    References:
        Rosasco et al., 2004, "Are Loss Functions All the Same?", https://doi.org/10.1162/089976604773135104

    Example:
        >>> from cornu.losses import hinge
        >>> hinge([[-1.0, 1.0]], [[-2.0, 0.5]]).tolist()
        [0.25]
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(ops.maximum(1 - _signed(y_true) * y_pred, 0), axis=-1)


@registry.register("losses")
@per_sample
def squared_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the squared hinge loss, averaged over the last axis.

    ``loss = mean(square(maximum(1 - y_true * y_pred, 0)), axis=-1)``

    Labels that are all 0 or 1 are converted to -1 and 1.

    Args:
        y_true: Array-like of labels -1 and 1 (or 0 and 1), of shape ``(batch, ..., n)``.
        y_pred: Array-like of scores of the same shape.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    References:
        Rosasco et al., 2004, "Are Loss Functions All the Same?", https://doi.org/10.1162/089976604773135104

    Example:
        >>> from cornu.losses import squared_hinge
        >>> squared_hinge([[-1.0, 1.0]], [[-2.0, 0.5]]).tolist()
        [0.125]
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1 - _signed(y_true) * y_pred, 0)), axis=-1)


@registry.register("losses")
@per_sample
def categorical_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the multiclass hinge loss over the last axis.

    ``loss = maximum(neg - pos + 1, 0)``, where ``pos = sum(y_true * y_pred, axis=-1)`` and
    ``neg = max((1 - y_true) * y_pred, axis=-1)``.

    Args:
        y_true: Array-like of one-hot labels, of shape ``(batch, ..., classes)``.
        y_pred: Array-like of scores of the same shape.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    References:
        Crammer and Singer, 2001, "On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines",
        https://www.jmlr.org/papers/v2/crammer01a.html

    Example:
        >>> from cornu.losses import categorical_hinge
        >>> categorical_hinge([[0.0, 1.0]], [[2.0, 2.5]]).tolist()
        [0.5]
    """
    y_true, y_pred = align(y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1, 0)


@registry.register("losses")
class Hinge(LossFunctionWrapper):
    """Hinge loss ``mean(maximum(1 - y_true * y_pred, 0), axis=-1)`` for labels -1 and 1 (or 0 and 1), see :func:`hinge`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import Hinge
        >>> float(Hinge()([[-1.0, 1.0]], [[-2.0, 0.5]]))
        0.25
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "hinge", dtype: DType = None):
        super().__init__(hinge, reduction=reduction, name=name, dtype=dtype)


@registry.register("losses")
class SquaredHinge(LossFunctionWrapper):
    """Squared hinge loss ``mean(square(maximum(1 - y_true * y_pred, 0)), axis=-1)`` for labels -1 and 1 (or 0 and 1).

    See :func:`squared_hinge`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import SquaredHinge
        >>> float(SquaredHinge()([[-1.0, 1.0]], [[-2.0, 0.5]]))
        0.125
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "squared_hinge", dtype: DType = None):
        super().__init__(squared_hinge, reduction=reduction, name=name, dtype=dtype)


@registry.register("losses")
class CategoricalHinge(LossFunctionWrapper):
    """Multiclass hinge loss ``maximum(neg - pos + 1, 0)`` for one-hot labels, see :func:`categorical_hinge`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import CategoricalHinge
        >>> float(CategoricalHinge()([[0.0, 1.0]], [[2.0, 2.5]]))
        0.5
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "categorical_hinge", dtype: DType = None):
        super().__init__(categorical_hinge, reduction=reduction, name=name, dtype=dtype)
