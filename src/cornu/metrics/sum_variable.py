"""Variables of metrics, to which many values are added without losing any."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import autograph, backends, config, ops
from cornu.core.variable import Variable
from cornu.dtypes import HALVES, is_integer
from cornu.ops.dispatch import unwrap
from cornu.typing import Array, ArrayLike, Initializer


class SumVariable(Variable):
    """A variable of a metric to which small values can be added without loss when it is large.

    A ``float32`` sum alone ignores an added 1 from 2**24 on. The difference is kept in a variable of its own, which is part of
    the state of compiled training steps: the sum in ``float64`` or, on an engine without that dtype, what rounding removed, to
    be added next time. It is not among the variables of the metric, which are those of Keras: a pure function of the values of
    these alone, such as ``metric.stateless_update_state``, adds in ``float32``.

    Args:
        initializer: Initial value.
        dtype: Name of a floating-point dtype.
        name: Name of the variable.

    Attributes:
        exact: Variable, the sum in ``float64``, or the compensation in the dtype of this variable.

    References:
        Kahan, 1965, "Pracniques: Further Remarks on Reducing Truncation Errors", https://doi.org/10.1145/363707.363723

    Example:
        >>> import numpy as np
        >>> from cornu.metrics.sum_variable import SumVariable
        >>> count = SumVariable(np.float32(2**24), "float32", "count")
        >>> for _ in range(4):
        ...     _ = count.assign_add(1.0)
        >>> float(count) - 2**24
        4.0
    """

    def __init__(self, initializer: Initializer | ArrayLike, dtype: str, name: str | None = None):
        super().__init__(initializer, dtype=dtype, trainable=False, autocast=False, name=name)
        self._set_exact(self.numpy().astype("float64"))

    def _set_exact(self, value: np.ndarray) -> None:
        """Create :attr:`exact` for a value, on the backend of the variable."""
        with config.placement_scope(*self.place):
            self.exact = Variable(value, dtype="float64", trainable=False, autocast=False, name=f"{self.name}_exact")
        if not self._has_sum():
            self.exact.assign(value - self.numpy().astype("float64"))

    def _has_sum(self) -> bool:
        """Return whether :attr:`exact` is the sum, since the engine has ``float64``, and not a compensation."""
        return self.exact.dtype == "float64"

    def _is_alone(self) -> bool:
        """Return whether the running call has bound an array to this variable and none to :attr:`exact`."""
        bound = self._bound()
        return bound is not None and id(self) in bound and id(self.exact) not in bound

    @autograph.not_converted
    def assign(self, value: ArrayLike) -> Any:
        """Set a new value of the same shape (see :meth:`Variable.assign`)."""
        assigned = super().assign(value)
        if not self._is_alone():
            self.exact.assign(assigned if self._has_sum() else np.zeros(self.shape, self.exact.dtype))
        return assigned

    @autograph.not_converted
    def assign_add(self, value: ArrayLike) -> Any:
        """Add an array to the value, and return the new value."""
        if self._is_alone():
            return super().assign(ops.add(self, value))
        if self._has_sum():
            exact = self.exact.value
            backend = backends.home(exact)
            total = kept = backend.add(exact, backend.asarray(unwrap(value), "float64"))
        else:
            add = compensated_add if self._bound() is not None else _compiled(self.place.backend)
            total, kept = add(self.value, self.exact.value, value)
        assigned = super().assign(total)
        self.exact.assign(kept)
        return assigned

    def to_backend(self, name: str, device: str | None = None) -> None:
        """Move the array to another backend or device (see :meth:`Variable.to_backend`)."""
        value = self.exact.numpy().astype("float64") + (0 if self._has_sum() else self.numpy())
        super().to_backend(name, device)
        self._set_exact(value)


def compensated_add(total: Array, compensation: Array, value: ArrayLike) -> tuple[Array, Array]:
    """Return the sum of a total and a value, and what its rounding removed, by Kahan's summation.

    Args:
        total: Array of a floating-point dtype.
        compensation: Array of the same dtype, what earlier additions to the total have removed.
        value: Array or number to add.
    """
    added = ops.add(compensation, value)
    after = ops.cast(ops.add(total, added), ops.dtype(total))
    lost = ops.subtract(added, ops.subtract(after, total))
    return after, ops.where(ops.isfinite(after), lost, 0)  # infinity minus infinity would be NaN


@functools.cache
def _compiled(backend: str) -> Callable:
    """Return :func:`compensated_add`, compiled by a backend on which each operation takes long outside of compiled code."""
    return backends.get(backend).compile(compensated_add)


def in_dtype(result: Array, dtype: str) -> Array:
    """Return a result in the dtype of a metric, whose sums are kept in ``float32`` if that is half precision."""
    return ops.cast(result, dtype) if dtype in HALVES else result


_RUN = 2**12
"""Number of values that are added to one bucket one after the other, unless the buckets are as many."""


def bucket_sums(buckets: Array, values: Array, size: int) -> Array:
    """Return the sum of the values in each bucket.

    Engines add them one by one, and a sum of ones in ``float32`` stops to grow at 2**24. They are therefore added in runs of
    4096 values, or more to use no more memory than the values, and then the sums of the runs.

    Args:
        buckets: Array of shape ``(n,)`` of integers in ``[0, size)``.
        values: Array of shape ``(n,)`` or ``(n, columns)``.
        size: Integer, the number of buckets.

    Returns:
        Array of shape ``(size,)`` or ``(size, columns)``.

    Example:
        >>> from cornu import ops
        >>> from cornu.metrics.sum_variable import bucket_sums
        >>> bucket_sums(ops.array([0, 2, 0]), ops.array([1.0, 3.0, 5.0]), 3).tolist()
        [6.0, 0.0, 3.0]
    """
    count, columns = buckets.shape[0], tuple(values.shape[1:])
    runs = max(1, min(-(-count // _RUN), count // size)) if count else 1  # None: traced for any number
    if runs == 1 or is_integer(ops.dtype(values)):
        return ops.scatter(ops.expand_dims(buckets, -1), values, (size, *columns))
    run = ops.floor_divide(ops.arange(count, dtype="int32"), -(-(count or 0) // runs))
    buckets = ops.add(buckets, ops.multiply(run, size))
    sums = ops.scatter(ops.expand_dims(buckets, -1), values, (runs * size, *columns))
    return ops.sum(ops.reshape(sums, (runs, size, *columns)), axis=0)


def with_exact_sums(variables: list[Variable]) -> list[Variable]:
    """Return the variables of a metric and what they keep to add without loss: its whole state."""
    return [*variables, *(variable.exact for variable in variables if isinstance(variable, SumVariable))]
