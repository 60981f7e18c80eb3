"""Losses that measure how well two regions overlap, for segmentation.

They look at sums over whole pictures, and by default over the whole batch: so batches cannot be filled up with padding.
"""

from collections.abc import Sequence
from typing import Any

from cornu import config, ops
from cornu.losses.loss import LossFunctionWrapper, align

Axis = int | Sequence[int] | None


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None) -> Any:
    """``1 - both / (both + alpha * missed + beta * invented)``, where ``both`` is what labels and predictions share.

    Source: Salehi et al., 2017, https://arxiv.org/abs/1706.05721

    Args:
        y_true: 0 or 1 for each pixel.
        y_pred: Probabilities of 1, same shape.
        alpha: What counts for pixels that are 1 and were not predicted.
        beta: What counts for pixels that were predicted and are not 1.
        axis: The axes to add up over; None for all. With ``(1, 2, 3)`` there is a value for each picture.

    Example:
        >>> from cornu.losses import tversky
        >>> round(float(tversky([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], alpha=1.0)), 4)
        0.5
    """
    y_true, y_pred = align(y_true, y_pred)
    axis = tuple(axis) if isinstance(axis, list) else axis
    both = ops.sum(y_true * y_pred, axis=axis)
    missed, invented = ops.sum(y_true * (1 - y_pred), axis=axis), ops.sum((1 - y_true) * y_pred, axis=axis)
    return 1 - both / (both + alpha * missed + beta * invented + config.epsilon())


def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Any:
    """``1 - 2 * both / (labels + predictions)``, where ``both`` is what labels and predictions share.

    Source: Milletari et al., 2016, https://arxiv.org/abs/1606.04797

    Args:
        y_true: 0 or 1 for each pixel.
        y_pred: Probabilities of 1, same shape.
        axis: The axes to add up over; None for all. With ``(1, 2, 3)`` there is a value for each picture.

    Example:
        >>> from cornu.losses import dice
        >>> round(float(dice([[1.0, 1.0, 0.0]], [[1.0, 0.0, 1.0]])), 4)
        0.5
    """
    y_true, y_pred = align(y_true, y_pred)
    axis = tuple(axis) if isinstance(axis, list) else axis
    both = 2 * ops.sum(y_true * y_pred, axis=axis)
    return 1 - both / (ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis) + config.epsilon())


class Tversky(LossFunctionWrapper):
    """How badly two regions overlap, with weights for the two kinds of mistakes, see :func:`tversky`.

    Args:
        alpha: What counts for pixels that are 1 and were not predicted.
        beta: What counts for pixels that were predicted and are not 1.
        reduction: See :class:`Loss`.
        name: Its name.
        axis: The axes to add up over; None for all.
        dtype: See :class:`Loss`.

    Example:
        >>> from cornu.losses import Tversky
        >>> round(float(Tversky(alpha=1.0)([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])), 4)
        0.5
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        axis: Axis = None,
        dtype: Any = None,
    ):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)


class Dice(LossFunctionWrapper):
    """How badly two regions overlap, see :func:`dice`.

    Args:
        reduction: See :class:`Loss`.
        name: Its name.
        axis: The axes to add up over; None for all.
        dtype: See :class:`Loss`.

    Example:
        >>> from cornu.losses import Dice
        >>> round(float(Dice()([[1.0, 1.0, 0.0]], [[1.0, 0.0, 1.0]])), 4)
        0.5
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "dice",
        axis: Axis = None,
        dtype: Any = None,
    ):
        super().__init__(dice, reduction, name, dtype, axis=axis)
