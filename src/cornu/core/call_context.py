"""The context of a layer call: training mode, random key, values bound to variables and hooks.

The outermost call of a layer opens a :class:`CallContext`, which the calls inside it share. Compiled code opens a context in
which variables are *bound*: reading a bound variable returns the array that it was bound to, and assigning to it changes the
binding instead of the variable. The code of a layer is therefore the same in eager execution and as a pure function.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from cornu.core.random_key import RandomKey
from cornu.scopes import Scope
from cornu.typing import Array


class CallContext:
    """The context of one outermost call.

    Attributes:
        training: Whether layers behave as in training; None if it was not specified.
        values: Arrays bound to variables, as a dict from ``id(variable)`` to array, for pure calls; None for eager calls.
        key: Random key of the step that the call belongs to; None to draw the keys of generators from their states.
        losses: Losses collected by ``add_loss`` and activity regularizers.
        sample_mask: Array of shape ``(batch,)``, 1 for a sample and 0 for padding; None if no sample is padding.
        hooks: Functions ``(layer, inputs, outputs) -> outputs`` called after the call of each layer.
        abstract: Whether only the shapes and dtypes of the outputs are needed: initial values of variables are not drawn,
            and are zero.
        meets_unbound: Whether an unbound variable was read or assigned; compiled code would treat it as a constant.
        backend_name: Name of a backend that replaces the backends of all layers in the call, such as one that records for
            export; None to use the layers' own backends.
        captures: Whether assignments to unbound variables are kept in the context too, as in ``abstract`` evaluation.
        is_step: Whether it is the context of code that calls layers, such as a training step. A call of a layer inside it
            opens a context of its own (see :meth:`begin_call`).
        assigned: Variables that were assigned to in the context, as a dict from ``id(variable)`` to variable.
        touched: Unbound variables that were read or assigned to while the context captures assignments, in the same form.
        differentiates: Whether ``value_and_grad`` was called in the context.
        silent: The layers whose call returned None, the last one at the end.
    """

    def __init__(
        self,
        training: bool | None = None,
        values: dict[int, Any] | None = None,
        key: RandomKey | None = None,
        sample_mask: Array | None = None,
        hooks: tuple[Callable, ...] = (),
        abstract: bool = False,
        backend_name: str | None = None,
    ):
        self.training, self.values, self.key, self.sample_mask, self.hooks = training, values, key, sample_mask, hooks
        self.abstract, self.backend_name, self.captures, self.is_step = abstract, backend_name, abstract, False
        self.losses: list = []
        self.draws = 0
        self.meets_unbound = False
        self.differentiates = False
        self.assigned: dict[int, Any] = {}
        self.touched: dict[int, Any] = {}
        self.silent: list = []
        self._losses_of_calls: dict[int, CallLosses] = {}

    @classmethod
    def of_step(cls, values: dict[int, Any], key: RandomKey | None = None, abstract: bool = False) -> "CallContext":
        """Return a context of code that calls layers; it captures assignments (see the attributes)."""
        context = cls(values=values, key=key, abstract=abstract)
        context.captures = context.is_step = True
        return context

    def begin_call(self, values: dict[int, Any] | None = None) -> "CallContext":
        """Return the context of a call of a layer in a step: with the same bindings and random keys.

        Args:
            values: Arrays bound to variables in this call. Defaults to the bindings of the step.
        """
        values = self.values if values is None else values
        inner = CallContext(self.training, values, self.key, self.sample_mask, self.hooks, self.abstract, self.backend_name)
        inner.captures = self.captures
        inner.draws, inner.assigned, inner.touched, inner.silent = self.draws, self.assigned, self.touched, self.silent
        return inner

    def end_call(self, layer_id: int, inner: "CallContext", penalties: list | None = None) -> None:
        """Continue the step after a call of a layer.

        Args:
            layer_id: ``id`` of the layer.
            inner: Context of the call.
            penalties: Regularization penalties of the layer, if its variables were bound for the call only; None to compute
                them when they are read.
        """
        self.draws = inner.draws
        self.differentiates = self.differentiates or inner.differentiates
        self.meets_unbound = self.meets_unbound or inner.meets_unbound
        self._losses_of_calls[layer_id] = CallLosses(inner.losses, penalties)

    def see_losses_of(self, outer: "CallContext") -> None:
        """Start with the losses of the calls that were made in another context."""
        self._losses_of_calls = dict(outer._losses_of_calls)

    def losses_of(self, layer_id: int) -> "CallLosses":
        """Return the losses of the last call of a layer in this step, or those of the running call."""
        return self._losses_of_calls.get(layer_id, _NO_LOSSES) if self.is_step else CallLosses(self.losses, None)


class CallLosses(NamedTuple):
    """Losses of a call of a layer.

    Attributes:
        added: Losses collected by ``add_loss`` and activity regularizers.
        penalties: Penalties of the regularizers of variables; None if they were not computed.
    """

    added: list
    penalties: list | None


_NO_LOSSES = CallLosses([], None)


class _Names(NamedTuple):
    """Names of the enclosing scopes.

    Attributes:
        path: The names, outermost first.
        caller: Object that opened the innermost scope, or None.
    """

    path: tuple[str, ...]
    caller: Any


_call: Scope[Any] = Scope("the running call", None)
_names: Scope[_Names] = Scope("names of the enclosing scopes", _Names((), None))
_in_gradient: Scope[bool] = Scope("whether a loss is computed in order to differentiate it", False)
_read_as: Scope[str | None] = Scope("dtype that float variables are read in", None)


def current() -> CallContext | None:
    """Return the context of the call that is running in this thread, or None outside of a call."""
    return _call.get()


def is_outside() -> bool:
    """Return whether no call is running in this thread and no autocasting is active."""
    return _call.get() is None and _read_as.get() is None


def is_abstract() -> bool:
    """Return whether the running call only infers shapes and dtypes."""
    context = _call.get()
    return context is not None and context.abstract


def silent_layers() -> list:
    """Return the layers whose call returned None in the running call, the last one at the end."""
    context = _call.get()
    return [] if context is None else context.silent


def record_use(variable: Any, assigned: bool = False) -> None:
    """Record in the running call, which captures assignments, that a variable was read or assigned to."""
    context = _call.get()
    if context is None:
        return
    context.touched[id(variable)] = variable
    if assigned:
        context.assigned[id(variable)] = variable


def continue_after(inner: CallContext) -> None:
    """Continue the running call after a context inside it ended: its random keys were used, and it may have differentiated."""
    context = _call.get()
    if context is not None:
        context.draws = inner.draws
        context.differentiates = context.differentiates or inner.differentiates
        context.meets_unbound = context.meets_unbound or inner.meets_unbound


def entered(context: CallContext) -> AbstractContextManager[CallContext]:
    """Return a context manager that makes a context the current one."""
    return _call.set_to(context)


def in_gradient() -> AbstractContextManager:
    """Return a context manager for the computation of a loss that is differentiated."""
    return _in_gradient.set_to(True)


def is_in_gradient() -> bool:
    """Return whether a loss is computed in order to differentiate it."""
    return _in_gradient.get()


def name_scope(name: str, parent: str | None = None, caller: Any = None, deduplicate: bool = False) -> AbstractContextManager:
    """Return a context manager in which the paths of new variables start with this name, after those of enclosing scopes.

    Args:
        name: The name.
        parent: Path that replaces the names of the enclosing scopes. Defaults to None.
        caller: Object that opens the scope. Defaults to None.
        deduplicate: Whether the scope has no effect directly inside a scope of the same name that the same caller opened.
            Defaults to False.
    """

    def inside(outer: _Names) -> _Names:
        if deduplicate and caller is not None and outer.caller is caller and outer.path[-1:] == (name,):
            return outer
        start = outer.path if parent is None else parent.split("/")
        return _Names(tuple(filter(None, (*start, name))), caller)

    return _names.derive(inside)


def path_of(name: str) -> str:
    """Return the path of an object created here: the names of the enclosing scopes and its own, joined by slashes."""
    return "/".join([*_names.get().path, name])


def autocast(dtype: str | None) -> AbstractContextManager:
    """Return a context manager in which floating-point variables are read in this dtype; None disables casting."""
    return _read_as.set_to(dtype)


def autocast_dtype() -> str | None:
    """Return the dtype in which floating-point variables are read, or None."""
    return _read_as.get()
