"""The devices of TensorFlow, under the names that they have on every backend, and what is placed on them.

TensorFlow places an operation by the scope it is called in, not by where its arguments lie. So every primitive runs in
:func:`scope`, and so does the tracing of what is compiled. Python's operators on eager tensors are TensorFlow's own: their
results lie on TensorFlow's default device, from where the next primitive takes them.
"""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from cornu import config
from cornu.backends import devices
from cornu.backends.tensorflow.startup import tf

_BEST_FIRST = ("tpu", "gpu", "cpu")


@functools.cache
def names() -> tuple[str, ...]:
    """Their names, the best one first."""
    found = [device.name.removeprefix("/device:").lower().split(":") for device in tf.config.list_logical_devices()]
    numbers = [(_BEST_FIRST.index(kind), int(number)) for kind, number in found if kind in _BEST_FIRST]
    return tuple(devices.device_name(_BEST_FIRST[rank], number) for rank, number in sorted(numbers))


def of(name: str) -> contextlib.AbstractContextManager:
    """TensorFlow's scope of the device of a name that a user may have written."""
    return tf.device(f"/{devices.known_device(name, names()).upper()}")


def scope() -> contextlib.AbstractContextManager:
    """The scope of the device that was asked for; if none was, TensorFlow places things by itself."""
    asked = config.device("tensorflow")
    return contextlib.nullcontext() if asked is None else of(asked)


def on_asked_device(function: Callable) -> Callable:
    """The function, run on the device that was asked for."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with scope():
            return function(*args, **kwargs)

    return wrapper
