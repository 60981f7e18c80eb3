"""Run one rival of ``bench.py`` in a separate process, since Keras supports one engine per process.

``python rival.py RIVAL WORKLOAD`` builds and compiles the model, trains an epoch, prints "ready", and then answers each line
that it reads with a number:

* ``training``: seconds of an epoch of training.
* ``one``: seconds of ``predict`` for one sample, the median of up to 100.
* ``bulk``: seconds of ``predict`` for 20 batches.
* ``memory``: peak size of the process, in megabytes.
* ``goal``: seconds of training until the goal is reached, without compilation; only once, and for a workload with a goal.
"""

import os
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from workloads import WORKLOADS, Workload, mnist_to_test_on

ENGINES = ("jax", "torch", "tensorflow")
LIBRARIES = {"Cornu": "cornu", "Keras 3": "keras"}
RIVALS = (
    *(f"{name} on {engine}" for name in LIBRARIES for engine in ENGINES),
    "plain PyTorch, default",
    "plain PyTorch, channels last",
    "plain PyTorch, compiled",
    "plain JAX",
)

MOST_EPOCHS = 12
"""Largest number of epochs to train for a goal."""


def main(name: str, workload: Workload) -> None:
    epoch, predict = made(name, workload)
    x = workload.data()[0]
    many = np.concatenate([x] * -(-20 * workload.batch_size // len(x)))[: 20 * workload.batch_size]
    answers = {
        "training": lambda: seconds(epoch),
        "one": lambda: statistics.median(some_seconds(lambda: predict(x[:1]))),
        "bulk": lambda: seconds(lambda: predict(many)),
        "goal": lambda: seconds_to_goal(workload.goal, epoch, predict),
        "memory": lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    epoch()
    print("ready", flush=True)
    for line in sys.stdin:
        print(answers[line.strip()](), flush=True)


def made(name: str, workload: Workload) -> tuple[Callable[[], None], Callable[[np.ndarray], np.ndarray]]:
    """Return a function that trains for an epoch and one that predicts."""
    if name == "plain JAX":
        import plain_jax

        return plain_jax.rival(workload)
    if name.startswith("plain PyTorch, "):
        import plain_torch

        return plain_torch.rival(workload, name.removeprefix("plain PyTorch, "))
    return of_library(*name.split(" on "), workload)


def of_library(name: str, engine: str, workload: Workload) -> tuple[Callable[[], None], Callable[[np.ndarray], np.ndarray]]:
    """Return the functions of Cornu or Keras, which have the same API."""
    os.environ["KERAS_BACKEND"] = os.environ["CORNU_BACKEND"] = engine
    library = __import__(LIBRARIES[name])
    x, y = workload.data()
    model = workload.network(library, workload.shape, workload.classes)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])

    def epoch() -> None:
        model.fit(x, y, batch_size=workload.batch_size, epochs=1, verbose=0)

    return epoch, lambda x: model.predict(x, batch_size=workload.batch_size, verbose=0)


def seconds_to_goal(goal: float, epoch: Callable[[], None], predict: Callable[[np.ndarray], np.ndarray]) -> float:
    """Return the seconds of training until the test accuracy, evaluated after each epoch, reaches a goal, or infinity.

    The first epoch was trained before and includes compilation: it is counted with the median of the later ones.
    """
    x, y = mnist_to_test_on()
    found: list[float] = []
    while np.mean(predict(x).argmax(-1) == y) < goal:
        if len(found) + 1 == MOST_EPOCHS:
            return float("inf")
        found.append(seconds(epoch))
    return (1 + len(found)) * statistics.median(found or [seconds(epoch)])


def some_seconds(function: Callable) -> list[float]:
    """Return the seconds of each of 100 calls, or of fewer once they take half a second."""
    found: list[float] = []
    while not found or (len(found) < 100 and sum(found) < 0.5):
        found.append(seconds(function))
    return found


def seconds(function: Callable) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1], WORKLOADS[sys.argv[2]])
