"""Devices of JAX, under the names that are common to all backends."""

import functools
from typing import Any

import jax

from cornu import config
from cornu.backends.devices import device_name, known_device


@functools.cache
def devices_by_name() -> dict[str, Any]:
    """Return all devices by name, the default one first."""
    found = [*jax.devices(), *jax.devices("cpu")]
    return {device_name(device.platform, device.id): device for device in found}


def device_named(name: str) -> Any:
    """Return the device with a name in any form that users may pass."""
    known = devices_by_name()
    return known[known_device(name, list(known))]


def requested_device() -> Any:
    """Return the device of ``config.device``, to which new arrays are committed; None leaves the placement to JAX."""
    requested = config.device("jax")
    return None if requested is None else device_named(requested)


def runs_on_cpu() -> bool:
    """Return whether the default device is a CPU."""
    device = requested_device()
    return (jax.default_backend() if device is None else device.platform) == "cpu"
