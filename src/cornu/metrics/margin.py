"""Hinge losses as metrics."""

from cornu import registry
from cornu.losses import margin
from cornu.metrics.reduction import MeanMetricWrapper
from cornu.typing import DType

__all__ = ["CategoricalHinge", "Hinge", "SquaredHinge"]


@registry.register("metrics")
class Hinge(MeanMetricWrapper):
    """Mean hinge loss, ``maximum(1 - y_true * y_pred, 0)``, for labels -1 and 1 (or 0 and 1), see :func:`cornu.losses.hinge`.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import Hinge
        >>> float(Hinge()([[-1.0, 1.0]], [[-2.0, 0.5]]))
        0.25
    """

    def __init__(self, name: str = "hinge", dtype: DType = None):
        super().__init__(margin.hinge, name=name, dtype=dtype)


@registry.register("metrics")
class SquaredHinge(MeanMetricWrapper):
    """Mean squared hinge loss, ``square(maximum(1 - y_true * y_pred, 0))``, for labels -1 and 1 (or 0 and 1).

    See :func:`cornu.losses.squared_hinge`.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import SquaredHinge
        >>> float(SquaredHinge()([[-1.0, 1.0]], [[-2.0, 0.5]]))
        0.125
    """

    def __init__(self, name: str = "squared_hinge", dtype: DType = None):
        super().__init__(margin.squared_hinge, name=name, dtype=dtype)


@registry.register("metrics")
class CategoricalHinge(MeanMetricWrapper):
    """Mean multiclass hinge loss for one-hot labels, ``maximum(neg - pos + 1, 0)``.

    ``pos = sum(y_true * y_pred)`` and ``neg = max((1 - y_true) * y_pred)``; see :func:`cornu.losses.categorical_hinge`.

    Args:
        name: Name of the metric.
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.

    Example:
        >>> from cornu.metrics import CategoricalHinge
        >>> float(CategoricalHinge()([[0.0, 1.0]], [[2.0, 2.5]]))
        0.5
    """

    def __init__(self, name: str = "categorical_hinge", dtype: DType = None):
        super().__init__(margin.categorical_hinge, name=name, dtype=dtype)
