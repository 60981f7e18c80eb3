"""Freed memory is kept for the next step: the system is asked for new pages once, and not at every step."""

import ctypes
import os
import subprocess
import sys

import pytest

if not hasattr(ctypes.CDLL(None) if os.name == "posix" else None, "mallopt"):
    pytest.skip("only GNU's C library has these settings", allow_module_level=True)

_PIECES = """
import ctypes, resource
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

size = 100 * 2**20
backends.get("numpy")
first, second = new_pages(size), new_pages(size)
utils.clear_session()
print(first, second, new_pages(size))
"""


def _new_pages(**settings: str) -> list[int]:
    """How often the system had to give pages for a piece of memory: the first time, the next, and after ``clear_session``."""
    ours = ("CORNU_KEEP_MEMORY", "GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "MALLOC_ARENA_MAX")
    environment = {name: value for name, value in os.environ.items() if name not in ours} | settings
    done = subprocess.run([sys.executable, "-c", _PIECES], env=environment, capture_output=True, text=True, check=True)
    return [int(count) for count in done.stdout.split()]


def test_freed_memory_is_used_again_and_clear_session_gives_it_back():
    first, second, after = _new_pages()
    assert second < first / 10
    assert after > first / 2


@pytest.mark.parametrize("settings", [{"CORNU_KEEP_MEMORY": "0"}, {"MALLOC_MMAP_THRESHOLD_": "100000"}])
def test_what_the_user_set_stands(settings):
    first, second, _ = _new_pages(**settings)
    assert second > first / 2
