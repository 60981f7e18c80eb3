"""Recovery: the model holds its last good state, whatever interrupts training."""

from typing import NamedTuple

from cornu.training.batch import DataChunk
from cornu.training.step.multi_step import MultiStepFunction, StepResult
from cornu.training.step.train_state import StateSync, TrainState


class _Steps(NamedTuple):
    """Steps whose report nobody has read yet."""

    chunk: DataChunk
    start: int
    stop: int
    step_result: StepResult


class FailedStep(NamedTuple):
    """A step after which a weight or the loss is not finite.

    Attributes:
        segment: Its data.
        number: Its number in the segment.
        state: The state before it.
    """

    chunk: DataChunk
    number: int
    state: TrainState


class Recovery:
    """Hands states to the model, and takes back those that are not finite.

    Whether a state is finite is known when the report of its steps is read, and reading waits for the device. So the steps
    since the last good state are remembered: they can be made again one by one to find the one that failed.

    Args:
        block: The compiled block of steps.
        keeper: Reads and hands back the state.
        undoes_non_finite: Whether states that are not finite are taken back, as in training.
    """

    def __init__(self, multi_step: MultiStepFunction, state_sync: StateSync, undoes_non_finite: bool):
        self._multi_step, self._state_sync, self._undoes_non_finite = multi_step, state_sync, undoes_non_finite
        self._good: TrainState = state_sync.pull()
        self._pending: TrainState | None = None
        self._unread: list[_Steps] = []

    @property
    def unread_result(self) -> StepResult | None:
        """The report of the newest steps since :meth:`begin`, if there are any."""
        return self._unread[-1].step_result if self._unread else None

    def begin(self) -> None:
        """Take what the model holds as the good state: its report was read, or the user's own code has run."""
        self._good = self._state_sync.pull()
        self._unread.clear()

    def commit(self, chunk: DataChunk, start: int, stop: int) -> StepResult:
        """Make the steps ``start`` to ``stop - 1`` of a segment, and hand the state after them to the model."""
        state, step_result = self._multi_step(self._state_sync.pull(), chunk.data, chunk.indices, start, stop)
        self._unread.append(_Steps(chunk, start, stop, step_result))
        self._pending = state
        self._state_sync.push(state)
        self._pending = None
        return step_result

    def rollback(self) -> None:
        """After an exception: the newest state stays if it is finite, else the model gets that before the failed step."""
        if self._pending is not None:  # the exception, such as a key press, came while the model was handed it
            self._state_sync.push(self._pending)
            self._pending = None
        if self._undoes_non_finite and self._unread and not bool(self._unread[-1].step_result.finite):
            self.replay()
        self._unread.clear()

    def replay(self) -> FailedStep:
        """Make the steps since the good state again, one by one, and return the one that failed.

        The model gets the state from before that step.
        """
        failed = self._first_failed()
        self._good = failed.state
        self._state_sync.push(failed.state)
        self._unread.clear()
        return failed

    def _first_failed(self) -> FailedStep:
        state = self._good
        for chunk, start, stop, _ in self._unread:
            for number in range(start, stop):
                after, step_result = self._multi_step(state, chunk.data, chunk.indices, number, number + 1)
                if not bool(step_result.finite):
                    return FailedStep(chunk, number, state)
                state = after
        # A device may not compute the same twice: then all these steps are undone.
        chunk, start = self._unread[-1][:2]
        return FailedStep(chunk, start, self._good)
