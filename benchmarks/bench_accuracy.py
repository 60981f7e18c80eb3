"""How well the networks of the courses learn: test errors that must come out right, worst of three seeds.

Needs MNIST and the small Fashion-MNIST cut in the dataset cache (``CORNU_DATASETS``). Writes ``results/accuracy.json``.
"""

import json
import os
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np

import cornu
from cornu import layers

HERE = Path(__file__).parent
SEEDS = (1, 2, 3)


def main() -> None:
    (x, y), (x_test, y_test) = cornu.datasets.mnist.load_data()
    data = (x / 255).astype("float32"), y, (x_test / 255).astype("float32"), y_test
    results = {}
    for name, (build, optimizer, epochs, limit) in EXERCISES.items():
        errors = [mnist_errors(build, optimizer, seed, max(epochs), data) for seed in SEEDS]
        for epoch, most in zip(epochs, limit, strict=True):
            worst = max(error[epoch - 1] for error in errors)
            results[f"{name}, {epoch} epochs"] = {"worst_error": round(worst, 2), "limit": most, "met": bool(worst <= most)}
            print(
                f"{name}, {epoch} epochs: test error {worst:.2f} % in the worst of {len(SEEDS)} seeds, {most} % allowed",
                flush=True,
            )
    results["convnet, best of five epochs"] = convnet_errors(data)
    print(results["convnet, best of five epochs"], flush=True)
    results["50 + 10 fashion pictures"] = fashion_against_keras()
    print(results["50 + 10 fashion pictures"], flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "accuracy.json").write_text(json.dumps(results, indent=1) + "\n")


# --- MNIST ------------------------------------------------------------------------------------------------------------


def one_layer() -> cornu.Model:
    return cornu.Sequential([layers.Flatten(), layers.Dense(784, "relu"), layers.Dense(10, "softmax")])


def three_layers() -> cornu.Model:
    hidden = [layer for _ in range(3) for layer in (layers.Dense(784, "relu"), layers.Dropout(0.2))]
    return cornu.Sequential([layers.Flatten(), *hidden, layers.Dense(10, "softmax")])


def convnet() -> cornu.Model:
    return cornu.Sequential(
        [
            cornu.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPool2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPool2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


EXERCISES: dict[str, tuple[Callable, str, tuple, tuple]] = {
    "MLP with one hidden layer, Adam": (one_layer, "adam", (2,), (2.9,)),
    "MLP with three hidden layers and dropout, Adam": (three_layers, "adam", (2,), (2.7,)),
    "MLP with three hidden layers and dropout, SGD 0.01": (three_layers, "sgd", (2, 20), (9.5, 4.3)),
}


def mnist_errors(build: Callable, optimizer: str, seed: int, epochs: int, data: tuple) -> list[float]:
    """Test error in percent after each epoch."""
    x, y, x_test, y_test = data
    cornu.utils.set_random_seed(seed)
    model = build()
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, batch_size=128, epochs=epochs, validation_data=(x_test, y_test), validation_batch_size=1000)
    return [100 * (1 - accuracy) for accuracy in history.history["val_accuracy"]]


def convnet_errors(data: tuple) -> dict:
    best = [min(mnist_errors(convnet, "adam", seed, 5, data)) for seed in SEEDS]
    return {"worst_error": round(max(best), 2), "limit": 1.0, "met": max(best) < 1.0}


# --- Fashion ----------------------------------------------------------------------------------------------------------


def fashion_against_keras() -> dict:
    """Mean held-out accuracy of a tiny network on 50 + 10 pictures, over four splits and five seeds, beside Keras's."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

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
    """Fifty pictures of t-shirts, dresses and shoes to train on and ten to judge by."""
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
