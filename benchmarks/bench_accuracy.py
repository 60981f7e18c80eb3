"""Compare the test errors of small networks with limits and with Keras, for the worst of three seeds.

Requires MNIST and the small subset of Fashion-MNIST in the dataset cache (``CORNU_DATASETS``). Writes
``results/accuracy.json`` after each exercise. Takes about half an hour on two cores.

Keras trains the same networks for ``keras_epochs`` epochs. With the same initial weights and the same order of the images
both have the same weights after two epochs (``tests/training/test_against_keras.py`` compares them), so differences here
are due to the random draw.
"""

import argparse
import json
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

os.environ["KERAS_BACKEND"] = "jax"

import keras

import cornu

HERE = Path(__file__).parent
SEEDS = (1, 2, 3)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    (x, y), (x_test, y_test) = cornu.datasets.mnist.load_data()
    data = (x / 255).astype("float32"), y, (x_test / 255).astype("float32"), y_test
    results: dict[str, dict] = {}
    for name, exercise in EXERCISES.items():
        errors = {"cornu": [mnist_errors(cornu, exercise, seed, exercise.epochs[-1], data) for seed in SEEDS]}
        if exercise.keras_epochs:
            errors["keras"] = [mnist_errors(keras, exercise, seed, exercise.keras_epochs, data) for seed in SEEDS]
        for epochs, limit in zip(exercise.epochs, exercise.limits, strict=True):
            found = {library: at(runs, epochs, exercise.best) for library, runs in errors.items() if len(runs[0]) >= epochs}
            keep(results, f"{name}, {epochs} epochs", {**found, "limit": limit, "met": max(found["cornu"]) <= limit})
    keep(results, "50 + 10 fashion images", fashion_against_keras())


def keep(results: dict[str, dict], name: str, found: dict) -> None:
    results[name] = found
    print(name, found, flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "accuracy.json").write_text(json.dumps(results, indent=1) + "\n")


# --- MNIST ------------------------------------------------------------------------------------------------------------


class Exercise(NamedTuple):
    """A network and the test errors, in percent, that it should reach.

    Attributes:
        build: Function that creates the layers from the ``layers`` module of a library.
        optimizer: Name of the optimizer.
        batch_size: Number of images per step.
        epochs: Numbers of epochs after which the error is evaluated.
        limits: Largest allowed error at each of these evaluations.
        keras_epochs: Number of epochs that Keras trains the same network.
        best: Whether to use the best epoch so far instead of the last one.
    """

    build: Callable
    optimizer: str
    batch_size: int
    epochs: tuple[int, ...]
    limits: tuple[float, ...]
    keras_epochs: int = 0
    best: bool = False


def one_layer(layers) -> list:
    return [layers.Flatten(), layers.Dense(784, activation="relu"), layers.Dense(10, activation="softmax")]


def three_layers(layers) -> list:
    hidden = [layer for _ in range(3) for layer in (layers.Dense(784, activation="relu"), layers.Dropout(0.2))]
    return [layers.Flatten(), *hidden, layers.Dense(10, activation="softmax")]


def convnet(layers) -> list:
    return [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]


EXERCISES = {
    "one hidden layer, Adam, batch 128": Exercise(one_layer, "adam", 128, (2,), (2.9,), keras_epochs=2),
    "three hidden layers, dropout, Adam, batch 128": Exercise(three_layers, "adam", 128, (2,), (2.7,), keras_epochs=2),
    "three hidden layers, dropout, SGD, batch 128": Exercise(three_layers, "sgd", 128, (2, 20), (9.5, 4.3), keras_epochs=2),
    "convnet, Adam, batch 64, best": Exercise(convnet, "adam", 64, (5,), (1.0,), best=True),
}


def mnist_errors(library, exercise: Exercise, seed: int, epochs: int, data: tuple) -> list[float]:
    """Return the test error in percent after each epoch."""
    x, y, x_test, y_test = data
    library.utils.set_random_seed(seed)
    model = library.Sequential([library.Input((28, 28, 1)), *exercise.build(library.layers)])
    model.compile(exercise.optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    errors = []
    for _ in range(epochs):
        model.fit(x[..., None], y, batch_size=exercise.batch_size, epochs=1, verbose=0)
        errors.append(100 * (1 - model.evaluate(x_test[..., None], y_test, batch_size=1000, verbose=0)[1]))
    return errors


def at(runs: list[list[float]], epochs: int, best: bool) -> list[float]:
    """Return the error of each run after a number of epochs, or the least error until then."""
    return [round(min(run[:epochs]) if best else run[epochs - 1], 2) for run in runs]


# --- Fashion ----------------------------------------------------------------------------------------------------------


def fashion_against_keras() -> dict:
    """Compare the mean held-out accuracy of a tiny network on 50 + 10 images with Keras, over four splits and five seeds."""
    accuracies = {"cornu": [], "keras": []}
    for split in range(4):
        parts = fashion_split(split)
        for seed in range(5):
            for library in (cornu, keras):
                library.utils.set_random_seed(100 * split + seed)
                accuracies[library.__name__].append(tiny_accuracy(library, *parts))
    means = {name: round(100 * statistics.mean(values), 1) for name, values in accuracies.items()}
    return {**means, "limit": "within 3 points", "met": abs(means["cornu"] - means["keras"]) <= 3}


def fashion_split(number: int) -> tuple[np.ndarray, ...]:
    """Return fifty images of t-shirts, dresses and shoes for training and ten for evaluation."""
    cut = np.load(Path(os.environ["CORNU_DATASETS"]) / "fashion-mnist-mini.npz")
    chosen = np.concatenate([np.flatnonzero(cut["labels"] == label)[:20] for label in (0, 3, 7)])
    order = np.random.default_rng(number).permutation(chosen)
    x = (cut["images"][order] / 255).astype("float32")[..., None]
    y = np.searchsorted([0, 3, 7], cut["labels"][order])
    return x[:50], y[:50], x[50:], y[50:]


def tiny_accuracy(library, x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    model = library.Sequential(
        [
            library.Input((28, 28, 1)),
            library.layers.Conv2D(10, 3, activation="relu"),
            library.layers.Flatten(),
            library.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=10, epochs=3, verbose=0)
    return model.evaluate(x_test, y_test, verbose=0)[1]


if __name__ == "__main__":
    main()
