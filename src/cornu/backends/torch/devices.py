"""Devices of PyTorch, under the names that are common to all backends."""

import functools

import torch

from cornu import config
from cornu.backends import devices


@functools.cache
def device_names() -> tuple[str, ...]:
    """Return the names of all devices, the best one first."""
    found = [devices.device_name("gpu", number) for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append(devices.device_name("mps"))
    return (*found, devices.device_name("cpu"))


def device_named(name: str) -> torch.device:
    """Return the device with a name in any form that users may pass."""
    return _by_full_name(devices.known_device(name, device_names()))


def default_device() -> torch.device:
    """Return the device that arrays are created on: that of ``config.device``, or else the best one."""
    requested = config.device("torch")
    return _by_full_name(device_names()[0]) if requested is None else device_named(requested)


@functools.cache
def _by_full_name(name: str) -> torch.device:
    platform, _, number = name.partition(":")
    return torch.device("cpu") if platform == "cpu" else torch.device({"gpu": "cuda"}.get(platform, platform), int(number))
