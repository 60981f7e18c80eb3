"""Warp images: each pixel of the result is sampled at the position that a transformation maps it to."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from cornu.backends import fused_ops
from cornu.backends.contract import Backend
from cornu.dtypes import is_float
from cornu.ops.conversion import round_and_cast
from cornu.ops.dispatch import arrays, op
from cornu.ops.image.filters import gaussian_kernel, separable_filter
from cornu.ops.image.layout import as_batch, from_batch
from cornu.ops.image.sampling import FILL_MODES, sample
from cornu.ops.random import Seed, normal
from cornu.ops.shape_checks import shapes_error
from cornu.typing import Array, ArrayLike
from cornu.validation import check_option

__all__ = ["affine_transform", "elastic_transform", "perspective_transform"]

INTERPOLATIONS = ("nearest", "bilinear")
"""Names of the interpolation methods of a warp, in the order of the spline order."""


def check_warp_arguments(interpolation: str, fill_mode: str) -> None:
    """Raise an error for an unknown interpolation or fill mode.

    Raises:
        InvalidArgumentError: If one of them is unknown.

    Example:
        >>> from cornu.ops.image.warping import check_warp_arguments
        >>> check_warp_arguments("bilinear", "reflect")
    """
    check_option("interpolation", interpolation, INTERPOLATIONS)
    check_option("fill_mode", fill_mode, FILL_MODES)


def positions_of(backend: Backend, images: Array) -> tuple[Array, Array]:
    """Return the positions ``x`` (of shape ``(1, width)``) and ``y`` (of shape ``(height, 1)``) of the pixels of images."""
    height, width = backend.shape(images)[1:3]
    x = backend.reshape(backend.arange(0, width, 1, "float32"), (1, width))
    y = backend.reshape(backend.arange(0, height, 1, "float32"), (height, 1))
    return x, y


def warp(backend: Backend, images: Array, x: Array, y: Array, interpolation: str, fill_mode: str, fill_value: float) -> Array:
    """Sample each image of a batch at positions of its own.

    Args:
        backend: Backend of the arrays.
        images: Array of shape ``(batch, height, width, channels)``.
        x, y: Columns and rows to sample at, arrays of shape ``(batch, new_height, new_width)`` or broadcasting to it.
        interpolation: ``"nearest"`` or ``"bilinear"``.
        fill_mode: ``"constant"``, ``"nearest"``, ``"wrap"`` or ``"reflect"``.
        fill_value: Float, value outside of the images for ``"constant"``.

    Returns:
        Array of shape ``(batch, new_height, new_width, channels)`` and the dtype of the images; integers are rounded.
    """
    dtype = backend.dtype(images)
    wide = images if dtype in ("float32", "float64") else backend.cast(images, "float32")
    batch, height, width, channels = backend.shape(wide)
    first = backend.reshape(backend.arange(0, batch, 1, "int32"), (batch, 1, 1))
    rows = backend.reshape(wide, (-1, channels))
    order = INTERPOLATIONS.index(interpolation)
    found = sample(backend, rows, (height, width), (y, x), order, fill_mode, fill_value, first)
    return backend.cast(found, dtype) if is_float(dtype) else round_and_cast(backend, found, dtype)


def affine_positions(backend: Backend, images: Array, rows: Sequence[Array | float]) -> tuple[Array, Array]:
    """Return the positions ``(a0 x + a1 y + a2, b0 x + b1 y + b2)`` of the pixels ``(x, y)`` of a batch of images.

    Args:
        backend: Backend of the arrays.
        images: Array of shape ``(batch, height, width, channels)``.
        rows: The coefficients ``a0, a1, a2, b0, b1, b2``, arrays of shape ``(batch, 1, 1)`` or numbers.
    """
    x, y = positions_of(backend, images)

    def linear(along_x: Array | float, along_y: Array | float, shift: Array | float) -> Array:
        return backend.add(backend.add(backend.multiply(along_x, x), backend.multiply(along_y, y)), shift)

    return linear(*rows[:3]), linear(*rows[3:])


def affine_warp(
    backend: Backend,
    images: Array,
    coefficients: Sequence[Array | float],
    interpolation: str,
    fill_mode: str,
    fill_value: float,
) -> Array:
    """Sample each image of a batch at an affine function of the pixels' positions, by a kernel of the engine if it has one.

    Args:
        backend: Backend of the arrays.
        images: Array of shape ``(batch, height, width, channels)``.
        coefficients: Those of :func:`affine_positions`.
        interpolation, fill_mode, fill_value: Arguments of :func:`warp`.
    """

    def derived(x: Array) -> Array:
        return warp(backend, x, *affine_positions(backend, x, coefficients), interpolation, fill_mode, fill_value)

    quick = fused_ops.find("affine_warp", images) if backend.dtype(images) == "float32" else None
    found = None if quick is None else quick(images, coefficients, interpolation, fill_mode, fill_value)
    if found is None:
        return derived(images)

    def with_gradient(x: Array) -> tuple[Array, Callable]:
        """Return the result and its gradient, which TensorFlow's kernel only approximates."""

        def gradient(upstream: Array) -> tuple[Array]:
            return (backend.value_and_grad(lambda x: backend.sum(backend.multiply(derived(x), upstream)))(x)[1],)

        return found, gradient

    return backend.custom_gradient(with_gradient)(images)


@op
def affine_transform(
    images: ArrayLike,
    transform: ArrayLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Array:
    """Apply a projective transformation to images.

    The transformation ``[a0, a1, a2, b0, b1, b2, c0, c1]`` maps the pixel ``(x, y)`` of the result to the position
    ``((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)`` of the image, with ``k = c0 x + c1 y + 1``. There is no gradient with
    respect to it.

    Args:
        images: Array-like, one image of shape ``(height, width, channels)`` or a batch of images.
        transform: Array-like of shape ``(8,)``, or ``(batch, 8)`` for a transformation of each image.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        fill_mode: How images are extended beyond their edges: ``"constant"`` (with ``fill_value``), ``"nearest"``, ``"wrap"``
            or ``"reflect"`` (see :func:`map_coordinates`). Defaults to ``"constant"``.
        fill_value: Float, value outside of the images for ``"constant"``. Defaults to 0.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of the shape and dtype of ``images``; integers are rounded.

    Raises:
        InvalidArgumentError: If ``interpolation`` or ``fill_mode`` is unknown.
        ShapeError: If ``images`` or ``transform`` has another shape.

    Example:
        >>> from cornu import ops
        >>> image = [[[1.0], [2.0], [3.0]]]
        >>> ops.image.affine_transform(image, [1, 0, 1, 0, 1, 0, 0, 0]).tolist()
        [[[2.0], [3.0], [0.0]]]
    """
    check_warp_arguments(interpolation, fill_mode)
    backend, x, matrix = arrays(images, transform)
    batch, is_single = as_batch(backend, x, "affine_transform", data_format)
    if len(matrix.shape) not in (1, 2) or matrix.shape[-1] != 8 or (is_single and len(matrix.shape) == 2):
        expected = "It must have the shape (8,), or (batch, 8) for a batch of images."
        hint = "Pass `[a0, a1, a2, b0, b1, b2, c0, c1]`."
        raise shapes_error("affine_transform", {"transform": matrix.shape, "images": x.shape}, expected, hint)
    matrix = backend.stop_gradient(backend.cast(matrix, "float32"))
    columns = [_column(backend, matrix, place) for place in range(8)]
    found = _projected(backend, batch, columns, interpolation, fill_mode, fill_value)
    return from_batch(backend, found, is_single, data_format)


def _column(backend: Backend, matrix: Array, place: int) -> Array:
    return backend.reshape(backend.getitem(matrix, (..., place)), (-1, 1, 1))


def _projected(
    backend: Backend, images: Array, columns: Sequence[Array], interpolation: str, fill_mode: str, fill_value: float
) -> Array:
    """Sample images at the positions that projective transformations map their pixels to."""
    along_x, along_y = affine_positions(backend, images, columns[:6])
    x, y = positions_of(backend, images)
    depth = backend.add(backend.add(backend.multiply(columns[6], x), backend.multiply(columns[7], y)), 1.0)
    return warp(
        backend, images, backend.divide(along_x, depth), backend.divide(along_y, depth), interpolation, fill_mode, fill_value
    )


@op
def perspective_transform(
    images: ArrayLike,
    start_points: ArrayLike,
    end_points: ArrayLike,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: str | None = None,
) -> Array:
    """Apply the perspective transformation that moves four points of the image to four other points.

    Args:
        images: Array-like, one image of shape ``(height, width, channels)`` or a batch of images.
        start_points: Array-like of shape ``(4, 2)``, or ``(batch, 4, 2)`` for a batch: points ``(x, y)`` of the images, no
            three of them on a line.
        end_points: Array-like of the same shape, the points of the result where they are moved to.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        fill_value: Float, value outside of the images. Defaults to 0.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of the shape and dtype of ``images``; integers are rounded.

    Raises:
        InvalidArgumentError: If ``interpolation`` is unknown.
        ShapeError: If the images or points have another shape.

    Example:
        >>> from cornu import ops
        >>> corners = [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [2.0, 2.0]]
        >>> moved = [[1.0, 0.0], [3.0, 0.0], [1.0, 2.0], [3.0, 2.0]]
        >>> ops.image.perspective_transform([[[1.0], [2.0], [3.0]]], corners, moved).tolist()
        [[[0.0], [1.0], [2.0]]]
    """
    check_warp_arguments(interpolation, "constant")
    backend, x, start, end = arrays(images, start_points, end_points)
    batch, is_single = as_batch(backend, x, "perspective_transform", data_format)
    for name, points in (("start_points", start), ("end_points", end)):
        if len(points.shape) not in (2, 3) or tuple(points.shape[-2:]) != (4, 2) or (is_single and len(points.shape) == 3):
            expected = "They must have the shape (4, 2), or (batch, 4, 2) for a batch of images."
            hint = "Pass four points `(x, y)`."
            raise shapes_error("perspective_transform", {name: points.shape, "images": x.shape}, expected, hint)
    columns = homography(backend, *(backend.cast(points, "float32") for points in (start, end)))
    found = _projected(backend, batch, columns, interpolation, "constant", fill_value)
    return from_batch(backend, found, is_single, data_format)


def homography(backend: Backend, start: Array, end: Array) -> list[Array]:
    """Return the projective transformation that maps the points ``end`` to the points ``start``.

    It is the product of the transformation of the unit square to ``start`` and the inverse of that to ``end`` (Heckbert, 1989,
    Fundamentals of Texture Mapping and Image Warping, section 2.2.3).

    Args:
        backend: Backend of the arrays.
        start, end: Arrays of shape ``(4, 2)`` or ``(batch, 4, 2)``.

    Returns:
        The coefficients ``a0, ..., c1`` of :func:`affine_transform`, arrays of shape ``(batch, 1, 1)``, or ``(1, 1, 1)``.
    """
    product = _matrix_product(backend, _from_unit_square(backend, start), _adjugate(backend, _from_unit_square(backend, end)))
    flat = [entry for row in product for entry in row]
    return [backend.divide(entry, flat[8]) for entry in flat[:8]]


def _from_unit_square(backend: Backend, points: Array) -> list[list[Any]]:
    """Return the matrix that maps (0, 0), (1, 0), (1, 1), (0, 1) to four points, as rows of arrays of shape (batch, 1, 1)."""
    [(x0, y0), (x1, y1), (x2, y2), (x3, y3)] = [
        [backend.reshape(backend.getitem(points, (..., corner, place)), (-1, 1, 1)) for place in range(2)]
        for corner in range(4)
    ]
    subtract, multiply, add = backend.subtract, backend.multiply, backend.add
    sum_x, sum_y = (add(subtract(subtract(a, b), d), c) for a, b, c, d in ((x0, x1, x2, x3), (y0, y1, y2, y3)))
    dx1, dx2, dy1, dy2 = subtract(x1, x2), subtract(x3, x2), subtract(y1, y2), subtract(y3, y2)
    area = _determinant(backend, dx1, dx2, dy1, dy2)
    g = backend.divide(_determinant(backend, sum_x, dx2, sum_y, dy2), area)
    h = backend.divide(_determinant(backend, dx1, sum_x, dy1, sum_y), area)
    return [
        [add(subtract(x1, x0), multiply(g, x1)), add(subtract(x3, x0), multiply(h, x3)), x0],
        [add(subtract(y1, y0), multiply(g, y1)), add(subtract(y3, y0), multiply(h, y3)), y0],
        [g, h, 1.0],
    ]


def _determinant(backend: Backend, a: Array, b: Array, c: Array, d: Array) -> Array:
    """Return ``a d - b c``."""
    return backend.subtract(backend.multiply(a, d), backend.multiply(b, c))


def _adjugate(backend: Backend, m: list[list[Any]]) -> list[list[Any]]:
    """Return the inverse of a 3 x 3 matrix, times its determinant."""
    cofactor = functools.partial(_determinant, backend)
    return [
        [cofactor(*(m[row % 3][column % 3] for row in (i + 1, i + 2) for column in (j + 1, j + 2))) for i in range(3)]
        for j in range(3)
    ]


def _matrix_product(backend: Backend, a: list[list[Any]], b: list[list[Any]]) -> list[list[Any]]:
    def entry(i: int, j: int) -> Array:
        terms = [backend.multiply(a[i][k], b[k][j]) for k in range(3)]
        return backend.add(backend.add(terms[0], terms[1]), terms[2])

    return [[entry(i, j) for j in range(3)] for i in range(3)]


@op
def elastic_transform(
    images: ArrayLike,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Seed = None,
    data_format: str | None = None,
) -> Array:
    """Move the pixels of images by smooth random displacements.

    The displacements are normally distributed noise, smoothed by a Gaussian filter, times ``alpha``. Source: Simard et al.,
    2003, Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis.

    Args:
        images: Array-like, one image of shape ``(height, width, channels)`` or a batch of images.
        alpha: Float, factor of the displacements, in pixels. Defaults to 20.0.
        sigma: Float, standard deviation of the Gaussian filter, in pixels. Defaults to 5.0.
        interpolation: ``"nearest"`` or ``"bilinear"``. Defaults to ``"bilinear"``.
        fill_mode: How images are extended beyond their edges: ``"constant"`` (with ``fill_value``), ``"nearest"``, ``"wrap"``
            or ``"reflect"`` (see :func:`map_coordinates`). Defaults to ``"reflect"``.
        fill_value: Float, value outside of the images for ``"constant"``. Defaults to 0.0.
        seed: Integer seed, key, or a SeedGenerator. Defaults to a seed drawn from the global generator.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of the shape and dtype of ``images``; integers are rounded.

    Raises:
        InvalidArgumentError: If ``interpolation`` or ``fill_mode`` is unknown.
        ShapeError: If ``images`` is neither an image nor a batch of images.

    Example:
        >>> from cornu import ops
        >>> ops.image.elastic_transform(ops.ones((4, 4, 1)), alpha=2.0, sigma=1.0, seed=1).shape
        (4, 4, 1)
    """
    check_warp_arguments(interpolation, fill_mode)
    backend, x = arrays(images)
    batch, is_single = as_batch(backend, x, "elastic_transform", data_format)
    count, height, width, _ = backend.shape(batch)
    noise = backend.asarray(normal((count, height, width, 2), dtype="float32", seed=seed))
    moves = backend.multiply(smoothed(backend, noise, sigma), float(alpha))
    found = displaced(backend, batch, moves, interpolation, fill_mode, fill_value)
    return from_batch(backend, found, is_single, data_format)


def smoothed(backend: Backend, noise: Array, sigma: float) -> Array:
    """Filter the two channels of noise with a Gaussian of six standard deviations, at least one pixel wide."""
    size = max(int(6 * sigma) | 1, 1)
    kernel = gaussian_kernel(backend, size, sigma, backend.dtype(noise))
    return separable_filter(backend, noise, kernel, kernel)


def displaced(backend: Backend, images: Array, moves: Array, interpolation: str, fill_mode: str, fill_value: float) -> Array:
    """Sample each pixel ``(x, y)`` of a batch of images at ``(x, y)`` plus its displacement, the last axis of ``moves``."""
    x, y = positions_of(backend, images)
    along_x, along_y = (backend.add(start, backend.getitem(moves, (..., place))) for place, start in enumerate((x, y)))
    return warp(backend, images, along_x, along_y, interpolation, fill_mode, fill_value)
