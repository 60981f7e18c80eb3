"""Global settings: backend, device, default float dtype, epsilon, image data format and fast paths.

Plain Python: this module imports no array library. The global dtype policy, which Keras sets here too, is defined in
``cornu.core.dtype_policy`` and imported on first use.
"""

import importlib.util
import math
import numbers
import os
from contextlib import AbstractContextManager
from typing import NamedTuple

from cornu import namespaces
from cornu.errors import InvalidArgumentError, MissingPackageError, UnsafeModelError, one_of, warn
from cornu.scopes import Scope

__getattr__, __dir__, _of_core = namespaces.attach(__name__)  # which are of a higher tier

__all__ = [
    "BACKENDS",
    "Placement",
    "backend",
    "device",
    "disable_flash_attention",
    "disable_interactive_logging",
    "disable_traceback_filtering",
    "enable_flash_attention",
    "enable_interactive_logging",
    "enable_traceback_filtering",
    "enable_unsafe_deserialization",
    "epsilon",
    "fast_paths",
    "floatx",
    "image_data_format",
    "installed_backends",
    "is_flash_attention_enabled",
    "is_interactive_logging_enabled",
    "is_nnx_enabled",
    "is_traceback_filtering_enabled",
    "max_epochs",
    "max_steps_per_epoch",
    "place",
    "placement_scope",
    "set_backend",
    "set_device",
    "set_epsilon",
    "set_fast_paths",
    "set_floatx",
    "set_image_data_format",
    "set_max_epochs",
    "set_max_steps_per_epoch",
    "standardize_data_format",
    *_of_core,
]

BACKENDS = ("jax", "torch", "tensorflow", "numpy")
"""Names of the backends, in order of preference: the first one whose package is installed is the default."""

_FLOAT_TYPES = ("float16", "bfloat16", "float32", "float64")
_LAYOUTS = ("channels_last", "channels_first")


class Placement(NamedTuple):
    """Backend and device on which a model computes and stores its arrays.

    Attributes:
        backend: String, name of the backend.
        device: String, name of the requested device, such as ``"gpu:1"``, or None for the best device of the backend.

    Example:
        >>> from cornu import config
        >>> config.Placement("torch", "gpu:1").device
        'gpu:1'
    """

    backend: str
    device: str | None = None


_running: Scope[Placement | None] = Scope("placement of the running model", None)
_backend: Scope[str | None] = Scope("backend", None)
_device: Scope[str | None] = Scope("device", None)
_fast_paths: Scope[bool | None] = Scope("fast_paths", None)
_floatx: Scope[str] = Scope("floatx", "float32")
_epsilon: Scope[float] = Scope("epsilon", 1e-7)
_interactive_logging: Scope[bool] = Scope("interactive_logging", True)
_flash_attention: Scope[bool | None] = Scope("flash_attention", None)
_max_epochs: Scope[int | None] = Scope("max_epochs", None)
_max_steps_per_epoch: Scope[int | None] = Scope("max_steps_per_epoch", None)
_image_data_format: Scope[str] = Scope("image_data_format", "channels_last")


def backend() -> str:
    """Return the name of the default backend, on which arrays are created from Python or NumPy data.

    It is the backend set with :func:`set_backend`, otherwise the environment variable ``CORNU_BACKEND``, otherwise
    ``KERAS_BACKEND``, otherwise the first installed backend in :data:`BACKENDS`. While a model runs, it is the backend of the
    model.

    Returns:
        String: ``"jax"``, ``"torch"``, ``"tensorflow"`` or ``"numpy"``.

    Raises:
        InvalidArgumentError: If the environment variable is not the name of a backend.

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
    """Return the name of the default device, on which a backend creates arrays.

    It is the device set with :func:`set_device`, otherwise the environment variable ``CORNU_DEVICE``. While a model runs, it is
    the device of the model.

    Args:
        backend: String, name of the backend. Defaults to the default backend.

    Returns:
        String, or None for the best device of the backend.

    Example:
        >>> from cornu import config
        >>> with config.placement_scope("numpy", "cpu:0"):
        ...     config.device()
        'cpu:0'
    """
    running = _running.get()
    if running is not None and backend in (None, running.backend):
        return running.device
    return _device.get() or os.environ.get("CORNU_DEVICE") or None


def place() -> Placement:
    """Return the default backend and device as a :class:`Placement`.

    Example:
        >>> from cornu import config
        >>> config.place() == (config.backend(), config.device())
        True
    """
    return Placement(backend(), device())


def placement_scope(name: str, device: str | None = None) -> AbstractContextManager[Placement | None]:
    """Return a context manager inside which new arrays (``ops.zeros``) are created on the given backend and device.

    It is used while a model runs, and affects the current thread only.

    Args:
        name: String, name of the backend.
        device: String, name of a device of the backend. Defaults to None, the best device of the backend.

    Example:
        >>> from cornu import config, ops
        >>> with config.placement_scope("numpy"):
        ...     type(ops.zeros((2,))).__name__
        'ndarray'
    """
    return _running.set_to(Placement(name, device))


def set_backend(backend: str) -> None:
    """Set the default backend. Existing models stay on their backend (see ``model.to_backend``).

    Args:
        backend: String: ``"jax"``, ``"torch"``, ``"tensorflow"`` or ``"numpy"``.

    Raises:
        InvalidArgumentError: If there is no such backend.
        MissingPackageError: If the package of the backend is not installed.

    Example:
        >>> from cornu import config
        >>> config.set_backend(config.backend())
    """
    _backend.set_default(_installed(backend))


def prefer_backend(backend: str) -> bool:
    """Set the default backend unless one was chosen: with :func:`set_backend`, in the environment, or by its first use.

    Args:
        backend: String, as in :func:`set_backend`.

    Returns:
        Whether it was set.

    Raises:
        InvalidArgumentError: If there is no such backend.
        MissingPackageError: If the package of the backend is not installed.

    Example:
        >>> from cornu import config
        >>> before = config.backend()
        >>> config.prefer_backend("numpy")
        False
        >>> config.backend() == before
        True
    """
    if _backend.get() or _named_in_environment() is not None:
        return False
    name = _installed(backend)
    return _backend.update_default(lambda chosen: chosen or name) == name


def _named_in_environment() -> str | None:
    """Return the backend that the environment names, or None. Cornu's own variable takes precedence over that of Keras."""
    return os.environ.get("CORNU_BACKEND") or os.environ.get("KERAS_BACKEND") or None


def _first_backend() -> str:
    """Choose the default backend, unless another thread has set one in the meantime, and return it."""
    name = _named_in_environment() or _best_installed()
    if name not in BACKENDS:
        variable = "CORNU_BACKEND" if os.environ.get("CORNU_BACKEND") else "KERAS_BACKEND"
        raise one_of(variable, name, BACKENDS)
    _installed(name)
    return str(_backend.update_default(lambda chosen: chosen or name))


def _installed(name: str) -> str:
    """Return the name of a backend, after checking that it exists and is installed."""
    if name not in BACKENDS:
        raise one_of("backend", name, BACKENDS)
    if importlib.util.find_spec(name) is None:
        raise MissingPackageError(
            f"Cannot use the backend {name!r}.",
            f"It requires the package {name!r}, which is not installed.",
            f"Run `pip install {name}`, or choose another backend.",
        )
    return name


def set_device(name: str | None) -> None:
    """Set the default device. Existing models stay on their device (see ``model.to_backend``).

    The name is validated when the first array is created on the device: if the backend has no such device, an
    ``InvalidArgumentError`` lists the available ones.

    Args:
        name: String, such as ``"cpu"``, ``"gpu"``, ``"gpu:1"``, ``"tpu"`` or ``"mps"``; ``"gpu"`` means ``"gpu:0"``. None
            selects the best device of each backend.

    Example:
        >>> from cornu import config
        >>> config.set_device("cpu")
        >>> config.device()
        'cpu'
        >>> config.set_device(None)
    """
    _device.set_default(name)


def fast_paths() -> bool:
    """Return whether Cornu uses its own implementations where those of an engine are slower.

    It is the value set with :func:`set_fast_paths`, otherwise the environment variable ``CORNU_FAST_PATHS`` (0 or 1), otherwise
    True.

    Raises:
        InvalidArgumentError: If ``CORNU_FAST_PATHS`` is neither 0 nor 1.

    Example:
        >>> from cornu import config
        >>> config.fast_paths()
        True
    """
    chosen = _fast_paths.get()
    if chosen is not None:
        return chosen
    value = os.environ.get("CORNU_FAST_PATHS") or "1"
    if value not in ("0", "1"):
        raise one_of("CORNU_FAST_PATHS", value, ("0", "1"))
    return value == "1"


def set_fast_paths(on: bool | None) -> None:
    """Enable or disable the fast paths (custom implementations), for example to find the cause of a problem.

    Fast paths do not change results, up to rounding. Without them, convolution and pooling on JAX use JAX's own operations,
    PyTorch runs eagerly, the fused kernels of the engines (LSTM, batch normalization, Adam) are not used, and batches are not
    split unless ``compile`` received a ``micro_batch_size``. The setting takes effect at the next call, including for models
    that have already run; the micro-batch size is chosen at the first ``fit`` after ``model.compile``.

    Args:
        on: Boolean, whether to use the fast paths; None for the value of the environment variable ``CORNU_FAST_PATHS``.

    Raises:
        InvalidArgumentError: If ``on`` is not True, False or None.

    Example:
        >>> from cornu import config
        >>> config.set_fast_paths(False)
        >>> config.fast_paths()
        False
        >>> config.set_fast_paths(None)
    """
    if on not in (True, False, None):
        raise InvalidArgumentError(
            f"`set_fast_paths` received on={on!r}.",
            "`on` must be True, False, or None for the value of CORNU_FAST_PATHS.",
            "Pass False to disable the fast paths.",
        )
    _fast_paths.set_default(None if on is None else bool(on))


def installed_backends() -> list[str]:
    """Return the names of the backends whose packages are installed, in order of preference.

    Example:
        >>> from cornu import config
        >>> config.installed_backends()[-1]
        'numpy'
    """
    return [name for name in BACKENDS if importlib.util.find_spec(name) is not None]


def _best_installed() -> str:
    best = installed_backends()[0]
    if best == "numpy":
        warn(
            "No engine is installed, so Cornu computes with NumPy, which is slow. Run `pip install jax`, or select NumPy "
            "explicitly: `cornu.config.set_backend('numpy')`."
        )
    return best


def floatx() -> str:
    """Return the default float dtype of weights and inputs. Defaults to ``"float32"``.

    Example:
        >>> from cornu import config
        >>> config.floatx()
        'float32'
    """
    return _floatx.get()


def set_floatx(value: str) -> None:
    """Set the default float dtype.

    Args:
        value: String: ``"float16"``, ``"bfloat16"``, ``"float32"`` or ``"float64"``.

    Raises:
        InvalidArgumentError: If ``value`` is another string.

    Example:
        >>> from cornu import config
        >>> config.set_floatx("float32")
    """
    if value not in _FLOAT_TYPES:
        raise one_of("value", value, _FLOAT_TYPES)
    _floatx.set_default(value)


def epsilon() -> float:
    """Return the fuzz factor, a small float that keeps divisions and logarithms finite. Defaults to ``1e-7``.

    Example:
        >>> from cornu import config
        >>> config.epsilon()
        1e-07
    """
    return _epsilon.get()


def set_epsilon(value: float) -> None:
    """Set the fuzz factor (see :func:`epsilon`).

    Args:
        value: Float, the new value.

    Raises:
        InvalidArgumentError: If ``value`` is not a finite number greater than or equal to 0.

    Example:
        >>> from cornu import config
        >>> config.set_epsilon(1e-7)
    """
    if not isinstance(value, numbers.Real) or not 0 <= value < math.inf:
        raise InvalidArgumentError(
            f"`set_epsilon` received value={value!r}.", "It must be a finite number greater than or equal to 0.", "Pass 1e-7."
        )
    _epsilon.set_default(float(value))


def image_data_format() -> str:
    """Return the default data format of images. Defaults to ``"channels_last"``.

    Example:
        >>> from cornu import config
        >>> config.image_data_format()
        'channels_last'
    """
    return _image_data_format.get()


def set_image_data_format(data_format: str) -> None:
    """Set the default data format of images.

    Args:
        data_format: String: ``"channels_last"`` or ``"channels_first"``.

    Raises:
        InvalidArgumentError: If ``data_format`` is another string.

    Example:
        >>> from cornu import config
        >>> config.set_image_data_format("channels_last")
    """
    if data_format not in _LAYOUTS:
        raise one_of("data_format", data_format, _LAYOUTS)
    _image_data_format.set_default(data_format)


def standardize_data_format(data_format: str | None) -> str:
    """Return the data format of a layer.

    Args:
        data_format: String: ``"channels_last"`` or ``"channels_first"``; None for :func:`image_data_format`.

    Raises:
        InvalidArgumentError: If ``data_format`` is another string.

    Example:
        >>> from cornu import config
        >>> config.standardize_data_format(None)
        'channels_last'
    """
    data_format = image_data_format() if data_format is None else data_format
    if data_format not in _LAYOUTS:
        raise one_of("data_format", data_format, _LAYOUTS)
    return data_format


def enable_interactive_logging() -> None:
    """Print the progress of ``fit``, ``evaluate`` and ``predict`` to the standard output, as by default.

    Example:
        >>> from cornu import config
        >>> config.enable_interactive_logging()
        >>> config.is_interactive_logging_enabled()
        True
    """
    _interactive_logging.set_default(True)


def disable_interactive_logging() -> None:
    """Send the progress of ``fit``, ``evaluate`` and ``predict`` to the logger ``"cornu"`` of ``logging``, level ``INFO``.

    Example:
        >>> from cornu import config
        >>> config.disable_interactive_logging()
        >>> config.is_interactive_logging_enabled()
        False
        >>> config.enable_interactive_logging()
    """
    _interactive_logging.set_default(False)


def is_interactive_logging_enabled() -> bool:
    """Return whether progress is printed to the standard output. Defaults to True.

    Example:
        >>> from cornu import config
        >>> config.is_interactive_logging_enabled()
        True
    """
    return _interactive_logging.get()


def enable_flash_attention() -> None:
    """Allow flash attention, as by default. No engine of Cornu has it: layers compute the same values without it.

    Example:
        >>> from cornu import config
        >>> config.enable_flash_attention()
    """
    _flash_attention.set_default(None)


def disable_flash_attention() -> None:
    """Disallow flash attention, which Cornu does not use in any case.

    Example:
        >>> from cornu import config
        >>> config.disable_flash_attention()
        >>> config.is_flash_attention_enabled()
        False
        >>> config.enable_flash_attention()
    """
    _flash_attention.set_default(False)


def is_flash_attention_enabled() -> bool | None:
    """Return False if flash attention is disabled, otherwise None: it may be used, which is what Keras returns.

    Example:
        >>> from cornu import config
        >>> config.is_flash_attention_enabled() is None
        True
    """
    return _flash_attention.get()


def is_nnx_enabled() -> bool:
    """Return False: variables are never those of Flax NNX.

    Example:
        >>> from cornu import config
        >>> config.is_nnx_enabled()
        False
    """
    return False


def enable_unsafe_deserialization() -> None:
    """Raise an error: files are always read as data, and cannot run code.

    Raises:
        UnsafeModelError: In any case.

    Example:
        >>> from cornu import config, errors
        >>> try:
        ...     config.enable_unsafe_deserialization()
        ... except errors.UnsafeModelError as error:
        ...     print(error.received)
        `enable_unsafe_deserialization` was called.
    """
    raise UnsafeModelError(
        "`enable_unsafe_deserialization` was called.",
        "Cornu reads only data from files: it never runs code that a file contains, such as that of a `Lambda` layer.",
        "Pass the functions and classes that a file names as `load_model(path, custom_objects={...})`, or register them with "
        "`register_keras_serializable`.",
    )


def disable_traceback_filtering() -> None:
    """Do nothing: Cornu never removes its own frames from a traceback. Programs call it to see all frames.

    Example:
        >>> from cornu import config
        >>> config.disable_traceback_filtering()
    """


def enable_traceback_filtering() -> None:
    """Warn that tracebacks are not filtered: Cornu never removes its own frames.

    Example:
        >>> import warnings
        >>> from cornu import config
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     config.enable_traceback_filtering()
        >>> str(caught[0].message)
        '`enable_traceback_filtering` has no effect: Cornu does not filter tracebacks.'
    """
    warn("`enable_traceback_filtering` has no effect: Cornu does not filter tracebacks.")


def is_traceback_filtering_enabled() -> bool:
    """Return False: Cornu never removes its own frames from a traceback.

    Example:
        >>> from cornu import config
        >>> config.is_traceback_filtering_enabled()
        False
    """
    return False


def max_epochs() -> int | None:
    """Return the largest number of epochs of a call of ``fit``, or None if there is no limit.

    It is the number set with :func:`set_max_epochs`, otherwise the environment variable ``KERAS_MAX_EPOCHS``.

    Example:
        >>> from cornu import config
        >>> config.max_epochs() is None
        True
    """
    return _limit(_max_epochs, "KERAS_MAX_EPOCHS")


def set_max_epochs(max_epochs: int | None) -> None:
    """Limit the number of epochs of every call of ``fit``, to try a program quickly.

    Args:
        max_epochs: Integer, or None for the environment variable ``KERAS_MAX_EPOCHS``.

    Raises:
        InvalidArgumentError: If the limit is not a positive integer.

    Example:
        >>> from cornu import config
        >>> config.set_max_epochs(1)
        >>> config.max_epochs()
        1
        >>> config.set_max_epochs(None)
    """
    _max_epochs.set_default(_checked_limit("max_epochs", max_epochs))


def max_steps_per_epoch() -> int | None:
    """Return the largest number of batches of an epoch, an evaluation or a prediction, or None if there is no limit.

    It is the number set with :func:`set_max_steps_per_epoch`, otherwise the environment variable
    ``KERAS_MAX_STEPS_PER_EPOCH``.

    Example:
        >>> from cornu import config
        >>> config.max_steps_per_epoch() is None
        True
    """
    return _limit(_max_steps_per_epoch, "KERAS_MAX_STEPS_PER_EPOCH")


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Limit the number of batches of every epoch, evaluation and prediction, to try a program quickly.

    Args:
        max_steps_per_epoch: Integer, or None for the environment variable ``KERAS_MAX_STEPS_PER_EPOCH``.

    Raises:
        InvalidArgumentError: If the limit is not a positive integer.

    Example:
        >>> from cornu import config
        >>> config.set_max_steps_per_epoch(2)
        >>> config.max_steps_per_epoch()
        2
        >>> config.set_max_steps_per_epoch(None)
    """
    _max_steps_per_epoch.set_default(_checked_limit("max_steps_per_epoch", max_steps_per_epoch))


def _limit(scope: Scope[int | None], variable: str) -> int | None:
    """Return a limit: the one that was set, else the one in the environment, else None."""
    limit = scope.get()
    if limit is not None:
        return limit
    text = os.environ.get(variable)
    return _checked_limit(variable, int(text) if text.isdecimal() else text) if text else None


def _checked_limit(name: str, limit: int | str | None) -> int | None:
    """Return a limit; raise ``InvalidArgumentError`` if it is neither None nor a positive integer."""
    if limit is None:
        return None
    if isinstance(limit, numbers.Integral) and not isinstance(limit, bool) and int(limit) > 0:
        return int(limit)
    raise InvalidArgumentError(f"`{name}={limit!r}` was given.", "It must be a positive integer.", f"Set `{name}` to 1.")
