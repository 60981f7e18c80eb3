"""Patches of images as columns of a matrix, and the sum of patches."""

import math

import numpy as np

from cornu.ops.batch_coupling import of_rank
from cornu.ops.dispatch import arrays, op
from cornu.ops.nn.windows import check_fits, effective_size
from cornu.ops.shape_checks import shape_error
from cornu.typing import Array, ArrayLike, IntOrInts
from cornu.validation import check_ints

__all__ = ["fold", "unfold"]


@op(batch_coupling=of_rank(4), keras_path="nn.Unfold")
def unfold(
    x: ArrayLike, kernel_size: IntOrInts, dilation: IntOrInts = 1, padding: IntOrInts = 0, stride: IntOrInts = 1
) -> Array:
    """Return the patches of images with channels first as columns of a matrix (im2col).

    Args:
        x: Array-like of shape ``(batch, channels, height, width)``.
        kernel_size: Integer or tuple of two integers, size of a patch.
        dilation: Integer or tuple of two integers, distance of the elements of a patch. Defaults to 1.
        padding: Integer or tuple of two integers, number of zeros that are added on both sides. Defaults to 0.
        stride: Integer or tuple of two integers, step from patch to patch. Defaults to 1.

    Returns:
        Array of shape ``(batch, channels * kernel_height * kernel_width, patches)``.

    Raises:
        InvalidArgumentError: If an argument has an invalid value.
        ShapeError: If the images have another number of axes, or are smaller than a patch.

    Example:
        >>> from cornu import ops
        >>> ops.unfold([[[[1, 2], [3, 4]]]], 1).tolist()
        [[[1, 2, 3, 4]]]
    """
    backend, x = arrays(x)
    if len(x.shape) != 4:
        expected = "It must have the shape `(batch, channels, height, width)`."
        raise shape_error("unfold", x.shape, expected, "Use `image.extract_patches` for images with channels last.")
    places, _ = _places_of_patches("unfold", tuple(x.shape[2:]), kernel_size, dilation, padding, stride)
    pad = check_ints("unfold", "padding", padding, 2, least=0)
    padded = backend.pad(x, ((0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])))
    batch, channels = backend.shape(x)[:2]
    flat = backend.reshape(padded, (batch, channels, -1))
    patches = backend.take(flat, backend.asarray(places), 2)
    return backend.reshape(patches, (batch, channels * places.shape[0], places.shape[1]))


@op(batch_coupling=of_rank(3), keras_path="nn.Fold")
def fold(
    x: ArrayLike,
    output_size: IntOrInts,
    kernel_size: IntOrInts,
    dilation: IntOrInts = 1,
    padding: IntOrInts = 0,
    stride: IntOrInts = 1,
) -> Array:
    """Add the patches that are the columns of a matrix to images with channels first (col2im), which sums where they overlap.

    Args:
        x: Array-like of shape ``(batch, channels * kernel_height * kernel_width, patches)``, such as :func:`unfold` returns.
        output_size: Integer or tuple of two integers, height and width of the images.
        kernel_size, dilation, padding, stride: Arguments of :func:`unfold`.

    Returns:
        Array of shape ``(batch, channels, height, width)``.

    Raises:
        InvalidArgumentError: If an argument has an invalid value.
        ShapeError: If the number of patches, or their size, does not fit the other arguments.

    Example:
        >>> from cornu import ops
        >>> ops.fold([[[1.0, 2.0], [3.0, 4.0]]], (1, 3), (1, 2)).tolist()
        [[[[1.0, 5.0, 4.0]]]]
    """
    backend, x = arrays(x)
    height, width = check_ints("fold", "output_size", output_size, 2)
    places, whole = _places_of_patches("fold", (height, width), kernel_size, dilation, padding, stride)
    area, count = places.shape
    if len(x.shape) != 3 or x.shape[1] % area or x.shape[2] != count:
        expected = f"For these arguments, its shape must be `(batch, channels * {area}, {count})`."
        raise shape_error("fold", x.shape, expected, "Pass the arguments with which `unfold` made the patches.")
    batch, channels = backend.shape(x)[0], x.shape[1] // area
    values = backend.transpose(backend.reshape(x, (batch, channels, area * count)), (2, 0, 1))
    zeros = backend.full((math.prod(whole), batch, channels), 0, backend.dtype(x))
    total = backend.index_add(zeros, backend.asarray(places.reshape(-1)), values)
    images = backend.reshape(backend.transpose(total, (1, 2, 0)), (batch, channels, *whole))
    top, left = ((size - inner) // 2 for size, inner in zip(whole, (height, width), strict=True))
    return backend.getitem(images, (..., slice(top, top + height), slice(left, left + width)))


def _places_of_patches(
    name: str, sizes: tuple[int, ...], kernel_size: IntOrInts, dilation: IntOrInts, padding: IntOrInts, stride: IntOrInts
) -> tuple[np.ndarray, tuple[int, ...]]:
    """Return the indices of the elements of all patches in a flattened, padded image, and the size of that image.

    Returns:
        ``int32`` array of shape ``(kernel_height * kernel_width, patches)``, and a pair of integers.
    """
    window, steps = check_ints(name, "kernel_size", kernel_size, 2), check_ints(name, "stride", stride, 2)
    spread, pad = check_ints(name, "dilation", dilation, 2), check_ints(name, "padding", padding, 2, least=0)
    whole = tuple(size + 2 * more for size, more in zip(sizes, pad, strict=True))
    reaches = [effective_size(*each) for each in zip(window, spread, strict=True)]
    counts = [(size - reach) // step + 1 for size, reach, step in zip(whole, reaches, steps, strict=True)]
    check_fits(name, whole, counts, reaches, "kernel_size")
    rows, columns = (
        d * np.arange(k)[:, np.newaxis] + s * np.arange(n) for d, k, s, n in zip(spread, window, steps, counts, strict=True)
    )
    places = rows[:, np.newaxis, :, np.newaxis] * whole[1] + columns[np.newaxis, :, np.newaxis, :]
    return places.reshape(math.prod(window), -1).astype("int32"), whole
