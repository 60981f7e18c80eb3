"""The state of training: arrays that a step takes and gives, and the variables they are read from and handed back to."""

from typing import Any, NamedTuple

from cornu import backends
from cornu.core.layer_placement import placement_of
from cornu.core.variable import Variable, values_of


class TrainState(NamedTuple):
    """All that changes while a model trains.

    Attributes:
        trainable: Values of the trainable variables.
        non_trainable: Values of the other variables, such as running means.
        optimizer: Values of the optimizer's variables; empty when nothing is trained.
        metrics: Values of the metrics' variables.
        key: The key that the steps' random numbers follow from.
        step: How many steps were made with this key.
    """

    trainable: list
    non_trainable: list
    optimizer: list
    metrics: list
    key: Any
    step: Any


class StateSync:
    """Knows the variables behind a state: reads a state from them and hands one back to them.

    Between the two the variables keep their old arrays, so that a step that fails loses nothing.

    Args:
        model: The model.
        optimizer_variables: Those of its optimizer; empty when nothing is trained.
        metric_variables: Those of its metrics.
        key: Two words that all random numbers of the steps follow from.
    """

    def __init__(self, model: Any, optimizer_variables: list[Variable], metric_variables: list[Variable], key: tuple[int, int]):
        self._variables = (
            model.trainable_variables,
            model.non_trainable_variables,
            list(optimizer_variables),
            list(metric_variables),
        )
        self._key = backends.array_at(placement_of(model), key, "uint32")
        self._step = backends.array_at(placement_of(model), 0, "int32")

    def pull(self) -> TrainState:
        """The state as the variables hold it now."""
        trainable, non_trainable, optimizer, metrics = map(values_of, self._variables)
        return TrainState(trainable, non_trainable, optimizer, metrics, self._key, self._step)

    def push(self, state: TrainState) -> None:
        """Gives the variables the arrays of a state."""
        for variables, arrays in zip(self._variables, state[:4], strict=True):
            for variable, array in zip(variables, arrays, strict=True):
                variable.set_unchecked(array)
        self._key, self._step = state.key, state.step
