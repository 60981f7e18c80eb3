"""What a backend may have beside its primitives: an engine's own kernel for what is otherwise derived from them.

A function below says what a shortcut of that name computes. Whoever derives the same thing asks :func:`find` first. A test
of its engine holds every shortcut against what is derived.
"""

from collections.abc import Callable
from typing import Any

from cornu import backends
from cornu.backends.contract import Array


def find(name: str, *arrays: Any) -> Callable | None:
    """The shortcut of that name of the backend that decides about some arrays; None if it has none."""
    return getattr(backends.of(*arrays), name, None)


def adam(
    weight: Array, gradient: Array, momentum: Array, velocity: Array, rate: Array, beta_1: float, beta_2: float, epsilon: float
) -> tuple[Array, Array, Array]:  # type: ignore[empty-body]
    """One step of Adam (see ``cornu.optimizers.Adam``): the new weight and the new moving averages.

    Args:
        weight, gradient, momentum, velocity: Arrays of one shape. Keras's words: the momentum is the moving average of the
            gradients, the velocity that of their squares.
        rate: The learning rate, corrected for the number of the step, of shape ``()``.
        beta_1, beta_2, epsilon: Those of ``cornu.optimizers.Adam``.
    """


def normalized_batch(x: Array, gamma: Any, beta: Any, epsilon: float) -> tuple[Array, Array, Array]:  # type: ignore[empty-body]
    """A batch with mean 0 and variance 1 in each channel, times ``gamma``, plus ``beta``; and the mean and variance it had.

    Args:
        x: ``(batch, ..., channels)`` in ``float32``.
        gamma, beta: ``(channels,)``, or None.
        epsilon: Keeps the root from being 0.
    """
