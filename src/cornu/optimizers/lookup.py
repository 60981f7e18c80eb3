"""Find optimizers by name or config."""

from typing import Any

from cornu import registry, serialization
from cornu.errors import InvalidTypeError
from cornu.optimizers.optimizer import Optimizer
from cornu.typing import Config

__all__ = ["deserialize", "get", "serialize"]

_get, serialize, deserialize = serialization.lookup_functions("optimizers", "optimizer", "SGD(momentum=0.5)")


def get(identifier: str | Config | Optimizer | None) -> Any:
    """Return the optimizer for a name, a config or an object.

    Args:
        identifier: String, config dict, :class:`Optimizer` or None.

    Returns:
        An optimizer; None for None.

    Raises:
        InvalidArgumentError: No optimizer has this name.
        InvalidTypeError: The object is not an optimizer.

    Example:
        >>> from cornu import optimizers
        >>> type(optimizers.get("adam")).__name__
        'Adam'
    """
    if isinstance(identifier, str) and identifier.lower() in registry.registered("optimizers"):
        identifier = identifier.lower()
    found = _get(identifier)
    if found is not None and not isinstance(found, Optimizer):
        raise InvalidTypeError(
            f"The model received `optimizer={identifier!r}`.",
            "`optimizer` must be a name such as 'adam', or an optimizer from `cornu.optimizers`.",
            "Pass, for example, `optimizer=Adam(learning_rate=0.001)`.",
        )
    return found
