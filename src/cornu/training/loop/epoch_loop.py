"""The loop over the steps of an epoch, shared by all backends, all kinds of data, training and evaluation."""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from cornu import ops
from cornu.errors import NonFiniteError
from cornu.training.batch import DataChunk
from cornu.training.callback import CallbackList
from cornu.training.data_adapters.data_adapter import DataAdapter
from cornu.training.logs import as_number
from cornu.training.loop.progress import Progress
from cornu.training.loop.recovery import Recovery
from cornu.training.step.multi_step import MultiStepFunction
from cornu.training.step.train_state import StateSync, TrainState

_SECONDS_PER_CALL = 0.5
"""Target duration of one compiled call, so that the progress display is updated twice per second.

With 0.1 s, networks whose steps take that long train 0.86 times as fast, since each call copies the weights and allocates new
memory for the activations."""

_STOP_FLAGS = {"train": "stop_training", "test": "stop_evaluating"}
"""The attribute of the model by which a callback ends a loop."""

_MAX_GROWTH = 8
"""Maximum factor by which the duration of a call may grow, since the first steps are slower than the rest."""


class Loop:
    """Runs epochs with a compiled function of several steps.

    The state is written to the model after every call, before callbacks run; until then the model has the previous state, also
    for a generator that a thread draws from meanwhile. Whether the state is finite is checked when the logs are read (see
    :class:`~cornu.training.loop.recovery.Recovery`).

    Args:
        multi_step: Compiled function of several steps.
        state_sync: Object that reads and writes the state.
        callbacks: Callbacks to call.
        events: ``"train"`` or ``"test"``, the kind of batch events to call.
        progress: Progress display.
        explain: Function ``(chunk, step, state_before) -> NonFiniteError``. Defaults to None (non-finite values are ignored).
        steps_per_event: Number of steps between two batch events. Defaults to 1.

    Attributes:
        logs: Dict of the logs that were read last, also those of steps that were undone because they are not finite.
    """

    def __init__(
        self,
        multi_step: MultiStepFunction,
        state_sync: StateSync,
        callbacks: CallbackList,
        events: str,
        progress: Progress,
        explain: Callable[[DataChunk, int, TrainState], NonFiniteError] | None = None,
        steps_per_event: int = 1,
    ):
        self._steps_per_event = steps_per_event
        self._multi_step, self._callbacks = multi_step, callbacks
        self._events, self._progress = events, progress
        self._explain: Callable[[DataChunk, int, TrainState], NonFiniteError] | None = explain
        self._recovery = Recovery(multi_step, state_sync, undoes_non_finite=explain is not None)
        self._stop_flag = _STOP_FLAGS[events]
        self._seconds_per_step: float | None = None
        self._calls = 0
        self.logs: dict[str, Any] = {}

    def epoch(self, adapter: DataAdapter) -> dict[str, float]:
        """Run all steps of an epoch and return its logs.

        Raises:
            NonFiniteError: If a step made a weight or the loss infinite or NaN. The model then has the state before that step.
        """
        done, last_read = 0, time.perf_counter()
        self.logs = {}
        self._recovery.begin()
        try:
            with contextlib.closing(adapter.epoch(prefetch=not self._callbacks.wants_batches())) as chunks:
                for chunk, start, stop in self._ranges(chunks):
                    self._call_batch_event("begin", done, {})
                    self._advance(chunk, start, stop)
                    done, now = done + stop - start, time.perf_counter()
                    if self._callbacks.wants_batches() or chunk.steps > 1 or now - last_read > _SECONDS_PER_CALL:
                        self._read_logs()
                        last_read = now
                        self._progress.update(done, self.logs)
                    self._call_batch_event("end", done - 1, self.logs)
            self._read_logs()
            self._progress.update(done, self.logs)
        except BaseException:
            self._recovery.rollback()
            raise
        return self.logs

    def _ranges(self, chunks: Iterable[DataChunk]) -> Iterator[tuple[DataChunk, int, int]]:
        """Yield the steps of each compiled call, until the data ends or a callback stops training."""
        for chunk in chunks:
            start = 0
            while start < chunk.steps:
                stop = start + self._steps_to_go(chunk.steps - start)
                yield chunk, start, stop
                if getattr(self._callbacks.model, self._stop_flag):
                    return
                start = stop

    def _steps_to_go(self, remaining: int) -> int:
        """Return the number of steps of the next compiled call."""
        if self._callbacks.wants_batches():
            return min(remaining, self._steps_per_event)
        if self._seconds_per_step is None:
            return 1
        return max(1, min(remaining, int(_SECONDS_PER_CALL / self._seconds_per_step)))

    def _call_batch_event(self, moment: str, number: int, logs: dict[str, Any]) -> None:
        """Call a batch event of the callbacks if one of them overrides it, with logs that they may change and keep."""
        if self._callbacks.wants_batches():
            self._callbacks.call(f"on_{self._events}_batch_{moment}", number, dict(logs))
            self._recovery.begin()  # callbacks may change weights

    def _advance(self, chunk: DataChunk, start: int, stop: int) -> None:
        """Run steps in one compiled call and measure their duration."""
        if self._progress.is_moving and not self._multi_step.is_compiled_for(chunk.data, chunk.indices):
            self._progress.wait_for("compiling")
        began = time.perf_counter()
        step_result = self._recovery.commit(chunk, start, stop)
        self._calls += 1
        if chunk.steps > 1 and self._calls > 1:  # the first call compiles
            bool(step_result.finite)  # waits for the result, to measure the duration
            seconds = (time.perf_counter() - began) / (stop - start)
            least = 0.0 if self._seconds_per_step is None else self._seconds_per_step / _MAX_GROWTH
            self._seconds_per_step = max(seconds, least, 1e-7)

    def _read_logs(self) -> None:
        """Read the logs of the newest steps; raise ``NonFiniteError`` if a state since the last good one is not finite."""
        step_result = self._recovery.unread_result
        if step_result is None:
            return
        self.logs = {
            name: as_number(value) if np.ndim(value) == 0 else ops.convert_to_numpy(value)
            for name, value in step_result.logs.items()
        }
        if self._explain is not None and not bool(step_result.finite):
            raise self._explain(*self._recovery.replay())
        self._recovery.begin()
