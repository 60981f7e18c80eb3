"""Several steps as one compiled call."""

from collections.abc import Callable
from typing import Any, NamedTuple

from cornu import backends, config, ops
from cornu.training.batch import Batch, BatchIndices, batch_of, shapes_and_dtypes
from cornu.training.compiled_metrics import CompiledMetrics
from cornu.training.step.train_state import TrainState
from cornu.typing import Array, ArrayLike


class StepResult(NamedTuple):
    """Result of a compiled call.

    Attributes:
        finite: Whether all trainable weights and the loss are finite.
        logs: Dict from name to mean since the start of the epoch.
    """

    finite: Array
    logs: dict[str, Any]


class MultiStepFunction:
    """Several steps as one compiled call.

    The number of steps is an argument of the compiled function, so that any number of steps runs without recompilation.

    Args:
        step: Function ``(state, batch) -> state``.
        compiled_metrics: Metrics that compute the logs.
        place: Backend that compiles the function and device that runs it.
    """

    def __init__(
        self, step: Callable[[TrainState, Batch], TrainState], compiled_metrics: CompiledMetrics, place: config.Placement
    ):
        self._compiled_metrics, self._place = compiled_metrics, place
        self._compiled_for: set[tuple] = set()

        def one_step(state: TrainState, data_and_indices: tuple[Batch, BatchIndices], number: ArrayLike) -> TrainState:
            return step(state, batch_of(*data_and_indices, number))

        def result_of(state: TrainState) -> StepResult:
            logs = compiled_metrics.results(state.metrics)
            return StepResult(_all_finite([*state.trainable, logs["loss"]]), logs)

        with config.placement_scope(*place):
            self._run = backends.get(place.backend).multi_step(one_step, result_of)

    def is_compiled_for(self, data: Batch, indices: BatchIndices) -> bool:
        """Return whether the function is compiled for the shapes and dtypes of the data and indices."""
        return shapes_and_dtypes((data, indices)) in self._compiled_for

    def __call__(
        self, state: TrainState, data: Batch, indices: BatchIndices, start: int, stop: int
    ) -> tuple[TrainState, StepResult]:
        """Run the steps ``start`` to ``stop - 1`` of the batches selected by ``indices``.

        Returns:
            The state after the steps and a :class:`StepResult`.
        """
        with config.placement_scope(*self._place):
            state, step_result = self._run(state, (data, indices), start, stop)
        self._compiled_for.add(shapes_and_dtypes((data, indices)))
        return state, step_result._replace(logs=self._compiled_metrics.in_order(step_result.logs))


def _all_finite(arrays: list) -> Any:
    """Return whether all values are finite. A sum is not finite if one of its terms is not, and reads the arrays only once."""
    return ops.isfinite(sum(ops.sum(ops.cast(array, "float32")) * 0.0 for array in arrays))
