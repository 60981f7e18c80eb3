"""Layout of images: one image or a batch, with the channels last or first."""

from cornu import config
from cornu.backends.contract import Backend
from cornu.ops.shape_checks import shape_error
from cornu.typing import Array


def check_images(images: Array, name: str) -> int:
    """Return the number of axes of an image (3) or a batch of images (4).

    Args:
        images: Array.
        name: Name of the op or layer that received it, for the error.

    Raises:
        ShapeError: If the array is neither an image nor a batch of images.
    """
    rank = len(images.shape)
    if rank not in (3, 4):
        hint = "Add the channel axis of grayscale images with `expand_dims(images, -1)`."
        raise shape_error(name, images.shape, "They must be one image (3 axes) or a batch of images (4 axes).", hint, "images")
    return rank


def rows_axis(rank: int, data_format: str) -> int:
    """Return the axis of the rows of an image (3 axes) or a batch of images (4 axes); the columns are the next one."""
    return rank - 3 + (data_format == "channels_first")


def as_batch(backend: Backend, images: Array, name: str, data_format: str | None) -> tuple[Array, bool]:
    """Return images as a batch with the channels last, and whether it is one image.

    Raises:
        ShapeError: If they are neither an image nor a batch of images.
    """
    rank = check_images(images, name)
    if rank == 3:
        images = backend.reshape(images, (1, *backend.shape(images)))
    is_last = config.standardize_data_format(data_format) == "channels_last"
    return (images if is_last else backend.transpose(images, (0, 2, 3, 1))), rank == 3


def from_batch(backend: Backend, images: Array, is_single: bool, data_format: str | None) -> Array:
    """Undo :func:`as_batch`."""
    if config.standardize_data_format(data_format) != "channels_last":
        images = backend.transpose(images, (0, 3, 1, 2))
    return backend.reshape(images, backend.shape(images)[1:]) if is_single else images
