"""The CTC loss, for labels of a sequence without their positions."""

from typing import Any

import numpy as np

from cornu import ops, registry
from cornu.core import masks
from cornu.losses.alignment import as_float, convert_like, to_common_backend
from cornu.losses.loss import LossFunctionWrapper, per_sample
from cornu.ops.shape_checks import shapes_error
from cornu.typing import Array, ArrayLike, DType

__all__ = ["CTC", "ctc"]

_BLANK = 0
_SURE = 1e4
"""Logit next to which all others have a probability of 0, in half precision too."""


@registry.register("losses")
@per_sample
def ctc(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Compute the CTC loss, the negative logarithm of the probability of the labels (see :func:`cornu.ops.ctc_loss`).

    The number of labels is that of the values other than 0. All steps are predictions; the class :class:`CTC` and ``fit`` leave
    out those that the mask of the predictions excludes.

    Args:
        y_true: Array-like of integer labels starting at 1, of shape ``(batch, labels)``, padded with 0, the class of the blank.
        y_pred: Array-like of logits, of shape ``(batch, steps, classes)``.

    Returns:
        Array of shape ``(batch,)``, one value per sample.

    Raises:
        ShapeError: If the labels do not have two axes, or the logits not three.

    References:
        Graves et al., 2006, "Connectionist Temporal Classification", https://www.cs.toronto.edu/~graves/icml_2006.pdf

    Example:
        >>> from cornu.losses import ctc
        >>> [round(value, 4) for value in ctc([[1]], [[[0.0, 0.0], [0.0, 0.0]]]).tolist()]
        [0.2877]
    """
    y_true, y_pred = to_common_backend(y_true, y_pred)
    y_pred = as_float(y_pred)
    if len(y_true.shape) != 2 or len(y_pred.shape) != 3:
        expected = "The labels must have the shape (batch, labels), and the logits (batch, steps, classes)."
        hint = "Pad the labels with 0, and do not encode them one-hot."
        raise shapes_error("ctc", {"y_true": y_true.shape, "y_pred": y_pred.shape}, expected, hint)
    labels = ops.sum(ops.cast(ops.not_equal(y_true, _BLANK), "int32"), axis=-1)
    steps = ops.full_like(labels, ops.shape(y_pred)[1])
    return ops.ctc_loss(y_true, y_pred, labels, steps, mask_index=_BLANK)


def _sure_of_blank(y_pred: Array) -> Array:
    """Return logits that are those of a certain blank, which changes nothing, in the steps that the mask excludes."""
    mask = masks.mask_of(y_pred)
    if mask is None:
        return y_pred
    sure = convert_like(np.eye(y_pred.shape[-1], dtype="float32")[_BLANK] * _SURE, y_pred)
    return ops.where(ops.expand_dims(mask, -1), y_pred, ops.cast(sure, ops.dtype(y_pred)))


ctc.cornu_take_in_mask = _sure_of_blank  # type: ignore[attr-defined]


@registry.register("losses")
class CTC(LossFunctionWrapper):
    """CTC loss for integer labels and logits of steps, see :func:`ctc`.

    Steps that the mask of the predictions excludes, such as those after the end of a sequence, are left out.

    Args:
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import CTC
        >>> round(float(CTC()([[1]], [[[0.0, 0.0], [0.0, 0.0]]])), 4)
        0.2877
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "ctc", dtype: DType = None):
        super().__init__(ctc, reduction=reduction, name=name, dtype=dtype)
