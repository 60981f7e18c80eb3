"""Windows of signal processing, which taper a signal towards its ends. They are computed on the host, by NumPy."""

from collections.abc import Callable

import numpy as np

from cornu import backends, config
from cornu.ops.dispatch import op
from cornu.ops.shape_checks import check_sizes
from cornu.typing import Array, ArrayLike

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
