"""Losses that compare probability distributions: KL divergence and Poisson."""

from typing import Any

from cornu import config, ops, registry
from cornu.losses.alignment import align
from cornu.losses.loss import LossFunctionWrapper, per_sample
from cornu.typing import ArrayLike, DType

__all__ = ["KLDivergence", "Poisson", "kl_divergence", "poisson"]


@registry.register("losses", aliases=("KLD", "kld", "kullback_leibler_divergence"))
@per_sample
def kl_divergence(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the Kullback-Leibler divergence of ``y_pred`` from ``y_true`` over the last axis.

    ``loss = sum(y_true * log(y_true / y_pred), axis=-1)``, with both clipped to ``[config.epsilon(), 1]``.

    Args:
        y_true: Array-like of probabilities, of shape ``(batch, ..., n)``.
        y_pred: Array-like of probabilities of the same shape.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    References:
        Kullback and Leibler, 1951, "On Information and Sufficiency", https://doi.org/10.1214/aoms/1177729694

    Example:
        >>> from cornu.losses import kl_divergence
        >>> kl_divergence([[0.5, 0.5]], [[0.5, 0.5]]).tolist()
        [0.0]
    """
    y_true, y_pred = (ops.clip(y, config.epsilon(), 1) for y in align(y_true, y_pred))
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


@registry.register("losses")
@per_sample
def poisson(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the Poisson loss for counts, averaged over the last axis.

    ``loss = mean(y_pred - y_true * log(y_pred + epsilon), axis=-1)``, where ``epsilon = config.epsilon()``: the negative
    log-likelihood of a Poisson distribution without its constant term.

    Args:
        y_true: Array-like of counts, of shape ``(batch, ..., n)``.
        y_pred: Array-like of predicted rates of the same shape.

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    Example:
        >>> from cornu.losses import poisson
        >>> round(float(poisson([[2.0]], [[1.0]])[0]), 4)
        1.0
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


@registry.register("losses")
class KLDivergence(LossFunctionWrapper):
    """Kullback-Leibler divergence ``sum(y_true * log(y_true / y_pred), axis=-1)``, see :func:`kl_divergence`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import KLDivergence
        >>> float(KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
        0.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "kl_divergence", dtype: DType = None):
        super().__init__(kl_divergence, reduction=reduction, name=name, dtype=dtype)


@registry.register("losses")
class Poisson(LossFunctionWrapper):
    """Poisson loss ``mean(y_pred - y_true * log(y_pred), axis=-1)`` for counts, see :func:`poisson`.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import Poisson
        >>> round(float(Poisson()([[2.0]], [[1.0]])), 4)
        1.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "poisson", dtype: DType = None):
        super().__init__(poisson, reduction=reduction, name=name, dtype=dtype)
