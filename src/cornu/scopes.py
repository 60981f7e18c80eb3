"""Scoped state: a value that ``with`` blocks override, with a default for the process.

A :class:`Scope` is read with ``get()``. ``with scope.set_to(value):`` overrides the value for the code inside the block, in the
current thread or asyncio task and in any copy of its context (``contextvars.copy_context``). Elsewhere the value is the default
of the process, which ``set_default`` changes under a lock; the change is visible to all threads, existing and new.

Values should be immutable: to push onto a stack, set a longer tuple. This module is independent of any array library.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")

construction_lock = threading.RLock()
"""Reentrant lock held while a layer is built and while PyTorch traces a function.

A single lock prevents a deadlock, since the two operations nest in either order: tracing a subclassed model builds its layers,
and building a layer may trace another layer to infer its shapes.
"""


class Scope(Generic[T]):
    """Value with a default for the process, which ``with`` blocks override.

    Args:
        name: Name of the underlying context variable, shown when a context is inspected.
        default: Value outside of all blocks.

    Example:
        >>> from cornu.scopes import Scope
        >>> language = Scope("language", "en")
        >>> with language.set_to("fr"):
        ...     language.get()
        'fr'
        >>> language.set_default("de")
        >>> language.get()
        'de'
    """

    __slots__ = ("_default", "_lock", "_variable")

    def __init__(self, name: str, default: T):
        self._variable: ContextVar[_Entry[T] | None] = ContextVar(name, default=None)
        self._default = default
        self._lock = threading.Lock()

    def get(self) -> T:
        """Return the value of the innermost block around the caller, or the default."""
        entry = self._variable.get()
        while entry is not None:
            if not entry.is_over:
                return entry.value
            entry = entry.outer
        return self._default

    def set_to(self, value: T) -> "_Block[T]":
        """Return a context manager inside which :meth:`get` returns this value; ``with`` returns it as well."""
        return _Block(self, value)

    def derive(self, function: Callable[[T], T]) -> "_Block[T]":
        """Return a context manager inside which :meth:`get` returns a function of the value outside of it.

        Args:
            function: Function of the value that :meth:`get` returns when the block is entered.

        Example:
            >>> from cornu.scopes import Scope
            >>> depth = Scope("depth", 0)
            >>> deeper = depth.derive(lambda outer: outer + 1)
            >>> with deeper, deeper:
            ...     depth.get()
            2
        """
        return _Block(self, None, function)

    def set_default(self, value: T) -> None:
        """Set the value used outside of all blocks, in every thread."""
        with self._lock:
            self._default = value

    def update_default(self, update: Callable[[T], T]) -> T:
        """Set the default to ``update(default)`` atomically and return the new default.

        Args:
            update: Function that maps the current default to the new one. It runs under the lock, so it must be fast and must
                not set the same default.
        """
        with self._lock:
            self._default = update(self._default)
            return self._default


class _Entry(Generic[T]):
    """A block that was entered: its value, and the entry around it.

    Attributes:
        value: The value inside the block.
        outer: Entry of the block around it; None if there is none.
        is_over: Whether the block ended where this entry could not be removed.
    """

    __slots__ = ("is_over", "outer", "value")

    def __init__(self, value: T, outer: "_Entry[T] | None"):
        self.value, self.outer, self.is_over = value, outer, False


class _Block(Generic[T]):
    """Context manager returned by :meth:`Scope.set_to`, which may be entered several times, also by several threads.

    A generator may leave a block in another order or context than it entered it. The entry of such a block cannot be removed
    from the context without changing those of other blocks; it is marked as over instead.
    """

    __slots__ = ("_function", "_scope", "_tokens", "_value")

    def __init__(self, scope: Scope[T], value: Any, function: Callable[[T], T] | None = None):
        self._scope, self._value, self._function = scope, value, function
        self._tokens: dict[_Entry[T], Token] = {}

    def __enter__(self) -> T:
        variable = self._scope._variable
        value = self._value if self._function is None else self._function(self._scope.get())
        entry = _Entry(value, variable.get())
        self._tokens[entry] = variable.set(entry)
        return value

    def __exit__(self, *exception: Any) -> None:
        variable = self._scope._variable
        innermost = entry = variable.get()
        while entry is not None and entry not in self._tokens:
            entry = entry.outer
        if entry is None:  # the block was entered in another context
            entry = next(reversed(self._tokens))
        token = self._tokens.pop(entry)
        if entry is innermost:
            try:
                variable.reset(token)
                return
            except ValueError:  # it was entered in the context that this one is a copy of
                pass
        entry.is_over = True


class ScopeObject:
    """Base class of context managers with attributes: entering one enters the block that it holds."""

    _block: AbstractContextManager

    def __enter__(self) -> Self:
        self._block.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self._block.__exit__(*exception)
