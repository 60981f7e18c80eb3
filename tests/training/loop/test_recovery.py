"""Recovery alone: states are plain integers here, and a step adds one."""

from types import SimpleNamespace
from typing import Any

import pytest

from cornu.training.loop.recovery import Recovery


class Keeper:
    """A model that is one integer; handing it a state can be interrupted."""

    def __init__(self) -> None:
        self.held, self.interrupted = 0, False

    def read(self) -> int:
        return self.held

    def push(self, state: int) -> None:
        if self.interrupted:
            self.interrupted = False
            raise KeyboardInterrupt
        self.held = state


class Block:
    """Counts up; from the state ``bad`` on, nothing is finite."""

    def __init__(self, bad: int = 10**6) -> None:
        self.bad, self.calls = bad, []

    def __call__(self, state: int, data: Any, plan: Any, start: int, stop: int) -> tuple[int, Any]:
        self.calls.append((state, start, stop))
        after = state + stop - start
        return after, SimpleNamespace(finite=after < self.bad)


SEGMENT: Any = SimpleNamespace(data=None, plan=None)
OTHER: Any = SimpleNamespace(data=None, plan=None)


def recovery(bad: int = 10**6, takes_back: bool = True) -> tuple[Any, Keeper, Block]:
    keeper, block = Keeper(), Block(bad)
    return Recovery(block, keeper, takes_back), keeper, block  # type: ignore[arg-type]


def test_committed_steps_are_in_the_model_and_their_report_can_be_read():
    it, keeper, block = recovery()
    assert it.unread_report is None
    report = it.commit(SEGMENT, 0, 3)
    assert keeper.held == 3 and it.unread_report is report and block.calls == [(0, 0, 3)]
    it.begin()
    assert it.unread_report is None


def test_replay_finds_the_step_over_several_calls_and_segments():
    it, keeper, block = recovery(bad=6)
    it.commit(SEGMENT, 0, 3)
    it.commit(OTHER, 0, 2)
    it.commit(OTHER, 2, 5)
    block.calls.clear()
    assert tuple(it.replay()) == (OTHER, 2, 5)
    assert keeper.held == 5 and it.unread_report is None
    assert block.calls == [(0, 0, 1), (1, 1, 2), (2, 2, 3), (3, 0, 1), (4, 1, 2), (5, 2, 3)]


def test_replay_begins_after_what_was_seen_to_be_good():
    it, keeper, block = recovery(bad=5)
    it.commit(SEGMENT, 0, 4)
    it.begin()
    it.commit(SEGMENT, 4, 8)
    block.calls.clear()
    assert tuple(it.replay()) == (SEGMENT, 4, 4) and keeper.held == 4 and block.calls == [(4, 4, 5)]


def test_a_failure_that_does_not_come_again_undoes_all_steps_since_the_good_state():
    it, keeper, block = recovery(bad=3)
    it.commit(SEGMENT, 0, 2)
    it.begin()
    it.commit(SEGMENT, 2, 4)
    block.bad = 10**6
    assert tuple(it.replay()) == (SEGMENT, 2, 2) and keeper.held == 2


def test_rollback_keeps_the_newest_finite_state():
    it, keeper, _ = recovery()
    it.commit(SEGMENT, 0, 3)
    it.rollback()
    assert keeper.held == 3 and it.unread_report is None


def test_rollback_goes_before_the_step_that_failed():
    it, keeper, _ = recovery(bad=3)
    it.commit(SEGMENT, 0, 5)
    it.rollback()
    assert keeper.held == 2 and it.unread_report is None


@pytest.mark.parametrize(("bad", "held"), [(10**6, 3), (3, 2)])
def test_rollback_after_an_interrupt_while_the_model_is_handed_its_state(bad, held):
    it, keeper, _ = recovery(bad)
    keeper.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        it.commit(SEGMENT, 0, 3)
    it.rollback()
    assert keeper.held == held


def test_what_a_callback_changed_is_the_good_state():
    it, keeper, _ = recovery(bad=101)
    it.commit(SEGMENT, 0, 1)
    keeper.held = 100
    it.begin()
    it.commit(SEGMENT, 1, 2)
    it.rollback()
    assert keeper.held == 100


def test_measuring_takes_nothing_back():
    it, keeper, block = recovery(bad=1, takes_back=False)
    it.commit(SEGMENT, 0, 3)
    it.rollback()
    assert keeper.held == 3 and len(block.calls) == 1
