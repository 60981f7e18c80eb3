"""Crop and pad images."""

from cornu import config
from cornu.errors import InvalidArgumentError
from cornu.ops.batch_coupling import of_rank
from cornu.ops.dispatch import arrays, op
from cornu.ops.image.layout import check_images, rows_axis
from cornu.typing import Array, ArrayLike

__all__ = ["crop_images", "pad_images"]


@op(batch_coupling=of_rank(4))
def crop_images(
    images: ArrayLike,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Array:
    """Crop images.

    Of ``top_cropping``, ``bottom_cropping`` and ``target_height`` exactly two must be given, and of ``left_cropping``,
    ``right_cropping`` and ``target_width`` as well.

    Args:
        images: Array-like, one image of shape ``(height, width, channels)`` or a batch of images.
        top_cropping, left_cropping, bottom_cropping, right_cropping: Integers, numbers of rows or columns to remove there.
        target_height, target_width: Integers, size of the result.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of the dtype of ``images``.

    Raises:
        InvalidArgumentError: If the arguments do not fit together or the image.
        ShapeError: If ``images`` is neither an image nor a batch of images.

    Example:
        >>> from cornu import ops
        >>> image = ops.reshape(ops.arange(6), (2, 3, 1))
        >>> ops.image.crop_images(image, top_cropping=0, left_cropping=1, target_height=1, target_width=2).tolist()
        [[[1], [2]]]
    """
    backend, x = arrays(images)
    rows = _rows_axis(x, "crop_images", data_format)
    height, width = x.shape[rows], x.shape[rows + 1]
    top, bottom = _completed(height, -1, top_cropping, bottom_cropping, target_height, ("top", "bottom", "height"))
    left, right = _completed(width, -1, left_cropping, right_cropping, target_width, ("left", "right", "width"))
    box = (slice(top, height - bottom), slice(left, width - right))
    return backend.getitem(x, (slice(None),) * rows + box)


@op(batch_coupling=of_rank(4))
def pad_images(
    images: ArrayLike,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Array:
    """Pad images with zeros.

    Of ``top_padding``, ``bottom_padding`` and ``target_height`` exactly two must be given, and of ``left_padding``,
    ``right_padding`` and ``target_width`` as well.

    Args:
        images: Array-like, one image of shape ``(height, width, channels)`` or a batch of images.
        top_padding, left_padding, bottom_padding, right_padding: Integers, numbers of rows or columns of zeros to add there.
        target_height, target_width: Integers, size of the result.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of the dtype of ``images``.

    Raises:
        InvalidArgumentError: If the arguments do not fit together or the image.
        ShapeError: If ``images`` is neither an image nor a batch of images.

    Example:
        >>> from cornu import ops
        >>> ops.image.pad_images(ops.ones((1, 1, 1)), 0, 1, 0, target_width=3).tolist()
        [[[0.0], [1.0], [0.0]]]
    """
    backend, x = arrays(images)
    rows = _rows_axis(x, "pad_images", data_format)
    top, bottom = _completed(x.shape[rows], 1, top_padding, bottom_padding, target_height, ("top", "bottom", "height"))
    left, right = _completed(x.shape[rows + 1], 1, left_padding, right_padding, target_width, ("left", "right", "width"))
    pairs = [(0, 0)] * len(x.shape)
    pairs[rows : rows + 2] = (top, bottom), (left, right)
    return backend.pad(x, tuple(pairs))


def _rows_axis(x: Array, name: str, data_format: str | None) -> int:
    """Return the axis of the rows of an image or a batch of images."""
    rank = check_images(x, name)
    return rows_axis(rank, config.standardize_data_format(data_format))


def _completed(
    size: int, sign: int, before: int | None, after: int | None, target: int | None, names: tuple[str, str, str]
) -> tuple[int, int]:
    """Return the numbers of rows or columns to add (or to remove, for sign -1) on both sides."""
    kind = "padding" if sign == 1 else "cropping"
    given = {f"{names[0]}_{kind}": before, f"{names[1]}_{kind}": after, f"target_{names[2]}": target}
    text = ", ".join(f"{name}={value}" for name, value in given.items())
    if sum(value is None for value in given.values()) != 1:
        raise InvalidArgumentError(
            f"`{text}` was given.", "Exactly two of the three must be given.", "Pass None for the one that follows from them."
        )
    change = 0 if target is None else sign * (target - size)
    first = change - (after or 0) if before is None else before
    last = change - first if after is None else after
    if first < 0 or last < 0 or size + sign * (first + last) <= 0:
        raise InvalidArgumentError(
            f"`{text}` was given for images whose {names[2]} is {size}.",
            "No number of rows or columns may be negative, and at least one must remain.",
            f"Pass a `target_{names[2]}` {'of at least' if sign == 1 else 'of at most'} {size}.",
        )
    return first, last
