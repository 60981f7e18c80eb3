"""Training loops in the style of PyTorch, as Keras's guides write them.

``CORNU_BACKEND=torch python torch_loops.py cornu`` prints results, and with ``KERAS_BACKEND=torch`` and ``keras`` in
place of ``cornu`` it must print the same.
"""

import importlib
import json
import sys
from typing import Any

import numpy as np
import torch

keras: Any = importlib.import_module(sys.argv[1])

layers = keras.layers
RNG = np.random.default_rng(0)
X = torch.from_numpy(RNG.normal(size=(16, 4)).astype("float32"))
Y = torch.from_numpy(RNG.integers(0, 3, 16))
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
    return [np.sum(weight).item() for weight in model.get_weights()] + [model.predict(X.numpy(), verbose=0).sum().item()]


def trained(optimizer: Any) -> list:
    """Train for four steps with an optimizer of Keras."""
    model, accuracy, losses = classifier(), keras.metrics.SparseCategoricalAccuracy(), []
    for _ in range(4):
        logits = model(X, training=True)
        loss = loss_fn(Y, logits)
        model.zero_grad()
        weights = [v for v in model.trainable_weights]
        loss.backward()
        gradients = [v.value.grad for v in weights]
        with torch.no_grad():
            optimizer.apply(gradients, weights)
        accuracy.update_state(Y, logits)
        losses.append(loss.detach().numpy().item())
    result = float(accuracy.result())
    accuracy.reset_state()
    return [*losses, result, float(accuracy.result()), int(optimizer.iterations), *state_of(model)]


def adam() -> list:
    return trained(keras.optimizers.Adam(0.05))


def momentum() -> list:
    return trained(keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True))


def schedule_and_clipping() -> list:
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5)
    return trained(keras.optimizers.RMSprop(rate, clipnorm=0.1))


def optimizer_and_data_loader_of_torch() -> list:
    model, losses = classifier(), []
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(X, Y), batch_size=8)
    for _ in range(2):
        for inputs, targets in loader:
            loss = torch.nn.functional.cross_entropy(model(inputs, training=True), targets)
            model.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 0.5)
            optimizer.step()
            losses.append(loss.item())
    return [*losses, *state_of(model)]


def evaluation() -> list:
    model, metric = classifier(), keras.metrics.SparseCategoricalAccuracy()
    model.eval()
    with torch.no_grad():
        for begin in (0, 8):
            metric.update_state(Y[begin : begin + 8], model(X[begin : begin + 8], training=False))
    model.train()
    return [float(metric.result())]


def adversarial_example() -> list:
    model, x = classifier(), X.clone().requires_grad_()
    loss = loss_fn(Y, model(x))
    loss.backward()
    return [loss.item(), loss_fn(Y, model(X + 0.1 * x.grad.sign())).item()]


def losses_of_layers() -> list:
    penalty = keras.regularizers.L2(0.1)
    dense = layers.Dense(3, kernel_regularizer="l2", activity_regularizer=penalty)
    model = set_weights(keras.Sequential([keras.Input((4,)), dense]))
    loss = (model(X) ** 2).mean() + sum(model.losses)
    loss.backward()
    return [loss.item(), *(v.value.grad.sum().item() for v in model.trainable_variables)]


def gradient_accumulation() -> list:
    model, optimizer = classifier(), keras.optimizers.SGD(0.1)
    model.zero_grad()
    for begin in (0, 8):
        (loss_fn(Y[begin : begin + 8], model(X[begin : begin + 8])) / 2).backward()
    with torch.no_grad():
        optimizer.apply([v.value.grad for v in model.trainable_weights], model.trainable_weights)
    return state_of(model)


def update_by_hand_and_weight_clipping() -> list:
    model = classifier()
    loss_fn(Y, model(X)).backward()
    with torch.no_grad():
        for v in model.trainable_variables:
            v.value.sub_(0.1 * v.value.grad)
            v.assign(torch.clamp(v.value, -0.3, 0.3))
    return state_of(model)


def state_dict_between_models() -> list:
    first, second = classifier(), classifier()
    for v in first.trainable_variables:
        v.assign(v + 1.0)
    names = zip(first.state_dict().values(), second.state_dict(), strict=True)
    missing, unexpected = second.load_state_dict({name: value for value, name in names})
    return [len(missing), len(unexpected), *state_of(second)]


def gan() -> list:
    """Two models with two optimizers."""
    generator = set_weights(keras.Sequential([keras.Input((2,)), layers.Dense(4)]))
    discriminator = set_weights(keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.LeakyReLU(), layers.Dense(1)]))
    d_optimizer, g_optimizer = keras.optimizers.Adam(0.01), keras.optimizers.Adam(0.02)
    binary = keras.losses.BinaryCrossentropy(from_logits=True)
    points, losses = torch.from_numpy(np.random.default_rng(1).normal(size=(16, 2)).astype("float32")), []
    for _ in range(3):
        images = torch.cat([generator(points), X])
        d_loss = binary(torch.cat([torch.ones(16, 1), torch.zeros(16, 1)]), discriminator(images))
        discriminator.zero_grad()
        d_loss.backward()
        with torch.no_grad():
            d_optimizer.apply([v.value.grad for v in discriminator.trainable_weights], discriminator.trainable_weights)
        g_loss = binary(torch.zeros(16, 1), discriminator(generator(points)))
        generator.zero_grad()
        g_loss.backward()
        with torch.no_grad():
            g_optimizer.apply([v.value.grad for v in generator.trainable_weights], generator.trainable_weights)
        losses += [d_loss.item(), g_loss.item()]
    return losses + [np.sum(weight).item() for weight in generator.get_weights() + discriminator.get_weights()]


def fit_continues_a_loop() -> list:
    model = classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss_fn(Y, model(X, training=True)).backward()
    optimizer.step()
    model.compile("sgd", loss_fn)
    history = model.fit(X.numpy(), Y.numpy(), batch_size=8, epochs=2, shuffle=False, verbose=0)
    optimizer.zero_grad()
    loss = loss_fn(Y, model(X, training=True))
    loss.backward()
    optimizer.step()
    return [loss.item(), *history.history["loss"], *state_of(model)]


def functions_of_torch_on_variables() -> list:
    class Own(layers.Layer):
        def build(self, input_shape: tuple) -> None:
            self.kernel = self.add_weight(shape=(4, 3), name="kernel")
            self.bias = self.add_weight(shape=(3,), name="bias")

        def call(self, inputs: Any) -> Any:
            return torch.nn.functional.relu(torch.matmul(inputs, self.kernel) + self.bias)

    layer = Own()
    layer.build((None, 4))
    outputs = set_weights(layer)(X)
    outputs.sum().backward()
    return [outputs.sum().item(), layer.kernel.value.grad.sum().item(), layer.bias.value.grad.sum().item()]


def transforms_of_functions() -> list:
    model = classifier()
    gradient = torch.func.grad(lambda x: loss_fn(Y, model(x)))(X)
    rows = torch.vmap(lambda x: model(x[None])[0])(X)
    return [gradient.sum().item(), rows.sum().item(), *state_of(model)]


PROGRAMS = (
    *(adam, momentum, schedule_and_clipping, optimizer_and_data_loader_of_torch, evaluation, adversarial_example),
    *(losses_of_layers, gradient_accumulation, update_by_hand_and_weight_clipping, state_dict_between_models, gan),
    *(fit_continues_a_loop, functions_of_torch_on_variables, transforms_of_functions),
)

if __name__ == "__main__":
    print(json.dumps({program.__name__: program() for program in PROGRAMS}))
