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


def values_inside(scope, value):
    """A generator that yields what a scope returns inside a block."""
    with scope.set_to(value):
        while True:
            yield scope.get()


def test_a_generator_that_begins_in_one_context_and_ends_in_a_copy_leaves_both_as_they_were():
    scope = Scope("n", 0)
    values = values_inside(scope, 1)
    assert next(values) == 1
    copy = contextvars.copy_context()
    assert copy.run(lambda: next(values)) == 1
    copy.run(values.close)
    assert copy.run(scope.get) == scope.get() == 0
    scope.set_default(5)
    assert copy.run(scope.get) == scope.get() == 5


def test_a_generator_that_ends_in_another_thread_changes_nothing_there():
    scope = Scope("n", 0)
    values = values_inside(scope, 1)
    next(values)

    def end():
        with scope.set_to(2):
            values.close()
            inside = scope.get()
        return inside, scope.get()

    assert in_a_new_thread(end) == (2, 0)
    assert scope.get() == 0


def test_a_thread_in_which_a_generator_ended_sees_defaults_that_are_set_later():
    scope = Scope("n", 0)
    values = values_inside(scope, 1)
    in_a_new_thread(lambda: next(values))
    values.close()
    scope.set_default(5)
    assert scope.get() == 5


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_generators_that_end_in_any_order_leave_no_value(order):
    scope = Scope("n", 0)
    generators = [values_inside(scope, value) for value in (1, 2, 3)]
    assert [next(values) for values in generators] == [1, 2, 3]
    remaining = [1, 2, 3]
    for place in order:
        generators[place].close()
        remaining.remove(place + 1)
        assert scope.get() == (remaining[-1] if remaining else 0)


def test_a_generator_that_ends_inside_a_block_does_not_end_the_block():
    scope = Scope("n", 0)
    values = values_inside(scope, 1)
    next(values)
    with scope.set_to(2):
        values.close()
        assert scope.get() == 2
    assert scope.get() == 0


def test_a_generator_that_begins_inside_a_block_and_ends_after_it_leaves_no_value():
    scope = Scope("n", 0)
    values = values_inside(scope, 1)
    with scope.set_to(2):
        next(values)
    values.close()
    assert scope.get() == 0


def test_a_block_may_be_entered_again_also_inside_itself():
    scope = Scope("n", 0)
    block = scope.set_to(1)
    for _ in range(2):
        with block:
            with scope.set_to(2), block:
                assert scope.get() == 1
            assert scope.get() == 1
        assert scope.get() == 0


def test_one_block_may_be_entered_by_several_threads():
    scope, inside = Scope("n", 0), threading.Barrier(8)
    block, seen = scope.set_to(1), []

    def work(number):
        for _ in range(50):
            with scope.set_to(10 + number):
                with block:
                    inside.wait()
                    values = [scope.get()]
                inside.wait()
                seen.append((*values, scope.get() - number))
        seen.append((1, 10 + scope.get()))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert set(seen) == {(1, 10)} and len(seen) == 8 * 51


def test_a_derived_value_follows_from_the_value_where_the_block_is_entered():
    scope = Scope("path", ())
    block = scope.derive(lambda outer: (*outer, "a"))
    scope.set_default(("b",))
    with block as value:
        assert value == scope.get() == ("b", "a")
        with block:
            assert scope.get() == ("b", "a", "a")
    assert scope.get() == ("b",)


def test_a_function_that_raises_leaves_the_value():
    scope = Scope("n", 0)
    with pytest.raises(ZeroDivisionError), scope.derive(lambda outer: 1 // outer):
        pass
    assert scope.get() == 0


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
