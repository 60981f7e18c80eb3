"""Sequences: masks, custom recurrent cells, state between batches, and batches of different sizes."""

from typing import Any

import keras
import numpy as np
from keras import layers, ops
from program import RNG, TOKENS, Program, Y

register = keras.saving.register_keras_serializable("programs")

TAGS = (TOKENS * 2) % 3
SERIES = RNG.normal(size=(24, 5, 3)).astype("float32")
SUMS = np.tanh(SERIES.sum((1, 2)))[:, None].astype("float32")
SIZES = [(5, 7), (3, 4), (6, 2), (1, 9)]
"""Number of samples and of steps of each batch."""


class OutputsWithMasks(Program):
    """A tag for each word and a class for each sentence; padding counts in neither loss nor metric."""

    def model(self) -> Any:
        x = keras.Input((None,), dtype="int32")
        steps = layers.LSTM(3, return_sequences=True)(layers.Embedding(9, 4, mask_zero=True)(x))
        return keras.Model(x, [layers.Dense(3, name="tags")(steps), layers.Dense(3, name="kind")(layers.GRU(2)(steps))])

    def compile(self, model: Any) -> None:
        losses = [keras.losses.SparseCategoricalCrossentropy(from_logits=True) for _ in range(2)]
        model.compile(keras.optimizers.SGD(0.1), losses, loss_weights=[1.0, 0.3])  # see `DictsOfInputsAndOutputs`

    def data(self) -> tuple:
        return TOKENS, [TAGS, Y]


class EvaluationWithMasks(OutputsWithMasks):
    """Metrics of masked steps, in evaluation, where all engines of Keras agree."""

    def compile(self, model: Any) -> None:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("sgd", [loss, loss], metrics=[["accuracy"], ["accuracy"]], weighted_metrics=[["accuracy"], []])

    def train(self, model: Any) -> Any:
        weights = [np.linspace(0, 1, 24 * 6).reshape(24, 6), np.linspace(1, 0, 24)]
        options = {
            "batch_size": 24,
            "sample_weight": weights,
            "verbose": 0,
        }  # of several batches, Keras on PyTorch scales weights
        return [model.evaluate(TOKENS, [TAGS, Y], return_dict=True, **options)]


@register
class MinimalCell(layers.Layer):
    """A recurrent cell with two states: the last output and a slow mean."""

    def __init__(self, units: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, units]
        self.output_size = units

    def build(self, input_shape: tuple) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer="uniform", name="kernel")
        self.recurrent = self.add_weight(shape=(self.units, self.units), initializer="uniform", name="recurrent")

    def call(self, inputs: Any, states: Any) -> tuple:
        output = ops.tanh(ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.recurrent) + 0.5 * states[1])
        return output, [output, 0.9 * states[1] + 0.1 * output]

    def get_config(self) -> dict:
        return {**super().get_config(), "units": self.units}


class RecurrentCell(Program):
    def model(self) -> Any:
        x = keras.Input((5, 3))
        steps = layers.RNN(MinimalCell(4), return_sequences=True)(x)
        return keras.Model(x, layers.Dense(1)(layers.Bidirectional(layers.RNN(MinimalCell(2)))(steps)))

    def data(self) -> tuple:
        return SERIES, SUMS


class StackedCells(Program):
    """Custom cells and those of Keras in one layer, with masked steps and with the last states as outputs."""

    def model(self) -> Any:
        x = keras.Input((5, 3))
        output, *states = layers.RNN([MinimalCell(3), layers.LSTMCell(2)], return_state=True)(layers.Masking(0.0)(x))
        return keras.Model(x, layers.Dense(1)(layers.concatenate([output, states[0][1], states[1][0]])))

    def data(self) -> tuple:
        return SERIES * (np.arange(5)[:, None] < 3 + Y[:, None, None]), SUMS


class StateBetweenBatches(Program):
    """A long series in parts; the state is reset after each epoch."""

    keras_is_wrong_on = ("jax", "torch")  # the states stay zero in `fit`; "variables modified by an inplace operation"

    def model(self) -> Any:
        x = keras.Input(batch_shape=(8, 5, 3))
        return keras.Model(x, layers.Dense(1)(layers.LSTM(3, stateful=True)(x)))

    def train(self, model: Any) -> Any:
        found = []
        for _ in range(2):
            found.append(model.fit(SERIES, SUMS, batch_size=8, epochs=1, shuffle=False, verbose=0).history)
            found.append([np.asarray(ops.convert_to_numpy(state)) for state in model.layers[1].states])
            model.layers[1].reset_state()
        return found

    def data(self) -> tuple:
        return SERIES, SUMS

    def outputs(self, model: Any) -> Any:
        model.layers[1].reset_state()
        found = super().outputs(model)
        model.layers[1].reset_state()
        return found


class Batches(keras.utils.PyDataset):
    """Batches of different numbers of samples and steps."""

    def __len__(self) -> int:
        return len(SIZES)

    def __getitem__(self, index: int) -> tuple:
        samples, steps = SIZES[index]
        x = np.random.default_rng(index).normal(size=(samples, steps, 3)).astype("float32")
        return x, np.tanh(x.sum((1, 2)))[:, None]


class AnotherSizeInEveryBatch(Program):
    def model(self) -> Any:
        x = keras.Input((None, 3))
        steps = layers.Conv1D(3, 3, padding="same", activation="relu")(x)
        return keras.Model(
            x, layers.Dense(1)(layers.concatenate([layers.GlobalAveragePooling1D()(steps), layers.GRU(2)(steps)]))
        )

    def train(self, model: Any) -> Any:
        return model.fit(Batches(), epochs=2, shuffle=False, verbose=0, validation_data=Batches()).history

    def outputs(self, model: Any) -> Any:
        return [model.predict(Batches()[index][0], verbose=0) for index in range(len(SIZES))]


class WeightsOfSteps(Program):
    """A weight for each step of each sample, and a metric that is weighted."""

    def model(self) -> Any:
        x = keras.Input((5, 3))
        return keras.Model(x, layers.Dense(1)(layers.SimpleRNN(3, return_sequences=True)(x)))

    def compile(self, model: Any) -> None:
        model.compile(keras.optimizers.Adam(0.02), keras.losses.MeanSquaredError(), weighted_metrics=["mae"])

    def data(self) -> tuple:
        return SERIES, np.cumsum(SERIES, axis=1).mean(-1, keepdims=True), np.linspace(0, 1, 120).reshape(24, 5)


class EncoderAndDecoder(Program):
    """The states of one network start another, and it is applied step by step afterwards."""

    def model(self) -> Any:
        source, target = keras.Input((5, 3), name="source"), keras.Input((None, 3), name="target")
        _, *states = layers.LSTM(3, return_state=True, name="encoder")(source)
        decoded = layers.LSTM(3, return_sequences=True, name="decoder")(target, initial_state=states)
        return keras.Model([source, target], layers.Dense(3, name="out")(decoded))

    def data(self) -> tuple:
        return [SERIES, np.roll(SERIES, 1, axis=1)], np.tanh(SERIES)

    def outputs(self, model: Any) -> Any:
        step, found = np.zeros((4, 1, 3), "float32"), []
        for _ in range(3):
            step = model.predict([SERIES[:4], step], verbose=0)[:, -1:]
            found.append(step)
        return found


PROGRAMS = [
    OutputsWithMasks,
    EvaluationWithMasks,
    RecurrentCell,
    StackedCells,
    StateBetweenBatches,
    AnotherSizeInEveryBatch,
    WeightsOfSteps,
    EncoderAndDecoder,
]
