"""The networks of the benchmarks and their training loop in plain JAX, as a JAX user would write them.

Networks with batch normalization are omitted: a JAX user would use a library for them. ``bench.py`` prints what is missing.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from workloads import Workload

import cornu


def dense(weights: list, x):
    """Apply dense layers with ReLU between them; the last one returns logits."""
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = jax.nn.relu(x @ kernel + bias)
    return x @ weights[-2] + weights[-1]


def _convolved(kernel, bias, x):
    x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    return jax.nn.relu(x + bias)


def _pooled(x):
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def convnet(weights: list, x):
    x = _pooled(_convolved(*weights[0:2], x))
    x = _pooled(_convolved(*weights[2:4], x))
    x = _convolved(*weights[4:6], x)
    return dense(weights[6:], x.reshape(len(x), -1))


def cats_and_dogs(weights: list, x):
    for start in (0, 2, 4, 6):
        x = _pooled(_convolved(*weights[start : start + 2], x))
    return dense(weights[8:], x.reshape(len(x), -1))


def lstm(weights: list, x):
    table, kernel, recurrent, bias = weights[:4]
    inputs = jnp.take(table, x, axis=0) @ kernel + bias
    zero = jnp.zeros((len(x), len(recurrent)))

    def step(state, now):
        hidden, cell = state
        inward, forget, candidate, outward = jnp.split(now + hidden @ recurrent, 4, axis=-1)
        cell = jax.nn.sigmoid(forget) * cell + jax.nn.sigmoid(inward) * jnp.tanh(candidate)
        return (jax.nn.sigmoid(outward) * jnp.tanh(cell), cell), None

    (hidden, _), _ = jax.lax.scan(step, (zero, zero), inputs.swapaxes(0, 1))
    return dense(weights[4:], hidden)


NETWORKS = {"tiny": dense, "mlp": dense, "convnet": convnet, "cats_and_dogs": cats_and_dogs, "lstm": lstm}


def rival(workload: Workload) -> tuple[Callable[[], None], Callable[[np.ndarray], np.ndarray]]:
    """Return a function that trains for an epoch (a jitted Adam step in a Python loop) and one that predicts."""
    x, y = workload.data()
    network = NETWORKS[workload.network.__name__]
    like = workload.network(cornu, workload.shape, workload.classes)  # only for the initial weights
    weights = [jnp.asarray(weight) for weight in like.get_weights()]
    m, v = ([jnp.zeros_like(weight) for weight in weights] for _ in range(2))
    state = {"weights": weights, "m": m, "v": v, "count": jnp.zeros((), jnp.int32)}

    def loss_of(weights, samples, labels):
        logits = network(weights, samples)
        loss = -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))
        return loss, jnp.mean(jnp.argmax(logits, axis=-1) == labels)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, samples, labels):
        (loss, accuracy), gradients = jax.value_and_grad(loss_of, has_aux=True)(state["weights"], samples, labels)
        count = state["count"] + 1
        rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        m = [0.9 * old + 0.1 * g for old, g in zip(state["m"], gradients, strict=True)]
        v = [0.999 * old + 0.001 * g * g for old, g in zip(state["v"], gradients, strict=True)]
        weights = [w - rate * a / (jnp.sqrt(b) + 1e-7) for w, a, b in zip(state["weights"], m, v, strict=True)]
        return {"weights": weights, "m": m, "v": v, "count": count}, loss, accuracy

    @jax.jit
    def predict(weights, samples):
        return jax.nn.softmax(network(weights, samples))

    def epoch() -> None:
        nonlocal state
        order = np.random.permutation(len(x))
        for rows in np.split(order, range(workload.batch_size, len(order), workload.batch_size)):
            state, _, _ = step(state, x[rows], y[rows])
        jax.block_until_ready(state)

    def predicted(samples: np.ndarray) -> np.ndarray:
        parts = np.split(samples, range(256, len(samples), 256))
        return np.concatenate([np.asarray(predict(state["weights"], part)) for part in parts])

    return epoch, predicted
