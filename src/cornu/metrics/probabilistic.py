"""Metrics that compare probabilities."""

from typing import Any

from cornu import config, ops
from cornu.losses import margin
from cornu.losses import probabilistic as losses
from cornu.losses.loss import as_float, beside, broadcast_weight
from cornu.metrics.reduction import MeanMetricWrapper


class BinaryCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy for yes or no.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.
        from_logits: Whether predictions still need a sigmoid.
        label_smoothing: From 0 to 1: how far labels are drawn to 0.5.

    Example:
        >>> from cornu.metrics import BinaryCrossentropy
        >>> round(float(BinaryCrossentropy()([[1.0]], [[0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **options)


class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy for one-hot labels.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.
        from_logits: Whether predictions still need a softmax.
        label_smoothing: From 0 to 1: how far labels are drawn to the same number for all classes.
        axis: The axis of the classes.

    Example:
        >>> from cornu.metrics import CategoricalCrossentropy
        >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
        0.6931
    """

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ):
        options = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **options)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean cross-entropy for labels that are class numbers.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.
        from_logits: Whether predictions still need a softmax.
        ignore_class: A class number whose samples are not counted (in Keras they count as 0).
        axis: The axis of the classes.

    Example:
        >>> from cornu.metrics import SparseCategoricalCrossentropy
        >>> round(float(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
        0.6931
    """

    counts_zero_weight_as_absent = True

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ):
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, **options)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch."""
        if self.kwargs["ignore_class"] is not None:
            sample_weight = self._without_ignored(y_true, y_pred, sample_weight)
        super().update_state(y_true, y_pred, sample_weight)

    def _without_ignored(self, y_true: Any, y_pred: Any, sample_weight: Any) -> Any:
        """Weights that are 0 where the class is the ignored one."""
        numbers = losses.class_numbers(y_true, as_float(y_pred), self.kwargs["axis"])
        known = ops.cast(ops.not_equal(numbers, self.kwargs["ignore_class"]), config.floatx())
        if sample_weight is None:
            return known
        return known * broadcast_weight("sample_weight", ops.cast(beside(sample_weight, known), config.floatx()), known)


class KLDivergence(MeanMetricWrapper):
    """The mean distance of a distribution from the right one.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import KLDivergence
        >>> float(KLDivergence()([[0.5, 0.5]], [[0.5, 0.5]]))
        0.0
    """

    def __init__(self, name: str = "kl_divergence", dtype: Any = None):
        super().__init__(losses.kl_divergence, name, dtype)


class Poisson(MeanMetricWrapper):
    """The mean of ``y_pred - y_true * log(y_pred)``, for counts.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import Poisson
        >>> round(float(Poisson()([[2.0]], [[1.0]])), 4)
        1.0
    """

    def __init__(self, name: str = "poisson", dtype: Any = None):
        super().__init__(losses.poisson, name, dtype)


class Hinge(MeanMetricWrapper):
    """The mean of ``max(1 - y_true * y_pred, 0)``, for labels -1 and 1 (or 0 and 1).

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import Hinge
        >>> float(Hinge()([[-1.0, 1.0]], [[-2.0, 0.5]]))
        0.25
    """

    def __init__(self, name: str = "hinge", dtype: Any = None):
        super().__init__(margin.hinge, name, dtype)


class SquaredHinge(MeanMetricWrapper):
    """The mean of ``square(max(1 - y_true * y_pred, 0))``, for labels -1 and 1 (or 0 and 1).

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import SquaredHinge
        >>> float(SquaredHinge()([[-1.0, 1.0]], [[-2.0, 0.5]]))
        0.125
    """

    def __init__(self, name: str = "squared_hinge", dtype: Any = None):
        super().__init__(margin.squared_hinge, name, dtype)


class CategoricalHinge(MeanMetricWrapper):
    """The mean of ``max(1 + best wrong score - right score, 0)``, for one-hot labels.

    Args:
        name: Its name.
        dtype: See :class:`Metric`.

    Example:
        >>> from cornu.metrics import CategoricalHinge
        >>> float(CategoricalHinge()([[0.0, 1.0]], [[2.0, 2.5]]))
        0.5
    """

    def __init__(self, name: str = "categorical_hinge", dtype: Any = None):
        super().__init__(margin.categorical_hinge, name, dtype)
