"""Several steps as one compiled call."""

import itertools
import re
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from cornu import backends, config, ops
from cornu.errors import line_of_user, place_of, warn
from cornu.training.batch import Batch, BatchIndices, batch_of, shapes_and_dtypes
from cornu.training.step.train_state import TrainState
from cornu.typing import ArrayLike


class Logs(Protocol):
    """What computes the logs from a state."""

    def results(self, values: list) -> dict[str, Any]:
        """Return the logs for the values of ``TrainState.metrics``. Pure."""
        ...


class StepResult(NamedTuple):
    """Result of a compiled call.

    Attributes:
        finite: Whether all trainable weights and the loss are finite: an array, or another object whose ``bool`` says it.
        logs: Dict from name to mean since the start of the epoch.
    """

    finite: Any
    logs: dict[str, Any]


class MultiStepFunction:
    """Several steps as one compiled call.

    The number of steps is an argument of the compiled function, so that any number of steps runs without recompilation.

    Args:
        step: Function ``(state, batch) -> state``.
        compiled_metrics: Metrics that compute the logs.
        place: Backend that compiles the function and device that runs it.
        is_compiled: Whether the steps are compiled; otherwise they run operation by operation. Defaults to True.
    """

    def __init__(
        self,
        step: Callable[[TrainState, Batch], TrainState],
        compiled_metrics: Logs,
        place: config.Placement,
        is_compiled: bool = True,
    ):
        self._place, self._log_names = place, []
        self._compiled_for: set[tuple] = set()

        def one_step(state: TrainState, data_and_indices: tuple[Batch, BatchIndices], number: ArrayLike) -> TrainState:
            return step(state, batch_of(*data_and_indices, number))

        def result_of(state: TrainState) -> StepResult:
            logs = compiled_metrics.results(state.metrics)
            self._log_names = list(logs)  # a backend may return a dict in another order
            losses = [logs["loss"]] if "loss" in logs else []
            return StepResult(_all_finite([*state.trainable, *losses]), logs)

        self._parts = one_step, result_of
        with config.placement_scope(*place):
            combined = backends.get(place.backend).multi_step if is_compiled else operation_by_operation
            self._run = combined(*self._parts)

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
            try:
                state, step_result = self._run(state, (data, indices), start, stop)
            except backends.get(self._place.backend).VALUE_ERRORS as error:
                warn_about_reading(error)
                self._run = operation_by_operation(*self._parts)
                state, step_result = self._run(state, (data, indices), start, stop)
        self._compiled_for.add(shapes_and_dtypes((data, indices)))
        return state, step_result._replace(logs={name: step_result.logs[name] for name in self._log_names})


def operation_by_operation(step: Callable, finish: Callable) -> Callable:
    """Combine steps as the backend's ``multi_step`` does, without compiling them."""

    def run(carry: TrainState, data: tuple[Batch, BatchIndices], start: int, stop: int) -> tuple[TrainState, StepResult]:
        for number in range(start, stop):
            carry = step(carry, data, number)
        return carry, finish(carry)

    return run


def warn_about_reading(error: Exception) -> None:
    """Warn that a function that reads the values of arrays cannot be compiled, with the line of the user's code that does."""
    line = line_of_user(error)
    where = "the model or its step" if line is None else f"{place_of(line)},"
    warn(
        f"Steps run operation by operation, which is slow, since {where} reads the values of arrays: "
        f"{_first_sentences(str(error))} Use functions of `cornu.ops` such as `where` and `cond` instead, or pass "
        "`run_eagerly=True` to `compile` to run without this warning.",
        at=line,
    )


def _first_sentences(text: str) -> str:
    """Return the first sentence of a text, and those after it that fit into 200 characters."""
    sentences = re.findall(r"\S.*?[.!?](?=\s|$)|\S.*$", text.splitlines()[0])
    lengths = itertools.accumulate(len(sentence) + 1 for sentence in sentences)
    count = sum(length <= 200 for length in lengths)
    found = " ".join(sentences[: max(count, 1)])
    return found if found.endswith((".", "!", "?")) else f"{found.rstrip(':;')}."


def _all_finite(arrays: list) -> Any:
    """Return whether all values are finite. A sum is not finite if one of its terms is not, and reads the arrays only once."""
    return ops.isfinite(sum(ops.sum(ops.cast(array, "float32")) * 0.0 for array in arrays))
