"""Recovery alone: states are plain integers here, and a step adds one."""

from types import SimpleNamespace
from typing import Any

import pytest

from cornu.training.loop.recovery import Recovery


class StateSync:
    """A model that is one integer; handing it a state can be interrupted."""

    def __init__(self) -> None:
        self.held, self.interrupted = 0, False

    def pull(self) -> int:
        return self.held

    def push(self, state: int) -> None:
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt
        self.held = state


class MultiStep:
    """Counts up; from the state ``bad`` on, nothing is finite."""

    def __init__(self, bad: int = 10**6) -> None:
        self.bad, self.calls = bad, []

    def __call__(self, state: int, data: Any, indices: Any, start: int, stop: int) -> tuple[int, Any]:
        self.calls.append((state, start, stop))
        after = state + stop - start
        return after, SimpleNamespace(finite=after < self.bad)


CHUNK: Any = SimpleNamespace(data=None, indices=None)
OTHER: Any = SimpleNamespace(data=None, indices=None)


def recovery(bad: int = 10**6, undoes_non_finite: bool = True) -> tuple[Any, StateSync, MultiStep]:
    state_sync, multi_step = StateSync(), MultiStep(bad)
    return Recovery(multi_step, state_sync, undoes_non_finite), state_sync, multi_step  # type: ignore[arg-type]


def test_committed_steps_are_in_the_model_and_their_report_can_be_read():
    it, state_sync, multi_step = recovery()
    assert it.unread_result is None
    step_result = it.commit(CHUNK, 0, 3)
    assert state_sync.held == 3 and it.unread_result is step_result and multi_step.calls == [(0, 0, 3)]
    it.begin()
    assert it.unread_result is None


def test_replay_finds_the_step_over_several_calls_and_segments():
    it, state_sync, multi_step = recovery(bad=6)
    it.commit(CHUNK, 0, 3)
    it.commit(OTHER, 0, 2)
    it.commit(OTHER, 2, 5)
    multi_step.calls.clear()
    assert tuple(it.replay()) == (OTHER, 2, 5)
    assert state_sync.held == 5 and it.unread_result is None
    assert multi_step.calls == [(0, 0, 1), (1, 1, 2), (2, 2, 3), (3, 0, 1), (4, 1, 2), (5, 2, 3)]


def test_replay_begins_after_what_was_seen_to_be_good():
    it, state_sync, multi_step = recovery(bad=5)
    it.commit(CHUNK, 0, 4)
    it.begin()
    it.commit(CHUNK, 4, 8)
    multi_step.calls.clear()
    assert tuple(it.replay()) == (CHUNK, 4, 4) and state_sync.held == 4 and multi_step.calls == [(4, 4, 5)]


def test_a_failure_that_does_not_come_again_undoes_all_steps_since_the_good_state():
    it, state_sync, multi_step = recovery(bad=3)
    it.commit(CHUNK, 0, 2)
    it.begin()
    it.commit(CHUNK, 2, 4)
    multi_step.bad = 10**6
    assert tuple(it.replay()) == (CHUNK, 2, 2) and state_sync.held == 2


def test_rollback_keeps_the_newest_finite_state():
    it, state_sync, _ = recovery()
    it.commit(CHUNK, 0, 3)
    it.rollback()
    assert state_sync.held == 3 and it.unread_result is None


def test_rollback_goes_before_the_step_that_failed():
    it, state_sync, _ = recovery(bad=3)
    it.commit(CHUNK, 0, 5)
    it.rollback()
    assert state_sync.held == 2 and it.unread_result is None


@pytest.mark.parametrize(("bad", "held"), [(10**6, 3), (3, 2)])
def test_rollback_after_an_interrupt_while_the_model_is_handed_its_state(bad, held):
    it, state_sync, _ = recovery(bad)
    state_sync.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        it.commit(CHUNK, 0, 3)
    it.rollback()
    assert state_sync.held == held


def test_what_a_callback_changed_is_the_good_state():
    it, state_sync, _ = recovery(bad=101)
    it.commit(CHUNK, 0, 1)
    state_sync.held = 100
    it.begin()
    it.commit(CHUNK, 1, 2)
    it.rollback()
    assert state_sync.held == 100


def test_measuring_takes_nothing_back():
    it, state_sync, multi_step = recovery(bad=1, undoes_non_finite=False)
    it.commit(CHUNK, 0, 3)
    it.rollback()
    assert state_sync.held == 3 and len(multi_step.calls) == 1
