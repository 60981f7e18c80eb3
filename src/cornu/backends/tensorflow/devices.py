"""Devices of TensorFlow, under the names that are common to all backends, and the scopes that place operations on them.

TensorFlow places an operation by the scope it is called in, not by the devices of its arguments. So every primitive, and the
tracing of every compiled function, runs in :func:`requested_scope`. Python's operators on eager tensors are TensorFlow's own:
their results are on TensorFlow's default device, from which the next primitive copies them.
"""

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from cornu import config
from cornu.backends import devices
from cornu.backends.tensorflow.startup import tf
from cornu.typing import Tree

_BEST_FIRST = ("tpu", "gpu", "cpu")


@functools.cache
def device_names() -> tuple[str, ...]:
    """Return the names of all devices, the best one first."""
    found = [device.name.removeprefix("/device:").lower().split(":") for device in tf.config.list_logical_devices()]
    numbers = [(_BEST_FIRST.index(kind), int(number)) for kind, number in found if kind in _BEST_FIRST]
    return tuple(devices.device_name(_BEST_FIRST[rank], number) for rank, number in sorted(numbers))


def device_scope(name: str) -> contextlib.AbstractContextManager:
    """Return TensorFlow's scope for the device with a name in any form that users may pass."""
    return tf.device(f"/{devices.known_device(name, device_names()).upper()}")


def requested_scope() -> contextlib.AbstractContextManager:
    """Return the scope of the device of ``config.device``; without one, TensorFlow selects the device."""
    requested = config.device("tensorflow")
    return contextlib.nullcontext() if requested is None else device_scope(requested)


def on_requested_device(function: Callable) -> Callable:
    """Return the function, run in :func:`requested_scope`."""

    @functools.wraps(function)
    def wrapper(*args: Tree, **kwargs: Any) -> Any:
        with requested_scope():
            return function(*args, **kwargs)

    return wrapper
