"""The ``Variable`` class: an array that a layer, a metric or an optimizer owns and may change."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import autograph, backends, config, initializers, ops, seeds, trees
from cornu.backends import engine_variables
from cornu.backends.engine_variables import EngineVariable
from cornu.core import call_context, structure_changes
from cornu.core.operators import ArrayOperators
from cornu.errors import BackendError, InvalidArgumentError, ShapeError, one_of, returned_none
from cornu.ops.dispatch import unwrap
from cornu.typing import Array, ArrayLike, DType, Initializer
from cornu.validation import standardize_dtype

_value_lock = threading.RLock()
"""Held while the value of a variable is set, so that an initial value drawn meanwhile does not replace an assigned one."""

_AGGREGATIONS = ("none", "mean", "sum", "only_first_replica")
_SYNCHRONIZATIONS = ("none", "on_read", "on_write", "auto")


class Variable(ArrayOperators):
    """An array that can be assigned to. It can be used wherever an array can.

    Args:
        initializer: Initial value: an array or scalar, or an identifier accepted by ``cornu.initializers.get``, which
            requires ``shape``. An initializer draws the values when the variable is first read, from a key taken at
            construction.
        shape: Tuple of integers, required for initializers. Defaults to None.
        dtype: Dtype: a name, a Python type, or a dtype of NumPy or an engine. Defaults to ``config.floatx()`` for initializers,
            else to the dtype of the array.
        trainable: Whether training may change the variable. Defaults to True.
        autocast: Whether a mixed-precision layer reads the variable in its compute dtype. Defaults to True.
        aggregation: How the copies of the variable on several devices are combined: ``"none"``, ``"mean"``, ``"sum"`` or
            ``"only_first_replica"``. Cornu keeps one copy and stores the value only. Defaults to ``"none"``.
        synchronization: When the copies are combined: ``"none"``, ``"on_read"``, ``"on_write"`` or ``"auto"``. Stored only.
            Defaults to ``"auto"``.
        name: Name of the variable. The path consists of the names of the enclosing layers and this name, joined by slashes.
            Defaults to ``"variable"``.
        layout: Accepted for compatibility with Keras; must be None.
        backend: Name of the backend that stores the array, on its default device. Defaults to the default backend.

    Attributes:
        aggregation, synchronization: The arguments.
        place: Backend and device that store the array.
        made_trainable: Initial value of ``trainable``, which determines the position among the weights of a layer.

    Raises:
        InvalidArgumentError: If ``initializer`` is an initializer and ``shape`` is missing, or another argument is invalid.

    Example:
        >>> import cornu
        >>> v = cornu.Variable([1.0, 2.0], name="v")
        >>> v.assign_add([1.0, 1.0]).tolist()
        [2.0, 3.0]
        >>> (v * 2).tolist()
        [4.0, 6.0]
    """

    def __init_subclass__(cls):
        super().__init_subclass__()
        backends.register_variable_type(cls)

    def __init__(
        self,
        initializer: Initializer | ArrayLike,
        shape: tuple[int, ...] | None = None,
        dtype: DType = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str | None = "auto",
        name: str | None = None,
        layout: None = None,
        backend: str | None = None,
    ):
        self.aggregation = _option("aggregation", aggregation, _AGGREGATIONS)
        self.synchronization = _option("synchronization", synchronization, _SYNCHRONIZATIONS)
        if layout is not None:
            raise _unsupported("layout", layout, "Cornu keeps a variable on one device.", "Omit it.")
        self.name = name or "variable"
        self.path = call_context.path_of(self.name)
        self._trainable = self.made_trainable = bool(trainable)
        self.made_at = structure_changes.record()
        self.autocast = autocast
        self._regularizer: Callable | None = None
        self._constraint: Callable | None = None
        self.place = config.place() if backend is None else config.Placement(backend, config.device(backend))
        self._array: Array | None = None
        self._draw: Callable | None = None
        self._engine_variable: EngineVariable | None = None
        dtype = None if dtype is None else standardize_dtype(dtype)
        if callable(initializer) or isinstance(initializer, (str, dict)):
            self._defer_draw(initializers.get(initializer), shape, dtype or config.floatx())
        else:
            self._array = self._own(backends.array_at(self.place, unwrap(initializer), dtype))
            if self.backend.is_traced(self._array):
                raise self._no_values("received")
            self.shape, self.dtype = tuple(self._array.shape), self.backend.dtype(self._array)

    def _defer_draw(self, initializer: Callable, shape: tuple[int, ...] | None, dtype: str) -> None:
        """Defer drawing the initial value until it is read, so that loading weights from a file never draws it."""
        if shape is None:
            raise InvalidArgumentError(
                f"The variable {self.name!r} received an initializer but no shape.",
                "An initializer requires the shape of the values to draw.",
                "Pass `shape=(...)`.",
            )
        if None in shape:
            raise InvalidArgumentError(
                f"The variable {self.name!r} received the shape {tuple(shape)}.",
                "All sizes of a variable must be known.",
                "Specify them, for example in the `Input` of the model.",
            )
        self.shape, self.dtype = tuple(int(size) for size in shape), dtype
        key = seeds.next_key()

        def draw() -> Any:
            with seeds.using(key):
                value = initializer(self.shape, dtype=dtype)
            if value is None:
                raise returned_none(initializer, f"the initial value of {self.path!r}", "return ops.zeros(shape, dtype)")
            return value

        self._draw = draw

    @property
    def regularizer(self) -> Callable | None:
        """Function of the value that returns a penalty added to the loss, or None."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Callable | None) -> None:
        self._regularizer = _function_or_none("regularizer", value)

    @property
    def constraint(self) -> Callable | None:
        """Function of the value that returns the constrained value after each update, or None."""
        return self._constraint

    @constraint.setter
    def constraint(self, value: Callable | None) -> None:
        self._constraint = _function_or_none("constraint", value)

    @property
    def overwrite_with_gradient(self) -> bool:
        """Whether an update replaces the variable by its gradient: always False. Keras uses it for 8-bit floats."""
        return False

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value: bool) -> None:
        if value is not False:
            expected = "Only False is supported: Cornu has no training in 8-bit floats, for which Keras has it."
            raise _unsupported("overwrite_with_gradient", value, expected, "Omit it.")

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, with the value as a NumPy array; an initial value is drawn for it."""
        array = self.backend.to_numpy(self._concrete())
        return {**vars(self), "_array": array, "_draw": None, "_engine_variable": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._array = backends.array_at(self.place, state["_array"], self.dtype)

    # --- Reading and assigning ----------------------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether training may change the variable."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = value
        structure_changes.record()

    @property
    def backend(self) -> Any:
        """The backend that stores the array (a module)."""
        return backends.get(self.place.backend)

    @property
    def value(self) -> Any:
        """The array. Inside compiled code, the array bound to the variable; in mixed precision, cast to the compute dtype."""
        bound = self._bound()
        if bound is None:
            held = self._observed_in_reads()
            array = self._concrete() if held is None else held.read(self.trainable and self._is_float())
        elif id(self) in bound:
            array = bound[id(self)]
        else:
            call_context.record_use(self)
            if self._draw is not None and call_context.is_abstract():  # initial values are not drawn
                array = self.backend.full(self.shape, 0, self.dtype)
            else:
                array = self._concrete()
        dtype = call_context.autocast_dtype()
        if dtype is not None and self.autocast and dtype != self.dtype and "float" in self.dtype:
            return backends.home(array).cast(array, dtype)
        return array

    def _bound(self) -> dict[int, Any] | None:
        """Return the bindings of the running call, or None if it has none for this variable."""
        context = call_context.current()
        if context is None or context.values is None:
            return None
        if context.captures or id(self) in context.values:
            return context.values
        context.meets_unbound = True
        return None

    def _concrete(self) -> Any:
        """Return the value as an array that no later assignment changes; draw it first if it is a deferred initial value."""
        if self._engine_variable is not None:
            return self._engine_variable.snapshot()
        while self._array is None and (draw := self._draw) is not None:
            place = self.place
            # Threads that draw at the same time use the same key and therefore draw the same values.
            with self.backend.concrete():
                drawn = backends.array_at(place, draw(), self.dtype)
            with _value_lock:
                if self._draw is draw and self.place == place:
                    self.set_unchecked(drawn)
        return self._array

    def _observed(self) -> Any:
        """Return the value as an array; if the engine observes reads, its own variable holds the value from now on."""
        self._observed_in_reads()
        return self._concrete()

    def _observed_in_reads(self) -> EngineVariable | None:
        """Return the engine's variable if it holds the value, or must from now on because the engine observes what is read."""
        if self._engine_variable is None:
            kind = engine_variables.find(self.backend)
            if kind is None or not kind.observes_reads(self.trainable and self._is_float()):
                return None
        return self.engine_variable()

    def _observed_in_assignments(self) -> EngineVariable | None:
        """Return the engine's variable if it holds the value, or must from now on because the engine records assignments."""
        if self._engine_variable is None:
            kind = engine_variables.find(self.backend)
            if kind is None or not kind.observes_assignments():
                return None
        return self.engine_variable()

    def engine_variable(self) -> Any:
        """Return the engine's own variable, which holds the value from now on; None for an engine without variables.

        It is a wrapper (see ``backends/engine_variables.py``); its attribute ``native`` is a ``tf.Variable`` or a
        ``torch.nn.Parameter``.
        """
        kind = engine_variables.find(self.backend)
        if kind is not None and self._engine_variable is None:
            self._concrete()
            with _value_lock:
                if self._engine_variable is None and self._array is not None:
                    self._engine_variable = kind(self._array, self.made_trainable and self._is_float(), self.name)
                    self._array = None
        return self._engine_variable

    def _is_float(self) -> bool:
        return "float" in self.dtype

    @autograph.not_converted
    def assign(self, value: ArrayLike) -> Any:
        """Set a new value of the same shape, and return it as an array of the variable's dtype.

        Args:
            value: Array-like of the shape of the variable; it is cast to the dtype of the variable.

        Raises:
            ShapeError: If the shape differs.
            BackendError: If the value has none yet, because a function is being traced by an engine that cannot record an
                assignment, such as JAX.
        """
        bound = self._bound()
        array = unwrap(value)
        if bound is not None:
            backend = backends.home(bound[id(self)]) if id(self) in bound else backends.of(array)
            array = backend.asarray(array, self.dtype)
        else:
            array = backends.array_at(self.place, array, self.dtype)
            if self.place.device is not None:  # an array of the same backend stays where it is
                array = self.backend.to_device(array, self.place.device)
        if tuple(array.shape) != self.shape:
            raise ShapeError(
                f"The variable {self.path!r} was assigned a value of shape {tuple(array.shape)}.",
                f"Its shape is {self.shape}.",
                "Reshape the value, or build the layer for other sizes.",
            )
        if bound is not None:
            bound[id(self)] = array
            call_context.record_use(self, assigned=True)
            return array
        held = self._observed_in_assignments()
        if self.backend.is_traced(array) and not (held is not None and held.records_assignments):
            raise self._no_values("was assigned")
        if held is None:
            self.set_unchecked(self._own(array))
        else:
            held.assign(array)
        return array

    def _no_values(self, verb: str) -> BackendError:
        """Return the error for an array that must not be stored, since a function is being traced."""
        return BackendError(
            f"The variable {self.path!r} {verb} an array without values, inside a function that {self.place.backend} traces or "
            "transforms.",
            "The array stands for the arguments of that function and is meaningless outside of it.",
            "Inside the function use `model.stateless_call`, `optimizer.stateless_apply` or `metric.stateless_update_state`, "
            "return the new values, and assign them after the call.",
        )

    def _own(self, array: Array) -> Any:
        """Return an array given by the user as one that the engine neither differentiates nor changes in place."""
        kind = engine_variables.find(self.backend)
        return array if kind is None else kind.own(array)

    def set_unchecked(self, array: Array) -> None:
        """Set an array of the same shape, dtype and backend as the value, without checks, as training does for its state."""
        with _value_lock:
            if self._engine_variable is None:
                self._array, self._draw = array, None
            else:
                self._engine_variable.replace(array)

    @autograph.not_converted
    def assign_add(self, value: ArrayLike) -> Any:
        """Add an array to the value, and return the new value."""
        with call_context.autocast(None):  # a sum in 16 bits would not be stored in 32
            return self.assign(ops.add(self, value))

    @autograph.not_converted
    def assign_sub(self, value: ArrayLike) -> Any:
        """Subtract an array from the value, and return the new value."""
        with call_context.autocast(None):
            return self.assign(ops.subtract(self, value))

    def to_backend(self, name: str, device: str | None = None) -> None:
        """Move the array to another backend or device.

        Args:
            name: Name of the backend.
            device: Name of a device of that backend. Defaults to its default device (``config.device``).

        Raises:
            InvalidArgumentError: If there is no such backend or device.
        """
        place = backends.place(name, device)
        if place != self.place:
            with _value_lock:
                source = self.backend
                now = self._concrete() if self._draw is None else None
                self.place = place
                if place.backend != source.NAME:
                    self._engine_variable = None
                if now is not None:
                    self.set_unchecked(backends.array_at(place, source.to_numpy(now), self.dtype))

    def numpy(self) -> np.ndarray:
        """Return the value as a NumPy array."""
        value = self.value if call_context.current() is not None else self._concrete()
        return backends.home(value).to_numpy(value)

    # --- Use in place of an array -------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        """Return an attribute by which functions of the engine recognize a variable."""
        attributes = engine_variables.attributes(self.backend) if "place" in vars(self) else {}
        if name not in attributes:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        return attributes[name](self)

    @classmethod
    def __torch_function__(cls, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> Any:
        """Call a function of PyTorch that received variables with their values."""
        return func(*trees.map(unwrap, args), **trees.map(unwrap, kwargs or {}))

    def __cornu_array__(self) -> Any:
        return self.value

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype=dtype)

    __array_priority__ = 1000  # NumPy's operators defer `array * variable` to this class

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    def __float__(self) -> float:
        return float(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __repr__(self) -> str:
        value = self.value if call_context.current() is not None else self._concrete()
        backend = backends.home(value)
        text = "" if backend.is_traced(value) else f", value={backend.to_numpy(value)}"  # NumPy shortens large arrays
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}{text}>"


def _option(argument: str, value: str | None, options: tuple[str, ...]) -> str:
    """Return the value of an argument, with ``"none"`` in the place of None, after a check."""
    if value is None:
        return "none"
    if value not in options:
        raise one_of(argument, value, options)
    return value


def _function_or_none(attribute: str, value: Any) -> Callable | None:
    if value is None or callable(value):
        return value
    raise InvalidArgumentError(
        f"`{attribute}={value!r}` was set on a variable.",
        "It must be a function of the value, or None.",
        f"Pass an object, such as `{attribute}s.get({value!r})`.",
    )


def _unsupported(argument: str, value: Any, expected: str, hint: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"A variable received `{argument}={value!r}`.", expected, hint)


backends.register_variable_type(Variable)


def values_of(variables: list[Variable]) -> list:
    """Return the value of each variable, for a computation that the engine need not differentiate.

    Outside of calls this is faster than :attr:`Variable.value`.
    """
    if call_context.is_outside():
        return [variable._concrete() if variable._array is None else variable._array for variable in variables]
    return [variable.value for variable in variables]


def detached_values_of(variables: list[Variable]) -> list:
    """Return the value of each variable such that the engine does not differentiate what is computed with it.

    In a function that the engine traces, the values are those at the time when the traced function runs.
    """
    return [variable.value if variable._bound() is not None else variable._observed() for variable in variables]
