"""Cross-entropy losses."""

from typing import Any

from cornu import config, ops, registry
from cornu.losses.alignment import align, as_float, convert_like, to_common_backend
from cornu.losses.loss import LossFunctionWrapper, per_sample
from cornu.ops.shape_checks import shape_error
from cornu.typing import Array, ArrayLike, DType
from cornu.validation import check_between

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "sparse_categorical_crossentropy",
]


@registry.register("losses", aliases=("BCE", "bce"))
@per_sample
def binary_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Compute the binary cross-entropy, averaged along an axis.

    ``loss = mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred), axis)``, the negative log-likelihood of a Bernoulli
    distribution.

    Args:
        y_true: Array-like of labels 0 and 1 or probabilities, of shape ``(batch, ..., n)``.
        y_pred: Array-like of probabilities of class 1, of the same shape; logits if ``from_logits``.
        from_logits: Whether ``y_pred`` holds logits, which are passed through a sigmoid. Defaults to False (probabilities).
        label_smoothing: Float in [0, 1]; labels become ``y_true * (1 - label_smoothing) + label_smoothing / 2``. Defaults to
            0.
        axis: Integer, the axis along which the mean is computed. Defaults to -1.

    Returns:
        Array without the axis ``axis``.

    References:
        Label smoothing: Szegedy et al., 2016, "Rethinking the Inception Architecture", https://arxiv.org/abs/1512.00567

    Example:
        >>> from cornu.losses import binary_crossentropy
        >>> round(float(binary_crossentropy([[1.0]], [[0.5]])[0]), 4)
        0.6931
    """
    y_true, y_pred = align(y_true, y_pred)
    y_true = _smooth(y_true, label_smoothing, classes=2)
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


@registry.register("metrics")
@registry.register("losses")
@per_sample
def binary_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Compute the binary focal cross-entropy, which reduces the loss of samples that are classified well.

    ``loss = mean(weight * (1 - p_t) ** gamma * binary_crossentropy, axis)``, where
    ``p_t = y_true * y_pred + (1 - y_true) * (1 - y_pred)``; ``weight`` is ``y_true * alpha + (1 - y_true) * (1 - alpha)`` with
    ``apply_class_balancing`` and 1 otherwise.

    Args:
        y_true: Array-like of labels 0 and 1 or probabilities, of shape ``(batch, ..., n)``.
        y_pred: Array-like of probabilities of class 1, of the same shape; logits if ``from_logits``.
        apply_class_balancing: Whether to weight the classes with ``alpha``. Defaults to False.
        alpha: Weight of class 1; class 0 has the weight ``1 - alpha``. Defaults to 0.25.
        gamma: Exponent of the modulating factor. Defaults to 2.
        from_logits: Whether ``y_pred`` holds logits, which are passed through a sigmoid. Defaults to False (probabilities).
        label_smoothing: Float in [0, 1]; labels become ``y_true * (1 - label_smoothing) + label_smoothing / 2``. Defaults to
            0.
        axis: Integer, the axis along which the mean is computed. Defaults to -1.

    Returns:
        Array without the axis ``axis``.

    References:
        Lin et al., 2018, "Focal Loss for Dense Object Detection", https://arxiv.org/abs/1708.02002

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


@registry.register("losses")
@per_sample
def categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """Compute the categorical cross-entropy for one-hot labels.

    ``loss = -sum(y_true * log(y_pred), axis)``, the negative log-likelihood of a categorical distribution.

    Args:
        y_true: Array-like of one-hot labels or probabilities, of shape ``(batch, ..., classes)``.
        y_pred: Array-like of probabilities of the same shape, divided by their sum along ``axis``; logits if ``from_logits``.
        from_logits: Whether ``y_pred`` holds logits, which are passed through a softmax. Defaults to False (probabilities).
        label_smoothing: Float in [0, 1]; labels become ``y_true * (1 - label_smoothing) + label_smoothing / classes``.
            Defaults to 0.
        axis: Integer, the axis of the classes. Defaults to -1.

    Returns:
        Array without the axis ``axis``.

    Raises:
        ShapeError: There is only one class.

    References:
        Label smoothing: Szegedy et al., 2016, "Rethinking the Inception Architecture", https://arxiv.org/abs/1512.00567

    Example:
        >>> from cornu.losses import categorical_crossentropy
        >>> round(float(categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y_true, y_pred = align(y_true, y_pred)
    classes = _classes("categorical_crossentropy", y_pred, axis)
    y_true = _smooth(y_true, label_smoothing, classes)
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@registry.register("metrics")
@registry.register("losses")
@per_sample
def categorical_focal_crossentropy(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    alpha: ArrayLike = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Compute the categorical focal cross-entropy, which reduces the loss of samples that are classified well.

    ``loss = -sum(alpha * (1 - y_pred) ** gamma * y_true * log(y_pred), axis)``

    Args:
        y_true: Array-like of one-hot labels or probabilities, of shape ``(batch, ..., classes)``.
        y_pred: Array-like of probabilities of the same shape, divided by their sum along ``axis``; logits if ``from_logits``.
        alpha: Weight of all classes, or array-like of one weight per class. Defaults to 0.25.
        gamma: Exponent of the modulating factor. Defaults to 2.
        from_logits: Whether ``y_pred`` holds logits, which are passed through a softmax. Defaults to False (probabilities).
        label_smoothing: Float in [0, 1]; labels become ``y_true * (1 - label_smoothing) + label_smoothing / classes``.
            Defaults to 0.
        axis: Integer, the axis of the classes. Defaults to -1.

    Returns:
        Array without the axis ``axis``.

    Raises:
        ShapeError: There is only one class.

    References:
        Lin et al., 2018, "Focal Loss for Dense Object Detection", https://arxiv.org/abs/1708.02002

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


@registry.register("losses")
@per_sample
def sparse_categorical_crossentropy(
    y_true: ArrayLike, y_pred: ArrayLike, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """Compute the categorical cross-entropy for integer class labels.

    ``loss = -log(y_pred[y_true])``, the negative log-likelihood of a categorical distribution.

    Args:
        y_true: Array-like of integer class labels starting at 0, of shape ``(batch, ...)`` or with a class axis of size 1.
        y_pred: Array-like of probabilities of shape ``(batch, ..., classes)``, divided by their sum along ``axis``; logits if
            ``from_logits``.
        from_logits: Whether ``y_pred`` holds logits, which are passed through a softmax. Defaults to False (probabilities).
        ignore_class: Integer class label whose samples have the loss 0, such as -1 or 255 for "unknown" in segmentation.
            Defaults to None.
        axis: Integer, the axis of the classes. Defaults to -1.

    Returns:
        Array without the axis ``axis``.

    Example:
        >>> from cornu.losses import sparse_categorical_crossentropy
        >>> round(float(sparse_categorical_crossentropy([1], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y_true, y_pred = to_common_backend(y_true, y_pred)
    y_pred = as_float(y_pred)
    y_true = class_numbers(y_true, y_pred, axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    known = ops.not_equal(y_true, ignore_class)
    y_true = ops.where(known, y_true, 0)
    return ops.where(known, ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis), 0)


@registry.register("losses")
@per_sample
def categorical_generalized_cross_entropy(y_true: ArrayLike, y_pred: ArrayLike, q: float) -> Any:
    """Compute the generalized cross-entropy for integer class labels, which is robust to wrong labels.

    ``loss = (1 - p ** q) / q``, where ``p`` is the predicted probability of the true class: the categorical cross-entropy as
    ``q`` approaches 0, and a mean absolute error for ``q = 1``.

    Args:
        y_true: Array-like of integer class labels starting at 0, of shape ``(batch, ...)`` or with a class axis of size 1.
        y_pred: Array-like of probabilities of shape ``(batch, ..., classes)``.
        q: Float in (0, 1].

    Returns:
        Array of shape ``(batch, ...)``, one value per sample.

    References:
        Zhang and Sabuncu, 2018, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
        https://arxiv.org/abs/1805.07836

    Example:
        >>> from cornu.losses import categorical_generalized_cross_entropy
        >>> [round(value, 4) for value in categorical_generalized_cross_entropy([1], [[0.75, 0.25]], q=0.5).tolist()]
        [1.0]
    """
    y_true, y_pred = to_common_backend(y_true, y_pred)
    y_pred = as_float(y_pred)
    classes = class_numbers(y_true, y_pred, -1)
    share = ops.take_along_axis(y_pred, ops.expand_dims(ops.cast(classes, "int32"), -1), axis=-1)
    share = ops.clip(ops.squeeze(share, -1), config.epsilon(), 1 - config.epsilon())
    return (1 - share**q) / q


def _smooth(y_true: Array, label_smoothing: float, classes: int) -> Array:
    """Return ``y_true * (1 - label_smoothing) + label_smoothing / classes``."""
    return y_true * (1 - label_smoothing) + label_smoothing / classes if label_smoothing else y_true


def _classes(name: str, y_pred: Array, axis: int) -> int:
    """Return the number of classes, which must be greater than one."""
    classes = y_pred.shape[axis]
    if classes == 1:
        expected = "It requires at least two classes; for one class it is always 0."
        hint = "Use `binary_crossentropy` for binary labels, or give the last layer one unit per class."
        raise shape_error(name, y_pred.shape, expected, hint, "y_pred")
    return classes


def class_numbers(y_true: ArrayLike, y_pred: Array, axis: int) -> Array:
    """Remove from labels a class axis of size 1 if they have the rank of the predictions."""
    y_true = convert_like(y_true, y_pred)
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[axis] == 1:
        return ops.squeeze(y_true, axis=axis)
    return y_true


@registry.register("losses")
class BinaryCrossentropy(LossFunctionWrapper):
    """Binary cross-entropy ``mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred))``, see :func:`binary_crossentropy`.

    Args:
        from_logits: Whether ``y_pred`` holds logits, which are passed through a sigmoid. Defaults to False (probabilities).
        label_smoothing: Float in [0, 1]; labels become ``y_true * (1 - label_smoothing) + label_smoothing / 2``. Defaults to
            0.
        axis: Integer, the axis along which the mean is computed. Defaults to -1.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

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
        dtype: DType = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(binary_crossentropy, reduction=reduction, name=name, dtype=dtype, **options)


@registry.register("losses")
class BinaryFocalCrossentropy(LossFunctionWrapper):
    """Binary focal cross-entropy ``mean((1 - p_t) ** gamma * binary_crossentropy)``, see :func:`binary_focal_crossentropy`.

    Args:
        apply_class_balancing: Whether to weight the classes with ``alpha``. Defaults to False.
        alpha: Weight of class 1; class 0 has the weight ``1 - alpha``. Defaults to 0.25.
        gamma: Exponent of the modulating factor. Defaults to 2.
        from_logits: Whether ``y_pred`` holds logits, which are passed through a sigmoid. Defaults to False (probabilities).
        label_smoothing: Float in [0, 1]; labels become ``y_true * (1 - label_smoothing) + label_smoothing / 2``. Defaults to
            0.
        axis: Integer, the axis along which the mean is computed. Defaults to -1.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

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
        dtype: DType = None,
    ):
        options = {"apply_class_balancing": apply_class_balancing, "alpha": alpha, "gamma": gamma}
        options |= {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(binary_focal_crossentropy, reduction=reduction, name=name, dtype=dtype, **options)


@registry.register("losses")
class CategoricalCrossentropy(LossFunctionWrapper):
    """Categorical cross-entropy ``-sum(y_true * log(y_pred))`` for one-hot labels, see :func:`categorical_crossentropy`.

    Args:
        from_logits: Whether ``y_pred`` holds logits, which are passed through a softmax. Defaults to False (probabilities).
        label_smoothing: Float in [0, 1]; labels become ``y_true * (1 - label_smoothing) + label_smoothing / classes``.
            Defaults to 0.
        axis: Integer, the axis of the classes. Defaults to -1.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

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
        dtype: DType = None,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_crossentropy, reduction=reduction, name=name, dtype=dtype, **options)


@registry.register("losses")
class CategoricalFocalCrossentropy(LossFunctionWrapper):
    """Categorical focal cross-entropy ``-sum(alpha * (1 - y_pred) ** gamma * y_true * log(y_pred))`` for one-hot labels.

    See :func:`categorical_focal_crossentropy`.

    Args:
        alpha: Weight of all classes, or array-like of one weight per class. Defaults to 0.25.
        gamma: Exponent of the modulating factor. Defaults to 2.
        from_logits: Whether ``y_pred`` holds logits, which are passed through a softmax. Defaults to False (probabilities).
        label_smoothing: Float in [0, 1]; labels become ``y_true * (1 - label_smoothing) + label_smoothing / classes``.
            Defaults to 0.
        axis: Integer, the axis of the classes. Defaults to -1.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.losses import CategoricalFocalCrossentropy
        >>> round(float(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.0433
    """

    def __init__(
        self,
        alpha: ArrayLike = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: DType = None,
    ):
        options = {"alpha": alpha, "gamma": gamma, "from_logits": from_logits}
        options |= {"label_smoothing": label_smoothing, "axis": axis}
        super().__init__(categorical_focal_crossentropy, reduction=reduction, name=name, dtype=dtype, **options)


@registry.register("losses")
class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """Categorical cross-entropy ``-log(y_pred[y_true])`` for integer class labels, see :func:`sparse_categorical_crossentropy`.

    Args:
        from_logits: Whether ``y_pred`` holds logits, which are passed through a softmax. Defaults to False (probabilities).
        ignore_class: Integer class label whose samples are excluded from both the sum and the count. Defaults to None.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        axis: Integer, the axis of the classes. Defaults to -1.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

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
        dtype: DType = None,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(sparse_categorical_crossentropy, reduction=reduction, name=name, dtype=dtype, **options)

    @property
    def counts_every_value(self) -> bool:
        """Whether no class is ignored."""
        return self.kwargs["ignore_class"] is None

    def valid_mask(self, y_true: Array, y_pred: Array) -> Any:
        """Return the mask of the values whose class is not ``ignore_class``; None if no class is ignored."""
        ignored = self.kwargs["ignore_class"]
        return None if ignored is None else ops.not_equal(class_numbers(y_true, y_pred, self.kwargs["axis"]), ignored)


@registry.register("losses")
class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """Generalized cross-entropy ``(1 - p ** q) / q`` for integer class labels.

    See :func:`categorical_generalized_cross_entropy`.

    Args:
        q: Float in (0, 1): near 0 the loss is the categorical cross-entropy, near 1 it is robust to wrong labels. Defaults to
            0.5.
        reduction: ``"sum_over_batch_size"`` (default), ``"sum"``, ``"mean"``, ``"mean_with_sample_weight"``, ``"none"`` or
            None, how per-sample losses are combined; see :class:`Loss`.
        name: Name of the loss.
        dtype: Dtype of the computations. Defaults to ``config.floatx()``.

    Raises:
        InvalidArgumentError: If ``q`` is not between 0 and 1.

    Example:
        >>> from cornu.losses import CategoricalGeneralizedCrossEntropy
        >>> round(float(CategoricalGeneralizedCrossEntropy()([1], [[0.75, 0.25]])), 4)
        1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: DType = None,
    ):
        check_between(self, "q", q, without=(0, 1))
        super().__init__(categorical_generalized_cross_entropy, reduction=reduction, name=name, dtype=dtype, q=q)
