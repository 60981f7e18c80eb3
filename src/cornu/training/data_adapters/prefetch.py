"""Prefetching of batches: a thread draws batches from a slow source, such as one that decodes files, while steps run."""

import contextlib
import contextvars
import threading
import time
from collections.abc import Generator, Iterator
from queue import SimpleQueue
from typing import Any, NamedTuple

from cornu.training.batch import Data

_MAX_PREFETCHED = 2
"""Maximum number of prefetched batches: enough to compensate for a source that is occasionally slow."""

_SLOW_SECONDS = 1e-3
"""A source that takes longer than this per batch gets a thread. Passing a batch between threads costs about a tenth of it."""

_JOIN_TIMEOUT_SECONDS = 5.0
"""Maximum time to wait for the thread to finish its current item, so that Ctrl-C works even if the source hangs."""


def may_prefetch(source: Data) -> bool:
    """Return whether a source may be prefetched: with ``workers = 0`` (Keras's name) it is only read in the user's thread."""
    return getattr(source, "workers", 1) != 0


def prefetched(items: Generator, prefetch: bool) -> Generator:
    """Yield the items of a generator; once it is slow, a thread draws them in advance.

    The thread sees the context variables of the caller, such as NumPy's error settings. Items keep their order, and an
    exception is raised at its position as it was raised. When this generator is closed, the thread finishes its current item
    and ends; if that takes long, it is not waited for.

    Args:
        items: Generator, which ends with its first exception.
        prefetch: Whether a thread may draw items.
    """
    began = time.perf_counter()
    for item in items:
        if prefetch and time.perf_counter() - began > _SLOW_SECONDS:
            with _prefetch_in_thread(items) as rest:
                yield item
                yield from rest
            return
        yield item
        began = time.perf_counter()


@contextlib.contextmanager
def _prefetch_in_thread(items: Generator) -> Iterator[Iterator]:
    """Return a context manager whose value yields items drawn by a thread."""
    ready: SimpleQueue[_Drawn] = SimpleQueue()
    slots, closed = threading.Semaphore(_MAX_PREFETCHED), threading.Event()

    def draw() -> None:
        more = True
        while more and slots.acquire() and not closed.is_set():
            found = _draw(items)
            more = found.is_item
            ready.put(found)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(draw,), name="cornu-batches", daemon=True)
    thread.start()
    try:
        yield _consume(ready, slots)
    finally:
        closed.set()
        slots.release()
        thread.join(_JOIN_TIMEOUT_SECONDS)


class _Drawn(NamedTuple):
    """Result of drawing: an item, an exception, or neither at the end."""

    item: Any = None
    error: BaseException | None = None
    is_item: bool = False


def _draw(items: Generator) -> _Drawn:
    """Draw an item from a generator."""
    try:
        return _Drawn(next(items), is_item=True)
    except StopIteration:
        return _Drawn()
    except BaseException as error:
        return _Drawn(error=error)


def _consume(ready: "SimpleQueue[_Drawn]", slots: threading.Semaphore) -> Iterator:
    """Yield the drawn items, and raise the exception if there is one."""
    while (found := ready.get()).is_item:
        slots.release()
        yield found.item
    if found.error is not None:
        raise found.error
