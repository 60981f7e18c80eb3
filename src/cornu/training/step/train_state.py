"""The training state: arrays that a step takes and returns, and their synchronization with variables."""

from typing import NamedTuple

import numpy as np

from cornu import backends, ops, seeds
from cornu.core.layer_placement import placement_of
from cornu.core.random_key import RandomKey
from cornu.core.structure_facts import structure_facts
from cornu.core.variable import Variable, values_of
from cornu.training.model_protocol import TrainableModel
from cornu.typing import Array, ArrayLike


class TrainState(NamedTuple):
    """All values that change during training.

    Attributes:
        trainable: Values of the trainable variables.
        non_trainable: Values of the other variables, such as running means.
        optimizer: Values of the optimizer's variables; empty in evaluation.
        metrics: Values of the metrics' variables.
        key: Random key from which the keys of the steps are derived.
        step: Number of steps run with this key.
    """

    trainable: list
    non_trainable: list
    optimizer: list
    metrics: list
    key: ArrayLike
    step: Array


def key_of_step(state: TrainState, training: bool) -> RandomKey:
    """Return the random key of the step that continues a state.

    Args:
        state: The state.
        training: Whether the step trains, so that the states of generators with explicit seeds count it.
    """
    value = RandomKey(state.key).fold_in(state.step).value
    return RandomKey(value, () if training else (state.step,))


def with_counted_step(model: TrainableModel, non_trainable: list) -> list:
    """Return the values of the non-trainable variables after a training step, which generators with explicit seeds count.

    So the next step draws other values, in the same training or in a later one.

    Args:
        model: The model.
        non_trainable: The values.
    """
    facts = structure_facts(model)
    states = {id(generator.state) for generator in facts.seeded_generators}
    if not states:
        return non_trainable
    step = np.array([0, 1], dtype="uint32")
    pairs = zip(facts.non_trainable, non_trainable, strict=True)
    return [ops.add(value, step) if id(variable) in states else value for variable, value in pairs]


def new_key(training: bool) -> tuple[int, int]:
    """Return a key for the steps of a training; evaluation must not change later random draws, and has always the same key."""
    return seeds.next_key() if training else (0, 0)


class StateSync:
    """Reads a state from the variables and writes it back.

    Between the two, the variables keep their old arrays, so that a failing step loses nothing.

    Args:
        model: The model.
        optimizer_variables: Variables of the optimizer; empty in evaluation.
        metric_variables: Variables of the metrics.
        key: Two integers from which all random keys of the steps are derived.
    """

    def __init__(
        self, model: TrainableModel, optimizer_variables: list[Variable], metric_variables: list[Variable], key: tuple[int, int]
    ):
        facts = structure_facts(model)
        self._variables = facts.trainable, facts.non_trainable, list(optimizer_variables), list(metric_variables)
        self._key = backends.array_at(placement_of(model), key, "uint32")
        self._step = backends.array_at(placement_of(model), 0, "int32")

    def pull(self) -> TrainState:
        """Return the current state of the variables."""
        trainable, non_trainable, optimizer, metrics = map(values_of, self._variables)
        return TrainState(trainable, non_trainable, optimizer, metrics, self._key, self._step)

    def push(self, state: TrainState) -> None:
        """Set the variables to the arrays of a state."""
        for variables, arrays in zip(self._variables, state[:4], strict=True):
            for variable, array in zip(variables, arrays, strict=True):
                variable.set_unchecked(array)
        self._key, self._step = state.key, state.step
