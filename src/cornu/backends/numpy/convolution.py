"""Sliding windows over channels-last images, from which convolution and pooling of the NumPy backend are derived.

A window has ``prod(window)`` elements. :meth:`Windows.see` returns, for each of them, its values in all windows;
:meth:`Windows.collect` is the transpose. Convolution is a matrix product with these values, pooling their maximum or mean, and
gradients are computed with ``collect``.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from cornu.backends.contract import Padding, Shape


@dataclass(frozen=True)
class Windows:
    """Windows over images of a spatial ``size``; every field has one entry for each spatial axis."""

    size: Shape
    window: Shape
    strides: Shape
    padding: Padding
    dilation: Shape

    @property
    def padded_size(self) -> Shape:
        """Spatial size of the padded image."""
        return tuple(n + before + after for n, (before, after) in zip(self.size, self.padding, strict=True))

    @property
    def output(self) -> Shape:
        """Number of windows along each axis; 0 if the window does not fit."""
        axes = zip(self.padded_size, self.window, self.strides, self.dilation, strict=True)
        return tuple(max((n - (width - 1) * spread - 1) // step + 1, 0) for n, width, step, spread in axes)

    def slices(self) -> list[tuple]:
        """Return, for each element of the window in row-major order, the index of its values in the padded image."""
        indices = []
        for place in itertools.product(*(range(width) for width in self.window)):
            axes = zip(place, self.dilation, self.strides, self.output, strict=True)
            along = [slice(k * spread, k * spread + n * step, step) for k, spread, step, n in axes]
            indices.append((slice(None), *along, slice(None)))
        return indices

    def see(self, x: np.ndarray, fill: float = 0) -> list[np.ndarray]:
        """Return, for each element, its values in all windows, ``(batch, *output, channels)``; padding is ``fill``."""
        padded = np.pad(x, ((0, 0), *self.padding, (0, 0)), constant_values=fill)
        return [padded[index] for index in self.slices()]

    def inside(self) -> np.ndarray:
        """Return the number of elements of each window that are not padding, ``(1, *output, 1)``; at least 1."""
        return np.maximum(sum(self.see(np.ones((1, *self.size, 1), int))), 1)

    def collect(self, seen: list[np.ndarray]) -> np.ndarray:
        """Apply the transpose of :meth:`see` as a linear map: add every value to the pixel it comes from."""
        batch, channels = seen[0].shape[0], seen[0].shape[-1]
        padded = np.zeros((batch, *self.padded_size, channels), seen[0].dtype)
        for index, values in zip(self.slices(), seen, strict=True):
            padded[index] += values
        inside = (slice(before, before + n) for n, (before, _) in zip(self.size, self.padding, strict=True))
        return padded[(slice(None), *inside, slice(None))]


def conv_windows(size: Shape, kernel: np.ndarray, strides: Shape, padding: Padding, dilation: Shape) -> Windows:
    """Return the windows of a convolution over images of a spatial size."""
    return Windows(tuple(size), kernel.shape[:-2], strides, padding, dilation)


def pool_windows(x: np.ndarray, window: Shape, strides: Shape, padding: Padding) -> Windows:
    """Return the windows of a pooling over images ``x``."""
    return Windows(x.shape[1:-1], window, strides, padding, (1,) * len(window))


# --- Convolution as a matrix product, one for each group of channels --------------------------------------------------


def convolve(x: np.ndarray, kernel: np.ndarray, windows: Windows, groups: int = 1) -> np.ndarray:
    """``conv`` of the contract: ``(batch, *size, channels)`` to ``(batch, *output, filters)``."""
    product = _columns(x, windows, groups) @ _split_groups(kernel, groups)
    return _join_groups(product, (len(x), *windows.output))


def convolve_back(y: np.ndarray, kernel: np.ndarray, windows: Windows, groups: int = 1) -> np.ndarray:
    """Transpose of :func:`convolve` for its images: ``(batch, *output, filters)`` to ``(batch, *size, channels)``."""
    columns = _split_groups(y, groups) @ _split_groups(kernel, groups).swapaxes(1, 2)
    places = math.prod(windows.window)
    shares = np.split(columns, places, axis=-1)
    return windows.collect([_join_groups(share, (len(y), *windows.output)) for share in shares])


def convolve_kernel(x: np.ndarray, y: np.ndarray, windows: Windows, groups: int = 1) -> np.ndarray:
    """Transpose of :func:`convolve` for its kernel, of shape ``(*window, channels / groups, filters)``."""
    matrix = _columns(x, windows, groups).swapaxes(1, 2) @ _split_groups(y, groups)
    return _join_groups(matrix, (*windows.window, x.shape[-1] // groups))


def _columns(x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """Return the values in the windows, one row per window: ``(groups, batch * windows, elements * channels / groups)``."""
    return np.concatenate([_split_groups(seen, groups) for seen in windows.see(x)], axis=-1)


def _split_groups(x: np.ndarray, groups: int) -> np.ndarray:
    """Reshape ``(..., channels)`` to ``(groups, rows, channels / groups)``."""
    return x.reshape(-1, groups, x.shape[-1] // groups).swapaxes(0, 1)


def _join_groups(x: np.ndarray, shape: Shape) -> np.ndarray:
    """Invert :func:`_split_groups`: reshape ``(groups, rows, channels / groups)`` to ``(*shape, channels)``."""
    return x.swapaxes(0, 1).reshape(*shape, x.shape[0] * x.shape[2])
