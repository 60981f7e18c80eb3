"""One rival of ``bench_engines.py`` in a process of its own, since Keras knows one engine a process.

``python rival.py RIVAL WORKLOAD`` builds and compiles, says "ready", and then trains once over the data for every line it
reads, and answers with the seconds it took.
"""

import itertools
import os
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from networks import convnet, mlp


class Workload(NamedTuple):
    """A network by a library with Keras's names, and by hand in PyTorch."""

    samples: int
    batch_size: int
    shape: tuple[int, ...]
    classes: int
    layers: Callable
    module: Callable


def convnet_by_hand(nn):
    first = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)]
    rest = [nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10)]
    return nn.Sequential(*first, *rest)


def mlp_by_hand(nn):
    return nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


def cats_and_dogs(library) -> list:
    layers, blocks = library.layers, []
    for filters in (32, 64, 128, 128):
        blocks += [layers.Conv2D(filters, 3, activation="relu"), layers.MaxPooling2D(2)]
    return [*blocks, layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dense(2, activation="softmax")]


def cats_and_dogs_by_hand(nn):
    blocks = []
    for before, filters in itertools.pairwise((3, 32, 64, 128, 128)):
        blocks += [nn.Conv2d(before, filters, 3), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*blocks, nn.Flatten(), nn.Linear(128 * 7 * 7, 512), nn.ReLU(), nn.Linear(512, 2))


def with_normalisation(library) -> list:
    layers = library.layers
    found = []
    for filters in (32, 64):
        for _ in range(2):
            found += [layers.Conv2D(filters, 3, padding="same"), layers.BatchNormalization(), layers.Activation("relu")]
        found.append(layers.MaxPooling2D(2))
    return [*found, layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dense(10, activation="softmax")]


def with_normalisation_by_hand(nn):
    found, before = [], 3
    for filters in (32, 64):
        for _ in range(2):
            found += [nn.Conv2d(before, filters, 3, padding=1), nn.BatchNorm2d(filters), nn.ReLU()]
            before = filters
        found.append(nn.MaxPool2d(2))
    return nn.Sequential(*found, nn.Flatten(), nn.Linear(64 * 64, 128), nn.ReLU(), nn.Linear(128, 10))


WORKLOADS = {
    "MNIST convnet, batch 64": Workload(3200, 64, (28, 28, 1), 10, convnet, convnet_by_hand),
    "MNIST convnet, batch 256": Workload(5120, 256, (28, 28, 1), 10, convnet, convnet_by_hand),
    "MNIST MLP, batch 128": Workload(25600, 128, (784,), 10, mlp, mlp_by_hand),
    "cats and dogs 150 x 150, batch 20": Workload(80, 20, (150, 150, 3), 2, cats_and_dogs, cats_and_dogs_by_hand),
    "CIFAR, batch normalisation, batch 64": Workload(640, 64, (32, 32, 3), 10, with_normalisation, with_normalisation_by_hand),
}

RIVALS = ("Cornu on torch", "Keras 3 on torch", "plain PyTorch", "Cornu on tensorflow", "Keras 3 on tensorflow")
"""Plain PyTorch is channels last, with the fused Adam."""


def main(rival: str, workload: Workload) -> None:
    random = np.random.default_rng(0)
    x = random.random((workload.samples, *workload.shape), dtype="float32")
    y = random.integers(0, workload.classes, workload.samples).astype("int32")
    epoch = of_library(rival, workload, x, y) if " on " in rival else by_hand(workload, x, y)
    epoch()
    print("ready", flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        epoch()
        print(time.perf_counter() - began, flush=True)


def of_library(rival: str, workload: Workload, x: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    name, engine = rival.split(" on ")
    os.environ["KERAS_BACKEND"] = os.environ["CORNU_BACKEND"] = engine
    if name == "Cornu":
        import cornu as library
    else:
        import keras as library
    model = library.Sequential([library.Input(workload.shape), *workload.layers(library)])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return lambda: model.fit(x, y, batch_size=workload.batch_size, epochs=1, verbose=0)


def by_hand(workload: Workload, x: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    """What a PyTorch user who knows its fast ways writes. It keeps no accuracy."""
    import torch

    module = workload.module(torch.nn).to(memory_format=torch.channels_last)
    pictures = torch.from_numpy(x)
    pictures = pictures.permute(0, 3, 1, 2) if pictures.ndim == 4 else pictures
    labels = torch.from_numpy(y).long()
    adam = torch.optim.Adam(module.parameters(), fused=True)

    def epoch() -> None:
        for rows in torch.randperm(len(pictures)).split(workload.batch_size):
            adam.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(module(pictures[rows]), labels[rows])
            loss.backward()
            adam.step()

    return epoch


if __name__ == "__main__":
    main(sys.argv[1], WORKLOADS[sys.argv[2]])
