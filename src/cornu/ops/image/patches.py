"""Patches of images and volumes."""

import math

from cornu import config
from cornu.ops.batch_coupling import of_rank
from cornu.ops.dispatch import arrays, op
from cornu.ops.nn.windows import check_fits, effective_size, output_size, padding_pair, windows_along
from cornu.ops.shape_checks import shape_error
from cornu.typing import Array, ArrayLike, IntOrInts
from cornu.validation import check_ints, standardize_padding

__all__ = ["extract_patches", "extract_patches_3d"]


@op(batch_coupling=of_rank(4), keras_path="image.ExtractPatches")
def extract_patches(
    images: ArrayLike,
    size: IntOrInts,
    strides: IntOrInts | None = None,
    dilation_rate: IntOrInts = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """Return the patches of images, or of volumes, as vectors.

    Args:
        images: Array-like, one image of shape ``(height, width, channels)`` or a batch of images; volumes have one axis more.
        size: Integer or tuple of integers, size of a patch; three integers for volumes.
        strides: Integer or tuple of integers, step from patch to patch along each axis. Defaults to ``size`` (patches that do
            not overlap).
        dilation_rate: Integer or tuple of integers, distance of the elements of a patch. Defaults to 1.
        padding: ``"valid"`` (only patches that lie inside) or ``"same"`` (pad with zeros so that there are as many patches as
            the size of the input divided by the strides, rounded up). Defaults to ``"valid"``.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of shape ``(batch, rows, columns, patch_height * patch_width * channels)``.

    Raises:
        InvalidArgumentError: If an argument has an invalid value.
        ShapeError: If the images have another number of axes, or are smaller than a patch.

    Example:
        >>> from cornu import ops
        >>> ops.image.extract_patches(ops.ones((2, 20, 20, 3)), 5).shape
        (2, 4, 4, 75)
    """
    rank = len(size) if isinstance(size, (list, tuple)) and len(size) == 3 else 2
    return _patches("extract_patches", images, size, strides, dilation_rate, padding, data_format, rank)


@op(batch_coupling=of_rank(5))
def extract_patches_3d(
    volumes: ArrayLike,
    size: IntOrInts,
    strides: IntOrInts | None = None,
    dilation_rate: IntOrInts = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Array:
    """Return the patches of volumes as vectors (see :func:`extract_patches` for the arguments).

    Example:
        >>> from cornu import ops
        >>> ops.image.extract_patches_3d(ops.ones((2, 10, 10, 10, 3)), 3).shape
        (2, 3, 3, 3, 81)
    """
    return _patches("extract_patches_3d", volumes, size, strides, dilation_rate, padding, data_format, 3)


def _patches(
    name: str,
    images: ArrayLike,
    size: IntOrInts,
    strides: IntOrInts | None,
    dilation_rate: IntOrInts,
    padding: str,
    data_format: str | None,
    rank: int,
) -> Array:
    """Return the patches of images (``rank`` 2) or volumes (3)."""
    data_format, padding = config.standardize_data_format(data_format), standardize_padding(padding)
    window = check_ints(name, "size", size, rank)
    steps = window if strides is None else check_ints(name, "strides", strides, rank)
    dilation = check_ints(name, "dilation_rate", dilation_rate, rank)
    backend, x = arrays(images)
    if len(x.shape) not in (rank + 1, rank + 2):
        expected = f"It must have {rank + 1} axes, or {rank + 2} for a batch: {rank} spatial axes and the channels."
        raise shape_error(name, x.shape, expected, "Add the channel axis of grayscale images with `expand_dims(images, -1)`.")
    is_single = len(x.shape) == rank + 1
    x = backend.reshape(x, (1, *backend.shape(x))) if is_single else x
    x = x if data_format == "channels_last" else backend.transpose(x, (0, *range(2, rank + 2), 1))
    sizes = tuple(x.shape[1:-1])
    pairs = [padding_pair(padding, *each) for each in zip(sizes, window, steps, dilation, strict=True)]
    counts = [output_size(*each) for each in zip(sizes, window, steps, pairs, dilation, strict=True)]
    check_fits(name, sizes, counts, [effective_size(*each) for each in zip(window, dilation, strict=True)], "size")
    x = backend.pad(x, ((0, 0), *pairs, (0, 0)))
    for number, each in enumerate(zip(window, steps, dilation, strict=True)):
        x = windows_along(backend, x, 1 + 2 * number, *each)
    axes = (0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1)
    depth = math.prod(window) * x.shape[-1]
    x = backend.reshape(backend.transpose(x, axes), (*backend.shape(x)[:1], *counts, depth))
    x = x if data_format == "channels_last" else backend.transpose(x, (0, rank + 1, *range(1, rank + 1)))
    return backend.reshape(x, backend.shape(x)[1:]) if is_single else x
