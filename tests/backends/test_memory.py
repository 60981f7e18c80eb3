"""Freed memory is kept for the next step: the system is asked for new pages once, and not at every step."""

import os
import subprocess
import sys

import pytest

from cornu import config
from cornu.backends import memory

ENGINE = config.installed_backends()[0]
if memory._function("mallopt") is None or ENGINE == "numpy":
    pytest.skip("needs GNU's C library, which alone has these settings, and an engine", allow_module_level=True)

OURS = ("CORNU_KEEP_MEMORY", "GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_ARENA_MAX")
MANY_CORES = pytest.mark.skipif(memory._cores() > memory._FEW_CORES, reason="each thread has memory of its own here")
_PIECES = """
import ctypes, resource, sys, threading
from cornu import backends, utils

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]

def new_pages(size):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    piece = library.malloc(size)
    library.memset(piece, 1, size)
    library.free(piece)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def counts():
    size = 100 * 2**20
    first, second = new_pages(size), new_pages(size)
    utils.clear_session()
    print(first, second, new_pages(size))

backends.get(sys.argv[1])
thread = threading.Thread(target=counts)
thread.start() if sys.argv[2] == "thread" else counts()
"""


def _new_pages(engine: str = ENGINE, where: str = "here", **settings: str) -> list[int]:
    """How often the system had to give pages for a piece of memory: the first time, the next, and after ``clear_session``."""
    environment = {name: value for name, value in os.environ.items() if name not in OURS} | settings
    done = subprocess.run(
        [sys.executable, "-c", _PIECES, engine, where], env=environment, capture_output=True, text=True, check=True
    )
    return [int(count) for count in done.stdout.split()]


@pytest.mark.parametrize("where", ["here", pytest.param("thread", marks=MANY_CORES)])
def test_freed_memory_is_used_again_and_clear_session_gives_it_back(where):
    first, second, after = _new_pages(where=where)
    assert second < first / 10
    assert after > first / 2


@pytest.mark.parametrize(
    ("where", "settings"),
    [
        ("here", {"CORNU_KEEP_MEMORY": "0"}),
        ("here", {"MALLOC_MMAP_THRESHOLD_": "100000"}),
        ("here", {"GLIBC_TUNABLES": "glibc.malloc.mmap_threshold=100000"}),
        ("thread", {"MALLOC_ARENA_MAX": "8"}),
    ],
    ids=str,
)
def test_what_the_user_set_stands(where, settings):
    first, second, _ = _new_pages(where=where, **settings)
    assert second > first / 2


def test_without_an_engine_nothing_is_set():
    first, second, _ = _new_pages("numpy")
    assert second > first / 2


@pytest.mark.parametrize(("most", "kept"), [(2**30, 2**30), (2**25, 2**25), (0, None)])
def test_the_most_that_the_library_takes_is_set_and_nothing_if_it_takes_nothing(most, kept, monkeypatch):
    taken = {}

    def set_option(option, value):
        if option == memory._M_MMAP_THRESHOLD and value > most:
            return 0
        taken[option] = value
        return 1

    monkeypatch.setattr(memory, "_function", lambda name: set_option)
    for name in OURS:
        monkeypatch.delenv(name, raising=False)
    memory.retain_freed_memory()
    assert taken.get(memory._M_MMAP_THRESHOLD) == kept
    assert (memory._M_TRIM_THRESHOLD in taken) == (kept is not None)


def test_where_there_is_no_way_to_the_library_nothing_happens(monkeypatch):
    monkeypatch.setitem(sys.modules, "ctypes", None)
    memory.retain_freed_memory()
    memory.give_back()
