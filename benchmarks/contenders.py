"""The contenders: the same networks in Cornu, in Keras on JAX, and by hand in plain JAX.

Each gives two functions: ``epoch()`` trains once over the data and returns when the weights are there, ``one(x)``
predicts one picture.
"""

import functools
import os
from collections.abc import Callable
from typing import NamedTuple

os.environ["KERAS_BACKEND"] = "jax"

import jax
import jax.numpy as jnp
import keras
import numpy as np
from networks import convnet, mlp

import cornu


class Contender(NamedTuple):
    name: str
    epoch: Callable[[], None]
    one: Callable[[np.ndarray], np.ndarray]


class Workload(NamedTuple):
    """A network and how it is trained: layers are given by a function of a library with Keras's names.

    Attributes:
        pictures: How many make an epoch: so many that an epoch takes about a second.
    """

    name: str
    pictures: int
    batch_size: int
    shape: tuple[int, ...]
    layers: Callable


WORKLOADS = {
    "MNIST convnet": Workload("MNIST convnet", 6400, 64, (28, 28, 1), convnet),
    "MNIST MLP": Workload("MNIST MLP", 38400, 128, (784,), mlp),
}


def of_library(name: str, library, workload: Workload, x: np.ndarray, y: np.ndarray, **compile_arguments) -> Contender:
    """Cornu or Keras: the user's code is the same."""
    model = library.Sequential([library.Input(workload.shape), *workload.layers(library)])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"], **compile_arguments)

    def epoch() -> None:
        model.fit(x, y, batch_size=workload.batch_size, epochs=1, verbose=0)

    return Contender(name, epoch, functools.partial(model.predict, verbose=0))


def by_hand(workload: Workload, x: np.ndarray, y: np.ndarray) -> Contender:
    """What a JAX user writes: one jitted step with Adam, called in a Python loop over shuffled batches."""
    model = cornu.Sequential([cornu.Input(workload.shape), *workload.layers(cornu)])  # for the initial weights alone
    state = {"weights": [jnp.asarray(w) for w in model.get_weights()]}
    state["m"] = [jnp.zeros_like(w) for w in state["weights"]]
    state["v"] = [jnp.zeros_like(w) for w in state["weights"]]
    state["count"] = jnp.zeros((), jnp.int32)
    network = _convnet_by_hand if workload.layers is convnet else _mlp_by_hand

    def loss_of(weights, pictures, labels):
        logits = network(weights, pictures)
        loss = -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1))
        return loss, jnp.mean(jnp.argmax(logits, axis=-1) == labels)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, pictures, labels):
        (loss, accuracy), gradients = jax.value_and_grad(loss_of, has_aux=True)(state["weights"], pictures, labels)
        count = state["count"] + 1
        rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        m = [0.9 * old + 0.1 * g for old, g in zip(state["m"], gradients, strict=True)]
        v = [0.999 * old + 0.001 * g * g for old, g in zip(state["v"], gradients, strict=True)]
        weights = [w - rate * a / (jnp.sqrt(b) + 1e-7) for w, a, b in zip(state["weights"], m, v, strict=True)]
        return {"weights": weights, "m": m, "v": v, "count": count}, loss, accuracy

    @jax.jit
    def predict(weights, pictures):
        return jax.nn.softmax(network(weights, pictures))

    def epoch() -> None:
        nonlocal state
        order = np.random.permutation(len(x))
        for start in range(0, len(x) - workload.batch_size + 1, workload.batch_size):
            rows = order[start : start + workload.batch_size]
            state, _, _ = step(state, x[rows], y[rows])
        jax.block_until_ready(state)

    return Contender("plain JAX, jitted step", epoch, lambda pictures: np.asarray(predict(state["weights"], pictures)))


def _mlp_by_hand(weights, x):
    for kernel, bias in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        x = jax.nn.relu(x @ kernel + bias)
    return x @ weights[-2] + weights[-1]


def _convnet_by_hand(weights, x):
    for position, pooled in ((0, True), (2, True), (4, False)):
        kernel, bias = weights[position : position + 2]
        x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + bias)
        if pooled:
            x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return _mlp_by_hand(weights[6:], x.reshape(len(x), -1))


def contenders(workload: Workload, x: np.ndarray, y: np.ndarray) -> list[Contender]:
    """All contenders for a workload."""
    return [
        of_library("Cornu on JAX", cornu, workload, x, y),
        of_library("Keras 3 on JAX", keras, workload, x, y),
        by_hand(workload, x, y),
    ]
