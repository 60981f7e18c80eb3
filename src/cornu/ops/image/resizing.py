"""Image resizing by one interpolation matrix for the rows and one for the columns, and grayscale conversion.

The matrices are computed with NumPy, so that every backend returns the same values, and the gradient follows automatically.
Where a size is not known yet, as in an exported file or a function of ``tf.data``, they are computed with the array.
"""

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu import backends, config
from cornu.backends.contract import Backend
from cornu.dtypes import is_float
from cornu.errors import ShapeError
from cornu.ops.batch_coupling import of_rank
from cornu.ops.conversion import round_and_cast
from cornu.ops.dispatch import arrays, floats, op
from cornu.ops.image.layout import check_images, rows_axis
from cornu.ops.shape_checks import as_sizes, check_axes
from cornu.typing import Array, ArrayLike, Size
from cornu.validation import check_option, invalid_together, invalid_value

__all__ = ["resize", "scale_and_translate"]

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
"""Names of the interpolation methods."""


def _triangle(backend: Backend, x: Array) -> Array:
    return backend.maximum(backend.subtract(1.0, backend.abs(x)), 0.0)


def _cubic(backend: Backend, x: Array) -> Array:
    """Return the cubic convolution kernel of Keys (1981) with a = -0.5."""
    x = backend.abs(x)

    def polynomial(*coefficients: float) -> Array:
        value = backend.multiply(x, 0.0)
        for coefficient in coefficients:
            value = backend.add(backend.multiply(value, x), coefficient)
        return value

    near, far = polynomial(1.5, -2.5, 0.0, 1.0), polynomial(-0.5, 2.5, -4.0, 2.0)
    return backend.where(backend.less(x, 1), near, backend.where(backend.less(x, 2), far, 0.0))


def _lanczos(backend: Backend, x: Array, radius: int) -> Array:
    window = backend.multiply(_sinc(backend, x), _sinc(backend, backend.divide(x, float(radius))))
    return backend.where(backend.less(backend.abs(x), radius), window, 0.0)


def _sinc(backend: Backend, x: Array) -> Array:
    is_zero = backend.equal(x, 0)
    angle = backend.multiply(backend.where(is_zero, 1.0, x), math.pi)
    return backend.where(is_zero, 1.0, backend.divide(backend.sin(angle), angle))


_KERNELS = {
    "bilinear": _triangle,
    "bicubic": _cubic,
    "lanczos3": functools.partial(_lanczos, radius=3),
    "lanczos5": functools.partial(_lanczos, radius=5),
}


def _matrix(backend: Backend, old: int, new: int, interpolation: str, antialias: bool, dtype: str) -> Array:
    """Compute the matrix of :func:`interpolation_matrix` with a backend, whose sizes may be symbolic."""
    before, after = (backend.cast(backend.asarray(size), dtype) for size in (old, new))
    scale = backend.divide(before, after)
    centers = backend.subtract(backend.multiply(backend.add(backend.arange(0, new, 1, dtype), 0.5), scale), 0.5)
    distances = backend.subtract(backend.reshape(centers, (new, 1)), backend.arange(0, old, 1, dtype))
    if antialias:
        distances = backend.divide(distances, backend.maximum(scale, 1.0))
    weights = _KERNELS[interpolation](backend, distances)
    return backend.divide(weights, backend.sum(weights, 1, True))


@functools.lru_cache(maxsize=64)
def interpolation_matrix(old: int, new: int, interpolation: str, antialias: bool = False) -> np.ndarray:
    """Return the weights of the positions of an axis for each position of the resized axis.

    Coordinates refer to pixel centers: position ``i`` of the new axis is at ``(i + 0.5) * old / new - 0.5`` of the old axis.

    Args:
        old: Integer, size of the axis.
        new: Integer, new size of the axis.
        interpolation: ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or ``"lanczos5"``.
        antialias: Whether to stretch the kernel when downsampling, so that no pixel is skipped. Defaults to False.

    Returns:
        NumPy array of shape ``(new, old)``; each row sums to 1.

    Example:
        >>> from cornu.ops.image.resizing import interpolation_matrix
        >>> interpolation_matrix(2, 4, "bilinear").tolist()
        [[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]]
    """
    return np.asarray(_matrix(backends.get("numpy"), old, new, interpolation, antialias, "float64"))


def nearest_places(backend: Backend, old: int, new: int) -> Array:
    """Return, for each position of a resized axis, the old position that contains its center.

    Example:
        >>> from cornu import backends
        >>> from cornu.ops.image.resizing import nearest_places
        >>> nearest_places(backends.get("numpy"), 2, 4).tolist()
        [0, 0, 1, 1]
    """
    odd = backend.add(backend.multiply(backend.arange(0, new, 1, "int32"), 2), 1)
    return backend.floor_divide(backend.multiply(odd, old), 2 * new)


def _resize_axis(backend: Backend, x: Array, axis: int, new: int, interpolation: str, antialias: bool) -> Array:
    old = backend.shape(x)[axis]
    is_known = type(old) is type(new) is int  # others are computed where they are known: in the file, or when `tf.data` runs
    if is_known and old == new:
        return x
    if interpolation == "nearest":
        places = nearest_places(backends.get("numpy") if is_known else backend, old, new)
        return backend.take(x, backend.asarray(places), axis)
    if is_known:
        matrix = backend.asarray(interpolation_matrix(old, new, interpolation, antialias), backend.dtype(x))
    else:
        matrix = _matrix(backend, old, new, interpolation, antialias, backend.dtype(x))
    return _mixed(backend, x, axis, matrix)


def _mixed(backend: Backend, x: Array, axis: int, matrix: Array) -> Array:
    """Multiply an axis by a matrix of shape ``(new size, size)``."""
    mixed = backend.tensordot(matrix, x, ([1], [axis]))
    return backend.transpose(mixed, (*range(1, axis + 1), 0, *range(axis + 1, len(x.shape))))


@op(batch_coupling=of_rank(4), keras_path="image.Resize")
def resize(
    images: ArrayLike,
    size: Sequence[Size],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Array:
    """Resize images.

    Each axis is multiplied by an interpolation matrix (see :func:`interpolation_matrix`), or indexed for ``"nearest"``.

    Args:
        images: Array-like, one image of shape ``(height, width, channels)`` or a batch of images.
        size: Tuple of two integers, ``(height, width)`` of the result.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos3"`` or ``"lanczos5"``. Defaults to
            ``"bilinear"``.
        antialias: Whether to take all pixels into account when downsampling, not only the nearest ones. Defaults to False.
        crop_to_aspect_ratio: Whether to center-crop the image to the aspect ratio of ``size`` first. Defaults to False.
        pad_to_aspect_ratio: Whether to pad the image on both sides to the aspect ratio of ``size`` first. Defaults to False.
        fill_mode: ``"constant"``, the only supported padding mode.
        fill_value: Float, value of the padding. Defaults to 0.0.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of the resized images, of the dtype of ``images``; integers are rounded.

    Raises:
        InvalidArgumentError: If an argument has an unknown value.
        ShapeError: If ``images`` is neither an image nor a batch of images.

    Example:
        >>> from cornu import ops
        >>> ops.image.resize([[[0.0], [4.0]]], (1, 4)).tolist()
        [[[0.0], [1.0], [3.0], [4.0]]]
    """
    data_format = config.standardize_data_format(data_format)
    height, width = check_resize_arguments(size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_mode)
    backend, x = arrays(images)
    rows = rows_axis(check_images(x, "resize"), data_format)
    columns = rows + 1
    if crop_to_aspect_ratio:
        x = _crop(backend, x, rows, height, width)
    elif pad_to_aspect_ratio:
        x = _widen(backend, x, rows, height, width, fill_value)
    dtype = backend.dtype(x)
    exact = interpolation == "nearest" or is_float(dtype)
    wide = x if exact else backend.cast(x, "float32")
    wide = _resize_axis(backend, wide, rows, height, interpolation, antialias)
    wide = _resize_axis(backend, wide, columns, width, interpolation, antialias)
    return wide if exact else round_and_cast(backend, wide, dtype)


def check_resize_arguments(size: Sequence[Any], interpolation: str, crop: bool, widen: bool, fill_mode: str) -> tuple[int, int]:
    """Return the height and the width of ``size``, after checking the arguments of :func:`resize`.

    Raises:
        InvalidArgumentError: If an argument has an unknown value.

    Example:
        >>> from cornu.ops.image.resizing import check_resize_arguments
        >>> check_resize_arguments((4, 5.0), "nearest", False, False, "constant")
        (4, 5)
    """
    check_option("interpolation", interpolation, INTERPOLATIONS)
    check_option("fill_mode", fill_mode, ("constant",))
    if crop and widen:
        given = {"crop_to_aspect_ratio": crop, "pad_to_aspect_ratio": widen}
        raise invalid_together("resize", given, "An image is either cropped or padded.", "Pass only one of the two.")
    if not isinstance(size, (list, tuple)) or len(size) != 2 or not all(_is_size(n) for n in size):
        raise invalid_value("resize", "size", size, "two positive integers, the height and the width", (224, 224))
    height, width = (n if isinstance(n, int) else int(n) for n in size)
    return height, width


def _is_size(number: float) -> bool:
    return isinstance(number, (int, float, np.integer, np.floating)) and float(number) >= 1 and float(number) % 1 == 0


def centered_part(old_height: Any, old_width: Any, height: int, width: int) -> tuple[Any, Any, int, int]:
    """Return the start and the size of the largest part in the middle of an image with the aspect ratio of another size.

    Example:
        >>> from cornu.ops.image.resizing import centered_part
        >>> centered_part(100, 300, 50, 50)
        (0, 100, 100, 100)
    """
    new_height = max(min(old_height, math.floor(old_width * height / width)), 1)
    new_width = max(min(old_width, math.floor(old_height * width / height)), 1)
    return (old_height - new_height) // 2, (old_width - new_width) // 2, new_height, new_width


def _crop(backend: Backend, x: Array, rows: int, height: int, width: int) -> Array:
    top, left, new_height, new_width = centered_part(x.shape[rows], x.shape[rows + 1], height, width)
    box = (slice(top, top + new_height), slice(left, left + new_width))
    return backend.getitem(x, ((slice(None),) * rows) + box)


def _widen(backend: Backend, x: Array, rows: int, height: int, width: int, fill_value: float) -> Array:
    old_height, old_width = x.shape[rows : rows + 2]
    more_height = max(math.floor(old_width * height / width) - old_height, 0)
    more_width = max(math.floor(old_height * width / height) - old_width, 0)
    pairs = [(0, 0)] * len(x.shape)
    pairs[rows] = (more_height // 2, more_height // 2)
    pairs[rows + 1] = (more_width // 2, more_width // 2) if not pairs[rows][0] else (0, 0)
    return backend.pad(x, tuple(pairs), "constant", fill_value)


_METHODS = {
    **dict.fromkeys(("linear", "bilinear", "trilinear", "triangle"), _triangle),
    **dict.fromkeys(("cubic", "bicubic", "tricubic"), _cubic),
    "lanczos3": _KERNELS["lanczos3"],
    "lanczos5": _KERNELS["lanczos5"],
}


@op
def scale_and_translate(
    images: ArrayLike,
    output_shape: Sequence[int],
    scale: ArrayLike,
    translation: ArrayLike,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Array:
    """Scale and move an array along some axes: the element at ``x`` moves to ``x * scale + translation``.

    Positions refer to the centers of elements: element ``i`` is at ``i + 0.5``. Outside of the array the result is 0. Each axis
    is multiplied by a matrix of interpolation weights, whose rows sum to 1.

    Args:
        images: Array-like.
        output_shape: Sequence of integers, the shape of the result; only the sizes of ``spatial_dims`` may differ.
        scale, translation: Array-likes of one number for each of ``spatial_dims``, with gradients.
        spatial_dims: Sequence of integers, the axes.
        method: ``"linear"`` (or ``"bilinear"``, ``"trilinear"``, ``"triangle"``), ``"cubic"`` (or ``"bicubic"``,
            ``"tricubic"``), ``"lanczos3"`` or ``"lanczos5"``.
        antialias: Whether to stretch the kernel when downsampling, so that no element is skipped. Defaults to True.

    Returns:
        Array of shape ``output_shape``, as floats.

    Raises:
        InvalidArgumentError: If the method or an axis does not exist.
        ShapeError: If the numbers of sizes, scales and translations do not fit, or another size differs.

    Example:
        >>> from cornu import ops
        >>> ops.image.scale_and_translate([0.0, 4.0], (4,), [2.0], [0.0], (0,), "linear").tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    check_option("method", method, tuple(_METHODS))
    backend, x = floats(images)
    backend, x, scale, translation = arrays(x, scale, translation)
    axes, sizes, old = check_axes(tuple(spatial_dims), x.shape, "spatial_dims"), as_sizes(output_shape), backend.shape(x)
    others = [axis for axis in range(len(old)) if axis not in axes]
    counts = {(len(axes),), tuple(scale.shape), tuple(translation.shape)}
    if len(sizes) != len(old) or len(counts) > 1 or any(sizes[axis] != old[axis] for axis in others):
        raise ShapeError(
            f"`scale_and_translate` received `images` of shape {tuple(x.shape)}, `output_shape={sizes}`, "
            f"`spatial_dims={axes}`, and scales and shifts of shapes {tuple(scale.shape)} and {tuple(translation.shape)}.",
            "There must be one scale and one translation for each of `spatial_dims`, and all other sizes must remain.",
            "Pass the whole shape of the result, with the batch and the channels.",
        )
    dtype = backend.dtype(x)
    for number, axis in enumerate(axes):
        factor, shift = (backend.cast(backend.getitem(part, number), dtype) for part in (scale, translation))
        step, before, after = backend.divide(1.0, factor), old[axis], sizes[axis]
        places = backend.subtract(backend.add(backend.arange(0, after, 1, dtype), 0.5), shift)
        places = backend.reshape(backend.subtract(backend.multiply(places, step), 0.5), (after, 1))
        distances = backend.subtract(places, backend.reshape(backend.arange(0, before, 1, dtype), (1, before)))
        weights = _METHODS[method](backend, backend.divide(distances, backend.maximum(step, 1.0)) if antialias else distances)
        total = backend.sum(weights, 1, True)
        is_inside = backend.logical_and(backend.greater_equal(places, -0.5), backend.less_equal(places, before - 0.5))
        is_inside = backend.logical_and(is_inside, backend.greater(backend.abs(total), 1e-4))
        x = _mixed(
            backend, x, axis, backend.where(is_inside, backend.divide(weights, backend.where(is_inside, total, 1.0)), 0.0)
        )
    return x
