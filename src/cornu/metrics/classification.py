"""How often predictions are right."""

from typing import Any

from cornu import config, ops
from cornu.losses.loss import align, per_sample, together
from cornu.metrics.reduction import MeanMetricWrapper


@per_sample
def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where two arrays are equal, 0 elsewhere.

    Example:
        >>> from cornu.metrics import accuracy
        >>> accuracy([[1.0], [2.0]], [[1.0], [0.0]]).tolist()
        [[1.0], [0.0]]
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.cast(ops.equal(y_true, y_pred), config.floatx())


@per_sample
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where a prediction lies on the right side of a threshold, 0 elsewhere.

    Args:
        y_true: 0 or 1.
        y_pred: Probabilities of 1.
        threshold: Larger predictions mean 1.

    Example:
        >>> from cornu.metrics import binary_accuracy
        >>> binary_accuracy([[1.0], [0.0]], [[0.9], [0.6]]).tolist()
        [[1.0], [0.0]]
    """
    y_true, y_pred = align(y_true, y_pred)
    said = ops.cast(ops.greater(y_pred, threshold), ops.dtype(y_true))
    return ops.cast(ops.equal(y_true, said), config.floatx())


@per_sample
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction stands at the class of the one-hot label, 0 elsewhere.

    Example:
        >>> from cornu.metrics import categorical_accuracy
        >>> categorical_accuracy([[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.4, 0.6]]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = together(y_true, y_pred)
    return ops.cast(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)), config.floatx())


@per_sample
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction stands at the class number, 0 elsewhere.

    Args:
        y_true: Class numbers, ``(batch, ...)`` or with a last axis of size 1.
        y_pred: ``(batch, ..., classes)``.

    Example:
        >>> from cornu.metrics import sparse_categorical_accuracy
        >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.4, 0.6]]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = together(y_true, y_pred)
    chosen = ops.argmax(y_pred, axis=-1)
    numbers = _class_numbers(y_true, len(chosen.shape))
    return ops.cast(ops.equal(numbers, chosen), config.floatx())


@per_sample
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the class of the one-hot label is among the ``k`` largest predictions, 0 elsewhere.

    Example:
        >>> from cornu.metrics import top_k_categorical_accuracy
        >>> top_k_categorical_accuracy([[0.0, 0.0, 1.0]], [[0.1, 0.6, 0.3]], k=2).tolist()
        [1.0]
    """
    y_true, y_pred = together(y_true, y_pred)
    return sparse_top_k_categorical_accuracy(ops.argmax(y_true, axis=-1), y_pred, k)


@per_sample
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """1 where the class number is among the ``k`` largest predictions, 0 elsewhere.

    Args:
        y_true: Class numbers, ``(batch, ...)`` or with a last axis of size 1.
        y_pred: ``(batch, ..., classes)``.
        k: How many.
        from_sorted_ids: Whether ``y_pred`` holds class numbers already, best first.

    Example:
        >>> from cornu.metrics import sparse_top_k_categorical_accuracy
        >>> sparse_top_k_categorical_accuracy([2], [[0.1, 0.6, 0.3]], k=2).tolist()
        [1.0]
    """
    y_true, y_pred = together(y_true, y_pred)
    rows = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
    numbers = _class_numbers(y_true, len(y_pred.shape) - 1)
    flat = ops.reshape(numbers, (-1,))
    if from_sorted_ids:
        found = ops.any(ops.equal(ops.expand_dims(flat, -1), rows[:, :k]), axis=1)
    else:
        found = ops.in_top_k(ops.cast(flat, "int32"), rows, k)
    return ops.cast(ops.reshape(found, tuple(numbers.shape)), config.floatx())


def _class_numbers(y_true: Any, rank: int) -> Any:
    """Class numbers with this many axes: a last axis of size 1 too many is dropped."""
    if len(y_true.shape) == rank + 1 and y_true.shape[-1] == 1:
        return ops.squeeze(y_true, axis=-1)
    return y_true


class Accuracy(MeanMetricWrapper):
    """How often predictions equal labels. (In ``compile``, ``"accuracy"`` means the accuracy that fits the model instead.)

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import Accuracy
        >>> float(Accuracy()([[1], [2], [3], [4]], [[0], [2], [3], [4]]))
        0.75
    """

    def __init__(self, name: str = "accuracy", dtype: Any = None):
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often yes-or-no predictions are right.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.
        threshold: Larger predictions mean yes.

    Example:
        >>> from cornu.metrics import BinaryAccuracy
        >>> float(BinaryAccuracy()([[1.0], [0.0]], [[0.9], [0.6]]))
        0.5
    """

    def __init__(self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5):
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the likeliest class is right, for one-hot labels.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import CategoricalAccuracy
        >>> float(CategoricalAccuracy()([[0.0, 1.0], [1.0, 0.0]], [[0.2, 0.8], [0.4, 0.6]]))
        0.5
    """

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None):
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the likeliest class is right, for labels that are class numbers.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import SparseCategoricalAccuracy
        >>> float(SparseCategoricalAccuracy()([1, 0], [[0.2, 0.8], [0.4, 0.6]]))
        0.5
    """

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the ``k`` likeliest, for one-hot labels.

    Args:
        k: How many.
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import TopKCategoricalAccuracy
        >>> float(TopKCategoricalAccuracy(k=2)([[0.0, 0.0, 1.0]], [[0.1, 0.6, 0.3]]))
        1.0
    """

    def __init__(self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the ``k`` likeliest, for labels that are class numbers.

    Args:
        k: How many.
        name: Its name.
        dtype: See :class:`Metric`.
        from_sorted_ids: Whether predictions are class numbers already, best first.

    Example:
        >>> from cornu.metrics import SparseTopKCategoricalAccuracy
        >>> float(SparseTopKCategoricalAccuracy(k=2)([2], [[0.1, 0.6, 0.3]]))
        1.0
    """

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ):
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
