"""Regularizers: functions of a weight that return a scalar penalty, which training adds to the loss."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import ops, registry, serialization
from cornu.errors import InvalidArgumentError, ShapeError, one_of
from cornu.typing import Array, Config

_MODES = ("rows", "columns")


class Regularizer(serialization.Configurable):
    """Base class of regularizers, without a penalty. Subclasses override :meth:`__call__`.

    Example:
        >>> from cornu import ops
        >>> from cornu.regularizers import Regularizer
        >>> class Largest(Regularizer):
        ...     def __call__(self, x):
        ...         return ops.max(ops.abs(x))
        >>> float(Largest()(ops.array([1.0, -3.0])))
        3.0
    """

    def __call__(self, x: Array) -> Any:
        """Return the penalty for a weight, an array of shape ``()``."""
        return 0.0


@registry.register("regularizers")
class L1(Regularizer):
    """L1 regularizer, ``l1 * sum(abs(x))``, which drives weights to exactly zero.

    Args:
        l1: Non-negative float, the regularization factor. Defaults to 0.01.

    Raises:
        InvalidArgumentError: ``l1`` is not a finite number of at least 0.

    Example:
        >>> from cornu import ops
        >>> from cornu.regularizers import L1
        >>> float(L1(0.5)(ops.array([1.0, -3.0])))
        2.0
    """

    def __init__(self, l1: float = 0.01):
        self.l1 = _factor("l1", l1, default=0.01)

    def __call__(self, x: Array) -> Any:
        """Return the penalty for a weight."""
        return self.l1 * ops.sum(ops.abs(x))


@registry.register("regularizers")
class L2(Regularizer):
    """L2 regularizer, ``l2 * sum(square(x))``, which keeps weights small.

    Args:
        l2: Non-negative float, the regularization factor. Defaults to 0.01.

    Raises:
        InvalidArgumentError: ``l2`` is not a finite number of at least 0.

    Example:
        >>> from cornu import ops
        >>> from cornu.regularizers import L2
        >>> float(L2(0.5)(ops.array([1.0, -3.0])))
        5.0
    """

    def __init__(self, l2: float = 0.01):
        self.l2 = _factor("l2", l2, default=0.01)

    def __call__(self, x: Array) -> Any:
        """Return the penalty for a weight."""
        return self.l2 * ops.sum(ops.square(x))


@registry.register("regularizers", aliases=("l1_l2",))
class L1L2(Regularizer):
    """L1 and L2 regularizer, ``l1 * sum(abs(x)) + l2 * sum(square(x))``.

    Args:
        l1: Non-negative float, the L1 factor. Defaults to 0 (0.01 with the name ``"l1_l2"``).
        l2: Non-negative float, the L2 factor. Defaults to 0 (0.01 with the name ``"l1_l2"``).

    Raises:
        InvalidArgumentError: A factor is not a finite number of at least 0.

    Example:
        >>> from cornu import ops
        >>> from cornu.regularizers import L1L2
        >>> float(L1L2(l1=1.0, l2=0.5)(ops.array([1.0, -3.0])))
        9.0
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0):
        self.l1, self.l2 = _factor("l1", l1, default=0.0), _factor("l2", l2, default=0.0)

    def __call__(self, x: Array) -> Any:
        """Return the penalty for a weight."""
        return self.l1 * ops.sum(ops.abs(x)) + self.l2 * ops.sum(ops.square(x))


@registry.register("regularizers")
class OrthogonalRegularizer(Regularizer):
    """Regularizer that drives the rows (or columns) of a matrix to be orthogonal.

    ``factor * mean(abs(cosine))``, where ``cosine`` is the cosine similarity of each pair of two different rows (or columns).

    Args:
        factor: Non-negative float, the regularization factor. Defaults to 0.01.
        mode: ``"rows"`` (default) or ``"columns"``.

    Raises:
        InvalidArgumentError: The factor is not a finite number of at least 0, or the mode is invalid.
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

    def __call__(self, inputs: Array) -> Any:
        """Return the penalty for a matrix."""
        if len(inputs.shape) != 2:
            raise ShapeError(
                f"`OrthogonalRegularizer` received a weight of shape {tuple(inputs.shape)}.",
                "It can be applied only to matrices.",
                "Use another regularizer for this weight.",
            )
        vectors = ops.normalize(inputs if self.mode == "rows" else ops.transpose(inputs), axis=1)
        count = vectors.shape[0]
        cosines = ops.where(np.eye(count, dtype=bool), 0, ops.matmul(vectors, ops.transpose(vectors)))
        return self.factor * ops.sum(ops.abs(cosines)) / (count * (count - 1))


def _factor(name: str, value: float, default: float) -> float:
    """Return a validated factor as a float; the default for None."""
    if value is None:
        return default
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise InvalidArgumentError(
            f"The regularizer received `{name}={value!r}`.",
            f"`{name}` must be a finite number of at least 0.",
            f"Pass, for example, `{name}={default}`.",
        )
    return number


_get, serialize, deserialize = serialization.lookup_functions("regularizers", "regularizer", "L2(0.5)")


def get(identifier: str | Config | Callable | None) -> Any:
    """Return the regularizer for a name, a config, a class or an object; None for None.

    The names ``"l1_l2"`` and ``"l1l2"`` refer to ``L1L2(l1=0.01, l2=0.01)``, as in Keras 2 and in the Keras documentation.

    Args:
        identifier: String, config dict, class, callable, :class:`Regularizer` or None.

    Example:
        >>> from cornu import regularizers
        >>> regularizers.get("l2").get_config()
        {'l2': 0.01}
    """
    return L1L2(l1=0.01, l2=0.01) if identifier in ("l1_l2", "l1l2") else _get(identifier)


l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer
