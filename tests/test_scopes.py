"""Scoped values: what a block sets is seen inside it alone, what a setter sets is seen everywhere."""

import asyncio
import contextvars
import threading

import pytest

from cornu.scopes import Scope


def in_a_new_thread(function, context=None):
    """What a function returns when a thread of its own calls it."""
    found = []
    run = (lambda: found.append(function())) if context is None else (lambda: found.append(context.run(function)))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


def test_blocks_nest_and_end_also_by_an_exception():
    scope = Scope("n", 0)
    with scope.set_to(1) as value:
        assert value == scope.get() == 1
        with pytest.raises(ZeroDivisionError), scope.set_to(2):
            assert scope.get() == 2
            raise ZeroDivisionError
        assert scope.get() == 1
    assert scope.get() == 0


def test_a_block_may_set_none():
    scope = Scope("n", "default")
    with scope.set_to("outer"), scope.set_to(None):
        assert scope.get() is None


def test_other_threads_do_not_see_a_block_but_a_copied_context_does():
    scope = Scope("n", 0)
    with scope.set_to(1):
        assert in_a_new_thread(scope.get) == 0
        assert in_a_new_thread(scope.get, contextvars.copy_context()) == 1


def test_threads_inside_their_own_blocks_do_not_meet():
    scope, inside, seen = Scope("n", None), threading.Barrier(8), {}

    def work(number):
        with scope.set_to(number):
            inside.wait()
            seen[number] = scope.get()
            inside.wait()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert seen == {number: number for number in range(8)}


def test_tasks_of_asyncio_inside_their_own_blocks_do_not_meet():
    scope = Scope("n", None)

    async def work(number):
        with scope.set_to(number):
            await asyncio.sleep(0)
            return scope.get()

    async def all_of_them():
        return await asyncio.gather(*map(work, range(4)))

    assert asyncio.run(all_of_them()) == [0, 1, 2, 3]


def test_a_default_set_anywhere_is_seen_by_all_threads_and_does_not_reach_into_a_block():
    scope = Scope("n", 0)
    with scope.set_to(1):
        in_a_new_thread(lambda: scope.set_default(2))
        assert scope.get() == 1
    assert scope.get() == in_a_new_thread(scope.get) == 2


def test_a_default_set_inside_a_block_counts_after_it():
    scope = Scope("n", 0)
    with scope.set_to(1):
        scope.set_default(5)
        assert scope.get() == 1
    assert scope.get() == 5


def test_a_generator_that_begins_in_one_context_and_ends_in_a_copy_leaves_both_as_they_were():
    scope = Scope("n", 0)

    def items():
        with scope.set_to(1):
            yield scope.get()
            yield scope.get()

    given = items()
    assert next(given) == 1
    copy = contextvars.copy_context()
    assert copy.run(lambda: list(given)) == [1]
    assert copy.run(scope.get) == 0


def test_no_update_of_a_default_is_lost():
    scope, start = Scope("n", 0), threading.Barrier(8)

    def count():
        start.wait()
        for _ in range(200):
            scope.update_default(lambda value: value + 1)

    threads = [threading.Thread(target=count) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert scope.get() == 1600
