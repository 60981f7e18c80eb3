"""Recovery: the model keeps its last good state if training is interrupted or becomes non-finite."""

from typing import NamedTuple

from cornu.training.batch import DataChunk
from cornu.training.step.multi_step import MultiStepFunction, StepResult
from cornu.training.step.train_state import StateSync, TrainState


class _Steps(NamedTuple):
    """Steps whose result has not been read yet."""

    chunk: DataChunk
    start: int
    stop: int
    step_result: StepResult


class FailedStep(NamedTuple):
    """A step after which a weight or the loss is not finite.

    Attributes:
        chunk: Data of the step.
        number: Index of the step in the chunk.
        state: State before the step.
    """

    chunk: DataChunk
    number: int
    state: TrainState


class Recovery:
    """Writes states to the model, and undoes those that are not finite.

    Whether a state is finite is known when the result of its steps is read, which waits for the device. Therefore the steps
    since the last good state are recorded, so that they can be run again one by one to find the one that failed.

    Args:
        multi_step: Compiled function of several steps.
        state_sync: Object that reads and writes the state.
        undoes_non_finite: Whether non-finite states are undone, as in training.
    """

    def __init__(self, multi_step: MultiStepFunction, state_sync: StateSync, undoes_non_finite: bool):
        self._multi_step, self._state_sync, self._undoes_non_finite = multi_step, state_sync, undoes_non_finite
        self._good: TrainState = state_sync.pull()
        self._pending: TrainState | None = None
        self._unread: list[_Steps] = []

    @property
    def unread_result(self) -> StepResult | None:
        """The result of the newest steps since :meth:`begin`, or None."""
        return self._unread[-1].step_result if self._unread else None

    def begin(self) -> None:
        """Record the current state of the model as the good state, after its result was read or user code has run."""
        self._good = self._state_sync.pull()
        self._unread.clear()

    def commit(self, chunk: DataChunk, start: int, stop: int) -> StepResult:
        """Run the steps ``start`` to ``stop - 1`` of a chunk and write the resulting state to the model."""
        state, step_result = self._multi_step(self._state_sync.pull(), chunk.data, chunk.indices, start, stop)
        self._unread.append(_Steps(chunk, start, stop, step_result))
        self._pending = state
        self._state_sync.push(state)
        self._pending = None
        return step_result

    def rollback(self) -> None:
        """Handle an exception: keep the newest state if it is finite, else restore the state before the failed step."""
        if self._pending is not None:  # interrupted, for example by Ctrl-C, while the state was written
            self._state_sync.push(self._pending)
            self._pending = None
        if self._undoes_non_finite and self._unread and not bool(self._unread[-1].step_result.finite):
            self.replay()
        self._unread.clear()

    def replay(self) -> FailedStep:
        """Run the steps since the good state again, one by one, and return the one that failed.

        The state from before that step is written to the model.
        """
        failed = self._first_failed()
        self._good = failed.state
        self._state_sync.push(failed.state)
        self._unread.clear()
        return failed

    def _first_failed(self) -> FailedStep:
        """Return the first step since the good state after which the state is not finite."""
        state = self._good
        for chunk, start, stop, _ in self._unread:
            for number in range(start, stop):
                after, step_result = self._multi_step(state, chunk.data, chunk.indices, number, number + 1)
                if not bool(step_result.finite):
                    return FailedStep(chunk, number, state)
                state = after
        # A device may not be deterministic: if no step fails when run again, all these steps are undone.
        chunk, start = self._unread[-1][:2]
        return FailedStep(chunk, start, self._good)
