"""What a program of this folder is, and data and networks that several of them use."""

from typing import Any

import keras
import numpy as np

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 4)).astype("float32")
Y = RNG.integers(0, 3, 24)
Z = (X @ np.array([[1.0], [2.0], [-1.0], [0.5]]) + RNG.normal(size=(24, 1)) / 10).astype("float32")
NOISE = RNG.normal(size=(24, 2)).astype("float32")
IMAGES = (np.tanh(NOISE @ RNG.normal(size=(2, 36))).reshape(24, 6, 6, 1) / 2 + 0.5).astype("float32")
TOKENS = RNG.integers(1, 9, (24, 6)) * (np.arange(6) < RNG.integers(2, 7, (24, 1)))


class Program:
    """A model, how it is compiled, and how it is trained. Subclasses override what differs."""

    sets_weights = True
    """Whether the harness sets the weights; False if the program itself determines them."""

    keras_is_wrong_on: tuple[str, ...] = ()
    """Engines on which Keras 3.15 raises an error, or loses what the program is about."""

    def model(self) -> Any:
        """Return the model, built."""
        raise NotImplementedError

    def compile(self, model: Any) -> None:
        """Compile the model."""
        model.compile(optimizer=keras.optimizers.Adam(0.02), loss="mse", metrics=["mae"])

    def data(self) -> tuple:
        """Return inputs and targets, and weights of samples if there are any."""
        return X, Z

    def train(self, model: Any) -> Any:
        """Train the model and return numbers, usually the logs."""
        x, y, *weights = self.data()
        options = {"sample_weight": weights[0]} if weights else {}
        return model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0, **options).history

    def outputs(self, model: Any) -> Any:
        """Return the predictions of the model."""
        return model.predict(self.data()[0], batch_size=8, verbose=0)

    def load(self, path: Any) -> Any:
        """Return the saved model, ready to be trained on."""
        return keras.models.load_model(path)


def classifier() -> Any:
    """Return the usual compile arguments of a classifier of integer labels."""
    return {
        "optimizer": keras.optimizers.Adam(0.02),
        "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "metrics": ["accuracy"],
    }


def mlp(units: int = 1, cls: Any = None) -> Any:
    """Return a functional model with normalization, of a class derived from ``keras.Model`` if one is given."""
    x = keras.Input((4,))
    hidden = keras.layers.BatchNormalization(momentum=0.5)(keras.layers.Dense(5, "tanh")(x))
    return (cls or keras.Model)(x, keras.layers.Dense(units)(hidden))
