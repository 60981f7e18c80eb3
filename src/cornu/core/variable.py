"""A variable: one array that a layer, a metric or an optimizer owns and may change."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu import backends, config, initializers, ops, seeds
from cornu.core import call_context
from cornu.core.operators import ArrayOperators
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops.dispatch import unwrap

_settling = threading.RLock()
"""Held while an array becomes the value of a variable, so that none that was drawn replaces one that was assigned meanwhile."""


class Variable(ArrayOperators):
    """An array that can be assigned to. It may be used wherever an array may.

    Args:
        initializer: The first value: an array or number, or what ``cornu.initializers.get`` understands
            (then ``shape`` is needed). Numbers are drawn when the value is first read, from a key that is taken now.
        shape: Shape, if the initializer is a function.
        dtype: Name of the dtype; default ``config.floatx()`` (or the array's own).
        trainable: Whether training may change it.
        autocast: Whether a mixed-precision layer reads it in its compute dtype.
        name: Its name; the path is the names of the layers around it and this name, joined by slashes.
        backend: Name of the backend that holds the array; default the default backend. The device is the default one there.

    Attributes:
        regularizer: Function of the value that gives a penalty added to the loss, or None.
        constraint: Function of the value that gives the value to take after each update, or None.
        place: The backend, and the device of it, that holds the array.
        made_trainable: What ``trainable`` was at first: it settles the place among the weights of a layer.

    Raises:
        InvalidArgumentError: ``initializer`` is a function and ``shape`` is missing.

    Example:
        >>> import cornu
        >>> v = cornu.Variable([1.0, 2.0], name="v")
        >>> v.assign_add([1.0, 1.0])
        >>> (v * 2).tolist()
        [4.0, 6.0]
    """

    def __init__(
        self,
        initializer: Any,
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
        self._array: Any = None
        self._draw: Callable | None = None
        if callable(initializer) or isinstance(initializer, (str, dict)):
            self._put_off(initializers.get(initializer), shape, dtype or config.floatx())
        else:
            self._array = backends.array_at(self.place, unwrap(initializer), dtype)
            self.shape, self.dtype = tuple(self._array.shape), self.backend.dtype(self._array)

    def _put_off(self, initializer: Callable, shape: tuple[int, ...] | None, dtype: str) -> None:
        """Remembers how to draw the first value. It is drawn when it is read: a file that is loaded never needs it."""
        if shape is None:
            raise InvalidArgumentError(
                f"The variable {self.name!r} was given an initializer and no shape.",
                "An initializer needs to know how many numbers to draw.",
                "Pass `shape=(...)`.",
            )
        self.shape, self.dtype = tuple(int(size) for size in shape), dtype
        key = seeds.next_key()

        def draw() -> Any:
            with seeds.using(key):
                return initializer(self.shape, dtype=dtype)

        self._draw = draw

    # --- Reading and assigning ----------------------------------------------------------------------------------------

    @property
    def backend(self) -> Any:
        """The backend that holds the array (a module)."""
        return backends.get(self.place.backend)

    @property
    def value(self) -> Any:
        """The array; inside compiled code the array it is bound to, in mixed precision as the compute dtype."""
        bound = self._bound()
        if bound is None:
            array = self._concrete()
        elif id(self) in bound:
            array = bound[id(self)]
        else:  # on trial nothing is drawn
            array = self._concrete() if self._draw is None else self.backend.full(self.shape, 0, self.dtype)
        dtype = call_context.autocast_dtype()
        if dtype is not None and self.autocast and dtype != self.dtype and "float" in self.dtype:
            return backends.home(array).cast(array, dtype)
        return array

    def _bound(self) -> dict[int, Any] | None:
        """Where the running call keeps what stands for variables, if it does so for this one."""
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
            drawn = backends.array_at(place, draw(), self.dtype)  # several threads may draw at once: the same, of one key
            with _settling:
                if self._draw is draw and self.place == place:
                    self.set_unchecked(drawn)
        return self._array

    def assign(self, value: Any) -> None:
        """Gives it a new value of the same shape.

        Raises:
            ShapeError: The shape is another one.
        """
        bound = self._bound()
        value = unwrap(value)
        if bound is not None:
            backend = backends.home(bound[id(self)]) if id(self) in bound else backends.of(value)
            value = backend.cast(backend.asarray(value), self.dtype)
        else:
            value = backends.array_at(self.place, value, self.dtype)
            if self.place.device is not None:  # an array of the same backend stays where it is
                value = self.backend.to_device(value, self.place.device)
        if tuple(value.shape) != self.shape:
            raise ShapeError(
                f"The variable {self.path!r} was assigned a value of shape {tuple(value.shape)}.",
                f"Its shape is {self.shape}.",
                "Reshape the value, or build the layer for other sizes.",
            )
        if bound is not None:
            bound[id(self)] = value
        else:
            self.set_unchecked(value)

    def set_unchecked(self, array: Any) -> None:
        """Takes an array of its own shape, dtype and backend as its value, unchecked: how training hands its state back."""
        with _settling:
            self._array, self._draw = array, None

    def assign_add(self, value: Any) -> None:
        """Adds to its value."""
        with call_context.autocast(None):  # a sum in 16 bits would not be stored in 32
            self.assign(ops.add(self, value))

    def assign_sub(self, value: Any) -> None:
        """Subtracts from its value."""
        with call_context.autocast(None):
            self.assign(ops.subtract(self, value))

    def to_backend(self, name: str, device: str | None = None) -> None:
        """Moves the array to another backend or device.

        Args:
            name: Name of the backend.
            device: Name of a device there; default the default one (``config.device``).

        Raises:
            InvalidArgumentError: There is no such backend or device.
        """
        place = backends.place(name, device)
        if place != self.place:
            with _settling:
                source, self.place = self.backend, place
                if self._array is not None:
                    self._array = backends.array_at(place, source.to_numpy(self._array), self.dtype)

    def numpy(self) -> np.ndarray:
        """The value as a NumPy array."""
        value = self.value
        return backends.home(value).to_numpy(value)

    # --- Standing for an array ----------------------------------------------------------------------------------------

    def __cornu_array__(self) -> Any:
        return self.value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.numpy(), dtype=dtype)

    __array_priority__ = 1000  # NumPy's operators leave `array * variable` to us

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return int(np.prod(self.shape))

    def __float__(self) -> float:
        return float(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={self.numpy()}>"


def values_of(variables: list[Variable]) -> list:
    """The :attr:`Variable.value` of each; quick outside of calls, where ``predict`` and ``fit`` ask for all at once."""
    if call_context.is_outside():
        return [variable.value if variable._array is None else variable._array for variable in variables]
    return [variable.value for variable in variables]
