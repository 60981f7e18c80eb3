"""A custom recurrent cell: a layer that processes one step of a sequence, in `layers.RNN`.

A cell has `units` (or `state_size`), and its `call(inputs, states)` returns the output of a step
and the new states. `RNN` runs it over all steps, also backwards (`go_backwards`), with masks,
stacked, or in `Bidirectional`.

The cell here is a minimal gated unit: like a GRU, with one gate in place of two. It is trained on
the adding problem: of a sequence of random numbers two are marked, and their sum is to be computed,
so that the cell must ignore, store and add. A constant answer has a squared error of 0.167.

Reference: Zhou et al., Minimal Gated Unit for Recurrent Neural Networks, https://arxiv.org/abs/1603.09420
"""

import argparse

import numpy as np

import cornu
from cornu import layers, ops


@cornu.saving.register_keras_serializable("examples")  # so that a saved model can be loaded
class MinimalGatedCell(layers.Layer):
    """A recurrent cell with one gate, which decides how much of the state is replaced.

    Args:
        units: Number of units.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape):
        shape = (input_shape[-1] + self.units, self.units)
        self.gate_kernel = self.add_weight(name="gate_kernel", shape=shape, initializer="glorot_uniform")
        self.gate_bias = self.add_weight(name="gate_bias", shape=(self.units,), initializer="zeros")
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, inputs, states):
        [state] = states
        gate = ops.sigmoid(ops.matmul(ops.concatenate([inputs, state], -1), self.gate_kernel) + self.gate_bias)
        proposed = ops.tanh(ops.matmul(ops.concatenate([inputs, gate * state], -1), self.kernel) + self.bias)
        state = (1 - gate) * state + gate * proposed
        return state, [state]


def adding_problem(count: int, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return sequences of shape `(count, steps, 2)`, numbers and marks, and the sums of the two marked numbers."""
    rng = np.random.default_rng(seed)
    numbers, marks = rng.uniform(size=(count, steps)), np.zeros((count, steps))
    marks[np.arange(count), rng.integers(0, steps // 2, count)] = 1
    marks[np.arange(count), rng.integers(steps // 2, steps, count)] = 1
    return np.stack([numbers, marks], -1).astype("float32"), (numbers * marks).sum(1, keepdims=True).astype("float32")


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a recurrent cell to add two numbers of a sequence.")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--steps", type=int, default=20, help="length of a sequence")
    options = parser.parse_args()

    cornu.utils.set_random_seed(0)
    x, y = adding_problem(4000, options.steps, seed=0)
    model = cornu.Sequential([cornu.Input((None, 2)), layers.RNN(MinimalGatedCell(32)), layers.Dense(1)])
    model.compile(cornu.optimizers.Adam(3e-3), "mse")
    model.fit(x, y, batch_size=64, epochs=options.epochs, verbose=2)

    x, y = adding_problem(5, options.steps, seed=1)
    for truth, answer in zip(y[:, 0], model.predict(x, verbose=0)[:, 0], strict=True):
        print(f"The sum is {truth:.2f}, and the network says {answer:.2f}.")


if __name__ == "__main__":
    main()
