"""Compile functions with JAX, and cache compiled programs on disk."""

import builtins
import functools
import os
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import platformdirs
from jax import Array, lax
from jax.core import Tracer

from cornu import config
from cornu.backends.jax.devices import runs_on_cpu
from cornu.typing import Tree

_CACHE_BYTES = 500 * 2**20
"""Maximum size of the cache."""

_DAY = 24 * 3600

_LIBRARY_OPTION = "xla_cpu_experimental_ynn_fusion_type"
"""XLA's option for the operations that are delegated to the library YNNPACK."""


def cache_folder() -> Path:
    """Return the folder of compiled programs: ``$CORNU_CACHE/jax``, or ``cornu/jax`` in the user's cache folder."""
    if os.environ.get("CORNU_CACHE"):
        return Path(os.environ["CORNU_CACHE"]) / "jax"
    return platformdirs.user_cache_path("cornu", appauthor=False).expanduser() / "jax"  # RuntimeError: no home directory


def enable_compilation_cache() -> bool:
    """Cache compiled programs on disk, so that the next run of a script need not compile them.

    Does nothing if the user configured JAX's own cache, if ``CORNU_COMPILATION_CACHE=0``, or if the folder is not writable.

    Returns:
        Whether the cache was enabled.
    """
    configured = jax.config.jax_compilation_cache_dir is not None  # type: ignore[attr-defined]
    if configured or os.environ.get("CORNU_COMPILATION_CACHE") == "0":
        return False
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            return False
        prune_cache(folder)
    except (OSError, RuntimeError):  # no home directory, or not writable
        return False
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")  # then it is compiled again
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    return True


def prune_cache(folder: Path, limit: int = _CACHE_BYTES) -> None:
    """Delete the oldest programs if their total size exceeds ``limit`` bytes; once a day, in one process at a time."""
    stamp = folder / "last_pruned"
    if stamp.exists() and time.time() - stamp.stat().st_mtime < _DAY:
        return
    from filelock import FileLock, Timeout  # slow to import, and needed once a day only

    with suppress(Timeout), FileLock(folder / ".prune.lock", blocking=False):  # if it is locked, another process prunes
        stamp.touch()
        _delete_oldest(folder, limit)


def _delete_oldest(folder: Path, limit: int) -> None:
    entries = sorted(((entry.stat().st_mtime, entry) for entry in folder.glob("*-cache")), reverse=True)
    total = 0
    for _, entry in entries:
        total += entry.stat().st_size
        if total > limit:
            entry.unlink(missing_ok=True)


def compile(f: Callable) -> Callable:
    """See ``contract.compile``."""
    plain = jax.jit(f)
    if not runs_on_cpu():
        return plain

    @functools.wraps(f)
    def traced(*args: Tree) -> Any:  # not `f` itself: JAX caches traces by function, and the two need separate ones
        try:
            return f(*args)
        except ValueError as error:
            error.is_of_compiled_function = True  # type: ignore[attr-defined]
            raise

    fast = jax.jit(traced, compiler_options=compiler_options())

    @functools.wraps(f)
    def call(*args: Tree) -> Any:
        try:
            return fast(*args) if config.fast_paths() else plain(*args)
        except ValueError as error:
            if hasattr(error, "is_of_compiled_function"):
                raise
        return f(*args)  # inside a function that is being traced, JAX rejects compiler options

    return call


def prefers_compiled(*arrays: Array) -> bool:
    """See ``contract.prefers_compiled``."""
    return config.fast_paths() and not builtins.any(isinstance(array, Tracer) for array in arrays)


def multi_step(step: Callable, finish: Callable) -> Callable:
    """See ``contract.multi_step``."""

    def run(carry: Tree, data: Tree, start: int, stop: int) -> tuple[Any, Any]:
        def advance(state: tuple) -> tuple:
            return state[0] + 1, step(state[1], data, state[0])

        carry = lax.while_loop(lambda state: state[0] < stop, advance, (jnp.asarray(start, "int32"), carry))[1]
        return carry, finish(carry)

    return compile(run)


@functools.cache
def compiler_options() -> dict[str, str]:
    """Return options for ``jax.jit`` that delegate matrix products and sums, but no convolutions, to YNNPACK.

    The dict is empty if the installed jaxlib does not have the option.
    """
    options = {_LIBRARY_OPTION: "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT,LIBRARY_FUSION_TYPE_REDUCE"}
    try:
        jax.jit(lambda x: x, compiler_options=options).lower(np.float32(0)).compile()
    except (RuntimeError, ValueError):
        return {}
    return options
