"""What a backend may have beside its primitives: an engine's own kernel for what is otherwise derived from them.

A function below says what a shortcut of that name computes. Whoever derives the same thing asks :func:`find` first. A test
of its engine holds every shortcut against what is derived.
"""

from collections.abc import Callable
from typing import Any

from cornu import config
from cornu.backends import lookup
from cornu.backends.contract import Array


def find(name: str, *arrays: Any) -> Callable | None:
    """The shortcut of that name of the backend that decides about some arrays; None if it has none, or may not take it."""
    return getattr(lookup.of(*arrays), name, None) if config.fast_paths() else None


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


def softmax(x: Array, axis: int) -> Array:  # type: ignore[empty-body]
    """``cornu.ops.softmax`` over one axis.

    Args:
        x: An array of floats.
        axis: From 0 to ``x.ndim - 1``.
    """


def log_softmax(x: Array, axis: int) -> Array:  # type: ignore[empty-body]
    """``cornu.ops.log_softmax`` over one axis (see :func:`softmax` for the arguments)."""


def normalized_batch(x: Array, gamma: Any, beta: Any, epsilon: float) -> tuple[Array, Array, Array]:  # type: ignore[empty-body]
    """A batch with mean 0 and variance 1 in each channel, times ``gamma``, plus ``beta``; and the mean and variance it had.

    Args:
        x: ``(batch, ..., channels)`` in ``float32``.
        gamma, beta: ``(channels,)`` in ``float32``, or None.
        epsilon: Keeps the root from being 0.
    """


def lstm(
    x: Array, hidden: Array, carry: Array, kernel: Array, recurrent_kernel: Array, bias: Any
) -> tuple[Array, Array, Array]:  # type: ignore[empty-body]
    """All steps of ``cornu.layers.LSTM`` with its usual activations: the outputs of all, and the last output and carry.

    All arrays have one dtype.

    Args:
        x: ``(steps, batch, features)``, of at least one step.
        hidden, carry: The state to begin with, ``(batch, units)`` each.
        kernel: ``(features, 4 * units)``.
        recurrent_kernel: ``(units, 4 * units)``.
        bias: ``(4 * units,)``, or None.
    """


def recurrence(
    advance: Callable,
    x: Array,
    states: list,
    kernels: tuple[Array, Array],
    biases: tuple[Any, Any],
    kept: Any,
    valid: Any,
    keep_all: bool,
) -> tuple[Array, list]:  # type: ignore[empty-body]
    """A recurrent layer: at each step ``states = advance(outer, inner, states)``.

    ``outer`` is ``x[t] @ kernels[0] + biases[0]``, ``inner`` is ``(states[0] * kept) @ kernels[1] + biases[1]``. All arrays
    have one dtype. It has gradients, and these have, but no derivatives forward (``jax.jvp``).

    Args:
        advance: What a cell does with them. It computes each number for itself and reads no other arrays.
        x: ``(steps, batch, features)``, of at least one step.
        states: The state to begin with: arrays ``(batch, units)``; the first is the output.
        kernels: ``(features, columns)`` and ``(units, columns)``.
        biases: ``(columns,)`` each, or None.
        kept: Factors ``(batch, units)``, or None for ones. They have no gradient.
        valid: ``(steps, batch, 1)``, False where the state stays as it is; or None.
        keep_all: Whether the outputs of all steps are given, ``(steps, batch, units)``, or that of the last.

    Returns:
        The outputs and the last state.
    """
