"""Losses that measure the overlap of two regions, for segmentation.

They sum over whole images and, by default, over the whole batch, so batches cannot be padded.
"""

from typing import Any

from cornu import config, ops, registry
from cornu.losses.alignment import align
from cornu.losses.loss import LossFunctionWrapper
from cornu.typing import ArrayLike, Axis, DType

__all__ = ["Dice", "Tversky", "dice", "tversky"]


@registry.register("losses")
def tversky(y_true: ArrayLike, y_pred: ArrayLike, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None) -> Any:
    """Compute the Tversky loss.

    ``loss = 1 - tp / (tp + alpha * fn + beta * fp + epsilon)``, where ``tp = sum(y_true * y_pred)``,
    ``fn = sum(y_true * (1 - y_pred))``, ``fp = sum((1 - y_true) * y_pred)`` and ``epsilon = config.epsilon()``.

    Args:
        y_true: Array-like of labels 0 or 1 for each pixel.
        y_pred: Array-like of probabilities of class 1, of the same shape.
        alpha: Weight of false negatives. Defaults to 0.5.
        beta: Weight of false positives. Defaults to 0.5.
        axis: Integer or tuple of integers, the axis or axes along which to sum; with ``(1, 2, 3)`` there is one value per
            image. Defaults to None (all axes).

    Returns:
        Array without the summed axes.

    References:
        Salehi et al., 2017, "Tversky Loss Function for Image Segmentation Using 3D Fully Convolutional Deep Networks",
        https://arxiv.org/abs/1706.05721

    Example:
        >>> from cornu.losses import tversky
        >>> round(float(tversky([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], alpha=1.0)), 4)
        0.5
    """
    y_true, y_pred = align(y_true, y_pred)
    both = ops.sum(y_true * y_pred, axis=axis)
    missed, invented = ops.sum(y_true * (1 - y_pred), axis=axis), ops.sum((1 - y_true) * y_pred, axis=axis)
    return 1 - both / (both + alpha * missed + beta * invented + config.epsilon())


@registry.register("losses")
def dice(y_true: ArrayLike, y_pred: ArrayLike, axis: Axis = None) -> Any:
    """Compute the Dice loss.

    ``loss = 1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred) + epsilon)``, where ``epsilon = config.epsilon()``.

    Args:
        y_true: Array-like of labels 0 or 1 for each pixel.
        y_pred: Array-like of probabilities of class 1, of the same shape.
        axis: Integer or tuple of integers, the axis or axes along which to sum; with ``(1, 2, 3)`` there is one value per
            image. Defaults to None (all axes).

    Returns:
        Array without the summed axes.

    References:
        Milletari et al., 2016, "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation",
        https://arxiv.org/abs/1606.04797

    Example:
        >>> from cornu.losses import dice
        >>> round(float(dice([[1.0, 1.0, 0.0]], [[1.0, 0.0, 1.0]])), 4)
        0.5
    """
    y_true, y_pred = align(y_true, y_pred)
    both = 2 * ops.sum(y_true * y_pred, axis=axis)
    return 1 - both / (ops.sum(y_true, axis=axis) + ops.sum(y_pred, axis=axis) + config.epsilon())


@registry.register("losses")
class Tversky(LossFunctionWrapper):
    """Tversky loss ``1 - tp / (tp + alpha * fn + beta * fp)``, see :func:`tversky`.

    Args:
        alpha: Weight of false negatives. Defaults to 0.5.
        beta: Weight of false positives. Defaults to 0.5.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        axis: Integer or tuple of integers, the axis or axes along which to sum. Defaults to None (all axes).
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

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
        dtype: DType = None,
    ):
        super().__init__(tversky, reduction=reduction, name=name, dtype=dtype, alpha=alpha, beta=beta, axis=axis)


@registry.register("losses")
class Dice(LossFunctionWrapper):
    """Dice loss ``1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))``, see :func:`dice`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        axis: Integer or tuple of integers, the axis or axes along which to sum. Defaults to None (all axes).
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import Dice
        >>> round(float(Dice()([[1.0, 1.0, 0.0]], [[1.0, 0.0, 1.0]])), 4)
        0.5
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "dice", axis: Axis = None, dtype: DType = None
    ):
        super().__init__(dice, reduction=reduction, name=name, dtype=dtype, axis=axis)
