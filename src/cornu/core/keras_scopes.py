"""Context managers with the names of Keras: for the names of variables, the device, and the values of variables."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from cornu import backends, config
from cornu.core import call_context
from cornu.core.call_context import CallContext
from cornu.core.variable import Variable
from cornu.errors import InvalidArgumentError, InvalidTypeError, ShapeError
from cornu.ops.dispatch import unwrap
from cornu.scopes import ScopeObject
from cornu.typing import Array, ArrayLike


class name_scope(ScopeObject):
    """Context manager in which the paths of new variables start with a name, after those of the enclosing scopes.

    Args:
        name: Name of the scope, without ``/``.
        caller: Object that opens the scope. Defaults to None.
        deduplicate: Whether a scope that the same ``caller`` opens with the same name directly inside has no effect. Defaults
            to True.
        override_parent: Path that replaces the names of the enclosing scopes. Defaults to None.

    Raises:
        InvalidArgumentError: If ``name`` is not a string or contains ``/``.

    Example:
        >>> import cornu
        >>> with cornu.name_scope("block"):
        ...     variable = cornu.Variable([1.0], name="scale")
        >>> variable.path
        'block/scale'
    """

    def __init__(self, name: str, caller: Any = None, deduplicate: bool = True, override_parent: str | None = None):
        if not isinstance(name, str) or "/" in name:
            raise InvalidArgumentError(
                f"`name_scope` received name={name!r}.", "It must be a string without `/`.", "Nest scopes for a longer path."
            )
        self.name, self.caller, self.deduplicate, self.override_parent = name, caller, deduplicate, override_parent
        self._block = call_context.name_scope(name, override_parent, caller, deduplicate)


def device(device_name: str | None) -> AbstractContextManager:
    """Return a context manager in which new arrays, variables and layers are placed on a device of the default backend.

    Args:
        device_name: String such as ``"cpu:0"`` or ``"gpu:1"``; None for the best device of the backend.

    Raises:
        InvalidArgumentError: If the backend has no such device.
        InvalidTypeError: If ``device_name`` is no string.

    Example:
        >>> import cornu
        >>> with cornu.device("cpu:0"):
        ...     cornu.ops.zeros((2,)).tolist()
        [0.0, 0.0]
    """
    if device_name is None:
        return config.placement_scope(config.backend())
    if not isinstance(device_name, str):
        raise InvalidTypeError(
            f"`device` received device_name={device_name!r}.", "It must be a string or None.", "Pass, for example, 'cpu:0'."
        )
    return config.placement_scope(*backends.place(config.backend(), device_name.lower()))


class StatelessScope(ScopeObject):
    """Context manager in which variables have given values, and assignments to variables are collected instead of made.

    Args:
        state_mapping: Iterable of pairs of a variable and its value, an array. Other variables keep their values. Defaults to
            None.
        collect_losses: Whether losses that layers add inside are collected in ``losses``. Defaults to False.
        initialize_variables: Accepted for compatibility with Keras; ignored: initial values are drawn when they are read.

    Attributes:
        losses: List of the collected losses.

    Raises:
        InvalidArgumentError: If a key is not a variable.
        ShapeError: If a value has another shape than its variable.

    Example:
        >>> import cornu
        >>> variable = cornu.Variable([1.0])
        >>> with cornu.StatelessScope([(variable, [5.0])]) as scope:
        ...     _ = variable.assign_add([1.0])
        >>> scope.get_current_value(variable).tolist(), variable.numpy().tolist()
        ([6.0], [1.0])
    """

    def __init__(
        self,
        state_mapping: Iterable[tuple[Variable, ArrayLike]] | None = None,
        collect_losses: bool = False,
        initialize_variables: bool = True,
    ):
        self.collect_losses, self.initialize_variables = collect_losses, initialize_variables
        self._context = CallContext(values=dict(_bound(*pair) for pair in state_mapping or ()))
        self._context.captures = True
        self.losses: list[Array] = self._context.losses if collect_losses else []
        self._block = call_context.entered(self._context)

    def add_loss(self, loss: Array) -> None:
        """Add a loss to ``losses``."""
        self.losses.append(loss)

    def add_update(self, update: tuple[Variable, ArrayLike]) -> None:
        """Set the value of a variable inside the scope.

        Args:
            update: Pair of the variable and its value.
        """
        self._context.values.update([_bound(*update)])

    def get_current_value(self, variable: Variable) -> Any:
        """Return the value that a variable has inside the scope; None if it was neither given nor assigned."""
        return self._context.values.get(id(variable))


class SymbolicScope(ScopeObject):
    """Context manager in which code is run for the shapes and dtypes of its results alone.

    Variables keep their values, and initial values are not drawn: layers compute with zeros.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.Dense(3)
        >>> with cornu.SymbolicScope():
        ...     layer(cornu.ops.ones((2, 4))).shape
        (2, 3)
    """

    def __init__(self) -> None:
        self._block = call_context.entered(CallContext(values={}, abstract=True))


def _bound(variable: Variable, value: ArrayLike) -> tuple[int, Array]:
    """Return the entry of a variable for the values of a call context."""
    if not isinstance(variable, Variable):
        raise InvalidArgumentError(
            f"`StatelessScope` received a value for {variable!r}.",
            "The first element of each pair must be a variable.",
            "Pass, for example, `zip(model.trainable_variables, values)`.",
        )
    array = variable.backend.cast(variable.backend.asarray(unwrap(value)), variable.dtype)
    if tuple(array.shape) != tuple(variable.shape):
        raise ShapeError(
            f"`StatelessScope` received a value of shape {tuple(array.shape)} for the variable {variable.path!r}.",
            f"Its shape is {tuple(variable.shape)}.",
            "Check the order of the values.",
        )
    return id(variable), array
