"""Find losses by name or config."""

from collections.abc import Callable
from typing import Any

from cornu import serialization
from cornu.errors import InvalidArgumentError
from cornu.losses.crossentropy import binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy
from cornu.losses.loss import Loss, LossFunctionWrapper
from cornu.typing import Config

__all__ = ["deserialize", "get", "kind_of_labels", "resolve", "serialize"]


get, serialize, deserialize = serialization.lookup_functions("losses", "loss", "Huber(delta=2.0)", config_argument="name")


def resolve(identifier: str | Config | Callable, y_true_shape: tuple | None = None, y_pred_shape: tuple | None = None) -> Any:
    """Return the :class:`Loss` that ``compile(loss=...)`` uses for one output.

    Args:
        identifier: Anything :func:`get` accepts, or ``"crossentropy"`` (``"ce"``) for the cross-entropy that matches the
            shapes.
        y_true_shape: Shape of the labels, required for ``"crossentropy"``. Defaults to None.
        y_pred_shape: Shape of the predictions, required for ``"crossentropy"``. Defaults to None.

    Returns:
        A loss, or None for None.

    Raises:
        InvalidArgumentError: No loss has this name, or the shapes are missing.

    Example:
        >>> from cornu import losses
        >>> losses.resolve("crossentropy", (32,), (32, 10)).fn.__name__
        'sparse_categorical_crossentropy'
    """
    if isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce"):
        functions = {
            "binary": binary_crossentropy,
            "sparse": sparse_categorical_crossentropy,
            "categorical": categorical_crossentropy,
        }
        return LossFunctionWrapper(functions[kind_of_labels(identifier, y_true_shape, y_pred_shape)], name=identifier)
    found = get(identifier)
    if found is None or isinstance(found, Loss):
        return found
    return LossFunctionWrapper(found, name=identifier if isinstance(identifier, str) else None)


def kind_of_labels(name: str, y_true_shape: tuple | None, y_pred_shape: tuple | None) -> str:
    """Return ``"binary"``, ``"sparse"`` (integer class labels) or ``"categorical"`` (one-hot), inferred from the shapes.

    Args:
        name: The name the user passed, for the error message.
        y_true_shape: Shape of the labels.
        y_pred_shape: Shape of the predictions.

    Returns:
        String, the kind of the labels.

    Raises:
        InvalidArgumentError: A shape is missing.

    Example:
        >>> from cornu.losses import kind_of_labels
        >>> kind_of_labels("accuracy", (32, 1), (32, 1))
        'binary'
    """
    if y_true_shape is None or y_pred_shape is None:
        raise InvalidArgumentError(
            f"{name!r} was received without the shapes of the labels and predictions.",
            f"The shapes determine whether {name!r} is binary, sparse or categorical.",
            f"Pass the full name, for example 'sparse_categorical_{name}'.",
        )
    if len(y_pred_shape) < 2 or y_pred_shape[-1] == 1:
        return "binary"
    is_sparse = len(y_true_shape) < len(y_pred_shape) or y_true_shape[-1] == 1
    return "sparse" if is_sparse else "categorical"
