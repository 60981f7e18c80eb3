"""Filter images."""

import functools
from collections.abc import Sequence

from cornu.backends.contract import Backend
from cornu.dtypes import is_float
from cornu.ops.batch_coupling import of_rank
from cornu.ops.conversion import round_and_cast
from cornu.ops.dispatch import arrays, computed_in_float32, floats, op
from cornu.ops.image.layout import as_batch, from_batch
from cornu.ops.nn.windows import check_fits, output_size
from cornu.ops.shape_checks import check_same_shape
from cornu.typing import Array, ArrayLike
from cornu.validation import check_int, invalid_value

__all__ = ["gaussian_blur", "sobel_edges", "ssim"]

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
    images: ArrayLike, kernel_size: Sequence[int] = (3, 3), sigma: Sequence[float] = (1.0, 1.0), data_format: str | None = None
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
    for name, value in (("kernel_size", kernel_size), ("sigma", sigma)):
        if not isinstance(value, Sequence) or len(value) != 2 or not all(size > 0 for size in value):
            raise invalid_value("gaussian_blur", name, value, "two positive numbers, for the height and the width", (3, 3))
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


@op(batch_coupling=of_rank(4))
def sobel_edges(images: ArrayLike, data_format: str | None = None) -> Array:
    """Return the slope of images at each pixel by the Sobel filters, with zeros beyond the edges.

    The slope along an axis is the difference ``[-1, 0, 1]`` of the neighbors along it, summed across it by ``[1, 2, 1]``.

    Args:
        images: Array-like, one image of shape ``(height, width, channels)`` or a batch of images.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of the shape of ``images`` with a last axis of size 2: the slope along the height, and that along the width.

    Raises:
        ShapeError: If ``images`` is neither an image nor a batch of images.

    Example:
        >>> from cornu import ops
        >>> ops.image.sobel_edges([[[0.0], [1.0], [3.0]]])[0, 1].tolist()
        [[0.0, 6.0]]
    """
    backend, x = floats(images)
    batch, is_single = as_batch(backend, x, "sobel_edges", data_format)
    slope, across = (backend.asarray(weights, backend.dtype(x)) for weights in ([-1.0, 0.0, 1.0], [1.0, 2.0, 1.0]))
    edges = [separable_filter(backend, batch, *pair) for pair in ((slope, across), (across, slope))]
    found = [from_batch(backend, edge, is_single, data_format) for edge in edges]
    return backend.concatenate([backend.reshape(edge, (*backend.shape(edge), 1)) for edge in found], len(x.shape))


@op
@computed_in_float32
def ssim(
    image1: ArrayLike,
    image2: ArrayLike,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Array:
    """Return the structural similarity of images, from -1 to 1 for equal ones.

    The mean over pixels and channels of ``(2 m1 m2 + c1) (2 s12 + c2) / ((m1**2 + m2**2 + c1) (s1**2 + s2**2 + c2))``, with the
    means, variances and the covariance in a Gaussian window inside of the image, ``c1 = (k1 * max_val)**2`` and
    ``c2 = (k2 * max_val)**2``. Source: Wang et al., 2004, Image Quality Assessment: From Error Visibility to Structural
    Similarity, https://doi.org/10.1109/TIP.2003.819861

    Args:
        image1: Array-like, one image of shape ``(height, width, channels)`` or a batch of images.
        image2: Array-like of the same shape.
        max_val: Float, the largest possible value, such as 255. Defaults to 1.0.
        filter_size: Integer, size of the window in pixels. Defaults to 11.
        filter_sigma: Float, standard deviation of the window in pixels. Defaults to 1.5.
        k1, k2: Small floats that avoid division by zero. Default to 0.01 and 0.03.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of shape ``(batch,)``, or ``()`` for one image.

    Raises:
        InvalidArgumentError: If ``filter_size`` or ``filter_sigma`` is not positive.
        ShapeError: If the shapes differ, are not those of images, or are smaller than the window.

    Example:
        >>> from cornu import ops
        >>> image = ops.reshape(ops.arange(16.0), (4, 4, 1))
        >>> round(float(ops.image.ssim(image, image, max_val=16.0, filter_size=3)), 4)
        1.0
    """
    size = check_int("ssim", "filter_size", filter_size)
    backend, x1, x2 = floats(image1, image2)
    x2 = backend.cast(x2, backend.dtype(x1))
    check_same_shape("ssim", "image1", tuple(x1.shape), "image2", tuple(x2.shape))
    (x1, is_single), (x2, _) = (as_batch(backend, x, "ssim", data_format) for x in (x1, x2))
    sizes = tuple(x1.shape[1:3])
    check_fits("ssim", sizes, [output_size(length, size, 1) for length in sizes], (size, size), "filter_size")
    weights = gaussian_kernel(backend, size, filter_sigma, backend.dtype(x1))
    inside = (slice(None), *(slice((size - 1) // 2, backend.shape(x1)[axis] - size // 2) for axis in (1, 2)))

    def mean(values: Array) -> Array:
        return backend.getitem(separable_filter(backend, values, weights, weights), inside)

    means = mean(x1), mean(x2)
    between, squares = backend.multiply(*means), [backend.square(value) for value in means]
    covariance = backend.subtract(mean(backend.multiply(x1, x2)), between)
    variances = [backend.subtract(mean(backend.square(x)), square) for x, square in zip((x1, x2), squares, strict=True)]
    parts = []
    for constant, twice, one, other in (
        ((k1 * max_val) ** 2, between, *squares),
        ((k2 * max_val) ** 2, covariance, *variances),
    ):
        above, below = backend.add(backend.multiply(twice, 2.0), constant), backend.add(backend.add(one, other), constant)
        parts.append(backend.divide(above, below))
    return backend.mean(backend.multiply(*parts), (0, 1, 2, 3) if is_single else (1, 2, 3))
