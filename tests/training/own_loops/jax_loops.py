"""Training loops in the style of JAX, as Keras's guides write them.

``CORNU_BACKEND=jax python jax_loops.py cornu`` prints results, and with ``KERAS_BACKEND=jax`` and ``keras`` in
place of ``cornu`` it must print the same.
"""

import importlib
import json
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

keras: Any = importlib.import_module(sys.argv[1])

layers = keras.layers
RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 4)).astype("float32")
Y = RNG.integers(0, 3, 16)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def set_weights(model: Any) -> Any:
    """Give a model random weights that do not depend on the library."""
    for number, weight in enumerate(model.weights):
        weight.assign(np.random.default_rng(number).uniform(0.1, 0.5, weight.shape))
    return model


def classifier() -> Any:
    stack = [layers.Dense(8, "relu"), layers.BatchNormalization(momentum=0.5), layers.Dense(3)]
    return set_weights(keras.Sequential([keras.Input((4,)), *stack]))


def values(variables: list) -> list:
    return [v.value for v in variables]


def assign(variables: list, arrays: list) -> None:
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def state_of(model: Any) -> list:
    return [np.sum(weight).item() for weight in model.get_weights()] + [model.predict(X, verbose=0).sum().item()]


def trained(optimizer: Any, run: Any) -> list:
    """Train for four steps; ``run(step, state, x, y)`` returns the last state and the losses."""
    model, accuracy = classifier(), keras.metrics.SparseCategoricalAccuracy()
    optimizer.build(model.trainable_variables)

    def compute_loss_and_updates(trainable: list, non_trainable: list, metrics: list, x: Any, y: Any) -> Any:
        logits, non_trainable = model.stateless_call(trainable, non_trainable, x, training=True)
        metrics = accuracy.stateless_update_state(metrics, y, logits)
        return loss_fn(y, logits), (non_trainable, metrics)

    gradient_of = jax.value_and_grad(compute_loss_and_updates, has_aux=True)

    def step(state: tuple, data: tuple) -> tuple:
        trainable, non_trainable, slots, metrics = state
        (loss, (non_trainable, metrics)), gradients = gradient_of(trainable, non_trainable, metrics, *data)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        return (trainable, non_trainable, slots, metrics), loss

    groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables, accuracy.variables)
    state, losses = run(step, tuple(map(values, groups)))
    for variables, arrays in zip(groups, state, strict=True):
        assign(variables, arrays)
    result = float(accuracy.result())
    accuracy.reset_state()
    return [*map(float, losses), result, float(accuracy.result()), int(optimizer.iterations), *state_of(model)]


def one_by_one(step: Any, state: tuple) -> tuple:
    losses = []
    for _ in range(4):
        state, loss = step(state, (X, Y))
        losses.append(loss)
    return state, losses


def eager() -> list:
    return trained(keras.optimizers.Adam(0.05), one_by_one)


def jitted() -> list:
    return trained(keras.optimizers.Adam(0.05), lambda step, state: one_by_one(jax.jit(step), state))


def scanned() -> list:
    data = np.stack([X] * 4), np.stack([Y] * 4)
    return trained(keras.optimizers.SGD(0.05, momentum=0.9), lambda step, state: jax.lax.scan(step, state, data))


def schedule_and_clipping() -> list:
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5)
    optimizer = keras.optimizers.RMSprop(rate, clipnorm=0.1)
    return trained(optimizer, lambda step, state: one_by_one(jax.jit(step), state))


def evaluation() -> list:
    model, metric = classifier(), keras.metrics.SparseCategoricalAccuracy()

    @jax.jit
    def test_step(trainable: list, non_trainable: list, metrics: list, x: Any, y: Any) -> list:
        return metric.stateless_update_state(metrics, y, model.stateless_call(trainable, non_trainable, x, training=False)[0])

    state = values(metric.variables)
    for begin in (0, 8):
        arguments = values(model.trainable_variables), values(model.non_trainable_variables), state
        state = test_step(*arguments, X[begin : begin + 8], Y[begin : begin + 8])
    return [float(metric.stateless_result(state))]


def variables_in_place_of_arrays() -> list:
    model = classifier()
    logits, after = model.stateless_call(model.trainable_variables, model.non_trainable_variables, X, training=True)
    return [float(loss_fn(Y, logits)), *(float(jnp.sum(value)) for value in after), *state_of(model)]


def adversarial_example() -> list:
    model = classifier()
    gradient = jax.grad(lambda x: loss_fn(Y, model(x)))(X)
    return [float(jnp.sum(gradient)), float(loss_fn(Y, model(X + 0.1 * jnp.sign(gradient)))), *state_of(model)]


def gradient_of_each_sample() -> list:
    model = classifier()

    def loss_of(trainable: list, x: Any, y: Any) -> Any:
        logits, _ = model.stateless_call(trainable, values(model.non_trainable_variables), x[None])
        return loss_fn(y[None], logits)

    gradients = jax.vmap(jax.grad(loss_of), (None, 0, 0))(values(model.trainable_variables), X, Y)
    return [float(jnp.sum(jnp.abs(gradient))) for gradient in gradients]


def checkpointed() -> list:
    model = classifier()

    def loss_of(trainable: list) -> Any:
        call = jax.checkpoint(lambda t, x: model.stateless_call(t, values(model.non_trainable_variables), x)[0])
        return loss_fn(Y, call(trainable, X))

    loss, gradients = jax.jit(jax.value_and_grad(loss_of))(values(model.trainable_variables))
    return [float(loss), *(float(jnp.sum(gradient)) for gradient in gradients)]


def losses_of_layers() -> list:
    penalty = keras.regularizers.L2(0.1)
    dense = layers.Dense(3, kernel_regularizer="l2", activity_regularizer=penalty)
    model = set_weights(keras.Sequential([keras.Input((4,)), dense]))

    def loss_of(trainable: list) -> Any:
        outputs, _, losses = model.stateless_call(trainable, [], X, return_losses=True)
        return jnp.mean(outputs**2) + sum(losses)

    loss, gradients = jax.value_and_grad(loss_of)(values(model.trainable_variables))
    return [float(loss), *(float(jnp.sum(gradient)) for gradient in gradients)]


def gan() -> list:
    """Two models with two optimizers."""
    generator = set_weights(keras.Sequential([keras.Input((2,)), layers.Dense(4)]))
    discriminator = set_weights(keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.LeakyReLU(), layers.Dense(1)]))
    optimizers = keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.02)
    binary = keras.losses.BinaryCrossentropy(from_logits=True)
    points = np.random.default_rng(1).normal(size=(16, 2)).astype("float32")

    def d_loss(discriminating: list, generating: list) -> Any:
        images = jnp.concatenate([generator.stateless_call(generating, [], points)[0], X])
        labels = jnp.concatenate([jnp.ones((16, 1)), jnp.zeros((16, 1))])
        return binary(labels, discriminator.stateless_call(discriminating, [], images)[0])

    def g_loss(generating: list, discriminating: list) -> Any:
        images = generator.stateless_call(generating, [], points)[0]
        return binary(jnp.zeros((16, 1)), discriminator.stateless_call(discriminating, [], images)[0])

    @jax.jit
    def step(discriminating: list, generating: list, d_slots: list, g_slots: list) -> tuple:
        first, gradients = jax.value_and_grad(d_loss)(discriminating, generating)
        discriminating, d_slots = optimizers[0].stateless_apply(d_slots, gradients, discriminating)
        second, gradients = jax.value_and_grad(g_loss)(generating, discriminating)
        generating, g_slots = optimizers[1].stateless_apply(g_slots, gradients, generating)
        return (discriminating, generating, d_slots, g_slots), (first, second)

    models, losses = (discriminator, generator), []
    for model, optimizer in zip(models, optimizers, strict=True):
        optimizer.build(model.trainable_variables)
    groups = [each.trainable_variables for each in models] + [each.variables for each in optimizers]
    state = tuple(map(values, groups))
    for _ in range(3):
        state, found = step(*state)
        losses += map(float, found)
    for variables, arrays in zip(groups, state, strict=True):
        assign(variables, arrays)
    return losses + [np.sum(weight).item() for weight in generator.get_weights() + discriminator.get_weights()]


PROGRAMS = (
    *(eager, jitted, scanned, schedule_and_clipping, evaluation, variables_in_place_of_arrays, adversarial_example),
    *(gradient_of_each_sample, checkpointed, losses_of_layers, gan),
)

if __name__ == "__main__":
    print(json.dumps({program.__name__: program() for program in PROGRAMS}))
