"""The devices of PyTorch, under the names that they have on every backend."""

import functools

import torch

from cornu import config
from cornu.backends import devices


@functools.cache
def names() -> tuple[str, ...]:
    """Their names, the best one first."""
    found = [devices.device_name("gpu", number) for number in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append(devices.device_name("mps"))
    return (*found, devices.device_name("cpu"))


def of(name: str) -> torch.device:
    """The device of a name that a user may have written."""
    return _by_full_name(devices.known_device(name, names()))


def default() -> torch.device:
    """The device that arrays are made on: the one that was asked for, or the best one."""
    asked = config.device("torch")
    return _by_full_name(names()[0]) if asked is None else of(asked)


@functools.cache
def _by_full_name(name: str) -> torch.device:
    platform, _, number = name.partition(":")
    return torch.device("cpu") if platform == "cpu" else torch.device({"gpu": "cuda"}.get(platform, platform), int(number))
