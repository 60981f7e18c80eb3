"""A function applied to the items of an iterable by several threads, with the results in the order of the items."""

import contextvars
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def processor_count() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(function: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Generator[Result]:
    """Yield ``function(item)`` for each item, in the order of the items, computed by several threads.

    Each thread works at most four items ahead, so that little memory is needed. The threads see the context variables of the
    caller. An exception is raised at its position; when the generator is closed, items that are not begun are dropped.

    Args:
        function: Callable that may run in several threads at the same time.
        items: Iterable; it is read by the thread that draws the results.
        threads: Integer, number of threads; with 1 the function runs in the thread that draws the results.

    Yields:
        The results.

    Example:
        >>> from cornu.data.ordered_threads import ordered_map
        >>> list(ordered_map(lambda item: item * item, range(5), threads=3))
        [0, 1, 4, 9, 16]
    """
    if threads == 1:
        yield from map(function, items)
        return
    pool = ThreadPoolExecutor(threads, "cornu-data")
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(contextvars.copy_context().run, function, item))
            if len(waiting) > 4 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
