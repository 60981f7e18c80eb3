"""The ``Variable`` class: an array that a layer, a metric or an optimizer owns and may change."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import backends, config, initializers, ops, seeds
from cornu.core import call_context
from cornu.core.operators import ArrayOperators
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops.dispatch import unwrap
from cornu.typing import Array, ArrayLike, Initializer

_value_lock = threading.RLock()
"""Held while the value of a variable is set, so that an initial value drawn meanwhile does not replace an assigned one."""


class Variable(ArrayOperators):
    """An array that can be assigned to. It can be used wherever an array can.

    Args:
        initializer: Initial value: an array or scalar, or an identifier accepted by ``cornu.initializers.get``, which
            requires ``shape``. An initializer draws the values when the variable is first read, from a key taken at
            construction.
        shape: Tuple of integers, required for initializers. Defaults to None.
        dtype: Name of the dtype. Defaults to ``config.floatx()`` for initializers, else to the dtype of the array.
        trainable: Whether training may change the variable. Defaults to True.
        autocast: Whether a mixed-precision layer reads the variable in its compute dtype. Defaults to True.
        name: Name of the variable. The path consists of the names of the enclosing layers and this name, joined by slashes.
            Defaults to ``"variable"``.
        backend: Name of the backend that stores the array, on its default device. Defaults to the default backend.

    Attributes:
        regularizer: Function of the value that returns a penalty added to the loss, or None.
        constraint: Function of the value that returns the constrained value after each update, or None.
        place: Backend and device that store the array.
        made_trainable: Initial value of ``trainable``, which determines the position among the weights of a layer.

    Raises:
        InvalidArgumentError: If ``initializer`` is an initializer and ``shape`` is missing.

    Example:
        >>> import cornu
        >>> v = cornu.Variable([1.0, 2.0], name="v")
        >>> v.assign_add([1.0, 1.0])
        >>> (v * 2).tolist()
        [4.0, 6.0]
    """

    def __init__(
        self,
        initializer: Initializer | ArrayLike,
        shape: tuple[int, ...] | None = None,
        dtype: str | None = None,
        trainable: bool = True,
        autocast: bool = True,
        name: str | None = None,
        backend: str | None = None,
    ):
        self.name = name or "variable"
        self.path = call_context.path_of(self.name)
        self.trainable = self.made_trainable = trainable
        self.autocast = autocast
        self.regularizer: Callable | None = None
        self.constraint: Callable | None = None
        self.place = config.place() if backend is None else config.Placement(backend, config.device(backend))
        self._array: Array | None = None
        self._draw: Callable | None = None
        if callable(initializer) or isinstance(initializer, (str, dict)):
            self._defer_draw(initializers.get(initializer), shape, dtype or config.floatx())
        else:
            self._array = backends.array_at(self.place, unwrap(initializer), dtype)
            self.shape, self.dtype = tuple(self._array.shape), self.backend.dtype(self._array)

    def _defer_draw(self, initializer: Callable, shape: tuple[int, ...] | None, dtype: str) -> None:
        """Defer drawing the initial value until it is read, so that loading weights from a file never draws it."""
        if shape is None:
            raise InvalidArgumentError(
                f"The variable {self.name!r} received an initializer but no shape.",
                "An initializer requires the shape of the values to draw.",
                "Pass `shape=(...)`.",
            )
        self.shape, self.dtype = tuple(int(size) for size in shape), dtype
        key = seeds.next_key()

        def draw() -> Any:
            with seeds.using(key):
                return initializer(self.shape, dtype=dtype)

        self._draw = draw

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for copies and pickles, with the value as a NumPy array; an initial value is drawn for it."""
        return {**vars(self), "_array": self.backend.to_numpy(self._concrete()), "_draw": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._array = backends.array_at(self.place, state["_array"], self.dtype)

    # --- Reading and assigning ----------------------------------------------------------------------------------------

    @property
    def backend(self) -> Any:
        """The backend that stores the array (a module)."""
        return backends.get(self.place.backend)

    @property
    def value(self) -> Any:
        """The array. Inside compiled code, the array bound to the variable; in mixed precision, cast to the compute dtype."""
        bound = self._bound()
        if bound is None:
            array = self._concrete()
        elif id(self) in bound:
            array = bound[id(self)]
        else:  # initial values are not drawn in abstract evaluation
            array = self._concrete() if self._draw is None else self.backend.full(self.shape, 0, self.dtype)
        dtype = call_context.autocast_dtype()
        if dtype is not None and self.autocast and dtype != self.dtype and "float" in self.dtype:
            return backends.home(array).cast(array, dtype)
        return array

    def _bound(self) -> dict[int, Any] | None:
        """Return the bindings of the running call, or None if it has none for this variable."""
        context = call_context.current()
        if context is None or context.values is None:
            return None
        if context.abstract or id(self) in context.values:
            return context.values
        context.meets_unbound = True
        return None

    def _concrete(self) -> Any:
        while self._array is None and (draw := self._draw) is not None:
            place = self.place
            # Threads that draw at the same time use the same key and therefore draw the same values.
            drawn = backends.array_at(place, draw(), self.dtype)
            with _value_lock:
                if self._draw is draw and self.place == place:
                    self.set_unchecked(drawn)
        return self._array

    def assign(self, value: ArrayLike) -> None:
        """Set a new value of the same shape.

        Args:
            value: Array-like of the shape of the variable; it is cast to the dtype of the variable.

        Raises:
            ShapeError: If the shape differs.
        """
        bound = self._bound()
        array = unwrap(value)
        if bound is not None:
            backend = backends.home(bound[id(self)]) if id(self) in bound else backends.of(array)
            array = backend.cast(backend.asarray(array), self.dtype)
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
        else:
            self.set_unchecked(array)

    def set_unchecked(self, array: Array) -> None:
        """Set an array of the same shape, dtype and backend as the value, without checks, as training does for its state."""
        with _value_lock:
            self._array, self._draw = array, None

    def assign_add(self, value: ArrayLike) -> None:
        """Add an array to the value."""
        with call_context.autocast(None):  # a sum in 16 bits would not be stored in 32
            self.assign(ops.add(self, value))

    def assign_sub(self, value: ArrayLike) -> None:
        """Subtract an array from the value."""
        with call_context.autocast(None):
            self.assign(ops.subtract(self, value))

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
                source, self.place = self.backend, place
                if self._array is not None:
                    self._array = backends.array_at(place, source.to_numpy(self._array), self.dtype)

    def numpy(self) -> np.ndarray:
        """Return the value as a NumPy array."""
        value = self.value
        return backends.home(value).to_numpy(value)

    # --- Use in place of an array -------------------------------------------------------------------------------------

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
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={self.numpy()}>"


def values_of(variables: list[Variable]) -> list:
    """Return the :attr:`Variable.value` of each variable, with a fast path outside of calls for ``predict`` and ``fit``."""
    if call_context.is_outside():
        return [variable.value if variable._array is None else variable._array for variable in variables]
    return [variable.value for variable in variables]
