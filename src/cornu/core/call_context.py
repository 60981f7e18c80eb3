"""The context of a layer call: training mode, random key, values bound to variables, masks and hooks.

The outermost call of a layer opens a :class:`CallContext`, which the calls inside it share. Compiled code opens a context in
which variables are *bound*: reading a bound variable returns the array that it was bound to, and assigning to it changes the
binding instead of the variable. The code of a layer is therefore the same in eager execution and as a pure function.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from cornu.scopes import Scope
from cornu.typing import Array, ArrayLike


class CallContext:
    """The context of one outermost call.

    Attributes:
        training: Whether layers behave as in training; None if it was not specified.
        values: Arrays bound to variables, as a dict from ``id(variable)`` to array, for pure calls; None for eager calls.
        key: Random key of the call; None draws new keys from ``cornu.seeds``.
        losses: Losses collected by ``add_loss`` and activity regularizers.
        sample_mask: Array of shape ``(batch,)``, 1 for a sample and 0 for padding; None if no sample is padding.
        hooks: Functions ``(layer, inputs, outputs) -> outputs`` called after the call of each layer.
        abstract: Whether only the shapes and dtypes of the outputs are needed: initial values of variables are not drawn,
            and assignments to variables are kept in the context.
        meets_unbound: Whether an unbound variable was read or assigned; compiled code would treat it as a constant.
        backend_name: Name of a backend that replaces the backends of all layers in the call, such as one that records for
            export; None to use the layers' own backends.
    """

    def __init__(
        self,
        training: bool | None = None,
        values: dict[int, Any] | None = None,
        key: ArrayLike | None = None,
        sample_mask: Array | None = None,
        hooks: tuple[Callable, ...] = (),
        abstract: bool = False,
        backend_name: str | None = None,
    ):
        self.training, self.values, self.key, self.sample_mask, self.hooks = training, values, key, sample_mask, hooks
        self.abstract, self.backend_name = abstract, backend_name
        self.losses: list = []
        self.draws = 0
        self.meets_unbound = False
        self._masks: dict[int, tuple[Any, Any]] = {}

    def mask_of(self, tensor: Array) -> Any:
        """Return the mask that an earlier layer of this call assigned to a tensor, or None."""
        return self._masks.get(id(tensor), (None, None))[1]

    def set_mask(self, tensor: Array, mask: Array | None) -> None:
        """Store the mask of a tensor until the outermost call ends; the tensor is kept alive so that its id stays unique."""
        self._masks[id(tensor)] = (tensor, mask)


_call: Scope[Any] = Scope("the running call", None)
_names: Scope[tuple[str, ...]] = Scope("names of the enclosing scopes", ())
_read_as: Scope[str | None] = Scope("dtype that float variables are read in", None)


def current() -> CallContext | None:
    """Return the context of the call that is running in this thread, or None outside of a call."""
    return _call.get()


def is_outside() -> bool:
    """Return whether no call is running in this thread and no autocasting is active."""
    return _call.get() is None and _read_as.get() is None


def entered(context: CallContext) -> AbstractContextManager[CallContext]:
    """Return a context manager that makes a context the current one."""
    return _call.set_to(context)


def name_scope(name: str) -> AbstractContextManager:
    """Return a context manager in which the paths of new variables start with this name, after those of enclosing scopes."""
    return _names.set_to((*_names.get(), name))


def path_of(name: str) -> str:
    """Return the path of an object created here: the names of the enclosing scopes and its own, joined by slashes."""
    return "/".join([*_names.get(), name])


def autocast(dtype: str | None) -> AbstractContextManager:
    """Return a context manager in which floating-point variables are read in this dtype; None disables casting."""
    return _read_as.set_to(dtype)


def autocast_dtype() -> str | None:
    """Return the dtype in which floating-point variables are read, or None."""
    return _read_as.get()
