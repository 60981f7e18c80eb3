"""Constraints: functions that project a weight to an allowed value, applied after each optimizer update."""

from typing import Any

from cornu import config, ops, registry, serialization
from cornu.typing import Array, IntOrInts


class Constraint(serialization.Configurable):
    """Base class of constraints, which keeps weights as they are. Subclasses override :meth:`__call__`.

    Example:
        >>> from cornu import ops
        >>> from cornu.constraints import Constraint
        >>> class AtMostOne(Constraint):
        ...     def __call__(self, w):
        ...         return ops.minimum(w, 1.0)
        >>> AtMostOne()(ops.array([0.5, 3.0])).tolist()
        [0.5, 1.0]
    """

    def __call__(self, w: Array) -> Any:
        """Return the constrained weight."""
        return w


@registry.register("constraints", aliases=("maxnorm",))
class MaxNorm(Constraint):
    """Constraint that limits the L2 norm of vectors, ``w * minimum(norm, max_value) / (norm + epsilon)``.

    Args:
        max_value: Float, the maximum norm. Defaults to 2.
        axis: Integer or sequence of integers, the axis or axes along which the vectors lie: 0 for a ``Dense`` kernel (the
            inputs of each unit), ``[0, 1, 2]`` for a ``Conv2D`` kernel. Defaults to 0.

    References:
        Srivastava et al., 2014, "Dropout: A Simple Way to Prevent Neural Networks from Overfitting",
        https://jmlr.org/papers/v15/srivastava14a.html

    Example:
        >>> from cornu import ops
        >>> from cornu.constraints import MaxNorm
        >>> [round(value, 4) for value in MaxNorm(1.0)(ops.array([3.0, 4.0])).tolist()]
        [0.6, 0.8]
    """

    def __init__(self, max_value: float = 2, axis: IntOrInts = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Array) -> Any:
        """Return the weight with the norms of its vectors limited."""
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (config.epsilon() + norms))


@registry.register("constraints", aliases=("nonneg",))
class NonNeg(Constraint):
    """Constraint that sets negative weights to zero, ``maximum(w, 0)``.

    Example:
        >>> from cornu import ops
        >>> from cornu.constraints import NonNeg
        >>> NonNeg()(ops.array([-1.0, 2.0])).tolist()
        [0.0, 2.0]
    """

    def __call__(self, w: Array) -> Any:
        """Return the weight with negative values replaced by zero."""
        return ops.where(ops.greater_equal(w, 0), w, 0)


@registry.register("constraints", aliases=("unitnorm",))
class UnitNorm(Constraint):
    """Constraint that scales each vector to an L2 norm of 1, ``w / (norm + epsilon)``.

    Args:
        axis: Integer or sequence of integers, the axis or axes along which the vectors lie, as in :class:`MaxNorm`. Defaults
            to 0.

    Example:
        >>> from cornu import ops
        >>> from cornu.constraints import UnitNorm
        >>> [round(value, 4) for value in UnitNorm()(ops.array([0.0, 0.5])).tolist()]
        [0.0, 1.0]
    """

    def __init__(self, axis: IntOrInts = 0):
        self.axis = axis

    def __call__(self, w: Array) -> Any:
        """Return the weight with vectors of norm 1."""
        return w / (config.epsilon() + _norms(w, self.axis))


@registry.register("constraints", aliases=("minmaxnorm",))
class MinMaxNorm(Constraint):
    """Constraint that keeps the L2 norm of each vector between two bounds.

    ``w * (rate * clip(norm, min_value, max_value) + (1 - rate) * norm) / (norm + epsilon)``

    Args:
        min_value: Float, the minimum norm. Defaults to 0.
        max_value: Float, the maximum norm. Defaults to 1.
        rate: Float in [0, 1], how strictly the constraint is enforced at each update; 1 enforces it fully. Defaults to 1.
        axis: Integer or sequence of integers, the axis or axes along which the vectors lie, as in :class:`MaxNorm`. Defaults
            to 0.

    Example:
        >>> from cornu import ops
        >>> from cornu.constraints import MinMaxNorm
        >>> [round(value, 4) for value in MinMaxNorm(min_value=1.0, max_value=2.0)(ops.array([0.0, 0.5])).tolist()]
        [0.0, 1.0]
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: IntOrInts = 0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Array) -> Any:
        """Return the weight with the norms of its vectors between the bounds."""
        norms = _norms(w, self.axis)
        wanted = self.rate * ops.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (config.epsilon() + norms))


def _norms(w: Array, axis: IntOrInts) -> Any:
    """Return the L2 norms of the vectors along some axes, which are kept with size 1."""
    axis = axis if isinstance(axis, int) else tuple(axis)
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


get, serialize, deserialize = serialization.lookup_functions("constraints", "constraint", "MaxNorm(2)")

max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm
