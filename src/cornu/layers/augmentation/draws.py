"""Random parameters of a transformation: drawn on the host in eager calls, by the engine in compiled ones."""

from typing import Any

import numpy as np

from cornu import backends, seeds
from cornu.backends.contract import Backend
from cornu.ops.random import Seed, beta
from cornu.typing import Array


class Draws:
    """Random values of one call, drawn one after the other.

    In an eager call, the key of a generator is a pair of integers: the values are drawn on the host by NumPy's Philox
    generator, and are the same on every engine. In compiled code the key is an array, and its engine draws them.

    Args:
        seed: Key, integer seed or a SeedGenerator; None for a new key.
        backend: Backend of the results, if the key is a pair of integers.

    Example:
        >>> from cornu import backends
        >>> from cornu.layers.augmentation.draws import Draws
        >>> first, second = (Draws(7, backends.get("numpy")).uniform((2,)) for _ in range(2))
        >>> bool((first == second).all())
        True
    """

    def __init__(self, seed: Seed, backend: Backend):
        words: Any = seed.next() if hasattr(seed, "next") else seed  # type: ignore[union-attr]
        if words is None or isinstance(words, (int, np.integer)):
            words = seeds.key_from(None if words is None else int(words))
        self.backend, self._host, self._key, self._count = backend, None, words, 0
        if isinstance(words, (list, tuple)):
            key = np.array([int(word) for word in words], dtype="uint64")
            self._host = np.random.Generator(np.random.Philox(key=key))
        else:
            self.backend = backends.home(words)

    def _next_key(self) -> Array:
        self._count += 1
        return self.backend.fold_in(self._key, self._count)

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Array:
        """Draw from the uniform distribution on ``[low, high)``."""
        if self._host is not None:
            return self.backend.asarray((self._host.random(shape) * (high - low) + low).astype("float32"))
        drawn = self.backend.random_uniform(self._next_key(), shape, "float32")
        return self.backend.add(self.backend.multiply(drawn, float(high - low)), float(low))

    def normal(self, shape: tuple[int, ...]) -> Array:
        """Draw from the standard normal distribution."""
        if self._host is not None:
            return self.backend.asarray(self._host.standard_normal(shape).astype("float32"))
        return self.backend.random_normal(self._next_key(), shape, "float32")

    def flags(self, shape: tuple[int, ...], probability: Array | float) -> Array:
        """Draw booleans that are True with a probability."""
        return self.backend.less(self.uniform(shape), probability)

    def signs(self, shape: tuple[int, ...]) -> Array:
        """Draw -1.0 or 1.0 with equal probability."""
        return self.backend.where(self.flags(shape, 0.5), -1.0, self.backend.full((), 1.0, "float32"))

    def chosen(self, count: int, factor: tuple[float, float]) -> Array:
        """Draw which of ``count`` images are changed, each with a probability of its own, drawn from the range ``factor``."""
        return self.flags((count,), self.uniform((count,), *factor))

    def integers(self, shape: tuple[int, ...], low: int, high: int) -> Array:
        """Draw integers from ``low`` to ``high``, both included, as ``int32``."""
        drawn = self.backend.cast(self.backend.floor(self.uniform(shape, low, high + 1)), "int32")
        return self.backend.minimum(drawn, high)  # the float32 just below `high + 1` is rounded to it

    def permutation(self, count: int) -> Array:
        """Draw an order of ``count`` elements."""
        return self.backend.argsort(self.uniform((count,)), 0)

    def beta(self, shape: tuple[int, ...], a: Array | float, b: Array | float) -> Array:
        """Draw from the beta distribution."""
        on_host = None if self._host is None else self._host.integers(2**32, size=2, dtype="uint32")
        seed = self._next_key() if on_host is None else self.backend.asarray(on_host)
        return self.backend.asarray(beta(shape, a, b, "float32", seed))

    def dirichlet(self, count: int, alpha: float) -> Array:
        """Draw ``count`` shares that sum to 1, from the symmetric Dirichlet distribution, by breaking a stick."""
        backend, shares, rest = self.backend, [], None
        for remaining in range(count - 1, 0, -1):
            part = self.beta((1,), alpha, alpha * remaining)
            shares.append(part if rest is None else backend.multiply(part, rest))
            left = backend.subtract(1.0, part)
            rest = left if rest is None else backend.multiply(left, rest)
        return backend.concatenate([*shares, backend.full((1,), 1.0, "float32") if rest is None else rest], 0)
