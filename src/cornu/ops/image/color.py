"""Convert between color spaces."""

from cornu import config
from cornu.dtypes import is_float
from cornu.errors import ShapeError
from cornu.ops.batch_coupling import of_rank
from cornu.ops.conversion import round_and_cast
from cornu.ops.dispatch import arrays, op
from cornu.typing import Array, ArrayLike

__all__ = ["rgb_to_grayscale"]


@op(batch_coupling=of_rank(4))
def rgb_to_grayscale(images: ArrayLike, data_format: str | None = None) -> Array:
    """Convert RGB images to grayscale: ``0.2989 * red + 0.587 * green + 0.114 * blue`` (perceptual luma weights).

    Args:
        images: Array-like, one image of shape ``(height, width, 3)`` or a batch of images.
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Returns:
        Array of images with one channel, of the dtype of ``images``.

    Raises:
        ShapeError: If there are not three channels.

    Example:
        >>> from cornu import ops
        >>> ops.image.rgb_to_grayscale([[[200, 200, 200]]]).tolist()
        [[[200]]]
    """
    data_format = config.standardize_data_format(data_format)
    backend, x = arrays(images)
    axis = len(x.shape) - (1 if data_format == "channels_last" else 3)
    if len(x.shape) not in (3, 4) or x.shape[axis] != 3:
        raise ShapeError(
            f"`rgb_to_grayscale` received `images` of shape {tuple(x.shape)} and `data_format={data_format!r}`.",
            "They must be one image or a batch of images with three channels: red, green and blue.",
            "Check `data_format`; images with one channel are grayscale already.",
        )
    dtype = backend.dtype(x)
    wide = x if is_float(dtype) else backend.cast(x, "float32")
    weights = backend.asarray([0.2989, 0.587, 0.114], backend.dtype(wide))
    shape = tuple(3 if i == axis else 1 for i in range(len(x.shape)))
    grey = backend.sum(backend.multiply(wide, backend.reshape(weights, shape)), axis, True)
    return grey if is_float(dtype) else round_and_cast(backend, grey, dtype)
