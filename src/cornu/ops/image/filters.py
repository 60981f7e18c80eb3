"""Filter images."""

import functools
from collections.abc import Sequence

from cornu import config
from cornu.backends.contract import Backend
from cornu.dtypes import is_float
from cornu.errors import InvalidArgumentError
from cornu.ops.batch_coupling import of_rank
from cornu.ops.conversion import round_and_cast
from cornu.ops.dispatch import arrays, op
from cornu.ops.image.layout import as_batch, from_batch
from cornu.typing import Array, ArrayLike

__all__ = ["gaussian_blur"]

_SMALLEST_SIGMA = 1e-3
"""A smaller standard deviation, in pixels, would only divide by zero: the filter changes nothing."""


def gaussian_kernel(backend: Backend, size: int, sigma: Array | float, dtype: str) -> Array:
    """Return the weights ``exp(-(i / sigma)**2 / 2)`` at the distances ``i`` from the center, divided by their sum.

    Args:
        backend: Backend of the result.
        size: Integer, number of weights.
        sigma: Standard deviation, a number or an array of shape ``()``.
        dtype: Dtype of the result.
    """
    distances = backend.subtract(backend.arange(0, size, 1, dtype), (size - 1) / 2)
    scaled = backend.divide(distances, backend.maximum(backend.cast(backend.asarray(sigma), dtype), _SMALLEST_SIGMA))
    weights = backend.exp(backend.multiply(backend.square(scaled), -0.5))
    return backend.divide(weights, backend.sum(weights))


def separable_filter(backend: Backend, images: Array, vertical: Array, horizontal: Array) -> Array:
    """Filter each channel along the height and along the width, with zeros beyond the edges.

    Args:
        backend: Backend of the arrays.
        images: Array of shape ``(batch, height, width, channels)``.
        vertical, horizontal: Weights, arrays of one axis.
    """
    for axis, weights in ((1, vertical), (2, horizontal)):
        size = weights.shape[0]
        pairs = [(0, 0)] * 4
        pairs[axis] = ((size - 1) // 2, size // 2)
        padded = backend.pad(images, tuple(pairs))
        parts = []
        for place in range(size):
            stop = place - size + 1
            part = backend.getitem(padded, (slice(None),) * axis + (slice(place, stop or None),))
            parts.append(backend.multiply(part, backend.getitem(weights, place)))
        images = functools.reduce(backend.add, parts)
    return images


@op(batch_coupling=of_rank(4))
def gaussian_blur(
    images: ArrayLike,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Sequence[float] = (1.0, 1.0),
    data_format: str | None = None,
) -> Array:
    """Blur images by a Gaussian filter, with zeros beyond the edges.

    Args:
        images: Array-like, one image of shape ``(height, width, channels)`` or a batch of images.
        kernel_size: Tuple of two integers, height and width of the filter. Defaults to ``(3, 3)``.
        sigma: Tuple of two floats, standard deviations along the height and the width, in pixels. Defaults to ``(1.0, 1.0)``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of the shape and dtype of ``images``; integers are rounded.

    Raises:
        InvalidArgumentError: If ``kernel_size`` or ``sigma`` is not a pair.
        ShapeError: If ``images`` is neither an image nor a batch of images.

    Example:
        >>> from cornu import ops
        >>> image = ops.image.gaussian_blur([[[0.0], [1.0], [0.0]]], (1, 3), (1.0, 1.0))
        >>> [round(value, 3) for [value] in image.tolist()[0]]
        [0.274, 0.452, 0.274]
    """
    data_format = config.standardize_data_format(data_format)
    for name, value in (("kernel_size", kernel_size), ("sigma", sigma)):
        if not isinstance(value, Sequence) or len(value) != 2 or not all(size > 0 for size in value):
            raise InvalidArgumentError(
                f"`{name}={value!r}` was given.",
                "It must be two positive numbers, for the height and the width.",
                f"Pass, for example, `{name}=(3, 3)`.",
            )
    backend, x = arrays(images)
    batch, is_single = as_batch(backend, x, "gaussian_blur", data_format)
    dtype = backend.dtype(x)
    wide = batch if is_float(dtype) else backend.cast(batch, "float32")
    kernels = [
        gaussian_kernel(backend, int(size), deviation, backend.dtype(wide))
        for size, deviation in zip(kernel_size, sigma, strict=True)
    ]
    found = from_batch(backend, separable_filter(backend, wide, *kernels), is_single, data_format)
    return found if is_float(dtype) else round_and_cast(backend, found, dtype)
