"""Find metrics by name or config."""

from collections.abc import Callable

from cornu import serialization
from cornu.losses import kind_of_labels
from cornu.losses.loss import Loss
from cornu.metrics.classification import BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from cornu.metrics.metric import Metric
from cornu.metrics.probabilistic import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
from cornu.metrics.reduction import MeanMetricWrapper
from cornu.typing import Config

__all__ = ["deserialize", "get", "resolve", "serialize"]

_ACCURACIES = {"binary": BinaryAccuracy, "sparse": SparseCategoricalAccuracy, "categorical": CategoricalAccuracy}

_CROSSENTROPIES = {
    "binary": BinaryCrossentropy,
    "sparse": SparseCategoricalCrossentropy,
    "categorical": CategoricalCrossentropy,
}


get, serialize, deserialize = serialization.lookup_functions("metrics", "metric", 'Sum(name="s")')


def resolve(
    identifier: str | Config | Callable,
    loss: Loss | Callable | None = None,
    y_true_shape: tuple | None = None,
    y_pred_shape: tuple | None = None,
) -> Metric:
    """Return the :class:`Metric` for an element of ``compile(metrics=[...])`` for one output.

    Args:
        identifier: Anything :func:`get` accepts, or ``"accuracy"`` (``"acc"``) or ``"crossentropy"`` (``"ce"``), which depend
            on the shapes: one prediction per sample is binary, labels of lower rank (or with a last axis of size 1) are
            integer class labels, and anything else is one-hot.
        loss: Loss of the output; a cross-entropy metric uses its ``from_logits``. Defaults to None.
        y_true_shape: Shape of the labels. Defaults to None.
        y_pred_shape: Shape of the predictions. Defaults to None.

    Returns:
        A metric, named after the identifier if that is a string, and built if the shapes are given.

    Raises:
        InvalidArgumentError: No metric has this name, or the shapes are missing.

    Example:
        >>> from cornu import metrics
        >>> metrics.resolve("acc", y_true_shape=(32,), y_pred_shape=(32, 10))
        <SparseCategoricalAccuracy name=acc>
    """
    if isinstance(identifier, str) and identifier.lower() in ("accuracy", "acc"):
        return _ACCURACIES[kind_of_labels(identifier, y_true_shape, y_pred_shape)](name=identifier)
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        from_logits = getattr(loss, "kwargs", {}).get("from_logits", False)
        kind = kind_of_labels(identifier, y_true_shape, y_pred_shape)
        return _CROSSENTROPIES[kind](name=identifier, from_logits=from_logits)
    found = get(identifier)
    metric = found if isinstance(found, Metric) else MeanMetricWrapper(found)
    if isinstance(identifier, str):
        metric.name = identifier
    if y_true_shape is not None and y_pred_shape is not None:
        metric.build(tuple(y_true_shape), tuple(y_pred_shape))
    return metric
