"""Windows of signal processing, which taper a signal towards its ends. They are computed on the host, by NumPy."""

from collections.abc import Callable

import numpy as np

from cornu import backends, config
from cornu.errors import InvalidArgumentError, ShapeError
from cornu.ops.dispatch import op
from cornu.ops.shape_checks import check_sizes
from cornu.typing import Array, ArrayLike
from cornu.validation import check_option

__all__ = ["bartlett", "blackman", "hamming", "hanning", "kaiser"]


def _window(function: Callable, x: ArrayLike, *args: float) -> Array:
    """Return a window of NumPy on the default backend."""
    [size] = check_sizes(x if isinstance(x, int) else int(np.asarray(backends.of(x).to_numpy(x))), "x")  # type: ignore[arg-type]
    return backends.get().asarray(function(size, *args), config.floatx())


@op
def bartlett(x: ArrayLike) -> Array:
    """Return the Bartlett window ``1 - abs(2 * n / (x - 1) - 1)``, a triangle that is 0 at both ends.

    Args:
        x: Integer, number of values of the window.

    Example:
        >>> from cornu import ops
        >>> ops.bartlett(5).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _window(np.bartlett, x)


@op
def blackman(x: ArrayLike) -> Array:
    """Return the Blackman window ``0.42 - 0.5 * cos(2 * pi * n / (x - 1)) + 0.08 * cos(4 * pi * n / (x - 1))``.

    Args:
        x: Integer, number of values of the window.

    Example:
        >>> from cornu import ops
        >>> [round(value, 2) + 0.0 for value in ops.blackman(5).tolist()]
        [0.0, 0.34, 1.0, 0.34, 0.0]
    """
    return _window(np.blackman, x)


@op
def hamming(x: ArrayLike) -> Array:
    """Return the Hamming window ``0.54 - 0.46 * cos(2 * pi * n / (x - 1))``.

    Args:
        x: Integer, number of values of the window.

    Example:
        >>> from cornu import ops
        >>> [round(value, 2) for value in ops.hamming(5).tolist()]
        [0.08, 0.54, 1.0, 0.54, 0.08]
    """
    return _window(np.hamming, x)


@op
def hanning(x: ArrayLike) -> Array:
    """Return the Hann window ``0.5 - 0.5 * cos(2 * pi * n / (x - 1))``.

    Args:
        x: Integer, number of values of the window.

    Example:
        >>> from cornu import ops
        >>> ops.hanning(5).tolist()
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    return _window(np.hanning, x)


@op
def kaiser(x: ArrayLike, beta: float) -> Array:
    """Return the Kaiser window ``i0(beta * sqrt(1 - (2 * n / (x - 1) - 1)**2)) / i0(beta)``.

    Args:
        x: Integer, number of values of the window.
        beta: Float, shape of the window: 0 is a rectangle, and larger values taper more.

    Example:
        >>> from cornu import ops
        >>> [round(value, 2) for value in ops.kaiser(5, 14.0).tolist()]
        [0.0, 0.16, 1.0, 0.16, 0.0]
    """
    return _window(np.kaiser, x, float(np.asarray(beta)))


def check_scaling(scaling: str | None) -> str | None:
    """Return the scaling of a spectrogram; raise ``InvalidArgumentError`` for another one than those of Keras."""
    return check_option("scaling", scaling, (None, "density", "spectrum"))


def window_values(window: str | ArrayLike, length: int, periodic: bool = False) -> np.ndarray:
    """Return the values of a window.

    Args:
        window: Name of a window of :func:`scipy.signal.get_window`, or its values.
        length: Integer, number of values.
        periodic: Whether a window given by its name is periodic. Defaults to False.

    Raises:
        InvalidArgumentError: If there is no window of the name.
        ShapeError: If there is another number of values.

    Example:
        >>> from cornu.ops.window_functions import window_values
        >>> window_values("hann", 3).tolist()
        [0.0, 1.0, 0.0]
    """
    if isinstance(window, str):
        from scipy import signal

        try:
            return np.asarray(signal.get_window(window, length, periodic))
        except ValueError as problem:
            raise InvalidArgumentError(
                f"`window={window!r}` was given.",
                "It must be the name of a window of `scipy.signal.get_window`, or an array.",
                'Pass, for example, "hann" or "hamming".',
            ) from problem
    values = np.asarray(window, dtype="float64")
    if values.shape != (length,):
        raise ShapeError(
            f"A window of shape {values.shape} was given.",
            f"It must have the length of a frame, {length}.",
            "Pass a window of that length, or its name.",
        )
    return values
