"""Drawing ahead: the items of the generator, in order, by a thread that ends with it."""

import threading
import time
import traceback
from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

from cornu import config
from cornu.training.data_adapters import prefetch
from cornu.training.data_adapters.prefetch import may_prefetch, prefetched

SECONDS = 60
"""How long a test waits for what must come before it fails."""


class Source:
    """Numbers from 0 on; notes what was drawn and by which threads, and raises at a number on request."""

    def __init__(self, count: int = 100, error: BaseException | None = None, raises_at: int | None = None):
        self.count, self.error, self.raises_at = count, error, raises_at
        self.drawn: list[int] = []
        self.threads: set[threading.Thread] = set()
        self.reached = [threading.Event() for _ in range(count)]

    def items(self) -> Generator[int]:
        for number in range(self.count):
            if number == self.raises_at and self.error is not None:
                raise self.error
            self.drawn.append(number)
            self.threads.add(threading.current_thread())
            self.reached[number].set()
            yield number

    def has_ended(self) -> bool:
        return not any(thread.is_alive() for thread in self.threads - {threading.current_thread()})


@pytest.mark.parametrize("enabled", [False, True])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 20])
def test_all_items_come_in_order(count, enabled, all_are_slow):
    source = Source(count)
    assert list(prefetched(source.items(), enabled)) == list(range(count))
    assert source.has_ended()


def test_a_thread_draws_two_items_before_they_are_taken_and_no_third(all_are_slow):
    source = Source()
    items = prefetched(source.items(), prefetch=True)
    assert next(items) == 0
    assert source.reached[2].wait(SECONDS)
    assert source.drawn == [0, 1, 2]
    assert next(items) == 1
    assert source.reached[3].wait(SECONDS)
    items.close()
    assert source.drawn == [0, 1, 2, 3]
    assert source.has_ended()


@pytest.mark.parametrize("enabled", [False, True])
def test_items_that_come_at_once_need_no_thread(enabled, monkeypatch):
    monkeypatch.setattr(prefetch, "_SLOW_SECONDS", float(SECONDS))
    source = Source()
    items = prefetched(source.items(), enabled)
    assert [next(items), next(items)] == [0, 1]
    assert source.drawn == [0, 1]
    assert source.threads == {threading.current_thread()}


def test_a_source_that_waits_gets_a_thread():
    def waiting() -> Generator[threading.Thread]:
        for _ in range(2):
            time.sleep(0.002)
            yield threading.current_thread()

    first, second = prefetched(waiting(), prefetch=True)
    assert first is threading.current_thread()
    assert second is not first


@pytest.mark.parametrize("error", [OSError("disk on fire"), KeyboardInterrupt(), SystemExit(3)], ids=repr)
def test_an_exception_comes_as_it_is_after_the_items_before_it(error, all_are_slow):
    source, taken = Source(error=error, raises_at=3), []
    with pytest.raises(type(error)) as caught:
        for item in prefetched(source.items(), prefetch=True):
            taken.append(item)
    assert caught.value is error
    assert "items" in [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert taken == [0, 1, 2]
    assert source.has_ended()


def test_the_item_that_is_being_drawn_is_waited_for(all_are_slow):
    begun, go, finished = threading.Event(), threading.Event(), []

    def slow() -> Generator[int]:
        yield 0
        begun.set()
        assert go.wait(SECONDS)
        finished.append(True)
        yield 1

    items = prefetched(slow(), prefetch=True)
    next(items)
    assert begun.wait(SECONDS)
    threading.Timer(0.05, go.set).start()
    items.close()
    assert finished == [True]


def test_the_thread_sees_what_its_beginner_has_set(all_are_slow):
    def settings() -> Generator[Any]:
        for _ in range(2):
            yield np.geterr()["over"], config.place(), threading.current_thread()

    with np.errstate(over="raise"), config.placement_scope("numpy", "cpu:3"):
        first, second = prefetched(settings(), prefetch=True)
    assert first[:2] == second[:2] == ("raise", ("numpy", "cpu:3"))
    assert first[2] is not second[2]


class Sequence:
    def __init__(self, **attributes: int):
        vars(self).update(attributes)


def test_an_object_may_want_no_workers():
    assert not may_prefetch(Sequence(workers=0))
    assert all(map(may_prefetch, [Sequence(workers=1), Sequence(), iter([])]))
