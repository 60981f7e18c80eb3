"""Convert between color spaces."""

from cornu import config
from cornu.backends.contract import Backend
from cornu.dtypes import is_float
from cornu.ops.batch_coupling import of_rank
from cornu.ops.conversion import round_and_cast
from cornu.ops.dispatch import arrays, op
from cornu.ops.image.layout import check_images
from cornu.ops.shape_checks import shape_error
from cornu.typing import Array, ArrayLike
from cornu.validation import invalid_dtype

__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]


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
        expected = "They must be one image or a batch of images with three channels: red, green and blue."
        hint = "Check `data_format`; images with one channel are grayscale already."
        raise shape_error("rgb_to_grayscale", x.shape, expected, hint, "images", data_format=data_format)
    dtype = backend.dtype(x)
    wide = x if is_float(dtype) else backend.cast(x, "float32")
    weights = backend.asarray([0.2989, 0.587, 0.114], backend.dtype(wide))
    shape = tuple(3 if i == axis else 1 for i in range(len(x.shape)))
    grey = backend.sum(backend.multiply(wide, backend.reshape(weights, shape)), axis, True)
    return grey if is_float(dtype) else round_and_cast(backend, grey, dtype)


@op(batch_coupling=of_rank(4))
def rgb_to_hsv(images: ArrayLike, data_format: str | None = None) -> Array:
    """Convert RGB images to hue, saturation and value, all in [0, 1].

    The value is the largest of the three colors, the saturation the difference of the largest and the smallest divided by the
    value. The hue is 0 for red, 1/3 for green and 2/3 for blue. Source: Smith, 1978, Color Gamut Transform Pairs.

    Args:
        images: Array-like of a floating-point dtype, one image of shape ``(height, width, 3)`` or a batch of images, of values
            in [0, 1].
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Raises:
        InvalidTypeError: If the dtype is not a floating-point one.
        ShapeError: If there are not three channels.

    Example:
        >>> from cornu import ops
        >>> ops.image.rgb_to_hsv([[[0.0, 0.5, 0.0]]]).tolist()[0][0][1:]
        [1.0, 0.5]
    """
    backend, x, axis = _three_floats(images, "rgb_to_hsv", data_format)
    red, green, blue = backend.split(x, (1, 1, 1), axis)
    value = backend.max(x, axis, True)
    spread = backend.subtract(value, backend.min(x, axis, True))
    is_gray, is_black = backend.equal(spread, 0), backend.equal(value, 0)
    saturation = backend.where(is_black, 0.0, backend.divide(spread, backend.where(is_black, 1.0, value)))
    divisor = backend.where(is_gray, 1.0, spread)

    def sector(one: Array, other: Array, start: float) -> Array:
        return backend.add(backend.divide(backend.subtract(one, other), divisor), start)

    # Comparisons, not `value == red`: a compiler may compute the colors twice, with different rounding errors.
    is_red, is_green = backend.greater_equal(red, backend.maximum(green, blue)), backend.greater_equal(green, blue)
    hue = backend.where(
        is_red, sector(green, blue, 0.0), backend.where(is_green, sector(blue, red, 2.0), sector(red, green, 4.0))
    )
    hue = backend.where(is_gray, 0.0, backend.divide(hue, 6.0))
    hue = backend.where(backend.less(hue, 0), backend.add(hue, 1.0), hue)
    return backend.concatenate([hue, saturation, value], axis)


@op(batch_coupling=of_rank(4))
def hsv_to_rgb(images: ArrayLike, data_format: str | None = None) -> Array:
    """Convert images of hue, saturation and value to RGB, the inverse of :func:`rgb_to_hsv`.

    Args:
        images: Array-like of a floating-point dtype, one image of shape ``(height, width, 3)`` or a batch of images, of values
            in [0, 1].
        data_format: ``"channels_last"`` (batch, ..., channels) or ``"channels_first"`` (batch, channels, ...). Defaults to
            ``config.image_data_format()``.

    Raises:
        InvalidTypeError: If the dtype is not a floating-point one.
        ShapeError: If there are not three channels.

    Example:
        >>> from cornu import ops
        >>> ops.image.hsv_to_rgb([[[0.0, 1.0, 0.5]]]).tolist()
        [[[0.5, 0.0, 0.0]]]
    """
    backend, x, axis = _three_floats(images, "hsv_to_rgb", data_format)
    hue, saturation, value = backend.split(x, (1, 1, 1), axis)
    angle = backend.multiply(hue, 6.0)

    def share(shift: float, sign: float) -> Array:
        """Return how much of a color the fully saturated hue has: a trapezoid of the angle to its center."""
        distance = backend.abs(backend.subtract(angle, shift))
        height = backend.add(backend.multiply(distance, sign), -1.0 if sign > 0 else 2.0)
        return backend.minimum(backend.maximum(height, 0.0), 1.0)

    shares = backend.concatenate([share(3.0, 1.0), share(2.0, -1.0), share(4.0, -1.0)], axis)
    darkest = backend.multiply(value, backend.subtract(1.0, saturation))
    return backend.add(darkest, backend.multiply(backend.subtract(value, darkest), shares))


def _three_floats(images: ArrayLike, name: str, data_format: str | None) -> tuple[Backend, Array, int]:
    """Return the backend, the images and the axis of their three channels."""
    data_format = config.standardize_data_format(data_format)
    backend, x = arrays(images)
    axis = check_images(x, name) - (1 if data_format == "channels_last" else 3)
    if x.shape[axis] not in (3, None):
        hint = "Check `data_format`; images with one channel are grayscale."
        raise shape_error(name, x.shape, "They must have three channels.", hint, "images", data_format=data_format)
    if not is_float(backend.dtype(x)):
        hint = "Pass `ops.cast(images, 'float32') / 255`."
        raise invalid_dtype(name, backend.dtype(x), "floats in [0, 1]", hint, "images")
    return backend, x, axis
