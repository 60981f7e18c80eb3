"""Losses that compare probabilities: cross-entropies and their relatives.

Predictions are probabilities, or with ``from_logits=True`` the numbers that a softmax or sigmoid makes probabilities of.
"""

from typing import Any

from cornu import config, ops
from cornu.errors import ShapeError
from cornu.losses.loss import LossFunctionWrapper, align, as_float, beside, per_sample, together


@per_sample
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """``mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred))`` over an axis.

    Args:
        y_true: 0 or 1, or probabilities.
        y_pred: Probabilities of 1, same shape.
        from_logits: Whether ``y_pred`` still needs a sigmoid.
        label_smoothing: From 0 to 1: how far labels are drawn to 0.5.
        axis: The axis to take the mean over.

    Example:
        >>> from cornu.losses import binary_crossentropy
        >>> round(float(binary_crossentropy([[1.0]], [[0.5]])[0]), 4)
        0.6931
    """
    y_true, y_pred = align(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, classes=2)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


@per_sample
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Binary cross-entropy times ``(1 - probability of what is right) ** gamma``, so that easy samples count little.

    Source: Lin et al., 2018, https://arxiv.org/abs/1708.02002

    Args:
        y_true: 0 or 1.
        y_pred: Probabilities of 1, same shape.
        apply_class_balancing: Whether to weight the classes with ``alpha``.
        alpha: Weight of class 1; that of class 0 is ``1 - alpha``.
        gamma: The exponent.
        from_logits: Whether ``y_pred`` still needs a sigmoid.
        label_smoothing: From 0 to 1: how far labels are drawn to 0.5.
        axis: The axis to take the mean over.

    Example:
        >>> from cornu.losses import binary_focal_crossentropy
        >>> round(float(binary_focal_crossentropy([[1.0]], [[0.5]])[0]), 4)
        0.1733
    """
    y_true, y_pred = align(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, classes=2)
    y_pred = ops.sigmoid(y_pred) if from_logits else y_pred
    right = y_true * y_pred + (1 - y_true) * (1 - y_pred)
    values = ops.power(1 - right, gamma) * ops.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1 - y_true) * (1 - alpha))
    return ops.mean(values, axis=axis)


@per_sample
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """``-sum(y_true * log(y_pred))`` over the classes, for one-hot labels.

    Args:
        y_true: One-hot labels or probabilities, ``(batch, ..., classes)``.
        y_pred: Probabilities of the same shape; they are divided by their sum first.
        from_logits: Whether ``y_pred`` still needs a softmax.
        label_smoothing: From 0 to 1: how far labels are drawn to the same number for all classes.
        axis: The axis of the classes.

    Raises:
        ShapeError: There is one class only.

    Example:
        >>> from cornu.losses import categorical_crossentropy
        >>> round(float(categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y_true, y_pred = align(y_true, y_pred)
    classes = _classes("categorical_crossentropy", y_pred, axis)
    y_true = _smooth(y_true, label_smoothing, classes)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@per_sample
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Categorical cross-entropy times ``alpha * (1 - probability) ** gamma``, so that easy samples count little.

    Source: Lin et al., 2018, https://arxiv.org/abs/1708.02002

    Args:
        y_true: One-hot labels, ``(batch, ..., classes)``.
        y_pred: Probabilities of the same shape; they are divided by their sum first.
        alpha: A weight, or one for each class.
        gamma: The exponent.
        from_logits: Whether ``y_pred`` still needs a softmax.
        label_smoothing: From 0 to 1: how far labels are drawn to the same number for all classes.
        axis: The axis of the classes.

    Raises:
        ShapeError: There is one class only.

    Example:
        >>> from cornu.losses import categorical_focal_crossentropy
        >>> round(float(categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
        0.0433
    """
    y_true, y_pred = align(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, _classes("categorical_focal_crossentropy", y_pred, axis))
    y_pred = ops.softmax(y_pred, axis=axis) if from_logits else y_pred
    y_pred = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    y_pred = ops.clip(y_pred, config.epsilon(), 1 - config.epsilon())
    return ops.sum(ops.multiply(alpha, ops.power(1 - y_pred, gamma)) * -y_true * ops.log(y_pred), axis=axis)


@per_sample
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """``-log(probability of the right class)``, for labels that are class numbers.

    Args:
        y_true: Class numbers from 0, ``(batch, ...)`` or with a last axis of size 1.
        y_pred: Probabilities ``(batch, ..., classes)``; they are divided by their sum first.
        from_logits: Whether ``y_pred`` still needs a softmax.
        ignore_class: A class number whose samples get the value 0, such as -1 or 255 for "unknown" in segmentation.
        axis: The axis of the classes.

    Example:
        >>> from cornu.losses import sparse_categorical_crossentropy
        >>> round(float(sparse_categorical_crossentropy([1], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y_true, y_pred = together(y_true, y_pred)
    y_pred = as_float(y_pred)
    y_true = class_numbers(y_true, y_pred, axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    known = ops.not_equal(y_true, ignore_class)
    y_true = ops.where(known, y_true, 0)
    return ops.where(known, ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis), 0)


@per_sample
def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """``sum(y_true * log(y_true / y_pred))`` over the last axis: how far a distribution is from the right one.

    Source: https://en.wikipedia.org/wiki/Kullback-Leibler_divergence

    Example:
        >>> from cornu.losses import kl_divergence
        >>> kl_divergence([[0.5, 0.5]], [[0.5, 0.5]]).tolist()
        [0.0]
    """
    y_true, y_pred = (ops.clip(y, config.epsilon(), 1) for y in align(y_true, y_pred))
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


@per_sample
def poisson(y_true: Any, y_pred: Any) -> Any:
    """``mean(y_pred - y_true * log(y_pred))`` over the last axis, for counts.

    Example:
        >>> from cornu.losses import poisson
        >>> round(float(poisson([[2.0]], [[1.0]])[0]), 4)
        1.0
    """
    y_true, y_pred = align(y_true, y_pred)
    return ops.mean(y_pred - y_true * ops.log(y_pred + config.epsilon()), axis=-1)


def _smooth(y_true: Any, label_smoothing: float, classes: int) -> Any:
    """Labels drawn to the mean of all classes."""
    return y_true * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else y_true


def _classes(name: str, y_pred: Any, axis: int) -> int:
    """Number of classes: more than one."""
    classes = y_pred.shape[axis]
    if classes == 1:
        raise ShapeError(
            f"`{name}` was given predictions of shape {tuple(y_pred.shape)}: one class.",
            "It compares two classes or more; for one class it is always 0.",
            "For yes or no, use `binary_crossentropy`; else let the last layer have one unit for each class.",
        )
    return classes


def class_numbers(y_true: Any, y_pred: Any, axis: int) -> Any:
    """Labels without an axis of size 1 where the predictions have their classes."""
    y_true = beside(y_true, y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        return ops.squeeze(y_true, axis=axis)
    return y_true


class BinaryCrossentropy(LossFunctionWrapper):
    """Cross-entropy for yes or no, see :func:`binary_crossentropy`.

    Args:
        from_logits: Whether predictions still need a sigmoid.
        label_smoothing: From 0 to 1: how far labels are drawn to 0.5.
        axis: The axis to take the mean over.
        reduction: See :class:`Loss`.
        name: Its name.
        dtype: See :class:`Loss`.

    Example:
        >>> from cornu.losses import BinaryCrossentropy
        >>> round(float(BinaryCrossentropy()([[1.0]], [[0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(binary_crossentropy, reduction, name, dtype, **options)


class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Cross-entropy for yes or no in which easy samples count little, see :func:`binary_focal_crossentropy`.

    Args:
        apply_class_balancing: Whether to weight the classes with ``alpha``.
        alpha: Weight of class 1; that of class 0 is ``1 - alpha``.
        gamma: The exponent.
        from_logits: Whether predictions still need a sigmoid.
        label_smoothing: From 0 to 1: how far labels are drawn to 0.5.
        axis: The axis to take the mean over.
        reduction: See :class:`Loss`.
        name: Its name.
        dtype: See :class:`Loss`.

    Example:
        >>> from cornu.losses import BinaryFocalCrossentropy
        >>> round(float(BinaryFocalCrossentropy()([[1.0]], [[0.5]])), 4)
        0.1733
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ):
        options = {"apply_class_balancing": apply_class_balancing, "alpha": alpha, "gamma": gamma}
        options |= {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(binary_focal_crossentropy, reduction, name, dtype, **options)


class CategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy for one-hot labels, see :func:`categorical_crossentropy`.

    Args:
        from_logits: Whether predictions still need a softmax.
        label_smoothing: From 0 to 1: how far labels are drawn to the same number for all classes.
        axis: The axis of the classes.
        reduction: See :class:`Loss`.
        name: Its name.
        dtype: See :class:`Loss`.

    Example:
        >>> from cornu.losses import CategoricalCrossentropy
        >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_crossentropy, reduction, name, dtype, **options)


class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Cross-entropy for one-hot labels in which easy samples count little, see :func:`categorical_focal_crossentropy`.

    Args:
        alpha: A weight, or one for each class.
        gamma: The exponent.
        from_logits: Whether predictions still need a softmax.
        label_smoothing: From 0 to 1: how far labels are drawn to the same number for all classes.
        axis: The axis of the classes.
        reduction: See :class:`Loss`.
        name: Its name.
        dtype: See :class:`Loss`.

    Example:
        >>> from cornu.losses import CategoricalFocalCrossentropy
        >>> round(float(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.0433
    """

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ):
        options = {"alpha": alpha, "gamma": gamma, "from_logits": from_logits}
        options |= {"label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_focal_crossentropy, reduction, name, dtype, **options)


class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Cross-entropy for labels that are class numbers, see :func:`sparse_categorical_crossentropy`.

    Args:
        from_logits: Whether predictions still need a softmax.
        ignore_class: A class number whose samples count nowhere, neither in the sum nor in the number.
        reduction: See :class:`Loss`.
        axis: The axis of the classes.
        name: Its name.
        dtype: See :class:`Loss`.

    Example:
        >>> from cornu.losses import SparseCategoricalCrossentropy
        >>> loss = SparseCategoricalCrossentropy(ignore_class=-1)
        >>> round(float(loss([1, -1], [[0.5, 0.5], [0.1, 0.9]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, **options)

    @property
    def counts_every_value(self) -> bool:
        """Whether no class is ignored."""
        return self.kwargs["ignore_class"] is None

    def counted(self, y_true: Any, y_pred: Any) -> Any:
        """The values whose class is not ``ignore_class``."""
        ignored = self.kwargs["ignore_class"]
        return None if ignored is None else ops.not_equal(class_numbers(y_true, y_pred, self.kwargs["axis"]), ignored)


class KLDivergence(LossFunctionWrapper):
    """How far a distribution is from the right one, see :func:`kl_divergence`. Args: see :class:`Loss`.

    Example:
        >>> from cornu.losses import KLDivergence
        >>> float(KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
        0.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "kl_divergence", dtype: Any = None):
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(LossFunctionWrapper):
    """For counts, see :func:`poisson`. Args: see :class:`Loss`.

    Example:
        >>> from cornu.losses import Poisson
        >>> round(float(Poisson()([[2.0]], [[1.0]])), 4)
        1.0
    """

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "poisson", dtype: Any = None):
        super().__init__(poisson, reduction, name, dtype)
