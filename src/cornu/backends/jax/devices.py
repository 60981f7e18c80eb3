"""The devices that JAX sees, by name."""

import functools
from typing import Any

import jax

from cornu import config
from cornu.backends.devices import device_name, known_device


@functools.cache
def devices_by_name() -> dict[str, Any]:
    found = [*jax.devices(), *jax.devices("cpu")]
    return {device_name(device.platform, device.id): device for device in found}


def device_named(name: str) -> Any:
    known = devices_by_name()
    return known[known_device(name, list(known))]


def asked_device() -> Any:
    """The device that was asked for, which arrays are then bound to; None leaves them where JAX puts them."""
    asked = config.device("jax")
    return None if asked is None else device_named(asked)


def runs_on_cpu() -> bool:
    device = asked_device()
    return (jax.default_backend() if device is None else device.platform) == "cpu"
