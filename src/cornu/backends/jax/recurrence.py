"""Recurrent layers for JAX, with a custom gradient that XLA's CPU compiler runs fast.

JAX's own gradient adds to the gradient of the recurrent kernel at each time step. Here each step only stores its values, and
one matrix product over all steps follows the loop. Also, the loop does not read its inputs from a slice of a larger array,
which would prevent XLA from vectorizing the computation (see :func:`_scan`). Together, LSTM, GRU and simple recurrent layers
train 1.1 to 1.3 times as fast.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from cornu.typing import Tree


def recurrence(
    advance: Callable,
    x: Array,
    states: list,
    kernels: tuple[Array, Array],
    biases: tuple[Any, Any],
    kept: Array | None,
    valid: Array | None,
    keep_all: bool,
) -> tuple[Any, list]:
    """See ``fused_ops.recurrence``."""
    steps, batch, _ = x.shape
    outer = _plus(_merge_steps(x) @ kernels[0], biases[0])
    outer = outer.reshape(steps, batch, outer.shape[-1])
    kept = None if kept is None else lax.stop_gradient(kept)
    return _recurrence(advance, keep_all, outer, list(states), kernels[1], biases[1], kept, valid)


def _merge_steps(x: Array) -> Array:
    """Merge the axes of steps and samples: XLA need not transpose matrices for a product."""
    return x.reshape(-1, x.shape[-1])


@functools.partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def _recurrence(advance, keep_all, outer, states, kernel, bias, kept, valid):
    def step(before, now):
        outer, valid = now
        after = _after(advance, outer, _inner(before[0], kernel, bias, kept), before, valid)
        return after, after[0] if keep_all else None

    last, outputs = _scan(step, states, (outer, valid))
    return outputs if keep_all else last[0], last


def _inner(hidden: Array, kernel: Array, bias: Array | None, kept: Array | None) -> Array:
    return _plus(_times(hidden, kept) @ kernel, bias)


def _plus(x: Array, bias: Array | None) -> Array:
    return x if bias is None else x + bias


def _times(x: Array, factors: Array | None) -> Array:
    return x if factors is None else x * factors


def _after(advance: Callable, outer: Array, inner: Array, before: list, valid: Array | None) -> list:
    after = advance(outer, inner, before)
    return after if valid is None else [jnp.where(valid, new, old) for new, old in zip(after, before, strict=True)]


def _forward(advance, keep_all, outer, states, kernel, bias, kept, valid):
    def step(before, now):
        outer, valid = now
        inner = _inner(before[0], kernel, bias, kept)
        return _after(advance, outer, inner, before, valid), (inner, before)

    last, (inner, before) = _scan(step, states, (outer, valid))
    outputs = jnp.concatenate([before[0][1:], last[0][None]]) if keep_all else last[0]
    return (outputs, last), (outer, inner, before, kernel, bias, kept, valid)


def _backward(advance, keep_all, residuals, gradients):
    outer, inner, before, kernel, bias, kept, valid = residuals
    for_outputs, for_states = gradients
    back = kernel.T

    def step(for_after, now):
        outer, inner, before, valid, for_output = now
        if keep_all:
            for_after = [for_after[0] + for_output, *for_after[1:]]
        _, pull = jax.vjp(functools.partial(_after, advance, valid=valid), outer, inner, before)
        for_outer, for_inner, for_before = pull(for_after)
        for_hidden = for_before[0] + _times(for_inner @ back, kept)
        return [for_hidden, *for_before[1:]], (for_outer, for_inner)

    if not keep_all:
        for_states = [for_states[0] + for_outputs, *for_states[1:]]
    xs = outer, inner, before, valid, for_outputs if keep_all else None
    for_states, (for_outer, for_inner) = _scan(step, for_states, xs, reverse=True)
    for_kernel = _merge_steps(_times(before[0], kept)).T @ _merge_steps(for_inner)
    for_bias = None if bias is None else jnp.sum(_merge_steps(for_inner), 0)
    return for_outer, for_states, for_kernel, for_bias, None, None


_recurrence.defvjp(_forward, _backward)


def _scan(f: Callable, init: Tree, xs: Tree, reverse: bool = False) -> tuple[Any, Any]:
    """``lax.scan`` where each step receives its inputs as separate arrays that the step before has fetched."""
    count = len(jax.tree.leaves(xs)[0])

    def fetch(number):
        number = jnp.clip(number, 0, count - 1)
        return jax.tree.map(lambda array: lax.dynamic_index_in_dim(array, number, keepdims=False), xs)

    def step(state_and_now, number):
        state, now = state_and_now
        following = fetch(number - 1 if reverse else number + 1)
        state, y = f(state, now)
        return (state, following), y

    first = fetch(count - 1 if reverse else 0)
    (state, _), ys = lax.scan(step, (init, first), jnp.arange(count), reverse=reverse)
    return state, ys
