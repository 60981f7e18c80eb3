"""Names of devices, common to all engines, and the size of micro-batches on them."""

from collections.abc import Sequence

from cornu import config
from cornu.errors import TracedValueError, one_of

_PLATFORMS = {"cuda": "gpu", "rocm": "gpu", "metal": "mps"}
"""Engine names of platforms that differ from Cornu's names."""

_CACHED_ACTIVATIONS = 2_500_000
"""Number of activations (10 MB) of a micro-batch that fit into a processor's cache.

With two cores and 32 MB of cache, TensorFlow trains cats and dogs (32 images per step) 1.05 times as fast in micro-batches. JAX
is equally fast either way, with half the memory (0.5 GB instead of 1.1 GB), and with 128 images per step 1.4 times as fast.
"""


def device_name(platform: str, number: int | str = 0) -> str:
    """Return the name of a device, common to all backends: ``"gpu:0"`` for the first ``"CUDA"`` device of an engine."""
    return f"{_PLATFORMS.get(platform.lower(), platform.lower())}:{number}"


def known_device(device: str, known: Sequence[str]) -> str:
    """Return the full name of a device: ``"gpu"``, ``"cuda"`` and ``"cuda:0"`` mean ``"gpu:0"``.

    Args:
        device: Name as the user passed it.
        known: Full names of the available devices.

    Raises:
        InvalidArgumentError: The device is not available.
    """
    platform, _, number = str(device).partition(":")
    name = device_name(platform, number or 0)
    if name not in known:
        raise one_of("device", device, known)
    return name


def default_device_first(backend: str, known: Sequence[str]) -> list[str]:
    """Return the names of the devices of a backend, first the default one, on which its arrays are created.

    Args:
        backend: Name of the backend.
        known: Full names of its devices, the best one first.

    Raises:
        InvalidArgumentError: ``config.device`` is not one of them.
    """
    requested = config.device(backend)
    first = known[0] if requested is None else known_device(requested, known)
    return [first, *(name for name in known if name != first)]


def no_values_yet() -> TracedValueError:
    """Return the error for reading the values of an array that is being traced."""
    return TracedValueError(
        "The values of an array were read inside a function that is being compiled.",
        "They are known only when the compiled function runs.",
        "Use functions of `cornu.ops`, or read the values after the function has run. In a step of a model, pass "
        "`run_eagerly=True` to `compile` to read them.",
    )


def activations_in_cache(device: str, cached: int = _CACHED_ACTIVATIONS) -> int | None:
    """Return ``cached`` for a CPU with fast paths enabled, else None (see ``contract.micro_batch_activations``)."""
    return cached if device.startswith("cpu") and config.fast_paths() else None
