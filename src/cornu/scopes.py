"""Scoped state: a value that ``with`` blocks override, with a default for the process.

A :class:`Scope` is read with ``get()``. ``with scope.set_to(value):`` overrides the value for the code inside the block, in the
current thread or asyncio task and in any copy of its context (``contextvars.copy_context``). Elsewhere the value is the default
of the process, which ``set_default`` changes under a lock; the change is visible to all threads, existing and new.

Values should be immutable: to push onto a stack, set a longer tuple. This module is independent of any array library.
"""

import threading
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Generic, TypeVar

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
        self._variable: ContextVar[T] = ContextVar(name)  # unset outside of all blocks
        self._default = default
        self._lock = threading.Lock()

    def get(self) -> T:
        """Return the value of the innermost block around the caller, or the default."""
        return self._variable.get(self._default)

    def set_to(self, value: T) -> "_Block[T]":
        """Return a context manager inside which :meth:`get` returns this value; ``with`` returns it as well."""
        return _Block(self, value)

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


class _Block(Generic[T]):
    """Context manager returned by :meth:`Scope.set_to`. Entering a class is three times as fast as a generator."""

    __slots__ = ("_scope", "_token", "_value")

    def __init__(self, scope: Scope[T], value: T):
        self._scope, self._value = scope, value

    def __enter__(self) -> T:
        self._token = self._scope._variable.set(self._value)
        return self._value

    def __exit__(self, *exception: Any) -> None:
        variable, token = self._scope._variable, self._token
        try:
            variable.reset(token)
        except ValueError:  # a generator entered the block in another context than this copy, in which the token is invalid
            variable.set(self._scope._default if token.old_value is Token.MISSING else token.old_value)
