"""Metrics that compare probabilities: cross-entropies, KL divergence and Poisson."""

from typing import Any

from cornu import config, ops, registry
from cornu.losses import crossentropy
from cornu.losses import probabilistic as losses
from cornu.losses.alignment import as_float, sample_weights
from cornu.metrics.reduction import MeanMetricWrapper
from cornu.typing import ArrayLike, DType

__all__ = ["BinaryCrossentropy", "CategoricalCrossentropy", "KLDivergence", "Poisson", "SparseCategoricalCrossentropy"]


@registry.register("metrics", aliases=("BCE", "bce"))
class BinaryCrossentropy(MeanMetricWrapper):
    """Mean binary cross-entropy, ``-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)``.

    See :func:`cornu.losses.binary_crossentropy`.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        from_logits: Whether ``y_pred`` holds logits, which are passed through a sigmoid. Defaults to False (probabilities).
        label_smoothing: Float in [0, 1]; labels become ``y_true * (1 - label_smoothing) + label_smoothing / 2``. Defaults to
            0.

    Example:
        >>> from cornu.metrics import BinaryCrossentropy
        >>> round(float(BinaryCrossentropy()([[1.0]], [[0.5]])), 4)
        0.6931
    """

    def __init__(
        self, name: str = "binary_crossentropy", dtype: DType = None, from_logits: bool = False, label_smoothing: float = 0
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(crossentropy.binary_crossentropy, name=name, dtype=dtype, **options)


@registry.register("metrics")
class CategoricalCrossentropy(MeanMetricWrapper):
    """Mean categorical cross-entropy for one-hot labels, ``-sum(y_true * log(y_pred))``.

    See :func:`cornu.losses.categorical_crossentropy`.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        from_logits: Whether ``y_pred`` holds logits, which are passed through a softmax. Defaults to False (probabilities).
        label_smoothing: Float in [0, 1]; labels become ``y_true * (1 - label_smoothing) + label_smoothing / classes``.
            Defaults to 0.
        axis: Integer, the axis of the classes. Defaults to -1.

    Example:
        >>> from cornu.metrics import CategoricalCrossentropy
        >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: DType = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(crossentropy.categorical_crossentropy, name=name, dtype=dtype, **options)


@registry.register("metrics")
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Mean categorical cross-entropy for integer class labels, ``-log(y_pred[y_true])``.

    See :func:`cornu.losses.sparse_categorical_crossentropy`.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        from_logits: Whether ``y_pred`` holds logits, which are passed through a softmax. Defaults to False (probabilities).
        ignore_class: Integer class label whose samples are excluded (in Keras they count with the value 0). Defaults to None.
        axis: Integer, the axis of the classes. Defaults to -1.

    Example:
        >>> from cornu.metrics import SparseCategoricalCrossentropy
        >>> round(float(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
        0.6931
    """

    ignores_zero_weight = True

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: DType = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(crossentropy.sparse_categorical_crossentropy, name=name, dtype=dtype, **options)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Accumulate a batch."""
        if self.kwargs["ignore_class"] is not None:
            sample_weight = self._without_ignored(y_true, y_pred, sample_weight)
        super().update_state(y_true, y_pred, sample_weight)

    def _without_ignored(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> Any:
        """Return weights that are 0 for the ignored class."""
        numbers = crossentropy.class_numbers(y_true, as_float(y_pred), self.kwargs["axis"])
        known = ops.cast(ops.not_equal(numbers, self.kwargs["ignore_class"]), config.floatx())
        return known if sample_weight is None else known * sample_weights(sample_weight, known, config.floatx())


@registry.register("metrics", aliases=("KLD", "kld"))
class KLDivergence(MeanMetricWrapper):
    """Mean Kullback-Leibler divergence, ``sum(y_true * log(y_true / y_pred))``, see :func:`cornu.losses.kl_divergence`.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import KLDivergence
        >>> float(KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
        0.0
    """

    def __init__(self, name: str = "kl_divergence", dtype: DType = None):
        super().__init__(losses.kl_divergence, name=name, dtype=dtype)


@registry.register("metrics")
class Poisson(MeanMetricWrapper):
    """Mean Poisson loss for counts, ``y_pred - y_true * log(y_pred)``, see :func:`cornu.losses.poisson`.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import Poisson
        >>> round(float(Poisson()([[2.0]], [[1.0]])), 4)
        1.0
    """

    def __init__(self, name: str = "poisson", dtype: DType = None):
        super().__init__(losses.poisson, name=name, dtype=dtype)
