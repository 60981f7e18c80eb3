"""What surrounds a call of a layer: training or not, the random key, borrowed values of variables, masks, hooks.

A layer's outermost call opens a :class:`CallContext`; the calls inside it share it. Compiled code opens one whose
variables are *bound*:
reading a bound variable gives the array it was bound to, assigning to it changes the binding and not the variable.
So the code of a layer is the same whether it runs eagerly or as a pure function.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from cornu.scopes import Scope


class CallContext:
    """The surroundings of one outermost call.

    Attributes:
        training: Whether layers behave as in training; None if nobody said.
        values: Arrays that stand for variables: ``id(variable)`` to array. Filled for pure calls, None for eager ones.
        key: Where random numbers of this call come from; None takes new keys from ``cornu.seeds``.
        losses: What ``add_loss`` and activity regularizers collected.
        sample_mask: ``(batch,)``, 1 for a sample and 0 for padding; None if no sample is padding.
        hooks: Functions ``(layer, inputs, outputs) -> outputs`` called after each layer's call.
        abstract: Whether only the form of the outputs is wanted: variables are not drawn, what they are assigned stays here.
        meets_unbound: Whether variables were read or assigned for which nothing stands: to compiled code these are constants.
        backend_name: The backend that all layers of the call run on in place of their own: one that records, for export.
    """

    def __init__(
        self,
        training: bool | None = None,
        values: dict[int, Any] | None = None,
        key: Any = None,
        sample_mask: Any = None,
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

    def mask_of(self, tensor: Any) -> Any:
        """The mask that an earlier layer of this call gave to a tensor, or None."""
        return self._masks.get(id(tensor), (None, None))[1]

    def set_mask(self, tensor: Any, mask: Any) -> None:
        """Remembers the mask of a tensor until the outermost call ends, and the tensor, so that its id stays its own."""
        self._masks[id(tensor)] = (tensor, mask)


_call: Scope[Any] = Scope("the running call", None)
_names: Scope[tuple[str, ...]] = Scope("names of the scopes around", ())
_read_as: Scope[str | None] = Scope("dtype that float variables are read in", None)


def current() -> CallContext | None:
    """The context of the call that is running in this thread, or None outside of any call."""
    return _call.get()


def is_outside() -> bool:
    """Whether no call is running in this thread, and nothing is cast."""
    return _call.get() is None and _read_as.get() is None


def entered(context: CallContext) -> AbstractContextManager[CallContext]:
    """Makes a context the current one."""
    return _call.set_to(context)


def name_scope(name: str) -> AbstractContextManager:
    """Variables made inside have paths that begin with this name (and those of the scopes around it)."""
    return _names.set_to((*_names.get(), name))


def path_of(name: str) -> str:
    """The path of a thing made here: the names of the scopes around it and its own, joined by slashes."""
    return "/".join([*_names.get(), name])


def autocast(dtype: str | None) -> AbstractContextManager:
    """Inside, float variables are read in this dtype; None reads them as they are (mixed precision)."""
    return _read_as.set_to(dtype)


def autocast_dtype() -> str | None:
    """The dtype that float variables are read in, or None."""
    return _read_as.get()
