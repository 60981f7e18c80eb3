"""Names of devices, and what they hold, as all engines share them."""

from collections.abc import Sequence

from cornu import config
from cornu.errors import InvalidTypeError, one_of

_PLATFORMS = {"cuda": "gpu", "rocm": "gpu", "metal": "mps"}
"""What engines call a kind of device, where Cornu calls it otherwise."""

_CACHED_ACTIVATIONS = 2_500_000
"""How many numbers, 10 MB of them, may be under way in a processor's cache.

With two cores and 32 MB of cache TensorFlow trains cats and dogs, 32 pictures a step, 1.05 times as fast in micro-batches. JAX
is as fast either way, and takes half the memory (0.5 GB instead of 1.1); of 128 pictures it trains 1.4 times as many a second.
"""


def device_name(platform: str, number: int | str = 0) -> str:
    """The name of a device, the same on every backend: ``"gpu:0"`` for the first of what an engine calls ``"CUDA"``."""
    return f"{_PLATFORMS.get(platform.lower(), platform.lower())}:{number}"


def known_device(device: str, known: Sequence[str]) -> str:
    """The full name of a device that a user named: ``"gpu"``, ``"cuda"`` and ``"cuda:0"`` mean ``"gpu:0"``.

    Args:
        device: What the user wrote.
        known: Full names of the devices that are there.

    Raises:
        InvalidArgumentError: It is none of them.
    """
    platform, _, number = str(device).partition(":")
    name = device_name(platform, number or 0)
    if name not in known:
        raise one_of("device", device, known)
    return name


def devices(backend: str, known: Sequence[str]) -> list[str]:
    """Names of the devices of a backend, the one that its arrays go to first.

    Args:
        backend: Name of the backend.
        known: Full names of its devices, the best one first.

    Raises:
        InvalidArgumentError: A device was asked for that is none of them.
    """
    asked = config.device(backend)
    first = known[0] if asked is None else known_device(asked, known)
    return [first, *(name for name in known if name != first)]


def no_numbers_yet() -> InvalidTypeError:
    """For an array whose numbers are asked for before there are any."""
    return InvalidTypeError(
        "The numbers of an array were asked for inside a function that is being compiled.",
        "They are known only when it runs.",
        "Use functions of `cornu.ops`, or ask after the function has run.",
    )


def micro_batch_activations(device: str, cached: int = _CACHED_ACTIVATIONS) -> int | None:
    """See ``contract.micro_batch_activations``, for the device of a name, and how many numbers are good on a processor."""
    return cached if device.startswith("cpu") and config.fast_paths() else None
