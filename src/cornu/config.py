"""Settings of the whole library: the default backend and device, the default float type, epsilon, the picture layout, and
whether an engine is taken by roads of Cornu's own.

Plain Python: importing this module imports no array library.
"""

import importlib.util
import os
import warnings
from contextlib import AbstractContextManager
from typing import NamedTuple

from cornu.errors import InvalidArgumentError, MissingPackageError, one_of
from cornu.scopes import Scope

BACKENDS = ("jax", "torch", "tensorflow", "numpy")
"""Names of the backends, best first: the first one whose package is installed is the default."""

_FLOAT_TYPES = ("float16", "bfloat16", "float32", "float64")
_LAYOUTS = ("channels_last", "channels_first")


class Placement(NamedTuple):
    """Where a model computes and its arrays lie.

    Attributes:
        backend: Name of the backend.
        device: Name of the device that was asked for, such as ``"gpu:1"``; None for the best one that the backend has.

    Example:
        >>> from cornu import config
        >>> config.Place("torch", "gpu:1").device
        'gpu:1'
    """

    backend: str
    device: str | None = None


_running: Scope[Placement | None] = Scope("the place of the model that runs", None)
_backend: Scope[str | None] = Scope("backend", None)
_device: Scope[str | None] = Scope("device", None)
_fast_paths: Scope[bool | None] = Scope("fast_paths", None)
_floatx: Scope[str] = Scope("floatx", "float32")
_epsilon: Scope[float] = Scope("epsilon", 1e-7)
_image_data_format: Scope[str] = Scope("image_data_format", "channels_last")


def backend() -> str:
    """Name of the default backend: where arrays made from Python or NumPy data go.

    It is what :func:`set_backend` said, or else the environment's ``CORNU_BACKEND``, or else the best one installed.

    Returns:
        ``"jax"``, ``"torch"``, ``"tensorflow"`` or ``"numpy"``.

    Raises:
        InvalidArgumentError: ``CORNU_BACKEND`` names no backend.

    Example:
        >>> from cornu import config
        >>> config.backend() in config.BACKENDS
        True
    """
    running = _running.get()
    if running is not None:
        return running.backend
    return _backend.get() or _first_backend()


def device(backend: str | None = None) -> str | None:
    """Name of the default device: where arrays that are made on a backend lie. None is the best one that it has.

    It is what :func:`set_device` said, or else the environment's ``CORNU_DEVICE``. While a model runs it is the model's own.

    Args:
        backend: Name of the backend; by default the default one.

    Example:
        >>> from cornu import config
        >>> with config.running_on("numpy", "cpu:0"):
        ...     config.device()
        'cpu:0'
    """
    running = _running.get()
    if running is not None and backend in (None, running.backend):
        return running.device
    return _device.get() or os.environ.get("CORNU_DEVICE") or None


def place() -> Placement:
    """The default backend and device together.

    Example:
        >>> from cornu import config
        >>> config.place() == (config.backend(), config.device())
        True
    """
    return Placement(backend(), device())


def placement_scope(name: str, device: str | None = None) -> AbstractContextManager[Placement | None]:
    """Inside, arrays made from nothing (``ops.zeros``) go to this place: that of the model that runs, in this thread.

    Args:
        name: Name of a backend.
        device: Name of a device of that backend; None for the best one that it has.

    Example:
        >>> from cornu import config, ops
        >>> with config.running_on("numpy"):
        ...     type(ops.zeros((2,))).__name__
        'ndarray'
    """
    return _running.set_to(Placement(name, device))


def set_backend(name: str) -> None:
    """Sets the default backend. Models that exist stay where they are (see ``model.to_backend``).

    Args:
        name: ``"jax"``, ``"torch"``, ``"tensorflow"`` or ``"numpy"``.

    Raises:
        InvalidArgumentError: There is no such backend.
        MissingPackageError: The package it needs is not installed.

    Example:
        >>> from cornu import config
        >>> config.set_backend(config.backend())
    """
    _backend.set_default(_installed(name))


def _first_backend() -> str:
    """The default backend where none was set: it is chosen once, unless another thread sets one meanwhile."""
    name = _installed(os.environ.get("CORNU_BACKEND") or _best_installed())
    return str(_backend.update_default(lambda chosen: chosen or name))


def _installed(name: str) -> str:
    """The name of a backend, checked."""
    if name not in BACKENDS:
        raise one_of("backend", name, BACKENDS)
    if importlib.util.find_spec(name) is None:
        raise MissingPackageError(
            f"The backend {name!r} was asked for.",
            f"It needs the package {name!r}, which is not installed.",
            f"Run `pip install {name}`, or choose another backend.",
        )
    return name


def set_device(name: str | None) -> None:
    """Sets the default device. Models that exist stay where they are (see ``model.to_backend``).

    Whether a backend has such a device shows when it makes its first array there: if not, an ``InvalidArgumentError`` names
    those that it has.

    Args:
        name: ``"cpu"``, ``"gpu"``, ``"gpu:1"``, ``"tpu"`` or ``"mps"``; ``"gpu"`` means ``"gpu:0"``. None for the best one that
            each backend has.

    Example:
        >>> from cornu import config
        >>> config.set_device("cpu")
        >>> config.device()
        'cpu'
        >>> config.set_device(None)
    """
    _device.set_default(name)


def fast_paths() -> bool:
    """Whether Cornu goes roads of its own where an engine's plain ones are slower. True by default.

    It is what :func:`set_fast_paths` said; or else the environment's ``CORNU_FAST_PATHS=0`` says no.

    Raises:
        InvalidArgumentError: ``CORNU_FAST_PATHS`` is neither 0 nor 1.

    Example:
        >>> from cornu import config
        >>> config.fast_paths()
        True
    """
    chosen = _fast_paths.get()
    if chosen is not None:
        return chosen
    said = os.environ.get("CORNU_FAST_PATHS") or "1"
    if said not in ("0", "1"):
        raise one_of("CORNU_FAST_PATHS", said, ("0", "1"))
    return said == "1"


def set_fast_paths(on: bool | None) -> None:
    """Switches all of Cornu's own roads through the engines on or off, to see whether one of them is to blame for something.

    They give the same numbers as the plain ones, to rounding. Without them convolutions and pooling on JAX are JAX's own,
    PyTorch runs line by line, no engine's kernel stands in for what can be derived (LSTM, batch normalisation, Adam), and
    batches stay whole unless ``compile`` was given a ``micro_batch_size``. It holds from the next call on, also of models that
    have run before; how a batch is cut is chosen at the first ``fit`` after ``model.compile``.

    Args:
        on: Whether to go them; None for what the environment's ``CORNU_FAST_PATHS`` says.

    Raises:
        InvalidArgumentError: ``on`` is neither True, False nor None.

    Example:
        >>> from cornu import config
        >>> config.set_fast_paths(False)
        >>> config.fast_paths()
        False
        >>> config.set_fast_paths(None)
    """
    if on not in (True, False, None):
        raise InvalidArgumentError(
            f"`set_fast_paths` was given {on!r}.",
            "It takes True, False, or None for what the environment says.",
            "Pass False to switch the fast paths off.",
        )
    _fast_paths.set_default(None if on is None else bool(on))


def installed_backends() -> list[str]:
    """Names of the backends whose packages are installed, best first.

    Example:
        >>> from cornu import config
        >>> config.installed_backends()[-1]
        'numpy'
    """
    return [name for name in BACKENDS if importlib.util.find_spec(name) is not None]


def _best_installed() -> str:
    best = installed_backends()[0]
    if best == "numpy":
        warnings.warn(
            "No engine is installed: Cornu computes with NumPy, which is slow. Run `pip install jax`, or say that NumPy is "
            "meant: `cornu.config.set_backend('numpy')`.",
            stacklevel=5,
        )
    return best


def floatx() -> str:
    """The float type of weights and inputs where none is named. Default ``"float32"``.

    Example:
        >>> from cornu import config
        >>> config.floatx()
        'float32'
    """
    return _floatx.get()


def set_floatx(dtype: str) -> None:
    """Sets the default float type: ``"float16"``, ``"bfloat16"``, ``"float32"`` or ``"float64"``.

    Example:
        >>> from cornu import config
        >>> config.set_floatx("float32")
    """
    if dtype not in _FLOAT_TYPES:
        raise one_of("dtype", dtype, _FLOAT_TYPES)
    _floatx.set_default(dtype)


def epsilon() -> float:
    """The small number that keeps divisions and logarithms finite. Default ``1e-7``.

    Example:
        >>> from cornu import config
        >>> config.epsilon()
        1e-07
    """
    return _epsilon.get()


def set_epsilon(value: float) -> None:
    """Sets :func:`epsilon`.

    Example:
        >>> from cornu import config
        >>> config.set_epsilon(1e-7)
    """
    _epsilon.set_default(float(value))


def image_data_format() -> str:
    """Where the channels of a picture stand if a layer does not say. Default ``"channels_last"``.

    Example:
        >>> from cornu import config
        >>> config.image_data_format()
        'channels_last'
    """
    return _image_data_format.get()


def set_image_data_format(data_format: str) -> None:
    """Sets :func:`image_data_format`: ``"channels_last"`` or ``"channels_first"``.

    Example:
        >>> from cornu import config
        >>> config.set_image_data_format("channels_last")
    """
    if data_format not in _LAYOUTS:
        raise one_of("data_format", data_format, _LAYOUTS)
    _image_data_format.set_default(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """The layout a layer uses: what it was given, or the setting; checked.

    Raises:
        InvalidArgumentError: It is neither ``"channels_last"`` nor ``"channels_first"``.

    Example:
        >>> from cornu import config
        >>> config.standardize_data_format(None)
        'channels_last'
    """
    data_format = image_data_format() if data_format is None else data_format
    if data_format not in _LAYOUTS:
        raise one_of("data_format", data_format, _LAYOUTS)
    return data_format
