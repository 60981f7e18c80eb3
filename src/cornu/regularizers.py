"""Penalties on weights: functions of a weight that give one number, which training adds to the loss."""

import math
from typing import Any

import numpy as np

from cornu import ops, registry
from cornu.errors import InvalidArgumentError, ShapeError, one_of

_MODES = ("rows", "columns")


class Regularizer(registry.Configurable):
    """The base of all regularizers. Write one of your own by overriding :meth:`__call__`.

    Example:
        >>> from cornu import ops
        >>> from cornu.regularizers import Regularizer
        >>> class Largest(Regularizer):
        ...     def __call__(self, x):
        ...         return ops.max(ops.abs(x))
        >>> float(Largest()(ops.array([1.0, -3.0])))
        3.0
    """

    def __call__(self, x: Any) -> Any:
        """The penalty for a weight, an array of shape ``()``."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `__call__(x)`.")


class L1(Regularizer):
    """``l1 * sum(abs(x))``: draws weights to exactly zero.

    Args:
        l1: The factor; default 0.01.

    Raises:
        InvalidArgumentError: It is not a finite number of at least 0.

    Example:
        >>> from cornu import ops
        >>> from cornu.regularizers import L1
        >>> float(L1(0.5)(ops.array([1.0, -3.0])))
        2.0
    """

    def __init__(self, l1: float = 0.01):
        self.l1 = _factor("l1", l1, default=0.01)

    def __call__(self, x: Any) -> Any:
        """The penalty for a weight."""
        return self.l1 * ops.sum(ops.abs(x))


class L2(Regularizer):
    """``l2 * sum(square(x))``: keeps weights small.

    Args:
        l2: The factor; default 0.01.

    Raises:
        InvalidArgumentError: It is not a finite number of at least 0.

    Example:
        >>> from cornu import ops
        >>> from cornu.regularizers import L2
        >>> float(L2(0.5)(ops.array([1.0, -3.0])))
        5.0
    """

    def __init__(self, l2: float = 0.01):
        self.l2 = _factor("l2", l2, default=0.01)

    def __call__(self, x: Any) -> Any:
        """The penalty for a weight."""
        return self.l2 * ops.sum(ops.square(x))


class L1L2(Regularizer):
    """``l1 * sum(abs(x)) + l2 * sum(square(x))``.

    Args:
        l1: Factor of the first sum; default 0 (by the name ``"l1_l2"``: 0.01).
        l2: Factor of the second sum; default 0 (by the name ``"l1_l2"``: 0.01).

    Raises:
        InvalidArgumentError: One of them is not a finite number of at least 0.

    Example:
        >>> from cornu import ops
        >>> from cornu.regularizers import L1L2
        >>> float(L1L2(l1=1.0, l2=0.5)(ops.array([1.0, -3.0])))
        9.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = _factor("l1", l1, default=0.0), _factor("l2", l2, default=0.0)

    def __call__(self, x: Any) -> Any:
        """The penalty for a weight."""
        return self.l1 * ops.sum(ops.abs(x)) + self.l2 * ops.sum(ops.square(x))


class OrthogonalRegularizer(Regularizer):
    """``factor`` times the mean absolute cosine between two rows (or columns) of a matrix: drives them to right angles.

    Args:
        factor: The factor; default 0.01.
        mode: ``"rows"`` or ``"columns"``.

    Raises:
        InvalidArgumentError: The factor is not a finite number of at least 0, or the mode is unknown.
        ShapeError: When called with an array that is not a matrix.

    Example:
        >>> from cornu import ops
        >>> from cornu.regularizers import OrthogonalRegularizer
        >>> float(OrthogonalRegularizer(1.0)(ops.array([[1.0, 0.0], [0.0, 2.0]])))
        0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows"):
        if mode not in _MODES:
            raise one_of("mode", mode, _MODES)
        self.factor, self.mode = _factor("factor", factor, default=0.01), mode

    def __call__(self, x: Any) -> Any:
        """The penalty for a matrix."""
        if len(x.shape) != 2:
            raise ShapeError(
                f"`OrthogonalRegularizer` was given a weight of shape {tuple(x.shape)}.",
                "It can only judge matrices.",
                "Use another regularizer for this weight.",
            )
        vectors = ops.normalize(x if self.mode == "rows" else ops.transpose(x), axis=1)
        count = vectors.shape[0]
        cosines = ops.where(np.eye(count, dtype=bool), 0, ops.matmul(vectors, ops.transpose(vectors)))
        return self.factor * ops.sum(ops.abs(cosines)) / (count * (count - 1))


def _factor(name: str, value: Any, default: float) -> float:
    """A factor as a float, checked; None means the default."""
    if value is None:
        return default
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise InvalidArgumentError(
            f"`{name}={value!r}` was given.", "It must be a finite number of at least 0.", f"Pass `{name}={default}`."
        )
    return number


# --- By name ----------------------------------------------------------------------------------------------------------


def get(identifier: Any) -> Any:
    """The regularizer that a name, a config, a class or an object means; None stays None.

    The names ``"l1_l2"`` and ``"l1l2"`` mean ``L1L2(l1=0.01, l2=0.01)``, as in Keras 2 and in Keras's own documentation.

    Example:
        >>> from cornu import regularizers
        >>> regularizers.get("l2").get_config()
        {'l2': 0.01}
    """
    if identifier in ("l1_l2", "l1l2"):
        return L1L2(l1=0.01, l2=0.01)
    return registry.get("regularizers", identifier)


def serialize(regularizer: Any) -> Any:
    """A regularizer as JSON can hold it.

    Example:
        >>> from cornu import regularizers
        >>> regularizers.serialize(regularizers.L2(0.5))["config"]
        {'l2': 0.5}
    """
    return registry.serialize(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer of a config.

    Example:
        >>> from cornu import regularizers
        >>> regularizers.deserialize({"class_name": "L2", "config": {"l2": 0.5}}).l2
        0.5
    """
    return registry.deserialize(config, "regularizers", custom_objects)


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

registry.allow("regularizers", [L1, L2, L1L2, OrthogonalRegularizer], aliases={"l1_l2": L1L2})
