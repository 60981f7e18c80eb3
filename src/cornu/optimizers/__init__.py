"""Optimizers: how weights change so that the loss becomes smaller."""

from typing import Any

from cornu import registry
from cornu.errors import InvalidTypeError
from cornu.optimizers import schedules
from cornu.optimizers.adam import Adam, Adamax, AdamW, Nadam
from cornu.optimizers.optimizer import Optimizer
from cornu.optimizers.rmsprop import Adadelta, Adagrad, RMSprop
from cornu.optimizers.sgd import SGD, Lion

_CLASSES = [SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax, Nadam, Lion]

registry.allow("optimizers", _CLASSES, aliases={cls.__name__.lower(): cls for cls in _CLASSES})


def get(identifier: Any) -> Any:
    """The optimizer that a name, a config or an object means; None stays None.

    Raises:
        InvalidArgumentError: There is none of that name.
        InvalidTypeError: It is no optimizer.

    Example:
        >>> from cornu import optimizers
        >>> type(optimizers.get("adam")).__name__
        'Adam'
    """
    if isinstance(identifier, str) and identifier.lower() in registry.allowed("optimizers"):
        identifier = identifier.lower()
    found = registry.get("optimizers", identifier)
    if found is not None and not isinstance(found, Optimizer):
        raise InvalidTypeError(
            f"`optimizer={identifier!r}` was given.",
            "It must be a name such as 'adam', or an optimizer from `cornu.optimizers`.",
            "Pass `optimizer=Adam(learning_rate=0.001)`.",
        )
    return found


def serialize(optimizer: Any) -> Any:
    """An optimizer as JSON can hold it.

    Example:
        >>> from cornu import optimizers
        >>> optimizers.serialize(optimizers.SGD(momentum=0.5))["config"]["momentum"]
        0.5
    """
    return registry.serialize(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The optimizer of a config.

    Example:
        >>> from cornu import optimizers
        >>> optimizers.deserialize({"class_name": "SGD", "config": {"momentum": 0.5}}).momentum
        0.5
    """
    return registry.deserialize(config, "optimizers", custom_objects)


__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
