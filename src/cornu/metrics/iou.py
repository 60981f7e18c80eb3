"""Intersection over union: how well predicted regions cover the right ones."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.losses.loss import beside, broadcast_weight, together
from cornu.metrics.metric import Metric


class IoU(Metric):
    """``true positives / (true positives + false positives + false negatives)`` of some classes, and the mean of these.

    Classes that occur neither in labels nor in predictions are left out of the mean. Counts are kept as floats, so that
    weights may be fractions; a whole-number ``dtype``, as Keras writes it, means the same.

    Args:
        num_classes: How many classes there are.
        target_class_ids: The class numbers to look at.
        name: Its name.
        dtype: See :class:`Metric`.
        ignore_class: A class number whose samples are not counted, such as 255 for "unknown".
        sparse_y_true: Whether labels are class numbers; False for one-hot labels.
        sparse_y_pred: Whether predictions are class numbers; False for a number for each class.
        axis: The axis of the classes where they are not class numbers.

    Raises:
        InvalidArgumentError: A class number is too large.
        ShapeError: Labels and predictions do not have the same number of classes' numbers.

    Example:
        >>> from cornu.metrics import IoU
        >>> round(float(IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    counts_zero_weight_as_absent = True

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(None if "int" in str(dtype) else dtype, name)
        if max(target_class_ids) >= num_classes:
            raise InvalidArgumentError(
                f"`target_class_ids={list(target_class_ids)}` was given with `num_classes={num_classes}`.",
                f"Class numbers go from 0 to {num_classes - 1}.",
                "Choose smaller class numbers, or a larger `num_classes`.",
            )
        self.num_classes, self.target_class_ids, self.ignore_class = num_classes, list(target_class_ids), ignore_class
        self.sparse_y_true, self.sparse_y_pred, self.axis = sparse_y_true, sparse_y_pred, axis
        self.total_cm = self.add_variable((num_classes, num_classes), "zeros", name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch.

        Args:
            y_true: Class numbers, or one-hot labels.
            y_pred: Class numbers, or a number for each class.
            sample_weight: Weights of samples, ``(batch,)``, or of each class number.
        """
        y_true, y_pred = together(y_true, y_pred)
        true = ops.cast(y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis), "int32")
        pred = ops.cast(y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis), "int32")
        if np.prod(true.shape) != np.prod(pred.shape):
            raise ShapeError(
                f"`y_true` holds class numbers of shape {tuple(true.shape)} and `y_pred` of shape {tuple(pred.shape)}.",
                "There must be as many of one as of the other.",
                "Say with `sparse_y_true` and `sparse_y_pred` which of them are class numbers already.",
            )
        weight = ops.ones_like(true, dtype="float32")
        if sample_weight is not None:
            weight = broadcast_weight("sample_weight", ops.cast(beside(sample_weight, true), self.dtype), true)
        true, pred, weight = (ops.reshape(x, (-1,)) for x in (true, pred, weight))
        known = ops.logical_and(self._is_class(true), self._is_class(pred))
        if self.ignore_class is not None:
            known = ops.logical_and(known, ops.not_equal(true, self.ignore_class))
        cell = ops.where(known, ops.add(true * self.num_classes, pred), 0)
        counts = ops.scatter(ops.expand_dims(cell, -1), ops.where(known, weight, 0), (self.num_classes**2,))
        self.total_cm.assign_add(ops.reshape(counts, (self.num_classes, self.num_classes)))

    def _is_class(self, numbers: Any) -> Any:
        return ops.logical_and(ops.greater_equal(numbers, 0), ops.less(numbers, self.num_classes))

    def result(self) -> Any:
        """The mean over the target classes."""
        right = ops.diagonal(self.total_cm)
        union = ops.sum(self.total_cm, axis=0) + ops.sum(self.total_cm, axis=1) - right
        targets = np.asarray(self.target_class_ids, dtype="int32")
        right, union = ops.take(right, targets, axis=0), ops.take(union, targets, axis=0)
        occurs = ops.cast(ops.greater(union, 0), self.dtype)
        return ops.divide_no_nan(ops.sum(ops.divide_no_nan(right, union)), ops.sum(occurs))


class BinaryIoU(IoU):
    """Intersection over union for yes-or-no predictions.

    Args:
        target_class_ids: The classes to look at: 0 (no), 1 (yes) or both.
        threshold: Predictions at least this large mean yes.
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import BinaryIoU
        >>> round(float(BinaryIoU()([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.5833
    """

    counts_zero_weight_as_absent = True

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch.

        Args:
            y_true: 0 or 1.
            y_pred: Probabilities of 1.
            sample_weight: Weights of samples, ``(batch,)``, or of values.
        """
        super().update_state(y_true, ops.greater_equal(ops.cast(y_pred, self.dtype), self.threshold), sample_weight)


class MeanIoU(IoU):
    """The mean of the intersection over union of all classes.

    Args:
        num_classes: How many classes there are.
        name: Its name.
        dtype: See :class:`Metric`.
        ignore_class: A class number whose samples are not counted.
        sparse_y_true: Whether labels are class numbers; False for one-hot labels.
        sparse_y_pred: Whether predictions are class numbers; False for a number for each class.
        axis: The axis of the classes where they are not class numbers.

    Example:
        >>> from cornu.metrics import MeanIoU
        >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ):
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


class OneHotIoU(IoU):
    """Intersection over union for one-hot labels.

    Args:
        num_classes: How many classes there are.
        target_class_ids: The class numbers to look at.
        name: Its name.
        dtype: See :class:`Metric`.
        ignore_class: A class number whose samples are not counted.
        sparse_y_pred: Whether predictions are class numbers; False for a number for each class.
        axis: The axis of the classes.

    Example:
        >>> from cornu.metrics import OneHotIoU
        >>> float(OneHotIoU(2, [1])([[0, 1], [1, 0]], [[0.2, 0.8], [0.9, 0.1]]))
        1.0
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


class OneHotMeanIoU(MeanIoU):
    """The mean of the intersection over union of all classes, for one-hot labels.

    Args:
        num_classes: How many classes there are.
        name: Its name.
        dtype: See :class:`Metric`.
        ignore_class: A class number whose samples are not counted.
        sparse_y_pred: Whether predictions are class numbers; False for a number for each class.
        axis: The axis of the classes.

    Example:
        >>> from cornu.metrics import OneHotMeanIoU
        >>> float(OneHotMeanIoU(2)([[0, 1], [1, 0]], [[0.2, 0.8], [0.9, 0.1]]))
        1.0
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
