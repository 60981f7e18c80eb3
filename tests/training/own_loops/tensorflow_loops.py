"""Training loops in the style of TensorFlow, as Keras's guides write them.

``CORNU_BACKEND=tensorflow python tensorflow_loops.py cornu`` prints results, and with ``KERAS_BACKEND=tensorflow`` and
``keras`` in place of ``cornu`` it must print the same.
"""

import importlib
import json
import sys
from typing import Any

import numpy as np
import tensorflow as tf

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


def state_of(model: Any) -> list:
    return [np.sum(weight).item() for weight in model.get_weights()] + [model.predict(X, verbose=0).sum().item()]


def trained(optimizer: Any, wrap: Any, method: str = "apply_gradients") -> list:
    """Train for four steps; return the losses, the accuracy and what the model became."""
    model, accuracy = classifier(), keras.metrics.SparseCategoricalAccuracy()

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model(x, training=True)
            loss = loss_fn(y, logits)
        gradients = tape.gradient(loss, model.trainable_weights)
        if method == "apply":
            optimizer.apply(gradients, model.trainable_variables)
        else:
            optimizer.apply_gradients(zip(gradients, model.trainable_weights, strict=True))
        accuracy.update_state(y, logits)
        return loss

    step = wrap(step)
    losses = [float(step(tf.constant(X), tf.constant(Y))) for _ in range(4)]
    result = float(accuracy.result())
    accuracy.reset_state()
    return [*losses, result, float(accuracy.result()), int(optimizer.iterations), *state_of(model)]


def eager() -> list:
    return trained(keras.optimizers.Adam(0.05), lambda step: step)


def in_a_function() -> list:
    return trained(keras.optimizers.Adam(0.05), tf.function)


def compiled_by_xla() -> list:
    return trained(keras.optimizers.Adam(0.05), lambda step: tf.function(step, jit_compile=True))


def momentum_and_apply() -> list:
    return trained(keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), tf.function, "apply")


def schedule_and_clipping() -> list:
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5)
    return trained(keras.optimizers.RMSprop(rate, clipnorm=0.1), tf.function)


def one_function_for_an_evaluation() -> list:
    model, metric = classifier(), keras.metrics.SparseCategoricalAccuracy()

    @tf.function
    def test_step(x: Any, y: Any) -> None:
        metric.update_state(y, model(x, training=False))

    for begin in (0, 8):
        test_step(X[begin : begin + 8], Y[begin : begin + 8])
    return [float(metric.result()), *state_of(model)]


def adversarial_example() -> list:
    model, x = classifier(), tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = loss_fn(Y, model(x))
    changed = x + 0.1 * tf.sign(tape.gradient(loss, x))
    return [float(loss), float(loss_fn(Y, model(changed)))]


def persistent_tape_and_stop_gradient() -> list:
    model = classifier()
    with tf.GradientTape(persistent=True) as tape:
        logits = model(X)
        first = loss_fn(Y, logits)
        second = tf.reduce_mean(tf.stop_gradient(logits) * logits)
    found = [tape.gradient(loss, model.trainable_variables) for loss in (first, second)]
    return [float(tf.reduce_sum(gradient)) for gradients in found for gradient in gradients]


def losses_of_layers() -> list:
    penalty = keras.regularizers.L2(0.1)
    dense = layers.Dense(3, kernel_regularizer="l2", activity_regularizer=penalty)
    model = set_weights(keras.Sequential([keras.Input((4,)), dense]))

    @tf.function
    def step(x: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(model(x) ** 2) + sum(model.losses)
        return loss, tape.gradient(loss, model.trainable_weights)

    loss, gradients = step(X)
    return [float(loss), *(float(tf.reduce_sum(gradient)) for gradient in gradients)]


def gradient_accumulation() -> list:
    model, optimizer = classifier(), keras.optimizers.SGD(0.1)
    sums = [tf.Variable(tf.zeros_like(weight)) for weight in model.trainable_weights]
    for begin in (0, 8):
        with tf.GradientTape() as tape:
            loss = loss_fn(Y[begin : begin + 8], model(X[begin : begin + 8]))
        for total, gradient in zip(sums, tape.gradient(loss, model.trainable_weights), strict=True):
            total.assign_add(gradient / 2)
    optimizer.apply_gradients(zip(sums, model.trainable_weights, strict=True))
    return state_of(model)


def weight_clipping() -> list:
    model, optimizer = classifier(), keras.optimizers.Adam(0.05)
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = loss_fn(Y, model(X))
        gradients, norm = tf.clip_by_global_norm(tape.gradient(loss, model.trainable_variables), 0.5)
        optimizer.apply(gradients, model.trainable_variables)
        for weight in model.trainable_variables:
            weight.assign(tf.clip_by_value(weight, -0.3, 0.3))
    return [float(norm), *state_of(model)]


def gan() -> list:
    """Two models with two optimizers, as in the guide's last example."""
    generator = set_weights(keras.Sequential([keras.Input((2,)), layers.Dense(4)]))
    discriminator = set_weights(keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.LeakyReLU(), layers.Dense(1)]))
    d_optimizer, g_optimizer = keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.02)
    binary = keras.losses.BinaryCrossentropy(from_logits=True)
    points = tf.constant(np.random.default_rng(1).normal(size=(16, 2)).astype("float32"))

    @tf.function
    def train_step(real: Any) -> Any:
        images = tf.concat([generator(points), real], axis=0)
        labels = tf.concat([tf.ones((16, 1)), tf.zeros((real.shape[0], 1))], axis=0)
        with tf.GradientTape() as tape:
            d_loss = binary(labels, discriminator(images))
        gradients = tape.gradient(d_loss, discriminator.trainable_weights)
        d_optimizer.apply(gradients, discriminator.trainable_weights)
        with tf.GradientTape() as tape:
            g_loss = binary(tf.zeros((16, 1)), discriminator(generator(points)))
        gradients = tape.gradient(g_loss, generator.trainable_weights)
        g_optimizer.apply(gradients, generator.trainable_weights)
        return d_loss, g_loss

    losses = [float(loss) for _ in range(3) for loss in train_step(tf.constant(X))]
    return losses + [np.sum(weight).item() for weight in generator.get_weights() + discriminator.get_weights()]


def fit_continues_a_loop() -> list:
    model, optimizer = classifier(), keras.optimizers.SGD(0.1)
    with tf.GradientTape() as tape:
        loss = loss_fn(Y, model(X, training=True))
    optimizer.apply(tape.gradient(loss, model.trainable_weights), model.trainable_weights)
    model.compile("sgd", loss_fn)
    history = model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0)
    with tf.GradientTape() as tape:
        loss = loss_fn(Y, model(X, training=True))
    optimizer.apply(tape.gradient(loss, model.trainable_weights), model.trainable_weights)
    return [float(loss), *history.history["loss"], *state_of(model)]


def layers_with_gathered_rows() -> list:
    """The gradient of an embedding is a ``tf.IndexedSlices``."""
    words = np.array(
        [[0, 1, 3], [2, 4, 5]]
    )  # each once: with repeated rows Keras squares the parts of a gradient instead of their sum
    model = set_weights(keras.Sequential([keras.Input((3,), dtype="int32"), layers.Embedding(6, 2), layers.SimpleRNN(2)]))
    optimizer = keras.optimizers.Adam(0.1)

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(words) - 1) ** 2)
        optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_weights), model.trainable_weights, strict=True))
        return loss

    return [float(step()) for _ in range(3)] + [np.sum(weight).item() for weight in model.get_weights()]


def mixed_precision() -> list:
    model = set_weights(keras.Sequential([keras.Input((4,)), layers.Dense(3, use_bias=False, dtype="mixed_bfloat16")]))
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.cast(model(X), "float32") ** 2)
    gradients = tape.gradient(loss, model.trainable_weights)
    return [float(loss), *(float(tf.reduce_sum(gradient)) for gradient in gradients), float(gradients[0].dtype == tf.float32)]


PROGRAMS = (
    *(eager, in_a_function, compiled_by_xla, momentum_and_apply, schedule_and_clipping, one_function_for_an_evaluation),
    *(adversarial_example, persistent_tape_and_stop_gradient, losses_of_layers, gradient_accumulation, weight_clipping, gan),
    *(fit_continues_a_loop, layers_with_gathered_rows, mixed_precision),
)

if __name__ == "__main__":
    print(json.dumps({program.__name__: program() for program in PROGRAMS}))
