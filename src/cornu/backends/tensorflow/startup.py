"""Import TensorFlow without its log output, and let it allocate GPU memory as needed.

The other modules of the backend import ``tf`` from here.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppress what TensorFlow's C++ code writes to stderr, unless the user set ``TF_CPP_MIN_LOG_LEVEL``.

    Some lines are written before TensorFlow reads that variable. They are shown if the import fails.
    """
    if _LEVEL in os.environ:
        yield
        return
    os.environ[_LEVEL] = "3"
    try:
        terminal = os.dup(2)
    except OSError:  # a process without stderr
        yield
        return
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        os.dup2(log.fileno(), 2)
        try:
            yield
        except BaseException:
            log.seek(0)
            shutil.copyfileobj(log, sys.stderr)
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _let_gpu_memory_grow() -> None:
    """Disable TensorFlow's default to allocate all GPU memory at once, which leaves none to other engines."""
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # the GPU is in use already
            return


with _silence():
    import tensorflow as tf

    _let_gpu_memory_grow()
