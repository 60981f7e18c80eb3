"""Constraints on weights: functions that move a weight to an allowed value, applied after each update."""

from collections.abc import Sequence
from typing import Any

from cornu import config, ops, registry

Axis = int | Sequence[int]


class Constraint(registry.Configurable):
    """The base of all constraints. Write one of your own by overriding :meth:`__call__`.

    Example:
        >>> from cornu import ops
        >>> from cornu.constraints import Constraint
        >>> class AtMostOne(Constraint):
        ...     def __call__(self, w):
        ...         return ops.minimum(w, 1.0)
        >>> AtMostOne()(ops.array([0.5, 3.0])).tolist()
        [0.5, 1.0]
    """

    def __call__(self, w: Any) -> Any:
        """The allowed value that stands for a weight."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `__call__(w)`.")


class MaxNorm(Constraint):
    """Shortens vectors longer than ``max_value``.

    Args:
        max_value: The greatest length.
        axis: The axis or axes along which the vectors lie: 0 for a ``Dense`` kernel (the inputs of each unit),
            ``[0, 1, 2]`` for that of a ``Conv2D``.

    Example:
        >>> from cornu import ops
        >>> from cornu.constraints import MaxNorm
        >>> [round(value, 4) for value in MaxNorm(1.0)(ops.array([3.0, 4.0])).tolist()]
        [0.6, 0.8]
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        """The weight with its vectors shortened."""
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (config.epsilon() + norms))


class NonNeg(Constraint):
    """Sets negative weights to zero.

    Example:
        >>> from cornu import ops
        >>> from cornu.constraints import NonNeg
        >>> NonNeg()(ops.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w: Any) -> Any:
        """The weight without its negative values."""
        return ops.where(ops.greater_equal(w, 0), w, 0)


class UnitNorm(Constraint):
    """Gives each vector the length 1.

    Args:
        axis: The axis or axes along which the vectors lie, as in :class:`MaxNorm`.

    Example:
        >>> from cornu import ops
        >>> from cornu.constraints import UnitNorm
        >>> [round(value, 4) for value in UnitNorm()(ops.array([0.0, 0.5])).tolist()]
        [0.0, 1.0]
    """

    def __init__(self, axis: Axis = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        """The weight with vectors of length 1."""
        return w / (config.epsilon() + _norms(w, self.axis))


class MinMaxNorm(Constraint):
    """Brings the length of each vector between two bounds.

    Args:
        min_value: The least length.
        max_value: The greatest length.
        rate: How far to go at each update: 1.0 all the way, less only a part of it.
        axis: The axis or axes along which the vectors lie, as in :class:`MaxNorm`.

    Example:
        >>> from cornu import ops
        >>> from cornu.constraints import MinMaxNorm
        >>> [round(value, 4) for value in MinMaxNorm(min_value=1.0, max_value=2.0)(ops.array([0.0, 0.5])).tolist()]
        [0.0, 1.0]
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        """The weight with vectors of allowed lengths."""
        norms = _norms(w, self.axis)
        wanted = self.rate * ops.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (config.epsilon() + norms))


def _norms(w: Any, axis: Axis) -> Any:
    """Lengths of the vectors along some axes, which stay with size 1."""
    axis = axis if isinstance(axis, int) else tuple(axis)
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


# --- By name ----------------------------------------------------------------------------------------------------------


def get(identifier: Any) -> Any:
    """The constraint that a name, a config, a class or an object means; None stays None.

    Example:
        >>> from cornu import constraints
        >>> constraints.get("max_norm").get_config()
        {'max_value': 2, 'axis': 0}
    """
    return registry.get("constraints", identifier)


def serialize(constraint: Any) -> Any:
    """A constraint as JSON can hold it.

    Example:
        >>> from cornu import constraints
        >>> constraints.serialize(constraints.UnitNorm())["config"]
        {'axis': 0}
    """
    return registry.serialize(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint of a config.

    Example:
        >>> from cornu import constraints
        >>> constraints.deserialize({"class_name": "UnitNorm", "config": {"axis": 1}}).axis
        1
    """
    return registry.deserialize(config, "constraints", custom_objects)


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm

registry.allow(
    "constraints",
    [MaxNorm, NonNeg, UnitNorm, MinMaxNorm],
    aliases={"maxnorm": MaxNorm, "nonneg": NonNeg, "unitnorm": UnitNorm, "minmaxnorm": MinMaxNorm},
)
