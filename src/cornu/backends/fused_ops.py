"""Optional fused ops of a backend: an engine's own kernel for what is otherwise derived from the primitives.

The functions below specify what a fused op of that name computes. Code that derives the same result calls :func:`find` first.
Tests compare each fused op with the derived result.
"""

from collections.abc import Callable, Sequence
from typing import Any

from cornu import config
from cornu.backends import lookup
from cornu.typing import Array, Tree


def find(name: str, *arrays: Array) -> Callable | None:
    """Return the fused op of that name of the backend of some arrays; None if it has none, or without fast paths."""
    return getattr(lookup.of(*arrays), name, None) if config.fast_paths() else None


def adam(
    weight: Array, gradient: Array, momentum: Array, velocity: Array, rate: Array, beta_1: float, beta_2: float, epsilon: float
) -> tuple[Array, Array, Array]:  # type: ignore[empty-body]
    """Return the weight and its moving averages after one step of Adam (see ``cornu.optimizers.Adam``).

    Args:
        weight, gradient, momentum, velocity: Arrays of one shape. In Keras's terms, the momentum is the moving average of the
            gradients and the velocity that of their squares.
        rate: Learning rate with bias correction, an array of shape ``()``.
        beta_1, beta_2, epsilon: Hyperparameters of ``cornu.optimizers.Adam``.
    """


def softmax(x: Array, axis: int) -> Array:  # type: ignore[empty-body]
    """``cornu.ops.softmax`` over one axis.

    Args:
        x: Array of a floating-point dtype.
        axis: Integer in ``[0, x.ndim)``.
    """


def log_softmax(x: Array, axis: int) -> Array:  # type: ignore[empty-body]
    """``cornu.ops.log_softmax`` over one axis (see :func:`softmax` for the arguments)."""


def normalized_batch(x: Array, gamma: Array | None, beta: Array | None, epsilon: float) -> tuple[Array, Array, Array]:  # type: ignore[empty-body]
    """Normalize a batch to mean 0 and variance 1 in each channel, times ``gamma``, plus ``beta``.

    Args:
        x: Array of shape ``(batch, ..., channels)`` and dtype ``float32``.
        gamma, beta: Arrays of shape ``(channels,)`` and dtype ``float32``, or None.
        epsilon: Float added to the variance, to avoid division by zero.

    Returns:
        The normalized batch, and the mean and the (biased) variance of ``x``, each of shape ``(channels,)``.
    """


def lstm(
    x: Array, hidden: Array, carry: Array, kernel: Array, recurrent_kernel: Array, bias: Array | None
) -> tuple[Array, Array, Array]:  # type: ignore[empty-body]
    """All time steps of ``cornu.layers.LSTM`` with its default activations.

    All arrays have one dtype.

    Args:
        x: Array of shape ``(steps, batch, features)`` with at least one step.
        hidden, carry: Initial state, arrays of shape ``(batch, units)``.
        kernel: Array of shape ``(features, 4 * units)``.
        recurrent_kernel: Array of shape ``(units, 4 * units)``.
        bias: Array of shape ``(4 * units,)``, or None.

    Returns:
        The outputs of all steps, the last output and the last carry.
    """


def recurrence(
    advance: Callable,
    x: Array,
    states: list,
    kernels: tuple[Array, Array],
    biases: tuple[Any, Any],
    kept: Array | None,
    valid: Array | None,
    keep_all: bool,
) -> tuple[Array, list]:  # type: ignore[empty-body]
    """Recurrent layer: at each time step ``states = advance(outer, inner, states)``.

    ``outer`` is ``x[t] @ kernels[0] + biases[0]``, ``inner`` is ``(states[0] * kept) @ kernels[1] + biases[1]``. All arrays
    have one dtype. It is twice differentiable in reverse mode, but not in forward mode (``jax.jvp``).

    Args:
        advance: Callable, the elementwise part of a cell; it reads no other arrays.
        x: Array of shape ``(steps, batch, features)`` with at least one step.
        states: Initial state, arrays of shape ``(batch, units)``; the first is the output.
        kernels: Arrays of shapes ``(features, columns)`` and ``(units, columns)``.
        biases: Arrays of shape ``(columns,)``, or None.
        kept: Factors of shape ``(batch, units)``, or None for ones. They have no gradient.
        valid: Boolean array of shape ``(steps, batch, 1)``, False where the state is not updated; or None.
        keep_all: Whether to return the outputs of all steps, of shape ``(steps, batch, units)``, or only the last one.

    Returns:
        The outputs and the last state.
    """


def affine_warp(
    images: Array, coefficients: Sequence[Array | float], interpolation: str, fill_mode: str, fill_value: float
) -> Array | None:
    """Sample each image of a batch at an affine function of the pixels' positions (see ``cornu.ops.image.affine_transform``).

    Args:
        images: Array of shape ``(batch, height, width, channels)`` and dtype ``float32``.
        coefficients: ``a0, a1, a2, b0, b1, b2``, numbers or arrays of shape ``(batch, 1, 1)``.
        interpolation, fill_mode, fill_value: Arguments of ``affine_transform``.

    Returns:
        Array of the shape of the images; None if the kernel of the engine does not have this interpolation or fill mode.
    """


def mapped_at_once(function: Callable, elements: Tree) -> Any:  # type: ignore[empty-body]
    """``cornu.ops.vectorized_map``.

    Args:
        function: Callable from a tree of arrays to a tree of arrays.
        elements: Tree of arrays with the same first size.
    """
