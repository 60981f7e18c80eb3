"""A stand-in for a model, and a drive through epochs of given logs, for Cornu's callbacks and for Keras's."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


class StandIn:
    """What callbacks touch of a model; the weights are the number of the epoch."""

    def __init__(self) -> None:
        self.optimizer = SimpleNamespace(learning_rate=0.5)
        self.stop_training = False
        self.metrics: list = []
        self.variables: list = []
        self.weights = 0
        self.saved: list = []
        self.rates: list = []

    def get_weights(self) -> list:
        return [np.array(self.weights)]

    def set_weights(self, weights: list) -> None:
        self.weights = int(weights[0])

    def save(self, path: str, overwrite: bool = True) -> None:
        self.saved.append(("model", path, self.weights))

    def save_weights(self, path: str, overwrite: bool = True) -> None:
        self.saved.append(("weights", path, self.weights))


def drive(callback: Any, epochs: list[dict], steps: int = 3) -> StandIn:
    """Calls a callback as ``fit`` does, with given logs for each epoch; returns the model as it is at the end."""
    model = StandIn()
    callback.set_model(model)
    callback.on_train_begin({})
    for epoch, logs in enumerate(epochs):
        callback.on_epoch_begin(epoch)
        model.weights += 1
        for batch in range(steps):
            callback.on_train_batch_begin(batch, {})
            callback.on_train_batch_end(batch, dict(logs))
        logs = dict(logs)
        callback.on_epoch_end(epoch, logs)
        model.rates.append((model.optimizer.learning_rate, logs))
        if model.stop_training:
            break
    callback.on_train_end({})
    return model


@pytest.fixture(name="drive")
def drive_fixture() -> Callable:
    """The function that drives a callback."""
    return drive


@pytest.fixture
def curves() -> list[list[float]]:
    """Random learning curves that fall, rise and stay flat."""
    generator = np.random.default_rng(11)
    return [list(np.round(generator.normal(size=14).cumsum(), 1)) for _ in range(12)]
