"""TensorFlow, loaded without a word, and told to take GPU memory only as it needs it.

The other modules of the backend take it from here.
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
    """Keeps what TensorFlow's C++ code writes to the terminal to itself, unless the user has said what is to be written.

    It writes some lines before it knows that it should not. They are shown after all if loading fails.
    """
    if _LEVEL in os.environ:
        yield
        return
    os.environ[_LEVEL] = "3"
    try:
        terminal = os.dup(2)
    except OSError:  # a program without a terminal
        yield
        return
    with tempfile.TemporaryFile("w+", errors="replace") as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        except BaseException:
            written.seek(0)
            shutil.copyfileobj(written, sys.stderr)
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


def _let_gpu_memory_grow() -> None:
    """TensorFlow would take all memory of a GPU at once, and leave none to other engines."""
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, True)
        except RuntimeError:  # the user has used the GPU already
            return


with _silence():
    import tensorflow as tf

    _let_gpu_memory_grow()
