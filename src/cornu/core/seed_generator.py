"""Source of the random keys that a layer uses while it runs."""

import threading
from typing import Any

import numpy as np

from cornu import backends, seeds, validation
from cornu.core import call_context
from cornu.core.random_key import RandomKey
from cornu.core.variable import Variable
from cornu.errors import InvalidTypeError
from cornu.ops.dispatch import unwrap

_WORD = 2**32

_lock = threading.Lock()
"""Held while a generator draws, so that no two threads receive the same key."""


class SeedGenerator:
    """Generator of random keys for a layer.

    In compiled training and prediction the keys are derived from the random key of the step, so that the step is pure; with an
    explicit ``seed`` from :attr:`state`, which counts the steps of training, so that the same program draws the same values in
    each run. In other calls they are derived from :attr:`state`, a variable that each draw changes.
    It is among the ``variables`` of the layer that has the generator as an attribute, but not among its ``weights``, as in
    Keras; so ``stateless_call`` returns its new value.

    Args:
        seed: Integer seed. Defaults to a seed drawn from the global generator.
        name: Name of the generator. Defaults to ``"seed_generator"``.

    Attributes:
        state: Variable of two integers, the seed and the number of draws.

    Raises:
        InvalidTypeError: If ``seed`` is neither an integer nor None.

    Example:
        >>> from cornu import random
        >>> first, second = random.SeedGenerator(7), random.SeedGenerator(7)
        >>> bool((random.uniform((3,), seed=first) == random.uniform((3,), seed=second)).all())
        True
    """

    def __init__(self, seed: int | None = None, name: str | None = None):
        if seed is not None and not validation.is_int(seed):
            raise InvalidTypeError(
                f"`SeedGenerator` received seed={seed!r}.", "A seed must be an integer or None.", "Pass, for example, `seed=1`."
            )
        self.seed, self.name = seed, name or "seed_generator"
        with call_context.name_scope(self.name):
            self.state = Variable(
                self._first_state, (2,), "uint32", trainable=False, autocast=False, name="seed_generator_state"
            )

    def _first_state(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        if self.seed is not None:
            return np.array([int(self.seed) % _WORD, 0], dtype=dtype)
        mixed = np.random.SeedSequence(seeds.next_key()).generate_state(1)[0]  # unlike all keys of `cornu.seeds`
        return np.array([mixed, 0], dtype=dtype)

    def next(self, ordered: bool = True) -> Any:
        """Return a key that was not used before in this call: an array of two integers, or a pair of integers.

        Args:
            ordered: Accepted for compatibility with Keras; keys are always in order.
        """
        context = call_context.current()
        if context is not None and context.key is not None:
            context.draws += 1
            key = context.key if self.seed is None else self._key_of_step(context)
            return key.fold_in(context.draws).value
        with _lock:
            return self._next_of_state()

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"seed": self.seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SeedGenerator":
        """Create a generator from the arguments that :meth:`get_config` returned."""
        return cls(**config)

    def _key_of_step(self, context: call_context.CallContext) -> RandomKey:
        """Return the key of a step that is derived from the explicit seed: from the state before the step."""
        start = (context.values or {}).get(id(self.state))
        if start is None:  # no layer of the step owns the generator
            start = backends.of(context.key.value).asarray(self._first_state((2,), "uint32"))
        key = RandomKey(start)
        for number in context.key.numbers:
            key = key.fold_in(number)
        return key

    def _next_of_state(self) -> Any:
        """Return the key that the state stands for, and advance the state.

        A state whose value is known is advanced on the host, so that code that an engine traces in the middle of an eager call,
        such as the body of a loop, does not put a traced array into it. Both ways return the same keys.
        """
        state = unwrap(self.state)
        backend = backends.home(state)
        if backend.is_traced(state):  # the state of a call that is being traced
            self.state.assign(backend.add(state, backend.asarray(np.array([0, 1], "uint32"))))
            return unwrap(self.state)
        seed, draws = backend.to_numpy(state).tolist()
        key = seed, (draws + 1) % _WORD
        self.state.assign(np.array(key, dtype="uint32"))
        return key
