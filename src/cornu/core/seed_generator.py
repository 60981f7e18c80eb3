"""Source of the random keys that a layer uses while it runs."""

import threading
from typing import Any

from cornu import backends, seeds, validation
from cornu.core import call_context
from cornu.errors import InvalidTypeError

_lock = threading.Lock()
"""Held while a generator counts a draw, so that no two threads receive the same key."""


class SeedGenerator:
    """Generator of random keys for a layer.

    In compiled code the keys are derived from the key of the running call, so that the step is a pure function. In eager calls
    they are derived from the seed of the generator, or taken from ``cornu.seeds`` if it has no seed.

    Args:
        seed: Integer seed. Defaults to None.

    Raises:
        InvalidTypeError: If ``seed`` is neither an integer nor None.

    Example:
        >>> from cornu import random
        >>> first, second = random.SeedGenerator(7), random.SeedGenerator(7)
        >>> bool((random.uniform((3,), seed=first) == random.uniform((3,), seed=second)).all())
        True
    """

    def __init__(self, seed: int | None = None):
        if seed is not None and not validation.is_int(seed):
            raise InvalidTypeError(
                f"`SeedGenerator` received seed={seed!r}.", "A seed must be an integer or None.", "Pass, for example, `seed=1`."
            )
        self.seed = seed
        self._draws = 0

    def next(self) -> Any:
        """Return a key that was not used before in this call: an array of two integers, or a pair of integers."""
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
