"""Where a layer's random numbers come from while it runs."""

import threading
from typing import Any

from cornu import backends, seeds, validation
from cornu.core import call_context
from cornu.errors import InvalidTypeError

_lock = threading.Lock()
"""Held while a generator counts a draw: no two threads are given the same key."""


class SeedGenerator:
    """Gives a layer one key after another.

    In compiled code the keys follow from the key of the running call, so that the step is a pure function; in eager
    calls from the generator's own seed, or without one from ``cornu.seeds``.

    Args:
        seed: A whole number, or None.

    Raises:
        InvalidTypeError: It is something else.
    """

    def __init__(self, seed: int | None = None):
        if seed is not None and not validation.is_int(seed):
            raise InvalidTypeError(f"`seed={seed!r}` was given.", "A seed is a whole number, or None.", "Pass `seed=1`.")
        self.seed = seed
        self._draws = 0

    def next(self) -> Any:
        """A key that this call has not used yet: an array of two words, or a pair of numbers."""
        context = call_context.current()
        if context is not None and context.key is not None:
            context.draws += 1
            backend = backends.of(context.key)
            key = backend.fold_in(context.key, context.draws)
            return key if self.seed is None else backend.fold_in(key, self.seed)
        if self.seed is None:
            return seeds.next_key()
        with _lock:
            self._draws += 1
            return (self.seed, self._draws)
