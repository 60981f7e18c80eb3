"""A user's step that changes variables in place, as code for PyTorch and TensorFlow does."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from cornu import backends, config, ops
from cornu.backends import engine_variables
from cornu.core.layer_placement import placement_of
from cornu.core.variable import Variable, detached_values_of
from cornu.training.batch import Batch, BatchIndices, batch_of, shapes_and_dtypes
from cornu.training.custom_steps import styles
from cornu.training.custom_steps.pure_step import data_of
from cornu.training.logs import flat_logs
from cornu.training.step.multi_step import StepResult
from cornu.training.step.train_state import TrainState
from cornu.training.step_methods import StepMethods
from cornu.typing import Array, ArrayLike


class Values(list):
    """Values of variables, together with the variables, of which a step may create more.

    Args:
        variables: The variables. Those of an optimizer or a metric that is not built yet may be on another backend.
    """

    def __init__(self, variables: list[Variable]):
        super().__init__(map(_own, detached_values_of(variables)))
        self.variables = variables

    def restore(self) -> None:
        """Set the variables to these values."""
        for variable, value in zip(self.variables, self, strict=True):
            variable.set_unchecked(backends.array_at(variable.place, _own(value)))


def _own(value: Array) -> Any:
    """Return a value that no operation in place changes; on an engine without variables none does."""
    kind = engine_variables.find(backends.home(value))
    return value if kind is None else kind.own(value)


class InPlaceStateSync:
    """Takes and restores copies of the state of a model whose step changes variables in place.

    Args:
        model: The model.
        others: Function that returns the variables of the optimizers and metrics.
    """

    def __init__(self, model: StepMethods, others: Callable[[], list[Variable]]):
        self._model, self._others = model, others
        self._current: TrainState | None = None
        self._steps = 0

    def pull(self) -> TrainState:
        """Return a copy of the current state of the variables."""
        model = self._model
        groups = model.trainable_variables, model.non_trainable_variables, self._others(), []
        values = [Values(group) for group in groups]
        self._current = TrainState(*values, key=np.zeros(2, "uint32"), step=np.int32(self._steps))  # type: ignore[arg-type]
        return self._current

    def push(self, state: TrainState) -> None:
        """Restore a state, unless the variables have it already."""
        if state is not self._current:
            for values in cast(tuple[Values, ...], state[:4]):
                values.restore()
        self._current, self._steps = state, int(cast(np.int32, state.step))

    def note_steps(self, count: int) -> None:
        """Note that steps, possibly an unfinished one besides ``count`` whole ones, have changed the variables."""
        self._current = None
        self._steps += count


class InPlaceSteps:
    """Several steps that change variables in place, with the interface of ``MultiStepFunction``.

    Args:
        model: The model.
        method: Name of the step: a method such as ``"train_step"``, or ``"train_function"`` or ``"test_function"``.
        call: The step, as a function from a batch to the logs.
        combine: Function that combines a step ``(data, number)`` to several (see ``EngineVariable.steps_of``).
        state_sync: Object that takes and restores copies of the state.
    """

    def __init__(
        self,
        model: StepMethods,
        method: str,
        call: Callable[[Any], Any],
        combine: Callable[[Callable], Callable],
        state_sync: InPlaceStateSync,
    ):
        self._model, self._method, self._state_sync, self._place = model, method, state_sync, placement_of(model)
        self._call, self._run = call, combine(self._step)
        self._met: set[tuple] = set()

    def is_compiled_for(self, data: Batch, indices: BatchIndices) -> bool:
        """Return whether a step ran with the shapes and dtypes of the data and indices."""
        return shapes_and_dtypes((data, indices)) in self._met

    def __call__(
        self, state: TrainState, data: Batch, indices: BatchIndices, start: int, stop: int
    ) -> tuple[TrainState, StepResult]:
        """Run the steps ``start`` to ``stop - 1`` of the batches selected by ``indices``.

        Returns:
            The state after the steps and a :class:`StepResult`.
        """
        self._state_sync.push(state)
        with config.placement_scope(*self._place):
            try:
                logs = self._run((data, indices), start, stop)
            except BaseException as error:  # also Ctrl-C, which may come when some of the variables have changed
                self._state_sync.note_steps(0)
                self._state_sync.push(state)
                if not isinstance(error, Exception):
                    raise
                raise styles.explain_failure(self._model, self._method, error)  # noqa: B904 - it has its cause
        self._state_sync.note_steps(stop - start)
        self._met.add(shapes_and_dtypes((data, indices)))
        after = self._state_sync.pull()
        return after, StepResult(_Finite(after, logs, self._place), logs)

    def _step(self, arrays: tuple[Batch, BatchIndices], number: ArrayLike) -> dict[str, Any]:
        """Run the step of a batch and return its logs."""
        logs = self._call(data_of(batch_of(*arrays, number)))
        return flat_logs(f"{type(self._model).__name__}.{self._method}", logs)


class _Finite:
    """Whether the trainable weights and the loss are finite, computed when it is asked.

    Args:
        state: State after the steps.
        logs: Logs of the last step.
        place: Placement of the model.
    """

    def __init__(self, state: TrainState, logs: dict[str, Any], place: config.Placement):
        self._arrays, self._place = [*state.trainable, *([logs["loss"]] if "loss" in logs else [])], place

    def __bool__(self) -> bool:
        backend = backends.get(self._place.backend)
        return all(bool(np.isfinite(backend.to_numpy(ops.sum(ops.stop_gradient(array) * 0.0)))) for array in self._arrays)
