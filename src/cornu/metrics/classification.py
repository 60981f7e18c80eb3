"""Accuracy metrics."""

from typing import Any

from cornu import config, ops, registry
from cornu.losses.alignment import align, to_common_backend
from cornu.losses.crossentropy import class_numbers
from cornu.losses.loss import per_sample
from cornu.metrics.reduction import MeanMetricWrapper
from cornu.typing import ArrayLike, DType

__all__ = [
    "Accuracy",
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "TopKCategoricalAccuracy",
    "accuracy",
    "binary_accuracy",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
    "sparse_top_k_categorical_accuracy",
    "top_k_categorical_accuracy",
]


@registry.register("metrics.functions")
@per_sample
def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Return 1 where two arrays are equal and 0 elsewhere, ``equal(y_true, y_pred)``.

    Args:
        y_true: Array-like of ground truth values.
        y_pred: Array-like of predictions of the same shape.

    Example:
        >>> from cornu.metrics import accuracy
        >>> accuracy([[1.0], [2.0]], [[1.0], [0.0]]).tolist()
        [[1.0], [0.0]]
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.cast(ops.equal(y_true, y_pred), config.floatx())


@registry.register("metrics.functions")
@per_sample
def binary_accuracy(y_true: ArrayLike, y_pred: ArrayLike, threshold: float = 0.5) -> Any:
    """Return 1 where ``y_true == (y_pred > threshold)`` and 0 elsewhere.

    Args:
        y_true: Array-like of labels 0 and 1.
        y_pred: Array-like of probabilities of class 1, of the same shape.
        threshold: Float; larger predictions are class 1. Defaults to 0.5.

    Example:
        >>> from cornu.metrics import binary_accuracy
        >>> binary_accuracy([[1.0], [0.0]], [[0.9], [0.6]]).tolist()
        [[1.0], [0.0]]
    """
    y_true, y_pred = align(y_true, y_pred)
    said = ops.cast(ops.greater(y_pred, threshold), ops.dtype(y_true))
    return ops.cast(ops.equal(y_true, said), config.floatx())


@registry.register("metrics.functions")
@per_sample
def categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Return 1 where ``argmax(y_true) == argmax(y_pred)`` and 0 elsewhere, for one-hot labels.

    Args:
        y_true: Array-like of one-hot labels, of shape ``(batch, ..., classes)``.
        y_pred: Array-like of scores of the same shape.

    Example:
        >>> from cornu.metrics import categorical_accuracy
        >>> categorical_accuracy([[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.4, 0.6]]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = to_common_backend(y_true, y_pred)
    return ops.cast(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)), config.floatx())


@registry.register("metrics.functions")
@per_sample
def sparse_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> Any:
    """Return 1 where ``y_true == argmax(y_pred)`` and 0 elsewhere, for integer class labels.

    Args:
        y_true: Array-like of integer class labels, of shape ``(batch, ...)`` or with a last axis of size 1.
        y_pred: Array-like of scores of shape ``(batch, ..., classes)``.

    Example:
        >>> from cornu.metrics import sparse_categorical_accuracy
        >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.4, 0.6]]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = to_common_backend(y_true, y_pred)
    return ops.cast(ops.equal(class_numbers(y_true, y_pred, -1), ops.argmax(y_pred, axis=-1)), config.floatx())


@registry.register("metrics.functions")
@per_sample
def top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5) -> Any:
    """Return 1 where the class of the one-hot label is among the ``k`` largest predictions and 0 elsewhere.

    Args:
        y_true: Array-like of one-hot labels, of shape ``(batch, ..., classes)``.
        y_pred: Array-like of scores of the same shape.
        k: Positive integer, the number of predictions to consider. Defaults to 5.

    Example:
        >>> from cornu.metrics import top_k_categorical_accuracy
        >>> top_k_categorical_accuracy([[0.0, 0.0, 1.0]], [[0.1, 0.6, 0.3]], k=2).tolist()
        [1.0]
    """
    y_true, y_pred = to_common_backend(y_true, y_pred)
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


@registry.register("metrics.functions")
@per_sample
def sparse_top_k_categorical_accuracy(y_true: ArrayLike, y_pred: ArrayLike, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """Return 1 where the integer class label is among the ``k`` largest predictions and 0 elsewhere.

    Args:
        y_true: Array-like of integer class labels, of shape ``(batch, ...)`` or with a last axis of size 1.
        y_pred: Array-like of scores of shape ``(batch, ..., classes)``.
        k: Positive integer, the number of predictions to consider. Defaults to 5.
        from_sorted_ids: Whether ``y_pred`` holds class indices sorted from best to worst. Defaults to False.

    Example:
        >>> from cornu.metrics import sparse_top_k_categorical_accuracy
        >>> sparse_top_k_categorical_accuracy([2], [[0.1, 0.6, 0.3]], k=2).tolist()
        [1.0]
    """
    y_true, y_pred = to_common_backend(y_true, y_pred)
    rows = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
    numbers = class_numbers(y_true, y_pred, -1)
    flat = ops.reshape(numbers, (-1,))
    if from_sorted_ids:
        found = ops.any(ops.equal(ops.expand_dims(flat, -1), rows[:, :k]), axis=1)
    else:
        found = ops.in_top_k(ops.cast(flat, "int32"), rows, k)
    return ops.cast(ops.reshape(found, ops.shape(numbers)), config.floatx())


@registry.register("metrics")
class Accuracy(MeanMetricWrapper):
    """Fraction of predictions that equal the labels, ``mean(equal(y_true, y_pred))``.

    In ``compile``, ``"accuracy"`` instead selects the accuracy that matches the model.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import Accuracy
        >>> float(Accuracy()([[1], [2], [3], [4]], [[0], [2], [3], [4]]))
        0.75
    """

    def __init__(self, name: str = "accuracy", dtype: DType = None):
        super().__init__(accuracy, name=name, dtype=dtype)


@registry.register("metrics")
class BinaryAccuracy(MeanMetricWrapper):
    """Fraction of correct binary predictions, ``mean(equal(y_true, y_pred > threshold))``.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        threshold: Float; larger predictions are class 1. Defaults to 0.5.

    Example:
        >>> from cornu.metrics import BinaryAccuracy
        >>> float(BinaryAccuracy()([[1.0], [0.0]], [[0.9], [0.6]]))
        0.5
    """

    def __init__(self, name: str = "binary_accuracy", dtype: DType = None, threshold: float = 0.5):
        super().__init__(binary_accuracy, name=name, dtype=dtype, threshold=threshold)


@registry.register("metrics")
class CategoricalAccuracy(MeanMetricWrapper):
    """Fraction of correct classes for one-hot labels, ``mean(equal(argmax(y_true), argmax(y_pred)))``.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import CategoricalAccuracy
        >>> float(CategoricalAccuracy()([[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.4, 0.6]]))
        0.5
    """

    def __init__(self, name: str = "categorical_accuracy", dtype: DType = None):
        super().__init__(categorical_accuracy, name=name, dtype=dtype)


@registry.register("metrics")
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """Fraction of correct classes for integer class labels, ``mean(equal(y_true, argmax(y_pred)))``.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import SparseCategoricalAccuracy
        >>> float(SparseCategoricalAccuracy()([1, 0], [[0.2, 0.8], [0.4, 0.6]]))
        0.5
    """

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: DType = None):
        super().__init__(sparse_categorical_accuracy, name=name, dtype=dtype)


@registry.register("metrics")
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """Fraction of samples whose class is among the ``k`` largest predictions, for one-hot labels.

    Args:
        k: Positive integer, the number of predictions to consider. Defaults to 5.
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import TopKCategoricalAccuracy
        >>> float(TopKCategoricalAccuracy(k=2)([[0.0, 0.0, 1.0]], [[0.1, 0.6, 0.3]]))
        1.0
    """

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: DType = None):
        super().__init__(top_k_categorical_accuracy, name=name, dtype=dtype, k=k)


@registry.register("metrics")
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """Fraction of samples whose class is among the ``k`` largest predictions, for integer class labels.

    Args:
        k: Positive integer, the number of predictions to consider. Defaults to 5.
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        from_sorted_ids: Whether predictions are class indices sorted from best to worst. Defaults to False.

    Example:
        >>> from cornu.metrics import SparseTopKCategoricalAccuracy
        >>> float(SparseTopKCategoricalAccuracy(k=2)([2], [[0.1, 0.6, 0.3]]))
        1.0
    """

    def __init__(
        self, k: int = 5, name: str = "sparse_top_k_categorical_accuracy", dtype: DType = None, from_sorted_ids: bool = False
    ):
        super().__init__(sparse_top_k_categorical_accuracy, name=name, dtype=dtype, k=k, from_sorted_ids=from_sorted_ids)
