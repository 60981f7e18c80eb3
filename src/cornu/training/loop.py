"""The loop over the steps of an epoch, written once for every backend, every kind of data, training and measuring."""

import contextlib
import time
from typing import Any

import numpy as np

from cornu.training.callback import CallbackList
from cornu.training.feeds import ArrayFeed, BatchFeed, Segment
from cornu.training.progress import Progress
from cornu.training.state import StateKeeper, TrainState
from cornu.training.step import Block, Report

_SECONDS_A_BLOCK = 0.5
"""How long one compiled call may run: so the progress line moves twice a second.

With 0.1 s, networks whose steps take that long train 0.86 times as fast: each call copies the weights, and takes new memory
for what lies between the layers."""

_GROWTH = 8
"""How many times longer than the last block the next one may be: the first steps are slower than the rest."""


class Loop:
    """Passes over data with a compiled block of steps.

    The model is handed the state after every block, before a callback runs, and holds the one before it until then: also
    for a generator that a thread draws from meanwhile. Whether the state is finite is looked at when the logs are read; the
    steps since the last look are remembered, so that they can be made again one by one to find the one that failed.

    Args:
        block: The compiled block.
        keeper: Reads and hands back the state.
        callbacks: Whom to call.
        events: ``"train"`` or ``"test"``: whose batch events are called.
        progress: Where to show it.
        explain: ``(segment, step, state_before) -> NonFiniteError``; None does not mind NaN.
    """

    def __init__(
        self,
        block: Block,
        keeper: StateKeeper,
        callbacks: CallbackList,
        events: str,
        progress: Progress,
        explain: Any = None,
    ):
        self._block, self._keeper, self._callbacks = block, keeper, callbacks
        self._events, self._progress = events, progress
        self._explain: Any = explain
        self._seconds_a_step: float | None = None
        self._calls = 0
        self._good: TrainState = keeper.read()
        self._pending: TrainState | None = None
        self._unread: list[tuple[Segment, int, int, Report]] = []

    def epoch(self, feed: ArrayFeed | BatchFeed) -> dict[str, float]:
        """Makes all steps of an epoch and gives its logs.

        Raises:
            NonFiniteError: A step made a weight or the loss infinite or NaN. The model holds the state before that step.
        """
        self._good = self._keeper.read()
        done, logs, looked = 0, {}, time.perf_counter()
        try:
            with contextlib.closing(feed.epoch(ahead=not self._callbacks.wants_batches())) as segments:
                for segment in segments:
                    start = 0
                    while start < segment.steps and not (done and self._is_stopped()):
                        stop = start + self._steps_to_go(segment.steps - start)
                        self._call_batch_event("begin", done, {})
                        self._advance(segment, start, stop)
                        done, start = done + stop - start, stop
                        now = time.perf_counter()
                        if self._callbacks.wants_batches() or segment.steps > 1 or now - looked > _SECONDS_A_BLOCK:
                            logs, looked = self._look(), now
                            self._progress.update(done, logs)
                        self._call_batch_event("end", done - 1, logs)
                    if self._is_stopped():
                        break
            logs = self._look() or logs
            self._progress.update(done, logs)
        except BaseException:
            self._keep_the_good()
            raise
        return logs

    def _is_stopped(self) -> bool:
        """Whether a callback wants the epoch to end here."""
        return self._events == "train" and self._callbacks.model.stop_training

    def _steps_to_go(self, remaining: int) -> int:
        if self._callbacks.wants_batches() or self._seconds_a_step is None:
            return 1
        return max(1, min(remaining, int(_SECONDS_A_BLOCK / self._seconds_a_step)))

    def _call_batch_event(self, moment: str, number: int, logs: dict[str, float]) -> None:
        if self._callbacks.wants_batches():
            self._callbacks.call(f"on_{self._events}_batch_{moment}", number, logs)
            self._good = self._keeper.read()

    def _advance(self, segment: Segment, start: int, stop: int) -> None:
        if self._progress.is_moving and not self._block.is_compiled_for(segment.data, segment.plan):
            self._progress.wait_for("compiling")
        began = time.perf_counter()
        state, report = self._block(self._keeper.read(), segment.data, segment.plan, start, stop)
        self._unread.append((segment, start, stop, report))
        self._pending = state
        self._keeper.hand_back(state)
        self._pending = None
        self._calls += 1
        if segment.steps > 1 and self._calls > 1:  # the first call compiles
            bool(report.finite)  # waits for the block, so that its time is known
            seconds = (time.perf_counter() - began) / (stop - start)
            least = 0.0 if self._seconds_a_step is None else self._seconds_a_step / _GROWTH
            self._seconds_a_step = max(seconds, least, 1e-7)

    def _look(self) -> dict[str, float]:
        """Reads the newest report: gives its logs if all is well."""
        if not self._unread:
            return {}
        report = self._unread[-1][-1]
        logs = {
            name: float(value) if np.ndim(value) == 0 else np.asarray(value).tolist() for name, value in report.logs.items()
        }
        if self._explain is not None and not bool(report.finite):
            raise self._explain(*self._restore())
        self._good = self._keeper.read()
        self._unread.clear()
        return logs

    def _restore(self) -> tuple[Segment, int, TrainState]:
        """Makes the steps since the last good state again, one by one, up to the one that failed, and gives it.

        The model gets the state from before that step.
        """
        state = self._good
        for segment, start, stop, _ in self._unread:
            for step in range(start, stop):
                after, report = self._block(state, segment.data, segment.plan, step, step + 1)
                if not bool(report.finite):
                    self._good = state
                    self._keeper.hand_back(state)
                    self._unread.clear()
                    return segment, step, state
                state = after
        # A device may not compute the same twice: then all these steps are undone.
        segment, start = self._unread[-1][:2]
        self._keeper.hand_back(self._good)
        self._unread.clear()
        return segment, start, self._good

    def _keep_the_good(self) -> None:
        """After an exception: the newest state stays if it is finite, else the one before the step that failed."""
        if self._pending is not None:  # the exception, such as a key press, came while the model was handed it
            self._keeper.hand_back(self._pending)
            self._pending = None
        if self._explain is not None and self._unread and not bool(self._unread[-1][-1].finite):
            self._restore()
        self._unread.clear()
