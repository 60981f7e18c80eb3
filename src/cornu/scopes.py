"""The one way to scope state: a value that ``with`` blocks set for the code inside them, and setters for the whole process.

A :class:`Scope` is read by ``get()``. Inside ``with scope.set_to(value):`` it is that value for the code that runs there, in
this thread or asyncio task alone, and in what runs in a copy of its context (``contextvars.copy_context``). Everywhere else it
is the default of the process, which ``set_default`` changes under a lock, so that all threads, also later ones, see it.

Values should be immutable: a block that adds to a stack sets a longer tuple. Plain Python: this module knows nothing of arrays.
"""

import threading
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, Generic, TypeVar

T = TypeVar("T")

construction_lock = threading.RLock()
"""Held while a layer is built, and while PyTorch traces a function, by one thread at a time.

It is one lock, since each happens inside the other: a layer inside a subclassed model is built when the model is traced, and
a layer that is built may trace another one to find its shapes. With two locks, two threads could wait for each other.
"""


class Scope(Generic[T]):
    """A value with a default for the process, which ``with`` blocks set to something else.

    Args:
        name: What it is, for whoever looks at a context.
        default: The value outside of all blocks.

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
        """Return the value of the innermost block around the caller, or else the default."""
        return self._variable.get(self._default)

    def set_to(self, value: T) -> "_Block[T]":
        """Return a context manager inside which :meth:`get` returns this value; ``with`` returns it as well."""
        return _Block(self, value)

    def set_default(self, value: T) -> None:
        """Set the value that holds outside of all blocks, in every thread."""
        with self._lock:
            self._default = value

    def update_default(self, update: Callable[[T], T]) -> T:
        """Set the default to ``update(default)``; no other thread sets it in between. Return the new one.

        Args:
            update: Quick, and calls nothing that sets the same default.
        """
        with self._lock:
            self._default = update(self._default)
            return self._default


class _Block(Generic[T]):
    """What :meth:`Scope.set_to` returns. A class, since entering a decorated generator takes three times as long."""

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
        except ValueError:  # a generator began the block in another context, and ends it in a copy, where tokens are refused
            variable.set(self._scope._default if token.old_value is Token.MISSING else token.old_value)
