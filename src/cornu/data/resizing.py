"""Resizing of single images on the host, with the pixels of ``tf.image.resize`` without antialiasing."""

import functools

import numpy as np

from cornu.data.images import centered_crop
from cornu.errors import one_of
from cornu.ops.image.resizing import interpolation_matrix

INTERPOLATIONS = ("bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5", "gaussian", "mitchellcubic")
"""Names of the interpolation methods."""


def check_interpolation(interpolation: str) -> None:
    """Raise ``InvalidArgumentError`` if an interpolation method is unknown."""
    if interpolation not in INTERPOLATIONS:
        raise one_of("interpolation", interpolation, INTERPOLATIONS)


def resize_image(image: np.ndarray, size: tuple[int, int], interpolation: str = "bilinear") -> np.ndarray:
    """Resize an image.

    Args:
        image: NumPy array of shape ``(height, width, channels)``.
        size: Tuple ``(height, width)`` of the result.
        interpolation: One of :data:`INTERPOLATIONS`. Defaults to ``"bilinear"``.

    Returns:
        ``float32`` NumPy array of shape ``(height, width, channels)``.

    Example:
        >>> import numpy as np
        >>> from cornu.data.resizing import resize_image
        >>> resize_image(np.array([[[0], [4]]]), (1, 4))[0, :, 0].tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    if interpolation == "nearest":
        rows, columns = (_nearest(old, new) for old, new in zip(image.shape, size, strict=False))
        return image[rows[:, np.newaxis], columns].astype("float32")
    if interpolation == "bilinear":
        return _bilinear(image, size)
    rows, columns = (_matrix(old, new, interpolation) for old, new in zip(image.shape, size, strict=False))
    mixed = np.einsum("jw,hwc->hjc", columns, image.astype("float32"), optimize=True)
    return np.einsum("ih,hjc->ijc", rows, mixed, optimize=True)


def crop_to_aspect_ratio(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the largest centered part of an image that has the aspect ratio of ``size``."""
    height, width = image.shape[:2]
    top, left, bottom, right = centered_crop(height, width, size)
    return image[top:bottom, left:right]


def pad_to_aspect_ratio(image: np.ndarray, size: tuple[int, int], interpolation: str) -> np.ndarray:
    """Return an image resized to fit into ``size``, with black on both sides of it.

    Sizes are computed in ``float32`` and rounded down, as TensorFlow does.
    """
    old, new = np.array(image.shape[:2], "float32"), np.array(size, "float32")
    exact = old / np.max(old / new)
    height, width = np.maximum(np.floor(exact), 1).astype(int).tolist()
    top, left = np.maximum(np.floor((new - exact) / 2), 0).astype(int).tolist()
    resized = resize_image(image, (height, width), interpolation)
    return np.pad(resized, [(top, size[0] - height - top), (left, size[1] - width - left), (0, 0)])


@functools.lru_cache(maxsize=256)
def _lines(old: int, new: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two old positions next to each new one, and the weight of the second."""
    scale = np.float32(old / new)
    centers = np.maximum((np.arange(new, dtype="float32") + np.float32(0.5)) * scale - np.float32(0.5), 0)
    first = np.minimum(np.floor(centers).astype("int64"), old - 1)
    return first, np.minimum(first + 1, old - 1), (centers - np.floor(centers)).astype("float32")


def _bilinear(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Interpolate first between columns and then between rows, in ``float32``, as TensorFlow does."""
    height, width, channels = image.shape
    top, bottom, down = _lines(height, size[0])
    left, right, across = _lines(width, size[1])
    used = np.union1d(top, bottom)  # of a large image only some rows
    rows = image[used].reshape(len(used), width * channels).astype("float32")  # NumPy is faster with two axes than with three
    first, second = (rows.take((at[:, np.newaxis] * channels + np.arange(channels)).ravel(), axis=1) for at in (left, right))
    mixed = _blend(first, second, np.repeat(across, channels))
    upper, lower = (mixed[np.searchsorted(used, at)] for at in (top, bottom))
    return _blend(upper, lower, down[:, np.newaxis]).reshape(*size, channels)


def _blend(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return ``first + (second - first) * weights``, in the memory of ``second``."""
    second -= first
    second *= weights
    second += first
    return second


@functools.lru_cache(maxsize=256)
def _nearest(old: int, new: int) -> np.ndarray:
    centers = (np.arange(new, dtype="float32") + np.float32(0.5)) * np.float32(old / new)
    return np.minimum(np.floor(centers).astype("int64"), old - 1)


@functools.lru_cache(maxsize=256)
def _matrix(old: int, new: int, interpolation: str) -> np.ndarray:
    """Return the weights of the old positions for each new one, a ``float32`` array of shape ``(new, old)``."""
    if interpolation == "area":
        weights = _overlaps(old, new)
    elif interpolation in ("gaussian", "mitchellcubic"):
        scale = 1 / (np.float32(new) / np.float32(old))  # as TensorFlow rounds it: pixels may lie at the edge of the filter
        centers = (np.arange(new, dtype="float32") + np.float32(0.5)) * scale
        distances = np.abs(centers[:, np.newaxis] - (np.arange(old, dtype="float32") + np.float32(0.5)))
        weights = _gaussian(distances) if interpolation == "gaussian" else _mitchell(distances)
    else:
        weights = interpolation_matrix(old, new, interpolation)
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")


def _overlaps(old: int, new: int) -> np.ndarray:
    """Return how much of each old pixel is covered by each new one."""
    edges = np.arange(new + 1) * (old / new)
    starts, ends = edges[:-1, np.newaxis], edges[1:, np.newaxis]
    return np.clip(np.minimum(ends, np.arange(1, old + 1)) - np.maximum(starts, np.arange(old)), 0, None)


def _gaussian(distances: np.ndarray) -> np.ndarray:
    """Return a Gaussian with a standard deviation of 0.5 pixels, up to a distance of 1.5 pixels."""
    return np.where(distances < 1.5, np.exp(-0.5 * (distances / 0.5) ** 2), 0.0)


def _mitchell(distances: np.ndarray) -> np.ndarray:
    """Return the filter of Mitchell and Netravali (1988) with B = C = 1/3."""
    near = ((7 * distances - 12) * distances * distances + 16 / 3) / 6
    far = (((-7 / 3 * distances + 12) * distances - 20) * distances + 32 / 3) / 6
    return np.where(distances < 1, near, np.where(distances < 2, far, 0.0))
