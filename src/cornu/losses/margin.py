"""Losses with a margin: right answers cost nothing once they are right by enough."""

from typing import Any

from cornu import ops
from cornu.losses.loss import LossFunctionWrapper, align, per_sample


def _signed(y_true: Any) -> Any:
    """Labels 0 and 1 as -1 and 1; other labels as they are."""
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, 2 * y_true - 1, y_true)


@per_sample
def hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(max(1 - y_true * y_pred, 0))`` over the last axis, for labels -1 and 1 (or 0 and 1).

    Example:
        >>> from cornu.losses import hinge
        >>> hinge([[-1.0, 1.0]], [[-2.0, 0.5]]).tolist()
        [0.25]
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(ops.maximum(1 - _signed(y_true) * y_pred, 0), axis=-1)


@per_sample
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """``mean(square(max(1 - y_true * y_pred, 0)))`` over the last axis, for labels -1 and 1 (or 0 and 1).

    Example:
        >>> from cornu.losses import squared_hinge
        >>> squared_hinge([[-1.0, 1.0]], [[-2.0, 0.5]]).tolist()
        [0.125]
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(ops.square(ops.maximum(1 - _signed(y_true) * y_pred, 0)), axis=-1)


@per_sample
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """``max(1 + best wrong score - right score, 0)``, for one-hot labels.

    Example:
        >>> from cornu.losses import categorical_hinge
        >>> categorical_hinge([[0.0, 1.0]], [[2.0, 2.5]]).tolist()
        [0.5]
    """
    y_true, y_pred = align(y_true, y_pred)
    right = ops.sum(y_true * y_pred, axis=-1)
    wrong = ops.max((1 - y_true) * y_pred, axis=-1)
    return ops.maximum(wrong - right + 1, 0)


class Hinge(LossFunctionWrapper):
    """A margin of 1 for labels -1 and 1, see :func:`hinge`. Args: see :class:`Loss`.

    Example:
        >>> from cornu.losses import Hinge
        >>> float(Hinge()([[-1.0, 1.0]], [[-2.0, 0.5]]))
        0.25
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "hinge", dtype: Any = None):
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(LossFunctionWrapper):
    """A squared margin of 1 for labels -1 and 1, see :func:`squared_hinge`. Args: see :class:`Loss`.

    Example:
        >>> from cornu.losses import SquaredHinge
        >>> float(SquaredHinge()([[-1.0, 1.0]], [[-2.0, 0.5]]))
        0.125
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "squared_hinge", dtype: Any = None):
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(LossFunctionWrapper):
    """A margin of 1 between classes, see :func:`categorical_hinge`. Args: see :class:`Loss`.

    Example:
        >>> from cornu.losses import CategoricalHinge
        >>> float(CategoricalHinge()([[0.0, 1.0]], [[2.0, 2.5]]))
        0.5
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "categorical_hinge", dtype: Any = None):
        super().__init__(categorical_hinge, reduction, name, dtype)
