"""What surrounds a call of a layer: training or not, the random key, borrowed values of variables, masks, hooks.

A layer's outermost call opens a :class:`CallContext`; the calls inside it share it. Compiled code opens one whose
variables are *bound*:
reading a bound variable gives the array it was bound to, assigning to it changes the binding and not the variable.
So the code of a layer is the same whether it runs eagerly or as a pure function.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any


class CallContext:
    """The surroundings of one outermost call.

    Attributes:
        training: Whether layers behave as in training; None if nobody said.
        values: Arrays that stand for variables: ``id(variable)`` to array. Filled for pure calls, None for eager ones.
        key: Where random numbers of this call come from; None takes new keys from ``cornu.seeds``.
        losses: What ``add_loss`` and activity regularizers collected.
        sample_mask: ``(batch,)``, 1 for a sample and 0 for padding; None if no sample is padding.
        hooks: Functions ``(layer, inputs, outputs) -> outputs`` called after each layer's call.
        on_trial: Whether only the form of the outputs is wanted: variables are not drawn, what they are assigned stays here.
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
        on_trial: bool = False,
        backend_name: str | None = None,
    ):
        self.training, self.values, self.key, self.sample_mask, self.hooks = training, values, key, sample_mask, hooks
        self.on_trial, self.backend_name = on_trial, backend_name
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


class _Stacks(threading.local):
    def __init__(self) -> None:
        self.contexts: list[CallContext] = []
        self.names: list[str] = []
        self.dtypes: list[str | None] = []


_stacks = _Stacks()


def current() -> CallContext | None:
    """The context of the call that is running in this thread, or None outside of any call."""
    return _stacks.contexts[-1] if _stacks.contexts else None


def is_outside() -> bool:
    """Whether no call is running in this thread, and nothing is cast."""
    return not _stacks.contexts and not _stacks.dtypes


@contextlib.contextmanager
def entered(context: CallContext) -> Iterator[CallContext]:
    """Makes a context the current one."""
    _stacks.contexts.append(context)
    try:
        yield context
    finally:
        _stacks.contexts.pop()


@contextlib.contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Variables made inside have paths that begin with this name (and those of the scopes around it)."""
    _stacks.names.append(name)
    try:
        yield
    finally:
        _stacks.names.pop()


def path_of(name: str) -> str:
    """The path of a thing made here: the names of the scopes around it and its own, joined by slashes."""
    return "/".join([*_stacks.names, name])


@contextlib.contextmanager
def autocast(dtype: str | None) -> Iterator[None]:
    """Inside, float variables are read in this dtype; None reads them as they are (mixed precision)."""
    _stacks.dtypes.append(dtype)
    try:
        yield
    finally:
        _stacks.dtypes.pop()


def autocast_dtype() -> str | None:
    """The dtype that float variables are read in, or None."""
    return _stacks.dtypes[-1] if _stacks.dtypes else None
