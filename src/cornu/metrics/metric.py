"""Base class of all metrics, which accumulate state over batches and compute a result from it."""

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from cornu import autograph, config, initializers, serialization, trees
from cornu.core import call_context, dtype_policy
from cornu.core.naming import auto_name
from cornu.core.variable import Variable
from cornu.dtypes import is_float, sum_dtype
from cornu.errors import InvalidArgumentError, returned_none
from cornu.metrics.sum_variable import SumVariable, with_exact_sums
from cornu.ops.dispatch import unwrap
from cornu.typing import Config, DType, Initializer
from cornu.validation import standardize_dtype

__all__ = ["Metric"]

_NOT_OWNED = ("_cornu_arguments", "_variables")
"""Attributes whose contents are counted elsewhere or do not belong to the metric."""


class Metric(serialization.ArgumentAttributes):
    """Base class of metrics. The arguments of the constructor are attributes.

    Subclasses create their variables with :meth:`add_weight` in ``__init__`` (or in :meth:`build`, if they depend on shapes),
    update them in :meth:`update_state` and compute :meth:`result` from them.

    Args:
        dtype: Dtype of the computations and the result. Defaults to ``config.floatx()``.
        name: Name of the metric. Defaults to a name derived from the class.

    Attributes:
        ignores_zero_weight: Whether a sample of weight 0 has no effect, so that a batch may be padded. True for the
            built-in metrics with this property; set it in a custom class that has it.

    Example:
        >>> from cornu import ops
        >>> from cornu.metrics import Metric
        >>> class Largest(Metric):
        ...     def __init__(self, name="largest", dtype=None):
        ...         super().__init__(dtype=dtype, name=name)
        ...         self.value = self.add_weight(name="value", initializer="zeros")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.value.assign(ops.maximum(self.value, ops.max(y_pred)))
        ...     def result(self):
        ...         return self.value.value
        >>> metric = Largest()
        >>> metric.update_state(None, ops.array([1.0, 4.0]))
        >>> float(metric.result())
        4.0
    """

    ignores_zero_weight = False

    _cornu_kind = "metric"
    _cornu_made_by_init = ("name", "built", "_dtype", "_variables")

    cornu_is_metric = True
    """How layers recognize their metrics, of which lower tiers know nothing."""

    def __init__(self, dtype: DType = None, name: str | None = None):
        self._variables: list[Variable] = []
        self.built = True
        self.name = name or auto_name(type(self).__name__)
        self._dtype = dtype_policy.compute_dtype_of(dtype)

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        for name in {"update_state", "result"} & cls.__dict__.keys():
            setattr(cls, name, _where_its_variables_are(cls.__dict__[name]))
        if "update_state" in cls.__dict__ and "ignores_zero_weight" not in cls.__dict__:
            cls.ignores_zero_weight = False  # the declaration of a parent is not valid for another update

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute. The variables and metrics among the attributes, also in lists and dicts, belong to the metric."""
        if "_variables" not in vars(self) and name != "_cornu_arguments" and _owned(value):
            raise InvalidArgumentError(
                f"`{type(self).__name__}.{name}` was set before `super().__init__()` was called.",
                "A metric must be initialized before it can contain variables or metrics.",
                "Call `super().__init__(name=name)` first in `__init__`.",
            )
        super().__setattr__(name, value)

    @property
    def dtype(self) -> str:
        """Dtype of the computations and the result."""
        return self._dtype

    # --- Variables ----------------------------------------------------------------------------------------------------

    def add_variable(
        self,
        shape: tuple[int, ...],
        initializer: Initializer,
        dtype: str | None = None,
        aggregation: str = "sum",
        name: str | None = None,
    ) -> Variable:
        """Create a variable that belongs to the metric.

        Args:
            shape: Tuple of integers, the shape of the variable.
            initializer: Name, initializer or array for the initial value. :meth:`reset_state` sets the variable to zero.
            dtype: Dtype of the variable. Defaults to ``config.floatx()``.
            aggregation: Accepted for compatibility with Keras; ignored.
            name: Name of the variable. Defaults to None.

        Returns:
            The variable. If it has a floating-point dtype, its ``assign_add`` loses no small values next to a large sum.
        """
        dtype = standardize_dtype(dtype)
        if isinstance(initializer, (str, dict)) or callable(initializer):
            with config.placement_scope("numpy"):
                initializer = initializers.get(initializer)(tuple(shape), dtype=dtype)
        with call_context.name_scope(self.name.replace("/", ">")):
            if is_float(dtype):
                variable: Variable = SumVariable(initializer, dtype=dtype, name=name)
            else:
                variable = Variable(initializer, dtype=dtype, trainable=False, autocast=False, name=name)
        self._variables.append(variable)
        return variable

    def _add_sums(self, names: Iterable[str], shape: tuple[int, ...], dtype: str) -> None:
        """Create a variable for each name, which is also that of its attribute, with zeros of the dtype that sums have."""
        for name in names:
            setattr(self, name, self.add_variable(shape, "zeros", dtype=sum_dtype(dtype), name=name))

    def add_weight(
        self, shape: tuple[int, ...] = (), initializer: Initializer = "zeros", dtype: str | None = None, name: str | None = None
    ) -> Variable:
        """Create a variable; an alias of :meth:`add_variable` with the older Keras name."""
        return self.add_variable(shape, "zeros" if initializer is None else initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The variables of the metric, followed by those of the metrics it contains."""
        owned = [item for name, value in list(vars(self).items()) if name not in _NOT_OWNED for item in _owned(value)]
        own = [*self._variables, *(item for item in owned if isinstance(item, Variable))]
        found = {id(variable): variable for variable in sorted(own, key=lambda variable: variable.made_at)}
        for metric in owned:
            if isinstance(metric, Metric):
                found.update((id(variable), variable) for variable in metric.variables)
        return list(found.values())

    def to_backend(self, name: str, device: str | None = None) -> None:
        """Move the variables to another backend or device (see ``Variable.to_backend``)."""
        for variable in self.variables:
            variable.to_backend(name, device)

    # --- State and result ---------------------------------------------------------------------------------------------

    def build(self, y_true_shape: tuple, y_pred_shape: tuple) -> None:
        """Create the variables that depend on shapes; most metrics have none. Compiled code calls this method first.

        Args:
            y_true_shape: Shape of the labels.
            y_pred_shape: Shape of the predictions.
        """

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Accumulate a batch: ``update_state(y_true, y_pred, sample_weight=None)``, or other arguments."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `update_state(y_true, y_pred, sample_weight=None)`.")

    def result(self) -> Any:
        """Return the result for all batches since the last :meth:`reset_state`: an array, or a dict of arrays."""
        raise NotImplementedError(f"`{type(self).__name__}` has no `result()`.")

    @autograph.not_converted
    def reset_state(self) -> None:
        """Reset all variables to zero."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, dtype="float32"))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Accumulate a batch and return the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    # --- Pure functions -----------------------------------------------------------------------------------------------

    @autograph.not_converted
    def stateless_update_state(self, metric_variables: list, *args: Any, **kwargs: Any) -> list:
        """Return the values of the variables after :meth:`update_state`, without changing the metric.

        Args:
            metric_variables: List of arrays, the values of :attr:`variables`, or the variables themselves. With these alone,
                sums are those of ``float32``, in which adding 1 has no effect from 2**24 on; the values of
                ``metrics.sum_variable.with_exact_sums(metric.variables)`` are updated without such losses.
            *args: Positional arguments of :meth:`update_state`.
            **kwargs: Keyword arguments of :meth:`update_state`.

        Returns:
            List of new arrays.

        Raises:
            InvalidArgumentError: The number of arrays differs from the number of variables, or ``update_state`` created new
                variables.

        Example:
            >>> from cornu import metrics, ops
            >>> mean = metrics.Mean()
            >>> total, count = mean.stateless_update_state([ops.array(0.0), ops.array(0.0)], ops.array([1.0, 3.0]))
            >>> float(total), float(count)
            (4.0, 2.0)
        """
        return self._purely(metric_variables, lambda: self.update_state(*args, **kwargs))[1]

    def stateless_result(self, metric_variables: list) -> Any:
        """Return the result for given values of the variables.

        Args:
            metric_variables: List of arrays, the values of :attr:`variables`.

        Raises:
            InvalidArgumentError: The number of arrays differs from the number of variables.
            InvalidTypeError: :meth:`result` returns None.
        """
        return self._purely(metric_variables, lambda: result_of(self))[0]

    def stateless_reset_state(self) -> list:
        """Return the values of the variables after :meth:`reset_state`."""
        zeros = [v.backend.full(v.shape, 0, v.dtype) for v in self.variables]
        return self._purely(zeros, self.reset_state)[1]

    def _purely(self, values: list, work: Callable) -> tuple[Any, list]:
        """Call a function with arrays in place of the variables; return its result and the new values of the variables."""
        public = self.variables
        variables = public if len(values) == len(public) else with_exact_sums(public)
        if len(values) != len(variables):
            raise InvalidArgumentError(
                f"The metric {self.name!r} received {len(values)} arrays for its {len(public)} variables.",
                "Each variable requires one array.",
                "Pass, for example, `[v.value for v in metric.variables]`.",
            )
        with _bound(variables, [unwrap(value) for value in values]) as bound:
            result = trees.map(unwrap, work())  # a metric may return a variable, whose value is known here
        if len(self.variables) != len(public):
            raise InvalidArgumentError(
                f"The metric {self.name!r} created new variables in `update_state`.",
                "In compiled code, all variables must exist before the first update.",
                "Create them in `__init__`, or in `build(y_true_shape, y_pred_shape)`.",
            )
        return result, [bound[id(variable)] for variable in variables]

    # --- Config -------------------------------------------------------------------------------------------------------

    def get_config(self) -> Config:
        """Return the arguments of the constructor; the name and the dtype are those of the metric, as in Keras."""
        arguments = super().get_config()
        first = {name: getattr(self, name) for name in ("name", "dtype") if name in arguments}
        return first | {name: value for name, value in arguments.items() if name not in first}

    # --- Other --------------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


def result_of(metric: Metric) -> Any:
    """Return the result of a metric that is trained or evaluated with.

    Raises:
        InvalidTypeError: It is None.
    """
    found = metric.result()
    if found is None:
        expected = "an array, or a dict from names to arrays"
        raise returned_none(f"{type(metric).__name__}.result", expected, "return self.total / self.count")
    return found


def _owned(value: Any) -> list:
    """Return the variables and metrics in the value of an attribute, also in lists, tuples and dicts."""
    leaves = trees.leaves(value) if isinstance(value, (list, tuple, dict)) else [value]
    return [leaf for leaf in leaves if isinstance(leaf, (Variable, Metric))]


def _where_its_variables_are(method: Callable) -> Callable:
    """Let a metric's method that is called outside of any call take NumPy data to the backend of the metric's variables."""

    @autograph.not_converted
    @functools.wraps(method)
    def wrapper(self: Metric, *args: Any, **kwargs: Any) -> Any:
        variables = self.variables
        if call_context.current() is not None:
            return autograph.not_recorded(method)(self, *args, **kwargs)
        if not variables:
            return method(self, *args, **kwargs)
        with config.placement_scope(*variables[0].place):
            return method(self, *args, **kwargs)

    return wrapper


@contextmanager
def _bound(variables: list[Variable], values: list) -> Iterator[dict[int, Any]]:
    """Bind the variables to values within the context, in addition to the values that the current call has bound."""
    running = call_context.current()
    outer = running.values if running is not None and running.values is not None else {}
    bound = {**outer, **{id(variable): value for variable, value in zip(variables, values, strict=True)}}
    with call_context.entered(call_context.CallContext(values=bound)), call_context.autocast(None):
        yield bound
