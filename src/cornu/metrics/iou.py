"""Intersection over union (Jaccard index), for segmentation."""

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

import numpy as np

from cornu import config, ops, registry
from cornu.dtypes import is_float, is_integer, sum_dtype
from cornu.errors import ShapeError, warn
from cornu.losses.alignment import broadcast_weight, convert_like, to_common_backend
from cornu.metrics.metric import Metric
from cornu.metrics.sum_variable import bucket_sums
from cornu.serialization import with_signature
from cornu.typing import ArrayLike, DType
from cornu.validation import invalid_together

__all__ = ["BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU"]


class _IoUArguments(TypedDict, total=False):
    """The arguments of :class:`IoU` that the constructors of its subclasses accept as ``**kwargs``."""

    name: str | None
    dtype: DType
    ignore_class: int | None
    axis: int


@registry.register("metrics", aliases=("iou",))
class IoU(Metric):
    """Mean intersection over union (IoU) of some classes.

    ``IoU = true_positives / (true_positives + false_positives + false_negatives)`` for each class.

    Classes that occur neither in the labels nor in the predictions are excluded from the mean. Counts are integers, which are
    exact for any number of pixels; for sample weights that are fractions, pass ``dtype="float32"``.

    Args:
        num_classes: Positive integer, the number of classes.
        target_class_ids: Sequence of integers, the classes to evaluate.
        name: Name of the metric.
        dtype: Dtype of the counts. Defaults to ``"int32"``.
        ignore_class: Integer class label whose samples are excluded, such as 255 for "unknown". Defaults to None.
        sparse_y_true: Whether labels are integer class labels; False for one-hot labels. Defaults to True.
        sparse_y_pred: Whether predictions are integer class labels; False for one score per class. Defaults to True.
        axis: Integer, the axis of the classes in one-hot labels and in scores. Defaults to -1.

    Raises:
        InvalidArgumentError: A class index is not smaller than ``num_classes``.
        ShapeError: Labels and predictions have different numbers of elements.

    References:
        Jaccard, 1912, "The Distribution of the Flora in the Alpine Zone"; https://en.wikipedia.org/wiki/Jaccard_index

    Example:
        >>> from cornu.metrics import IoU
        >>> round(float(IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    ignores_zero_weight = True

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DType = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(dtype=dtype or "int32", name=name)
        if max(target_class_ids) >= num_classes:
            given = {"target_class_ids": list(target_class_ids), "num_classes": num_classes}
            hint = "Pass smaller class indices, or a larger `num_classes`."
            raise invalid_together(self, given, f"Class indices must be from 0 to {num_classes - 1}.", hint)
        self.num_classes, self.target_class_ids, self.ignore_class = num_classes, list(target_class_ids), ignore_class
        self.sparse_y_true, self.sparse_y_pred, self.axis = sparse_y_true, sparse_y_pred, axis
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", dtype=sum_dtype(self.dtype), name="total_confusion_matrix"
        )

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Accumulate a batch.

        Args:
            y_true: Array-like of integer class labels, or one-hot labels.
            y_pred: Array-like of integer class labels, or one score per class.
            sample_weight: Array-like of shape ``(batch,)``, or broadcastable to the class labels; cast to the dtype of the
                counts. Defaults to None.
        """
        y_true, y_pred = to_common_backend(y_true, y_pred)
        true = ops.cast(y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis), "int32")
        pred = ops.cast(y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis), "int32")
        if np.prod(true.shape) != np.prod(pred.shape):
            raise ShapeError(
                f"The class labels of `y_true` have shape {tuple(true.shape)}, those of `y_pred` {tuple(pred.shape)}.",
                "Both must have the same number of elements.",
                "Set `sparse_y_true` and `sparse_y_pred` to whether each of them holds integer class labels.",
            )
        dtype = sum_dtype(self.dtype)
        weight = ops.ones_like(true, dtype=dtype)
        if sample_weight is not None:
            sample_weight = convert_like(sample_weight, true)
            if is_integer(self.dtype) and is_float(ops.dtype(sample_weight)):
                self._warn_of_fractions()
            weight = broadcast_weight("sample_weight", ops.cast(sample_weight, dtype), true)
        true, pred, weight = (ops.reshape(x, (-1,)) for x in (true, pred, weight))
        known = ops.logical_and(self._is_class(true), self._is_class(pred))
        if self.ignore_class is not None:
            known = ops.logical_and(known, ops.not_equal(true, self.ignore_class))
        cell = ops.where(known, ops.add(true * self.num_classes, pred), 0)
        counts = bucket_sums(cell, ops.where(known, weight, 0), self.num_classes**2)
        self.total_cm.assign_add(ops.reshape(counts, (self.num_classes, self.num_classes)))

    def _warn_of_fractions(self) -> None:
        warn(
            f"The metric {self.name!r} received `sample_weight` of a floating-point dtype, but counts in {self.dtype}: weights "
            "that are fractions are truncated. Pass integer weights, or create the metric with `dtype='float32'`."
        )

    def _is_class(self, numbers: ArrayLike) -> Any:
        return ops.logical_and(ops.greater_equal(numbers, 0), ops.less(numbers, self.num_classes))

    def result(self) -> Any:
        """Return the mean IoU of the target classes."""
        counts = self.total_cm.value
        right = ops.diagonal(counts)
        union = ops.sum(counts, axis=0) + ops.sum(counts, axis=1) - right
        targets = np.asarray(self.target_class_ids, dtype="int32")
        right, union = (ops.cast(ops.take(x, targets, axis=0), config.floatx()) for x in (right, union))
        occurs = ops.cast(ops.greater(union, 0), config.floatx())
        return ops.divide_no_nan(ops.sum(ops.divide_no_nan(right, union)), ops.sum(occurs))


@registry.register("metrics")
class BinaryIoU(IoU):
    """Mean intersection over union for binary predictions, see :class:`IoU`.

    Args:
        target_class_ids: Sequence of the classes to evaluate: 0, 1 or both. Defaults to (0, 1).
        threshold: Float; predictions greater than or equal to it are class 1. Defaults to 0.5.
        name: Name of the metric.
        dtype: Dtype of the counts. Defaults to ``"int32"``.

    Example:
        >>> from cornu.metrics import BinaryIoU
        >>> round(float(BinaryIoU()([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.5833
    """

    ignores_zero_weight = True

    def __init__(
        self, target_class_ids: Sequence[int] = (0, 1), threshold: float = 0.5, name: str | None = None, dtype: DType = None
    ):
        super().__init__(num_classes=2, target_class_ids=target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Accumulate a batch.

        Args:
            y_true: Array-like of labels 0 and 1.
            y_pred: Array-like of probabilities of class 1.
            sample_weight: Array-like of shape ``(batch,)``, or broadcastable to the values, that weights each sample.
                Defaults to None.
        """
        super().update_state(y_true, ops.greater_equal(ops.cast(y_pred, config.floatx()), self.threshold), sample_weight)


@registry.register("metrics", aliases=("mean_iou",))
class MeanIoU(IoU):
    """Mean intersection over union of all classes, see :class:`IoU`.

    Args:
        num_classes: Positive integer, the number of classes.
        name: Name of the metric.
        dtype: Dtype of the counts. Defaults to ``"int32"``.
        ignore_class: Integer class label whose samples are excluded, such as 255 for "unknown". Defaults to None.
        sparse_y_true: Whether labels are integer class labels; False for one-hot labels. Defaults to True.
        sparse_y_pred: Whether predictions are integer class labels; False for one score per class. Defaults to True.
        axis: Integer, the axis of the classes in one-hot labels and in scores. Defaults to -1.

    Example:
        >>> from cornu.metrics import MeanIoU
        >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    @with_signature("num_classes name dtype ignore_class sparse_y_true sparse_y_pred axis", IoU, more=False)
    def __init__(
        self, num_classes: int, sparse_y_true: bool = True, sparse_y_pred: bool = True, **kwargs: Unpack[_IoUArguments]
    ):
        super().__init__(
            num_classes, target_class_ids=range(num_classes), sparse_y_true=sparse_y_true, sparse_y_pred=sparse_y_pred, **kwargs
        )


@registry.register("metrics")
class OneHotIoU(IoU):
    """Mean intersection over union of some classes for one-hot labels, see :class:`IoU`.

    Args:
        num_classes: Positive integer, the number of classes.
        target_class_ids: Sequence of integers, the classes to evaluate.
        name: Name of the metric.
        dtype: Dtype of the counts. Defaults to ``"int32"``.
        ignore_class: Integer class label whose samples are excluded, such as 255 for "unknown". Defaults to None.
        sparse_y_pred: Whether predictions are integer class labels; False (default) for one score per class.
        axis: Integer, the axis of the classes in one-hot labels and in scores. Defaults to -1.

    Example:
        >>> from cornu.metrics import OneHotIoU
        >>> float(OneHotIoU(2, [1])([[0, 1], [1, 0]], [[0.2, 0.8], [0.9, 0.1]]))
        1.0
    """

    @with_signature("num_classes target_class_ids name dtype ignore_class sparse_y_pred axis", IoU, more=False)
    def __init__(
        self, num_classes: int, target_class_ids: Sequence[int], sparse_y_pred: bool = False, **kwargs: Unpack[_IoUArguments]
    ):
        super().__init__(
            num_classes, target_class_ids=target_class_ids, sparse_y_true=False, sparse_y_pred=sparse_y_pred, **kwargs
        )


@registry.register("metrics")
class OneHotMeanIoU(MeanIoU):
    """Mean intersection over union of all classes for one-hot labels, see :class:`IoU`.

    Args:
        num_classes: Positive integer, the number of classes.
        name: Name of the metric.
        dtype: Dtype of the counts. Defaults to ``"int32"``.
        ignore_class: Integer class label whose samples are excluded, such as 255 for "unknown". Defaults to None.
        sparse_y_pred: Whether predictions are integer class labels; False (default) for one score per class.
        axis: Integer, the axis of the classes in one-hot labels and in scores. Defaults to -1.

    Example:
        >>> from cornu.metrics import OneHotMeanIoU
        >>> float(OneHotMeanIoU(2)([[0, 1], [1, 0]], [[0.2, 0.8], [0.9, 0.1]]))
        1.0
    """

    @with_signature("num_classes name dtype ignore_class sparse_y_pred axis", IoU, more=False)
    def __init__(self, num_classes: int, sparse_y_pred: bool = False, **kwargs: Unpack[_IoUArguments]):
        super().__init__(num_classes, sparse_y_true=False, sparse_y_pred=sparse_y_pred, **kwargs)
