"""The workloads of the benchmarks: networks built with the API of Keras, and data of matching shapes.

The images are random noise, since the time of a step does not depend on their content. Workloads with a goal use the images
of MNIST, which ``cornu.datasets`` loads.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Workload(NamedTuple):
    """A network and how it is trained.

    Attributes:
        network: Function ``(library, shape, classes) -> model``.
        samples: Number of samples per epoch, chosen so that a fast rival takes about a second.
        batch_size: Number of samples per step.
        shape: Shape of a sample; a sequence of token indices if it has one axis and ``tokens`` is set.
        classes: Number of classes of the labels.
        tokens: Size of the vocabulary, or None for float inputs.
        goal: Test accuracy to train to, on MNIST; None for noise.
    """

    network: Callable
    samples: int
    batch_size: int
    shape: tuple[int, ...]
    classes: int
    tokens: int | None = None
    goal: float | None = None

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """Return samples and labels, the same for every rival."""
        if self.goal is not None:
            return _scaled(*_mnist()[0])
        random = np.random.default_rng(0)
        shape = (self.samples, *self.shape)
        x = random.random(shape, dtype="float32") if self.tokens is None else random.integers(1, self.tokens, shape)
        y = random.integers(0, self.classes, self.samples).astype("int32")
        return (x if self.tokens is None else x.astype("int32")), y


def mnist_to_test_on() -> tuple[np.ndarray, np.ndarray]:
    return _scaled(*_mnist()[1])


def _mnist() -> tuple:
    from cornu import datasets  # imported here because memory and start times of the other rivals are measured

    return datasets.mnist.load_data()


def _scaled(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (x / 255).astype("float32")[..., None], y.astype("int32")


def _stack(layers_of: Callable) -> Callable:
    """Turn a function that returns a list of layers into one that returns a sequential model."""

    @functools.wraps(layers_of)
    def network(library, shape: tuple, classes: int):
        return library.Sequential([library.Input(shape), *layers_of(library.layers, classes)])

    return network


@_stack
def tiny(layers, classes: int) -> list:
    return [
        layers.Dense(16, activation="relu"),
        layers.Dense(32, activation="relu"),
        layers.Dense(classes, activation="softmax"),
    ]


@_stack
def mlp(layers, classes: int) -> list:
    hidden = [layers.Dense(512, activation="relu") for _ in range(2)]
    return [*hidden, layers.Dense(classes, activation="softmax")]


@_stack
def convnet(layers, classes: int) -> list:
    return [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(classes, activation="softmax"),
    ]


@_stack
def cats_and_dogs(layers, classes: int) -> list:
    blocks = []
    for filters in (32, 64, 128, 128):
        blocks += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2)]
    return [*blocks, layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dense(classes, activation="softmax")]


@_stack
def vgg_like(layers, classes: int) -> list:
    blocks = []
    for filters in (32, 64):
        for _ in range(2):
            blocks += [layers.Conv2D(filters, 3, padding="same"), layers.BatchNormalization(), layers.Activation("relu")]
        blocks.append(layers.MaxPooling2D(2))
    return [*blocks, layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(classes, activation="softmax")]


@_stack
def lstm(layers, classes: int) -> list:
    return [layers.Embedding(20000, 128), layers.LSTM(128), layers.Dense(classes, activation="softmax")]


def resnet_20(library, shape: tuple, classes: int):
    """Return ResNet-20 for CIFAR (He et al. 2015, arXiv 1512.03385, section 4.2), with 1 x 1 convolutions as projections."""
    layers = library.layers

    def convolved(x, filters: int, size: int, stride: int, relu: bool):
        x = layers.Conv2D(filters, size, stride, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        return layers.Activation("relu")(x) if relu else x

    inputs = library.Input(shape)
    x = convolved(inputs, 16, 3, 1, relu=True)
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            stride = 2 if stage and not block else 1
            shortcut = x if stride == 1 else convolved(x, filters, 1, stride, relu=False)
            x = convolved(convolved(x, filters, 3, stride, relu=True), filters, 3, 1, relu=False)
            x = layers.Activation("relu")(layers.Add()([x, shortcut]))
    x = layers.GlobalAveragePooling2D()(x)
    return library.Model(inputs, layers.Dense(classes, activation="softmax")(x))


WORKLOADS = {
    "tiny, batch 10": Workload(tiny, 2000, 10, (1,), 2),
    "MNIST MLP, batch 128": Workload(mlp, 25600, 128, (784,), 10),
    "MNIST convnet, batch 64": Workload(convnet, 5120, 64, (28, 28, 1), 10),
    "MNIST convnet, batch 256": Workload(convnet, 5120, 256, (28, 28, 1), 10),
    "cats and dogs 150 x 150, batch 20": Workload(cats_and_dogs, 100, 20, (150, 150, 3), 2),
    "cats and dogs 150 x 150, batch 32": Workload(cats_and_dogs, 96, 32, (150, 150, 3), 2),
    "CIFAR VGG-like with batch normalization, batch 64": Workload(vgg_like, 640, 64, (32, 32, 3), 10),
    "CIFAR ResNet-20, batch 64": Workload(resnet_20, 512, 64, (32, 32, 3), 10),
    "LSTM on 80 tokens, batch 32": Workload(lstm, 960, 32, (80,), 2, tokens=20000),
    "MNIST convnet, batch 128, to 99 %": Workload(convnet, 60000, 128, (28, 28, 1), 10, goal=0.99),
}
