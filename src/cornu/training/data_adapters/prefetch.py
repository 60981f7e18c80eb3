"""Batches are drawn ahead: where giving them takes time, such as reading and decoding, a thread does it while steps run."""

import contextlib
import contextvars
import threading
import time
from collections.abc import Generator, Iterator
from queue import SimpleQueue
from typing import Any, NamedTuple

_MAX_PREFETCHED = 2
"""How many batches may be drawn before they are taken: enough to even out a source that is slow now and then."""

_SLOW_SECONDS = 1e-3
"""A source that takes longer for a batch gets a thread. Handing a batch over costs about a tenth of it."""

_JOIN_TIMEOUT_SECONDS = 5.0
"""How long to wait for the thread to finish the item that it is at: a source may hang, and Ctrl-C must not."""


def may_prefetch(source: Any) -> bool:
    """Whether drawing from a source ahead is allowed: with ``workers = 0`` (Keras's name) it stays in the user's thread."""
    return getattr(source, "workers", 1) != 0


def prefetched(items: Generator, prefetch: bool) -> Generator:
    """Items as a generator gives them; once it is slow, a thread draws them before they are taken.

    The thread sees the context variables of the one that began, such as NumPy's settings for errors. What it draws comes in
    order, an exception when its turn has come and as it was raised. When this is closed, the thread finishes the item that
    it is at, and ends; if that takes long, nobody waits for it.

    Args:
        items: A generator: it ends with its first exception.
        prefetch: Whether a thread may draw.
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
    """What came of drawing: an item, or an exception, or neither of them at the end."""

    item: Any = None
    error: BaseException | None = None
    is_item: bool = False


def _draw(items: Generator) -> _Drawn:
    try:
        return _Drawn(next(items), is_item=True)
    except StopIteration:
        return _Drawn()
    except BaseException as error:
        return _Drawn(error=error)


def _consume(ready: "SimpleQueue[_Drawn]", slots: threading.Semaphore) -> Iterator:
    while (found := ready.get()).is_item:
        slots.release()
        yield found.item
    if found.error is not None:
        raise found.error
