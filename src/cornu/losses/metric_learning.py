"""Losses for embeddings, which are compared with one another."""

from typing import Any

from cornu import ops, registry
from cornu.losses.alignment import as_float, convert_like, to_common_backend
from cornu.losses.loss import LossFunctionWrapper
from cornu.ops.shape_checks import shape_error
from cornu.typing import Array, ArrayLike, DType

__all__ = ["Circle", "circle"]

_FAR = 1e7
"""What is subtracted from the similarities that do not count, whose exponentials are then 0."""


@registry.register("losses")
def circle(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    ref_labels: ArrayLike | None = None,
    ref_embeddings: ArrayLike | None = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Any:
    """Compute the circle loss of embeddings: those of a class should be similar, those of other classes should not.

    With the cosine similarities ``s``, at most 1, of an embedding to references of its class (``p``) and of others (``n``)::

        loss = softplus(logsumexp(-gamma * relu(1 + margin - s_p) * (s_p - (1 - margin)))
                        + logsumexp(gamma * relu(s_n + margin) * (s_n - margin)))

    Args:
        y_true: Array-like of integer class labels, of shape ``(batch,)`` or ``(batch, 1)``.
        y_pred: Array-like of embeddings of length 1, of shape ``(batch, size)``.
        ref_labels: Array-like of the class labels of the references, of shape ``(references,)``. Defaults to ``y_true``.
        ref_embeddings: Array-like of the embeddings of the references. Defaults to ``y_pred``.
        remove_diagonal: Whether an embedding is not compared with itself. Defaults to True.
        gamma: Float, scale of the similarities. Defaults to 80.
        margin: Float, how far similarities may be from 1 and from 0 before they count little. Defaults to 0.4.

    Returns:
        Array of shape ``(batch,)``, one value per sample.

    Raises:
        ShapeError: If the embeddings are not vectors.

    References:
        Sun et al., 2020, "Circle Loss: A Unified Perspective of Pair Similarity Optimization",
        https://arxiv.org/abs/2002.10857

    Example:
        >>> from cornu.losses import circle
        >>> [round(value, 2) for value in circle([0, 0, 1], [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]).tolist()]
        [0.0, 38.4, 0.0]
    """
    y_true, y_pred = to_common_backend(y_true, y_pred)
    y_pred = as_float(y_pred)
    if len(y_pred.shape) != 2:
        expected = "It requires one embedding per sample, of shape `(batch, size)`."
        raise shape_error(
            "circle", y_pred.shape, expected, "End the model with `Dense` and `UnitNormalization` layers.", "y_pred"
        )
    references = y_pred if ref_embeddings is None else as_float(convert_like(ref_embeddings, y_pred))
    if 0 in (y_pred.shape[0], references.shape[0]):
        return ops.zeros_like(y_pred[:, 0])
    labels = ops.reshape(y_true, (-1, 1))
    others = ops.reshape(y_true if ref_labels is None else convert_like(ref_labels, y_pred), (1, -1))
    similarity = ops.minimum(ops.matmul(y_pred, ops.transpose(references)), 1)
    is_same = ops.equal(labels, others)
    is_positive = is_same
    if remove_diagonal:
        rows, columns = (ops.cumsum(ops.ones_like(each, dtype="int32"), axis) for axis, each in enumerate((labels, others)))
        itself = ops.equal(rows, columns)
        is_positive = ops.logical_and(is_same, ops.logical_not(itself))
    same = _logsumexp_where(is_positive, -gamma * ops.relu(1 + margin - similarity) * (similarity - (1 - margin)))
    different = _logsumexp_where(ops.logical_not(is_same), gamma * ops.relu(similarity + margin) * (similarity - margin))
    return ops.softplus(same + different)


def _logsumexp_where(counts: Array, values: Array) -> Any:
    """Return ``log(sum(exp(values)))`` of the values that count, for each row."""
    return ops.logsumexp(ops.where(counts, values, values - _FAR), axis=1)


@registry.register("losses")
class Circle(LossFunctionWrapper):
    """Circle loss of embeddings of length 1 and integer class labels, see :func:`circle`.

    A mean is that of the samples whose loss is not 0, as samples without another one of their class have no loss.

    Args:
        gamma: Float, scale of the similarities. Defaults to 80.
        margin: Float, how far similarities may be from 1 and from 0 before they count little. Defaults to 0.4.
        remove_diagonal: Whether an embedding is not compared with itself. Defaults to True.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import Circle
        >>> round(float(Circle()([0, 0, 1], [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])), 2)
        19.2
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str = "circle",
        dtype: DType = None,
    ):
        arguments = {"gamma": gamma, "margin": margin, "remove_diagonal": remove_diagonal}
        super().__init__(circle, reduction=reduction, name=name, dtype=dtype, **arguments)

    def valid_mask(self, y_true: Array, y_pred: Array) -> Any:
        """Return the mask of the samples whose loss is not 0; NaN is not."""
        return ops.not_equal(self.call(y_true, y_pred), 0)
